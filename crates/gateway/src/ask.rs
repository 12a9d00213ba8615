//! Instructions as JSON: `{"ask": "open-account", ...}`, in the words of the market.
//!
//! Quantities and amounts are decimal texts, dates `2026-11-24`, ids as people type them. What a field
//! does not say is not guessed; a field that is not known is refused.

use crypto::Amount;
use ledger::{
    Instruction,
    issuance::Kind,
    order::PlaceOrder,
    settlement::{AgainstPayment, OpenTerms, Pay, Priority, Side, Terms},
    trade::{ReportTrade, TradeId, VenueTrade},
};
use serde_json::Value;
use types::{Digest, InstrumentId, PublicKey, Text};

use crate::fields::{BadField, Fields, Scales};

const GOVERNANCE: [&str; 5] = ["admit-party", "suspend-party", "add-key", "revoke-key", "open-day"];
const ISSUANCE: [&str; 8] = [
    "open-account",
    "list",
    "request-issue",
    "request-redeem",
    "decide-request",
    "issue-money",
    "redeem-money",
    "allocate",
];
const TRADES: [&str; 5] =
    ["import-trades", "close-venue", "report-trade", "affirm-trade", "reject-trade"];
const SETTLEMENT: [&str; 7] =
    ["settle", "pay", "hold", "release", "cancel", "prioritise", "sign-off"];
const BOARD: [&str; 4] = ["open-board", "place-order", "amend-order", "cancel-order"];
const ATTEST: [&str; 2] = ["attest-position", "attest-instrument"];

/// Every word that `ask` may say.
pub fn words() -> impl Iterator<Item = &'static str> {
    [&GOVERNANCE[..], &ISSUANCE, &TRADES, &SETTLEMENT, &BOARD, &ATTEST].concat().into_iter()
}

/// What JSON asks for, one word for each instruction.
pub fn asked(value: &Value) -> impl Iterator<Item = &str> {
    let all = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    all.iter().filter_map(|it| it.get("ask").and_then(Value::as_str))
}

/// Reads one instruction, or a list of them.
///
/// # Errors
/// [`BadField`], the first.
pub fn instructions(value: &Value, scales: Scales<'_>) -> Result<Vec<Instruction>, BadField> {
    match value {
        Value::Array(values) => {
            let read = |(place, value)| instruction(value, &format!("[{place}]"), scales);
            values.iter().enumerate().map(read).collect()
        }
        value => instruction(value, "", scales).map(|it| vec![it]),
    }
}

fn instruction(value: &Value, path: &str, scales: Scales<'_>) -> Result<Instruction, BadField> {
    let mut it = Fields::of(value, path, scales)?;
    let verb = it.text("ask")?;
    let read = match verb {
        word if GOVERNANCE.contains(&word) => of_governance(&mut it, verb),
        word if ISSUANCE.contains(&word) => of_issuance(&mut it, verb),
        word if TRADES.contains(&word) => of_trades(&mut it, verb),
        word if SETTLEMENT.contains(&word) => of_settlement(&mut it, verb),
        word if BOARD.contains(&word) => of_board(&mut it, verb),
        word if ATTEST.contains(&word) => attest(&mut it, verb),
        other => Err(it.refuse("ask", format_args!("{other:?} is nothing that can be asked here"))),
    }?;
    it.finish()?;
    Ok(read)
}

fn attest(it: &mut Fields<'_>, verb: &str) -> Result<Instruction, BadField> {
    Ok(match verb {
        "attest-position" => Instruction::AttestPosition {
            account: it.account("account")?,
            instrument: it.instrument("instrument")?,
        },
        _ => Instruction::AttestInstrument { instrument: it.instrument("instrument")? },
    })
}

