//! All headers, one item a height, each with the nodes of the tree that were complete with it.
//!
//! ```text
//!   height     0    1      2    3           nodes stored with the header of a height:
//!   leaf       a    b      c    d             0: a     1: b ab     2: c     3: d cd abcd
//!                 ab          cd
//!                      abcd                 so the subtree of 2^k heights from s stands with the
//!                                           header of s + 2^k - 1, as its node k
//! ```
//!
//! A path through any past tree is read from as many items as the tree has levels.

use std::collections::BTreeMap;

use bytes::Bytes;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::journal::contiguous::{Contiguous as _, variable::Journal};
use crypto::merkle::{self, Path, Peaks, Perfect, domain};
use types::{Digest, Header, Wire as _};

use super::{
    Config, config,
    start::{self, Start},
};
use crate::{Fault, state::Engine};

types::record! {
    /// A header as it is stored, and the nodes of the tree over headers that its leaf completes.
    pub struct HeaderItem {
        /// The header.
        pub header: Header,
        /// Its leaf first, then the subtrees of 2, 4, 8 .. heights that end with it.
        pub nodes: Vec<Digest>,
    }
}

/// The leaf of a header in the tree over all headers.
#[must_use]
pub fn leaf(header: &Header) -> Digest {
    crypto::header_leaf(&crypto::header_digest(header))
}

/// The headers' file.
pub(super) struct Headers<E: Engine> {
    /// `None` after a fault: the engine gives up a journal that failed.
    journal: Option<Journal<E, Bytes>>,
    /// Nodes over heights before the first header that is kept.
    before: BTreeMap<(u64, u32), Digest>,
    /// Over all headers that are kept or were before them.
    peaks: Peaks,
    file: String,
}

impl<E: Engine> Headers<E> {
    pub async fn open(
        context: E,
        config: &Config,
        cache: &CacheRef,
        start: &Start,
    ) -> Result<Self, Fault> {
        let file = config.headers();
        let damaged = |why| Fault::damaged(&file, why);
        let engine = config::of_headers(config, cache);
        let mut journal =
            Journal::init(context.child("journal"), engine.clone()).await.map_err(damaged)?;
        if journal.bounds().end < start.first() {
            drop(journal);
            let context = context.child("first");
            journal =
                Journal::init_at_size(context, engine, start.first()).await.map_err(damaged)?;
        }
        let before = start.nodes();
        let end = journal.bounds().end;
        let mut this = Self { journal: Some(journal), before, peaks: Peaks::default(), file };
        this.peaks =
            this.peaks_of(end).await?.ok_or_else(|| this.damaged(end, "nodes are lost"))?;
        Ok(this)
    }

    /// One past the highest height.
    pub const fn end(&self) -> u64 {
        self.peaks.count()
    }

    /// The tree over all headers so far.
    pub const fn peaks(&self) -> &Peaks {
        &self.peaks
    }

    /// Appends the header of height [`Self::end`]; durable after [`Self::sync`].
    pub async fn append(&mut self, header: &Header) -> Result<(), Fault> {
        assert_eq!(header.height, self.end(), "headers come in their order");
        let nodes = self.peaks.append(leaf(header));
        let item = HeaderItem { header: header.clone(), nodes }.to_bytes().into();
        let journal = self.journal.take().ok_or_else(|| Fault::Closed(self.file.clone()))?;
        let (journal, _) = journal.append(&item).await.map_err(|why| self.fault("append", why))?;
        self.journal = Some(journal);
        Ok(())
    }

    pub async fn sync(&mut self) -> Result<(), Fault> {
        let journal = self.journal.take().ok_or_else(|| Fault::Closed(self.file.clone()))?;
        self.journal = Some(journal.sync().await.map_err(|why| self.fault("sync", why))?);
        Ok(())
    }

    /// The item of `height`; `None` if it is not kept.
    pub async fn item(&self, height: u64) -> Result<Option<HeaderItem>, Fault> {
        let journal = self.journal.as_ref().ok_or_else(|| Fault::Closed(self.file.clone()))?;
        if !journal.bounds().contains(&height) {
            return Ok(None);
        }
        let bytes = journal.read(height).await.map_err(|why| self.damaged(height, why))?;
        let item = HeaderItem::from_bytes(&bytes).map_err(|why| self.damaged(height, why))?;
        let levels = usize::try_from(height.trailing_ones()).expect("at most 64");
        if item.header.height != height {
            return Err(self.damaged(height, "a header of another height stands there"));
        }
        if item.nodes.len() != levels + 1 || item.nodes[0] != leaf(&item.header) {
            return Err(self.damaged(height, "the nodes are not those of the header"));
        }
        Ok(Some(item))
    }

    /// A node of the tree; `None` if neither it nor what it is made of is kept.
    async fn node(&self, place: Perfect) -> Result<Option<Digest>, Fault> {
        if let Some(known) = self.before.get(&(place.start, place.height)) {
            return Ok(Some(*known));
        }
        let last = place.start + ((1 << place.height) - 1);
        let level = usize::try_from(place.height).expect("at most 64");
        Ok(self.item(last).await?.map(|item| item.nodes[level]))
    }

    /// The tree over the headers of heights below `count`.
    async fn peaks_of(&self, count: u64) -> Result<Option<Peaks>, Fault> {
        let mut digests = Vec::new();
        for place in start::perfects(count) {
            let Some(node) = self.node(place).await? else { return Ok(None) };
            digests.push(node);
        }
        Ok(Some(start::peaks(count, &digests)))
    }

    /// The root over the headers of heights below `count`, made of the nodes that are kept.
    pub async fn root(&self, count: u64) -> Result<Option<Digest>, Fault> {
        Ok(self.peaks_of(count).await?.map(|it| it.root(domain::HEADERS)))
    }

    /// The path of the header of `height` under the root over the headers below `count`.
    pub async fn path(&self, height: u64, count: u64) -> Result<Option<Path>, Fault> {
        if count > self.end() {
            return Ok(None);
        }
        let Some(steps) = merkle::steps(height, count) else { return Ok(None) };
        let Some(item) = self.item(height).await? else { return Ok(None) };
        let mut siblings = Vec::new();
        for step in steps {
            let mut peaks = Vec::new();
            for place in step {
                let Some(node) = self.node(place).await? else { return Ok(None) };
                peaks.push(node);
            }
            siblings.push(merkle::bag(&peaks));
        }
        let path = Path { index: height, count, siblings };
        let root = path.root(domain::HEADERS, &item.nodes[0]);
        let named = match self.item(count).await? {
            Some(next) => next.header.headers_root,
            None => self.peaks.root(domain::HEADERS),
        };
        if root == Some(named) {
            Ok(Some(path))
        } else {
            Err(self.damaged(
                height,
                format_args!("its path does not lead to the root over {count} headers"),
            ))
        }
    }

    pub(super) fn damaged(&self, height: u64, why: impl core::fmt::Display) -> Fault {
        Fault::damaged(&self.file, format_args!("height {height}: {why}"))
    }

    fn fault(&self, what: &str, why: impl core::fmt::Display) -> Fault {
        Fault::engine(&format!("{what} {}", self.file), why)
    }
}
