//! An instruction whose other side has not said the same: who would have to say what.

use ledger::{
    event::Field,
    governance::{Parameter, ParameterName},
    settlement::{Asked, Instructed, OpenTerms, Side, matching},
};
use types::{InstructionId, LedgerTime};

use super::{Can, Case, Cure, Said};
use crate::{Fault, moment::shown, view::open};

/// An instruction that differs in more fields is not taken for what was meant, unless it names the same reference.
const DIFFER_MAX: usize = 2;
/// So many are named at most, those that differ least.
const NAMED_MAX: usize = 5;

/// One that may be meant.
struct Alike {
    id: InstructionId,
    row: Instructed,
    fields: Vec<Field>,
}

/// Says who would have to say what.
pub async fn say(
    case: &mut Case<'_>,
    row: &Instructed,
    until: LedgerTime,
    said: &mut Said,
) -> Result<(), Fault> {
    let Asked::Settle(terms) = &row.asked else { return Ok(()) };
    let who = case.now.party(terms.counterparty).await?;
    let until = shown(until);
    let alike = alike(case, row, terms).await?;
    said.says = format!("no instruction of {who} says the same; it ends unmatched at {until}");
    if let Some(closest) = alike.first()
        && let Some(field) = closest.fields.first()
    {
        said.reason = Some((field.iso(), name(*field).replace(' ', "-")));
        let fields: Vec<_> = closest.fields.iter().map(|it| name(*it)).collect();
        said.says = format!(
            "{} would match if it did not differ in {}; it ends unmatched at {until}",
            closest.id,
            fields.join(" and ")
        );
    }
    for it in &alike {
        let Asked::Settle(theirs) = &it.row.asked else { continue };
        let whose = case.now.party(it.row.party).await?;
        let differ: Vec<_> = it
            .fields
            .iter()
            .map(|field| {
                let (here, there) =
                    (value(case, *field, row, terms), seen(case, *field, it, theirs));
                format!("{} is {here} here and {there} there", name(*field))
            })
            .collect();
        let text = format!("{} of {whose}: {}", it.id, differ.join("; "));
        said.cures.push(Cure::new("match", Some(&it.id), text));
    }
    let wanted = wanted(case, terms);
    said.cures.push(Cure::new("match", None, format!("{who} instructs the same: {wanted}")));
    if row.party == case.facts.party && !alike.is_empty() {
        said.can.push(Can::new(
            "settle",
            "instruct again as the other side says, after cancelling this",
        ));
    }
    Ok(())
}

/// Those that may be meant, the most alike first.
async fn alike(
    case: &mut Case<'_>,
    row: &Instructed,
    terms: &OpenTerms,
) -> Result<Vec<Alike>, Fault> {
    let tolerance = match &terms.payment {
        Some(it) => {
            let name = ParameterName::Tolerance { currency: it.currency };
            case.now.row::<Parameter>(&name).await?.map_or(0, |it| it.value)
        }
        None => 0,
    };
    let mut found = Vec::new();
    for id in case.now.alleged(row.party, terms).await? {
        let Some(theirs) = case.now.row::<Instructed>(&id).await? else { continue };
        let Asked::Settle(said) = &theirs.asked else { continue };
        let fields = matching::differences((row.party, terms), (theirs.party, said), tolerance);
        let fields: Vec<_> = fields.collect();
        let same_reference =
            !terms.common_reference.is_empty() && terms.common_reference == said.common_reference;
        if !fields.is_empty() && (fields.len() <= DIFFER_MAX || same_reference) {
            found.push(Alike { id, row: theirs, fields });
        }
    }
    found.sort_by_key(|it| (it.fields.len(), it.row.arrival));
    found.truncate(NAMED_MAX);
    Ok(found)
}

/// A field in words.
const fn name(field: Field) -> &'static str {
    match field {
        Field::Counterparty => "counterparty",
        Field::Account => "account",
        Field::Instrument => "instrument",
        Field::Quantity => "quantity",
        Field::Payment => "payment",
        Field::Currency => "currency",
        Field::Amount => "amount",
        Field::TradeDate => "trade date",
        Field::IntendedDate => "intended date",
        Field::Trade => "trade",
    }
}

/// What the instruction itself says in a field: accounts with its own first.
fn value(case: &Case<'_>, field: Field, row: &Instructed, terms: &OpenTerms) -> String {
    match field {
        Field::Counterparty => format!("{} with {}", row.party.0, terms.counterparty.0),
        Field::Account => format!("{} with {}", terms.account, terms.counterparty_account),
        field => plain(case, field, terms),
    }
}

/// The same of another, seen from this one.
fn seen(case: &Case<'_>, field: Field, it: &Alike, terms: &OpenTerms) -> String {
    match field {
        Field::Counterparty => format!("{} with {}", terms.counterparty.0, it.row.party.0),
        Field::Account => format!("{} with {}", terms.counterparty_account, terms.account),
        field => plain(case, field, terms),
    }
}

fn plain(case: &Case<'_>, field: Field, terms: &OpenTerms) -> String {
    let payment = terms.payment.as_ref();
    let none = || "none".to_owned();
    match field {
        Field::Quantity => case.facts.decimal(&terms.instrument.to_string(), open(&terms.quantity)),
        Field::Payment if payment.is_some() => "against payment".into(),
        Field::Payment => "free of payment".into(),
        Field::Currency => payment.map_or_else(none, |it| it.currency.to_string()),
        Field::Amount => payment.map_or_else(none, |it| case.units(open(&it.amount), it.currency)),
        Field::TradeDate => terms.trade_date.to_string(),
        Field::IntendedDate => terms.intended_date.to_string(),
        Field::Trade if terms.common_reference.is_empty() => "another".into(),
        Field::Trade => terms.common_reference.to_string(),
        Field::Instrument | Field::Counterparty | Field::Account => terms.instrument.to_string(),
    }
}

/// What the other side would have to say.
fn wanted(case: &Case<'_>, terms: &OpenTerms) -> String {
    let does = match terms.side {
        Side::Deliver => "receive",
        Side::Receive => "deliver",
    };
    let what = case.units(open(&terms.quantity), terms.instrument);
    let payment = match &terms.payment {
        Some(it) => format!("for {}", case.units(open(&it.amount), it.currency)),
        None => "free of payment".into(),
    };
    let (theirs, ours) = (terms.counterparty_account, terms.account);
    format!(
        "{does} {what} {payment}, in account {theirs}, with account {ours}, agreed {}, to settle {}",
        terms.trade_date, terms.intended_date
    )
}
