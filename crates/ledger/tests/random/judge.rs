//! What must hold after every block, computed anew from rows and events alone.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use crypto::Shown;
use ledger::{
    Entry, Envelope, Event, Instruction as I, Key, Missing, NotApplied, Outcome, Snapshot, Value,
    book::{self, Movement, Place},
    issuance::Instrument,
    memory::Memory,
    order, registry,
    row::Row,
    settlement::{Asked, Instructed, Priority, Status, queue::Waiting},
};
use types::{BusinessDate, InstructionId, InstrumentId, Reader, Wire};

use crate::withheld::Withheld;

/// One call of the rules, over whatever is shown.
type Call<'a> = Box<dyn Fn(&dyn Snapshot) -> Result<Outcome, Missing> + 'a>;

/// What was seen so far.
pub struct Judge {
    /// Keys of rows that have ended.
    ended: BTreeSet<Key>,
    /// Where each instruction was told to stand.
    told: BTreeMap<InstructionId, Status>,
}

impl Judge {
    pub fn new(market: &Memory) -> Self {
        assert_sound(market);
        Self { ended: BTreeSet::new(), told: BTreeMap::new() }
    }

    /// Runs a block, each call also over a snapshot that shows no row until it is asked for: the outcome
    /// must be the same, and the number of times it asks small.
    pub fn block(&mut self, market: &mut Memory, envelopes: &[Envelope]) -> Vec<Event> {
        let at = market.begin_block();
        let chain = market.chain();
        let mut events = Vec::new();
        let mut calls: Vec<Call<'_>> = vec![Box::new(move |before| ledger::open(before, at))];
        for envelope in envelopes {
            calls.push(Box::new(move |before| {
                ledger::apply(before, chain, at, envelope, &Shown::nothing()).map_err(|why| {
                    match why {
                        NotApplied::Missing(missing) => missing,
                        NotApplied::Inadmissible(why) => panic!("{why:?}"),
                        NotApplied::Unshown(unshown) => panic!("{unshown:?}"),
                    }
                })
            }));
        }
        calls.push(Box::new(move |before| ledger::close(before, at)));
        for (place, call) in (0..).zip(calls) {
            let outcome = call(market).unwrap();
            let (withheld, goes) = from(&BTreeSet::new(), market, &call);
            assert_eq!(outcome, withheld, "what is missing changes nothing");
            assert!(goes <= GOES_MAX, "{goes} goes from nothing");
            if let Some(envelope) = envelopes.get(usize::wrapping_sub(place, 1)) {
                let foreseen = ledger::footprint(envelope).into_iter().collect();
                let (_, goes) = from(&foreseen, market, &call);
                assert!(goes <= FORESEEN_GOES_MAX, "{goes} goes: {:?}", envelope.instructions);
            }
            for (key, value) in &outcome.writes {
                self.note(market, key, value.as_ref());
            }
            events.extend(market.lay(outcome));
        }
        events
    }

    fn note(&mut self, market: &Memory, key: &Key, value: Option<&Value>) {
        if !key.has_change_leaf() {
            return;
        }
        match value {
            Some(_) => assert!(!self.ended.contains(key), "a row that has ended is written again"),
            None if market.rows().contains_key(key) => assert!(self.ended.insert(*key)),
            None => (),
        }
    }

    /// What holds between two blocks, and of the block between them.
    pub fn after(&mut self, before: &Memory, now: &Memory, asked: &[Envelope], events: &[Event]) {
        assert_sound(now);
        self.assert_stands(now, asked, events);
        assert_nothing_unsettles(&self.told, events);
        assert_nobody_was_passed(before, now, asked, events);
        assert_nothing_coverable_waits(now);
        assert_no_board_is_crossed(now);
    }

