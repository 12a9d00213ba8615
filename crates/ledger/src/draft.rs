//! [`Draft`]: what one call of the rules would change, kept apart until all of it is allowed.
//!
//! ```text
//!   Snapshot (before)  --row, walk-->  Draft  --finish-->  Outcome { writes, entries, events }
//! ```
//!
//! A dropped draft is the rollback. There is no other.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use types::{LedgerTime, Sender, Wire};

use crate::{
    event::Event,
    row::{Entry, Key, Row, Value},
};

/// Agreed time and height of the block in which a rule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The block's time.
    pub time: LedgerTime,
    /// The block's height.
    pub height: u64,
}

/// Rows that were not at hand. Fetch them and make the same call again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub Vec<Key>);

/// The state before a call. It never waits: a row that is not at hand is [`Missing`].
pub trait Snapshot {
    /// The row under `key`; `None` if there is none.
    ///
    /// # Errors
    /// [`Missing`] when nobody has looked.
    fn row(&self, key: &Key) -> Result<Option<Value>, Missing>;

    /// The index entries from `from` to `to`, both included, in order.
    fn walk(&self, from: &Entry, to: &Entry) -> Box<dyn Iterator<Item = Entry> + '_>;
}

/// What one call did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows to write (`None`: the row ends), in key order.
    pub writes: BTreeMap<Key, Option<Value>>,
    /// Index entries that came (`true`) or went (`false`).
    pub entries: BTreeMap<Entry, bool>,
    /// Events to tell, in order.
    pub events: Vec<Event>,
}

/// Writes and events of a call in progress, over an unchanged snapshot.
pub struct Draft<'a> {
    /// Agreed time and height.
    pub at: At,
    /// Who asks. In a block's prologue and close nobody does: the operator of the rules, party 0.
    pub sender: Sender,
    before: &'a dyn Snapshot,
    outcome: Outcome,
}

impl<'a> Draft<'a> {
    /// An empty draft over `before`.
    #[must_use]
    pub fn over(before: &'a dyn Snapshot, at: At, sender: Sender) -> Self {
        Self { at, sender, before, outcome: Outcome::default() }
    }

    /// The row with this name, as this call sees it.
    ///
    /// # Errors
    /// [`Missing`].
    ///
    /// # Panics
    /// When the state holds bytes that these rules did not write.
    pub fn get<R: Row>(&self, name: &R::Name) -> Result<Option<R>, Missing> {
        let bytes = self.bytes(&R::key(name))?;
        Ok(bytes.map(|bytes| decode::<R>(&bytes)))
    }

    /// Writes a row.
    ///
    /// # Errors
    /// [`Missing`], when the row before is not at hand.
    pub fn put<R: Row>(&mut self, name: &R::Name, row: &R) -> Result<(), Missing> {
        self.write(name, Some(row))
    }

    /// Ends a row. Nothing happens when there is none.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn end<R: Row>(&mut self, name: &R::Name) -> Result<(), Missing> {
        self.write::<R>(name, None)
    }

    /// Tells an event.
    pub fn tell(&mut self, event: Event) {
        self.outcome.events.push(event);
    }

    /// The entries that begin with `start`, in order, as this call sees them.
    pub fn walk<'b>(&'b self, start: &[u8]) -> impl Iterator<Item = Entry> + use<'a, 'b> {
        self.walk_between(Entry::from_start(start), Entry::to_end(start))
    }

    /// The entries from `from` to `to`, both included, in order, as this call sees them.
    pub fn walk_between<'b>(
        &'b self,
        from: Entry,
        to: Entry,
    ) -> impl Iterator<Item = Entry> + use<'a, 'b> {
        let mine = self.outcome.entries.range(from..=to).filter(|it| *it.1).map(|it| *it.0);
        let stood = self.before.walk(&from, &to);
        merge(stood.filter(|it| !self.outcome.entries.contains_key(it)), mine)
    }

    /// Asks for many rows at once, so that what is not at hand is fetched in one go.
    ///
    /// # Errors
    /// [`Missing`], with all of them.
    pub fn require_rows(&self, keys: impl Iterator<Item = Key>) -> Result<(), Missing> {
        let absent: BTreeSet<Key> = keys.filter(|key| self.bytes(key).is_err()).collect();
        if absent.is_empty() { Ok(()) } else { Err(Missing(absent.into_iter().collect())) }
    }

    /// Takes over what a draft over this one has done.
    pub fn absorb(&mut self, outcome: Outcome) {
        self.outcome.writes.extend(outcome.writes);
        outcome.entries.into_iter().for_each(|(entry, came)| self.mark(entry, came));
        self.outcome.events.extend(outcome.events);
    }

    /// Hands over what was done.
    #[must_use]
    pub fn finish(self) -> Outcome {
        self.outcome
    }

    fn bytes(&self, key: &Key) -> Result<Option<Value>, Missing> {
        match self.outcome.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.before.row(key),
        }
    }

    fn write<R: Row>(&mut self, name: &R::Name, row: Option<&R>) -> Result<(), Missing> {
        let key = R::key(name);
        let before = self.bytes(&key)?;
        if before.is_none() && row.is_none() {
            return Ok(());
        }
        for entry in before.iter().flat_map(|bytes| decode::<R>(bytes).entries(name)) {
            self.mark(entry, false);
        }
        for entry in row.iter().flat_map(|row| row.entries(name)) {
            self.mark(entry, true);
        }
        self.outcome.writes.insert(key, row.map(Wire::to_bytes));
        Ok(())
    }

    /// Notes that an entry came or went; what went and came again is as it was.
    fn mark(&mut self, entry: Entry, came: bool) {
        match self.outcome.entries.remove(&entry) {
            Some(marked) if marked != came => (),
            _ => {
                self.outcome.entries.insert(entry, came);
            }
        }
    }
}

/// A draft is a snapshot for the draft over it, which may be dropped or absorbed.
impl Snapshot for Draft<'_> {
    fn row(&self, key: &Key) -> Result<Option<Value>, Missing> {
        self.bytes(key)
    }

    fn walk(&self, from: &Entry, to: &Entry) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(self.walk_between(*from, *to))
    }
}

pub(crate) fn decode<R: Row>(bytes: &[u8]) -> R {
    let row = R::from_bytes(bytes);
    assert!(row.is_ok(), "a row of the state holds what the rules wrote");
    match row {
        Ok(row) => row,
        Err(_) => unreachable!(),
    }
}

/// Two ascending sequences as one.
fn merge<T: Ord>(
    a: impl Iterator<Item = T>,
    b: impl Iterator<Item = T>,
) -> impl Iterator<Item = T> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    core::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(x), Some(y)) if y < x => b.next(),
        (None, Some(_)) => b.next(),
        _ => a.next(),
    })
}
