//! What is said in an envelope, to whom, and how long it may look.
//!
//! ```text
//!   to                content                                                       the common DVP     in
//!   own books         blinding seed, amounts, sender, references, memo, trade       89 bytes           96
//!   counterparty      the same                                                      89                 96
//!   administrators    amounts, parties                                              26                 32
//!   issuer            amount, how it knows the holder                               25                 32
//! ```
//!
//! The common DVP has two legs and two references of 16 characters, as long as ISO 15022 allows. A content is filled up
//! with zeros to 32, 96 or 512 bytes, the least that holds it, so its length tells next to nothing; texts and lists
//! have lengths of one byte, or the common DVP would not fit. With 50 bytes for each message's key, tag and labels,
//! and one for their number, it costs 457 bytes. The longest content has 501 bytes.

use proof::Secret;
use types::{DecodeError, PartyId, Reader, Text, Wire};
use zeroize::Zeroizing;

use super::seed::{expand, first};

/// Most legs, or parties, that one content speaks of.
pub const LEGS_MAX: u8 = 16;

types::choice! {
    /// To whom a message is.
    #[derive(Copy, Hash, PartialOrd, Ord)]
    pub enum Recipient {
        /// Whoever sends it, so that the seed and the chain restore the books.
        0 => OwnBooks,
        /// The other side.
        1 => Counterparty,
        /// The administrators, by their key of the epoch.
        2 => Administrators,
        /// The issuer of the instrument.
        3 => Issuer,
    }
}

/// At most 16 values of a kind: a count in one byte, then each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Few<T>(Vec<T>);

impl<T> Few<T> {
    /// These values; `None` if they are more than [`LEGS_MAX`].
    #[must_use]
    pub fn new(values: Vec<T>) -> Option<Self> {
        (values.len() <= usize::from(LEGS_MAX)).then_some(Self(values))
    }

    /// The values, in their order.
    #[must_use]
    pub fn all(&self) -> &[T] {
        &self.0
    }
}

impl<T: Wire> Wire for Few<T> {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::try_from(self.0.len()).expect("values are counted when they are made"));
        self.0.iter().for_each(|it| it.write(out));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u8::read(from)?;
        if count > LEGS_MAX {
            return Err(DecodeError::TooLong);
        }
        (0..count).map(|_| T::read(from)).collect::<Result<_, _>>().map(Self)
    }
}

/// A text of at most 255 bytes, whose length is one byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Short<const MAX: u32>(pub Text<MAX>);

impl<const MAX: u32> Wire for Short<MAX> {
    fn write(&self, out: &mut Vec<u8>) {
        const { assert!(MAX <= 255, "one byte says the length") };
        let bytes = self.0.as_str().as_bytes();
        out.push(u8::try_from(bytes.len()).expect("a text is measured when it is made"));
        out.extend_from_slice(bytes);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = u32::from(u8::read(from)?);
        if len > MAX {
            return Err(DecodeError::TooLong);
        }
        let text = std::str::from_utf8(from.take(len)?).map_err(|_| DecodeError::NotCanonical)?;
        Text::new(text).map(Self).map_err(|_| DecodeError::NotCanonical)
    }
}

types::record! {
    /// What one side tells the other, and keeps for its own books.
    pub struct ForSide {
        /// What the blindings of the legs follow from.
        pub blinding_seed: [u8; 32],
        /// Units of each leg, in their order: hints, to be checked against what is sealed.
        pub amounts: Few<u64>,
        /// Who sends it, for the pseudonym of an account does not say.
        pub sender: PartyId,
        /// The sender's own reference.
        pub reference: Short<35>,
        /// The reference that both sides know.
        pub common_reference: Short<35>,
        /// What else the sender wants to say.
        pub memo: Short<210>,
        /// The trade that this settles.
        pub trade: Short<52>,
    }
}

types::record! {
    /// What the administrators are told.
    pub struct ForAdministrators {
        /// Units of each leg, in their order: hints.
        pub amounts: Few<u64>,
        /// Who stands behind the accounts: sender first.
        pub parties: Few<PartyId>,
    }
}

types::record! {
    /// What an issuer is told.
    pub struct ForIssuer {
        /// Units of its instrument: a hint.
        pub amount: u64,
        /// How the issuer knows the holder.
        pub holder: Short<35>,
    }
}

impl ForSide {
    /// The blinding of a leg, by its place.
    #[must_use]
    pub fn blinding(&self, leg: u8) -> Secret {
        let turn = |turn| expand(b"furikae.blinding.v1", &self.blinding_seed, &[&[leg, turn]]);
        first(|it| Secret::of_bytes(&turn(it)))
    }
}

/// What a message says, which depends on to whom it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// To [`Recipient::OwnBooks`].
    OwnBooks(ForSide),
    /// To [`Recipient::Counterparty`].
    Counterparty(ForSide),
    /// To [`Recipient::Administrators`].
    Administrators(ForAdministrators),
    /// To [`Recipient::Issuer`].
    Issuer(ForIssuer),
}

impl Content {
    /// To whom it is.
    #[must_use]
    pub const fn to(&self) -> Recipient {
        match self {
            Self::OwnBooks(_) => Recipient::OwnBooks,
            Self::Counterparty(_) => Recipient::Counterparty,
            Self::Administrators(_) => Recipient::Administrators,
            Self::Issuer(_) => Recipient::Issuer,
        }
    }

    /// Its bytes, filled up with zeros to the least size that holds them.
    pub(super) fn padded(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(Size::MAX));
        match self {
            Self::OwnBooks(it) | Self::Counterparty(it) => it.write(&mut bytes),
            Self::Administrators(it) => it.write(&mut bytes),
            Self::Issuer(it) => it.write(&mut bytes),
        }
        let size = Size::of(bytes.len()).expect("the longest content has 501 bytes");
        bytes.resize(size.bytes(), 0);
        bytes
    }

    /// What these bytes say, of which the last may be zeros that fill up.
    ///
    /// # Errors
    /// The first [`DecodeError`] met; [`DecodeError::NotCanonical`] last, if it is not as it would have been filled up.
    pub(super) fn read_padded(to: Recipient, bytes: &[u8]) -> Result<Self, DecodeError> {
        let from = &mut Reader::new(bytes);
        let content = match to {
            Recipient::OwnBooks => Self::OwnBooks(Wire::read(from)?),
            Recipient::Counterparty => Self::Counterparty(Wire::read(from)?),
            Recipient::Administrators => Self::Administrators(Wire::read(from)?),
            Recipient::Issuer => Self::Issuer(Wire::read(from)?),
        };
        let canonical = *content.padded() == bytes;
        canonical.then_some(content).ok_or(DecodeError::NotCanonical)
    }
}

types::choice! {
    /// How long a content may look.
    #[derive(Copy)]
    pub enum Size {
        /// 32 bytes.
        0 => Small,
        /// 96 bytes.
        1 => Middle,
        /// 512 bytes.
        2 => Large,
    }
}

impl Size {
    const ALL: [Self; 3] = [Self::Small, Self::Middle, Self::Large];

    /// Bytes of the largest.
    const MAX: usize = Self::Large.bytes();

    /// The least that holds so many bytes, if one does.
    pub(super) fn of(len: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|it| len <= it.bytes())
    }

    /// How many bytes that is.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Small => 32,
            Self::Middle => 96,
            Self::Large => 512,
        }
    }
}
