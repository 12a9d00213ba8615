//! The archives of blocks and certificates: the legal record, and the epochs that can be read from it.

use std::{
    num::{NonZeroU64, NonZeroUsize},
    sync::Arc,
};

use commonware_consensus::simplex::types::Finalization;
use commonware_cryptography::{Digestible as _, certificate::Verifier, sha256::Digest};
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::archive::{Archive as _, Identifier, immutable};
use commonware_utils::{NZU16, NZU64, NZUsize};
use ledger::Genesis;
use types::Committee;

use super::Fault;
use crate::{
    Block, Files, Form, Runtime, Scheme,
    epoch::{Committees, Record},
};

const BUFFER: NonZeroUsize = NZUsize!(64 * 1024);
/// Heights in one section of an archive. Fixed for the life of the data.
const HEIGHTS_A_SECTION: NonZeroU64 = NZU64!(4096);

/// Final blocks by height, each under its digest.
pub type Blocks<E> = immutable::Archive<E, Digest, Arc<Block>>;
/// Certificates by height, of blocks that have one of their own.
pub type Certificates<E> = immutable::Archive<E, Digest, Finalization<Scheme, Digest>>;

/// Pages of archives and journals that are kept in memory: 4 MiB.
#[must_use]
pub fn pages() -> CacheRef {
    CacheRef::new(NZU16!(4096 - 12), NZUsize!(1024))
}

/// Learns the epochs whose boundary blocks lie in the archive, in their order.
///
/// # Errors
/// [`Fault::Damaged`].
pub async fn learn<E: Runtime>(
    committees: &Committees,
    begins: &Genesis,
    genesis: &Block,
    (form, files): (&Form, &Files),
    blocks: &Blocks<E>,
) -> Result<(), Fault> {
    let committee = Committee::of(0, begins.validators.clone());
    let (boundary, time) = (genesis.digest(), genesis.header().time);
    committees.learn(Record { committee, boundary, time });
    for epoch in 1.. {
        let last = epoch * form.epoch_blocks() - 1;
        let found = blocks.get(Identifier::Index(last)).await;
        let found = found.map_err(|why| damaged(&files.blocks(), &why))?;
        let Some(block) = found else { return Ok(()) };
        let committee =
            block.committee().ok_or_else(|| damaged(&files.blocks(), &"no committee"))?;
        let (boundary, time) = (block.digest(), block.header().time);
        committees.learn(Record { committee: committee.clone(), boundary, time });
    }
    Ok(())
}

fn damaged(file: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::Damaged { file: file.into(), why: why.to_string() }
}

/// Opens the archives of a node.
///
/// # Errors
/// [`Fault::Damaged`], naming the files that do not open.
pub async fn open<E: Runtime>(
    context: &E,
    files: &Files,
    form: &Form,
    pages: &CacheRef,
) -> Result<(Blocks<E>, Certificates<E>), Fault> {
    // What lies on one's own disk may have lost its witnesses by age.
    let mut kept = *form;
    kept.dropped = true;
    let blocks = archive(&files.blocks(), pages, kept);
    let blocks = immutable::Archive::init(context.child("block_archive"), blocks).await;
    let any = <Scheme as Verifier>::certificate_codec_config_unbounded();
    let certificates = archive(&files.certificates(), pages, any);
    let certificates =
        immutable::Archive::init(context.child("certificate_archive"), certificates).await;
    Ok((
        blocks.map_err(|why| damaged(&files.blocks(), &why))?,
        certificates.map_err(|why| damaged(&files.certificates(), &why))?,
    ))
}

fn archive<C>(partition: &str, pages: &CacheRef, codec_config: C) -> immutable::Config<C> {
    immutable::Config {
        metadata_partition: format!("{partition}-metadata"),
        freezer_table_partition: format!("{partition}-table"),
        freezer_table_initial_size: 1 << 14,
        freezer_table_resize_frequency: 4,
        freezer_table_resize_chunk_size: 1 << 12,
        freezer_key_partition: format!("{partition}-keys"),
        freezer_key_page_cache: pages.clone(),
        freezer_value_partition: format!("{partition}-values"),
        freezer_value_target_size: 1 << 28,
        freezer_value_compression: None,
        ordinal_partition: format!("{partition}-heights"),
        items_per_section: HEIGHTS_A_SECTION,
        freezer_key_write_buffer: BUFFER,
        freezer_value_write_buffer: BUFFER,
        ordinal_write_buffer: BUFFER,
        replay_buffer: BUFFER,
        codec_config,
    }
}
