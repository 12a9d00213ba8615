//! A validator or an observer: sockets, disks, clocks; no decisions.
//!
//! ```text
//!   folder: node.toml, genesis.bin, node.key --> config
//!   HTTP, a thread and a runtime of its own  --> door of the chain
//! ```
//!
//! Reading order: [`config`], [`http`].

pub mod config;
mod fault;
pub mod http;

pub use config::Config;
pub use fault::Fault;
