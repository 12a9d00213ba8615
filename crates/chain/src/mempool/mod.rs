//! The mempool: envelopes that wait to stand in a block, fed at any validator and told to the others.
//!
//! ```text
//!   door --submit--> check: size, chain, signature, key, number --> pool --draw--> propose
//!   peers --gossip-------^                                           |
//!                                              final blocks: settle -+
//! ```
//!
//! It holds nothing that may not stand in a block by the newest final state: each envelope is checked
//! before it enters, whoever brought it. It is bounded and shared as [`pool`] says. What is in it is
//! lost when the node stops: a sender that sees no finality sends again.

mod gossip;
mod pool;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use commonware_utils::channel::watch;
use crypto::Statement;
use ledger::{
    Entry, Envelope, INSTRUCTIONS_MAX, Key, Missing, Signed, Snapshot, governance::LaneRow,
    row::Row as _,
};
use store::{Databases, Fault, state::Engine};
use types::{ChainId, DecodeError, PublicKey, Wire as _};

use crate::{
    application::Lanes,
    block::Carried,
    execute::{Market, Witnesses},
};

pub use gossip::{Gossip, MESSAGE_MAX};
pub use pool::{Limits, Pool};

/// Bytes that wait at most to be told to the others.
const OUTBOX_BYTES_MAX: usize = 16 << 20;

/// Why an envelope does not enter, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has more bytes than an envelope may have.
    #[error("{len} bytes are too many: at most {max}")]
    TooLong {
        /// What it has.
        len: u64,
        /// What it may have.
        max: u32,
    },
    /// Its bytes are no envelope.
    #[error("it is not a signed envelope: {0}")]
    Malformed(DecodeError),
    /// It is for another market.
    #[error("it is for market {0}")]
    OtherChain(ChainId),
    /// It carries no instruction, or too many, or forwards others beside instructions of its own.
    #[error("it carries or forwards no instruction, or more than {INSTRUCTIONS_MAX}")]
    InstructionCount,
    /// It names a venue that alone may bring it.
    #[error("it names a venue that alone may bring it")]
    Via,
    /// Its witnesses are not those that it has to have, in order: a signature of 64 bytes, and one for each envelope
    /// that it forwards; a proof for each instruction on sealed amounts; the sealed envelope that it names.
    #[error("its witnesses are not its signatures, proofs and sealed envelope, in this order")]
    Witnesses,
    /// The sender has no such key, or it is revoked.
    #[error("the sender has no such key, or it is revoked")]
    KeyUnknown,
    /// A signature is not that of its key.
    #[error("a signature is not that of its key")]
    Signature,
    /// The proof of its instruction at this place is false, or over other keys than those of the accounts.
    #[error("the proof of its instruction {0} does not show what it should")]
    Proof(u16),
    /// Its expiry has passed.
    #[error("it has expired")]
    Expired,
    /// Its number stands in a block already.
    #[error("its number is used: the lane's next is {next}")]
    NumberUsed {
        /// The lane's next number.
        next: u64,
    },
    /// Its number is too far ahead.
    #[error("its number is too far ahead: the lane's next is {next}, at most {window} may wait")]
    NumberTooHigh {
        /// The lane's next number.
        next: u64,
        /// How many numbers may wait.
        window: u64,
    },
    /// Another envelope waits with its number.
    #[error("another envelope waits with its number")]
    NumberTaken,
    /// Its member's share is used up. It may be sent again later.
    #[error("the share of its member is used up for now")]
    ShareFull,
    /// No room is left. It may be sent again later.
    #[error("the mempool is full for now")]
    PoolFull,
}

impl Refused {
    /// Whether the same envelope may be taken later.
    #[must_use]
    pub const fn is_for_now(&self) -> bool {
        matches!(self, Self::NumberTooHigh { .. } | Self::ShareFull | Self::PoolFull)
    }
}

/// What waits. Clones share it.
#[derive(Clone)]
pub struct Mempool(Arc<Shared>);

struct Shared {
    market: Arc<Market>,
    pool: Mutex<Pool>,
    changed: watch::Sender<()>,
    told: watch::Sender<()>,
    outbox: Mutex<Outbox>,
}

/// What the others are to be told at once.
#[derive(Default)]
struct Outbox {
    envelopes: Vec<Vec<u8>>,
    bytes: usize,
}

