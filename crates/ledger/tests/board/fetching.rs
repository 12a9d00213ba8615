//! How often rows are fetched for an envelope.

use std::cell::RefCell;

use ledger::{Envelope, Key, Missing, NotApplied, memory::Memory};

use crate::withheld::Withheld;

/// How often an envelope's rows have to be fetched beyond those that are foreseen.
pub fn goes(market: &Memory, envelope: &Envelope) -> u32 {
    let shown = RefCell::new(ledger::footprint(envelope).into_iter().collect());
    let withheld = Withheld { market, shown };
    for goes in 0.. {
        match ledger::apply(&withheld, market.chain(), market.at(), envelope, &market.shown) {
            Ok(outcome) => {
                let told =
                    ledger::apply(market, market.chain(), market.at(), envelope, &market.shown);
                assert_eq!(Ok(outcome), told, "what is missing changes nothing");
                return goes;
            }
            Err(NotApplied::Missing(Missing(keys))) => {
                let next: Vec<Key> = keys.iter().flat_map(ledger::missed_next).collect();
                withheld.shown.borrow_mut().extend(keys.into_iter().chain(next));
            }
            Err(NotApplied::Inadmissible(why)) => panic!("{why:?}"),
            Err(NotApplied::Unshown(unshown)) => panic!("{unshown:?}"),
        }
    }
    unreachable!("a call that never has enough")
}