fn of_governance(it: &mut Fields<'_>, verb: &str) -> Result<Instruction, BadField> {
    Ok(match verb {
        "admit-party" => Instruction::AdmitParty {
            party: it.party("party")?,
            lei: it.lei("lei")?,
            name: it.short("name")?,
            roles: it.roles("roles")?,
            key: it.public_key("key")?,
        },
        "suspend-party" => Instruction::SuspendParty {
            party: it.party("party")?,
            suspended: it.flag("suspended")?,
        },
        "add-key" => Instruction::AddKey {
            party: it.party("party")?,
            key: it.key("key")?,
            public: it.public_key("public")?,
        },
        "revoke-key" => Instruction::RevokeKey { party: it.party("party")?, key: it.key("key")? },
        _ => Instruction::OpenDay { date: it.date("date")? },
    })
}

fn of_issuance(it: &mut Fields<'_>, verb: &str) -> Result<Instruction, BadField> {
    Ok(match verb {
        "open-account" => open_account(it)?,
        "list" => list(it)?,
        "request-issue" | "request-redeem" => {
            let instrument = it.instrument("instrument")?;
            let account = it.account("account")?;
            let quantity = it.amount("quantity", instrument)?;
            if verb == "request-issue" {
                Instruction::RequestIssue { instrument, account, quantity }
            } else {
                Instruction::RequestRedeem { instrument, account, quantity }
            }
        }
        "decide-request" => Instruction::DecideRequest {
            request: it.instruction("request")?,
            approved: it.flag("approved")?,
        },
        "issue-money" | "redeem-money" => {
            let currency = it.instrument("currency")?;
            let account = it.account("account")?;
            let amount = it.amount("amount", currency)?;
            if verb == "issue-money" {
                Instruction::IssueMoney { currency, account, amount }
            } else {
                Instruction::RedeemMoney { currency, account, amount }
            }
        }
        _ => allocate(it)?,
    })
}

fn open_account(it: &mut Fields<'_>) -> Result<Instruction, BadField> {
    Ok(Instruction::OpenAccount {
        account: it.account("account")?,
        spend_key: PublicKey([0; 32]),
        view_key: PublicKey([0; 32]),
        envelope_key: PublicKey([0; 32]),
        class: it.number("class")?,
        holder: Digest(it.hex("holder")?),
        holder_number: it.hex("holder_number")?,
    })
}

fn list(it: &mut Fields<'_>) -> Result<Instruction, BadField> {
    let instrument = it.instrument("instrument")?;
    Ok(Instruction::List {
        instrument,
        kind: if instrument.is_currency() { Kind::OpenMoney } else { Kind::OpenSecurity },
        scale: it.number("scale")?,
        issuer: it.party("issuer")?,
        name: it.short("name")?,
        cfi: it.cfi("cfi")?,
        sign_off: it.flag("sign_off")?,
    })
}

fn allocate(it: &mut Fields<'_>) -> Result<Instruction, BadField> {
    let instrument = it.instrument("instrument")?;
    let from = it.account("from")?;
    let mut to = Vec::new();
    for mut part in it.list("to")? {
        to.push((part.account("account")?, part.amount("quantity", instrument)?));
        part.finish()?;
    }
    Ok(Instruction::Allocate { instrument, from, to })
}

fn of_trades(it: &mut Fields<'_>, verb: &str) -> Result<Instruction, BadField> {
    Ok(match verb {
        "import-trades" => {
            let (venue, date) = (it.mic("venue")?, it.date("date")?);
            let mut trades = Vec::new();
            for mut trade in it.list("trades")? {
                trades.push(venue_trade(&mut trade)?);
                trade.finish()?;
            }
            Instruction::ImportTrades { venue, date, trades }
        }
        "close-venue" => {
            Instruction::CloseVenue { venue: it.mic("venue")?, date: it.date("date")? }
        }
        "report-trade" => Instruction::ReportTrade(report(it)?),
        "affirm-trade" => {
            let trade = TradeId::Reported { report: it.instruction("trade")? };
            Instruction::AffirmTrade { trade, mine: report(it)? }
        }
        _ => Instruction::RejectTrade {
            trade: TradeId::Reported { report: it.instruction("trade")? },
        },
    })
}

