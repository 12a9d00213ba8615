//! The administrators, and nobody else, get the secret of their epoch.

use proof::{Secret, view_key};
use rand::{SeedableRng as _, rngs::StdRng};
use types::{ChainId, DecodeError, KeyId, PartyId, Wire as _};

use super::super::{
    message::Few,
    reader::{EnvelopeSecret, ReaderKeys},
    seed::Seed,
    wrap::{CannotUnwrap, CannotWrap, EpochKeys, WrapKey, WrapSecret, WrappedEpoch},
};

const CHAIN: ChainId = ChainId([7; 32]);

fn administrator(it: u8) -> (PartyId, WrapSecret) {
    let seed = Seed::parse(&format!("{it:02x}").repeat(32)).unwrap();
    (PartyId(it.into()), seed.administrator())
}

fn three() -> Vec<(PartyId, WrapKey)> {
    [1, 2, 3].map(administrator).map(|(party, secret)| (party, secret.key())).to_vec()
}

fn secrets() -> ReaderKeys {
    ReaderKeys::random(&mut StdRng::seed_from_u64(4))
}

fn wrapped() -> WrappedEpoch {
    let mut rng = StdRng::seed_from_u64(5);
    WrappedEpoch::wrap(CHAIN, KeyId(6), &secrets(), &three(), &mut rng).unwrap()
}

fn refused(wrapped: &WrappedEpoch, of: u8) -> Option<CannotUnwrap> {
    let (party, secret) = administrator(of);
    wrapped.unwrap(party, &secret).err()
}

#[test]
fn each_administrator_unwraps_the_epochs_secrets() {
    let bytes = wrapped().to_bytes();
    assert_eq!(bytes.len(), 32 + 4 + 32 + 32 + 1 + 3 * (4 + 1_120 + 80));
    let brought = WrappedEpoch::from_bytes(&bytes).unwrap();
    assert_eq!(brought, wrapped());
    for it in [1, 2, 3] {
        let (party, secret) = administrator(it);
        let unwrapped = brought.unwrap(party, &secret).ok().unwrap();
        assert_eq!(view_key(&unwrapped.view), brought.keys.view);
        assert_eq!(unwrapped.view.to_bytes(), secrets().view.to_bytes());
        assert_eq!(*unwrapped.envelope.to_bytes(), *secrets().envelope.to_bytes());
    }
}

#[test]
fn nobody_else_unwraps_them() {
    let wrapped = wrapped();
    assert_eq!(refused(&wrapped, 4), Some(CannotUnwrap::NothingForUs));
    let (_, of_another) = administrator(2);
    assert_eq!(wrapped.unwrap(PartyId(1), &of_another).err(), Some(CannotUnwrap::NotForUs));
}

#[test]
fn what_is_wrapped_is_good_for_its_market_epoch_and_administrator_alone() {
    let other = ReaderKeys::random(&mut StdRng::seed_from_u64(8));
    let keys = wrapped().keys;
    let others = [
        EpochKeys { chain: ChainId([8; 32]), ..keys },
        EpochKeys { key: KeyId(7), ..keys },
        EpochKeys { view: view_key(&other.view), ..keys },
        EpochKeys { envelope: other.envelope.key(), ..keys },
    ];
    for keys in others {
        let elsewhere = WrappedEpoch { keys, ..wrapped() };
        assert_eq!(refused(&elsewhere, 1), Some(CannotUnwrap::NotForUs));
    }
    let mut all = wrapped().wrapped.all().to_vec();
    all[0].administrator = PartyId(2);
    all.swap_remove(1);
    let renamed = WrappedEpoch { wrapped: Few::new(all).unwrap(), ..wrapped() };
    assert_eq!(renamed.unwrap(PartyId(2), &administrator(1).1).err(), Some(CannotUnwrap::NotForUs));
}

#[test]
fn every_changed_byte_is_refused() {
    let bytes = wrapped().to_bytes();
    let mine = 101 + 1_204..101 + 2 * 1_204;
    for place in (0..100).chain(mine.step_by(7)) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let changed = WrappedEpoch::from_bytes(&changed).unwrap();
        assert!(refused(&changed, 2).is_some(), "{place}");
    }
    for (count, why) in
        [(2, DecodeError::Trailing), (4, DecodeError::Truncated), (17, DecodeError::TooLong)]
    {
        let mut changed = bytes.clone();
        changed[100] = count;
        assert_eq!(WrappedEpoch::from_bytes(&changed), Err(why));
    }
}

#[test]
fn an_administrator_notices_when_other_secrets_were_wrapped() {
    let lied = ReaderKeys {
        view: Secret::of_bytes(&[3; 64]).unwrap(),
        envelope: EnvelopeSecret::derive(&[3; 32]),
    };
    let keys = EpochKeys::of(CHAIN, KeyId(6), &secrets());
    let rng = &mut StdRng::seed_from_u64(5);
    let lie = WrappedEpoch::wrap_as(keys, &lied, &three(), rng).unwrap();
    assert_eq!(refused(&lie, 1), Some(CannotUnwrap::NotTheSecrets));
}

#[test]
fn what_cannot_be_wrapped_is_refused_by_name() {
    let rng = &mut StdRng::seed_from_u64(5);
    let (_, key) = three().remove(0);
    let many: Vec<_> = (0..17).map(|it| (PartyId(it), key.clone())).collect();
    let wrapped = WrappedEpoch::wrap(CHAIN, KeyId(6), &secrets(), &many, rng);
    assert_eq!(wrapped, Err(CannotWrap::TooMany));
    let none = WrapKey { bytes: [255; 1_216] };
    let wrapped = WrappedEpoch::wrap(CHAIN, KeyId(6), &secrets(), &[(PartyId(3), none)], rng);
    assert_eq!(wrapped, Err(CannotWrap::NoKey { administrator: PartyId(3) }));
}

#[test]
fn an_administrators_key_is_that_of_version_1() {
    let key = administrator(1).1.key();
    assert_eq!(crypto::sha256(&key.bytes).to_string(), KEY);
}

const KEY: &str = "d5ffbc60bb8a9f5e3302cee47735a2ec0250850f8c67c8ac09c3e6be63805391";
