//! Each reads what is said to him, where it was said, unchanged; nobody reads more.

use hpke::{Deserializable as _, OpModeS, Serializable as _};
use proof::{reads_units, seal, view_key};
use rand::{SeedableRng as _, rngs::StdRng};
use types::{
    AccountId, ChainId, DecodeError, InstructionId, Lane, PartyId, Sender, Text, Wire as _,
};

use super::super::{
    envelope::{CannotOpen, CannotSeal, DOMAIN, EnvelopePlace, MESSAGES_MAX, SealedEnvelope},
    message::{
        Content, Few, ForAdministrators, ForIssuer, ForSide, LEGS_MAX, Recipient, Short, Size,
    },
    reader::{Aead, EnvelopeKey, EnvelopeSecret, Kdf, Kem},
};

fn text<const MAX: u32>(text: &str) -> Short<MAX> {
    Short(Text::new(text).unwrap())
}

fn secret(of: Recipient) -> EnvelopeSecret {
    EnvelopeSecret::derive(&[of.to_bytes()[0] + 1; 32])
}

fn place() -> EnvelopePlace {
    let sender = Sender::Account(AccountId([9; 16]));
    EnvelopePlace { chain: ChainId([7; 32]), sender, lane: Lane(3), sequence: 70 }
}

/// What the seller of 12,000 shares tells: two legs, references as long as ISO 15022 has them.
fn side() -> ForSide {
    ForSide {
        blinding_seed: [5; 32],
        amounts: Few::new(vec![12_000, 36_480_000]).unwrap(),
        sender: PartyId(11),
        reference: text("SELL-20261127-01"),
        common_reference: text("DVP2026112700042"),
        memo: text(""),
        trade: text(""),
    }
}

fn contents() -> Vec<Content> {
    let few = |amounts: &[u64]| Few::new(amounts.to_vec()).unwrap();
    let parties = Few::new(vec![PartyId(11), PartyId(12)]).unwrap();
    vec![
        Content::OwnBooks(side()),
        Content::Counterparty(side()),
        Content::Administrators(ForAdministrators { amounts: few(&[12_000, 36_480_000]), parties }),
        Content::Issuer(ForIssuer { amount: 12_000, holder: text("HOLDER-000000042") }),
    ]
}

fn sealed_to_each(contents: &[Content]) -> SealedEnvelope {
    let to: Vec<_> = contents.iter().map(|it| (secret(it.to()).key(), it.clone())).collect();
    SealedEnvelope::seal(&place(), &to, &mut StdRng::seed_from_u64(1)).unwrap()
}

const ALL: [Recipient; 4] =
    [Recipient::OwnBooks, Recipient::Counterparty, Recipient::Administrators, Recipient::Issuer];

#[test]
fn each_reads_what_is_said_to_him() {
    let sealed = sealed_to_each(&contents());
    let brought = SealedEnvelope::from_bytes(&sealed.to_bytes()).unwrap();
    assert_eq!(brought, sealed);
    assert!(brought.recipients().eq(ALL));
    for content in contents() {
        let to = content.to();
        assert_eq!(brought.open(&place(), to, &secret(to)), Ok(content));
    }
    assert_eq!(brought.digest(), ledger::envelope::sealed_digest(&sealed.to_bytes()));
}

#[test]
fn the_common_dvp_costs_457_bytes() {
    let lengths: Vec<_> = contents().iter().map(|it| it.padded().len()).collect();
    assert_eq!(lengths, [96, 96, 32, 32]);
    assert_eq!(sealed_to_each(&contents()).to_bytes().len(), 457);
}

#[test]
fn what_version_1_sealed_opens() {
    let frozen = SealedEnvelope::from_bytes(&hex::decode(TO_ISSUER).unwrap()).unwrap();
    let opened = frozen.open(&place(), Recipient::Issuer, &secret(Recipient::Issuer));
    assert_eq!(opened.as_ref(), Ok(&contents()[3]));
}

const TO_ISSUER: &str = concat!(
    "01032bd9da78f01d8bc6948bbcbe44ec1e7163d05083e267d110cdb2e75d847e3b6f00724a7078fd7d9b",
    "37390855ecbfd9c9e577d4eea76aa5d8f920cf4b06c5e70e07130296fd35fee432a68077cae6c4639e",
);

#[test]
fn every_changed_bit_is_refused() {
    let bytes = sealed_to_each(&contents()).to_bytes();
    let ends = [147, 293, 375, 457];
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(read) = SealedEnvelope::from_bytes(&changed) else { continue };
        assert_eq!(read.to_bytes(), changed, "an envelope has one encoding");
        assert_ne!(bit / 8, 0, "the count is no other");
        let whose = ends.iter().position(|end| bit / 8 < *end).unwrap();
        for (place_of, to) in ALL.into_iter().enumerate() {
            let opened = read.open(&place(), to, &secret(to));
            assert_eq!(opened.is_err(), place_of == whose, "bit {bit}, {to:?}");
        }
    }
    for end in 0..bytes.len() {
        let cut = SealedEnvelope::from_bytes(&bytes[..end]);
        assert_eq!(cut, Err(DecodeError::Truncated), "{end}");
    }
    let longer = [bytes, vec![0]].concat();
    assert_eq!(SealedEnvelope::from_bytes(&longer), Err(DecodeError::Trailing));
}

