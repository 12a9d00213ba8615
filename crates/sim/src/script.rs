//! A market script on a simulated market: the chain, the ledger and the certificates of a network, in one thread.

use std::time::Duration;

use chain::{
    PrivateKey,
    door::{Door, Unanswered},
    mempool::Refused,
};
use commonware_cryptography::Signer as _;
use commonware_runtime::{Runner as _, Supervisor as _, deterministic};
use futures::future::LocalBoxFuture;
use gateway::{
    Fault, Followed, View,
    play::{Played, Stage, play},
};
use ledger::{
    Event, Signed,
    script::{self, Script},
};
use types::{ChainId, LedgerTime, Text, Validator, Wire as _};

use crate::Market;

/// Validators of a script's market.
const VALIDATORS: u8 = 4;
/// Blocks in an epoch: a script longer than that sees several.
const EPOCH_BLOCKS: u64 = 1_000;
/// How often the node is asked for its next block.
const STEP: Duration = Duration::from_millis(2);
/// So often it may have none: for a minute.
const STEPS_MAX: u32 = 30_000;

/// What came of a script, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// What held, and the books that it left.
    pub played: Played,
    /// The height of its last block.
    pub height: u64,
    /// A digest over every step of the simulated machines, in hexadecimal digits: the same from one seed.
    pub trace: String,
}

/// Runs a script on a new market of four validators, one of which serves and is asked.
///
/// # Errors
/// [`Fault`], when the market does not go on, or an envelope cannot be sent: it asks too much at once.
///
/// # Panics
/// When a node does not start.
pub fn run_script(script: &Script, seed: u64) -> Result<Ran, Fault> {
    let config = deterministic::Config::default().with_seed(seed).with_timeout(None);
    deterministic::Runner::new(config).start(|context| -> LocalBoxFuture<'_, _> {
        Box::pin(async move {
            let keys: Vec<_> = (0..u64::from(VALIDATORS)).map(PrivateKey::from_seed).collect();
            let validators = keys.iter().map(validator).collect();
            let genesis = script.genesis(LedgerTime(1_000), EPOCH_BLOCKS, 0, validators);
            let followed = Followed::from_genesis(&genesis);
            let mut market = Market::new(context.child("market"), genesis, keys, Vec::new()).await;
            market.start_all().await;
            let node = usize::try_from(seed % u64::from(VALIDATORS)).unwrap_or_default();
            let door = market.door(node).expect("it was just started").clone();
            let mut floor = Floor { market: &market, door, followed };
            let played = play(script, &mut floor).await?;
            let height = floor.followed.view().height();
            Ok(Ran { played, height, trace: context.auditor().state() })
        })
    })
}

fn validator(key: &PrivateKey) -> Validator {
    Validator {
        key: chain::block::our_key(&key.public_key()),
        party: script::party(script::FOUNDER),
        address: Text::new("simulated:1").unwrap_or_default(),
    }
}

/// A simulated market, seen from one of its nodes.
struct Floor<'m> {
    market: &'m Market,
    door: Door,
    followed: Followed,
}

impl Floor<'_> {
    /// The bytes of the block of this height, as soon as the node has it.
    async fn block(&self, height: u64) -> Result<Vec<u8>, Fault> {
        for _ in 0..STEPS_MAX {
            match self.door.block(height).await {
                Ok(Some(bytes)) => return Ok(bytes),
                Ok(None) | Err(Unanswered::NotReady) => self.market.wait(STEP).await,
                Err(why) => return Err(unanswered(&why)),
            }
        }
        Err(silent(&format!("there is no block {height} after a minute")))
    }
}

impl Stage for Floor<'_> {
    fn chain(&self) -> ChainId {
        self.followed.chain()
    }

    fn view(&self) -> &View {
        self.followed.view()
    }

    async fn hand_over(&mut self, signed: &Signed) -> Result<bool, Fault> {
        let bytes = signed.to_bytes();
        for _ in 0..STEPS_MAX {
            match self.door.submit(bytes.clone()).await {
                Ok(Ok(_) | Err(Refused::NumberUsed { .. })) => return Ok(true),
                Ok(Err(Refused::KeyUnknown)) => return Ok(false),
                Ok(Err(why)) if !why.is_for_now() => return Err(silent(&why.to_string())),
                Ok(Err(_)) | Err(Unanswered::NotReady) => self.market.wait(STEP).await,
                Err(why) => return Err(unanswered(&why)),
            }
        }
        Err(silent("there is no room for an envelope after a minute"))
    }

    async fn next(&mut self) -> Result<Vec<Event>, Fault> {
        loop {
            if let Some(block) = self.followed.lay()? {
                return Ok(block.events);
            }
            let bytes = self.block(self.followed.wanted()).await?;
            self.followed.take(&bytes)?;
        }
    }
}

fn unanswered(why: &Unanswered) -> Fault {
    silent(&why.to_string())
}

/// The simulated node does not do what is wanted.
fn silent(why: &str) -> Fault {
    Fault::Unreachable { tried: vec![format!("the simulated node: {why}")] }
}
