//! What the codes of the market have in common: how they are declared, and how they fail.

/// Which code was to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// ISO 6166, a security.
    Isin,
    /// ISO 17442, a legal entity.
    Lei,
    /// ISO 9362, a business party.
    Bic,
    /// ISO 10383, a market.
    Mic,
    /// ISO 4217, a currency.
    Currency,
    /// ISO 10962, a class of instruments.
    Cfi,
    /// ISO 8601, a calendar date.
    Date,
}

/// What is wrong with it, in order of precedence. Places count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It has too few or too many characters.
    Length,
    /// This character may not stand here.
    Character {
        /// Which one.
        place: u8,
    },
    /// No country or agency has the two letters that begin here.
    Country {
        /// Where they begin.
        place: u8,
    },
    /// The standard's table does not know the element that begins here.
    Unknown {
        /// Where it begins.
        place: u8,
    },
    /// The check digits that begin here disagree with the rest.
    CheckDigit {
        /// Where they begin.
        place: u8,
    },
}

/// A text that is not the code it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadIdentifier {
    /// Which code was to be read.
    pub kind: Identifier,
    /// What is wrong, and where.
    pub flaw: Flaw,
}

impl core::fmt::Display for BadIdentifier {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (name, length) = match self.kind {
            Identifier::Isin => ("an ISIN", "12"),
            Identifier::Lei => ("an LEI", "20"),
            Identifier::Bic => ("a BIC", "8 or 11"),
            Identifier::Mic => ("a MIC", "4"),
            Identifier::Currency => ("a currency", "3"),
            Identifier::Cfi => ("a CFI", "6"),
            Identifier::Date => ("a date", "10"),
        };
        write!(f, "not {name}: ")?;
        match self.flaw {
            Flaw::Length => write!(f, "it has {length} characters"),
            Flaw::Character { place } => write!(f, "character {place} may not stand there"),
            Flaw::Country { place } => write!(f, "no country or agency has the letters at {place}"),
            Flaw::Unknown { place } => write!(f, "the standard has no such element at {place}"),
            Flaw::CheckDigit { place } => write!(f, "the check digits at {place} are wrong"),
        }
    }
}

impl core::error::Error for BadIdentifier {}

impl Identifier {
    /// This code, with this flaw.
    pub(crate) const fn with(self, flaw: Flaw) -> BadIdentifier {
        BadIdentifier { kind: self, flaw }
    }

    /// Asks `allowed` of each of `bytes`, of which the first stands at `place`.
    pub(crate) fn each(
        self,
        place: u8,
        bytes: &[u8],
        allowed: fn(&u8) -> bool,
    ) -> Result<(), BadIdentifier> {
        let wrong = bytes.iter().zip(place..).find(|(byte, _)| !allowed(byte));
        wrong.map_or(Ok(()), |(_, place)| Err(self.with(Flaw::Character { place })))
    }
}

/// Capital letter A to Z.
pub(crate) const fn letter(byte: &u8) -> bool {
    byte.is_ascii_uppercase()
}

/// Decimal digit.
pub(crate) const fn digit(byte: &u8) -> bool {
    byte.is_ascii_digit()
}

/// Capital letter or decimal digit.
pub(crate) const fn alphanumeric(byte: &u8) -> bool {
    letter(byte) || digit(byte)
}

/// The number a character stands for in check sums: 0 to 9, A = 10 to Z = 35.
pub(crate) fn value(byte: u8) -> u32 {
    char::from(byte).to_digit(36).unwrap_or_default()
}

/// Declares a code of `$len` characters. Its `check(&[u8; $len])` stands beside it.
macro_rules! code {
    ($(#[$meta:meta])* $name:ident, $len:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Reads the code.
            ///
            /// # Errors
            /// [`crate::BadIdentifier`], the first [`crate::Flaw`] that it has.
            pub fn parse(text: &str) -> Result<Self, $crate::BadIdentifier> {
                let bytes = <[u8; $len]>::try_from(text.as_bytes())
                    .map_err(|_| $crate::Identifier::$name.with($crate::Flaw::Length))?;
                Self::check(&bytes).map(|()| Self(bytes))
            }

            /// Its characters.
            #[must_use]
            pub const fn bytes(&self) -> [u8; $len] {
                self.0
            }

            /// Its characters, as a text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                core::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::BadIdentifier;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl $crate::Wire for $name {
            fn write(&self, out: &mut ::alloc::vec::Vec<u8>) {
                out.extend_from_slice(&self.0);
            }
            fn read(from: &mut $crate::Reader<'_>) -> Result<Self, $crate::DecodeError> {
                let bytes: [u8; $len] = from.array()?;
                Self::check(&bytes).map_err(|_| $crate::DecodeError::NotCanonical)?;
                Ok(Self(bytes))
            }
        }
    };
}
pub(crate) use code;
