//! Following: blocks come in their order, and are laid over the view when they are final.
//!
//! ```text
//!   GET /v1/blocks?from=h --> length | Certified | length | Certified ..
//!                                  |
//!                                  v  final by a certificate of the validators
//!                                view
//!   POST /v1/envelopes   <-- what was signed, again and again until its number is used up
//! ```
//!
//! A block counts when its header goes on from the header before it, names the root over its changes,
//! and is certified, or a later one is; and each changed row names the change before it that this view
//! has seen.

mod catch_up;
mod finality;
mod followed;

use std::time::{Duration, Instant};

use ledger::{Event, Genesis, Signed};
use reqwest::Response;
use types::{ChainId, Committee, LedgerTime, Validator, Wire as _};

use crate::{Doors, Fault, View, history::Resumed};

pub use self::followed::{Final, Followed};

/// A block's bytes are not longer than this.
pub const BLOCK_BYTES_MAX: usize = 64 << 20;
/// How long a node may be silent before another is asked.
const SILENCE_MAX: Duration = Duration::from_secs(6);
/// After so long without effect, an envelope is handed over again.
const AGAIN_AFTER: Duration = Duration::from_secs(3);
/// How long all nodes may fail, or an envelope may stay without effect.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait when every node is full or not ready.
const PAUSE: Duration = Duration::from_millis(100);

/// Where to stop following.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// At this height.
    Height(u64),
    /// At the last block that is not later.
    Time(LedgerTime),
}

/// Follows a market's blocks and hands over envelopes.
pub struct Follower {
    doors: Doors,
    followed: Followed,
    /// Which node is read from, modulo their number.
    place: usize,
    stream: Option<Stream>,
    patience: Patience,
}

/// How long to wait for others.
#[derive(Clone, Copy)]
struct Patience {
    /// For a node that is silent.
    silence: Duration,
    /// For all of them.
    all: Duration,
}

impl Follower {
    /// Begins with the first state of the market, and believes its first validators.
    ///
    /// # Panics
    /// When the rules miss a row of an empty state.
    #[must_use]
    pub fn from_genesis(doors: Doors, genesis: &Genesis) -> Self {
        Self::begin(doors, Followed::from_genesis(genesis))
    }

    /// Begins before the first block of `chain`, and believes these validators of its first epoch.
    #[must_use]
    pub fn of_validators(doors: Doors, chain: ChainId, validators: Vec<Validator>) -> Self {
        Self::begin(doors, Followed::of_validators(chain, validators))
    }

    /// Begins before the first block of `chain`, and believes the validators that block 1 names: for
    /// doors of one's own.
    #[must_use]
    pub fn new(doors: Doors, chain: ChainId) -> Self {
        Self::begin(doors, Followed::new(chain))
    }

    /// Goes on from what a history holds.
    #[must_use]
    pub fn resume(doors: Doors, resumed: Resumed) -> Self {
        let Resumed { header, committees, view } = resumed;
        Self::begin(doors, Followed::resume(view, &header, committees))
    }

    const fn begin(doors: Doors, followed: Followed) -> Self {
        let patience = Patience { silence: SILENCE_MAX, all: PATIENCE };
        Self { doors, followed, place: 0, stream: None, patience }
    }

    /// What blocks say so far.
    #[must_use]
    pub const fn view(&self) -> &View {
        self.followed.view()
    }

    /// Which market it follows.
    #[must_use]
    pub const fn chain(&self) -> ChainId {
        self.followed.chain()
    }

    /// The validators of an epoch, as certified blocks name them; `None` of an epoch that has not begun.
    #[must_use]
    pub fn committee(&self, epoch: u64) -> Option<&Committee> {
        self.followed.committee(epoch)
    }

    /// The nodes that it asks.
    #[must_use]
    pub const fn doors(&self) -> &Doors {
        &self.doors
    }

    /// Waits for the next block that is final, and gives its height.
    ///
    /// # Errors
    /// [`Fault::NotUnderstood`], [`Fault::NotCertified`] from the node that serves;
    /// [`Fault::Unreachable`], when none has served one for a minute.
    pub async fn next(&mut self) -> Result<u64, Fault> {
        self.next_told().await?;
        Ok(self.view().height())
    }

