//! One secret, all keys: each its own, and the same for ever.

use std::collections::BTreeSet;

use ledger::book::is_issuance_account;
use proof::view_key;
use rand::{SeedableRng as _, rngs::StdRng};
use types::InstrumentId;

use super::super::{
    reader::{EnvelopeSecret, ReaderKeys},
    seed::{AccountKeys, Seed, first},
};

fn seed() -> Seed {
    Seed::parse(&"0123456789abcdef".repeat(4)).unwrap()
}

/// Account, spend key, view key, envelope key.
fn of_account(keys: &AccountKeys) -> [String; 4] {
    let (account, spend) = (keys.account.to_string(), keys.spend.public().to_string());
    [account, spend, hex::encode(view_key(&keys.view)), hex::encode(keys.envelope.key().bytes)]
}

#[test]
fn keys_are_those_of_version_1() {
    let issuer = seed().issuer(&InstrumentId::parse("JP3633400001").unwrap());
    let mut keys = of_account(&seed().account(0)).to_vec();
    keys.extend(of_account(&seed().account(u32::MAX)));
    keys.push(hex::encode(seed().party_envelope().key().bytes));
    keys.push(hex::encode(view_key(&issuer.view)));
    keys.push(hex::encode(issuer.envelope.key().bytes));
    assert_eq!(keys, KEYS);
}

/// Of accounts 0 and 4,294,967,295, of the party, of the issuer.
const KEYS: [&str; 11] = [
    "d84b703f0dd5dba22438a357013bedc9",
    "f6e214034afd7730ed73dfe442ceb9dd6ab62a85a8b3fa43a7364d81016f31d0",
    "0ad5dd434553e005a7d16f8f1d6f0b1e0c842e79001c8d3ac9403f69c9515112",
    "a6eec9eae2e5b3980803b06edd8de4cc22445401043a0e4c4fdc6aef56a9f259",
    "d954a46e328b5cc771260eb570e795ac",
    "861f4b88aba44961eeff5491b352529b634a79ca96b9a2765a4b9e5040fda143",
    "f6ea79bb61790cb3ae27b726e84893541cb36c3983b06ba1ea30644785b95911",
    "df5a6d14caf9e60b078b9742237bab8a6355117fb7dd17553a6215bc64e98770",
    "fa75690343a327a2faa33cb452a19510659ca288aa8cf996d049f71a745ab515",
    "fc87a5fc5e734cc56e53b2287b4786922c03fb27a2190bc25285d82bbfad767c",
    "ad088d5dd9de05766cebd91192bd25349f52d4f728c4e0c670c0a5c130b2fc1d",
];

#[test]
fn no_two_secrets_are_the_same() {
    let other = Seed::parse(&"00".repeat(32)).unwrap();
    let mut secrets = BTreeSet::new();
    let mut count = 0;
    let mut add = |bytes: [u8; 32]| {
        count += 1;
        assert!(secrets.insert(bytes));
    };
    for seed in [seed(), other] {
        add(*seed.party_envelope().to_bytes());
        for number in (0..200).chain([256, 65_536, u32::MAX]) {
            let keys = seed.account(number);
            assert!(!is_issuance_account(keys.account));
            add([keys.account.0, [0; 16]].concat().try_into().unwrap());
            add(keys.spend.seed());
            add(keys.view.to_bytes());
            add(*keys.envelope.to_bytes());
        }
        for instrument in ["JP3633400001", "JPY"] {
            let keys = seed.issuer(&InstrumentId::parse(instrument).unwrap());
            add(keys.view.to_bytes());
            add(*keys.envelope.to_bytes());
        }
    }
    assert_eq!(secrets.len(), count);
}

#[test]
fn what_may_not_be_used_is_passed_over() {
    assert_eq!(first(|turn| (turn >= 3).then_some(turn)), 3);
}

#[test]
fn a_seed_is_read_as_it_is_written_and_nothing_else_is_one() {
    let digits = "0123456789abcdef".repeat(4);
    assert_eq!(*seed().digits(), digits);
    for bad in ["", &digits[1..], &format!("{digits}0"), &format!("{digits}00"), &"g".repeat(64)] {
        assert!(Seed::parse(bad).is_none(), "{bad:?}");
    }
    let (one, other) = (Seed::of_system().unwrap(), Seed::of_system().unwrap());
    assert_ne!(*one.digits(), *other.digits());
    let drawn = Seed::random(&mut StdRng::seed_from_u64(1));
    assert_ne!(*drawn.digits(), "00".repeat(32));
}

#[test]
fn an_epochs_keys_are_by_chance() {
    let mut rng = StdRng::seed_from_u64(5);
    let (one, other) = (ReaderKeys::random(&mut rng), ReaderKeys::random(&mut rng));
    assert_ne!(view_key(&one.view), view_key(&other.view));
    assert_ne!(one.envelope.key(), other.envelope.key());
    let again = EnvelopeSecret::from_bytes(&one.envelope.to_bytes());
    assert_eq!(again.key(), one.envelope.key());
}
