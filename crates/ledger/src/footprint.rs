//! Which rows an envelope will ask for, as far as its bytes say: the chain fetches them together, before.
//!
//! A row that is not foreseen here is [`crate::Missing`] when it is asked for, and costs one go more.

use alloc::vec::Vec;

use types::{AccountId, InstructionId, InstrumentId, KeyId, PartyId, Sender, Wire};

use crate::{
    Envelope, Instruction, Key,
    book::{self, Account, Place, Position, sealed::SealedPosition},
    governance::{self, LaneRow, Parameter, ParameterName, Party, PartyKey, Validators},
    issuance::{Instrument, Listing, Request},
    order::{Board, Fills, Order},
    registry::RegistryHash,
    row::{Row, kind},
    settlement::{
        Arrivals, Instructed, OpenTerms, SealedInstructed, SealedTerms, Terms, queue::Waiting,
    },
    threshold::Proposal,
    trade::{Trade, TradeId, Venue},
    view_key::{Reader, ViewKey},
};

/// Rows that [`crate::apply`] will most likely ask for, to be fetched beforehand.
#[must_use]
pub fn footprint(envelope: &Envelope) -> Vec<Key> {
    let mut rows = Rows(Vec::new());
    rows.of_envelope(envelope);
    envelope.forwarded().iter().for_each(|it| rows.of_envelope(&it.envelope()));
    rows.0.sort_unstable();
    rows.0.dedup();
    rows.0
}

/// How many numbers after a missing one are looked up with it.
const NUMBERS_AHEAD: u64 = 256;

/// Rows that are likely to be missed after `missing` was: what waits is numbered as it arrives, so
/// many that arrive in one envelope ask for one number after the other.
#[must_use]
pub fn missed_next(missing: &Key) -> Vec<Key> {
    if missing.kind() != kind::WAITING {
        return Vec::new();
    }
    let number = u64::read(&mut types::Reader::new(missing.name())).unwrap_or(u64::MAX);
    let next = number.saturating_add(1)..=number.saturating_add(NUMBERS_AHEAD);
    next.map(|it| Waiting::key(&it)).collect()
}

/// Where the number of the administrators' key stands.
fn current_key() -> Key {
    Parameter::key(&ParameterName::AdministratorsKey)
}

struct Rows(Vec<Key>);

impl Rows {
    fn of_envelope(&mut self, envelope: &Envelope) {
        self.0.push(LaneRow::key(&(envelope.sender, envelope.lane)));
        match envelope.sender {
            Sender::Party(party) => {
                self.0.extend([Party::key(&party), PartyKey::key(&(party, envelope.key))]);
            }
            Sender::Account(account) => self.0.push(Account::key(&account)),
        }
        for (id, instruction) in envelope.ids().zip(&envelope.instructions) {
            self.of(id, instruction);
        }
    }

    fn of(&mut self, id: InstructionId, asked: &Instruction) {
        use Instruction as I;
        if asked.administrators().is_some() {
            let verb = asked.to_bytes().first().copied().unwrap_or_default();
            self.0.push(Parameter::key(&ParameterName::Threshold { verb }));
            self.0.push(Proposal::key(&id));
        }
        match asked {
            I::AdmitParty { party, .. } | I::SuspendParty { party, .. } => {
                self.party(*party, KeyId(0));
            }
            I::AddKey { party, key, .. } | I::RevokeKey { party, key } => self.party(*party, *key),
            I::SetParameter { name, .. } => self.0.push(Parameter::key(name)),
            I::SetValidators { validators } => {
                validators.iter().for_each(|it| self.0.push(Party::key(&it.party)));
                (0..governance::PARTS).for_each(|part| self.0.push(Validators::key(&part)));
            }
            I::OpenDay { .. } => self.0.push(Parameter::key(&ParameterName::BusinessDate)),
            I::OpenAccount { account, .. } => self.0.push(Account::key(account)),
            I::SetViewKey { reader, .. } => {
                self.0.extend([ViewKey::key(reader), current_key()]);
                if let Reader::Issuer { instrument } = reader {
                    self.listed(*instrument);
                }
            }
            I::List { instrument, issuer, .. } => {
                self.party(*issuer, KeyId(0));
                self.listed(*instrument);
            }
            I::RequestIssue { instrument, account, .. }
            | I::RequestRedeem { instrument, account, .. } => {
                self.0.extend([Account::key(account), Request::key(&id)]);
                self.listed(*instrument);
            }
            I::DecideRequest { request, .. } => {
                self.0.extend([Request::key(request), current_key()]);
            }
            I::IssueMoney { currency, account, .. } | I::RedeemMoney { currency, account, .. } => {
                self.place((*account, *currency));
                self.place((book::issuance_account(*currency), *currency));
            }
            I::Allocate { instrument, from, to } => {
                let accounts = to.iter().map(|it| it.0).chain([*from]);
                accounts.for_each(|account| self.place((account, *instrument)));
            }
            I::AttestPosition { account, instrument } => self.place((*account, *instrument)),
            I::AttestInstrument { instrument } => self.listed(*instrument),
            I::OpenBoard { .. }
            | I::PlaceOrder(_)
            | I::AmendOrder { .. }
            | I::CancelOrder { .. } => self.of_order(id, asked),
            _ => self.of_deal(id, asked),
        }
    }

