//! Settlement: two sides instruct, match, and settle; or one side pays.
//!
//! ```text
//!   settle --> Unmatched --match--> OnHold / AwaitingSignOff / AwaitingDate --> Pending --> Settled
//!                 |  |                                                      (queue)  ^
//!                 |  `-- cancel (alone) --> Cancelled <-- cancel (both) -------|     |
//!                 `-- time out --> Expired          SignOffRefused <--- refused|     |
//!   pay ------------------------> OnHold / AwaitingSignOff / AwaitingDate -----------'
//! ```
//!
//! A pair that is ready and covered settles at once; one that is not covered is [`Status::Pending`] in
//! the [`queue`], and [`offsetting`] looks at it at the close of a block.

mod dvp;
mod fill;
pub mod hold;
pub mod matching;
pub mod offsetting;
pub mod queue;
mod reach;
pub(crate) mod sealed;
mod terms;

use alloc::vec::Vec;

use types::{InstructionId, LedgerTime, PartyId, Sender, Wire};

use crate::{
    Stop, alarm, book,
    draft::{Draft, Missing},
    event::Event,
    governance::{self, ParameterName, Roles},
    issuance,
    reject::Reject,
    row::{Entry, Row, kind},
    trade,
};

pub(crate) use fill::{FillSide, Filled, fill_ids, fill_rows, rows_of, settle_fill};
pub use sealed::{
    Legs, Part, SealedInstructed, SealedTerms, sealed_amount,
    together::{Covering, DEBITED_MAX, TOGETHER_MAX},
};
pub use terms::{
    AgainstPayment, Arrivals, Asked, Instructed, OpenTerms, Pay, Priority, Side, Status, Terms,
};

const DUE: u8 = 9;
/// How many instructions reach their date in one block; the others wait for the next.
#[expect(clippy::disallowed_types, reason = "counts what is in memory, never stored")]
const DUE_A_BLOCK: usize = 512;

impl Row for Instructed {
    const KIND: u8 = kind::INSTRUCTION;
    type Name = InstructionId;

    fn entries(&self, name: &InstructionId) -> Vec<Entry> {
        match (self.status, &self.asked) {
            (Status::Unmatched { until }, Asked::Settle(terms)) => {
                let mut entries = matching::entries(self, terms, name);
                entries.push(alarm::entry(until, alarm::Due::Match, name));
                entries
            }
            (Status::AwaitingDate, asked) => {
                let mut start = alloc::vec![DUE];
                (asked.intended_date(), self.arrival).write(&mut start);
                name.write(&mut start);
                alloc::vec![Entry::from_start(&start)]
            }
            _ => Vec::new(),
        }
    }
}

/// Takes one side's instruction, and settles the pair that it completes, if it is ready and covered.
///
/// # Errors
/// [`Reject::SealedNotAllowed`], [`Reject::RoleMissing`], then those of [`matching::check`]. A lack of
/// cover is not an error: the pair waits.
pub(crate) fn settle(draft: &mut Draft<'_>, id: InstructionId, terms: &Terms) -> Result<(), Stop> {
    let Terms::Open(terms) = terms else { return Err(Reject::SealedNotAllowed.into()) };
    let party = governance::require_role(draft, Roles::ACCOUNT_MANAGER)?;
    matching::check(draft, party, terms)?;
    let within = governance::parameter(draft, &ParameterName::MatchWithin)?;
    let until = LedgerTime(draft.at.time.0.saturating_add_signed(within));
    let status = Status::Unmatched { until };
    let mine = Instructed::new(draft, party, Asked::Settle(terms.clone()), status, terms.hold)?;
    let Some((other, theirs)) = matching::counterpart(draft, &mine, terms)? else {
        matching::tell_mismatch(draft, id, party, terms)?;
        draft.put(&id, &mine)?;
        draft.tell(Event::StatusChanged { instruction: id, status });
        return Ok(());
    };
    let signed_off = !matching::needs_sign_off(draft, terms)?;
    for trade in terms.trade.iter().chain(theirs.trade()) {
        trade::instructed(draft, trade)?;
    }
    let pair = |row: Instructed, with| Instructed { counterpart: Some(with), signed_off, ..row };
    draft.put(&other, &pair(theirs, id))?;
    draft.put(&id, &pair(mine, other))?;
    Ok(dvp::advance(draft, id)?)
}

/// Takes a payment without a delivery, and settles it if it is its turn and covered.
///
/// # Errors
/// [`Reject::RoleMissing`], [`Reject::AccountUnknown`] and [`Reject::AccountNotManaged`] (of the payer),
/// [`Reject::AccountUnknown`] and [`Reject::AccountNotEligible`] (of the payee),
/// [`Reject::InstrumentUnknown`], [`Reject::SealedNotAllowed`], [`Reject::QuantityNotPositive`].
pub(crate) fn pay(draft: &mut Draft<'_>, id: InstructionId, payment: &Pay) -> Result<(), Stop> {
    let party = governance::require_role(draft, Roles::ACCOUNT_MANAGER)?;
    book::require_manager(draft, payment.from, party)?;
    book::require_eligible(draft, (payment.to, payment.currency))?;
    let listing = issuance::require_money(draft, payment.currency)?;
    issuance::require_open(draft, payment.currency)?;
    book::positive(payment.amount.clone())?;
    let asked = Asked::Pay(payment.clone());
    let mut row = Instructed::new(draft, party, asked, Status::Pending, payment.hold)?;
    row.signed_off = !listing.sign_off;
    draft.put(&id, &row)?;
    Ok(dvp::advance(draft, id)?)
}

