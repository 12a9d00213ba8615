//! Wires one node: archives, state, marshal, application, engines; and starts them in the right order.
//!
//! ```text
//!   archives --boundary blocks--> committees --> marshal --blocks--> state, orchestrator
//!                                                  ^                      |
//!                                        peers: backfill, blocks      engines: votes
//! ```

use std::{
    num::{NonZeroU64, NonZeroUsize},
    sync::Arc,
    time::Duration,
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
    simplex::{
        self,
        types::{Context, Finalization},
    },
    types::{FixedEpocher, ViewDelta},
};
use commonware_cryptography::{Digested, Digestible as _, sha256::Digest};
use commonware_glue::stateful::{
    self, Application, Config as StateConfig, PruneConfig, Stateful, SyncPlan, db::SyncEngineConfig,
};
use commonware_p2p::{Blocker, Provider, Receiver, Sender, utils::mux::prefixed};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, buffer::paged::CacheRef};
use commonware_storage::archive::{Archive as _, Identifier, immutable};
use commonware_utils::{NZDuration, NZU16, NZU64, NZUsize};
use ledger::{Genesis, governance::VALIDATORS_MAX};
use store::{Databases, state};
use types::Committee;

use crate::{
    Block, Form, Marshal, Membership, PrivateKey, PublicKey, Runtime, Scheme,
    epoch::{Committees, Deciding, Guard, Orchestrator, Record, Settings, tap},
    gate::TimeGate,
};

const MAILBOX: NonZeroUsize = NZUsize!(1024);
const BUFFER: NonZeroUsize = NZUsize!(64 * 1024);
/// Blocks fetched at once by a node that is behind.
const REPAIRED_AT_ONCE: NonZeroUsize = NZUsize!(64);
/// Final blocks on their way into the state.
const UNACKNOWLEDGED: NonZeroUsize = NZUsize!(16);
/// Blocks of one sender kept in memory until they are final.
const BLOCKS_KEPT: usize = 16;
/// Heights in one section of an archive. Fixed for the life of the data.
const HEIGHTS_A_SECTION: NonZeroU64 = NZU64!(4096);

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
    /// First part of the names of its files.
    pub prefix: String,
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
}

