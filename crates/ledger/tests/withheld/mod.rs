//! A market whose rows are shown once they have been asked for, as a chain's are.

use std::{cell::RefCell, collections::BTreeSet};

use ledger::{Entry, Key, Missing, Snapshot, Value, memory::Memory};

/// The market, and the keys of the rows that are shown.
pub struct Withheld<'a> {
    pub market: &'a Memory,
    pub shown: RefCell<BTreeSet<Key>>,
}

impl Snapshot for Withheld<'_> {
    fn row(&self, key: &Key) -> Result<Option<Value>, Missing> {
        if self.shown.borrow().contains(key) {
            return self.market.row(key);
        }
        Err(Missing(vec![*key]))
    }

    fn walk(&self, from: &Entry, to: &Entry) -> Box<dyn Iterator<Item = Entry> + '_> {
        self.market.walk(from, to)
    }
}
