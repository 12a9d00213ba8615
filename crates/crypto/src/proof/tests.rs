//! Proofs over a short chain, and every way of bending them that we could think of.

use alloc::{format, vec, vec::Vec};

use types::{
    AccountId, Bytes, ChangeLeaf, DatabaseRange, Databases, Digest, LedgerTime, PartyId, Text,
    Validator,
};

use super::*;
use crate::{
    certificate::Certified,
    changes::{BlockChanges, Change},
    keys::SecretKey,
    merkle::{Path, Peaks, domain},
};

const CHAIN: ChainId = ChainId([7; 32]);
/// Changes at 2, 4 and 7.
const MANY: [u8; 48] = [1; 48];
/// Changes at 3, ends at 5.
const ENDS: [u8; 48] = [2; 48];
/// Changes at 6 alone.
const LATE: [u8; 48] = [3; 48];
/// The heights of the chain, from 0.
const LAST: u64 = 8;

struct Market {
    blocks: Vec<BlockChanges>,
    secrets: Vec<SecretKey>,
    committee: Committee,
}

fn change(key: [u8; 48], previous: u64, old: Option<&str>, new: Option<&str>) -> Change {
    let value = |it: Option<&str>| it.map(|it| Bytes(it.as_bytes().to_vec()));
    Change { key, previous, old: value(old), new: value(new) }
}

/// What each block changes.
fn changes(height: u64) -> Vec<Change> {
    match height {
        2 => vec![change(MANY, 0, None, Some("two"))],
        3 => vec![change(ENDS, 0, None, Some("short"))],
        4 => vec![change(MANY, 2, Some("two"), Some("four"))],
        5 => vec![change(ENDS, 3, Some("short"), None)],
        6 => vec![change(LATE, 0, None, Some("late"))],
        7 => vec![change(MANY, 4, Some("four"), Some("seven"))],
        _ => Vec::new(),
    }
}

fn validators(secrets: &[SecretKey]) -> Committee {
    let one = |it: &SecretKey| Validator {
        key: it.public(),
        party: PartyId(1),
        address: Text::new("127.0.0.1:1").unwrap(),
    };
    let mut validators: Vec<Validator> = secrets.iter().map(one).collect();
    validators.sort();
    Committee { epoch: 0, validators }
}

impl Market {
    fn new() -> Self {
        let secrets: Vec<SecretKey> = (0..4).map(|it| SecretKey::from_seed([it; 32])).collect();
        let mut headers = Peaks::default();
        let mut blocks: Vec<BlockChanges> = Vec::new();
        for height in 0..=LAST {
            let parent =
                blocks.last().map_or(Digest([0; 32]), |it| crate::header_digest(&it.header));
            if height > 0 {
                headers.append(crate::header_leaf(&parent));
            }
            blocks.push(block(height, parent, headers.root(domain::HEADERS)));
        }
        Self { blocks, committee: validators(&secrets), secrets }
    }

    fn header(&self, height: u64) -> Header {
        self.blocks[usize::try_from(height).unwrap()].header.clone()
    }

    fn certificate(&self, height: u64) -> Bytes {
        Bytes(certificate::sign(&self.header(height), &self.committee, &self.secrets))
    }

    /// Blocks from `first` to `last`, of which the last alone is certified.
    fn certified(&self, first: u64, last: u64) -> Vec<Certified> {
        let one = |height: u64| Certified {
            changes: self.blocks[usize::try_from(height).unwrap()].clone(),
            certificate: (height == last).then(|| self.certificate(height)),
        };
        (first..=last).map(one).collect()
    }

    /// The header at `height` as one before that at `newest`.
    fn placed(&self, height: u64, newest: u64) -> Placed {
        if height == newest {
            return Placed::Newest;
        }
        let leaf = |it: &BlockChanges| crate::header_leaf(&crate::header_digest(&it.header));
        let leaves: Vec<Digest> = self.blocks.iter().map(leaf).collect();
        let before = &leaves[..usize::try_from(newest).unwrap()];
        Placed::Earlier { header: self.header(height), path: Path::among(before, height).unwrap() }
    }

