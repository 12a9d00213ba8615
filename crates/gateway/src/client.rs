//! A user of a gateway: asks its door over HTTP with the user's token.

use std::time::{Duration, Instant};

use reqwest::{Client as Http, Method, RequestBuilder, Response, header::CONTENT_TYPE};
use serde_json::Value;

use crate::{
    Fault,
    doors::{body_of, refused, words},
};

/// How long a gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// The content type of what most paths take.
pub const JSON: &str = "application/json";

/// One user of one gateway.
#[derive(Clone)]
pub struct Client {
    http: Http,
    url: String,
    token: String,
}

impl Client {
    /// The user whose `token` it is, of the gateway at `url`.
    ///
    /// # Errors
    /// [`Fault::Unreachable`], when HTTP cannot be set up here.
    pub fn new(url: &str, token: &str) -> Result<Self, Fault> {
        let http = Http::builder().no_proxy().timeout(PATIENCE).build();
        let http = http.map_err(|why| Fault::Unreachable { tried: vec![words(&why)] })?;
        Ok(Self { http, url: url.trim_end_matches('/').into(), token: token.into() })
    }

    /// Where the gateway is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What stands under `path`.
    ///
    /// # Errors
    /// [`Fault::Unreachable`], [`Fault::Refused`], [`Fault::NotUnderstood`].
    pub async fn get(&self, path: &str) -> Result<Value, Fault> {
        self.answer(self.request(Method::GET, path)).await
    }

    /// All rows under `path`, whatever number of pages they fill: the first page, with the rows of all in its list
    /// `rows`. All pages are of the same height.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_all(&self, path: &str, rows: &str) -> Result<Value, Fault> {
        let mut whole = self.get(path).await?;
        while let Some(next) = whole.get("next").and_then(Value::as_str) {
            let joint = if path.contains('?') { '&' } else { '?' };
            let mut page = self.get(&format!("{path}{joint}cursor={next}")).await?;
            let more = page.get_mut(rows).map(Value::take);
            let next = page.get_mut("next").map(Value::take).unwrap_or_default();
            let (Some(Value::Array(more)), Some(Value::Array(all))) = (more, whole.get_mut(rows))
            else {
                return Err(self.not_understood(format_args!("a page has no list {rows:?}")));
            };
            all.extend(more);
            whole["next"] = next;
        }
        Ok(whole)
    }

    /// Asks for what `value` says, under an idempotency key: said again, it is done once.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn post(&self, path: &str, key: &str, value: &Value) -> Result<Value, Fault> {
        self.send(path, key, JSON, value.to_string().into_bytes()).await
    }

    /// The same with a body of this content type, again and again until it is kept, while the gateway does not answer
    /// or is not ready: the answer, and how often it was asked again.
    ///
    /// # Errors
    /// As [`Self::get`]: of what no time mends, or when it is late.
    pub async fn post_until_kept(
        &self,
        path: &str,
        key: &str,
        (kind, body): (&str, &[u8]),
        late: Instant,
    ) -> Result<(Value, u64), Fault> {
        let mut again = 0_u64;
        loop {
            match self.send(path, key, kind, body.to_vec()).await {
                Ok(answer) => return Ok((answer, again)),
                Err(fault) if fault.may_pass() && Instant::now() < late => {
                    again = again.saturating_add(1);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    async fn send(&self, path: &str, key: &str, kind: &str, body: Vec<u8>) -> Result<Value, Fault> {
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, kind);
        self.answer(request.header("idempotency-key", key).body(body)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value, Fault> {
        let unreachable =
            |why: String| Fault::Unreachable { tried: vec![format!("{}: {why}", self.url)] };
        let answer: Response = request.send().await.map_err(|why| unreachable(words(&why)))?;
        let status = answer.status();
        let body = body_of(answer).await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(refused(&self.url, status, &body));
        }
        serde_json::from_slice(&body).map_err(|why| self.not_understood(why))
    }

    fn not_understood(&self, why: impl ToString) -> Fault {
        Fault::NotUnderstood { url: self.url.clone(), why: why.to_string() }
    }
}
