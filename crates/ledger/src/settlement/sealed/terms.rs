//! What an account instructs on sealed amounts, and where it stands.

use alloc::vec::Vec;

use crypto::{Amount, Sealed};
use types::{AccountId, BusinessDate, Digest, InstructionId, Wire};

use crate::{
    alarm,
    book::{self, Movement, sealed::Cover},
    registry::Element,
    row::{Entry, Row, kind},
    settlement::{DUE, Priority, Status},
};

const UNMATCHED: u8 = 14;

types::choice! {
    /// What moves.
    pub enum Legs {
        /// One movement that asks nobody else: an allocation, a payment.
        0 => Alone(Movement),
        /// A delivery, against payment or free of it. Both sides instruct.
        1 => Delivery {
            /// The security.
            deliver: Movement,
            /// The money.
            pay: Option<Movement>,
        },
    }
}

types::record! {
    /// What one account instructs. It gives the leg that leaves it.
    pub struct SealedTerms {
        /// When it is to settle.
        pub intended_date: BusinessDate,
        /// Digest over what both sides agree beside this, which only they read; zeros for nothing.
        pub details: Digest,
        /// Which administrators' key the amounts are sealed under.
        pub administrators_key: u32,
        /// What moves.
        pub legs: Legs,
        /// Its place among what waits.
        pub priority: Priority,
        /// Whether it is not to be settled yet.
        pub hold: bool,
        /// What its own leg is taken from now; absent while it has no cover, or gives nothing.
        pub cover: Option<Cover>,
    }
}

/// Who an account is in what it instructs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It asks alone.
    Alone,
    /// It gives the security.
    Deliverer,
    /// It receives the security, and gives the money if there is any.
    Receiver,
}

impl SealedTerms {
    /// Who `account` is here; `None` if nobody.
    #[must_use]
    pub fn part(&self, account: AccountId) -> Option<Part> {
        match &self.legs {
            Legs::Alone(movement) => (movement.from == account).then_some(Part::Alone),
            Legs::Delivery { deliver, .. } if deliver.from == account => Some(Part::Deliverer),
            Legs::Delivery { pay: Some(pay), .. } if pay.from == account => Some(Part::Receiver),
            Legs::Delivery { deliver, pay: None } if deliver.to == account => Some(Part::Receiver),
            Legs::Delivery { .. } => None,
        }
    }

    /// The leg that leaves who takes this part; none leaves the receiver of what is free of payment.
    #[must_use]
    pub const fn gives(&self, part: Part) -> Option<&Movement> {
        match (&self.legs, part) {
            (Legs::Alone(movement), _)
            | (Legs::Delivery { deliver: movement, .. }, Part::Deliverer) => Some(movement),
            (Legs::Delivery { pay, .. }, _) => pay.as_ref(),
        }
    }

    /// Whether each leg is sealed, goes from one account to another, and is of its kind, and a side each gives them.
    pub(super) fn could_settle(&self) -> bool {
        let kinds = match &self.legs {
            Legs::Alone(_) => true,
            Legs::Delivery { deliver, pay } => {
                let pays = |it: &Movement| it.instrument.is_currency() && it.from != deliver.from;
                !deliver.instrument.is_currency() && pay.as_ref().is_none_or(pays)
            }
        };
        let moves = |it: &Movement| sealed_amount(it).is_some() && it.from != it.to;
        kinds && self.movements().all(moves)
    }

    /// All that moves.
    pub fn movements(&self) -> impl Iterator<Item = &Movement> {
        let (first, second) = match &self.legs {
            Legs::Alone(movement) => (movement, None),
            Legs::Delivery { deliver, pay } => (deliver, pay.as_ref()),
        };
        core::iter::once(first).chain(second)
    }

    /// What both sides have to say alike.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let agreed =
            ((self.intended_date, self.details), (self.administrators_key, self.legs.clone()));
        crypto::digest(b"furikae.sealed-terms.v1", &agreed.to_bytes())
    }
}

types::record! {
    /// An account's instruction of the state. Once it is funded, its leg is earmarked: it has left the position, and
    /// goes to who receives it, or comes back.
    pub struct SealedInstructed {
        /// Its place among all that arrived.
        pub arrival: u64,
        /// What both sides have to say alike.
        pub terms: Digest,
        /// Whether it asks nobody else.
        pub alone: bool,
        /// Whether it gives the security, or its one movement.
        pub delivers: bool,
        /// The leg that leaves its account.
        pub gives: Option<Movement>,
        /// Under which administrators' key that is sealed.
        pub administrators_key: u32,
        /// When it is to settle.
        pub intended_date: BusinessDate,
        /// Its place among what waits.
        pub priority: Priority,
        /// Where it stands.
        pub status: Status,
        /// Whether its own side does not want it settled yet.
        pub on_hold: bool,
        /// Whether the administrator need not, or has, signed it off.
        pub signed_off: bool,
        /// Whether its own side has asked to cancel it.
        pub cancel_asked: bool,
        /// Whether its leg is earmarked, or it gives nothing.
        pub funded: bool,
        /// The other side's instruction, once matched.
        pub counterpart: Option<InstructionId>,
    }
}

impl Row for SealedInstructed {
    const KIND: u8 = kind::SEALED_INSTRUCTION;
    type Name = InstructionId;

    fn entries(&self, name: &InstructionId) -> Vec<Entry> {
        match self.status {
            Status::Unmatched { until } => {
                let mut start = unmatched(self.terms, self.delivers);
                name.write(&mut start);
                let due = alarm::entry(until, alarm::Due::Match, name);
                alloc::vec![Entry::from_start(&start), due]
            }
            Status::AwaitingDate => {
                let mut start = alloc::vec![DUE];
                (self.intended_date, self.arrival).write(&mut start);
                name.write(&mut start);
                alloc::vec![Entry::from_start(&start)]
            }
            _ => Vec::new(),
        }
    }
}

impl SealedInstructed {
    /// The leg that is earmarked, and its amount.
    #[must_use]
    pub fn earmark(&self) -> Option<(&Movement, &Sealed)> {
        let movement = self.gives.as_ref().filter(|_| self.funded)?;
        sealed_amount(movement).map(|amount| (movement, amount))
    }

    /// The element that its earmark makes in the registry of its instrument.
    #[must_use]
    pub fn element(&self, id: &InstructionId) -> Option<Element> {
        let (movement, amount) = self.earmark()?;
        Some(book::sealed::earmark_element(movement.from, &id.to_bytes(), amount))
    }
}

/// The start of the entries of what waits for a match with these terms.
pub(super) fn unmatched(terms: Digest, delivers: bool) -> Vec<u8> {
    let mut start = alloc::vec![UNMATCHED];
    (terms, delivers).write(&mut start);
    start
}

/// The amount of a movement, if it is sealed.
#[must_use]
pub const fn sealed_amount(movement: &Movement) -> Option<&Sealed> {
    match &movement.amount {
        Amount::Sealed(sealed) => Some(sealed),
        Amount::Open(_) => None,
    }
}