#[test]
fn a_message_is_good_at_its_place_alone() {
    let sealed = sealed_to_each(&contents());
    let here = place();
    let elsewhere = [
        EnvelopePlace { chain: ChainId([8; 32]), ..here },
        EnvelopePlace { sender: Sender::Account(AccountId([8; 16])), ..here },
        EnvelopePlace { sender: Sender::Party(PartyId(9)), ..here },
        EnvelopePlace { lane: Lane(4), ..here },
        EnvelopePlace { sequence: 71, ..here },
    ];
    for (elsewhere, to) in elsewhere.iter().flat_map(|it| ALL.map(|to| (it, to))) {
        let opened = sealed.open(elsewhere, to, &secret(to));
        assert_eq!(opened, Err(CannotOpen::NotForUs { to }));
    }
    let first = InstructionId { sender: here.sender, lane: Lane(3), sequence: 70, index: 0 };
    assert_eq!(EnvelopePlace::of(here.chain, &first), here);
}

#[test]
fn nobody_opens_what_is_said_to_another() {
    let sealed = sealed_to_each(&contents());
    for (whose, to) in ALL.into_iter().flat_map(|it| ALL.map(|to| (it, to))) {
        let opened = sealed.open(&place(), to, &secret(whose));
        assert_eq!(opened.err(), (whose != to).then_some(CannotOpen::NotForUs { to }));
    }
    let two = sealed_to_each(&contents()[..2]);
    for to in [Recipient::Administrators, Recipient::Issuer] {
        let opened = two.open(&place(), to, &secret(to));
        assert_eq!(opened, Err(CannotOpen::NoMessage { to }));
    }
}

#[test]
fn a_message_given_to_another_kind_of_recipient_is_refused() {
    let mut bytes = sealed_to_each(&contents()[1..2]).to_bytes();
    bytes[1] = Recipient::OwnBooks.to_bytes()[0];
    let (to, key) = (Recipient::OwnBooks, secret(Recipient::Counterparty));
    let opened = SealedEnvelope::from_bytes(&bytes).unwrap().open(&place(), to, &key);
    assert_eq!(opened, Err(CannotOpen::NotForUs { to }));
}

#[test]
fn of_two_issuers_each_finds_his_own() {
    let keys = [1, 2].map(|it| EnvelopeSecret::derive(&[it; 32]));
    let said = [5, 6].map(|amount| Content::Issuer(ForIssuer { amount, holder: text("H") }));
    let to: Vec<_> = keys.iter().map(EnvelopeSecret::key).zip(said.clone()).collect();
    let sealed = SealedEnvelope::seal(&place(), &to, &mut StdRng::seed_from_u64(1)).unwrap();
    for (key, said) in keys.iter().zip(said) {
        assert_eq!(sealed.open(&place(), Recipient::Issuer, key), Ok(said));
    }
}

#[test]
fn what_cannot_be_sealed_is_refused_by_name() {
    let mut rng = StdRng::seed_from_u64(1);
    let one = (secret(Recipient::Issuer).key(), contents()[3].clone());
    let mut to = vec![one; usize::from(MESSAGES_MAX)];
    assert!(SealedEnvelope::seal(&place(), &to, &mut rng).is_ok());
    // Points of small order, 0 and 1: whatever is agreed with them is the same for everybody.
    for first in [0, 1] {
        let mut bytes = [0; 32];
        bytes[0] = first;
        to[5].0 = EnvelopeKey { bytes };
        let sealed = SealedEnvelope::seal(&place(), &to, &mut rng);
        assert_eq!(sealed, Err(CannotSeal::NoKey { place: 5 }));
    }
    to.push(to[0].clone());
    assert_eq!(SealedEnvelope::seal(&place(), &to, &mut rng), Err(CannotSeal::TooMany));
}

#[test]
fn more_messages_legs_or_letters_than_there_may_be_are_refused_at_once() {
    let too_many = SealedEnvelope::from_bytes(&[MESSAGES_MAX + 1]);
    assert_eq!(too_many, Err(DecodeError::TooLong));
    assert_eq!(Few::new(vec![0_u64; usize::from(LEGS_MAX) + 1]), None);
    assert_eq!(Few::<u64>::from_bytes(&[LEGS_MAX + 1]), Err(DecodeError::TooLong));
    assert_eq!(Short::<35>::from_bytes(&[36; 37]), Err(DecodeError::TooLong));
    for bad in [&b"\x01\n"[..], &[2, 0xc3, 0x28]] {
        assert_eq!(Short::<35>::from_bytes(bad), Err(DecodeError::NotCanonical));
    }
    assert_eq!(SealedEnvelope::from_bytes(&[1, 4]), Err(DecodeError::UnknownTag(4)));
    let size = [vec![1, 0], vec![7; 32], vec![3]].concat();
    assert_eq!(SealedEnvelope::from_bytes(&size), Err(DecodeError::UnknownTag(3)));
}

