//! Registries of the past, and every way of bending them that we could think of.

use crypto::proof::{Owners, Registry};
use ledger::issuance::Kind;
use types::{DecodeError, Digest, PublicKey};

use super::*;

const ISIN: &str = "JP3633400001";
const HEIGHT: u64 = 5;

/// So many owners: account n owns n + 1 units.
fn list(count: u8) -> Vec<(AccountId, i64)> {
    (0..count).map(|it| (AccountId([it; 16]), i64::from(it) + 1)).collect()
}

fn owners(list: &[(AccountId, i64)]) -> Owners {
    Owners::new(list.to_vec()).unwrap()
}

/// The change that leaves an instrument with these owners.
fn change(instrument: &str, owners: &[(AccountId, i64)]) -> Change {
    let instrument = InstrumentId::parse(instrument).unwrap();
    let row = Instrument {
        kind: Kind::OpenSecurity,
        scale: 2,
        issuer_key: PublicKey([3; 32]),
        supply: Amount::Open(owners.iter().map(|it| it.1).sum()),
        split_index: 0,
        registry_digest: ledger::registry::digest(owners.iter().copied()),
    };
    let key = Instrument::key(&instrument).0;
    Change { key, previous: 2, old: None, new: Some(Bytes(row.to_bytes())) }
}

fn secret() -> SecretKey {
    SecretKey::from_seed([1; 32])
}

/// How the row that changed in the certified block of [`HEIGHT`] stood after it.
fn row_of(change: Change) -> AsOf {
    let (key, value) = (change.key, change.new.clone());
    let block = block(change, &Event::PartyAdmitted { party: PartyId(9) });
    let change = ShownChange::of(&block, &key, Placed::Newest).unwrap();
    let state = match value {
        Some(value) => State::Had { value, change, next: None },
        None => State::HadEnded { change },
    };
    let (newest, certificate) = (block.header.clone(), certified(&block, &secret()));
    AsOf { key, moment: Moment::Height(HEIGHT), state, newest, certificate }
}

fn of(list: &[(AccountId, i64)]) -> Registry {
    Registry { row: row_of(change(ISIN, list)), owners: owners(list) }
}

fn told(registry: Registry) -> Result<Said, Nothing> {
    said(&Proof::Registry(registry), &known(&secret()))
}

#[test]
fn all_owners_of_an_instrument_are_told_in_words() {
    let registry = of(&list(40));
    let (made, told_when_made) =
        super::super::registry(registry.row.clone(), HEIGHT, owners(&list(40))).unwrap();
    assert_eq!(made, registry);
    assert_eq!(kind(&Proof::Registry(registry.clone())), "registry");
    let said = told(registry).unwrap();
    assert_eq!(said, told_when_made);
    assert_eq!(said.says, format!("{ISIN} had 40 owners and no other: 8.20 units in all"));
    assert_eq!((said.height, said.time), (HEIGHT, None));
    let says = |count| told(of(&list(count))).unwrap().says;
    assert_eq!(says(1), format!("{ISIN} had 1 owner and no other: 0.01 units in all"));
    assert_eq!(says(0), format!("{ISIN} had 0 owners and no other: 0.00 units in all"));
}

#[test]
fn a_list_with_an_owner_more_or_less_or_another_quantity_is_false() {
    let all = list(40);
    let whole = of(&all);
    let with = |list: Vec<(AccountId, i64)>| {
        told(Registry { owners: owners(&list), ..whole.clone() }).unwrap_err()
    };
    for place in 0..all.len() {
        let mut fewer = all.clone();
        let (_, quantity) = fewer.remove(place);
        assert_eq!(with(fewer.clone()), Nothing::OtherOwners);
        // What one does not have is given to another, so that the total is right.
        let other = (place + 7) % fewer.len();
        fewer[other].1 += quantity;
        assert_eq!(with(fewer), Nothing::OtherOwners);
        let mut another = all.clone();
        another[place].0.0[15] = 0xff;
        assert_eq!(with(another), Nothing::OtherOwners);
    }
    let mut more = all.clone();
    more.push((AccountId([200; 16]), 1));
    assert_eq!(with(more), Nothing::OtherOwners);
    let mut exchanged = all.clone();
    (exchanged[3].1, exchanged[4].1) = (all[4].1, all[3].1);
    assert_eq!(with(exchanged), Nothing::OtherOwners);
    assert_eq!(with(Vec::new()), Nothing::OtherOwners);
}

