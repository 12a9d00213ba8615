//! What stands on the boards, in the order in which it is met.
//!
//! ```text
//!   entry ORDER | date | board | side | price, the best first | arrival | quantity | order |
//! ```
//!
//! The date stands first, so that orders of a day that is over are in the way of nobody, and are found to
//! be ended. The quantity stands in the entry, so that a walk in memory knows which orders it will fill.

use alloc::vec::Vec;

use types::{BusinessDate, InstructionId, Wire};

use super::Order;
use crate::{draft::Draft, row::Entry};

const ORDER: u8 = 13;

/// An order that stands, as its entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Its name.
    pub id: InstructionId,
    /// For one lot.
    pub price: i64,
    /// What is not filled of it.
    pub quantity: i64,
}

/// Those who buy, or those who sell, on one board on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Side {
    /// The day.
    pub date: BusinessDate,
    /// The number of the board.
    pub board: u32,
    /// Whether they buy.
    pub buys: bool,
}

impl Side {
    /// Where an order stands, or would.
    pub const fn of(order: &Order) -> Self {
        Self { date: order.date, board: order.board, buys: order.wanted.buys }
    }

    /// The side that it meets.
    pub const fn other(self) -> Self {
        Self { buys: !self.buys, ..self }
    }

    fn start(self) -> Vec<u8> {
        let mut start = alloc::vec![ORDER];
        (self.date, self.board).write(&mut start);
        self.buys.write(&mut start);
        start
    }
}

/// The entry of an order.
pub(super) fn entry(order: &Order, id: &InstructionId) -> Entry {
    let wanted = &order.wanted;
    let mut start = Side::of(order).start();
    best_first(wanted.buys, wanted.price).write(&mut start);
    (order.arrival, wanted.quantity).write(&mut start);
    id.write(&mut start);
    Entry::from_start(&start)
}

/// What stands on a side and is crossed by a price, the best first, then the oldest. A bid at zero is crossed
/// by nothing.
pub(super) fn crossed<'d>(
    draft: &'d Draft<'_>,
    side: Side,
    price: i64,
) -> impl Iterator<Item = Standing> + 'd {
    let buys = side.buys;
    let worst = if buys { price.max(1) } else { price };
    let first = side.start();
    let mut last = first.clone();
    best_first(buys, worst).write(&mut last);
    let range = draft.walk_between(Entry::from_start(&first), Entry::to_end(&last));
    range.filter_map(move |entry| read(&entry, buys))
}

/// Whether any order stands, of whatever day.
pub(super) fn any(draft: &Draft<'_>) -> bool {
    draft.walk(&[ORDER]).next().is_some()
}

/// The orders of the days before one.
pub(super) fn before<'d>(
    draft: &'d Draft<'_>,
    today: BusinessDate,
) -> impl Iterator<Item = InstructionId> + 'd {
    let yesterday = today.0.checked_sub(1).map(|it| {
        let mut last = alloc::vec![ORDER];
        BusinessDate(it).write(&mut last);
        last
    });
    let entries =
        yesterday.map(|last| draft.walk_between(Entry::from_start(&[ORDER]), Entry::to_end(&last)));
    entries.into_iter().flatten().filter_map(|entry| read(&entry, false)).map(|it| it.id)
}

/// Bytes of a price that stand in the order of the best: the highest of those who buy, the lowest of those
/// who sell. It is its own opposite.
const fn best_first(buys: bool, price: i64) -> i64 {
    if buys { i64::MAX.saturating_sub(price) } else { price }
}

fn read(entry: &Entry, buys: bool) -> Option<Standing> {
    let mut bytes = types::Reader::new(entry.0.get(10..)?);
    let price = best_first(buys, i64::read(&mut bytes).ok()?);
    let (_, quantity): (u64, i64) = Wire::read(&mut bytes).ok()?;
    let id = InstructionId::read(&mut bytes).ok()?;
    Some(Standing { id, price, quantity })
}
