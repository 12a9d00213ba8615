//! Filling: an order that comes takes what it crosses, and each fill is a trade that settles.
//!
//! The index says which orders will be filled, so their rows are asked for at once, and then those of
//! their accounts. [`ahead`] does the same for all orders of an envelope together, so that many that come
//! together do not ask for one after the other.

use alloc::{collections::BTreeMap, vec::Vec};

use crypto::Amount;
use types::InstructionId;

use super::{
    Board, Order, OrderEnd, PlaceOrder, end,
    standing::{self, Side, Standing},
};
use crate::{
    draft::{Draft, Missing},
    event::Event,
    governance::{self, Party},
    row::{Key, Row, kind},
    settlement::{self, FillSide, Filled},
};

/// How many orders one instruction takes at most. The rest of it ends.
pub const FILLS_MAX: u32 = 1_024;
/// How many orders are taken in one block at most. What would take more of them ends.
pub const FILLS_A_BLOCK: u32 = 16_384;
types::record! {
    /// How many fills there have been.
    pub struct Fills {
        /// The number of the next.
        pub next: u64,
        /// The height of the last.
        pub height: u64,
        /// How many orders were taken at that height.
        pub taken: u32,
    }
}

impl Row for Fills {
    const KIND: u8 = kind::FILLS;
    type Name = u8;
}

/// What is left of an order that came.
pub(super) struct Rest {
    /// How many units.
    pub quantity: i64,
    /// Why they do not stand.
    pub ends: Option<OrderEnd>,
}

/// Fills an order with what it crosses.
pub(super) fn take(
    draft: &mut Draft<'_>,
    id: InstructionId,
    board: &Board,
    order: &Order,
) -> Result<Rest, Missing> {
    let mut rest = Rest { quantity: order.wanted.quantity, ends: None };
    let (mut room, side) = (FILLS_MAX, Side::of(order).other());
    while rest.quantity > 0 {
        let mut found = next(draft, side, order.wanted.price, rest.quantity, room.max(1));
        if found.is_empty() {
            break;
        }
        let mut fills = fills(draft)?;
        room = room.min(FILLS_A_BLOCK.saturating_sub(fills.taken));
        if room == 0 {
            rest.ends = Some(OrderEnd::TooManyFills);
            break;
        }
        found.truncate(room.try_into().unwrap_or_default());
        for (standing, theirs) in at_hand(draft, order, found, fills.next)? {
            room = room.saturating_sub(1);
            fills.taken = fills.taken.saturating_add(1);
            if draft.get::<Party>(&theirs.party)?.is_some_and(|it| it.suspended) {
                end(draft, standing.id, &theirs, OrderEnd::PartySuspended)?;
                continue;
            }
            let quantity = rest.quantity.min(theirs.wanted.quantity);
            reduce(draft, &standing, &theirs, quantity)?;
            rest.quantity = rest.quantity.saturating_sub(quantity);
            let taken = Taken { number: fills.next, quantity, price: standing.price };
            fills.next = fills.next.saturating_add(1);
            settle(draft, board, &taken, (id, order), (standing.id, &theirs))?;
        }
        draft.put(&0, &fills)?;
    }
    let at_any_price = order.wanted.price == 0 && !order.wanted.buys;
    if at_any_price && rest.quantity > 0 && rest.ends.is_none() {
        rest.ends = Some(OrderEnd::NothingToTake);
    }
    Ok(rest)
}

/// What a price meets first on a side, until so much is covered, and at most so many.
fn next(draft: &Draft<'_>, side: Side, price: i64, quantity: i64, at_most: u32) -> Vec<Standing> {
    let mut left = quantity;
    let meets = standing::crossed(draft, side, price).zip(0..at_most).map_while(|(it, _)| {
        let wanted = left > 0;
        left = left.saturating_sub(it.quantity);
        wanted.then_some(it)
    });
    meets.collect()
}

/// The fills so far; of this block none, if it is a new one.
fn fills(draft: &Draft<'_>) -> Result<Fills, Missing> {
    let height = draft.at.height;
    let row = draft.get::<Fills>(&0)?;
    let row = row.unwrap_or(Fills { next: 0, height, taken: 0 });
    Ok(Fills { taken: if row.height == height { row.taken } else { 0 }, height, ..row })
}

