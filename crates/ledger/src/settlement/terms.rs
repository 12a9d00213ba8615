//! What a settlement instruction says, and where it stands.

use crypto::Amount;
use types::{AccountId, BusinessDate, InstructionId, InstrumentId, LedgerTime, PartyId, Text};

use super::SealedTerms;
use crate::{
    draft::{Draft, Missing},
    row::{Row, kind},
    trade::TradeId,
};

types::choice! {
    /// Which way the securities go, seen from the one who instructs.
    #[derive(Copy, Hash)]
    pub enum Side {
        /// Delivers them.
        0 => Deliver,
        /// Receives them.
        1 => Receive,
    }
}

types::choice! {
    /// The order among what waits; the first is the most urgent.
    #[derive(Copy, Hash, PartialOrd, Ord)]
    pub enum Priority {
        /// Before all others.
        0 => High,
        /// In the order of intended dates and arrival.
        1 => Normal,
        /// After all others.
        2 => Low,
    }
}

types::record! {
    /// The cash leg, seen from the one who instructs.
    pub struct AgainstPayment {
        /// Its own cash account.
        pub account: AccountId,
        /// How much, in minor units.
        pub amount: Amount,
        /// Of which currency.
        pub currency: InstrumentId,
    }
}

types::record! {
    /// One side's settlement instruction on open amounts: the content of sese.023.
    pub struct OpenTerms {
        /// Which way the securities go.
        pub side: Side,
        /// When it was agreed.
        pub trade_date: BusinessDate,
        /// When it is to settle.
        pub intended_date: BusinessDate,
        /// What moves.
        pub instrument: InstrumentId,
        /// How many units.
        pub quantity: Amount,
        /// Its own securities account.
        pub account: AccountId,
        /// The other side.
        pub counterparty: PartyId,
        /// The other side's securities account.
        pub counterparty_account: AccountId,
        /// The cash leg; none when free of payment.
        pub payment: Option<AgainstPayment>,
        /// Its place in the queue.
        pub priority: Priority,
        /// Whether a part of the quantity may settle.
        pub partial: bool,
        /// Whether it is not to be settled yet.
        pub hold: bool,
        /// Its own reference.
        pub reference: Text<35>,
        /// The reference that both sides know.
        pub common_reference: Text<35>,
        /// The trade that it settles.
        pub trade: Option<TradeId>,
    }
}

types::choice! {
    /// What one side instructs.
    pub enum Terms {
        /// On open amounts.
        0 => Open(OpenTerms),
        /// On sealed amounts, by an account.
        1 => Sealed(SealedTerms),
    }
}

types::record! {
    /// A payment without a delivery.
    pub struct Pay {
        /// Debited account, of the one who instructs.
        pub from: AccountId,
        /// Credited account.
        pub to: AccountId,
        /// Of which currency.
        pub currency: InstrumentId,
        /// How much, in minor units.
        pub amount: Amount,
        /// When it is to settle.
        pub intended_date: BusinessDate,
        /// Its place in the queue.
        pub priority: Priority,
        /// Whether it is not to be settled yet.
        pub hold: bool,
        /// Its own reference.
        pub reference: Text<35>,
    }
}

types::choice! {
    /// What is asked for.
    pub enum Asked {
        /// One side of a settlement.
        0 => Settle(OpenTerms),
        /// A payment.
        1 => Pay(Pay),
    }
}

types::choice! {
    /// Where an instruction stands.
    #[derive(Copy, Hash)]
    pub enum Status {
        /// The other side has not said the same; until the time given.
        0 => Unmatched {
            /// Ledger time at which it expires.
            until: LedgerTime,
        },
        /// Its own side does not want it settled yet.
        1 => OnHold,
        /// The other side does not want it settled yet.
        2 => CounterpartyOnHold,
        /// The administrator has not signed it off.
        3 => AwaitingSignOff,
        /// Its date has not come.
        4 => AwaitingDate,
        /// It waits in the queue for cover.
        5 => Pending,
        /// Final and irrevocable. It has left the state.
        6 => Settled,
        /// Ended by its side, or by both. It has left the state.
        7 => Cancelled,
        /// Found no match in time. It has left the state.
        8 => Expired,
        /// Ended by the administrator. It has left the state.
        9 => SignOffRefused,
    }
}

