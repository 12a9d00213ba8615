//! The shapes of answers. Quantities are decimal texts, times RFC 3339 with offset; every answer says as of which
//! block it is true.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which moment, and which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Positions {
    /// A height, or a time such as 2026-11-24T15:00:00+09:00: the last block that is not later. The newest block
    /// when absent.
    pub as_of: Option<String>,
    /// Of one account: 32 hexadecimal digits.
    pub account: Option<String>,
    /// Of one instrument: an ISIN or a currency.
    pub instrument: Option<String>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
    /// So many at most: 1 to 10,000. 1,000 when absent.
    pub limit: Option<u32>,
}

/// Which moment, and which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Registry {
    /// A height or a time, as for positions.
    pub as_of: Option<String>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
    /// So many at most: 1 to 10,000. 1,000 when absent.
    pub limit: Option<u32>,
}

/// Which movements, and which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Movements {
    /// In which account: 32 hexadecimal digits.
    pub account: String,
    /// Of one instrument: an ISIN or a currency.
    pub instrument: Option<String>,
    /// After the block of this height or time. From the first block on when absent.
    pub from: Option<String>,
    /// Up to the block of this height or time. The newest when absent.
    pub as_of: Option<String>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
    /// So many at most: 1 to 10,000. 1,000 when absent.
    pub limit: Option<u32>,
}

/// Which instructions, and which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Instructions {
    /// A height or a time, as for positions.
    pub as_of: Option<String>,
    /// In which state: unmatched, on-hold, counterparty-on-hold, awaiting-sign-off, awaiting-date, pending, settled,
    /// cancelled, expired, sign-off-refused, refused.
    pub status: Option<String>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
    /// So many at most: 1 to 10,000. 1,000 when absent.
    pub limit: Option<u32>,
}

/// As of which moment alone.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Moment {
    /// A height or a time, as for positions.
    pub as_of: Option<String>,
}

/// As of which block an answer is true.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Stood {
    /// The height of that block.
    pub height: u64,
    /// Its time.
    pub time: String,
}

/// How the gateway is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// Which market it is.
    pub chain: String,
    /// Whose gateway it is.
    pub party: u32,
    /// What its owner is called.
    pub name: String,
    /// What its owner may do.
    pub roles: Vec<String>,
    /// Whether its owner is suspended.
    pub suspended: bool,
    /// The newest block in its history.
    #[serde(flatten)]
    pub stood: Stood,
    /// Why the nodes refuse what it hands over, if they do.
    pub stuck: Option<String>,
}

/// An instrument.
#[derive(Debug, Serialize, ToSchema)]
pub struct Instrument {
    /// An ISIN or a currency.
    pub instrument: String,
    /// Decimal places of its quantities.
    pub scale: u8,
    /// Its issuer; the settlement bank, for money.
    pub issuer: u32,
}

/// All instruments.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstrumentList {
    /// As of which block.
    #[serde(flatten)]
    pub stood: Stood,
    /// In the order of their names.
    pub instruments: Vec<Instrument>,
}

/// A position.
#[derive(Debug, Serialize, ToSchema)]
pub struct Position {
    /// In which account.
    pub account: String,
    /// Of what.
    pub instrument: String,
    /// How much may be used.
    pub available: String,
    /// How much is set aside.
    pub earmarked: String,
    /// Since which height it stands so.
    pub since: u64,
}

/// Positions.
#[derive(Debug, Serialize, ToSchema)]
pub struct PositionList {
    /// As of which block.
    #[serde(flatten)]
    pub stood: Stood,
    /// In the order of instrument and account.
    pub positions: Vec<Position>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// An owner.
#[derive(Debug, Serialize, ToSchema)]
pub struct Owner {
    /// In which account.
    pub account: String,
    /// The number of the holder: the same for one person everywhere.
    pub holder: String,
    /// How much.
    pub quantity: String,
}

/// The owners of an instrument.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnerList {
    /// Of what.
    pub isin: String,
    /// As of which block.
    #[serde(flatten)]
    pub stood: Stood,
    /// In the order of their accounts.
    pub holders: Vec<Owner>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// A movement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Movement {
    /// In which block.
    pub height: u64,
    /// By which instruction; none for what was issued, redeemed or allocated.
    pub instruction: Option<String>,
    /// The other side's instruction.
    pub counterpart: Option<String>,
    /// Of what.
    pub instrument: String,
    /// Debited account.
    pub from: String,
    /// Credited account.
    pub to: String,
    /// How much.
    pub quantity: String,
}

