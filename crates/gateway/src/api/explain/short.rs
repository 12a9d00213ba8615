//! What an instruction takes, and what is short of it.

use ledger::{
    book::{Account, Place, Position},
    settlement::{Asked, Instructed, Side, queue::Order},
};
use types::{InstructionId, PartyId};

use super::{Case, Cure, Short};
use crate::{Fault, history::Credit, view::open};

/// What an instruction takes from a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// From which.
    pub place: Place,
    /// How many units.
    pub units: i64,
    /// Whose side pays it.
    pub party: PartyId,
}

/// A leg that is not covered, or not before others.
pub struct Lack {
    /// Which.
    pub leg: Leg,
    /// What is short, if the owner of the gateway may see it.
    pub short: Option<Short>,
    /// So many more units would be enough.
    by: i64,
    /// Whether the gateway's owner manages the account.
    own: bool,
}

/// What both sides take, as far as it is known: of what is unmatched, what its own side takes.
pub fn legs(row: &Instructed, other: Option<&Instructed>) -> Vec<Leg> {
    let sides = || std::iter::once(row).chain(other);
    // The seller's amount holds.
    let seller = sides().find_map(|it| match &it.asked {
        Asked::Settle(terms) if terms.side == Side::Deliver => terms.payment.as_ref(),
        _ => None,
    });
    let cash = seller.map(|it| open(&it.amount));
    sides().filter_map(|it| leg(it, cash)).collect()
}

fn leg(row: &Instructed, cash: Option<i64>) -> Option<Leg> {
    let (place, units) = match &row.asked {
        Asked::Pay(it) => ((it.from, it.currency), open(&it.amount)),
        Asked::Settle(it) if it.side == Side::Deliver => {
            ((it.account, it.instrument), open(&it.quantity))
        }
        Asked::Settle(it) => {
            let payment = it.payment.as_ref()?;
            ((payment.account, payment.currency), cash.unwrap_or(open(&payment.amount)))
        }
    };
    Some(Leg { place, units, party: row.party })
}

/// Where it stands, or would stand, in the queue.
fn order(row: &Instructed, other: Option<&Instructed>) -> Order {
    let first = (row.asked.priority(), row.asked.intended_date(), row.arrival);
    other.map_or(first, |it| {
        let theirs = (it.asked.priority(), it.asked.intended_date(), it.arrival);
        (first.0.min(theirs.0), first.1.min(theirs.1), first.2.max(theirs.2))
    })
}

/// What is short of it.
pub async fn lacks(
    case: &mut Case<'_>,
    row: &Instructed,
    other: Option<&Instructed>,
) -> Result<Vec<Lack>, Fault> {
    let order = order(row, other);
    let mut lacks = Vec::new();
    for leg in legs(row, other) {
        let position = case.now.row::<Position>(&leg.place).await?;
        let available = position.map_or(0, |it| open(&it.available));
        let ahead = case.now.ahead(leg.place, order).await?;
        let by = i128::from(leg.units).saturating_add(ahead.units) - i128::from(available);
        if by <= 0 {
            continue;
        }
        let bounded = |it: i128| i64::try_from(it).unwrap_or(i64::MAX);
        let (account, instrument) = leg.place;
        let manager = case.now.row::<Account>(&account).await?.and_then(|it| it.manager);
        let name = instrument.to_string();
        let decimal = |it: i64| case.facts.decimal(&name, it);
        let by = bounded(by);
        let short = case.sees(instrument, manager).then(|| Short {
            account: account.to_string(),
            by: decimal(by),
            needed: decimal(leg.units),
            available: decimal(available),
            ahead: decimal(bounded(ahead.units)),
            at_least: ahead.more,
            instrument: name.clone(),
        });
        let own = manager == Some(case.facts.party);
        lacks.push(Lack { leg, short, by, own });
    }
    Ok(lacks)
}

/// What would bring what is short: what is open and brings some of it, then anything that does.
pub async fn cures(case: &mut Case<'_>, lack: &Lack) -> Result<Vec<Cure>, Fault> {
    let (account, instrument) = lack.leg.place;
    let what = if instrument.is_currency() { "payment" } else { "delivery" };
    let mut cures = Vec::new();
    if lack.short.is_none() {
        let who = case.now.party(lack.leg.party).await?;
        let lacks = if instrument.is_currency() { "money" } else { "securities" };
        let text =
            format!("{who} brings what its side lacks of {lacks}; how much is its own to know");
        return Ok(vec![Cure::new("cover", None, text)]);
    }
    let sees_all = super::Sight::of_instructions(case.facts).only().is_none();
    if lack.own || sees_all {
        let id = case.id;
        for credit in case.now.credits(lack.leg.place, lack.by, &id).await? {
            let text = brings(case, lack, &credit).await?;
            cures.push(Cure::new(what, Some(&credit.instruction), text));
        }
    }
    let wanted = case.units(lack.by, instrument);
    let text = format!("{wanted} more in account {account}, wherever they come from");
    cures.push(Cure::new("cover", None, text));
    Ok(cures)
}

async fn brings(case: &mut Case<'_>, lack: &Lack, credit: &Credit) -> Result<String, Fault> {
    let instrument = lack.leg.place.1;
    let units = case.units(credit.units, instrument);
    let enough = if credit.units >= lack.by {
        "enough".into()
    } else {
        format!("of the {} that are short", case.units(lack.by, instrument))
    };
    let who = case.now.party(PartyId(credit.party)).await?;
    let then = match credit.status.as_str() {
        "pending" => "once it is covered itself",
        "unmatched" => "once it is matched",
        "on-hold" => "once it is released",
        "counterparty-on-hold" => "once its other side releases it",
        "awaiting-sign-off" => "once it is signed off",
        "awaiting-date" => "once its date has come",
        _ => "once it settles",
    };
    Ok(format!("{} of {who} brings {units}, {enough}, {then}", credit.instruction))
}

/// The other side's row, once matched.
pub async fn counterpart(
    case: &mut Case<'_>,
    row: &Instructed,
) -> Result<Option<(InstructionId, Instructed)>, Fault> {
    let Some(other) = row.counterpart else { return Ok(None) };
    Ok(case.now.row::<Instructed>(&other).await?.map(|it| (other, it)))
}
