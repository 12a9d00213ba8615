//! A market of nodes in one thread: each can be killed, started again, cut off, or begin with nothing.

use std::time::{Duration, UNIX_EPOCH};

use chain::{
    Files, Form, PrivateKey, PublicKey,
    application::Pace,
    door::{Door, Status},
    engine::Config,
    epoch::Guard,
    mempool::Limits,
    message_max,
    node::{self, Setup},
};
use commonware_cryptography::Signer as _;
use commonware_runtime::{
    Blob as _, Clock as _, Handle, ReadOptions, Spawner as _, Storage as _, Supervisor as _,
    WriteOptions, deterministic::Context,
};
use futures::{channel::oneshot, future::BoxFuture};
use ledger::Genesis;
use types::LedgerTime;

use crate::network::{Directory, Gatekeeper, Lines, Network};

/// How long a leader may take to propose.
const LEADER_TIMEOUT: Duration = Duration::from_secs(2);

/// One node: its key, its disk, and its task while it runs.
struct Place {
    key: PrivateKey,
    votes: bool,
    birth: LedgerTime,
    /// How often its disk was replaced by an empty one.
    disks: u32,
    running: Option<(Door, Handle<()>)>,
}

/// All nodes of a market.
pub struct Market {
    context: Context,
    genesis: Genesis,
    network: Network,
    places: Vec<Place>,
    starts: u32,
}

/// The life of a node. Boxed, so that the whole stack is compiled once, here.
fn live(
    context: Context,
    setup: Setup,
    gatekeeper: Gatekeeper,
    directory: Directory,
    lines: Lines,
    ready: oneshot::Sender<Result<Door, String>>,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let node = node::start(context.child("run"), setup, gatekeeper, directory, lines).await;
        // Whoever started it waits for exactly this.
        let node = match node {
            Ok(node) => node,
            Err(fault) => return drop(ready.send(Err(fault.to_string()))),
        };
        let _ = ready.send(Ok(node.door));
        let tasks = node.tasks.into_iter().map(|it| it.1);
        let (ended, ..) = futures::future::select_all(tasks).await;
        panic!("a task of a node has ended: {ended:?}");
    })
}

/// How the files of a node's disk begin.
fn disk(node: usize, disk: u32) -> String {
    format!("node-{node}-{disk}")
}

