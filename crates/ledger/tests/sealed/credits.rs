//! Credits: they arrive while a spend is on its way, and make no proof stale.

use ledger::{Envelope, Instruction as I, book::sealed::Cover, settlement::Legs};

use crate::stage::*;

/// A payment of a sender, as an envelope of its own lane's next place.
fn pays(stage: &mut Stage, from: &str, to: &str, units: u64, cover: Cover) -> Envelope {
    let payment = terms(Legs::Alone(stage.movement(USD, from, to, units)));
    stage.envelope(owner(from), vec![covered(&payment, cover)])
}

/// All orders of these.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let shorter = orders(count - 1);
    let put = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, count - 1);
        order
    };
    shorter.iter().flat_map(|it| (0..count).map(move |at| put(it, at))).collect()
}

#[test]
fn a_credit_can_be_spent_in_the_next_block() {
    let mut stage = Stage::funded();
    let cover = stage.cover("ken", USD);
    let movement = stage.movement(USD, "ken", "emi", 300);
    let crypto::Amount::Sealed(amount) = movement.amount.clone() else { panic!() };
    let first = covered(&terms(Legs::Alone(movement)), cover);
    let first = stage.envelope(owner("ken"), vec![first]);
    // In the block in which it arrives it cannot be named, though who sends it could say all of it; not even after
    // another one has come.
    let closed_at = Some(stage.market.at().height + 1);
    let before = stated(amount.of_receiver().as_ref(), 0);
    let early = pays(&mut stage, "emi", "rin", 300, Cover { closed_at, before });
    let cover = stage.cover("yuki", USD);
    let second = pays(&mut stage, "yuki", "emi", 0, cover);
    let events = stage.block(&[first, second, early.clone()]);
    let refused = refused(&events, early.ids().next().unwrap());
    assert_eq!(refused.unwrap().code(), "position-moved");
    assert_eq!(stage.parts("emi", USD), [0, 300, 0]);
    let cover = stage.cover("emi", USD);
    let again = pays(&mut stage, "emi", "rin", 300, cover);
    stage.block(&[again]);
    assert_eq!((stage.has("emi", USD), stage.has("rin", USD)), (0, 1_300));
    assert_eq!(stage.parts("emi", USD), [0; 3]);
}

#[test]
fn no_credit_makes_a_proof_stale_in_any_order() {
    // Emi's spend was proved when its first credit could be named. It stands among four credits, in one of three
    // blocks: wherever it stands, it is covered by what it names.
    let mut made = Stage::funded();
    let cover = made.cover("ken", USD);
    let first = pays(&mut made, "ken", "emi", 100, cover);
    made.block(&[first]);
    made.careful = false;
    for order in orders(5) {
        for cuts in
            [vec![], vec![1], vec![2], vec![3], vec![4], vec![1, 3], vec![2, 4], vec![1, 2, 3, 4]]
        {
            let mut stage = made.clone();
            let spent = {
                let cover = stage.cover("emi", USD);
                pays(&mut stage, "emi", "rin", 60, cover)
            };
            let mut events = Vec::new();
            let mut block = Vec::new();
            for (place, what) in order.iter().enumerate() {
                if cuts.contains(&place) {
                    events.extend(stage.block(&std::mem::take(&mut block)));
                }
                if *what == 4 {
                    block.push(spent.clone());
                    continue;
                }
                let issue = I::IssueMoney {
                    currency: USD,
                    account: account("emi"),
                    amount: crypto::Amount::Open(1 << what),
                };
                let mut envelope = stage.envelope(party("kinjo"), vec![issue]);
                let before = block.iter().filter(|it: &&Envelope| it.sender == envelope.sender);
                envelope.sequence += before.count() as u64;
                block.push(envelope);
            }
            events.extend(stage.block(&block));
            let refused: Vec<_> =
                events.iter().filter(|it| matches!(it, ledger::Event::Refused { .. })).collect();
            assert!(refused.is_empty(), "{order:?} {cuts:?}: {refused:?}");
            stage.block(&[]);
            assert_eq!((stage.has("emi", USD), stage.has("rin", USD)), (55, 1_060));
            stage.assert_sound();
        }
    }
}

#[test]
fn what_was_spent_once_is_not_spent_again() {
    let mut stage = Stage::funded();
    let cover = stage.cover("ken", USD);
    let first = pays(&mut stage, "ken", "emi", 600, cover.clone());
    let mut second = pays(&mut stage, "ken", "rin", 600, cover.clone());
    second.sequence += 1;
    let events = stage.block(&[first, second.clone()]);
    assert_eq!(refused(&events, second.ids().next().unwrap()).unwrap().code(), "position-moved");
    let third = pays(&mut stage, "ken", "rin", 600, cover);
    let id = third.ids().next().unwrap();
    assert_eq!(refused(&stage.block(&[third]), id).unwrap().code(), "position-moved");
    assert_eq!(stage.all()[1].1, 400);
}

