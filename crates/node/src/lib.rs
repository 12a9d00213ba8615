//! A validator or an observer: sockets, disks, clocks; no decisions.

use std::path::{Path, PathBuf};

pub mod birth;
pub mod network;

/// Where the node in `folder` keeps its data: votes, blocks, state. Keys and configuration lie beside it.
#[must_use]
pub fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}
