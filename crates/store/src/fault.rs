//! What the world did to us: disks that fail, files that were changed. Retried, or stops the node.

use crate::row::BadRow;

/// Why the store could not do what it was asked, with what was tried.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A batch was read or sealed after a competing block was committed: its branch is dead.
    #[error("the branch is dead: a competing block was committed")]
    Stale,
    /// The engine refused or the disk failed.
    #[error("{what}: {why}")]
    Engine {
        /// What was tried, and on which files.
        what: String,
        /// The engine's own words.
        why: String,
    },
    /// Stored bytes are not what was written.
    #[error("{file} is damaged: {why}")]
    Damaged {
        /// The partition the bytes lie in.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// Heights are missing.
    #[error("{file}: heights {from} to {to} are missing")]
    Gap {
        /// The partition that should hold them.
        file: String,
        /// The first missing height.
        from: u64,
        /// The last missing height.
        to: u64,
    },
    /// The file failed before, and takes and gives nothing until it is opened again.
    #[error("{0} failed before and is closed")]
    Closed(
        /// The partition.
        String,
    ),
    /// The state that was found is not the one that was certified.
    #[error("state of rows of {size} bytes: certified {certified}, found {found}")]
    OtherState {
        /// The size class.
        size: usize,
        /// Root and range that the header names.
        certified: String,
        /// Root and range on disk.
        found: String,
    },
}

impl Fault {
    /// A damage to `file`.
    pub(crate) fn damaged(file: &str, why: impl ToString) -> Self {
        Self::Damaged { file: file.to_owned(), why: why.to_string() }
    }

    /// A refusal of the engine.
    pub(crate) fn engine(what: &str, why: impl core::fmt::Display) -> Self {
        Self::Engine { what: what.to_owned(), why: why.to_string() }
    }
}

impl From<BadRow> for Fault {
    fn from(bad: BadRow) -> Self {
        Self::Damaged { file: "state".to_owned(), why: bad.to_string() }
    }
}
