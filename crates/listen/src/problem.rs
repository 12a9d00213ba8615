//! Refusals as `application/problem+json` (RFC 9457), each with a code that keeps its meaning.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// What is wrong. The text of each is stable once shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The word that programs compare.
    pub code: &'static str,
    /// HTTP's status.
    pub status: u16,
    /// In short.
    pub title: &'static str,
}

/// Makes constants of codes, and `ALL`, the list of them.
#[macro_export]
macro_rules! codes {
    ($($name:ident $code:literal $status:literal $title:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: $crate::Code =
                $crate::Code { code: $code, status: $status, title: $title };
        )*
        /// All of them.
        pub const ALL: &[$crate::Code] = &[$($name),*];
    };
}

codes! {
    NOT_FOUND "not-found" 404 "There is nothing at this path";
    METHOD "method-not-allowed" 405 "This path does not know this method";
    QUERY "query-malformed" 400 "The query or the path cannot be read";
    BODY_TOO_LARGE "body-too-large" 413 "The body is too large";
    BODY_TOO_SLOW "body-too-slow" 408 "The body did not arrive in time";
    BODY_CUT "body-cut" 400 "The body ended before it was whole";
    RATE "rate-exceeded" 429 "This address asks too often";
    CONNECTIONS "connections-exceeded" 503 "Too many connections";
    STREAMS "streams-exceeded" 503 "Too many streams";
    PROOFS "proofs-exceeded" 503 "Too many proofs are being made";
    CONNECTIONS_OF_ADDRESS "address-connections-exceeded" 429 "Too many connections of this address";
    STREAMS_OF_ADDRESS "address-streams-exceeded" 429 "Too many streams of this address";
    PROOFS_OF_ADDRESS "address-proofs-exceeded" 429 "Too many proofs for this address are being made";
    STOPPING "stopping" 503 "The process stops";
    TOO_SLOW "no-answer-in-time" 503 "There was no answer in time";
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub code: Code,
    /// What happened in this case.
    pub detail: String,
}

impl Problem {
    /// A refusal that says no more than its code.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self { code, detail: String::new() }
    }

    /// A refusal with what happened.
    #[must_use]
    pub fn saying(code: Code, detail: impl ToString) -> Self {
        Self { code, detail: detail.to_string() }
    }

    /// The body.
    #[must_use]
    pub fn json(&self) -> String {
        let Self { code: Code { code, status, title }, detail } = self;
        let kind = format!("urn:furikae:problem:{code}");
        serde_json::json!({ "type": kind, "code": code, "status": status, "title": title, "detail": detail })
            .to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status).expect("the table has HTTP's statuses");
        let mut response = (status, self.json()).into_response();
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if matches!(self.code.status, 429 | 503) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if matches!(self.code.status, 408 | 413) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
