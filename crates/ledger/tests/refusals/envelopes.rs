//! What may not stand in a block at all, and what uses up its number without effect.

use ledger::{Envelope, Inadmissible, NotApplied, governance::LaneRow, memory::Memory, script};
use types::{ChainId, KeyId, Lane, LedgerTime, Sender};

use crate::rungs::{market, must, said};

fn inadmissible(market: &Memory, envelope: &Envelope) -> Option<Inadmissible> {
    match ledger::apply(market, market.chain(), market.at(), envelope, &market.shown) {
        Ok(_) => None,
        Err(NotApplied::Inadmissible(why)) => Some(why),
        Err(NotApplied::Missing(missing)) => panic!("{missing:?}"),
        Err(NotApplied::Unshown(unshown)) => panic!("{unshown:?}"),
    }
}

#[test]
fn an_envelope_that_may_not_stand_in_a_block() {
    let mut market = market();
    let hold = said("aoba holds ?x");
    must(&mut market, "furikae", said("furikae adds key 1 to aoba"));
    must(&mut market, "furikae", said("furikae revokes key 1 of aoba"));
    let right = market.envelope(script::party("aoba"), KeyId(0), vec![hold.clone()]);
    let mut it = Envelope {
        chain: ChainId([9; 32]),
        sender: Sender::Account(script::account("emi")),
        sequence: right.sequence + 1,
        instructions: vec![],
        ..right.clone()
    };
    assert_eq!(inadmissible(&market, &it), Some(Inadmissible::OtherChain));
    it.chain = right.chain;
    assert_eq!(inadmissible(&market, &it), Some(Inadmissible::InstructionCount));
    it.instructions = vec![hold.clone(); 1_025];
    assert_eq!(inadmissible(&market, &it), Some(Inadmissible::InstructionCount));
    it.instructions = vec![hold; 1_024];
    it.via = Some(script::party("furikae"));
    assert_eq!(inadmissible(&market, &it), Some(Inadmissible::Via));
    it.via = None;
    assert_eq!(inadmissible(&market, &it), Some(Inadmissible::KeyUnknown));
    for key in [2, 1] {
        (it.sender, it.key) = (right.sender, KeyId(key));
        assert_eq!(inadmissible(&market, &it), Some(Inadmissible::KeyUnknown));
    }
    it.key = KeyId(0);
    let expected = right.sequence;
    assert_eq!(inadmissible(&market, &it), Some(Inadmissible::Sequence { expected }));
    it.sequence = u64::MAX;
    assert_eq!(inadmissible(&market, &it), Some(Inadmissible::Sequence { expected }));
    it.sequence = expected;
    assert_eq!(inadmissible(&market, &it), None);
}

#[test]
fn lanes_count_apart_and_what_expires_or_is_refused_uses_its_number() {
    let mut market = market();
    let aoba = script::party("aoba");
    let asked = said("aoba delivers 1 SAKURA from emi to yuki");
    let first = market.envelope(aoba, KeyId(0), vec![asked.clone()]);
    let expired = Envelope { expiry: LedgerTime(0), ..first.clone() };
    market.block(&[expired]).unwrap();
    let replayed = inadmissible(&market, &first);
    assert_eq!(replayed, Some(Inadmissible::Sequence { expected: first.sequence + 1 }));
    let other = Envelope { lane: Lane(7), sequence: 0, ..first.clone() };
    market.block(&[other]).unwrap();
    let next = |lane| market.get::<LaneRow>(&(Sender::Party(aoba), Lane(lane))).unwrap().next;
    assert_eq!((next(0), next(7)), (first.sequence + 1, 1));
    // Just in time is in time.
    let time = market.at().time.0 + 100;
    let last =
        Envelope { expiry: LedgerTime(time), ..market.envelope(aoba, KeyId(0), vec![asked]) };
    let told = market.block(&[last]).unwrap();
    assert!(!told.iter().any(|it| matches!(it, ledger::Event::Refused { .. })), "{told:?}");
}