impl Outbox {
    /// What finds no room is told later, while it waits in the pool.
    fn put(&mut self, envelope: &[u8]) {
        let bytes = self.bytes.saturating_add(envelope.len());
        if bytes <= OUTBOX_BYTES_MAX {
            self.envelopes.push(envelope.to_vec());
            self.bytes = bytes;
        }
    }
}

/// An envelope of which everything is checked that needs no state.
struct Sound {
    signed: Signed,
    witnesses: Witnesses,
    /// The keys of the signatures, its own first, and its lane.
    rows: Vec<store::Key>,
}

/// One whose signatures are checked as well.
struct Known {
    signed: Signed,
    /// The next number of its lane.
    next: u64,
    /// What its proofs have to show.
    claimed: Vec<(u16, Statement)>,
    witnesses: Witnesses,
}

impl Mempool {
    /// Nothing waits in this market.
    #[must_use]
    pub fn new(market: Arc<Market>, limits: Limits) -> Self {
        Self(Arc::new(Shared {
            market,
            pool: Mutex::new(Pool::new(limits)),
            changed: watch::Sender::new(()),
            told: watch::Sender::new(()),
            outbox: Mutex::default(),
        }))
    }

    /// Takes the bytes of signed envelopes from participants, and tells the other validators. Whether each
    /// is new: `false` if it waits here already. Their proofs are checked together.
    ///
    /// # Errors
    /// Inside, the first [`Refused`] that holds; else [`Fault`], when the state could not be read.
    pub async fn submit<E: Engine>(
        &self,
        databases: &Databases<E>,
        now: SystemTime,
        envelopes: &[Vec<u8>],
    ) -> Result<Vec<Result<bool, Refused>>, Fault> {
        let taken = self.take(databases, now, envelopes).await?;
        for (bytes, _) in envelopes.iter().zip(&taken).filter(|it| *it.1 == Ok(true)) {
            lock(&self.0.outbox).put(bytes);
            self.0.told.send_replace(());
        }
        Ok(taken)
    }

    /// The same without telling the others.
    pub(crate) async fn take<E: Engine>(
        &self,
        databases: &Databases<E>,
        now: SystemTime,
        envelopes: &[Vec<u8>],
    ) -> Result<Vec<Result<bool, Refused>>, Fault> {
        let mut known = Vec::new();
        for bytes in envelopes {
            known.push(self.known(databases, now, bytes).await?);
        }
        let claims = known.iter_mut().flatten().map(|it| (&mut it.witnesses, it.claimed.clone()));
        self.0.market.verdicts().show(claims);
        let enter = |it: Result<Known, Refused>| it.and_then(|it| self.enter(it, now));
        Ok(known.into_iter().map(enter).collect())
    }

    fn sound(&self, bytes: &[u8]) -> Result<Sound, Refused> {
        let max = self.pool().limits().envelope_len;
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if len > u64::from(max) {
            return Err(Refused::TooLong { len, max });
        }
        let signed = Signed::from_bytes(bytes).map_err(Refused::Malformed)?;
        let envelope = &signed.envelope;
        if envelope.chain != self.0.market.chain() {
            return Err(Refused::OtherChain(envelope.chain));
        }
        if !envelope.count_fits() {
            return Err(Refused::InstructionCount);
        }
        if envelope.via.is_some() {
            return Err(Refused::Via);
        }
        let witnesses = Witnesses::of(envelope, &signed.witnesses).ok_or(Refused::Witnesses)?;
        let keys = witnesses.signatures.iter().map(|(key, _)| *key);
        let lane = LaneRow::key(&(envelope.sender, envelope.lane));
        let rows = keys.chain([lane]).map(|it| it.0).collect();
        Ok(Sound { signed, witnesses, rows })
    }

    /// Checks all of an envelope but its proofs.
    async fn known<E: Engine>(
        &self,
        databases: &Databases<E>,
        now: SystemTime,
        bytes: &[u8],
    ) -> Result<Result<Known, Refused>, Fault> {
        let sound = match self.sound(bytes) {
            Ok(sound) => sound,
            Err(refused) => return Ok(Err(refused)),
        };
        let rows = store::state::read(databases, &sound.rows).await?;
        let rows = rows.into_iter().map(|row| row.map(|it| it.value)).collect();
        let Sound { signed, witnesses, .. } = sound;
        let next = match self.signed(&signed, &witnesses, rows, now) {
            Ok(next) => next,
            Err(refused) => return Ok(Err(refused)),
        };
        let claimed = match witnesses.proofs.is_empty() {
            true => Vec::new(),
            false => self.foresee(databases, &signed.envelope).await?,
        };
        Ok(Ok(Known { signed, next, claimed, witnesses }))
    }

