//! A market whose rows are shown once they have been asked for, as a chain's are.

use std::{cell::RefCell, collections::BTreeSet};

use ledger::{Entry, Envelope, Key, Missing, NotApplied, Snapshot, Value, memory::Memory};

struct Withheld<'a> {
    market: &'a Memory,
    shown: RefCell<BTreeSet<Key>>,
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

/// How often an envelope's rows have to be fetched beyond those that are foreseen.
pub fn goes(market: &Memory, envelope: &Envelope) -> u32 {
    let shown = RefCell::new(ledger::footprint(envelope).into_iter().collect());
    let withheld = Withheld { market, shown };
    for goes in 0.. {
        match ledger::apply(&withheld, market.chain(), market.at(), envelope) {
            Ok(outcome) => {
                let told = ledger::apply(market, market.chain(), market.at(), envelope);
                assert_eq!(Ok(outcome), told, "what is missing changes nothing");
                return goes;
            }
            Err(NotApplied::Missing(Missing(keys))) => {
                let next: Vec<Key> = keys.iter().flat_map(ledger::missed_next).collect();
                withheld.shown.borrow_mut().extend(keys.into_iter().chain(next));
            }
            Err(NotApplied::Inadmissible(why)) => panic!("{why:?}"),
        }
    }
    unreachable!("a call that never has enough")
}
