//! `movements`: the statement of an account: what it had, what moved, what it has, and that the sums match.
//!
//! ```text
//!   opening --movement--> balance --movement--> .. --> closing
//!      as of --from      each in its order             as of --as-of: read by itself, and compared
//! ```

use std::collections::BTreeMap;

use clap::Args;
use gateway::{Client, fields};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use types::AccountId;

use crate::{
    failure::{Failure, Result},
    output::{Form, Output},
    read,
    user::{User, path},
};

/// `furikae movements`
#[derive(Debug, Args)]
pub struct Asked {
    /// The account
    #[arg(long)]
    account: String,
    /// Only this instrument
    #[arg(long)]
    instrument: Option<String>,
    /// After the block of this height or time (RFC 3339) [default: from the first block on]
    #[arg(long, value_name = "T|HEIGHT")]
    from: Option<String>,
    /// Up to the block of this height or time [default: the newest]
    #[arg(long, value_name = "T|HEIGHT")]
    as_of: Option<String>,
    #[command(flatten)]
    user: User,
    #[command(flatten)]
    output: Output,
}

/// `furikae movements`.
///
/// # Errors
/// Malformed, when an account or an instrument is none, or `--from` is later than `--as-of`. As [`User::client`] and
/// the gateway. No, when the sums do not match: it is printed all the same.
pub fn movements(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let Some(account) = AccountId::parse_hex(&asked.account) else {
        let what = format!("--account {}: 32 hexadecimal digits are wanted", asked.account);
        return Err(Failure::malformed(what));
    };
    // As the gateway writes it.
    let account = account.to_string();
    asked.instrument.as_deref().map(read::instrument).transpose()?;
    let client = asked.user.client()?;
    let (value, rows) = runtime.block_on(statement(&client, asked, &account))?;
    let columns = [
        "height",
        "instrument",
        "what",
        "quantity",
        "balance",
        "instruction",
        "counterpart",
        "from",
        "to",
    ];
    asked.output.print(&value, &columns, &rows)?;
    if value["matches"] == json!(true) {
        if asked.output.form() == Form::Table {
            eprintln!("opening and movements add up to closing");
        }
        return Ok(());
    }
    Err(Failure::no("opening and movements do not add up to closing")
        .mend("stop the gateway, delete its history, start it: it is made again from the blocks"))
}

/// The statement, and its rows in their order.
async fn statement(client: &Client, asked: &Asked, account: &str) -> Result<(Value, Vec<Value>)> {
    let positions = async |as_of: Option<&str>| {
        let of = [
            ("account", Some(account)),
            ("instrument", asked.instrument.as_deref()),
            ("as_of", as_of),
            ("limit", Some("10000")),
        ];
        client.get_all(&path("/v1/positions", &of), "positions").await
    };
    // All of it is as of the block of the closing.
    let closing = positions(asked.as_of.as_deref()).await?;
    let opening = match asked.from.as_deref() {
        Some(from) => Some(positions(Some(from)).await?),
        None => None,
    };
    let began = opening.as_ref().map(|it| it["height"].clone());
    if began.as_ref().and_then(Value::as_u64) > closing["height"].as_u64() {
        return Err(Failure::malformed("--from is later than --as-of"));
    }
    let height = closing["height"].to_string();
    let after = began.as_ref().map(ToString::to_string);
    let of = [
        ("account", Some(account)),
        ("instrument", asked.instrument.as_deref()),
        ("from", after.as_deref()),
        ("as_of", Some(height.as_str())),
        ("limit", Some("10000")),
    ];
    let moved = client.get_all(&path("/v1/movements", &of), "movements").await?;
    let held = |it: &Value| by_instrument(&it["positions"]);
    let had = opening.as_ref().map(held).transpose()?.unwrap_or_default();
    let mut value = add_up(account, &had, &held(&closing)?, &moved["movements"])?;
    value["from"] =
        opening.map_or(Value::Null, |it| json!({"height": it["height"], "time": it["time"]}));
    (value["height"], value["time"]) = (closing["height"].clone(), closing["time"].clone());
    let rows = rows(&value);
    Ok((value, rows))
}

/// Units, and the decimal places in which they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Quantity {
    units: i64,
    scale: u8,
}

impl Quantity {
    fn read(value: &Value) -> Result<Self> {
        let not = || Failure::fault(format_args!("the gateway says {value}, which is no quantity"));
        let text = value.as_str().ok_or_else(not)?;
        let places = text.split_once('.').map_or(0, |it| it.1.len());
        let scale = u8::try_from(places).map_err(|_| not())?;
        let units = fields::units(text, scale).ok_or_else(not)?;
        Ok(Self { units, scale })
    }

    fn plus(self, other: Self) -> Result<Self> {
        let sum = self.units.checked_add(other.units);
        let units = sum.ok_or_else(|| Failure::fault("a balance leaves the range of amounts"))?;
        Ok(Self { units, scale: self.scale.max(other.scale) })
    }

    fn shown(self) -> String {
        fields::decimal(self.units, self.scale)
    }
}

type Held = BTreeMap<String, Quantity>;

