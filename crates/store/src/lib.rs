//! Remembers: authenticated state, changes of each block, proofs of any past moment.
//!
//! It does not know what a row means. A row is 48 bytes of key and some bytes of value; what they
//! say is the rules' business.
//!
//! ```text
//!              rows written                 header, leaves, old and new rows, events
//!   chain ---> state   (QMDB, now)    ---> changes   (archive, one item a height)
//!              |  roots and ranges          |
//!              v                            v
//!            Header ------------------> headers (tree over digests), as-of proofs
//! ```
//!
//! Reading order: [`row`], [`state`], [`archive`].

extern crate alloc;

pub mod archive;
mod fault;
mod pages;
pub mod partition;
pub mod row;
pub mod state;

pub use archive::Archive;
pub use fault::Fault;
pub use pages::check as check_pages;
pub use row::{Class, Key, Row};
pub use state::{Databases, Draft, Engine, Sealed, State};
