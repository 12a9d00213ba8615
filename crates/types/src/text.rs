//! Short texts: references and names, bounded, without control characters.

use alloc::{string::String, vec::Vec};

use crate::{DecodeError, Reader, Wire};

/// At most `MAX` bytes of UTF-8 without control characters; ISO 20022's `Max35Text` is `Text<35>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: u32>(String);

/// The text is too long or holds a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadText {
    /// How many bytes it may have.
    pub len_max: u32,
}

impl<const MAX: u32> Text<MAX> {
    /// Checks and takes `text`.
    ///
    /// # Errors
    /// [`BadText`].
    pub fn new(text: &str) -> Result<Self, BadText> {
        let short = u32::try_from(text.len()).is_ok_and(|len| len <= MAX);
        if short && !text.chars().any(char::is_control) {
            Ok(Self(String::from(text)))
        } else {
            Err(BadText { len_max: MAX })
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl core::fmt::Display for BadText {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a text of at most {} bytes without control characters is wanted", self.len_max)
    }
}

impl<const MAX: u32> core::fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: u32> Wire for Text<MAX> {
    fn write(&self, out: &mut Vec<u8>) {
        crate::Bytes(self.0.as_bytes().to_vec()).write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = from.len(MAX)?;
        let text = core::str::from_utf8(from.take(len)?).map_err(|_| DecodeError::NotCanonical)?;
        Self::new(text).map_err(|_| DecodeError::NotCanonical)
    }
}
