//! A small market in which everything meets everything: few accounts, few amounts, all instructions.

use crypto::Amount;
use ledger::{
    Envelope, Event, Instruction as I,
    issuance::Request,
    memory::Memory,
    order::{Order, PlaceOrder},
    row::Row,
    script,
    settlement::{AgainstPayment, Instructed, OpenTerms, Pay, Priority, Side, Terms},
    trade::{ReportTrade, Trade, TradeId, VenueTrade},
};
use types::{
    AccountId, BusinessDate, InstructionId, InstrumentId, KeyId, Lane, Mic, PartyId, Sender, Text,
};

const CAST: &str = "
furikae  admits aoba, botan, chidori as participant
furikae  admits kinjo as settlement-bank
furikae  admits sakura as issuer
aoba     opens accounts a0, a1
botan    opens accounts b0, b1
chidori  opens accounts c0, c1
furikae  lists SAKURA issued by sakura
furikae  lists FUJI issued by sakura sign-off
furikae  lists JPY issued by kinjo
furikae  opens board of SAKURA in JPY
furikae  opens board of FUJI in JPY lot 2 tick 5
furikae  sets tolerance of JPY to 1
furikae  sets affirm-within to 3 s
furikae  sets match-within to 20 s
sakura   requests issue of 9 SAKURA to a0   as r1
furikae  approves r1
sakura   requests issue of 9 SAKURA to b0   as r2
furikae  approves r2
sakura   requests issue of 9 FUJI to c0   as r3
furikae  approves r3
kinjo    issues 30 JPY to a0
kinjo    issues 30 JPY to c0
";
const MEMBERS: [&str; 3] = ["aoba", "botan", "chidori"];
const ACCOUNTS: [&str; 6] = ["a0", "a1", "b0", "b1", "c0", "c1"];

/// The market and what is about to be asked of it.
pub struct Day {
    market: Memory,
    block: Vec<Envelope>,
    /// What was asked so far, and by whom.
    asked: Vec<(InstructionId, PartyId, I)>,
    instruments: [InstrumentId; 2],
    today: BusinessDate,
}

impl Day {
    pub fn new() -> Self {
        let script = script::parse(CAST).unwrap();
        let mut market = Memory::of(&script);
        assert_eq!(market.play(&script).failed, []);
        let listed = ["SAKURA", "FUJI"].map(|it| types::Isin::complete(&format!("JP{it:0>9}")));
        let instruments = listed.map(|it| InstrumentId::parse(it.unwrap().as_str()).unwrap());
        Self { market, block: vec![], asked: vec![], instruments, today: script.date }
    }

    pub const fn market(&self) -> &Memory {
        &self.market
    }

    pub const fn market_mut(&mut self) -> &mut Memory {
        &mut self.market
    }

    /// Takes one draw: asks something, and perhaps ends a block: its envelopes, and the market before it.
    pub fn ask(&mut self, draw: [u8; 8]) -> Option<(Vec<Envelope>, Memory)> {
        let (who, what) = self.asking(draw);
        let mut envelope = self.market.envelope(who, KeyId(0), vec![what]);
        let waiting = self.block.iter().filter(|it| it.sender == envelope.sender).count();
        envelope.sequence += waiting as u64;
        self.block.push(envelope);
        if draw[7].is_multiple_of(3) {
            return None;
        }
        let before = self.market.clone();
        if draw[7] > 240 {
            self.market.pass(u64::from(draw[6]) * 100);
        }
        Some((std::mem::take(&mut self.block), before))
    }

    /// Remembers what was asked in a block, and both the date and the id of what had effect.
    pub fn learn(&mut self, envelopes: &[Envelope], events: &[Event]) {
        for envelope in envelopes {
            let Sender::Party(party) = envelope.sender else { continue };
            for (id, what) in envelope.ids().zip(&envelope.instructions) {
                self.asked.push((id, party, what.clone()));
            }
        }
        for event in events {
            if let Event::DayOpened { date } = event {
                self.today = *date;
            }
        }
    }

