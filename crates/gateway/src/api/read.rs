//! Reads, as of the newest block or of any before it.

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use ledger::{governance::Roles, settlement};
use listen::Problem;
use types::{InstructionId, InstrumentId, Sender};

use super::{
    Answer, Door,
    problem::{self, database},
    shapes::{
        self, Instructions, Instrument, InstrumentList, Moment, MovementList, Movements, Owner,
        OwnerList, PositionList, Positions, ProblemShape, Registry, Standing, StandingList, Status,
        Stood, Told,
    },
    sight::Sight,
    user::Reader,
};
use crate::{
    Last,
    facts::Facts,
    history::{self, Wanted},
    moment::{self, NoMoment, shown},
};

/// Rows of a page, unless asked otherwise, and at most.
const PAGE: u32 = 1_000;
const PAGE_MAX: u32 = 10_000;

/// A query, as far as it could be read.
pub type Asked<T> = Result<Query<T>, QueryRejection>;

/// How the gateway is.
#[utoipa::path(get, path = "/v1/status", responses(
    (status = 200, body = Status), (status = "4XX", body = ProblemShape), (status = "5XX", body = ProblemShape)
))]
pub async fn status(_: Reader, State(door): State<Door>) -> Answer<Json<Status>> {
    let facts = door.facts()?;
    let roles = Roles::WORDS.iter().filter(|it| facts.roles.any_of(it.1)).map(|it| it.0.into());
    Ok(Json(Status {
        chain: door.app.chain.to_string(),
        party: facts.party.0,
        name: facts.name.clone(),
        roles: roles.collect(),
        suspended: facts.suspended,
        stood: newest(&facts),
        stuck: door.app.sending.stuck(),
    }))
}

/// All instruments.
#[utoipa::path(get, path = "/v1/instruments", responses(
    (status = 200, body = InstrumentList), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn instruments(_: Reader, State(door): State<Door>) -> Answer<Json<InstrumentList>> {
    let facts = door.facts()?;
    let instruments = facts.instruments().map(|(id, scale, issuer)| Instrument {
        instrument: id.to_string(),
        scale,
        issuer: issuer.0,
    });
    Ok(Json(InstrumentList { stood: newest(&facts), instruments: instruments.collect() }))
}

/// Positions that the owner may see.
#[utoipa::path(get, path = "/v1/positions", params(Positions), responses(
    (status = 200, body = PositionList), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn positions(
    _: Reader,
    State(door): State<Door>,
    asked: Asked<Positions>,
) -> Answer<Json<PositionList>> {
    let Query(asked) = asked.map_err(malformed)?;
    let facts = door.facts()?;
    let (stood, after) = page(&door, &facts, asked.as_of.as_deref(), asked.cursor).await?;
    let instrument = asked.instrument.as_deref().map(instrument).transpose()?;
    let limit = limit(asked.limit)?;
    let wanted = Wanted {
        account: asked.account.as_deref().map(account).transpose()?,
        instrument: instrument.map(|it| it.to_string()),
        manager: Sight::of_positions(&facts, instrument).only(),
        after: after.as_deref().map(two).transpose()?,
        limit: limit + 1,
    };
    let mut rows = door.app.history.positions(stood.height, &wanted).await.map_err(database)?;
    let next = next(&stood, &mut rows, limit, |it| format!("{}:{}", it.instrument, it.account));
    let shown = |it: history::Position| shapes::Position {
        available: facts.decimal(&it.instrument, it.units),
        earmarked: facts.decimal(&it.instrument, 0),
        account: it.account,
        instrument: it.instrument,
        since: it.since,
    };
    Ok(Json(PositionList { stood, positions: rows.into_iter().map(shown).collect(), next }))
}

