//! `allocate`: a block of one account is given to investors' accounts, as a file says, through a gateway.
//!
//! One instruction gives all that it names, or nothing. A longer file becomes several; the next is asked once the one
//! before it has had its effect.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;
use gateway::{Client, Fault};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use types::{AccountId, InstrumentId};

use crate::{
    decimal::Decimal,
    failure::{Failure, Result},
    output::Output,
    read::instrument,
    table::Table,
    upload::{Outcome, Way, outcomes, post, scales, summary},
    user::User,
};

/// Accounts of one instruction at most.
const TOGETHER: usize = 4_000;

/// `furikae allocate`
#[derive(Debug, Args)]
pub struct Asked {
    /// What is allocated
    #[arg(long, value_name = "ISIN")]
    instrument: String,
    /// The account that gives it
    #[arg(long, value_name = "ACCOUNT")]
    from: String,
    /// A CSV with the header account,quantity: who is given how much
    file: PathBuf,
    /// What the quantities must add up to
    #[arg(long, value_name = "QUANTITY")]
    total: Option<String>,
    #[command(flatten)]
    way: Way,
    #[command(flatten)]
    user: User,
    #[command(flatten)]
    output: Output,
}

/// One line: an account is given a quantity.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    line: u64,
    account: AccountId,
    quantity: Decimal,
}

/// `furikae allocate`.
///
/// # Errors
/// Malformed, when a name or a line makes no sense, or the quantities do not add up to `--total`; nothing is sent then.
/// Unreachable, when the gateway is, or no block holds all of it yet. No, when the account does not hold so much, the
/// gateway refuses, or the market does.
pub fn allocate(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let (client, table) = (asked.user.client()?, Table::read(&asked.file)?);
    let rows = runtime.block_on(of_file(&client, asked, &table))?;
    let shown: Vec<_> = rows.iter().map(|(part, outcome)| row(part, outcome)).collect();
    let columns = ["line", "account", "quantity", "id", "status", "reason.code", "reason.text"];
    asked.output.print(&shown, &columns, &shown)?;
    summary(&rows.into_iter().map(|it| it.1).collect::<Vec<_>>())
}

/// Checks what a file says, and asks for it: what came of each line.
async fn of_file(client: &Client, asked: &Asked, table: &Table) -> Result<Vec<(Part, Outcome)>> {
    let id = instrument(&asked.instrument)?;
    let bad =
        |what: &str, wanted: &str| Failure::malformed(format_args!("{what}: {wanted} is wanted"));
    let from = AccountId::parse_hex(&asked.from).ok_or_else(|| {
        bad(&format!("--from {}", asked.from), "an account, 32 hexadecimal digits,")
    })?;
    let scales = scales(&client.get("/v1/instruments").await?);
    let scale = scales.get(&id).copied();
    let scale = scale.ok_or_else(|| Failure::no(format_args!("{id} is not listed")))?;
    let parts = parts(table, from, scale)?;
    let sum = sum(&parts)?;
    if let Some(text) = &asked.total {
        let total = Decimal::parse(text);
        let total = total.ok_or_else(|| bad(&format!("--total {text}"), "a decimal number"))?;
        if total != sum {
            let what = format!("the quantities add up to {sum}, not to {total}; nothing was sent");
            return Err(Failure::malformed(what));
        }
    }
    let digest = asked.way.digest(format!("{id} {from} {}", table.text()).as_bytes());
    give(client, (&asked.way, digest), (id, from, sum), &parts).await
}

fn row(part: &Part, outcome: &Outcome) -> Value {
    let mut row = outcome.row();
    row["line"] = json!(part.line);
    row["account"] = json!(part.account.to_string());
    row["quantity"] = json!(part.quantity.to_string());
    row
}

