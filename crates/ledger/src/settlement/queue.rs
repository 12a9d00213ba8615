//! The queue: what is ready and lacks cover, in order of priority, intended date and arrival.
//!
//! ```text
//!   entry DEBIT   | account, instrument | priority, date, number | amount, whether a payment |   what a position has to pay
//!   entry PAYMENT | account, instrument | priority, date, number |   of these, payments: first in, first out
//!   entry CREDIT  | account, instrument | number, amount |           what a position would be paid
//!   entry LEG     | number, leg         | from, to, instrument, amount, whether a payment |
//!   entry FRONTIER| account, instrument |   from where the close still has to reach
//! ```
//!
//! The close walks entries alone, in memory; rows are read only for what settles.

use alloc::vec::Vec;

use crypto::Amount;
use types::{AccountId, BusinessDate, InstructionId, InstrumentId, PartyId, Wire};

use super::{Asked, Instructed, Priority, Status, dvp, offsetting::Item, own};
use crate::{
    Stop,
    book::{self, Movement, Place},
    draft::{Draft, Missing},
    event::Event,
    reject::Reject,
    row::{Entry, Row, kind},
};

const DEBIT: u8 = 6;
const PAYMENT: u8 = 7;
const LEG: u8 = 8;
const FRONTIER: u8 = 10;
const CREDIT: u8 = 11;

/// The order among what waits.
pub type Order = (Priority, BusinessDate, u64);

types::record! {
    /// Something that waits in the queue, under its number.
    pub struct Waiting {
        /// Its priority: the more urgent of its sides'.
        pub priority: Priority,
        /// When it is to settle.
        pub intended_date: BusinessDate,
        /// Whether it is a payment, which keeps its order.
        pub payment: bool,
        /// Whose it is: the deliverer's and the receiver's, or the payer's.
        pub sides: Vec<InstructionId>,
        /// What it moves; nothing while it is out of the queue.
        pub movements: Vec<Movement>,
        /// Its arrival.
        pub number: u64,
    }
}

impl Row for Waiting {
    const KIND: u8 = kind::WAITING;
    type Name = u64;

    fn entries(&self, number: &u64) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (leg, movement) in (0_u8..).zip(&self.movements) {
            let mut debit = debit_start(DEBIT, movement.debit(), self.order());
            (book::open(&movement.amount), self.payment).write(&mut debit);
            entries.push(Entry::from_start(&debit));
            if self.payment {
                let payment = debit_start(PAYMENT, movement.debit(), self.order());
                entries.push(Entry::from_start(&payment));
            }
            entries.push(credit_entry(*number, movement));
            entries.push(leg_entry(*number, leg, movement, self.payment));
        }
        entries
    }
}

types::record! {
    /// A position from which the close still has to reach.
    pub struct Frontier {
        /// What debits it from here on has not been reached.
        pub from: Option<(Priority, (BusinessDate, u64))>,
    }
}

impl Row for Frontier {
    const KIND: u8 = kind::FRONTIER;
    type Name = Place;

    fn entries(&self, place: &Place) -> Vec<Entry> {
        let mut start = alloc::vec![FRONTIER];
        place.write(&mut start);
        alloc::vec![Entry::from_start(&start)]
    }
}

impl Waiting {
    /// What the sides would wait as.
    pub(super) fn of(sides: &[dvp::Seen], movements: Vec<Movement>) -> Self {
        let priority = sides.iter().map(|it| it.1.asked.priority()).min();
        let date = sides.iter().map(|it| it.1.asked.intended_date()).min();
        Self {
            priority: priority.unwrap_or(Priority::Normal),
            intended_date: date.unwrap_or(BusinessDate(0)),
            payment: sides.iter().any(|it| matches!(it.1.asked, Asked::Pay(_))),
            sides: sides.iter().map(|it| it.0).collect(),
            movements,
            number: sides.iter().map(|it| it.1.arrival).max().unwrap_or_default(),
        }
    }

    /// Its place among what waits.
    #[must_use]
    pub const fn order(&self) -> Order {
        (self.priority, self.intended_date, self.number)
    }
}

/// Lets something wait, and gives its number.
pub(super) fn push(
    draft: &mut Draft<'_>,
    sides: &[dvp::Seen],
    item: &Waiting,
) -> Result<u64, Missing> {
    assert!(!sides.is_empty(), "somebody waits");
    draft.put(&item.number, item)?;
    for movement in &item.movements {
        draft.put(&movement.debit(), &Frontier { from: None })?;
    }
    Ok(item.number)
}

/// Takes an instruction's item out of the queue, if it is there. Its row stays, and moves nothing: the
/// item may come back under its number, and a row that has ended is never written again.
pub(super) fn leave(draft: &mut Draft<'_>, row: &Instructed) -> Result<(), Missing> {
    let Some(number) = row.queued else { return Ok(()) };
    let item = draft.get::<Waiting>(&number)?.filter(|it| !it.movements.is_empty());
    let Some(item) = item else { return Ok(()) };
    let places: Vec<Place> = item.movements.iter().map(Movement::debit).collect();
    draft.put(&number, &Waiting { movements: Vec::new(), ..item })?;
    places.into_iter().try_for_each(|place| freed(draft, place))
}

/// As [`leave`], of an instruction that ends.
pub(super) fn end(draft: &mut Draft<'_>, row: &Instructed) -> Result<(), Missing> {
    leave(draft, row)?;
    row.queued.map_or(Ok(()), |number| draft.end::<Waiting>(&number))
}

/// Whether a payment has to wait behind another of its position: as urgent or more, and earlier.
pub(super) fn must_wait_behind(draft: &Draft<'_>, item: &Waiting) -> bool {
    let Some(movement) = item.movements.first().filter(|_| item.payment) else { return false };
    let first = payments(draft, movement.debit()).next();
    first.is_some_and(|order| order < item.order())
}

