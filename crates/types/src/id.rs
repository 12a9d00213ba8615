//! Names of things: opaque, ordered, of fixed size, so that they sort the same everywhere.

use alloc::vec::Vec;

use crate::{DecodeError, Reader, Wire};

macro_rules! names {
    ($($(#[$meta:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
            fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Wire::read(from).map(Self)
            }
        }
    )*};
}

names! {
    /// A legal entity on the ledger: an operator, a member, an issuer. Given at admission.
    PartyId(u32);
    /// A securities or cash account. Chosen by its account manager, at random or by a scheme of its own.
    AccountId([u8; 16]);
    /// A security (its ISIN) or a currency (its ISO 4217 code, padded with zeros).
    InstrumentId([u8; 12]);
    /// One of the keys of a sender.
    KeyId(u32);
    /// One of the independent sequences of a sender.
    Lane(u16);
    /// SHA-256 of something, under a domain.
    Digest([u8; 32]);
    /// An ed25519 verification key.
    PublicKey([u8; 32]);
    /// Names one market: the digest of its genesis.
    ChainId([u8; 32]);
}

crate::choice! {
    /// Who signs an envelope.
    #[derive(Copy, Hash, PartialOrd, Ord)]
    pub enum Sender {
        /// A party, by one of its keys.
        0 => Party(PartyId),
        /// An account, by its spend key (sealed instruments).
        1 => Account(AccountId),
    }
}

crate::record! {
    /// One instruction, for ever: its sender's lane and sequence, and its place in the envelope.
    #[derive(Copy, Hash, PartialOrd, Ord)]
    pub struct InstructionId {
        /// Who signed it.
        pub sender: Sender,
        /// In which of the sender's sequences.
        pub lane: Lane,
        /// The envelope's place in that sequence.
        pub sequence: u64,
        /// The instruction's place in the envelope.
        pub index: u16,
    }
}

impl InstrumentId {
    /// The currency's instrument: its three letters, padded with zeros.
    #[must_use]
    pub const fn of_currency(code: [u8; 3]) -> Self {
        let [a, b, c] = code;
        Self([a, b, c, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// The instrument named by an ISIN or a currency code.
    ///
    /// `None` unless `text` is 3 or 12 capital letters and digits. (Check digits are [`crate::Isin`]'s.)
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit());
        let mut id = [0; 12];
        let len = text.len();
        id.get_mut(..len)?.copy_from_slice(text.as_bytes());
        (plain && (len == 3 || len == 12)).then_some(Self(id))
    }

    /// Whether this is a currency.
    #[must_use]
    pub const fn is_currency(&self) -> bool {
        let [_, _, _, padding @ ..] = self.0;
        matches!(padding, [0, 0, 0, 0, 0, 0, 0, 0, 0])
    }
}

impl core::fmt::Display for InstrumentId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for byte in self.0.into_iter().filter(|it| *it != 0) {
            f.write_fmt(format_args!("{}", char::from(byte).escape_default()))?;
        }
        Ok(())
    }
}

impl core::fmt::Display for Sender {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Party(party) => write!(f, "{}", party.0),
            Self::Account(account) => write!(f, "{account}"),
        }
    }
}

/// `sender-lane-sequence-index`, as people read and type it.
impl core::fmt::Display for InstructionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}-{}-{}-{}", self.sender, self.lane.0, self.sequence, self.index)
    }
}

impl InstructionId {
    /// Reads `sender-lane-sequence-index`; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let sender = Sender::parse(parts.next()?)?;
        let lane = Lane(parts.next()?.parse().ok()?);
        let sequence = parts.next()?.parse().ok()?;
        let index = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self { sender, lane, sequence, index })
    }
}

impl Sender {
    /// Reads a party's number or an account's 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() == 32 {
            return AccountId::parse_hex(text).map(Self::Account);
        }
        text.parse().ok().map(|party| Self::Party(PartyId(party)))
    }
}

impl AccountId {
    /// Reads 32 hexadecimal digits; `None` if they are not.
    #[must_use]
    pub fn parse_hex(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit());
        let number = u128::from_str_radix(text, 16).ok().filter(|_| digits)?;
        Some(Self(number.to_be_bytes()))
    }
}

macro_rules! show_hex {
    ($($name:ident)*) => {$(
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    )*};
}
show_hex!(AccountId Digest PublicKey ChainId);
