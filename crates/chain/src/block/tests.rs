//! One body for a header, and nothing but what we wrote is read.

use commonware_codec::{Decode as _, Encode as _, EncodeSize as _};
use commonware_consensus::{BoundedBlock as _, CertifiableBlock as _, Heightable as _};
use commonware_cryptography::Digestible as _;
use commonware_runtime::deterministic;
use ledger::governance::{GenesisParty, Party, Roles};
use types::{
    BusinessDate, ChainId, KeyId, Lane, LedgerTime, Lei, PartyId, PublicKey, Sender, Text,
    Validator,
};

use super::*;

fn genesis() -> Genesis {
    Genesis {
        name: Text::new("market").unwrap(),
        time: LedgerTime(1_000),
        date: BusinessDate(20_000),
        epoch_blocks: 4,
        leader: 0,
        parties: vec![GenesisParty {
            party: PartyId(1),
            row: Party {
                lei: Lei::parse("5493001KJTIIGC8Y1R12").unwrap(),
                name: Text::new("one").unwrap(),
                roles: Roles::CSD,
                suspended: false,
            },
            key: PublicKey([1; 32]),
        }],
        validators: vec![],
        parameters: vec![],
    }
}

fn carried(sequence: u64, witness: u8) -> Carried {
    let envelope = Envelope {
        chain: ChainId([7; 32]),
        sender: Sender::Party(PartyId(1)),
        key: KeyId(0),
        lane: Lane(0),
        sequence,
        expiry: LedgerTime(9),
        via: None,
        sealed: Digest([0; 32]),
        instructions: vec![],
    };
    let witness = Witness { class: 0, bytes: types::Bytes(vec![witness; 64]) };
    Carried { envelope, witnesses: vec![Shown::Whole(witness)] }
}

fn form() -> Form {
    Form::of(&genesis()).unwrap()
}

/// A block of this height with two envelopes, and a committee if it is its epoch's last.
fn sample(height: u64) -> (Header, Body) {
    let committee = Committee {
        epoch: 1,
        validators: vec![Validator {
            key: PublicKey([0; 32]),
            party: PartyId(1),
            address: Text::new("localhost:1").unwrap(),
        }],
    };
    let leaves = [merkle::leaf(b"x"), changes::committee(&committee.to_bytes())];
    let path = Path::among(&leaves, 1).unwrap();
    let committee = form().is_last(height).then_some(NextCommittee { committee, path });
    let body = Body { envelopes: vec![carried(0, 1), carried(1, 2)], committee };
    let header = Header {
        height,
        epoch: form().epoch(height),
        view: 9,
        parent_view: 8,
        changes_root: changes::root(leaves),
        instructions_root: body.instructions_root(),
        witness_root: body.witness_root(),
        ..Block::genesis::<deterministic::Context>(&genesis()).header().clone()
    };
    (header, body)
}

fn block(height: u64) -> Block {
    let (header, body) = sample(height);
    Block::new(header, body, &form()).unwrap()
}

#[test]
fn a_block_comes_back_from_its_bytes_and_says_its_context() {
    for height in [2, 3] {
        let block = block(height);
        let bytes = block.encode();
        assert_eq!(bytes.len(), block.encode_size());
        assert!(bytes.len() <= Block::max_encode_size(&form()));
        let again = Block::decode_cfg(bytes, &form()).unwrap();
        assert_eq!(again, block);
        assert_eq!(again.digest(), block.digest());
        assert_eq!(again.context(), block.context());
        assert_eq!(again.context().round.view().get(), 9);
        assert_eq!(again.context().parent.0.get(), 8);
        assert_eq!(again.committee().is_some(), height == 3);
    }
}

#[test]
fn genesis_is_the_same_everywhere_and_another_for_another_market() {
    let one = Block::genesis::<deterministic::Context>(&genesis());
    assert_eq!(one, Block::genesis::<commonware_runtime::tokio::Context>(&genesis()));
    let other = Genesis { epoch_blocks: 5, ..genesis() };
    assert_ne!(one.digest(), Block::genesis::<deterministic::Context>(&other).digest());
    let again = Block::decode_cfg(one.encode(), &form()).unwrap();
    assert_eq!((again.height().get(), again.context().round.epoch().get()), (0, 0));
}

#[test]
fn an_epoch_has_two_blocks_at_least() {
    assert_eq!(Form::of(&Genesis { epoch_blocks: 1, ..genesis() }), None);
    let form = form();
    let last: Vec<u64> = (0..9).filter(|it| form.is_last(*it)).collect();
    assert_eq!(last, [3, 7]);
    assert_eq!([form.epoch(3), form.epoch(4)], [0, 1]);
}

