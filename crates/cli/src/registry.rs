//! `registry`: the owners of one instrument, now or then; what changed in between; the list as a file that
//! proves itself complete.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use crypto::proof::{Owners, Proof};
use gateway::{Follower, Holder, Last, View};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use types::{AccountId, InstrumentId};

use crate::{
    arguments::Door,
    as_of::{self, Wanted, Written},
    door,
    failure::{Failure, Result},
    output::Output,
    read::{dated, instrument, print},
};

/// `furikae registry`
#[derive(Debug, Args)]
pub struct Asked {
    /// The instrument
    isin: String,
    /// As of a height, or of a time (RFC 3339)
    #[arg(long, value_name = "T|HEIGHT")]
    as_of: Option<String>,
    /// What has changed since this height or time
    #[arg(long, value_name = "T|HEIGHT", conflicts_with = "certificate")]
    from: Option<String>,
    /// Add up by the holders of accounts
    #[arg(long, value_enum, value_name = "BY")]
    aggregate: Option<Aggregate>,
    /// Write a file with every owner then, that proves itself complete
    #[arg(long, value_name = "OUT", requires = "as_of")]
    certificate: Option<PathBuf>,
    /// With --certificate, the issuer, which attests the list if need be
    #[arg(long = "as", value_name = "ISSUER", requires = "certificate")]
    party: Option<String>,
    #[command(flatten)]
    door: Door,
    #[command(flatten)]
    output: Output,
}

/// By what owners are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Aggregate {
    /// The number of the holder, the same for one person everywhere.
    Holder,
}

/// `furikae registry`.
///
/// # Errors
/// Malformed, when it is no ISIN, or a certificate is asked of money, or `--from` is later than `--as-of`.
/// Unreachable, when the market is. No, when the instrument is not listed, or a moment is not yet. A fault, when
/// the owners are not those whose digest the instrument's row holds. With a certificate, as [`as_of::prove`].
pub fn registry(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let instrument = instrument(&asked.isin)?;
    if asked.certificate.is_some() && instrument.is_currency() {
        return Err(Failure::malformed("money has no registry, so no file can prove it"));
    }
    let by_holder = asked.aggregate.is_some();
    if let Some(from) = &asked.from {
        let value = runtime.block_on(changes(asked, instrument, from))?;
        let columns = ["account", "holder", "before", "after"];
        return print(asked.output, &value, "changes", &columns[usize::from(by_holder)..]);
    }
    let value = runtime.block_on(async {
        let mut follower = door::look(&asked.door, asked.as_of.as_deref()).await?;
        let view = follower.view();
        let mut value = dated(view, registry_of(view, instrument, by_holder)?);
        if let (Some(out), Some(as_of)) = (&asked.certificate, &asked.as_of) {
            let owners = gateway::proof::owners(view, instrument);
            let owners = owners.ok_or_else(|| Failure::no("one file does not hold so many"))?;
            let wanted = (&Wanted::instrument(instrument), owners);
            let written = certificate(asked, &mut follower, wanted, as_of, out).await?;
            value["certificate"] = json!(written);
        }
        Ok::<_, Failure>(value)
    })?;
    let columns: &[_] = match by_holder {
        false => &["account", "holder", "quantity"],
        true => &["holder", "accounts", "quantity"],
    };
    print(asked.output, &value, "holders", columns)
}

/// Writes the owners as of `as_of` to `out`, with what proves that they are all.
async fn certificate(
    asked: &Asked,
    follower: &mut Follower,
    (wanted, owners): (&Wanted, Owners),
    as_of: &str,
    out: &Path,
) -> Result<Written> {
    let by = (&asked.door, asked.party.as_deref());
    let (row, said) = as_of::prove(wanted, follower, as_of, by).await?;
    let whole = gateway::proof::registry(row, said.height, owners);
    let (registry, said) = whole.map_err(Failure::fault)?;
    as_of::write(out, &Proof::Registry(registry), &said)
}

