//! Ladders of what touches sealed amounts: what accounts ask, and what parties ask about them.

use crypto::{Amount, Sealed, Shown};
use ledger::{
    Instruction as I, NotApplied,
    book::{Movement, sealed::Cover},
    issuance::Kind,
    script,
    settlement::{Covering, Legs, Priority, SealedTerms, TOGETHER_MAX, Terms},
    view_key::Reader,
};
use types::{BusinessDate, InstructionId, InstrumentId, PublicKey, Sender, Wire};

use crate::{
    rungs::{mend, nothing, open, said, walk},
    stage::{
        Stage, TODAY, USD, account, covered, hana, key, opens, owner, party, seal, security, sets,
        settles, terms,
    },
};

/// One rung: the code that is told, and what mends it.
type Rung<'a> = (&'a str, &'a dyn Fn(&mut I));

/// Walks a ladder of what an account asks. That something is not sealed, or not open, is told where it is looked at; the
/// others come in the order of the list, that of the sender first.
fn climb(stage: &Stage, sender: Sender, mut asked: I, rungs: &[Rung<'_>]) {
    let mut told = Vec::new();
    for (code, mend) in rungs {
        let (_, refused) = stage.clone().asks(sender, asked.clone());
        let refused = refused.unwrap_or_else(|| panic!("{code} is not told: {asked:?}"));
        assert_eq!(refused.code(), *code, "{asked:?}");
        if !["sealed-not-allowed", "not-this-account"].contains(code) {
            told.push(refused.to_bytes()[0]);
        }
        mend(&mut asked);
    }
    assert!(told.is_sorted(), "refusals come in the order of the list: {told:?}");
    let late = ledger::Envelope {
        expiry: types::LedgerTime(1),
        ..stage.envelope(sender, vec![asked.clone()])
    };
    let events = stage.clone().block(std::slice::from_ref(&late));
    let refused = crate::stage::refused(&events, late.ids().next().unwrap());
    assert_eq!(refused, Some(ledger::Reject::Expired), "what comes too late is not looked at");
    let (_, refused) = stage.clone().asks(sender, asked.clone());
    assert_eq!(refused, None, "mended, it has effect: {asked:?}");
}

fn of(asked: &mut I) -> &mut SealedTerms {
    let I::Settle(Terms::Sealed(terms)) = asked else { panic!("another instruction") };
    terms
}

fn legs(asked: &mut I) -> (&mut Movement, &mut Movement) {
    let Legs::Delivery { deliver, pay: Some(pay) } = &mut of(asked).legs else { panic!() };
    (deliver, pay)
}

fn amount(movement: &mut Movement) -> &mut Sealed {
    let Amount::Sealed(sealed) = &mut movement.amount else { panic!("an open amount") };
    sealed
}

/// A cover that stands nowhere.
fn moved() -> Cover {
    let at = crypto::statement::Stated { commitment: [7; 32], handle: [8; 32] };
    Cover { closed_at: Some(1), before: at }
}

/// The market, and a sealed security beside whose issuer has no key.
fn market() -> Stage {
    let mut stage = Stage::funded();
    stage.list(security("NOKEY"), Kind::SealedSecurity, "sakura", false);
    stage
}

const NO_POINT: [u8; 32] = [0xff; 32];
const EUR: InstrumentId = InstrumentId::of_currency(*b"EUR");
const JPY: InstrumentId = InstrumentId::of_currency(*b"JPY");

#[test]
fn settle() {
    let mut stage = market();
    let right = stage.against("emi", "ken", 30, 450);
    let Legs::Delivery { deliver: sells, pay: Some(pays) } = &right.legs else { panic!() };
    let cover = stage.cover("emi", hana());
    let readers = ["emi", "ken", "administrators", "issuer"];
    let (three, four) = (seal(30, 1, &readers[..3]), seal(30, 1, &readers));
    let mut worst = covered(&right, moved());
    of(&mut worst).intended_date = BusinessDate(0);
    of(&mut worst).administrators_key = 2;
    let (deliver, pay) = legs(&mut worst);
    let (emi, yuki) = (account("emi"), account("yuki"));
    *deliver = Movement { instrument: USD, from: yuki, to: emi, amount: open(30) };
    *pay = Movement {
        instrument: hana(),
        from: emi,
        to: account("nobody"),
        amount: Amount::Sealed(four.clone()),
    };
    legs(&mut worst).1.from = account("ken");
    let mut no_point = three;
    no_point.commitment = NO_POINT;
    climb(
        &stage,
        owner("emi"),
        worst,
        &[
            ("not-this-account", &|it| legs(it).0.from = emi),
            ("sealed-not-allowed", &|it| legs(it).0.amount = Amount::Sealed(no_point.clone())),
            ("sealed-not-allowed", &|it| legs(it).0.instrument = security("NONE")),
            ("sealed-not-allowed", &|it| legs(it).1.instrument = EUR),
            ("sealed-not-allowed", &|it| {
                (legs(it).0.to, legs(it).1.from) = (account("nobody"), emi);
            }),
            ("sealed-not-allowed", &|it| legs(it).1.from = account("taro")),
            ("account-unknown", &|it| legs(it).0.to = account("taro")),
            ("sealed-not-allowed", &|it| legs(it).0.to = account("ken")),
            ("sealed-not-allowed", &|it| legs(it).1.from = account("ken")),
            ("account-unknown", &|it| legs(it).1.to = emi),
            ("instrument-unknown", &|it| legs(it).0.instrument = security("OPEN")),
            ("sealed-not-allowed", &|it| legs(it).0.instrument = security("NOKEY")),
            ("instrument-unknown", &|it| legs(it).1.instrument = JPY),
            ("sealed-not-allowed", &|it| legs(it).1.instrument = USD),
            ("date-not-allowed", &|it| of(it).intended_date = TODAY),
            ("amounts-do-not-add", &|it| {
                *amount(legs(it).0) = Sealed { commitment: NO_POINT, ..four.clone() };
            }),
            ("amounts-do-not-add", &|it| legs(it).1.amount = pays.amount.clone()),
            ("amounts-do-not-add", &|it| {
                let mut handles = four.handles.all().to_vec();
                handles[1] = NO_POINT;
                let handles = crypto::Handles::new(handles).unwrap();
                *amount(legs(it).0) = Sealed { handles, ..four.clone() };
            }),
            ("amounts-do-not-add", &|it| legs(it).0.amount = sells.amount.clone()),
            ("view-key-unknown", &|it| legs(it).0.instrument = hana()),
            ("administrators-key-old", &|it| of(it).administrators_key = 1),
            ("position-moved", &|it| of(it).cover = Some(cover.clone())),
        ],
    );
}

#[test]
fn settle_free_and_alone() {
    let mut stage = market();
    let free = Legs::Delivery { deliver: stage.movement(hana(), "ken", "emi", 1), pay: None };
    climb(
        &stage,
        owner("emi"),
        covered(&terms(free), moved()),
        &[("cover-for-nothing", &|it| of(it).cover = None)],
    );
    let alone = stage.movement(USD, "ken", "rin", 7);
    climb(
        &stage,
        owner("rin"),
        settles(&terms(Legs::Alone(alone.clone()))),
        &[("not-this-account", &|it| {
            let Legs::Alone(movement) = &mut of(it).legs else { panic!() };
            (movement.from, movement.to) = (movement.to, movement.from);
        })],
    );
    // Its key was there before it could have anything.
    let mut bare = Stage::bare();
    bare.list(USD, Kind::SealedMoney, "kinjo", false);
    ["ken", "rin"].iter().for_each(|it| bare.admit(it));
    let (_, refused) = bare.asks(owner("ken"), settles(&terms(Legs::Alone(alone))));
    assert_eq!(refused.unwrap().code(), "view-key-unknown");
}

#[test]
fn fund() {
    let mut stage = market();
    let pair = stage.against("emi", "ken", 30, 450);
    let own = stage.must(owner("emi"), settles(&pair));
    let theirs = stage.must(owner("ken"), settles(&stage.clone().against("emi", "ken", 1, 2)));
    let other = stage.against("emi", "yuki", 5, 9);
    let done = stage.must(owner("emi"), covered(&other, stage.cover("emi", hana())));
    let cover = stage.cover("emi", hana());
    let nowhere = InstructionId { sequence: 77, ..own };
    macro_rules! point {
        ($id:expr) => {
            &|it| {
                let I::Fund { instruction, .. } = it else { panic!() };
                *instruction = $id;
            }
        };
    }
    climb(
        &stage,
        owner("emi"),
        I::Fund { instruction: nowhere, cover: moved() },
        &[
            ("instruction-unknown", point!(theirs)),
            ("instruction-not-yours", point!(done)),
            ("not-in-this-state", point!(own)),
            ("position-moved", &|it| {
                let I::Fund { cover: it, .. } = it else { panic!() };
                *it = cover.clone();
            }),
        ],
    );
}

#[test]
fn retire() {
    let stage = market();
    let worst =
        I::Retire { instrument: security("NONE"), units: 0, administrators_key: 2, cover: moved() };
    let right = stage.cover("emi", hana());
    macro_rules! retire {
        ($field:ident = $value:expr) => {
            &|it| {
                let I::Retire { $field, .. } = it else { panic!() };
                *$field = $value;
            }
        };
    }
    climb(
        &stage,
        owner("emi"),
        worst,
        &[
            ("instrument-unknown", retire!(instrument = security("OPEN"))),
            ("sealed-not-allowed", retire!(instrument = hana())),
            ("quantity-not-positive", retire!(units = i64::MIN)),
            ("quantity-not-positive", retire!(units = 100)),
            ("administrators-key-old", retire!(administrators_key = 1)),
            ("position-moved", retire!(cover = right.clone())),
        ],
    );
    let mut bare = Stage::bare();
    bare.list(USD, Kind::SealedMoney, "kinjo", false);
    bare.admit("ken");
    let asked = I::Retire { instrument: USD, units: 1, administrators_key: 0, cover: moved() };
    assert_eq!(bare.asks(owner("ken"), asked).1.unwrap().code(), "view-key-unknown");
}

#[test]
fn of_ones_own() {
    let mut stage = market();
    let pair = stage.against("emi", "ken", 30, 450);
    let own = stage.must(owner("emi"), settles(&pair));
    let hold = SealedTerms { hold: true, ..stage.against("emi", "ken", 1, 1) };
    let held = stage.must(owner("emi"), settles(&hold));
    let theirs = stage.must(owner("ken"), settles(&stage.clone().against("emi", "ken", 9, 2)));
    let nowhere = InstructionId { sequence: 77, ..own };
    macro_rules! point {
        ($id:expr) => {
            &|it| {
                let (I::Hold { instruction }
                | I::Release { instruction }
                | I::Cancel { instruction }
                | I::Prioritise { instruction, .. }) = it
                else {
                    panic!()
                };
                *instruction = $id;
            }
        };
    }
    for (asked, stays, goes) in [
        (I::Hold { instruction: nowhere }, held, own),
        (I::Release { instruction: nowhere }, own, held),
    ] {
        climb(
            &stage,
            owner("emi"),
            asked,
            &[
                ("instruction-unknown", point!(theirs)),
                ("instruction-not-yours", point!(stays)),
                ("not-in-this-state", point!(goes)),
            ],
        );
    }
    for asked in [
        I::Cancel { instruction: nowhere },
        I::Prioritise { instruction: nowhere, priority: Priority::Low },
    ] {
        climb(
            &stage,
            owner("emi"),
            asked,
            &[("instruction-unknown", point!(theirs)), ("instruction-not-yours", point!(own))],
        );
    }
    climb(
        &stage,
        owner("emi"),
        I::AttestPosition { account: account("ken"), instrument: USD },
        &[
            ("not-this-account", &|it| {
                *it = I::AttestPosition { account: account("emi"), instrument: USD };
            }),
            ("position-unknown", &|it| {
                *it = I::AttestPosition { account: account("emi"), instrument: hana() };
            }),
        ],
    );
}

#[test]
fn set_view_key() {
    let mut stage = market();
    stage.list(security("NEW"), Kind::SealedSecurity, "sakura", false);
    macro_rules! of_issuer {
        ($instrument:expr) => {
            mend!(I::SetViewKey { reader, .. } => *reader = Reader::Issuer { instrument: $instrument })
        };
    }
    let worst = I::SetViewKey {
        reader: Reader::Issuer { instrument: security("NONE") },
        view: PublicKey([0; 32]),
        envelope: PublicKey([0; 32]),
    };
    walk(
        &stage.market,
        "furikae",
        worst,
        &[
            ("role-missing", &nothing),
            ("instrument-unknown", of_issuer!(USD)),
            ("instrument-unknown", of_issuer!(security("OPEN"))),
            ("instrument-unknown", of_issuer!(hana())),
            ("view-key-not-allowed", of_issuer!(security("NEW"))),
            ("view-key-not-allowed", mend!(I::SetViewKey { view, .. } => view.0 = NO_POINT)),
            ("view-key-not-allowed", mend!(I::SetViewKey { view, .. } => view.0 = key("another"))),
            ("view-key-not-allowed", mend!(I::SetViewKey { envelope, .. } => envelope.0 = [2; 32])),
        ],
    );
    let number = |key| Reader::Administrators { key };
    for key in [1, 2] {
        let (_, refused) = stage.asks(party("furikae"), sets(number(key), "next"));
        assert_eq!(refused.unwrap().code(), "view-key-not-allowed", "the first stays");
    }
    walk(
        &Stage::bare().market,
        "furikae",
        sets(number(2), "first"),
        &[
            ("role-missing", &nothing),
            ("view-key-not-allowed", mend!(I::SetViewKey { reader, .. } => *reader = number(0))),
            ("view-key-not-allowed", mend!(I::SetViewKey { reader, .. } => *reader = number(1))),
        ],
    );
}

#[test]
fn open_account() {
    let stage = market();
    let mut worst = opens("emi");
    let I::OpenAccount { spend_key, view_key, envelope_key, .. } = &mut worst else { panic!() };
    (spend_key.0, view_key.0, envelope_key.0) = ([0; 32], NO_POINT, [0; 32]);
    let issuance = ledger::book::issuance_account(hana());
    walk(
        &stage.market,
        "furikae",
        worst,
        &[
            ("role-missing", &nothing),
            ("account-exists", mend!(I::OpenAccount { account, .. } => *account = issuance)),
            ("account-exists", mend!(I::OpenAccount { account: it, .. } => *it = account("new"))),
            (
                "view-key-not-allowed",
                mend!(I::OpenAccount { spend_key, .. } => spend_key.0 = [1; 32]),
            ),
            (
                "view-key-not-allowed",
                mend!(I::OpenAccount { view_key, .. } => view_key.0 = key("new")),
            ),
            (
                "view-key-not-allowed",
                mend!(I::OpenAccount { view_key, envelope_key, .. } => {
                    (view_key.0, envelope_key.0) = (NO_POINT, [2; 32]);
                }),
            ),
            (
                "view-key-not-allowed",
                mend!(I::OpenAccount { view_key, .. } => view_key.0 = [0; 32]),
            ),
            (
                "view-key-not-allowed",
                mend!(I::OpenAccount { view_key, .. } => view_key.0 = key("new")),
            ),
        ],
    );
    // A manager opens none with a key, whichever it is.
    for place in 0..3 {
        let mut asked = said("aoba opens account new");
        let I::OpenAccount { spend_key, view_key, envelope_key, .. } = &mut asked else { panic!() };
        [spend_key, view_key, envelope_key][place].0[31] = 1;
        let (_, refused) = stage.clone().asks(party("aoba"), asked);
        assert_eq!(refused.unwrap().code(), "role-missing");
    }
}

#[test]
fn settle_together() {
    let mut stage = market();
    let pair = stage.against("emi", "ken", 30, 450);
    let first = stage.must(owner("emi"), settles(&pair));
    let second = stage.must(owner("ken"), settles(&pair));
    let unmatched = stage.must(owner("emi"), settles(&stage.clone().against("emi", "ken", 1, 1)));
    let nowhere = InstructionId { sequence: 77, ..first };
    let too_many = usize::from(TOGETHER_MAX) + 1;
    let mut right = vec![stage.covering("emi", hana()), stage.covering("ken", USD)];
    right.sort_by_key(|it| it.place);
    let turned: Vec<Covering> = right.iter().rev().cloned().collect();
    let mut wrong = right.clone();
    wrong[1].cover = moved();
    macro_rules! names {
        ($ids:expr) => {
            mend!(I::SettleTogether { instructions, .. } => *instructions = $ids)
        };
    }
    macro_rules! covers {
        ($covers:expr) => {
            mend!(I::SettleTogether { covers, .. } => *covers = $covers)
        };
    }
    walk(
        &stage.market,
        "furikae",
        I::SettleTogether { instructions: vec![nowhere; too_many], covers: vec![] },
        &[
            ("role-missing", &nothing),
            ("instruction-unknown", names!(vec![unmatched; too_many])),
            ("not-in-this-state", names!(vec![first; too_many])),
            ("set-not-allowed", names!(vec![])),
            ("set-not-allowed", names!(vec![first, second])),
            ("set-not-allowed", names!(vec![second])),
            ("set-not-allowed", covers!(right[..1].to_vec())),
            ("set-not-allowed", covers!(turned.clone())),
            ("set-not-allowed", covers!(wrong.clone())),
            ("position-moved", covers!(right.clone())),
        ],
    );
}

#[test]
fn sign_off() {
    let mut stage = market();
    let signed = security("SIGNED");
    stage.list(signed, Kind::SealedSecurity, "sakura", true);
    stage.must(party("furikae"), sets(Reader::Issuer { instrument: signed }, "issuer"));
    let pair =
        terms(Legs::Delivery { deliver: stage.movement(signed, "emi", "ken", 3), pay: None });
    let unmatched = stage.must(owner("emi"), settles(&pair));
    let first = stage.must(owner("emi"), settles(&pair));
    stage.must(owner("ken"), settles(&pair));
    // Of two that say the same, the first in its lane is matched.
    let nowhere = InstructionId { sequence: 77, ..first };
    let (unmatched, first) = (first, unmatched);
    walk(
        &stage.market,
        "furikae",
        I::SignOff { instruction: nowhere, approved: true },
        &[
            ("role-missing", &nothing),
            (
                "instruction-unknown",
                mend!(I::SignOff { instruction, .. } => *instruction = unmatched),
            ),
            ("not-in-this-state", mend!(I::SignOff { instruction, .. } => *instruction = first)),
        ],
    );
    stage.must(party("furikae"), I::SignOff { instruction: first, approved: true });
    let again = stage.asks(party("furikae"), I::SignOff { instruction: first, approved: true });
    assert_eq!(again.1.unwrap().code(), "not-in-this-state");
    let no = stage.asks(party("furikae"), I::SignOff { instruction: first, approved: false });
    assert_eq!(no.1, None, "what waits for cover alone, the administrator may end");
}

#[test]
fn issuance() {
    let stage = market();
    walk(
        &stage.market,
        "kinjo",
        I::IssueMoney { currency: USD, account: account("nobody"), amount: open(0) },
        &[
            ("role-missing", &nothing),
            (
                "account-unknown",
                mend!(I::IssueMoney { account: it, .. } => *it = account("taro-cash")),
            ),
            (
                "sealed-not-allowed",
                mend!(I::IssueMoney { account: it, .. } => *it = account("ken")),
            ),
            (
                "quantity-not-positive",
                mend!(I::IssueMoney { amount, .. } => *amount = open(i64::MAX)),
            ),
            ("amounts-do-not-add", mend!(I::IssueMoney { amount, .. } => *amount = open(7))),
        ],
    );
    let issue =
        |instrument, to| I::RequestIssue { instrument, account: account(to), quantity: open(1) };
    let redeem = |instrument, from| I::RequestRedeem {
        instrument,
        account: account(from),
        quantity: open(1),
    };
    let money = |currency, to| I::IssueMoney { currency, account: account(to), amount: open(1) };
    for (sender, bad, good) in [
        ("sakura", issue(hana(), "taro"), issue(hana(), "emi")),
        ("sakura", issue(security("OPEN"), "emi"), issue(security("OPEN"), "taro")),
        ("sakura", redeem(hana(), "emi"), redeem(security("OPEN"), "taro")),
        ("sakura", redeem(security("OPEN"), "emi"), redeem(security("OPEN"), "taro")),
        ("kinjo", money(USD, "taro-cash"), money(USD, "emi")),
        ("kinjo", money(JPY, "emi"), money(JPY, "taro-cash")),
    ] {
        refused_then(&stage, sender, bad, good);
    }
    let mut bare = Stage::bare();
    bare.list(hana(), Kind::SealedSecurity, "sakura", false);
    bare.list(USD, Kind::SealedMoney, "kinjo", false);
    bare.admit("emi");
    let request = bare.must(party("sakura"), issue(hana(), "emi"));
    walk(
        &bare.market,
        "furikae",
        I::DecideRequest { request, approved: true },
        &[
            ("role-missing", &nothing),
            ("view-key-unknown", mend!(I::DecideRequest { approved, .. } => *approved = false)),
        ],
    );
    assert_eq!(bare.asks(party("kinjo"), money(USD, "emi")).1.unwrap().code(), "view-key-unknown");
}

/// The first is refused because of what is sealed; the second, which is open, has effect.
fn refused_then(stage: &Stage, sender: &str, bad: I, good: I) {
    let (_, refused) = stage.clone().asks(party(sender), bad.clone());
    assert_eq!(refused.map(|it| it.code()), Some("sealed-not-allowed"), "{bad:?}");
    stage.clone().must(party(sender), good);
}

#[test]
fn what_is_sealed_has_no_place_among_what_is_open() {
    let mut stage = market();
    let (of, taro, cash) = (security("OPEN"), account("taro"), account("taro-cash"));
    stage.must(party("kinjo"), I::IssueMoney { currency: JPY, account: cash, amount: open(9) });
    let board = |instrument, currency| I::OpenBoard { instrument, currency, lot: 1, tick: 1 };
    refused_then(&stage, "furikae", board(hana(), JPY), board(of, JPY));
    refused_then(&stage, "furikae", board(of, USD), board(of, JPY));
    let pay = |currency, to| {
        let I::Pay(it) = said("aoba pays 1 JPY from aoba-cash to botan-cash") else { panic!() };
        I::Pay(ledger::settlement::Pay { from: cash, to, currency, ..it })
    };
    refused_then(&stage, "aoba", pay(USD, taro), pay(JPY, taro));
    refused_then(&stage, "aoba", pay(JPY, account("ken")), pay(JPY, taro));
    let sale = |instrument, currency| {
        let line = "aoba delivers 1 SAKURA from emi to yuki for 5 JPY into aoba-cash";
        let I::Settle(Terms::Open(mut it)) = said(line) else { panic!() };
        (it.account, it.counterparty_account, it.instrument) = (taro, cash, instrument);
        it.counterparty = script::party("aoba");
        let payment = it.payment.as_mut().unwrap();
        (payment.account, payment.currency) = (cash, currency);
        I::Settle(Terms::Open(it))
    };
    refused_then(&stage, "aoba", sale(hana(), JPY), sale(of, JPY));
    refused_then(&stage, "aoba", sale(of, USD), sale(of, JPY));
    let report = |instrument, currency| {
        let line = "aoba reports buying 1 SAKURA from botan for 5 JPY";
        let I::ReportTrade(it) = said(line) else { panic!() };
        let counterparty = script::party("kinjo");
        I::ReportTrade(ledger::trade::ReportTrade { instrument, currency, counterparty, ..it })
    };
    refused_then(&stage, "aoba", report(hana(), JPY), report(of, JPY));
    refused_then(&stage, "aoba", report(of, USD), report(of, JPY));
    let allocate = |instrument, to| I::Allocate { instrument, from: cash, to: vec![(to, open(1))] };
    refused_then(&stage, "aoba", allocate(USD, taro), allocate(JPY, taro));
    refused_then(&stage, "aoba", allocate(JPY, account("ken")), allocate(JPY, taro));
    let redeem = |currency| I::RedeemMoney { currency, account: cash, amount: open(1) };
    refused_then(&stage, "aoba", redeem(USD), redeem(JPY));
}

#[test]
fn each_asks_its_own_verbs() {
    let mut stage = market();
    let pair = stage.against("emi", "ken", 30, 450);
    let own = stage.must(owner("emi"), settles(&pair));
    // A party asks none of an account's, and reaches no account's instruction.
    let retire = I::Retire { instrument: hana(), units: 1, administrators_key: 1, cover: moved() };
    for asked in [settles(&pair), I::Fund { instruction: own, cover: moved() }, retire] {
        for sender in ["aoba", "furikae", "kinjo", "watcher"] {
            let (_, refused) = stage.asks(party(sender), asked.clone());
            assert_eq!(refused.unwrap().code(), "sealed-not-allowed", "{asked:?}");
        }
    }
    for asked in [
        I::Hold { instruction: own },
        I::Release { instruction: own },
        I::Cancel { instruction: own },
        I::Prioritise { instruction: own, priority: Priority::High },
    ] {
        let (_, refused) = stage.asks(party("aoba"), asked);
        assert_eq!(refused.unwrap().code(), "instruction-unknown");
    }
    // An account asks none of a party's.
    for line in [
        "aoba opens account new",
        "aoba delivers 1 SAKURA from emi to yuki",
        "kinjo issues 1 JPY to botan-cash",
        "furikae opens day 2026-01-07",
        "furikae suspends aoba",
        "botan pays 1 JPY from botan-cash to aoba-cash",
        "sakura attests registry of SAKURA",
        "furikae signs off ?x",
    ] {
        let (_, refused) = stage.asks(owner("emi"), said(line));
        assert_eq!(refused.unwrap().code(), "not-this-account", "{line}");
    }
    for asked in [
        sets(Reader::Administrators { key: 1 }, "emi"),
        opens("another"),
        I::SettleTogether { instructions: vec![own], covers: vec![] },
        I::DecideRequest { request: own, approved: true },
    ] {
        let (_, refused) = stage.asks(owner("emi"), asked);
        assert_eq!(refused.unwrap().code(), "not-this-account");
    }
    let forwards = stage.envelope(owner("emi"), vec![I::Forward { envelopes: vec![] }]);
    let at = stage.market.at();
    let told = ledger::apply(&stage.market, forwards.chain, at, &forwards, &Shown::nothing());
    assert!(matches!(told, Err(NotApplied::Inadmissible(ledger::Inadmissible::InstructionCount))));
}