/// What each line gives.
///
/// # Errors
/// Malformed, naming the line and the field.
fn parts(table: &Table, from: AccountId, scale: u8) -> Result<Vec<Part>> {
    let mut known = BTreeSet::new();
    let parts =
        table.rows(["account", "quantity"])?.into_iter().map(|(line, [account, quantity])| {
            let bad = |field: &str, why: &str| table.bad(line, field, why);
            let id = AccountId::parse_hex(account)
                .ok_or_else(|| bad("account", "32 hexadecimal digits are wanted"))?;
            if id == from {
                return Err(bad("account", "it is the account that gives"));
            }
            if !known.insert(id) {
                return Err(bad("account", "it stands there twice"));
            }
            let units = gateway::fields::units(quantity, scale);
            let quantity =
                Decimal::parse(quantity).filter(|it| units.is_some() && it.is_positive());
            let wanted = format!("a number above 0 with at most {scale} places is wanted");
            Ok(Part {
                line,
                account: id,
                quantity: quantity.ok_or_else(|| bad("quantity", &wanted))?,
            })
        });
    let parts: Vec<_> = parts.collect::<Result<_>>()?;
    if parts.is_empty() { Err(table.bad(1, "account", "the file names none")) } else { Ok(parts) }
}

fn sum(parts: &[Part]) -> Result<Decimal> {
    let sum = parts.iter().try_fold(Decimal::default(), |sum, it| sum.plus(it.quantity));
    sum.ok_or_else(|| Failure::malformed("the quantities add up to more than there can be"))
}

/// Asks one instruction after another, as long as all goes well.
async fn give(
    client: &Client,
    (way, digest): (&Way, String),
    (instrument, from, sum): (InstrumentId, AccountId, Decimal),
    parts: &[Part],
) -> Result<Vec<(Part, Outcome)>> {
    let mut rows = Vec::new();
    let mut goes_on = true;
    for (number, some) in parts.chunks(TOGETHER).enumerate() {
        let key = format!("a1-{digest}-{number}");
        if !goes_on {
            rows.extend(some.iter().map(|it| (it.clone(), Outcome::new(it.line, "not-sent"))));
            continue;
        }
        // What was asked before has moved what the account held then.
        if number == 0 && !is_known(client, &key).await? {
            must_hold(client, instrument, from, sum).await?;
        }
        let to = some.iter().map(
            |it| json!({"account": it.account.to_string(), "quantity": it.quantity.to_string()}),
        );
        let ask = json!({"ask": "allocate", "instrument": instrument.to_string(),
            "from": from.to_string(), "to": to.collect::<Vec<_>>()});
        let lines = (some.first().map_or(0, |it| it.line), some.last().map_or(0, |it| it.line));
        let answer = post(client, way, &key, &ask).await;
        let answer = answer.map_err(|it| it.of_lines(lines.0, lines.1))?;
        let outcome = outcomes(client, way, vec![(vec![lines.0], answer)]).await?;
        let outcome = outcome.into_iter().next();
        let outcome = outcome.ok_or_else(|| Failure::fault("the gateway tells of no outcome"))?;
        goes_on = outcome.status == "done";
        rows.extend(some.iter().map(|it| (it.clone(), outcome.clone())));
    }
    Ok(rows)
}

async fn is_known(client: &Client, key: &str) -> Result<bool> {
    match client.get(&format!("/v1/submissions/{key}")).await {
        Ok(_) => Ok(true),
        Err(Fault::Refused { status: 404, .. }) => Ok(false),
        Err(fault) => Err(fault.into()),
    }
}

/// # Errors
/// No, when the account has not so much, as far as the gateway's owner may see.
async fn must_hold(
    client: &Client,
    instrument: InstrumentId,
    account: AccountId,
    sum: Decimal,
) -> Result<()> {
    let path = format!("/v1/positions?instrument={instrument}&account={account}");
    let held = client.get(&path).await?["positions"][0]["available"].take();
    let held = held.as_str().and_then(Decimal::parse).unwrap_or_default();
    if held.minus(sum).is_some_and(|it| it.is_zero() || it.is_positive()) {
        return Ok(());
    }
    Err(Failure::no(format_args!("account {account} holds {held} of {instrument}, not {sum}")))
}

#[cfg(test)]
mod tests;