    /// The change of `key` at `height`, under the header at `newest`.
    fn shown(&self, key: &[u8; 48], height: u64, newest: u64) -> ShownChange {
        let block = &self.blocks[usize::try_from(height).unwrap()];
        ShownChange::of(block, key, self.placed(height, newest)).unwrap()
    }

    fn as_of(&self, key: [u8; 48], height: u64, newest: u64, state: State) -> AsOf {
        let (newest, certificate) = (self.header(newest), self.certificate(newest));
        AsOf { key, moment: Moment::Height(height), state, newest, certificate }
    }

    /// `MANY` had the value of `at` at `height`, and the next change at `next`.
    fn had(&self, at: u64, height: u64, next: Option<u64>, newest: u64) -> AsOf {
        let value = match at {
            2 => "two",
            4 => "four",
            _ => "seven",
        };
        let value = Bytes(value.as_bytes().to_vec());
        let change = self.shown(&MANY, at, newest);
        let next = next.map(|it| self.shown(&MANY, it, newest));
        self.as_of(MANY, height, newest, State::Had { value, change, next })
    }

    /// The same at a time, after the block at `last`.
    fn had_at(&self, time: u64, last: u64) -> AsOf {
        let (last, next) = (self.header(last), self.placed(last + 1, 8));
        let moment = Moment::Time { time: LedgerTime(time), last, next };
        AsOf { moment, ..self.had(4, 5, Some(7), 8) }
    }

    fn check(&self, it: AsOf) -> Result<(), False> {
        is_true(&Proof::AsOf(it), &CHAIN, &self.committee)
    }
}

/// Whether all is true that can be known here.
fn is_true(proof: &Proof, chain: &ChainId, committee: &Committee) -> Result<(), False> {
    match proof {
        Proof::Receipt(it) => it.check(chain, committee).map(drop),
        Proof::AsOf(it) => it.check(chain, committee).map(drop),
        Proof::Registry(it) => it.row.check(chain, committee).map(drop),
    }
}

fn owners(list: &[(u8, i64)]) -> Option<Owners> {
    Owners::new(list.iter().map(|it| (AccountId([it.0; 16]), it.1)).collect())
}

fn block(height: u64, parent: Digest, headers_root: Digest) -> BlockChanges {
    let header = Header {
        time: LedgerTime(height * 1_000),
        view: height,
        parent_view: height.saturating_sub(1),
        parent,
        headers_root,
        ..Header::blank(CHAIN, height)
    };
    let events = (0..3).map(|it| Bytes(format!("event {it} of {height}").into_bytes())).collect();
    let mut block = BlockChanges { header, changes: changes(height), events, committee: None };
    block.header.changes_root = block.root();
    block
}

#[test]
fn a_receipt_holds_by_its_own_block_or_by_a_later_one() {
    let market = Market::new();
    for (first, last, place) in [(2, 2, 0), (2, 5, 2), (1, 8, 1)] {
        let receipt = Receipt::of(&market.certified(first, last), place).unwrap();
        let header = receipt.check(&CHAIN, &market.committee).unwrap();
        assert_eq!(header.height, first);
        assert_eq!(receipt.event.0, format!("event {place} of {first}").into_bytes());
    }
    assert_eq!(Receipt::of(&market.certified(2, 4), 3), None);
    assert_eq!(Receipt::of(&market.certified(2, 4)[..2], 0), None);
    assert_eq!(Receipt::of(&[], 0), None);
}

