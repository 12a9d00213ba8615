//! Refusals of a gateway, beside those of every listener.

pub use listen::problem::QUERY;
use listen::{Code, Problem};

use crate::Fault;

listen::codes! {
    TOKEN "token-unknown" 401 "A bearer token of one of the gateway's users is wanted";
    RIGHT "right-missing" 403 "This user may not do this";
    SIGHT "not-yours-to-see" 403 "The gateway's owner may not see this";
    NOT_READY "not-ready" 503 "The gateway has not read its market yet";
    NOT_YET "moment-not-yet" 404 "The moment is not yet, or is before the first block";
    NOT_KNOWN "not-known" 404 "There is no such thing in what the gateway's owner may see";
    IDEMPOTENCY "idempotency-key" 400 "A header Idempotency-Key of 1 to 64 letters, digits, - and _ is wanted";
    KEY_REUSED "idempotency-key-reused" 422 "Something else was asked under this Idempotency-Key";
    CONTENT_TYPE "content-type" 415 "The body is of another type than is taken here";
    TOO_LONG "instruction-too-long" 413 "An instruction is longer than the market takes: split it";
    INSTRUCTION "instruction-malformed" 400 "The body says no instruction";
    VENUE "not-a-venue" 403 "Only a venue's gateway forwards orders";
    ORDER "order-not-forwardable" 422 "One of the orders may not be forwarded: none of them is";
    DATABASE "database" 500 "The gateway's database does not do what it is asked";
}

/// Every code that a gateway answers with.
pub fn all() -> impl Iterator<Item = &'static Code> {
    listen::problem::ALL.iter().chain(ALL)
}

/// The database says no. What it says is for the gateway's operator.
pub fn database(fault: Fault) -> Problem {
    tracing::error!(%fault, "the database does not do what it is asked");
    Problem::saying(DATABASE, "the gateway's log says why; what was asked may be asked again")
}
