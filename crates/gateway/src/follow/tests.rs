//! What a follower takes for a block, and what it refuses.

use crypto::{
    certificate::{self, Certified},
    changes::{BlockChanges, Change},
    keys::SecretKey,
};
use ledger::{
    governance::{LaneRow, Validators},
    row::Row as _,
};
use types::{Bytes, Digest, Header, Lane, PartyId, Sender, Text};

use super::*;

mod nodes;

const CHAIN: ChainId = ChainId([7; 32]);

fn secrets(first: u8) -> Vec<SecretKey> {
    (first..first + 4).map(|it| SecretKey::from_seed([it; 32])).collect()
}

/// The validators with these keys, in no order of theirs.
fn validators(secrets: &[SecretKey]) -> Vec<Validator> {
    let one = |it: &SecretKey| Validator {
        key: it.public(),
        party: PartyId(1),
        address: Text::new("127.0.0.1:1").unwrap(),
    };
    secrets.iter().map(one).collect()
}

fn committee(epoch: u64, secrets: &[SecretKey]) -> Committee {
    Committee::of(epoch, validators(secrets))
}

fn follower() -> Followed {
    Followed::of_validators(CHAIN, validators(&secrets(0)))
}

/// A change of a party's lane.
fn change(party: u32, previous: u64, next: u64) -> Change {
    let key = LaneRow::key(&(Sender::Party(PartyId(party)), Lane(0)));
    Change { key: key.0, previous, old: None, new: Some(Bytes(LaneRow { next }.to_bytes())) }
}

fn block(height: u64, parent: Digest, changes: Vec<Change>) -> BlockChanges {
    let header =
        Header { time: LedgerTime(height), view: height, parent, ..Header::blank(CHAIN, height) };
    let mut block = BlockChanges { header, changes, events: Vec::new(), committee: None };
    block.header.changes_root = block.root();
    block
}

fn first() -> BlockChanges {
    block(1, Digest([0; 32]), vec![change(1, 0, 4), change(2, 0, 9)])
}

/// The block that goes on from `before`.
fn after(before: &BlockChanges, changes: Vec<Change>) -> BlockChanges {
    let parent = crypto::header_digest(&before.header);
    block(before.header.height + 1, parent, changes)
}

/// The block with a certificate of these validators of its epoch.
fn signed(block: &BlockChanges, secrets: &[SecretKey]) -> Vec<u8> {
    let committee = committee(block.header.epoch, secrets);
    let certificate = Some(Bytes(certificate::sign(&block.header, &committee, secrets)));
    Certified { changes: block.clone(), certificate }.to_bytes()
}

fn certified(block: &BlockChanges) -> Vec<u8> {
    signed(block, &secrets(0))
}

fn uncertified(block: &BlockChanges) -> Vec<u8> {
    Certified { changes: block.clone(), certificate: None }.to_bytes()
}

/// Lays over the view what is final.
fn lay(follower: &mut Followed) -> Result<(), Fault> {
    while follower.lay()?.is_some() {}
    Ok(())
}

fn take(follower: &mut Followed, bytes: &[u8]) {
    follower.take(bytes).unwrap();
    lay(follower).unwrap();
}

fn refusal(follower: &mut Followed, block: &BlockChanges) -> String {
    follower.take(&certified(block)).unwrap_err().to_string()
}

#[test]
fn blocks_are_laid_over_the_view_in_their_order() {
    let mut follower = follower();
    let first = first();
    take(&mut follower, &certified(&first));
    take(&mut follower, &certified(&after(&first, vec![change(1, 1, 5)])));
    let next = |party| follower.view().next_sequence(Sender::Party(PartyId(party)), Lane(0));
    assert_eq!((next(1), next(2), next(3)), (5, 9, 0));
    assert_eq!((follower.view().height(), follower.view().time()), (2, LedgerTime(2)));
}

#[test]
fn a_block_without_a_certificate_waits_for_a_later_one() {
    let mut follower = follower();
    let first = first();
    let second = after(&first, vec![change(1, 1, 5)]);
    let third = after(&second, vec![change(1, 2, 6)]);
    for block in [&first, &second] {
        take(&mut follower, &uncertified(block));
        assert_eq!(follower.view().height(), 0);
    }
    take(&mut follower, &certified(&third));
    assert_eq!(follower.view().height(), 3);
    assert_eq!(follower.view().next_sequence(Sender::Party(PartyId(1)), Lane(0)), 6);
}

#[test]
fn what_was_not_final_is_forgotten_with_the_node_that_served_it() {
    let mut follower = follower();
    let first = first();
    let invented = after(&first, vec![change(1, 1, 99)]);
    take(&mut follower, &certified(&first));
    take(&mut follower, &uncertified(&invented));
    let true_one = after(&first, vec![change(1, 1, 5)]);
    assert!(follower.take(&certified(&true_one)).is_err(), "it is not the next");
    follower.forget();
    take(&mut follower, &certified(&true_one));
    assert_eq!(follower.view().next_sequence(Sender::Party(PartyId(1)), Lane(0)), 5);
}

