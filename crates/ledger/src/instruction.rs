//! Everything that may be asked, and by whom.

use alloc::vec::Vec;

use crypto::Amount;
use types::{
    AccountId, BusinessDate, Cfi, Digest, InstructionId, InstrumentId, KeyId, Lei, Mic, PartyId,
    PublicKey, Sender, Text, Validator,
};

use crate::{
    book::sealed::Cover,
    forward::Forwarded,
    governance::{ParameterName, Roles},
    order::PlaceOrder,
    settlement::{Covering, Pay, Priority, Terms},
    trade::{ReportTrade, TradeId, VenueTrade},
    view_key::Reader,
};

types::choice! {
    /// One instruction. The comment names who may ask it; everybody else is refused by role.
    pub enum Instruction {
        /// Administrator: admits a party with its first key.
        0 => AdmitParty {
            /// Its number, chosen by the administrator.
            party: PartyId,
            /// Its legal entity identifier.
            lei: Lei,
            /// Its name.
            name: Text<70>,
            /// What it may do.
            roles: Roles,
            /// Its key number 0.
            key: PublicKey,
        },
        /// Administrator: suspends a party, or lets it act again.
        1 => SuspendParty {
            /// Which party.
            party: PartyId,
            /// Whether it is suspended from now on.
            suspended: bool,
        },
        /// A party, for itself; an administrator, for any: adds a key.
        2 => AddKey {
            /// Whose key.
            party: PartyId,
            /// Its number; not used before.
            key: KeyId,
            /// The key.
            public: PublicKey,
        },
        /// A party, for itself; an administrator, for any: revokes a key, from this block on.
        3 => RevokeKey {
            /// Whose key.
            party: PartyId,
            /// Which.
            key: KeyId,
        },
        /// Administrator: sets a parameter.
        4 => SetParameter {
            /// Which.
            name: ParameterName,
            /// Its value.
            value: i64,
        },
        /// Administrator: names the validators of the next epoch.
        5 => SetValidators {
            /// All of them.
            validators: Vec<Validator>,
        },
        /// Administrator: opens a business day; the market's date moves forward only.
        6 => OpenDay {
            /// The day.
            date: BusinessDate,
        },
        /// Participant, CSD or settlement bank: opens an account that it manages. CSD: admits one with keys of its
        /// own, which names no manager.
        7 => OpenAccount {
            /// Its number, unique on the market.
            account: AccountId,
            /// The key that may spend from it (sealed instruments); zeros on open accounts.
            spend_key: PublicKey,
            /// The key that may read it (sealed instruments); zeros on open accounts.
            view_key: PublicKey,
            /// The key that sealed envelopes to its owner are made for; zeros on open accounts.
            envelope_key: PublicKey,
            /// Account class.
            class: u16,
            /// Salted commitment to the holder's record.
            holder: Digest,
            /// Number of the holder, the same for one person everywhere.
            holder_number: [u8; 16],
        },
        /// Administrator: registers an instrument.
        8 => List {
            /// Its ISIN, or a currency.
            instrument: InstrumentId,
            /// Security or money, open or sealed.
            kind: crate::issuance::Kind,
            /// Decimal places of its quantities.
            scale: u8,
            /// Its issuer; the settlement bank, for money.
            issuer: PartyId,
            /// Its name.
            name: Text<100>,
            /// Its classification.
            cfi: Cfi,
            /// Whether the administrator signs off each settlement of it.
            sign_off: bool,
        },
        /// Issuer: requests units for an account. Has no effect until approved.
        9 => RequestIssue {
            /// Of what.
            instrument: InstrumentId,
            /// To which account.
            account: AccountId,
            /// How many units.
            quantity: Amount,
        },
        /// Issuer: requests to take units back from an account. Has no effect until approved.
        10 => RequestRedeem {
            /// Of what.
            instrument: InstrumentId,
            /// From which account.
            account: AccountId,
            /// How many units.
            quantity: Amount,
        },
        /// CSD: gives effect to a request, or refuses it.
        11 => DecideRequest {
            /// The request.
            request: InstructionId,
            /// Whether it is approved.
            approved: bool,
        },
        /// Settlement bank: issues money tokens against a deposit.
        12 => IssueMoney {
            /// The currency.
            currency: InstrumentId,
            /// To whom.
            account: AccountId,
            /// How much, in minor units.
            amount: Amount,
        },
        /// Account manager: gives money tokens back to the settlement bank.
        13 => RedeemMoney {
            /// The currency.
            currency: InstrumentId,
            /// From which account.
            account: AccountId,
            /// How much, in minor units.
            amount: Amount,
        },
        /// Account manager: allocates units of one account over several.
        14 => Allocate {
            /// Of what.
            instrument: InstrumentId,
            /// From which account.
            from: AccountId,
            /// To which accounts, how many units each.
            to: Vec<(AccountId, Amount)>,
        },
        /// Exchange: imports executed trades of a venue. One that is known already changes nothing.
        15 => ImportTrades {
            /// The venue.
            venue: Mic,
            /// Its trade date.
            date: BusinessDate,
            /// The trades.
            trades: Vec<VenueTrade>,
        },
        /// Exchange: closes a venue's date; its trades' numbers are forgotten, older dates are refused.
        16 => CloseVenue {
            /// The venue.
            venue: Mic,
            /// Up to and including this date.
            date: BusinessDate,
        },
        /// Participant: reports a trade for the other side to affirm.
        17 => ReportTrade(ReportTrade),
        /// The other side: affirms a reported trade by saying it again as it knows it.
        18 => AffirmTrade {
            /// The report.
            trade: TradeId,
            /// The trade as this side knows it.
            mine: ReportTrade,
        },
        /// The other side: rejects a reported trade.
        19 => RejectTrade {
            /// The report.
            trade: TradeId,
        },
        /// Account manager: one side of a settlement.
        20 => Settle(Terms),
        /// Account manager: a payment without a delivery.
        21 => Pay(Pay),
        /// Either side: not to be settled yet.
        22 => Hold {
            /// Its own instruction.
            instruction: InstructionId,
        },
        /// Either side: may settle now.
        23 => Release {
            /// Its own instruction.
            instruction: InstructionId,
        },
        /// Either side: cancels alone while unmatched, together once matched.
        24 => Cancel {
            /// Its own instruction.
            instruction: InstructionId,
        },
        /// Either side: changes the priority of its own instruction.
        25 => Prioritise {
            /// Its own instruction.
            instruction: InstructionId,
            /// From now on.
            priority: Priority,
        },
        /// CSD or settlement agent: signs off a matched pair or a payment, or refuses it.
        26 => SignOff {
            /// The payment, or either side of the pair.
            instruction: InstructionId,
            /// Whether it may settle.
            approved: bool,
        },
        /// Account manager: writes a position anew without changing it, so that it can be proved.
        27 => AttestPosition {
            /// The account.
            account: AccountId,
            /// Of what.
            instrument: InstrumentId,
        },
        /// Issuer: writes its instrument's registry digest anew without changing it.
        28 => AttestInstrument {
            /// The instrument.
            instrument: InstrumentId,
        },
        /// Exchange: opens the board of a security against a currency.
        29 => OpenBoard {
            /// The security.
            instrument: InstrumentId,
            /// The currency.
            currency: InstrumentId,
            /// Quantities are multiples of so many units.
            lot: i64,
            /// Prices of one lot are multiples of so many minor units.
            tick: i64,
        },
        /// Account manager: places an order for today. Its id is this instruction's.
        30 => PlaceOrder(PlaceOrder),
        /// Account manager: changes its order. Zero units cancel; a smaller quantity at the same price keeps its
        /// place; anything else enters anew.
        31 => AmendOrder {
            /// Its own order.
            order: InstructionId,
            /// For one lot, from now on.
            price: i64,
            /// How many units are left of it, from now on.
            quantity: i64,
        },
        /// Account manager: cancels what is not filled of its order.
        32 => CancelOrder {
            /// Its own order.
            order: InstructionId,
        },
        /// Exchange: brings its members' orders, in its order. Stands alone in its envelope.
        33 => Forward {
            /// The members' envelopes, each of which names who forwards it.
            envelopes: Vec<Forwarded>,
        },
        /// Administrator: registers a view key, whose secret is shown to be known.
        34 => SetViewKey {
            /// Whose.
            reader: Reader,
            /// A point of ristretto255.
            view: PublicKey,
            /// The key that sealed envelopes to its owner are made for.
            envelope: PublicKey,
        },
        /// An account: funds its own instruction from what it has.
        35 => Fund {
            /// Its own instruction.
            instruction: InstructionId,
            /// What its leg is taken from.
            cover: Cover,
        },
        /// An account: gives units back: money at once, a security when the CSD approves.
        36 => Retire {
            /// Of what.
            instrument: InstrumentId,
            /// How many units; everybody reads it.
            units: i64,
            /// Which administrators' key its position is sealed under.
            administrators_key: u32,
            /// What they are taken from.
            cover: Cover,
        },
        /// Settlement agent: settles instructions together that their owners have not funded.
        37 => SettleTogether {
            /// The instructions; of a pair, one.
            instructions: Vec<InstructionId>,
            /// The positions that they debit, in order.
            covers: Vec<Covering>,
        },
    }
}

