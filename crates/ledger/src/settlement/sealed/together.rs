//! A set that the settlement agent proves: instructions that settle together though no owner has funded them.
//!
//! The agent reads all amounts by the administrators' key. It shows of each position that the set debits that what
//! is left of it, with what the set brings, is at least zero. It can choose among what accounts have signed, and
//! change nothing of it. That no better set exists is not checked.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crypto::{sealed::Points, statement::Claim};
use types::InstructionId;

use super::{SealedInstructed, Seen, finish, fund, sealed_amount, sides};
use crate::{
    Stop,
    asked::Asked,
    book::{
        Place,
        sealed::{self, Cover, Holder, SealedPosition},
    },
    draft::Draft,
    governance::{self, Roles},
    registry,
    reject::Reject,
    settlement::Status,
    view_key,
};

/// Most positions that a set may debit: as many sums as one proof shows.
pub const DEBITED_MAX: u16 = 64;
/// Most instructions of a set, one for each pair.
pub const TOGETHER_MAX: u16 = 256;

types::record! {
    /// What the agent takes a position to be.
    pub struct Covering {
        /// Which.
        pub place: Place,
        /// As it stands, with the administrators' handle.
        pub cover: Cover,
    }
}

/// What a set brings to and takes from one position.
#[derive(Default)]
struct Change {
    brings: Option<Points>,
    takes: Option<Points>,
}

/// What a set does, before anything of it is written.
struct Set {
    sides: Vec<Vec<Seen>>,
    changes: BTreeMap<Place, Change>,
}

/// Settles instructions together.
///
/// # Errors
/// [`Reject::RoleMissing`]; [`Reject::InstructionUnknown`] and [`Reject::NotInThisState`] of the first that does not wait
/// for cover alone; [`Reject::ViewKeyUnknown`] and [`Reject::AdministratorsKeyOld`]; [`Reject::SetNotAllowed`] when it is
/// empty, too long, names a pair twice or not exactly the positions that it debits, in order; then those of
/// [`sealed::covering`], and [`Stop::Unshown`].
pub(crate) fn settle(
    draft: &mut Draft<'_>,
    asked: &Asked<'_>,
    instructions: &[InstructionId],
    covers: &[Covering],
) -> Result<(), Stop> {
    governance::require_role(draft, Roles::SETTLEMENT_AGENT)?;
    let set = gather(draft, instructions)?;
    let (key, administrators) = view_key::administrators(draft)?;
    if set.sides.iter().flatten().any(|it| it.1.administrators_key != key) {
        return Err(Reject::AdministratorsKeyOld { key }.into());
    }
    if !set.may_stand(instructions, covers) {
        return Err(Reject::SetNotAllowed.into());
    }
    let left = left(draft, &set, (key, covers))?;
    let sums = left.iter().map(|it| it.1.stated(Holder::Administrators)).collect();
    let claim = Claim::Covered { key: administrators.view.0, sums };
    asked.require(asked.statement(key, claim))?;
    for (place, position) in left {
        sealed::write(draft, place, position)?;
    }
    for (place, change) in &set.changes {
        if let (Some(brings), None) = (&change.brings, &change.takes) {
            sealed::credit(draft, *place, key, &brings.sealed())?;
        }
    }
    for sides in set.sides {
        for (id, row) in sides.iter().filter(|it| it.1.funded) {
            let instrument = row.gives.as_ref().map(|it| it.instrument);
            let earmarks =
                instrument.map(|it| registry::exchange(draft, it, row.element(id), None));
            earmarks.transpose()?;
        }
        finish(draft, sides)?;
    }
    Ok(())
}

/// All sides of a set, and what they do to each position. A set too long is looked at as far as it may go.
fn gather(draft: &Draft<'_>, instructions: &[InstructionId]) -> Result<Set, Stop> {
    fund::fetch(draft, instructions)?;
    let mut set = Set { sides: Vec::new(), changes: BTreeMap::new() };
    for (_, id) in (0..TOGETHER_MAX).zip(instructions) {
        let row = draft.get::<SealedInstructed>(id)?;
        let row = row.ok_or(Reject::InstructionUnknown { instruction: *id })?;
        if row.status != Status::Pending {
            return Err(Reject::NotInThisState { instruction: *id }.into());
        }
        let sides = sides(draft, *id)?;
        sides.iter().try_for_each(|it| set.take(&it.1))?;
        set.sides.push(sides);
    }
    Ok(set)
}

impl Set {
    /// Whether it names something, each pair once, and exactly the positions that it debits, in order, no more than
    /// one proof shows.
    fn may_stand(&self, instructions: &[InstructionId], covers: &[Covering]) -> bool {
        let fits = |count, max| u16::try_from(count).is_ok_and(|it| 0 < it && it <= max);
        let mut seen = BTreeSet::new();
        let debited = self.changes.iter().filter(|it| it.1.takes.is_some()).map(|it| *it.0);
        fits(instructions.len(), TOGETHER_MAX)
            && fits(covers.len(), DEBITED_MAX)
            && self.sides.iter().flatten().all(|it| seen.insert(it.0))
            && debited.eq(covers.iter().map(|it| it.place))
    }

    fn take(&mut self, row: &SealedInstructed) -> Result<(), Stop> {
        let Some(movement) = &row.gives else { return Ok(()) };
        let unfit = || Reject::AmountsDoNotAdd { instrument: movement.instrument };
        let amount = sealed_amount(movement).ok_or_else(unfit)?;
        let points = amount.points().ok_or_else(unfit)?;
        let credited = self.changes.entry(movement.credit()).or_default();
        let brings = points.of_receiver().and_then(|it| add(credited.brings.take(), it));
        credited.brings = Some(brings.ok_or_else(unfit)?);
        if !row.funded {
            let debited = self.changes.entry(movement.debit()).or_default();
            let takes = points.of_sender().and_then(|it| add(debited.takes.take(), it));
            debited.takes = Some(takes.ok_or_else(unfit)?);
        }
        Ok(())
    }
}

impl Change {
    /// What is available after it.
    fn leaves(&self, available: Points) -> Option<Points> {
        let brought = match &self.brings {
            Some(brings) => available.plus(brings)?,
            None => available,
        };
        self.takes.as_ref().map_or(Some(brought.clone()), |it| brought.minus(it))
    }
}

/// `a + b`, where nothing adds nothing.
fn add(a: Option<Points>, b: Points) -> Option<Points> {
    a.map_or_else(|| Some(b.clone()), |a| a.plus(&b))
}

/// What the set leaves of the positions that it debits.
fn left(
    draft: &Draft<'_>,
    set: &Set,
    (key, covers): (u32, &[Covering]),
) -> Result<Vec<(Place, SealedPosition)>, Stop> {
    let mut left = Vec::new();
    for Covering { place, cover } in covers {
        let covering = sealed::covering(draft, *place, key, cover, Holder::Administrators)?;
        let change = set.changes.get(place).ok_or(Reject::SetNotAllowed)?;
        let available = change.leaves(covering.available.clone());
        let available = available.ok_or(Reject::AmountsDoNotAdd { instrument: place.1 })?;
        left.push((*place, covering.leaves(&available)));
    }
    Ok(left)
}
