//! Everything refused, in order of precedence.

use types::{AccountId, BusinessDate, InstructionId, InstrumentId, KeyId, PartyId};

use crate::{event::Field, governance::Roles, trade::TradeId, view_key::Reader};

types::choice! {
    /// Why an instruction has no effect. Where several reasons hold, the first of this list is told: of the
    /// sender before anybody whom it names, and of one account before the next. That an account or an instrument
    /// is not sealed, or not open, is told where it is looked at.
    pub enum Reject {
        /// It is, or touches, a sealed amount, account or instrument where only open ones may be, or the reverse.
        0 => SealedNotAllowed,
        /// The envelope came after its expiry.
        1 => Expired,
        /// Not told by this version: what names a venue and comes by itself may not stand in a block.
        2 => ViaNotYet,
        /// No such party.
        3 => PartyUnknown { /// Which.
            party: PartyId, },
        /// The party may not act for now.
        4 => PartySuspended { /// Which.
            party: PartyId, },
        /// The sender has none of the roles that may ask this.
        5 => RoleMissing { /// Any of these would do.
            roles: Roles, },
        /// A set of roles is empty or has unknown members.
        6 => RolesUnknown { /// As given.
            roles: Roles, },
        /// The party's number is taken, or is that of the operator of the rules.
        7 => PartyExists { /// Which.
            party: PartyId, },
        /// The party has no such key, or it is revoked.
        8 => KeyUnknown { /// Whose.
            party: PartyId, /// Which.
            key: KeyId, },
        /// The key's number is taken.
        9 => KeyExists { /// Whose.
            party: PartyId, /// Which.
            key: KeyId, },
        /// The parameter may not be set so.
        10 => ParameterOutOfRange { /// As given.
            value: i64, },
        /// None, too many, or a key twice.
        11 => ValidatorsNotAllowed,
        /// This administrator has asked the same before.
        12 => AlreadyApproved { /// Who.
            party: PartyId, },
        /// No such account.
        13 => AccountUnknown { /// Which.
            account: AccountId, },
        /// The account's number is taken, or is one that only the rules give.
        14 => AccountExists { /// Which.
            account: AccountId, },
        /// The party does not manage the account.
        15 => AccountNotManaged { /// Which.
            account: AccountId, /// Who does not.
            party: PartyId, },
        /// Money circulates among settlement members only.
        16 => AccountNotEligible { /// Which.
            account: AccountId, /// For what.
            instrument: InstrumentId, },
        /// The instrument's id, or its scale, is none.
        17 => InstrumentInvalid { /// As given.
            instrument: InstrumentId, },
        /// No such instrument, or of the wrong kind here.
        18 => InstrumentUnknown { /// Which.
            instrument: InstrumentId, },
        /// The instrument is listed already.
        19 => InstrumentExists { /// Which.
            instrument: InstrumentId, },
        /// The sender is not the instrument's issuer.
        20 => NotIssuer { /// Of what.
            instrument: InstrumentId, },
        /// A quantity or an amount is not above zero.
        21 => QuantityNotPositive,
        /// The date is not allowed here: before another that it must follow.
        22 => DateNotAllowed { /// As given.
            date: BusinessDate, },
        /// The venue's date is closed.
        23 => VenueClosed { /// As given.
            date: BusinessDate, },
        /// No such request, or it is decided.
        24 => RequestUnknown { /// Which.
            request: InstructionId, },
        /// No such trade.
        25 => TradeUnknown { /// Which.
            trade: TradeId, },
        /// The sender is not the side that is asked.
        26 => NotCounterparty { /// Who.
            party: PartyId, },
        /// The trade does not wait for an affirmation.
        27 => TradeNotWaiting { /// Which.
            trade: TradeId, },
        /// The trade is not imported or affirmed, or is settled.
        28 => TradeNotBinding { /// Which.
            trade: TradeId, },
        /// Two tellings of a trade differ.
        29 => TradeDiffers { /// In this field first.
            field: Field, },
        /// No such instruction, or it has ended.
        30 => InstructionUnknown { /// Which.
            instruction: InstructionId, },
        /// The instruction is another party's.
        31 => InstructionNotYours { /// Which.
            instruction: InstructionId, },
        /// The instruction's state does not allow this.
        32 => NotInThisState { /// Which.
            instruction: InstructionId, },
        /// No such position.
        33 => PositionUnknown { /// In which account.
            account: AccountId, /// Of what.
            instrument: InstrumentId, },
        /// A sum leaves the range of amounts.
        34 => AmountsDoNotAdd { /// Of what.
            instrument: InstrumentId, },
        /// The position would fall below zero.
        35 => PositionNotCovered { /// In which account.
            account: AccountId, /// Of what.
            instrument: InstrumentId, },
        /// The security is traded against the currency already.
        36 => BoardExists { /// Which security.
            instrument: InstrumentId, /// Which currency.
            currency: InstrumentId, },
        /// The security is not traded against the currency.
        37 => BoardUnknown { /// Which security.
            instrument: InstrumentId, /// Which currency.
            currency: InstrumentId, },
        /// No such order, or it has ended.
        38 => OrderUnknown { /// Which.
            order: InstructionId, },
        /// The order is another party's.
        39 => OrderNotYours { /// Which.
            order: InstructionId, },
        /// The price is below zero, or no multiple of the tick.
        40 => PriceOffTick { /// The board's.
            tick: i64, },
        /// The quantity is no multiple of the lot.
        41 => QuantityOffLot { /// The board's.
            lot: i64, },
        /// What the bid would cost leaves the range of amounts.
        42 => OrderTooLarge,
        /// There is no such view key.
        43 => ViewKeyUnknown { /// Whose.
            reader: Reader, },
        /// It is no view key, is registered already, or has another number than the next.
        44 => ViewKeyNotAllowed,
        /// The account gives or receives nothing here.
        45 => NotThisAccount { /// Which.
            account: AccountId, },
        /// Cover was named where nothing is given.
        46 => CoverForNothing,
        /// The amounts are sealed under another administrators' key.
        47 => AdministratorsKeyOld { /// The one that is used now.
            key: u32, },
        /// The set is empty or too long, names a pair twice, or not exactly the positions that it debits.
        48 => SetNotAllowed,
        /// The position does not stand as the proof has it. To be proved again, over what stands now.
        49 => PositionMoved { /// In which account.
            account: AccountId, /// Of what.
            instrument: InstrumentId, },
    }
}

