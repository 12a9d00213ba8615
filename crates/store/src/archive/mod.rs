//! The archive: what each block changed, one item a height, and the tree over all headers.
//!
//! ```text
//!   put(changes of h) --> changes    height -> BlockChanges     may be pruned by age
//!                    \--> headers    height -> Header, nodes    kept for ever: 450 bytes a block
//! ```
//!
//! It is derived from the blocks, and it trusts no file. What is read is checked: changes against
//! the root that their header names, a header against its leaf in the tree, a path against the root
//! that a later header names. So one comparison at the start with a certified header
//! ([`Archive::check`]) covers all that is read later.
//!
//! Memory: about 50 bytes for each height whose changes are kept.

mod as_of;
mod config;
mod headers;
mod prove;
mod start;

pub use as_of::{AsOf, Moved};
pub use config::{Config, damaged, remove};
pub use headers::{HeaderItem, leaf};
pub use prove::{Proved, When};

use core::ops::RangeInclusive;

use bytes::Bytes;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::{
    archive::{Archive as _, Identifier, prunable},
    translator::EightCap,
};
use commonware_utils::sequence::FixedBytes;
use crypto::{
    changes::BlockChanges,
    merkle::{Path, Peaks, domain},
};
use types::{Digest, Header, LedgerTime, Wire as _};

use self::{headers::Headers, start::Start};
use crate::{Fault, state::Engine};

type Items<E> = prunable::Archive<EightCap, E, FixedBytes<32>, Bytes>;

/// The changes of each block, and all headers.
pub struct Archive<E: Engine> {
    context: E,
    config: Config,
    /// `None` after a fault: the engine gives up an archive that failed.
    changes: Option<Items<E>>,
    headers: Headers<E>,
    start: Start,
    mended: Option<RangeInclusive<u64>>,
    /// How often it was pruned since it was opened.
    pruned: u64,
}

impl<E: Engine> Archive<E> {
    /// Opens what is there, or an empty archive that begins with genesis.
    ///
    /// Headers that are lost at the end are made anew from the changes ([`Self::mended`]).
    ///
    /// # Errors
    /// [`Fault::Damaged`], naming the partition that does not open.
    pub async fn open(context: E, config: &Config) -> Result<Self, Fault> {
        let start = Start::read(context.child("start"), config).await?;
        let cache = config.cache();
        let changes = open_changes(&context, config, &cache).await?;
        let headers = Headers::open(context.child("headers"), config, &cache, &start).await?;
        let config = config.clone();
        let mut this = Self {
            context,
            config,
            changes: Some(changes),
            headers,
            start,
            mended: None,
            pruned: 0,
        };
        this.mend().await?;
        Ok(this)
    }

    /// Opens an empty archive of a node that joins with the block after those that `peaks` stand
    /// for; one that has begun goes on.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Fault::Gap`], if the archive that is there does not reach that block.
    pub async fn begin(context: E, config: &Config, peaks: Peaks) -> Result<Self, Fault> {
        let found = Self::open(context.child("found"), config).await?;
        let (end, first) = (found.headers.end(), peaks.count());
        if end >= first && (end > 0 || first == 0) {
            return Ok(found);
        }
        if end > 0 {
            return Err(found.gap_of(&config.headers(), end..=first - 1));
        }
        drop(found);
        Start { kept: first, peaks }.write(context.child("begin"), config).await?;
        Self::open(context, config).await
    }

    /// Keeps the changes of one block. Durable after [`Self::sync`]. Again is no change.
    ///
    /// # Errors
    /// [`Fault::Gap`], unless the block is the next one or known. [`Fault::Damaged`], when another
    /// block stands at its height or before it. [`Fault::Engine`], [`Fault::Closed`].
    ///
    /// # Panics
    /// When the changes are not those that the header names, or longer than 64 MiB.
    pub async fn put(&mut self, block: &BlockChanges) -> Result<(), Fault> {
        let header = &block.header;
        assert_eq!(block.root(), header.changes_root, "a header names the root over its changes");
        let (height, end) = (header.height, self.headers.end());
        if height < self.first() {
            return Err(self.damaged(height, "the archive begins later"));
        }
        if height > end {
            return Err(self.gap_of(&self.config.headers(), end..=height - 1));
        }
        if height < end {
            self.same(header).await?;
        } else {
            self.follows(header).await?;
        }
        let bytes = Bytes::from(block.to_bytes());
        assert!(bytes.len() <= config::ITEM_LEN_MAX, "a block changes less than 64 MiB");
        let changes = self.changes.take().ok_or_else(|| self.closed())?;
        let digest = FixedBytes::new(crypto::header_digest(header).0);
        let put = changes.put(height, digest, &bytes).await;
        self.changes = Some(put.map_err(|why| self.fault("put into", why))?);
        if height == end {
            self.headers.append(header).await?;
        }
        Ok(())
    }

