//! What has not ended and is no settlement instruction: an order, an issuer's request, a trade that is reported.

use ledger::{
    governance::Roles,
    issuance::Request,
    order::Order,
    trade::{Trade, TradeId, TradeStatus},
};

use super::{Can, Case, Cure, Said};
use crate::{Fault, moment::shown, view::open};

pub async fn said(case: &mut Case<'_>) -> Result<Option<Said>, Fault> {
    let (id, report) = (case.id, TradeId::Reported { report: case.id });
    if let Some(row) = case.now.row::<Order>(&id).await? {
        return Ok(Some(order(case, &row)));
    }
    if let Some(row) = case.now.row::<Request>(&id).await? {
        return Ok(Some(request(case, &row)));
    }
    match case.now.row::<Trade>(&report).await? {
        Some(row) => trade(case, &row).await.map(Some),
        None => Ok(None),
    }
}

fn order(case: &Case<'_>, row: &Order) -> Said {
    let wanted = &row.wanted;
    let (does, meets) = if wanted.buys { ("buy", "an offer") } else { ("sell", "a bid") };
    let what = case.units(wanted.quantity, wanted.instrument);
    let price = case.units(wanted.price, wanted.currency);
    let text = format!("{meets} that crosses {price} a lot");
    let own = row.party == case.facts.party;
    let can = [
        Can::new("amend-order", "another price or quantity; a smaller quantity keeps its place"),
        Can::new("cancel-order", "end it"),
    ];
    Said {
        status: "standing".into(),
        says: format!(
            "it stands on the board, to {does} {what} at {price} a lot, for {}",
            row.date
        ),
        reason: Some(("NARR", "standing".into())),
        cures: vec![Cure::new("order", None, text)],
        can: if own { can.into() } else { Vec::new() },
        ..Said::default()
    }
}

fn request(case: &Case<'_>, row: &Request) -> Said {
    let what = case.units(open(&row.quantity), row.instrument);
    let does = if row.redeem { "redeem" } else { "issue" };
    let cure = Cure::new("decide", Some(&case.id), "the administrator decides it");
    let decide = Can::new("decide-request", "approve it or refuse it");
    Said {
        status: "requested".into(),
        says: format!(
            "a request to {does} {what}, in account {}; it has no effect until it is decided",
            row.account
        ),
        reason: Some(("CSDH", "requested".into())),
        cures: vec![cure],
        can: if case.is(Roles::ADMINISTRATOR) { vec![decide] } else { Vec::new() },
        ..Said::default()
    }
}

/// What the side can do that is asked about a reported trade.
fn affirm() -> Vec<Can> {
    vec![
        Can::new("affirm-trade", "say the same, if you made it"),
        Can::new("reject-trade", "say that there is no such trade"),
    ]
}

async fn trade(case: &mut Case<'_>, row: &Trade) -> Result<Said, Fault> {
    let asked = if row.reporter == row.buyer { row.seller } else { row.buyer };
    let who = case.now.party(asked).await?;
    let what = case.units(open(&row.quantity), row.instrument);
    let price = case.units(open(&row.amount), row.currency);
    let trade = format!("a trade of {what} for {price}");
    Ok(match row.status {
        TradeStatus::Reported { until } => Said {
            status: "reported".into(),
            says: format!("{trade} that {who} has not affirmed; it ends at {}", shown(until)),
            reason: Some(("CMIS", "reported".into())),
            cures: vec![Cure::new("affirm", Some(&case.id), format!("{who} affirms it"))],
            can: if asked == case.facts.party { affirm() } else { Vec::new() },
            ..Said::default()
        },
        status => {
            let instructed = status == TradeStatus::Instructed;
            let says =
                if instructed { "a matched pair settles it" } else { "nobody settles it yet" };
            let both = Cure::new("match", None, "both sides instruct its settlement");
            Said {
                status: if instructed { "instructed" } else { "affirmed" }.into(),
                says: format!("{trade}, told by both sides; {says}"),
                cures: if instructed { Vec::new() } else { vec![both] },
                can: if !instructed && [row.buyer, row.seller].contains(&case.facts.party) {
                    vec![Can::new("settle", "instruct your side")]
                } else {
                    Vec::new()
                },
                ..Said::default()
            }
        }
    })
}
