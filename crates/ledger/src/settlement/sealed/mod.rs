//! Settlement of sealed amounts: accounts instruct for themselves, and fund what they give.
//!
//! ```text
//!   settle --> Unmatched --match--> OnHold / AwaitingSignOff / AwaitingDate --> Pending --> Settled
//!                 |                                                                |  ^
//!                 |             fund: the leg leaves its position, earmarked ------'  |
//!                 `-- time out, cancel, refusal: the earmark comes back               |
//!                                        a set that the settlement agent proves ------'
//! ```
//!
//! Two instructions match when they say the same bytes: both legs' amounts are among them, so an earmark can
//! fund its own terms alone. A funded pair settles without a further proof, whatever else has happened.

mod fund;
mod terms;
pub(crate) mod together;

use alloc::vec::Vec;

use types::{AccountId, InstructionId, LedgerTime, Wire};

use super::{Arrivals, Status};
use crate::{
    Stop,
    asked::Asked,
    book::{
        Movement,
        sealed::{self, Cover},
    },
    draft::{Draft, Missing},
    event::Event,
    governance::{self, ParameterName},
    issuance::Listing,
    registry,
    reject::Reject,
    row::Entry,
};

pub(crate) use fund::claim;
pub use terms::{Legs, Part, SealedInstructed, SealedTerms, sealed_amount};

/// One side and its row.
type Seen = (InstructionId, SealedInstructed);

/// Takes an account's instruction, funds its leg if it says from what, and settles what is then whole.
///
/// # Errors
/// Those of [`fund::check`], [`Reject::CoverForNothing`], then those of [`fund::leg`].
pub(crate) fn settle(
    draft: &mut Draft<'_>,
    asked: &Asked<'_>,
    (id, account): (InstructionId, AccountId),
    terms: &SealedTerms,
) -> Result<(), Stop> {
    let part = fund::check(draft, account, terms)?;
    let gives = terms.gives(part).cloned();
    let mut row = SealedInstructed {
        arrival: 0,
        terms: terms.digest(),
        alone: part == Part::Alone,
        delivers: part != Part::Receiver,
        gives,
        administrators_key: terms.administrators_key,
        intended_date: terms.intended_date,
        priority: terms.priority,
        status: Status::Pending,
        on_hold: terms.hold,
        signed_off: false,
        cancel_asked: false,
        funded: false,
        counterpart: None,
    };
    if terms.cover.is_some() && row.gives.is_none() {
        return Err(Reject::CoverForNothing.into());
    }
    fund::leg(draft, asked, id, &mut row, terms.cover.as_ref())?;
    row.arrival = Arrivals::take(draft, Arrivals::INSTRUCTIONS)?;
    row.signed_off = !needs_sign_off(draft, terms)?;
    if row.alone {
        draft.put(&id, &row)?;
        return advance(draft, id);
    }
    let Some((other, theirs)) = counterpart(draft, &row)? else {
        let within = governance::parameter(draft, &ParameterName::MatchWithin)?;
        let until = LedgerTime(draft.at.time.0.saturating_add_signed(within));
        let status = Status::Unmatched { until };
        draft.put(&id, &SealedInstructed { status, ..row })?;
        draft.tell(Event::StatusChanged { instruction: id, status });
        return Ok(());
    };
    let status = Status::Pending;
    draft.put(&other, &SealedInstructed { counterpart: Some(id), status, ..theirs })?;
    draft.put(&id, &SealedInstructed { counterpart: Some(other), ..row })?;
    advance(draft, id)
}

/// Funds an instruction of this account from what is available.
///
/// # Errors
/// Those of [`own`], [`Reject::NotInThisState`] when it is funded or gives nothing, then those of [`fund::leg`].
pub(crate) fn fund(
    draft: &mut Draft<'_>,
    asked: &Asked<'_>,
    (id, account): (InstructionId, AccountId),
    cover: &Cover,
) -> Result<(), Stop> {
    let mut row = own(draft, id, account)?;
    if row.funded {
        return Err(Reject::NotInThisState { instruction: id }.into());
    }
    fund::leg(draft, asked, id, &mut row, Some(cover))?;
    let matched = row.alone || row.counterpart.is_some();
    draft.put(&id, &row)?;
    draft.tell(Event::Funded { instruction: id });
    if matched { advance(draft, id) } else { Ok(()) }
}

