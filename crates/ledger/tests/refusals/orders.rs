//! Ladders of the board.

use ledger::{Instruction as I, script};
use types::InstructionId;

use crate::rungs::{market, mend, must, named, nothing, said, walk};

const BOARD: &str = "furikae opens board of SAKURA in JPY lot 10 tick 5";

/// What a line asks where the board is there.
fn order(line: &str) -> I {
    said(&format!("{BOARD}\n{line}"))
}

#[test]
fn open_board() {
    let mut market = market();
    must(&mut market, "furikae", said(BOARD));
    let mut worst = said(BOARD);
    let I::OpenBoard { instrument, currency, lot, tick } = &mut worst else { panic!() };
    (*instrument, *currency, *lot, *tick) = (named("USD"), named("SAKURA"), 0, -1);
    walk(
        &market,
        "furikae",
        worst,
        &[
            ("role-missing", &nothing),
            (
                "instrument-unknown",
                mend!(I::OpenBoard { instrument, .. } => *instrument = named("JPY")),
            ),
            (
                "instrument-unknown",
                mend!(I::OpenBoard { instrument, .. } => *instrument = named("SAKURA")),
            ),
            (
                "instrument-unknown",
                mend!(I::OpenBoard { currency, .. } => *currency = named("USD")),
            ),
            (
                "instrument-unknown",
                mend!(I::OpenBoard { currency, .. } => *currency = named("JPY")),
            ),
            ("quantity-not-positive", mend!(I::OpenBoard { lot, .. } => *lot = 1)),
            ("quantity-not-positive", mend!(I::OpenBoard { tick, .. } => *tick = 1)),
            ("board-exists", mend!(I::OpenBoard { instrument, .. } => *instrument = named("FUJI"))),
        ],
    );
}

#[test]
fn place_order() {
    let mut market = market();
    must(&mut market, "furikae", said(BOARD));
    let mut worst = order("botan bids 10 SAKURA at 5 JPY into ?nobody out of ?nobody");
    let I::PlaceOrder(it) = &mut worst else { panic!() };
    (it.quantity, it.price, it.instrument) = (0, 7, named("FUJI"));
    walk(
        &market,
        "botan",
        worst,
        &[
            ("role-missing", &nothing),
            ("account-unknown", mend!(I::PlaceOrder(it) => it.account = script::account("emi"))),
            (
                "account-not-managed",
                mend!(I::PlaceOrder(it) => it.account = script::account("yuki")),
            ),
            ("account-unknown", mend!(I::PlaceOrder(it) => it.cash = script::account("emi"))),
            ("account-not-managed", mend!(I::PlaceOrder(it) => it.cash = script::account("yuki"))),
            ("quantity-not-positive", mend!(I::PlaceOrder(it) => it.quantity = -10)),
            ("quantity-not-positive", mend!(I::PlaceOrder(it) => it.quantity = 15)),
            ("board-unknown", mend!(I::PlaceOrder(it) => it.instrument = named("SAKURA"))),
            ("price-off-tick", mend!(I::PlaceOrder(it) => it.price = -5)),
            ("price-off-tick", mend!(I::PlaceOrder(it) => it.price = 5 * (i64::MAX / 5))),
            ("quantity-off-lot", mend!(I::PlaceOrder(it) => it.quantity = 20)),
            ("order-too-large", mend!(I::PlaceOrder(it) => it.quantity = 10)),
        ],
    );
}

#[test]
fn amend_and_cancel_order() {
    let mut market = market();
    must(&mut market, "furikae", said(BOARD));
    let own = order("aoba offers 50 SAKURA at 250 JPY from emi");
    let other = order("botan bids 50 SAKURA at 240 JPY into yuki");
    let (own, other) = (must(&mut market, "aoba", own), must(&mut market, "botan", other));
    let nowhere = InstructionId { sequence: 77, ..own };
    walk(
        &market,
        "aoba",
        I::AmendOrder { order: nowhere, price: 251, quantity: -10 },
        &[
            ("quantity-not-positive", mend!(I::AmendOrder { quantity, .. } => *quantity = 45)),
            ("order-unknown", mend!(I::AmendOrder { order, .. } => *order = other)),
            ("order-not-yours", mend!(I::AmendOrder { order, .. } => *order = own)),
            ("price-off-tick", mend!(I::AmendOrder { price, .. } => *price = 255)),
            ("quantity-off-lot", mend!(I::AmendOrder { quantity, .. } => *quantity = 60)),
        ],
    );
    walk(
        &market,
        "botan",
        I::AmendOrder { order: other, price: 5 * (i64::MAX / 5), quantity: 50 },
        &[("order-too-large", mend!(I::AmendOrder { quantity, .. } => *quantity = 0))],
    );
    walk(
        &market,
        "aoba",
        I::CancelOrder { order: nowhere },
        &[
            ("order-unknown", mend!(I::CancelOrder { order } => *order = other)),
            ("order-not-yours", mend!(I::CancelOrder { order } => *order = own)),
        ],
    );
    // Yesterday's orders are nobody's to change, before they are ended.
    must(&mut market, "furikae", said("furikae opens day 2026-01-07"));
    walk(
        &market,
        "aoba",
        I::AmendOrder { order: own, price: 250, quantity: 0 },
        &[("order-unknown", &|it| it.what = said("aoba delivers 1 SAKURA from emi to yuki"))],
    );
}
