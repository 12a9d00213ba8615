//! The door of a running chain: what the outside may ask of it, from any thread and any runtime.
//!
//! ```text
//!   HTTP, simulator --Door--> asks, bounded --Requests--> the chain answers
//!                   <-------- status: the newest final block, always at hand
//! ```

use commonware_utils::channel::watch;
use futures::{
    SinkExt as _,
    channel::{mpsc, oneshot},
};
pub use store::archive::{Proved, When};
use types::{Bytes, ChainId, Digest, LedgerTime, PublicKey};

use crate::mempool::Refused;

/// Questions that wait at most, beyond one for each who asks.
const WAITING_MAX: usize = 256;

/// How a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Of which market it is.
    pub chain: ChainId,
    /// The height of its newest final block.
    pub height: u64,
    /// That block's time.
    pub time: LedgerTime,
    /// That block's epoch.
    pub epoch: u64,
    /// That block's view.
    pub view: u64,
    /// Who proposed that block.
    pub leader: PublicKey,
    /// The digest over the roots of its state after that block.
    pub root: Digest,
    /// Whether the node votes now.
    pub voting: bool,
    /// Whether it takes envelopes: it has read its state.
    pub ready: bool,
    /// Envelopes that wait here.
    pub waiting: u64,
}

/// A row as it stands, and the height of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stands {
    /// The height of its last change.
    pub changed: u64,
    /// Its value.
    pub value: Vec<u8>,
}

/// Why the chain does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It has not read its state yet.
    #[error("the node has not read its state yet")]
    NotReady,
    /// It has stopped.
    #[error("the node stops")]
    Stopped,
    /// What it keeps is damaged.
    #[error("{0}")]
    Damaged(String),
}

pub(crate) type Answer<T> = oneshot::Sender<Result<T, Unanswered>>;

/// A question, and where its answer goes.
pub enum Ask {
    /// Take the bytes of a signed envelope: whether it is new.
    Submit(Vec<u8>, Answer<Result<bool, Refused>>),
    /// The bytes of a block's `Certified`.
    Block(u64, Answer<Option<Vec<u8>>>),
    /// The sealed envelopes in a block, in their order.
    Envelopes(u64, Answer<Option<Vec<Bytes>>>),
    /// Rows of the newest final state.
    Rows(Vec<[u8; 48]>, Answer<Vec<Option<Stands>>>),
    /// The height of the last block that is not later.
    AtTime(LedgerTime, Answer<Option<u64>>),
    /// How a row stood in the past: absent if there is no such row.
    Prove([u8; 48], When, Answer<Option<Proved>>),
}

/// Asks a running chain. Clones ask the same one.
#[derive(Clone)]
pub struct Door {
    asks: mpsc::Sender<Ask>,
    status: watch::Receiver<Status>,
}

/// The other side of a [`Door`]: what was asked, in order, and where to say how the node is.
pub struct Requests {
    /// What was asked.
    pub asked: mpsc::Receiver<Ask>,
    /// How the node is.
    pub status: watch::Sender<Status>,
}

/// A door and its other side; the node begins as `status`.
#[must_use]
pub fn door(status: Status) -> (Door, Requests) {
    let (asks, asked) = mpsc::channel(WAITING_MAX);
    let (says, status) = watch::channel(status);
    (Door { asks, status }, Requests { asked, status: says })
}

impl Door {
    /// How the node is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Whether somebody is behind the door: `false` when the chain has stopped.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.asks.is_closed()
    }

    /// Waits until the newest final block is at least of this height.
    ///
    /// # Errors
    /// [`Unanswered::Stopped`].
    pub async fn reached(&mut self, height: u64) -> Result<Status, Unanswered> {
        let reached = self.status.wait_for(|it| it.height >= height).await;
        reached.map(|it| it.clone()).map_err(|_| Unanswered::Stopped)
    }

    /// Hands over the bytes of a signed envelope. Whether it is new: `false` if it waits already.
    ///
    /// # Errors
    /// [`Unanswered`]; inside, the first [`Refused`] that holds.
    pub async fn submit(&self, signed: Vec<u8>) -> Result<Result<bool, Refused>, Unanswered> {
        self.ask(|answer| Ask::Submit(signed, answer)).await
    }

    /// The bytes of `crypto::certificate::Certified` of a final block; `None` if it is not kept.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn block(&self, height: u64) -> Result<Option<Vec<u8>>, Unanswered> {
        self.ask(|answer| Ask::Block(height, answer)).await
    }

    /// The sealed envelopes in a final block, in their order; `None` if it is not kept.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn envelopes(&self, height: u64) -> Result<Option<Vec<Bytes>>, Unanswered> {
        self.ask(|answer| Ask::Envelopes(height, answer)).await
    }

    /// Rows of the newest final state, in the order of `keys`.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn rows(&self, keys: Vec<[u8; 48]>) -> Result<Vec<Option<Stands>>, Unanswered> {
        self.ask(|answer| Ask::Rows(keys, answer)).await
    }

    /// The height of the last final block that is not later than `time`.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn at_time(&self, time: LedgerTime) -> Result<Option<u64>, Unanswered> {
        self.ask(|answer| Ask::AtTime(time, answer)).await
    }

    /// A proof of how the row of `key` stood `when`; `None` if there is no such row now.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn prove(&self, key: [u8; 48], when: When) -> Result<Option<Proved>, Unanswered> {
        self.ask(|answer| Ask::Prove(key, when, answer)).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(Answer<T>) -> Ask) -> Result<T, Unanswered> {
        let (answer, answered) = oneshot::channel();
        let asked = self.asks.clone().send(ask(answer)).await;
        asked.map_err(|_| Unanswered::Stopped)?;
        answered.await.map_err(|_| Unanswered::Stopped)?
    }
}