/// The owners of an instrument: for its issuer, the administrators and the supervisor.
#[utoipa::path(get, path = "/v1/registry/{isin}", params(("isin" = String, Path), Registry), responses(
    (status = 200, body = OwnerList), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn registry(
    _: Reader,
    State(door): State<Door>,
    Path(isin): Path<String>,
    asked: Asked<Registry>,
) -> Answer<Json<OwnerList>> {
    let Query(asked) = asked.map_err(malformed)?;
    let (facts, instrument) = (door.facts()?, instrument(&isin)?);
    if Sight::of_positions(&facts, Some(instrument)) != Sight::All {
        return Err(Problem::saying(problem::SIGHT, "a registry is its issuer's"));
    }
    if facts.scale(instrument).is_none() {
        return Err(Problem::saying(problem::NOT_KNOWN, format_args!("{isin} is not listed")));
    }
    let (stood, after) = page(&door, &facts, asked.as_of.as_deref(), asked.cursor).await?;
    let after = after.map(|it| (instrument.to_string(), it));
    let name = Some(instrument.to_string());
    let limit = limit(asked.limit)?;
    let wanted = Wanted { instrument: name, after, limit: limit + 1, ..Wanted::default() };
    let mut rows = door.app.history.positions(stood.height, &wanted).await.map_err(database)?;
    let next = next(&stood, &mut rows, limit, |it| it.account.clone());
    let owner = |it: history::Position| Owner {
        quantity: facts.decimal(&it.instrument, it.units),
        account: it.account,
        holder: it.holder,
    };
    let holders = rows.into_iter().map(owner).collect();
    Ok(Json(OwnerList { isin: instrument.to_string(), stood, holders, next }))
}

/// What moved in an account that the owner may see: the provenance of its positions.
#[utoipa::path(get, path = "/v1/movements", params(Movements), responses(
    (status = 200, body = MovementList), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn movements(
    _: Reader,
    State(door): State<Door>,
    asked: Asked<Movements>,
) -> Answer<Json<MovementList>> {
    let Query(asked) = asked.map_err(malformed)?;
    let (facts, account) = (door.facts()?, account(&asked.account)?);
    let instrument = asked.instrument.as_deref().map(instrument).transpose()?;
    let sight = Sight::of_positions(&facts, instrument);
    let manager = door.app.history.manager(&account).await.map_err(database)?;
    if sight.only().is_some_and(|it| manager != Some(it)) {
        return Err(Problem::saying(problem::SIGHT, "another party manages this account"));
    }
    let (stood, after) = page(&door, &facts, asked.as_of.as_deref(), asked.cursor).await?;
    let from = match asked.from.as_deref() {
        Some(from) => moment(&door, &facts, Some(from)).await?.height.saturating_add(1),
        None => 0,
    };
    let after = match after.as_deref() {
        Some(after) => {
            let (height, place) = two(after)?;
            Some((number(&height, "cursor")?, number(&place, "cursor")?))
        }
        None => None,
    };
    let limit = limit(asked.limit)?;
    let name = instrument.map(|it| it.to_string()).unwrap_or_default();
    let heights = from..=stood.height;
    let rows = door.app.history.movements((&account, &name), heights, after, limit + 1);
    let mut rows = rows.await.map_err(database)?;
    let next = next(&stood, &mut rows, limit, |it| format!("{}:{}", it.height, it.place));
    let shown = |it: history::Moved| shapes::Movement {
        height: it.height,
        instruction: it.instruction,
        counterpart: it.counterpart,
        quantity: facts.decimal(&it.instrument, it.units),
        instrument: it.instrument,
        from: it.source,
        to: it.target,
    };
    Ok(Json(MovementList { stood, movements: rows.into_iter().map(shown).collect(), next }))
}