fn venue_trade(it: &mut Fields<'_>) -> Result<VenueTrade, BadField> {
    let (instrument, currency) = (it.instrument("instrument")?, it.instrument("currency")?);
    Ok(VenueTrade {
        number: it.short("number")?,
        buyer: it.party("buyer")?,
        seller: it.party("seller")?,
        instrument,
        quantity: it.amount("quantity", instrument)?,
        amount: it.amount("amount", currency)?,
        currency,
        intended_date: it.date("intended_date")?,
    })
}

fn report(it: &mut Fields<'_>) -> Result<ReportTrade, BadField> {
    let (instrument, currency) = (it.instrument("instrument")?, it.instrument("currency")?);
    Ok(ReportTrade {
        counterparty: it.party("counterparty")?,
        buys: buys(it)?,
        instrument,
        quantity: it.amount("quantity", instrument)?,
        amount: it.amount("amount", currency)?,
        currency,
        trade_date: it.date("trade_date")?,
        intended_date: it.date("intended_date")?,
        reference: it.short("reference")?,
    })
}

/// A price is of one lot. What an amendment trades is named again, for its decimals to be read.
fn of_board(it: &mut Fields<'_>, verb: &str) -> Result<Instruction, BadField> {
    if verb == "cancel-order" {
        return Ok(Instruction::CancelOrder { order: it.instruction("order")? });
    }
    let (instrument, currency) = (it.instrument("instrument")?, it.instrument("currency")?);
    Ok(match verb {
        "open-board" => Instruction::OpenBoard {
            instrument,
            currency,
            lot: it.units("lot", instrument)?,
            tick: it.units("tick", currency)?,
        },
        "amend-order" => Instruction::AmendOrder {
            order: it.instruction("order")?,
            price: it.units("price", currency)?,
            quantity: it.units("quantity", instrument)?,
        },
        _ => Instruction::PlaceOrder(PlaceOrder {
            instrument,
            currency,
            buys: buys(it)?,
            price: it.units("price", currency)?,
            quantity: it.units("quantity", instrument)?,
            account: it.account("account")?,
            cash: it.account("cash")?,
            reference: it.short("reference")?,
        }),
    })
}

fn buys(it: &mut Fields<'_>) -> Result<bool, BadField> {
    match it.text("side")? {
        "buy" => Ok(true),
        "sell" => Ok(false),
        _ => Err(it.refuse("side", "buy or sell is wanted")),
    }
}

fn of_settlement(it: &mut Fields<'_>, verb: &str) -> Result<Instruction, BadField> {
    match verb {
        "settle" => return terms(it).map(|terms| Instruction::Settle(Terms::Open(terms))),
        "pay" => return pay(it).map(Instruction::Pay),
        _ => (),
    }
    let instruction = it.instruction("instruction")?;
    Ok(match verb {
        "hold" => Instruction::Hold { instruction },
        "release" => Instruction::Release { instruction },
        "cancel" => Instruction::Cancel { instruction },
        "prioritise" => Instruction::Prioritise { instruction, priority: priority(it)? },
        _ => Instruction::SignOff { instruction, approved: it.flag("approved")? },
    })
}

fn terms(it: &mut Fields<'_>) -> Result<OpenTerms, BadField> {
    let instrument = it.instrument("instrument")?;
    Ok(OpenTerms {
        side: match it.text("side")? {
            "deliver" => Side::Deliver,
            "receive" => Side::Receive,
            _ => return Err(it.refuse("side", "deliver or receive is wanted")),
        },
        trade_date: it.date("trade_date")?,
        intended_date: it.date("intended_date")?,
        instrument,
        quantity: it.amount("quantity", instrument)?,
        account: it.account("account")?,
        counterparty: it.party("counterparty")?,
        counterparty_account: it.account("counterparty_account")?,
        payment: payment(it)?,
        priority: priority(it)?,
        partial: it.flag("partial")?,
        hold: it.flag("hold")?,
        reference: it.short("reference")?,
        common_reference: it.short("common_reference")?,
        trade: trade(it)?,
    })
}