    fn asking(&self, [kind, a, b, c, d, e, ..]: [u8; 8]) -> (PartyId, I) {
        let member = |it: u8| script::party(MEMBERS[usize::from(it % 3)]);
        let account = |it: u8| script::account(ACCOUNTS[usize::from(it % 6)]);
        let (furikae, kinjo, sakura) =
            (script::party("furikae"), script::party("kinjo"), script::party("sakura"));
        let owner = member((a % 6) / 2);
        let instrument = self.instruments[usize::from(b % 2)];
        let currency = InstrumentId::of_currency(*b"JPY");
        let quantity = some(c, 4, 1);
        let amount = some(d, 5, 10 + i64::from(e % 7 == 0));
        let (own, (sender, instruction)) = (account(a), self.earlier::<Instructed>(b));
        match kind {
            0..20 => (owner, self.place(own, a, [b, c, d, e])),
            20..30 => self.change_order(kind > 26, [b, c, d]),
            30..60 => (owner, self.settle(own, account(a.wrapping_add(b)), [a, b, c, d, e])),
            60..110 => self.answer(b),
            110..150 => (owner, self.pay(own, account(b), amount, [c, d, e])),
            150..166 => (sender, I::Hold { instruction }),
            166..184 => (sender, I::Release { instruction }),
            184..190 => (sender, I::Cancel { instruction }),
            190..196 => (sender, I::Prioritise { instruction, priority: priority(b) }),
            196..206 => (furikae, I::SignOff { instruction, approved: b % 4 > 0 }),
            206..214 => (kinjo, I::IssueMoney { currency, account: own, amount }),
            214..217 => (owner, I::RedeemMoney { currency, account: own, amount }),
            217..221 => (sakura, I::RequestIssue { instrument, account: own, quantity }),
            221..223 => (sakura, I::RequestRedeem { instrument, account: own, quantity }),
            223..229 => {
                let request = self.earlier::<Request>(a).1;
                (furikae, I::DecideRequest { request, approved: b % 4 > 0 })
            }
            229..233 => {
                let to = vec![(account(b), quantity.clone()), (account(d), quantity)];
                (owner, I::Allocate { instrument, from: own, to })
            }
            233..237 => (furikae, I::OpenDay { date: self.date(b) }),
            237..242 => (member(a), I::ReportTrade(self.told(member(b), [a, b, c, d, e]))),
            242..246 => {
                let (report, reporter, told) = self.report(a);
                let trade = TradeId::Reported { report };
                let mine = ReportTrade { counterparty: reporter, buys: !told.buys, ..told.clone() };
                let asked = if c % 4 == 0 {
                    I::RejectTrade { trade }
                } else {
                    I::AffirmTrade { trade, mine }
                };
                (told.counterparty, asked)
            }
            246..250 => {
                let trade = VenueTrade {
                    number: Text::new(&format!("T-{}", a % 6)).unwrap(),
                    buyer: member(a),
                    seller: member(b),
                    instrument,
                    quantity,
                    amount,
                    currency,
                    intended_date: self.today,
                };
                (furikae, I::ImportTrades { venue: venue(), date: self.today, trades: vec![trade] })
            }
            250 => (furikae, I::CloseVenue { venue: venue(), date: self.date(b) }),
            251..253 => (owner, I::AttestPosition { account: own, instrument }),
            _ => {
                (furikae, I::SuspendParty { party: member(b), suspended: c % 8 == 0 && d % 2 == 0 })
            }
        }
    }

    fn date(&self, draw: u8) -> BusinessDate {
        BusinessDate(self.today.0 + u32::from(draw % 3 / 2))
    }

    /// Something of this kind that has not ended, mostly; and who asked it.
    fn earlier<R: Row<Name = InstructionId>>(&self, draw: u8) -> (PartyId, InstructionId) {
        let alive =
            self.asked.iter().filter(|it| draw > 250 || self.market.get::<R>(&it.0).is_some());
        let alive: Vec<_> = alive.collect();
        let nobody = InstructionId {
            sender: Sender::Party(PartyId(1)),
            lane: Lane(9),
            sequence: 0,
            index: 0,
        };
        let one = alive.get(usize::from(draw) % alive.len().max(1));
        one.map_or((PartyId(1), nobody), |(id, party, _)| (*party, *id))
    }

    /// A report that waits for its affirmation, as its reporter told it.
    fn report(&self, draw: u8) -> (InstructionId, PartyId, ReportTrade) {
        let told = self.asked.iter().filter_map(|(id, party, what)| match what {
            I::ReportTrade(told) => {
                self.market.get::<Trade>(&TradeId::Reported { report: *id })?;
                Some((*id, *party, told.clone()))
            }
            _ => None,
        });
        let told: Vec<_> = told.collect();
        let none = || (self.earlier::<Instructed>(0).1, PartyId(1), self.told(PartyId(1), [0; 5]));
        told.get(usize::from(draw) % told.len().max(1)).cloned().unwrap_or_else(none)
    }

