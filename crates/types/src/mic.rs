//! MIC, ISO 10383: the name of a market.

use crate::{
    BadIdentifier, Identifier,
    identifier::{alphanumeric, code},
};

code! {
    /// Four letters and digits. Which of them are assigned changes monthly and is not checked.
    Mic, 4
}

impl Mic {
    fn check(bytes: &[u8; 4]) -> Result<(), BadIdentifier> {
        Identifier::Mic.each(1, bytes, alphanumeric)
    }
}
