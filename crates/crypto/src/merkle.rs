//! Merkle roots over lists that grow at the end, and paths that show one element of a list.
//!
//! ```text
//!   leaf = SHA-256(00 | bytes)      node = SHA-256(01 | left | right)
//!   tree = RFC 6962: the left part is the largest power of two below the count
//!   root = SHA-256(length of domain u32 | domain | count u64 | top)      top of none: 32 zeros
//! ```
//!
//! The same tree serves a block's leaves and the chain of headers: its perfect subtrees are the
//! [`Peaks`] of a Merkle mountain range, so a root over all headers is appended to with the peaks
//! alone. A root binds the count, so a path shows the element's place too.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};
use types::{DecodeError, Digest, Reader, Wire};

/// What a root is over. Roots of different domains are never equal.
pub mod domain {
    /// A block's change leaves and event leaves.
    pub const CHANGES: &[u8] = b"furikae changes 1";
    /// A block's envelopes.
    pub const INSTRUCTIONS: &[u8] = b"furikae instructions 1";
    /// A block's witnesses.
    pub const WITNESSES: &[u8] = b"furikae witnesses 1";
    /// The digests of all earlier headers.
    pub const HEADERS: &[u8] = b"furikae headers 1";
}

/// Digest of one element.
#[must_use]
pub fn leaf(bytes: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

/// Digest of two subtrees.
#[must_use]
pub fn node(left: &Digest, right: &Digest) -> Digest {
    let hash = Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0);
    Digest(hash.finalize().into())
}

fn root(domain: &[u8], count: u64, top: &Digest) -> Digest {
    let mut bytes = Vec::new();
    count.write(&mut bytes);
    top.write(&mut bytes);
    crate::digest(domain, &bytes)
}

/// The perfect subtrees of a list, from the left: all that is needed to append to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peaks {
    count: u64,
    peaks: Vec<Digest>,
}

impl Peaks {
    /// The peaks of a list of these leaves' digests.
    #[must_use]
    pub fn of(leaves: impl IntoIterator<Item = Digest>) -> Self {
        let mut peaks = Self::default();
        leaves.into_iter().for_each(|it| {
            peaks.append(it);
        });
        peaks
    }

    /// How many elements the list has.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Appends the element with this [`leaf`] digest; returns the nodes that are complete with it,
    /// the leaf first.
    pub fn append(&mut self, leaf: Digest) -> Vec<Digest> {
        let mut made = alloc::vec![leaf];
        let mut top = leaf;
        for _ in 0..self.count.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                top = node(&left, &top);
                made.push(top);
            }
        }
        self.peaks.push(top);
        self.count = self.count.saturating_add(1);
        made
    }

    /// The root over the list.
    #[must_use]
    pub fn root(&self, domain: &[u8]) -> Digest {
        root(domain, self.count, &bag(&self.peaks))
    }
}

/// A count, then one digest for each of its one bits.
impl Wire for Peaks {
    fn write(&self, out: &mut Vec<u8>) {
        self.count.write(out);
        self.peaks.iter().for_each(|it| it.write(out));
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u64::read(from)?;
        let peaks =
            (0..count.count_ones()).map(|_| Digest::read(from)).collect::<Result<_, _>>()?;
        Ok(Self { count, peaks })
    }
}

/// The digest over neighbouring perfect subtrees, larger ones first; 32 zeros over none.
#[must_use]
pub fn bag(peaks: &[Digest]) -> Digest {
    let Some((last, others)) = peaks.split_last() else { return Digest([0; 32]) };
    others.iter().rev().fold(*last, |right, left| node(left, &right))
}

/// A perfect subtree: `2^height` elements from the one numbered `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perfect {
    /// Its first element; a multiple of its size.
    pub start: u64,
    /// Of how many levels above the leaves.
    pub height: u32,
}

/// The perfect subtrees of elements `from..to`, where `from` begins a subtree of a longer list.
fn perfects(mut from: u64, to: u64) -> Vec<Perfect> {
    let mut parts = Vec::new();
    while let Some(height) = to.saturating_sub(from).checked_ilog2() {
        parts.push(Perfect { start: from, height });
        from = from.saturating_add(1 << height);
    }
    parts
}

/// What a path of element `index` of `count` consists of, from the leaf to the top: each step is
/// the [`bag`] of these subtrees. `None` unless `index < count`.
#[must_use]
pub fn steps(index: u64, count: u64) -> Option<Vec<Vec<Perfect>>> {
    let (mut from, mut to) = (0, count);
    let mut steps = Vec::new();
    if index >= count {
        return None;
    }
    while to.saturating_sub(from) > 1 {
        let half = 1 << to.saturating_sub(from).saturating_sub(1).ilog2();
        let middle: u64 = from.saturating_add(half);
        if index < middle {
            steps.push(perfects(middle, to));
            to = middle;
        } else {
            steps.push(perfects(from, middle));
            from = middle;
        }
    }
    steps.reverse();
    Some(steps)
}

