//! Bitstamp's live orders: each order is created, changed, deleted; what trades, the board finds.

use std::path::Path;

use serde::Deserialize;

use super::{Flow, Step, Traded, What, chosen, lines};
use crate::{
    failure::Result,
    replay::recorded::{PRICE_SCALE, QUANTITY_SCALE, units},
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
    let fits = |it: &str| ["orders.csv", "orders.csv.gz"].contains(&it);
    let file = chosen(path, fits, "orders.csv or orders.csv.gz")?;
    let (mut steps, mut events) = (Vec::new(), 0_u64);
    lines(&file, |line: Line| {
        events += 1;
        line.step().map(|it| steps.push(it))
    })?;
    // What traded at the venue stands beside its orders.
    let beside = ["trades.csv", "trades.csv.gz"].map(|it| file.with_file_name(it));
    let mut pairs = None;
    if let Some(trades) = beside.iter().find(|it| it.exists()) {
        let mut all = Vec::new();
        lines(trades, |it: Trade| {
            all.push((it.buy_order_id, it.sell_order_id));
            Ok(())
        })?;
        pairs = Some(all);
    }
    let (shown, revealed) = (Vec::new(), Vec::new());
    Ok(Flow { traded: TRADED, events, steps, shown, revealed, hidden_executions: 0, pairs })
}

impl Line {
    fn step(&self) -> Result<Step, String> {
        // What is finer than a unit is cut off, as an order is of whole units.
        let number = |text: &str, scale| {
            let units = units(text, scale).map(|it| it.0);
            units.ok_or_else(|| format!("{text:?} is no number with {scale} places"))
        };
        let price = || number(&self.price, PRICE_SCALE);
        let quantity = || number(&self.volume, QUANTITY_SCALE);
        let buys = match self.direction.as_str() {
            "bid" => true,
            "ask" => false,
            other => return Err(format!("{other:?} is neither bid nor ask")),
        };
        let what = match self.action.as_str() {
            "created" => What::Place { buys, price: price()?, quantity: quantity()? },
            "changed" => What::Amend { price: price()?, quantity: quantity()? },
            "deleted" => What::Cancel,
            other => return Err(format!("{other:?} is none of created, changed, deleted")),
        };
        Ok(Step { order: self.id, what, told: true })
    }
}
