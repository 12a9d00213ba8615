//! What is a certificate of a block, and what is none.

use alloc::{vec, vec::Vec};

use types::{LedgerTime, PartyId, Text};

use super::*;

const CHAIN: ChainId = ChainId([7; 32]);

fn secrets(count: u8) -> Vec<SecretKey> {
    (0..count).map(|it| SecretKey::from_seed([it; 32])).collect()
}

fn committee(epoch: u64, secrets: &[SecretKey]) -> Committee {
    let one = |it: &SecretKey| Validator {
        key: it.public(),
        party: PartyId(1),
        address: Text::new("127.0.0.1:1").unwrap(),
    };
    let mut validators: Vec<Validator> = secrets.iter().map(one).collect();
    validators.sort();
    Committee { epoch, validators }
}

fn header(epoch: u64, view: u64, height: u64) -> Header {
    Header {
        time: LedgerTime(height),
        epoch,
        view,
        parent_view: view.saturating_sub(1),
        ..Header::blank(CHAIN, height)
    }
}

#[test]
fn two_thirds_and_one_must_sign() {
    for (count, needed) in [(1, 1), (4, 3), (5, 4), (7, 5), (31, 21)] {
        assert_eq!(quorum(u32::from(count)), needed);
        let (all, header) = (secrets(count), header(300, 1 << 40, 9));
        let committee = committee(300, &all);
        for signing in 0..=all.len() {
            let bytes = sign(&header, &committee, &all[..signing]);
            let enough = signing >= usize::try_from(needed).unwrap();
            let expected = if enough { Ok(()) } else { Err(NotCertified::TooFew) };
            assert_eq!(check(&header, &bytes, &committee), expected, "{signing} of {count}");
        }
    }
}

#[test]
fn every_bit_counts() {
    let (all, header) = (secrets(7), header(0, 9, 3));
    let committee = committee(0, &all);
    let bytes = sign(&header, &committee, &all[..5]);
    assert_eq!(check(&header, &bytes, &committee), Ok(()));
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(check(&header, &other, &committee).is_err(), "{bit}");
    }
    for end in 0..bytes.len() {
        let cut = check(&header, &bytes[..end], &committee);
        assert!(matches!(cut, Err(NotCertified::Malformed(_))), "{end}");
    }
    let longer = [bytes, vec![0]].concat();
    let trailing = Err(NotCertified::Malformed(DecodeError::Trailing));
    assert_eq!(check(&header, &longer, &committee), trailing);
}

#[test]
fn the_ladder_of_refusals() {
    let (all, header) = (secrets(4), header(2, 5, 9));
    let committee = committee(2, &all);
    let bytes = sign(&header, &committee, &all);
    let none = Committee { validators: Vec::new(), ..committee.clone() };
    assert_eq!(check(&header, &bytes, &none), Err(NotCertified::NoCommittee));
    let mut twice = committee.clone();
    twice.validators[1] = twice.validators[0].clone();
    assert_eq!(check(&header, &bytes, &twice), Err(NotCertified::NoCommittee));
    let mut disordered = committee.clone();
    disordered.validators.reverse();
    assert_eq!(check(&header, &bytes, &disordered), Err(NotCertified::NoCommittee));

    let later = Committee { epoch: 3, ..committee.clone() };
    assert_eq!(check(&header, &bytes, &later), Err(NotCertified::OtherEpoch));
    let other_epoch = Header { epoch: 3, ..header.clone() };
    assert_eq!(check(&other_epoch, &bytes, &later), Err(NotCertified::OtherEpoch));

    // Another block of the same view.
    let equivocal = Header { time: LedgerTime(10), ..header.clone() };
    assert_eq!(check(&equivocal, &bytes, &committee), Err(NotCertified::OtherBlock));
    let elsewhere = Header { chain: ChainId([8; 32]), ..header.clone() };
    assert_eq!(check(&elsewhere, &bytes, &committee), Err(NotCertified::OtherBlock));

    let mut fewer = committee.clone();
    fewer.validators.pop();
    assert_eq!(check(&header, &bytes, &fewer), Err(NotCertified::OtherCommittee));
    let two = sign(&header, &committee, &all[..2]);
    assert_eq!(check(&header, &two, &committee), Err(NotCertified::TooFew));

    let strangers: Vec<SecretKey> = (9..13).map(|it| SecretKey::from_seed([it; 32])).collect();
    let theirs = super::tests::committee(2, &strangers);
    let foreign = sign(&header, &theirs, &strangers);
    assert_eq!(check(&header, &foreign, &theirs), Ok(()));
    assert_eq!(check(&header, &foreign, &committee), Err(NotCertified::WrongSignature));
}

#[test]
fn a_block_proposed_again_is_certified_in_a_later_view_and_in_no_earlier_one() {
    let (all, header) = (secrets(4), header(0, 5, 9));
    let committee = committee(0, &all);
    let again = |view: u64| {
        let mut made = Finalization::from_bytes(&sign(&header, &committee, &all)).unwrap();
        made.view = view;
        made.parent_view = 5;
        made.signatures.clear();
        let message = made.message(&CHAIN);
        for it in &committee.validators {
            let secret = all.iter().find(|secret| secret.public() == it.key).unwrap();
            made.signatures.push(secret.sign(&message));
        }
        made.to_bytes()
    };
    assert_eq!(check(&header, &again(8), &committee), Ok(()));
    assert_eq!(check(&header, &again(4), &committee), Err(NotCertified::OtherView));
}

#[test]
fn a_signature_that_is_given_twice_counts_once() {
    let (all, header) = (secrets(4), header(0, 5, 9));
    let committee = committee(0, &all);
    let mut made = Finalization::from_bytes(&sign(&header, &committee, &all[..2])).unwrap();
    made.signatures.push(made.signatures[0]);
    let malformed = Err(NotCertified::Malformed(DecodeError::NotCanonical));
    assert_eq!(check(&header, &made.to_bytes(), &committee), malformed);
    made.signers = vec![0b1111];
    assert_eq!(check(&header, &made.to_bytes(), &committee), malformed);
    made.signers = vec![0b1011];
    let wrong = Finalization { signers: vec![0b1110], ..made };
    assert_eq!(check(&header, &wrong.to_bytes(), &committee), Err(NotCertified::WrongSignature));
}

#[test]
fn integers_have_one_form() {
    for it in [0, 1, 127, 128, 300, 1 << 35, u64::MAX] {
        let mut bytes = Vec::new();
        write_varint(it, &mut bytes);
        let from = &mut Reader::new(&bytes);
        assert_eq!(varint(from), Ok(it));
        assert!(from.is_empty());
    }
    for bytes in [&[0x80, 0][..], &[0xff, 0x80, 0], &[0xff; 11]] {
        assert_eq!(varint(&mut Reader::new(bytes)), Err(DecodeError::NotCanonical));
    }
    assert_eq!(varint(&mut Reader::new(&[0x80])), Err(DecodeError::Truncated));
}
