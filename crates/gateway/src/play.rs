//! A market script on a market of nodes: each line is signed, handed over, and final before the next.
//!
//! ```text
//!   Run --Ask--> sign --hand over--> a node of the stage
//!    ^---- ids, events, rows ------- certified blocks, one by one
//! ```
//!
//! The stage is a network or a simulated market: what is played, and what is believed, is the same.

use std::{collections::BTreeMap, future::Future};

use ledger::{
    Event, Signed,
    governance::PartyKey,
    script::{self, Action, Ask, Report, Run, Script},
};
use types::{ChainId, Digest, InstructionId, InstrumentId, Lane, LedgerTime, PartyId, Sender};

use crate::{Fault, Follower, Signer, View};

const LANE: Lane = Lane(0);
/// After so many blocks without effect, an envelope is handed over again.
const AGAIN_AFTER: u32 = 5;
/// So many blocks may pass until all that a step asks is final.
const BLOCKS_MAX: u32 = 120;

/// A market that takes envelopes and whose certified blocks come one by one.
pub trait Stage {
    /// Which market it is.
    fn chain(&self) -> ChainId;

    /// What its blocks say so far.
    fn view(&self) -> &View;

    /// Hands over an envelope, the same one again if need be; whether it is taken: not, when its
    /// sender has no such key.
    ///
    /// # Errors
    /// What its nodes say instead.
    fn hand_over(&mut self, signed: &Signed) -> impl Future<Output = Result<bool, Fault>>;

    /// Waits for the next block that is final, lays it over the view, and gives what it tells.
    ///
    /// # Errors
    /// As [`Follower::next`].
    fn next(&mut self) -> impl Future<Output = Result<Vec<Event>, Fault>>;
}

impl Stage for Follower {
    fn chain(&self) -> ChainId {
        Self::chain(self)
    }

    fn view(&self) -> &View {
        Self::view(self)
    }

    async fn hand_over(&mut self, signed: &Signed) -> Result<bool, Fault> {
        match self.submit(std::slice::from_ref(signed)).await {
            Ok(()) => Ok(true),
            Err(Fault::Refused { problem, .. }) if problem.code == "key-unknown" => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn next(&mut self) -> Result<Vec<Event>, Fault> {
        self.next_told().await
    }
}

/// What came of a script, and the books that it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// What held and what did not.
    pub report: Report,
    /// Over all positions that are not zero: equal when the books are.
    pub positions_digest: Digest,
    /// Of each security's owners.
    pub registry_digests: BTreeMap<InstrumentId, Digest>,
}

/// Plays a script on a market that began as the script says.
///
/// # Errors
/// Those of the stage; [`Fault::Unreachable`], when no block takes an envelope.
pub async fn play(script: &Script, stage: &mut impl Stage) -> Result<Played, Fault> {
    let mut run = Run::new(script);
    while let Some(action) = run.next(stage.view()) {
        match action {
            Action::Ask(asks) => ask(&mut run, stage, &asks).await?,
            Action::Wait(millis) => {
                let until = LedgerTime(stage.view().time().0.saturating_add(millis));
                while stage.view().time() < until {
                    run.tell(&stage.next().await?);
                }
            }
            Action::Blocks(blocks) => {
                for _ in 0..blocks {
                    run.tell(&stage.next().await?);
                }
            }
        }
    }
    let view = stage.view();
    Ok(Played {
        report: run.finish(),
        positions_digest: view.positions_digest(),
        registry_digests: view.registry_digests().collect(),
    })
}

/// Hands over what one step asks, and waits until all of it is final.
async fn ask(run: &mut Run<'_>, stage: &mut impl Stage, asks: &[Ask]) -> Result<(), Fault> {
    let (mut told, mut waiting) = (Vec::new(), Vec::new());
    let mut ids: Vec<Vec<InstructionId>> = Vec::new();
    let mut taken: BTreeMap<PartyId, u64> = BTreeMap::new();
    for ask in asks {
        let before = taken.entry(ask.sender).or_default();
        let signed = sign(ask, stage, *before);
        if !is_taken(stage, ask, &signed, &mut told).await? {
            ids.push(Vec::new());
            continue;
        }
        *before = before.saturating_add(1);
        ids.push(signed.ids().collect());
        waiting.push(signed);
    }
    run.asked(&ids);
    let mut blocks = 0_u32;
    loop {
        waiting.retain(|it| !is_held(stage.view(), it));
        let Some(first) = waiting.first() else { break };
        if blocks >= BLOCKS_MAX {
            let (line, number) = (asks.first().map_or(0, |it| it.line), first.envelope.sequence);
            let what = format!("line {line}: {blocks} blocks have not taken envelope {number}");
            return Err(Fault::Unreachable { tried: vec![what] });
        }
        if blocks > 0 && blocks.is_multiple_of(AGAIN_AFTER) {
            for it in &waiting {
                stage.hand_over(it).await?;
            }
        }
        told.extend(stage.next().await?);
        blocks = blocks.saturating_add(1);
    }
    run.tell(&told);
    Ok(())
}

/// Signs what a line asks, as its sender's next envelope after `before` others that wait. It never expires.
fn sign(ask: &Ask, stage: &impl Stage, before: u64) -> Signed {
    let secret = script::secret(&ask.word, ask.key);
    let mut signer = Signer::new(stage.chain(), ask.sender, ask.key, secret);
    let next = stage.view().next_sequence(Sender::Party(ask.sender), LANE);
    signer.learn(LANE, next.saturating_add(before));
    signer.sign(LANE, ask.instructions.clone(), LedgerTime(u64::MAX))
}

/// Whether a node takes an envelope. One that has not seen a new key yet is asked again.
async fn is_taken(
    stage: &mut impl Stage,
    ask: &Ask,
    signed: &Signed,
    told: &mut Vec<Event>,
) -> Result<bool, Fault> {
    for _ in 0..AGAIN_AFTER {
        if stage.hand_over(signed).await? {
            return Ok(true);
        }
        let key = stage.view().row::<PartyKey>(&(ask.sender, ask.key));
        if key.is_none_or(|it| it.revoked) {
            return Ok(false);
        }
        told.extend(stage.next().await?);
    }
    let why = format!("line {}: the node does not know a key that blocks have named", ask.line);
    Err(Fault::Unreachable { tried: vec![why] })
}

/// Whether a block holds it: its number is used up.
fn is_held(view: &View, signed: &Signed) -> bool {
    let envelope = &signed.envelope;
    view.next_sequence(envelope.sender, envelope.lane) > envelope.sequence
}