#[test]
fn the_ladder_of_a_receipt() {
    let market = Market::new();
    let good = Receipt::of(&market.certified(2, 5), 1).unwrap();
    let check = |it: Receipt| is_true(&Proof::Receipt(it), &CHAIN, &market.committee);
    assert_eq!(check(good.clone()), Ok(()));

    let none = Receipt { headers: Vec::new(), ..good.clone() };
    assert_eq!(check(none), Err(False::NoHeader));
    let elsewhere = is_true(&Proof::Receipt(good.clone()), &ChainId([8; 32]), &market.committee);
    assert_eq!(elsewhere, Err(False::OtherMarket));
    let shorter = Receipt { headers: good.headers[..3].to_vec(), ..good.clone() };
    let other = Err(False::NotCertified(NotCertified::OtherBlock));
    assert_eq!(check(shorter), other);
    let older = Receipt { certificate: market.certificate(4), ..good.clone() };
    assert_eq!(check(older), other);

    let mut leaping = good.clone();
    leaping.headers.remove(1);
    assert_eq!(check(leaping), Err(False::NotItsParent));
    let mut exchanged = good.clone();
    exchanged.headers[0] = market.header(3);
    assert_eq!(check(exchanged), Err(False::NotItsParent));

    let event = market.blocks[2].events[0].clone();
    assert_eq!(check(Receipt { event, ..good.clone() }), Err(False::EventNotInBlock));
    let path = market.blocks[3].event_path(1).unwrap();
    assert_eq!(check(Receipt { path, ..good.clone() }), Err(False::EventNotInBlock));
    // A change is not an event, even with the same bytes.
    let (leaf, path) = market.blocks[2].change_path(&MANY).unwrap();
    let event = Bytes(leaf.to_bytes());
    assert_eq!(check(Receipt { event, path, ..good }), Err(False::EventNotInBlock));
}

#[test]
fn a_row_stood_as_its_last_change_left_it() {
    let market = Market::new();
    // Between two changes, at a change, at the newest block.
    for (at, height, next, newest) in [
        (2, 3, Some(4), 8),
        (2, 3, Some(4), 4),
        (4, 5, Some(7), 8),
        (4, 6, Some(7), 7),
        (4, 4, None, 8),
        (7, 7, None, 7),
    ] {
        assert_eq!(
            market.had(at, height, next, newest).check(&CHAIN, &market.committee),
            Ok(height)
        );
    }
    let was_not = |key, height, next| {
        let next = market.shown(&key, next, 8);
        market.check(market.as_of(key, height, 8, State::WasNot { next }))
    };
    assert_eq!(was_not(MANY, 1, 2), Ok(()));
    assert_eq!(was_not(LATE, 5, 6), Ok(()));
    assert_eq!(was_not(LATE, 6, 6), Err(False::ChangeOutOfPlace));
    assert_eq!(was_not(MANY, 3, 4), Err(False::NotTheNextChange));

    let ended = |height, at| {
        let change = market.shown(&ENDS, at, 8);
        market.check(market.as_of(ENDS, height, 8, State::HadEnded { change }))
    };
    assert_eq!(ended(5, 5), Ok(()));
    assert_eq!(ended(8, 5), Ok(()));
    assert_eq!(ended(4, 5), Err(False::ChangeOutOfPlace));
    assert_eq!(ended(9, 5), Err(False::ChangeOutOfPlace));
    assert_eq!(ended(4, 3), Err(False::OtherValue));
}

