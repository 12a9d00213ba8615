//! Sealed units come into being and end: how many is public, whose they become is not read by anybody here.

use crypto::Amount;
use ledger::{
    Event, Instruction as I,
    issuance::{Instrument, Request, sealed::retiring},
};
use types::InstrumentId;

use crate::stage::*;

fn supply(stage: &Stage, instrument: InstrumentId) -> Amount {
    stage.market.get::<Instrument>(&instrument).unwrap().supply
}

fn retires(stage: &Stage, word: &str, instrument: InstrumentId, units: i64) -> I {
    let cover = stage.cover(word, instrument);
    I::Retire { instrument, units, administrators_key: 1, cover }
}

#[test]
fn what_is_issued_is_a_credit_like_any_other() {
    let mut stage = Stage::new();
    stage.issue(hana(), "emi", 100);
    stage.issue(hana(), "emi", 20);
    stage.issue(USD, "ken", 7);
    assert_eq!(stage.parts("emi", hana()), [0, 100, 20]);
    assert_eq!(stage.parts("ken", USD), [0, 7, 0]);
    assert_eq!((supply(&stage, hana()), supply(&stage, USD)), (Amount::Open(120), Amount::Open(7)));
}

#[test]
fn a_request_that_is_not_approved_issues_nothing() {
    let mut stage = Stage::new();
    let (account, quantity) = (account("emi"), Amount::Open(9));
    let asked = I::RequestIssue { instrument: hana(), account, quantity };
    let request = stage.must(party("sakura"), asked);
    assert_eq!(stage.has("emi", hana()), 0);
    stage.must(party("furikae"), I::DecideRequest { request, approved: false });
    assert_eq!((stage.has("emi", hana()), supply(&stage, hana())), (0, Amount::Open(0)));
    let (_, refused) = stage.asks(party("furikae"), I::DecideRequest { request, approved: true });
    assert_eq!(refused.unwrap().code(), "request-unknown");
}

#[test]
fn money_is_retired_at_once() {
    let mut stage = Stage::funded();
    let asked = retires(&stage, "ken", USD, 400);
    let (_, events) = stage.ask(owner("ken"), vec![asked]);
    let moved = events.iter().find_map(|it| match it {
        Event::Moved { movement } => Some(movement.clone()),
        _ => None,
    });
    assert_eq!(moved.map(|it| (it.from, it.amount)), Some((account("ken"), Amount::Open(400))));
    assert_eq!((stage.has("ken", USD), supply(&stage, USD)), (600, Amount::Open(2_600)));
    assert_eq!(rows::<Request>(&stage.market), []);
    let rest = retires(&stage, "ken", USD, 600);
    stage.must(owner("ken"), rest);
    assert_eq!((stage.parts("ken", USD), supply(&stage, USD)), ([0; 3], Amount::Open(2_000)));
}

#[test]
fn a_security_is_retired_when_the_csd_approves() {
    for approved in [true, false] {
        let mut stage = Stage::funded();
        // Two of the same size at the same time: each is decided by itself.
        let first = retires(&stage, "emi", hana(), 10);
        let first = stage.must(owner("emi"), first);
        let second = retires(&stage, "emi", hana(), 10);
        let second = stage.must(owner("emi"), second);
        assert_eq!((stage.has("emi", hana()), supply(&stage, hana())), (80, Amount::Open(100)));
        let [one, other] = [first, second].map(|it| retiring(account("emi"), &it, 10));
        assert_ne!(one, other, "a registry holds each element once");
        stage.must(party("furikae"), I::DecideRequest { request: second, approved });
        assert_eq!(rows::<Request>(&stage.market).len(), 1);
        let (units, left) = if approved { (90, 80) } else { (100, 90) };
        assert_eq!((stage.has("emi", hana()), supply(&stage, hana())), (left, Amount::Open(units)));
        let (_, refused) =
            stage.asks(party("furikae"), I::DecideRequest { request: second, approved });
        assert_eq!(refused.unwrap().code(), "request-unknown");
        stage.must(party("furikae"), I::DecideRequest { request: first, approved: false });
        assert_eq!(stage.has("emi", hana()), left + 10);
        // What came back can be spent again.
        let again = retires(&stage, "emi", hana(), 1);
        stage.must(owner("emi"), again);
        assert_eq!(stage.has("emi", hana()), left + 9);
    }
}

#[test]
fn the_supply_has_a_bound_and_keeps_it() {
    let mut stage = Stage::new();
    stage.issue(USD, "ken", 1_000);
    stage.careful = false;
    let issue = |amount| I::IssueMoney {
        currency: USD,
        account: account("ken"),
        amount: Amount::Open(amount),
    };
    let (_, refused) = stage.asks(party("kinjo"), issue(i64::MAX - 999));
    assert_eq!(refused.unwrap().code(), "amounts-do-not-add");
    stage.must(party("kinjo"), issue(i64::MAX - 1_000));
    assert_eq!(supply(&stage, USD), Amount::Open(i64::MAX));
    let (_, refused) = stage.asks(party("kinjo"), issue(1));
    assert_eq!(refused.unwrap().code(), "amounts-do-not-add");
}