/// Cancels alone while unmatched (and a payment always), together once matched.
///
/// # Errors
/// Those of [`own`].
pub(crate) fn cancel(draft: &mut Draft<'_>, id: InstructionId, party: PartyId) -> Result<(), Stop> {
    let row = own(draft, id, party)?;
    let Some(other) = row.counterpart else {
        return Ok(end(draft, id, Status::Cancelled)?);
    };
    let theirs = draft.get::<Instructed>(&other)?;
    if theirs.is_some_and(|it| it.cancel_asked || (it.party == party && row.cancel_asked)) {
        return Ok(end(draft, id, Status::Cancelled)?);
    }
    if !row.cancel_asked {
        draft.put(&id, &Instructed { cancel_asked: true, ..row })?;
    }
    draft.tell(Event::CancelAsked { instruction: id });
    Ok(())
}

/// The administrator's word on a matched pair, or a payment: it may settle, or it ends.
///
/// # Errors
/// [`Reject::InstructionUnknown`], [`Reject::NotInThisState`].
pub(crate) fn sign_off(
    draft: &mut Draft<'_>,
    id: InstructionId,
    approved: bool,
) -> Result<(), Stop> {
    if let Sender::Account(_) = id.sender {
        return sealed::sign_off(draft, id, approved);
    }
    let row = draft.get::<Instructed>(&id)?;
    let row = row.ok_or(Reject::InstructionUnknown { instruction: id })?;
    let matched = row.counterpart.is_some() || matches!(row.asked, Asked::Pay(_));
    if !matched || row.signed_off {
        return Err(Reject::NotInThisState { instruction: id }.into());
    }
    if !approved {
        return Ok(end(draft, id, Status::SignOffRefused)?);
    }
    for (side, row) in dvp::sides(draft, id)? {
        draft.put(&side, &Instructed { signed_off: true, ..row })?;
    }
    Ok(dvp::advance(draft, id)?)
}

/// Ends an instruction that found no match in time.
pub(crate) fn expire(draft: &mut Draft<'_>, id: InstructionId) -> Result<(), Missing> {
    match id.sender {
        Sender::Account(_) => sealed::expire(draft, id),
        Sender::Party(_) => end(draft, id, Status::Expired),
    }
}

/// Lets instructions go on whose date has come, oldest first.
pub(crate) fn fall_due(draft: &mut Draft<'_>) -> Result<(), Missing> {
    let mut last = alloc::vec![DUE];
    if draft.walk(&last).next().is_none() {
        return Ok(());
    }
    governance::business_date(draft)?.write(&mut last);
    let range = draft.walk_between(Entry::from_start(&[DUE]), Entry::to_end(&last));
    let due: Vec<Entry> = range.take(DUE_A_BLOCK).collect();
    for entry in due {
        let mut name = types::Reader::new(entry.0.get(13..).unwrap_or_default());
        let Ok(id) = InstructionId::read(&mut name) else { continue };
        if let Sender::Account(_) = id.sender {
            sealed::fall_due(draft, id)?;
            continue;
        }
        let row = draft.get::<Instructed>(&id)?;
        if row.is_some_and(|row| row.status == Status::AwaitingDate) {
            dvp::advance(draft, id)?;
        }
    }
    Ok(())
}

/// An instruction of the party that asks.
///
/// # Errors
/// [`Reject::InstructionUnknown`], [`Reject::InstructionNotYours`].
pub(crate) fn own(
    draft: &Draft<'_>,
    id: InstructionId,
    party: PartyId,
) -> Result<Instructed, Stop> {
    let row = draft.get::<Instructed>(&id)?;
    let row = row.ok_or(Reject::InstructionUnknown { instruction: id })?;
    if row.party == party {
        return Ok(row);
    }
    Err(Reject::InstructionNotYours { instruction: id }.into())
}

/// Ends an instruction, and the other side's with it. Nothing has moved.
fn end(draft: &mut Draft<'_>, id: InstructionId, status: Status) -> Result<(), Missing> {
    for (side, row) in dvp::sides(draft, id)? {
        queue::end(draft, &row)?;
        if let Some(trade) = row.trade().filter(|_| row.counterpart.is_some()) {
            trade::free(draft, trade)?;
        }
        draft.end::<Instructed>(&side)?;
        draft.tell(Event::StatusChanged { instruction: side, status });
    }
    Ok(())
}
