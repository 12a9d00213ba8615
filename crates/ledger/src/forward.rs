//! Forwarding: a venue brings its members' signed orders, in its own order.
//!
//! ```text
//!   member --Envelope { via: venue, orders } + signature--> the venue's gateway
//!                                                               |
//!   venue  --Envelope { Forward { envelopes, in sequence } }----'--> a block: one signature of its own, and
//!                                                                    one for each envelope that it brings
//! ```
//!
//! Each of them moves its own sender's lane on and has its effect, or is refused, as if it stood alone. One
//! that may not stand there is told and left out; it does not stop the others. An envelope that names a
//! venue may not come by itself, so nobody else can unpack what was forwarded, and use up its numbers.

use alloc::vec::Vec;

use crypto::Shown;
use types::{ChainId, Digest, InstructionId, KeyId, Lane, LedgerTime, PartyId, Sender, Wire};

use crate::{
    Envelope, Instruction, Missed, NotApplied, Stop, admit,
    draft::Draft,
    event::Event,
    governance::{self, Roles},
    order::PlaceOrder,
    take_effect,
};

/// Most envelopes that one instruction may forward.
pub const FORWARDED_MAX: u16 = 256;

types::choice! {
    /// What may be forwarded, with the bytes that it has as an [`Instruction`].
    pub enum Ordered {
        /// Places an order.
        30 => PlaceOrder(PlaceOrder),
        /// Changes an order.
        31 => AmendOrder {
            /// Its own order.
            order: InstructionId,
            /// For one lot, from now on.
            price: i64,
            /// How many units are left of it, from now on.
            quantity: i64,
        },
        /// Cancels an order.
        32 => CancelOrder {
            /// Its own order.
            order: InstructionId,
        },
    }
}

types::record! {
    /// A member's envelope of orders, with the bytes, and so the digest, of an [`Envelope`].
    pub struct Forwarded {
        /// For which market.
        pub chain: ChainId,
        /// Who signs.
        pub sender: Sender,
        /// With which of its keys.
        pub key: KeyId,
        /// In which of its sequences.
        pub lane: Lane,
        /// The envelope's place in that sequence.
        pub sequence: u64,
        /// After this time it has no effect but to use up its number.
        pub expiry: LedgerTime,
        /// The venue that brings it.
        pub via: Option<PartyId>,
        /// Digest of the sealed envelope that goes with it; zeros when there is none.
        pub sealed: Digest,
        /// What is asked.
        pub instructions: Vec<Ordered>,
    }
}

impl Forwarded {
    /// An envelope that can be forwarded: `None` if it holds anything but orders.
    #[must_use]
    pub fn of(envelope: &Envelope) -> Option<Self> {
        Self::from_bytes(&envelope.to_bytes()).ok()
    }

    /// The envelope as its sender signed it.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        Envelope {
            chain: self.chain,
            sender: self.sender,
            key: self.key,
            lane: self.lane,
            sequence: self.sequence,
            expiry: self.expiry,
            via: self.via,
            sealed: self.sealed,
            instructions: self.instructions.iter().map(Ordered::instruction).collect(),
        }
    }
}

impl Ordered {
    fn instruction(&self) -> Instruction {
        match self {
            Self::PlaceOrder(wanted) => Instruction::PlaceOrder(wanted.clone()),
            Self::AmendOrder { order, price, quantity } => {
                Instruction::AmendOrder { order: *order, price: *price, quantity: *quantity }
            }
            Self::CancelOrder { order } => Instruction::CancelOrder { order: *order },
        }
    }
}

/// Lets each of these envelopes have its effect, in order.
///
/// # Errors
/// [`crate::Reject::RoleMissing`].
pub(crate) fn forward(
    draft: &mut Draft<'_>,
    (chain, shown): (ChainId, &Shown),
    id: InstructionId,
    envelopes: &[Forwarded],
    missed: &mut Missed,
) -> Result<(), Stop> {
    let venue = governance::require_role(draft, Roles::EXCHANGE)?;
    for (place, forwarded) in (0..).zip(envelopes) {
        let envelope = forwarded.envelope();
        let mut own = Draft::over(&*draft, draft.at, envelope.sender);
        match admit(&mut own, chain, &envelope, Some(venue)) {
            Err(NotApplied::Missing(missing)) => missed.rows.extend(missing.0),
            Err(NotApplied::Unshown(_)) => unreachable!("to be admitted shows nothing"),
            Err(NotApplied::Inadmissible(why)) => {
                draft.tell(Event::NotForwarded { forward: id, place, why });
            }
            Ok(()) => {
                take_effect(&mut own, (chain, shown), &envelope, missed);
                let outcome = own.finish();
                draft.absorb(outcome);
            }
        }
    }
    Ok(())
}

/// Whether an envelope carries as many instructions as it may: a forwarding one that alone, and as many in
/// all that it forwards.
pub(crate) fn count_fits(envelope: &Envelope) -> bool {
    let fits = |count: u64, max: u16| 0 < count && count <= u64::from(max);
    let count = |all: &[Forwarded]| all.iter().map(|it| len(&it.instructions)).sum::<u64>();
    match envelope.instructions.as_slice() {
        [Instruction::Forward { envelopes }] => {
            fits(len(envelopes), FORWARDED_MAX)
                && count(envelopes) <= u64::from(crate::INSTRUCTIONS_MAX)
        }
        all => {
            let forwards = |it: &Instruction| matches!(it, Instruction::Forward { .. });
            fits(len(all), crate::INSTRUCTIONS_MAX) && !all.iter().any(forwards)
        }
    }
}

fn len<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}
