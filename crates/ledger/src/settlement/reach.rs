//! Reach: which of what waits a close has to look at.
//!
//! From the positions that changed, debit to credit, breadth first. An item that cannot be covered even by
//! all that waits to be credited is *hopeless* and is not followed: nothing it would pay can arrive. How
//! far that is followed back is [`DEPTH`]; an item that is not seen to be hopeless is looked at.
//!
//! The index is walked in memory. Positions are asked for in growing batches, so that the number of times
//! a close starts again is logarithmic in what it reaches.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

use super::{
    offsetting::Item,
    queue::{self, Frontier, Order},
};
use crate::{
    book::{self, Movement, Place, Position},
    draft::{Draft, Missing},
    row::{Key, Row},
};

/// How many items one close reaches; the frontier carries over to the next block.
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
const ITEMS_MAX: usize = 4_096;
/// Credits that wait on one position beyond this number count as enough for anything.
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
const CREDITS_MAX: usize = 64;
/// How often the question "can it be covered?" is asked of what would cover it.
const DEPTH: u8 = 2;
/// How many positions are asked for at first.
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
const MISSING_MAX: usize = 64;

/// What a close looks at, and where the next has to go on.
pub(super) struct Reached {
    /// In order.
    pub items: BTreeMap<Order, Item>,
    /// What each position that they debit has.
    pub balances: BTreeMap<Place, i64>,
    /// Where the next close goes on.
    pub frontier: Vec<(Place, Option<Order>)>,
}

/// Reaches from the frontier.
///
/// # Errors
/// [`Missing`], with some of the positions that are needed.
pub(super) fn reach(draft: &Draft<'_>, frontier: &[Place]) -> Result<Reached, Missing> {
    draft.require_rows(frontier.iter().map(Frontier::key))?;
    let mut next: VecDeque<(Place, Option<Order>)> = VecDeque::new();
    for place in frontier {
        let from = draft.get::<Frontier>(place)?.and_then(|row| row.from);
        next.push_back((*place, from.map(|(priority, (date, number))| (priority, date, number))));
    }
    let mut seen: BTreeSet<Place> = frontier.iter().copied().collect();
    let mut search = Search::over(draft);
    let (mut items, mut looked_at) = (BTreeMap::new(), BTreeSet::new());
    let mut left = Vec::new();
    while let Some((place, from)) = next.pop_front() {
        let first = from.and_then(|_| queue::payments(draft, place).next());
        let mut blocked = first.zip(from).is_some_and(|(first, from)| first < from);
        for debit in queue::debiting(draft, place, from) {
            let order = debit.order;
            if looked_at.len() >= ITEMS_MAX {
                left.push((place, Some(order)));
                break;
            }
            if !looked_at.insert(order) {
                continue;
            }
            if debit.payment && blocked {
                continue;
            }
            let item = (!search.is_short(place, debit.amount, 1))
                .then(|| queue::item(draft, order.2))
                .filter(|item| !search.is_hopeless(&item.movements, DEPTH));
            let Some(item) = item else {
                blocked |= debit.payment;
                continue;
            };
            search.ask()?;
            let credits = item.movements.iter().map(Movement::credit);
            next.extend(credits.filter(|it| seen.insert(*it)).map(|it| (it, None)));
            items.insert(order, item);
        }
    }
    search.finish()?;
    drop_overtaking(draft, &mut items);
    let debits = items.values().flat_map(Item::debits).map(|it| (it, search.known(it)));
    Ok(Reached { balances: debits.collect(), items, frontier: left })
}

/// Takes out payments that would pass one of their position that was not reached.
fn drop_overtaking(draft: &Draft<'_>, items: &mut BTreeMap<Order, Item>) {
    let payments = items.iter().filter(|(_, item)| item.payment);
    let firsts: BTreeSet<Place> = payments.flat_map(|(_, item)| item.debits()).collect();
    let mut until: BTreeMap<Place, Order> = BTreeMap::new();
    for place in firsts {
        let unreached = queue::payments(draft, place).find(|order| !items.contains_key(order));
        until.extend(unreached.map(|order| (place, order)));
    }
    items.retain(|order, item| {
        let passes = |place| until.get(&place).is_some_and(|first| first < order);
        !item.payment || !item.debits().any(passes)
    });
}

