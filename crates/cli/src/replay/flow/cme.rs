//! Market by order of CME's futures, as Databento tells it: adds, modifications, cancellations, trades.
//!
//! A trade is an order that takes what stands at its price; what it does not find does not stay. The fills of
//! orders that stood are told beside it, and are the board's to find. An auction's trade has no side: its orders
//! have met on the board before.

use std::path::Path;

use serde::Deserialize;

use super::{Flow, Step, Traded, What, chosen, lines};
use crate::failure::Result;

/// Prices are in 10^-9 dollars, money in 10^-10.
const TRADED: Traded =
    Traded { isin: "XTFURIKES00", name: "Index futures of a replay", scale: 0, price: 10 };

#[derive(Deserialize)]
struct Line {
    action: String,
    side: String,
    price_1e9: i64,
    size: i64,
    order_id: u64,
}

pub fn read(path: &Path) -> Result<Flow> {
    let fits = |it: &str| it.ends_with(".mbo.csv.gz") || it.ends_with(".mbo.csv");
    let file = chosen(path, fits, "*.mbo.csv or *.mbo.csv.gz")?;
    let (mut steps, mut events, mut taking) = (Vec::new(), 0_u64, 0_u64);
    lines(&file, |line: Line| {
        events += 1;
        line.steps(&mut taking).map(|it| steps.extend(it))
    })?;
    let (shown, revealed) = (Vec::new(), Vec::new());
    Ok(Flow { traded: TRADED, events, steps, shown, revealed, hidden_executions: 0, pairs: None })
}

impl Line {
    /// What it asks. Orders that take have numbers of the replay's, counted down from the highest.
    fn steps(&self, taking: &mut u64) -> Result<Vec<Step>, String> {
        let (price, quantity) = (self.price_1e9, self.size);
        let step = |what| Step { order: self.order_id, what, told: true };
        let buys = match self.side.as_str() {
            "B" => Some(true),
            "A" => Some(false),
            "N" => None,
            other => return Err(format!("side {other:?} is none of B, A, N")),
        };
        Ok(match (self.action.as_str(), buys) {
            ("A", Some(buys)) => vec![step(What::Place { buys, price, quantity })],
            ("M", Some(_)) => vec![step(What::Amend { price, quantity })],
            ("C", _) => vec![step(What::Cancel)],
            ("T", Some(buys)) => {
                *taking += 1;
                let order = u64::MAX - *taking;
                let takes = Step { order, ..step(What::Place { buys, price, quantity }) };
                vec![takes, Step { order, what: What::Cancel, told: false }]
            }
            ("T", None) | ("F" | "R", _) => Vec::new(),
            (other, _) => return Err(format!("action {other:?} with side {:?}", self.side)),
        })
    }
}
