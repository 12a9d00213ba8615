//! Pairs, and what asks nobody else: funded in any order, by whom they may be, and ended in every way they can.

use ledger::{
    Event, Instruction as I,
    book::sealed::Cover,
    governance::ParameterName,
    issuance::Kind,
    settlement::{Legs, Priority, SealedInstructed, SealedTerms, Status},
    view_key::Reader,
};
use types::{BusinessDate, InstructionId};

use crate::stage::*;

const BEFORE: [(u64, u64); 4] = [(100, 0), (0, 1_000), (0, 1_000), (0, 1_000)];
/// After emi has given 30 to ken for 450.
const AFTER: [(u64, u64); 4] = [(70, 450), (30, 550), (0, 1_000), (0, 1_000)];

/// Where an instruction stands; nowhere once it has ended.
fn status(stage: &Stage, id: InstructionId) -> Option<Status> {
    stage.market.get::<SealedInstructed>(&id).map(|it| it.status)
}

fn statuses(stage: &Stage, ids: &[InstructionId]) -> Vec<Option<Status>> {
    ids.iter().map(|it| status(stage, *it)).collect()
}

/// Emi's 30 against ken's 450.
fn pair(stage: &mut Stage) -> SealedTerms {
    stage.against("emi", "ken", 30, 450)
}

/// Both sides, each funded or not.
fn instructed(stage: &mut Stage, pair: &SealedTerms, funded: [bool; 2]) -> [InstructionId; 2] {
    [("emi", hana(), funded[0]), ("ken", USD, funded[1])].map(|(word, of, funded)| {
        let cover = funded.then(|| stage.cover(word, of));
        stage.must(owner(word), settles(&SealedTerms { cover, ..pair.clone() }))
    })
}

fn nothing_waits(stage: &Stage) {
    assert_eq!(rows::<SealedInstructed>(&stage.market), []);
}

#[test]
fn a_funded_pair_settles_in_either_order() {
    for turned in [false, true] {
        let mut stage = Stage::funded();
        let pair = pair(&mut stage);
        let mut sides = [("emi", hana()), ("ken", USD)];
        if turned {
            sides.reverse();
        }
        let [first, second] = sides;
        let id = stage.must(owner(first.0), covered(&pair, stage.cover(first.0, first.1)));
        assert!(matches!(status(&stage, id), Some(Status::Unmatched { .. })));
        assert_eq!(stage.all()[2..], BEFORE[2..]);
        let what = covered(&pair, stage.cover(second.0, second.1));
        let (ids, events) = stage.ask(owner(second.0), vec![what]);
        let told: Vec<_> = events.iter().filter_map(settled).collect();
        let [deliverer, receiver] = if turned { [ids[0], id] } else { [id, ids[0]] };
        assert_eq!(told, [(deliverer, Some(receiver), 2), (receiver, Some(deliverer), 2)]);
        assert_eq!(stage.all(), AFTER);
        nothing_waits(&stage);
    }
}

/// Which instruction settled, with which other, in how many movements.
fn settled(event: &Event) -> Option<(InstructionId, Option<InstructionId>, usize)> {
    match event {
        Event::Settled { instruction, counterpart, movements } => {
            Some((*instruction, *counterpart, movements.len()))
        }
        _ => None,
    }
}

#[test]
fn what_is_not_funded_waits_until_it_is() {
    for (funded, order) in [
        ([false, false], vec![0, 1]),
        ([false, false], vec![1, 0]),
        ([true, false], vec![1]),
        ([false, true], vec![0]),
    ] {
        let mut stage = Stage::funded();
        let pair = pair(&mut stage);
        let ids = instructed(&mut stage, &pair, funded);
        assert_eq!(statuses(&stage, &ids), [Some(Status::Pending); 2]);
        for side in order {
            assert!(status(&stage, ids[side]).is_some());
            let (word, of) = [("emi", hana()), ("ken", USD)][side];
            let cover = stage.cover(word, of);
            let (_, events) =
                stage.ask(owner(word), vec![I::Fund { instruction: ids[side], cover }]);
            assert!(events.contains(&Event::Funded { instruction: ids[side] }));
        }
        assert_eq!(stage.all(), AFTER);
        nothing_waits(&stage);
    }
}

