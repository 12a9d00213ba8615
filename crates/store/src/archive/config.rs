//! Names and sizes of the archive's files. What is fixed for the life of the data says so.

use core::num::{NonZeroU16, NonZeroU64, NonZeroUsize};

use commonware_codec::RangeCfg;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::{archive::prunable, journal::contiguous::variable, metadata, translator};
use commonware_utils::{NZU16, NZU64, NZUsize};

use crate::{Fault, partition, state::Engine};

/// Bytes of one page of the cache: with its checksum, exactly four kibibytes.
const PAGE_LEN: NonZeroU16 = NZU16!(4096 - 12);
/// Heights in one file. Fixed for the life of the data. Every file stays open: at one block a
/// second a file lasts 18 hours.
const HEIGHTS_PER_FILE: NonZeroU64 = NZU64!(1 << 16);
/// Buffer before each open file, in bytes.
const WRITE_BUFFER_LEN: NonZeroUsize = NZUsize!(64 * 1024);
/// Buffer to read an index at the start, in bytes.
const REPLAY_BUFFER_LEN: NonZeroUsize = NZUsize!(256 * 1024);
/// Longest item, in bytes: the changes of one block.
pub(super) const ITEM_LEN_MAX: usize = 64 << 20;

/// How one node keeps its archive.
#[derive(Clone)]
pub struct Config {
    /// First part of the partitions' names; the rest is `-changes-values`, `-headers` and so on.
    pub prefix: String,
    /// Pages of 4 KiB that are kept in memory. 512 = 2 MiB.
    pub pages: NonZeroUsize,
}

impl Config {
    /// A small node's archive: 2 MiB of cache.
    #[must_use]
    pub fn small(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), pages: NZUsize!(512) }
    }

    /// The partition of the changes, without its last part.
    pub(super) fn changes(&self) -> String {
        format!("{}-changes", self.prefix)
    }

    /// The partition of the headers, without its last part.
    pub(super) fn headers(&self) -> String {
        format!("{}-headers", self.prefix)
    }

    /// The partition that says where the archive begins.
    pub(super) fn start(&self) -> String {
        format!("{}-start", self.prefix)
    }

    /// All of them.
    fn partitions(&self) -> [String; 7] {
        let (changes, headers) = (self.changes(), self.headers());
        [
            format!("{changes}-marks"),
            format!("{changes}-index"),
            format!("{changes}-values"),
            format!("{headers}_data"),
            format!("{headers}_offsets-blobs"),
            format!("{headers}_offsets-metadata"),
            self.start(),
        ]
    }

    pub(super) fn cache(&self) -> CacheRef {
        CacheRef::new(PAGE_LEN, self.pages)
    }
}

/// A range of lengths that items may have.
pub(super) type Lengths = RangeCfg<usize>;

fn lengths() -> Lengths {
    RangeCfg::from(0..=ITEM_LEN_MAX)
}

pub(super) fn of_changes(
    config: &Config,
    cache: &CacheRef,
) -> prunable::Config<translator::EightCap, Lengths> {
    let partition = config.changes();
    prunable::Config {
        translator: translator::EightCap,
        metadata_partition: format!("{partition}-marks"),
        key_partition: format!("{partition}-index"),
        key_page_cache: cache.clone(),
        value_partition: format!("{partition}-values"),
        compression: None,
        codec_config: lengths(),
        items_per_section: HEIGHTS_PER_FILE,
        key_write_buffer: WRITE_BUFFER_LEN,
        value_write_buffer: WRITE_BUFFER_LEN,
        replay_buffer: REPLAY_BUFFER_LEN,
    }
}

pub(super) fn of_headers(config: &Config, cache: &CacheRef) -> variable::Config<Lengths> {
    variable::Config {
        partition: config.headers(),
        items_per_section: HEIGHTS_PER_FILE,
        compression: None,
        codec_config: lengths(),
        page_cache: cache.clone(),
        write_buffer: WRITE_BUFFER_LEN,
        replay_buffer: REPLAY_BUFFER_LEN,
    }
}

pub(super) fn of_start(config: &Config) -> metadata::Config<Lengths> {
    metadata::Config { partition: config.start(), codec_config: lengths() }
}

/// What is damaged in the files of an archive that nobody has open and that consist of pages.
pub async fn damaged<E: Engine>(context: &E, config: &Config) -> Vec<Fault> {
    let paged = ["-changes-index", "-headers_data", "-headers_offsets-blobs"];
    let partitions = config.partitions().into_iter();
    let paged = partitions.filter(|it| paged.iter().any(|end| it.ends_with(end)));
    crate::pages::damaged(context, paged).await
}

/// Removes an archive that nobody has open, to make it anew.
///
/// # Errors
/// [`Fault::Engine`].
pub async fn remove<E: Engine>(context: &E, config: &Config) -> Result<(), Fault> {
    for partition in config.partitions() {
        partition::remove(context, &partition).await?;
    }
    Ok(())
}
