//! Proofs of the past, made from what the archive keeps: files that show how a row stood to whoever has
//! the set of validators.

use crypto::proof::{self, Moment, Placed, ShownChange, State};
use types::{Bytes, Header, LedgerTime};

use super::{Archive, AsOf, Moved};
use crate::{Fault, Key, state::Engine};

/// For when a proof is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// After the block of this height.
    Height(u64),
    /// After the last block that is not later.
    Time(LedgerTime),
}

/// What came of the wish for a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proved {
    /// Here it is.
    Shown(Box<proof::AsOf>),
    /// The row has not changed between the moment and the certified header: it has to be attested first.
    Unchanged,
    /// The moment is not before the certified header, or before the first.
    NotYet,
    /// The steps were used up. The walk goes on from the change at this height.
    Further(u64),
    /// What stood at this height is not kept here.
    NotKept(u64),
}

impl<E: Engine> Archive<E> {
    /// Proves how the row of `key`, which changed last at `changed`, stood `when`, by the certified header
    /// `newest`. Reads at most `steps_max` blocks on the way back: two or more, to get on.
    ///
    /// # Errors
    /// [`Fault::Damaged`], [`Fault::Closed`].
    pub async fn prove(
        &self,
        key: &Key,
        changed: u64,
        when: When,
        (newest, certificate): (&Header, &Bytes),
        steps_max: u32,
    ) -> Result<Proved, Fault> {
        let Some((height, moment)) = self.moment(when, newest).await? else {
            return Ok(Proved::NotYet);
        };
        let (at, after) = match self.as_of(key, changed, height, steps_max).await? {
            AsOf::Found { at, after } => (at, after),
            AsOf::Further(height) => return Ok(Proved::Further(height)),
            AsOf::NotKept(height) => return Ok(Proved::NotKept(height)),
        };
        let after = after.filter(|it| it.height() <= newest.height);
        let change = match &at {
            Some(it) => Some(self.shown(it, newest).await?),
            None => None,
        };
        let next = match &after {
            Some(it) => Some(self.shown(it, newest).await?),
            None => None,
        };
        let value = at.as_ref().and_then(|it| it.change().new.clone());
        let at_the_moment = at.as_ref().is_some_and(|it| it.height() == height);
        let state = match (change, value, next) {
            (Some(change), None, _) => State::HadEnded { change },
            (Some(change), Some(value), _) if at_the_moment => {
                State::Had { value, change, next: None }
            }
            (Some(change), Some(value), next @ Some(_)) => State::Had { value, change, next },
            (None, _, Some(next)) => State::WasNot { next },
            (_, _, None) => return Ok(Proved::Unchanged),
        };
        let (newest, certificate) = (newest.clone(), certificate.clone());
        let proof = proof::AsOf { key: *key, moment, state, newest, certificate };
        Ok(Proved::Shown(Box::new(proof)))
    }

    /// The height that is meant, and what shows it; `None` if it is not up to `newest`.
    async fn moment(&self, when: When, newest: &Header) -> Result<Option<(u64, Moment)>, Fault> {
        let time = match when {
            When::Height(height) => {
                let moment = (height, Moment::Height(height));
                return Ok(Some(moment).filter(|_| height <= newest.height));
            }
            When::Time(time) => time,
        };
        let Some(height) = self.at_time(time).await?.filter(|it| *it < newest.height) else {
            return Ok(None);
        };
        let last = self.header(height).await?.ok_or_else(|| self.lost(height))?;
        let next = self.placed(height + 1, newest).await?;
        Ok(Some((height, Moment::Time { time, last, next })))
    }

    async fn shown(&self, moved: &Moved, newest: &Header) -> Result<ShownChange, Fault> {
        let placed = self.placed(moved.height(), newest).await?;
        let shown = ShownChange::of(&moved.block, &moved.change().key, placed);
        Ok(shown.expect("the change stands in the block in which it was found"))
    }

    /// The header at `height`, which is not above that of `newest`, as seen from there.
    async fn placed(&self, height: u64, newest: &Header) -> Result<Placed, Fault> {
        if height == newest.height {
            return Ok(Placed::Newest);
        }
        let header = self.header(height).await?.ok_or_else(|| self.lost(height))?;
        let path = self.path(height, newest.height).await?.ok_or_else(|| self.lost(height))?;
        Ok(Placed::Earlier { header, path })
    }

    fn lost(&self, height: u64) -> Fault {
        self.headers.damaged(height, "it is lost")
    }
}
