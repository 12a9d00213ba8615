//! Ladders of what members ask: accounts, trades, settlement, payments.

use ledger::{
    Instruction as I, script,
    settlement::{OpenTerms, Terms},
    trade::TradeId,
};
use types::{BusinessDate, InstructionId};

use crate::rungs::{Asked, market, mend, must, named, nothing, open, said, sealed, walk};

#[test]
fn open_account() {
    let taken = said("aoba opens account emi");
    let issuance = ledger::book::issuance_account(named("SAKURA"));
    walk(
        &market(),
        "botan",
        taken,
        &[
            ("role-missing", &nothing),
            ("account-exists", mend!(I::OpenAccount { account, .. } => *account = issuance)),
            (
                "account-exists",
                mend!(I::OpenAccount { account, .. } => *account = script::account("new")),
            ),
        ],
    );
}

#[test]
fn redeem_money() {
    let mut worst = said("aoba redeems 0 JPY from ?nobody");
    let I::RedeemMoney { currency, amount, .. } = &mut worst else { panic!() };
    (*currency, *amount) = (named("USD"), sealed());
    walk(
        &market(),
        "botan",
        worst,
        &[
            ("sealed-not-allowed", mend!(I::RedeemMoney { amount, .. } => *amount = open(0))),
            ("role-missing", &nothing),
            (
                "account-unknown",
                mend!(I::RedeemMoney { account, .. } => *account = script::account("emi")),
            ),
            (
                "account-not-managed",
                mend!(I::RedeemMoney { account, .. } => *account = script::account("botan-cash")),
            ),
            (
                "instrument-unknown",
                mend!(I::RedeemMoney { currency, .. } => *currency = named("SAKURA")),
            ),
            (
                "instrument-unknown",
                mend!(I::RedeemMoney { currency, .. } => *currency = named("JPY")),
            ),
            (
                "quantity-not-positive",
                mend!(I::RedeemMoney { amount, .. } => *amount = open(1_001)),
            ),
            ("position-not-covered", mend!(I::RedeemMoney { amount, .. } => *amount = open(1_000))),
        ],
    );
}

#[test]
fn allocate() {
    let [nobody, frozen, emi, yuki] = ["nobody", "frozen", "emi", "yuki"].map(script::account);
    let worst = I::Allocate {
        instrument: named("USD"),
        from: nobody,
        to: vec![(nobody, sealed()), (frozen, open(0))],
    };
    walk(
        &market(),
        "aoba",
        worst,
        &[
            ("sealed-not-allowed", mend!(I::Allocate { to, .. } => to[0].1 = open(0))),
            ("role-missing", &nothing),
            ("account-unknown", mend!(I::Allocate { from, .. } => *from = yuki)),
            ("account-not-managed", mend!(I::Allocate { from, .. } => *from = emi)),
            ("account-unknown", mend!(I::Allocate { to, .. } => to[0].0 = yuki)),
            ("account-not-eligible", mend!(I::Allocate { to, .. } => to[1].0 = yuki)),
            (
                "instrument-unknown",
                mend!(I::Allocate { instrument: it, .. } => *it = named("SAKURA")),
            ),
            ("quantity-not-positive", mend!(I::Allocate { to, .. } => to.clear())),
            (
                "quantity-not-positive",
                mend!(I::Allocate { to, .. } => *to = vec![(yuki, open(i64::MAX)); 2]),
            ),
            (
                "amounts-do-not-add",
                mend!(I::Allocate { to, .. } => *to = vec![(yuki, open(50)), (yuki, open(51))]),
            ),
            (
                "position-not-covered",
                mend!(I::Allocate { to, .. } => *to = vec![(yuki, open(50)); 2]),
            ),
        ],
    );
}

