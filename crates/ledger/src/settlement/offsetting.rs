//! Offsetting: at the close of a block, settle what covers itself.
//!
//! 1. *Reach* from the positions that changed, debit to credit, breadth first, over the index alone.
//! 2. *The rule*, over all instruments and money jointly: start from everything reached; while a position
//!    is short, remove the last in order of all items that debit any short position; then add back in
//!    order what fits, until nothing does. A payment never passes a waiting one of its own position.
//! 3. *Post* the sum of what remains, once.
//!
//! For payments alone the result is the unique maximum that keeps each payer's order.
//! Source: paper III.2(e), note 22; Bech and Soramaki, "Gridlock resolution in interbank payment systems".

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};

use super::{
    dvp,
    queue::{self, Frontier, Order, Waiting},
};
use crate::{
    Stop,
    book::{self, Movement, Place},
    draft::{Draft, Missing},
    row::Row,
};

/// How many items one close reaches; the frontier carries over to the next block.
const REACH_MAX: usize = 4_096;

/// Something that waits, as the rule sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it moves.
    pub movements: Vec<Movement>,
    /// Whether it is a payment, which keeps its order.
    pub payment: bool,
}

/// Settles what covers itself among what is reached.
///
/// # Errors
/// [`Missing`].
pub(crate) fn run(draft: &mut Draft<'_>) -> Result<(), Missing> {
    let places = queue::frontier(draft);
    if places.is_empty() {
        return Ok(());
    }
    draft.require_rows(places.iter().map(Frontier::key))?;
    let reached = reach(draft, &places)?;
    let debits: BTreeSet<Place> = reached.items.values().flat_map(debits).collect();
    draft.require_rows(debits.iter().map(book::Position::key))?;
    let mut balances = BTreeMap::new();
    for place in debits {
        balances.insert(place, book::available(draft, place)?);
    }
    let settling = rule(&reached.items, &balances);
    for place in &places {
        draft.end::<Frontier>(place)?;
    }
    for (place, from) in reached.frontier {
        let from = from.map(|(priority, date, number)| (priority, (date, number)));
        draft.put(&place, &Frontier { from })?;
    }
    settle(draft, &reached.items, &settling)
}

/// What a close looks at, and where the next has to go on.
struct Reached {
    items: BTreeMap<Order, Item>,
    frontier: Vec<(Place, Option<Order>)>,
}

fn reach(draft: &Draft<'_>, places: &[Place]) -> Result<Reached, Missing> {
    let mut next: VecDeque<(Place, Option<Order>)> = VecDeque::new();
    for place in places {
        let from = draft.get::<Frontier>(place)?.and_then(|row| row.from);
        next.push_back((*place, from.map(|(priority, (date, number))| (priority, date, number))));
    }
    let mut seen: BTreeSet<Place> = places.iter().copied().collect();
    let mut items = BTreeMap::new();
    let mut left = Vec::new();
    while let Some((place, from)) = next.pop_front() {
        for order in queue::debiting(draft, place, from) {
            if items.len() >= REACH_MAX {
                left.push((place, Some(order)));
                break;
            }
            if items.contains_key(&order) {
                continue;
            }
            let movements = queue::legs(draft, order.2);
            let credits: Vec<Place> = movements.iter().map(Movement::credit).collect();
            next.extend(credits.into_iter().filter(|it| seen.insert(*it)).map(|it| (it, None)));
            let payment = movements.len() == 1
                && movements.iter().any(|it| queue::is_payment(draft, it.debit(), order));
            items.insert(order, Item { movements, payment });
        }
    }
    drop_overtaking(draft, &mut items);
    Ok(Reached { items, frontier: left })
}

/// Takes out payments that would pass one of their position that was not reached.
fn drop_overtaking(draft: &Draft<'_>, items: &mut BTreeMap<Order, Item>) {
    let mut blocked: BTreeSet<Place> = BTreeSet::new();
    for item in items.values().filter(|it| it.payment) {
        for place in debits(item) {
            let first = queue::first_payment(draft, place);
            if first.is_some_and(|first| !items.contains_key(&first)) {
                blocked.insert(place);
            }
        }
    }
    items.retain(|_, item| !item.payment || !debits(item).any(|it| blocked.contains(&it)));
}

/// The rule: which of `items` settle, given what each position has.
///
/// Works on any number of items; [`run`] limits them.
#[must_use]
pub fn rule(items: &BTreeMap<Order, Item>, balances: &BTreeMap<Place, i64>) -> BTreeSet<Order> {
    let mut set = Set::of(items, balances);
    set.remove_until_covered(items);
    set.add_back(items);
    set.settling
}

/// A candidate set, and what it would leave on each position.
struct Set {
    settling: BTreeSet<Order>,
    after: BTreeMap<Place, i128>,
    /// For each position, the items of the set that debit it.
    debiting: BTreeMap<Place, BTreeSet<Order>>,
    /// Positions that are short, each with the last of the items that debit it.
    short: BTreeSet<(Order, Place)>,
}

