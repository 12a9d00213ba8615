//! Offsetting: at the close of a block, settle what covers itself.
//!
//! 1. [`super::reach`] says what to look at.
//! 2. *The rule*, over all instruments and money jointly: start from everything reached; while a position
//!    is short, remove the last in order of all items that debit any short position; then add back in
//!    order what fits, until nothing does. A payment never passes a waiting one of its own position.
//! 3. *Post* the sum of what remains, once.
//!
//! For payments alone the result is the unique maximum that keeps each payer's order.
//! Source: paper III.2(e), note 22; Bech and Soramaki, "Gridlock resolution in interbank payment systems".

use alloc::{
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    vec::Vec,
};

use super::{
    dvp,
    queue::{self, Frontier, Order, Waiting},
    reach,
};
use crate::{
    Stop,
    book::{self, Movement, Place},
    draft::{Draft, Missing},
    row::Row,
    trade::Trade,
};

/// Something that waits, as the rule sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// What it moves.
    pub movements: Vec<Movement>,
    /// Whether it is a payment, which keeps its order.
    pub payment: bool,
}

impl Item {
    /// The positions that it debits.
    pub fn debits(&self) -> impl Iterator<Item = Place> + '_ {
        self.movements.iter().map(Movement::debit)
    }
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
    let reached = reach::reach(draft, &places)?;
    let settling = rule(&reached.items, &reached.balances);
    let carried: BTreeMap<Place, Option<Order>> = reached.frontier.into_iter().collect();
    for place in places.iter().filter(|it| !carried.contains_key(it)) {
        draft.end::<Frontier>(place)?;
    }
    for (place, from) in carried {
        let from = from.map(|(priority, date, number)| (priority, (date, number)));
        draft.put(&place, &Frontier { from })?;
    }
    settle(draft, &reached.items, &settling)
}

/// The rule: which of `items` settle, given what each position that they debit has.
///
/// Works on any number of items; the close limits them.
#[must_use]
pub fn rule(items: &BTreeMap<Order, Item>, balances: &BTreeMap<Place, i64>) -> BTreeSet<Order> {
    let mut set = Set::of(items, balances);
    set.remove_until_covered();
    set.add_back();
    let settling = items.keys().zip(&set.items).filter(|(_, item)| item.settling);
    settling.map(|(order, _)| *order).collect()
}

/// A place in a table of memory; never stored.
#[expect(clippy::disallowed_types, reason = "an index into memory, never stored")]
type Index = usize;

/// A candidate set, and what it would leave on each position that is debited.
struct Set {
    /// In order.
    items: Vec<Candidate>,
    after: Vec<i128>,
    /// For each position, the items that debit it, ascending; those that left may linger at the end.
    debiting: Vec<Vec<Index>>,
}

struct Candidate {
    settling: bool,
    payment: bool,
    debits: Vec<(Index, i128)>,
    credits: Vec<(Index, i128)>,
}

impl Set {
    fn of(items: &BTreeMap<Order, Item>, balances: &BTreeMap<Place, i64>) -> Self {
        let places: BTreeMap<Place, Index> = balances.keys().copied().zip(0..).collect();
        let mut after: Vec<i128> = balances.values().map(|it| i128::from(*it)).collect();
        let mut debiting = alloc::vec![Vec::new(); after.len()];
        let mut candidates = Vec::new();
        for (index, item) in items.values().enumerate() {
            let amount = |it: &Movement| i128::from(book::open(&it.amount));
            let ends = |end: fn(&Movement) -> Place| {
                let known = |it: &Movement| Some((*places.get(&end(it))?, amount(it)));
                item.movements.iter().filter_map(known).collect::<Vec<_>>()
            };
            let (debits, credits) = (ends(Movement::debit), ends(Movement::credit));
            assert!(debits.len() == item.movements.len(), "what is debited has a balance");
            for (place, _) in &debits {
                debiting.get_mut(*place).into_iter().for_each(|it: &mut Vec<_>| it.push(index));
            }
            let candidate = Candidate { settling: true, payment: item.payment, debits, credits };
            change(&mut after, &candidate, 1);
            candidates.push(candidate);
        }
        Self { items: candidates, after, debiting }
    }

