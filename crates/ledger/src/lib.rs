//! The rules of the market, as one pure function.
//!
//! ```text
//!                    instruction                         movements
//!   participant ---------------->  a market function  --------------->  book
//!                                  governance  issuance                  |
//!                                  trade  order  settlement                     | post
//!                                                                        v
//!               Outcome { writes, entries, events }  <-------------  draft
//! ```
//!
//! A market function decides *which* amounts move. Only [`book`] moves them, and every posting
//! sums to zero in each instrument. Nothing here reads a clock, a file, a socket, or a random
//! number: this crate is `no_std`, so it could not if it wanted to.
//!
//! A block is [`open`], then [`apply`] for each envelope in order, then [`close`]. Each takes a
//! [`Snapshot`] and gives an [`Outcome`], which the caller lays over the snapshot for the next.

#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::too_many_lines,
        clippy::unwrap_used
    )
)]

extern crate alloc;

mod alarm;
mod asked;
pub mod book;
pub mod draft;
mod effect;
pub mod envelope;
pub mod event;
mod footprint;
mod foreseen;
pub mod forward;
pub mod governance;
pub mod instruction;
pub mod issuance;
pub mod memory;
pub mod order;
pub mod registry;
pub mod reject;
mod roles;
pub mod row;
pub mod script;
pub mod settlement;
pub mod threshold;
pub mod trade;
pub mod view_key;

use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};

use crypto::{Shown, Statement};
use types::{Digest, KeyId, PartyId, PublicKey, Sender, Wire};

use crate::{
    asked::Asked,
    book::Account,
    draft::Draft,
    governance::{LaneRow, PartyKey},
    row::Row,
};

pub use crate::{
    draft::{At, Missing, Outcome, Snapshot},
    envelope::{Envelope, INSTRUCTIONS_MAX, Signed, sealed_digest},
    event::Event,
    footprint::{footprint, missed_next},
    governance::Genesis,
    instruction::Instruction,
    reject::Reject,
    row::{Entry, Key, PEAKS_KEY, Value},
};

/// Why a call ended without an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Rows were not at hand: fetch them and call again.
    Missing(Missing),
    /// The market says no.
    Reject(Reject),
    /// Something has to be shown first.
    Unshown(Box<Statement>),
}

