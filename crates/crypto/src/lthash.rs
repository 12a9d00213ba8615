//! One digest over a set that changes: LtHash, with 1,024 lanes of 16 bits.
//!
//! ```text
//!   element --BLAKE3, 2,048 bytes of output--> lanes, added or subtracted modulo 2^16
//!   digest = SHA-256 of the lanes, each in little-endian order
//! ```
//!
//! Adding and subtracting cost the same however large the set is, and their order does not matter. An
//! element that is added 2^16 times vanishes, so a set holds each element once.

use sha2::{Digest as _, Sha256};
use types::Digest;

/// The sum over the elements of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LtHash {
    lanes: [u16; 1024],
}

impl Default for LtHash {
    /// The sum over no element.
    fn default() -> Self {
        Self { lanes: [0; 1024] }
    }
}

impl LtHash {
    /// Adds an element.
    pub fn add(&mut self, element: &[u8]) {
        self.change(element, u16::wrapping_add);
    }

    /// Takes an element out that was added before.
    pub fn subtract(&mut self, element: &[u8]) {
        self.change(element, u16::wrapping_sub);
    }

    /// The digest of the set.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.to_bytes()).into())
    }

    /// The lanes, in their order.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 2048] {
        let mut bytes = [0; 2048];
        for (two, lane) in bytes.as_chunks_mut().0.iter_mut().zip(self.lanes) {
            *two = lane.to_le_bytes();
        }
        bytes
    }

    /// The sum whose lanes these are.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 2048]) -> Self {
        let mut lanes = [0; 1024];
        for (lane, two) in lanes.iter_mut().zip(bytes.as_chunks().0) {
            *lane = u16::from_le_bytes(*two);
        }
        Self { lanes }
    }

    fn change(&mut self, element: &[u8], by: fn(u16, u16) -> u16) {
        let mut expanded = [0; 2048];
        blake3::Hasher::new().update(element).finalize_xof().fill(&mut expanded);
        for (lane, other) in self.lanes.iter_mut().zip(Self::from_bytes(&expanded).lanes) {
            *lane = by(*lane, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(elements: &[&[u8]]) -> LtHash {
        let mut sum = LtHash::default();
        elements.iter().for_each(|it| sum.add(it));
        sum
    }

    #[test]
    fn order_does_not_matter_and_what_is_subtracted_is_gone() {
        let mut sum = of(&[b"a", b"b", b"c"]);
        assert_eq!(sum, of(&[b"c", b"a", b"b"]));
        sum.subtract(b"b");
        assert_eq!(sum, of(&[b"a", b"c"]));
        assert_ne!(sum.digest(), of(&[b"a", b"b"]).digest());
        sum.subtract(b"a");
        sum.subtract(b"c");
        assert_eq!(sum, LtHash::default());
    }

    #[test]
    fn the_bytes_come_back() {
        let sum = of(&[b"one", b"two"]);
        assert_eq!(LtHash::from_bytes(&sum.to_bytes()), sum);
    }

    #[test]
    fn the_lanes_of_one_element_are_its_output_of_blake3() {
        // The first bytes that BLAKE3 gives for "abc".
        let begins = [0x64, 0x37, 0xb3, 0xac, 0x38, 0x46, 0x51, 0x33];
        assert_eq!(of(&[b"abc"]).to_bytes()[..8], begins);
    }

    #[test]
    fn two_equal_elements_are_not_none() {
        assert_ne!(of(&[b"a", b"a"]), LtHash::default());
        assert_ne!(of(&[b"a", b"a"]), of(&[b"a"]));
    }
}
