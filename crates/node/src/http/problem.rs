//! Refusals as `application/problem+json` (RFC 9457), each with a code that keeps its meaning.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chain::{door::Unanswered, mempool::Refused};

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

macro_rules! codes {
    ($($name:ident $code:literal $status:literal $title:literal;)*) => {
        $(#[doc = $title] pub const $name: Code = Code { code: $code, status: $status, title: $title };)*
        /// All of them.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    NOT_FOUND "not-found" 404 "There is nothing at this path";
    METHOD "method-not-allowed" 405 "This path does not know this method";
    QUERY "query-malformed" 400 "The query or the path cannot be read";
    CONTENT_TYPE "content-type" 415 "The body is not application/octet-stream";
    BODY_TOO_LARGE "body-too-large" 413 "The body is too large";
    BODY_TOO_SLOW "body-too-slow" 408 "The body did not arrive in time";
    BODY_CUT "body-cut" 400 "The body ended before it was whole";
    RATE "rate-exceeded" 429 "This address asks too often";
    CONNECTIONS "connections-exceeded" 503 "Too many connections";
    STREAMS "streams-exceeded" 503 "Too many streams of blocks";
    PROOFS "proofs-exceeded" 503 "Too many proofs are being made";
    CONNECTIONS_OF_ADDRESS "address-connections-exceeded" 429 "Too many connections of this address";
    STREAMS_OF_ADDRESS "address-streams-exceeded" 429 "Too many streams of blocks of this address";
    PROOFS_OF_ADDRESS "address-proofs-exceeded" 429 "Too many proofs for this address are being made";
    NOT_READY "not-ready" 503 "The node does not take envelopes yet";
    DISK "disk-full" 507 "The node's disk is almost full: it takes no envelopes";
    STOPPING "stopping" 503 "The node stops";
    TOO_SLOW "no-answer-in-time" 503 "The node did not answer in time";
    DAMAGED "damaged" 500 "What the node keeps is damaged";
    BLOCK "block-not-here" 404 "This node does not have this block";
    ROW "row-not-here" 404 "No such row stands";
    UNCHANGED "row-unchanged" 409 "The row has not changed since the moment: it has to be attested first (Attest)";
    MOMENT "moment-not-covered" 409 "The moment is not before the newest certified block, or is before the first";
    TOO_FAR "moment-too-far" 422 "The row has changed too often since the moment";
    CHANGE "change-not-here" 404 "This node does not keep a change that the proof needs";
    ENVELOPE_TOO_LARGE "envelope-too-large" 413 "The envelope is too large";
    ENVELOPE "envelope-malformed" 400 "The body is no signed envelope";
    MARKET "other-market" 400 "The envelope is for another market";
    COUNT "instruction-count" 400 "The envelope carries no instruction, or too many";
    WITNESSES "witnesses" 400 "The envelope has not exactly one signature";
    EXPIRED "expired" 400 "The envelope has expired";
    KEY "key-unknown" 403 "The sender has no such key";
    SIGNATURE "signature-false" 403 "The signature is not that of the key";
    KNOWN "envelope-known" 409 "This envelope waits already";
    NUMBER_USED "number-used" 409 "The envelope's number is used up";
    NUMBER_TAKEN "number-taken" 409 "Another envelope waits with this number";
    NUMBER_AHEAD "number-ahead" 429 "The envelope's number is too far ahead";
    SHARE "share-exceeded" 429 "The member's share of what waits is used up";
    FULL "full" 503 "No room is left for envelopes";
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

impl From<Unanswered> for Problem {
    fn from(why: Unanswered) -> Self {
        let code = match &why {
            Unanswered::NotReady => NOT_READY,
            Unanswered::Stopped => STOPPING,
            Unanswered::Damaged(_) => DAMAGED,
        };
        Self::saying(code, why)
    }
}

impl From<Refused> for Problem {
    fn from(why: Refused) -> Self {
        let code = match why {
            Refused::TooLong { .. } => ENVELOPE_TOO_LARGE,
            Refused::Malformed(_) => ENVELOPE,
            Refused::OtherChain(_) => MARKET,
            Refused::InstructionCount => COUNT,
            Refused::Witnesses => WITNESSES,
            Refused::KeyUnknown => KEY,
            Refused::Signature => SIGNATURE,
            Refused::Expired => EXPIRED,
            Refused::NumberUsed { .. } => NUMBER_USED,
            Refused::NumberTooHigh { .. } => NUMBER_AHEAD,
            Refused::NumberTaken => NUMBER_TAKEN,
            Refused::ShareFull => SHARE,
            Refused::PoolFull => FULL,
        };
        Self::saying(code, why)
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