/// The rows of what is met, once all that its fills will ask for is at hand.
fn at_hand(
    draft: &Draft<'_>,
    order: &Order,
    met: Vec<Standing>,
    number: u64,
) -> Result<Vec<(Standing, Order)>, Missing> {
    draft.require_rows(met.iter().map(|it| Order::key(&it.id)))?;
    let of_fills = (number..).take(met.len()).flat_map(settlement::fill_rows);
    let mut keys: Vec<Key> = of_fills.chain(rows_of(order)).collect();
    let mut rows = Vec::new();
    for standing in met {
        let row = draft.get::<Order>(&standing.id)?;
        assert!(row.is_some(), "what stands has a row");
        keys.extend(row.iter().flat_map(rows_of));
        rows.extend(row.map(|row| (standing, row)));
    }
    draft.require_rows(keys.into_iter())?;
    Ok(rows)
}

/// Rows not at hand that orders which come together will ask for, as if they were one on each side.
pub(crate) fn ahead(draft: &Draft<'_>, orders: &[PlaceOrder]) -> Vec<Key> {
    let mut sides: BTreeMap<Side, (i64, i64)> = BTreeMap::new();
    let (mut keys, mut count) = (Vec::new(), 0_u64);
    let Ok(date) = governance::business_date(draft) else { return keys };
    for PlaceOrder { instrument, currency, buys, price, quantity, .. } in orders {
        let Ok(Some(board)) = draft.get::<Board>(&(*instrument, *currency)) else { continue };
        let side = Side { date, board: board.number, buys: !buys };
        let (furthest, sum) = sides.entry(side).or_insert((*price, 0));
        *furthest = if *buys { *price.max(furthest) } else { *price.min(furthest) };
        *sum = sum.saturating_add(*quantity);
        count = count.saturating_add(1);
    }
    for (side, (price, sum)) in sides {
        for standing in next(draft, side, price, sum, FILLS_A_BLOCK) {
            count = count.saturating_add(1);
            match draft.get::<Order>(&standing.id) {
                Ok(row) => keys.extend(row.iter().flat_map(rows_of)),
                Err(Missing(missing)) => keys.extend(missing),
            }
        }
    }
    let number = fills(draft).map_or(u64::MAX, |it| it.next);
    keys.extend((number..number.saturating_add(count)).flat_map(settlement::fill_rows));
    draft.require_rows(keys.into_iter()).err().map_or_else(Vec::new, |it| it.0)
}

/// The rows that filling an order asks for.
fn rows_of(order: &Order) -> Vec<Key> {
    let PlaceOrder { account, instrument, cash, currency, .. } = order.wanted;
    let mut rows = alloc::vec![Party::key(&order.party)];
    rows.extend(settlement::rows_of((account, instrument)));
    rows.extend(settlement::rows_of((cash, currency)));
    rows
}

/// Takes from an order that stands.
fn reduce(
    draft: &mut Draft<'_>,
    standing: &Standing,
    order: &Order,
    by: i64,
) -> Result<(), Missing> {
    let quantity = order.wanted.quantity.saturating_sub(by);
    assert!(order.wanted.quantity == standing.quantity, "an entry says what its row says");
    if quantity == 0 {
        return draft.end::<Order>(&standing.id);
    }
    let wanted = PlaceOrder { quantity, ..order.wanted.clone() };
    draft.put(&standing.id, &Order { wanted, ..order.clone() })
}

/// So much of an order that stood.
struct Taken {
    number: u64,
    quantity: i64,
    price: i64,
}

/// Tells a fill, and lets it settle or wait.
fn settle(
    draft: &mut Draft<'_>,
    board: &Board,
    taken: &Taken,
    (id, came): (InstructionId, &Order),
    (standing, stood): (InstructionId, &Order),
) -> Result<(), Missing> {
    let Taken { number, quantity, price } = *taken;
    let amount = board.amount(price, quantity);
    assert!(amount.is_some(), "each bid was checked to have an amount at its price");
    let amount = amount.unwrap_or_default();
    let [deliver, receive] = settlement::fill_ids(number);
    let ((buy, buyer), (sell, seller)) = if came.wanted.buys {
        ((id, came), (standing, stood))
    } else {
        ((standing, stood), (id, came))
    };
    draft.tell(Event::Filled { buy, sell, quantity, price, amount, deliver, receive });
    let filled = Filled {
        number,
        instrument: came.wanted.instrument,
        quantity: Amount::Open(quantity),
        currency: came.wanted.currency,
        amount: Amount::Open(amount),
        date: came.date,
        reporter: came.party,
    };
    let side = |it: &Order| FillSide {
        party: it.party,
        account: it.wanted.account,
        cash: it.wanted.cash,
        reference: it.wanted.reference.clone(),
    };
    settlement::settle_fill(draft, &filled, &side(seller), &side(buyer))
}
