//! Fills of the board: a trade and two instructions that say the same, which go the way of all others.
//!
//! They have names that no sender gives: the operator of the rules, party 0, and the number of the fill.

use alloc::vec::Vec;

use crypto::Amount;
use types::{AccountId, BusinessDate, InstructionId, InstrumentId, Lane, PartyId, Sender, Text};

use super::{
    AgainstPayment, Asked, Instructed, OpenTerms, Priority, Side, Status, dvp, matching,
    queue::Frontier,
};
use crate::{
    book::{Place, Position},
    draft::{Draft, Missing},
    governance,
    issuance::{Instrument, Listing},
    registry::RegistryHash,
    row::{Key, Row},
    trade::{Trade, TradeId, TradeStatus},
};

/// What was agreed on the board.
pub(crate) struct Filled {
    /// The number of the fill.
    pub number: u64,
    /// What.
    pub instrument: InstrumentId,
    /// How many units.
    pub quantity: Amount,
    /// Of which currency.
    pub currency: InstrumentId,
    /// For how much, in minor units.
    pub amount: Amount,
    /// When it was agreed, and is to settle.
    pub date: BusinessDate,
    /// Whose order came last.
    pub reporter: PartyId,
}

/// One of its sides.
pub(crate) struct FillSide {
    /// Who.
    pub party: PartyId,
    /// Its securities account.
    pub account: AccountId,
    /// Its cash account.
    pub cash: AccountId,
    /// Its reference.
    pub reference: Text<35>,
}

/// The names of the instructions that settle a fill: the deliverer's, and the receiver's.
pub(crate) const fn fill_ids(number: u64) -> [InstructionId; 2] {
    let (sender, lane, sequence) = (Sender::Party(governance::OPERATOR), Lane(0), number);
    [
        InstructionId { sender, lane, sequence, index: 0 },
        InstructionId { sender, lane, sequence, index: 1 },
    ]
}

/// The name of the trade of a fill: told by both orders, as if by the deliverer's instruction.
const fn trade_of(number: u64) -> TradeId {
    let [report, _] = fill_ids(number);
    TradeId::Reported { report }
}

/// The rows that a fill makes.
pub(crate) fn fill_rows(number: u64) -> impl Iterator<Item = Key> {
    let instructions = fill_ids(number).map(|id| Instructed::key(&id));
    instructions.into_iter().chain([Trade::key(&trade_of(number))])
}

/// The rows that settling on a position asks for.
pub(crate) fn rows_of(place: Place) -> Vec<Key> {
    let mut rows = alloc::vec![
        Position::key(&place),
        Frontier::key(&place),
        Instrument::key(&place.1),
        Listing::key(&place.1),
    ];
    if !place.1.is_currency() {
        rows.push(RegistryHash::key(&place.1));
    }
    rows
}

/// Matches both sides of a fill, and settles them if they may and are covered.
pub(crate) fn settle_fill(
    draft: &mut Draft<'_>,
    filled: &Filled,
    seller: &FillSide,
    buyer: &FillSide,
) -> Result<(), Missing> {
    let [deliver, receive] = fill_ids(filled.number);
    let trade = Trade {
        buyer: buyer.party,
        seller: seller.party,
        instrument: filled.instrument,
        quantity: filled.quantity.clone(),
        amount: filled.amount.clone(),
        currency: filled.currency,
        trade_date: filled.date,
        intended_date: filled.date,
        reporter: filled.reporter,
        reference: Text::default(),
        status: TradeStatus::Instructed,
    };
    draft.put(&trade_of(filled.number), &trade)?;
    let sides = [
        (deliver, filled.terms(Side::Deliver, seller, buyer), seller.party, receive),
        (receive, filled.terms(Side::Receive, buyer, seller), buyer.party, deliver),
    ];
    for (id, terms, party, other) in sides {
        let signed_off = !matching::needs_sign_off(draft, &terms)?;
        let row = Instructed::new(draft, party, Asked::Settle(terms), Status::Pending, false)?;
        draft.put(&id, &Instructed { counterpart: Some(other), signed_off, ..row })?;
    }
    dvp::advance(draft, deliver)
}

impl Filled {
    /// What one side instructs.
    fn terms(&self, side: Side, own: &FillSide, other: &FillSide) -> OpenTerms {
        OpenTerms {
            side,
            trade_date: self.date,
            intended_date: self.date,
            instrument: self.instrument,
            quantity: self.quantity.clone(),
            account: own.account,
            counterparty: other.party,
            counterparty_account: other.account,
            payment: Some(AgainstPayment {
                account: own.cash,
                amount: self.amount.clone(),
                currency: self.currency,
            }),
            priority: Priority::Normal,
            partial: false,
            hold: false,
            reference: own.reference.clone(),
            common_reference: Text::default(),
            trade: Some(trade_of(self.number)),
        }
    }
}
