//! What users ask in the owner's name: kept under their idempotency key, and done once.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
};
use listen::{Problem, whole};

use super::{
    Answer, Door,
    problem::{self, database},
    shapes::{ProblemShape, Submission},
    user::{Asking, Instructor},
};
use crate::{
    JSON, ask,
    config::User,
    moment,
    outbox::{self, Wording},
    sending::{Asked, Request, Taken},
};

/// Longest idempotency key.
const KEY_MAX: usize = 64;

/// Asks for instructions: one, or a list of them. They are signed, kept, and handed over until a block holds them;
/// what blocks tell of them stands under the ids. The same request under the same key is the same request. If the
/// gateway's operator has marked one of their words, all of them wait until another user approves them.
#[utoipa::path(post, path = "/v1/instructions",
    params(("Idempotency-Key" = String, Header, description = "1 to 64 letters, digits, - and _")),
    request_body(content = serde_json::Value, description = "{\"ask\": ..}, or a list of them"),
    responses(
        (status = 202, body = Submission), (status = 200, body = Submission, description = "It was asked before"),
        (status = "4XX", body = ProblemShape), (status = "5XX", body = ProblemShape)
    )
)]
pub async fn ask(
    Instructor(user): Instructor,
    State(door): State<Door>,
    headers: HeaderMap,
    body: Body,
) -> Answer<(StatusCode, Json<Submission>)> {
    let (key, body) = under_key(&door, &headers, body, JSON).await?;
    let malformed = |why: &dyn std::fmt::Display| Problem::saying(problem::INSTRUCTION, why);
    let value = serde_json::from_slice(&body).map_err(|why| malformed(&why))?;
    let facts = door.facts()?;
    let instructions = ask::instructions(&value, &|it| facts.scale(it));
    let instructions = instructions.map_err(|why| malformed(&why))?;
    if instructions.is_empty() {
        return Err(malformed(&"the list is empty"));
    }
    if let Some(word) = ask::asked(&value).find(|it| !user.may_ask(it)) {
        let why = format_args!("{} may not ask for {word}", user.name);
        return Err(Problem::saying(problem::RIGHT, why));
    }
    let asked = Asked::Instructions(instructions);
    if !ask::asked(&value).any(|it| door.app.approval.contains(it)) {
        return take(&door, &user, (key, &body), (asked, None)).await;
    }
    let text = String::from_utf8(body).map_err(|why| malformed(&why))?;
    let wording = Wording { text: text.clone(), at: facts.time };
    take(&door, &user, (key, text.as_bytes()), (asked, Some(wording))).await
}

/// The idempotency key and the body of a request, which is of this content type.
pub async fn under_key(
    door: &Door,
    headers: &HeaderMap,
    body: Body,
    wanted: &str,
) -> Answer<(String, Vec<u8>)> {
    is_of(headers, wanted)?;
    let key =
        headers.get("idempotency-key").and_then(|it| it.to_str().ok()).filter(|it| is_key(it));
    let key = key.ok_or_else(|| Problem::new(problem::IDEMPOTENCY))?.to_owned();
    Ok((key, whole(body, &door.shared).await?))
}

/// Refuses a body that is not of this content type.
pub fn is_of(headers: &HeaderMap, wanted: &str) -> Answer<()> {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) == Some(wanted) {
        Ok(())
    } else {
        Err(Problem::saying(problem::CONTENT_TYPE, format_args!("{wanted} is wanted")))
    }
}

/// Keeps what a user asks under a key with this body, to be handed over; once a second user approves it, if there is
/// a wording for that one to read.
pub async fn take(
    door: &Door,
    user: &User,
    (key, body): (String, &[u8]),
    (asked, wording): (Asked, Option<Wording>),
) -> Answer<(StatusCode, Json<Submission>)> {
    if !*door.app.caught_up.borrow() {
        return Err(Problem::new(problem::NOT_READY));
    }
    let digest = hex::encode(crypto::sha256(body).0);
    let request = Request { user: user.name.clone(), key, digest, asked };
    let sending = door.app.sending.clone();
    // Whoever asked may go: it is kept all the same.
    let taken = tokio::spawn(async move {
        match wording {
            Some(wording) => sending.take_to_approve(request, &wording).await,
            None => sending.take(request).await,
        }
    });
    let taken = taken.await.map_err(|why| Problem::saying(problem::DATABASE, why))?;
    match taken.map_err(database)? {
        Taken::New(it) => Ok((StatusCode::ACCEPTED, Json(shown(door, it)))),
        Taken::Known(it) => Ok((StatusCode::OK, Json(shown(door, it)))),
        Taken::Other => Err(Problem::new(problem::KEY_REUSED)),
        Taken::TooLong => Err(Problem::new(problem::TOO_LONG)),
    }
}

/// What this user asked under an idempotency key of its own.
#[utoipa::path(get, path = "/v1/submissions/{key}", params(("key" = String, Path)), responses(
    (status = 200, body = Submission), (status = "4XX", body = ProblemShape),
    (status = "5XX", body = ProblemShape)
))]
pub async fn submission(
    Asking(user): Asking,
    State(door): State<Door>,
    Path(key): Path<String>,
) -> Answer<Json<Submission>> {
    if !is_key(&key) {
        return Err(Problem::new(problem::NOT_KNOWN));
    }
    let found = door.app.sending.find(&user.name, &key).await.map_err(database)?;
    found.map(|it| Json(shown(&door, it))).ok_or_else(|| Problem::new(problem::NOT_KNOWN))
}

fn is_key(text: &str) -> bool {
    let known = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
    (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(known)
}

fn shown(door: &Door, it: outbox::Submission) -> Submission {
    let decided = it.approval.as_ref().and_then(outbox::State::decided);
    Submission {
        in_blocks: door.app.sending.is_held(&it.ids),
        key: it.key,
        state: it.approval.as_ref().map_or("submitted", outbox::State::word).into(),
        ids: it.ids.iter().map(ToString::to_string).collect(),
        decided_by: decided.map(|it| it.by.clone()),
        decided_at: decided.map(|it| moment::shown(it.at)),
    }
}