fn by_instrument(positions: &Value) -> Result<Held> {
    let list = positions.as_array().into_iter().flatten();
    let held = list.map(|it| {
        let name = it["instrument"].as_str().unwrap_or_default();
        Ok((name.into(), Quantity::read(&it["available"])?))
    });
    held.collect()
}

/// The statement of `account`: each movement with the balance after it, and whether the last balances are what it has.
fn add_up(account: &str, had: &Held, has: &Held, moved: &Value) -> Result<Value> {
    let (mut balances, mut movements) = (had.clone(), Vec::new());
    for it in moved.as_array().into_iter().flatten() {
        let quantity = Quantity::read(&it["quantity"])?;
        let sign = i64::from(it["to"] == account) - i64::from(it["from"] == account);
        let change = Quantity { units: quantity.units * sign, ..quantity };
        let balance =
            balances.entry(it["instrument"].as_str().unwrap_or_default().into()).or_default();
        *balance = balance.plus(change)?;
        let mut line = it.clone();
        line["quantity"] = json!(change.shown());
        line["balance"] = json!(balance.shown());
        movements.push(line);
    }
    let names: std::collections::BTreeSet<_> = balances.keys().chain(has.keys()).collect();
    let mut instruments = Vec::new();
    let mut all_match = true;
    for name in names {
        let scale = balances.get(name).or(has.get(name)).map_or(0, |it| it.scale);
        let of = |held: &Held| Quantity { scale, ..held.get(name).copied().unwrap_or_default() };
        let matches = of(&balances).units == of(has).units;
        all_match &= matches;
        let (opening, closing) = (of(had).shown(), of(has).shown());
        instruments.push(json!({
            "instrument": name, "opening": opening, "closing": closing, "matches": matches,
        }));
    }
    Ok(json!({
        "account": account, "instruments": instruments, "movements": movements, "matches": all_match,
    }))
}

/// Of each instrument its opening, its movements, its closing.
fn rows(statement: &Value) -> Vec<Value> {
    let list = |name: &str| statement[name].as_array().cloned().unwrap_or_default();
    let (moved, mut rows) = (list("movements"), Vec::new());
    for it in list("instruments") {
        let name = &it["instrument"];
        let line = |what: &str, height: &Value, balance: &Value| json!({"height": height, "instrument": name, "what": what, "balance": balance});
        rows.push(line("opening", &statement["from"]["height"], &it["opening"]));
        for moved in moved.iter().filter(|it| it["instrument"] == *name) {
            let debit = moved["quantity"].as_str().is_some_and(|it| it.starts_with('-'));
            let mut row = moved.clone();
            row["what"] = json!(if debit { "debit" } else { "credit" });
            rows.push(row);
        }
        rows.push(line("closing", &statement["height"], &it["closing"]));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(list: &[(&str, &str)]) -> Held {
        let read = |it: &(&str, &str)| (it.0.to_owned(), Quantity::read(&json!(it.1)).unwrap());
        list.iter().map(read).collect()
    }

    fn moved() -> Value {
        json!([
            {"height": 3, "instrument": "JPY", "from": "b", "to": "a", "quantity": "5.50", "instruction": "1-0-0-0"},
            {"height": 4, "instrument": "XX", "from": "a", "to": "b", "quantity": "7", "instruction": null},
            {"height": 4, "instrument": "JPY", "from": "a", "to": "c", "quantity": "6.00", "instruction": null},
            {"height": 9, "instrument": "JPY", "from": "a", "to": "a", "quantity": "6.00", "instruction": null},
        ])
    }

    #[test]
    fn opening_and_movements_add_up_to_closing_or_the_statement_says_so() {
        let (had, has) = (held(&[("JPY", "1.00"), ("XX", "7")]), held(&[("JPY", "0.50")]));
        let mut said = add_up("a", &had, &has, &moved()).unwrap();
        assert_eq!(said["matches"], true);
        let instruments = json!([
            {"instrument": "JPY", "opening": "1.00", "closing": "0.50", "matches": true},
            {"instrument": "XX", "opening": "7", "closing": "0", "matches": true},
        ]);
        assert_eq!(said["instruments"], instruments);
        said["from"] = json!({"height": 2});
        said["height"] = json!(9);
        let row = |it: &Value| {
            let text = |name: &str| it[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {} {}", it["height"], text("what"), text("quantity"), text("balance"))
        };
        let told: Vec<_> = rows(&said).iter().map(row).collect();
        let wanted = [
            "2 opening - 1.00",
            "3 credit 5.50 6.50",
            "4 debit -6.00 0.50",
            "9 credit 0.00 0.50",
            "9 closing - 0.50",
            "2 opening - 7",
            "4 debit -7 0",
            "9 closing - 0",
        ];
        assert_eq!(told, wanted);
        for has in [held(&[("JPY", "0.51")]), held(&[("JPY", "0.50"), ("YY", "1")]), held(&[])] {
            assert_eq!(add_up("a", &had, &has, &moved()).unwrap()["matches"], false);
        }
        assert!(add_up("a", &had, &has, &json!([{"quantity": 5}])).is_err());
    }
}