types::record! {
    /// Shows that an element stands at a place of a list with a known root.
    pub struct Path {
        /// The element's place.
        pub index: u64,
        /// How many elements the list has.
        pub count: u64,
        /// The subtrees beside the way from the leaf to the top.
        pub siblings: Vec<Digest>,
    }
}

impl Path {
    /// The path of element `index` among these leaves' digests; `None` if there is no such element.
    #[must_use]
    #[expect(clippy::disallowed_types, reason = "places in memory")]
    pub fn among(leaves: &[Digest], index: u64) -> Option<Self> {
        let count = u64::try_from(leaves.len()).ok()?;
        let peak = |it: &Perfect| {
            let start = usize::try_from(it.start).ok()?;
            let end = start.checked_add(1_usize.checked_shl(it.height)?)?;
            Peaks::of(leaves.get(start..end)?.iter().copied()).peaks.pop()
        };
        let sibling = |step: Vec<Perfect>| {
            step.iter().map(peak).collect::<Option<Vec<_>>>().map(|it| bag(&it))
        };
        let siblings = steps(index, count)?.into_iter().map(sibling).collect::<Option<_>>()?;
        Some(Self { index, count, siblings })
    }

    /// The root under which `leaf` stands by this path; `None` if the path has not the right length.
    #[must_use]
    pub fn root(&self, domain: &[u8], leaf: &Digest) -> Option<Digest> {
        let mut place = self.index;
        let mut last = self.count.checked_sub(1).filter(|last| place <= *last)?;
        let mut top = *leaf;
        for sibling in &self.siblings {
            if last == 0 {
                return None;
            }
            if place & 1 == 1 || place == last {
                top = node(sibling, &top);
                // A last element without a right neighbour rises until it has a left one.
                let levels = place.trailing_zeros();
                place = place.checked_shr(levels)?;
                last = last.checked_shr(levels)?;
            } else {
                top = node(&top, sibling);
            }
            place >>= 1;
            last >>= 1;
        }
        (last == 0).then(|| root(domain, self.count, &top))
    }
}

/// The root over these elements.
#[must_use]
pub fn root_of<'a>(domain: &[u8], elements: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    Peaks::of(elements.into_iter().map(leaf)).root(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u64) -> Vec<Digest> {
        (0..count).map(|it| leaf(&it.to_be_bytes())).collect()
    }

    #[test]
    fn every_path_of_every_short_list_leads_to_its_root_and_to_no_other() {
        for count in 0..70 {
            let leaves = leaves(count);
            let root = Peaks::of(leaves.clone()).root(b"a");
            assert_ne!(root, Peaks::of(leaves.clone()).root(b"b"));
            assert_eq!(Path::among(&leaves, count), None);
            for index in 0..count {
                let at = usize::try_from(index).unwrap();
                let path = Path::among(&leaves, index).unwrap();
                assert_eq!(path.root(b"a", &leaves[at]), Some(root), "{index} of {count}");
                for other in 0..count {
                    let moved = Path { index: other, ..path.clone() };
                    assert_eq!(moved.root(b"a", &leaves[at]) == Some(root), other == index);
                }
                let longer = Path { count: count + 1, ..path.clone() };
                assert_ne!(longer.root(b"a", &leaves[at]), Some(root));
                for cut in 0..path.siblings.len() {
                    let siblings = path.siblings[..cut].to_vec();
                    let short = Path { siblings, ..path.clone() };
                    assert_ne!(short.root(b"a", &leaves[at]), Some(root));
                }
            }
        }
    }

    #[test]
    fn a_tree_is_that_of_rfc_6962() {
        let l = leaves(5);
        let left = node(&node(&l[0], &l[1]), &node(&l[2], &l[3]));
        let top = node(&left, &l[4]);
        assert_eq!(Peaks::of(l).root(b"a"), root(b"a", 5, &top));
    }

    #[test]
    fn peaks_come_back_from_their_bytes_and_go_on() {
        let mut peaks = Peaks::of(leaves(11));
        let mut again = Peaks::from_bytes(&peaks.to_bytes()).unwrap();
        assert_eq!(again, peaks);
        peaks.append(leaf(b"x"));
        again.append(leaf(b"x"));
        assert_eq!(
            again.root(b"a"),
            Peaks::of(leaves(11).into_iter().chain([leaf(b"x")])).root(b"a")
        );
        let bytes = peaks.to_bytes();
        assert_eq!(Peaks::from_bytes(&bytes[..bytes.len() - 1]), Err(DecodeError::Truncated));
    }

    #[test]
    fn a_node_is_not_a_leaf() {
        let l = leaves(2);
        let bytes = [l[0].0, l[1].0].concat();
        assert_ne!(leaf(&bytes), node(&l[0], &l[1]));
    }
}
