//! The pace of blocks: at once when something waits, else one a second, empty if need be.

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
use crate::{block::Block, mempool::Mempool};

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

/// An application that is asked to propose when it is time to.
#[derive(Clone)]
pub struct Paced<A> {
    inner: A,
    pace: Pace,
    tree: Arc<Tree>,
    mempool: Mempool,
}

impl<A> Paced<A> {
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

impl<E, A> Application<E> for Paced<A>
where
    E: Clock,
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
        context: (E, Self::Context),
        ancestry: impl Ancestry<Block>,
    ) -> bool {
        self.inner.verify(context, ancestry).await
    }
}
