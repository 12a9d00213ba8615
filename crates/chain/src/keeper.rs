//! The keeper of the archive: keeps what final blocks changed, and reads it for those who ask.
//!
//! ```text
//!   application --final block--> keeper: archive, durable --> acknowledged
//!   door        --height?------>        block with its certificate
//! ```

use std::sync::Arc;

use commonware_consensus::types::Height;
use commonware_runtime::Handle;
use crypto::{
    certificate::Certified,
    changes::BlockChanges,
    proof::{AsOf, State},
};
use futures::{
    SinkExt as _, StreamExt as _,
    channel::{mpsc, oneshot},
};
use ledger::Signed;
use store::{
    Fault,
    archive::{Archive, Config, Proved, When},
};
use types::{Bytes, LedgerTime};

use crate::{Block, Marshal, Runtime, application::Sink, block::Shown};

/// Questions that wait at most, beyond one for each who asks.
const WAITING_MAX: usize = 64;
/// Blocks in a row that may be without a certificate of their own.
const UNCERTIFIED_MAX: usize = 256;
/// Blocks from that of a row's next change on, among which one with a certificate of its own is looked for.
const NEAR: usize = 8;
/// Blocks read at once on the way back to a past height: a final block is kept meanwhile after so many.
const STEPS_AT_ONCE: u32 = 32;
/// How often it is gone on.
const WALKS_MAX: u32 = 128;

/// Asks the keeper. Clones ask the same one.
#[derive(Clone)]
pub struct Keeper {
    asks: mpsc::Sender<Ask>,
}

type Answer<T> = oneshot::Sender<Result<T, Fault>>;

enum Ask {
    Keep(Arc<BlockChanges>, oneshot::Sender<()>),
    Block(u64, Answer<Option<Certified>>),
    Envelopes(u64, Answer<Option<Vec<Bytes>>>),
    AtTime(LedgerTime, Answer<Option<u64>>),
    Prove(Box<store::Key>, u64, When, Answer<Proved>),
}

/// Opens the archive of a market that begins with the block `genesis`.
///
/// # Errors
/// [`Fault`], naming the file that is damaged.
pub async fn open<E: Runtime>(
    context: &E,
    config: &Config,
    genesis: &Block,
) -> Result<Archive<E>, Fault> {
    let mut archive = Archive::open(context.child("archive"), config).await?;
    if archive.last().is_none() {
        archive.put(&BlockChanges::nothing(genesis.header().clone())).await?;
        archive.sync().await?;
    }
    Ok(archive)
}

/// Starts to keep; `marshal` has the certificates.
pub fn start<E: Runtime>(
    context: E,
    archive: Archive<E>,
) -> (Keeper, impl FnOnce(Marshal) -> Handle<()>) {
    let (asks, asked) = mpsc::channel(WAITING_MAX);
    let run = move |marshal| context.spawn(move |_| run(archive, marshal, asked));
    (Keeper { asks }, run)
}

async fn run<E: Runtime>(
    mut archive: Archive<E>,
    marshal: Marshal,
    mut asked: mpsc::Receiver<Ask>,
) {
    // Who asked may have gone meanwhile: then the answer is for nobody.
    while let Some(ask) = asked.next().await {
        match ask {
            Ask::Keep(changes, done) => {
                keep(&mut archive, &changes).await;
                let _ = done.send(());
            }
            Ask::Block(height, answer) => {
                let _ = answer.send(certified(&archive, &marshal, height).await);
            }
            Ask::Envelopes(height, answer) => {
                let _ = answer.send(Ok(envelopes(&marshal, height).await));
            }
            Ask::AtTime(time, answer) => {
                let _ = answer.send(archive.at_time(time).await);
            }
            Ask::Prove(key, changed, when, answer) => {
                let _ = answer.send(prove(&archive, &marshal, &key, changed, when).await);
            }
        }
    }
}

/// # Panics
/// When the disk fails: a block that cannot be kept may not be acknowledged.
async fn keep<E: Runtime>(archive: &mut Archive<E>, changes: &BlockChanges) {
    let height = changes.header.height;
    let kept = match archive.put(changes).await {
        Ok(()) => archive.sync().await,
        Err(fault) => Err(fault),
    };
    if let Err(fault) = kept {
        panic!("the changes of block {height} cannot be kept: {fault}");
    }
}

async fn certified<E: Runtime>(
    archive: &Archive<E>,
    marshal: &Marshal,
    height: u64,
) -> Result<Option<Certified>, Fault> {
    let Some(changes) = archive.get(height).await? else { return Ok(None) };
    Ok(Some(Certified { changes, certificate: certificate_of(marshal, height).await }))
}

