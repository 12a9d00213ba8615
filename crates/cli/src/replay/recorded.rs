//! Trades recorded elsewhere, as files tell them, in whole units.

use std::path::Path;

use serde::Deserialize;
use types::{BusinessDate, Text};

use crate::failure::{Failure, Result};

/// Decimal places of quantities.
pub const QUANTITY_SCALE: u8 = 8;
/// Decimal places of prices.
pub const PRICE_SCALE: u8 = 2;
/// Decimal places of money, so that quantity times price is exact.
pub const MONEY_SCALE: u8 = QUANTITY_SCALE + PRICE_SCALE;
const DAY_MS: u64 = 86_400_000;

/// A recorded trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number at the venue.
    pub number: Text<20>,
    /// When it was executed there.
    pub date: BusinessDate,
    /// Which member buys, from 0.
    pub buyer: u32,
    /// Which member sells; another one.
    pub seller: u32,
    /// How much.
    pub quantity: i64,
    /// For how much money.
    pub value: i64,
}

#[derive(Deserialize)]
struct Line {
    trade_id: String,
    exchange_timestamp: u64,
    price: String,
    amount: String,
    buy_order_id: String,
    sell_order_id: String,
}

/// Reads Bitstamp's trades and gives each order to one of `members`.
///
/// # Errors
/// Malformed, with the line that makes no sense.
pub fn read(path: &Path, members: u32) -> Result<Vec<Recorded>> {
    let malformed =
        |why: &dyn std::fmt::Display| Failure::malformed(format_args!("{}: {why}", path.display()));
    let mut reader = csv::Reader::from_path(path).map_err(|error| malformed(&error))?;
    let mut trades = Vec::new();
    for (number, line) in (2_u64..).zip(reader.deserialize()) {
        let line: Line = line.map_err(|error| malformed(&error))?;
        let trade = line.trade(members);
        trades.push(trade.map_err(|why| malformed(&format_args!("line {number}: {why}")))?);
    }
    Ok(trades)
}

impl Line {
    fn trade(&self, members: u32) -> Result<Recorded, String> {
        let units = |text: &str, scale| {
            let units = exact(text, scale).filter(|it| *it > 0);
            units.ok_or_else(|| format!("{text:?} is no number above zero with {scale} places"))
        };
        let (quantity, price) =
            (units(&self.amount, QUANTITY_SCALE)?, units(&self.price, PRICE_SCALE)?);
        let value = quantity.checked_mul(price).ok_or("quantity times price is out of range")?;
        let seller = member(&self.sell_order_id, members);
        // Nobody trades with itself: the next member takes its place.
        let buyer = Some(member(&self.buy_order_id, members)).filter(|it| *it != seller);
        let day = self.exchange_timestamp / DAY_MS;
        Ok(Recorded {
            number: Text::new(&self.trade_id).map_err(|error| error.to_string())?,
            date: BusinessDate(u32::try_from(day).map_err(|error| error.to_string())?),
            buyer: buyer.unwrap_or((seller + 1) % members),
            seller,
            quantity,
            value,
        })
    }
}

/// Whose an order is.
pub fn member(order: &str, members: u32) -> u32 {
    let digest = crypto::digest(b"furikae.replay.member.v1", order.as_bytes());
    let [a, b, c, d, ..] = digest.0;
    u32::from_be_bytes([a, b, c, d]) % members
}

/// The units that a decimal text says, also with an exponent (`6e-05`), if it says them exactly.
fn exact(text: &str, scale: u8) -> Option<i64> {
    units(text, scale).filter(|it| it.1).map(|it| it.0)
}

/// The units that a decimal text says, also with an exponent (`6e-05`), and whether it says them exactly: what is
/// smaller than a unit is cut off. `None` if it is no such number, or too large.
pub fn units(text: &str, scale: u8) -> Option<(i64, bool)> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if whole.is_empty() || !all.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let exponent: i32 = exponent.parse().ok().filter(|it: &i32| it.abs() <= 32)?;
    let kept = i32::try_from(whole.len()).ok()? + exponent + i32::from(scale);
    let kept = usize::try_from(kept).unwrap_or(0);
    let padded = format!("{all:0<kept$}");
    let (kept, cut) = padded.split_at(kept);
    let kept = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    Some((kept, cut.bytes().all(|it| it == b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_exponents_are_read_exactly_or_not_at_all() {
        assert_eq!(exact("0.121", 8), Some(12_100_000));
        assert_eq!(exact("1e-08", 8), Some(1));
        assert_eq!(exact("6.405e-05", 8), Some(6_405));
        assert_eq!(exact("1.39e-06", 8), Some(139));
        assert_eq!(exact("12.5e-1", 2), Some(125));
        assert_eq!(exact("78318.000", 2), Some(7_831_800));
        assert_eq!(exact("1e+3", 2), Some(100_000));
        for text in ["1e-9", "1e90", "e-5", "1e-", "1.5e-08", "1e-99999999999", "\u{e9}.1e-1", "-1"]
        {
            assert_eq!(exact(text, 8), None, "{text:?}");
        }
        assert_eq!(units("0.30000000000000004", 8), Some((30_000_000, false)));
        assert_eq!(units("5e-09", 8), Some((0, false)));
        assert_eq!(units("99999999999999999999", 8), None);
    }

    #[test]
    fn nobody_trades_with_itself() {
        let line = |buy: u32, sell: u32| Line {
            trade_id: "1".into(),
            exchange_timestamp: DAY_MS,
            price: "2.0".into(),
            amount: "3".into(),
            buy_order_id: buy.to_string(),
            sell_order_id: sell.to_string(),
        };
        for (buy, sell) in (0..40).flat_map(|buy| (0..40).map(move |sell| (buy, sell))) {
            let trade = line(buy, sell).trade(2).unwrap();
            assert_ne!(trade.buyer, trade.seller);
            assert_eq!((trade.quantity, trade.value), (300_000_000, 60_000_000_000));
        }
    }
}
