//! The network of a simulated market: links with delay and loss, cut and mended as a seed says.

use std::time::Duration;

use chain::{Channels, Membership, PublicKey};
use commonware_p2p::{
    Manager as _, TrackedPeers,
    simulated::{Config, Control, Link, Manager, Network as Engine, Oracle, Receiver, Sender},
};
use commonware_runtime::{Quota, Supervisor as _, deterministic::Context};
use commonware_utils::{NZU32, NZUsize, ordered::Set, probability};
use types::Committee;

/// Messages a second on each line: never the limit here.
const RATE: Quota = Quota::per_second(NZU32!(4_096));
/// Nodes of the largest simulated market.
const NODES_MAX: std::num::NonZeroUsize = NZUsize!(64);

/// What nodes say to each other.
pub type Lines = Channels<Sender<PublicKey, Context>, Receiver<PublicKey>>;

/// All links of a market.
#[derive(Clone)]
pub struct Network {
    oracle: Oracle<PublicKey, Context>,
    nodes: Vec<PublicKey>,
    link: Link,
}

impl Network {
    /// Connects `nodes` with each other; messages have at most `message_max` bytes.
    pub async fn start(context: &Context, nodes: Vec<PublicKey>, message_max: u32) -> Self {
        let config = Config {
            max_size: message_max,
            max_peers_per_set: NODES_MAX,
            disconnect_on_block: true,
            tracked_peer_sets: NZUsize!(2),
        };
        let (engine, oracle) = Engine::new(context.child("network"), config);
        engine.start();
        let link = Link {
            latency: Duration::from_millis(5),
            jitter: Duration::from_millis(2),
            success_rate: probability!(1.0),
        };
        Self { oracle, nodes, link }
    }

    /// Opens the lines of a node. Every restart opens them anew.
    ///
    /// # Panics
    /// When the network has stopped.
    pub async fn lines(&self, node: &PublicKey) -> Lines {
        let control = self.oracle.control(node.clone());
        let line = async |channel| control.register(channel, RATE).await.expect("it runs");
        Channels {
            votes: line(0).await,
            certificates: line(1).await,
            resolver: line(2).await,
            backfill: line(3).await,
            blocks: line(4).await,
            envelopes: line(5).await,
        }
    }

    /// What shuts out, and tells who is connected, on behalf of `node`.
    #[must_use]
    pub fn gatekeeper(&self, node: &PublicKey) -> Gatekeeper {
        Gatekeeper { control: self.oracle.control(node.clone()), manager: self.oracle.manager() }
    }

    /// Who may connect. In the simulator all nodes share it.
    #[must_use]
    pub fn directory(&self) -> Directory {
        Directory { manager: self.oracle.manager(), nodes: self.nodes.clone() }
    }

    /// Links `node` with all others, both ways.
    pub async fn join(&self, node: &PublicKey) {
        for other in self.nodes.iter().filter(|it| *it != node) {
            for (from, to) in [(node, other), (other, node)] {
                // A link that is there already stays.
                let _ = self.oracle.add_link(from.clone(), to.clone(), self.link.clone()).await;
            }
        }
    }

    /// Cuts `node` off from all others, both ways.
    pub async fn cut(&self, node: &PublicKey) {
        for other in self.nodes.iter().filter(|it| *it != node) {
            for (from, to) in [(node, other), (other, node)] {
                // A link that is not there need not be cut.
                let _ = self.oracle.remove_link(from.clone(), to.clone()).await;
            }
        }
    }
}

/// Shuts out peers of one node, and tells it who is connected.
#[derive(Clone)]
pub struct Gatekeeper {
    control: Control<PublicKey, Context>,
    manager: Manager<PublicKey, Context>,
}

impl std::fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gatekeeper")
    }
}

impl commonware_p2p::Provider for Gatekeeper {
    type PublicKey = PublicKey;

    async fn peer_set(&mut self, id: u64) -> Option<TrackedPeers<PublicKey>> {
        self.manager.peer_set(id).await
    }

    async fn subscribe(&mut self) -> commonware_p2p::PeerSetSubscription<PublicKey> {
        self.manager.subscribe().await
    }
}

impl commonware_p2p::Blocker for Gatekeeper {
    type PublicKey = PublicKey;

    fn block(&mut self, peer: PublicKey) -> commonware_actor::Feedback {
        self.control.block(peer)
    }

    fn blocked(&mut self) -> commonware_p2p::BlockedSubscription<PublicKey> {
        self.control.blocked()
    }
}

/// Lets committees connect; the other nodes follow.
#[derive(Clone)]
pub struct Directory {
    manager: Manager<PublicKey, Context>,
    nodes: Vec<PublicKey>,
}

impl Membership for Directory {
    fn track(&mut self, committee: &Committee) {
        let decides = committee.validators.iter();
        let decides = decides.filter_map(|it| chain::block::engine_key(&it.key));
        let decides = Set::from_iter_dedup(decides);
        let follows = Set::from_iter_dedup(self.nodes.iter().cloned());
        // The first node that enters an epoch says it for all.
        let _ = self.manager.track(committee.epoch, TrackedPeers::new(decides, follows));
    }
}
