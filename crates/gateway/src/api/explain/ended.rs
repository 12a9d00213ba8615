//! What has ended: how, and when.

use ledger::{Event, settlement::Status};

use super::{super::told, Case, Said, refused};
use crate::Fault;

/// What was told last; `None` if nothing was.
pub async fn said(case: &mut Case<'_>) -> Result<Option<Said>, Fault> {
    let Some((standing, event)) = case.now.told_last(&case.id).await? else { return Ok(None) };
    let height = standing.height;
    let mut said = Said { status: standing.status.clone(), ..Said::default() };
    match event {
        Event::Refused { reject, .. } => {
            let why = refused::words(&reject);
            said.says = format!("the market refused it in block {height}: {why}");
            said.reason = Some((reject.iso().unwrap_or("NARR"), reject.code().into()));
        }
        Event::Settled { movements, .. } => {
            let moved = |it: &ledger::book::Movement| {
                let units = case.units(crate::view::open(&it.amount), it.instrument);
                format!("{units} from {} to {}", it.from, it.to)
            };
            let moved: Vec<_> = movements.iter().map(moved).collect();
            said.says = format!("it settled in block {height}, for good: {}", moved.join(", "));
        }
        Event::StatusChanged { status, .. } => {
            said.reason = status.iso().map(|code| (code, status.name().into()));
            let how = match status {
                Status::Cancelled => "it was cancelled",
                Status::Expired => "it found no match in time",
                Status::SignOffRefused => "the administrator refused to sign it off",
                status => status.name(),
            };
            said.says = format!("{how}, in block {height}; nothing has moved: instruct again");
        }
        _ => return Ok(None),
    }
    Ok(Some(said))
}

/// An order that stands no more; `None` if none entered under this name.
pub async fn order(case: &mut Case<'_>) -> Result<Option<Said>, Fault> {
    let Some((instrument, end)) = case.now.order_end(&case.id).await? else { return Ok(None) };
    let Some(Event::OrderEnded { quantity, why, .. }) = end else {
        let says = "it stands no more: all of it was filled; trades tells at which prices".into();
        return Ok(Some(Said { status: "filled".into(), says, ..Said::default() }));
    };
    let left = case.units(quantity, instrument);
    let why = told::end(why);
    let says = format!("it ended ({}) before {left} of it were filled", why.replace('-', " "));
    let reason = Some((if why == "cancelled" { "CANI" } else { "NARR" }, why.into()));
    Ok(Some(Said { status: "ended".into(), says, reason, ..Said::default() }))
}
