//! What a second person must approve: what waits, and what is decided about it.

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::HeaderMap,
};
use listen::{Problem, whole};

use super::{
    Answer, Door,
    ask::is_of,
    problem::{self, database},
    shapes::{self, ApprovalList, Approvals, ProblemShape},
    user::Approver,
};
use crate::{
    JSON, ask,
    facts::Facts,
    moment,
    outbox::{self, Decided, Decision},
    sending::Ruling,
};

/// Requests of a page at most, and the bytes of their texts after which it ends.
const PAGE: (u32, usize) = (100, 1 << 20);
const STATES: [&str; 3] = ["awaiting-approval", "approved", "rejected"];

/// What needs a second person: who asked, when, and what.
#[utoipa::path(get, path = "/v1/approvals", params(Approvals), responses(
    (status = 200, body = ApprovalList), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn approvals(
    _: Approver,
    State(door): State<Door>,
    asked: Result<Query<Approvals>, QueryRejection>,
) -> Answer<Json<ApprovalList>> {
    let malformed = |why: &dyn std::fmt::Display| Problem::saying(problem::QUERY, why);
    let Query(asked) = asked.map_err(|why| malformed(&why.body_text()))?;
    let state = asked.state.as_deref().unwrap_or(STATES[0]);
    if !STATES.contains(&state) {
        return Err(malformed(&format_args!("state: it is one of {}", STATES.join(", "))));
    }
    let after = asked.cursor.map_or(Ok(0), |it| {
        let of = it.split_once(':').filter(|it| it.1 == state).and_then(|it| it.0.parse().ok());
        of.ok_or_else(|| malformed(&"cursor: it is not one of this list"))
    });
    let rows = door.app.sending.approvals(state, after?, PAGE).await;
    let rows = rows.map_err(database)?;
    let last = rows.last().map_or(0, |it| it.number);
    let more = door.app.sending.approvals(state, last, (1, 1)).await.map_err(database)?;
    let next = (!rows.is_empty() && !more.is_empty()).then(|| format!("{last}:{state}"));
    let approvals = rows.into_iter().map(shown).collect::<Answer<_>>()?;
    Ok(Json(ApprovalList { approvals, next }))
}

/// Approves or rejects what another user asked, as it was asked: the digest says what. Approved, it is signed, kept,
/// and handed over until a block holds it. The same decision again is the same decision.
#[utoipa::path(post, path = "/v1/approvals/{number}", params(("number" = u64, Path)),
    request_body = shapes::Decision,
    responses(
        (status = 200, body = shapes::Approval), (status = "4XX", body = ProblemShape),
        (status = "5XX", body = ProblemShape)
    )
)]
pub async fn decide(
    Approver(user): Approver,
    State(door): State<Door>,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<shapes::Approval>> {
    let number = number.parse().map_err(|why| Problem::saying(problem::QUERY, why))?;
    is_of(&headers, JSON)?;
    let body = whole(body, &door.shared).await?;
    let decision: shapes::Decision =
        serde_json::from_slice(&body).map_err(|why| Problem::saying(problem::DECISION, why))?;
    let unknown = || Problem::saying(problem::NOT_KNOWN, format_args!("approval {number}"));
    let of = door.app.sending.approval(number).await.map_err(database)?.ok_or_else(unknown)?;
    if of.submission.user == user.name {
        return Err(Problem::new(problem::OWN));
    }
    if of.submission.digest != decision.digest.to_ascii_lowercase() {
        return Err(Problem::new(problem::DIGEST));
    }
    let facts = door.facts()?;
    let instructions = if decision.approved { instructions(&of, &facts)? } else { Vec::new() };
    if !*door.app.caught_up.borrow() {
        return Err(Problem::new(problem::NOT_READY));
    }
    let decided = Decided { by: user.name, at: facts.time };
    let decision = Decision { approved: decision.approved, decided };
    let sending = door.app.sending.clone();
    // Whoever decided may go: it is kept all the same.
    let ruling = tokio::spawn(async move { sending.decide(number, decision, instructions).await });
    let ruling = ruling.await.map_err(|why| Problem::saying(problem::DATABASE, why))?;
    match ruling.map_err(database)? {
        Ruling::Stands(it) => shown(it).map(Json),
        Ruling::Otherwise(it) => {
            let by = it.state.decided().map(|it| it.by.as_str()).unwrap_or_default();
            let word = it.state.word();
            Err(Problem::saying(problem::DECIDED, format_args!("{by} has {word} it")))
        }
        Ruling::Unknown => Err(unknown()),
        Ruling::TooLong => Err(Problem::new(problem::TOO_LONG)),
    }
}

/// What was asked, read from the text that is shown to who decides.
fn instructions(of: &outbox::Approval, facts: &Facts) -> Answer<Vec<ledger::Instruction>> {
    let malformed = |why: &dyn std::fmt::Display| Problem::saying(problem::INSTRUCTION, why);
    let value = serde_json::from_str(&of.wording.text).map_err(|why| malformed(&why))?;
    ask::instructions(&value, &|it| facts.scale(it)).map_err(|why| malformed(&why))
}

fn shown(it: outbox::Approval) -> Answer<shapes::Approval> {
    let instructions = serde_json::from_str(&it.wording.text)
        .map_err(|why| Problem::saying(problem::DATABASE, why))?;
    let decided = it.state.decided();
    Ok(shapes::Approval {
        number: it.number,
        asked_at: moment::shown(it.wording.at),
        instructions,
        state: it.state.word().into(),
        ids: it.submission.ids.iter().map(ToString::to_string).collect(),
        decided_by: decided.map(|it| it.by.clone()),
        decided_at: decided.map(|it| moment::shown(it.at)),
        user: it.submission.user,
        key: it.submission.key,
        digest: it.submission.digest,
    })
}

#[cfg(test)]
mod tests;
