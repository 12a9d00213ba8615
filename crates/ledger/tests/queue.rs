//! The queue at its limits: how far one close reaches, what carries over, and what an untouched queue costs.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

use crypto::Amount;
use ledger::{
    Event, Instruction,
    memory::Memory,
    row::kind,
    script::{self, party},
    settlement::{Pay, Priority},
};
use types::{BusinessDate, InstrumentId, KeyId, Text};

const CAST: &str = "
furikae  admits aoba as participant
furikae  admits kinjo as settlement-bank
aoba     opens accounts a, b, c
furikae  lists JPY issued by kinjo
";

/// How many items one close reaches.
const REACH: i64 = 4_096;

fn yen() -> InstrumentId {
    InstrumentId::of_currency(*b"JPY")
}

fn pay(from: &str, to: &str, amount: i64) -> Instruction {
    Instruction::Pay(Pay {
        from: script::account(from),
        to: script::account(to),
        currency: yen(),
        amount: Amount::Open(amount),
        intended_date: BusinessDate(20_458),
        priority: Priority::Normal,
        hold: false,
        reference: Text::default(),
    })
}

fn issue(to: &str, amount: i64) -> Instruction {
    let account = script::account(to);
    Instruction::IssueMoney { currency: yen(), account, amount: Amount::Open(amount) }
}

fn market() -> Memory {
    let script = script::parse(CAST).unwrap();
    let mut market = Memory::of(&script);
    assert_eq!(market.play(&script).failed, []);
    market
}

/// One block in which a party asks all of this; how many settle.
fn block(market: &mut Memory, who: &str, asked: Vec<Instruction>) -> i64 {
    let mut envelopes = Vec::new();
    for asked in asked.chunks(1_000) {
        let mut envelope = market.envelope(party(who), KeyId(0), asked.to_vec());
        envelope.sequence += envelopes.len() as u64;
        envelopes.push(envelope);
    }
    let told = market.block(&envelopes).unwrap();
    assert!(!told.iter().any(|it| matches!(it, Event::Refused { .. })), "{told:?}");
    told.iter().filter(|it| matches!(it, Event::Settled { .. })).map(|_| 1).sum()
}

fn held(market: &Memory, account: &str) -> i64 {
    let place = (script::account(account), yen());
    market.positions().find(|it| it.0 == place).map_or(0, |it| it.1)
}

fn waiting(market: &Memory) -> usize {
    market.rows().keys().filter(|it| it.kind() == kind::WAITING).count()
}

#[test]
fn a_close_reaches_so_many_and_the_next_goes_on() {
    let mut market = market();
    for _ in 0..6 {
        assert_eq!(block(&mut market, "aoba", vec![pay("a", "b", 1); 1_000]), 0);
    }
    assert_eq!(waiting(&market), 6_000);
    assert_eq!(block(&mut market, "kinjo", vec![issue("a", 6_000)]), REACH);
    assert_eq!((held(&market, "a"), held(&market, "b")), (6_000 - REACH, REACH));
    assert_eq!(block(&mut market, "kinjo", vec![]), 6_000 - REACH);
    assert_eq!((held(&market, "a"), held(&market, "b"), waiting(&market)), (0, 6_000, 0));
}

#[test]
fn a_ring_beyond_the_reach_of_one_close_settles_in_a_later_one() {
    let mut market = market();
    // Whatever c owes stands behind payments that nothing will ever cover, and before the ring's last leg.
    block(&mut market, "aoba", vec![pay("a", "c", 5)]);
    let mut many: Vec<Instruction> = (0..5_000).map(|_| pay("c", "a", 1_000_000)).collect();
    many.push(pay("b", "a", 5));
    for some in many.chunks(1_000) {
        block(&mut market, "aoba", some.to_vec());
    }
    assert_eq!(waiting(&market), 5_002);
    // a pays c, which pays nobody; b's payment is the one that a's can be covered by.
    let mut settled = block(&mut market, "kinjo", vec![issue("b", 5)]);
    for _ in 0..4 {
        settled += block(&mut market, "kinjo", vec![]);
    }
    assert_eq!(settled, 2);
    assert_eq!((held(&market, "a"), held(&market, "b"), held(&market, "c")), (0, 0, 5));
}

#[test]
fn a_block_that_touches_nothing_of_the_queue_does_nothing_to_it() {
    let mut market = market();
    block(&mut market, "kinjo", vec![issue("a", 10), issue("b", 10)]);
    block(&mut market, "aoba", vec![pay("a", "b", 30), pay("a", "b", 1), pay("b", "a", 12)]);
    for _ in 0..3 {
        block(&mut market, "aoba", vec![]);
    }
    assert_eq!(waiting(&market), 3, "30 cannot be covered, 12 only by it, and 1 does not pass it");
    let at = market.begin_block();
    for outcome in [ledger::open(&market, at), ledger::close(&market, at)] {
        assert_eq!(outcome.unwrap(), ledger::Outcome::default());
    }
}
