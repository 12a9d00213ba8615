//! The rows that one block sees: what stood before, what it has written, and the index of both.

use std::collections::BTreeMap;

use crypto::changes::Change;
use ledger::{Entry, Key, Missing, Outcome, Snapshot, Value};
use store::{Draft, Fault, Row, state::Engine};
use types::Bytes;

use crate::index::Index;

/// Rows at hand. What was never asked for is [`Missing`].
pub struct Rows {
    before: BTreeMap<Key, Option<Row>>,
    now: BTreeMap<Key, Option<Value>>,
    index: Index,
    events: Vec<Bytes>,
    calls: u32,
}

impl Snapshot for Rows {
    fn row(&self, key: &Key) -> Result<Option<Value>, Missing> {
        if let Some(written) = self.now.get(key) {
            return Ok(written.clone());
        }
        let row = self.before.get(key).ok_or_else(|| Missing(vec![*key]))?;
        Ok(row.as_ref().map(|it| it.value.clone()))
    }

    fn walk(&self, from: &Entry, to: &Entry) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(self.index.walk(from, to))
    }
}

impl Rows {
    /// No row at hand, over a state with this index.
    #[must_use]
    pub const fn over(index: Index) -> Self {
        Self { before: BTreeMap::new(), now: BTreeMap::new(), index, events: Vec::new(), calls: 0 }
    }

    /// Fetches those of `keys` that are not at hand.
    ///
    /// # Errors
    /// Those of [`Draft::get_many`].
    pub async fn fetch<E: Engine>(
        &mut self,
        draft: &Draft<E>,
        mut keys: Vec<Key>,
    ) -> Result<(), Fault> {
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| !self.before.contains_key(key));
        let names: Vec<store::Key> = keys.iter().map(|key| key.0).collect();
        let rows = draft.get_many(&names).await?;
        self.before.extend(keys.into_iter().zip(rows));
        Ok(())
    }

    /// Calls `rule`, fetching what it misses and calling it again, until it has what it needs.
    ///
    /// # Errors
    /// Those of [`Draft::get_many`]; inside, what `rule` answers.
    pub async fn call<E: Engine, T: Send, R: MayMiss>(
        &mut self,
        draft: &Draft<E>,
        rule: impl Fn(&dyn Snapshot) -> Result<T, R> + Send,
    ) -> Result<Result<T, R::Other>, Fault> {
        loop {
            self.calls = self.calls.saturating_add(1);
            let missing = match rule(self).map_err(MayMiss::missing) {
                Ok(done) => return Ok(Ok(done)),
                Err(Err(other)) => return Ok(Err(other)),
                Err(Ok(missing)) => missing,
            };
            let known = self.before.len();
            let next: Vec<Key> = missing.0.iter().flat_map(ledger::missed_next).collect();
            let keys = missing.0.into_iter().chain(next).collect();
            self.fetch(draft, keys).await?;
            assert!(self.before.len() > known, "a rule misses only what is not at hand");
        }
    }

    /// Lays an outcome over the rows.
    pub fn absorb(&mut self, outcome: Outcome) {
        self.now.extend(outcome.writes);
        self.index.absorb(&outcome.entries);
        self.events.extend(outcome.events.iter().map(|it| Bytes(types::Wire::to_bytes(it))));
    }

    /// How often a rule was called, those for want of a row among them.
    #[must_use]
    pub const fn calls(&self) -> u32 {
        self.calls
    }

    /// Writes one row of the chain's own.
    pub fn put(&mut self, key: Key, value: Value) {
        self.now.insert(key, Some(value));
    }

    /// What the block changed: the rows to write, the changes that have leaves, the events told, the
    /// index after it.
    ///
    /// A row that came and went within the block is no change. A row that was written as it was is
    /// one: somebody asked for a leaf of it.
    #[must_use]
    pub fn finish(self, height: u64) -> Changed {
        let mut changed = Changed {
            rows: Vec::new(),
            changes: Vec::new(),
            events: self.events,
            index: self.index,
        };
        for (key, value) in self.now {
            let before = self.before.get(&key).expect("a row is looked at before it is written");
            if before.is_none() && value.is_none() {
                continue;
            }
            if key.has_change_leaf() {
                changed.changes.push(Change {
                    key: key.0,
                    previous: before.as_ref().map_or(0, |it| it.changed),
                    old: before.as_ref().map(|it| Bytes(it.value.clone())),
                    new: value.clone().map(Bytes),
                });
            }
            changed.rows.push((key.0, value.map(|value| Row { changed: height, value })));
        }
        changed
    }
}

/// What a block changed.
pub struct Changed {
    /// Rows to write, by key; `None` ends the row.
    pub rows: Vec<(store::Key, Option<Row>)>,
    /// Changes that have leaves, by key.
    pub changes: Vec<Change>,
    /// Events, in the order told.
    pub events: Vec<Bytes>,
    /// The index after the block.
    pub index: Index,
}

/// Why a rule stopped: for want of rows, or for another reason.
pub trait MayMiss: Send {
    /// The other reason.
    type Other: Send;
    /// The missing rows, or the other reason.
    ///
    /// # Errors
    /// The other reason.
    fn missing(self) -> Result<Missing, Self::Other>;
}

impl MayMiss for Missing {
    type Other = core::convert::Infallible;
    fn missing(self) -> Result<Missing, Self::Other> {
        Ok(self)
    }
}

/// Why an envelope was not applied, all its rows being at hand.
#[derive(Debug)]
pub enum Stopped {
    /// A block that holds it here is invalid.
    Inadmissible(ledger::Inadmissible),
    /// This has to be shown first, by the instructions at these places.
    Unshown(Vec<(u16, crypto::Statement)>),
}

impl MayMiss for ledger::NotApplied {
    type Other = Stopped;
    fn missing(self) -> Result<Missing, Self::Other> {
        match self {
            Self::Missing(missing) => Ok(missing),
            Self::Inadmissible(why) => Err(Stopped::Inadmissible(why)),
            Self::Unshown(statements) => Err(Stopped::Unshown(statements)),
        }
    }
}