/// Notes that a position was credited, or that something which waited on it has left: what still waits
/// on it may settle at the close.
pub(crate) fn freed(draft: &mut Draft<'_>, place: Place) -> Result<(), Missing> {
    if debits(draft, DEBIT, place, None).next().is_none() {
        return Ok(());
    }
    draft.put(&place, &Frontier { from: None })
}

/// Changes the priority of an instruction of the party that asks.
///
/// # Errors
/// Those of [`own`].
pub(crate) fn prioritise(
    draft: &mut Draft<'_>,
    id: InstructionId,
    party: PartyId,
    priority: Priority,
) -> Result<(), Stop> {
    let row = own(draft, id, party)?;
    let (queued, status) = (row.queued, row.status);
    let row = Instructed { asked: row.asked.clone().with_priority(priority), ..row };
    draft.put(&id, &row)?;
    draft.tell(Event::Prioritised { instruction: id, priority });
    match (queued, status) {
        (Some(_), Status::Pending) => Ok(dvp::advance(draft, id)?),
        _ => Ok(()),
    }
}

/// Something that debits a position, as its entry says.
#[derive(Clone, Copy)]
pub(super) struct Debit {
    /// Its place among what waits.
    pub order: Order,
    /// How much.
    pub amount: i64,
    /// Whether it is a payment.
    pub payment: bool,
}

/// What debits a position, in order, from one on.
pub(super) fn debiting<'d>(
    draft: &'d Draft<'_>,
    place: Place,
    from: Option<Order>,
) -> impl Iterator<Item = Debit> + 'd {
    let read = |entry: Entry| {
        let (amount, payment) = Wire::read(&mut types::Reader::new(entry.0.get(42..)?)).ok()?;
        Some(Debit { order: read_order(&entry)?, amount, payment })
    };
    debits(draft, DEBIT, place, from).filter_map(read)
}

/// The orders of the payments that wait on a position.
pub(super) fn payments<'d>(draft: &'d Draft<'_>, place: Place) -> impl Iterator<Item = Order> + 'd {
    debits(draft, PAYMENT, place, None).filter_map(|entry| read_order(&entry))
}

/// What waits to be credited to a position: numbers and amounts.
pub(super) fn credits<'d>(
    draft: &'d Draft<'_>,
    place: Place,
) -> impl Iterator<Item = (u64, i64)> + 'd {
    let mut start = alloc::vec![CREDIT];
    place.write(&mut start);
    let read = |entry: Entry| Wire::read(&mut types::Reader::new(entry.0.get(29..)?)).ok();
    draft.walk(&start).filter_map(read)
}

/// What waits under a number, from the index alone.
pub(super) fn item(draft: &Draft<'_>, number: u64) -> Item {
    let mut start = alloc::vec![LEG];
    number.write(&mut start);
    let mut item = Item::default();
    for (movement, payment) in draft.walk(&start).filter_map(|entry| read_leg(&entry)) {
        item.movements.push(movement);
        item.payment = payment;
    }
    item
}

/// The positions from which the close still has to reach.
pub(super) fn frontier(draft: &Draft<'_>) -> Vec<Place> {
    let read = |entry: Entry| Place::read(&mut types::Reader::new(entry.0.get(1..)?)).ok();
    draft.walk(&[FRONTIER]).filter_map(read).collect()
}

fn debits<'d>(
    draft: &'d Draft<'_>,
    tag: u8,
    place: Place,
    from: Option<Order>,
) -> impl Iterator<Item = Entry> + 'd {
    let mut start = alloc::vec![tag];
    place.write(&mut start);
    let last = Entry::to_end(&start);
    if let Some((priority, date, number)) = from {
        (priority, (date, number)).write(&mut start);
    }
    draft.walk_between(Entry::from_start(&start), last)
}

fn debit_start(tag: u8, place: Place, (priority, date, number): Order) -> Vec<u8> {
    let mut start = alloc::vec![tag];
    place.write(&mut start);
    (priority, (date, number)).write(&mut start);
    start
}

fn read_order(entry: &Entry) -> Option<Order> {
    let (priority, (date, number)) =
        Wire::read(&mut types::Reader::new(entry.0.get(29..)?)).ok()?;
    Some((priority, date, number))
}

fn credit_entry(number: u64, movement: &Movement) -> Entry {
    let mut start = alloc::vec![CREDIT];
    movement.credit().write(&mut start);
    (number, book::open(&movement.amount)).write(&mut start);
    Entry::from_start(&start)
}

fn leg_entry(number: u64, leg: u8, movement: &Movement, payment: bool) -> Entry {
    let mut start = alloc::vec![LEG];
    (number, leg).write(&mut start);
    ((movement.from, movement.to), movement.instrument).write(&mut start);
    (book::open(&movement.amount), payment).write(&mut start);
    Entry::from_start(&start)
}

fn read_leg(entry: &Entry) -> Option<(Movement, bool)> {
    let mut bytes = types::Reader::new(entry.0.get(10..)?);
    let (from, to): (AccountId, AccountId) = Wire::read(&mut bytes).ok()?;
    let instrument = InstrumentId::read(&mut bytes).ok()?;
    let (amount, payment) = Wire::read(&mut bytes).ok()?;
    Some((Movement { instrument, from, to, amount: Amount::Open(amount) }, payment))
}

impl Reject {
    /// The position that is short, if that is the reason.
    pub(super) const fn place(&self) -> Option<Place> {
        match self {
            Self::PositionNotCovered { account, instrument } => Some((*account, *instrument)),
            _ => None,
        }
    }
}
