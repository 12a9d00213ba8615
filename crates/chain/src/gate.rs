//! The gate of time: a vote waits until the block's time is near this validator's clock.
//!
//! That a block's time is above its parent's holds for ever, so the application refuses what breaks it.
//! That it is not far ahead depends on the clock that looks, so it only delays the vote.

use std::time::{Duration, UNIX_EPOCH};

use commonware_consensus::{Application, Handoff, marshal::ancestry::Ancestry};
use commonware_cryptography::Digested;
use types::LedgerTime;

use crate::{Block, Runtime, epoch::AHEAD_MAX_MS};

/// An application that answers for a block when its time has come.
#[derive(Clone)]
pub struct TimeGate<A>(pub A);

impl<E, A> Application<E> for TimeGate<A>
where
    E: Runtime,
    A: Application<E, Block = Block>,
    A::Context: Send,
{
    type SigningScheme = A::SigningScheme;
    type Context = A::Context;
    type Block = Block;
    type Input = A::Input;

    async fn prepare(
        &mut self,
        context: (E, Self::Context),
        ancestry: impl Ancestry<Block>,
        input: Self::Input,
    ) -> Handoff<Digested<Block>> {
        self.0.prepare(context, ancestry, input).await
    }

    async fn propose(
        &mut self,
        context: (E, Self::Context),
        ancestry: impl Ancestry<Block>,
        input: Self::Input,
    ) -> Option<Digested<Block>> {
        self.0.propose(context, ancestry, input).await
    }

    async fn verify(
        &mut self,
        (context, round): (E, Self::Context),
        ancestry: impl Ancestry<Block>,
    ) -> bool {
        let time = ancestry.peek().map(|block| block.inner().header().time);
        let clock = context.child("gate");
        let valid = self.0.verify((context, round), ancestry).await;
        if valid && let Some(time) = time {
            wait_for(&clock, time).await;
        }
        valid
    }
}

/// Waits until `time` is at most [`AHEAD_MAX_MS`] ahead of the clock.
async fn wait_for(clock: &impl Runtime, time: LedgerTime) {
    let vote_from =
        UNIX_EPOCH.checked_add(Duration::from_millis(time.0.saturating_sub(AHEAD_MAX_MS)));
    match vote_from {
        Some(vote_from) => clock.sleep_until(vote_from).await,
        // A time that no clock shows never comes.
        None => std::future::pending().await,
    }
}