/// The sealed envelopes in the block of this height.
async fn envelopes(marshal: &Marshal, height: u64) -> Option<Vec<Bytes>> {
    let block = marshal.get_block(Height::new(height)).await?;
    let witnesses = block.inner().body().envelopes.iter().flat_map(|it| &it.witnesses);
    let sealed = witnesses.filter_map(|it| match it {
        Shown::Whole(witness) if witness.class == Signed::SEALED => Some(witness.bytes.clone()),
        _ => None,
    });
    Some(sealed.collect())
}

/// The certificate that the block of this height has of its own.
async fn certificate_of(marshal: &Marshal, height: u64) -> Option<Bytes> {
    let finalization = marshal.get_finalization(Height::new(height)).await?;
    Some(Bytes(commonware_codec::Encode::encode(&finalization).to_vec()))
}

/// By the newest header that has a certificate of its own, or by the first that is late enough if the same
/// validators have certified it: then there is less to show.
async fn prove<E: Runtime>(
    archive: &Archive<E>,
    marshal: &Marshal,
    key: &store::Key,
    changed: u64,
    when: When,
) -> Result<Proved, Fault> {
    let last = archive.last().unwrap_or(0);
    for height in (0..=last).rev().take(UNCERTIFIED_MAX) {
        let Some(certificate) = certificate_of(marshal, height).await else { continue };
        let Some(header) = archive.header(height).await? else { continue };
        let newest = (&header, &certificate);
        let proved = archive.prove(key, changed, when, newest, STEPS_AT_ONCE).await?;
        let Proved::Shown(proof) = &proved else { return Ok(proved) };
        for sooner in (late_enough(proof)..height).take(NEAR) {
            let Some(certificate) = certificate_of(marshal, sooner).await else { continue };
            let Some(sooner) = archive.header(sooner).await? else { continue };
            if sooner.epoch != header.epoch {
                continue;
            }
            let sooner = (&sooner, &certificate);
            let shorter = archive.prove(key, changed, when, sooner, STEPS_AT_ONCE).await?;
            if matches!(shorter, Proved::Shown(_)) {
                return Ok(shorter);
            }
        }
        return Ok(proved);
    }
    Ok(Proved::NotYet)
}

/// From which height on a certificate shows what this proof shows.
const fn late_enough(proof: &AsOf) -> u64 {
    match &proof.state {
        State::Had { next: Some(it), .. } | State::WasNot { next: it } => it.leaf.height,
        State::Had { change, next: None, .. } => change.leaf.height,
        State::HadEnded { .. } => proof.newest.height,
    }
}

impl Keeper {
    /// What the block of this height changed, with its certificate if it has one of its own; `None` if
    /// it is not kept.
    ///
    /// # Errors
    /// [`Fault::Damaged`], [`Fault::Closed`].
    pub async fn block(&self, height: u64) -> Result<Option<Certified>, Fault> {
        self.ask(|answer| Ask::Block(height, answer)).await
    }

    /// The sealed envelopes in the block of this height; `None` if it is not kept.
    ///
    /// # Errors
    /// [`Fault::Closed`].
    pub async fn envelopes(&self, height: u64) -> Result<Option<Vec<Bytes>>, Fault> {
        self.ask(|answer| Ask::Envelopes(height, answer)).await
    }

    /// The height of the last header that is not later than `time`.
    ///
    /// # Errors
    /// As [`Self::block`].
    pub async fn at_time(&self, time: LedgerTime) -> Result<Option<u64>, Fault> {
        self.ask(|answer| Ask::AtTime(time, answer)).await
    }

    /// A proof of how the row of `key`, whose last change is at `changed`, stood `when`. Final blocks are kept
    /// in between.
    ///
    /// # Errors
    /// As [`Self::block`].
    pub async fn prove(&self, key: store::Key, changed: u64, when: When) -> Result<Proved, Fault> {
        let mut from = changed;
        for _ in 0..WALKS_MAX {
            match self.ask(|answer| Ask::Prove(Box::new(key), from, when, answer)).await? {
                Proved::Further(height) => from = height,
                proved => return Ok(proved),
            }
        }
        Ok(Proved::Further(from))
    }

    async fn ask<T>(&self, ask: impl FnOnce(Answer<T>) -> Ask) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let closed = || Fault::Closed("archive".into());
        self.asks.clone().send(ask(answer)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

impl Sink for Keeper {
    async fn finalized(&mut self, _: &Block, changes: Arc<BlockChanges>) {
        let (done, kept) = oneshot::channel();
        if self.asks.send(Ask::Keep(changes, done)).await.is_ok() && kept.await.is_ok() {
            return;
        }
        // The keeper is gone, so the node stops. What is not kept is never acknowledged: the block comes
        // again at the next start.
        std::future::pending().await
    }
}
