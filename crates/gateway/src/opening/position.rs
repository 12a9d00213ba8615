//! The parts of a sealed position, in plain, and how they come from what was before.

use ::proof::{Secret, reads};
use crypto::Sealed;
use ledger::book::sealed::SealedPosition;

use super::{Search, keys::stated, times_base};

/// What stands in the parts of a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// What the owner may use.
    pub available: i128,
    /// Credits that a spend may name.
    pub closed: i128,
    /// Credits since.
    pub open: i128,
}

impl Parts {
    /// All of it.
    #[must_use]
    pub const fn sum(&self) -> i128 {
        self.available + self.closed + self.open
    }
}

/// Who reads a position, and by which of its handles.
#[derive(Clone, Copy)]
pub(super) struct Reading<'k> {
    /// The secret of a view key.
    pub secret: &'k Secret,
    /// The place of its handles.
    pub place: usize,
}

impl Reading<'_> {
    /// Whether a part is so many units.
    fn holds(self, part: Option<&Sealed>, units: i128) -> bool {
        let Some(part) = part else { return units == 0 };
        let read = stated(part, self.place).and_then(|it| reads(&it, self.secret));
        read == Some(times_base(units))
    }

    /// Searches for a part's units. Seldom needed: what came and went in one block without a trace, and the like.
    fn search(self, part: &Sealed, search: &Search<'_>) -> Option<i128> {
        search(&stated(part, self.place)?, self.secret).map(i128::from)
    }

    /// Whether each part of a position is what `parts` say.
    pub fn agrees(self, row: &SealedPosition, parts: &Parts) -> bool {
        self.holds(row.available.as_ref(), parts.available)
            && self.holds(row.closed.as_ref(), parts.closed)
            && self.holds(row.open.as_ref(), parts.open)
    }

    /// The parts of `new`, which was `old` with the parts `before`, and to which so much came, and from which so much
    /// went, in one block. Credits of earlier blocks leave `open` together and are in `closed` as they were, or
    /// absorbed; those of this block stay in `open`, but for what a set brings. What is left of the sum is available.
    pub fn after(
        self,
        old: Option<&SealedPosition>,
        new: &SealedPosition,
        before: &Parts,
        (came, went): (i128, i128),
        search: &Search<'_>,
    ) -> Parts {
        let was = |part: fn(&SealedPosition) -> Option<&Sealed>| old.and_then(part);
        let closed = match new.closed.as_ref() {
            None => 0,
            it if it == was(|it| it.closed.as_ref()) => before.closed,
            Some(_) => before.open,
        };
        let open = match new.open.as_ref() {
            None => 0,
            it if it == was(|it| it.open.as_ref()) => before.open,
            it if self.holds(it, came) => came,
            it if self.holds(it, before.open + came) => before.open + came,
            Some(it) => self.search(it, search).unwrap_or(before.open + came),
        };
        let available = before.sum() + came - went - closed - open;
        Parts { available, closed, open }
    }
}