/// A node that runs.
pub struct Running<E: Runtime, A: Application<E>> {
    /// Where its blocks are.
    pub marshal: Marshal,
    /// Its state.
    pub state: stateful::Mailbox<E, A>,
    /// The epochs that it knows.
    pub committees: Committees,
    /// In which epoch it is, and whether it votes.
    pub deciding: Deciding,
    /// Its tasks. When one ends, the node has failed.
    pub tasks: Vec<(&'static str, Handle<()>)>,
}

type Blocks<E> = immutable::Archive<E, Digest, Arc<Block>>;
type Certificates<E> = immutable::Archive<E, Digest, Finalization<Scheme, Digest>>;

/// Starts a node.
///
/// # Errors
/// [`Fault`].
pub async fn start<E, A, O, M, S, R>(
    context: E,
    config: Config,
    application: A,
    provider: A::Provider,
    oracle: O,
    membership: M,
    channels: Channels<S, R>,
) -> Result<Running<E, A>, Fault>
where
    E: Runtime,
    A: Application<
            E,
            SigningScheme = Scheme,
            Context = Context<Digest, PublicKey>,
            Block = Block,
            Databases = Databases<E>,
            Input = (),
        > + Sync,
    O: Blocker<PublicKey = PublicKey> + Provider<PublicKey = PublicKey>,
    M: Membership,
    S: Sender<PublicKey = PublicKey>,
    R: Receiver<PublicKey = PublicKey>,
{
    let form = Form::of(&config.genesis).ok_or(Fault::Genesis(config.genesis.epoch_blocks))?;
    let epoch_blocks = NZU64!(form.epoch_blocks());
    let pages = CacheRef::new(NZU16!(4096 - 12), NZUsize!(1024));
    let genesis = Block::genesis::<E>(&config.genesis);
    let (blocks, certificates) = archives(&context, &config, &form, &pages).await?;
    let committees = Committees::of(&config.genesis.chain());
    learn(&committees, &config.genesis, &genesis, &form, &blocks).await?;

    let plan = SyncPlan::init(context.child("plan"), format!("{}-plan-", config.prefix)).await;
    let epocher = FixedEpocher::new(epoch_blocks);
    let me = commonware_cryptography::Signer::public_key(&config.key);
    let (marshal, marshal_mailbox, floor) =
        MarshalActor::<_, Standard<Block>, _, _, _, _, _>::init(
            context.child("marshal"),
            certificates,
            blocks,
            marshal::Config {
                provider: committees.clone(),
                epocher: epocher.clone(),
                start: plan.marshal_start(digested(genesis.clone())),
                partition_prefix: format!("{}-marshal", config.prefix),
                mailbox_size: MAILBOX,
                view_retention: ViewDelta::new(16),
                prunable_items_per_section: NZU64!(64),
                page_cache: pages.clone(),
                replay_buffer: BUFFER,
                key_write_buffer: BUFFER,
                value_write_buffer: BUFFER,
                block_codec_config: form,
                max_repair: REPAIRED_AT_ONCE,
                max_pending_acks: UNACKNOWLEDGED,
                strategy: Sequential,
            },
        )
        .await;
    let (stateful, state) = Stateful::new(
        context.child("state"),
        StateConfig {
            application,
            db_config: state::configs(&state::Config::small(
                &format!("{}-state", config.prefix),
                0,
            )),
            provider,
            marshal: (marshal_mailbox.clone(), floor),
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
        },
    );
    let resolver = backfill::init(
        context.child("backfill"),
        backfill::Config {
            public_key: me.clone(),
            peer_provider: oracle.clone(),
            blocker: oracle.clone(),
            mailbox_size: MAILBOX,
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(250),
            priority_requests: false,
            priority_responses: false,
        },
        channels.backfill,
    );
    let (broadcast, buffer) = buffered::Engine::new(
        context.child("blocks"),
        buffered::Config {
            public_key: me,
            mailbox_size: MAILBOX,
            deque_size: BLOCKS_KEPT,
            priority: true,
            codec_config: form,
            peer_provider: oracle.clone(),
            strategy: Sequential,
        },
    );
    let broadcast = broadcast.start(channels.blocks);
    let deferred = Deferred::new(
        context.child("deferred"),
        TimeGate(state.clone()),
        marshal_mailbox.clone(),
        epocher,
    );
    let (tap, final_blocks) = tap();
    let reporters: Reporters<_, _> = (state.clone(), tap).into();
    let marshal = marshal.start(reporters, buffer, resolver);
    let processed = marshal_mailbox.get_processed().await.map_or(0, |it| it.height().get());
    let stateful = stateful.start();
    let deciding = Deciding::default();
    let orchestrator = Orchestrator {
        context: context.child("epochs"),
        settings: Settings {
            key: config.votes.then(|| config.key.clone()),
            guard: config.guard,
            epoch_blocks,
            leader_stays: config.genesis.leader == 1,
            leader_timeout: config.leader_timeout,
            prefix: config.prefix.clone(),
            pages,
        },
        committees: committees.clone(),
        marshal: marshal_mailbox.clone(),
        application: deferred,
        blocker: oracle,
        membership,
        deciding: deciding.clone(),
    };
    let orchestrator = orchestrator.start(
        form.epoch(processed + 1),
        final_blocks,
        channels.votes,
        channels.certificates,
        channels.resolver,
    );
    let tasks = vec![
        ("broadcast", broadcast),
        ("marshal", marshal),
        ("state", stateful),
        ("epochs", orchestrator),
    ];
    Ok(Running { marshal: marshal_mailbox, state, committees, deciding, tasks })
}

/// The epochs whose boundary blocks lie in the archive, in their order.
async fn learn<E: Runtime>(
    committees: &Committees,
    begins: &Genesis,
    genesis: &Block,
    form: &Form,
    blocks: &Blocks<E>,
) -> Result<(), Fault> {
    let mut validators = begins.validators.clone();
    validators.sort();
    let committee = Committee { epoch: 0, validators };
    let (boundary, time) = (genesis.digest(), genesis.header().time);
    committees.learn(Record { committee, boundary, time });
    for epoch in 1.. {
        let last = epoch * form.epoch_blocks() - 1;
        let found = blocks.get(Identifier::Index(last)).await;
        let found = found.map_err(|why| damaged("blocks", &why))?;
        let Some(block) = found else { return Ok(()) };
        let committee = block.committee().ok_or_else(|| damaged("blocks", &"no committee"))?;
        let (boundary, time) = (block.digest(), block.header().time);
        committees.learn(Record { committee: committee.clone(), boundary, time });
    }
    Ok(())
}

fn damaged(file: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::Damaged { file: file.into(), why: why.to_string() }
}

async fn archives<E: Runtime>(
    context: &E,
    config: &Config,
    form: &Form,
    pages: &CacheRef,
) -> Result<(Blocks<E>, Certificates<E>), Fault> {
    let name = |what: &str| format!("{}-{what}", config.prefix);
    // What lies on one's own disk may have lost its witnesses by age.
    let mut kept = *form;
    kept.dropped = true;
    let blocks = archive(&name("blocks"), pages, kept);
    let blocks = immutable::Archive::init(context.child("block_archive"), blocks).await;
    let any = <Scheme as commonware_cryptography::certificate::Verifier>::certificate_codec_config_unbounded();
    let certificates = archive(&name("certificates"), pages, any);
    let certificates =
        immutable::Archive::init(context.child("certificate_archive"), certificates).await;
    Ok((
        blocks.map_err(|why| damaged(&name("blocks"), &why))?,
        certificates.map_err(|why| damaged(&name("certificates"), &why))?,
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

fn digested(block: Block) -> Digested<Block> {
    {
        let digest = block.digest();
        Digested::precomputed(block, digest)
    }
}