/// Holds (`true`) or releases (`false`) an instruction of this account.
///
/// # Errors
/// Those of [`own`], then [`Reject::NotInThisState`] when it is so already.
pub(crate) fn hold(
    draft: &mut Draft<'_>,
    (id, account): (InstructionId, AccountId),
    on_hold: bool,
) -> Result<(), Stop> {
    let row = own(draft, id, account)?;
    if row.on_hold == on_hold {
        return Err(Reject::NotInThisState { instruction: id }.into());
    }
    let matched = row.alone || row.counterpart.is_some();
    draft.put(&id, &SealedInstructed { on_hold, ..row })?;
    if matched { advance(draft, id) } else { Ok(()) }
}

/// Cancels alone while unmatched (and what asks nobody else always), together once matched.
///
/// # Errors
/// Those of [`own`].
pub(crate) fn cancel(
    draft: &mut Draft<'_>,
    (id, account): (InstructionId, AccountId),
) -> Result<(), Stop> {
    let row = own(draft, id, account)?;
    let theirs = row.counterpart.map(|it| draft.get::<SealedInstructed>(&it)).transpose()?;
    let agreed = theirs.flatten().is_none_or(|it| it.cancel_asked);
    if agreed {
        return end(draft, id, Status::Cancelled);
    }
    if !row.cancel_asked {
        draft.put(&id, &SealedInstructed { cancel_asked: true, ..row })?;
    }
    draft.tell(Event::CancelAsked { instruction: id });
    Ok(())
}

/// Changes the priority of an instruction of this account.
///
/// # Errors
/// Those of [`own`].
pub(crate) fn prioritise(
    draft: &mut Draft<'_>,
    (id, account): (InstructionId, AccountId),
    priority: super::Priority,
) -> Result<(), Stop> {
    let row = own(draft, id, account)?;
    draft.put(&id, &SealedInstructed { priority, ..row })?;
    draft.tell(Event::Prioritised { instruction: id, priority });
    Ok(())
}

/// The administrator's word on what is matched, or asks nobody else. Its no ends also what it has signed off, or need
/// not: so no side can keep another's earmark for ever by never funding its own.
///
/// # Errors
/// [`Reject::InstructionUnknown`], [`Reject::NotInThisState`].
pub(crate) fn sign_off(
    draft: &mut Draft<'_>,
    id: InstructionId,
    approved: bool,
) -> Result<(), Stop> {
    fund::fetch(draft, &[id])?;
    let row = draft.get::<SealedInstructed>(&id)?;
    let row = row.ok_or(Reject::InstructionUnknown { instruction: id })?;
    let matched = row.alone || row.counterpart.is_some();
    if !matched || (approved && row.signed_off) {
        return Err(Reject::NotInThisState { instruction: id }.into());
    }
    if !approved {
        return end(draft, id, Status::SignOffRefused);
    }
    for (side, row) in sides(draft, id)? {
        draft.put(&side, &SealedInstructed { signed_off: true, ..row })?;
    }
    advance(draft, id)
}

/// Ends an instruction that found no match in time.
pub(crate) fn expire(draft: &mut Draft<'_>, id: InstructionId) -> Result<(), Missing> {
    fund::fetch(draft, &[id])?;
    built(end(draft, id, Status::Expired))
}

/// Lets an instruction go on whose date has come.
pub(crate) fn fall_due(draft: &mut Draft<'_>, id: InstructionId) -> Result<(), Missing> {
    fund::fetch(draft, &[id])?;
    let row = draft.get::<SealedInstructed>(&id)?;
    if row.is_some_and(|row| row.status == Status::AwaitingDate) {
        return built(advance(draft, id));
    }
    Ok(())
}

/// What cannot be refused, because it is made of what the state holds.
fn built(done: Result<(), Stop>) -> Result<(), Missing> {
    match done {
        Ok(()) => Ok(()),
        Err(Stop::Missing(missing)) => Err(missing),
        Err(Stop::Reject(_) | Stop::Unshown(_)) => {
            unreachable!("an instruction of the state has amounts of points, and they add")
        }
    }
}

