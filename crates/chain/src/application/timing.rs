//! When blocks are proposed, and when they are voted on.
//!
//! A leader proposes at once when something waits, else once a second, empty if need be. A vote waits
//! until the block's time is near this validator's clock. That a block's time is above its parent's holds
//! for ever, so the application refuses what breaks it; that it is not far ahead depends on the clock
//! that looks, so it only delays the vote.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use commonware_consensus::{Application, Handoff, marshal::ancestry::Ancestry};
use commonware_cryptography::Digested;
use commonware_macros::select;
use commonware_runtime::Clock;
use futures::StreamExt as _;
use types::{Digest, LedgerTime};

use super::tree::Tree;
use crate::{Runtime, block::Block, epoch::AHEAD_MAX_MS, mempool::Mempool};

/// When a leader proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// After its parent's time, though nothing waits.
    pub empty: Duration,
    /// After something waits: what else comes until then stands in the same block.
    pub window: Duration,
    /// After it was asked, in any case. Below the engine's leader timeout, with time to execute.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            empty: Duration::from_secs(1),
            window: Duration::from_millis(2),
            patience: Duration::from_secs(1),
        }
    }
}

/// An application that is asked to propose when a block is due, and answers for one when its time has come.
#[derive(Clone)]
pub struct Timed<A> {
    inner: A,
    pace: Pace,
    tree: Arc<Tree>,
    mempool: Mempool,
}

impl<A> Timed<A> {
    pub(super) const fn new(inner: A, pace: Pace, tree: Arc<Tree>, mempool: Mempool) -> Self {
        Self { inner, pace, tree, mempool }
    }

    /// Waits until a block on `parent` is due.
    pub(crate) async fn wait(&self, clock: &impl Clock, parent: &Block) {
        let start = clock.current();
        let LedgerTime(time) = parent.header().time;
        let empty = UNIX_EPOCH.checked_add(Duration::from_millis(time));
        let empty = empty.and_then(|it| it.checked_add(self.pace.empty)).unwrap_or(start);
        let last = empty.min(start + self.pace.patience);
        let digest = crypto::header_digest(parent.header());
        self.wait_for_some(clock, &digest, last).await;
        let window = (clock.current() + self.pace.window).min(last);
        clock.sleep_until(window).await;
    }

    /// Waits until `last`, or until something waits that does not stand in `parent` or before it.
    async fn wait_for_some(&self, clock: &impl Clock, parent: &Digest, last: SystemTime) {
        let mut changed = self.mempool.changed();
        let timer = clock.sleep_until(last);
        futures::pin_mut!(timer);
        loop {
            changed.mark_unchanged();
            if clock.current() >= last || self.mempool.has_ready(&self.tree.lanes_after(parent)) {
                return;
            }
            select! {
                () = &mut timer => return,
                // The mempool is held here, so its end of the channel lives.
                _ = changed.changed() => {},
            }
        }
    }
}

impl<E, A> Application<E> for Timed<A>
where
    E: Runtime,
    A: Application<E, Block = Block> + Sync,
    A::Context: Send,
{
    type SigningScheme = A::SigningScheme;
    type Context = A::Context;
    type Block = Block;
    type Input = A::Input;

    async fn prepare(
        &mut self,
        context: (E, Self::Context),
        ancestry: impl Ancestry<Block>,
        input: Self::Input,
    ) -> Handoff<Digested<Block>> {
        self.inner.prepare(context, ancestry, input).await
    }

    async fn propose(
        &mut self,
        context: (E, Self::Context),
        ancestry: impl Ancestry<Block>,
        input: Self::Input,
    ) -> Option<Digested<Block>> {
        let parent = ancestry.clone().next().await?;
        self.wait(&context.0, parent.inner()).await;
        self.inner.propose(context, ancestry, input).await
    }

    async fn verify(
        &mut self,
        (runtime, context): (E, Self::Context),
        ancestry: impl Ancestry<Block>,
    ) -> bool {
        let time = ancestry.peek().map(|block| block.inner().header().time);
        let clock = runtime.child("gate");
        let valid = self.inner.verify((runtime, context), ancestry).await;
        if valid && let Some(time) = time {
            wait_for(&clock, time).await;
        }
        valid
    }
}

/// Waits until `time` is at most [`AHEAD_MAX_MS`] ahead of the clock.
async fn wait_for(clock: &impl Clock, time: LedgerTime) {
    let vote_from =
        UNIX_EPOCH.checked_add(Duration::from_millis(time.0.saturating_sub(AHEAD_MAX_MS)));
    match vote_from {
        Some(vote_from) => clock.sleep_until(vote_from).await,
        // A time that no clock shows never comes.
        None => std::future::pending().await,
    }
}
