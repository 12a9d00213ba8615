//! BIC, ISO 9362: the name of a business party, mostly a bank.

use alloc::vec::Vec;

use crate::{
    BadIdentifier, DecodeError, Flaw, Identifier, Reader, Wire,
    country::is_country,
    identifier::{alphanumeric, letter},
};

/// Four characters of the party, two letters of its country, two of its place; perhaps three of a branch.
///
/// There is no check digit. The form without a branch is kept as given, padded with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bic([u8; 11]);

const NO_BRANCH: [u8; 3] = [0; 3];

impl Bic {
    /// Reads the code.
    ///
    /// # Errors
    /// [`BadIdentifier`], the first [`Flaw`] that it has.
    pub fn parse(text: &str) -> Result<Self, BadIdentifier> {
        let mut bytes = [0; 11];
        match (text.len(), bytes.get_mut(..text.len())) {
            (8 | 11, Some(front)) => front.copy_from_slice(text.as_bytes()),
            _ => return Err(Identifier::Bic.with(Flaw::Length)),
        }
        if text.ends_with("\0\0\0") {
            return Err(Identifier::Bic.with(Flaw::Character { place: 9 }));
        }
        Self::check(&bytes).map(|()| Self(bytes))
    }

    /// Its characters: eight or eleven.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }

    /// The country of the party.
    #[must_use]
    pub const fn country(&self) -> [u8; 2] {
        let [_, _, _, _, a, b, ..] = self.0;
        [a, b]
    }

    fn check(bytes: &[u8; 11]) -> Result<(), BadIdentifier> {
        let kind = Identifier::Bic;
        let [party @ .., a, b, c, d, e, f, g] = bytes;
        kind.each(1, party, alphanumeric)?;
        kind.each(5, &[*a, *b], letter)?;
        kind.each(7, &[*c, *d], alphanumeric)?;
        let branch = [*e, *f, *g];
        if branch != NO_BRANCH {
            kind.each(9, &branch, alphanumeric)?;
        }
        // Kosovo has no code of ISO 3166; its banks use XK.
        if !is_country([*a, *b]) && [*a, *b] != *b"XK" {
            return Err(kind.with(Flaw::Country { place: 5 }));
        }
        Ok(())
    }
}

impl core::fmt::Display for Bic {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

impl core::str::FromStr for Bic {
    type Err = BadIdentifier;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Wire for Bic {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let bytes = from.array()?;
        Self::check(&bytes).map_err(|_| DecodeError::NotCanonical)?;
        Ok(Self(bytes))
    }
}
