//! The past of one row: its last change up to a height, and the first after it.
//!
//! ```text
//!   row now: changed 90      block 90: previous 70      block 70: previous 12      block 12 ..
//!                              after <-------------------- as of 75: this one stood
//! ```
//!
//! Each change names the one before it, so the walk goes back from the row as it stands. It needs no
//! index, and costs one read for each change of the row since the height that is asked for.

use crypto::changes::{BlockChanges, Change};

use super::Archive;
use crate::{Fault, Key, state::Engine};

/// One change of a row, in its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// All that the block changed.
    pub block: BlockChanges,
    /// The change's place among [`BlockChanges::changes`], and of its leaf.
    pub index: usize,
}

impl Moved {
    /// The block's height.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.block.header.height
    }

    /// The change.
    #[must_use]
    pub fn change(&self) -> &Change {
        &self.block.changes[self.index]
    }
}

/// What a row's changes say about a past height.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// The walk reached the height.
    Found {
        /// The last change up to the height; `None` if the row did not exist yet.
        at: Option<Box<Moved>>,
        /// The first change after the height; `None` if the row has not changed since.
        after: Option<Box<Moved>>,
    },
    /// The steps were used up. The walk goes on from the change at this height, which was read already:
    /// it may be the first after the height that is asked for.
    Further(u64),
    /// The changes of this height are not kept here.
    NotKept(u64),
}

impl<E: Engine> Archive<E> {
    /// Walks back from the change at `newest` of the row of `key` to the height `as_of`, reading at
    /// most `steps_max` blocks: two or more, to get on.
    ///
    /// # Errors
    /// [`Fault::Damaged`], when a block does not hold the change that it should. [`Fault::Closed`].
    pub async fn as_of(
        &self,
        key: &Key,
        newest: u64,
        as_of: u64,
        steps_max: u32,
    ) -> Result<AsOf, Fault> {
        let (mut height, mut after) = (newest, None);
        for _ in 0..steps_max {
            let Some(block) = self.get(height).await? else { return Ok(AsOf::NotKept(height)) };
            let Ok(index) = block.changes.binary_search_by(|it| it.key.cmp(key)) else {
                if height == 0 {
                    // 0 says "none before": only genesis itself could hold one.
                    return Ok(AsOf::Found { at: None, after });
                }
                return Err(
                    self.damaged(height, "it does not hold the change that a later one names")
                );
            };
            let previous = block.changes[index].previous;
            let moved = Box::new(Moved { block, index });
            if height <= as_of {
                return Ok(AsOf::Found { at: Some(moved), after });
            }
            if previous >= height {
                return Err(self.damaged(height, "a change names one that is not before it"));
            }
            after = Some(moved);
            height = previous;
        }
        Ok(AsOf::Further(after.map_or(newest, |it| it.height())))
    }
}
