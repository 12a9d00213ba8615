//! The leaves under a block's changes root, in this order: changed rows by key, events in the order
//! told, the next epoch's committee if the block is an epoch's last.
//!
//! A leaf's first byte says which it is, so none can be taken for another.

use alloc::vec::Vec;

use types::{ChangeLeaf, Digest, Wire};

use crate::merkle::{self, Peaks, domain};

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
