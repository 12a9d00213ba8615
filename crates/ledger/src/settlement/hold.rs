//! Hold and release: each side says whether its own instruction may settle yet.

use types::{InstructionId, PartyId};

use super::{Instructed, Status, dvp, own};
use crate::{Stop, draft::Draft, reject::Reject};

/// Holds (`true`) or releases (`false`) an instruction of the party that asks.
///
/// # Errors
/// Those of [`own`], then [`Reject::NotInThisState`] when it is so already.
pub(crate) fn set(
    draft: &mut Draft<'_>,
    id: InstructionId,
    party: PartyId,
    on_hold: bool,
) -> Result<(), Stop> {
    let row = own(draft, id, party)?;
    if row.on_hold == on_hold {
        return Err(Reject::NotInThisState { instruction: id }.into());
    }
    let unmatched = matches!(row.status, Status::Unmatched { .. });
    draft.put(&id, &Instructed { on_hold, ..row })?;
    if unmatched {
        return Ok(());
    }
    Ok(dvp::advance(draft, id)?)
}
