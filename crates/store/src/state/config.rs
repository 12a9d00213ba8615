//! Sizes of the state's files and caches. What is fixed for the life of the data says so.

use core::num::{NonZeroU64, NonZeroUsize};

use commonware_parallel::Sequential;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::{
    journal::contiguous::fixed::Config as LogConfig,
    merkle::full::Config as MerkleConfig,
    qmdb::any::FixedConfig,
    translator::{EightCap, Hashed},
};
use commonware_utils::{NZU16, NZU64, NZUsize};

use super::Engine;
use crate::{Class, Fault, partition};

/// Bytes of one page of the cache: with its checksum, exactly four kibibytes.
const PAGE_LEN: u16 = 4096 - 12;
/// Buffer before each open file, in bytes.
const WRITE_BUFFER_LEN: NonZeroUsize = NZUsize!(64 * 1024);
/// Buffer to read a log at the start, in bytes.
const REPLAY_BUFFER_LEN: NonZeroUsize = NZUsize!(256 * 1024);
/// Nodes in one file of a tree. Fixed for the life of the data.
const NODES_PER_FILE: NonZeroU64 = NZU64!(1 << 18);

/// How one node keeps its state.
#[derive(Clone)]
pub struct Config {
    /// First part of the partitions' names; the rest is `-192-log`, `-192-tree` and so on.
    pub prefix: String,
    /// Pages of 4 KiB that are kept in memory, for all three databases together. 2,048 = 8 MiB.
    pub pages: NonZeroUsize,
    /// Rows expected in a class. Too few makes opening ten times slower, never wrong.
    pub rows: NonZeroUsize,
    /// Salt of the index in memory, unknown to others. Changes no root.
    pub salt: u64,
}

impl Config {
    /// A small node's state: 8 MiB of cache, 65,536 rows a class.
    #[must_use]
    pub fn small(prefix: &str, salt: u64) -> Self {
        Self { prefix: prefix.to_owned(), pages: NZUsize!(2048), rows: NZUsize!(65_536), salt }
    }
}

type One = FixedConfig<Hashed<EightCap>, Sequential>;

/// The engine's configuration, one for each class.
pub type Configs = (One, One, One);

/// The engine's configuration that `config` stands for.
#[must_use]
pub fn configs(config: &Config) -> Configs {
    let cache = CacheRef::new(NZU16!(PAGE_LEN), config.pages);
    (
        one(config, Class::SMALL, NZU64!(1 << 16), &cache),
        one(config, Class::MEDIUM, NZU64!(1 << 15), &cache),
        one(config, Class::LARGE, NZU64!(1 << 13), &cache),
    )
}

/// The partition of rows of `size` bytes, without its last part.
pub(super) fn partition(prefix: &str, size: usize) -> String {
    format!("{prefix}-{size}")
}

/// The partitions of a state.
fn partitions(config: &Config) -> impl Iterator<Item = String> + '_ {
    const PARTS: [&str; 5] = ["log-blobs", "log-metadata", "tree-blobs", "tree-metadata", "pins"];
    [Class::SMALL, Class::MEDIUM, Class::LARGE].into_iter().flat_map(move |size| {
        PARTS.iter().map(move |part| format!("{}-{part}", partition(&config.prefix, size)))
    })
}

/// What is damaged in the files of a state that nobody has open: every byte of every page is read, those
/// too that the state needs no longer.
pub async fn damaged<E: Engine>(context: &E, config: &Config) -> Vec<Fault> {
    let paged = partitions(config).filter(|it| it.ends_with("-blobs"));
    crate::pages::damaged(context, paged).await
}

/// The first partition of a state that is not there; `None` of a state that has all of them.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn missing<E: Engine>(context: &E, config: &Config) -> Result<Option<String>, Fault> {
    for partition in partitions(config).filter(|it| it.ends_with("-blobs")) {
        if partition::files(context, &partition).await?.is_empty() {
            return Ok(Some(partition));
        }
    }
    Ok(None)
}

/// Removes a state that nobody has open, to make it anew.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn remove<E: Engine>(context: &E, config: &Config) -> Result<(), Fault> {
    for partition in partitions(config) {
        partition::remove(context, &partition).await?;
    }
    Ok(())
}

fn one(config: &Config, size: usize, rows_per_file: NonZeroU64, cache: &CacheRef) -> One {
    let partition = partition(&config.prefix, size);
    FixedConfig {
        merkle_config: MerkleConfig {
            journal_partition: format!("{partition}-tree"),
            metadata_partition: format!("{partition}-pins"),
            items_per_blob: NODES_PER_FILE,
            write_buffer: WRITE_BUFFER_LEN,
            replay_buffer: REPLAY_BUFFER_LEN,
            strategy: Sequential,
            page_cache: cache.clone(),
        },
        journal_config: LogConfig {
            partition: format!("{partition}-log"),
            items_per_blob: rows_per_file,
            page_cache: cache.clone(),
            write_buffer: WRITE_BUFFER_LEN,
            replay_buffer: REPLAY_BUFFER_LEN,
        },
        translator: Hashed::from_seed(config.salt, EightCap),
        init_cache: Some(config.rows),
        init_buffer: NZUsize!(1 << 20),
        init_concurrency: (),
    }
}