/// Where the instructions stand that the owner may see.
#[utoipa::path(get, path = "/v1/instructions", params(Instructions), responses(
    (status = 200, body = StandingList), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn instructions(
    _: Reader,
    State(door): State<Door>,
    asked: Asked<Instructions>,
) -> Answer<Json<StandingList>> {
    let Query(asked) = asked.map_err(malformed)?;
    let facts = door.facts()?;
    let (stood, after) = page(&door, &facts, asked.as_of.as_deref(), asked.cursor).await?;
    let limit = limit(asked.limit)?;
    let party = Sight::of_instructions(&facts).only();
    let status = asked.status.as_deref().map(known).transpose()?;
    let after = after.as_deref();
    let rows = door.app.history.instructions(stood.height, party, status, after, limit + 1);
    let mut rows = rows.await.map_err(database)?;
    let next = next(&stood, &mut rows, limit, |it| it.instruction.clone());
    Ok(Json(StandingList { stood, instructions: rows.into_iter().map(standing).collect(), next }))
}

/// A state that is told of instructions.
fn known(status: &str) -> Answer<&str> {
    let mut all = settlement::Status::ALL.iter().map(settlement::Status::name).chain(["refused"]);
    if all.clone().any(|it| it == status) {
        return Ok(status);
    }
    let first = all.next().unwrap_or_default();
    let names = all.fold(first.to_owned(), |names, it| format!("{names}, {it}"));
    Err(Problem::saying(problem::QUERY, format_args!("status: {status:?} is none of {names}")))
}

/// One instruction, with every state in which it was told to be.
#[utoipa::path(get, path = "/v1/instructions/{id}", params(("id" = String, Path), Moment), responses(
    (status = 200, body = Told), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn instruction(
    _: Reader,
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<Moment>,
) -> Answer<Json<Told>> {
    let Query(asked) = asked.map_err(malformed)?;
    let facts = door.facts()?;
    let id = parsed(&id)?;
    let stood = moment(&door, &facts, asked.as_of.as_deref()).await?;
    let unknown = || Problem::saying(problem::NOT_KNOWN, format_args!("instruction {id}"));
    if !may_see(&door, &facts, &id).await? {
        return Err(unknown());
    }
    let states = door.app.history.standings(&id.to_string(), stood.height).await;
    let states: Vec<_> = states.map_err(database)?.into_iter().map(standing).collect();
    if states.is_empty() { Err(unknown()) } else { Ok(Json(Told { stood, states })) }
}

/// The instruction that a path names.
pub fn parsed(id: &str) -> Answer<InstructionId> {
    let bad = || Problem::saying(problem::QUERY, "an id is sender-lane-sequence-index");
    InstructionId::parse(id).ok_or_else(bad)
}

/// Whether the owner may see an instruction, by what was told of it: its own, one that settled with an own one, or
/// any.
pub async fn may_see(door: &Door, facts: &Facts, id: &InstructionId) -> Answer<bool> {
    let own = Sender::Party(facts.party);
    if Sight::of_instructions(facts) == Sight::All || id.sender == own {
        return Ok(true);
    }
    let text = id.to_string();
    if door.app.history.party_of(&text).await.map_err(database)? == Some(facts.party.0) {
        return Ok(true);
    }
    let counterparts = door.app.history.counterparts(&text).await.map_err(database)?;
    let theirs = |it: &String| InstructionId::parse(it).is_some_and(|it| it.sender == own);
    Ok(counterparts.iter().any(theirs))
}

fn standing(it: history::Standing) -> Standing {
    let text = it.reason.or_else(|| it.code.as_ref().map(|_| it.status.clone()));
    let reason = text.map(|text| {
        let code = it.code.unwrap_or_else(|| "NARR".into());
        shapes::Reason { code, text }
    });
    Standing { id: it.instruction, status: it.status, reason, told_at: Some(it.height) }
}

fn newest(facts: &Facts) -> Stood {
    Stood { height: facts.height, time: shown(facts.time) }
}

