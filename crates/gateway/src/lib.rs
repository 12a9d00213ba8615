//! Speaks for one participant: keys, signing, submission, following.
//!
//! ```text
//!   instructions --sign--> envelope --submit--> any node's door
//!   certified blocks <--follow-- any node's door, checked against the validators' certificates
//!   receipts         <-- blocks, for whoever has the set of validators
//! ```
//!
//! A participant's keys and openings stay here. What a node serves counts as far as a certificate of the
//! validators covers it, whoever serves it.

extern crate alloc;

pub mod api;
pub mod ask;
mod client;
mod committees;
pub mod config;
mod database;
mod doors;
mod facts;
mod fault;
pub mod fields;
mod follow;
pub mod history;
pub mod keys;
pub mod moment;
pub mod opening;
mod outbox;
pub mod play;
pub mod proof;
pub mod run;
#[cfg(test)]
mod scripted;
pub mod seal;
mod sending;
mod sign;
pub mod spending;
#[cfg(test)]
mod testing;
mod view;

pub use client::{Client, JSON};
pub use committees::Committees;
pub use doors::{Answer, Doors};
pub use fault::{Fault, Problem};
pub use follow::{Final, Followed, Follower, Last};
pub use history::History;
pub use sign::Signer;
pub use view::{Holder, Standing, Stood, Told, View};
