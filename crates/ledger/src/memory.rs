//! A whole market in memory: rows and index in ordered maps, block after block, without consensus and disk.
//!
//! Tests, benchmarks and previews run on it. It sees every row, so nothing is ever missing.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crypto::Shown;
use types::{
    ChainId, Digest, InstructionId, InstrumentId, KeyId, Lane, LedgerTime, PartyId, Sender, Wire,
};

use crate::{
    At, Entry, Envelope, Event, Genesis, Instruction, Key, Missing, NotApplied, Outcome, Snapshot,
    Value,
    book::{self, Place, Position},
    governance::LaneRow,
    issuance::Instrument,
    row::Row,
    script::{self, Action, Ask, Report, Run, Script},
};

/// Time from one block to the next.
const BLOCK_MILLIS: u64 = 100;

/// A market: its rows, its index, its height and time.
#[derive(Clone, Debug)]
pub struct Memory {
    chain: ChainId,
    at: At,
    rows: BTreeMap<Key, Value>,
    index: BTreeSet<Entry>,
    /// What was shown of sealed amounts.
    pub shown: Shown,
}

impl Snapshot for Memory {
    fn row(&self, key: &Key) -> Result<Option<Value>, Missing> {
        Ok(self.rows.get(key).cloned())
    }

    fn walk(&self, from: &Entry, to: &Entry) -> Box<dyn Iterator<Item = Entry> + '_> {
        if from > to {
            return Box::new(core::iter::empty());
        }
        Box::new(self.index.range(from..=to).copied())
    }
}

impl script::Rows for Memory {
    fn row(&self, key: &Key) -> Option<Value> {
        self.rows.get(key).cloned()
    }
}

impl Memory {
    /// A market at its height 0.
    #[must_use]
    pub fn begin(genesis: &Genesis) -> Self {
        let at = At { time: genesis.time, height: 0 };
        let (rows, index) = Default::default();
        let chain = genesis.chain();
        let mut memory = Self { chain, at, rows, index, shown: Shown::nothing() };
        let outcome = at_hand(crate::genesis(&memory, genesis));
        memory.lay(outcome);
        memory
    }

    /// The market that a script begins with: its founder alone.
    #[must_use]
    pub fn of(script: &Script) -> Self {
        Self::begin(&script.genesis(LedgerTime(1_000), 1_000, 0, Vec::new()))
    }

    /// Which market it is.
    #[must_use]
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// Height and time of the last block.
    #[must_use]
    pub const fn at(&self) -> At {
        self.at
    }

    /// All rows.
    #[must_use]
    pub const fn rows(&self) -> &BTreeMap<Key, Value> {
        &self.rows
    }

    /// All index entries.
    #[must_use]
    pub const fn index(&self) -> &BTreeSet<Entry> {
        &self.index
    }

    /// The row with this name.
    #[must_use]
    pub fn get<R: Row>(&self, name: &R::Name) -> Option<R> {
        R::from_bytes(self.rows.get(&R::key(name))?).ok()
    }

    /// Every position, in the order of accounts and instruments; below zero those of issuance accounts.
    pub fn positions(&self) -> impl Iterator<Item = (Place, i64)> {
        let rows = self.rows.iter().filter(|it| it.0.kind() == Position::KIND);
        rows.filter_map(|(key, value)| {
            let place = Place::read(&mut types::Reader::new(key.name())).ok()?;
            Some((place, book::open(&Position::from_bytes(value).ok()?.available)))
        })
    }

    /// The digest of each security's owners, as its row has it.
    pub fn registry_digests(&self) -> impl Iterator<Item = (InstrumentId, Digest)> {
        let rows = self.rows.iter().filter(|it| it.0.kind() == Instrument::KIND);
        let rows = rows.filter_map(|(key, value)| {
            let instrument = InstrumentId::read(&mut types::Reader::new(key.name())).ok()?;
            Some((instrument, Instrument::from_bytes(value).ok()?.registry_digest))
        });
        rows.filter(|it| !it.0.is_currency())
    }

    /// A digest over all positions that are not zero: equal when the books are.
    #[must_use]
    pub fn positions_digest(&self) -> Digest {
        book::digest(self.positions())
    }