    /// Takes away, again and again, the last item that debits a position that is short.
    fn remove_until_covered(&mut self) {
        let short = self.after.iter().enumerate().filter(|it| *it.1 < 0);
        let mut short: BinaryHeap<(Index, Index)> = short.map(|it| (Index::MAX, it.0)).collect();
        while let Some((at_most, place)) = short.pop() {
            if !self.is_short(place) {
                continue;
            }
            let last = self.last(place);
            assert!(last.is_some(), "a position without debits is not short");
            let Some(last) = last else { continue };
            if last < at_most && short.peek().is_some_and(|next| next.0 > last) {
                short.push((last, place));
                continue;
            }
            self.remove(last);
            let Some(item) = self.items.get(last) else { continue };
            let credited = item.credits.iter().map(|it| it.0).filter(|it| self.is_short(*it));
            short.extend(credited.map(|it| (Index::MAX, it)));
            short.push((last, place));
        }
    }

    /// Adds, in order, what fits; again until nothing does.
    fn add_back(&mut self) {
        loop {
            let mut added = false;
            let mut payments_wait: BTreeSet<Index> = BTreeSet::new();
            for index in 0..self.items.len() {
                let Some(item) = self.items.get_mut(index).filter(|it| !it.settling) else {
                    continue;
                };
                let places = || item.debits.iter().map(|it| it.0);
                let behind = item.payment && places().any(|it| payments_wait.contains(&it));
                if !behind && fits(&mut self.after, item) {
                    item.settling = true;
                    added = true;
                } else if item.payment {
                    payments_wait.extend(places());
                }
            }
            if !added {
                return;
            }
        }
    }

    fn is_short(&self, place: Index) -> bool {
        self.after.get(place).is_some_and(|it| *it < 0)
    }

    /// The last item of the set that debits a position.
    fn last(&mut self, place: Index) -> Option<Index> {
        let debiting = self.debiting.get_mut(place)?;
        while let Some(last) = debiting.last().copied() {
            if self.items.get(last).is_some_and(|it| it.settling) {
                return Some(last);
            }
            debiting.pop();
        }
        None
    }

    fn remove(&mut self, index: Index) {
        if let Some(item) = self.items.get_mut(index) {
            item.settling = false;
            change(&mut self.after, item, -1);
        }
    }
}

/// Adds (`1`) or takes away (`-1`) what an item moves. Positions that nothing debits do not matter.
fn change(after: &mut [i128], item: &Candidate, sign: i128) {
    let debits = item
        .debits
        .iter()
        .map(|(place, amount)| (place, sign.saturating_neg().saturating_mul(*amount)));
    let credits = item.credits.iter().map(|(place, amount)| (place, sign.saturating_mul(*amount)));
    for (place, change) in debits.chain(credits) {
        if let Some(after) = after.get_mut(*place) {
            *after = after.saturating_add(change);
        }
    }
}

/// Whether the set stays covered with an item in it; if so, it is.
fn fits(after: &mut [i128], item: &Candidate) -> bool {
    change(after, item, 1);
    let covered = item.debits.iter().all(|it| after.get(it.0).is_some_and(|after| *after >= 0));
    if !covered {
        change(after, item, -1);
    }
    covered
}

/// Posts the sum of what settles, once, and tells each side.
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
    let mut trades = Vec::new();
    for id in waiting.iter().flat_map(|it| &it.sides) {
        let row = draft.get::<super::Instructed>(id)?;
        trades.extend(row.iter().filter_map(super::Instructed::trade).map(Trade::key));
    }
    let credited = waiting.iter().flat_map(|it| &it.movements).map(Movement::credit);
    let frontiers = credited.map(|place| Frontier::key(&place));
    draft.require_rows(trades.into_iter().chain(frontiers))?;
    let chosen = settling.iter().filter_map(|order| items.get(order));
    let movements: Vec<Movement> = chosen.flat_map(|it| it.movements.iter().cloned()).collect();
    for item in &waiting {
        draft.end::<Waiting>(&item.number)?;
    }
    match book::posting(draft, &movements) {
        Ok(posting) => posting.post(draft)?,
        Err(Stop::Missing(missing)) => return Err(missing),
        Err(Stop::Reject(_) | Stop::Unshown(_)) => unreachable!("the rule chooses what is covered"),
    }
    for item in waiting {
        let mut sides = Vec::new();
        for id in &item.sides {
            sides.extend(draft.get(id)?.map(|row| (*id, row)));
        }
        dvp::finish(draft, sides, &item.movements)?;
    }
    Ok(())
}
