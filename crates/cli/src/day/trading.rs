//! Midday: trades come in, both sides instruct, deliveries settle against payment, a ring settles.

use ledger::{
    Instruction,
    settlement::{AgainstPayment, OpenTerms, Priority, Side, Terms},
    trade::{ReportTrade, Trade, TradeId, TradeStatus, VenueTrade},
};
use types::{InstructionId, Mic, Text};

use super::{
    opening::open,
    tell::{Teller, line, thousands},
};
use crate::{
    desk::Desk,
    facts::account,
    failure::{Failure, Result},
};

const VENUE: &str = "XFUR";

/// One side of the table: a party, its securities account, its cash account.
#[derive(Clone, Copy)]
pub struct Member {
    /// The word of the party.
    pub party: &'static str,
    /// The word of its securities account.
    pub securities: &'static str,
    /// The word of its cash account.
    pub cash: &'static str,
}

/// Aoba Securities for Emi Tanaka.
pub const AOBA: Member = Member { party: "aoba", securities: "emi", cash: "aoba-cash" };
/// Botan Securities for Yuki Sato.
pub const BOTAN: Member = Member { party: "botan", securities: "yuki", cash: "botan-cash" };
/// Chidori Trust Bank for Ken Mori.
pub const CHIDORI: Member = Member { party: "chidori", securities: "ken", cash: "chidori-cash" };
/// Daichi Brokers for themselves.
pub const DAICHI: Member =
    Member { party: "daichi", securities: "daichi-house", cash: "daichi-house" };

impl Member {
    /// The same, paying from the securities account's own cash position, in which there is nothing.
    const fn without_cash(self) -> Self {
        Self { cash: self.securities, ..self }
    }
}

/// What two members have agreed.
#[derive(Clone)]
pub struct Deal {
    /// Who delivers.
    pub seller: Member,
    /// Who pays.
    pub buyer: Member,
    /// The word of the instrument.
    pub what: &'static str,
    /// How many units.
    pub quantity: i64,
    /// For how many yen.
    pub yen: i64,
    /// Its number at the venue, or the reference of both sides.
    pub number: &'static str,
}

/// The first trade of the venue.
pub const FIRST: Deal = Deal {
    seller: BOTAN,
    buyer: AOBA,
    what: "SAKURA",
    quantity: 500,
    yen: 1_250_000,
    number: "T-0001",
};
/// The second trade of the venue.
pub const SECOND: Deal = Deal {
    seller: AOBA,
    buyer: DAICHI,
    what: "SAKURA",
    quantity: 200,
    yen: 510_000,
    number: "T-0002",
};
/// The trade that two brokers agreed by telephone.
const REPORTED: Deal = Deal {
    seller: CHIDORI,
    buyer: BOTAN,
    what: "MINATO",
    quantity: 100,
    yen: 180_000,
    number: "PHONE-7",
};

impl Deal {
    fn venue(desk: &Desk) -> Result<TradeId> {
        FIRST.id(desk)
    }

    /// What the venue's trade is called on the ledger.
    fn id(&self, desk: &Desk) -> Result<TradeId> {
        let venue = Mic::parse(VENUE).map_err(Failure::fault)?;
        Ok(TradeId::Venue { venue, date: desk.today(), number: short(self.number)? })
    }

    fn told_by_venue(&self, desk: &Desk) -> Result<VenueTrade> {
        Ok(VenueTrade {
            number: short(self.number)?,
            buyer: desk.facts.party(self.buyer.party).party,
            seller: desk.facts.party(self.seller.party).party,
            instrument: desk.facts.instrument(self.what).instrument,
            quantity: open(self.quantity),
            amount: open(self.yen),
            currency: desk.facts.instrument("JPY").instrument,
            intended_date: desk.today(),
        })
    }

    fn told_by(&self, desk: &Desk, member: Member) -> Result<ReportTrade> {
        let buys = member.party == self.buyer.party;
        let other = if buys { self.seller } else { self.buyer };
        Ok(ReportTrade {
            counterparty: desk.facts.party(other.party).party,
            buys,
            instrument: desk.facts.instrument(self.what).instrument,
            quantity: open(self.quantity),
            amount: open(self.yen),
            currency: desk.facts.instrument("JPY").instrument,
            trade_date: desk.today(),
            intended_date: desk.today(),
            reference: short(self.number)?,
        })
    }

    /// The settlement instruction of one side, for `trade` if it is one of the ledger's.
    fn instructed_by(
        &self,
        desk: &Desk,
        side: Side,
        trade: Option<TradeId>,
    ) -> Result<Instruction> {
        let (own, other) = match side {
            Side::Deliver => (self.seller, self.buyer),
            Side::Receive => (self.buyer, self.seller),
        };
        Ok(Instruction::Settle(Terms::Open(OpenTerms {
            side,
            trade_date: desk.today(),
            intended_date: desk.today(),
            instrument: desk.facts.instrument(self.what).instrument,
            quantity: open(self.quantity),
            account: account(own.securities),
            counterparty: desk.facts.party(other.party).party,
            counterparty_account: account(other.securities),
            payment: Some(AgainstPayment {
                account: account(own.cash),
                amount: open(self.yen),
                currency: desk.facts.instrument("JPY").instrument,
            }),
            priority: Priority::Normal,
            partial: false,
            hold: false,
            reference: Text::default(),
            common_reference: short(self.number)?,
            trade,
        })))
    }