impl Status {
    /// Each of them once, in their order; unmatched until time began.
    pub const ALL: [Self; 10] = [
        Self::Unmatched { until: LedgerTime(0) },
        Self::OnHold,
        Self::CounterpartyOnHold,
        Self::AwaitingSignOff,
        Self::AwaitingDate,
        Self::Pending,
        Self::Settled,
        Self::Cancelled,
        Self::Expired,
        Self::SignOffRefused,
    ];

    /// A stable name for programs and people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unmatched { .. } => "unmatched",
            Self::OnHold => "on-hold",
            Self::CounterpartyOnHold => "counterparty-on-hold",
            Self::AwaitingSignOff => "awaiting-sign-off",
            Self::AwaitingDate => "awaiting-date",
            Self::Pending => "pending",
            Self::Settled => "settled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::SignOffRefused => "sign-off-refused",
        }
    }

    /// The ISO 20022 reason, where one exists; that of [`Status::Pending`] depends on what is short.
    #[must_use]
    pub const fn iso(&self) -> Option<&'static str> {
        match self {
            Self::Unmatched { .. } => Some("CMIS"),
            Self::OnHold => Some("PREA"),
            Self::CounterpartyOnHold => Some("PRCY"),
            Self::AwaitingSignOff => Some("CSDH"),
            Self::AwaitingDate => Some("FUTU"),
            Self::Cancelled => Some("CANI"),
            Self::Expired => Some("CANS"),
            Self::SignOffRefused => Some("CANO"),
            Self::Pending | Self::Settled => None,
        }
    }
}

types::record! {
    /// An instruction of the state.
    pub struct Instructed {
        /// Who asks.
        pub party: PartyId,
        /// Its place among all that arrived.
        pub arrival: u64,
        /// What is asked for.
        pub asked: Asked,
        /// Where it stands.
        pub status: Status,
        /// Whether its own side does not want it settled yet.
        pub on_hold: bool,
        /// Whether the administrator need not, or has, signed it off.
        pub signed_off: bool,
        /// Whether its own side has asked to cancel it.
        pub cancel_asked: bool,
        /// The other side's instruction, once matched.
        pub counterpart: Option<InstructionId>,
        /// Its number in the queue, once it has waited there.
        pub queued: Option<u64>,
    }
}

types::record! {
    /// How many instructions and orders have arrived; under another name, how many boards were opened.
    pub struct Arrivals {
        /// The number of the next.
        pub next: u64,
    }
}

impl Row for Arrivals {
    const KIND: u8 = kind::ARRIVALS;
    type Name = u8;
}

impl Arrivals {
    /// The name of the count of instructions and orders.
    pub(crate) const INSTRUCTIONS: u8 = 0;

    /// The next number.
    pub(crate) fn take(draft: &mut Draft<'_>, name: u8) -> Result<u64, Missing> {
        let next = draft.get::<Self>(&name)?.map_or(0, |row| row.next);
        draft.put(&name, &Self { next: next.saturating_add(1) })?;
        Ok(next)
    }
}

impl Instructed {
    /// An instruction as it arrives.
    pub(super) fn new(
        draft: &mut Draft<'_>,
        party: PartyId,
        asked: Asked,
        status: Status,
        on_hold: bool,
    ) -> Result<Self, Missing> {
        let arrival = Arrivals::take(draft, Arrivals::INSTRUCTIONS)?;
        Ok(Self {
            party,
            arrival,
            asked,
            status,
            on_hold,
            signed_off: false,
            cancel_asked: false,
            counterpart: None,
            queued: None,
        })
    }
}

impl Instructed {
    /// The trade that it settles, if it says one.
    #[must_use]
    pub const fn trade(&self) -> Option<&TradeId> {
        match &self.asked {
            Asked::Settle(terms) => terms.trade.as_ref(),
            Asked::Pay(_) => None,
        }
    }
}

impl Asked {
    /// When it is to settle.
    #[must_use]
    pub const fn intended_date(&self) -> BusinessDate {
        match self {
            Self::Settle(terms) => terms.intended_date,
            Self::Pay(payment) => payment.intended_date,
        }
    }

    /// Its place in the queue.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        match self {
            Self::Settle(terms) => terms.priority,
            Self::Pay(payment) => payment.priority,
        }
    }

    /// The same with another priority.
    #[must_use]
    pub(super) fn with_priority(self, priority: Priority) -> Self {
        match self {
            Self::Settle(terms) => Self::Settle(OpenTerms { priority, ..terms }),
            Self::Pay(payment) => Self::Pay(Pay { priority, ..payment }),
        }
    }
}
