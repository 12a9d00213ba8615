//! Sets that the settlement agent proves: what owners have signed and not funded settles together.

use ledger::{
    Instruction as I,
    settlement::{Covering, DEBITED_MAX, Legs, SealedInstructed, SealedTerms},
};
use types::InstructionId;

use crate::stage::*;

/// Both sides of a pair, not funded; the deliverer's instruction.
fn unfunded(stage: &mut Stage, pair: &SealedTerms, seller: &str, buyer: &str) -> InstructionId {
    let id = stage.must(owner(seller), settles(pair));
    stage.must(owner(buyer), settles(pair));
    id
}

/// What the agent asks of these, over the positions named.
fn together(
    stage: &Stage,
    instructions: &[InstructionId],
    debited: &[(&str, types::InstrumentId)],
) -> I {
    let mut covers: Vec<Covering> =
        debited.iter().map(|(word, of)| stage.covering(word, *of)).collect();
    covers.sort_by_key(|it| it.place);
    I::SettleTogether { instructions: instructions.to_vec(), covers }
}

#[test]
fn a_pair_that_nobody_funded_settles() {
    let mut stage = Stage::funded();
    let pair = stage.against("emi", "ken", 30, 450);
    let id = unfunded(&mut stage, &pair, "emi", "ken");
    let asked = together(&stage, &[id], &[("emi", hana()), ("ken", USD)]);
    stage.must(party("furikae"), asked);
    assert_eq!(stage.all(), [(70, 450), (30, 550), (0, 1_000), (0, 1_000)]);
    assert_eq!(rows::<SealedInstructed>(&stage.market), []);
}

#[test]
fn a_pair_that_one_side_funded_takes_from_the_other_alone() {
    for seller_funds in [true, false] {
        let mut stage = Stage::funded();
        let pair = stage.against("emi", "ken", 30, 450);
        let (word, of, other) = match seller_funds {
            true => ("emi", hana(), ("ken", USD)),
            false => ("ken", USD, ("emi", hana())),
        };
        let id = stage.must(owner(word), covered(&pair, stage.cover(word, of)));
        stage.must(owner(other.0), settles(&pair));
        let both = together(&stage, &[id], &[("emi", hana()), ("ken", USD)]);
        let (_, refused) = stage.asks(party("furikae"), both);
        assert_eq!(refused.unwrap().code(), "set-not-allowed");
        let one = together(&stage, &[id], &[other]);
        stage.must(party("furikae"), one);
        assert_eq!(stage.all(), [(70, 450), (30, 550), (0, 1_000), (0, 1_000)]);
    }
}

#[test]
fn a_ring_settles_that_none_of_its_pairs_could_alone() {
    // Rin, yuki and ken pay one another 3,000, and have 1,000 each.
    let mut stage = Stage::funded();
    let words = ["rin", "yuki", "ken"];
    let mut ids = Vec::new();
    for place in 0..3 {
        let movement = stage.movement(USD, words[place], words[(place + 1) % 3], 3_000);
        ids.push(stage.must(owner(words[place]), settles(&terms(Legs::Alone(movement)))));
    }
    let debited = words.map(|it| (it, USD));
    let asked = together(&stage, &ids, &debited);
    stage.must(party("furikae"), asked);
    assert_eq!(stage.all(), [(100, 0), (0, 1_000), (0, 1_000), (0, 1_000)]);
    assert_eq!(rows::<SealedInstructed>(&stage.market), []);
    // A position that a set debits has all of it available.
    assert_eq!(stage.parts("ken", USD), [1_000, 0, 0]);
}

#[test]
fn what_a_set_brings_can_be_taken_in_the_same_set() {
    // Yuki has none of the security: what emi delivers to it goes on to rin, and the money the other way.
    let mut stage = Stage::funded();
    let first = stage.against("emi", "yuki", 40, 1_000);
    let second = stage.against("yuki", "rin", 40, 900);
    let first = unfunded(&mut stage, &first, "emi", "yuki");
    let second = unfunded(&mut stage, &second, "yuki", "rin");
    let debited = [("emi", hana()), ("yuki", hana()), ("yuki", USD), ("rin", USD)];
    let asked = together(&stage, &[second, first], &debited);
    stage.must(party("furikae"), asked);
    assert_eq!(stage.all(), [(60, 1_000), (0, 1_000), (0, 900), (40, 100)]);
}