#[test]
fn what_is_funded_before_it_is_matched_settles_when_it_is() {
    let mut stage = Stage::funded();
    let pair = pair(&mut stage);
    let seller = stage.must(owner("emi"), settles(&pair));
    let cover = stage.cover("emi", hana());
    stage.must(owner("emi"), I::Fund { instruction: seller, cover });
    assert!(matches!(status(&stage, seller), Some(Status::Unmatched { .. })));
    assert_eq!(stage.has("emi", hana()), 70);
    stage.must(owner("ken"), covered(&pair, stage.cover("ken", USD)));
    assert_eq!(stage.all(), AFTER);
}

#[test]
fn free_of_payment_the_receiver_only_says_so() {
    for receiver_first in [true, false] {
        let mut stage = Stage::funded();
        let deliver = stage.movement(hana(), "emi", "rin", 12);
        let free = terms(Legs::Delivery { deliver, pay: None });
        let gives = covered(&free, stage.cover("emi", hana()));
        let mut asks = [(owner("emi"), gives), (owner("rin"), settles(&free))];
        if receiver_first {
            asks.reverse();
        }
        for (who, what) in asks {
            stage.must(who, what);
        }
        assert_eq!((stage.has("emi", hana()), stage.has("rin", hana())), (88, 12));
        nothing_waits(&stage);
    }
}

#[test]
fn alone_nobody_else_is_asked() {
    let mut stage = Stage::funded();
    let allocation = terms(Legs::Alone(stage.movement(hana(), "emi", "yuki", 8)));
    stage.must(owner("emi"), covered(&allocation, stage.cover("emi", hana())));
    let payment = terms(Legs::Alone(stage.movement(USD, "ken", "emi", 77)));
    let waits = stage.must(owner("ken"), settles(&payment));
    assert_eq!(status(&stage, waits), Some(Status::Pending));
    let cover = stage.cover("ken", USD);
    let (_, events) = stage.ask(owner("ken"), vec![I::Fund { instruction: waits, cover }]);
    assert!(events.iter().filter_map(settled).eq([(waits, None, 1)]));
    assert_eq!(stage.all(), [(92, 77), (0, 923), (8, 1_000), (0, 1_000)]);
    // What waits is its own to cancel.
    let payment = terms(Legs::Alone(stage.movement(USD, "ken", "emi", 5)));
    let waits = stage.must(owner("ken"), settles(&payment));
    stage.must(owner("ken"), I::Cancel { instruction: waits });
    nothing_waits(&stage);
}

#[test]
fn nothing_moves_out_of_a_position_that_never_had_any() {
    let mut stage = Stage::funded();
    let decoy = terms(Legs::Alone(stage.movement(hana(), "rin", "yuki", 0)));
    stage.must(owner("rin"), covered(&decoy, stage.cover("rin", hana())));
    assert_eq!((stage.has("rin", hana()), stage.has("yuki", hana())), (0, 0));
    nothing_waits(&stage);
}

#[test]
fn a_hold_of_either_side_holds_both() {
    for holder in [0, 1] {
        let mut stage = Stage::funded();
        let pair = pair(&mut stage);
        let hold = |side| SealedTerms { hold: side == holder, ..pair.clone() };
        let seller = stage.must(owner("emi"), covered(&hold(0), stage.cover("emi", hana())));
        let buyer = stage.must(owner("ken"), covered(&hold(1), stage.cover("ken", USD)));
        let ids = [seller, buyer];
        let mut expected = [Some(Status::CounterpartyOnHold); 2];
        expected[holder] = Some(Status::OnHold);
        assert_eq!(statuses(&stage, &ids), expected);
        let other = ["ken", "emi"][holder];
        stage.must(owner(other), I::Hold { instruction: ids[1 - holder] });
        let word = ["emi", "ken"][holder];
        stage.must(owner(word), I::Release { instruction: ids[holder] });
        assert!(status(&stage, seller).is_some(), "the other holds it still");
        stage.must(owner(other), I::Release { instruction: ids[1 - holder] });
        assert_eq!(stage.all(), AFTER);
        nothing_waits(&stage);
    }
}

