//! Everything that is told, in the order it happened.

use types::{BusinessDate, Digest, InstructionId, InstrumentId, KeyId, LedgerTime, Mic, PartyId};

use alloc::vec::Vec;

use crate::{
    book::Movement, governance::ParameterName, reject::Reject, settlement::Status, trade::TradeId,
    view_key::Reader,
};

types::choice! {
    /// A field in which two tellings can differ.
    #[derive(Copy, Hash)]
    pub enum Field {
        /// Who the other side is.
        0 => Counterparty,
        /// Which of the other side's accounts.
        1 => Account,
        /// What moves.
        2 => Instrument,
        /// How many units.
        3 => Quantity,
        /// Against payment, or free of it.
        4 => Payment,
        /// In which currency.
        5 => Currency,
        /// For how much, beyond the tolerance.
        6 => Amount,
        /// When it was agreed.
        7 => TradeDate,
        /// When it is to settle.
        8 => IntendedDate,
        /// Which trade it settles.
        9 => Trade,
    }
}

impl Field {
    /// The ISO 20022 reason of an unmatched instruction.
    #[must_use]
    pub const fn iso(&self) -> &'static str {
        match self {
            Self::Counterparty => "ICAG",
            Self::Account => "SAFE",
            Self::Instrument => "DSEC",
            Self::Quantity => "DQUA",
            Self::Payment => "DELN",
            Self::Currency => "NCRR",
            Self::Amount => "DMON",
            Self::TradeDate => "DTRD",
            Self::IntendedDate => "DDAT",
            Self::Trade => "REFE",
        }
    }
}