    fn of_order(&mut self, id: InstructionId, asked: &Instruction) {
        use Instruction as I;
        self.0.push(Parameter::key(&ParameterName::BusinessDate));
        match asked {
            I::OpenBoard { instrument, currency, .. } => {
                self.0.extend([Board::key(&(*instrument, *currency)), Arrivals::key(&1)]);
                self.listed(*instrument);
                self.listed(*currency);
            }
            I::PlaceOrder(wanted) => {
                self.arrives(id);
                self.0.extend([Board::key(&(wanted.instrument, wanted.currency)), Order::key(&id)]);
                self.0.push(Fills::key(&0));
                self.place((wanted.account, wanted.instrument));
                self.place((wanted.cash, wanted.currency));
            }
            I::AmendOrder { order, .. } => {
                self.0.extend([Order::key(order), Arrivals::key(&0), Fills::key(&0)]);
            }
            I::CancelOrder { order } => self.0.push(Order::key(order)),
            _ => (),
        }
    }

    fn of_deal(&mut self, id: InstructionId, asked: &Instruction) {
        use Instruction as I;
        match asked {
            I::ImportTrades { venue, date, trades } => {
                self.0.push(Venue::key(venue));
                for it in trades {
                    let number = it.number.clone();
                    self.0.push(Trade::key(&TradeId::Venue { venue: *venue, date: *date, number }));
                    self.0.extend([Party::key(&it.buyer), Party::key(&it.seller)]);
                    self.0.extend([Listing::key(&it.instrument), Listing::key(&it.currency)]);
                }
            }
            I::CloseVenue { venue, .. } => self.0.push(Venue::key(venue)),
            I::ReportTrade(told) => {
                self.0.push(Trade::key(&TradeId::Reported { report: id }));
                self.0.push(Party::key(&told.counterparty));
                self.0.extend([Listing::key(&told.instrument), Listing::key(&told.currency)]);
                self.0.push(Parameter::key(&ParameterName::AffirmWithin));
            }
            I::AffirmTrade { trade, mine } => {
                self.0.push(Trade::key(trade));
                self.tolerance(mine.currency);
            }
            I::RejectTrade { trade } => self.0.push(Trade::key(trade)),
            I::Settle(Terms::Open(terms)) => self.settles(id, terms),
            I::Settle(Terms::Sealed(terms)) => self.settles_sealed(id, terms),
            I::Fund { instruction, .. } => self.sealed_rows(*instruction),
            I::Retire { instrument, administrators_key, .. } => {
                self.reads(*instrument, *administrators_key);
                self.listed(*instrument);
                self.0.push(Request::key(&id));
                if let Sender::Account(account) = id.sender {
                    self.sealed_place((account, *instrument));
                }
            }
            I::SettleTogether { instructions, covers } => {
                instructions.iter().for_each(|it| self.sealed_rows(*it));
                covers.iter().for_each(|it| self.sealed_place(it.place));
            }
            I::Pay(payment) => {
                self.arrives(id);
                self.place((payment.from, payment.currency));
                self.place((payment.to, payment.currency));
            }
            I::Hold { instruction }
            | I::Release { instruction }
            | I::Cancel { instruction }
            | I::Prioritise { instruction, .. }
            | I::SignOff { instruction, .. } => {
                match instruction.sender {
                    Sender::Party(_) => self.0.push(Instructed::key(instruction)),
                    Sender::Account(_) => self.sealed_rows(*instruction),
                }
                self.0.push(Parameter::key(&ParameterName::BusinessDate));
            }
            _ => (),
        }
    }

    fn settles(&mut self, id: InstructionId, terms: &OpenTerms) {
        self.arrives(id);
        self.0.push(Parameter::key(&ParameterName::MatchWithin));
        self.place((terms.account, terms.instrument));
        self.place((terms.counterparty_account, terms.instrument));
        self.0.extend(terms.trade.iter().map(Trade::key));
        if let Some(payment) = &terms.payment {
            self.place((payment.account, payment.currency));
            self.tolerance(payment.currency);
        }
    }

    fn settles_sealed(&mut self, id: InstructionId, terms: &SealedTerms) {
        self.arrives(id);
        self.0.extend([SealedInstructed::key(&id), Parameter::key(&ParameterName::MatchWithin)]);
        for movement in terms.movements() {
            self.reads(movement.instrument, terms.administrators_key);
            self.listed(movement.instrument);
            self.sealed_place(movement.debit());
            self.sealed_place(movement.credit());
        }
    }

    fn sealed_rows(&mut self, id: InstructionId) {
        self.0.push(SealedInstructed::key(&id));
    }

    fn sealed_place(&mut self, place: Place) {
        self.0.extend([Account::key(&place.0), SealedPosition::key(&place)]);
        if !place.1.is_currency() {
            self.0.push(RegistryHash::key(&place.1));
        }
    }

    /// The keys of those who read an instrument beside its owners.
    fn reads(&mut self, instrument: InstrumentId, key: u32) {
        self.0.extend([current_key(), ViewKey::key(&Reader::Administrators { key })]);
        if !instrument.is_currency() {
            self.0.push(ViewKey::key(&Reader::Issuer { instrument }));
        }
    }

    fn arrives(&mut self, id: InstructionId) {
        self.0.extend([Instructed::key(&id), Arrivals::key(&0)]);
        self.0.push(Parameter::key(&ParameterName::BusinessDate));
    }

    fn party(&mut self, party: PartyId, key: KeyId) {
        self.0.extend([Party::key(&party), PartyKey::key(&(party, key))]);
    }

    fn listed(&mut self, instrument: InstrumentId) {
        self.0.extend([Listing::key(&instrument), Instrument::key(&instrument)]);
    }

    fn place(&mut self, place: Place) {
        let (account, instrument): (AccountId, InstrumentId) = place;
        self.0.extend([Account::key(&account), Position::key(&place)]);
        self.listed(instrument);
        if !instrument.is_currency() {
            self.0.push(RegistryHash::key(&instrument));
        }
    }

    fn tolerance(&mut self, currency: InstrumentId) {
        self.0.push(Parameter::key(&ParameterName::Tolerance { currency }));
    }
}