    /// The other side of a settlement that somebody has asked.
    fn answer(&self, draw: u8) -> (PartyId, I) {
        let settles = self.asked.iter().rev().take(24).filter_map(|(_, party, what)| match what {
            I::Settle(Terms::Open(terms)) => Some((*party, terms)),
            _ => None,
        });
        let settles: Vec<_> = settles.collect();
        let Some((party, terms)) = settles.get(usize::from(draw) % settles.len().max(1)) else {
            return (PartyId(1), I::OpenDay { date: self.today });
        };
        let side = if terms.side == Side::Deliver { Side::Receive } else { Side::Deliver };
        let payment = terms.payment.clone();
        let account = terms.counterparty_account;
        let mirrored = OpenTerms {
            side,
            account,
            counterparty: *party,
            counterparty_account: terms.account,
            payment: payment.map(|it| AgainstPayment { account, ..it }),
            hold: draw.is_multiple_of(11),
            ..(*terms).clone()
        };
        (terms.counterparty, I::Settle(Terms::Open(mirrored)))
    }

    fn place(&self, account: AccountId, draw: u8, [b, c, d, e]: [u8; 4]) -> I {
        I::PlaceOrder(PlaceOrder {
            instrument: self.instruments[usize::from(b % 2)],
            currency: InstrumentId::of_currency(*b"JPY"),
            buys: (draw / 8).is_multiple_of(2),
            price: 5 * i64::from(c % 5),
            quantity: i64::from(d % 7),
            account,
            cash: account,
            reference: Text::new(&format!("O{e}")).unwrap(),
        })
    }

    fn change_order(&self, cancels: bool, [b, c, d]: [u8; 3]) -> (PartyId, I) {
        let (sender, order) = self.earlier::<Order>(b);
        let (price, quantity) = (5 * i64::from(c % 5), i64::from(d % 5));
        let amend = I::AmendOrder { order, price, quantity };
        (sender, if cancels { I::CancelOrder { order } } else { amend })
    }

    fn settle(&self, own: AccountId, other: AccountId, [a, b, c, d, e]: [u8; 5]) -> I {
        let amount = some(d, 5, 10 + i64::from(e % 7 == 0));
        let currency = InstrumentId::of_currency(*b"JPY");
        let text = |it: u8| Text::new(&format!("X{it}")).unwrap();
        let counterparty = ACCOUNTS.iter().position(|it| script::account(it) == other).unwrap() / 2;
        let venue = TradeId::Venue {
            venue: venue(),
            date: self.today,
            number: Text::new(&format!("T-{}", a % 6)).unwrap(),
        };
        I::Settle(Terms::Open(OpenTerms {
            side: if e % 2 == 0 { Side::Deliver } else { Side::Receive },
            trade_date: self.today,
            intended_date: self.date(c),
            instrument: self.instruments[usize::from(b % 2)],
            quantity: some(c, 4, 1),
            account: own,
            counterparty: script::party(MEMBERS[counterparty]),
            counterparty_account: other,
            payment: (d % 8 > 0).then_some(AgainstPayment { account: own, amount, currency }),
            priority: priority(e),
            partial: false,
            hold: a > 230,
            reference: Text::default(),
            common_reference: if b > 200 { text(b % 2) } else { Text::default() },
            trade: match d {
                231.. => Some(venue),
                200..231 => Some(TradeId::Reported { report: self.report(a).0 }),
                _ => None,
            },
        }))
    }

    fn pay(&self, from: AccountId, to: AccountId, amount: Amount, [c, d, e]: [u8; 3]) -> I {
        let currency = InstrumentId::of_currency(*b"JPY");
        let (priority, hold, reference) = (priority(e), d > 240, Text::default());
        let intended_date = self.date(c);
        I::Pay(Pay { from, to, currency, amount, intended_date, priority, hold, reference })
    }

    fn told(&self, counterparty: PartyId, [_, b, c, d, e]: [u8; 5]) -> ReportTrade {
        ReportTrade {
            counterparty,
            buys: e % 2 == 0,
            instrument: self.instruments[usize::from(b % 2)],
            quantity: some(c, 2, 1),
            amount: some(d, 2, 10),
            currency: InstrumentId::of_currency(*b"JPY"),
            trade_date: self.today,
            intended_date: self.today,
            reference: Text::default(),
        }
    }
}

/// One to `most` times `unit`; nothing, seldom.
fn some(draw: u8, most: u8, unit: i64) -> Amount {
    if draw == 255 { Amount::Open(0) } else { Amount::Open(unit * i64::from(1 + draw % most)) }
}

fn priority(draw: u8) -> Priority {
    match draw % 8 {
        0 => Priority::High,
        1 => Priority::Low,
        _ => Priority::Normal,
    }
}

fn venue() -> Mic {
    Mic::parse("XTKS").unwrap()
}
