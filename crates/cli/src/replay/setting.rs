//! What a replay needs on the market before it begins: members, accounts, an instrument, cover.

use std::collections::BTreeMap;

use ledger::{
    Instruction,
    order::{Board, Order},
};
use types::{AccountId, InstrumentId, Lane, PartyId};

use super::{
    flow::Traded,
    recorded::{MONEY_SCALE, Recorded},
};
use crate::{
    desk::Desk,
    facts::account,
    failure::{Failure, Result},
    stage::{self, Listed},
};

/// In which lane members sign for a venue: in 0 they sign by commands, in 1 by their gateways.
pub const LANE: Lane = Lane(2);
/// The number of the first member.
const FIRST_MEMBER: u32 = 2_000;
/// So many units of each are shared among all members, when nobody knows what they will need.
const ALL: i64 = 1 << 62;

/// What is traded for what, and among whom.
pub struct Setting {
    /// The security.
    pub security: InstrumentId,
    /// The money.
    pub money: InstrumentId,
    /// How many members there are.
    pub members: u32,
}

impl Setting {
    /// Makes sure of members, accounts and instruments.
    ///
    /// # Errors
    /// Those of the desk; malformed, when the market has the instruments with other scales.
    pub async fn make(desk: &mut Desk, members: u32, traded: &Traded) -> Result<Self> {
        let (security, money) = (stage::security(traded.isin)?, InstrumentId::of_currency(*b"USD"));
        let it = Self { security, money, members };
        stage::admit(desk, (0..members).map(|member| it.party(member))).await?;
        let account = |member| (it.account(member), it.word(member), it.word(member));
        stage::open_accounts(desk, (0..members).map(account)).await?;
        let dollars = "Dollar tokens of a replay";
        for (instrument, scale, name) in
            [(security, traded.scale, traded.name), (money, MONEY_SCALE, dollars)]
        {
            stage::list(desk, &Listed { instrument, scale, name }).await?;
        }
        Ok(it)
    }

    /// The party of a member.
    pub const fn party(&self, member: u32) -> PartyId {
        PartyId(FIRST_MEMBER + member)
    }

    /// The account of a member, for securities and money.
    pub fn account(&self, member: u32) -> AccountId {
        account(&format!("replay-{member}"))
    }

    /// What a member's key file is called.
    pub fn word(&self, member: u32) -> String {
        stage::word(self.party(member))
    }

    /// Issues what sellers and buyers of `trades` lack, so that each of them can settle by itself.
    ///
    /// # Errors
    /// Those of the desk.
    pub async fn cover(&self, desk: &mut Desk, trades: &[Recorded]) -> Result<()> {
        let mut needed: BTreeMap<(AccountId, InstrumentId), i64> = BTreeMap::new();
        for trade in trades {
            let delivers = (self.account(trade.seller), self.security, trade.quantity);
            let pays = (self.account(trade.buyer), self.money, trade.value);
            for (account, instrument, units) in [delivers, pays] {
                let sum = needed.entry((account, instrument)).or_default();
                *sum = sum
                    .checked_add(units)
                    .ok_or_else(|| Failure::malformed("a sum is out of range"))?;
            }
        }
        stage::issue(desk, needed).await
    }

    /// Issues to members until each of them has its part of all that there can be of both.
    ///
    /// # Errors
    /// Those of the desk.
    pub async fn fund(&self, desk: &mut Desk) -> Result<()> {
        let part = ALL / i64::from(self.members);
        let both = |it| [(self.account(it), self.security), (self.account(it), self.money)];
        let needed = (0..self.members).flat_map(both).map(|it| (it, part));
        stage::issue(desk, needed.collect()).await
    }

    /// The orders that stand on the board.
    pub fn orders<'d>(&self, desk: &'d Desk) -> impl Iterator<Item = Order> + use<'d> {
        let board = desk.view().row::<Board>(&(self.security, self.money)).map(|it| it.number);
        desk.view().rows::<Order>().map(|it| it.1).filter(move |it| Some(it.board) == board)
    }

    /// Opens the board, unless it is open: one unit is a lot, one minor unit a tick.
    ///
    /// # Errors
    /// Those of the desk.
    pub async fn open_board(&self, desk: &mut Desk) -> Result<()> {
        let (instrument, currency) = (self.security, self.money);
        if desk.view().row::<Board>(&(instrument, currency)).is_some() {
            return Ok(());
        }
        let asked = Instruction::OpenBoard { instrument, currency, lot: 1, tick: 1 };
        desk.must("furikae", vec![asked]).await.map(drop)
    }
}
