//! `offset`: the ledger's own close on payments from a file, without its reach limit and without a network.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use crypto::Amount;
use ledger::{
    book::{Movement, Place},
    settlement::{
        Priority,
        offsetting::{Item, rule},
        queue::Order,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use types::{AccountId, BusinessDate, InstrumentId};

use crate::{
    facts,
    failure::{Failure, Result},
    output::Output,
};

/// `furikae offset`
#[derive(Debug, clap::Args)]
pub struct Asked {
    /// Instances as JSON: participants, opening balances, payments in the order of their arrival
    #[arg(long = "in", value_name = "FILE")]
    pub file: PathBuf,
    /// What to look for
    #[arg(long, value_enum)]
    pub objective: Objective,
    #[command(flatten)]
    pub output: Output,
}

/// What a settlement is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Objective {
    /// What the ledger settles: the largest set that keeps each payer's order.
    Fifo,
    /// The largest amount.
    Value,
    /// The most payments.
    Count,
}

/// One instance: who has how much, who owes whom how much, first come first.
#[derive(Deserialize)]
struct Instance {
    id: String,
    participants: Vec<String>,
    opening: BTreeMap<String, Number>,
    payments: Vec<Payment>,
}

#[derive(Deserialize)]
struct Payment {
    id: String,
    payer: String,
    payee: String,
    amount: Number,
}

/// What the rule settles of one instance.
#[derive(Debug, Serialize)]
struct Settled {
    id: String,
    settled: Vec<String>,
    value: String,
    count: u64,
    /// What no settlement can exceed in the objective's measure; the rule proves none.
    bound: Option<String>,
    closing: BTreeMap<String, String>,
    ms: f64,
}

/// `furikae offset`.
///
/// # Errors
/// Malformed, when the file is no list of instances or asks for an objective that does not exist yet.
pub fn offset(asked: &Asked) -> Result<()> {
    if asked.objective != Objective::Fifo {
        return Err(Failure::malformed("the solver for value and count does not exist yet")
            .mend("ask for --objective fifo, the ledger's own rule"));
    }
    let text = fs::read_to_string(&asked.file)
        .map_err(|error| Failure::malformed(format_args!("{}: {error}", asked.file.display())))?;
    let settled = settle_all(&text, &asked.file)?;
    let rows: Vec<_> = settled.iter().filter_map(|it| serde_json::to_value(it).ok()).collect();
    asked.output.print(&settled, &["id", "count", "value", "settled", "ms"], &rows)
}

fn settle_all(text: &str, file: &Path) -> Result<Vec<Settled>> {
    let malformed =
        |why: &dyn std::fmt::Display| Failure::malformed(format_args!("{}: {why}", file.display()));
    let value: Value = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let values = if value.is_array() { value } else { Value::Array(vec![value]) };
    let instances: Vec<Instance> =
        serde_json::from_value(values).map_err(|error| malformed(&error))?;
    instances
        .iter()
        .map(|it| it.settle().map_err(|why| malformed(&format_args!("instance {}: {why}", it.id))))
        .collect()
}

impl Instance {
    /// # Errors
    /// The first field that makes no sense.
    fn settle(&self) -> Result<Settled, String> {
        let scale = self.scale();
        let mut opening = BTreeMap::new();
        for name in &self.participants {
            if opening.insert(name.as_str(), 0).is_some() {
                return Err(format!("participant {name} stands twice"));
            }
        }
        for (name, amount) in &self.opening {
            let known = opening.get_mut(name.as_str());
            *known.ok_or_else(|| format!("opening names {name}, who is no participant"))? =
                units(amount, scale)?;
        }
        let items = self.items(&opening, scale)?;
        let currency = currency()?;
        let balances: BTreeMap<Place, i64> =
            opening.iter().map(|(name, units)| ((account(name), currency), *units)).collect();
        let began = Instant::now();
        let settling = rule(&items, &balances);
        let ms = began.elapsed().as_secs_f64() * 1_000.0;
        self.report(&settling, &items, &opening, scale, ms)
    }

    /// Each payment as the ledger's queue holds it, in the order given.
    fn items(
        &self,
        opening: &BTreeMap<&str, i64>,
        scale: u8,
    ) -> Result<BTreeMap<Order, Item>, String> {
        let (mut items, mut names) = (BTreeMap::new(), BTreeSet::new());
        for (number, payment) in (0_u64..).zip(&self.payments) {
            let known = |name: &str| opening.contains_key(name);
            if !known(&payment.payer) || !known(&payment.payee) {
                return Err(format!("payment {}: payer or payee is no participant", payment.id));
            }
            if payment.payer == payment.payee {
                return Err(format!("payment {}: the payer pays itself", payment.id));
            }
            if !names.insert(&payment.id) {
                return Err(format!("payment {} stands twice", payment.id));
            }
            let amount = units(&payment.amount, scale)?;
            if amount <= 0 {
                return Err(format!("payment {}: the amount is not above zero", payment.id));
            }
            let movement = Movement {
                instrument: currency()?,
                from: account(&payment.payer),
                to: account(&payment.payee),
                amount: Amount::Open(amount),
            };
            let item = Item { movements: vec![movement], payment: true };
            items.insert((Priority::Normal, BusinessDate(0), number), item);
        }
        Ok(items)
    }

    fn report(
        &self,
        settling: &BTreeSet<Order>,
        items: &BTreeMap<Order, Item>,
        opening: &BTreeMap<&str, i64>,
        scale: u8,
        ms: f64,
    ) -> Result<Settled, String> {
        let mut closing: BTreeMap<&str, i128> =
            opening.iter().map(|(name, units)| (*name, i128::from(*units))).collect();
        let (mut settled, mut value) = (Vec::new(), 0_i128);
        for (payment, order) in self.payments.iter().zip(items.keys()) {
            if !settling.contains(order) {
                continue;
            }
            let amount = i128::from(units(&payment.amount, scale)?);
            closing.entry(&payment.payer).and_modify(|it| *it -= amount);
            closing.entry(&payment.payee).and_modify(|it| *it += amount);
            settled.push(payment.id.clone());
            value += amount;
        }
        let closing =
            closing.into_iter().map(|(name, it)| Ok((name.to_owned(), shown(it, scale)?)));
        Ok(Settled {
            id: self.id.clone(),
            count: u64::try_from(settled.len()).map_err(|error| error.to_string())?,
            settled,
            value: shown(value, scale)?,
            bound: None,
            closing: closing.collect::<Result<_, String>>()?,
            ms: (ms * 1_000.0).round() / 1_000.0,
        })
    }

    /// As many decimal places as the finest number has.
    fn scale(&self) -> u8 {
        let numbers = self.opening.values().chain(self.payments.iter().map(|it| &it.amount));
        let places = |it: &Number| it.to_string().split_once('.').map_or(0, |(_, rest)| rest.len());
        numbers.map(places).max().and_then(|it| u8::try_from(it).ok()).unwrap_or_default()
    }
}

/// A number of the file as whole units.
fn units(number: &Number, scale: u8) -> Result<i64, String> {
    let text = number.to_string();
    gateway::fields::units(&text, scale).ok_or_else(|| format!("{text} is no amount"))
}

/// Units as a decimal text.
fn shown(units: i128, scale: u8) -> Result<String, String> {
    let units = i64::try_from(units).map_err(|_| "the sum is out of range".to_owned())?;
    Ok(gateway::fields::decimal(units, scale))
}

fn account(name: &str) -> AccountId {
    facts::account(name)
}

fn currency() -> Result<InstrumentId, String> {
    InstrumentId::parse("JPY").ok_or_else(|| "the currency of the file".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settled(instance: &Value) -> Result<Settled> {
        settle_all(&instance.to_string(), Path::new("test")).map(|mut it| it.remove(0))
    }

    #[test]
    fn every_published_instance_settles_exactly_its_first_in_first_out_set() {
        let shared = std::env::var("FURIKAE_SHARED").unwrap_or_else(|_| "../../../shared".into());
        let path = Path::new(&shared).join("data/liquidity/ubin_gridlock.json");
        let Ok(text) = fs::read_to_string(&path) else {
            eprintln!("skipped: {} is not here", path.display());
            return;
        };
        let expected: Vec<Value> = serde_json::from_str(&text).unwrap();
        let settled = settle_all(&text, &path).unwrap();
        assert_eq!(settled.len(), expected.len());
        assert!(!settled.is_empty());
        for (settled, expected) in settled.iter().zip(&expected) {
            assert_eq!(json!(settled.settled), expected["fifo_set"], "{}", settled.id);
            assert_eq!(settled.value, expected["fifo_value"].to_string(), "{}", settled.id);
        }
    }

    #[test]
    fn four_banks_with_five_thousand_payments_settle_the_published_maximum() {
        let banks =
            [("1", 800_000, 5_001_000), ("2", 800_000, 5_005_000), ("3", 1_201_000, 5_006_000)];
        let banks = banks.into_iter().chain([("4", 1_335_000, 5_008_000)]);
        let (mut opening, mut payments) = (serde_json::Map::new(), Vec::new());
        for (number, (bank, balance, first)) in (1_i64..).zip(banks) {
            opening.insert(bank.into(), json!(balance));
            let payee = (number % 4 + 1).to_string();
            let amounts = std::iter::once(first).chain(std::iter::repeat_n(number * 1_000, 1_249));
            for (place, amount) in amounts.enumerate() {
                let id = format!("{bank}-{place}");
                payments.push(json!({"id": id, "payer": bank, "payee": payee, "amount": amount}));
            }
        }
        let instance = json!({"id": "4x5000", "participants": ["1", "2", "3", "4"],
            "opening": opening, "payments": payments});
        let settled = settled(&instance).unwrap();
        assert_eq!((settled.count, settled.value), (4_500, "31132000".into()));
        let closing: Vec<_> = settled.closing.into_values().collect();
        assert_eq!(closing, ["4134000", "1000", "1000", "0"]);
    }

    #[test]
    fn an_instance_that_makes_no_sense_is_refused_by_name() {
        let instance = |payer: &str, amount: Value| {
            json!({"id": "x", "participants": ["A", "B"], "opening": {"A": 1},
                "payments": [{"id": "T", "payer": payer, "payee": "B", "amount": amount}]})
        };
        assert_eq!(settled(&instance("A", json!(1))).unwrap().count, 1);
        for (bad, word) in [
            (instance("C", json!(1)), "no participant"),
            (instance("B", json!(1)), "pays itself"),
            (instance("A", json!(0)), "above zero"),
            (instance("A", json!(-1)), "above zero"),
            (instance("A", json!(1e30)), "no amount"),
        ] {
            let failure = settled(&bad).unwrap_err();
            assert!(failure.what.contains(word), "{}", failure.what);
        }
    }

    #[test]
    fn fractions_are_exact() {
        let instance = json!({"id": "f", "participants": ["A", "B"], "opening": {"A": 0.3},
            "payments": [{"id": "1", "payer": "A", "payee": "B", "amount": 0.1},
                {"id": "2", "payer": "A", "payee": "B", "amount": 0.2}]});
        let settled = settled(&instance).unwrap();
        assert_eq!((settled.count, settled.value), (2, "0.3".into()));
    }
}