#[test]
fn a_list_out_of_order_or_doubled_or_with_nothing_in_it_is_malformed() {
    let all = list(40);
    let row = row_of(change(ISIN, &all)).to_bytes();
    let read = |list: &[(AccountId, i64)]| {
        let content = [&[2][..], &row, &list.to_vec().to_bytes()].concat();
        Proof::from_bytes(&content).map(drop)
    };
    assert_eq!(read(&all), Ok(()));
    for place in 1..all.len() {
        let mut swapped = all.clone();
        swapped.swap(place - 1, place);
        assert_eq!(read(&swapped), Err(DecodeError::NotCanonical));
        let mut doubled = all.clone();
        doubled.insert(place, all[place]);
        assert_eq!(read(&doubled), Err(DecodeError::NotCanonical));
        for nothing in [0, -1, i64::MIN] {
            let mut with_nothing = all.clone();
            with_nothing[place].1 = nothing;
            assert_eq!(read(&with_nothing), Err(DecodeError::NotCanonical));
        }
    }
}

#[test]
fn the_proof_of_something_else_shows_no_registry() {
    let all = list(40);
    let with = |row: AsOf| told(Registry { row, owners: owners(&all) }).unwrap_err();
    // Of another instrument, or of this one before or after a movement.
    let mut before = all.clone();
    (before[3].1, before[4].1) = (before[3].1 - 1, before[4].1 + 1);
    for other in [change("JP3435000009", &list(39)), change(ISIN, &before)] {
        assert_eq!(with(row_of(other)), Nothing::OtherOwners);
    }
    // Of what is no security, or was not listed, or has ended.
    let money = change("JPY", &all);
    assert_eq!(with(row_of(money)), Nothing::NoRegistry);
    assert_eq!(with(row_of(holding(1))), Nothing::NoRegistry);
    let ended = Change { new: None, ..change(ISIN, &all) };
    assert_eq!(with(row_of(ended)), Nothing::NoRegistry);
    let mut first = row_of(Change { previous: 0, ..change(ISIN, &all) });
    let State::Had { change: next, .. } = first.state.clone() else { unreachable!() };
    (first.moment, first.state) = (Moment::Height(HEIGHT - 1), State::WasNot { next });
    assert_eq!(with(first), Nothing::NoRegistry);
    // A value that is bent to fit the list.
    let mut bent = row_of(change(ISIN, &before));
    let State::Had { value, .. } = &mut bent.state else { unreachable!() };
    *value = change(ISIN, &all).new.unwrap();
    assert_eq!(with(bent), Nothing::False(False::OtherValue));
}

#[test]
fn another_market_and_other_validators_show_no_registry() {
    let proof = Proof::Registry(of(&list(40)));
    let elsewhere = Committees::new(ChainId([8; 32]), validators(&secret()));
    assert_eq!(said(&proof, &elsewhere), Err(Nothing::False(False::OtherMarket)));
    let strangers = SecretKey::from_seed([9; 32]);
    let mut others = Committees::new(CHAIN, validators(&strangers));
    others.believe_known_to(3);
    let why = Nothing::False(False::NotCertified(NotCertified::WrongSignature));
    assert_eq!(said(&proof, &others), Err(why));
    let Proof::Registry(mut signed) = proof else { unreachable!() };
    signed.row.newest.headers_root = Digest([1; 32]);
    assert!(matches!(told(signed), Err(Nothing::False(False::NotCertified(_)))));
}

/// Also for one who makes the digest at the end of the file anew.
#[test]
fn any_bit_of_it_changed_is_malformed_or_false() {
    let content = Proof::Registry(of(&list(30))).to_bytes();
    let known = known(&secret());
    let holds = |bytes: &[u8]| Proof::from_bytes(bytes).is_ok_and(|it| said(&it, &known).is_ok());
    assert!(holds(&content));
    for bit in 0..content.len() * 8 {
        let mut other = content.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!holds(&other), "bit {bit}");
    }
}
