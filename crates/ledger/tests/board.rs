//! The board: what must hold whatever is asked, and what it costs.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

#[path = "board/fetching.rs"]
mod fetching;
#[path = "board/naive.rs"]
mod naive;
mod withheld;

use ledger::{
    Event, Instruction as I,
    memory::Memory,
    order::{FILLS_A_BLOCK, FILLS_MAX, Order, OrderEnd, PlaceOrder},
    row::{Row as _, kind},
    script::{self, party},
    settlement::{Instructed, Status},
    trade::{Trade, TradeId, TradeStatus},
};
use proptest::prelude::*;
use types::{InstructionId, InstrumentId, Isin, KeyId, Text};

use self::naive::{Naive, Wanted};

const CAST: &str = "
furikae  admits aoba, botan, chidori as participant
furikae  admits kinjo as settlement-bank
furikae  admits sakura as issuer
aoba     opens account a
botan    opens account b
chidori  opens account c
furikae  lists SAKURA issued by sakura
furikae  lists FUJI issued by sakura sign-off
furikae  lists JPY issued by kinjo
furikae  opens board of SAKURA in JPY
furikae  opens board of FUJI in JPY
sakura   requests issue of 1,000,000 SAKURA to a   as r1
furikae  approves r1
sakura   requests issue of 1,000,000 FUJI to a   as r2
furikae  approves r2
kinjo    issues 1,000,000,000 JPY to b
";
const MEMBERS: [(&str, &str); 3] = [("aoba", "a"), ("botan", "b"), ("chidori", "c")];

fn named(word: &str) -> InstrumentId {
    InstrumentId::parse(Isin::complete(&format!("JP{word:0>9}")).unwrap().as_str()).unwrap()
}

fn market() -> Memory {
    let script = script::parse(CAST).unwrap();
    let mut market = Memory::of(&script);
    assert_eq!(market.play(&script).failed, []);
    market
}

fn order(account: &str, buys: bool, quantity: i64, price: i64) -> I {
    let account = script::account(account);
    let (instrument, currency) = (named("SAKURA"), InstrumentId::of_currency(*b"JPY"));
    let (cash, reference) = (account, Text::default());
    let wanted =
        PlaceOrder { instrument, currency, buys, price, quantity, account, cash, reference };
    I::PlaceOrder(wanted)
}

/// One block in which a party asks all of this; the ids, and what is told.
fn block(market: &mut Memory, who: &str, asked: Vec<I>) -> (Vec<InstructionId>, Vec<Event>) {
    let mut envelopes = Vec::new();
    for asked in asked.chunks(1_000) {
        let mut envelope = market.envelope(party(who), KeyId(0), asked.to_vec());
        envelope.sequence += envelopes.len() as u64;
        envelopes.push(envelope);
    }
    let ids = envelopes.iter().flat_map(|it| it.ids()).collect();
    (ids, market.block(&envelopes).unwrap())
}

fn orders(market: &Memory) -> usize {
    market.rows().keys().filter(|it| it.kind() == Order::KIND).count()
}

fn count(events: &[Event], of: fn(&Event) -> bool) -> u32 {
    u32::try_from(events.iter().filter(|it| of(it)).count()).unwrap()
}

const fn is_fill(event: &Event) -> bool {
    matches!(event, Event::Filled { .. })
}

/// What one draw asks.
#[derive(Clone, Debug)]
enum Draw {
    Place { member: usize, buys: bool, quantity: i64, price: i64 },
    Amend { which: prop::sample::Index, quantity: i64, price: i64 },
    Cancel { which: prop::sample::Index },
    NextDay,
}

fn draws() -> impl Strategy<Value = Vec<(Draw, bool)>> {
    let place = (0..3_usize, any::<bool>(), 1..9_i64, 0..7_i64)
        .prop_map(|(member, buys, quantity, price)| Draw::Place { member, buys, quantity, price });
    let amend = (any::<prop::sample::Index>(), 0..9_i64, 0..7_i64)
        .prop_map(|(which, quantity, price)| Draw::Amend { which, quantity, price });
    let cancel = any::<prop::sample::Index>().prop_map(|which| Draw::Cancel { which });
    let draw = prop_oneof![
        60 => place, 25 => amend, 13 => cancel, 2 => Just(Draw::NextDay)
    ];
    prop::collection::vec((draw, prop::bool::weighted(0.3)), 1..160)
}

/// A market and its naive twin, and what waits to be asked in the next block.
struct Pair {
    market: Memory,
    naive: Naive,
    today: u32,
    placed: Vec<(InstructionId, usize)>,
    block: Vec<ledger::Envelope>,
}

impl Pair {
    fn new() -> Self {
        let (market, naive) = (market(), Naive::default());
        Self { market, naive, today: 20_458, placed: Vec::new(), block: Vec::new() }
    }

