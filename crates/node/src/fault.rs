//! What the world did to a node: files that are not as they should be, addresses that are taken.

use std::path::PathBuf;

/// Why a node cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The configuration in the folder is none that a node can run with.
    #[error("{}: {why}", path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and where.
        why: String,
    },
    /// A file of the data folder cannot be read or written, or is another's now.
    #[error("{}: {why}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and where.
        why: String,
    },
    /// There is no HTTP listener.
    #[error(transparent)]
    Http(#[from] listen::Fault),
    /// What the node keeps is not as it was written.
    #[error("{0}")]
    Damaged(String),
    /// The chain does not start, or a part of it has ended.
    #[error("{0}")]
    Chain(String),
}
