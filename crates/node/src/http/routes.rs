//! What may be asked, and how it is read.

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use crypto::proof::Proof;
use listen::{Asker, Problem, line, whole};
use serde_json::{Value, json};
use store::archive::{Proved, When};
use types::{LedgerTime, Wire as _};

use super::{
    App, blocks,
    problem::{self, refused, unanswered},
};

/// Method and path of everything that may be asked.
pub const ROUTES: [(&str, &str); 12] = [
    ("post", "/v1/envelopes"),
    ("get", "/v1/status"),
    ("get", "/v1/blocks"),
    ("get", "/v1/blocks/{height}"),
    ("get", "/v1/blocks/{height}/envelopes"),
    ("get", "/v1/heights"),
    ("get", "/v1/rows"),
    ("get", "/v1/proofs/{key}"),
    ("get", "/v1/problems"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
];

/// Rows that may be asked for at once.
const KEYS_MAX: usize = 256;
/// Longest query, in bytes: as many keys.
const QUERY_MAX: usize = KEYS_MAX * (96 + "&key=".len());

type Answer<T> = Result<T, Problem>;

/// The whole interface.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for (method, path) in ROUTES {
        router = router.route(path, handler(method, path));
    }
    router.with_state(app)
}

fn handler(method: &str, path: &str) -> MethodRouter<App> {
    match (method, path) {
        ("post", "/v1/envelopes") => post(submit),
        ("get", "/v1/status") => get(status),
        ("get", "/v1/blocks") => get(stream),
        ("get", "/v1/blocks/{height}") => get(block),
        ("get", "/v1/blocks/{height}/envelopes") => get(envelopes),
        ("get", "/v1/heights") => get(height_at),
        ("get", "/v1/rows") => get(rows),
        ("get", "/v1/proofs/{key}") => get(proof),
        ("get", "/v1/problems") => get(problems),
        ("get", "/healthz") => get(healthy),
        ("get", "/readyz") => get(ready),
        ("get", "/metrics") => get(metrics),
        _ => unreachable!("a route without a handler: {method} {path}"),
    }
}

async fn submit(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Answer<(StatusCode, Json<Value>)> {
    let kind = headers.get(header::CONTENT_TYPE).map(|it| it.as_bytes());
    if kind != Some(b"application/octet-stream") {
        return Err(Problem::new(problem::CONTENT_TYPE));
    }
    let body = whole(body, &app.shared).await?;
    app.must_be_ready()?;
    match app.door.submit(body).await.map_err(unanswered)?.map_err(refused)? {
        true => Ok((StatusCode::ACCEPTED, Json(json!({ "accepted": true })))),
        false => Err(Problem::new(problem::KNOWN)),
    }
}

async fn status(State(app): State<App>) -> Json<Value> {
    let it = app.status();
    Json(json!({
        "chain": hex::encode(it.chain.0),
        "height": it.height,
        "time": it.time.0,
        "epoch": it.epoch,
        "view": it.view,
        "leader": hex::encode(it.leader.0),
        "root": hex::encode(it.root.0),
        "voting": it.voting,
        "ready": it.ready,
        "waiting": it.waiting,
    }))
}

async fn stream(
    State(app): State<App>,
    Extension(Asker(asker)): Extension<Asker>,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let from = number(&one(query.as_deref(), "from")?, "from")?;
    let newest = app.door.status().height;
    // Who asks for more than the next block would hold a place for nothing.
    if from.saturating_sub(1) > newest {
        return Err(not_here(from));
    }
    let place = app.shared.stream(asker)?;
    if from <= newest && app.door.block(from).await.map_err(unanswered)?.is_none() {
        return Err(not_here(from));
    }
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, blocks::stream(&app, from, place)).into_response())
}

async fn block(State(app): State<App>, Path(height): Path<String>) -> Answer<Response> {
    let height = number(&height, "height")?;
    if height > app.door.status().height {
        return Err(not_here(height));
    }
    let block =
        app.door.block(height).await.map_err(unanswered)?.ok_or_else(|| not_here(height))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], block).into_response())
}

async fn envelopes(State(app): State<App>, Path(height): Path<String>) -> Answer<Response> {
    let height = number(&height, "height")?;
    if height > app.door.status().height {
        return Err(not_here(height));
    }
    let envelopes = app.door.envelopes(height).await.map_err(unanswered)?;
    let envelopes = envelopes.ok_or_else(|| not_here(height))?.to_bytes();
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], envelopes).into_response())
}

async fn height_at(State(app): State<App>, RawQuery(query): RawQuery) -> Answer<Json<Value>> {
    let at = number(&one(query.as_deref(), "time")?, "time")?;
    let height = app.door.at_time(LedgerTime(at)).await.map_err(unanswered)?;
    let none = || Problem::saying(problem::BLOCK, "the first block that is kept is later");
    Ok(Json(json!({ "height": height.ok_or_else(none)? })))
}

async fn rows(State(app): State<App>, RawQuery(query): RawQuery) -> Answer<Json<Value>> {
    let keys = keys(query.as_deref())?;
    // The rows are at least as new as this.
    let height = app.door.status().height;
    let rows = app.door.rows(keys.clone()).await.map_err(unanswered)?;
    let shown = keys.iter().zip(rows).map(|(key, row)| {
        let key = hex::encode(key);
        row.map_or_else(
            || json!({ "key": key, "changed": null, "value": null }),
            |it| json!({ "key": key, "changed": it.changed, "value": hex::encode(it.value) }),
        )
    });
    Ok(Json(json!({ "height_min": height, "rows": shown.collect::<Vec<_>>() })))
}

