//! Runs one consensus engine for each epoch, in the newest that is known here.
//!
//! ```text
//!   marshal --finalized block--> is it an epoch's last?  --no--> acknowledge
//!                                        | yes
//!                    learn its committee, stop the engine, let the committee connect,
//!                    start the next engine, acknowledge
//!
//!   a message of a later epoch --> ask its sender for the last block of each epoch before it
//! ```

use std::{
    num::{NonZeroU64, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use commonware_actor::Feedback;
use commonware_consensus::{
    CertifiableAutomaton, Heightable as _, Relay, Reporter,
    marshal::Update,
    simplex::{
        self, Floor, ForwardPolicy, Plan, SkipPolicy,
        config::SkipBudget,
        elector::RoundRobin,
        types::{Activity, Context},
    },
    types::{Epoch, Epocher as _, FixedEpocher, TermLength, ViewDelta},
};
use commonware_cryptography::{Digested, Digestible as _, Sha256, sha256::Digest};
use commonware_macros::select_loop;
use commonware_p2p::{
    Blocker, Receiver, Sender,
    utils::mux::{Builder as _, MuxHandle, Muxer},
};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, buffer::paged::CacheRef};
use commonware_utils::{
    Acknowledgement as _, NZDuration, NZU32, NZUsize, acknowledgement::Exact, vec::NonEmptyVec,
};
use futures::{StreamExt as _, channel::mpsc};
use tracing::{info, warn};

use super::{Committees, Guard, Record, early::Early, votes};
use crate::{Block, Files, Marshal, Membership, PrivateKey, PublicKey, Runtime, Scheme};

/// Views that one leader serves before the next does, when leaders stay until they fail: nobody can hold
/// back others' instructions, or the time, for longer.
const TERM_VIEWS: u32 = 256;
/// Final blocks on their way into the state.
pub const UNACKNOWLEDGED: NonZeroUsize = NZUsize!(16);
/// Views behind the newest final one of which votes are kept.
const VIEWS_KEPT: u64 = 16;
const MAILBOX: NonZeroUsize = NZUsize!(1024);
const BUFFER: NonZeroUsize = NZUsize!(64 * 1024);

/// How engines are run. All but `key`, `guard` and `files` are the same at every validator.
#[derive(Clone)]
pub struct Settings {
    /// The key that votes; an observer has none.
    pub key: Option<PrivateKey>,
    /// Keeps a validator that may have forgotten its votes from voting.
    pub guard: Guard,
    /// Blocks in an epoch.
    pub epoch_blocks: NonZeroU64,
    /// Whether a leader stays until it fails, or serves one view.
    pub leader_stays: bool,
    /// How long a leader may take to propose.
    pub leader_timeout: Duration,
    /// Its files.
    pub files: Files,
    /// Pages of the journals.
    pub pages: CacheRef,
}

/// Hands final blocks to the orchestrator: a reporter for marshal, beside the application's.
#[derive(Clone)]
pub struct Tap(mpsc::UnboundedSender<(Digested<Block>, Exact)>);

impl Reporter for Tap {
    type Activity = Update<Block>;

    fn report(&mut self, update: Update<Block>) -> Feedback {
        match update {
            Update::Tip(..) => Feedback::Ok,
            // Marshal bounds what is not acknowledged, and so this channel.
            Update::Block(block, done) => match self.0.unbounded_send((block, done)) {
                Ok(()) => Feedback::Ok,
                Err(_) => Feedback::Closed,
            },
        }
    }
}

/// Runs the engines.
pub struct Orchestrator<E, O, M, A> {
    /// The runtime.
    pub context: E,
    /// How engines are run.
    pub settings: Settings,
    /// The epochs that are known.
    pub committees: Committees,
    /// Where final blocks are.
    pub marshal: Marshal,
    /// Proposes and checks.
    pub application: A,
    /// Shuts out peers that break the protocol.
    pub blocker: O,
    /// Lets committees connect.
    pub membership: M,
    /// Is told, as each epoch begins, whether this node votes in it.
    pub voting: Voting,
}

/// Is told whether this node votes.
pub type Voting = Arc<dyn Fn(bool) + Send + Sync>;

/// Where a node begins: the first epoch whose last block it has not executed.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// The epoch, which must be known.
    pub epoch: u64,
    /// Whether this node has been in it before: its votes of then must be there.
    pub again: bool,
}

struct Running {
    epoch: u64,
    engine: Handle<()>,
}

/// The latest epoch that a peer was seen in, and the peer.
type Ahead = Option<(u64, PublicKey)>;

struct Muxes<S: Sender> {
    votes: MuxHandle<S>,
    certificates: MuxHandle<S>,
    resolver: MuxHandle<S>,
    early_votes: Early,
    early_certificates: Early,
    ahead: Ahead,
}

