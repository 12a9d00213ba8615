//! Amounts that add, digests, keys, Merkle trees, and the check of block certificates.
//!
//! ```text
//!   digest      SHA-256 under a domain           keys     ed25519, one verdict for one and for many
//!   merkle      roots over lists, paths          lthash   one digest over a set that changes
//!   changes     what a block changed, and its leaves
//!   sealed      amounts that nobody reads but the entitled      statement   what has to be shown of them
//!   certificate what validators signed, checked without their engine
//!   proof       files that show what happened, or how a row stood
//! ```
//!
//! Whoever checks a receipt needs this crate and `types`, and nothing of the market's machines. It is
//! `no_std`, so the answer is the same everywhere, for ever.

#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::too_many_lines,
        clippy::unwrap_used
    )
)]
#![cfg_attr(test, allow(clippy::disallowed_types, reason = "tests count in memory"))]

extern crate alloc;

mod amount;
pub mod certificate;
pub mod changes;
mod digest;
pub mod keys;
mod lthash;
pub mod merkle;
pub mod proof;
pub mod sealed;
pub mod statement;

pub use amount::Amount;
pub use digest::{digest, header_digest, header_leaf, sha256, state_root};
pub use lthash::LtHash;
pub use sealed::{Handles, Sealed};
pub use statement::{Shown, Statement};
