//! Wires one node: archives, state, marshal, application, engines; and starts them in the right order.
//!
//! ```text
//!   archives --boundary blocks--> committees --> marshal --blocks--> state, orchestrator
//!                                                  ^                      |
//!                                        peers: backfill, blocks      engines: votes
//! ```

pub mod archives;

use std::{
    num::{NonZeroU64, NonZeroUsize},
    time::Duration,
};

use self::archives::{Blocks, Certificates};
use crate::{
    Block, Files, Form, Marshal, Membership, PrivateKey, PublicKey, Runtime, Scheme,
    application::{Application, Pace, Sink},
    epoch::{Committees, Guard, Orchestrator, Settings, Start, UNACKNOWLEDGED, Voting, tap},
};
use commonware_broadcast::buffered;
use commonware_consensus::{
    Reporters,
    marshal::{
        self,
        core::Actor as MarshalActor,
        resolver::p2p as backfill,
        standard::{Deferred, Standard},
    },
    simplex,
    types::{FixedEpocher, ViewDelta},
};
use commonware_cryptography::{Digested, Digestible as _, sha256::Digest};
use commonware_glue::stateful::{
    Config as StateConfig, PruneConfig, Stateful, SyncPlan, db::SyncEngineConfig,
};
use commonware_p2p::{Blocker, Provider, Receiver, Sender, utils::mux::prefixed};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, buffer::paged::CacheRef};
use commonware_utils::{NZDuration, NZU64, NZUsize};
use futures::future::BoxFuture;
use ledger::{Genesis, governance::VALIDATORS_MAX};
use store::{
    Databases,
    state::{self, NoSources},
};

const MAILBOX: NonZeroUsize = NZUsize!(1024);
const BUFFER: NonZeroUsize = NZUsize!(64 * 1024);
/// Blocks fetched at once by a node that is behind.
const REPAIRED_AT_ONCE: NonZeroUsize = NZUsize!(64);
/// Blocks of one sender kept in memory until they are final.
const BLOCKS_KEPT: usize = 16;

/// What one node is.
#[derive(Clone)]
pub struct Config {
    /// How the market begins.
    pub genesis: Genesis,
    /// Who this node is to the others; and what it votes with.
    pub key: PrivateKey,
    /// Whether it votes where it may; an observer does not.
    pub votes: bool,
    /// Keeps a validator that may have forgotten its votes from voting.
    pub guard: Guard,
    /// How long a leader may take to propose.
    pub leader_timeout: Duration,
    /// Its files.
    pub files: Files,
}

/// What nodes say to each other: one channel for each kind of message.
pub struct Channels<S, R> {
    /// Votes.
    pub votes: (S, R),
    /// Certificates.
    pub certificates: (S, R),
    /// Certificates that are asked for.
    pub resolver: (S, R),
    /// Blocks that are asked for.
    pub backfill: (S, R),
    /// New blocks.
    pub blocks: (S, R),
    /// Envelopes on their way to the leader.
    pub envelopes: (S, R),
}

/// The channels of the engines.
pub struct Lines<S, R> {
    votes: (S, R),
    certificates: (S, R),
    resolver: (S, R),
    backfill: (S, R),
    blocks: (S, R),
}

impl<S, R> Channels<S, R> {
    /// The channels of the engines, and that of envelopes.
    #[must_use]
    pub fn split(self) -> (Lines<S, R>, (S, R)) {
        let Self { votes, certificates, resolver, backfill, blocks, envelopes } = self;
        (Lines { votes, certificates, resolver, backfill, blocks }, envelopes)
    }
}

