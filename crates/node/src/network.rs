//! The network between nodes: mutually authenticated, encrypted, and only for those of the market.
//!
//! A node connects to the committee of the epoch and to the followers that its configuration names.
//! Everybody else is refused in the handshake, whatever key they show.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use chain::{Channels, Membership, PrivateKey, PublicKey, block::engine_key};
use commonware_cryptography::ChaCha20Poly1305;
use commonware_p2p::{
    Address, AddressableManager as _, AddressableTrackedPeers,
    authenticated::lookup::{self, Network, Oracle, Receiver, Sender},
};
use commonware_runtime::{Handle, Quota, Supervisor as _, tokio::Context};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{NZU32, NZUsize, ordered::Map};
use tracing::warn;
use types::{ChainId, Committee};

/// Peer sets that stay connected: this epoch's and the one's before.
const EPOCHS_CONNECTED: NonZeroUsize = NZUsize!(2);
const MAILBOX: NonZeroUsize = NZUsize!(256);
/// Places for peers beyond those of the first committee and the configuration.
const PEERS_SPARE: usize = 4;

/// Messages a second from one peer, for each channel. They size buffers that are made at the start.
const VOTES_RATE: NonZeroU32 = NZU32!(512);
const CERTIFICATES_RATE: NonZeroU32 = NZU32!(256);
const ASKING_RATE: NonZeroU32 = NZU32!(128);
const BLOCKS_RATE: NonZeroU32 = NZU32!(128);
const ENVELOPES_RATE: NonZeroU32 = NZU32!(256);

/// Where a node that only follows may connect from.
#[derive(Clone, Debug)]
pub struct Follower {
    /// Its key.
    pub key: PublicKey,
    /// Its address.
    pub address: Address,
}

/// What a node needs to connect.
pub struct Config {
    /// Which market: nodes of another one are strangers.
    pub chain: ChainId,
    /// Who this node is.
    pub key: PrivateKey,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Nodes that follow without a vote.
    pub followers: Vec<Follower>,
    /// Validators of the first epoch.
    pub validators: usize,
    /// Longest message, in bytes.
    pub message_max: u32,
}

/// Who may connect, and who may not any more.
pub type Gatekeeper = Oracle<PublicKey>;
/// What nodes say to each other.
pub type Lines = Channels<Sender<PublicKey, Context>, Receiver<PublicKey>>;

/// Lets committees and followers connect.
#[derive(Clone)]
pub struct Directory {
    gatekeeper: Gatekeeper,
    followers: Map<PublicKey, Address>,
}

impl Membership for Directory {
    fn track(&mut self, committee: &Committee) {
        let known = committee.validators.iter().filter_map(|it| {
            let address = it.address.as_str().parse::<SocketAddr>().ok().map(Address::from);
            if address.is_none() {
                warn!(key = %it.key, address = it.address.as_str(), "a validator's address is not IP:port");
            }
            Some((engine_key(&it.key)?, address?))
        });
        let validators = Map::from_iter_dedup(known);
        let peers = AddressableTrackedPeers::new(validators, self.followers.clone());
        // A network that has stopped ends the node by itself.
        let _ = self.gatekeeper.track(committee.epoch, peers);
    }
}

/// Begins to listen and to connect.
pub fn start(context: &Context, config: Config) -> (Handle<()>, Gatekeeper, Directory, Lines) {
    let namespace = [b"furikae-network-".as_slice(), &config.chain.0].concat();
    let handshake = Cups::<_, ChaCha20Poly1305>::new(
        Sake {
            signer: config.key,
            synchrony_bound: Duration::from_secs(5),
            max_handshake_age: Duration::from_secs(10),
            version: sake::Version::V1,
        },
        cups::Version::V1,
    );
    let peers = config.validators + config.followers.len() + PEERS_SPARE;
    let peers = NonZeroUsize::new(peers).expect("there are spare places");
    let settings = lookup::Config {
        allow_private_ips: true,
        peer_connection_cooldown: Duration::from_millis(500),
        allowed_handshake_rate_per_ip: Quota::per_second(NZU32!(64)),
        dial_frequency: Duration::from_millis(250),
        tracked_peer_sets: EPOCHS_CONNECTED,
        block_duration: Duration::from_mins(5),
        ..lookup::Config::recommended(
            handshake,
            &namespace,
            config.listen,
            peers,
            config.message_max,
            MAILBOX,
        )
    };
    let (mut network, gatekeeper) = Network::new(context.child("network"), settings);
    let mut line = |channel, rate| network.register(channel, Quota::per_second(rate));
    let lines = Channels {
        votes: line(0, VOTES_RATE),
        certificates: line(1, CERTIFICATES_RATE),
        resolver: line(2, ASKING_RATE),
        backfill: line(3, ASKING_RATE),
        blocks: line(4, BLOCKS_RATE),
        envelopes: line(5, ENVELOPES_RATE),
    };
    let followers = config.followers.into_iter().map(|it| (it.key, it.address));
    let followers = Map::from_iter_dedup(followers);
    let directory = Directory { gatekeeper: gatekeeper.clone(), followers };
    (network.start(), gatekeeper, directory, lines)
}