#[test]
fn a_set_makes_the_proof_of_an_owner_stale_and_only_that() {
    let mut stage = Stage::funded();
    let pair = stage.against("emi", "ken", 30, 450);
    let id = unfunded(&mut stage, &pair, "emi", "ken");
    let payment = terms(Legs::Alone(stage.movement(USD, "ken", "rin", 1)));
    let stale = covered(&payment, stage.cover("ken", USD));
    let payment = terms(Legs::Alone(stage.movement(USD, "yuki", "rin", 1)));
    let fresh = covered(&payment, stage.cover("yuki", USD));
    let asked = together(&stage, &[id], &[("emi", hana()), ("ken", USD)]);
    stage.must(party("furikae"), asked);
    let (_, refused) = stage.asks(owner("ken"), stale);
    assert_eq!(refused.unwrap().code(), "position-moved");
    stage.must(owner("yuki"), fresh);
    // And the reverse: what an owner spends makes the agent's stale.
    let pair = stage.against("emi", "ken", 1, 5);
    let id = unfunded(&mut stage, &pair, "emi", "ken");
    let asked = together(&stage, &[id], &[("emi", hana()), ("ken", USD)]);
    let payment = terms(Legs::Alone(stage.movement(USD, "ken", "rin", 1)));
    stage.must(owner("ken"), covered(&payment, stage.cover("ken", USD)));
    let (_, refused) = stage.asks(party("furikae"), asked);
    assert_eq!(refused.unwrap().code(), "position-moved");
}

#[test]
fn an_instruction_settles_once() {
    let mut stage = Stage::funded();
    let pair = stage.against("emi", "ken", 30, 450);
    let id = unfunded(&mut stage, &pair, "emi", "ken");
    let asked = together(&stage, &[id], &[("emi", hana()), ("ken", USD)]);
    stage.must(party("furikae"), asked.clone());
    let (_, refused) = stage.asks(party("furikae"), asked);
    assert_eq!(refused.unwrap().code(), "instruction-unknown");
}

#[test]
fn on_hold_or_awaiting_nothing_is_taken_into_a_set() {
    let mut stage = Stage::funded();
    let held = SealedTerms { hold: true, ..stage.against("emi", "ken", 30, 450) };
    let held = unfunded(&mut stage, &held, "emi", "ken");
    let late = SealedTerms {
        intended_date: types::BusinessDate(TODAY.0 + 1),
        ..stage.against("emi", "ken", 30, 450)
    };
    let late = unfunded(&mut stage, &late, "emi", "ken");
    for id in [held, late] {
        let asked = together(&stage, &[id], &[("emi", hana()), ("ken", USD)]);
        let (_, refused) = stage.asks(party("furikae"), asked);
        assert_eq!(refused.unwrap().code(), "not-in-this-state");
    }
}

#[test]
fn a_set_debits_no_more_than_one_proof_shows() {
    let mut stage = Stage::new();
    stage.careful = false;
    let count = usize::from(DEBITED_MAX) + 1;
    let words: Vec<String> = (0..count).map(|it| format!("owner{it}")).collect();
    let mut ids = Vec::new();
    for word in &words {
        stage.admit(word);
        stage.issue(USD, word, 10);
        let movement = stage.movement(USD, word, "rin", 10);
        ids.push(stage.must(owner(word), settles(&terms(Legs::Alone(movement)))));
    }
    let all: Vec<_> = words.iter().map(|it| (it.as_str(), USD)).collect();
    let asked = together(&stage, &ids, &all);
    let (_, refused) = stage.asks(party("furikae"), asked);
    assert_eq!(refused.unwrap().code(), "set-not-allowed");
    let asked = together(&stage, &ids[1..], &all[1..]);
    stage.must(party("furikae"), asked);
    assert_eq!(stage.has("rin", USD), 640);
    stage.assert_sound();
}
