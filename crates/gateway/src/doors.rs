//! The nodes that a gateway may ask, over HTTP. When one is down, the next is asked.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::{Stream, StreamExt as _, stream::FuturesUnordered};
use reqwest::{Client, Method, Response, StatusCode};

use crate::{Fault, Problem};

/// How long a node may take to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// How long a node may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// Longest body of an answer, in bytes: a block is not longer.
const BODY_MAX: usize = super::follow::BLOCK_BYTES_MAX;

/// The nodes to ask, in order of preference.
#[derive(Debug)]
pub struct Doors {
    http: Client,
    urls: Vec<String>,
    /// Which served last; modulo the number of nodes.
    preferred: AtomicUsize,
    /// How long a node may take to answer.
    pub(crate) patience: Duration,
}

/// What a node answered, and who it was.
#[derive(Debug)]
pub struct Answer {
    /// Which node.
    pub url: String,
    /// HTTP's status, a success or "not found".
    pub status: StatusCode,
    /// The body.
    pub body: Vec<u8>,
}

impl Doors {
    /// The nodes whose interfaces have these addresses, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`Fault::Unreachable`], when there is none, or HTTP cannot be set up here.
    pub fn new(urls: Vec<String>) -> Result<Self, Fault> {
        if urls.is_empty() {
            return Err(Fault::Unreachable { tried: vec!["none was named".into()] });
        }
        let http = Client::builder().connect_timeout(CONNECT_PATIENCE).no_proxy().build();
        let http = http.map_err(|error| Fault::Unreachable { tried: vec![words(&error)] })?;
        let urls = urls.into_iter().map(|it| it.trim_end_matches('/').into()).collect();
        Ok(Self { http, urls, preferred: AtomicUsize::new(0), patience: ANSWER_PATIENCE })
    }

    /// The addresses.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Asks the node after the one that served last from now on.
    pub fn prefer_next(&self) {
        self.preferred.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks for `path`. "Not found" is an answer.
    ///
    /// # Errors
    /// [`Fault::Refused`] by the first node that answers; [`Fault::Unreachable`] if none does.
    pub async fn get(&self, path: &str) -> Result<Answer, Fault> {
        self.ask(Method::GET, path, None).await
    }

    /// What each node answers to `path`, as the answers come: all are asked at once.
    pub fn get_each<'a>(&'a self, path: &'a str) -> impl Stream<Item = Result<Answer, Fault>> + 'a {
        let ask =
            async move |url: &'a String| match self.ask_one(url, Method::GET, path, None).await {
                Ok(answer) => Ok(answer),
                Err(Told::Final(fault)) => Err(fault),
                Err(Told::Elsewhere(why)) => {
                    Err(Fault::Unreachable { tried: vec![format!("{url}: {why}")] })
                }
            };
        self.urls.iter().map(ask).collect::<FuturesUnordered<_>>()
    }

    /// What all nodes answer to `path`, of those that do.
    ///
    /// # Errors
    /// [`Fault::Unreachable`] if none does.
    pub async fn get_all(&self, path: &str) -> Result<Vec<Answer>, Fault> {
        let told: Vec<_> = self.get_each(path).collect().await;
        let (mut answers, mut tried) = (Vec::new(), Vec::new());
        for told in told {
            match told {
                Ok(answer) => answers.push(answer),
                Err(fault) => tried.push(fault.to_string()),
            }
        }
        if answers.is_empty() { Err(Fault::Unreachable { tried }) } else { Ok(answers) }
    }

    /// Hands over `body`. Only for what may be said twice: it is said again to the next node when
    /// one takes it and dies.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<Answer, Fault> {
        self.ask(Method::POST, path, Some(body)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Fault> {
        let mut tried = Vec::new();
        let first = self.preferred.load(Ordering::Relaxed);
        for turn in 0..self.urls.len() {
            let place = first.wrapping_add(turn) % self.urls.len();
            let url = &self.urls[place];
            match self.ask_one(url, method.clone(), path, body.clone()).await {
                Ok(answer) => {
                    self.preferred.store(place, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(Told::Final(fault)) => return Err(fault),
                Err(Told::Elsewhere(why)) => tried.push(format!("{url}: {why}")),
            }
        }
        Err(Fault::Unreachable { tried })
    }

    /// Begins to read a stream at `path` from the node at `place` (modulo their number).
    ///
    /// # Errors
    /// [`Fault::Unreachable`], [`Fault::Refused`].
    pub async fn stream(&self, place: usize, path: &str) -> Result<Response, Fault> {
        let url = &self.urls[place % self.urls.len()];
        let asked = self.http.get(format!("{url}{path}")).send();
        let unreachable = |why| Fault::Unreachable { tried: vec![format!("{url}: {why}")] };
        let answer = tokio::time::timeout(self.patience, asked).await;
        let answer = answer.map_err(|_| unreachable("it does not answer".to_string()))?;
        let answer = answer.map_err(|error| unreachable(words(&error)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let body = tokio::time::timeout(self.patience, body_of(answer)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        Err(refused(url, status, &body))
    }

    async fn ask_one(
        &self,
        url: &str,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, Told> {
        let mut request = self.http.request(method, format!("{url}{path}"));
        request = request.timeout(self.patience);
        if let Some(body) = body {
            request = request.header("content-type", "application/octet-stream").body(body);
        }
        let answer = request.send().await.map_err(|error| Told::Elsewhere(words(&error)))?;
        let status = answer.status();
        let body = body_of(answer).await.map_err(Told::Elsewhere)?;
        if status.is_success() || status == StatusCode::NOT_FOUND {
            Ok(Answer { url: url.into(), status, body })
        } else if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            Err(Told::Elsewhere(refused(url, status, &body).to_string()))
        } else {
            Err(Told::Final(refused(url, status, &body)))
        }
    }
}

/// Why a node did not serve.
enum Told {
    /// Any other would say the same.
    Final(Fault),
    /// Another may serve.
    Elsewhere(String),
}

/// All of a body, if it is not too long.
pub(crate) async fn body_of(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| words(&error))? {
        if part.len() > BODY_MAX.saturating_sub(body.len()) {
            return Err(format!("its answer has more than {BODY_MAX} bytes"));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

pub(crate) fn refused(url: &str, status: StatusCode, body: &[u8]) -> Fault {
    let problem = serde_json::from_slice(body).unwrap_or_else(|_| Problem {
        title: status.canonical_reason().unwrap_or_default().into(),
        detail: String::from_utf8_lossy(body).chars().take(200).collect(),
        ..Problem::default()
    });
    Fault::Refused { url: url.into(), status: status.as_u16(), problem }
}

/// An error with its causes, in one line.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
