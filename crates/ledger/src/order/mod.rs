//! Orders: the bulletin board of a security against a currency, matched by price, then by arrival.
//!
//! ```text
//!   place --> takes what it crosses, at the price of what stands --> the rest stands --taken--> gone
//!                        |                          ^                    |      |
//!                        v                          |                    |      `-- cancelled, or the
//!             a trade: two instructions,            `------- amend ------'          day is over: ended
//!             matched, that settle or wait                   (unless it keeps its place)
//! ```
//!
//! A price is of one lot, in minor units of the currency, so every fill has an exact amount. Orders are
//! for the day. What ends leaves the state: the board holds what stands, and nothing else.
//!
//! An offer at zero is one at any price: it takes bids above zero, and its rest does not stand. A bid at
//! zero stands, as venues have them, and nothing takes it: no fill is for nothing.

mod fill;
mod standing;

use alloc::vec::Vec;

use types::{AccountId, BusinessDate, InstructionId, InstrumentId, PartyId, Text};

use crate::{
    Stop, book,
    draft::{Draft, Missing},
    event::Event,
    governance::{self, Roles},
    issuance,
    reject::Reject,
    row::{Entry, Row, kind},
    settlement::Arrivals,
};

pub(crate) use fill::ahead;
pub use fill::{FILLS_A_BLOCK, FILLS_MAX, Fills};

/// A security, and the currency that it is traded against.
pub type Pair = (InstrumentId, InstrumentId);

types::record! {
    /// Where a security is traded against a currency.
    pub struct Board {
        /// Its number among the boards.
        pub number: u32,
        /// Quantities are multiples of so many units.
        pub lot: i64,
        /// Prices of one lot are multiples of so many minor units.
        pub tick: i64,
    }
}

impl Row for Board {
    const KIND: u8 = kind::BOARD;
    type Name = Pair;
}

types::record! {
    /// What a member wants to buy or sell. What stands on the board is public, so its numbers are plain.
    pub struct PlaceOrder {
        /// What.
        pub instrument: InstrumentId,
        /// Against which currency.
        pub currency: InstrumentId,
        /// Whether it buys.
        pub buys: bool,
        /// At most (if it buys) or at least so many minor units for one lot; zero offers at any price.
        pub price: i64,
        /// How many units.
        pub quantity: i64,
        /// The securities account.
        pub account: AccountId,
        /// The cash account.
        pub cash: AccountId,
        /// The reference of the one who places it.
        pub reference: Text<35>,
    }
}

types::record! {
    /// An order that stands, or as it comes.
    pub struct Order {
        /// Whose.
        pub party: PartyId,
        /// On which board.
        pub board: u32,
        /// What is wanted; its quantity is what is not filled yet.
        pub wanted: PlaceOrder,
        /// The day that it is for.
        pub date: BusinessDate,
        /// Its place among orders of the same price.
        pub arrival: u64,
    }
}

impl Row for Order {
    const KIND: u8 = kind::ORDER;
    type Name = InstructionId;

    fn entries(&self, name: &InstructionId) -> Vec<Entry> {
        alloc::vec![standing::entry(self, name)]
    }
}

types::choice! {
    /// Why an order ended before all of it was filled.
    #[derive(Copy, Hash)]
    pub enum OrderEnd {
        /// Its party cancelled it.
        0 => Cancelled,
        /// Its day is over.
        1 => DayOver,
        /// It would have taken more orders than one instruction, or one block, may.
        2 => TooManyFills,
        /// It was met, and its party may not act for now.
        3 => PartySuspended,
        /// It was offered at any price, and there was nothing more to take.
        4 => NothingToTake,
    }
}

/// How many orders of days that are over end in one block; the others wait for the next, and are not met.
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
const ENDED_A_BLOCK: usize = 512;
/// The [`Arrivals`] that number the boards.
const BOARDS: u8 = 1;

