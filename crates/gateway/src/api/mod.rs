//! A participant's door: what its own users may read and ask, over HTTP.
//!
//! ```text
//!   listener: connections, rates, times
//!        -> user: whose token it is, and whether it has the right
//!        -> sight: what the gateway's owner may see, by its roles
//!        -> history (reads, as of any height), sending (what is asked, once)
//! ```

mod approve;
mod ask;
mod board;
mod events;
mod explain;
mod forward;
mod page;
pub mod problem;
mod read;
mod shapes;
mod sight;
mod told;
mod user;

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    http::header,
    response::{IntoResponse as _, Response},
    routing::get,
};
use listen::{Limits, Problem, Server, Shared, line};
use tokio::sync::watch;
use types::ChainId;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Fault, History, config::User, facts::Facts, sending::Sending};

/// What all requests share.
#[derive(Clone)]
pub struct App {
    /// Which market it is.
    pub chain: ChainId,
    /// What blocks said.
    pub history: History,
    /// Takes what is asked.
    pub sending: Arc<Sending>,
    /// What is at hand of the newest block; none before the first.
    pub facts: watch::Receiver<Option<Arc<Facts>>>,
    /// Whether the history has come to the newest block since the start: then the lane's next number is known.
    pub caught_up: watch::Receiver<bool>,
    /// Who may ask.
    pub users: Arc<Vec<User>>,
    /// The words of `ask` that a second user must approve.
    pub approval: Arc<BTreeSet<String>>,
    /// Held while what members signed is checked and kept: one list after the other.
    pub forwards: Arc<tokio::sync::Mutex<()>>,
}

/// What all requests share, with the listener.
#[derive(Clone)]
struct Door {
    app: App,
    shared: Shared,
}

type Answer<T> = Result<T, Problem>;

impl Door {
    /// What is at hand of the newest block.
    fn facts(&self) -> Answer<Arc<Facts>> {
        self.app.facts.borrow().clone().ok_or_else(|| Problem::new(problem::NOT_READY))
    }

    /// The same, of a block that is in the history: what is told of it comes at once.
    async fn facts_at(&self, height: u64) -> Answer<Arc<Facts>> {
        let mut facts = self.app.facts.clone();
        let there = |it: &Option<Arc<Facts>>| it.as_ref().is_some_and(|it| it.height >= height);
        let found = facts.wait_for(there).await.ok().and_then(|it| it.clone());
        found.ok_or_else(|| Problem::new(problem::NOT_READY))
    }
}

/// Serves `app` at `address`; port 0 is any that is free.
///
/// # Errors
/// [`Fault::Http`].
pub fn serve(address: SocketAddr, limits: Limits, app: App) -> Result<Server, Fault> {
    let router = |shared: &Shared| router(Door { app, shared: shared.clone() });
    Ok(Server::start(address, limits, router)?)
}

#[derive(OpenApi)]
#[openapi(info(
    title = "furikae gateway",
    description = "The door of one participant: its view of the market, as of any moment, and what it asks of it.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Page;

fn documented() -> (Router<Door>, utoipa::openapi::OpenApi) {
    let (router, mut page) = OpenApiRouter::with_openapi(Page::openapi())
        .routes(routes!(read::status))
        .routes(routes!(read::instruments))
        .routes(routes!(read::positions))
        .routes(routes!(read::registry))
        .routes(routes!(read::movements))
        .routes(routes!(read::instructions, ask::ask))
        .routes(routes!(read::instruction))
        .routes(routes!(explain::explain))
        .routes(routes!(board::orders))
        .routes(routes!(board::trades))
        .routes(routes!(ask::submission))
        .routes(routes!(approve::approvals))
        .routes(routes!(approve::decide))
        .routes(routes!(forward::forward))
        .routes(routes!(events::events))
        .split_for_parts();
    page::share(&mut page);
    (router, page)
}

/// The page that says what may be asked: OpenAPI 3.1, as JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn page() -> serde_json::Result<String> {
    documented().1.to_pretty_json()
}

fn router(door: Door) -> Router {
    let (router, page) = documented();
    router
        .route("/healthz", get(async || "well\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(async move || Json(page)))
        .with_state(door)
}

async fn ready(door: axum::extract::State<Door>) -> Answer<&'static str> {
    if *door.app.caught_up.borrow() { Ok("ready\n") } else { Err(Problem::new(problem::NOT_READY)) }
}

async fn metrics(door: axum::extract::State<Door>) -> Response {
    let facts = door.facts();
    let (height, time) = facts.as_ref().map_or((0, 0), |it| (it.height, it.time.0));
    let mut text = String::new();
    let mut gauge = |name, help, value| line(&mut text, name, "gauge", help, value);
    gauge("furikae_gateway_height", "Height of the newest block in the history.", height);
    gauge("furikae_gateway_block_time_ms", "Time of that block.", time);
    let stuck = u64::from(door.app.sending.stuck().is_some());
    gauge("furikae_gateway_stuck", "Whether the next envelope does not come into a block.", stuck);
    text += &door.shared.counts.text();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_API=1` writes the page anew. To do so is to approve that the interface changes.
    #[test]
    fn the_page_says_what_may_be_asked() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api/gateway.json");
        let page = page().unwrap() + "\n";
        if std::env::var_os("UPDATE_API").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page);
    }

    #[test]
    fn a_code_means_one_thing() {
        let codes: Vec<_> = problem::all().map(|it| it.code).collect();
        let different: std::collections::BTreeSet<_> = codes.iter().collect();
        assert_eq!(different.len(), codes.len());
    }
}