#[test]
fn each_part_withheld_exchanged_or_older_is_false() {
    let market = Market::new();
    let good = market.had(4, 5, Some(7), 8);
    assert_eq!(market.check(good.clone()), Ok(()));

    // An older version, with the change after it, or with a later one.
    assert_eq!(market.check(market.had(2, 5, Some(4), 8)), Err(False::ChangeOutOfPlace));
    assert_eq!(market.check(market.had(2, 5, Some(7), 8)), Err(False::NotTheNextChange));
    // A later version.
    assert_eq!(market.check(market.had(7, 5, None, 8)), Err(False::ChangeOutOfPlace));
    // The next change withheld, or there without need.
    assert_eq!(market.check(market.had(4, 5, None, 8)), Err(False::NotTheNextChange));
    assert_eq!(market.check(market.had(4, 4, Some(7), 8)), Err(False::NotTheNextChange));
    // The next change is before the moment.
    assert_eq!(market.check(market.had(4, 7, Some(7), 8)), Err(False::ChangeOutOfPlace));

    let State::Had { value, change, next } = good.state.clone() else { unreachable!() };
    let with = |value: &Bytes, change: &ShownChange, next: &Option<ShownChange>| {
        let (value, change, next) = (value.clone(), change.clone(), next.clone());
        market.check(AsOf { state: State::Had { value, change, next }, ..good.clone() })
    };
    let forged = Bytes(b"five".to_vec());
    assert_eq!(with(&forged, &change, &next), Err(False::OtherValue));
    // The leaf is bent to fit the value.
    let leaf = ChangeLeaf { value: crate::sha256(b"five"), ..change.leaf.clone() };
    let bent = ShownChange { leaf, ..change.clone() };
    assert_eq!(with(&forged, &bent, &next), Err(False::ChangeNotInBlock));
    // The change stands in another block, or under another place.
    let moved = ShownChange { block: market.placed(3, 8), ..change.clone() };
    assert_eq!(with(&value, &moved, &next), Err(False::ChangeNotInBlock));
    let path = market.blocks[4].event_path(0).unwrap();
    let misplaced = ShownChange { path, ..change.clone() };
    assert_eq!(with(&value, &misplaced, &next), Err(False::ChangeNotInBlock));
    // A change of another row.
    let other = Some(market.shown(&LATE, 6, 8));
    assert_eq!(with(&value, &change, &other), Err(False::ChangeNotInBlock));
    // A header that the certified one does not have behind it, or that is placed elsewhere.
    for placed in [market.placed(4, 7), market.placed(4, 5)] {
        let unlinked = ShownChange { block: placed, ..change.clone() };
        assert_eq!(with(&value, &unlinked, &next), Err(False::NotAnEarlierHeader));
    }
    let (Placed::Earlier { path, .. }, header) = (market.placed(5, 8), market.header(4)) else {
        unreachable!()
    };
    let elsewhere = ShownChange { block: Placed::Earlier { header, path }, ..change.clone() };
    assert_eq!(with(&value, &elsewhere, &next), Err(False::NotAnEarlierHeader));
    let mut forged = market.header(4);
    forged.changes_root = market.header(2).changes_root;
    let Placed::Earlier { path, .. } = market.placed(4, 8) else { unreachable!() };
    let forged = ShownChange { block: Placed::Earlier { header: forged, path }, ..change };
    assert_eq!(with(&value, &forged, &next), Err(False::NotAnEarlierHeader));

    // An older certificate, or header.
    let other = Err(False::NotCertified(NotCertified::OtherBlock));
    let older = AsOf { certificate: market.certificate(7), ..good.clone() };
    assert_eq!(market.check(older), other);
    let older = AsOf { newest: market.header(7), ..good.clone() };
    assert_eq!(market.check(older), other);
    let older =
        AsOf { newest: market.header(6), certificate: market.certificate(6), ..good.clone() };
    assert_eq!(market.check(older), Err(False::NotAnEarlierHeader));
    // Another row.
    assert_eq!(market.check(AsOf { key: LATE, ..good }), Err(False::ChangeNotInBlock));
}

#[test]
fn a_time_is_between_two_neighbours() {
    let market = Market::new();
    let at = |time, last, next| {
        let moment = Moment::Time { time: LedgerTime(time), last, next };
        AsOf { moment, ..market.had(4, 5, Some(7), 8) }.check(&CHAIN, &market.committee)
    };
    let between = |time, last, next| at(time, market.header(last), market.placed(next, 8));
    assert_eq!(between(5_000, 5, 6), Ok(5));
    assert_eq!(between(5_999, 5, 6), Ok(5));
    for (time, last, next) in [(6_000, 5, 6), (4_999, 5, 6)] {
        assert_eq!(between(time, last, next), Err(False::OtherMoment));
    }
    for (time, last, next) in [(5_500, 5, 7), (5_500, 4, 6), (5_500, 6, 5)] {
        assert_eq!(between(time, last, next), Err(False::NotItsParent));
    }
    assert_eq!(between(7_500, 7, 8), Err(False::ChangeOutOfPlace));
    let earlier = Header { time: LedgerTime(0), ..market.header(5) };
    assert_eq!(at(4_000, earlier, market.placed(6, 8)), Err(False::NotItsParent));
    let unlinked = at(5_500, market.header(5), market.placed(6, 7));
    assert_eq!(unlinked, Err(False::NotAnEarlierHeader));
}