impl Instruction {
    /// Which roles may ask this as administrators, under the threshold of the verb.
    pub(crate) fn administrators(&self) -> Option<Roles> {
        match self {
            Self::AdmitParty { .. }
            | Self::SuspendParty { .. }
            | Self::SetParameter { .. }
            | Self::SetValidators { .. }
            | Self::OpenDay { .. }
            | Self::List { .. } => Some(Roles::ADMINISTRATOR),
            Self::DecideRequest { .. } => Some(Roles::CSD),
            Self::ImportTrades { .. } | Self::CloseVenue { .. } | Self::OpenBoard { .. } => {
                Some(Roles::EXCHANGE)
            }
            Self::OpenAccount { .. } if self.admits() => Some(Roles::CSD),
            Self::SetViewKey { .. } => Some(Roles::ADMINISTRATOR),
            Self::SignOff { .. } => Some(Roles::CSD.and(Roles::SETTLEMENT_AGENT)),
            _ => None,
        }
    }

    /// Whether it opens an account with keys of its own.
    pub(crate) fn admits(&self) -> bool {
        let Self::OpenAccount { spend_key, view_key, envelope_key, .. } = self else {
            return false;
        };
        [spend_key, view_key, envelope_key].into_iter().any(|it| it.0 != [0; 32])
    }

