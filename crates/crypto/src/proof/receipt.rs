//! Receipts: an event was told by a block that is final.

use alloc::vec::Vec;

use types::{Bytes, ChainId, Committee, Header};

use super::False;
use crate::{
    certificate::Certified,
    changes,
    merkle::{Path, domain},
};

types::record! {
    /// An event, the block that told it, and what makes the block final.
    pub struct Receipt {
        /// The event, as the rules wrote it.
        pub event: Bytes,
        /// Its place under the changes root of the first header.
        pub path: Path,
        /// The header of its block, and those from there to the certified one, each the parent of the next.
        pub headers: Vec<Header>,
        /// The certificate over the last header.
        pub certificate: Bytes,
    }
}

impl Receipt {
    /// A receipt of the event at `place` of the first block, from blocks that follow one another, the last of
    /// them with a certificate. `None`, if they are not so, or if there is no such event.
    #[must_use]
    pub fn of(blocks: &[Certified], place: u32) -> Option<Self> {
        let (first, last) = (&blocks.first()?.changes, blocks.last()?);
        let certificate = last.certificate.clone()?;
        let event = first.events.iter().zip(0..).find(|it| it.1 == place)?.0.clone();
        let headers = blocks.iter().map(|it| it.changes.header.clone()).collect();
        Some(Self { event, path: first.event_path(place)?, headers, certificate })
    }

    /// The header of the block that told the event, if all of it is true.
    ///
    /// # Errors
    /// The first [`False`] that fits.
    pub fn check(&self, chain: &ChainId, committee: &Committee) -> Result<&Header, False> {
        let (first, last) = self.headers.first().zip(self.headers.last()).ok_or(False::NoHeader)?;
        super::certified(last, &self.certificate.0, chain, committee)?;
        let mut pairs = self.headers.iter().zip(self.headers.iter().skip(1));
        if pairs.any(|(it, next)| next.parent != crate::header_digest(it)) {
            return Err(False::NotItsParent);
        }
        let root = self.path.root(domain::CHANGES, &changes::event(&self.event.0));
        if root != Some(first.changes_root) {
            return Err(False::EventNotInBlock);
        }
        Ok(first)
    }
}
