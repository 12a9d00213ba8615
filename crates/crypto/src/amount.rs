//! Amounts: open for everybody, or sealed for the entitled.

use crate::sealed::Sealed;

types::choice! {
    /// An amount of one instrument, in its smallest units. Below zero only for what is issued.
    pub enum Amount {
        /// Everybody can read it.
        0 => Open(i64),
        /// Only the entitled can read it.
        1 => Sealed(Sealed),
    }
}