/// The block that is meant: the newest, or that of a height or a time.
async fn moment(door: &Door, facts: &Facts, as_of: Option<&str>) -> Answer<Stood> {
    let Some(text) = as_of else { return Ok(newest(facts)) };
    let not_yet = || Problem::saying(problem::NOT_YET, format_args!("as_of {text}"));
    let last = moment::read(text).map_err(|why| match why {
        NoMoment::Malformed(why) => Problem::saying(problem::QUERY, format_args!("as_of: {why}")),
        NoMoment::Before1970 => not_yet(),
    })?;
    let height = match last {
        Last::Height(height) => height,
        Last::Time(time) if time >= facts.time => return Err(not_yet()),
        Last::Time(time) => {
            let found = door.app.history.at_time(time).await.map_err(database)?;
            found.ok_or_else(not_yet)?
        }
    };
    at_height(door, facts, height).await?.ok_or_else(not_yet)
}

/// The block of a height; `None` if it is not in the history.
async fn at_height(door: &Door, facts: &Facts, height: u64) -> Answer<Option<Stood>> {
    if height > facts.height {
        return Ok(None);
    }
    let time = door.app.history.time_of(height).await.map_err(database)?;
    Ok(time.map(|time| Stood { height, time: shown(time) }))
}

pub fn malformed(why: QueryRejection) -> Problem {
    Problem::saying(problem::QUERY, why.body_text())
}

pub fn instrument(text: &str) -> Answer<InstrumentId> {
    let bad = || Problem::saying(problem::QUERY, "an instrument is an ISIN or a currency");
    InstrumentId::parse(text).ok_or_else(bad)
}

fn account(text: &str) -> Answer<String> {
    let bad = || Problem::saying(problem::QUERY, "an account is 32 hexadecimal digits");
    types::AccountId::parse_hex(text).map(|it| it.to_string()).ok_or_else(bad)
}

pub fn limit(asked: Option<u32>) -> Answer<u32> {
    let limit = asked.unwrap_or(PAGE);
    let bad = || Problem::saying(problem::QUERY, format_args!("limit: it is 1 to {PAGE_MAX}"));
    (1..=PAGE_MAX).contains(&limit).then_some(limit).ok_or_else(bad)
}

pub fn two(cursor: &str) -> Answer<(String, String)> {
    let bad = || Problem::saying(problem::QUERY, "cursor: it is what a page gave as next");
    let (one, other) = cursor.split_once(':').ok_or_else(bad)?;
    Ok((one.into(), other.into()))
}

pub fn number(text: &str, name: &str) -> Answer<u64> {
    text.parse().map_err(|_| Problem::saying(problem::QUERY, format_args!("{name} is no number")))
}

/// The block that all pages are of, and after what this one begins: a cursor names both.
pub async fn page(
    door: &Door,
    facts: &Facts,
    as_of: Option<&str>,
    cursor: Option<String>,
) -> Answer<(Stood, Option<String>)> {
    let Some(cursor) = cursor else { return Ok((moment(door, facts, as_of).await?, None)) };
    if cursor.contains(char::is_control) {
        return Err(Problem::saying(problem::QUERY, "cursor: it is what a page gave as next"));
    }
    let (height, after) = two(&cursor)?;
    let stood = at_height(door, facts, number(&height, "cursor")?).await?;
    let not_yet = || Problem::saying(problem::NOT_YET, format_args!("as_of {height}"));
    let stood = stood.ok_or_else(not_yet)?;
    if as_of.is_some() && moment(door, facts, as_of).await?.height != stood.height {
        return Err(Problem::saying(problem::QUERY, "cursor: it is of another moment than as_of"));
    }
    Ok((stood, Some(after)))
}

/// The cursor of the page after this one, if there is more than `limit` rows; those beyond are left out.
pub fn next<T>(
    stood: &Stood,
    rows: &mut Vec<T>,
    limit: u32,
    cursor: impl Fn(&T) -> String,
) -> Option<String> {
    let limit = listen::size(limit);
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more).map(|it| format!("{}:{}", stood.height, cursor(it)))
}

#[cfg(test)]
mod tests;
