//! Trades: imported from a venue, or reported by one side and affirmed by the other.
//!
//! ```text
//!   import  --> Imported -----------------------> Instructed --> Settled   (kept until its venue's date closes)
//!   report  --> Reported --affirm--> Affirmed --> Instructed --> Settled   (ends)
//!                  |-- reject --> Rejected          (a pair settles it; back, should the pair end)
//!                  `-- time out -> Expired
//! ```
//!
//! A venue's trade number is remembered until the venue's date is closed, so that importing again changes nothing.

use alloc::vec::Vec;

use crypto::Amount;
use types::{BusinessDate, InstructionId, InstrumentId, LedgerTime, Mic, PartyId, Text, Wire};

use crate::{
    Stop, alarm, book,
    draft::{Draft, Missing},
    event::{Event, Field},
    governance::{self, ParameterName, Party, Roles},
    issuance,
    reject::Reject,
    row::{Entry, Row, kind},
};

types::choice! {
    /// The name of a trade.
    #[derive(PartialOrd, Ord)]
    pub enum TradeId {
        /// A venue's, by its own number.
        0 => Venue {
            /// The venue.
            venue: Mic,
            /// Its trade date.
            date: BusinessDate,
            /// Its number there.
            number: Text<20>,
        },
        /// A reported one, by the instruction that reported it.
        1 => Reported {
            /// The report.
            report: InstructionId,
        },
    }
}

types::record! {
    /// An executed trade, as a venue tells it.
    pub struct VenueTrade {
        /// Its number there.
        pub number: Text<20>,
        /// Who buys.
        pub buyer: PartyId,
        /// Who sells.
        pub seller: PartyId,
        /// What.
        pub instrument: InstrumentId,
        /// How many units.
        pub quantity: Amount,
        /// For how much, in minor units.
        pub amount: Amount,
        /// Of which currency.
        pub currency: InstrumentId,
        /// When it is to settle.
        pub intended_date: BusinessDate,
    }
}

types::record! {
    /// A trade, as one of its sides tells it.
    pub struct ReportTrade {
        /// The other side.
        pub counterparty: PartyId,
        /// Whether the one who tells buys.
        pub buys: bool,
        /// What.
        pub instrument: InstrumentId,
        /// How many units.
        pub quantity: Amount,
        /// For how much, in minor units.
        pub amount: Amount,
        /// Of which currency.
        pub currency: InstrumentId,
        /// When it was agreed.
        pub trade_date: BusinessDate,
        /// When it is to settle.
        pub intended_date: BusinessDate,
        /// The reference of the one who tells.
        pub reference: Text<35>,
    }
}

types::choice! {
    /// Where a trade stands.
    #[derive(Copy, Hash)]
    pub enum TradeStatus {
        /// Told by a venue: binding.
        0 => Imported,
        /// Told by one side, until the time given.
        1 => Reported {
            /// Ledger time at which it expires.
            until: LedgerTime,
        },
        /// Told by both sides: binding.
        2 => Affirmed,
        /// Its settlement is final.
        3 => Settled,
        /// A matched pair of instructions is about to settle it.
        4 => Instructed,
    }
}

types::record! {
    /// A trade of the state.
    pub struct Trade {
        /// Who buys.
        pub buyer: PartyId,
        /// Who sells.
        pub seller: PartyId,
        /// What.
        pub instrument: InstrumentId,
        /// How many units.
        pub quantity: Amount,
        /// For how much, in minor units.
        pub amount: Amount,
        /// Of which currency.
        pub currency: InstrumentId,
        /// When it was agreed.
        pub trade_date: BusinessDate,
        /// When it is to settle.
        pub intended_date: BusinessDate,
        /// Who has told it.
        pub reporter: PartyId,
        /// The reporter's reference.
        pub reference: Text<35>,
        /// Where it stands.
        pub status: TradeStatus,
    }
}

impl Row for Trade {
    const KIND: u8 = kind::TRADE;
    type Name = TradeId;

    fn entries(&self, name: &TradeId) -> Vec<Entry> {
        match (name, self.status) {
            (TradeId::Reported { report }, TradeStatus::Reported { until }) => {
                alloc::vec![alarm::entry(until, alarm::Due::Affirmation, report)]
            }
            (TradeId::Venue { venue, date, number }, _) => {
                alloc::vec![venue_entry(*venue, *date, number)]
            }
            _ => Vec::new(),
        }
    }
}