#[test]
fn cancelled_alone_or_together_what_was_earmarked_comes_back() {
    let mut stage = Stage::funded();
    let pair = pair(&mut stage);
    let alone = stage.must(owner("emi"), covered(&pair, stage.cover("emi", hana())));
    assert_eq!(stage.has("emi", hana()), 70);
    stage.must(owner("emi"), I::Cancel { instruction: alone });
    assert_eq!(stage.all(), BEFORE);
    for (funded, hold) in [([true, false], false), ([true, true], true), ([false, false], false)] {
        let terms = SealedTerms { hold, ..pair.clone() };
        let ids = instructed(&mut stage, &terms, funded);
        let (_, events) = stage.ask(owner("emi"), vec![I::Cancel { instruction: ids[0] }]);
        assert!(events.contains(&Event::CancelAsked { instruction: ids[0] }));
        // To ask twice is to ask once.
        stage.must(owner("emi"), I::Cancel { instruction: ids[0] });
        assert!(status(&stage, ids[1]).is_some());
        let (_, events) = stage.ask(owner("ken"), vec![I::Cancel { instruction: ids[1] }]);
        let ended = |it| Event::StatusChanged { instruction: it, status: Status::Cancelled };
        assert!(ids.iter().all(|it| events.contains(&ended(*it))));
        assert_eq!(stage.all(), BEFORE);
        nothing_waits(&stage);
    }
}

#[test]
fn asked_to_be_cancelled_it_still_settles_once_it_is_funded() {
    let mut stage = Stage::funded();
    let pair = pair(&mut stage);
    let ids = instructed(&mut stage, &pair, [true, false]);
    stage.must(owner("emi"), I::Cancel { instruction: ids[0] });
    let cover = stage.cover("ken", USD);
    stage.must(owner("ken"), I::Fund { instruction: ids[1], cover });
    assert_eq!(stage.all(), AFTER);
}

#[test]
fn what_finds_no_match_expires_and_comes_back() {
    let mut stage = Stage::funded();
    let within = I::SetParameter { name: ParameterName::MatchWithin, value: 5_000 };
    stage.must(party("furikae"), within);
    let (mine, theirs) = (pair(&mut stage), pair(&mut stage));
    // The same units, under other blindings: other amounts, as far as anybody can tell.
    let seller = stage.must(owner("emi"), covered(&mine, stage.cover("emi", hana())));
    let buyer = stage.must(owner("ken"), covered(&theirs, stage.cover("ken", USD)));
    assert!(statuses(&stage, &[seller, buyer]).iter().all(Option::is_some));
    assert_eq!((stage.has("emi", hana()), stage.has("ken", USD)), (70, 550));
    stage.market.pass(5_000);
    let events = stage.block(&[]);
    for instruction in [seller, buyer] {
        let status = Status::Expired;
        assert!(events.contains(&Event::StatusChanged { instruction, status }));
    }
    assert_eq!(stage.all(), BEFORE);
    nothing_waits(&stage);
    // Matched, it does not expire.
    let ids = instructed(&mut stage, &mine, [true, false]);
    stage.market.pass(5_000);
    stage.block(&[]);
    assert_eq!(statuses(&stage, &ids), [Some(Status::Pending); 2]);
}