/// The time that the simulated clock shows.
fn now(context: &Context) -> LedgerTime {
    let since = context.current().duration_since(UNIX_EPOCH).unwrap_or_default();
    LedgerTime(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Market {
    /// The market that begins so, none of whose nodes run yet. `votes` have the keys of the genesis'
    /// validators; `follows` only follow.
    ///
    /// # Panics
    /// When the genesis has epochs of fewer than two blocks.
    pub async fn new(
        context: Context,
        genesis: Genesis,
        votes: Vec<PrivateKey>,
        follows: Vec<PrivateKey>,
    ) -> Self {
        let form = Form::of(&genesis).expect("an epoch has at least two blocks");
        let birth = LedgerTime(0);
        let place = |votes| move |key| Place { key, votes, birth, disks: 0, running: None };
        let places: Vec<Place> = votes
            .into_iter()
            .map(place(true))
            .chain(follows.into_iter().map(place(false)))
            .collect();
        let keys: Vec<PublicKey> = places.iter().map(|it| it.key.public_key()).collect();
        let network = Network::start(&context, keys.clone(), message_max(&form)).await;
        for key in &keys {
            network.join(key).await;
        }
        Self { context, genesis, network, places, starts: 0 }
    }

    /// How it begins.
    #[must_use]
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// How many nodes it has.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.places.len()
    }

    /// The time that the simulated clock shows.
    #[must_use]
    pub fn now(&self) -> LedgerTime {
        now(&self.context)
    }

    /// Which node has this key.
    #[must_use]
    pub fn node_of(&self, key: &types::PublicKey) -> Option<usize> {
        self.places.iter().position(|it| chain::block::our_key(&it.key.public_key()) == *key)
    }

    /// Starts all nodes that do not run.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn start_all(&mut self) {
        for node in 0..self.places.len() {
            self.start(node).await;
        }
    }

    /// Starts a node on the disk that it has.
    ///
    /// # Panics
    /// When it does not start: its disk is damaged.
    pub async fn start(&mut self, node: usize) {
        if let Err(fault) = self.try_start(node).await {
            panic!("node {node} does not start: {fault}");
        }
    }

    /// Starts a node on the disk that it has.
    ///
    /// # Errors
    /// Why it does not start.
    ///
    /// # Panics
    /// When it fails while it starts.
    pub async fn try_start(&mut self, node: usize) -> Result<(), String> {
        if self.places[node].running.is_some() {
            return Ok(());
        }
        self.starts += 1;
        let place = &mut self.places[node];
        let key = place.key.public_key();
        let setup = Setup {
            engine: Config {
                genesis: self.genesis.clone(),
                key: place.key.clone(),
                votes: place.votes,
                guard: Guard { birth: place.birth, skew_ms: 0 },
                leader_timeout: LEADER_TIMEOUT,
                files: Files::of(&disk(node, place.disks)),
            },
            pace: Pace::default(),
            limits: Limits::default(),
        };
        let lines = self.network.lines(&key).await;
        let (gatekeeper, directory) = (self.network.gatekeeper(&key), self.network.directory());
        let context = self.context.child("node").with_attribute("start", self.starts);
        let (ready, started) = oneshot::channel();
        let task =
            context.spawn(move |context| live(context, setup, gatekeeper, directory, lines, ready));
        let door = started.await.expect("a node that starts says so")?;
        place.running = Some((door, task));
        Ok(())
    }

    /// Ends a node at once: what was not durable is lost with its memory.
    pub async fn kill(&mut self, node: usize) {
        if let Some((_, task)) = self.places[node].running.take() {
            task.abort();
            // It was told to end: how says nothing.
            let _ = task.await;
        }
    }

    /// Ends a node and takes its disk away: it begins with nothing, in a folder that is made now.
    pub async fn wipe(&mut self, node: usize) {
        self.kill(node).await;
        let now = now(&self.context);
        let place = &mut self.places[node];
        place.disks += 1;
        place.birth = now;
    }

    /// Ends a node and takes the files of one partition of its disk away.
    ///
    /// # Panics
    /// When there is no such partition.
    pub async fn lose(&mut self, node: usize, part: &str) {
        self.kill(node).await;
        let partition = self.partition(node, part);
        self.context.remove(&partition, None).await.expect("the partition is there");
    }

    /// Ends a node and changes one bit of the last file of one partition of its disk: in its first bytes,
    /// which mean something in every file.
    ///
    /// # Panics
    /// When there is no such partition.
    pub async fn flip(&mut self, node: usize, part: &str) {
        self.kill(node).await;
        // Its tasks let go of their files.
        self.wait(Duration::from_millis(100)).await;
        let partition = self.partition(node, part);
        let files = self.context.scan(&partition).await.expect("the partition is there");
        let last = files.iter().max().expect("it has a file");
        let (file, len) = self.context.open(&partition, last).await.expect("it opens");
        let at = len.min(16) / 2;
        let read = file.read_at(at, 1, ReadOptions::default()).await.expect("it is read");
        let flipped = vec![read.coalesce().as_ref()[0] ^ 1];
        let written = file.write_at(at, flipped, WriteOptions::default()).await;
        written.expect("it is written");
        file.sync().await.expect("it is durable");
    }

    fn partition(&self, node: usize, part: &str) -> String {
        format!("{}-{part}", disk(node, self.places[node].disks))
    }

    /// Cuts a node off from all others.
    pub async fn cut(&self, node: usize) {
        self.network.cut(&self.places[node].key.public_key()).await;
    }

    /// Connects a node with all others again.
    pub async fn join(&self, node: usize) {
        self.network.join(&self.places[node].key.public_key()).await;
    }

    /// What may be asked of a node that runs.
    #[must_use]
    pub fn door(&self, node: usize) -> Option<&Door> {
        self.places[node].running.as_ref().map(|it| &it.0)
    }

    /// How the nodes are that run.
    #[must_use]
    pub fn status(&self) -> Vec<Option<Status>> {
        (0..self.places.len()).map(|it| self.door(it).map(Door::status)).collect()
    }

    /// Waits until all nodes that run have reached `height`; whether they did within `patience`.
    pub async fn reach(&self, height: u64, patience: Duration) -> bool {
        let until = self.context.current() + patience;
        loop {
            let reached = |it: &Option<Status>| it.as_ref().is_none_or(|it| it.height >= height);
            if self.status().iter().all(reached) {
                return true;
            }
            if self.context.current() >= until {
                return false;
            }
            self.context.sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets simulated time pass.
    pub async fn wait(&self, time: Duration) {
        self.context.sleep(time).await;
    }
}
