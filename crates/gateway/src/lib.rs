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

pub mod ask;
mod committees;
mod doors;
mod fault;
pub mod fields;
mod follow;
pub mod keys;
pub mod play;
pub mod proof;
mod sign;
mod view;

pub use committees::Committees;
pub use doors::{Answer, Doors};
pub use fault::{Fault, Problem};
pub use follow::{Followed, Follower, Last};
pub use sign::Signer;
pub use view::{Holder, Standing, Stood, Told, View};