/// What has changed between `from` and the moment of `--as-of`, or now.
async fn changes(asked: &Asked, instrument: InstrumentId, from: &str) -> Result<Value> {
    let last = asked.as_of.as_deref().map(door::last).transpose()?;
    let mut follower = door::look(&asked.door, Some(from)).await?;
    let view = follower.view();
    let backwards = match last {
        None => false,
        Some(Last::Height(last)) => last < view.height(),
        Some(Last::Time(last)) => last < view.time(),
    };
    if backwards {
        return Err(Failure::malformed("--from is later than --as-of"));
    }
    let began = json!({"height": view.height(), "time": door::shown(view.time())});
    let by_holder = asked.aggregate.is_some();
    // What was not listed yet had no owners.
    let before = match view.scale(instrument) {
        None => Vec::new(),
        Some(_) => confirmed(view, instrument)?,
    };
    door::go_on(&mut follower, last).await?;
    let view = follower.view();
    let after = confirmed(view, instrument)?;
    let list = changes_of(view, instrument, (&before, &after), by_holder);
    let value = json!({"isin": instrument.to_string(), "from": began, "changes": list});
    Ok(dated(view, value))
}

/// The owners of an instrument, if they are those whose digest its row has.
///
/// # Errors
/// No, when it is not listed. A fault, when they are not.
fn confirmed(view: &View, instrument: InstrumentId) -> Result<Vec<Holder>> {
    if view.scale(instrument).is_none() {
        return Err(Failure::no(format_args!("{instrument} is not listed on this market")));
    }
    if !instrument.is_currency() && !view.registry_is_confirmed(instrument) {
        return Err(Failure::fault(
            "the list of owners is not the one whose digest stands on the ledger",
        ));
    }
    Ok(view.registry(instrument))
}

/// An owner: an account and the number of its holder; of a holder with all accounts, the number alone.
type Who = (Option<AccountId>, [u8; 16]);

/// What an owner has.
#[derive(Clone, Copy, Default)]
struct Line {
    accounts: u64,
    quantity: i64,
}

fn lines(holders: &[Holder], by_holder: bool) -> BTreeMap<Who, Line> {
    let mut lines: BTreeMap<Who, Line> = BTreeMap::new();
    for Holder { account, holder, quantity } in holders {
        let line = lines.entry((Some(*account).filter(|_| !by_holder), *holder)).or_default();
        line.accounts += 1;
        line.quantity += quantity;
    }
    lines
}

/// One row of an answer, begun with who it is about.
fn row((account, holder): &Who) -> Value {
    let holder = hex::encode(holder);
    match account {
        Some(account) => json!({"account": account.to_string(), "holder": holder}),
        None => json!({"holder": holder}),
    }
}

/// The owners of an instrument: by account, or added up by the holders of accounts.
///
/// # Errors
/// As [`registry`].
pub fn registry_of(view: &View, instrument: InstrumentId, by_holder: bool) -> Result<Value> {
    let holders = confirmed(view, instrument)?;
    let total = holders.iter().map(|it| it.quantity).sum();
    let lines = lines(&holders, by_holder);
    let list: Vec<_> = lines
        .iter()
        .map(|(who, line)| {
            let mut row = row(who);
            if by_holder {
                row["accounts"] = json!(line.accounts);
            }
            row["quantity"] = json!(view.decimal(instrument, line.quantity));
            row
        })
        .collect();
    let total = view.decimal(instrument, total);
    Ok(json!({"isin": instrument.to_string(), "total": total, "holders": list}))
}

/// Who owned another quantity before than after.
fn changes_of(
    view: &View,
    instrument: InstrumentId,
    (before, after): (&[Holder], &[Holder]),
    by_holder: bool,
) -> Vec<Value> {
    let (before, after) = (lines(before, by_holder), lines(after, by_holder));
    let who: BTreeSet<&Who> = before.keys().chain(after.keys()).collect();
    let quantities = who.into_iter().map(|it| {
        let of = |lines: &BTreeMap<Who, Line>| lines.get(it).map_or(0, |it| it.quantity);
        (it, of(&before), of(&after))
    });
    let changed = quantities.filter(|(_, before, after)| before != after);
    let shown = |(who, before, after): (&Who, i64, i64)| {
        let mut row = row(who);
        row["before"] = json!(view.decimal(instrument, before));
        row["after"] = json!(view.decimal(instrument, after));
        row
    };
    changed.map(shown).collect()
}

#[cfg(test)]
mod tests;
