//! Registries of the past: every owner of an instrument at a moment.
//!
//! ```text
//!   owners --digest--> in the value of the instrument's row <--as-of proof-- certified header
//! ```
//!
//! That nobody is left out is shown by that digest alone. It stands in a value, which is bytes here: whoever
//! knows rows compares it. Here a list has one form, so that it has one digest.

use alloc::vec::Vec;

use types::{AccountId, DecodeError, Reader, Wire};

use super::AsOf;

/// Most owners that a list has.
pub const OWNERS_MAX: u32 = 1 << 22;

/// Accounts and how many units each owns: in strictly increasing order of accounts, each with one unit or
/// more, not more than [`OWNERS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owners(Vec<(AccountId, i64)>);

impl Owners {
    /// The list of these; `None` if they are no such list.
    #[must_use]
    pub fn new(owners: Vec<(AccountId, i64)>) -> Option<Self> {
        let len = u32::try_from(owners.len()).ok().filter(|it| *it <= OWNERS_MAX);
        let ordered = owners.is_sorted_by(|it, next| it.0 < next.0);
        let owning = owners.iter().all(|it| it.1 > 0);
        (len.is_some() && ordered && owning).then_some(Self(owners))
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (AccountId, i64)> {
        self.0.iter().copied()
    }

    /// How many units they own together.
    #[must_use]
    pub fn total(&self) -> i128 {
        self.0.iter().map(|it| i128::from(it.1)).fold(0, i128::saturating_add)
    }
}

/// A count, then each of them.
impl Wire for Owners {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    /// # Errors
    /// [`DecodeError::Truncated`]; [`DecodeError::TooLong`], of more than [`OWNERS_MAX`];
    /// [`DecodeError::NotCanonical`], at the first that does not come after the one before it, or owns nothing.
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = from.len(OWNERS_MAX)?;
        let mut owners: Vec<(AccountId, i64)> = Vec::new();
        for _ in 0..len {
            let (account, quantity) = Wire::read(from)?;
            let comes_after = owners.last().is_none_or(|it| it.0 < account);
            if !comes_after || quantity <= 0 {
                return Err(DecodeError::NotCanonical);
            }
            owners.push((account, quantity));
        }
        Ok(Self(owners))
    }
}

types::record! {
    /// Every owner of an instrument at a moment.
    pub struct Registry {
        /// How the instrument's row stood then.
        pub row: AsOf,
        /// Whose digest stands in it.
        pub owners: Owners,
    }
}
