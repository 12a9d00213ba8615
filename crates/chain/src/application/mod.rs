//! The application that the engine drives: propose, process, and what happens when a block is final.
//!
//! ```text
//!   engine: propose --> draw from the mempool --> execute::build --> Block
//!           process --> execute::check --> vote, or never
//!           finalized --> sink: header and changes, durable before the block is acknowledged
//!                     --> mempool: what stands in the block is gone
//! ```
//!
//! Executing is the same function for who proposes, who votes and who replays. What it gave is kept in
//! the [`tree`] until the block is final or can no longer be.

#[cfg(test)]
mod tests;
mod timing;
mod tree;

use std::{
    marker::PhantomData,
    sync::Arc,
    task,
    time::{SystemTime, UNIX_EPOCH},
};

use commonware_consensus::{
    CertifiableBlock as _,
    marshal::ancestry::Ancestry,
    simplex::{scheme::ed25519::Scheme, types::Context},
};
use commonware_cryptography::{Digestible as _, ed25519, sha256};
use commonware_glue::stateful::{self, Finality, Input, Proposed, db::DatabaseSet};
use commonware_runtime::Clock;
use crypto::changes::BlockChanges;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use ledger::Inadmissible;
use store::{
    Databases, Draft, Fault, Sealed,
    state::{self, Batches, Engine, Progress, Targets},
};
use types::{Digest, LedgerTime};

use crate::{
    block::{BODY_MAX, Block, our_key},
    execute::{self, Executed, Market, Place, Unfit},
    index::Index,
    mempool::Mempool,
};
use tree::{Node, Tree};

pub use timing::{Pace, Timed};
pub use tree::{Lanes, lanes};

/// Takes final blocks, in their order, each at least once.
pub trait Sink: Clone + Send + Sync + 'static {
    /// Takes what a final block changed, and answers when it is durable. After a crash the same block
    /// may come again: the same height is then the same block.
    fn finalized(
        &mut self,
        block: &Block,
        changes: Arc<BlockChanges>,
    ) -> impl Future<Output = ()> + Send;
}

/// What the engine drives. Cloning it costs nothing; clones share everything.
pub struct Application<E, S> {
    market: Arc<Market>,
    tree: Arc<Tree>,
    mempool: Mempool,
    sink: S,
    runtime: PhantomData<fn() -> E>,
}

impl<E, S: Clone> Clone for Application<E, S> {
    fn clone(&self) -> Self {
        let Self { market, tree, mempool, sink, runtime } = self;
        let (market, tree) = (market.clone(), tree.clone());
        Self { market, tree, mempool: mempool.clone(), sink: sink.clone(), runtime: *runtime }
    }
}

impl<E: Engine + Clock, S: Sink> Application<E, S> {
    /// The application of this market. It executes nothing before [`Self::open`].
    #[must_use]
    pub fn new(market: Arc<Market>, mempool: Mempool, sink: S) -> Self {
        Self { market, tree: Arc::default(), mempool, sink, runtime: PhantomData }
    }

    /// Asks the engine for its databases, now: to be called before anything else can ask it, that is
    /// before final blocks are delivered.
    ///
    /// The engine answers in the order in which it is asked, and executes a final block while nothing
    /// else is answered; executing waits for [`Self::open`]. A node that restarts with a final block
    /// that is not in its state yet would wait for itself.
    pub fn subscribe(state: &stateful::Mailbox<E, Self>) -> BoxFuture<'static, Databases<E>> {
        let state = state.clone();
        let mut asked = async move { state.subscribe_databases().await }.boxed();
        // Polled once, the question stands in the engine's mailbox.
        let mut nobody = task::Context::from_waker(task::Waker::noop());
        match asked.poll_unpin(&mut nobody) {
            task::Poll::Ready(databases) => futures::future::ready(databases).boxed(),
            task::Poll::Pending => asked,
        }
    }

    /// Reads the committed rows once, proving each, and fills the index that the rules walk.
    ///
    /// To be called once, with what [`Self::subscribe`] gives; until it is done, nothing is proposed,
    /// voted on or committed.
    ///
    /// # Errors
    /// [`Fault::Damaged`], [`Fault::Engine`].
    ///
    /// # Panics
    /// The second time.
    pub async fn open(
        &self,
        databases: &Databases<E>,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<(), Fault> {
        let index = Index::fill::<E>(databases, progress).await?;
        self.tree.begin(index);
        Ok(())
    }

    /// Waits, before each proposal, as `pace` says, and before each vote until the block's time is near.
    /// It stands around the engine's own mailbox: what waits inside it would hold up final blocks.
    #[must_use]
    pub fn timed<A>(&self, inner: A, pace: Pace) -> Timed<A> {
        Timed::new(inner, pace, self.tree.clone(), self.mempool.clone())
    }

    fn keep(&self, block: &Block, digest: sha256::Digest, executed: Executed<E>) -> Sealed<E> {
        let Executed { sealed, changes, index } = executed;
        let header = block.header();
        let lanes = lanes(&changes);
        let (height, parent) = (header.height, header.parent);
        let node = Node { height, parent, index, changes, lanes };
        self.tree.keep(Digest(digest.0), node);
        sealed
    }

    async fn build(
        &self,
        now: SystemTime,
        context: Context<sha256::Digest, ed25519::PublicKey>,
        parent: &Block,
        batches: Batches<E>,
    ) -> Option<Proposed<Self, E>> {
        let header = parent.header();
        let digest = crypto::header_digest(header);
        let height = header.height.checked_add(1)?;
        let after = header.time.0.checked_add(1)?;
        let place = Place {
            height,
            time: LedgerTime(milliseconds(now).max(after)),
            epoch: context.round.epoch().get(),
            view: context.round.view().get(),
            leader: our_key(&context.leader),
            parent_view: context.parent.0.get(),
            parent: digest,
        };
        let index = self.tree.index_after(&digest).await;
        let offered = self.mempool.draw(&self.tree.lanes_after(&digest), BODY_MAX);
        let draft = Draft::of(batches);
        let built = unless_stale(execute::build(&self.market, index, place, offered, draft).await)?;
        for (envelope, unfit) in &built.left_out {
            // What comes too early waits for what is before it; what had no room waits for the next.
            let waits = match unfit {
                Unfit::Full => true,
                Unfit::Inadmissible(Inadmissible::Sequence { expected }) => {
                    *expected < envelope.sequence
                }
                _ => false,
            };
            if !waits {
                self.mempool.discard(envelope);
            }
        }
        let merkleized = self.keep(&built.block, built.block.digest(), built.executed);
        Some(Proposed { block: built.block, merkleized })
    }
}