#[test]
fn spends_chain_in_one_envelope_and_in_one_block() {
    for together in [true, false] {
        let mut stage = Stage::funded();
        let mut cover = stage.cover("ken", USD);
        let mut position = stage.position((account("ken"), USD)).unwrap();
        position = position.absorbing(cover.closed_at).unwrap();
        let (mut asked, mut blocks) = (Vec::new(), Vec::new());
        for units in [100, 200, 300] {
            let movement = stage.movement(USD, "ken", "emi", units);
            let crypto::Amount::Sealed(amount) = movement.amount.clone() else { panic!() };
            asked.push(covered(&terms(Legs::Alone(movement)), cover));
            // What it leaves is known to who made it, before any block holds it.
            let left = position.available.clone().unwrap().minus(&amount.of_sender().unwrap());
            position.available = left;
            cover = Cover { closed_at: None, before: stated(position.available.as_ref(), 0) };
        }
        if together {
            blocks.push(stage.envelope(owner("ken"), asked));
        } else {
            for (number, asked) in (0..).zip(asked) {
                let mut envelope = stage.envelope(owner("ken"), vec![asked]);
                envelope.sequence += number;
                blocks.push(envelope);
            }
        }
        let events = stage.block(&blocks);
        assert!(!events.iter().any(|it| matches!(it, ledger::Event::Refused { .. })), "{events:?}");
        assert_eq!((stage.has("ken", USD), stage.has("emi", USD)), (400, 600));
    }
}

#[test]
fn a_height_that_is_not_closed_is_not_named() {
    let mut stage = Stage::funded();
    let right = stage.cover("ken", USD);
    let height = right.closed_at.unwrap();
    let before = stated(None, 0);
    for closed_at in [Some(height - 1), Some(height + 1), Some(0), Some(u64::MAX), None] {
        // What was shown is over what stands without the credits; with none named, there is nothing.
        let cover = Cover { closed_at, before: right.before.clone() };
        let spend = pays(&mut stage, "ken", "emi", 1, cover);
        let id = spend.ids().next().unwrap();
        assert_eq!(refused(&stage.block(&[spend]), id).unwrap().code(), "position-moved");
        let cover = Cover { closed_at: Some(0), before: before.clone() };
        let spend = pays(&mut stage, "rin", "emi", 1, cover);
        let id = spend.ids().next().unwrap();
        assert_eq!(refused(&stage.block(&[spend]), id).unwrap().code(), "position-moved");
    }
    let spend = pays(&mut stage, "ken", "emi", 1, right);
    let id = spend.ids().next().unwrap();
    assert_eq!(refused(&stage.block(&[spend]), id), None);
}

#[test]
fn credits_wait_for_those_before_them_to_be_absorbed() {
    let mut stage = Stage::funded();
    let cover = stage.cover("ken", USD);
    stage.must(
        party("kinjo"),
        I::IssueMoney { currency: USD, account: account("ken"), amount: crypto::Amount::Open(5) },
    );
    stage.must(
        party("kinjo"),
        I::IssueMoney { currency: USD, account: account("ken"), amount: crypto::Amount::Open(7) },
    );
    assert_eq!(stage.parts("ken", USD), [0, 1_000, 12]);
    let spend = pays(&mut stage, "ken", "emi", 1_000, cover);
    stage.block(&[spend]);
    assert_eq!(stage.parts("ken", USD), [0, 12, 0]);
    let cover = stage.cover("ken", USD);
    let spend = pays(&mut stage, "ken", "emi", 12, cover);
    stage.block(&[spend]);
    assert_eq!((stage.has("ken", USD), stage.has("emi", USD)), (0, 1_012));
}

#[test]
fn a_position_is_attested_as_it_stands() {
    let mut stage = Stage::funded();
    let row = |stage: &Stage| {
        let place = (account("ken"), USD);
        stage.market.get::<ledger::book::sealed::SealedPosition>(&place).unwrap()
    };
    let before = row(&stage);
    stage.must(owner("ken"), I::AttestPosition { account: account("ken"), instrument: USD });
    let after = row(&stage);
    assert_eq!(after.changed, stage.market.at().height);
    assert_eq!(ledger::book::sealed::SealedPosition { changed: before.changed, ..after }, before);
}
