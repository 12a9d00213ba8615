//! What a block's certificate commits to, and the leaves under its roots.

use alloc::vec::Vec;

use crate::{Bytes, ChainId, Digest, LedgerTime, PartyId, PublicKey, Text};

crate::record! {
    /// The state engine's commitment for one size class of rows.
    #[derive(Copy)]
    pub struct DatabaseRange {
        /// Root over its operations.
        pub root: Digest,
        /// First operation that is still needed.
        pub start: u64,
        /// One past the last operation.
        pub end: u64,
    }
}

/// Databases of a header: a count in one byte, then each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Databases(pub Vec<DatabaseRange>);

impl crate::Wire for Databases {
    fn write(&self, out: &mut Vec<u8>) {
        let count = u8::try_from(self.0.len());
        assert!(count.is_ok(), "there are two to four databases");
        out.push(count.unwrap_or(u8::MAX));
        self.0.iter().for_each(|it| it.write(out));
    }
    fn read(from: &mut crate::Reader<'_>) -> Result<Self, crate::DecodeError> {
        let count = u8::read(from)?;
        (0..count).map(|_| DatabaseRange::read(from)).collect::<Result<_, _>>().map(Self)
    }
}

crate::record! {
    /// The header of a block. A block's digest is SHA-256 over a domain and these bytes.
    pub struct Header {
        /// Version of this layout: 1.
        pub version: u8,
        /// Which market.
        pub chain: ChainId,
        /// Distance from genesis, which has 0.
        pub height: u64,
        /// Agreed time of the block; above its parent's.
        pub time: LedgerTime,
        /// Which committee decided.
        pub epoch: u64,
        /// In which view of the epoch.
        pub view: u64,
        /// Who proposed.
        pub leader: PublicKey,
        /// The view of the parent.
        pub parent_view: u64,
        /// The parent's digest.
        pub parent: Digest,
        /// The state engine's root format.
        pub state_format: u16,
        /// Roots and ranges of the state, one for each size class of rows.
        pub databases: Databases,
        /// Over the block's change leaves and event leaves.
        pub changes_root: Digest,
        /// Over the envelopes, in order.
        pub instructions_root: Digest,
        /// Over the witnesses, in order.
        pub witness_root: Digest,
        /// Over the digests of all earlier headers.
        pub headers_root: Digest,
    }
}

impl Header {
    /// A header of version 1 that says nothing yet but which market it is of and its height: what is built,
    /// and what tests need, goes on from there.
    #[must_use]
    pub fn blank(chain: ChainId, height: u64) -> Self {
        let nought = Digest([0; 32]);
        Self {
            version: 1,
            chain,
            height,
            time: LedgerTime(0),
            epoch: 0,
            view: 0,
            leader: PublicKey([0; 32]),
            parent_view: 0,
            parent: nought,
            state_format: 1,
            databases: Databases::default(),
            changes_root: nought,
            instructions_root: nought,
            witness_root: nought,
            headers_root: nought,
        }
    }
}

crate::record! {
    /// One row that a block changed.
    pub struct ChangeLeaf {
        /// The row's key.
        pub key: Bytes,
        /// The height of this change.
        pub height: u64,
        /// The height of the row's change before this one; 0 = none.
        pub previous: u64,
        /// SHA-256 of the value; all zeros when the row ended.
        pub value: Digest,
    }
}

crate::record! {
    /// A signature, proof or sealed envelope that goes with an instruction.
    pub struct Witness {
        /// 0 signature, 1 proof, 2 envelope.
        pub class: u8,
        /// Its bytes.
        pub bytes: Bytes,
    }
}

crate::record! {
    /// One validator of an epoch.
    #[derive(PartialOrd, Ord)]
    pub struct Validator {
        /// Its key, for votes and for connections.
        pub key: PublicKey,
        /// The party that runs it.
        pub party: PartyId,
        /// Where it listens, `host:port`.
        pub address: Text<60>,
    }
}

crate::record! {
    /// Who decides in an epoch. The last block of the epoch before carries it, under its changes root.
    pub struct Committee {
        /// Which epoch.
        pub epoch: u64,
        /// Its validators, in strictly increasing order of keys.
        pub validators: Vec<Validator>,
    }
}

impl Committee {
    /// The committee of these validators, in whatever order they come.
    #[must_use]
    pub fn of(epoch: u64, mut validators: Vec<Validator>) -> Self {
        validators.sort();
        Self { epoch, validators }
    }
}
