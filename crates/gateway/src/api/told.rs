//! Events as JSON, and who may see them.

use ledger::{
    Event, Inadmissible,
    book::Movement,
    governance::OPERATOR,
    order::{OrderEnd, Pair},
    trade::TradeId,
    view_key::Reader,
};
use serde_json::{Value, json};
use types::{AccountId, InstructionId, InstrumentId, PartyId, Sender};

use super::sight::Sight;
use crate::{Fault, History, facts::Facts, view::open};

/// Who is concerned by an event.
enum Concerns {
    Everybody,
    Instruction(Vec<InstructionId>),
    Reported(InstructionId, PartyId),
    Account(AccountId),
    Moved(InstrumentId, [AccountId; 2]),
    /// What met on the board settles by instructions of nobody's: whose accounts move is concerned.
    Settled(Vec<InstructionId>, Vec<AccountId>),
}

/// Whether the owner of the gateway may see an event.
///
/// # Errors
/// [`Fault::Database`].
pub async fn is_seen(facts: &Facts, history: &History, event: &Event) -> Result<bool, Fault> {
    let Some(own) = Sight::of_instructions(facts).only() else { return Ok(true) };
    let sender = Sender::Party(facts.party);
    let manages = async |account: AccountId| {
        history.manager(&account.to_string()).await.map(|it| it == Some(own))
    };
    Ok(match concerns(event) {
        Concerns::Everybody => true,
        Concerns::Instruction(ids) => {
            let mut seen = ids.iter().any(|it| it.sender == sender);
            for id in ids.iter().filter(|it| it.sender == Sender::Party(OPERATOR)) {
                seen = seen || history.party_of(&id.to_string()).await? == Some(own);
            }
            seen
        }
        Concerns::Reported(report, party) => party == facts.party || report.sender == sender,
        Concerns::Account(account) => manages(account).await?,
        Concerns::Settled(ids, accounts) => {
            let mut seen = ids.iter().any(|it| it.sender == sender);
            for account in accounts {
                seen = seen || manages(account).await?;
            }
            seen
        }
        Concerns::Moved(instrument, [from, to]) => {
            facts.issuer(instrument) == Some(facts.party)
                || manages(from).await?
                || manages(to).await?
        }
    })
}

fn concerns(event: &Event) -> Concerns {
    let of_trade = |it: &TradeId| match it {
        TradeId::Reported { report } => vec![*report],
        TradeId::Venue { .. } => Vec::new(),
    };
    match event {
        Event::Refused { instruction, .. }
        | Event::StatusChanged { instruction, .. }
        | Event::Short { instruction, .. }
        | Event::CancelAsked { instruction }
        | Event::Funded { instruction }
        | Event::Prioritised { instruction, .. } => Concerns::Instruction(vec![*instruction]),
        Event::Mismatched { instruction, other, .. } => {
            Concerns::Instruction(vec![*instruction, *other])
        }
        Event::Settled { instruction, counterpart, movements } => {
            let sides = [Some(*instruction), *counterpart];
            let accounts = movements.iter().flat_map(|it| [it.from, it.to]);
            Concerns::Settled(sides.into_iter().flatten().collect(), accounts.collect())
        }
        Event::NotForwarded { forward, .. } => Concerns::Instruction(vec![*forward]),
        Event::Requested { request } | Event::RequestDecided { request, .. } => {
            Concerns::Instruction(vec![*request])
        }
        Event::TradeReported { counterparty, report, .. } => {
            Concerns::Reported(*report, *counterparty)
        }
        Event::TradeAffirmed { trade, .. }
        | Event::TradeRejected { trade, .. }
        | Event::TradeExpired { trade } => Concerns::Instruction(of_trade(trade)),
        Event::AccountOpened { account, .. } => Concerns::Account(*account),
        Event::Moved { movement } => {
            Concerns::Moved(movement.instrument, [movement.from, movement.to])
        }
        Event::PartyAdmitted { .. }
        | Event::PartySuspended { .. }
        | Event::KeyAdded { .. }
        | Event::KeyRevoked { .. }
        | Event::Proposed { .. }
        | Event::ParameterSet { .. }
        | Event::ViewKeySet { .. }
        | Event::ValidatorsSet { .. }
        | Event::DayOpened { .. }
        | Event::InstrumentListed { .. }
        | Event::TradesImported { .. }
        | Event::VenueClosed { .. }
        | Event::BoardOpened { .. }
        | Event::OrderEntered { .. }
        | Event::OrderReduced { .. }
        | Event::Filled { .. }
        | Event::OrderEnded { .. } => Concerns::Everybody,
    }
}

