//! Proofs told in words, and held against validators who are known.

use crypto::{
    Amount, certificate,
    changes::{BlockChanges, Change},
    keys::SecretKey,
    proof::{Placed, ShownChange},
};
use types::{Bytes, ChainId, Committee, Header, PartyId, Text, Validator};

use super::*;

mod registry;

const CHAIN: ChainId = ChainId([7; 32]);

fn validators(secret: &SecretKey) -> Vec<Validator> {
    let address = Text::new("127.0.0.1:1").unwrap();
    vec![Validator { key: secret.public(), party: PartyId(1), address }]
}

/// A block that changes one row and tells one event.
fn block(change: Change, event: &Event) -> BlockChanges {
    let header = Header {
        time: LedgerTime(5_000),
        epoch: 3,
        view: 9,
        parent_view: 8,
        ..Header::blank(CHAIN, 5)
    };
    let events = vec![Bytes(event.to_bytes())];
    let mut block = BlockChanges { header, changes: vec![change], events, committee: None };
    block.header.changes_root = block.root();
    block
}

fn holding(units: i64) -> Change {
    let none = Amount::Open(0);
    let row = Position {
        available: Amount::Open(units),
        closed: none.clone(),
        closed_at: 0,
        open: none,
        open_last: 0,
        changed: 5,
        administrators_key: 0,
        split_index: 0,
    };
    let instrument = InstrumentId::parse("JPY").unwrap();
    let key = Position::key(&(AccountId([0xab; 16]), instrument)).0;
    Change { key, previous: 2, old: None, new: Some(Bytes(row.to_bytes())) }
}

fn certified(block: &BlockChanges, secret: &SecretKey) -> Bytes {
    let committee = Committee { epoch: 3, validators: validators(secret) };
    let secret = [SecretKey::from_seed([1; 32])];
    Bytes(certificate::sign(&block.header, &committee, &secret))
}

#[test]
fn a_position_of_the_past_is_told_in_words() {
    let secret = SecretKey::from_seed([1; 32]);
    let block = block(holding(1_250), &Event::PartyAdmitted { party: PartyId(9) });
    let key = block.changes[0].key;
    let value = block.changes[0].new.clone().unwrap();
    let change = ShownChange::of(&block, &key, Placed::Newest).unwrap();
    let proof = AsOf {
        key,
        moment: Moment::Height(5),
        state: State::Had { value, change, next: None },
        newest: block.header.clone(),
        certificate: certified(&block, &secret),
    };
    assert!(is_of(&proof, &Key(key), Last::Height(5)));
    assert!(!is_of(&proof, &Key(key), Last::Height(6)));
    assert!(!is_of(&proof, &Key(key), Last::Time(LedgerTime(5))));
    assert!(!is_of(&proof, &Key([1; 48]), Last::Height(5)));
    let proof = Proof::AsOf(proof);
    assert_eq!(kind(&proof), "as-of");
    let said = said(&proof, &known(&secret)).unwrap();
    let account = "ab".repeat(16);
    assert_eq!(said.says, format!("JPY in account {account}: 1250 units"));
    assert_eq!((said.height, said.time), (5, None));
}

#[test]
fn an_event_that_is_no_settlement_proves_none() {
    let secret = SecretKey::from_seed([1; 32]);
    let changes = block(holding(1), &Event::PartyAdmitted { party: PartyId(9) });
    let certificate = Some(certified(&changes, &secret));
    let receipt = Receipt::of(&[Certified { changes, certificate }], 0).unwrap();
    assert!(receipt.check(&CHAIN, &committee_of(&secret)).is_ok());
    let proof = Proof::Receipt(receipt);
    assert_eq!(said(&proof, &known(&secret)), Err(Nothing::Unknown));
}

#[test]
fn a_proof_is_held_against_the_validators_of_its_epoch_and_an_old_set_is_told_from_a_false_proof() {
    let (old, new) = (SecretKey::from_seed([2; 32]), SecretKey::from_seed([1; 32]));
    let changes = block(holding(1), &Event::PartyAdmitted { party: PartyId(9) });
    let certificate = Some(certified(&changes, &new));
    let receipt = Receipt::of(&[Certified { changes, certificate }], 0).unwrap();
    let proof = Proof::Receipt(receipt);
    let (why, epoch) = (NotCertified::WrongSignature, 3);
    let mut committees = known(&old);
    for known_to in [0, 2] {
        committees.believe_known_to(known_to);
        let other = Nothing::OtherValidators { why, known_to, epoch };
        assert_eq!(said(&proof, &committees), Err(other));
    }
    assert!(committees.believe(3, validators(&new)));
    assert_eq!(said(&proof, &committees), Err(Nothing::Unknown), "its certificate is right");
    let mut committees = known(&old);
    committees.believe_known_to(3);
    let is_false = Nothing::False(False::NotCertified(why));
    assert_eq!(said(&proof, &committees), Err(is_false));
}

fn known(secret: &SecretKey) -> Committees {
    Committees::new(CHAIN, validators(secret))
}

fn committee_of(secret: &SecretKey) -> Committee {
    Committee { epoch: 3, validators: validators(secret) }
}
