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
pub mod book;
pub mod draft;
mod effect;
pub mod envelope;
pub mod event;
mod footprint;
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

use alloc::{collections::BTreeSet, vec::Vec};

use types::{InstructionId, Sender, Wire};

use crate::{
    draft::Draft,
    governance::{LaneRow, PartyKey},
    row::Row,
};

pub use crate::{
    draft::{At, Missing, Outcome, Snapshot},
    envelope::{Envelope, INSTRUCTIONS_MAX, Signed},
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

/// Why an envelope may not stand in a block here and now, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Inadmissible {
    /// It is for another market.
    OtherChain,
    /// It carries no instruction, or too many.
    InstructionCount,
    /// The sender has no such key, or it is revoked.
    KeyUnknown,
    /// Its lane expects another number.
    Sequence {
        /// The number that the lane expects.
        expected: u64,
    },
}

/// Why [`apply`] gave no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotApplied {
    /// Rows were not at hand: fetch them and call again.
    Missing(Missing),
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
/// A refusal is an outcome like any other: it is told as [`Event::Refused`].
///
/// # Errors
/// [`NotApplied::Missing`], or [`NotApplied::Inadmissible`] with the first [`Inadmissible`] that holds.
/// Its signature is not looked at: that is the chain's, before.
pub fn apply(
    before: &dyn Snapshot,
    chain: types::ChainId,
    at: At,
    envelope: &Envelope,
) -> Result<Outcome, NotApplied> {
    let mut draft = Draft::over(before, at, envelope.sender);
    admit(&mut draft, chain, envelope)?;
    let expired = at.time > envelope.expiry;
    // When one misses rows the others are tried all the same, to learn what they miss: so the number of
    // calls does not grow with the number of instructions.
    let (mut absent, mut orders) = (BTreeSet::new(), Vec::new());
    for (index, instruction) in (0..).zip(&envelope.instructions) {
        let Envelope { sender, lane, sequence, .. } = *envelope;
        let id = InstructionId { sender, lane, sequence, index };
        let mut trial = Draft::over(&draft, at, sender);
        let done = if instruction.is_sealed() {
            Err(Reject::SealedNotYet.into())
        } else if expired {
            Err(Reject::Expired.into())
        } else if envelope.via.is_some() {
            Err(Reject::ViaNotYet.into())
        } else {
            instruction.take_effect(&mut trial, id)
        };
        match done {
            Ok(()) => {
                let outcome = trial.finish();
                draft.absorb(outcome);
            }
            Err(Stop::Missing(missing)) => absent.extend(missing.0),
            Err(Stop::Reject(reject)) => draft.tell(Event::Refused { instruction: id, reject }),
        }
        if let (false, Instruction::PlaceOrder(order)) = (absent.is_empty(), instruction) {
            orders.push(order);
        }
    }
    if absent.is_empty() {
        return Ok(draft.finish());
    }
    absent.extend(order::ahead(&draft, orders.into_iter()));
    Err(Missing(absent.into_iter().collect()).into())
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

/// The key that an envelope is signed with, and its row; `None` for an account's envelope, which is sealed.
#[must_use]
pub fn signing_key(envelope: &Envelope) -> Option<Key> {
    match envelope.sender {
        Sender::Party(party) => Some(PartyKey::key(&(party, envelope.key))),
        Sender::Account(_) => None,
    }
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

fn admit(
    draft: &mut Draft<'_>,
    chain: types::ChainId,
    envelope: &Envelope,
) -> Result<(), NotApplied> {
    let Envelope { sender, key, lane, sequence, ref instructions, .. } = *envelope;
    if envelope.chain != chain {
        return Err(NotApplied::Inadmissible(Inadmissible::OtherChain));
    }
    let count = u16::try_from(instructions.len()).unwrap_or(u16::MAX);
    if count == 0 || count > INSTRUCTIONS_MAX {
        return Err(NotApplied::Inadmissible(Inadmissible::InstructionCount));
    }
    let known = match sender {
        Sender::Party(party) => draft.get::<PartyKey>(&(party, key))?.is_some_and(|it| !it.revoked),
        Sender::Account(_) => false,
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