/// What the order is for that an event is about, if it does not say so itself.
///
/// # Errors
/// [`Fault::Database`].
pub async fn pair(history: &History, event: &Event) -> Result<Option<Pair>, Fault> {
    match event {
        Event::OrderReduced { order, .. } | Event::OrderEnded { order, .. } => {
            history.pair_of(order).await.map(Some)
        }
        Event::Filled { buy, .. } => history.pair_of(buy).await.map(Some),
        _ => Ok(None),
    }
}

/// The name of an event, and what it tells; `pair` is what [`pair`] says of it.
pub fn shown(facts: &Facts, event: &Event, pair: Option<Pair>) -> (&'static str, Value) {
    let id = |it: &InstructionId| it.to_string();
    match event {
        Event::Refused { instruction, reject } => {
            let reason = json!({"code": reject.iso().unwrap_or("NARR"), "text": reject.code()});
            ("refused", json!({"id": id(instruction), "reason": reason}))
        }
        Event::StatusChanged { instruction, status } => {
            let reason = status.iso().map(|code| json!({"code": code, "text": status.name()}));
            let status = status.name();
            ("status", json!({"id": id(instruction), "status": status, "reason": reason}))
        }
        Event::Settled { instruction, counterpart, movements } => {
            let movements: Vec<_> = movements.iter().map(|it| moved(facts, it)).collect();
            let counterpart = counterpart.as_ref().map(id);
            let told =
                json!({"id": id(instruction), "counterpart": counterpart, "movements": movements});
            ("settled", told)
        }
        Event::Moved { movement } => ("moved", moved(facts, movement)),
        Event::Short { instruction, account, instrument } => {
            let (account, instrument) = (account.to_string(), instrument.to_string());
            let told = json!({"id": id(instruction), "account": account, "instrument": instrument});
            ("short", told)
        }
        Event::Mismatched { instruction, other, field } => {
            let reason = json!({"code": field.iso(), "text": format!("{field:?}").to_lowercase()});
            ("mismatched", json!({"id": id(instruction), "other": id(other), "reason": reason}))
        }
        Event::CancelAsked { instruction } => ("cancel-asked", json!({"id": id(instruction)})),
        Event::Funded { instruction } => ("funded", json!({"id": id(instruction)})),
        Event::Prioritised { instruction, priority } => {
            let priority = format!("{priority:?}").to_lowercase();
            ("prioritised", json!({"id": id(instruction), "priority": priority}))
        }
        Event::Requested { request } => ("requested", json!({"id": id(request)})),
        Event::RequestDecided { request, approved } => {
            ("request-decided", json!({"id": id(request), "approved": approved}))
        }
        event => of_board(facts, event, pair).unwrap_or_else(|| of_market(event)),
    }
}

/// What concerns the board and its orders; `None` of another event.
fn of_board(facts: &Facts, event: &Event, pair: Option<Pair>) -> Option<(&'static str, Value)> {
    let units = |instrument: &InstrumentId, it: i64| facts.decimal(&instrument.to_string(), it);
    Some(match event {
        Event::BoardOpened { instrument, currency, lot, tick } => {
            let (lot, tick) = (units(instrument, *lot), units(currency, *tick));
            let (instrument, currency) = (instrument.to_string(), currency.to_string());
            let told =
                json!({"instrument": instrument, "currency": currency, "lot": lot, "tick": tick});
            ("board-opened", told)
        }
        Event::OrderEntered { order, party, instrument, currency, buys, price, quantity } => {
            let told = json!({
                "order": order.to_string(),
                "party": party.0,
                "instrument": instrument.to_string(),
                "currency": currency.to_string(),
                "side": if *buys { "buy" } else { "sell" },
                "price": units(currency, *price),
                "quantity": units(instrument, *quantity),
            });
            ("order-entered", told)
        }
        Event::OrderReduced { order, quantity } => {
            let (instrument, _) = pair?;
            let quantity = units(&instrument, *quantity);
            ("order-reduced", json!({"order": order.to_string(), "quantity": quantity}))
        }
        Event::Filled { buy, sell, quantity, price, amount, deliver, receive } => {
            let (instrument, currency) = pair?;
            let told = json!({
                "buy": buy.to_string(),
                "sell": sell.to_string(),
                "instrument": instrument.to_string(),
                "currency": currency.to_string(),
                "quantity": units(&instrument, *quantity),
                "price": units(&currency, *price),
                "amount": units(&currency, *amount),
                "deliver": deliver.to_string(),
                "receive": receive.to_string(),
            });
            ("filled", told)
        }
        Event::OrderEnded { order, quantity, why } => {
            let why = end(*why);
            let (instrument, _) = pair?;
            let quantity = units(&instrument, *quantity);
            let told = json!({"order": order.to_string(), "quantity": quantity, "why": why});
            ("order-ended", told)
        }
        Event::NotForwarded { forward, place, why } => {
            let why = match why {
                Inadmissible::OtherChain => "other-market",
                Inadmissible::InstructionCount => "instruction-count",
                Inadmissible::Via => "via",
                Inadmissible::KeyUnknown => "key-unknown",
                Inadmissible::Sequence { .. } => "number",
            };
            ("not-forwarded", json!({"id": forward.to_string(), "place": place, "why": why}))
        }
        _ => return None,
    })
}

