//! The one byte encoding: big-endian, lengths u32, enums one byte, nothing optional without a presence byte.
//!
//! Every value has exactly one encoding. A decoder refuses what it would not have written:
//! truncated, oversized, non-canonical and trailing bytes are [`DecodeError`]s, never a guess.

#![expect(clippy::disallowed_types, reason = "here lengths of memory become u32, and back")]

use alloc::vec::Vec;

/// Longest byte string or list that any decoder accepts, in elements.
pub const LEN_MAX: u32 = 1 << 24;

/// Why bytes are not a value, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecodeError {
    /// The bytes end before the value does.
    Truncated,
    /// A length exceeds what its field allows.
    TooLong,
    /// A tag byte names nothing known to this version.
    UnknownTag(u8),
    /// The bytes decode to a value whose encoding differs from them.
    NotCanonical,
    /// Bytes remain after the value.
    Trailing,
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Truncated => f.write_str("the bytes end before the value does"),
            Self::TooLong => f.write_str("a length exceeds what its field allows"),
            Self::UnknownTag(tag) => write!(f, "tag {tag} names nothing known to this version"),
            Self::NotCanonical => f.write_str("the value would be written otherwise"),
            Self::Trailing => f.write_str("bytes remain after the value"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// A value with one canonical encoding.
pub trait Wire: Sized {
    /// Appends the encoding of `self`.
    fn write(&self, out: &mut Vec<u8>);

    /// Reads one value from the front of `from`.
    ///
    /// # Errors
    /// The first [`DecodeError`] met.
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// The encoding of `self`.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// The value that `bytes` encode, all of them.
    ///
    /// # Errors
    /// The first [`DecodeError`] met; [`DecodeError::Trailing`] last.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let value = Self::read(&mut reader)?;
        if reader.is_empty() { Ok(value) } else { Err(DecodeError::Trailing) }
    }
}

/// The bytes that are still to be read.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the front of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn take(&mut self, len: u32) -> Result<&'a [u8], DecodeError> {
        let len = usize::try_from(len).map_err(|_| DecodeError::TooLong)?;
        let (head, tail) = self.left.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.left = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self.left.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.left = tail;
        Ok(*head)
    }

    /// A length of at most `max`.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], [`DecodeError::TooLong`].
    pub fn len(&mut self, max: u32) -> Result<u32, DecodeError> {
        let len = u32::read(self)?;
        if len > max { Err(DecodeError::TooLong) } else { Ok(len) }
    }
}

macro_rules! integers {
    ($($int:ty)*) => {$(
        impl Wire for $int {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                from.array().map(<$int>::from_be_bytes)
            }
        }
    )*};
}
integers!(u8 u16 u32 u64 i64 i128);

impl Wire for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::read(from)? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(DecodeError::UnknownTag(tag)),
        }
    }
}

impl<const N: usize> Wire for [u8; N] {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.array()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.write(out);
            }
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::read(from)? {
            0 => Ok(None),
            1 => T::read(from).map(Some),
            tag => Err(DecodeError::UnknownTag(tag)),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        write_len(self.len(), out);
        for value in self {
            value.write(out);
        }
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = from.len(LEN_MAX)?;
        let mut values = Self::new();
        for _ in 0..len {
            values.push(T::read(from)?);
        }
        Ok(values)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::read(from)?, B::read(from)?))
    }
}

/// A byte string: a length and its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub Vec<u8>);

impl Wire for Bytes {
    fn write(&self, out: &mut Vec<u8>) {
        write_len(self.0.len(), out);
        out.extend_from_slice(&self.0);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = from.len(LEN_MAX)?;
        from.take(len).map(|bytes| Self(bytes.to_vec()))
    }
}

/// Writes a length.
///
/// # Panics
/// Never on what a decoder accepted; on a list of our own of more than `u32::MAX` elements.
fn write_len(len: usize, out: &mut Vec<u8>) {
    let len = u32::try_from(len);
    assert!(len.is_ok(), "a list of ours is longer than a length can say");
    len.unwrap_or(u32::MAX).write(out);
}

/// Declares a struct whose encoding is its fields in order.
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* pub $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)* }

        impl $crate::Wire for $name {
            fn write(&self, out: &mut ::alloc::vec::Vec<u8>) {
                $($crate::Wire::write(&self.$field, out);)*
            }
            fn read(from: &mut $crate::Reader<'_>) -> Result<Self, $crate::DecodeError> {
                $(let $field = $crate::Wire::read(from)?;)*
                Ok(Self { $($field,)* })
            }
        }
    };
}

/// Declares an enum whose encoding is one tag byte and the fields of the variant in order.
#[macro_export]
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident {
        $($(#[$vmeta:meta])* $tag:literal => $variant:ident $( { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)* } )? $( ( $inner:ty ) )?,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$vmeta])* $variant $( { $($(#[$fmeta])* $field: $ty,)* } )? $( ( $inner ) )?,)* }

        impl $crate::Wire for $name {
            fn write(&self, out: &mut ::alloc::vec::Vec<u8>) {
                match self {
                    $($crate::choice!(@pat $variant inner $( { $($field)* } )? $( ( $inner ) )?) => {
                        out.push($tag);
                        $($($crate::Wire::write($field, out);)*)?
                        $(<$inner as $crate::Wire>::write(inner, out);)?
                    })*
                }
            }
            fn read(from: &mut $crate::Reader<'_>) -> Result<Self, $crate::DecodeError> {
                match <u8 as $crate::Wire>::read(from)? {
                    $($tag => {
                        $($(let $field = $crate::Wire::read(from)?;)*)?
                        $(let inner = <$inner as $crate::Wire>::read(from)?;)?
                        Ok($crate::choice!(@make $variant inner $( { $($field)* } )? $( ( $inner ) )?))
                    })*
                    tag => Err($crate::DecodeError::UnknownTag(tag)),
                }
            }
        }
    };
    (@pat $variant:ident $bind:ident) => { Self::$variant };
    (@pat $variant:ident $bind:ident { $($field:ident)* }) => { Self::$variant { $($field,)* } };
    (@pat $variant:ident $bind:ident ( $inner:ty )) => { Self::$variant($bind) };
    (@make $variant:ident $bind:ident) => { Self::$variant };
    (@make $variant:ident $bind:ident { $($field:ident)* }) => { Self::$variant { $($field,)* } };
    (@make $variant:ident $bind:ident ( $inner:ty )) => { Self::$variant($bind) };
}
