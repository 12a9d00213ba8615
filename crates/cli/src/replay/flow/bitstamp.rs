//! Bitstamp's live orders: each order is created, changed, deleted; what trades, the board finds.

use std::path::Path;

use serde::Deserialize;

use super::{Flow, Step, Traded, What, chosen, lines};
use crate::{
    failure::Result,
    replay::recorded::{PRICE_SCALE, QUANTITY_SCALE, exact},
};

/// A price of 0.01 dollars for one bitcoin is 10^-10 dollars for a unit of 10^-8 bitcoins.
pub const TRADED: Traded = Traded {
    isin: "XTFURIKBTC0",
    name: "Bitcoin claims of a replay",
    scale: QUANTITY_SCALE,
    price: 1,
};

#[derive(Deserialize)]
struct Line {
    id: u64,
    price: String,
    volume: String,
    action: String,
    direction: String,
}

#[derive(Deserialize)]
struct Trade {
    buy_order_id: u64,
    sell_order_id: u64,
}

pub fn read(path: &Path) -> Result<Flow> {
    let file = chosen(path, |it| it.starts_with("orders.csv"), "orders.csv or orders.csv.gz")?;
    let (mut steps, mut events) = (Vec::new(), 0_u64);
    lines(&file, |line: Line| {
        events += 1;
        line.step().map(|it| steps.push(it))
    })?;
    // What traded at the venue stands beside its orders.
    let trades = file.with_file_name("trades.csv");
    let mut pairs = Vec::new();
    if trades.exists() {
        lines(&trades, |it: Trade| {
            pairs.push((it.buy_order_id, it.sell_order_id));
            Ok(())
        })?;
    }
    let (shown, revealed) = (Vec::new(), Vec::new());
    let pairs = trades.exists().then_some(pairs);
    Ok(Flow { traded: TRADED, events, steps, shown, revealed, hidden_executions: 0, pairs })
}

impl Line {
    fn step(&self) -> Result<Step, String> {
        let units = |text: &str, scale| {
            let units = exact(text, scale).filter(|it| *it >= 0);
            units.ok_or_else(|| format!("{text:?} is no number with {scale} places"))
        };
        let (price, quantity) =
            (units(&self.price, PRICE_SCALE)?, units(&self.volume, QUANTITY_SCALE)?);
        let buys = match self.direction.as_str() {
            "bid" => true,
            "ask" => false,
            other => return Err(format!("{other:?} is neither bid nor ask")),
        };
        let what = match self.action.as_str() {
            "created" => What::Place { buys, price, quantity },
            "changed" => What::Amend { price, quantity },
            "deleted" => What::Cancel,
            other => return Err(format!("{other:?} is none of created, changed, deleted")),
        };
        Ok(Step { order: self.id, what, told: true })
    }
}
