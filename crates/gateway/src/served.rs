//! What a node serves of one block, and whether it is what the block's header commits to.
//!
//! The bytes are those that the node keeps: `docs/formats` draws them.

use crypto::changes as leaves;
use ledger::{Event, Key};
use types::{Bytes, ChangeLeaf, Digest, Header, Wire as _};

types::record! {
    /// One row that a block changed.
    pub struct Change {
        /// The row's key.
        pub key: [u8; 48],
        /// Height of its change before this one; 0 = none.
        pub previous: u64,
        /// Its value before; absent if there was no row.
        pub old: Option<Bytes>,
        /// Its value after; absent if the row ended.
        pub new: Option<Bytes>,
    }
}

types::record! {
    /// All that a block changed: the leaves under its changes root, in order.
    pub struct BlockChanges {
        /// The block's header.
        pub header: Header,
        /// Changed rows, in strictly increasing order of keys.
        pub changes: Vec<Change>,
        /// Events, as the rules wrote them, in the order told.
        pub events: Vec<Bytes>,
        /// The next epoch's committee, if the block is an epoch's last.
        pub committee: Option<Bytes>,
    }
}

impl Change {
    fn leaf(&self, height: u64) -> ChangeLeaf {
        let value = self.new.as_ref().map_or(Digest([0; 32]), |it| crypto::sha256(&it.0));
        ChangeLeaf { key: Bytes(self.key.to_vec()), height, previous: self.previous, value }
    }

    /// The key of its row.
    pub(crate) const fn row(&self) -> Key {
        Key(self.key)
    }

    /// The row's key and its value after.
    pub(crate) fn after(&self) -> (Key, Option<Vec<u8>>) {
        (Key(self.key), self.new.as_ref().map(|it| it.0.clone()))
    }
}

impl BlockChanges {
    /// The changes root over what was served.
    #[must_use]
    pub fn root(&self) -> Digest {
        let changes = self.changes.iter().map(|it| leaves::change(&it.leaf(self.header.height)));
        let events = self.events.iter().map(|it| leaves::event(&it.0));
        let committee = self.committee.iter().map(|it| leaves::committee(&it.0));
        leaves::root(changes.chain(events).chain(committee))
    }

    /// The events; `None` when one of them is not of this version.
    pub(crate) fn events(&self) -> Option<Vec<Event>> {
        self.events.iter().map(|it| Event::from_bytes(&it.0).ok()).collect()
    }
}
