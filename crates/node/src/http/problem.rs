//! Refusals of a node, beside those of every listener.

use chain::{door::Unanswered, mempool::Refused};
pub use listen::problem::{QUERY, STOPPING};
use listen::{Code, Problem};

listen::codes! {
    CONTENT_TYPE "content-type" 415 "The body is not application/octet-stream";
    NOT_READY "not-ready" 503 "The node does not take envelopes yet";
    DISK "disk-full" 507 "The node's disk is almost full: it takes no envelopes";
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
    VIA "via" 400 "The envelope names a venue that alone may bring it";
    WITNESSES "witnesses" 400 "The envelope has not its signatures, proofs and sealed envelope, in this order";
    EXPIRED "expired" 400 "The envelope has expired";
    KEY "key-unknown" 403 "The sender has no such key";
    SIGNATURE "signature-false" 403 "The signature is not that of the key";
    PROOF "proof-false" 403 "A proof does not show what its instruction needs";
    KNOWN "envelope-known" 409 "This envelope waits already";
    NUMBER_USED "number-used" 409 "The envelope's number is used up";
    NUMBER_TAKEN "number-taken" 409 "Another envelope waits with this number";
    NUMBER_AHEAD "number-ahead" 429 "The envelope's number is too far ahead";
    SHARE "share-exceeded" 429 "The member's share of what waits is used up";
    FULL "full" 503 "No room is left for envelopes";
}

/// Every code that a node answers with.
pub fn all() -> impl Iterator<Item = &'static Code> {
    listen::problem::ALL.iter().chain(ALL)
}

/// The chain does not answer.
pub fn unanswered(why: Unanswered) -> Problem {
    let code = match &why {
        Unanswered::NotReady => NOT_READY,
        Unanswered::Stopped => STOPPING,
        Unanswered::Damaged(_) => DAMAGED,
    };
    Problem::saying(code, why)
}

/// The mempool refuses an envelope.
pub fn refused(why: Refused) -> Problem {
    let code = match why {
        Refused::TooLong { .. } => ENVELOPE_TOO_LARGE,
        Refused::Malformed(_) => ENVELOPE,
        Refused::OtherChain(_) => MARKET,
        Refused::InstructionCount => COUNT,
        Refused::Via => VIA,
        Refused::Witnesses => WITNESSES,
        Refused::KeyUnknown => KEY,
        Refused::Signature => SIGNATURE,
        Refused::Proof(_) => PROOF,
        Refused::Expired => EXPIRED,
        Refused::NumberUsed { .. } => NUMBER_USED,
        Refused::NumberTooHigh { .. } => NUMBER_AHEAD,
        Refused::NumberTaken => NUMBER_TAKEN,
        Refused::ShareFull => SHARE,
        Refused::PoolFull => FULL,
    };
    Problem::saying(code, why)
}