/// Longest message between nodes, in bytes.
///
/// # Panics
/// Never: a block's length fits.
#[must_use]
pub fn message_max(form: &Form) -> u32 {
    let members = u32::try_from(VALIDATORS_MAX).expect("a small number");
    commonware_p2p::max_message_size(&[
        prefixed(simplex::max_payload_size::<Scheme, Digest>(members)),
        marshal::max_payload_size::<Standard<Block>, Scheme>(members, form),
        crate::mempool::MESSAGE_MAX as usize,
    ])
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file of the node is not as it was written.
    #[error("{file} is damaged: {why}")]
    Damaged {
        /// First part of the files' names.
        file: String,
        /// What was found.
        why: String,
    },
    /// The genesis is none that a market can begin with.
    #[error("the genesis has epochs of {0} blocks; at least 2 are needed")]
    Genesis(u64),
    /// What is made from blocks was being made anew.
    #[error("a rebuild was interrupted: it has to be done again")]
    Unfinished,
    /// What the node keeps beside the blocks cannot be read.
    #[error(transparent)]
    Store(#[from] store::Fault),
}

/// Engines that run.
pub struct Running<E: Runtime> {
    /// Where the blocks are.
    pub marshal: Marshal,
    /// The state's databases, once they are open.
    pub databases: BoxFuture<'static, Databases<E>>,
    /// The tasks. When one ends, the node has failed.
    pub tasks: Vec<(&'static str, Handle<()>)>,
}

/// Starts the engines of a node whose archive goes up to the height `kept`.
///
/// # Errors
/// [`Fault`].
pub async fn start<E, T, O, M, S, R>(
    context: E,
    (config, kept): (Config, u64),
    (application, pace): (Application<E, T>, Pace),
    voting: Voting,
    (oracle, membership): (O, M),
    channels: Lines<S, R>,
) -> Result<Running<E>, Fault>
where
    E: Runtime,
    T: Sink,
    O: Blocker<PublicKey = PublicKey> + Provider<PublicKey = PublicKey>,
    M: Membership,
    S: Sender<PublicKey = PublicKey>,
    R: Receiver<PublicKey = PublicKey>,
{
    let form = Form::of(&config.genesis).ok_or(Fault::Genesis(config.genesis.epoch_blocks))?;
    let epoch_blocks = NZU64!(form.epoch_blocks());
    let pages = archives::pages();
    let genesis = Block::genesis::<E>(&config.genesis);
    let (blocks, certificates) = archives::open(&context, &config.files, &form, &pages).await?;
    let committees = Committees::of(&config.genesis.chain());
    archives::learn(&committees, &config.genesis, &genesis, (&form, &config.files), &blocks)
        .await?;
    let base = Base { context, config, form, epoch_blocks, pages };

    let plan = SyncPlan::init(base.context.child("plan"), base.config.files.plan()).await;
    let start = plan.marshal_start(digested(genesis));
    let marshal = base.marshal((certificates, blocks), &committees, start);
    let (marshal_actor, marshal, floor) =
        MarshalActor::init(base.context.child("marshal"), marshal.0, marshal.1, marshal.2).await;
    let (stateful, state) = Stateful::new(
        base.context.child("state"),
        base.state(application.clone(), (marshal.clone(), floor), plan),
    );
    let (broadcast, buffer) =
        buffered::Engine::new(base.context.child("blocks"), base.broadcast(&oracle));
    let broadcast = broadcast.start(channels.blocks);
    let context = base.context.child("backfill");
    let resolver = backfill::init(context, base.backfill(&oracle), channels.backfill);
    let timed = application.timed(state.clone(), pace);
    let context = base.context.child("deferred");
    let deferred = Deferred::new(context, timed, marshal.clone(), FixedEpocher::new(epoch_blocks));
    let (tap, final_blocks) = tap();
    let reporters: Reporters<_, _> = (state.clone(), tap).into();
    // Asked for before the first final block comes: the state answers nothing while it executes one.
    let databases = Application::subscribe(&state);
    let marshal_actor = marshal_actor.start(reporters, buffer, resolver);
    let processed = marshal.get_processed().await.map_or(0, |it| it.height().get());
    let start = base.begins(processed, kept, &committees)?;
    let stateful = stateful.start();
    let orchestrator = Orchestrator {
        context: base.context.child("epochs"),
        settings: base.settings(),
        committees,
        marshal: marshal.clone(),
        application: deferred,
        blocker: oracle,
        membership,
        voting,
    };
    let epochs = orchestrator.start(
        start,
        final_blocks,
        channels.votes,
        channels.certificates,
        channels.resolver,
    );
    let tasks = vec![
        ("blocks", broadcast),
        ("marshal", marshal_actor),
        ("state", stateful),
        ("epochs", epochs),
    ];
    Ok(Running { marshal, databases, tasks })
}

/// What the parts of a node have in common.
struct Base<E> {
    context: E,
    config: Config,
    form: Form,
    epoch_blocks: NonZeroU64,
    pages: CacheRef,
}

type MarshalConfig = marshal::Config<Committees, FixedEpocher, Sequential, Block, Digested<Block>>;
type MarshalStart = marshal::Start<Scheme, Digest, Digested<Block>>;
type Keeping<E> = (Certificates<E>, Blocks<E>);

impl<E: Runtime> Base<E> {
    /// Where a node begins that has executed the blocks up to the height `processed`. Nothing is executed
    /// before it is kept, and no epoch begins before the block that names it is there.
    fn begins(&self, processed: u64, kept: u64, committees: &Committees) -> Result<Start, Fault> {
        let files = &self.config.files;
        if kept < processed {
            let (file, from) = (files.archive().prefix, kept + 1);
            let why = format!("the changes of heights {from} to {processed} are gone");
            return Err(Fault::Damaged { file, why });
        }
        let epoch = self.form.epoch(processed + 1);
        if committees.record(epoch).is_none() {
            let why = format!("the last block of an epoch before {epoch} is gone");
            return Err(Fault::Damaged { file: files.blocks(), why });
        }
        Ok(Start { epoch, again: kept > 0 })
    }

    fn marshal(
        &self,
        (certificates, blocks): Keeping<E>,
        committees: &Committees,
        start: MarshalStart,
    ) -> (Certificates<E>, Blocks<E>, MarshalConfig) {
        let config = marshal::Config {
            provider: committees.clone(),
            epocher: FixedEpocher::new(self.epoch_blocks),
            start,
            partition_prefix: self.config.files.marshal(),
            mailbox_size: MAILBOX,
            view_retention: ViewDelta::new(16),
            prunable_items_per_section: NZU64!(64),
            page_cache: self.pages.clone(),
            replay_buffer: BUFFER,
            key_write_buffer: BUFFER,
            value_write_buffer: BUFFER,
            block_codec_config: self.form,
            max_repair: REPAIRED_AT_ONCE,
            max_pending_acks: UNACKNOWLEDGED,
            strategy: Sequential,
        };
        (certificates, blocks, config)
    }

    fn state<T: Sink>(
        &self,
        application: Application<E, T>,
        marshal: (Marshal, marshal::core::Floor),
        plan: SyncPlan<E, Scheme, Standard<Block>>,
    ) -> StateConfig<E, Application<E, T>, Standard<Block>, NoSources<E>, Sequential> {
        StateConfig {
            application,
            db_config: state::configs(&self.config.files.state()),
            provider: (),
            marshal,
            mailbox_size: MAILBOX,
            plan,
            resolvers: state::no_sources::<E>(),
            sync_config: SyncEngineConfig {
                fetch_batch_size: NZU64!(1024),
                apply_batch_size: NZU64!(1024),
                max_outstanding_requests: NZUsize!(1),
            },
            // The blocks are the legal record: only the state's own history is pruned.
            prune_config: Some(PruneConfig {
                maintenance_interval: NZUsize!(64),
                retained_marshal_blocks: usize::MAX >> 1,
                retained_qmdb_blocks: 0,
            }),
            strategy: Sequential,
        }
    }

    fn backfill<O: Blocker<PublicKey = PublicKey> + Provider<PublicKey = PublicKey>>(
        &self,
        oracle: &O,
    ) -> backfill::Config<PublicKey, O, O> {
        backfill::Config {
            public_key: self.me(),
            peer_provider: oracle.clone(),
            blocker: oracle.clone(),
            mailbox_size: MAILBOX,
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(250),
            priority_requests: false,
            priority_responses: false,
        }
    }

    fn broadcast<O: Provider<PublicKey = PublicKey>>(
        &self,
        oracle: &O,
    ) -> buffered::Config<PublicKey, Form, O, Sequential> {
        buffered::Config {
            public_key: self.me(),
            mailbox_size: MAILBOX,
            deque_size: BLOCKS_KEPT,
            priority: true,
            codec_config: self.form,
            peer_provider: oracle.clone(),
            strategy: Sequential,
        }
    }

    fn settings(&self) -> Settings {
        let Config { genesis, key, votes, guard, leader_timeout, files } = &self.config;
        Settings {
            key: votes.then(|| key.clone()),
            guard: *guard,
            epoch_blocks: self.epoch_blocks,
            leader_stays: genesis.leader == 1,
            leader_timeout: *leader_timeout,
            files: files.clone(),
            pages: self.pages.clone(),
        }
    }

    fn me(&self) -> PublicKey {
        commonware_cryptography::Signer::public_key(&self.config.key)
    }
}

fn digested(block: Block) -> Digested<Block> {
    {
        let digest = block.digest();
        Digested::precomputed(block, digest)
    }
}
