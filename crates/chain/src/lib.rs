//! agrees: mempool, blocks, consensus, execution, recovery.
//!
//! Everything runs on traits for clock, network and disk, so the simulator runs what the market runs.
//!
//! Reading order: [`block`].

extern crate alloc;

pub mod block;

pub use block::{Block, Form};