/// Opens a board.
///
/// # Errors
/// Those of [`issuance::require_open_pair`], [`Reject::QuantityNotPositive`] (of the lot, of the tick),
/// [`Reject::BoardExists`].
pub(crate) fn open_board(
    draft: &mut Draft<'_>,
    pair: Pair,
    lot: i64,
    tick: i64,
) -> Result<(), Stop> {
    let (instrument, currency) = pair;
    issuance::require_open_pair(draft, instrument, currency)?;
    if lot <= 0 || tick <= 0 {
        return Err(Reject::QuantityNotPositive.into());
    }
    if draft.get::<Board>(&pair)?.is_some() {
        return Err(Reject::BoardExists { instrument, currency }.into());
    }
    let number = u32::try_from(Arrivals::take(draft, BOARDS)?);
    assert!(number.is_ok(), "there are fewer than 2^32 boards");
    draft.put(&pair, &Board { number: number.unwrap_or(u32::MAX), lot, tick })?;
    draft.tell(Event::BoardOpened { instrument, currency, lot, tick });
    Ok(())
}

/// Takes an order: it is matched with what stands, and the rest of it stands.
///
/// # Errors
/// [`Reject::RoleMissing`], [`Reject::AccountUnknown`] and [`Reject::AccountNotManaged`] (of the securities
/// account, of the cash account), [`Reject::QuantityNotPositive`], [`Reject::BoardUnknown`], then those of
/// [`Board::check`]. A lack of cover is not an error: what is filled and not covered waits in the queue.
pub(crate) fn place(
    draft: &mut Draft<'_>,
    id: InstructionId,
    wanted: &PlaceOrder,
) -> Result<(), Stop> {
    let party = governance::require_role(draft, Roles::ACCOUNT_MANAGER)?;
    book::require_manager(draft, wanted.account, party)?;
    book::require_manager(draft, wanted.cash, party)?;
    if wanted.quantity <= 0 {
        return Err(Reject::QuantityNotPositive.into());
    }
    let board = require_board(draft, wanted)?;
    board.check(wanted.buys, wanted.price, wanted.quantity)?;
    let (date, board_number) = (governance::business_date(draft)?, board.number);
    let order = Order { party, board: board_number, wanted: wanted.clone(), date, arrival: 0 };
    Ok(enter(draft, id, &board, order)?)
}

/// Gives an order another price, or another quantity that is not filled yet. A smaller quantity at the same
/// price keeps its place, and zero cancels; anything else enters anew, and is matched.
///
/// # Errors
/// [`Reject::QuantityNotPositive`] (below zero), those of [`own`], then those of [`Board::check`].
pub(crate) fn amend(
    draft: &mut Draft<'_>,
    id: InstructionId,
    (price, quantity): (i64, i64),
    party: PartyId,
) -> Result<(), Stop> {
    if quantity < 0 {
        return Err(Reject::QuantityNotPositive.into());
    }
    let order = own(draft, id, party)?;
    if quantity == 0 {
        return Ok(end(draft, id, &order, OrderEnd::Cancelled)?);
    }
    let board = require_board(draft, &order.wanted)?;
    board.check(order.wanted.buys, price, quantity)?;
    let keeps = price == order.wanted.price && quantity <= order.wanted.quantity;
    let order = Order { wanted: PlaceOrder { price, quantity, ..order.wanted }, ..order };
    if keeps {
        draft.put(&id, &order)?;
        draft.tell(Event::OrderReduced { order: id, quantity });
        return Ok(());
    }
    Ok(enter(draft, id, &board, order)?)
}

/// Cancels what is not filled of an order.
///
/// # Errors
/// Those of [`own`].
pub(crate) fn cancel(draft: &mut Draft<'_>, id: InstructionId, party: PartyId) -> Result<(), Stop> {
    let order = own(draft, id, party)?;
    Ok(end(draft, id, &order, OrderEnd::Cancelled)?)
}

