//! Random days: whatever is asked in whatever order, what must always hold holds after every block.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

#[path = "random/day.rs"]
mod day;
#[path = "random/judge.rs"]
mod judge;
mod withheld;

use std::thread;

use proptest::prelude::*;

use self::{day::Day, judge::Judge};

/// What one draw asks, and where blocks end.
fn draws() -> impl Strategy<Value = Vec<[u8; 8]>> {
    prop::collection::vec(any::<[u8; 8]>(), 1..160)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_random_day_keeps_every_promise(draws in draws()) {
        let mut day = Day::new();
        let mut judge = Judge::new(day.market());
        for draw in draws {
            if let Some((envelopes, before)) = day.ask(draw) {
                let events = judge.block(day.market_mut(), &envelopes);
                judge.after(&before, day.market(), &envelopes, &events);
                day.learn(&envelopes, &events);
            }
        }
    }
}

#[test]
fn a_long_day_is_the_same_on_every_thread() {
    let draws = |seed: u64| {
        let mut state = seed;
        (0..6_000).map(move |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state ^ (state >> 29)).to_be_bytes()
        })
    };
    let run = move || {
        let mut day = Day::new();
        let mut told = Vec::new();
        for draw in draws(7) {
            if let Some((envelopes, _)) = day.ask(draw) {
                let events = day.market_mut().block(&envelopes).unwrap();
                day.learn(&envelopes, &events);
                told.extend(events);
            }
        }
        (day.market().rows().clone(), told)
    };
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(run)).collect();
    let (rows, told) = run();
    let settled = told.iter().filter(|it| matches!(it, ledger::Event::Settled { .. })).count();
    assert!(settled > 200, "the day settles something: {settled}");
    for thread in threads {
        let (theirs, theirs_told) = thread.join().unwrap();
        assert!(rows == theirs && told == theirs_told);
    }
}