impl Set {
    fn of(items: &BTreeMap<Order, Item>, balances: &BTreeMap<Place, i64>) -> Self {
        let after = balances.iter().map(|(place, it)| (*place, i128::from(*it))).collect();
        let settling = items.keys().copied().collect();
        let mut set = Self { settling, after, debiting: BTreeMap::new(), short: BTreeSet::new() };
        for (order, item) in items {
            for place in debits(item) {
                set.debiting.entry(place).or_default().insert(*order);
            }
            set.change(item, 1);
        }
        set.short =
            set.after.iter().filter(|it| *it.1 < 0).filter_map(|it| set.last(it.0)).collect();
        set
    }

    fn last(&self, place: &Place) -> Option<(Order, Place)> {
        Some((*self.debiting.get(place)?.last()?, *place))
    }

    /// Adds (`1`) or takes away (`-1`) what an item moves. Positions that nothing debits do not matter.
    fn change(&mut self, item: &Item, sign: i128) {
        for movement in &item.movements {
            let amount = i128::from(book::open(&movement.amount)).saturating_mul(sign);
            let places = [(movement.debit(), amount.saturating_neg()), (movement.credit(), amount)];
            for (place, change) in places {
                if let Some(after) = self.after.get_mut(&place) {
                    *after = after.saturating_add(change);
                }
            }
        }
    }

    fn remove_until_covered(&mut self, items: &BTreeMap<Order, Item>) {
        while let Some((order, _)) = self.short.pop_last() {
            let Some(item) = items.get(&order) else { continue };
            let touched: BTreeSet<Place> = places(item).collect();
            for place in &touched {
                if let Some(last) = self.last(place) {
                    self.short.remove(&last);
                }
            }
            self.settling.remove(&order);
            self.change(item, -1);
            for place in debits(item) {
                self.debiting.entry(place).or_default().remove(&order);
            }
            for place in touched.iter().filter(|it| self.after.get(it).is_some_and(|it| *it < 0)) {
                let last = self.last(place);
                assert!(last.is_some(), "a position without debits is not short");
                self.short.extend(last);
            }
        }
    }

    fn add_back(&mut self, items: &BTreeMap<Order, Item>) {
        let mut waiting: BTreeSet<Order> =
            items.keys().copied().filter(|it| !self.settling.contains(it)).collect();
        loop {
            let mut payments_wait: BTreeSet<Place> = BTreeSet::new();
            let mut still = BTreeSet::new();
            for order in &waiting {
                let Some(item) = items.get(order) else { continue };
                let behind = item.payment && debits(item).any(|it| payments_wait.contains(&it));
                if !behind && self.fits(item) {
                    self.change(item, 1);
                    self.settling.insert(*order);
                } else {
                    still.insert(*order);
                    if item.payment {
                        payments_wait.extend(debits(item));
                    }
                }
            }
            if still.len() == waiting.len() {
                return;
            }
            waiting = still;
        }
    }

    fn fits(&mut self, item: &Item) -> bool {
        self.change(item, 1);
        let covered = debits(item).all(|it| self.after.get(&it).is_some_and(|after| *after >= 0));
        self.change(item, -1);
        covered
    }
}

fn debits(item: &Item) -> impl Iterator<Item = Place> + '_ {
    item.movements.iter().map(Movement::debit)
}

fn places(item: &Item) -> impl Iterator<Item = Place> + '_ {
    item.movements.iter().flat_map(|it| [it.debit(), it.credit()])
}

fn settle(
    draft: &mut Draft<'_>,
    items: &BTreeMap<Order, Item>,
    settling: &BTreeSet<Order>,
) -> Result<(), Missing> {
    if settling.is_empty() {
        return Ok(());
    }
    draft.require_rows(settling.iter().map(|order| Waiting::key(&order.2)))?;
    let mut waiting = Vec::new();
    for (_, _, number) in settling {
        waiting.extend(draft.get::<Waiting>(number)?);
    }
    let sides = waiting.iter().flat_map(|it| &it.sides);
    draft.require_rows(sides.map(super::Instructed::key))?;
    let chosen = settling.iter().filter_map(|order| items.get(order));
    let movements: Vec<Movement> = chosen.flat_map(|it| it.movements.iter().cloned()).collect();
    match book::posting(draft, &movements) {
        Ok(posting) => posting.post(draft)?,
        Err(Stop::Missing(missing)) => return Err(missing),
        Err(Stop::Reject(_)) => unreachable!("the rule chooses what is covered"),
    }
    for item in waiting {
        draft.end::<Waiting>(&item.number)?;
        let mut sides = Vec::new();
        for id in &item.sides {
            sides.extend(draft.get(id)?.map(|row| (*id, row)));
        }
        dvp::finish(draft, sides, &item.movements)?;
    }
    Ok(())
}
