//! Giving effect to an instruction: administrators under the threshold of their verb, parties for themselves.

use types::{AccountId, InstructionId, PartyId, Sender};

use crate::{
    Stop,
    asked::Asked,
    book,
    draft::Draft,
    governance::{self, Roles},
    instruction::Instruction,
    issuance::{self, Listing},
    order,
    reject::Reject,
    settlement::{self, Terms, sealed},
    threshold, trade,
    view_key::{self, ViewKey},
};

impl Instruction {
    /// Gives effect to this instruction.
    ///
    /// # Errors
    /// Those of [`governance::sender`], then those of the market function that is asked, in its order.
    pub(crate) fn take_effect(
        &self,
        draft: &mut Draft<'_>,
        asked: &Asked<'_>,
        id: InstructionId,
    ) -> Result<(), Stop> {
        if let Sender::Account(account) = draft.sender {
            return self.perform_for(draft, asked, (id, account));
        }
        let (party, row) = governance::sender(draft)?;
        let of_key = match self {
            Self::AddKey { party, .. } | Self::RevokeKey { party, .. } => Some(*party),
            _ => None,
        };
        let own_key = of_key == Some(party) && !row.roles.any_of(Roles::ADMINISTRATOR);
        let administrators = of_key.filter(|_| !own_key).map(|_| Roles::ADMINISTRATOR);
        match administrators.or(self.administrators()) {
            Some(roles) if !threshold::approve(draft, roles, self, id)? => Ok(()),
            Some(_) => self.decree(draft, asked, party),
            None if own_key => self.decree(draft, asked, party),
            None => self.perform(draft, asked, id, party),
        }
    }

    /// What an account asks for itself, by its own key.
    fn perform_for(
        &self,
        draft: &mut Draft<'_>,
        asked: &Asked<'_>,
        (id, account): (InstructionId, AccountId),
    ) -> Result<(), Stop> {
        match self {
            Self::Settle(Terms::Sealed(terms)) => {
                sealed::settle(draft, asked, (id, account), terms)
            }
            Self::Fund { instruction, cover } => {
                sealed::fund(draft, asked, (*instruction, account), cover)
            }
            Self::Retire { instrument, units, administrators_key, cover } => {
                let place = (account, *instrument);
                issuance::sealed::retire(
                    draft,
                    asked,
                    id,
                    place,
                    (*units, *administrators_key, cover),
                )
            }
            Self::Hold { instruction } => sealed::hold(draft, (*instruction, account), true),
            Self::Release { instruction } => sealed::hold(draft, (*instruction, account), false),
            Self::Cancel { instruction } => sealed::cancel(draft, (*instruction, account)),
            Self::Prioritise { instruction, priority } => {
                sealed::prioritise(draft, (*instruction, account), *priority)
            }
            Self::AttestPosition { account: of, instrument } if *of == account => {
                book::sealed::attest(draft, (*of, *instrument))
            }
            _ => Err(Reject::NotThisAccount { account }.into()),
        }
    }

