//! What a block changed, and the leaves of it under the block's changes root, in this order: changed
//! rows by key, events in the order told, the next epoch's committee if the block is an epoch's last.
//!
//! A leaf's first byte says which it is, so none can be taken for another.

use alloc::vec::Vec;

use types::{Bytes, ChangeLeaf, Digest, Header, Wire};

use crate::merkle::{self, Path, Peaks, domain};

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
        /// The next epoch's [`types::Committee`], if the block is an epoch's last.
        pub committee: Option<Bytes>,
    }
}

impl Change {
    /// The change as it stands under the root of the block of this height.
    #[must_use]
    pub fn leaf(&self, height: u64) -> ChangeLeaf {
        let value = self.new.as_ref().map_or(Digest([0; 32]), |it| crate::sha256(&it.0));
        ChangeLeaf { key: Bytes(self.key.to_vec()), height, previous: self.previous, value }
    }
}

impl BlockChanges {
    /// A block that changed nothing and told nothing, as genesis does.
    #[must_use]
    pub const fn nothing(header: Header) -> Self {
        Self { header, changes: Vec::new(), events: Vec::new(), committee: None }
    }

    /// The leaves' digests, in their order.
    pub fn leaves(&self) -> impl Iterator<Item = Digest> {
        let changes = self.changes.iter().map(|it| change(&it.leaf(self.header.height)));
        let events = self.events.iter().map(|it| event(&it.0));
        changes.chain(events).chain(self.committee.iter().map(|it| committee(&it.0)))
    }

    /// The place of the event numbered `place`; `None` if there is none.
    #[must_use]
    pub fn event_path(&self, place: u32) -> Option<Path> {
        let place = u64::from(place);
        let (changes, events) = (count(&self.changes)?, count(&self.events)?);
        let leaves: Vec<Digest> = self.leaves().collect();
        (place < events).then(|| Path::among(&leaves, changes.checked_add(place)?))?
    }

    /// The change of the row with this key and its place; `None` if it did not change.
    #[must_use]
    pub fn change_path(&self, key: &[u8; 48]) -> Option<(ChangeLeaf, Path)> {
        let place = self.changes.iter().position(|it| it.key == *key)?;
        let leaf = self.changes.get(place)?.leaf(self.header.height);
        let leaves: Vec<Digest> = self.leaves().collect();
        Some((leaf, Path::among(&leaves, u64::try_from(place).ok()?)?))
    }

    /// The changes root over what stands here.
    #[must_use]
    pub fn root(&self) -> Digest {
        root(self.leaves())
    }
}

/// The leaf of one changed row.
#[must_use]
pub fn change(leaf: &ChangeLeaf) -> Digest {
    tagged(0, &leaf.to_bytes())
}

/// The leaf of one event's bytes.
#[must_use]
pub fn event(bytes: &[u8]) -> Digest {
    tagged(1, bytes)
}

/// The leaf of the next epoch's committee.
#[must_use]
pub fn committee(bytes: &[u8]) -> Digest {
    tagged(2, bytes)
}

/// The changes root over these leaves, in their order.
#[must_use]
pub fn root(leaves: impl IntoIterator<Item = Digest>) -> Digest {
    Peaks::of(leaves).root(domain::CHANGES)
}

fn count<T>(list: &[T]) -> Option<u64> {
    u64::try_from(list.len()).ok()
}

fn tagged(tag: u8, bytes: &[u8]) -> Digest {
    let mut tagged = Vec::with_capacity(bytes.len().saturating_add(1));
    tagged.push(tag);
    tagged.extend_from_slice(bytes);
    merkle::leaf(&tagged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_as_another_kind_of_leaf_are_another_leaf() {
        let leaf = ChangeLeaf {
            key: types::Bytes(alloc::vec![1; 48]),
            height: 2,
            previous: 1,
            value: Digest([3; 32]),
        };
        let bytes = leaf.to_bytes();
        assert_ne!(change(&leaf), event(&bytes));
        assert_ne!(event(&bytes), committee(&bytes));
    }
}
