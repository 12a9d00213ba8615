//! Agreed time. There is no other kind in the rules.

use alloc::vec::Vec;

use crate::{DecodeError, Reader, Wire};

/// Milliseconds since 1970-01-01T00:00:00Z, as agreed by the block. Never read from a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerTime(pub u64);

impl Wire for LedgerTime {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Wire::read(from).map(Self)
    }
}