    /// One side instructs.
    ///
    /// # Errors
    /// Those of the desk.
    pub async fn instruct(
        &self,
        desk: &mut Desk,
        side: Side,
        trade: Option<TradeId>,
    ) -> Result<InstructionId> {
        let who = match side {
            Side::Deliver => self.seller.party,
            Side::Receive => self.buyer.party,
        };
        let asked = self.instructed_by(desk, side, trade)?;
        one(&desk.must(who, vec![asked]).await?)
    }

    /// Both sides of a venue's trade instruct; the deliverer's instruction, final.
    ///
    /// # Errors
    /// Those of the desk; no, when it does not settle.
    pub async fn settle(&self, desk: &mut Desk) -> Result<InstructionId> {
        let trade = self.id(desk)?;
        self.instruct(desk, Side::Receive, Some(trade.clone())).await?;
        let delivery = self.instruct(desk, Side::Deliver, Some(trade)).await?;
        desk.settled(&delivery)?;
        Ok(delivery)
    }

    fn words(&self, desk: &Desk) -> String {
        let (seller, buyer) =
            (desk.facts.party(self.seller.party), desk.facts.party(self.buyer.party));
        let (quantity, yen) = (thousands(self.quantity), thousands(self.yen));
        format!("{} sells {quantity} {} to {} for {yen} JPY", seller.name, self.what, buyer.name)
    }
}

fn short<const MAX: u32>(text: &str) -> Result<Text<MAX>> {
    Text::new(text).map_err(|error| Failure::fault(format_args!("{text:?}: {error}")))
}

fn one(ids: &[InstructionId]) -> Result<InstructionId> {
    ids.first().copied().ok_or_else(|| Failure::fault("an envelope has an instruction"))
}

/// Trades are imported from the venue; one is reported by a broker and affirmed by the other.
///
/// # Errors
/// Those of the desk.
pub async fn agree(desk: &mut Desk, teller: &mut Teller) -> Result<TradeId> {
    teller.act("Trades come in");
    let venue = Mic::parse(VENUE).map_err(Failure::fault)?;
    let trades = vec![FIRST.told_by_venue(desk)?, SECOND.told_by_venue(desk)?];
    let import = Instruction::ImportTrades { venue, date: desk.today(), trades };
    desk.must("furikae", vec![import.clone()]).await?;
    for deal in [&FIRST, &SECOND] {
        status(desk, &deal.id(desk)?, TradeStatus::Imported)?;
        teller.say(format_args!("{VENUE} tells trade {}: {}", deal.number, deal.words(desk)));
    }
    let before = desk.view().row::<Trade>(&Deal::venue(desk)?);
    desk.must("furikae", vec![import]).await?;
    if desk.view().row::<Trade>(&Deal::venue(desk)?) != before {
        return Err(Failure::no("the same import changed a trade"));
    }
    teller.say("the same import once more changes nothing");
    report(desk, teller).await
}

async fn report(desk: &mut Desk, teller: &Teller) -> Result<TradeId> {
    let told = Instruction::ReportTrade(REPORTED.told_by(desk, BOTAN)?);
    let trade = TradeId::Reported { report: one(&desk.must("botan", vec![told]).await?)? };
    teller.say(format_args!("Botan Securities reports by hand: {}", REPORTED.words(desk)));
    let wrong = Deal { quantity: 110, ..REPORTED }.told_by(desk, CHIDORI)?;
    let wrong = Instruction::AffirmTrade { trade: trade.clone(), mine: wrong };
    desk.must_not("chidori", wrong, "trade-differs").await?;
    teller.say("Chidori Trust Bank affirms 110 shares: refused, the trades differ in their quantity (DQUA)");
    let mine = REPORTED.told_by(desk, CHIDORI)?;
    let affirm = Instruction::AffirmTrade { trade: trade.clone(), mine };
    desk.must("chidori", vec![affirm]).await?;
    status(desk, &trade, TradeStatus::Affirmed)?;
    teller.say("Chidori Trust Bank affirms 100 shares: the trade is binding");
    Ok(trade)
}

fn status(desk: &Desk, trade: &TradeId, wanted: TradeStatus) -> Result<()> {
    match desk.view().row::<Trade>(trade) {
        Some(row) if row.status == wanted => Ok(()),
        other => Err(Failure::no(format_args!("a trade should be {wanted:?}, but: {other:?}"))),
    }
}

