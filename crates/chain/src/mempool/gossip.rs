//! Gossip: what a participant brought to this node is told to the others, and again while it waits.
//!
//! ```text
//!   message = a list of byte strings (u32 count, each u32 length | signed envelope), at most 512 KiB
//! ```
//!
//! A node tells what was brought to it to all: validators are connected each with each, so nothing is
//! passed on. What has waited long at the head of its lane is told again by whoever has it, for a node
//! that was down. What a peer says is checked like what a participant says; what is refused is dropped,
//! for a peer may be behind or ahead.

use std::time::Duration;

use commonware_macros::select_loop;
use commonware_p2p::{Receiver, Recipients, Sender};
use commonware_runtime::{Clock, ContextCell, Handle, Spawner, spawn_cell};
use store::{Databases, state::Engine};
use types::{Bytes, LedgerTime, Reader, Wire as _};

use super::{Mempool, lock, milliseconds, next_of, usable_key};

/// Longest message, in bytes.
pub const MESSAGE_MAX: u32 = 512 * 1024;
/// How long what was brought is collected before it is told.
const COLLECT: Duration = Duration::from_millis(1);
/// How often what waits is looked at.
const TICK: Duration = Duration::from_secs(2);
/// How long something waits before it is looked up and told again.
const LONG: Duration = Duration::from_secs(4);
/// How many envelopes are looked up and told again at once.
const AGAIN_MAX: usize = 256;

/// Tells the others, and hears them.
pub struct Gossip<E: Engine> {
    context: ContextCell<E>,
    mempool: Mempool,
    databases: Databases<E>,
}

impl<E: Engine + Clock + Spawner> Gossip<E> {
    /// Gossip of this mempool, over the committed state.
    #[must_use]
    pub fn new(context: E, mempool: Mempool, databases: Databases<E>) -> Self {
        Self { context: ContextCell::new(context), mempool, databases }
    }

    /// Starts it on a channel whose messages have at most [`MESSAGE_MAX`] bytes.
    pub fn start(mut self, sender: impl Sender, receiver: impl Receiver) -> Handle<()> {
        spawn_cell!(self.context, self.run(sender, receiver))
    }

    async fn run(self, mut sender: impl Sender, mut receiver: impl Receiver) {
        let mut told = self.mempool.0.told.subscribe();
        let mut tick = self.context.current() + TICK;
        select_loop! {
            self.context,
            on_stopped => {},
            heard = receiver.recv() => match heard {
                Ok((_, message)) => self.hear(message.as_ref()).await,
                Err(_) => return,
            },
            _ = told.changed() => {
                self.context.sleep(COLLECT).await;
                told.mark_unchanged();
                let news = core::mem::take(&mut *lock(&self.mempool.0.outbox));
                tell(&mut sender, news.envelopes);
            },
            _ = self.context.sleep_until(tick) => {
                tick = self.context.current() + TICK;
                let again = self.look_again().await;
                tell(&mut sender, again);
            },
        }
    }

    /// Takes what a peer says.
    async fn hear(&self, message: &[u8]) {
        if message.len() > MESSAGE_MAX as usize {
            return;
        }
        let mut reader = Reader::new(message);
        let count = u32::read(&mut reader).unwrap_or(0);
        let mut envelopes = Vec::new();
        for _ in 0..count {
            let Ok(Bytes(envelope)) = Bytes::read(&mut reader) else { break };
            envelopes.push(envelope);
        }
        let now = self.context.current();
        let taken = match self.mempool.take(&self.databases, now, &envelopes).await {
            Ok(taken) => taken,
            Err(fault) => panic!("the state cannot be read: {fault}"),
        };
        for refused in taken.iter().filter_map(|it| it.as_ref().err()) {
            tracing::debug!(%refused, "a peer's envelope is refused");
        }
    }

    /// Drops what can no longer stand in a block, and gives what has waited long, to be told again.
    async fn look_again(&self) -> Vec<Vec<u8>> {
        let now = self.context.current();
        let waiting: Vec<_> = {
            let mut pool = self.mempool.pool();
            pool.forget(now, LedgerTime(milliseconds(now)));
            pool.waiting(now, LONG, AGAIN_MAX).into_iter().cloned().collect()
        };
        let mut again = Vec::new();
        for signed in waiting {
            let bytes = signed.to_bytes();
            let Ok(sound) = self.mempool.sound(&bytes) else { continue };
            let rows = match store::state::read(&self.databases, &sound.rows).await {
                Ok(rows) => rows,
                Err(fault) => panic!("the state cannot be read: {fault}"),
            };
            let (row, lane) = (rows.first().and_then(Option::as_ref), rows.last());
            let key = sound.witnesses.signatures.first().map(|(key, _)| key);
            let usable = key.zip(row).and_then(|(key, row)| usable_key(key, &row.value)).is_some();
            let next = lane.and_then(Option::as_ref).map_or(0, |it| next_of(&it.value));
            let envelope = &signed.envelope;
            let mut pool = self.mempool.pool();
            pool.raise(envelope.sender, envelope.lane, next);
            if !usable {
                pool.discard(envelope);
            } else if envelope.sequence >= next {
                again.push(bytes);
            }
        }
        again
    }
}

/// Tells all, in as few messages as they fit.
fn tell(sender: &mut impl Sender, envelopes: Vec<Vec<u8>>) {
    let mut message: Vec<Bytes> = Vec::new();
    let mut len = 4;
    for envelope in envelopes {
        let more = 4 + envelope.len();
        if len + more > MESSAGE_MAX as usize {
            send(sender, &message);
            (message, len) = (Vec::new(), 4);
        }
        message.push(Bytes(envelope));
        len += more;
    }
    send(sender, &message);
}

fn send(sender: &mut impl Sender, message: &Vec<Bytes>) {
    if !message.is_empty() {
        sender.send(Recipients::All, message.to_bytes(), false);
    }
}