#[test]
fn import_trades() {
    let mut market = market();
    let known = "furikae imports from XTKS: T-1 botan buys 1 SAKURA from aoba for 5 JPY";
    must(&mut market, "furikae", said(known));
    must(&mut market, "furikae", said("furikae closes XTKS of 2026-01-05"));
    let mut worst = said(
        "furikae imports from XTKS of 2026-01-05: T-1 botan buys 1 SAKURA from aoba for 6 JPY",
    );
    let I::ImportTrades { trades, .. } = &mut worst else { panic!() };
    let told = &mut trades[0];
    (told.buyer, told.seller) = (script::party("nobody"), script::party("noone"));
    (told.instrument, told.currency) = (named("JPY"), named("SAKURA"));
    (told.quantity, told.amount) = (sealed(), open(0));
    told.intended_date = BusinessDate(1);
    walk(
        &market,
        "furikae",
        worst,
        &[
            (
                "sealed-not-allowed",
                mend!(I::ImportTrades { trades, .. } => trades[0].quantity = open(-1)),
            ),
            ("role-missing", &nothing),
            (
                "party-unknown",
                mend!(I::ImportTrades { trades, .. } => trades[0].buyer = script::party("botan")),
            ),
            (
                "party-unknown",
                mend!(I::ImportTrades { trades, .. } => trades[0].seller = script::party("aoba")),
            ),
            (
                "instrument-unknown",
                mend!(I::ImportTrades { trades, .. } => trades[0].instrument = named("SAKURA")),
            ),
            (
                "instrument-unknown",
                mend!(I::ImportTrades { trades, .. } => trades[0].currency = named("JPY")),
            ),
            (
                "quantity-not-positive",
                mend!(I::ImportTrades { trades, .. } => trades[0].quantity = open(1)),
            ),
            (
                "quantity-not-positive",
                mend!(I::ImportTrades { trades, .. } => trades[0].amount = open(6)),
            ),
            (
                "date-not-allowed",
                mend!(I::ImportTrades { trades, date, .. } => trades[0].intended_date = BusinessDate(date.0 + 1)),
            ),
            ("venue-closed", mend!(I::ImportTrades { date, .. } => date.0 += 1)),
            ("trade-differs", mend!(I::ImportTrades { trades, .. } => trades[0].amount = open(5))),
        ],
    );
}

#[test]
fn close_venue() {
    let mut market = market();
    must(&mut market, "furikae", said("furikae closes XTKS of 2026-01-05"));
    walk(
        &market,
        "furikae",
        said("furikae closes XTKS of 2026-01-05"),
        &[
            ("role-missing", &nothing),
            ("venue-closed", mend!(I::CloseVenue { date, .. } => date.0 += 1)),
        ],
    );
}

#[test]
fn report_trade() {
    let mut worst = said("aoba reports buying 1 SAKURA from botan for 5 JPY");
    let I::ReportTrade(told) = &mut worst else { panic!() };
    told.counterparty = script::party("nobody");
    (told.instrument, told.currency) = (named("JPY"), named("SAKURA"));
    (told.quantity, told.amount, told.intended_date) = (open(0), sealed(), BusinessDate(1));
    walk(
        &market(),
        "aoba",
        worst,
        &[
            ("sealed-not-allowed", mend!(I::ReportTrade(told) => told.amount = open(-5))),
            ("role-missing", &nothing),
            (
                "party-unknown",
                mend!(I::ReportTrade(told) => told.counterparty = script::party("botan")),
            ),
            (
                "instrument-unknown",
                mend!(I::ReportTrade(told) => told.instrument = named("SAKURA")),
            ),
            ("instrument-unknown", mend!(I::ReportTrade(told) => told.currency = named("JPY"))),
            ("quantity-not-positive", mend!(I::ReportTrade(told) => told.quantity = open(1))),
            ("quantity-not-positive", mend!(I::ReportTrade(told) => told.amount = open(1))),
            (
                "date-not-allowed",
                mend!(I::ReportTrade(told) => told.intended_date = told.trade_date),
            ),
        ],
    );
}