    /// Every instruction is in a state that was told, or has left the state for one that is final.
    fn assert_stands(&mut self, now: &Memory, asked: &[Envelope], events: &[Event]) {
        let mut refused = BTreeSet::new();
        for event in events {
            match event {
                Event::StatusChanged { instruction, status } => {
                    let last = self.told.insert(*instruction, *status);
                    assert!(!last.is_some_and(is_final), "what has ended stays so: {instruction}");
                }
                Event::Settled { instruction, .. } => {
                    let last = self.told.insert(*instruction, Status::Settled);
                    assert!(!last.is_some_and(is_final), "settled once: {instruction}");
                }
                Event::Refused { instruction, .. } => drop(refused.insert(*instruction)),
                _ => (),
            }
        }
        for (id, what) in asked.iter().flat_map(|it| it.ids().zip(&it.instructions)) {
            let settles = matches!(what, I::Settle(_) | I::Pay(_));
            assert!(
                !settles || refused.contains(&id) || self.told.contains_key(&id),
                "{id}: {what:?}"
            );
        }
        for (id, told) in &self.told {
            match now.get::<Instructed>(id) {
                Some(row) => assert_eq!(row.status, *told, "{id}"),
                None => assert!(is_final(*told), "{id} is {told:?} and has left the state"),
            }
        }
        let rows = rows::<Instructed>(now);
        assert!(rows.iter().all(|(id, _)| self.told.contains_key(id)));
        for (id, row) in rows {
            if let Some(other) = row.counterpart {
                let theirs = now.get::<Instructed>(&other).unwrap();
                assert_eq!(theirs.counterpart, Some(id), "a pair is a pair from both sides");
                assert_eq!(theirs.queued, row.queued);
            }
            let waits = row.queued.and_then(|it| now.get::<Waiting>(&it));
            let waits = waits.is_some_and(|it| !it.movements.is_empty());
            assert_eq!(
                waits,
                row.status == Status::Pending,
                "{id}: what is pending is in the queue"
            );
        }
    }
}

const fn is_final(status: Status) -> bool {
    matches!(status, Status::Settled | Status::Cancelled | Status::Expired | Status::SignOffRefused)
}

/// The rows of a kind, with their names.
fn rows<R: Row>(market: &Memory) -> Vec<(R::Name, R)> {
    let of_kind = market.rows().iter().filter(|it| it.0.kind() == R::KIND);
    let read = |(key, value): (&Key, &Value)| {
        let name = R::Name::read(&mut Reader::new(key.name())).unwrap();
        (name, R::from_bytes(value).unwrap())
    };
    of_kind.map(read).collect()
}

/// Instruments sum to zero, nobody owes, supplies and registries are what positions say, and the index is
/// what rows say.
fn assert_sound(market: &Memory) {
    let mut sums: BTreeMap<InstrumentId, i128> = BTreeMap::new();
    for ((account, instrument), units) in market.positions() {
        assert!(units >= 0 || book::is_issuance_account(account), "{account} owes {units}");
        *sums.entry(instrument).or_default() += i128::from(units);
    }
    assert!(sums.values().all(|it| *it == 0), "{sums:?}");
    for (instrument, row) in rows::<Instrument>(market) {
        let held = market.positions().filter(|((account, it), units)| {
            *it == instrument && *units != 0 && !book::is_issuance_account(*account)
        });
        let held: Vec<_> = held.map(|((account, _), units)| (account, units)).collect();
        assert_eq!(row.supply, crypto::Amount::Open(held.iter().map(|it| it.1).sum()));
        if !instrument.is_currency() {
            assert_eq!(row.registry_digest, registry::digest(held.into_iter()));
        }
    }
    let entries = market.rows().iter().flat_map(|(key, value)| ledger::entries(key, value));
    let entries: BTreeSet<Entry> = entries.collect();
    assert!(*market.index() == entries, "the index is what the rows say");
}

/// Each movement that was told happened once, and what was told final stays final.
fn assert_nothing_unsettles(told: &BTreeMap<InstructionId, Status>, events: &[Event]) {
    for event in events {
        if let Event::Settled { instruction, .. } = event {
            assert_eq!(told.get(instruction), Some(&Status::Settled));
        }
    }
}

type Order = (Priority, BusinessDate, u64);

/// A payment that settled has not passed one of its position that waited before the block and waits still.
fn assert_nobody_was_passed(before: &Memory, now: &Memory, asked: &[Envelope], events: &[Event]) {
    let waiting = |market: &Memory| -> BTreeMap<InstructionId, (Place, Order)> {
        let items = rows::<Waiting>(market).into_iter().filter(|it| it.1.payment);
        items
            .filter_map(|(_, it)| {
                Some((*it.sides.first()?, (it.movements.first()?.debit(), it.order())))
            })
            .collect()
    };
    let (were, are) = (waiting(before), waiting(now));
    let still: Vec<_> = are.iter().filter(|it| were.get(it.0) == Some(it.1)).collect();
    let settled = events.iter().filter_map(|it| match it {
        Event::Settled { instruction, counterpart: None, movements } => {
            Some((*instruction, movements.first()?.debit()))
        }
        _ => None,
    });
    let reordered = |id: &InstructionId| {
        let asked = asked.iter().flat_map(|it| &it.instructions);
        asked.into_iter().any(|it| match it {
            I::Prioritise { instruction, .. } | I::Release { instruction } => instruction == id,
            _ => false,
        })
    };
    for (id, place) in settled.filter(|it| !reordered(&it.0)) {
        let order = order_of(before, asked, id);
        for (other, (of, theirs)) in &still {
            let passed = *of == place && order.is_some_and(|mine| *theirs < mine);
            assert!(!passed, "{id} has passed {other}");
        }
    }
}