/// Why an order ended, in a word that stays.
pub const fn end(why: OrderEnd) -> &'static str {
    match why {
        OrderEnd::Cancelled => "cancelled",
        OrderEnd::DayOver => "day-over",
        OrderEnd::TooManyFills => "too-many-fills",
        OrderEnd::PartySuspended => "party-suspended",
        OrderEnd::NothingToTake => "nothing-to-take",
    }
}

/// What concerns trades, and the market as a whole.
fn of_market(event: &Event) -> (&'static str, Value) {
    match event {
        Event::TradeReported { report, counterparty, until } => {
            let told = json!({"trade": report.to_string(), "counterparty": counterparty.0, "until": until.0});
            ("trade-reported", told)
        }
        Event::TradeAffirmed { trade, by } => {
            ("trade-affirmed", json!({"trade": trade_id(trade), "by": by.0}))
        }
        Event::TradeRejected { trade, by } => {
            ("trade-rejected", json!({"trade": trade_id(trade), "by": by.0}))
        }
        Event::TradeExpired { trade } => ("trade-expired", json!({"trade": trade_id(trade)})),
        Event::TradesImported { venue, date, imported, known } => {
            let (venue, date) = (venue.to_string(), date.to_string());
            let told = json!({"venue": venue, "date": date, "imported": imported, "known": known});
            ("trades-imported", told)
        }
        Event::VenueClosed { venue, date } => {
            ("venue-closed", json!({"venue": venue.to_string(), "date": date.to_string()}))
        }
        Event::PartyAdmitted { party } => ("party-admitted", json!({"party": party.0})),
        Event::PartySuspended { party, suspended } => {
            ("party-suspended", json!({"party": party.0, "suspended": suspended}))
        }
        Event::KeyAdded { party, key } => ("key-added", json!({"party": party.0, "key": key.0})),
        Event::KeyRevoked { party, key } => {
            ("key-revoked", json!({"party": party.0, "key": key.0}))
        }
        Event::Proposed { by, given, needed, proposal } => {
            let proposal = proposal.to_string();
            (
                "proposed",
                json!({"proposal": proposal, "by": by.0, "given": given, "needed": needed}),
            )
        }
        Event::ParameterSet { name, value } => {
            ("parameter-set", json!({"name": format!("{name:?}"), "value": value}))
        }
        Event::ValidatorsSet { count } => ("validators-set", json!({"count": count})),
        Event::DayOpened { date } => ("day-opened", json!({"date": date.to_string()})),
        Event::AccountOpened { account, manager } => {
            let manager = manager.map(|it| it.0);
            ("account-opened", json!({"account": account.to_string(), "manager": manager}))
        }
        Event::InstrumentListed { instrument, issuer } => {
            ("instrument-listed", json!({"instrument": instrument.to_string(), "issuer": issuer.0}))
        }
        Event::ViewKeySet { reader } => match reader {
            Reader::Administrators { key } => {
                ("view-key-set", json!({"reader": "administrators", "key": key}))
            }
            Reader::Issuer { instrument } => {
                ("view-key-set", json!({"reader": "issuer", "instrument": instrument.to_string()}))
            }
        },
        _ => unreachable!("the others are shown before"),
    }
}

fn moved(facts: &Facts, it: &Movement) -> Value {
    let instrument = it.instrument.to_string();
    let quantity = facts.decimal(&instrument, open(&it.amount));
    json!({"instrument": instrument, "from": it.from.to_string(), "to": it.to.to_string(), "quantity": quantity})
}

fn trade_id(it: &TradeId) -> Value {
    match it {
        TradeId::Reported { report } => json!({"report": report.to_string()}),
        TradeId::Venue { venue, date, number } => {
            json!({"venue": venue.to_string(), "date": date.to_string(), "number": number.as_str()})
        }
    }
}
