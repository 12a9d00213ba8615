//! The rule of the close, against what can be found by trying everything.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

use std::collections::{BTreeMap, BTreeSet};

use crypto::Amount;
use ledger::{
    book::{Movement, Place},
    settlement::{
        Priority,
        offsetting::{Item, rule},
        queue::Order,
    },
};
use proptest::prelude::*;
use types::{AccountId, BusinessDate, InstrumentId};

type Items = BTreeMap<Order, Item>;

fn place(account: u8, instrument: u8) -> Place {
    (AccountId([account + 1; 16]), InstrumentId([instrument + 1; 12]))
}

fn movement(from: u8, to: u8, instrument: u8, amount: u8) -> Movement {
    let (from, instrument) = place(from, instrument);
    Movement { instrument, from, to: place(to, 0).0, amount: Amount::Open(i64::from(amount)) }
}

fn units(movement: &Movement) -> i64 {
    match movement.amount {
        Amount::Open(units) => units,
        Amount::Sealed { .. } => panic!("open amounts only"),
    }
}

/// Whether every position that is debited stays covered when exactly these settle.
fn is_covered(items: &Items, balances: &BTreeMap<Place, i64>, settling: &BTreeSet<Order>) -> bool {
    let mut after = balances.clone();
    for movement in settling.iter().flat_map(|it| &items[it].movements) {
        *after.entry(movement.debit()).or_default() -= units(movement);
        *after.entry(movement.credit()).or_default() += units(movement);
    }
    settling.iter().flat_map(|it| items[it].debits()).all(|it| after[&it] >= 0)
}

fn order(number: usize, urgent: bool) -> Order {
    let priority = if urgent { Priority::High } else { Priority::Normal };
    (priority, BusinessDate(1), number as u64)
}

fn balances(items: &Items, opening: &[u8]) -> BTreeMap<Place, i64> {
    let debits = items.values().flat_map(Item::debits);
    debits.zip(opening.iter().cycle()).map(|(place, units)| (place, i64::from(*units))).collect()
}

/// Whether no payment of the set passes one of its position that stays.
fn keeps_order(items: &Items, settling: &BTreeSet<Order>) -> bool {
    let stays = items.iter().filter(|it| it.1.payment && !settling.contains(it.0));
    let stays: Vec<_> = stays.collect();
    settling.iter().filter(|it| items[it].payment).all(|mine| {
        let place = items[mine].debits().next();
        !stays.iter().any(|(order, item)| item.debits().next() == place && *order < mine)
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// For payments alone: the one largest set that keeps each payer's order, found by trying them all.
    #[test]
    fn payments_settle_the_unique_maximum(
        payments in prop::collection::vec((0_u8..4, 1_u8..4, 1_u8..9, any::<bool>()), 1..11),
        opening in prop::collection::vec(0_u8..12, 1..5),
    ) {
        let items: Items = payments.iter().enumerate().map(|(number, (from, step, amount, urgent))| {
            let movements = vec![movement(*from, (from + step) % 4, 0, *amount)];
            (order(number, *urgent), Item { movements, payment: true })
        }).collect();
        let balances = balances(&items, &opening);
        let settled = rule(&items, &balances);
        prop_assert!(is_covered(&items, &balances, &settled) && keeps_order(&items, &settled));
        let all: Vec<Order> = items.keys().copied().collect();
        for mask in 0_u32..1 << all.len() {
            let chosen = all.iter().enumerate().filter(|it| mask & 1 << it.0 != 0);
            let chosen: BTreeSet<Order> = chosen.map(|it| *it.1).collect();
            if keeps_order(&items, &chosen) && is_covered(&items, &balances, &chosen) {
                prop_assert!(chosen.is_subset(&settled), "{chosen:?} could settle, {settled:?} does");
            }
        }
    }

    /// For pairs and payments: covered, in order, and nothing can be added.
    #[test]
    fn pairs_and_payments_settle_what_nothing_can_be_added_to(
        asked in prop::collection::vec((0_u8..4, 1_u8..4, 1_u8..9, 0_u8..3, any::<bool>()), 1..14),
        opening in prop::collection::vec(0_u8..12, 1..9),
    ) {
        let items: Items = asked.iter().enumerate().map(|(number, (from, step, amount, what, urgent))| {
            let to = (from + step) % 4;
            let pay = movement(*from, to, 0, *amount);
            let payment = *what == 0;
            let delivery = (!payment).then(|| movement(to, *from, *what, 1 + amount % 3));
            (order(number, *urgent), Item { movements: delivery.into_iter().chain([pay]).collect(), payment })
        }).collect();
        let balances = balances(&items, &opening);
        let settled = rule(&items, &balances);
        prop_assert!(is_covered(&items, &balances, &settled) && keeps_order(&items, &settled));
        for one in items.keys().filter(|it| !settled.contains(it)) {
            let more: BTreeSet<Order> = settled.iter().chain([one]).copied().collect();
            let fits = keeps_order(&items, &more) && is_covered(&items, &balances, &more);
            prop_assert!(!fits, "{one:?} could be added to {settled:?}");
        }
    }
}