#[test]
fn affirm_and_reject_trade() {
    let mut market = market();
    let line = "aoba reports buying 1 SAKURA from botan for 5 JPY";
    let own = must(&mut market, "botan", said("botan reports selling 1 SAKURA to aoba for 5 JPY"));
    let done = must(&mut market, "aoba", said(line));
    let affirmed = I::AffirmTrade { trade: reported(done), mine: telling() };
    must(&mut market, "botan", affirmed);
    let waits = must(&mut market, "aoba", said(line));
    let nothing_known = InstructionId { sequence: 77, ..waits };
    let mut mine = telling();
    mine.quantity = sealed();
    let worst = I::AffirmTrade { trade: reported(nothing_known), mine };
    macro_rules! mend_trade {
        ($id:expr) => {
            mend!(I::AffirmTrade { trade, .. } | I::RejectTrade { trade } => *trade = reported($id))
        };
    }
    walk(
        &market,
        "botan",
        worst,
        &[
            ("sealed-not-allowed", mend!(I::AffirmTrade { mine, .. } => mine.quantity = open(2))),
            ("role-missing", &nothing),
            ("trade-unknown", mend_trade!(own)),
            ("not-counterparty", mend_trade!(done)),
            ("trade-not-waiting", mend_trade!(waits)),
            ("trade-differs", mend!(I::AffirmTrade { mine, .. } => mine.quantity = open(1))),
        ],
    );
    walk(
        &market,
        "botan",
        I::RejectTrade { trade: reported(nothing_known) },
        &[
            ("role-missing", &nothing),
            ("trade-unknown", mend_trade!(own)),
            ("not-counterparty", mend_trade!(done)),
            ("trade-not-waiting", mend_trade!(waits)),
        ],
    );
}

fn reported(report: InstructionId) -> TradeId {
    TradeId::Reported { report }
}

/// The trade of the tests, as its seller tells it.
fn telling() -> ledger::trade::ReportTrade {
    let told = said("botan reports selling 1 SAKURA to aoba for 5 JPY");
    let I::ReportTrade(told) = told else { panic!() };
    told
}

fn terms(what: &mut I) -> &mut OpenTerms {
    let I::Settle(Terms::Open(terms)) = what else { panic!("another instruction") };
    terms
}

fn mended(mend: impl Fn(&mut OpenTerms)) -> impl Fn(&mut Asked) {
    move |asked| mend(terms(&mut asked.what))
}

#[test]
fn settle() {
    let mut market = market();
    let waits = must(&mut market, "aoba", said("aoba reports selling 2 SAKURA to botan for 5 JPY"));
    let trade = must(&mut market, "aoba", said("aoba reports selling 1 SAKURA to botan for 5 JPY"));
    let mut mine = telling();
    (mine.buys, mine.counterparty) = (true, script::party("aoba"));
    must(&mut market, "botan", I::AffirmTrade { trade: reported(trade), mine });

    let mut worst = said("aoba delivers 1 SAKURA from emi to yuki for 5 JPY into aoba-cash");
    let it = terms(&mut worst);
    let [nobody, emi, yuki, frozen] = ["nobody", "emi", "yuki", "frozen"].map(script::account);
    (it.account, it.counterparty_account) = (nobody, nobody);
    it.instrument = named("JPY");
    it.quantity = sealed();
    (it.trade_date, it.intended_date) = (BusinessDate(9), BusinessDate(8));
    it.trade = Some(reported(InstructionId { sequence: 77, ..trade }));
    let payment = it.payment.as_mut().unwrap();
    (payment.account, payment.currency, payment.amount) = (nobody, named("SAKURA"), open(0));
    let today = BusinessDate::parse("2026-01-06").unwrap();
    fn cash(it: &mut OpenTerms) -> &mut ledger::settlement::AgainstPayment {
        it.payment.as_mut().unwrap()
    }
    walk(
        &market,
        "aoba",
        worst,
        &[
            ("sealed-not-allowed", &mended(|it| it.quantity = open(0))),
            ("role-missing", &nothing),
            ("account-unknown", &mended(|it| it.account = yuki)),
            ("account-not-managed", &mended(|it| it.account = emi)),
            ("account-unknown", &mended(|it| it.counterparty_account = frozen)),
            ("account-not-managed", &mended(|it| it.counterparty_account = yuki)),
            ("account-unknown", &mended(|it| cash(it).account = yuki)),
            ("account-not-managed", &mended(|it| cash(it).account = script::account("aoba-cash"))),
            ("instrument-unknown", &mended(|it| cash(it).currency = named("USD"))),
            ("instrument-unknown", &mended(|it| cash(it).currency = named("JPY"))),
            ("instrument-unknown", &mended(|it| it.instrument = named("SAKURA"))),
            ("quantity-not-positive", &mended(|it| it.quantity = open(1))),
            ("quantity-not-positive", &mended(|it| cash(it).amount = open(6))),
            (
                "date-not-allowed",
                &mended(|it| {
                    (it.trade_date, it.intended_date) = (BusinessDate(0), BusinessDate(0))
                }),
            ),
            (
                "date-not-allowed",
                &mended(|it| (it.trade_date, it.intended_date) = (BusinessDate(8), today)),
            ),
            ("trade-unknown", &mended(|it| it.trade = Some(reported(waits)))),
            ("trade-not-binding", &mended(|it| it.trade = Some(reported(trade)))),
            ("trade-differs", &mended(|it| it.trade_date = today)),
            ("trade-differs", &mended(|it| cash(it).amount = open(5))),
        ],
    );
}