types::record! {
    /// How far a venue has been closed.
    pub struct Venue {
        /// Trades of this date and before are refused.
        pub closed: BusinessDate,
        /// Trades up to this date are forgotten, a few in every block.
        pub forgotten: BusinessDate,
    }
}

impl Row for Venue {
    const KIND: u8 = kind::VENUE;
    type Name = Mic;

    fn entries(&self, name: &Mic) -> Vec<Entry> {
        if self.forgotten < self.closed { alloc::vec![closing_entry(*name)] } else { Vec::new() }
    }
}

const OF_VENUE: u8 = 1;
const CLOSING: u8 = 2;
/// How many trades of a closed date are forgotten in one block.
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
const FORGOTTEN_A_BLOCK: usize = 512;

fn venue_entry(venue: Mic, date: BusinessDate, number: &Text<20>) -> Entry {
    let mut start = alloc::vec![OF_VENUE];
    (venue, date).write(&mut start);
    number.write(&mut start);
    Entry::from_start(&start)
}

fn closing_entry(venue: Mic) -> Entry {
    let mut start = alloc::vec![CLOSING];
    venue.write(&mut start);
    Entry::from_start(&start)
}

/// Imports executed trades of a venue. One that is known already changes nothing.
///
/// # Errors
/// For the first trade that fails: [`Reject::PartyUnknown`], those of [`issuance::require_open_pair`],
/// [`Reject::QuantityNotPositive`], [`Reject::DateNotAllowed`]; then [`Reject::VenueClosed`], and
/// [`Reject::TradeDiffers`] when a number stands for another trade. All are imported, or none.
pub(crate) fn import(
    draft: &mut Draft<'_>,
    reporter: PartyId,
    venue: Mic,
    date: BusinessDate,
    trades: &[VenueTrade],
) -> Result<(), Stop> {
    let mut checked = Vec::new();
    for told in trades {
        checked.push(check_imported(draft, reporter, date, told)?);
    }
    let row = draft.get::<Venue>(&venue)?;
    if row.is_some_and(|row| date <= row.closed) {
        return Err(Reject::VenueClosed { date }.into());
    }
    let name = |it: &VenueTrade| TradeId::Venue { venue, date, number: it.number.clone() };
    draft.require_rows(trades.iter().map(|it| Trade::key(&name(it))))?;
    let (mut imported, mut known) = (0_u32, 0_u32);
    for (told, trade) in trades.iter().zip(checked) {
        match draft.get::<Trade>(&name(told))? {
            None => {
                draft.put(&name(told), &trade)?;
                imported = imported.saturating_add(1);
            }
            Some(stored) => {
                require_same(&stored, &trade)?;
                known = known.saturating_add(1);
            }
        }
    }
    draft.tell(Event::TradesImported { venue, date, imported, known });
    Ok(())
}

/// Closes a venue's date.
///
/// # Errors
/// [`Reject::VenueClosed`] when it is closed already.
pub(crate) fn close_venue(
    draft: &mut Draft<'_>,
    venue: Mic,
    date: BusinessDate,
) -> Result<(), Stop> {
    let row = draft.get::<Venue>(&venue)?;
    let row = row.unwrap_or(Venue { closed: BusinessDate(0), forgotten: BusinessDate(0) });
    if date <= row.closed {
        return Err(Reject::VenueClosed { date }.into());
    }
    draft.put(&venue, &Venue { closed: date, ..row })?;
    draft.tell(Event::VenueClosed { venue, date });
    Ok(())
}

/// Forgets trades of closed dates, a few in every block.
pub(crate) fn forget(draft: &mut Draft<'_>) -> Result<(), Missing> {
    let closing: Vec<Entry> = draft.walk(&[CLOSING]).take(4).collect();
    for entry in closing {
        let mut name = types::Reader::new(entry.0.get(1..).unwrap_or_default());
        let Ok(venue) = Mic::read(&mut name) else { continue };
        let Some(row) = draft.get::<Venue>(&venue)? else { continue };
        let (mut first, mut last) = (alloc::vec![OF_VENUE], alloc::vec![OF_VENUE]);
        venue.write(&mut first);
        (venue, row.closed).write(&mut last);
        let range = draft.walk_between(Entry::from_start(&first), Entry::to_end(&last));
        let old: Vec<Entry> = range.take(FORGOTTEN_A_BLOCK).collect();
        let names: Vec<TradeId> = old.iter().filter_map(venue_trade).collect();
        draft.require_rows(names.iter().map(Trade::key))?;
        for name in &names {
            draft.end::<Trade>(name)?;
        }
        if old.len() < FORGOTTEN_A_BLOCK {
            draft.put(&venue, &Venue { forgotten: row.closed, ..row })?;
        }
    }
    Ok(())
}

