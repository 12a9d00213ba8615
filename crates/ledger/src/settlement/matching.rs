//! Matching: two instructions that say the same of both legs.
//!
//! What must be equal goes into a digest; cash amounts may differ by the currency's tolerance, and the
//! seller's then holds. Of several candidates the closest amount, then the earliest arrival, is taken.

use alloc::vec::Vec;

use types::{BusinessDate, Digest, InstructionId, PartyId, Wire};

use super::{Instructed, OpenTerms, Side, terms::Asked};
use crate::{
    Stop, book,
    draft::{Draft, Missing},
    event::{Event, Field},
    governance::{self, ParameterName},
    issuance,
    reject::Reject,
    row::{Entry, Row},
    trade,
};

const UNMATCHED: u8 = 4;
const BY_REFERENCE: u8 = 5;
/// How many candidates of equal terms are looked at.
const CANDIDATES: usize = 32;

/// Refuses what could never match or settle.
///
/// # Errors
/// [`Reject::AccountUnknown`], [`Reject::AccountNotManaged`] (of either securities account, then of the
/// cash account), [`Reject::AccountNotEligible`], [`Reject::InstrumentUnknown`],
/// [`Reject::SealedNotYet`], [`Reject::QuantityNotPositive`], [`Reject::DateNotAllowed`],
/// [`Reject::TradeUnknown`], [`Reject::TradeNotBinding`], [`Reject::TradeDiffers`].
pub(super) fn check(draft: &Draft<'_>, party: PartyId, terms: &OpenTerms) -> Result<(), Stop> {
    book::require_manager(draft, terms.account, party)?;
    book::require_manager(draft, terms.counterparty_account, terms.counterparty)?;
    if let Some(payment) = &terms.payment {
        book::require_manager(draft, payment.account, party)?;
        issuance::require_listed(draft, payment.currency)?;
        if !payment.currency.is_currency() {
            return Err(Reject::InstrumentUnknown { instrument: payment.currency }.into());
        }
        book::require_eligible(draft, (payment.account, payment.currency))?;
    }
    issuance::require_listed(draft, terms.instrument)?;
    if terms.instrument.is_currency() {
        return Err(Reject::InstrumentUnknown { instrument: terms.instrument }.into());
    }
    book::positive(terms.quantity.clone())?;
    if let Some(payment) = &terms.payment {
        book::positive(payment.amount.clone())?;
    }
    if terms.intended_date < terms.trade_date || terms.intended_date == BusinessDate(0) {
        return Err(Reject::DateNotAllowed { date: terms.intended_date }.into());
    }
    check_trade(draft, party, terms)
}

/// The waiting instruction that says the same, seen from the other side.
pub(super) fn counterpart(
    draft: &Draft<'_>,
    mine: &Instructed,
    terms: &OpenTerms,
) -> Result<Option<(InstructionId, Instructed)>, Missing> {
    let wanted = digest(terms.counterparty, mine.party, terms, other(terms.side));
    let amount = amount(terms);
    let tolerance = match &terms.payment {
        None => 0,
        Some(payment) => {
            let name = ParameterName::Tolerance { currency: payment.currency };
            governance::parameter(draft, &name)?
        }
    };
    let exact = candidates(draft, wanted, amount, amount);
    let mut found = exact;
    if tolerance > 0 {
        let (from, to) = (amount.saturating_sub(tolerance), amount.saturating_add(tolerance));
        found.extend(candidates(draft, wanted, from.max(0), to));
    }
    found.sort_by_key(|it| (it.amount.abs_diff(amount), it.arrival));
    draft.require_rows(found.iter().map(|it| Instructed::key(&it.id)))?;
    for Candidate { id, .. } in found {
        let Some(theirs) = draft.get::<Instructed>(&id)? else { continue };
        let Asked::Settle(their_terms) = &theirs.asked else { continue };
        if difference(mine.party, terms, theirs.party, their_terms, tolerance).is_none() {
            return Ok(Some((id, theirs)));
        }
    }
    Ok(None)
}

/// Tells by field why an instruction does not match one that names the same common reference.
pub(super) fn tell_mismatch(
    draft: &mut Draft<'_>,
    id: InstructionId,
    party: PartyId,
    terms: &OpenTerms,
) -> Result<(), Missing> {
    let Some(start) = by_reference(party, terms) else { return Ok(()) };
    let waiting: Vec<Entry> = draft.walk(&start).take(CANDIDATES).collect();
    for other in waiting.iter().filter_map(|entry| read_id(entry, 17)) {
        let Some(theirs) = draft.get::<Instructed>(&other)? else { continue };
        let Asked::Settle(their_terms) = &theirs.asked else { continue };
        if theirs.party != terms.counterparty || their_terms.side == terms.side {
            continue;
        }
        if let Some(field) = difference(party, terms, theirs.party, their_terms, 0) {
            draft.tell(Event::Mismatched { instruction: id, other, field });
            return Ok(());
        }
    }
    Ok(())
}