/// What has been looked up while reaching.
struct Search<'s, 'd> {
    draft: &'s Draft<'d>,
    available: BTreeMap<Place, i64>,
    missing: BTreeSet<Key>,
    inflow: BTreeMap<(u8, Place), i128>,
}

impl<'s, 'd> Search<'s, 'd> {
    fn over(draft: &'s Draft<'d>) -> Self {
        let (available, missing) = (BTreeMap::new(), BTreeSet::new());
        Self { draft, available, missing, inflow: BTreeMap::new() }
    }

    /// Whether some position could not cover these movements even with what waits to be credited to it.
    fn is_hopeless(&mut self, movements: &[Movement], depth: u8) -> bool {
        let short = |it: &Movement| self.is_short(it.debit(), book::open(&it.amount), depth);
        movements.iter().any(short)
    }

    /// Whether a position could not cover an amount even with what waits to be credited to it; first asked
    /// of all of that, for it costs least.
    fn is_short(&mut self, place: Place, amount: i64, depth: u8) -> bool {
        let short = amount.saturating_sub(self.available(place));
        short > 0 && (1..=depth).any(|depth| self.inflow(place, depth) < i128::from(short))
    }

    /// Whether a payment waits behind the first of its position, and that one is hopeless.
    fn is_behind(&mut self, item: &Item, number: u64, depth: u8) -> bool {
        let place = item.debits().next().filter(|_| item.payment);
        let first = place.and_then(|place| queue::payments(self.draft, place).next());
        first.is_some_and(|first| {
            first.2 != number
                && self.is_hopeless(&queue::item(self.draft, first.2).movements, depth)
        })
    }

    /// What waits to be credited to a position, less what is seen to be hopeless.
    fn inflow(&mut self, place: Place, depth: u8) -> i128 {
        if let Some(inflow) = self.inflow.get(&(depth, place)) {
            return *inflow;
        }
        let credits: Vec<(u64, i64)> =
            queue::credits(self.draft, place).take(CREDITS_MAX.saturating_add(1)).collect();
        let mut inflow = 0_i128;
        for (number, amount) in &credits {
            let deeper = depth.checked_sub(1).filter(|it| *it > 0);
            let hopeless = deeper.is_some_and(|depth| {
                let item = queue::item(self.draft, *number);
                self.is_hopeless(&item.movements, depth) || self.is_behind(&item, *number, depth)
            });
            if !hopeless {
                inflow = inflow.saturating_add(i128::from(*amount));
            }
        }
        if credits.len() > CREDITS_MAX {
            inflow = i128::MAX;
        }
        self.inflow.insert((depth, place), inflow);
        inflow
    }

    /// What a position has; enough for anything while it is not at hand.
    fn available(&mut self, place: Place) -> i64 {
        if let Some(available) = self.available.get(&place) {
            return *available;
        }
        match book::available(self.draft, place) {
            Ok(available) => {
                self.available.insert(place, available);
                available
            }
            Err(Missing(keys)) => {
                self.missing.extend(keys);
                i64::MAX
            }
        }
    }

    /// Asks for what is missing, once it is as much as is known.
    fn ask(&self) -> Result<(), Missing> {
        let enough = self.available.len().saturating_add(MISSING_MAX);
        if self.missing.len() < enough { Ok(()) } else { self.finish() }
    }

    fn finish(&self) -> Result<(), Missing> {
        let missing: Vec<Key> = self.missing.iter().copied().collect();
        if missing.is_empty() { Ok(()) } else { Err(Missing(missing)) }
    }

    fn known(&self, place: Place) -> i64 {
        let known = self.available.get(&place);
        assert!(known.is_some(), "each debited position of {} was looked up", Position::KIND);
        known.copied().unwrap_or_default()
    }
}