impl From<Missing> for Stop {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl From<Reject> for Stop {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

types::choice! {
    /// Why an envelope may not stand in a block here and now, in order of precedence.
    #[derive(Copy)]
    pub enum Inadmissible {
        /// It is for another market.
        0 => OtherChain,
        /// It carries no instruction, or too many, or forwards others beside instructions of its own.
        1 => InstructionCount,
        /// It names a venue that alone may bring it, and came otherwise; or it was forwarded, and does not name
        /// who forwards it.
        2 => Via,
        /// The sender has no such key, or it is revoked.
        3 => KeyUnknown,
        /// Its lane expects another number.
        4 => Sequence {
            /// The number that the lane expects.
            expected: u64,
        },
    }
}

/// Why [`apply`] gave no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotApplied {
    /// Rows were not at hand: fetch them and call again.
    Missing(Missing),
    /// These have to be shown first, each by the instruction at its place: check their proofs and call again. When one
    /// is false, a block that holds this envelope here is invalid.
    Unshown(Vec<(u16, Statement)>),
    /// A block that holds this envelope here is invalid.
    Inadmissible(Inadmissible),
}

impl From<Missing> for NotApplied {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

/// The rows of height 0.
///
/// # Errors
/// [`Missing`] never, over a snapshot that has looked everywhere.
pub fn genesis(before: &dyn Snapshot, genesis: &Genesis) -> Result<Outcome, Missing> {
    let mut draft = Draft::over(before, At { time: genesis.time, height: 0 }, NOBODY);
    governance::begin(&mut draft, genesis)?;
    Ok(draft.finish())
}

/// The prologue of a block: what falls due by itself.
///
/// # Errors
/// [`Missing`].
pub fn open(before: &dyn Snapshot, at: At) -> Result<Outcome, Missing> {
    let mut draft = Draft::over(before, at, NOBODY);
    alarm::ring(&mut draft)?;
    trade::forget(&mut draft)?;
    order::end_day(&mut draft)?;
    settlement::fall_due(&mut draft)?;
    Ok(draft.finish())
}

/// Applies one envelope: its lane moves on, and each of its instructions has its effect or is refused.
///
/// A refusal is an outcome like any other: it is told as [`Event::Refused`]. Of sealed amounts it believes what was
/// `shown`, and nothing else.
///
/// # Errors
/// [`NotApplied::Inadmissible`] with the first [`Inadmissible`] that holds, [`NotApplied::Missing`], then
/// [`NotApplied::Unshown`]. Its signature is not looked at: that is the chain's, before.
pub fn apply(
    before: &dyn Snapshot,
    chain: types::ChainId,
    at: At,
    envelope: &Envelope,
    shown: &Shown,
) -> Result<Outcome, NotApplied> {
    let mut draft = Draft::over(before, at, envelope.sender);
    admit(&mut draft, chain, envelope, None)?;
    let mut missed = Missed::default();
    take_effect(&mut draft, (chain, shown), envelope, &mut missed);
    if missed.rows.is_empty() && missed.unshown.is_empty() {
        return Ok(draft.finish());
    }
    if missed.rows.is_empty() {
        return Err(NotApplied::Unshown(missed.unshown));
    }
    missed.rows.extend(order::ahead(&draft, &missed.orders));
    Err(Missing(missed.rows.into_iter().collect()).into())
}

/// The end of a block: the queue, once, over all that is open.
///
/// # Errors
/// [`Missing`].
pub fn close(before: &dyn Snapshot, at: At) -> Result<Outcome, Missing> {
    let mut draft = Draft::over(before, at, NOBODY);
    settlement::offsetting::run(&mut draft)?;
    Ok(draft.finish())
}

/// The signatures that an envelope stands in a block with, in order: for each the row of its key, and the digest that
/// is signed. Its own is the first; then come those of the envelopes that it forwards.
///
/// A key that has no row yet signs nothing: the rules leave out what was forwarded with it.
#[must_use]
pub fn signatures(envelope: &Envelope) -> Vec<(Key, Digest)> {
    let one = |envelope: &Envelope| {
        let key = match envelope.sender {
            Sender::Party(party) => PartyKey::key(&(party, envelope.key)),
            Sender::Account(account) => Account::key(&account),
        };
        (key, envelope.digest())
    };
    let forwarded = envelope.forwarded().iter().map(|it| one(&it.envelope()));
    core::iter::once(one(envelope)).chain(forwarded).collect()
}

/// The key in a row that [`signatures`] names, and whether it may sign now; `None` where there is none.
///
/// # Panics
/// When the row is none that the rules wrote.
#[must_use]
pub fn signing_key(key: &Key, row: &[u8]) -> Option<(PublicKey, bool)> {
    if key.kind() == row::kind::ACCOUNT {
        let account = draft::decode::<Account>(row);
        return account.manager.is_none().then_some((account.spend_key, true));
    }
    let row = draft::decode::<PartyKey>(row);
    Some((row.public, !row.revoked))
}

/// What the proofs of an envelope have to show, each with the place of its instruction, as far as rows that hardly
/// ever change say it. What is not foreseen here, [`apply`] asks for.
///
/// # Errors
/// [`Missing`].
pub fn statements(
    before: &dyn Snapshot,
    chain: types::ChainId,
    envelope: &Envelope,
) -> Result<Vec<(u16, Statement)>, Missing> {
    foreseen::statements(before, chain, envelope)
}

/// The index entries that a row makes: what a scan of the state fills the index with.
#[must_use]
pub fn entries(key: &Key, value: &[u8]) -> Vec<Entry> {
    match key.kind() {
        row::kind::PROPOSAL => entries_of::<threshold::Proposal>(key, value),
        row::kind::TRADE => entries_of::<trade::Trade>(key, value),
        row::kind::VENUE => entries_of::<trade::Venue>(key, value),
        row::kind::INSTRUCTION => entries_of::<settlement::Instructed>(key, value),
        row::kind::WAITING => entries_of::<settlement::queue::Waiting>(key, value),
        row::kind::ORDER => entries_of::<order::Order>(key, value),
        row::kind::FRONTIER => entries_of::<settlement::queue::Frontier>(key, value),
        row::kind::SEALED_INSTRUCTION => entries_of::<settlement::SealedInstructed>(key, value),
        _ => Vec::new(),
    }
}

/// In the prologue and the close nobody asks.
const NOBODY: Sender = Sender::Party(governance::OPERATOR);

fn entries_of<R: Row>(key: &Key, value: &[u8]) -> Vec<Entry> {
    let name = R::Name::read(&mut types::Reader::new(key.name()));
    let row = R::from_bytes(value);
    assert!(name.is_ok() && row.is_ok(), "a row of the state holds what the rules wrote");
    name.ok().zip(row.ok()).map_or_else(Vec::new, |(name, row)| row.entries(&name))
}

/// What was missed or not shown in the course of an envelope, and the orders from there on, which may miss more.
#[derive(Default)]
struct Missed {
    rows: BTreeSet<Key>,
    unshown: Vec<(u16, Statement)>,
    orders: Vec<order::PlaceOrder>,
}

/// Lets each instruction of an admitted envelope have its effect, or tells why it is refused.
///
/// When one misses rows the others are tried all the same, to learn what they miss: so the number of calls
/// does not grow with the number of instructions.
fn take_effect(
    draft: &mut Draft<'_>,
    (chain, shown): (types::ChainId, &Shown),
    envelope: &Envelope,
    missed: &mut Missed,
) {
    let (at, sender) = (draft.at, envelope.sender);
    let expired = at.time > envelope.expiry;
    let digest = asked::digest(envelope);
    for (id, instruction) in envelope.ids().zip(&envelope.instructions) {
        let mut trial = Draft::over(&*draft, at, sender);
        let asked = Asked { shown, chain, envelope: digest, index: id.index };
        let done = if instruction.misplaces_sealed() {
            Err(Reject::SealedNotAllowed.into())
        } else if expired {
            Err(Reject::Expired.into())
        } else if let Instruction::Forward { envelopes } = instruction {
            forward::forward(&mut trial, (chain, shown), id, envelopes, missed)
        } else {
            instruction.take_effect(&mut trial, &asked, id)
        };
        match done {
            Ok(()) => {
                let outcome = trial.finish();
                draft.absorb(outcome);
            }
            Err(Stop::Missing(missing)) => missed.rows.extend(missing.0),
            Err(Stop::Unshown(statement)) => missed.unshown.push((id.index, *statement)),
            Err(Stop::Reject(reject)) => {
                draft.tell(Event::Refused { instruction: id, reject });
                continue;
            }
        }
        if let (false, Instruction::PlaceOrder(order)) = (missed.rows.is_empty(), instruction) {
            missed.orders.push(order.clone());
        }
    }
}

/// Moves the envelope's lane on, if it may stand here: by itself, or forwarded by `door`.
fn admit(
    draft: &mut Draft<'_>,
    chain: types::ChainId,
    envelope: &Envelope,
    door: Option<PartyId>,
) -> Result<(), NotApplied> {
    let Envelope { sender, key, lane, sequence, .. } = *envelope;
    if envelope.chain != chain {
        return Err(NotApplied::Inadmissible(Inadmissible::OtherChain));
    }
    if !envelope.count_fits() {
        return Err(NotApplied::Inadmissible(Inadmissible::InstructionCount));
    }
    if envelope.via != door {
        return Err(NotApplied::Inadmissible(Inadmissible::Via));
    }
    let known = match sender {
        Sender::Party(party) => draft.get::<PartyKey>(&(party, key))?.is_some_and(|it| !it.revoked),
        Sender::Account(account) => {
            let row = draft.get::<Account>(&account)?;
            key == KeyId(0) && row.is_some_and(|it| it.manager.is_none())
        }
    };
    if !known {
        return Err(NotApplied::Inadmissible(Inadmissible::KeyUnknown));
    }
    let expected = draft.get::<LaneRow>(&(sender, lane))?.map_or(0, |row| row.next);
    if sequence != expected {
        return Err(NotApplied::Inadmissible(Inadmissible::Sequence { expected }));
    }
    draft.put(&(sender, lane), &LaneRow { next: sequence.saturating_add(1) })?;
    Ok(())
}