    fn ask(&mut self, draw: &Draw) {
        let of = |placed: &Vec<(InstructionId, usize)>, which: &prop::sample::Index| {
            (!placed.is_empty()).then(|| placed[which.index(placed.len())])
        };
        let (who, what) = match draw {
            Draw::Place { member, buys, quantity, price } => {
                (*member, order(MEMBERS[*member].1, *buys, *quantity, *price))
            }
            Draw::Amend { which, quantity, price } => {
                let Some((order, member)) = of(&self.placed, which) else { return };
                (member, I::AmendOrder { order, price: *price, quantity: *quantity })
            }
            Draw::Cancel { which } => {
                let Some((order, member)) = of(&self.placed, which) else { return };
                (member, I::CancelOrder { order })
            }
            Draw::NextDay => {
                self.today += 1;
                (3, I::OpenDay { date: types::BusinessDate(self.today) })
            }
        };
        let name = MEMBERS.get(who).map_or("furikae", |it| it.0);
        let mut envelope = self.market.envelope(party(name), KeyId(0), vec![what.clone()]);
        let waiting = self.block.iter().filter(|it| it.sender == envelope.sender).count();
        envelope.sequence += waiting as u64;
        let id = envelope.ids().next().unwrap();
        match what {
            I::PlaceOrder(it) => {
                self.placed.push((id, who));
                let wanted = Wanted { id, buys: it.buys, price: it.price, quantity: it.quantity };
                self.naive.place(wanted);
            }
            I::AmendOrder { order, price, quantity } => self.naive.amend(order, price, quantity),
            I::CancelOrder { order } => self.naive.cancel(order),
            _ => self.naive.end_day(),
        }
        self.block.push(envelope);
    }