/// Every bit counts, even for one who makes the digest at the end anew.
fn every_bit(proof: &Proof, committee: &Committee) {
    let holds = |bytes: &[u8]| {
        Proof::from_bytes(bytes).is_ok_and(|it| is_true(&it, &CHAIN, committee).is_ok())
    };
    let content = proof.to_bytes();
    assert!(holds(&content));
    for bit in 0..content.len() * 8 {
        let mut other = content.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!holds(&other), "bit {bit}");
    }
}

/// Every bit of the file counts, for one who does not.
fn every_bit_of_the_file(proof: &Proof) {
    let bytes = proof.to_file();
    assert_eq!(Proof::from_file(&bytes).as_ref(), Ok(proof));
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(Proof::from_file(&other).is_err(), "bit {bit}");
    }
    for end in 0..bytes.len() {
        assert!(Proof::from_file(&bytes[..end]).is_err(), "{end}");
    }
    let longer = [bytes, vec![0]].concat();
    assert_eq!(Proof::from_file(&longer), Err(Malformed::Damaged));
}

#[test]
fn a_file_with_any_bit_changed_is_malformed_or_false() {
    let market = Market::new();
    let receipt = Proof::Receipt(Receipt::of(&market.certified(2, 4), 1).unwrap());
    every_bit(&receipt, &market.committee);
    every_bit_of_the_file(&receipt);
    // The moment of this one has no neighbour at which the row stood so as well.
    every_bit(&Proof::AsOf(market.had(4, 6, Some(7), 7)), &market.committee);
    let as_of = market.had_at(5_999, 5);
    assert_eq!(market.check(as_of.clone()), Ok(()));
    every_bit_of_the_file(&Proof::AsOf(as_of.clone()));
    let owners = owners(&[(1, 5), (2, 1), (9, i64::MAX)]).unwrap();
    every_bit_of_the_file(&Proof::Registry(Registry { row: as_of, owners }));
}

#[test]
fn a_list_of_owners_has_one_form() {
    assert_eq!(owners(&[]).unwrap().total(), 0);
    let list = owners(&[(1, 5), (2, 1), (9, i64::MAX)]).unwrap();
    assert_eq!((list.iter().len(), list.total()), (3, i128::from(i64::MAX) + 6));
    let bytes = list.to_bytes();
    assert_eq!(bytes.len(), 4 + 3 * 24);
    assert_eq!(Owners::from_bytes(&bytes), Ok(list));
    // Out of order, doubled, with an owner of nothing or of less.
    for wrong in [
        [(2, 5), (1, 1), (9, 2)],
        [(1, 5), (9, 2), (2, 1)],
        [(1, 5), (1, 5), (9, 2)],
        [(1, 5), (2, 0), (9, 2)],
        [(1, -5), (2, 1), (9, 2)],
    ] {
        assert_eq!(owners(&wrong), None, "{wrong:?}");
        let wrong: Vec<_> = wrong.iter().map(|it| (AccountId([it.0; 16]), it.1)).collect();
        assert_eq!(Owners::from_bytes(&wrong.to_bytes()), Err(DecodeError::NotCanonical));
    }
    assert_eq!(Owners::from_bytes(&bytes[..bytes.len() - 1]), Err(DecodeError::Truncated));
    assert_eq!(Owners::from_bytes(&[bytes, vec![0]].concat()), Err(DecodeError::Trailing));
    // The length is held against the most before anything is read.
    let read = |len: u32| Owners::from_bytes(&len.to_be_bytes());
    assert_eq!(read(OWNERS_MAX), Err(DecodeError::Truncated));
    assert_eq!(read(OWNERS_MAX + 1), Err(DecodeError::TooLong));
}

/// A path of the length that it has among so many elements.
fn path_of(count: u64) -> Path {
    let siblings = vec![Digest([9; 32]); crate::merkle::steps(0, count).unwrap().len()];
    Path { index: 0, count, siblings }
}

