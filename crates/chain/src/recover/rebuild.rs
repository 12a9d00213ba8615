//! Rebuilding: the blocks are executed again over an empty state.

use std::sync::Arc;

use crypto::changes::BlockChanges;
use store::{Archive, State, archive, partition, state};
use types::Digest;

use super::{Damages, Names, record::Record};
use crate::{
    Block, Files, Runtime,
    engine::Fault,
    execute::{self, Market},
    index::Index,
    mark,
};

/// Blocks executed between two moments at which all is durable.
const DURABLE_EVERY: u64 = 256;

/// What was made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The height that the state stands at.
    pub height: u64,
    /// The digest over its roots: what the header of that height names.
    pub state_root: Digest,
}

/// Removes state, changes and headers, and makes them anew from the blocks up to the first that is
/// missing. Each block's roots are held against its header.
///
/// Before anything is removed, all blocks are read and their certificates checked. When it is
/// interrupted, it has to be done again: until then the node does not start. `progress` is told the height
/// and how many there are.
///
/// # Errors
/// [`Fault::Damaged`]: a block or certificate is damaged (nothing was removed), or the execution of a
/// block gives something else than it is certified for. [`Fault::Genesis`], [`Fault::Store`].
pub async fn rebuild<E: Runtime>(
    context: &E,
    names: &Names,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Rebuilt, Fault> {
    let market = Market::of(&names.genesis).ok_or(Fault::Genesis(names.genesis.epoch_blocks))?;
    let last = sound(context, names).await?;
    mark::make(context, &names.files.rebuilding(), 0).await?;
    state::remove(context, &names.files.state()).await?;
    archive::remove(context, &names.files.archive()).await?;
    let state = State::open(context.child("state"), &names.files.state()).await?;
    let mut archive = Archive::open(context.child("archive"), &names.files.archive()).await?;
    let genesis = Block::genesis::<E>(&names.genesis);
    archive.put(&BlockChanges::nothing(genesis.header().clone())).await?;

    let mut record = Record::open(&context.child("again"), names).await?;
    let mut root = crypto::state_root(&genesis.header().databases);
    let mut index = Index::default();
    for height in 1..=last {
        let block = record.next(true, &mut Damages::default()).await;
        let block = block.ok_or_else(|| damaged(names, height, "it cannot be read again"))?;
        let draft = state.draft().await;
        let done = execute::check(&market, index, &block, draft, false).await?;
        let done = done.map_err(|why| damaged(names, height, &why.to_string()))?;
        archive.put(&Arc::unwrap_or_clone(done.changes)).await?;
        state.apply(done.sealed).await;
        index = done.index;
        root = crypto::state_root(&block.header().databases);
        if height.is_multiple_of(DURABLE_EVERY) {
            archive.sync().await?;
            state.sync().await;
        }
        progress(height, last);
    }
    archive.sync().await?;
    state.sync().await;
    partition::remove(context, &names.files.rebuilding()).await?;
    Ok(Rebuilt { height: last, state_root: root })
}

/// Whether a rebuild was begun and not finished.
///
/// # Errors
/// [`store::Fault::Engine`].
pub async fn is_unfinished<E: Runtime>(context: &E, files: &Files) -> Result<bool, store::Fault> {
    mark::is_made(context, &files.rebuilding(), 0).await
}

/// The height up to which no block is missing, if all of these and their certificates are sound and one
/// of the certificates is over the last of them or a later one.
async fn sound<E: Runtime>(context: &E, names: &Names) -> Result<u64, Fault> {
    let mut record = Record::open(&context.child("sound"), names).await?;
    let (mut damages, mut last) = (Damages::default(), 0);
    for height in 1..=record.last() {
        if record.next(false, &mut damages).await.is_none() {
            break;
        }
        last = height;
    }
    if let Some(first) = damages.0.first() {
        let heights =
            first.heights.as_ref().map_or(String::new(), |it| format!("height {}: ", it.start()));
        let why = format!("{heights}{}; nothing was changed", first.what);
        return Err(Fault::Damaged { file: first.file.clone(), why });
    }
    let mut certified = false;
    for height in last..=record.last() {
        certified |= record.has_certificate(height).await;
    }
    if last > 0 && !certified {
        let why = format!(
            "height {last}: no certificate is over it or a later block; nothing was changed"
        );
        return Err(Fault::Damaged { file: names.files.certificates(), why });
    }
    Ok(last)
}

fn damaged(names: &Names, height: u64, why: &str) -> Fault {
    Fault::Damaged { file: names.files.blocks(), why: format!("height {height}: {why}") }
}
