//! Who may connect to a node: the epoch's committee and the followers it names, and nobody else.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use chain::{Membership as _, PrivateKey, block::our_key};
use commonware_cryptography::Signer as _;
use commonware_p2p::{Receiver as _, Recipients, Sender as _};
use commonware_runtime::{Clock as _, IoBuf, Runner as _, Supervisor as _, tokio};
use futures::future::{Either, select};
use node::network::{self, Config, Directory, Follower, Lines};
use types::{ChainId, Committee, PartyId, Text, Validator};

const CHAIN: ChainId = ChainId([7; 32]);

/// An address of this machine that is free now.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

struct Place {
    key: PrivateKey,
    address: SocketAddr,
}

impl Place {
    fn new(seed: u64) -> Self {
        Self { key: PrivateKey::from_seed(seed), address: free() }
    }

    fn validator(&self) -> Validator {
        let address = Text::new(&self.address.to_string()).unwrap();
        Validator { key: our_key(&self.key.public_key()), party: PartyId(1), address }
    }

    fn start(
        &self,
        context: &tokio::Context,
        chain: ChainId,
        follower: &Self,
    ) -> (Directory, Lines) {
        let follower =
            Follower { key: follower.key.public_key(), address: follower.address.into() };
        let config = Config {
            chain,
            key: self.key.clone(),
            listen: self.address,
            followers: vec![follower],
            validators: 2,
            message_max: 1 << 16,
        };
        let (_, _, directory, lines) = network::start(context, config);
        (directory, lines)
    }
}

/// Says `word` to all, again and again, until `heard` hears it; whether it does within the time.
async fn arrives(
    context: &tokio::Context,
    from: &mut Lines,
    heard: &mut Lines,
    word: &'static [u8],
    tries: u32,
) -> bool {
    for _ in 0..tries {
        from.votes.0.send(Recipients::All, IoBuf::from(word), false);
        while let Some(other) = hear(context, heard).await {
            if other == word {
                return true;
            }
        }
    }
    false
}

/// What is heard within a moment.
async fn hear(context: &tokio::Context, lines: &mut Lines) -> Option<Vec<u8>> {
    let (heard, moment) = (lines.votes.1.recv(), context.sleep(Duration::from_millis(200)));
    futures::pin_mut!(heard, moment);
    match select(heard, moment).await {
        Either::Left((heard, _)) => heard.ok().map(|it| it.1.as_ref().to_vec()),
        Either::Right(_) => None,
    }
}

#[test]
fn the_committee_and_named_followers_connect_and_nobody_else() {
    let config = tokio::Config::default().with_worker_threads(2);
    tokio::Runner::new(config).start(|context| async move {
        let [one, two, follower, stranger, foreign] = [1, 2, 3, 4, 5].map(Place::new);
        let mut validators = vec![one.validator(), two.validator()];
        validators.sort();
        let committee = Committee { epoch: 0, validators };
        let mut nodes = Vec::new();
        for (name, place, chain) in [
            ("one", &one, CHAIN),
            ("two", &two, CHAIN),
            ("follower", &follower, CHAIN),
            ("stranger", &stranger, CHAIN),
            // A validator's key in another market's network.
            (
                "foreign",
                &Place { key: two.key.clone(), address: foreign.address },
                ChainId([8; 32]),
            ),
        ] {
            let (mut directory, lines) = place.start(&context.child(name), chain, &follower);
            directory.track(&committee);
            nodes.push(lines);
        }
        let [mut one, mut two, mut follower, mut stranger, mut foreign] =
            <[Lines; 5]>::try_from(nodes).unwrap_or_else(|_| panic!("five nodes"));
        assert!(arrives(&context, &mut one, &mut two, b"a", 100).await, "validators connect");
        assert!(arrives(&context, &mut one, &mut follower, b"b", 100).await, "followers connect");
        // What is left of the first words is heard before the strangers speak.
        while hear(&context, &mut one).await.is_some() {}
        for other in [&mut stranger, &mut foreign] {
            assert!(!arrives(&context, other, &mut one, b"c", 15).await, "a stranger is heard");
            assert!(other.votes.0.send(Recipients::All, IoBuf::from(b"c"), false).is_empty());
        }
    });
}