    /// The next envelope of a party's lane 0. It never expires.
    #[must_use]
    pub fn envelope(
        &self,
        sender: PartyId,
        key: KeyId,
        instructions: Vec<Instruction>,
    ) -> Envelope {
        let (sender, lane) = (Sender::Party(sender), Lane(0));
        Envelope {
            chain: self.chain,
            sender,
            key,
            lane,
            sequence: self.get::<LaneRow>(&(sender, lane)).map_or(0, |row| row.next),
            expiry: LedgerTime(u64::MAX),
            via: None,
            sealed: Digest([0; 32]),
            instructions,
        }
    }

    /// One block with these envelopes, and what it tells.
    ///
    /// # Errors
    /// [`NotApplied::Inadmissible`], at the first envelope that may not stand there. The block then ends
    /// before it, without its close.
    pub fn block(&mut self, envelopes: &[Envelope]) -> Result<Vec<Event>, NotApplied> {
        self.begin_block();
        let opened = at_hand(crate::open(self, self.at));
        let mut events = self.lay(opened);
        for envelope in envelopes {
            let applied = crate::apply(self, self.chain, self.at, envelope, &self.shown)?;
            events.extend(self.lay(applied));
        }
        let closed = at_hand(crate::close(self, self.at));
        events.extend(self.lay(closed));
        Ok(events)
    }

    /// Moves on to the next block, in which nothing has happened yet.
    pub const fn begin_block(&mut self) -> At {
        self.at.height = self.at.height.saturating_add(1);
        self.pass(BLOCK_MILLIS);
        self.at
    }

    /// Lets time pass before the next block.
    pub const fn pass(&mut self, millis: u64) {
        self.at.time = LedgerTime(self.at.time.0.saturating_add(millis));
    }

    /// Runs a script: each step that asks is one block.
    #[must_use]
    pub fn play(&mut self, script: &Script) -> Report {
        let mut run = Run::new(script);
        while let Some(action) = run.next(self) {
            match action {
                Action::Ask(asks) => self.ask(&mut run, &asks),
                Action::Wait(millis) => {
                    self.pass(millis);
                    self.ask(&mut run, &[]);
                }
                Action::Blocks(blocks) => (0..blocks).for_each(|_| self.ask(&mut run, &[])),
            }
        }
        run.finish()
    }

    /// One block in which lines of a script ask. An envelope that may not stand in it is left out.
    fn ask(&mut self, run: &mut Run<'_>, asks: &[Ask]) {
        let (mut envelopes, mut ids): (Vec<Envelope>, Vec<Vec<InstructionId>>) = Default::default();
        let mut next: BTreeMap<Sender, u64> = BTreeMap::new();
        for Ask { sender, key, instructions, .. } in asks {
            let mut envelope = self.envelope(*sender, *key, instructions.clone());
            if !self.may_sign(*sender, *key) {
                ids.push(Vec::new());
                continue;
            }
            let sequence = next.entry(envelope.sender).or_insert(envelope.sequence);
            envelope.sequence = *sequence;
            *sequence = sequence.saturating_add(1);
            ids.push(envelope.ids().collect());
            envelopes.push(envelope);
        }
        if !asks.is_empty() {
            run.asked(&ids);
        }
        let told = self.block(&envelopes);
        assert!(told.is_ok(), "envelopes in their lanes' order may stand in a block");
        run.tell(&told.unwrap_or_default());
    }

    fn may_sign(&self, party: PartyId, key: KeyId) -> bool {
        let row = self.get::<crate::governance::PartyKey>(&(party, key));
        row.is_some_and(|row| !row.revoked)
    }

    /// Lays the outcome of a call over the market, and gives its events.
    ///
    /// # Panics
    /// When an index entry comes that was there, or goes that was not.
    pub fn lay(&mut self, outcome: Outcome) -> Vec<Event> {
        for (key, value) in outcome.writes {
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
        for (entry, came) in outcome.entries {
            let moved = if came { self.index.insert(entry) } else { self.index.remove(&entry) };
            assert!(moved, "what comes was not there, what goes was");
        }
        outcome.events
    }
}

fn at_hand<T>(outcome: Result<T, Missing>) -> T {
    outcome.unwrap_or_else(|_| unreachable!("every row is at hand"))
}