fn venue_trade(entry: &Entry) -> Option<TradeId> {
    let mut name = types::Reader::new(entry.0.get(1..)?);
    let (venue, date) = Wire::read(&mut name).ok()?;
    let number = Text::read(&mut name).ok()?;
    Some(TradeId::Venue { venue, date, number })
}

/// Reports a trade for the other side to affirm.
///
/// # Errors
/// [`Reject::RoleMissing`], [`Reject::PartyUnknown`] (of the other side), those of [`issuance::require_open_pair`],
/// [`Reject::QuantityNotPositive`], [`Reject::DateNotAllowed`].
pub(crate) fn report(
    draft: &mut Draft<'_>,
    id: InstructionId,
    told: &ReportTrade,
) -> Result<(), Stop> {
    let reporter = governance::require_role(draft, Roles::PARTICIPANT)?;
    let within = governance::parameter(draft, &ParameterName::AffirmWithin)?;
    let until = LedgerTime(draft.at.time.0.saturating_add_signed(within));
    let trade = told.by(reporter, TradeStatus::Reported { until });
    check(draft, &trade)?;
    draft.put(&TradeId::Reported { report: id }, &trade)?;
    draft.tell(Event::TradeReported { report: id, counterparty: told.counterparty, until });
    Ok(())
}

/// Affirms a reported trade, if this side tells the same.
///
/// A difference is told by field and changes nothing: the trade goes on waiting.
///
/// # Errors
/// [`Reject::RoleMissing`], [`Reject::TradeUnknown`], [`Reject::NotCounterparty`],
/// [`Reject::TradeNotWaiting`], [`Reject::TradeDiffers`].
pub(crate) fn affirm(draft: &mut Draft<'_>, id: &TradeId, mine: &ReportTrade) -> Result<(), Stop> {
    let (party, trade) = waiting_for(draft, id)?;
    let told = mine.by(party, trade.status);
    let tolerance = ParameterName::Tolerance { currency: trade.currency };
    let tolerance = governance::parameter(draft, &tolerance)?;
    if let Some(field) = difference(&trade, &told, tolerance) {
        return Err(Reject::TradeDiffers { field }.into());
    }
    draft.put(id, &Trade { status: TradeStatus::Affirmed, ..trade })?;
    draft.tell(Event::TradeAffirmed { trade: id.clone(), by: party });
    Ok(())
}

/// Rejects a reported trade. It ends.
///
/// # Errors
/// [`Reject::RoleMissing`], [`Reject::TradeUnknown`], [`Reject::NotCounterparty`], [`Reject::TradeNotWaiting`].
pub(crate) fn reject(draft: &mut Draft<'_>, id: &TradeId) -> Result<(), Stop> {
    let (party, _) = waiting_for(draft, id)?;
    draft.end::<Trade>(id)?;
    draft.tell(Event::TradeRejected { trade: id.clone(), by: party });
    Ok(())
}

/// Ends a report that nobody affirmed in time.
pub(crate) fn expire(draft: &mut Draft<'_>, report: InstructionId) -> Result<(), Missing> {
    let id = TradeId::Reported { report };
    draft.end::<Trade>(&id)?;
    draft.tell(Event::TradeExpired { trade: id });
    Ok(())
}

/// The binding trade with this name.
///
/// # Errors
/// [`Reject::TradeUnknown`], [`Reject::TradeNotBinding`].
pub(crate) fn binding(draft: &Draft<'_>, id: &TradeId) -> Result<Trade, Stop> {
    let trade = draft.get::<Trade>(id)?;
    let trade = trade.ok_or_else(|| Reject::TradeUnknown { trade: id.clone() })?;
    match trade.status {
        TradeStatus::Imported | TradeStatus::Affirmed => Ok(trade),
        _ => Err(Reject::TradeNotBinding { trade: id.clone() }.into()),
    }
}

/// Notes that a matched pair settles a trade: no other may.
pub(crate) fn instructed(draft: &mut Draft<'_>, id: &TradeId) -> Result<(), Missing> {
    let Some(trade) = draft.get::<Trade>(id)? else { return Ok(()) };
    draft.put(id, &Trade { status: TradeStatus::Instructed, ..trade })
}