/// Final blocks on their way to the orchestrator.
#[must_use]
pub fn tap() -> (Tap, mpsc::UnboundedReceiver<(Digested<Block>, Exact)>) {
    let (sender, receiver) = mpsc::unbounded();
    (Tap(sender), receiver)
}

impl<E, O, M, A> Orchestrator<E, O, M, A>
where
    E: Runtime,
    O: Blocker<PublicKey = PublicKey>,
    M: Membership,
    A: CertifiableAutomaton<Context = Context<Digest, PublicKey>, Digest = Digest>
        + Relay<Digest = Digest, PublicKey = PublicKey, Plan = Plan<PublicKey>>
        + Reporter<Activity = Activity<Scheme, Digest>>,
{
    /// Begins at `start`, with the final blocks that `blocks` tells.
    pub fn start<S, R>(
        mut self,
        start: Start,
        blocks: mpsc::UnboundedReceiver<(Digested<Block>, Exact)>,
        votes: (S, R),
        certificates: (S, R),
        resolver: (S, R),
    ) -> Handle<()>
    where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let context = self.context.child("orchestrator");
        context.spawn(move |context| async move {
            self.context = context;
            self.run(start, blocks, votes, certificates, resolver).await;
        })
    }

    async fn run<S, R>(
        mut self,
        start: Start,
        mut blocks: mpsc::UnboundedReceiver<(Digested<Block>, Exact)>,
        votes: (S, R),
        certificates: (S, R),
        resolver: (S, R),
    ) where
        S: Sender<PublicKey = PublicKey>,
        R: Receiver<PublicKey = PublicKey>,
    {
        let (mux, votes, mut other_votes) =
            Muxer::builder(self.context.child("votes"), votes.0, votes.1).with_backup().build();
        mux.start();
        let (mux, certificates, mut other_certificates) =
            Muxer::builder(self.context.child("certificates"), certificates.0, certificates.1)
                .with_backup()
                .build();
        mux.start();
        let (mux, resolver) = Muxer::new(self.context.child("resolver"), resolver.0, resolver.1);
        mux.start();
        let (early_votes, early_certificates) = (Early::default(), Early::default());
        let ahead = None;
        let mut muxes =
            Muxes { votes, certificates, resolver, early_votes, early_certificates, ahead };
        let Some(mut running) = self.enter(start, &mut muxes).await else { return };
        select_loop! {
            self.context,
            on_stopped => {},
            Some((theirs, message)) = other_votes.recv() else break => {
                muxes.ahead = self.see(running.epoch, muxes.ahead, theirs, &message.0);
                muxes.early_votes.keep(running.epoch + 1, theirs, message);
            },
            Some((theirs, message)) = other_certificates.recv() else break => {
                muxes.ahead = self.see(running.epoch, muxes.ahead, theirs, &message.0);
                muxes.early_certificates.keep(running.epoch + 1, theirs, message);
            },
            ended = &mut running.engine => {
                assert!(ended.is_ok(), "the engine of epoch {} failed", running.epoch);
                break;
            },
            Some((block, done)) = blocks.next() else break => {
                match self.follow(block, running, &mut muxes).await {
                    Some(next) => running = next,
                    None => break,
                }
                done.acknowledge();
            },
        }
    }

    /// A final block: the epoch's last begins the next epoch.
    async fn follow<S: Sender<PublicKey = PublicKey>>(
        &mut self,
        block: Digested<Block>,
        running: Running,
        muxes: &mut Muxes<S>,
    ) -> Option<Running> {
        let last = self.last(running.epoch);
        if block.height().get() != last {
            assert!(block.height().get() < last, "marshal tells final blocks in their order");
            return Some(running);
        }
        let epoch = running.epoch + 1;
        let committee = block.inner().committee().expect("an epoch's last block names a committee");
        let (boundary, time) = (block.digest(), block.inner().header().time);
        self.committees.learn(Record { committee: committee.clone(), boundary, time });
        running.engine.abort();
        // It was told to stop: how it ended says nothing.
        let _ = running.engine.await;
        if let Some(old) = epoch.checked_sub(self.epochs_kept()) {
            votes::forget(&self.context, &self.settings.files, old).await;
        }
        self.enter(Start { epoch, again: false }, muxes).await
    }

    /// The height of an epoch's last block.
    fn last(&self, epoch: u64) -> u64 {
        let epocher = FixedEpocher::new(self.settings.epoch_blocks);
        epocher.last(Epoch::new(epoch)).expect("heights fit in 64 bits").get()
    }

    /// Epochs that a node may have to begin in again after a stop: those of the blocks that are on their way
    /// into the state, and the one before, which peers may still be in.
    const fn epochs_kept(&self) -> u64 {
        2 + UNACKNOWLEDGED.get() as u64 / self.settings.epoch_blocks.get()
    }

    /// A peer is in the epoch `theirs`: if that is later than ours, it has the last block of ours.
    fn see(&self, ours: u64, ahead: Ahead, theirs: u64, from: &PublicKey) -> Ahead {
        if theirs <= ours {
            return ahead;
        }
        self.ask_for_boundary(ours, from);
        match ahead {
            Some((epoch, _)) if epoch > theirs => ahead,
            _ => Some((theirs, from.clone())),
        }
    }

    fn ask_for_boundary(&self, ours: u64, from: &PublicKey) {
        let height = commonware_consensus::types::Height::new(self.last(ours));
        self.marshal.hint_finalized(height, NonEmptyVec::new(from.clone()));
    }

    /// Starts the engine of a known epoch. `None` when the runtime stops.
    async fn enter<S: Sender<PublicKey = PublicKey>>(
        &mut self,
        start: Start,
        muxes: &mut Muxes<S>,
    ) -> Option<Running> {
        let epoch = start.epoch;
        let record = self.committees.record(epoch).expect("only known epochs are entered");
        self.membership.track(&record.committee);
        let signs = may_sign(&self.context, &self.settings, start, &record).await;
        let key = self.settings.key.as_ref().filter(|_| signs);
        let scheme = self.committees.scheme(epoch, key);
        let votes = commonware_cryptography::certificate::Scheme::me(&scheme).is_some();
        let vote = muxes.votes.register(epoch).await.ok()?;
        let certificate = muxes.certificates.register(epoch).await.ok()?;
        let resolver = muxes.resolver.register(epoch).await.ok()?;
        let context = self.context.child("engine").with_attribute("epoch", epoch);
        let engine = simplex::Engine::new(context, self.engine(epoch, scheme, record.boundary));
        let engine = engine.start(
            (vote.0, muxes.early_votes.before(epoch, vote.1)),
            (certificate.0, muxes.early_certificates.before(epoch, certificate.1)),
            resolver,
        );
        (self.voting)(votes);
        info!(epoch, votes, "an epoch begins");
        if let Some((theirs, from)) = &muxes.ahead
            && *theirs > epoch
        {
            self.ask_for_boundary(epoch, from);
        }
        Some(Running { epoch, engine })
    }

    fn engine(
        &self,
        epoch: u64,
        scheme: Scheme,
        boundary: Digest,
    ) -> simplex::Config<Scheme, RoundRobin<Sha256>, O, Digest, A, A, A, Sequential> {
        let leader_timeout = self.settings.leader_timeout;
        let mut elector = RoundRobin::<Sha256>::default();
        if self.settings.leader_stays {
            let term = TermLength::new(NZU32!(TERM_VIEWS));
            elector = elector.with_term(term, leader_timeout * 5, ViewDelta::new(0));
        }
        simplex::Config {
            scheme,
            elector,
            blocker: self.blocker.clone(),
            automaton: self.application.clone(),
            relay: self.application.clone(),
            reporter: self.application.clone(),
            strategy: Sequential,
            partition: self.settings.files.votes(epoch),
            mailbox_size: MAILBOX,
            epoch: Epoch::new(epoch),
            floor: Floor::Genesis(boundary),
            replay_buffer: BUFFER,
            write_buffer: BUFFER,
            page_cache: self.settings.pages.clone(),
            leader_timeout,
            certification_timeout: leader_timeout * 2,
            timeout_retry: leader_timeout,
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(250),
            view_retention: ViewDelta::new(VIEWS_KEPT),
            skip: SkipPolicy::Enabled {
                timeout: leader_timeout * 3,
                budget: SkipBudget::Participants,
            },
            forward: ForwardPolicy::SilentVoters,
            track_historical_votes: false,
        }
    }
}

/// Whether this node may sign in an epoch: it has a key, and knows all that it has signed there.
async fn may_sign(disk: &impl Runtime, settings: &Settings, start: Start, record: &Record) -> bool {
    let Settings { key, guard, files, .. } = settings;
    let epoch = start.epoch;
    let (has_key, old_enough) = (key.is_some(), guard.allows(record.time));
    if has_key && !old_enough {
        warn!(epoch, "this node's folder is younger than the epoch: it only follows");
    }
    let signs = has_key && old_enough;
    match votes::open(disk, files, start, signs).await {
        Ok(votes::Journal::Whole) => signs,
        Ok(votes::Journal::Lost(why)) => {
            warn!(epoch, why, "what this node voted in this epoch is lost: it only follows");
            false
        }
        Err(fault) => panic!("the votes of epoch {epoch} cannot be read: {fault}"),
    }
}
