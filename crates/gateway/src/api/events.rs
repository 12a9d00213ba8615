//! What blocks tell, as a stream of server-sent events: from any height, and on from where one was cut.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::Stream;
use listen::{Asker, Problem};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Answer, Door,
    problem::{self, database},
    shapes::{EventShape, ProblemShape},
    told,
    user::Reader,
};
use crate::facts::Facts;

/// Events that are read at once.
const AT_ONCE: u32 = 256;
/// After so long without an event, a comment shows that the stream lives.
const ALIVE: Duration = Duration::from_secs(10);

/// From where on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct From {
    /// After the block of this height. From the next block on when absent. Last-Event-ID, when it is there, comes
    /// before it.
    pub after: Option<u64>,
}

/// What blocks tell that the owner may see, without end. The id of an event is its height and its place in its block;
/// sent back as Last-Event-ID, it goes on after that event.
#[utoipa::path(get, path = "/v1/events", params(From), responses(
    (status = 200, content_type = "text/event-stream", body = EventShape),
    (status = "4XX", body = ProblemShape), (status = "5XX", body = ProblemShape)
))]
pub async fn events(
    _: Reader,
    State(door): State<Door>,
    Extension(Asker(asker)): Extension<Asker>,
    asked: Result<Query<From>, QueryRejection>,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let bad = |why: &str| Problem::saying(problem::QUERY, why);
    let Query(asked) = asked.map_err(|why| bad(&why.body_text()))?;
    if asked.after.is_some_and(|it| i64::try_from(it).is_err()) {
        return Err(bad("after: no block is as high"));
    }
    let after = match headers.get("last-event-id").map(|it| it.to_str().unwrap_or_default()) {
        Some(id) => place(id).ok_or_else(|| bad("Last-Event-ID is height-place"))?,
        None => (asked.after.unwrap_or(door.facts()?.height), u64::MAX),
    };
    let held = door.shared.stream(asker)?;
    let reader = Events { door, after, read: Vec::new(), _held: held };
    let stream = futures::stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(ALIVE)))
}

/// One who reads events.
struct Events {
    door: Door,
    /// Height and place of the last one that was read.
    after: (u64, u64),
    /// Those that were read and not sent, the next one last.
    read: Vec<Event>,
    _held: listen::Stream,
}

impl Events {
    /// The next event; `None` when the listener stops or the database fails.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.read.pop() {
                return Some(event);
            }
            if *self.door.shared.stop.borrow() {
                return None;
            }
            let mut newest = self.door.app.facts.clone();
            let facts = newest.borrow_and_update().clone()?;
            if self.fill(&facts).await.map_err(database).ok()? {
                continue;
            }
            tokio::select! {
                () = self.door.shared.stopped() => return None,
                changed = newest.changed() => changed.ok()?,
            }
        }
    }

    /// Reads some more; whether there were any, seen or not.
    async fn fill(&mut self, facts: &Arc<Facts>) -> Result<bool, crate::Fault> {
        let told = self.door.app.history.events(self.after, facts.height, AT_ONCE).await?;
        let Some(last) = told.last() else { return Ok(false) };
        self.after = (last.height, last.place);
        let mut seen = Vec::new();
        for it in &told {
            if told::is_seen(facts, &self.door.app.history, &it.event).await? {
                let id = format!("{}-{}", it.height, it.place);
                let pair = told::pair(&self.door.app.history, &it.event).await?;
                let (kind, mut body) = told::shown(facts, &it.event, pair);
                body["height"] = it.height.into();
                seen.push(Event::default().id(id).event(kind).data(body.to_string()));
            }
        }
        seen.reverse();
        self.read = seen;
        Ok(true)
    }
}

fn place(id: &str) -> Option<(u64, u64)> {
    let (height, place) = id.split_once('-')?;
    Some((height.parse().ok()?, place.parse().ok()?))
}
