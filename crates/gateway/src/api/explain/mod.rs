//! Why an instruction stands where it stands, what it is short of, what would move it on, and what its owner can do.
//!
//! ```text
//!   a row of the newest block --> waiting    matched, or a payment: held, not signed off, not due, not covered
//!                             --> unmatched  whose instruction would match but for which field
//!                             --> other      an order, a request, a report that has not ended
//!   none: what was told last  --> ended      settled, refused, cancelled, expired
//! ```
//!
//! All of it is of one block. What is read grows with nothing but the limits that [`crate::history::Now`] names.

mod ended;
mod other;
mod refused;
mod short;
mod unmatched;
mod waiting;

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use ledger::{governance::Roles, settlement::Instructed};
use listen::Problem;
use serde::{Deserialize, Serialize};
use types::{InstructionId, InstrumentId, PartyId};
use utoipa::ToSchema;

use super::{
    Answer, Door,
    problem::{self, database},
    read::{may_see, parsed},
    shapes::{ProblemShape, Reason, Stood},
    sight::Sight,
    user::Reader,
};
use crate::{Fault, facts::Facts, history::Now, moment::shown};

/// Why an instruction stands where it stands, in the newest block.
#[derive(Debug, Serialize, ToSchema)]
pub struct Explained {
    /// Which instruction.
    pub id: String,
    /// Its state. Beside those of settlement instructions: of an order standing, filled, ended; requested; reported,
    /// affirmed, instructed; refused.
    pub status: String,
    /// The same in a sentence.
    pub says: String,
    /// Why it has not settled; none of what has.
    pub reason: Option<Reason>,
    /// What is short of what it takes, of what the gateway's owner may see.
    pub short: Vec<Short>,
    /// What would move it on.
    pub cures: Vec<Cure>,
    /// What the gateway's owner can do.
    pub can: Vec<Can>,
    /// In which block its state was told; none of what has a state that is not told.
    pub told_at: Option<u64>,
    /// As of which block.
    #[serde(flatten)]
    pub stood: Stood,
}

/// A position that has not what an instruction takes from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Short {
    /// In which account.
    pub account: String,
    /// Of what.
    pub instrument: String,
    /// So much more, at once, would be enough: what it takes and what goes before it, less what is there.
    pub by: String,
    /// What it takes.
    pub needed: String,
    /// What is there.
    pub available: String,
    /// What stands before it in the queue, lacks nothing else, and takes first.
    pub ahead: String,
    /// Whether more stand before it than are looked at: then `by` and `ahead` are at least so much.
    pub at_least: bool,
}

/// What would move an instruction on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cure {
    /// delivery or payment (units come in), cover (any units do), match, release, sign-off, decide, affirm, open-day,
    /// order.
    pub kind: String,
    /// The instruction that would do it; none if any would.
    pub id: Option<String>,
    /// In words.
    pub text: String,
}

/// What the gateway's owner can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Can {
    /// What to ask, as in the body of an instruction.
    pub ask: String,
    /// To what end.
    pub text: String,
}

/// What is said of an instruction.
#[derive(Default)]
struct Said {
    status: String,
    says: String,
    /// Code and words that stay.
    reason: Option<(&'static str, String)>,
    short: Vec<Short>,
    cures: Vec<Cure>,
    can: Vec<Can>,
}

/// An instruction that is asked for, and who asks.
struct Case<'a> {
    now: Now,
    facts: &'a Facts,
    id: InstructionId,
}

/// Nothing may be asked beside the id.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Why an instruction has not settled, what it is short of, what would cure that, and what the owner can do; how it
/// ended, if it has. Of the newest block alone.
#[utoipa::path(get, path = "/v1/instructions/{id}/explain", params(("id" = String, Path)), responses(
    (status = 200, body = Explained), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn explain(
    _: Reader,
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Result<Query<Nothing>, QueryRejection>,
) -> Answer<Json<Explained>> {
    if asked.is_err() {
        let why = "explain takes no query: it is of the newest block; /v1/instructions/{id}?as_of=.. tells where it \
                   stood before";
        return Err(Problem::saying(problem::QUERY, why));
    }
    let id = parsed(&id)?;
    // Before a connection is held: who holds one must not wait for another.
    let may = may_see(&door, &*door.facts()?, &id).await?;
    let now = door.app.history.now().await.map_err(database)?;
    let now = now.ok_or_else(|| Problem::new(problem::NOT_READY))?;
    let facts = door.facts_at(now.height()).await?;
    let mut case = Case { now, facts: &facts, id };
    let said = case.said(may).await.map_err(database)?;
    let unknown = || {
        let why = "nothing is told of it: no block holds it yet, or it had its effect at once, or there is none";
        Problem::saying(problem::NOT_KNOWN, format_args!("instruction {id}: {why}"))
    };
    let said = said.ok_or_else(unknown)?;
    let told = case.now.told_last(&id).await.map_err(database)?;
    Ok(Json(Explained {
        id: id.to_string(),
        status: said.status,
        says: said.says,
        reason: said.reason.map(|(code, text)| Reason { code: code.into(), text }),
        short: said.short,
        cures: said.cures,
        can: if facts.suspended { Vec::new() } else { said.can },
        told_at: told.map(|it| it.0.height),
        stood: Stood { height: case.now.height(), time: shown(case.now.time()) },
    }))
}

impl Case<'_> {
    /// What is said, if the owner may see it: anything, or what is found to be its own.
    async fn said(&mut self, may: bool) -> Result<Option<Said>, Fault> {
        if let Some(row) = self.now.row::<Instructed>(&self.id).await? {
            let owns = may || row.party == self.facts.party;
            return if owns { waiting::said(self, &row).await.map(Some) } else { Ok(None) };
        }
        if !may {
            return Ok(None);
        }
        if let Some(said) = other::said(self).await? {
            return Ok(Some(said));
        }
        match ended::said(self).await? {
            Some(said) => Ok(Some(said)),
            None => ended::order(self).await,
        }
    }

    /// Whether the owner may see a position in `instrument` of an account that `manager` manages.
    fn sees(&self, instrument: InstrumentId, manager: Option<PartyId>) -> bool {
        let only = Sight::of_positions(self.facts, Some(instrument)).only();
        only.is_none() || only == manager.map(|it| it.0)
    }

    /// Whether the owner has one of these roles.
    fn is(&self, roles: Roles) -> bool {
        self.facts.roles.any_of(roles)
    }

    /// Units of an instrument, as people write them.
    fn units(&self, units: i64, instrument: InstrumentId) -> String {
        format!("{} {instrument}", self.facts.decimal(&instrument.to_string(), units))
    }
}

impl Cure {
    fn new(kind: &str, id: Option<&dyn ToString>, text: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.map(ToString::to_string), text: text.into() }
    }
}

impl Can {
    fn new(ask: &str, text: impl Into<String>) -> Self {
        Self { ask: ask.into(), text: text.into() }
    }
}

#[cfg(test)]
mod tests;