types::choice! {
    /// Something that happened.
    pub enum Event {
        /// An instruction has no effect.
        0 => Refused { /// Which.
            instruction: InstructionId, /// Why.
            reject: Reject, },
        /// A party may act.
        1 => PartyAdmitted { /// Which.
            party: PartyId, },
        /// A party may not act for now, or may again.
        2 => PartySuspended { /// Which.
            party: PartyId, /// Whether it is suspended.
            suspended: bool, },
        /// A party has one more key.
        3 => KeyAdded { /// Whose.
            party: PartyId, /// Which.
            key: KeyId, },
        /// A key may not sign any more.
        4 => KeyRevoked { /// Whose.
            party: PartyId, /// Which.
            key: KeyId, },
        /// An administrator asked for what needs several.
        5 => Proposed { /// Digest of what is asked.
            proposal: Digest, /// Who.
            by: PartyId, /// How many have asked.
            given: i64, /// How many are needed.
            needed: i64, },
        /// A parameter has a new value.
        6 => ParameterSet { /// Which.
            name: ParameterName, /// Its value.
            value: i64, },
        /// The validators of the next epoch are named.
        7 => ValidatorsSet { /// How many.
            count: u32, },
        /// A business day begins.
        8 => DayOpened { /// Which.
            date: BusinessDate, },
        /// An account can be used.
        9 => AccountOpened { /// Which.
            account: types::AccountId, /// Who manages it; nobody is named when it is sealed.
            manager: Option<PartyId>, },
        /// An instrument can be issued and traded.
        10 => InstrumentListed { /// Which.
            instrument: InstrumentId, /// Its issuer.
            issuer: PartyId, },
        /// An issuer has requested something; it has no effect yet.
        11 => Requested { /// The request.
            request: InstructionId, },
        /// A request is decided.
        12 => RequestDecided { /// The request.
            request: InstructionId, /// Whether it has had its effect.
            approved: bool, },
        /// An amount has moved without a counterparty's instruction: issued, redeemed, allocated.
        13 => Moved { /// From where to where.
            movement: Movement, },
        /// A venue's trades are known.
        14 => TradesImported { /// The venue.
            venue: Mic, /// Their trade date.
            date: BusinessDate, /// How many are new.
            imported: u32, /// How many were known.
            known: u32, },
        /// A venue takes no more trades of this date and before.
        15 => VenueClosed { /// The venue.
            venue: Mic, /// The last closed date.
            date: BusinessDate, },
        /// One side has told a trade.
        16 => TradeReported { /// The report.
            report: InstructionId, /// Who is asked to affirm.
            counterparty: PartyId, /// Until when.
            until: LedgerTime, },
        /// Both sides have told a trade.
        17 => TradeAffirmed { /// Which.
            trade: TradeId, /// By the other side.
            by: PartyId, },
        /// The other side says that there is no such trade.
        18 => TradeRejected { /// Which.
            trade: TradeId, /// By the other side.
            by: PartyId, },
        /// Nobody affirmed in time.
        19 => TradeExpired { /// Which.
            trade: TradeId, },
        /// An instruction stands somewhere else than before.
        20 => StatusChanged { /// Which.
            instruction: InstructionId, /// Where it stands now.
            status: Status, },
        /// Two instructions say that they belong together, and differ.
        21 => Mismatched { /// The later.
            instruction: InstructionId, /// The earlier.
            other: InstructionId, /// The first field in which they differ.
            field: Field, },
        /// An instruction waits because a position is short.
        22 => Short { /// Which.
            instruction: InstructionId, /// In which account.
            account: types::AccountId, /// Of what.
            instrument: InstrumentId, },
        /// One side asks to cancel a matched pair; the other side's word is needed.
        23 => CancelAsked { /// Whose.
            instruction: InstructionId, },
        /// Final and irrevocable. Told once for each instruction.
        24 => Settled { /// Which.
            instruction: InstructionId, /// The other side's; none for a payment.
            counterpart: Option<InstructionId>, /// What moved.
            movements: Vec<Movement>, },
        /// An instruction has a new priority.
        25 => Prioritised { /// Which.
            instruction: InstructionId, /// Its priority.
            priority: crate::settlement::Priority, },
        /// A security can be traded against a currency.
        26 => BoardOpened { /// Which security.
            instrument: InstrumentId, /// Which currency.
            currency: InstrumentId, /// Quantities are multiples of so many units.
            lot: i64, /// Prices of one lot are multiples of so many minor units.
            tick: i64, },
        /// An order has come, or come anew; what it takes is told next, and the rest of it stands after all
        /// of its price.
        27 => OrderEntered { /// Which.
            order: InstructionId, /// Whose.
            party: PartyId, /// What.
            instrument: InstrumentId, /// Against which currency.
            currency: InstrumentId, /// Whether it buys.
            buys: bool, /// For one lot.
            price: i64, /// How many units.
            quantity: i64, },
        /// An order has a smaller quantity, and keeps its place.
        28 => OrderReduced { /// Which.
            order: InstructionId, /// How many units are left of it.
            quantity: i64, },
        /// Two orders have met: a trade, in the state as one reported by the deliverer's instruction until it
        /// is settled. Both orders have so much less; one that has nothing left is gone.
        29 => Filled { /// The order that buys.
            buy: InstructionId, /// The order that sells.
            sell: InstructionId, /// How many units.
            quantity: i64, /// For one lot: that of the order that stood.
            price: i64, /// For how much, in minor units.
            amount: i64, /// The instruction that delivers.
            deliver: InstructionId, /// The instruction that receives.
            receive: InstructionId, },
        /// An order has ended before all of it was filled.
        30 => OrderEnded { /// Which.
            order: InstructionId, /// How many units were not filled.
            quantity: i64, /// Why.
            why: crate::order::OrderEnd, },
        /// An envelope that was forwarded may not stand there, and has left no trace.
        31 => NotForwarded { /// By which instruction.
            forward: InstructionId, /// Its place among those forwarded.
            place: u16, /// Why.
            why: crate::Inadmissible, },
        /// A reader of sealed amounts has a view key.
        32 => ViewKeySet { /// Whose.
            reader: Reader, },
        /// The leg that an instruction gives is earmarked for it.
        33 => Funded { /// Which.
            instruction: InstructionId, },
    }
}
