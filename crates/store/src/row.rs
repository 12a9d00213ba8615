//! A row as it is stored: one key, one value, padded to the size of its class.
//!
//! ```text
//!   changed u64 BE | length u16 BE | value | zeros up to 192, 512 or 2112 bytes
//! ```
//!
//! The class is a function of the key: its two highest bits. There is one encoding of each row:
//! zeros that are not zero, or a length that does not fit, are damage.

use core::fmt;

/// The name of a row. The two highest bits of the first byte are its [`Class`].
pub type Key = [u8; 48];

/// Bytes before the value.
const HEAD_LEN: usize = 10;

/// How much room a row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// 192 bytes, 182 of them value.
    Small,
    /// 512 bytes, 502 of them value.
    Medium,
    /// 2112 bytes, 2102 of them value.
    Large,
}

impl Class {
    /// Stored bytes of a small row.
    pub const SMALL: usize = 192;
    /// Stored bytes of a medium row.
    pub const MEDIUM: usize = 512;
    /// Stored bytes of a large row.
    pub const LARGE: usize = 2112;

    /// The class that `key` names; `None` for the fourth, which does not exist.
    #[must_use]
    pub const fn of(key: &Key) -> Option<Self> {
        match key[0] >> 6 {
            0 => Some(Self::Small),
            1 => Some(Self::Medium),
            2 => Some(Self::Large),
            _ => None,
        }
    }

    /// Longest value of this class, in bytes.
    #[must_use]
    pub const fn value_max(self) -> usize {
        match self {
            Self::Small => Self::SMALL - HEAD_LEN,
            Self::Medium => Self::MEDIUM - HEAD_LEN,
            Self::Large => Self::LARGE - HEAD_LEN,
        }
    }
}

/// A row's value, and the height of the block that last wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Height of the row's last change.
    pub changed: u64,
    /// The value, as the rules wrote it.
    pub value: Vec<u8>,
}

/// Why stored bytes are not a row, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRow {
    /// The length says more than there is room for.
    TooLong(u16),
    /// The padding is not zeros.
    Padding,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(len) => write!(f, "a row of {len} bytes has no room there"),
            Self::Padding => f.write_str("a row's padding is not zeros"),
        }
    }
}

impl Row {
    /// The row as `V` bytes.
    ///
    /// # Panics
    /// If the value is longer than `V` allows: the rules choose a row's class, and longer values
    /// are numbered parts.
    #[must_use]
    pub fn pad<const V: usize>(&self) -> [u8; V] {
        let len = self.value.len();
        assert!(len + HEAD_LEN <= V, "a value of {len} bytes does not fit a row of {V}");
        let len_u16 = u16::try_from(len).expect("a row is shorter than 64 KiB");
        let mut out = [0; V];
        out[..8].copy_from_slice(&self.changed.to_be_bytes());
        out[8..HEAD_LEN].copy_from_slice(&len_u16.to_be_bytes());
        out[HEAD_LEN..HEAD_LEN + len].copy_from_slice(&self.value);
        out
    }

    /// The row that `bytes` hold.
    ///
    /// # Errors
    /// [`BadRow::TooLong`], [`BadRow::Padding`].
    pub fn unpad<const V: usize>(bytes: &[u8; V]) -> Result<Self, BadRow> {
        let (changed, rest) = bytes.split_first_chunk().expect("a row has a head");
        let (len, rest) = rest.split_first_chunk().expect("a row has a head");
        let len = u16::from_be_bytes(*len);
        let (value, padding) = rest.split_at_checked(len.into()).ok_or(BadRow::TooLong(len))?;
        if padding.iter().any(|it| *it != 0) {
            return Err(BadRow::Padding);
        }
        Ok(Self { changed: u64::from_be_bytes(*changed), value: value.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_in_the_two_highest_bits() {
        let class =
            |first| Class::of(&core::array::from_fn(|it| if it == 0 { first } else { 0xff }));
        assert_eq!(class(0x3f), Some(Class::Small));
        assert_eq!(class(0x40), Some(Class::Medium));
        assert_eq!(class(0xbf), Some(Class::Large));
        assert_eq!(class(0xc0), None);
    }

    #[test]
    fn a_row_has_one_encoding_and_comes_back() {
        for len in [0, 1, 60, Class::Small.value_max()] {
            let row = Row { changed: 7, value: vec![0xab; len] };
            let bytes: [u8; Class::SMALL] = row.pad();
            assert_eq!(Row::unpad(&bytes), Ok(row));
        }
    }

    #[test]
    fn every_byte_of_a_row_counts() {
        let row = Row { changed: 3, value: b"alice".to_vec() };
        let bytes: [u8; Class::SMALL] = row.pad();
        for at in 0..bytes.len() {
            let mut other = bytes;
            other[at] ^= 1;
            match Row::unpad(&other) {
                Ok(it) => assert!(it != row && it.pad::<{ Class::SMALL }>() == other, "byte {at}"),
                Err(bad) => assert!(at >= 8, "byte {at}: {bad}"),
            }
        }
    }

    #[test]
    fn padding_that_is_not_zero_and_lengths_beyond_the_row_are_refused() {
        let mut bytes: [u8; Class::SMALL] = Row { changed: 3, value: vec![1, 2] }.pad();
        bytes[Class::SMALL - 1] = 1;
        assert_eq!(Row::unpad(&bytes), Err(BadRow::Padding));
        bytes[8..10].copy_from_slice(&183u16.to_be_bytes());
        assert_eq!(Row::unpad(&bytes), Err(BadRow::TooLong(183)));
    }

    #[test]
    #[should_panic(expected = "does not fit a row of 192")]
    fn a_value_too_long_for_its_class_is_our_mistake() {
        let _: [u8; Class::SMALL] = Row { changed: 3, value: vec![0; 183] }.pad();
    }
}