    /// Whether this sender's instruction stands in a block with a proof.
    #[must_use]
    pub fn has_proof(&self, sender: Sender) -> bool {
        match (self, sender) {
            (Self::Settle(Terms::Sealed(terms)), Sender::Account(account)) => {
                terms.part(account).is_some_and(|part| terms.gives(part).is_some())
            }
            (Self::Fund { .. } | Self::Retire { .. }, Sender::Account(_)) => true,
            (Self::SetViewKey { .. } | Self::SettleTogether { .. }, Sender::Party(_)) => true,
            (_, Sender::Party(_)) => self.admits(),
            _ => false,
        }
    }

    /// Whether it has a sealed amount where only an open one may be.
    pub(crate) fn misplaces_sealed(&self) -> bool {
        let sealed = |amount: &Amount| matches!(amount, Amount::Sealed(_));
        match self {
            Self::RequestIssue { quantity: amount, .. }
            | Self::RequestRedeem { quantity: amount, .. }
            | Self::IssueMoney { amount, .. }
            | Self::RedeemMoney { amount, .. }
            | Self::Pay(Pay { amount, .. }) => sealed(amount),
            Self::Allocate { to, .. } => to.iter().any(|it| sealed(&it.1)),
            Self::ImportTrades { trades, .. } => {
                trades.iter().any(|it| sealed(&it.quantity) || sealed(&it.amount))
            }
            Self::ReportTrade(told) | Self::AffirmTrade { mine: told, .. } => {
                sealed(&told.quantity) || sealed(&told.amount)
            }
            Self::Settle(Terms::Open(terms)) => {
                sealed(&terms.quantity) || terms.payment.iter().any(|it| sealed(&it.amount))
            }
            _ => false,
        }
    }
}
