//! A validator or an observer: sockets, disks, clocks; no decisions.
//!
//! ```text
//!   folder: node.toml, genesis.bin, node.key --> config
//!   other nodes  <--> network --> chain
//!   HTTP, a thread and a runtime of its own  --> door of the chain
//! ```
//!
//! Reading order: [`config`], [`birth`], [`network`], [`http`], [`run`], [`offline`].

#![recursion_limit = "512"]

use std::path::{Path, PathBuf};

use chain::Files;

pub mod birth;
pub mod config;
mod fault;
pub mod http;
pub mod network;
pub mod offline;
mod run;

pub use config::Config;
pub use fault::Fault;
pub use offline::{rebuild, verify};
pub use run::run;

/// Where the node in `folder` keeps its data: votes, blocks, state. Keys and configuration lie beside it.
#[must_use]
pub fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// The files in there.
fn files() -> Files {
    Files::of("node")
}