/// How many bytes a registry's file has beside its owners, in a market of four validators at this height, when
/// each block changes 64 rows and that of the next change is certified.
fn bytes_beside_owners(height: u64, at_a_time: bool) -> usize {
    let market = Market::new();
    let range = DatabaseRange { root: Digest([1; 32]), start: 1, end: 2 };
    let databases = Databases(vec![range; 3]);
    let full = |it: u64| Header { databases: databases.clone(), ..market.header(it) };
    let placed = |it: u64| Placed::Earlier { header: full(it), path: path_of(height) };
    let shown = |it: u64, block| {
        let path = path_of(64);
        Some(ShownChange { block, path, ..market.shown(&MANY, it, 8) })
    };
    let moment = match at_a_time {
        true => Moment::Time { time: LedgerTime(5_500), last: full(5), next: placed(6) },
        false => Moment::Height(5),
    };
    // An instrument's row has 79 bytes.
    let (value, change) = (Bytes(vec![0; 79]), shown(4, placed(4)).unwrap());
    let state = State::Had { value, change, next: shown(7, Placed::Newest) };
    let row = AsOf { moment, newest: full(8), ..market.as_of(MANY, 5, 8, state) };
    let owners = owners(&[(1, 1), (2, 2)]).unwrap();
    let list = owners.to_bytes().len();
    Proof::Registry(Registry { row, owners }).to_file().len() - list
}

#[test]
fn beside_its_owners_a_registry_has_no_more_than_4_kilobytes() {
    // A million blocks are a quiet market's twelve days.
    for height in [9, 1_000, 100_000, 1_000_000] {
        for at_a_time in [false, true] {
            let bytes = bytes_beside_owners(height, at_a_time);
            assert!(bytes <= 4 * 1_024, "{bytes} at height {height}");
        }
    }
}

#[test]
fn the_bytes_of_files_are_frozen() {
    let market = Market::new();
    let receipt = Proof::Receipt(Receipt::of(&market.certified(2, 4), 1).unwrap());
    let as_of = Proof::AsOf(market.had(4, 6, Some(7), 7));
    let at_a_time = Proof::AsOf(market.had_at(5_999, 5));
    let owners = owners(&[(1, 5), (2, 1), (9, i64::MAX)]).unwrap();
    let registry = Proof::Registry(Registry { row: market.had(4, 6, Some(7), 7), owners });
    for (proof, frozen) in [
        (receipt, "de9961b4e0ee7af6e3b0c0b0dea4c7d7b05c45d6c9ee08590fd14a8d64e25985"),
        (as_of, "28daae80d5c122f4a927b212dcd2fa8978c5a857f3de8a560c9e01b0fd6f82a9"),
        (at_a_time, "d061ef0765f457ed2434dd0af3d1144cd573f6c8111f789ffb4952e4fd5cd11a"),
        (registry, "28109deb3bb48ed37ca459b6cdd9262a4a1cf7035b4ea0a105fc88527833b7b0"),
    ] {
        assert_eq!(format!("{}", crate::sha256(&proof.to_file())), frozen);
    }
}

#[test]
fn what_is_no_file_of_a_proof_is_said_so() {
    assert_eq!(Proof::from_file(b""), Err(Malformed::NotAProof));
    assert_eq!(Proof::from_file(b"furikae"), Err(Malformed::NotAProof));
    assert_eq!(Proof::from_file(b"<html><body>"), Err(Malformed::NotAProof));
    assert_eq!(Proof::from_file(b"furikae\x02.."), Err(Malformed::OtherVersion(2)));
    assert_eq!(Proof::from_file(b"furikae\x01"), Err(Malformed::Damaged));
    assert_eq!(
        Proof::from_file(&[b"furikae\x01".as_slice(), &[0; 40]].concat()),
        Err(Malformed::Damaged)
    );
    let with = |content: &[u8]| {
        let body = [&MAGIC[..], content].concat();
        Proof::from_file(&[&body[..], &digest_of(&body).0].concat())
    };
    assert_eq!(with(b""), Err(Malformed::Content(DecodeError::Truncated)));
    assert_eq!(with(b"\x07"), Err(Malformed::Content(DecodeError::UnknownTag(7))));
    let market = Market::new();
    let receipt = Proof::Receipt(Receipt::of(&market.certified(2, 4), 1).unwrap()).to_bytes();
    assert!(with(&receipt).is_ok());
    let trailing = [receipt, vec![0]].concat();
    assert_eq!(with(&trailing), Err(Malformed::Content(DecodeError::Trailing)));
}
