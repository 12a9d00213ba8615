//! Makes and checks proofs about sealed amounts, in batches. It alone uses the crates that prove.
//!
//! ```text
//!   who spends: secrets --known--> equations, ranges --prove--> bytes of a witness
//!   who checks: statements, bytes --check--> what was shown, and which are false
//! ```
//!
//! A claim ([`crypto::statement::Claim`]) is written as equations between points and as commitments that are in
//! range. `sigma-proofs` proves the first, `tari_bulletproofs_plus` the second; transcripts, challenges and sums of
//! products are theirs. Both are bound to the digest of the statement, so a proof is good for one place of one
//! instruction in one market. Why these crates: `docs/decisions/0016-proofs-by-kept-crates.md`.

mod check;
mod encoded;
mod known;
mod prove;
mod range;
mod relation;
mod secret;
mod shape;
mod sigma;
#[cfg(test)]
mod tests;

pub use check::{Checked, Stages, check, stages};
pub use prove::{CannotProve, Secrets, prove};
pub use secret::{Secret, reads, reads_units, seal, view_key};
pub use shape::{Proof, REKEYED_MAX, SUMS_MAX};