/// The order of a payment that settled: of its row before the block, or as it was asked in it.
fn order_of(before: &Memory, asked: &[Envelope], id: InstructionId) -> Option<Order> {
    if let Some(row) = before.get::<Instructed>(&id) {
        return Some((row.asked.priority(), row.asked.intended_date(), row.arrival));
    }
    let mut asked = asked.iter().flat_map(|it| it.ids().zip(&it.instructions));
    match asked.find(|it| it.0 == id)?.1 {
        I::Pay(pay) => Some((pay.priority, pay.intended_date, u64::MAX)),
        _ => None,
    }
}

/// After the close nothing waits that is covered by itself, but a payment behind another of its position.
fn assert_nothing_coverable_waits(now: &Memory) {
    let held: BTreeMap<Place, i64> = now.positions().collect();
    let items: Vec<Waiting> = rows::<Waiting>(now).into_iter().map(|it| it.1).collect();
    let first = |item: &Waiting| {
        let place = item.movements.first().map(Movement::debit);
        let of_place = items.iter().filter(|it| it.payment && !it.movements.is_empty());
        let mut of_place = of_place.filter(|it| it.movements.first().map(Movement::debit) == place);
        of_place.all(|it| it.order() >= item.order())
    };
    for item in items.iter().filter(|it| !it.movements.is_empty()) {
        let covered = item.movements.iter().all(|it| {
            let has = held.get(&it.debit()).copied().unwrap_or_default();
            it.from == it.to || matches!(it.amount, crypto::Amount::Open(units) if units <= has)
        });
        assert!(!covered || (item.payment && !first(item)), "it waits, and is covered: {item:?}");
        let sides = item.sides.iter().filter_map(|id| now.get::<Instructed>(id));
        let asked: Vec<Asked> = sides.map(|it| it.asked).collect();
        assert_eq!(item.payment, matches!(asked.as_slice(), [Asked::Pay(_)]));
    }
}

/// On every board and day, who buys bids less than who sells asks; nothing stands that is filled.
fn assert_no_board_is_crossed(now: &Memory) {
    let mut best: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for (_, order::Order { board, date, wanted, .. }) in rows::<order::Order>(now) {
        assert!(wanted.quantity > 0 && (wanted.buys || wanted.price > 0));
        let (bid, ask) = best.entry((board, date)).or_insert((-1, i64::MAX));
        if wanted.buys {
            *bid = wanted.price.max(*bid);
        } else {
            *ask = wanted.price.min(*ask);
        }
    }
    assert!(best.values().all(|(bid, ask)| bid < ask), "a board is crossed: {best:?}");
}

/// Most times that a call asks for rows, beginning with none.
const GOES_MAX: u32 = 60;
/// Most times that an envelope's rows have to be fetched beyond those that are foreseen.
const FORESEEN_GOES_MAX: u32 = 6;

/// The outcome over rows that are shown when they are asked for, and how often some were.
fn from(
    shown: &BTreeSet<Key>,
    market: &Memory,
    call: &dyn Fn(&dyn Snapshot) -> Result<Outcome, Missing>,
) -> (Outcome, u32) {
    let withheld = Withheld { market, shown: RefCell::new(shown.clone()) };
    for goes in 0..=GOES_MAX {
        match call(&withheld) {
            Ok(outcome) => return (outcome, goes),
            Err(Missing(keys)) => {
                assert!(!keys.is_empty(), "something is missing");
                let mut shown = withheld.shown.borrow_mut();
                keys.into_iter().for_each(|key| assert!(shown.insert(key), "asked for twice"));
            }
        }
    }
    panic!("a call that never has enough");
}