#[test]
fn the_longest_content_fits_and_looks_like_any_of_its_size() {
    let longest = ForSide {
        amounts: Few::new(vec![u64::MAX; usize::from(LEGS_MAX)]).unwrap(),
        reference: text(&"r".repeat(35)),
        common_reference: text(&"c".repeat(35)),
        memo: text(&"m".repeat(210)),
        trade: text(&"t".repeat(52)),
        ..side()
    };
    assert_eq!(longest.to_bytes().len(), 501);
    let sealed = sealed_to_each(&[Content::OwnBooks(longest.clone())]);
    assert_eq!(sealed.to_bytes().len(), 1 + 50 + Size::Large.bytes());
    let opened = sealed.open(&place(), Recipient::OwnBooks, &secret(Recipient::OwnBooks));
    assert_eq!(opened, Ok(Content::OwnBooks(longest)));
    let mut lengths = std::collections::BTreeSet::new();
    for letters in 0..=210 {
        let said = ForSide { memo: text(&"m".repeat(letters)), ..side() };
        lengths.insert(sealed_to_each(&[Content::OwnBooks(said)]).to_bytes().len());
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [147, 563]);
}

#[test]
fn a_content_has_one_encoding() {
    for content in contents() {
        let (to, bytes) = (content.to(), content.padded());
        assert_eq!(Content::read_padded(to, &bytes), Ok(content));
        let not_zero = [&bytes[..bytes.len() - 1], &[1]].concat();
        assert_eq!(Content::read_padded(to, &not_zero), Err(DecodeError::NotCanonical));
        let longer = [&bytes[..], &[0; 416]].concat();
        assert_eq!(Content::read_padded(to, &longer), Err(DecodeError::NotCanonical));
        assert_eq!(Content::read_padded(to, &bytes[..24]), Err(DecodeError::Truncated));
    }
}

/// A sender may seal what it likes; the recipient learns what is wrong with it.
#[test]
fn what_was_sealed_and_is_no_content_is_refused_by_name() {
    let (to, key) = (Recipient::Issuer, secret(Recipient::Issuer).key());
    let key = <Kem as hpke::Kem>::PublicKey::from_bytes(&key.bytes).unwrap();
    let filled = |start: &[u8], with: u8| {
        let mut bytes = start.to_vec();
        bytes.resize(Size::Small.bytes(), with);
        bytes
    };
    let amount = [0, 0, 0, 0, 0, 0, 0, 7];
    for (said, why) in [
        (filled(&[&amount[..], &[24]].concat(), b'x'), Some(DecodeError::Truncated)),
        (filled(&amount, 36), Some(DecodeError::TooLong)),
        (filled(&[&amount[..], &[2, 0xff, 0xff]].concat(), 0), Some(DecodeError::NotCanonical)),
        (filled(&[&amount[..], &[1, b'H']].concat(), 1), Some(DecodeError::NotCanonical)),
        (filled(&[&amount[..], &[1, b'H']].concat(), 0), None),
    ] {
        let rng = &mut StdRng::seed_from_u64(1);
        let (agreed, ciphertext) = hpke::single_shot_seal_with_rng::<Aead, Kdf, Kem>(
            &OpModeS::Base,
            &key,
            DOMAIN,
            &said,
            &place().beside(to),
            rng,
        )
        .unwrap();
        let head = [vec![1], to.to_bytes(), agreed.to_bytes().to_vec(), Size::Small.to_bytes()];
        let bytes = [head.concat(), ciphertext].concat();
        let sealed = SealedEnvelope::from_bytes(&bytes).unwrap();
        let opened = sealed.open(&place(), to, &secret(to));
        assert_eq!(opened.err(), why.map(|why| CannotOpen::NotUnderstood { to, why }));
    }
}

#[test]
fn blindings_follow_from_the_blinding_seed_and_open_the_legs() {
    let view = proof::Secret::of_bytes(&[3; 64]).unwrap();
    let (seller, buyer) = (side(), side());
    for (leg, units) in (0..).zip(seller.amounts.all()) {
        let sealed = seal(*units, &seller.blinding(leg), &[view_key(&view)]).unwrap();
        assert_eq!(seal(*units, &buyer.blinding(leg), &[view_key(&view)]), Some(sealed.clone()));
        let stated = crypto::statement::Stated {
            commitment: sealed.commitment,
            handle: sealed.handles.all()[0],
        };
        assert!(reads_units(&stated, &view, *units));
    }
    let all: std::collections::BTreeSet<_> =
        (0..=u8::MAX).map(|leg| side().blinding(leg).to_bytes()).collect();
    assert_eq!(all.len(), 256);
    assert_eq!(hex::encode(side().blinding(0).to_bytes()), BLINDING);
}

const BLINDING: &str = "7cd32fcf86f701f3141e75c3af5691b63b0ca6edcaca2b83cc0afac7fbf35c02";
