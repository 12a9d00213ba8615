//! Every amount is read by its hint; what can be searched is found without one.

use std::{ops::ControlFlow, sync::OnceLock};

use crypto::statement::Stated;
use proof::{Secret, seal, view_key};

use super::super::{
    amount::{CannotRead, HintWas, Opened, SEARCHED_BELOW, open, open_with},
    table::{Stopped, Table, of_units},
};

fn secret(it: u8) -> Secret {
    Secret::of_bytes(&[it; 64]).unwrap()
}

fn stated(amount: u64) -> Stated {
    let sealed = seal(amount, &secret(9), &[view_key(&secret(3))]).unwrap();
    Stated { commitment: sealed.commitment, handle: sealed.handles.all()[0] }
}

/// 4,096 steps: a thousand giant steps reach 2^22.
fn small() -> &'static Table {
    static SMALL: OnceLock<Table> = OnceLock::new();
    SMALL.get_or_init(|| Table::new(12))
}

fn never() -> &'static Table {
    panic!("a true hint needs no table")
}

const fn on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

const fn stop(_: u64) -> ControlFlow<()> {
    ControlFlow::Break(())
}

#[test]
fn a_true_hint_reads_every_amount_without_a_search() {
    let edges = [0, 1, 2, 12_000, (1 << 48) - 1, 1 << 48, 1 << 63, u64::MAX - 1, u64::MAX];
    for amount in edges {
        let opened = open_with(never, &stated(amount), &secret(3), Some(amount), stop);
        assert_eq!(opened, Ok(Opened { amount, hint: HintWas::True }));
    }
}

#[test]
fn without_a_hint_or_with_a_false_one_the_amount_is_found() {
    let edges = [0, 1, 2, 3, 4_095, 4_096, 4_097, 8_192, 40_960_001, (1 << 22) - 1, 1 << 22];
    for amount in edges {
        let opened = open_with(small, &stated(amount), &secret(3), None, on);
        assert_eq!(opened, Ok(Opened { amount, hint: HintWas::Missing }));
        for hint in [amount + 1, amount ^ (1 << 40), u64::MAX] {
            let opened = open_with(small, &stated(amount), &secret(3), Some(hint), on);
            assert_eq!(opened, Ok(Opened { amount, hint: HintWas::False }));
        }
    }
}

#[test]
fn every_step_of_a_table_is_found_and_nothing_else() {
    let table = Table::new(6);
    for amount in 0..1_000 {
        assert_eq!(table.find(&of_units(amount), 1_000, on), Ok(Some(amount)));
        assert_eq!(table.find(&of_units(amount), amount, on), Ok(None));
    }
    assert_eq!(table.find(&of_units(1_000), 1_000, on), Ok(None));
    assert_eq!(table.find(&[255; 32], 1_000, on), Ok(None));
    assert_eq!(Table::new(3).find(&of_units(70_000), 100_000, on), Ok(Some(70_000)));
}

#[test]
fn a_search_tells_how_far_it_is_and_can_be_stopped() {
    let units = of_units(1 << 30);
    let mut told = Vec::new();
    let watch = |below| {
        told.push(below);
        if told.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(small().find(&units, 1 << 40, watch), Err(Stopped { below: 3 << 22 }));
    assert_eq!(told, [1 << 22, 2 << 22, 3 << 22]);
    let opened = open_with(small, &stated(1 << 30), &secret(3), None, stop);
    assert_eq!(opened, Err(CannotRead::Stopped { below: 1 << 22 }));
    let mut told = Vec::new();
    let watch = |below| {
        told.push(below);
        ControlFlow::Continue(())
    };
    assert_eq!(small().find(&units, 5_000_000, watch), Ok(None));
    assert_eq!(told, [1 << 22, 5_000_000], "what is not asked for is not said to be searched");
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let no_commitment = Stated { commitment: [255; 32], ..stated(5) };
    let no_handle = Stated { handle: [255; 32], ..stated(5) };
    for bad in [no_commitment, no_handle] {
        let opened = open_with(never, &bad, &secret(3), Some(5), on);
        assert_eq!(opened, Err(CannotRead::NoPoint));
    }
    let opened = open_with(small, &stated(5), &secret(4), Some(5), stop);
    assert_eq!(opened, Err(CannotRead::Stopped { below: 1 << 22 }), "another's secret");
}

/// Also measures: run it alone with `--nocapture`.
#[test]
fn the_table_of_the_process_finds_what_is_below_2_to_the_40() {
    let start = std::time::Instant::now();
    let table = Table::shared();
    println!("table: {} bytes in {:?}", table.bytes(), start.elapsed());
    assert!(table.bytes() < 40_000_000);
    for amount in [0, (1 << 20) - 1, (1 << 32) - 1, (1 << 40) - 1] {
        let start = std::time::Instant::now();
        let opened = open(&stated(amount), &secret(3), None, on);
        println!("{amount}: {:?}", start.elapsed());
        assert_eq!(opened, Ok(Opened { amount, hint: HintWas::Missing }));
    }
    let (start, hinted) = (std::time::Instant::now(), stated(7));
    for _ in 0..1_000 {
        let opened = open(&hinted, &secret(3), Some(7), on);
        assert_eq!(opened, Ok(Opened { amount: 7, hint: HintWas::True }));
    }
    println!("with a hint: {:?}", start.elapsed() / 1_000);
}

/// A minute or more.
#[test]
#[ignore = "searches all that is searched"]
fn what_is_beyond_is_said_to_be() {
    let start = std::time::Instant::now();
    let last = open(&stated(SEARCHED_BELOW - 1), &secret(3), None, on);
    println!("2^48 - 1: {:?}", start.elapsed());
    assert_eq!(last, Ok(Opened { amount: SEARCHED_BELOW - 1, hint: HintWas::Missing }));
    let beyond = open(&stated(SEARCHED_BELOW), &secret(3), None, on);
    assert_eq!(beyond, Err(CannotRead::Beyond));
}
