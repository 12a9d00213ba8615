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
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
const CANDIDATES: usize = 32;

/// Refuses what could never match or settle.
///
/// # Errors
/// [`Reject::AccountUnknown`] and [`Reject::AccountNotManaged`] (of its own securities account, of the other
/// side's, of the cash account), [`Reject::AccountNotEligible`], [`Reject::InstrumentUnknown`] and
/// [`Reject::SealedNotAllowed`] (of the money, of the security),
/// [`Reject::QuantityNotPositive`], [`Reject::DateNotAllowed`], [`Reject::TradeUnknown`],
/// [`Reject::TradeNotBinding`], [`Reject::TradeDiffers`].
pub(super) fn check(draft: &Draft<'_>, party: PartyId, terms: &OpenTerms) -> Result<(), Stop> {
    book::require_manager(draft, terms.account, party)?;
    book::require_manager(draft, terms.counterparty_account, terms.counterparty)?;
    if let Some(payment) = &terms.payment {
        book::require_manager(draft, payment.account, party)?;
        book::require_eligible(draft, (payment.account, payment.currency))?;
        issuance::require_money(draft, payment.currency)?;
        issuance::require_open(draft, payment.currency)?;
    }
    issuance::require_security(draft, terms.instrument)?;
    issuance::require_open(draft, terms.instrument)?;
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
    let tolerance = tolerance(draft, terms)?;
    let mut found = candidates(draft, wanted, amount, amount);
    if tolerance > 0 {
        let (from, to) = (amount.saturating_sub(tolerance), amount.saturating_add(tolerance));
        found.extend(candidates(draft, wanted, from.max(0), to));
    }
    found.extend(by_references(draft, mine.party, terms));
    draft.require_rows(found.iter().map(Instructed::key))?;
    let mut same = Vec::new();
    for id in found {
        let Some(theirs) = draft.get::<Instructed>(&id)? else { continue };
        let Asked::Settle(their_terms) = &theirs.asked else { continue };
        let alike = difference(mine.party, terms, theirs.party, their_terms, tolerance).is_none();
        if alike && still_binds(draft, their_terms)? {
            let distance = self::amount(their_terms).abs_diff(amount);
            same.push((distance, theirs.arrival, id, theirs));
        }
    }
    let closest = same.into_iter().min_by_key(|it| (it.0, it.1));
    Ok(closest.map(|(_, _, id, theirs)| (id, theirs)))
}

/// Whether nothing else settles the trade that an instruction names.
fn still_binds(draft: &Draft<'_>, terms: &OpenTerms) -> Result<bool, Missing> {
    match terms.trade.as_ref().map(|it| trade::binding(draft, it)) {
        None | Some(Ok(_)) => Ok(true),
        Some(Err(Stop::Reject(_) | Stop::Unshown(_))) => Ok(false),
        Some(Err(Stop::Missing(missing))) => Err(missing),
    }
}

fn tolerance(draft: &Draft<'_>, terms: &OpenTerms) -> Result<i64, Missing> {
    let Some(payment) = &terms.payment else { return Ok(0) };
    governance::parameter(draft, &ParameterName::Tolerance { currency: payment.currency })
}

/// Tells by field why an instruction does not match one that names the same common reference or trade.
pub(super) fn tell_mismatch(
    draft: &mut Draft<'_>,
    id: InstructionId,
    party: PartyId,
    terms: &OpenTerms,
) -> Result<(), Missing> {
    let tolerance = tolerance(draft, terms)?;
    let others = by_references(draft, party, terms);
    draft.require_rows(others.iter().map(Instructed::key))?;
    for other in others {
        let Some(theirs) = draft.get::<Instructed>(&other)? else { continue };
        let Asked::Settle(their_terms) = &theirs.asked else { continue };
        if theirs.party != terms.counterparty || their_terms.side == terms.side {
            continue;
        }
        if let Some(field) = difference(party, terms, theirs.party, their_terms, tolerance) {
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
    for mut start in references(row.party, terms) {
        id.write(&mut start);
        entries.push(Entry::from_start(&start));
    }
    entries
}

/// What waits and says the same of all but the amount, which is in a range.
fn candidates(draft: &Draft<'_>, wanted: Digest, from: i64, to: i64) -> Vec<InstructionId> {
    let first = Entry::from_start(&amount_start(wanted, from));
    let last = Entry::to_end(&amount_start(wanted, to));
    let read = |entry: Entry| InstructionId::read(&mut types::Reader::new(entry.0.get(33..)?)).ok();
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

/// What waits between the same two parties under the same common reference, or for the same trade.
fn by_references(draft: &Draft<'_>, party: PartyId, terms: &OpenTerms) -> Vec<InstructionId> {
    let read = |entry: Entry| InstructionId::read(&mut types::Reader::new(entry.0.get(17..)?)).ok();
    let starts = references(party, terms);
    starts.iter().flat_map(|it| draft.walk(it).take(CANDIDATES).filter_map(read)).collect()
}

/// What the index finds an instruction by: its common reference, and its trade.
fn references(party: PartyId, terms: &OpenTerms) -> Vec<Vec<u8>> {
    let pair = (party.min(terms.counterparty), party.max(terms.counterparty));
    let named = !terms.common_reference.is_empty();
    let reference = named.then(|| {
        let bytes = (pair, terms.common_reference.clone()).to_bytes();
        crypto::digest(b"furikae.common-reference.v1", &bytes)
    });
    let trade = terms.trade.as_ref().map(|trade| {
        crypto::digest(b"furikae.trade-reference.v1", &(pair, trade.clone()).to_bytes())
    });
    let start = |digest: Digest| {
        let mut start = alloc::vec![BY_REFERENCE];
        start.extend(digest.0.iter().take(16));
        start
    };
    reference.into_iter().chain(trade).map(start).collect()
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
    differences((my_party, mine), (their_party, theirs), tolerance).next()
}

/// The fields in which two sides differ, in the order in which they are looked at; cash amounts may differ by the
/// currency's `tolerance`, in minor units.
pub fn differences(
    (my_party, mine): (PartyId, &OpenTerms),
    (their_party, theirs): (PartyId, &OpenTerms),
    tolerance: i64,
) -> impl Iterator<Item = Field> + use<> {
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
    fields.into_iter().filter(|(same, _)| !same).map(|(_, field)| field)
}

fn check_trade(draft: &Draft<'_>, party: PartyId, terms: &OpenTerms) -> Result<(), Stop> {
    let Some(id) = &terms.trade else { return Ok(()) };
    let trade = trade::binding(draft, id)?;
    let (buyer, seller) = match terms.side {
        Side::Deliver => (terms.counterparty, party),
        Side::Receive => (party, terms.counterparty),
    };
    let (currency, tolerance) =
        (terms.payment.as_ref().map(|it| it.currency), tolerance(draft, terms)?);
    let close = |it: i64| it.abs_diff(book::open(&trade.amount)) <= tolerance.unsigned_abs();
    let fields = [
        (trade.buyer == buyer && trade.seller == seller, Field::Counterparty),
        (trade.instrument == terms.instrument, Field::Instrument),
        (trade.quantity == terms.quantity, Field::Quantity),
        (currency.is_none_or(|it| it == trade.currency), Field::Currency),
        (terms.payment.is_none() || close(amount(terms)), Field::Amount),
        (trade.trade_date == terms.trade_date, Field::TradeDate),
    ];
    match fields.into_iter().find(|(same, _)| !same) {
        None => Ok(()),
        Some((_, field)) => Err(Reject::TradeDiffers { field }.into()),
    }
}