#[test]
fn pay() {
    let mut worst = said("botan pays 1 JPY from ?nobody to ?nobody");
    let I::Pay(it) = &mut worst else { panic!() };
    (it.amount, it.currency) = (sealed(), named("USD"));
    walk(
        &market(),
        "botan",
        worst,
        &[
            ("sealed-not-allowed", mend!(I::Pay(it) => it.amount = open(0))),
            ("role-missing", &nothing),
            ("account-unknown", mend!(I::Pay(it) => it.from = script::account("emi"))),
            ("account-not-managed", mend!(I::Pay(it) => it.from = script::account("botan-cash"))),
            ("account-unknown", mend!(I::Pay(it) => it.to = script::account("frozen"))),
            ("account-not-eligible", mend!(I::Pay(it) => it.to = script::account("emi"))),
            ("instrument-unknown", mend!(I::Pay(it) => it.currency = named("SAKURA"))),
            ("instrument-unknown", mend!(I::Pay(it) => it.currency = named("JPY"))),
            ("quantity-not-positive", mend!(I::Pay(it) => it.amount = open(i64::MIN))),
            ("quantity-not-positive", mend!(I::Pay(it) => it.amount = open(1))),
        ],
    );
}

#[test]
fn of_ones_own() {
    let mut market = market();
    let own = must(&mut market, "aoba", said("aoba delivers 1 SAKURA from emi to yuki"));
    let held = must(&mut market, "aoba", said("aoba delivers 2 SAKURA from emi to yuki hold"));
    let other = must(&mut market, "botan", said("botan receives 9 SAKURA into yuki from emi"));
    macro_rules! point {
        ($id:expr) => {
            mend!(
                I::Hold { instruction }
                | I::Release { instruction }
                | I::Cancel { instruction }
                | I::Prioritise { instruction, .. } => *instruction = $id
            )
        };
    }
    let nowhere = InstructionId { sequence: 77, ..own };
    walk(
        &market,
        "aoba",
        I::Hold { instruction: nowhere },
        &[
            ("instruction-unknown", point!(other)),
            ("instruction-not-yours", point!(held)),
            ("not-in-this-state", point!(own)),
        ],
    );
    walk(
        &market,
        "aoba",
        I::Release { instruction: nowhere },
        &[
            ("instruction-unknown", point!(other)),
            ("instruction-not-yours", point!(own)),
            ("not-in-this-state", point!(held)),
        ],
    );
    for asked in [
        I::Cancel { instruction: nowhere },
        I::Prioritise { instruction: nowhere, priority: ledger::settlement::Priority::Low },
    ] {
        walk(
            &market,
            "aoba",
            asked,
            &[("instruction-unknown", point!(other)), ("instruction-not-yours", point!(own))],
        );
    }
}

#[test]
fn attest_position() {
    walk(
        &market(),
        "aoba",
        said("aoba attests position of JPY in ?nobody"),
        &[
            (
                "account-unknown",
                mend!(I::AttestPosition { account, .. } => *account = script::account("yuki")),
            ),
            (
                "account-not-managed",
                mend!(I::AttestPosition { account, .. } => *account = script::account("emi")),
            ),
            (
                "position-unknown",
                mend!(I::AttestPosition { instrument: it, .. } => *it = named("SAKURA")),
            ),
        ],
    );
}
