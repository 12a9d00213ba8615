//! What a follower takes for a block, and what it refuses.

use ledger::{governance::LaneRow, row::Row as _};
use types::{Bytes, Databases, Header, Lane, PartyId, PublicKey, Sender};

use super::*;
use crypto::changes::Change;

const CHAIN: ChainId = ChainId([7; 32]);

fn follower() -> Follower {
    Follower::new(Doors::new(vec!["http://127.0.0.1:1".into()]).unwrap(), CHAIN)
}

/// A change of a party's lane.
fn change(party: u32, previous: u64, next: u64) -> Change {
    let key = LaneRow::key(&(Sender::Party(PartyId(party)), Lane(0)));
    Change { key: key.0, previous, old: None, new: Some(Bytes(LaneRow { next }.to_bytes())) }
}

fn block(height: u64, parent: Digest, changes: Vec<Change>) -> BlockChanges {
    let nought = Digest([0; 32]);
    let header = Header {
        version: 1,
        chain: CHAIN,
        height,
        time: LedgerTime(height),
        epoch: 0,
        view: height,
        leader: PublicKey([0; 32]),
        parent_view: 0,
        parent,
        state_format: 1,
        databases: Databases::default(),
        changes_root: nought,
        instructions_root: nought,
        witness_root: nought,
        headers_root: nought,
    };
    let mut block = BlockChanges { header, changes, events: Vec::new(), committee: None };
    block.header.changes_root = block.root();
    block
}

fn first() -> BlockChanges {
    block(1, Digest([0; 32]), vec![change(1, 0, 4), change(2, 0, 9)])
}

fn refusal(follower: &mut Follower, block: &BlockChanges) -> String {
    follower.accept(&block.to_bytes()).unwrap_err().to_string()
}

#[test]
fn blocks_are_laid_over_the_view_in_their_order() {
    let mut follower = follower();
    let first = first();
    follower.accept(&first.to_bytes()).unwrap();
    let parent = crypto::header_digest(&first.header);
    follower.accept(&block(2, parent, vec![change(1, 1, 5)]).to_bytes()).unwrap();
    let next = |party| follower.view().next_sequence(Sender::Party(PartyId(party)), Lane(0));
    assert_eq!((next(1), next(2), next(3)), (5, 9, 0));
    assert_eq!((follower.view().height(), follower.view().time()), (2, LedgerTime(2)));
}

#[test]
fn a_block_that_is_not_the_next_of_this_market_is_refused() {
    let mut follower = follower();
    let first = first();
    let mut foreign = first.clone();
    foreign.header.chain = ChainId([8; 32]);
    assert!(refusal(&mut follower, &foreign).contains("another market"));
    assert!(refusal(&mut follower, &block(2, Digest([0; 32]), Vec::new())).contains("next block"));
    follower.accept(&first.to_bytes()).unwrap();
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
    let mut bytes = first.to_bytes();
    bytes.push(0);
    assert!(follower().accept(&bytes).is_err(), "a byte too many");
}

#[test]
fn a_hidden_change_is_seen_at_the_next_one() {
    let mut follower = follower();
    let first = first();
    follower.accept(&first.to_bytes()).unwrap();
    let parent = crypto::header_digest(&first.header);
    // Block 2 served without its change of party 2; block 3 names it.
    let second = block(2, parent, vec![change(1, 1, 5)]);
    follower.accept(&second.to_bytes()).unwrap();
    let parent = crypto::header_digest(&second.header);
    let third = block(3, parent, vec![change(2, 2, 11)]);
    assert!(refusal(&mut follower, &third).contains("hides a change"));
}

#[test]
fn changes_out_of_order_are_refused() {
    let unordered = block(1, Digest([0; 32]), vec![change(2, 0, 9), change(1, 0, 4)]);
    assert!(refusal(&mut follower(), &unordered).contains("order"));
}