/// The cash leg; free of payment when it is absent.
fn payment(it: &mut Fields<'_>) -> Result<Option<AgainstPayment>, BadField> {
    let Some(mut payment) = it.object("payment")? else { return Ok(None) };
    let currency = payment.instrument("currency")?;
    let account = payment.account("account")?;
    let amount: Amount = payment.amount("amount", currency)?;
    payment.finish()?;
    Ok(Some(AgainstPayment { account, amount, currency }))
}

/// `{"report": id}` or `{"venue", "date", "number"}`; none when absent.
fn trade(it: &mut Fields<'_>) -> Result<Option<TradeId>, BadField> {
    let Some(mut trade) = it.object("trade")? else { return Ok(None) };
    let id = if trade.value("report").is_some() {
        TradeId::Reported { report: trade.instruction("report")? }
    } else {
        TradeId::Venue {
            venue: trade.mic("venue")?,
            date: trade.date("date")?,
            number: trade.short("number")?,
        }
    };
    trade.finish()?;
    Ok(Some(id))
}

fn pay(it: &mut Fields<'_>) -> Result<Pay, BadField> {
    let currency: InstrumentId = it.instrument("currency")?;
    let reference: Text<35> = it.short("reference")?;
    Ok(Pay {
        from: it.account("from")?,
        to: it.account("to")?,
        currency,
        amount: it.amount("amount", currency)?,
        intended_date: it.date("intended_date")?,
        priority: priority(it)?,
        hold: it.flag("hold")?,
        reference,
    })
}

/// Normal unless said otherwise.
fn priority(it: &mut Fields<'_>) -> Result<Priority, BadField> {
    match it.text_or_empty("priority")? {
        "" | "normal" => Ok(Priority::Normal),
        "high" => Ok(Priority::High),
        "low" => Ok(Priority::Low),
        _ => Err(it.refuse("priority", "high, normal or low is wanted")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn orders_are_asked_in_the_decimals_of_what_they_trade() {
        let scales = |it: InstrumentId| Some(if it.is_currency() { 2 } else { 1 });
        let read = |value: &Value| instructions(value, &scales);
        let pair = |mut value: Value| {
            value["instrument"] = json!("JP3633400001");
            value["currency"] = json!("USD");
            value
        };
        let order = "7-0-3-1";
        let asked = json!({"ask": "open-board", "lot": "10", "tick": "0.05"});
        let Instruction::OpenBoard { lot, tick, .. } = read(&pair(asked)).unwrap()[0] else {
            panic!()
        };
        assert_eq!((lot, tick), (100, 5));
        let account = "80".repeat(16);
        let asked = json!({"ask": "place-order", "side": "buy", "price": "2.5", "quantity": "0.3",
            "account": account, "cash": account, "reference": "r"});
        let placed = read(&pair(asked.clone())).unwrap().remove(0);
        let Instruction::PlaceOrder(placed) = placed else { panic!() };
        assert_eq!((placed.buys, placed.price, placed.quantity), (true, 250, 3));
        let mut fine = pair(asked);
        fine["quantity"] = json!("0.35");
        assert_eq!(read(&fine).unwrap_err().field, "quantity");
        let asked = json!({"ask": "amend-order", "order": order, "price": "3", "quantity": "0"});
        let amended = read(&pair(asked.clone())).unwrap();
        assert!(matches!(amended[..], [Instruction::AmendOrder { price: 300, quantity: 0, .. }]));
        assert_eq!(read(&asked).unwrap_err().field, "instrument");
        let cancelled = read(&json!({"ask": "cancel-order", "order": order})).unwrap();
        assert!(matches!(cancelled[..], [Instruction::CancelOrder { .. }]));
    }
}