    /// What administrators ask, once enough of them have asked it.
    fn decree(&self, draft: &mut Draft<'_>, asked: &Asked<'_>, by: PartyId) -> Result<(), Stop> {
        match self {
            Self::AdmitParty { party, lei, name, roles, key } => {
                let (lei, name, roles) = (*lei, name.clone(), *roles);
                let row = governance::Party { lei, name, roles, suspended: false };
                governance::admit(draft, *party, &row, *key)
            }
            Self::SuspendParty { party, suspended } => {
                governance::suspend(draft, *party, *suspended)
            }
            Self::AddKey { party, key, public } => {
                governance::add_key(draft, *party, *key, *public)
            }
            Self::RevokeKey { party, key } => governance::revoke_key(draft, *party, *key),
            Self::SetParameter { name, value } => governance::set(draft, name, *value),
            Self::SetValidators { validators } => governance::set_validators(draft, validators),
            Self::OpenDay { date } => governance::open_day(draft, *date),
            Self::List { instrument, kind, scale, issuer, name, cfi, sign_off } => {
                let (name, cfi) = (name.clone(), *cfi);
                let row = Listing { issuer: *issuer, name, cfi, sign_off: *sign_off };
                issuance::list(draft, *instrument, *kind, *scale, &row)
            }
            Self::OpenAccount { account, view_key, .. } => {
                book::open_account(draft, *account, self, None)?;
                asked.require(view_key::registration(asked.chain, self, view_key))
            }
            Self::SetViewKey { reader, view, envelope } => {
                let row = ViewKey { view: *view, envelope: *envelope };
                view_key::register(draft, asked, self, (*reader, row))
            }
            Self::DecideRequest { request, approved } => {
                issuance::decide(draft, *request, *approved)
            }
            Self::ImportTrades { venue, date, trades } => {
                trade::import(draft, by, *venue, *date, trades)
            }
            Self::CloseVenue { venue, date } => trade::close_venue(draft, *venue, *date),
            Self::OpenBoard { instrument, currency, lot, tick } => {
                order::open_board(draft, (*instrument, *currency), *lot, *tick)
            }
            Self::SignOff { instruction, approved } => {
                settlement::sign_off(draft, *instruction, *approved)
            }
            _ => unreachable!("not an administrator's verb"),
        }
    }

    /// What a party asks for itself.
    fn perform(
        &self,
        draft: &mut Draft<'_>,
        asked: &Asked<'_>,
        id: InstructionId,
        party: PartyId,
    ) -> Result<(), Stop> {
        match self {
            Self::OpenAccount { account, .. } => {
                governance::require_role(draft, Roles::ACCOUNT_MANAGER)?;
                book::open_account(draft, *account, self, Some(party))
            }
            Self::SettleTogether { instructions, covers } => {
                sealed::together::settle(draft, asked, instructions, covers)
            }
            Self::RequestIssue { instrument, account, quantity } => {
                issuance::request(draft, id, (*account, *instrument), quantity, false)
            }
            Self::RequestRedeem { instrument, account, quantity } => {
                issuance::request(draft, id, (*account, *instrument), quantity, true)
            }
            Self::IssueMoney { currency, account, amount } => {
                issuance::issue_money(draft, (*account, *currency), amount)
            }
            Self::RedeemMoney { currency, account, amount } => {
                issuance::redeem_money(draft, (*account, *currency), amount)
            }
            Self::Allocate { instrument, from, to } => {
                issuance::allocate(draft, (*from, *instrument), to)
            }
            Self::ReportTrade(told) => trade::report(draft, id, told),
            Self::AffirmTrade { trade, mine } => trade::affirm(draft, trade, mine),
            Self::RejectTrade { trade } => trade::reject(draft, trade),
            Self::Settle(terms) => settlement::settle(draft, id, terms),
            Self::Pay(payment) => settlement::pay(draft, id, payment),
            Self::Hold { instruction } => settlement::hold::set(draft, *instruction, party, true),
            Self::Release { instruction } => {
                settlement::hold::set(draft, *instruction, party, false)
            }
            Self::Cancel { instruction } => settlement::cancel(draft, *instruction, party),
            Self::Prioritise { instruction, priority } => {
                settlement::queue::prioritise(draft, *instruction, party, *priority)
            }
            Self::AttestPosition { account, instrument } => {
                book::attest(draft, (*account, *instrument), party)
            }
            Self::AttestInstrument { instrument } => issuance::attest(draft, *instrument, party),
            Self::PlaceOrder(wanted) => order::place(draft, id, wanted),
            Self::AmendOrder { order, price, quantity } => {
                order::amend(draft, *order, (*price, *quantity), party)
            }
            Self::CancelOrder { order } => order::cancel(draft, *order, party),
            Self::Fund { .. } | Self::Retire { .. } => Err(Reject::SealedNotAllowed.into()),
            _ => unreachable!("an administrator's verb"),
        }
    }
}
