//! Speaks for one participant: keys, signing, submission, following.
//!
//! ```text
//!   instructions --sign--> envelope --submit--> any node's door
//!   certified blocks <--follow-- any node's door, each block checked against its header
//! ```
//!
//! A participant's keys and openings stay here. What a node serves counts as far as the chain of headers
//! covers it; that the validators have certified a header is not checked here yet.

extern crate alloc;

pub mod ask;
mod doors;
mod fault;
pub mod fields;
mod follow;
pub mod keys;
mod sign;
mod view;

pub use doors::{Answer, Doors};
pub use fault::{Fault, Problem};
pub use follow::{Follower, Last};
pub use sign::Signer;
pub use view::{Holder, Standing, Stood, Told, View};