fn needs_sign_off(draft: &Draft<'_>, terms: &SealedTerms) -> Result<bool, Missing> {
    for movement in terms.movements() {
        if draft.get::<Listing>(&movement.instrument)?.is_some_and(|it| it.sign_off) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The instruction of the other side that says the same; of several, the first in the order of lanes and numbers:
/// one account alone can ask for a side.
fn counterpart(draft: &Draft<'_>, mine: &SealedInstructed) -> Result<Option<Seen>, Missing> {
    let start = terms::unmatched(mine.terms, !mine.delivers);
    let read = |entry: Entry| InstructionId::read(&mut types::Reader::new(entry.0.get(34..)?)).ok();
    let Some(id) = draft.walk(&start).find_map(read) else { return Ok(None) };
    Ok(draft.get::<SealedInstructed>(&id)?.map(|row| (id, row)))
}

/// Moves an instruction and its counterpart on, as far as they may go.
fn advance(draft: &mut Draft<'_>, id: InstructionId) -> Result<(), Stop> {
    let sides = sides(draft, id)?;
    let Some((_, first)) = sides.first() else { return Ok(()) };
    if sides.iter().any(|(_, side)| side.on_hold) {
        return Ok(wait(draft, sides, |side| match side.on_hold {
            true => Status::OnHold,
            false => Status::CounterpartyOnHold,
        })?);
    }
    if !sides.iter().all(|(_, side)| side.signed_off) {
        return Ok(wait(draft, sides, |_| Status::AwaitingSignOff)?);
    }
    if first.intended_date > governance::business_date(draft)? {
        return Ok(wait(draft, sides, |_| Status::AwaitingDate)?);
    }
    if !sides.iter().all(|(_, side)| side.funded) {
        return Ok(wait(draft, sides, |_| Status::Pending)?);
    }
    for (side, row) in &sides {
        let Some((movement, amount)) = row.earmark() else { continue };
        let unfit = Reject::AmountsDoNotAdd { instrument: movement.instrument };
        let amount = amount.of_receiver().ok_or(unfit)?;
        registry::exchange(draft, movement.instrument, row.element(side), None)?;
        sealed::credit(draft, movement.credit(), row.administrators_key, &amount)?;
    }
    Ok(finish(draft, sides)?)
}

/// Tells that all sides are final, and lets them leave the state.
fn finish(draft: &mut Draft<'_>, sides: Vec<Seen>) -> Result<(), Missing> {
    let movements: Vec<Movement> = sides.iter().filter_map(|it| it.1.gives.clone()).collect();
    for (instruction, row) in sides {
        draft.end::<SealedInstructed>(&instruction)?;
        let (counterpart, movements) = (row.counterpart, movements.clone());
        draft.tell(Event::Settled { instruction, counterpart, movements });
    }
    Ok(())
}

/// An instruction and, once matched, the other side's: the deliverer first.
fn sides(draft: &Draft<'_>, id: InstructionId) -> Result<Vec<Seen>, Missing> {
    let Some(row) = draft.get::<SealedInstructed>(&id)? else { return Ok(Vec::new()) };
    let mut sides = Vec::new();
    if let Some(other) = row.counterpart
        && let Some(theirs) = draft.get::<SealedInstructed>(&other)?
    {
        sides.push((other, theirs));
    }
    let place = if row.delivers { 0 } else { sides.len() };
    sides.insert(place, (id, row));
    Ok(sides)
}

/// Writes where each side stands, and tells it.
fn wait(
    draft: &mut Draft<'_>,
    sides: Vec<Seen>,
    status: impl Fn(&SealedInstructed) -> Status,
) -> Result<(), Missing> {
    for (instruction, row) in sides {
        let row = SealedInstructed { status: status(&row), ..row };
        draft.put(&instruction, &row)?;
        draft.tell(Event::StatusChanged { instruction, status: row.status });
    }
    Ok(())
}

/// An instruction of this account.
///
/// # Errors
/// [`Reject::InstructionUnknown`], [`Reject::InstructionNotYours`].
fn own(draft: &Draft<'_>, id: InstructionId, account: AccountId) -> Result<SealedInstructed, Stop> {
    fund::fetch(draft, &[id])?;
    let row = draft.get::<SealedInstructed>(&id)?;
    let row = row.ok_or(Reject::InstructionUnknown { instruction: id })?;
    if id.sender == types::Sender::Account(account) {
        return Ok(row);
    }
    Err(Reject::InstructionNotYours { instruction: id }.into())
}

/// Ends an instruction, and the other side's with it: what is earmarked comes back to who gave it.
fn end(draft: &mut Draft<'_>, id: InstructionId, status: Status) -> Result<(), Stop> {
    for (side, row) in sides(draft, id)? {
        if let Some((movement, amount)) = row.earmark() {
            let amount = fund::of_sender(movement, amount)?;
            registry::exchange(draft, movement.instrument, row.element(&side), None)?;
            sealed::credit(draft, movement.debit(), row.administrators_key, &amount)?;
        }
        draft.end::<SealedInstructed>(&side)?;
        draft.tell(Event::StatusChanged { instruction: side, status });
    }
    Ok(())
}
