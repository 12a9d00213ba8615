//! Issuance of what is sealed: how many units come into being or end everybody reads, and whose they are.

use crypto::{Amount, statement::Claim};
use types::{AccountId, Digest, InstructionId, InstrumentId, Wire};

use super::Request;
use crate::{
    Stop,
    asked::Asked,
    book::{
        self, Position,
        sealed::{self, Cover, Holder},
    },
    draft::{Draft, Missing},
    event::Event,
    governance::{self, ParameterName},
    registry::{self, Element},
    reject::Reject,
    row::Row,
    view_key,
};

/// Takes units from an account with keys of its own: money ends at once, a security waits for the CSD's approval.
///
/// # Errors
/// [`Reject::InstrumentUnknown`], [`Reject::SealedNotAllowed`] unless it is sealed, [`Reject::QuantityNotPositive`],
/// [`Reject::ViewKeyUnknown`] and [`Reject::AdministratorsKeyOld`], those of [`sealed::covering`], then
/// [`Stop::Unshown`].
pub(crate) fn retire(
    draft: &mut Draft<'_>,
    asked: &Asked<'_>,
    id: InstructionId,
    place: book::Place,
    (units, administrators_key, cover): (i64, u32, &Cover),
) -> Result<(), Stop> {
    let (account, instrument) = place;
    let listing = super::require_listed(draft, instrument)?;
    if !super::is_sealed(draft, instrument)? {
        return Err(Reject::SealedNotAllowed.into());
    }
    let public = u64::try_from(units).ok().filter(|it| 0 < *it);
    let public = public.ok_or(Reject::QuantityNotPositive)?;
    let (key, _) = view_key::administrators(draft)?;
    if key != administrators_key {
        return Err(Reject::AdministratorsKeyOld { key }.into());
    }
    let position = sealed::covering(draft, place, key, cover, Holder::Owner)?;
    let owner = sealed::view_key(draft, account)?;
    let claim = Claim::SpendPublic { units: public, key: owner, before: cover.before.clone() };
    asked.require(asked.statement(key, claim))?;
    let taken = public_amount(instrument, units)?.points();
    let taken = taken.ok_or(Reject::AmountsDoNotAdd { instrument })?;
    sealed::debit(draft, place, position, &taken)?;
    let quantity = Amount::Open(units);
    if instrument.is_currency() {
        return super::units(draft, instrument, account, quantity, true);
    }
    registry::exchange(draft, instrument, None, Some(retiring(account, &id, units)))?;
    let issuer = listing.issuer;
    draft.put(&id, &Request { issuer, instrument, account, quantity, redeem: true })?;
    draft.tell(Event::Requested { request: id });
    Ok(())
}

/// Brings units into circulation, or ends them: what is redeemed has left its position before.
///
/// # Errors
/// [`Reject::QuantityNotPositive`], [`Reject::AmountsDoNotAdd`], [`Reject::ViewKeyUnknown`] (of the administrators, for
/// what is issued).
pub(super) fn units(
    draft: &mut Draft<'_>,
    place: book::Place,
    amount: &Amount,
    redeem: bool,
) -> Result<(), Stop> {
    let units = book::positive(amount.clone())?;
    fetch(draft, place)?;
    if !redeem {
        book::circulate(draft, place.1, units)?;
        let (key, _) = view_key::administrators(draft)?;
        return sealed::credit(draft, place, key, &public_amount(place.1, units)?);
    }
    book::circulate(draft, place.1, units.saturating_neg())
}

/// Units that were to be retired wait no more.
///
/// # Errors
/// None, of a request that the state holds.
pub(super) fn decide(
    draft: &mut Draft<'_>,
    id: InstructionId,
    place: book::Place,
    amount: &Amount,
) -> Result<(), Stop> {
    let units = book::positive(amount.clone())?;
    fetch(draft, place)?;
    Ok(registry::exchange(draft, place.1, Some(retiring(place.0, &id, units)), None)?)
}

/// The element that units make in the registry of their security while they wait to be retired. The request is in it:
/// a set holds each element once.
#[must_use]
pub fn retiring(account: AccountId, request: &InstructionId, units: i64) -> Element {
    let Digest(digest) = crypto::digest(b"furikae.retiring.v1", &(*request, units).to_bytes());
    Element::Sealed(account, digest)
}

/// Gives units back that were to be retired.
///
/// # Errors
/// None, of a request that the state holds.
pub(super) fn come_back(
    draft: &mut Draft<'_>,
    place: book::Place,
    amount: &Amount,
) -> Result<(), Stop> {
    let units = book::positive(amount.clone())?;
    let (key, _) = view_key::administrators(draft)?;
    sealed::credit(draft, place, key, &public_amount(place.1, units)?)
}

fn public_amount(instrument: InstrumentId, units: i64) -> Result<crypto::Sealed, Stop> {
    let units = u64::try_from(units).map_err(|_| Reject::QuantityNotPositive)?;
    let amount = crypto::Sealed::of_public(units, sealed::handles_of(instrument));
    amount.ok_or_else(|| Reject::AmountsDoNotAdd { instrument }.into())
}

/// Asks at once for the rows that change with a position and the supply.
fn fetch(draft: &Draft<'_>, place: book::Place) -> Result<(), Missing> {
    let key = governance::parameter(draft, &ParameterName::AdministratorsKey)?;
    let mut rows = sealed::rows_of(place, u32::try_from(key).unwrap_or_default());
    rows.push(Position::key(&(book::issuance_account(place.1), place.1)));
    draft.require_rows(rows.into_iter())
}
