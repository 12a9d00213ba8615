//! Whether terms may stand, and the leg that a side gives: shown to be an amount, and covered once it is taken.

use alloc::vec::Vec;

use crypto::statement::Claim;
use types::{AccountId, BusinessDate, InstructionId};

use super::{Part, SealedInstructed, SealedTerms, sealed_amount};
use crate::{
    Stop,
    asked::Asked,
    book::{
        self, Account, Movement,
        sealed::{self, Cover, Holder, SealedPosition},
    },
    draft::{Draft, Missing},
    governance::{Parameter, ParameterName},
    issuance::Kind,
    registry,
    reject::Reject,
    row::{Key, Row},
    view_key::{self, Reader, ViewKey},
};

/// Asks at once for the rows of instructions, of the other sides, and of what moves when they settle or end.
pub(super) fn fetch(draft: &Draft<'_>, ids: &[InstructionId]) -> Result<(), Missing> {
    draft.require_rows(ids.iter().map(SealedInstructed::key))?;
    let mut rows = Vec::new();
    for id in ids {
        rows.extend(draft.get::<SealedInstructed>(id)?);
    }
    let others: Vec<InstructionId> = rows.iter().filter_map(|it| it.counterpart).collect();
    draft.require_rows(others.iter().map(SealedInstructed::key))?;
    for id in &others {
        rows.extend(draft.get::<SealedInstructed>(id)?);
    }
    let moves = rows.iter().filter_map(|row| Some((row.gives.as_ref()?, row.administrators_key)));
    draft.require_rows(moves.flat_map(|(movement, key)| rows_of(movement, key)))
}

/// The rows that it takes to fund a movement, and to settle it.
fn rows_of(movement: &Movement, key: u32) -> Vec<Key> {
    let Movement { instrument, from, to, .. } = movement;
    let mut rows = book::sealed::rows_of((*from, *instrument), key);
    rows.extend([Account::key(from), Account::key(to), SealedPosition::key(&movement.credit())]);
    rows.push(Parameter::key(&ParameterName::BusinessDate));
    if !instrument.is_currency() {
        rows.push(ViewKey::key(&Reader::Issuer { instrument: *instrument }));
    }
    rows
}

/// Who the account is in its terms, if they may stand.
///
/// # Errors
/// [`Reject::NotThisAccount`], [`Reject::SealedNotAllowed`] when the legs are none that could settle, of each leg
/// [`Reject::AccountUnknown`] and [`Reject::SealedNotAllowed`] (of who gives, of who receives), of each leg
/// [`Reject::InstrumentUnknown`] and [`Reject::SealedNotAllowed`], [`Reject::DateNotAllowed`],
/// [`Reject::AmountsDoNotAdd`] when an amount has not as many handles as it needs.
pub(super) fn check(
    draft: &Draft<'_>,
    account: AccountId,
    terms: &SealedTerms,
) -> Result<Part, Stop> {
    let part = terms.part(account).ok_or(Reject::NotThisAccount { account })?;
    if !terms.could_settle() {
        return Err(Reject::SealedNotAllowed.into());
    }
    for movement in terms.movements() {
        sealed::require_sealed(draft, movement.from)?;
        sealed::require_sealed(draft, movement.to)?;
    }
    for Movement { instrument, .. } in terms.movements() {
        let money = instrument.is_currency();
        let kind = if money { Kind::SealedMoney } else { Kind::SealedSecurity };
        sealed::require_kind(draft, *instrument, kind)?;
    }
    let date = terms.intended_date;
    if date == BusinessDate(0) {
        return Err(Reject::DateNotAllowed { date }.into());
    }
    for movement @ Movement { instrument, .. } in terms.movements() {
        let count = sealed_amount(movement).map(|it| u8::try_from(it.handles.all().len()));
        if count != Some(Ok(sealed::handles_of(*instrument).saturating_add(1))) {
            return Err(Reject::AmountsDoNotAdd { instrument: *instrument }.into());
        }
    }
    Ok(part)
}

/// Takes the leg that a side gives from its position, or shows at least that its amount is one.
///
/// # Errors
/// [`Reject::AmountsDoNotAdd`] when bytes are no points, [`Reject::ViewKeyUnknown`] of the administrators, then the
/// issuer, [`Reject::AdministratorsKeyOld`], those of [`sealed::covering`] if it is to be funded, then [`Stop::Unshown`].
pub(super) fn leg(
    draft: &mut Draft<'_>,
    asked: &Asked<'_>,
    id: InstructionId,
    row: &mut SealedInstructed,
    cover: Option<&Cover>,
) -> Result<(), Stop> {
    let Some(movement) = row.gives.clone() else {
        row.funded = true;
        return Ok(());
    };
    let unfit = || Reject::AmountsDoNotAdd { instrument: movement.instrument };
    let amount = sealed_amount(&movement).ok_or_else(unfit)?;
    let points = amount.points().ok_or_else(unfit)?;
    let (key, administrators) = view_key::administrators(draft)?;
    let keys = sealed::readers(draft, &movement, administrators.view.0)?;
    if key != row.administrators_key {
        return Err(Reject::AdministratorsKeyOld { key }.into());
    }
    let position = cover
        .map(|cover| sealed::covering(draft, movement.debit(), key, cover, Holder::Owner))
        .transpose()?;
    asked.require(asked.statement(key, claim(amount.clone(), keys, cover)))?;
    let Some(position) = position else { return Ok(()) };
    let taken = points.of_sender().ok_or_else(unfit)?;
    sealed::debit(draft, movement.debit(), position, &taken)?;
    row.funded = true;
    Ok(registry::exchange(draft, movement.instrument, None, row.element(&id))?)
}

/// What has to be shown of a leg: that it is an amount, and, if it is taken from a position, that it is covered.
pub(crate) fn claim(
    amount: crypto::Sealed,
    keys: Vec<crypto::sealed::Point>,
    cover: Option<&Cover>,
) -> Claim {
    match cover {
        Some(cover) => Claim::Spend { amount, keys, before: cover.before.clone() },
        None => Claim::Valid { amount, keys },
    }
}

pub(super) fn of_sender(
    movement: &Movement,
    amount: &crypto::Sealed,
) -> Result<crypto::Sealed, Stop> {
    let unfit = Reject::AmountsDoNotAdd { instrument: movement.instrument };
    amount.of_sender().ok_or_else(|| unfit.into())
}
