//! LOBSTER's messages and the book after each of them: the book is an oracle for the board's.
//!
//! ```text
//!   row 1, without message 1 --> what stands at the start, one order a level
//!   message n --> steps --> the board must show row n
//!                  ^
//!                  '-- a level of row n that no message told of: revealed, and placed
//! ```
//!
//! Messages tell orders within ten levels. What stood deeper is not told until the book shows it. Here only what
//! the file says is laid out, level by level, so that it is known what must be revealed; what the board makes of
//! the steps is compared with the file alone.

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;

use super::{Flow, Revealed, Step, Traded, What, chosen, opened};
use crate::failure::{Failure, Result};

/// Prices are in 10^-4 dollars, money in 10^-10.
const TRADED: Traded =
    Traded { isin: "XTFURIKAAPL", name: "Apple claims of a replay", scale: 0, price: 1_000_000 };
/// What a book shows where it has no level.
const NO_LEVEL: i64 = 9_999_999_999;
/// Numbers are below it, so that those of a level can be added up.
const LARGEST: u64 = 1 << 53;

/// A side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Who sells.
    Ask,
    /// Who buys.
    Bid,
}

/// The best levels of a book: price and units, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Who sells.
    pub asks: Vec<(i64, i64)>,
    /// Who buys.
    pub bids: Vec<(i64, i64)>,
}

/// One line of the messages.
struct Message {
    kind: Kind,
    order: u64,
    size: i64,
    price: i64,
    side: Side,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Comes,
    Reduced,
    Goes,
    Executed,
    ExecutedHidden,
    Halted,
}

/// What the file has told of orders: each level's, in the order of their arrival.
#[derive(Default)]
struct Told {
    levels: BTreeMap<(Side, i64), Vec<(u64, i64)>>,
    steps: Vec<Step>,
    revealed: Vec<Revealed>,
    /// Orders of the replay have numbers that are counted down from the highest.
    made: u64,
}

pub fn read(path: &Path) -> Result<Flow> {
    let message = chosen(path, |it| it.contains("_message_"), "*_message_*.csv")?;
    let name = message.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    if !name.contains("_message_") {
        let what = format_args!("{}: its name has no _message_", message.display());
        return Err(Failure::malformed(what)
            .mend("name the file of messages; that of books has _orderbook_ in its place"));
    }
    let orderbook = message.with_file_name(name.replace("_message_", "_orderbook_"));
    let messages = rows(&message, Message::read)?;
    let books = rows(&orderbook, Shown::read)?;
    if messages.len() != books.len() || messages.is_empty() {
        let what = format_args!("{}: as many rows as messages are wanted", orderbook.display());
        return Err(Failure::malformed(what));
    }
    let (mut told, mut shown, mut hidden) = (Told::default(), Vec::new(), 0_u64);
    if let (Some(book), Some(first)) = (books.first(), messages.first()) {
        told.begin(book, first);
    }
    for ((number, message), book) in (1_u64..).zip(&messages).zip(&books) {
        told.hear(number, message);
        hidden += u64::from(message.kind == Kind::ExecutedHidden);
        told.reveal(number, book);
        shown.push((told.steps.len(), book.clone()));
    }
    let events = u64::try_from(messages.len()).map_err(Failure::fault)?;
    let Told { steps, revealed, .. } = told;
    let flow = Flow {
        traded: TRADED,
        events,
        steps,
        shown,
        revealed,
        hidden_executions: hidden,
        pairs: None,
    };
    Ok(flow)
}

/// The rows of a CSV file without a header, all of them numbers; a time's fraction is of no matter.
fn rows<T>(path: &Path, read: impl Fn(&[i64]) -> Result<T, String>) -> Result<Vec<T>> {
    let malformed =
        |why: &dyn std::fmt::Display| Failure::malformed(format_args!("{}: {why}", path.display()));
    let mut rows = Vec::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(opened(path)?);
    for (number, line) in (1_u64..).zip(reader.records()) {
        let line = line.map_err(|why| malformed(&why))?;
        let whole = |(place, text): (usize, &str)| {
            // The first column of messages is a time, whose fraction is of no matter.
            let text = if place == 0 { text.split('.').next().unwrap_or_default() } else { text };
            let number = text.parse::<i64>().ok().filter(|it| it.unsigned_abs() < LARGEST);
            number.ok_or_else(|| format!("{text:?} is no whole number below 2^53"))
        };
        let numbers: Result<Vec<i64>, _> = line.iter().enumerate().map(whole).collect();
        let numbers = numbers.map_err(|why| malformed(&format_args!("line {number}: {why}")))?;
        let row = read(&numbers);
        rows.push(row.map_err(|why| malformed(&format_args!("line {number}: {why}")))?);
    }
    Ok(rows)
}