/// Both sides instruct, match, and settle: the first delivery versus payment.
///
/// # Errors
/// Those of the desk; no, when it does not settle.
pub async fn settle(
    desk: &mut Desk,
    teller: &mut Teller,
    reported: TradeId,
) -> Result<InstructionId> {
    teller.act("Both sides instruct, match, and settle: delivery versus payment");
    let trade = FIRST.id(desk)?;
    let receive = FIRST.instruct(desk, Side::Receive, Some(trade.clone())).await?;
    desk.stands(&receive, "unmatched")?;
    teller.say("Aoba Securities instructs to receive against payment: unmatched, Botan is alleged");
    let deliver = FIRST.instruct(desk, Side::Deliver, Some(trade)).await?;
    let height = desk.settled(&deliver)?;
    if desk.settled(&receive)? != height {
        return Err(Failure::no("the two sides of a pair became final in different blocks"));
    }
    let (shares, yen) =
        (desk.facts.instrument("SAKURA").instrument, desk.facts.instrument("JPY").instrument);
    desk.holds(account("emi"), shares, 4_500)?;
    desk.holds(account("yuki"), shares, 3_000)?;
    desk.holds(account("aoba-cash"), yen, 3_750_000)?;
    desk.holds(account("botan-cash"), yen, 3_250_000)?;
    teller.say(format_args!(
        "Botan Securities instructs to deliver: matched, and settled in block {height}"
    ));
    teller.say(format_args!(
        "FIRST DVP FINAL {:.1} s after the start: 500 SAKURA to Emi Tanaka, 1,250,000 JPY to Botan Securities",
        teller.seconds()
    ));
    REPORTED.instruct(desk, Side::Deliver, Some(reported.clone())).await?;
    let second = REPORTED.instruct(desk, Side::Receive, Some(reported)).await?;
    let height = desk.settled(&second)?;
    teller.say(format_args!(
        "the affirmed trade settles in block {height}: {}",
        REPORTED.words(desk)
    ));
    Ok(deliver)
}

/// A ring that nobody could start settles at the close of a block.
///
/// # Errors
/// Those of the desk; no, when it does not settle, or not as a whole.
pub async fn ring(desk: &mut Desk, teller: &mut Teller) -> Result<()> {
    teller.act("A ring that nobody could start settles at the close of a block");
    let (emi, yuki, ken) = (AOBA.without_cash(), BOTAN.without_cash(), CHIDORI.without_cash());
    let deal = |seller, buyer, what, quantity, number| Deal {
        seller,
        buyer,
        what,
        quantity,
        yen: 300_000,
        number,
    };
    let deals = [
        deal(emi, yuki, "SAKURA", 120, "RING-1"),
        deal(yuki, ken, "FUJI", 75, "RING-2"),
        deal(ken, emi, "MINATO", 160, "RING-3"),
    ];
    let mut deliveries = Vec::new();
    for (place, deal) in deals.iter().enumerate() {
        deal.instruct(desk, Side::Receive, None).await?;
        let delivery = deal.instruct(desk, Side::Deliver, None).await?;
        if place + 1 < deals.len() {
            desk.stands(&delivery, "pending")?;
            let buyer = &desk.facts.account(deal.buyer.securities).holder;
            teller.say(format_args!(
                "{} {} for 300,000 JPY: matched, pending, {buyer} has no yen",
                deal.quantity, deal.what
            ));
        }
        deliveries.push(delivery);
    }
    let heights = deliveries.iter().map(|it| desk.settled(it)).collect::<Result<Vec<_>>>()?;
    if heights.iter().any(|it| Some(it) != heights.first()) {
        return Err(Failure::no("the ring did not settle as a whole"));
    }
    let yen = desk.facts.instrument("JPY").instrument;
    for holder in ["emi", "yuki", "ken"] {
        desk.holds(account(holder), yen, 0)?;
    }
    let height = heights.first().copied().unwrap_or_default();
    teller.say(format_args!(
        "160 MINATO for 300,000 JPY closes the ring: all three are final in block {height}, no yen was needed"
    ));
    Ok(())
}

/// The registry of one share, as the digest on the ledger confirms it.
///
/// # Errors
/// No, when the list is not what the digest says, or does not add up.
pub fn registry(desk: &Desk, teller: &mut Teller) -> Result<()> {
    teller.act("The registry");
    let fact = desk.facts.instrument("SAKURA");
    if !desk.view().registry_is_confirmed(fact.instrument) {
        return Err(Failure::no("the list of owners is not the one whose digest is on the ledger"));
    }
    let height = desk.view().height();
    teller.say(format_args!("owners of {} ({}) after block {height}:", fact.name, fact.instrument));
    let mut total = 0;
    for holder in desk.view().registry(fact.instrument) {
        let named = desk.facts.accounts.iter().find(|it| it.id() == holder.account);
        let name = named.map_or_else(|| holder.account.to_string(), |it| it.holder.clone());
        line(format_args!("{:>12}  {name:<20} {:>8}", "", thousands(holder.quantity)));
        total += holder.quantity;
    }
    line(format_args!("{:>12}  {:<20} {:>8}", "", "all", thousands(total)));
    if total != super::opening::ISSUED {
        return Err(Failure::no(format_args!(
            "the owners hold {total}, issued were {}",
            super::opening::ISSUED
        )));
    }
    teller.say("the list adds up to what was issued, and its digest is the one on the ledger");
    Ok(())
}
