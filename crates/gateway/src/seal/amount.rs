//! What was sealed, for one who may read it.
//!
//! ```text
//!   C, D, s --> M = C - s D = v G --> is it the hint? --yes--> v
//!                                           '--no, none--> searched for below 2^48
//! ```
//!
//! A hint is what the sender said in the envelope. Whoever lies in it is known by the signature, and gains nothing:
//! what counts is what was proved, and that is found.

use std::ops::ControlFlow;

use crypto::statement::Stated;
use proof::{Secret, reads};

use super::table::{Stopped, Table, of_units};

/// Amounts are searched for below this.
pub const SEARCHED_BELOW: u64 = 1 << 48;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Units.
    pub amount: u64,
    /// What the hint was worth.
    pub hint: HintWas,
}

/// What a hint was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintWas {
    /// It is what was sealed.
    True,
    /// There was none.
    Missing,
    /// It is not what was sealed: the sender erred, or lied.
    False,
}

/// Why nothing was read, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotRead {
    /// What is stated is no commitment and handle.
    #[error("the commitment or the handle is no point")]
    NoPoint,
    /// The search was stopped.
    #[error("the search was stopped; the amount is not below {below}")]
    Stopped {
        /// Below this everything had been searched.
        below: u64,
    },
    /// The hint is missing or false, and the amount is beyond what is searched; or the secret is not the handle's.
    #[error(
        "the amount is not below 2^48, or it was sealed to another key; ask the sender what it is"
    )]
    Beyond,
}

/// Reads what is stated. With a true hint it takes no search, whatever the amount. Without one it is searched for in
/// the table of the process; `watch` is told below what has been searched so far, and may stop that.
///
/// # Errors
/// [`CannotRead`].
pub fn open(
    stated: &Stated,
    secret: &Secret,
    hint: Option<u64>,
    watch: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Opened, CannotRead> {
    open_with(Table::shared, stated, secret, hint, watch)
}

/// The same with another table, which is asked for only if it is needed.
///
/// # Errors
/// [`CannotRead`].
pub fn open_with<'a>(
    table: impl FnOnce() -> &'a Table,
    stated: &Stated,
    secret: &Secret,
    hint: Option<u64>,
    watch: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<Opened, CannotRead> {
    let units = reads(stated, secret).ok_or(CannotRead::NoPoint)?;
    let hint = match hint {
        None => HintWas::Missing,
        Some(amount) if of_units(amount) == units => {
            return Ok(Opened { amount, hint: HintWas::True });
        }
        Some(_) => HintWas::False,
    };
    let found = table().find(&units, SEARCHED_BELOW, watch);
    let found = found.map_err(|Stopped { below }| CannotRead::Stopped { below })?;
    found.map(|amount| Opened { amount, hint }).ok_or(CannotRead::Beyond)
}
