//! What stands on the board, and what was traded: on it, at venues, and as members report it.

use axum::{
    Json,
    extract::{Query, State},
};
use listen::Problem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Answer, Door,
    problem::{self, database},
    read::{Asked, instrument, limit, malformed, next, number, page, two},
    shapes::{ProblemShape, Stood},
    sight::Sight,
    user::Reader,
};
use crate::{
    facts::Facts,
    history::{self, Place, Traded, WantedOrders, WantedTrades},
    moment::shown,
};

/// Which orders, and which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Orders {
    /// A height or a time, as for positions.
    pub as_of: Option<String>,
    /// The security of one board, with its currency.
    pub instrument: Option<String>,
    /// The currency of that board.
    pub currency: Option<String>,
    /// The owner's own orders alone. With a board, everybody's are shown when absent: the board is public. Without
    /// one, the owner's own; everybody's to who sees all.
    pub own: Option<bool>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
    /// So many at most: 1 to 10,000. 1,000 when absent.
    pub limit: Option<u32>,
}

/// Which trades, and which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Trades {
    /// A height or a time, as for positions.
    pub as_of: Option<String>,
    /// Of one instrument: an ISIN.
    pub instrument: Option<String>,
    /// Whether the owner's own trades alone are shown, as when absent; to who sees all, everybody's when absent. If
    /// not: the fills of the board, which are public; all trades to who sees all.
    pub own: Option<bool>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
    /// So many at most: 1 to 10,000. 1,000 when absent.
    pub limit: Option<u32>,
}

/// An order that stands on the board.
#[derive(Debug, Serialize, ToSchema)]
pub struct Order {
    /// Which.
    pub id: String,
    /// Whose.
    pub party: u32,
    /// What.
    pub instrument: String,
    /// Against which currency.
    pub currency: String,
    /// buy or sell.
    pub side: String,
    /// At most (buy) or at least (sell) so much for one lot.
    pub price: String,
    /// What is not filled of it.
    pub quantity: String,
    /// The day that it is for. On a later one it is met by nothing, and ends soon.
    pub date: String,
    /// Since which height it stands so.
    pub since: u64,
    /// Its securities account; of an own order.
    pub account: Option<String>,
    /// Its cash account; of an own order.
    pub cash: Option<String>,
    /// Its party's reference; of an own order.
    pub reference: Option<String>,
}

/// Orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderList {
    /// As of which block.
    #[serde(flatten)]
    pub stood: Stood,
    /// By instrument and currency; those who sell first; of each side the best price first, then the oldest.
    pub orders: Vec<Order>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// A trade.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trade {
    /// Its name: MIC/DATE/NUMBER of a venue's; otherwise the instruction that reported it, which of a fill is the one
    /// that delivers.
    pub id: String,
    /// board, venue or reported.
    pub origin: String,
    /// reported, affirmed, imported, instructed (a matched pair is to settle it), settled, rejected, expired. None of
    /// what others have filled.
    pub status: Option<String>,
    /// Who buys.
    pub buyer: u32,
    /// Who sells.
    pub seller: u32,
    /// What.
    pub instrument: String,
    /// How much of it.
    pub quantity: String,
    /// For how much.
    pub amount: String,
    /// Of which currency.
    pub currency: String,
    /// Of a fill: the price of one lot.
    pub price: Option<String>,
    /// Of a fill: the order that buys.
    pub buy_order: Option<String>,
    /// Of a fill: the order that sells.
    pub sell_order: Option<String>,
    /// When it was agreed.
    pub trade_date: Option<String>,
    /// When it is to settle.
    pub intended_date: Option<String>,
    /// In which block it was told first.
    pub told_at: u64,
    /// That block's time.
    pub told: String,
}