/// Whether the administrator signs off this settlement: for its securities leg, or its cash leg.
pub(super) fn needs_sign_off(draft: &Draft<'_>, terms: &OpenTerms) -> Result<bool, Missing> {
    let legs = core::iter::once(terms.instrument).chain(terms.payment.iter().map(|it| it.currency));
    for leg in legs {
        if draft.get::<issuance::Listing>(&leg)?.is_some_and(|it| it.sign_off) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The index entries of an unmatched instruction.
pub(super) fn entries(row: &Instructed, terms: &OpenTerms, id: &InstructionId) -> Vec<Entry> {
    let digest = digest(row.party, terms.counterparty, terms, terms.side);
    let mut start = amount_start(digest, amount(terms));
    row.arrival.write(&mut start);
    id.write(&mut start);
    let mut entries = alloc::vec![Entry::from_start(&start)];
    if let Some(mut start) = by_reference(row.party, terms) {
        id.write(&mut start);
        entries.push(Entry::from_start(&start));
    }
    entries
}

struct Candidate {
    id: InstructionId,
    amount: i64,
    arrival: u64,
}

fn candidates(draft: &Draft<'_>, wanted: Digest, from: i64, to: i64) -> Vec<Candidate> {
    let first = Entry::from_start(&amount_start(wanted, from));
    let last = Entry::to_end(&amount_start(wanted, to));
    let read = |entry: Entry| {
        let mut bytes = types::Reader::new(entry.0.get(17..)?);
        let amount = i64::read(&mut bytes).ok()?;
        let arrival = u64::read(&mut bytes).ok()?;
        let id = InstructionId::read(&mut bytes).ok()?;
        Some(Candidate { id, amount, arrival })
    };
    draft.walk_between(first, last).take(CANDIDATES).filter_map(read).collect()
}

/// Over what must be equal: both sides as `side` sees them.
fn digest(party: PartyId, counterparty: PartyId, terms: &OpenTerms, side: Side) -> Digest {
    let own = terms.side == side;
    let (account, other) = if own {
        (terms.account, terms.counterparty_account)
    } else {
        (terms.counterparty_account, terms.account)
    };
    let mut bytes = Vec::new();
    side.write(&mut bytes);
    (party, counterparty).write(&mut bytes);
    (account, other).write(&mut bytes);
    (terms.instrument, terms.quantity.clone()).write(&mut bytes);
    (terms.trade_date, terms.intended_date).write(&mut bytes);
    terms.payment.as_ref().map(|it| it.currency).write(&mut bytes);
    crypto::digest(b"furikae.match.v1", &bytes)
}

fn amount_start(digest: Digest, amount: i64) -> Vec<u8> {
    let mut start = alloc::vec![UNMATCHED];
    start.extend(digest.0.iter().take(16));
    amount.write(&mut start);
    start
}

fn by_reference(party: PartyId, terms: &OpenTerms) -> Option<Vec<u8>> {
    if terms.common_reference.is_empty() {
        return None;
    }
    let pair = (party.min(terms.counterparty), party.max(terms.counterparty));
    let digest = crypto::digest(
        b"furikae.common-reference.v1",
        &(pair, terms.common_reference.clone()).to_bytes(),
    );
    let mut start = alloc::vec![BY_REFERENCE];
    start.extend(digest.0.iter().take(16));
    Some(start)
}

fn read_id(entry: &Entry, at: usize) -> Option<InstructionId> {
    InstructionId::read(&mut types::Reader::new(entry.0.get(at..)?)).ok()
}

fn amount(terms: &OpenTerms) -> i64 {
    terms.payment.as_ref().map_or(0, |it| book::open(&it.amount))
}

const fn other(side: Side) -> Side {
    match side {
        Side::Deliver => Side::Receive,
        Side::Receive => Side::Deliver,
    }
}

/// The first field in which two sides differ.
fn difference(
    my_party: PartyId,
    mine: &OpenTerms,
    their_party: PartyId,
    theirs: &OpenTerms,
    tolerance: i64,
) -> Option<Field> {
    let sides = mine.side != theirs.side
        && mine.counterparty == their_party
        && theirs.counterparty == my_party;
    let accounts =
        mine.account == theirs.counterparty_account && theirs.account == mine.counterparty_account;
    let currency = |terms: &OpenTerms| terms.payment.as_ref().map(|it| it.currency);
    let said = |a: bool, b: bool, same: bool| !a || !b || same;
    let reference = said(
        !mine.common_reference.is_empty(),
        !theirs.common_reference.is_empty(),
        mine.common_reference == theirs.common_reference,
    );
    let trade = said(mine.trade.is_some(), theirs.trade.is_some(), mine.trade == theirs.trade);
    let fields = [
        (sides, Field::Counterparty),
        (accounts, Field::Account),
        (mine.instrument == theirs.instrument, Field::Instrument),
        (mine.quantity == theirs.quantity, Field::Quantity),
        (mine.payment.is_some() == theirs.payment.is_some(), Field::Payment),
        (currency(mine) == currency(theirs), Field::Currency),
        (amount(mine).abs_diff(amount(theirs)) <= tolerance.unsigned_abs(), Field::Amount),
        (mine.trade_date == theirs.trade_date, Field::TradeDate),
        (mine.intended_date == theirs.intended_date, Field::IntendedDate),
        (reference && trade, Field::Trade),
    ];
    fields.into_iter().find(|(same, _)| !same).map(|(_, field)| field)
}

fn check_trade(draft: &Draft<'_>, party: PartyId, terms: &OpenTerms) -> Result<(), Stop> {
    let Some(id) = &terms.trade else { return Ok(()) };
    let trade = trade::binding(draft, id)?;
    let (buyer, seller) = match terms.side {
        Side::Deliver => (terms.counterparty, party),
        Side::Receive => (party, terms.counterparty),
    };
    let currency = terms.payment.as_ref().map(|it| it.currency);
    let fields = [
        (trade.buyer == buyer && trade.seller == seller, Field::Counterparty),
        (trade.instrument == terms.instrument, Field::Instrument),
        (currency.is_none_or(|it| it == trade.currency), Field::Currency),
        (trade.trade_date == terms.trade_date, Field::TradeDate),
    ];
    match fields.into_iter().find(|(same, _)| !same) {
        None => Ok(()),
        Some((_, field)) => Err(Reject::TradeDiffers { field }.into()),
    }
}
