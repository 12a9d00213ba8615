//! Rows: what the state holds, each under a key of 48 bytes.
//!
//! ```text
//!   key    | size class (2 bits) and kind (6 bits) | name, padded with zeros |
//!   entry  an element of the ordered index that rules walk; derived from rows, never stored
//! ```
//!
//! The size class says how much room the store keeps for the value; what a row means is known here only.

use alloc::vec::Vec;

use types::{ChangeLeaf, Digest, Wire};

/// The name of a row in the state. Its first byte holds the size class and the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 48]);

/// The encoding of a row's value.
pub type Value = Vec<u8>;

/// An element of the ordered index: a tag, what is looked for, and the order among equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry(pub [u8; 64]);

/// What stands under a key: a kind, a size, a name.
pub trait Row: Wire {
    /// Size class in the two top bits (0: 182 bytes at most, 1: 502, 2: 2,102), kind in the others.
    const KIND: u8;
    /// What names one row of this kind.
    type Name: Wire;

    /// The key of the row with this name.
    fn key(name: &Self::Name) -> Key {
        let mut bytes = [0; 48];
        let mut text = alloc::vec![Self::KIND];
        name.write(&mut text);
        let room = bytes.get_mut(..text.len());
        assert!(room.is_some(), "a row's name fits its key");
        if let Some(room) = room {
            room.copy_from_slice(&text);
        }
        Key(bytes)
    }

    /// The index entries that this row makes.
    fn entries(&self, _name: &Self::Name) -> Vec<Entry> {
        Vec::new()
    }
}

/// Size class and kind of every row.
pub mod kind {
    /// A row of at most 182 bytes.
    const SMALL: u8 = 0;
    /// A row of at most 502 bytes.
    const MIDDLE: u8 = 1 << 6;
    /// A row of at most 2,102 bytes.
    const LARGE: u8 = 2 << 6;

    /// A key of a party.
    pub const PARTY_KEY: u8 = SMALL | 1;
    /// The next sequence number of a sender's lane.
    pub const LANE: u8 = SMALL | 2;
    /// A parameter of the market.
    pub const PARAMETER: u8 = SMALL | 3;
    /// An account.
    pub const ACCOUNT: u8 = SMALL | 4;
    /// A position in an open instrument.
    pub const POSITION: u8 = SMALL | 5;
    /// An instrument.
    pub const INSTRUMENT: u8 = SMALL | 6;
    /// An issuer's request.
    pub const REQUEST: u8 = SMALL | 7;
    /// Up to which date a venue is closed.
    pub const VENUE: u8 = SMALL | 8;
    /// A position from which the close still has to reach the queue.
    pub const FRONTIER: u8 = SMALL | 9;
    /// How many things have arrived.
    pub const ARRIVALS: u8 = SMALL | 10;
    /// Where a security is traded against a currency.
    pub const BOARD: u8 = SMALL | 11;
    /// An order that stands.
    pub const ORDER: u8 = SMALL | 12;
    /// How many fills there have been.
    pub const FILLS: u8 = SMALL | 13;

    /// Who reads sealed amounts beside their owner.
    pub const VIEW_KEY: u8 = SMALL | 14;

    /// A party.
    pub const PARTY: u8 = MIDDLE | 1;
    /// Who has approved an administrator's verb so far.
    pub const PROPOSAL: u8 = MIDDLE | 2;
    /// What an instrument is beyond its amounts.
    pub const LISTING: u8 = MIDDLE | 3;
    /// A trade.
    pub const TRADE: u8 = MIDDLE | 4;
    /// One side's settlement instruction, or a payment.
    pub const INSTRUCTION: u8 = MIDDLE | 5;
    /// What waits in the queue.
    pub const WAITING: u8 = MIDDLE | 6;
    /// A position in a sealed instrument.
    pub const SEALED_POSITION: u8 = MIDDLE | 7;
    /// An account's settlement instruction on sealed amounts.
    pub const SEALED_INSTRUCTION: u8 = MIDDLE | 8;

    /// The homomorphic hash over an instrument's holders.
    pub const REGISTRY: u8 = LARGE | 1;
    /// A part of the validator set of the next epoch.
    pub const VALIDATORS: u8 = LARGE | 2;
    /// The peaks over all earlier headers.
    pub const PEAKS: u8 = LARGE | 3;
}

impl Key {
    /// Which size class the row belongs to: 0, 1 or 2.
    #[must_use]
    pub const fn class(&self) -> u8 {
        let [first, ..] = self.0;
        first >> 6
    }

    /// Size class and kind.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        let [first, ..] = self.0;
        first
    }

    /// Whether a change of this row makes a change leaf.
    ///
    /// The registry's hash is told by its digest in the instrument's row; a frontier is bookkeeping
    /// between blocks; the peaks are under the headers root. None of them is ever proved.
    #[must_use]
    pub const fn has_change_leaf(&self) -> bool {
        !matches!(self.kind(), kind::REGISTRY | kind::FRONTIER | kind::PEAKS)
    }

    /// The row's name, as bytes without the kind (zeros pad it).
    #[must_use]
    pub const fn name(&self) -> &[u8] {
        let [_, name @ ..] = &self.0;
        name
    }

    /// The leaf of a change of this row, as it stands under a block's changes root.
    #[must_use]
    pub fn leaf(&self, height: u64, previous: u64, value: Option<&[u8]>) -> ChangeLeaf {
        let value = value.map_or(Digest([0; 32]), crypto::sha256);
        ChangeLeaf { key: types::Bytes(self.0.to_vec()), height, previous, value }
    }
}

/// Where the chain keeps the peaks over all earlier headers.
pub const PEAKS_KEY: Key = {
    let mut bytes = [0; 48];
    bytes[0] = kind::PEAKS;
    Key(bytes)
};

impl Entry {
    /// Smallest entry that begins with `start`.
    #[must_use]
    pub fn from_start(start: &[u8]) -> Self {
        Self::padded(start, 0)
    }

    /// Largest entry that begins with `start`.
    #[must_use]
    pub fn to_end(start: &[u8]) -> Self {
        Self::padded(start, u8::MAX)
    }

    fn padded(start: &[u8], padding: u8) -> Self {
        let mut bytes = [padding; 64];
        let room = bytes.get_mut(..start.len());
        assert!(room.is_some(), "an entry has 64 bytes");
        if let Some(room) = room {
            room.copy_from_slice(start);
        }
        Self(bytes)
    }
}
