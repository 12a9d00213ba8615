//! `reconcile`: a participant's own books against the ledger, as its gateway shows it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::Args;
use gateway::Client;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use types::{AccountId, InstrumentId};

use crate::{
    decimal::Decimal,
    failure::{Failure, Result},
    output::Output,
    read::print,
    table::Table,
    user::{self, User},
};

/// `furikae reconcile`
#[derive(Debug, Args)]
pub struct Asked {
    /// The books: a CSV with the header account,instrument,quantity; lines of one account and instrument add up
    #[arg(long, value_name = "FILE")]
    books: PathBuf,
    /// As of a height, or of a time (RFC 3339); the newest block when absent
    #[arg(long, value_name = "T|HEIGHT")]
    as_of: Option<String>,
    #[command(flatten)]
    user: User,
    #[command(flatten)]
    output: Output,
}

/// What is held, by account and instrument; what is not there is nothing.
type Books = BTreeMap<(AccountId, InstrumentId), Decimal>;

/// `furikae reconcile`.
///
/// # Errors
/// Malformed, when the books cannot be read. Unreachable, when the gateway is. No, when it refuses, or when books and
/// ledger differ.
pub fn reconcile(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let books = books(&Table::read(&asked.books)?)?;
    let client = asked.user.client()?;
    let value = runtime.block_on(compare(&client, &books, asked.as_of.as_deref()))?;
    let columns = ["account", "instrument", "books", "ledger", "differs_by", "kind"];
    print(asked.output, &value, "breaks", &columns)?;
    let count = value["breaks"].as_array().map_or(0, Vec::len);
    if count == 0 {
        return Ok(());
    }
    let (height, time) = (&value["height"], value["time"].as_str().unwrap_or_default());
    Err(Failure::no(format_args!("{count} breaks as of height {height} ({time})")))
}

/// Books and ledger as of a moment.
async fn compare(client: &Client, books: &Books, as_of: Option<&str>) -> Result<Value> {
    let path = user::path("/v1/positions", &[("limit", Some("10000")), ("as_of", as_of)]);
    let answer = client.get_all(&path, "positions").await?;
    let breaks = breaks(books, &ledger(&answer)?)?;
    let (height, time) = (&answer["height"], &answer["time"]);
    Ok(json!({"height": height, "time": time, "positions": books.len(), "breaks": breaks}))
}

fn books(table: &Table) -> Result<Books> {
    let mut books = Books::new();
    for (line, [account, instrument, quantity]) in
        table.rows(["account", "instrument", "quantity"])?
    {
        let bad = |field: &str, why: &str| table.bad(line, field, why);
        let account = AccountId::parse_hex(account)
            .ok_or_else(|| bad("account", "32 hexadecimal digits are wanted"))?;
        let instrument = InstrumentId::parse(instrument)
            .ok_or_else(|| bad("instrument", "an ISIN or a currency is wanted"))?;
        let quantity = Decimal::parse(quantity)
            .ok_or_else(|| bad("quantity", "a decimal number is wanted"))?;
        let held = books.entry((account, instrument)).or_default();
        *held = held.plus(quantity).ok_or_else(|| bad("quantity", "it is too long"))?;
    }
    Ok(books)
}

/// What the ledger holds: what is available, and what is set aside.
fn ledger(answer: &Value) -> Result<Books> {
    let position = |it: &Value| {
        let account = AccountId::parse_hex(it.get("account")?.as_str()?)?;
        let instrument = InstrumentId::parse(it.get("instrument")?.as_str()?)?;
        let quantity = |name: &str| Decimal::parse(it.get(name)?.as_str()?);
        Some(((account, instrument), quantity("available")?.plus(quantity("earmarked")?)?))
    };
    let positions = answer["positions"].as_array();
    let read = positions.and_then(|all| all.iter().map(position).collect());
    read.ok_or_else(|| Failure::fault("the gateway's positions cannot be understood"))
}

/// Where books and ledger differ, in the order of accounts.
fn breaks(books: &Books, ledger: &Books) -> Result<Vec<Value>> {
    let keys: BTreeSet<_> = books.keys().chain(ledger.keys()).collect();
    let mut breaks = Vec::new();
    for key in keys {
        let of = |it: &Books| it.get(key).copied().unwrap_or_default();
        let (ours, theirs) = (of(books), of(ledger));
        let differs_by = ours.minus(theirs);
        let differs_by = differs_by.ok_or_else(|| Failure::malformed("a quantity is too long"))?;
        if differs_by.is_zero() {
            continue;
        }
        let kind = match (ours.is_zero(), theirs.is_zero()) {
            (_, true) => "missing-on-ledger",
            (true, _) => "missing-in-books",
            _ => "differs",
        };
        breaks.push(json!({"account": key.0.to_string(), "instrument": key.1.to_string(),
            "books": ours.to_string(), "ledger": theirs.to_string(),
            "differs_by": differs_by.to_string(), "kind": kind}));
    }
    Ok(breaks)
}

#[cfg(test)]
mod tests;