/// Movements.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovementList {
    /// As of which block.
    #[serde(flatten)]
    pub stood: Stood,
    /// In their order.
    pub movements: Vec<Movement>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// A reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reason {
    /// That of ISO 20022, where one exists; NARR where none does.
    pub code: String,
    /// In words that stay.
    pub text: String,
}

/// Where an instruction stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Standing {
    /// Which instruction.
    pub id: String,
    /// Its state.
    pub status: String,
    /// Why, where there is a reason.
    pub reason: Option<Reason>,
    /// In which block that was told; none of one that no block has told of yet.
    pub told_at: Option<u64>,
}

/// Instructions.
#[derive(Debug, Serialize, ToSchema)]
pub struct StandingList {
    /// As of which block.
    #[serde(flatten)]
    pub stood: Stood,
    /// In the order of their ids.
    pub instructions: Vec<Standing>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// An instruction with all its states.
#[derive(Debug, Serialize, ToSchema)]
pub struct Told {
    /// As of which block.
    #[serde(flatten)]
    pub stood: Stood,
    /// From the first to the last.
    pub states: Vec<Standing>,
}

/// What was asked under an idempotency key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Submission {
    /// The key.
    pub key: String,
    /// submitted, awaiting-approval, approved (and so submitted) or rejected.
    pub state: String,
    /// The instructions that it became: what blocks will tell of them stands under these ids. None while it is not
    /// approved.
    pub ids: Vec<String>,
    /// Whether blocks hold all of them. Of one that they hold, and of which nothing is told, the effect came at once.
    pub in_blocks: bool,
    /// The user who approved or rejected it.
    pub decided_by: Option<String>,
    /// The time of the newest block then.
    pub decided_at: Option<String>,
}

/// Which requests that need a second person, and which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Approvals {
    /// awaiting-approval, approved or rejected; awaiting-approval when absent.
    pub state: Option<String>,
    /// Where the page before this one ended.
    pub cursor: Option<String>,
}

/// A request that needs a second person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Approval {
    /// Its number at this gateway.
    pub number: u64,
    /// The user who asked.
    pub user: String,
    /// Under which key.
    pub key: String,
    /// The time of the newest block then.
    pub asked_at: String,
    /// SHA-256 of what was asked, in hexadecimal digits: a decision names it.
    pub digest: String,
    /// What was asked.
    pub instructions: serde_json::Value,
    /// awaiting-approval, approved or rejected.
    pub state: String,
    /// The instructions that it became.
    pub ids: Vec<String>,
    /// The user who approved or rejected it.
    pub decided_by: Option<String>,
    /// The time of the newest block then.
    pub decided_at: Option<String>,
}

/// Requests that need a second person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalList {
    /// In the order in which they were asked.
    pub approvals: Vec<Approval>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
}

/// What a second person decides.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Whether it is done.
    pub approved: bool,
    /// The digest of what is decided, as the list says it.
    pub digest: String,
}

/// A refusal (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemShape {
    /// The code, as a name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The word that programs compare.
    pub code: String,
    /// HTTP's status.
    pub status: u16,
    /// In short.
    pub title: String,
    /// What happened in this case.
    pub detail: String,
}

/// A server-sent event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what the stream looks like")]
pub struct EventShape {
    /// Height and place in its block: what Last-Event-ID goes on after.
    id: String,
    /// What happened.
    event: String,
    /// What it tells: a JSON object with its height, as text.
    data: String,
}
