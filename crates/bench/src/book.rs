//! A state in memory, as the chain keeps it: rows by key, and the index as a persistent ordered set.

use std::collections::HashMap;

use imbl::OrdSet;
use ledger::{
    At, Entry, Envelope, Event, Genesis, Instruction, Key, Missing, Outcome, Snapshot, Value,
    governance::{GenesisParty, Party, Roles},
};
use types::{ChainId, Digest, KeyId, Lane, LedgerTime, PartyId, PublicKey, Sender, Text};

/// Rows and index.
#[derive(Clone, Default)]
pub struct Book {
    rows: HashMap<Key, Value>,
    index: OrdSet<Entry>,
    chain: Option<ChainId>,
    height: u64,
    sequence: u64,
}

impl Snapshot for Book {
    fn row(&self, key: &Key) -> Result<Option<Value>, Missing> {
        Ok(self.rows.get(key).cloned())
    }

    fn walk(&self, from: &Entry, to: &Entry) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(self.index.range(*from..=*to).copied())
    }
}

/// The party that holds every role here.
pub const OPERATOR: PartyId = PartyId(1);

impl Book {
    /// A market whose only party holds every role.
    ///
    /// # Panics
    /// When the rules refuse their own genesis.
    #[must_use]
    pub fn new() -> Self {
        let row = Party {
            lei: types::Lei::parse("5493001KJTIIGC8Y1R12").expect("a valid LEI"),
            name: Text::default(),
            roles: Roles::ALL,
            suspended: false,
        };
        let genesis = Genesis {
            name: Text::default(),
            time: LedgerTime(1),
            date: types::BusinessDate(20_000),
            epoch_blocks: 1_000,
            leader: 0,
            parties: vec![GenesisParty { party: OPERATOR, row, key: PublicKey([0; 32]) }],
            validators: Vec::new(),
            parameters: Vec::new(),
        };
        let mut book = Self { chain: Some(genesis.chain()), ..Self::default() };
        let outcome = ledger::genesis(&book, &genesis).expect("all rows at hand");
        book.lay(outcome);
        book
    }

    /// Runs one block that holds `asked` in one envelope, and tells its events.
    ///
    /// # Panics
    /// When the rules do not take the envelope.
    pub fn block(&mut self, asked: Vec<Instruction>) -> Vec<Event> {
        self.height += 1;
        let at = At { time: LedgerTime(1_000 * self.height), height: self.height };
        let chain = self.chain.expect("begun");
        let outcome = ledger::open(self, at).expect("all rows at hand");
        let mut events = self.lay(outcome);
        for asked in asked.chunks(usize::from(ledger::INSTRUCTIONS_MAX)) {
            let envelope = Envelope {
                chain,
                sender: Sender::Party(OPERATOR),
                key: KeyId(0),
                lane: Lane(0),
                sequence: self.sequence,
                expiry: LedgerTime(u64::MAX),
                via: None,
                sealed: Digest([0; 32]),
                instructions: asked.to_vec(),
            };
            self.sequence += 1;
            let outcome = ledger::apply(self, chain, at, &envelope).expect("admissible");
            events.extend(self.lay(outcome));
        }
        let outcome = ledger::close(self, at).expect("all rows at hand");
        events.extend(self.lay(outcome));
        events
    }

    fn lay(&mut self, outcome: Outcome) -> Vec<Event> {
        for (key, value) in outcome.writes {
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
        for (entry, came) in outcome.entries {
            if came {
                self.index.insert(entry);
            } else {
                self.index.remove(&entry);
            }
        }
        outcome.events
    }
}