impl Message {
    fn read(numbers: &[i64]) -> Result<Self, String> {
        let [_, kind, order, size, price, direction] = numbers else {
            return Err("time, type, order, size, price and direction are wanted".into());
        };
        let kind = match kind {
            1 => Kind::Comes,
            2 => Kind::Reduced,
            3 => Kind::Goes,
            4 => Kind::Executed,
            5 => Kind::ExecutedHidden,
            6 | 7 => Kind::Halted,
            other => return Err(format!("type {other} is none of 1 to 7")),
        };
        let side = match direction {
            1 => Side::Bid,
            -1 => Side::Ask,
            other => return Err(format!("direction {other} is neither 1 nor -1")),
        };
        if *size < 0 || *price < 0 {
            return Err("size and price are not below zero".into());
        }
        let order = u64::try_from(*order).map_err(|why| format!("order: {why}"))?;
        Ok(Self { kind, order, size: *size, price: *price, side })
    }
}

impl Shown {
    fn read(numbers: &[i64]) -> Result<Self, String> {
        let (levels, []) = numbers.as_chunks::<4>() else {
            return Err("levels of four numbers are wanted".into());
        };
        let mut shown = Self::default();
        for [ask, asked, bid, bidden] in levels {
            if *ask != NO_LEVEL && *asked > 0 {
                shown.asks.push((*ask, *asked));
            }
            if *bid != -NO_LEVEL && *bidden > 0 {
                shown.bids.push((*bid, *bidden));
            }
        }
        Ok(shown)
    }

    fn side(&self, side: Side) -> &[(i64, i64)] {
        match side {
            Side::Ask => &self.asks,
            Side::Bid => &self.bids,
        }
    }
}

impl Told {
    /// What stood before the first message, whose order is in the first row already.
    fn begin(&mut self, book: &Shown, first: &Message) {
        for side in [Side::Ask, Side::Bid] {
            for (price, quantity) in book.side(side) {
                let of_first =
                    first.kind == Kind::Comes && (first.side, first.price) == (side, *price);
                let stood = quantity - if of_first { first.size } else { 0 };
                if stood > 0 {
                    self.make(side, *price, stood);
                }
            }
        }
    }

    /// An order of the replay's making.
    fn make(&mut self, side: Side, price: i64, quantity: i64) {
        self.made += 1;
        let order = u64::MAX - self.made;
        self.place(order, side, (price, quantity), false);
    }

    fn place(&mut self, order: u64, side: Side, (price, quantity): (i64, i64), told: bool) {
        let what = What::Place { buys: side == Side::Bid, price, quantity };
        self.steps.push(Step { order, what, told });
        self.levels.entry((side, price)).or_default().push((order, quantity));
    }

    fn level(&self, side: Side, price: i64) -> i64 {
        self.levels.get(&(side, price)).map_or(0, |it| it.iter().map(|it| it.1).sum())
    }

    fn hear(&mut self, number: u64, message: &Message) {
        let Message { kind, order, size, price, side } = *message;
        match kind {
            Kind::Comes => self.place(order, side, (price, size), true),
            Kind::Reduced | Kind::Goes => {
                self.expect(number, message);
                self.take_away(message);
            }
            Kind::Executed => {
                self.expect(number, message);
                self.execute(message);
            }
            Kind::ExecutedHidden | Kind::Halted => (),
        }
    }

    /// Makes sure that a level has what a message takes from it.
    fn expect(&mut self, message: u64, Message { side, price, size, .. }: &Message) {
        let quantity = size - self.level(*side, *price);
        if quantity > 0 {
            self.revealed.push(Revealed { message, side: *side, price: *price, quantity });
            self.make(*side, *price, quantity);
        }
    }

