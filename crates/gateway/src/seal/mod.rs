//! What a gateway needs to seal and to open: keys from one secret, envelopes, amounts, the administrators' secret.
//!
//! ```text
//!   seed      --> spend, view and envelope keys of every account, of an issuer, of the party itself
//!   envelope  one message to each who may know: own books, counterparty, administrators, issuer
//!   amount    what was sealed: a hint is checked at once, without one it is searched for
//!   wrap      the administrators' secret of an epoch, for each of them
//! ```
//!
//! Nothing here asks a node or keeps a file. Whoever calls says where chance comes from.

pub mod amount;
pub mod envelope;
pub mod message;
pub mod reader;
pub mod seed;
pub mod table;
#[cfg(test)]
mod tests;
pub mod wrap;

pub use amount::{CannotRead, HintWas, Opened, open};
pub use envelope::{CannotOpen, CannotSeal, EnvelopePlace, SealedEnvelope};
pub use message::{Content, ForAdministrators, ForIssuer, ForSide, Recipient};
pub use reader::{EnvelopeKey, EnvelopeSecret, ReaderKeys};
pub use seed::{AccountKeys, Seed};
pub use table::Table;
pub use wrap::{CannotUnwrap, CannotWrap, EpochKeys, WrapKey, WrapSecret, WrappedEpoch};
