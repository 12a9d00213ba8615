//! Blocks to keep, and files to damage.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::collections::BTreeMap;

use commonware_runtime::{Blob as _, ReadOptions, Storage as _, WriteOptions, deterministic};
use crypto::{
    changes::{BlockChanges, Change},
    merkle::{Peaks, domain},
};
use store::{Class, Key, archive};
use types::{Bytes, ChainId, Digest, Header, LedgerTime, PublicKey};

pub type Context = deterministic::Context;

pub fn key(class: Class, name: u64) -> Key {
    let mut key = [0; 48];
    key[40..].copy_from_slice(&name.to_be_bytes());
    key[0] = [0x01, 0x41, 0x81][class as usize];
    key
}

/// Chains blocks as a market does, and remembers where each row changed last.
#[derive(Default)]
pub struct Chain {
    pub blocks: Vec<BlockChanges>,
    pub peaks: Peaks,
    rows: BTreeMap<Key, (u64, Vec<u8>)>,
}

impl Chain {
    /// Genesis and the blocks up to `height`.
    pub fn to(height: u64) -> Self {
        let mut chain = Self::default();
        for height in 0..=height {
            chain.grow(&writes(height));
        }
        chain
    }

    pub fn newest(&self) -> &BlockChanges {
        self.blocks.last().expect("there is genesis")
    }

    /// Where the row changed last.
    pub fn changed(&self, key: &Key) -> u64 {
        self.rows[key].0
    }

    /// One more block that writes these rows.
    pub fn grow(&mut self, writes: &BTreeMap<Key, Vec<u8>>) {
        let height = self.peaks.count();
        let change = |(key, value): (&Key, &Vec<u8>)| {
            let before = self.rows.get(key);
            let old = before.map(|it| Bytes(it.1.clone()));
            let previous = before.map_or(0, |it| it.0);
            Change { key: *key, previous, old, new: Some(Bytes(value.clone())) }
        };
        let changes: Vec<_> = writes.iter().map(change).collect();
        let events = vec![Bytes(format!("told at {height}").into_bytes())];
        let mut block =
            BlockChanges { header: self.header(height), changes, events, committee: None };
        block.header.changes_root = block.root();
        self.rows.extend(writes.iter().map(|(key, value)| (*key, (height, value.clone()))));
        self.peaks.append(archive::leaf(&block.header));
        self.blocks.push(block);
    }

    fn header(&self, height: u64) -> Header {
        let parent =
            self.blocks.last().map_or(Digest([0; 32]), |it| crypto::header_digest(&it.header));
        Header {
            time: time(height),
            view: height,
            leader: PublicKey([9; 32]),
            parent_view: height.saturating_sub(1),
            parent,
            headers_root: self.peaks.root(domain::HEADERS),
            ..Header::blank(ChainId([7; 32]), height)
        }
    }
}

/// When a block is.
pub fn time(height: u64) -> LedgerTime {
    LedgerTime(1_000 + 10 * height)
}

/// Row 0 changes in every block, row 1 in genesis and every third, and each block has a row of its own.
fn writes(height: u64) -> BTreeMap<Key, Vec<u8>> {
    let small = |name| key(Class::Small, name);
    let mut rows = BTreeMap::from([
        (small(0), height.to_be_bytes().to_vec()),
        (small(1_000 + height), vec![1; 60]),
    ]);
    if height.is_multiple_of(3) {
        rows.insert(small(1), format!("third {height}").into_bytes());
    }
    rows
}

/// The bytes of every file of some partitions.
#[derive(Clone, PartialEq, Eq)]
pub struct Files(pub BTreeMap<(String, Vec<u8>), Vec<u8>>);

impl Files {
    /// Reads them. Nothing may have them open.
    pub async fn read(context: &Context, partitions: &[String]) -> Self {
        let mut files = BTreeMap::new();
        for partition in partitions {
            let names = context.scan(partition).await;
            let names = names.unwrap_or_else(|why| panic!("{partition}: {why}"));
            for name in names {
                let (blob, len) = context.open(partition, &name).await.expect("it opens");
                let len = usize::try_from(len).expect("it fits memory");
                let bytes = blob.read_at(0, len, ReadOptions::default()).await.expect("it reads");
                files.insert((partition.clone(), name), bytes.coalesce().as_ref().to_vec());
            }
        }
        Self(files)
    }

    /// Puts them back as they were, and nothing beside them.
    pub async fn restore(&self, context: &Context, partitions: &[String]) {
        for partition in partitions {
            context.remove(partition, None).await.expect("it goes");
        }
        for ((partition, name), bytes) in &self.0 {
            let (blob, _) = context.open(partition, name).await.expect("it is made");
            blob.write_at(0, bytes.clone(), WriteOptions::default()).await.expect("it is written");
            blob.sync().await.expect("it is durable");
        }
    }

    /// The same with one byte changed.
    pub fn with_flip(&self, file: &(String, Vec<u8>), at: usize) -> Self {
        let mut other = self.clone();
        other.0.get_mut(file).expect("it is one of them")[at] ^= 0x20;
        other
    }
}

/// Places of a file of `len` bytes to damage: all of a short one.
pub fn places(len: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by((len / count).max(1))
}