impl Reject {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SealedNotAllowed => "sealed-not-allowed",
            Self::Expired => "expired",
            Self::ViaNotYet => "via-not-yet",
            Self::PartyUnknown { .. } => "party-unknown",
            Self::PartySuspended { .. } => "party-suspended",
            Self::RoleMissing { .. } => "role-missing",
            Self::RolesUnknown { .. } => "roles-unknown",
            Self::PartyExists { .. } => "party-exists",
            Self::KeyUnknown { .. } => "key-unknown",
            Self::KeyExists { .. } => "key-exists",
            Self::ParameterOutOfRange { .. } => "parameter-out-of-range",
            Self::ValidatorsNotAllowed => "validators-not-allowed",
            Self::AlreadyApproved { .. } => "already-approved",
            Self::AccountUnknown { .. } => "account-unknown",
            Self::AccountExists { .. } => "account-exists",
            Self::AccountNotManaged { .. } => "account-not-managed",
            Self::AccountNotEligible { .. } => "account-not-eligible",
            Self::InstrumentInvalid { .. } => "instrument-invalid",
            Self::InstrumentUnknown { .. } => "instrument-unknown",
            Self::InstrumentExists { .. } => "instrument-exists",
            Self::NotIssuer { .. } => "not-issuer",
            Self::QuantityNotPositive => "quantity-not-positive",
            Self::DateNotAllowed { .. } => "date-not-allowed",
            Self::VenueClosed { .. } => "venue-closed",
            Self::RequestUnknown { .. } => "request-unknown",
            Self::TradeUnknown { .. } => "trade-unknown",
            Self::NotCounterparty { .. } => "not-counterparty",
            Self::TradeNotWaiting { .. } => "trade-not-waiting",
            Self::TradeNotBinding { .. } => "trade-not-binding",
            Self::TradeDiffers { .. } => "trade-differs",
            Self::InstructionUnknown { .. } => "instruction-unknown",
            Self::InstructionNotYours { .. } => "instruction-not-yours",
            Self::NotInThisState { .. } => "not-in-this-state",
            Self::PositionUnknown { .. } => "position-unknown",
            Self::AmountsDoNotAdd { .. } => "amounts-do-not-add",
            Self::PositionNotCovered { .. } => "position-not-covered",
            Self::BoardExists { .. } => "board-exists",
            Self::BoardUnknown { .. } => "board-unknown",
            Self::OrderUnknown { .. } => "order-unknown",
            Self::OrderNotYours { .. } => "order-not-yours",
            Self::PriceOffTick { .. } => "price-off-tick",
            Self::QuantityOffLot { .. } => "quantity-off-lot",
            Self::OrderTooLarge => "order-too-large",
            Self::ViewKeyUnknown { .. } => "view-key-unknown",
            Self::ViewKeyNotAllowed => "view-key-not-allowed",
            Self::NotThisAccount { .. } => "not-this-account",
            Self::CoverForNothing => "cover-for-nothing",
            Self::AdministratorsKeyOld { .. } => "administrators-key-old",
            Self::PositionMoved { .. } => "position-moved",
            Self::SetNotAllowed => "set-not-allowed",
        }
    }

    /// The ISO 20022 reason (sese.024 rejection reason, or the mismatch reason of a field), where one exists.
    #[must_use]
    pub const fn iso(&self) -> Option<&'static str> {
        match self {
            Self::Expired => Some("ADEA"),
            Self::PartyUnknown { .. } | Self::PartySuspended { .. } => Some("ICAG"),
            Self::AccountUnknown { .. } | Self::AccountNotManaged { .. } => Some("SAFE"),
            Self::AccountNotEligible { .. } => Some("CASH"),
            Self::InstrumentInvalid { .. } | Self::InstrumentUnknown { .. } => Some("DSEC"),
            Self::QuantityNotPositive | Self::AmountsDoNotAdd { .. } => Some("DQUA"),
            Self::DateNotAllowed { .. } => Some("DDAT"),
            Self::VenueClosed { .. } => Some("LATE"),
            Self::TradeUnknown { .. }
            | Self::RequestUnknown { .. }
            | Self::InstructionUnknown { .. } => Some("REFE"),
            Self::TradeDiffers { field } => Some(field.iso()),
            Self::PositionNotCovered { instrument, .. } => {
                Some(if instrument.is_currency() { "MONY" } else { "LACK" })
            }
            _ => None,
        }
    }
}