    /// Ends the block, and holds the market against the twin.
    fn judge(&mut self) -> Vec<Event> {
        let envelopes = std::mem::take(&mut self.block);
        let events = self.market.block(&envelopes).unwrap();
        let fills: Vec<_> = events
            .iter()
            .filter_map(|it| match it {
                Event::Filled { buy, sell, quantity, price, .. } => {
                    Some((*buy, *sell, *quantity, *price))
                }
                _ => None,
            })
            .collect();
        assert_eq!(fills, std::mem::take(&mut self.naive.fills));
        let refused = count(&events, |it| matches!(it, Event::Refused { .. }));
        assert_eq!(refused, std::mem::take(&mut self.naive.refused));
        let today = types::BusinessDate(self.today);
        let mut standing: Vec<Wanted> = Vec::new();
        for (id, _) in &self.placed {
            let Some(row) = self.market.get::<Order>(id).filter(|it| it.date == today) else {
                continue;
            };
            let PlaceOrder { buys, price, quantity, .. } = row.wanted;
            standing.push(Wanted { id: *id, buys, price, quantity });
        }
        let mut expected = self.naive.standing.clone();
        expected.sort_by_key(|it| it.id);
        standing.sort_by_key(|it| it.id);
        assert_eq!(standing, expected);
        let best =
            |buys: bool| standing.iter().filter(move |it| it.buys == buys).map(|it| it.price);
        assert!(
            best(true).max() < best(false).min() || best(false).min().is_none(),
            "it is crossed"
        );
        let sum: i128 = self.market.positions().map(|it| i128::from(it.1)).sum();
        assert_eq!(sum, 0);
        events
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn orders_meet_as_on_a_naive_board(draws in draws()) {
        let run = || {
            let (mut pair, mut told) = (Pair::new(), Vec::new());
            for (draw, ends) in &draws {
                pair.ask(draw);
                if *ends {
                    told.extend(pair.judge());
                }
            }
            told.extend(pair.judge());
            (pair.market.rows().clone(), told)
        };
        prop_assert!(run() == run(), "the same orders leave the same market");
    }
}

#[test]
fn what_is_cancelled_leaves_nothing() {
    let mut market = market();
    let (rows, entries) = (market.rows().len(), market.index().len());
    let (mut standing, mut most): (Vec<InstructionId>, usize) = Default::default();
    for round in 0..200_i64 {
        let places = (0..100).map(|it| order("b", true, 1 + it, 100 + (round * 7 + it) % 50));
        let mut asked: Vec<I> = places.collect();
        // All but five of the orders before are cancelled.
        asked.extend(standing.drain(5.min(standing.len())..).map(|order| I::CancelOrder { order }));
        let (ids, _) = block(&mut market, "botan", asked);
        standing.extend(ids.into_iter().take(100));
        most = most.max(orders(&market));
    }
    assert!(most <= 210, "{most} orders, of 20,000 that came");
    assert_eq!(market.index().len() - entries, orders(&market));
    block(&mut market, "botan", standing.iter().map(|it| I::CancelOrder { order: *it }).collect());
    // The count of arrivals and that of fills may have come.
    assert!(market.rows().len() <= rows + 2 && market.index().len() == entries);
}

#[test]
fn a_day_ends_in_blocks_and_what_is_over_is_not_met() {
    let mut market = market();
    block(&mut market, "botan", vec![order("b", true, 1, 10); 1_200]);
    block(&mut market, "furikae", vec![I::OpenDay { date: types::BusinessDate(20_459) }]);
    assert_eq!(orders(&market), 1_200);
    let (_, told) = block(&mut market, "aoba", vec![order("a", false, 5, 10)]);
    assert_eq!(count(&told, is_fill), 0);
    let over = |it: &Event| matches!(it, Event::OrderEnded { why: OrderEnd::DayOver, .. });
    assert_eq!((count(&told, over), orders(&market)), (512, 1_200 - 512 + 1));
    block(&mut market, "aoba", vec![]);
    block(&mut market, "aoba", vec![]);
    assert_eq!(orders(&market), 1);
}

#[test]
fn an_order_takes_so_many_and_a_block_takes_so_many() {
    let mut market = market();
    let many = usize::try_from(FILLS_MAX).unwrap() + 100;
    block(&mut market, "aoba", vec![order("a", false, 1, 10); many]);
    let (_, told) = block(&mut market, "botan", vec![order("b", true, 5_000, 10)]);
    assert_eq!(count(&told, is_fill), FILLS_MAX);
    let rest = told.iter().find_map(|it| match it {
        Event::OrderEnded { quantity, why: OrderEnd::TooManyFills, .. } => Some(*quantity),
        _ => None,
    });
    assert_eq!(rest, Some(5_000 - i64::from(FILLS_MAX)));
    assert_eq!(orders(&market), 100, "the rest does not stand, and crosses nothing");

    let many = usize::try_from(FILLS_A_BLOCK).unwrap() + 400;
    block(&mut market, "aoba", vec![order("a", false, 1, 10); many - 100]);
    let (_, told) = block(&mut market, "botan", vec![order("b", true, 1_000, 10); 17]);
    assert_eq!(count(&told, is_fill), FILLS_A_BLOCK);
    assert_eq!(orders(&market), 400);
    let (_, told) = block(&mut market, "botan", vec![order("b", true, 1_000, 10)]);
    assert_eq!((count(&told, is_fill), orders(&market)), (400, 1), "in the next it goes on");
}

#[test]
fn a_fill_awaits_sign_off_and_is_free_again_when_its_pair_ends() {
    let mut market = market();
    let of_fuji = |it: I| match it {
        I::PlaceOrder(it) => I::PlaceOrder(PlaceOrder { instrument: named("FUJI"), ..it }),
        other => other,
    };
    let fill = |market: &mut Memory| {
        block(market, "aoba", vec![of_fuji(order("a", false, 3, 10))]);
        let (_, told) = block(market, "botan", vec![of_fuji(order("b", true, 3, 10))]);
        told.iter().find_map(|it| match it {
            Event::Filled { deliver, receive, .. } => Some((*deliver, *receive)),
            _ => None,
        })
    };
    let (deliver, receive) = fill(&mut market).unwrap();
    let row = |market: &Memory, id: InstructionId| market.get::<Instructed>(&id);
    for id in [deliver, receive] {
        assert_eq!(row(&market, id).unwrap().status, Status::AwaitingSignOff);
    }
    let signed = I::SignOff { instruction: receive, approved: true };
    let (_, told) = block(&mut market, "furikae", vec![signed]);
    assert_eq!(count(&told, |it| matches!(it, Event::Settled { .. })), 2);

    let (deliver, receive) = fill(&mut market).unwrap();
    let trade = TradeId::Reported { report: deliver };
    let status = |market: &Memory| market.get::<Trade>(&trade).map(|it| it.status);
    assert_eq!(status(&market), Some(TradeStatus::Instructed));
    block(&mut market, "aoba", vec![I::Cancel { instruction: deliver }]);
    block(&mut market, "botan", vec![I::Cancel { instruction: receive }]);
    assert_eq!(row(&market, deliver), None);
    assert_eq!(status(&market), Some(TradeStatus::Affirmed), "the trade binds, whoever settles it");
}

#[test]
fn rows_are_asked_for_in_few_goes() {
    let mut market = market();
    block(&mut market, "aoba", vec![order("a", false, 1, 10); 4_000]);
    let large = market.envelope(party("botan"), KeyId(0), vec![order("b", true, 1_000, 10)]);
    let goes = fetching::goes(&market, &large);
    assert!(goes <= 3, "one order that takes a thousand: {goes} goes");
    let small = market.envelope(party("botan"), KeyId(0), vec![order("b", true, 1, 10); 1_000]);
    let goes = fetching::goes(&market, &small);
    assert!(goes <= 3, "a thousand orders that take one each: {goes} goes");
    let unpaid = market.envelope(party("chidori"), KeyId(0), vec![order("c", true, 1, 10); 1_000]);
    let goes = fetching::goes(&market, &unpaid);
    assert!(goes <= 16, "a thousand that wait in the queue: {goes} goes");
    let at = market.begin_block();
    assert_eq!(ledger::open(&market, at).unwrap(), ledger::Outcome::default());
    let waits = [kind::INSTRUCTION, kind::TRADE, kind::WAITING];
    assert!(!market.rows().keys().any(|it| waits.contains(&it.kind())));
}
