//! As-of proofs: how a row stood at a past moment, from one certificate later than the moment.
//!
//! ```text
//!   heights    g                 h                 j                 newest
//!              (k, g, _, v)      the moment        (k, j, g, _)      certified
//!
//!   had v      the leaf at g <= h, and the leaf at j > h that names g as the change before it
//!   was not    the leaf at j > h that names none before it
//!   had ended  the leaf at g <= h without a value: a row that has ended is never written again
//! ```
//!
//! A row that changed at h itself needs no next change. One that has not changed since gets its next
//! leaf by being attested. No certificate but the newest is needed, and no old set of validators.

use types::{Bytes, ChainId, ChangeLeaf, Committee, Digest, Header, LedgerTime};

use super::False;
use crate::{
    changes::{self, BlockChanges},
    merkle::{Path, domain},
};

types::choice! {
    /// Where a header stands.
    pub enum Placed {
        /// It is the certified one.
        0 => Newest,
        /// It is one of those before.
        1 => Earlier {
            /// The header.
            header: Header,
            /// Its place under the headers root of the certified one.
            path: Path,
        },
    }
}

types::record! {
    /// A change of a row, and its block.
    pub struct ShownChange {
        /// The change.
        pub leaf: ChangeLeaf,
        /// Its place under the changes root of the block.
        pub path: Path,
        /// The block's header.
        pub block: Placed,
    }
}

types::choice! {
    /// When.
    pub enum Moment {
        /// After the block of this height.
        0 => Height(u64),
        /// After the last block that is not later than this time.
        1 => Time {
            /// The time.
            time: LedgerTime,
            /// The last header that is not later.
            last: Header,
            /// The header after it, which is later and names it as its parent.
            next: Placed,
        },
    }
}

types::choice! {
    /// How the row stood.
    pub enum State {
        /// It had a value.
        0 => Had {
            /// The value, without height and padding.
            value: Bytes,
            /// The change that left it.
            change: ShownChange,
            /// The change after that; absent only if the row changed in the block of the moment.
            next: Option<ShownChange>,
        },
        /// It had never been written.
        1 => WasNot {
            /// Its first change.
            next: ShownChange,
        },
        /// It had ended.
        2 => HadEnded {
            /// Its last change.
            change: ShownChange,
        },
    }
}

types::record! {
    /// How a row stood at a moment.
    pub struct AsOf {
        /// The row's key.
        pub key: [u8; 48],
        /// When.
        pub moment: Moment,
        /// How.
        pub state: State,
        /// The certified header.
        pub newest: Header,
        /// The certificate over it.
        pub certificate: Bytes,
    }
}

impl ShownChange {
    /// The change of `key` in this block; `None` if it did not change there.
    #[must_use]
    pub fn of(block: &BlockChanges, key: &[u8; 48], placed: Placed) -> Option<Self> {
        let (leaf, path) = block.change_path(key)?;
        Some(Self { leaf, path, block: placed })
    }
}

impl AsOf {
    /// The height at which the row stood so, if all of it is true.
    ///
    /// # Errors
    /// The first [`False`] that fits.
    pub fn check(&self, chain: &ChainId, committee: &Committee) -> Result<u64, False> {
        super::certified(&self.newest, &self.certificate.0, chain, committee)?;
        let height = self.height()?;
        match &self.state {
            State::Had { value, change, next } => self.had(height, value, change, next.as_ref())?,
            State::WasNot { next } => self.follows(height, next, 0)?,
            State::HadEnded { change } => {
                let leaf = self.change(change)?;
                if leaf.value != Digest([0; 32]) {
                    return Err(False::OtherValue);
                }
                if leaf.height > height || height > self.newest.height {
                    return Err(False::ChangeOutOfPlace);
                }
            }
        }
        Ok(height)
    }

    fn had(
        &self,
        height: u64,
        value: &Bytes,
        change: &ShownChange,
        next: Option<&ShownChange>,
    ) -> Result<(), False> {
        let leaf = self.change(change)?;
        if leaf.value != crate::sha256(&value.0) {
            return Err(False::OtherValue);
        }
        if leaf.height > height {
            return Err(False::ChangeOutOfPlace);
        }
        match next {
            None if leaf.height == height => Ok(()),
            Some(next) if leaf.height < height => self.follows(height, next, leaf.height),
            _ => Err(False::NotTheNextChange),
        }
    }

    /// A change after `height` whose change before it was at `previous`.
    fn follows(&self, height: u64, next: &ShownChange, previous: u64) -> Result<(), False> {
        let leaf = self.change(next)?;
        if leaf.height <= height {
            return Err(False::ChangeOutOfPlace);
        }
        if leaf.previous != previous {
            return Err(False::NotTheNextChange);
        }
        Ok(())
    }

    /// The leaf of this key, if it stands in its block.
    fn change<'a>(&self, shown: &'a ShownChange) -> Result<&'a ChangeLeaf, False> {
        let header = self.placed(&shown.block)?;
        let leaf = &shown.leaf;
        let root = shown.path.root(domain::CHANGES, &changes::change(leaf));
        let is_so = leaf.key.0 == self.key && leaf.height == header.height;
        if is_so && root == Some(header.changes_root) {
            Ok(leaf)
        } else {
            Err(False::ChangeNotInBlock)
        }
    }

    /// The header that is meant, if it is one of this chain of headers.
    fn placed<'a>(&'a self, placed: &'a Placed) -> Result<&'a Header, False> {
        let Placed::Earlier { header, path } = placed else { return Ok(&self.newest) };
        let leaf = crate::header_leaf(&crate::header_digest(header));
        let root = path.root(domain::HEADERS, &leaf);
        if path.index == header.height && root == Some(self.newest.headers_root) {
            Ok(header)
        } else {
            Err(False::NotAnEarlierHeader)
        }
    }

    /// The height that the moment means.
    fn height(&self) -> Result<u64, False> {
        match &self.moment {
            Moment::Height(height) => Ok(*height),
            Moment::Time { time, last, next } => {
                let next = self.placed(next)?;
                if next.parent != crate::header_digest(last) {
                    return Err(False::NotItsParent);
                }
                if last.time <= *time && *time < next.time {
                    Ok(last.height)
                } else {
                    Err(False::OtherMoment)
                }
            }
        }
    }
}