#[test]
fn certificates_of_others_and_over_others_are_refused() {
    let first = first();
    let second = after(&first, Vec::new());
    let refused = |bytes: &[u8]| follower().take(bytes).unwrap_err().to_string();
    assert!(refused(&signed(&first, &secrets(50))).contains("signature"));
    assert!(refused(&signed(&first, &secrets(0)[..3])).contains("other validators"));

    let few = certificate::sign(&first.header, &committee(0, &secrets(0)), &secrets(0)[..2]);
    let with = |certificate: Vec<u8>| {
        let certificate = Some(Bytes(certificate));
        Certified { changes: first.clone(), certificate }.to_bytes()
    };
    assert!(refused(&with(few)).contains("too few"));
    let other = certificate::sign(&second.header, &committee(0, &secrets(0)), &secrets(0));
    assert!(refused(&with(other)).contains("another block"));
    assert!(refused(&with(Vec::new())).contains("malformed"));
    let mut bytes = certified(&first);
    bytes.push(0);
    assert!(refused(&bytes).contains("bytes remain"));
}

#[test]
fn the_last_block_of_an_epoch_names_the_next_validators() {
    let (old, new) = (secrets(0), secrets(20));
    let first = first();
    let mut last = after(&first, Vec::new());
    last.committee = Some(Bytes(committee(1, &new).to_bytes()));
    last.header.changes_root = last.root();
    let mut beyond = after(&last, Vec::new());
    beyond.header.epoch = 1;

    let mut it = follower();
    take(&mut it, &signed(&first, &old));
    assert!(it.committee(1).is_none());
    take(&mut it, &signed(&last, &old));
    assert_eq!(it.committee(1), Some(&committee(1, &new)));
    let why = it.take(&signed(&beyond, &old)).unwrap_err().to_string();
    assert!(why.contains("signature"), "{why}");
    let mut same_epoch = beyond.clone();
    same_epoch.header.epoch = 0;
    let why = it.take(&signed(&same_epoch, &old)).unwrap_err().to_string();
    assert!(why.contains("another epoch"), "{why}");
    take(&mut it, &signed(&beyond, &new));
    assert_eq!(it.view().height(), 3);

    // Nobody vouches for a committee but the one before it.
    let mut it = follower();
    take(&mut it, &signed(&first, &old));
    take(&mut it, &uncertified(&last));
    let why = it.take(&signed(&beyond, &new)).unwrap_err().to_string();
    assert!(why.contains("without a certificate"), "{why}");
    assert!(it.committee(1).is_none());

    let mut skipping = last.clone();
    skipping.committee = Some(Bytes(committee(2, &new).to_bytes()));
    skipping.header.changes_root = skipping.root();
    let mut it = follower();
    take(&mut it, &signed(&first, &old));
    let why = it.take(&signed(&skipping, &old)).unwrap_err().to_string();
    assert!(why.contains("another epoch than the next"), "{why}");
}

#[test]
fn behind_doors_of_ones_own_block_1_names_the_validators() {
    let row = Validators { validators: committee(0, &secrets(0)).validators };
    let named = Change {
        key: Validators::key(&0).0,
        previous: 0,
        old: None,
        new: Some(Bytes(row.to_bytes())),
    };
    let first = block(1, Digest([0; 32]), vec![named]);
    let mut it = Followed::new(CHAIN);
    take(&mut it, &certified(&first));
    let second = after(&first, Vec::new());
    assert!(it.take(&signed(&second, &secrets(50))).is_err());
    take(&mut it, &certified(&second));

    let unnamed = block(1, Digest([0; 32]), Vec::new());
    assert!(Followed::new(CHAIN).take(&certified(&unnamed)).is_err());
}

#[test]
fn a_block_that_is_not_the_next_of_this_market_is_refused() {
    let mut follower = follower();
    let first = first();
    let mut foreign = first.clone();
    foreign.header.chain = ChainId([8; 32]);
    assert!(refusal(&mut follower, &foreign).contains("another market"));
    assert!(refusal(&mut follower, &block(2, Digest([0; 32]), Vec::new())).contains("next block"));
    take(&mut follower, &certified(&first));
    assert!(refusal(&mut follower, &first).contains("next block"));
    let stray = block(2, Digest([1; 32]), Vec::new());
    assert!(refusal(&mut follower, &stray).contains("does not go on"));
}

#[test]
fn changes_that_the_header_does_not_name_are_refused() {
    let first = first();
    let mut more = first.clone();
    more.changes.push(change(3, 0, 1));
    let mut fewer = first.clone();
    fewer.changes.pop();
    let mut other = first.clone();
    other.changes[0].new = Some(Bytes(LaneRow { next: 5 }.to_bytes()));
    let mut told = first.clone();
    told.events.push(Bytes(vec![0]));
    for bad in [more, fewer, other, told] {
        assert!(refusal(&mut follower(), &bad).contains("not those"), "{bad:?}");
    }
}

#[test]
fn a_hidden_change_is_seen_at_the_next_one() {
    let mut follower = follower();
    let first = first();
    take(&mut follower, &certified(&first));
    // Block 2 without its change of party 2; block 3 names it.
    let second = after(&first, vec![change(1, 1, 5)]);
    take(&mut follower, &certified(&second));
    let third = after(&second, vec![change(2, 2, 11)]);
    follower.take(&certified(&third)).unwrap();
    let why = lay(&mut follower).unwrap_err().to_string();
    assert!(why.contains("hides a change"), "{why}");
}

#[test]
fn changes_out_of_order_are_refused() {
    let unordered = block(1, Digest([0; 32]), vec![change(2, 0, 9), change(1, 0, 4)]);
    assert!(refusal(&mut follower(), &unordered).contains("order"));
}