    /// Waits for the next block that is final, and gives what it tells.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn next_told(&mut self) -> Result<Vec<Event>, Fault> {
        self.next_final().await.map(|it| it.events)
    }

    /// Waits for the next block that is final, and gives it.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn next_final(&mut self) -> Result<Final, Fault> {
        loop {
            self.fill().await?;
            if let Some(block) = self.followed.lay()? {
                return Ok(block);
            }
        }
    }

    /// The next block that is final and was read already, if there is one.
    ///
    /// # Errors
    /// [`Fault::NotCertified`].
    pub fn next_ready(&mut self) -> Result<Option<Final>, Fault> {
        self.followed.lay()
    }

    /// Forgets what was told of instructions: who keeps a history reads it there.
    pub fn forget_told(&mut self) {
        self.followed.forget_told();
    }

    /// Reads until a block is final that is not laid over the view yet. A node that fails is left for the
    /// next; when as many in a row as there are have served nonsense, nobody is left to believe.
    async fn fill(&mut self) -> Result<(), Fault> {
        let (began, count) = (Instant::now(), self.doors.urls().len());
        let (mut failed, mut nonsense) = (0_usize, 0_usize);
        while self.followed.next_time().is_none() {
            let read = self.read().await;
            let Err(fault) = read.and_then(|bytes| self.followed.take(&bytes)) else { continue };
            self.read_from(self.place.wrapping_add(1));
            failed = failed.saturating_add(1);
            let elsewhere = matches!(fault, Fault::Unreachable { .. } | Fault::Refused { .. });
            nonsense = if elsewhere { 0 } else { nonsense.saturating_add(1) };
            if began.elapsed() > self.patience.all || nonsense >= count {
                return Err(fault);
            }
            if failed.is_multiple_of(count) {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Reads from the node at `place` from now on, modulo their number.
    fn read_from(&mut self, place: usize) {
        self.place = place;
        self.stream = None;
        self.followed.forget();
    }

    /// Hands over what was signed and follows until a block holds all of it.
    ///
    /// # Errors
    /// [`Fault::Refused`], when a node says that an envelope is malformed; otherwise as [`Self::next`].
    pub async fn settle(&mut self, signed: &[Signed]) -> Result<(), Fault> {
        self.submit(signed).await?;
        self.follow_until_held(signed).await
    }

    /// Follows until a block holds all of what was handed over; hands it over again if none does for long.
    ///
    /// # Errors
    /// As [`Self::settle`].
    pub async fn follow_until_held(&mut self, signed: &[Signed]) -> Result<(), Fault> {
        let (began, mut handed_over) = (Instant::now(), Instant::now());
        while !signed.iter().all(|it| self.holds(it)) {
            match tokio::time::timeout(AGAIN_AFTER, self.next()).await {
                Ok(next) => drop(next?),
                Err(_) => self.stream = None,
            }
            if began.elapsed() > PATIENCE {
                let tried = vec!["no block has taken the envelope for a minute".into()];
                return Err(Fault::Unreachable { tried });
            }
            if handed_over.elapsed() > AGAIN_AFTER {
                let left: Vec<_> = signed.iter().filter(|it| !self.holds(it)).cloned().collect();
                self.submit(&left).await?;
                handed_over = Instant::now();
            }
        }
        Ok(())
    }

    /// Hands over what was signed, in order, without waiting for blocks.
    ///
    /// # Errors
    /// [`Fault::Refused`], [`Fault::Unreachable`].
    pub async fn submit(&self, signed: &[Signed]) -> Result<(), Fault> {
        for it in signed {
            let (began, bytes) = (Instant::now(), it.to_bytes());
            loop {
                match self.doors.post("/v1/envelopes", bytes.clone()).await {
                    // Known already, or used up: the blocks say what became of it.
                    Ok(_) | Err(Fault::Refused { status: 409, .. }) => break,
                    Err(Fault::Unreachable { .. }) if began.elapsed() < PATIENCE => {
                        tokio::time::sleep(PAUSE).await;
                    }
                    Err(fault) => return Err(fault),
                }
            }
        }
        Ok(())
    }

    /// Whether a block holds it: its number is used up.
    #[must_use]
    pub fn holds(&self, signed: &Signed) -> bool {
        let envelope = &signed.envelope;
        self.view().next_sequence(envelope.sender, envelope.lane) > envelope.sequence
    }

    /// The bytes of the next block, from the node that is read from.
    async fn read(&mut self) -> Result<Vec<u8>, Fault> {
        let silent = |url: &str| Fault::Unreachable { tried: vec![format!("{url} is silent")] };
        if self.stream.is_none() {
            let from = self.followed.wanted();
            let answer = self.doors.stream(self.place, &format!("/v1/blocks?from={from}")).await?;
            self.stream = Some(Stream { url: answer.url().to_string(), answer, read: Vec::new() });
        }
        let Some(stream) = &mut self.stream else { return Err(silent("nobody")) };
        match tokio::time::timeout(self.patience.silence, stream.next()).await {
            Ok(block) => block,
            Err(_) => Err(silent(&stream.url)),
        }
    }
}

/// What a node is sending.
struct Stream {
    url: String,
    answer: Response,
    read: Vec<u8>,
}

impl Stream {
    /// The bytes of the next block. Safe to drop half way: what was read is kept.
    async fn next(&mut self) -> Result<Vec<u8>, Fault> {
        loop {
            if let Some(block) = self.whole()? {
                return Ok(block);
            }
            let ended =
                |why: String| Fault::Unreachable { tried: vec![format!("{}: {why}", self.url)] };
            let chunk = self.answer.chunk().await.map_err(|error| ended(error.to_string()))?;
            let chunk = chunk.ok_or_else(|| ended("the stream ended".into()))?;
            self.read.extend_from_slice(&chunk);
        }
    }

    /// A block, if all of it was read.
    fn whole(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let Some((length, rest)) = self.read.split_first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > BLOCK_BYTES_MAX {
            let why = format!("a block of {length} bytes");
            return Err(Fault::NotUnderstood { url: self.url.clone(), why });
        }
        let Some(block) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.read.drain(..length.saturating_add(4));
        Ok(Some(block))
    }
}

#[cfg(test)]
mod tests;
