//! Agrees: mempool, blocks, consensus, execution, recovery.
//!
//! ```text
//!   envelopes --> mempool --> application: propose --Block--> every validator: process, then vote
//!                                                                  |
//!        engine (one an epoch) --certificate--> marshal --in order--> state, changes --> door
//! ```
//!
//! Everything runs on traits for clock, network and disk, so the simulator runs what the market runs.
//!
//! Reading order: [`block`], [`index`], [`execute`], [`mempool`], [`application`], [`epoch`],
//! [`engine`], [`node`], [`door`].

#![recursion_limit = "512"]

extern crate alloc;

pub mod application;
pub mod block;
pub mod door;
pub mod engine;
pub mod epoch;
pub mod execute;
mod files;
pub mod index;
mod keeper;
mod mark;
pub mod mempool;
pub mod node;
pub mod recover;
#[cfg(test)]
mod testing;

use commonware_consensus::{marshal, simplex::scheme::ed25519 as scheme};
use commonware_runtime::{Clock, Metrics, Spawner, Storage};

pub use block::{Block, Form};
pub use commonware_cryptography::ed25519::{PrivateKey, PublicKey};
pub use engine::{Channels, message_max};
pub use files::Files;

/// What signs votes and checks certificates.
pub type Scheme = scheme::Scheme;
/// Where blocks are, whole and in their order.
pub type Marshal = marshal::core::Mailbox<Scheme, marshal::standard::Standard<Block>>;

/// What the chain needs of a runtime: tasks, a clock, files, chance for the network's timing, metrics.
pub trait Runtime: Spawner + Clock + Storage + Metrics + rand_core::CryptoRng {}
impl<T: Spawner + Clock + Storage + Metrics + rand_core::CryptoRng> Runtime for T {}

/// Lets the nodes of an epoch connect, and nobody else.
pub trait Membership: Clone + Send + 'static {
    /// This committee decides from now on. Epochs come in their order.
    fn track(&mut self, committee: &types::Committee);
}