#[test]
fn every_bit_of_a_block_is_in_its_digest_or_refused() {
    for height in [2, 3] {
        let block = block(height);
        let bytes = block.bytes().to_vec();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                if let Ok(other) = Block::decode(other.into(), &form()) {
                    assert_ne!(other.digest(), block.digest(), "bit {bit} of byte {at}");
                    assert!(at < block.header().to_bytes().len());
                }
            }
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let bytes = block(3).encode();
    for len in 0..bytes.len() {
        assert!(Block::decode_cfg(bytes.slice(..len), &form()).is_err(), "{len} bytes");
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(Block::decode_cfg(Bytes::from(longer.clone()), &form()).is_err());
    assert_eq!(
        Block::decode(Bytes::from(longer).slice(4..), &form()),
        Err(BadBlock::Decode(DecodeError::Trailing))
    );
    let huge = Bytes::from((BLOCK_MAX + 1).to_be_bytes().to_vec());
    assert!(Block::decode_cfg(huge, &form()).is_err());
}

#[test]
fn a_body_that_is_not_the_headers_is_refused() {
    let refused = |height, change: fn(&mut Header, &mut Body)| {
        let (mut header, mut body) = sample(height);
        change(&mut header, &mut body);
        Block::new(header, body, &form()).unwrap_err()
    };
    assert_eq!(refused(2, |header, _| header.version = 2), BadBlock::Version(2));
    assert_eq!(refused(2, |header, _| header.epoch = 1), BadBlock::Epoch);
    let no_key = |header: &mut Header, _: &mut Body| header.leader = PublicKey([2; 32]);
    assert_eq!(refused(2, no_key), BadBlock::Leader);
    assert_eq!(refused(2, |_, body| body.envelopes.swap(0, 1)), BadBlock::Instructions);
    assert_eq!(refused(2, |_, body| body.envelopes.truncate(1)), BadBlock::Instructions);
    let moved = |_: &mut Header, body: &mut Body| {
        let witness = body.envelopes[1].witnesses.pop().unwrap();
        body.envelopes[0].witnesses.push(witness);
    };
    assert_eq!(refused(2, moved), BadBlock::Witnesses);
    let more = |_: &mut Header, body: &mut Body| {
        let witness = body.envelopes[0].witnesses[0].clone();
        body.envelopes[0].witnesses.push(witness);
    };
    assert_eq!(refused(2, more), BadBlock::Witnesses);
    assert_eq!(refused(2, |_, body| body.envelopes[0].witnesses.clear()), BadBlock::Witnesses);
    assert_eq!(refused(3, |_, body| body.committee = None), BadBlock::Committee);
    let early = |_: &mut Header, body: &mut Body| body.committee = sample(3).1.committee;
    assert_eq!(refused(2, early), BadBlock::Committee);
    let other = |_: &mut Header, body: &mut Body| {
        body.committee.as_mut().unwrap().committee.validators.clear();
    };
    assert_eq!(refused(3, other), BadBlock::Committee);
    let not_last = |header: &mut Header, body: &mut Body| {
        let committee = body.committee.as_mut().unwrap();
        let leaf = changes::committee(&committee.committee.to_bytes());
        let leaves = [leaf, merkle::leaf(b"x")];
        committee.path = Path::among(&leaves, 0).unwrap();
        header.changes_root = changes::root(leaves);
    };
    assert_eq!(refused(3, not_last), BadBlock::Committee);
    let long = |header: &mut Header, body: &mut Body| {
        let Shown::Whole(witness) = &mut body.envelopes[0].witnesses[0] else { panic!() };
        witness.bytes.0.resize(BLOCK_MAX as usize, 0);
        header.witness_root = body.witness_root();
    };
    assert!(matches!(refused(2, long), BadBlock::TooLong(_)));
}

#[test]
fn a_dropped_witness_leaves_its_leaf_and_is_read_from_ones_own_disk_only() {
    let (header, mut body) = sample(2);
    let Shown::Whole(witness) = body.envelopes[1].witnesses[0].clone() else { panic!() };
    assert!(body.envelopes[1].signed().is_some());
    body.envelopes[1].witnesses[0] = Shown::Dropped(witness_leaf(1, &witness));
    assert!(body.envelopes[1].signed().is_none());
    assert_eq!(Block::new(header.clone(), body.clone(), &form()), Err(BadBlock::Witnesses));
    let own = Form { dropped: true, ..form() };
    let short = Block::new(header.clone(), body.clone(), &own).unwrap();
    assert_eq!(short.digest(), block(2).digest());
    assert_eq!(Block::decode_cfg(short.encode(), &own).unwrap(), short);
    body.envelopes[1].witnesses[0] = Shown::Dropped(witness_leaf(0, &witness));
    assert_eq!(Block::new(header, body, &own), Err(BadBlock::Witnesses));
}