    /// Checks an envelope's signatures by the rows of their keys, and gives the next number of its lane.
    fn signed(
        &self,
        signed: &Signed,
        witnesses: &Witnesses,
        mut rows: Vec<Option<Vec<u8>>>,
        now: SystemTime,
    ) -> Result<u64, Refused> {
        let lane = rows.pop().expect("the lane's row was asked for last");
        let keyed = witnesses.signatures.iter().zip(rows);
        let mut own = None;
        let mut checked = Vec::new();
        for (place, ((key, signature), row)) in keyed.enumerate() {
            // A key of what is forwarded may come before its block does; then it is checked there.
            let public = row.and_then(|row| usable_key(key, &row));
            own = own.or(public.filter(|_| place == 0));
            checked.extend(public.map(|public| (public, signature.clone())));
        }
        own.ok_or(Refused::KeyUnknown)?;
        if !self.0.market.verdicts().all_hold(&checked) {
            return Err(Refused::Signature);
        }
        if signed.envelope.expiry.0 < milliseconds(now) {
            return Err(Refused::Expired);
        }
        Ok(lane.map_or(0, |row| next_of(&row)))
    }

    /// What an envelope's proofs have to show, by the keys that its readers have now.
    async fn foresee<E: Engine>(
        &self,
        databases: &Databases<E>,
        envelope: &Envelope,
    ) -> Result<Vec<(u16, Statement)>, Fault> {
        let mut rows = AtHand(BTreeMap::new());
        loop {
            match ledger::statements(&rows, self.0.market.chain(), envelope) {
                Ok(statements) => return Ok(statements),
                Err(Missing(keys)) => {
                    let names: Vec<_> = keys.iter().map(|key| key.0).collect();
                    let read = store::state::read(databases, &names).await?;
                    rows.0.extend(keys.into_iter().zip(read.into_iter().map(|it| Some(it?.value))));
                }
            }
        }
    }

    fn enter(&self, known: Known, now: SystemTime) -> Result<bool, Refused> {
        let shown = &known.witnesses.shown;
        if let Some((index, _)) = known.claimed.iter().find(|it| !shown.contains(&it.1)) {
            return Err(Refused::Proof(*index));
        }
        let new = self.pool().insert(known.signed, known.next, now)?;
        if new {
            self.0.changed.send_replace(());
        }
        Ok(new)
    }

    /// Marks each time something enters.
    #[must_use]
    pub fn changed(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// Whether something is ready in a state that has moved on these `lanes`.
    #[must_use]
    pub fn has_ready(&self, lanes: &Lanes) -> bool {
        self.pool().has_ready(lanes)
    }

    /// What is ready in a state that has moved on these `lanes`, fairly, at most `room` bytes.
    #[must_use]
    pub fn draw(&self, lanes: &Lanes, room: u32) -> Vec<Carried> {
        self.pool().draw(lanes, room)
    }

    /// Removes an envelope that may not stand in a block.
    pub fn discard(&self, envelope: &Envelope) {
        self.pool().discard(envelope);
    }

    /// Removes what a final block has moved its lanes past.
    pub fn settle(&self, lanes: &Lanes) {
        let mut pool = self.pool();
        for ((sender, lane), next) in lanes {
            pool.raise(*sender, *lane, *next);
        }
        pool.turn();
    }

    /// How many envelopes wait, and their bytes.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        self.pool().size()
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        lock(&self.0.pool)
    }
}

/// Rows that were read for one envelope.
struct AtHand(BTreeMap<Key, Option<Vec<u8>>>);

impl Snapshot for AtHand {
    fn row(&self, key: &Key) -> Result<Option<Vec<u8>>, Missing> {
        self.0.get(key).cloned().ok_or_else(|| Missing(vec![*key]))
    }

    fn walk(&self, _: &Entry, _: &Entry) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(std::iter::empty())
    }
}

/// The key in a row that an envelope names, if it may sign.
fn usable_key(key: &Key, row: &[u8]) -> Option<PublicKey> {
    ledger::signing_key(key, row).filter(|(_, usable)| *usable).map(|(public, _)| public)
}

/// The next number in a lane's row.
fn next_of(row: &[u8]) -> u64 {
    LaneRow::from_bytes(row).expect("a row of the state is what the rules wrote").next
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