/// Trades.
#[derive(Debug, Serialize, ToSchema)]
pub struct TradeList {
    /// As of which block.
    #[serde(flatten)]
    pub stood: Stood,
    /// In the order in which they were told.
    pub trades: Vec<Trade>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// What stands on the board: one board, which is public, or the owner's own orders.
#[utoipa::path(get, path = "/v1/orders", params(Orders), responses(
    (status = 200, body = OrderList), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn orders(
    _: Reader,
    State(door): State<Door>,
    asked: Asked<Orders>,
) -> Answer<Json<OrderList>> {
    let Query(asked) = asked.map_err(malformed)?;
    let facts = door.facts()?;
    let pair = match (asked.instrument.as_deref(), asked.currency.as_deref()) {
        (Some(one), Some(other)) => {
            Some((instrument(one)?.to_string(), instrument(other)?.to_string()))
        }
        (None, None) => None,
        _ => {
            let why = "instrument and currency name a board together: say both, or none";
            return Err(Problem::saying(problem::QUERY, why));
        }
    };
    let only = Sight::of_instructions(&facts).only();
    let own = asked.own.unwrap_or(pair.is_none() && only.is_some());
    if !own && pair.is_none() && only.is_some() {
        let why = "own=false: say whose board, by instrument and currency";
        return Err(Problem::saying(problem::QUERY, why));
    }
    let (stood, after) = page(&door, &facts, asked.as_of.as_deref(), asked.cursor).await?;
    let limit = limit(asked.limit)?;
    let party = own.then_some(facts.party.0);
    let after = after.as_deref().map(place).transpose()?;
    let wanted = WantedOrders { pair, party, after, limit: limit + 1 };
    let mut rows = door.app.history.orders(stood.height, &wanted).await.map_err(database)?;
    let next = next(&stood, &mut rows, limit, |it| {
        let (instrument, currency, side, price, arrival) = &it.place;
        format!("{instrument}:{currency}:{side}:{price}:{arrival}")
    });
    let orders = rows.into_iter().map(|it| order(&facts, only, it)).collect();
    Ok(Json(OrderList { stood, orders, next }))
}

fn place(cursor: &str) -> Answer<Place> {
    let bad = || Problem::saying(problem::QUERY, "cursor: it is what a page gave as next");
    let parts: Vec<_> = cursor.split(':').collect();
    let [instrument, currency, numbers @ ..] = parts.as_slice() else { return Err(bad()) };
    let numbers: Result<Vec<i64>, _> = numbers.iter().map(|it| it.parse()).collect();
    match numbers.map_err(|_| bad())?.as_slice() {
        [side, price, arrival] => {
            Ok(((*instrument).into(), (*currency).into(), *side, *price, *arrival))
        }
        _ => Err(bad()),
    }
}

/// An order; accounts and reference only of an own one, or to who sees all.
fn order(facts: &Facts, only: Option<u32>, it: history::Stood) -> Order {
    let own = only.is_none_or(|own| own == it.party);
    let shown = |text: String| own.then_some(text);
    Order {
        id: it.instruction,
        party: it.party,
        side: if it.buys { "buy" } else { "sell" }.into(),
        price: facts.decimal(&it.currency, it.price),
        quantity: facts.decimal(&it.instrument, it.units),
        instrument: it.instrument,
        currency: it.currency,
        date: it.date,
        since: it.since,
        account: shown(it.account),
        cash: shown(it.cash),
        reference: shown(it.reference),
    }
}

/// Trades that the owner may see: fills of the board, what venues told, what was reported.
#[utoipa::path(get, path = "/v1/trades", params(Trades), responses(
    (status = 200, body = TradeList), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn trades(
    _: Reader,
    State(door): State<Door>,
    asked: Asked<Trades>,
) -> Answer<Json<TradeList>> {
    let Query(asked) = asked.map_err(malformed)?;
    let facts = door.facts()?;
    let (stood, after) = page(&door, &facts, asked.as_of.as_deref(), asked.cursor).await?;
    let limit = limit(asked.limit)?;
    let only = Sight::of_instructions(&facts).only();
    let own = asked.own.unwrap_or(only.is_some());
    let after = match after.as_deref() {
        Some(after) => {
            let (height, place) = two(after)?;
            Some((number(&height, "cursor")?, number(&place, "cursor")?))
        }
        None => None,
    };
    let wanted = WantedTrades {
        party: own.then_some(facts.party.0),
        of_board: !own && only.is_some(),
        instrument: asked
            .instrument
            .as_deref()
            .map(instrument)
            .transpose()?
            .map(|it| it.to_string()),
        after,
        limit: limit + 1,
    };
    let mut rows = door.app.history.trades(stood.height, &wanted).await.map_err(database)?;
    let next = next(&stood, &mut rows, limit, |it| format!("{}:{}", it.height, it.place));
    let trades = rows.into_iter().map(|it| trade(&facts, only, it)).collect();
    Ok(Json(TradeList { stood, trades, next }))
}

/// A trade; where it stands only to its sides, or to who sees all: others are not told who lacks cover.
fn trade(facts: &Facts, only: Option<u32>, it: Traded) -> Trade {
    let own = only.is_none_or(|own| it.sides.contains(&own));
    let [buyer, seller] = it.sides;
    let ([buy_order, sell_order], [trade_date, intended_date]) = (it.orders, it.dates);
    Trade {
        id: it.trade,
        origin: it.origin,
        status: own.then_some(it.status),
        buyer,
        seller,
        quantity: facts.decimal(&it.instrument, it.units),
        amount: facts.decimal(&it.currency, it.amount),
        price: it.price.map(|price| facts.decimal(&it.currency, price)),
        instrument: it.instrument,
        currency: it.currency,
        buy_order,
        sell_order,
        trade_date,
        intended_date,
        told_at: it.height,
        told: shown(it.time),
    }
}

#[cfg(test)]
mod tests;