async fn proof(
    State(app): State<App>,
    Extension(Asker(asker)): Extension<Asker>,
    Path(key): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let (key, when) = (row_key(&key)?, moment(query.as_deref())?);
    let place = app.shared.proof(asker)?;
    let stopping = || Problem::new(problem::STOPPING);
    let turn = app.proof.clone().acquire_owned().await.map_err(|_| stopping())?;
    // Whoever asked may go: the chain works on the proof all the same, and the next one waits for it.
    let proved = tokio::spawn(async move {
        let _held = (place, turn);
        app.door.prove(key, when).await
    });
    let proved = proved.await.map_err(|_| stopping())?.map_err(unanswered)?;
    let proof = match proved.ok_or_else(|| Problem::new(problem::ROW))? {
        Proved::Shown(it) => it,
        Proved::Unchanged => return Err(Problem::new(problem::UNCHANGED)),
        Proved::NotYet => return Err(Problem::new(problem::MOMENT)),
        Proved::Further(height) => {
            let why = format_args!("the row changed too often since: read back to height {height}");
            return Err(Problem::saying(problem::TOO_FAR, why));
        }
        Proved::NotKept(height) => {
            return Err(Problem::saying(problem::CHANGE, format_args!("height {height}")));
        }
    };
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, Proof::AsOf(*proof).to_file()).into_response())
}

async fn problems() -> Json<Value> {
    let shown =
        |it: &listen::Code| json!({ "code": it.code, "status": it.status, "title": it.title });
    Json(problem::all().map(shown).collect())
}

async fn healthy(State(app): State<App>) -> Answer<&'static str> {
    if app.door.is_open() { Ok("well\n") } else { Err(Problem::new(problem::STOPPING)) }
}

async fn ready(State(app): State<App>) -> Answer<&'static str> {
    healthy(State(app.clone())).await?;
    app.must_be_ready().map(|()| "ready\n")
}

async fn metrics(State(app): State<App>) -> Response {
    let text = figures(&app.status()) + &app.shared.counts.text();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// How the node is, as Prometheus reads it.
fn figures(status: &chain::door::Status) -> String {
    let mut text = String::new();
    let mut gauge = |name, help, value| line(&mut text, name, "gauge", help, value);
    gauge("furikae_height", "Height of the newest final block.", status.height);
    gauge("furikae_block_time_ms", "Time of that block.", status.time.0);
    gauge("furikae_epoch", "Epoch of that block.", status.epoch);
    gauge("furikae_voting", "Whether the node votes.", status.voting.into());
    gauge("furikae_ready", "Whether it takes envelopes.", status.ready.into());
    gauge("furikae_waiting_envelopes", "Envelopes that wait here.", status.waiting);
    text
}

fn not_here(height: u64) -> Problem {
    Problem::saying(problem::BLOCK, format_args!("height {height}"))
}

/// The value of the only parameter, which is `name`.
fn one(query: Option<&str>, name: &str) -> Answer<String> {
    match parameters(query)?.as_slice() {
        [(only, value)] if *only == name => Ok((*value).to_owned()),
        _ => Err(Problem::saying(
            problem::QUERY,
            format_args!("it takes {name}, once, and nothing else"),
        )),
    }
}

fn keys(query: Option<&str>) -> Answer<Vec<[u8; 48]>> {
    let parameters = parameters(query)?;
    if parameters.is_empty() || parameters.len() > KEYS_MAX {
        return Err(Problem::saying(problem::QUERY, format_args!("it takes 1 to {KEYS_MAX} keys")));
    }
    let key = |(name, value): &(&str, &str)| {
        if *name != "key" {
            return Err(Problem::saying(problem::QUERY, "it takes keys, and nothing else"));
        }
        row_key(value)
    };
    parameters.iter().map(key).collect()
}

fn row_key(text: &str) -> Answer<[u8; 48]> {
    let bad = |why: &str| Problem::saying(problem::QUERY, why);
    let mut key = [0; 48];
    hex::decode_to_slice(text, &mut key).map_err(|_| bad("a key is 96 hexadecimal digits"))?;
    let known = store::Class::of(&key).is_some();
    known.then_some(key).ok_or_else(|| bad("no row has such a key"))
}

/// The moment that is asked for, by its height or by its time.
fn moment(query: Option<&str>) -> Answer<When> {
    match parameters(query)?.as_slice() {
        [("as_of", height)] => Ok(When::Height(number(height, "as_of")?)),
        [("time", time)] => Ok(When::Time(LedgerTime(number(time, "time")?))),
        _ => Err(Problem::saying(problem::QUERY, "it takes as_of or time, once, and nothing else")),
    }
}

fn parameters(query: Option<&str>) -> Answer<Vec<(&str, &str)>> {
    let query = query.unwrap_or_default();
    let bad = || Problem::saying(problem::QUERY, "a parameter is name=value");
    if query.len() > QUERY_MAX {
        return Err(Problem::saying(problem::QUERY, "it is too long"));
    }
    let parts = query.split('&').filter(|it| !it.is_empty());
    parts.map(|it| it.split_once('=').ok_or_else(bad)).collect()
}

fn number(text: &str, name: &str) -> Answer<u64> {
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| Problem::saying(problem::QUERY, format_args!("{name} is no number")))
}