#[test]
fn what_differs_in_anything_agreed_does_not_match() {
    let mut stage = Stage::funded();
    let mine = pair(&mut stage);
    let other_date = SealedTerms { intended_date: BusinessDate(TODAY.0 - 1), ..mine.clone() };
    let other_details = SealedTerms { details: types::Digest([9; 32]), ..mine.clone() };
    let mut swapped = stage.against("emi", "ken", 30, 450);
    let Legs::Delivery { deliver, .. } = &mine.legs else { panic!() };
    let Legs::Delivery { deliver: theirs, .. } = &mut swapped.legs else { panic!() };
    *theirs = deliver.clone();
    let seller = stage.must(owner("emi"), covered(&mine, stage.cover("emi", hana())));
    for other in [&other_date, &other_details, &swapped] {
        let buyer = stage.must(owner("ken"), settles(other));
        assert!(matches!(status(&stage, buyer), Some(Status::Unmatched { .. })));
    }
    // Priority, hold and cover are a side's own.
    let own = SealedTerms { priority: Priority::Low, hold: true, ..mine };
    let buyer = stage.must(owner("ken"), settles(&own));
    assert_eq!(
        statuses(&stage, &[seller, buyer]),
        [Some(Status::CounterpartyOnHold), Some(Status::OnHold)]
    );
    stage.must(owner("ken"), I::Prioritise { instruction: buyer, priority: Priority::High });
    let row = stage.market.get::<SealedInstructed>(&buyer).unwrap();
    assert_eq!((row.priority, row.on_hold), (Priority::High, true));
}

#[test]
fn equal_pairs_of_the_same_two_settle_one_for_one() {
    let mut stage = Stage::funded();
    let pair = pair(&mut stage);
    let sellers: Vec<_> = (0..2)
        .map(|_| stage.must(owner("emi"), covered(&pair, stage.cover("emi", hana()))))
        .collect();
    assert_eq!(stage.has("emi", hana()), 40, "each has an earmark of its own");
    let (_, events) = stage.ask(owner("ken"), vec![covered(&pair, stage.cover("ken", USD))]);
    assert_eq!(events.iter().filter_map(settled).count(), 2);
    assert_eq!(statuses(&stage, &sellers).iter().filter(|it| it.is_some()).count(), 1);
    stage.must(owner("ken"), covered(&pair, stage.cover("ken", USD)));
    assert_eq!(stage.all()[..2], [(40, 900), (60, 100)]);
    nothing_waits(&stage);
}

#[test]
fn a_date_to_come_is_awaited() {
    let mut stage = Stage::funded();
    let tomorrow = BusinessDate(TODAY.0 + 1);
    let pair = SealedTerms { intended_date: tomorrow, ..pair(&mut stage) };
    let ids = instructed(&mut stage, &pair, [true, true]);
    assert_eq!(statuses(&stage, &ids), [Some(Status::AwaitingDate); 2]);
    stage.block(&[]);
    assert_eq!(statuses(&stage, &ids), [Some(Status::AwaitingDate); 2]);
    stage.must(party("furikae"), I::OpenDay { date: tomorrow });
    stage.block(&[]);
    assert_eq!(stage.all(), AFTER);
    nothing_waits(&stage);
}

#[test]
fn a_date_that_comes_to_what_is_not_funded_leaves_it_waiting_for_cover() {
    let mut stage = Stage::funded();
    let tomorrow = BusinessDate(TODAY.0 + 1);
    let pair = SealedTerms { intended_date: tomorrow, ..pair(&mut stage) };
    let ids = instructed(&mut stage, &pair, [true, false]);
    stage.must(party("furikae"), I::OpenDay { date: tomorrow });
    stage.block(&[]);
    assert_eq!(statuses(&stage, &ids), [Some(Status::Pending); 2]);
    let cover = stage.cover("ken", USD);
    stage.must(owner("ken"), I::Fund { instruction: ids[1], cover });
    assert_eq!(stage.all(), AFTER);
}

