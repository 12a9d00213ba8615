//! A settlement instruction, or a payment, that has not ended.

use ledger::{
    governance::{Parameter, ParameterName, Roles},
    settlement::{Asked, Instructed, Priority, Status},
};
use types::{BusinessDate, InstructionId};

use super::{
    Can, Case, Cure, Said,
    short::{self, Lack},
    unmatched,
};
use crate::Fault;

/// Who may sign off.
const SIGNS_OFF: Roles = Roles::CSD.and(Roles::SETTLEMENT_AGENT);

type Other = Option<(InstructionId, Instructed)>;

pub async fn said(case: &mut Case<'_>, row: &Instructed) -> Result<Said, Fault> {
    let other = short::counterpart(case, row).await?;
    let lacks = short::lacks(case, row, other.as_ref().map(|it| &it.1)).await?;
    let own = row.party == case.facts.party;
    let mut said = Said {
        status: row.status.name().into(),
        reason: row.status.iso().map(|code| (code, row.status.name().into())),
        short: lacks.iter().filter_map(|it| it.short.clone()).collect(),
        can: if own { own_can(row, &other) } else { Vec::new() },
        ..Said::default()
    };
    match row.status {
        Status::Unmatched { until } => unmatched::say(case, row, until, &mut said).await?,
        Status::OnHold | Status::CounterpartyOnHold => {
            on_hold(case, row, &other, &mut said).await?
        }
        Status::AwaitingSignOff => {
            said.says = "it waits for the administrator's sign-off".into();
            let text = "the CSD or the settlement agent signs it off";
            said.cures.push(Cure::new("sign-off", Some(&case.id), text));
            if case.is(SIGNS_OFF) {
                said.can.push(Can::new("sign-off", "let it settle, or refuse it"));
            }
        }
        Status::AwaitingDate => awaiting_date(case, row, &mut said).await?,
        Status::Pending => pending(case, row, &lacks, &mut said).await?,
        Status::Settled | Status::Cancelled | Status::Expired | Status::SignOffRefused => {
            unreachable!("it would have left the state")
        }
    }
    for lack in &lacks {
        said.cures.extend(short::cures(case, lack).await?);
    }
    if own && lacks.iter().any(|it| it.leg.party == row.party) {
        let text = "bring what is short from another account that you manage";
        said.can.push(Can::new("allocate", text));
        said.can.push(Can::new("settle", "receive it, or sell for it, with somebody who has it"));
    }
    Ok(said)
}

async fn on_hold(
    case: &mut Case<'_>,
    row: &Instructed,
    other: &Other,
    said: &mut Said,
) -> Result<(), Fault> {
    let mut holders = Vec::new();
    let sides = std::iter::once((case.id, row)).chain(other.as_ref().map(|it| (it.0, &it.1)));
    for (id, side) in sides.filter(|it| it.1.on_hold) {
        let who = case.now.party(side.party).await?;
        said.cures.push(Cure::new("release", Some(&id), format!("{who} releases its instruction")));
        holders.push(who);
    }
    said.says = format!("held by {}", holders.join(" and by "));
    Ok(())
}

async fn awaiting_date(
    case: &mut Case<'_>,
    row: &Instructed,
    said: &mut Said,
) -> Result<(), Fault> {
    let date = row.asked.intended_date();
    let today = case.now.row::<Parameter>(&ParameterName::BusinessDate).await?;
    let today = today.and_then(|it| u32::try_from(it.value).ok()).map(BusinessDate);
    said.says = match today {
        Some(today) => format!("it is to settle on {date}; the market's date is {today}"),
        None => format!("it is to settle on {date}"),
    };
    let text = format!("the administrator opens the business day {date}");
    said.cures.push(Cure::new("open-day", None, text));
    if case.is(Roles::ADMINISTRATOR) {
        said.can.push(Can::new("open-day", format!("open {date}")));
    }
    Ok(())
}

/// Own lacks are the reason before those of the other side.
async fn pending(
    case: &mut Case<'_>,
    row: &Instructed,
    lacks: &[Lack],
    said: &mut Said,
) -> Result<(), Fault> {
    let own = lacks.iter().find(|it| it.leg.party == row.party);
    let Some(lack) = own.or(lacks.first()) else {
        said.says = "it lacks nothing: it settles at the close of a block to come".into();
        said.reason = Some(("NARR", "pending".into()));
        return Ok(());
    };
    let money = lack.leg.place.1.is_currency();
    let (code, word) = match (own.is_some(), money) {
        (true, true) => ("MONY", "lack-of-money"),
        (true, false) => ("LACK", "lack-of-securities"),
        (false, true) => ("CMON", "counterparty-lacks-money"),
        (false, false) => ("CLAC", "counterparty-lacks-securities"),
    };
    said.reason = Some((code, word.into()));
    let mut says = Vec::new();
    for lack in lacks {
        let (account, instrument) = lack.leg.place;
        let who = case.now.party(lack.leg.party).await?;
        says.push(match &lack.short {
            Some(it) => {
                let at_least = if it.at_least { "at least " } else { "" };
                format!(
                    "account {account} of {who} is short of {at_least}{} {instrument}: it needs {}, has {}, and \
                     {at_least}{} go before it",
                    it.by, it.needed, it.available, it.ahead
                )
            }
            None if instrument.is_currency() => format!("{who} lacks money"),
            None => format!("{who} lacks securities"),
        });
    }
    said.says = says.join("; ");
    Ok(())
}

/// What the one who asked for it can do.
fn own_can(row: &Instructed, other: &Other) -> Vec<Can> {
    let mut can = vec![if row.on_hold {
        Can::new("release", "let it settle when it can")
    } else {
        Can::new("hold", "not to be settled yet")
    }];
    let cancel = match other {
        None if matches!(row.asked, Asked::Pay(_)) => "end it, alone",
        None => "end it, alone, and instruct again",
        Some((_, theirs)) if theirs.cancel_asked => {
            "end it: the other side has asked for that already"
        }
        Some(_) if row.cancel_asked => {
            "you have asked to end it: it ends when the other side asks it"
        }
        Some(_) => "end it, once the other side asks the same",
    };
    can.push(Can::new("cancel", cancel));
    if row.status == Status::Pending && row.asked.priority() != Priority::High {
        can.push(Can::new("prioritise", "stand earlier in the queue"));
    }
    can
}
