//! The life of a gateway: it follows the market into its history, serves its users, and hands over what they ask.
//!
//! ```text
//!   nodes --certified blocks--> follow --some at a time--> history --> facts --> api
//!   nodes <--envelopes-- sending <-- outbox <-- api
//! ```

use std::{future::Future, path::Path, sync::Arc, time::Duration};

use ledger::{
    Key,
    governance::Party,
    issuance::{Instrument, Listing},
    row::Row as _,
};
use tokio::sync::watch;
use types::{Lane, PartyId, Sender};

use crate::{
    Doors, Fault, Follower, History, Signer,
    api::{self, App},
    config::{Config, Given},
    database::hold,
    facts::Facts,
    follow::Final,
    outbox::Outbox,
    sending::Sending,
};

/// Blocks that are written at once at most.
const TOGETHER: usize = 256;
/// How long to wait when no node serves.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the gateway in `folder`, with what is `given` over its file, until `stop` is done.
///
/// # Errors
/// [`Fault::Config`], [`Fault::Given`], [`Fault::Key`]; [`Fault::Database`]; [`Fault::Http`]; [`Fault::NotCertified`], when what the
/// history holds is not what nodes serve.
pub async fn run(
    folder: &Path,
    given: &Given,
    stop: impl Future<Output = ()>,
) -> Result<(), Fault> {
    let config = Config::read(folder, given)?;
    let chain = config.genesis.chain();
    let _held = hold(&[&config.history, &config.outbox]).await?;
    let history = History::open(&config.history, chain).await?;
    let doors = Doors::new(config.nodes.clone())?;
    let mut follower = match history.resume(&config.genesis).await? {
        Some(resumed) => Follower::resume(doors, resumed),
        None => Follower::from_genesis(doors, &config.genesis),
    };
    let (party, lane) = (config.party, config.lane);
    let sender = Sender::Party(party);
    let (held, holds) = watch::channel(follower.view().next_sequence(sender, lane));
    let ((says, facts), (tells, caught_up)) = (watch::channel(None), watch::channel(false));
    let outbox = Outbox::open(&config.outbox, chain, party, lane).await?;
    let signer = Signer::new(chain, party, config.key_number, config.key);
    let sending = Arc::new(Sending::new(outbox, signer, lane, holds));
    let (sent, users) = (sending.clone(), Arc::new(config.users));
    let (approval, history_of) = (Arc::new(config.approval), history.clone());
    let forwards = Arc::default();
    let app =
        App { chain, history: history_of, sending, facts, caught_up, users, approval, forwards };
    let server = api::serve(config.http, config.http_limits, app)?;
    let address = server.address();
    tracing::info!(party = party.0, http = %address, "the gateway runs");
    let to = Doors::new(config.nodes)?;
    let door_falls = async {
        while server.is_serving() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let life = Life { party, lane, history, says, held, tells };
    let ended = tokio::select! {
        () = stop => Ok(()),
        ended = life.follow(&mut follower) => ended,
        () = sent.hand_over(&to) => Ok(()),
        () = door_falls => Err(listen::Fault::Listen { address, why: "it serves no more".into() }.into()),
    };
    server.stop();
    ended
}

/// What a gateway tells of the blocks that it follows.
struct Life {
    party: PartyId,
    lane: Lane,
    history: History,
    says: watch::Sender<Option<Arc<Facts>>>,
    held: watch::Sender<u64>,
    tells: watch::Sender<bool>,
}

impl Life {
    /// Follows without end.
    async fn follow(&self, follower: &mut Follower) -> Result<(), Fault> {
        let mut facts = Facts::of(follower.view(), self.party);
        if facts.height > 0 {
            self.says.send_replace(Some(Arc::new(facts.clone())));
        }
        loop {
            let blocks = match some(follower).await {
                Ok(blocks) => blocks,
                Err(fault @ (Fault::Unreachable { .. } | Fault::Refused { .. })) => {
                    tracing::warn!(%fault, "no node serves blocks");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            self.keep(&blocks).await;
            follower.forget_told();
            let view = follower.view();
            facts = if blocks.iter().any(|it| changes_facts(it, self.party)) {
                Facts::of(view, self.party)
            } else {
                facts.at(view.height(), view.time())
            };
            self.says.send_replace(Some(Arc::new(facts.clone())));
            let next = view.next_sequence(Sender::Party(self.party), self.lane);
            self.held.send_if_modified(|it| std::mem::replace(it, next) != next);
            if !*self.tells.borrow() && !follower.is_behind().await.unwrap_or(true) {
                self.tells.send_replace(true);
            }
        }
    }

    /// Writes blocks into the history, however long the database takes to be well again.
    async fn keep(&self, blocks: &[Final]) {
        let last = blocks.last().map_or(0, |it| it.block.header.height);
        while let Err(fault) = self.history.write(blocks).await {
            tracing::error!(%fault, "the history cannot be written");
            tokio::time::sleep(PAUSE).await;
            // Whether it was written after all, the database knows.
            if matches!(self.history.newest().await, Ok(Some((height, _))) if height >= last) {
                break;
            }
        }
    }
}

/// The next blocks: one is waited for, and those that are there already come with it.
async fn some(follower: &mut Follower) -> Result<Vec<Final>, Fault> {
    let mut blocks = vec![follower.next_final().await?];
    while blocks.len() < TOGETHER
        && let Some(block) = follower.next_ready()?
    {
        blocks.push(block);
    }
    Ok(blocks)
}

/// Whether a block changes what is at hand for every request.
fn changes_facts(block: &Final, party: PartyId) -> bool {
    let own = Party::key(&party);
    block.block.changes.iter().any(|it| {
        let key = Key(it.key);
        key == own || [Instrument::KIND, Listing::KIND].contains(&key.kind()) && it.old.is_none()
    })
}