#[test]
fn signed_off_it_settles_and_refused_it_comes_back() {
    let signed = security("SIGNED");
    for approved in [true, false] {
        let mut stage = Stage::funded();
        stage.list(signed, Kind::SealedSecurity, "sakura", true);
        stage.must(party("furikae"), sets(Reader::Issuer { instrument: signed }, "issuer"));
        stage.issue(signed, "emi", 50);
        let deliver = stage.movement(signed, "emi", "ken", 20);
        let pay = Some(stage.movement(USD, "ken", "emi", 5));
        let pair = terms(Legs::Delivery { deliver, pay });
        let seller = stage.must(owner("emi"), covered(&pair, stage.cover("emi", signed)));
        let buyer = stage.must(owner("ken"), settles(&pair));
        assert_eq!(statuses(&stage, &[seller, buyer]), [Some(Status::AwaitingSignOff); 2]);
        // Funded while it awaits, it awaits still.
        let cover = stage.cover("ken", USD);
        stage.must(owner("ken"), I::Fund { instruction: buyer, cover });
        assert_eq!(statuses(&stage, &[seller, buyer]), [Some(Status::AwaitingSignOff); 2]);
        stage.must(party("furikae"), I::SignOff { instruction: buyer, approved });
        nothing_waits(&stage);
        let has = [stage.has("emi", signed), stage.has("ken", signed), stage.has("ken", USD)];
        assert_eq!(has, if approved { [30, 20, 995] } else { [50, 0, 1_000] });
        // An allocation of it is signed off as well.
        let alone = terms(Legs::Alone(stage.movement(signed, "emi", "yuki", 1)));
        let waits = stage.must(owner("emi"), covered(&alone, stage.cover("emi", signed)));
        assert_eq!(status(&stage, waits), Some(Status::AwaitingSignOff));
        stage.must(party("furikae"), I::SignOff { instruction: waits, approved: true });
        assert_eq!(stage.has("yuki", signed), 1);
    }
}

#[test]
fn what_the_other_side_never_funds_comes_back_by_the_administrators_no() {
    let mut stage = Stage::funded();
    let pair = pair(&mut stage);
    let [seller, buyer] = instructed(&mut stage, &pair, [true, false]);
    stage.must(owner("emi"), I::Cancel { instruction: seller });
    assert_eq!(statuses(&stage, &[seller, buyer]), [Some(Status::Pending); 2]);
    assert_eq!(stage.has("emi", hana()), 70);
    stage.must(party("furikae"), I::SignOff { instruction: seller, approved: false });
    nothing_waits(&stage);
    assert_eq!(stage.all(), BEFORE);
}

#[test]
fn who_names_another_has_no_hold_on_it() {
    // Whatever others instruct about an account, what it has and what it gives stays its own.
    let mut stage = Stage::funded();
    for _ in 0..3 {
        let foreign = stage.against("emi", "yuki", 100, 1_000);
        stage.must(owner("yuki"), covered(&foreign, stage.cover("yuki", USD)));
        let cover = Cover { ..stage.cover("yuki", USD) };
        let id = types::InstructionId {
            sender: owner("yuki"),
            lane: types::Lane(0),
            sequence: 0,
            index: 0,
        };
        let (_, refused) = stage.asks(owner("emi"), I::Fund { instruction: id, cover });
        assert_eq!(refused.unwrap().code(), "instruction-not-yours");
        let taken = stage.movement(hana(), "emi", "yuki", 100);
        let (_, refused) = stage.asks(owner("yuki"), settles(&terms(Legs::Alone(taken))));
        assert_eq!(refused.unwrap().code(), "not-this-account");
        stage.issue(USD, "yuki", 1_000);
    }
    assert_eq!(stage.has("emi", hana()), 100);
    let pair = pair(&mut stage);
    instructed(&mut stage, &pair, [true, true]);
    assert_eq!(stage.all()[..2], AFTER[..2]);
}