    /// Makes all that was put durable.
    ///
    /// # Errors
    /// [`Fault::Engine`], [`Fault::Closed`].
    pub async fn sync(&mut self) -> Result<(), Fault> {
        let changes = self.changes.take().ok_or_else(|| self.closed())?;
        let (changes, headers) = futures::join!(changes.sync(), self.headers.sync());
        self.changes = Some(changes.map_err(|why| self.fault("sync", why))?);
        headers
    }

    /// Drops changes of heights below `height`, as far as they fill whole files. Headers stay.
    ///
    /// # Errors
    /// [`Fault::Engine`], [`Fault::Closed`].
    pub async fn prune(&mut self, height: u64) -> Result<(), Fault> {
        if height <= self.start.kept {
            return Ok(());
        }
        let start = Start { peaks: self.start.peaks.clone(), kept: height };
        self.pruned += 1;
        let context = self.context.child("prune").with_attribute("time", self.pruned);
        start.write(context, &self.config).await?;
        let changes = self.changes.take().ok_or_else(|| self.closed())?;
        self.changes = Some(changes.prune(height).await.map_err(|why| self.fault("prune", why))?);
        self.start = start;
        Ok(())
    }

    /// The lowest height whose changes are kept.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.start.kept
    }

    /// The highest height up to which nothing is missing.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        let (end, first) = (self.headers.end(), self.first());
        let end = self.gap(end.checked_sub(1)?).map_or(end, |gap| *gap.start());
        end.checked_sub(1).filter(|last| *last >= first)
    }

    /// The first heights up to `through` whose changes or headers are missing.
    #[must_use]
    pub fn gap(&self, through: u64) -> Option<RangeInclusive<u64>> {
        let first = self.first();
        let (end, next) = self.changes.as_ref().map_or((None, None), |it| it.next_gap(first));
        let from = end.map_or(first, |it| it + 1).min(self.headers.end().max(first));
        let to = next.map_or(through, |it| through.min(it - 1));
        (from <= through).then_some(from..=to.max(from))
    }

    /// The heights whose headers were lost and made anew from the changes when it was opened.
    #[must_use]
    pub const fn mended(&self) -> Option<&RangeInclusive<u64>> {
        self.mended.as_ref()
    }

    /// Compares with a certified header: it stands there, nothing is missing up to it, and the tree
    /// over the headers before it has the root that it names. Cost: as many reads as the tree has levels.
    ///
    /// # Errors
    /// [`Fault::Gap`], [`Fault::Damaged`], [`Fault::Closed`].
    pub async fn check(&self, certified: &Header) -> Result<(), Fault> {
        let height = certified.height;
        if let Some(gap) = self.gap(height) {
            return Err(self.gap_of(&self.config.changes(), gap));
        }
        self.same(certified).await?;
        let root = self.headers.root(height).await?;
        if height > 0 && root.is_some_and(|it| it != certified.headers_root) {
            let why = "the tree over the headers before it has not the certified root";
            return Err(self.headers.damaged(height, why));
        }
        Ok(())
    }

    /// What the block of `height` changed; `None` if that is not kept.
    ///
    /// # Errors
    /// [`Fault::Damaged`], when it is not what the header names. [`Fault::Closed`].
    pub async fn get(&self, height: u64) -> Result<Option<BlockChanges>, Fault> {
        let changes = self.changes.as_ref().ok_or_else(|| self.closed())?;
        let bytes = changes.get(Identifier::Index(height)).await;
        let Some(bytes) = bytes.map_err(|why| self.damaged(height, why))? else { return Ok(None) };
        let block = BlockChanges::from_bytes(&bytes).map_err(|why| self.damaged(height, why))?;
        if block.root() != block.header.changes_root {
            return Err(self.damaged(height, "the changes are not those that the header names"));
        }
        if let Some(item) = self.headers.item(height).await?
            && item.header != block.header
        {
            return Err(self.damaged(height, "the header is not that of the tree"));
        }
        Ok(Some(block))
    }

    /// The header of `height`; `None` if it is not kept.
    ///
    /// # Errors
    /// [`Fault::Damaged`], [`Fault::Closed`].
    pub async fn header(&self, height: u64) -> Result<Option<Header>, Fault> {
        Ok(self.headers.item(height).await?.map(|it| it.header))
    }

    /// The path of the header of `height` under the root over the headers of heights below `count`,
    /// which the header of height `count` names; `None` if there is no such header or it is not kept.
    ///
    /// # Errors
    /// [`Fault::Damaged`], when the path does not lead there. [`Fault::Closed`].
    pub async fn path(&self, height: u64, count: u64) -> Result<Option<Path>, Fault> {
        self.headers.path(height, count).await
    }

    /// The tree over all headers so far.
    #[must_use]
    pub const fn peaks(&self) -> &Peaks {
        self.headers.peaks()
    }

    /// The root over all headers so far: what the next header names.
    #[must_use]
    pub fn headers_root(&self) -> Digest {
        self.headers.peaks().root(domain::HEADERS)
    }

    /// The height of the last header whose time is not later; `None` if the first is.
    ///
    /// Cost: as many reads as the tree has levels.
    ///
    /// # Errors
    /// [`Fault::Damaged`], [`Fault::Closed`].
    pub async fn at_time(&self, time: LedgerTime) -> Result<Option<u64>, Fault> {
        let (mut low, mut high) = (self.start.first(), self.headers.end());
        while low < high {
            let middle = low + (high - low) / 2;
            let header = self.header(middle).await?;
            let header = header.ok_or_else(|| self.headers.damaged(middle, "it is lost"))?;
            if header.time <= time { low = middle + 1 } else { high = middle }
        }
        Ok(low.checked_sub(1).filter(|it| *it >= self.start.first()))
    }

    /// Headers that are lost at the end, from the changes.
    async fn mend(&mut self) -> Result<(), Fault> {
        let from = self.headers.end();
        while let Some(block) = self.get(self.headers.end()).await? {
            self.follows(&block.header).await?;
            self.headers.append(&block.header).await?;
        }
        let end = self.headers.end();
        if from < end {
            tracing::warn!(from, to = end - 1, "headers were lost and made anew from the changes");
            self.mended = Some(from..=end - 1);
            self.headers.sync().await?;
        }
        Ok(())
    }

    /// Whether `header` is the one at its height.
    async fn same(&self, header: &Header) -> Result<(), Fault> {
        match self.headers.item(header.height).await? {
            Some(item) if item.header == *header => Ok(()),
            Some(_) => Err(self.headers.damaged(header.height, "another block stands there")),
            None if header.height < self.start.first() => Ok(()),
            None => Err(self.headers.damaged(header.height, "it is lost")),
        }
    }

    /// Whether `header` goes on from the headers before it.
    async fn follows(&self, header: &Header) -> Result<(), Fault> {
        let height = header.height;
        if height == 0 {
            return Ok(());
        }
        if let Some(before) = self.headers.item(height - 1).await?
            && crypto::header_digest(&before.header) != header.parent
        {
            return Err(self.headers.damaged(height - 1, "another block stands there"));
        }
        if self.headers_root() != header.headers_root {
            let why = "the tree over the headers so far has not the root that the next names";
            return Err(self.headers.damaged(height, why));
        }
        Ok(())
    }

    fn gap_of(&self, file: &str, heights: RangeInclusive<u64>) -> Fault {
        Fault::Gap { file: file.to_owned(), from: *heights.start(), to: *heights.end() }
    }

    fn damaged(&self, height: u64, why: impl core::fmt::Display) -> Fault {
        Fault::damaged(&self.config.changes(), format_args!("height {height}: {why}"))
    }

    fn fault(&self, what: &str, why: impl core::fmt::Display) -> Fault {
        Fault::engine(&format!("{what} {}", self.config.changes()), why)
    }

    fn closed(&self) -> Fault {
        Fault::Closed(self.config.changes())
    }
}

async fn open_changes<E: Engine>(
    context: &E,
    config: &Config,
    cache: &CacheRef,
) -> Result<Items<E>, Fault> {
    let engine = config::of_changes(config, cache);
    let opened = Items::init(context.child("changes"), engine).await;
    opened.map_err(|why| Fault::damaged(&config.changes(), why))
}