/// What a draft gave, unless a competing block was committed meanwhile.
///
/// # Panics
/// On any other fault: the disk failed or the state is damaged, and a node that cannot read its state
/// must not vote.
fn unless_stale<T>(done: Result<T, Fault>) -> Option<T> {
    match done {
        Ok(done) => Some(done),
        Err(Fault::Stale) => None,
        Err(fault) => panic!("the state cannot be read: {fault}"),
    }
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl<E: Engine + Clock, S: Sink> stateful::Application<E> for Application<E, S> {
    type SigningScheme = Scheme;
    type Context = Context<sha256::Digest, ed25519::PublicKey>;
    type Block = Block;
    type Databases = Databases<E>;
    type Captured = ();
    type Provider = ();
    type Input = ();

    fn sync_targets(block: &Block) -> Targets<E> {
        // A header that names no targets matches no execution, so it is refused like a false one.
        state::targets::<E>(block.databases())
            .unwrap_or_else(<Databases<E> as DatabaseSet<E>>::initial_sync_targets)
    }

    async fn genesis(&mut self) -> Block {
        Block::genesis::<E>(self.market.genesis())
    }

    async fn propose(
        &mut self,
        (runtime, context): (E, Self::Context),
        mut ancestry: impl Ancestry<Block>,
        batches: Batches<E>,
        _: Input<(), ()>,
    ) -> Option<Proposed<Self, E>> {
        let parent = ancestry.next().await?;
        self.build(runtime.current(), context, parent.inner(), batches).await
    }

    async fn process(
        &mut self,
        (_, context): (E, Self::Context),
        mut ancestry: impl Ancestry<Block>,
        batches: Batches<E>,
        finality: Finality,
    ) -> Option<Sealed<E>> {
        let digested = ancestry.next().await?;
        let (digest, block) = (digested.digest(), digested.inner());
        let header = block.header();
        let candidate = finality == Finality::Candidate;
        if candidate {
            let parent = ancestry.next().await?;
            if header.time <= parent.inner().header().time || block.context() != context {
                tracing::warn!(height = header.height, "a block's time or context is not right");
                return None;
            }
        }
        let index = self.tree.index_after(&header.parent).await;
        let draft = Draft::of(batches);
        let checked = execute::check(&self.market, index, block, draft, candidate).await;
        match unless_stale(checked)? {
            Ok(executed) => Some(self.keep(block, digest, executed)),
            Err(why) => {
                tracing::warn!(height = header.height, %why, "a block is invalid");
                None
            }
        }
    }

    async fn capture(
        &mut self,
        _: (E, Self::Context),
        _: &Block,
        _: &Sealed<E>,
        _: <Databases<E> as DatabaseSet<E>>::Readers,
    ) {
    }

    async fn finalized(
        &mut self,
        _: (E, Self::Context),
        block: &Block,
        (): (),
        _: <Databases<E> as DatabaseSet<E>>::Readers,
    ) {
        // The mempool first: what stands in a final block must not wake the next leader.
        let digest = crypto::header_digest(block.header());
        self.mempool.settle(&self.tree.lanes_of(&digest));
        let changes = self.tree.finalize(&digest);
        self.sink.finalized(block, changes).await;
    }
}