/// Notes that the pair which was to settle a trade has ended: another may.
pub(crate) fn free(draft: &mut Draft<'_>, id: &TradeId) -> Result<(), Missing> {
    let trade = draft.get::<Trade>(id)?.filter(|it| it.status == TradeStatus::Instructed);
    let Some(trade) = trade else { return Ok(()) };
    let status = match id {
        TradeId::Venue { .. } => TradeStatus::Imported,
        TradeId::Reported { .. } => TradeStatus::Affirmed,
    };
    draft.put(id, &Trade { status, ..trade })
}

/// Notes that a trade's settlement is final.
pub(crate) fn settled(draft: &mut Draft<'_>, id: &TradeId) -> Result<(), Missing> {
    let Some(trade) = draft.get::<Trade>(id)? else { return Ok(()) };
    match id {
        TradeId::Reported { .. } => draft.end::<Trade>(id),
        TradeId::Venue { .. } => draft.put(id, &Trade { status: TradeStatus::Settled, ..trade }),
    }
}

impl ReportTrade {
    /// The trade that `reporter` tells.
    fn by(&self, reporter: PartyId, status: TradeStatus) -> Trade {
        let sides = (reporter, self.counterparty);
        let (buyer, seller) = if self.buys { sides } else { (sides.1, sides.0) };
        Trade {
            buyer,
            seller,
            instrument: self.instrument,
            quantity: self.quantity.clone(),
            amount: self.amount.clone(),
            currency: self.currency,
            trade_date: self.trade_date,
            intended_date: self.intended_date,
            reporter,
            reference: self.reference.clone(),
            status,
        }
    }
}

fn check_imported(
    draft: &Draft<'_>,
    reporter: PartyId,
    date: BusinessDate,
    told: &VenueTrade,
) -> Result<Trade, Stop> {
    let trade = Trade {
        buyer: told.buyer,
        seller: told.seller,
        instrument: told.instrument,
        quantity: told.quantity.clone(),
        amount: told.amount.clone(),
        currency: told.currency,
        trade_date: date,
        intended_date: told.intended_date,
        reporter,
        reference: Text::default(),
        status: TradeStatus::Imported,
    };
    check(draft, &trade)?;
    Ok(trade)
}

fn check(draft: &Draft<'_>, trade: &Trade) -> Result<(), Stop> {
    for party in [trade.buyer, trade.seller] {
        draft.get::<Party>(&party)?.ok_or(Reject::PartyUnknown { party })?;
    }
    issuance::require_open_pair(draft, trade.instrument, trade.currency)?;
    book::positive(trade.quantity.clone())?;
    book::positive(trade.amount.clone())?;
    if trade.intended_date < trade.trade_date {
        return Err(Reject::DateNotAllowed { date: trade.intended_date }.into());
    }
    Ok(())
}

fn waiting_for(draft: &Draft<'_>, id: &TradeId) -> Result<(PartyId, Trade), Stop> {
    let party = governance::require_role(draft, Roles::PARTICIPANT)?;
    let trade = draft.get::<Trade>(id)?;
    let trade = trade.ok_or_else(|| Reject::TradeUnknown { trade: id.clone() })?;
    let side = party == trade.buyer || party == trade.seller;
    if !side || (party == trade.reporter && trade.buyer != trade.seller) {
        return Err(Reject::NotCounterparty { party }.into());
    }
    match trade.status {
        TradeStatus::Reported { .. } => Ok((party, trade)),
        _ => Err(Reject::TradeNotWaiting { trade: id.clone() }.into()),
    }
}

/// The same trade told twice by a venue; where it stands does not matter.
fn require_same(stored: &Trade, told: &Trade) -> Result<(), Reject> {
    let field = difference(stored, told, 0);
    field.map_or(Ok(()), |field| Err(Reject::TradeDiffers { field }))
}

/// The first field in which two tellings of a trade differ.
fn difference(a: &Trade, b: &Trade, tolerance: i64) -> Option<Field> {
    let close = match (&a.amount, &b.amount) {
        (Amount::Open(a), Amount::Open(b)) => a.abs_diff(*b) <= tolerance.unsigned_abs(),
        (a, b) => a == b,
    };
    let fields = [
        (a.buyer == b.buyer && a.seller == b.seller, Field::Counterparty),
        (a.instrument == b.instrument, Field::Instrument),
        (a.quantity == b.quantity, Field::Quantity),
        (a.currency == b.currency, Field::Currency),
        (close, Field::Amount),
        (a.trade_date == b.trade_date, Field::TradeDate),
        (a.intended_date == b.intended_date, Field::IntendedDate),
    ];
    fields.into_iter().find(|(same, _)| !same).map(|(_, field)| field)
}
