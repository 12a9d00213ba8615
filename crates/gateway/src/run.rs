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
    config::Config,
    facts::Facts,
    follow::Final,
    outbox::Outbox,
    sending::Sending,
};

/// Blocks that are written at once at most.
const TOGETHER: usize = 256;
/// How long to wait when no node serves.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the gateway in `folder` until `stop` is done.
///
/// # Errors
/// [`Fault::Config`], [`Fault::Key`]; [`Fault::Database`]; [`Fault::Http`]; [`Fault::NotCertified`], when what the
/// history holds is not what nodes serve.
pub async fn run(folder: &Path, stop: impl Future<Output = ()>) -> Result<(), Fault> {
    let config = Config::read(folder)?;
    let chain = config.genesis.chain();
    let history = History::open(&config.history, chain).await?;
    let outbox = Outbox::open(&config.outbox, chain).await?;
    let doors = Doors::new(config.nodes.clone())?;
    let mut follower = match history.resume(&config.genesis).await? {
        Some(resumed) => Follower::resume(doors, resumed),
        None => Follower::from_genesis(doors, &config.genesis),
    };
    let (says, facts) = watch::channel(None);
    let (party, lane) = (config.party, config.lane);
    let sender = Sender::Party(party);
    let next = follower.view().next_sequence(sender, lane);
    let signer = Signer::new(chain, party, config.key_number, config.key);
    let sending = Arc::new(Sending::new(outbox, signer, lane, next).await?);
    let (held, holds) = watch::channel(next);
    let (sent, users) = (sending.clone(), Arc::new(config.users));
    let app = App { chain, history: history.clone(), sending, facts, users };
    let server = api::serve(config.http, config.http_limits, app)?;
    tracing::info!(party = party.0, http = %server.address(), "the gateway runs");
    let to = Doors::new(config.nodes)?;
    let ended = tokio::select! {
        () = stop => Ok(()),
        ended = follow(&mut follower, &history, (party, lane), &says, &held) => ended,
        ended = sent.hand_over(&to, holds) => ended,
    };
    server.stop();
    ended
}

/// Follows without end.
async fn follow(
    follower: &mut Follower,
    history: &History,
    (party, lane): (PartyId, Lane),
    says: &watch::Sender<Option<Arc<Facts>>>,
    held: &watch::Sender<u64>,
) -> Result<(), Fault> {
    let sender = Sender::Party(party);
    let mut facts = Facts::of(follower.view(), party);
    if facts.height > 0 {
        says.send_replace(Some(Arc::new(facts.clone())));
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
        history.write(&blocks).await?;
        follower.forget_told();
        let view = follower.view();
        facts = if blocks.iter().any(|it| changes_facts(it, party)) {
            Facts::of(view, party)
        } else {
            facts.at(view.height(), view.time())
        };
        says.send_replace(Some(Arc::new(facts.clone())));
        let next = view.next_sequence(sender, lane);
        held.send_if_modified(|it| std::mem::replace(it, next) != next);
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