    /// An order has less: itself as far as it is told, then whatever stands at its level.
    fn take_away(&mut self, Message { order, size, price, side, .. }: &Message) {
        let Some(level) = self.levels.get_mut(&(*side, *price)) else { return };
        let mut left = *size;
        let own = |it: &&mut (u64, i64)| it.0 == *order;
        let mut reduce = |it: &mut (u64, i64)| {
            let less = left.min(it.1);
            if less == 0 {
                return;
            }
            (left, it.1) = (left - less, it.1 - less);
            let what = if it.1 == 0 {
                What::Cancel
            } else {
                What::Amend { price: *price, quantity: it.1 }
            };
            self.steps.push(Step { order: it.0, what, told: it.0 == *order });
        };
        level.iter_mut().filter(own).for_each(&mut reduce);
        level.iter_mut().for_each(&mut reduce);
        level.retain(|it| it.1 > 0);
    }

    /// Somebody takes from a level: an order of the replay's, on the other side, which meets the first that stand.
    fn execute(&mut self, Message { size, price, side, .. }: &Message) {
        self.made += 1;
        let what = What::Place { buys: *side == Side::Ask, price: *price, quantity: *size };
        self.steps.push(Step { order: u64::MAX - self.made, what, told: true });
        let Some(level) = self.levels.get_mut(&(*side, *price)) else { return };
        let mut left = *size;
        for it in level.iter_mut() {
            let less = left.min(it.1);
            (left, it.1) = (left - less, it.1 - less);
        }
        level.retain(|it| it.1 > 0);
    }

    /// Lays out what the book shows and no message has told.
    fn reveal(&mut self, message: u64, book: &Shown) {
        for side in [Side::Ask, Side::Bid] {
            let shown = book.side(side);
            for (price, quantity) in shown {
                let more = quantity - self.level(side, *price);
                self.correct(message, side, *price, more);
            }
            // A level that is not shown, and lies before the last that is, is not there.
            let Some((last, _)) = shown.last() else { continue };
            let better = |price: i64| if side == Side::Ask { price < *last } else { price > *last };
            let is_shown = |price: i64| shown.iter().any(|it| it.0 == price);
            let gone: Vec<i64> = self
                .levels
                .iter()
                .filter(|it| it.0.0 == side && !it.1.is_empty())
                .map(|it| it.0.1)
                .filter(|it| better(*it) && !is_shown(*it))
                .collect();
            for price in gone {
                let less = -self.level(side, price);
                self.correct(message, side, price, less);
            }
        }
    }

    fn correct(&mut self, message: u64, side: Side, price: i64, more: i64) {
        if more == 0 {
            return;
        }
        self.revealed.push(Revealed { message, side, price, quantity: more });
        if more > 0 {
            self.make(side, price, more);
        } else {
            // The number is nobody's: whatever stands there has less.
            let nobody = Message { kind: Kind::Reduced, order: 0, size: -more, price, side };
            self.take_away(&nobody);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_levels_tell_nearly_all_of_the_book() {
        let shared = std::env::var("FURIKAE_SHARED").unwrap_or_else(|_| "../../../shared".into());
        let path = Path::new(&shared).join("data/orderflow-lobster-aapl-excerpt");
        if !path.exists() {
            eprintln!("skipped: {} is not here", path.display());
            return;
        }
        let flow = read(&path).unwrap();
        // The last of the 999 rows has no line end.
        assert_eq!((flow.events, flow.shown.len(), flow.hidden_executions), (999, 999, 61));
        assert!(flow.revealed.len() <= 25, "{:?}", flow.revealed);
        assert!(flow.shown.is_sorted_by_key(|it| it.0), "each book is due after the one before it");
    }

    #[test]
    fn what_a_message_takes_and_nobody_placed_is_revealed() {
        let mut told = Told::default();
        let message =
            |kind, order, size| Message { kind, order, size, price: 100, side: Side::Bid };
        told.hear(1, &message(Kind::Comes, 7, 10));
        told.hear(2, &message(Kind::Executed, 7, 4));
        told.hear(3, &message(Kind::Reduced, 7, 1));
        assert_eq!((told.level(Side::Bid, 100), told.revealed.len()), (5, 0));
        told.hear(4, &message(Kind::Goes, 8, 9));
        assert_eq!(told.level(Side::Bid, 100), 0, "what is not there cannot go");
        let revealed = Revealed { message: 4, side: Side::Bid, price: 100, quantity: 4 };
        assert_eq!(told.revealed, [revealed]);
        let asked: Vec<_> = told.steps.iter().map(|it| it.what).collect();
        assert_eq!(asked[1], What::Place { buys: false, price: 100, quantity: 4 });
        assert_eq!(asked[2], What::Amend { price: 100, quantity: 5 });
    }
}