/// Ends orders of days that are over, a few in every block.
pub(crate) fn end_day(draft: &mut Draft<'_>) -> Result<(), Missing> {
    if !standing::any(draft) {
        return Ok(());
    }
    let today = governance::business_date(draft)?;
    let over: Vec<InstructionId> = standing::before(draft, today).take(ENDED_A_BLOCK).collect();
    draft.require_rows(over.iter().map(Order::key))?;
    for id in over {
        if let Some(order) = draft.get::<Order>(&id)? {
            end(draft, id, &order, OrderEnd::DayOver)?;
        }
    }
    Ok(())
}

impl Board {
    /// Refuses prices and quantities that are not for this board. Of an offer's price nobody pays more than a
    /// bid says, so the amount is asked of bids alone.
    ///
    /// # Errors
    /// [`Reject::PriceOffTick`], [`Reject::QuantityOffLot`], [`Reject::OrderTooLarge`].
    fn check(&self, buys: bool, price: i64, quantity: i64) -> Result<(), Reject> {
        if price < 0 || price.checked_rem(self.tick) != Some(0) {
            return Err(Reject::PriceOffTick { tick: self.tick });
        }
        if quantity.checked_rem(self.lot) != Some(0) {
            return Err(Reject::QuantityOffLot { lot: self.lot });
        }
        if buys && self.amount(price, quantity).is_none() {
            return Err(Reject::OrderTooLarge);
        }
        Ok(())
    }

    /// What a quantity costs, exactly.
    fn amount(&self, price: i64, quantity: i64) -> Option<i64> {
        quantity.checked_div(self.lot)?.checked_mul(price)
    }
}

fn require_board(draft: &Draft<'_>, wanted: &PlaceOrder) -> Result<Board, Stop> {
    let PlaceOrder { instrument, currency, .. } = *wanted;
    let board = draft.get::<Board>(&(instrument, currency))?;
    board.ok_or_else(|| Reject::BoardUnknown { instrument, currency }.into())
}

/// An order of today, of the party that asks.
///
/// # Errors
/// [`Reject::OrderUnknown`], [`Reject::OrderNotYours`].
fn own(draft: &Draft<'_>, id: InstructionId, party: PartyId) -> Result<Order, Stop> {
    let today = governance::business_date(draft)?;
    let order = draft.get::<Order>(&id)?.filter(|it| it.date == today);
    let order = order.ok_or(Reject::OrderUnknown { order: id })?;
    if order.party == party {
        return Ok(order);
    }
    Err(Reject::OrderNotYours { order: id }.into())
}

/// Lets an order in, or in again: after all of its price.
fn enter(
    draft: &mut Draft<'_>,
    id: InstructionId,
    board: &Board,
    order: Order,
) -> Result<(), Missing> {
    let PlaceOrder { instrument, currency, buys, price, quantity, .. } = order.wanted;
    let party = order.party;
    draft.tell(Event::OrderEntered {
        order: id,
        party,
        instrument,
        currency,
        buys,
        price,
        quantity,
    });
    let rest = fill::take(draft, id, board, &order)?;
    if rest.quantity == 0 {
        return draft.end::<Order>(&id);
    }
    let wanted = PlaceOrder { quantity: rest.quantity, ..order.wanted };
    let order = Order { wanted, arrival: Arrivals::take(draft, Arrivals::INSTRUCTIONS)?, ..order };
    match rest.ends {
        None => draft.put(&id, &order),
        Some(why) => end(draft, id, &order, why),
    }
}

/// Ends an order, and tells what was not filled of it.
fn end(
    draft: &mut Draft<'_>,
    id: InstructionId,
    order: &Order,
    why: OrderEnd,
) -> Result<(), Missing> {
    draft.end::<Order>(&id)?;
    draft.tell(Event::OrderEnded { order: id, quantity: order.wanted.quantity, why });
    Ok(())
}
