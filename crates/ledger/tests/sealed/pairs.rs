//! Pairs: funded in any order, by whom they may be, and ended in every way they can.

use ledger::{
    Event, Instruction as I, Reject,
    settlement::{Legs, SealedInstructed, Status},
};
use types::BusinessDate;

use crate::stage::*;

/// Where an instruction stands.
fn status(stage: &Stage, id: types::InstructionId) -> Option<Status> {
    stage.market.get::<SealedInstructed>(&id).map(|it| it.status)
}

const BEFORE: [(u64, u64); 4] = [(100, 0), (0, 1_000), (0, 1_000), (0, 1_000)];
const AFTER: [(u64, u64); 4] = [(70, 450), (30, 550), (0, 1_000), (0, 1_000)];

#[test]
fn a_funded_pair_settles_in_either_order() {
    for deliverer_first in [true, false] {
        let mut stage = Stage::funded();
        let pair = stage.against("emi", "ken", 30, 450);
        let sides = [("emi", hana()), ("ken", USD)];
        let order = if deliverer_first { [0, 1] } else { [1, 0] };
        let first = sides[order[0]];
        let id = stage.must(owner(first.0), covered(&pair, stage.cover(first.0, first.1)));
        assert!(matches!(status(&stage, id), Some(Status::Unmatched { .. })));
        let second = sides[order[1]];
        let what = covered(&pair, stage.cover(second.0, second.1));
        let (ids, events) = stage.ask(owner(second.0), vec![what]);
        let settled: Vec<_> = events
            .iter()
            .filter_map(|it| match it {
                Event::Settled { instruction, movements, .. } => {
                    Some((*instruction, movements.len()))
                }
                _ => None,
            })
            .collect();
        let expected = if deliverer_first { [id, ids[0]] } else { [ids[0], id] };
        assert_eq!(settled, expected.map(|it| (it, 2)));
        assert_eq!(stage.all(), AFTER);
        assert_eq!(rows::<SealedInstructed>(&stage.market), []);
    }
}
