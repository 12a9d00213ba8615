//! The words of the market, and their one byte encoding.
//!
//! Every other crate speaks in these. Each word is a newtype: an account cannot be passed where
//! an instrument is meant, and no raw integer crosses a crate boundary.

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
        clippy::unwrap_used
    )
)]

extern crate alloc;

mod bic;
mod cfi;
mod country;
mod currency;
mod date;
mod header;
mod id;
mod identifier;
mod isin;
mod lei;
mod mic;
mod text;
mod time;
mod wire;

pub use bic::Bic;
pub use cfi::Cfi;
pub use currency::Currency;
pub use date::{BusinessDate, Weekday};
pub use header::{ChangeLeaf, Committee, DatabaseRange, Databases, Header, Validator, Witness};
pub use id::{
    AccountId, ChainId, Digest, InstructionId, InstrumentId, KeyId, Lane, PartyId, PublicKey,
    Sender,
};
pub use identifier::{BadIdentifier, Flaw, Identifier};
pub use isin::Isin;
pub use lei::Lei;
pub use mic::Mic;
pub use text::{BadText, Text};
pub use time::LedgerTime;
pub use wire::{Bytes, DecodeError, LEN_MAX, Reader, Wire};
