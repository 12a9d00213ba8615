//! What parties ask of one another: trades, settlement instructions, payments.

use alloc::{format, vec::Vec};

use types::{InstructionId, Mic, PartyId, Text};

use super::{
    Flaw,
    cast::{Named, written},
    verbs::{Asking, MadeKnown, text},
    words::{Words, name},
};
use crate::{
    instruction::Instruction,
    settlement::{AgainstPayment, OpenTerms, Pay, Priority, Side, Terms},
    trade::{ReportTrade, TradeId, VenueTrade},
};

const PRIORITIES: [(&str, Priority); 3] =
    [("high", Priority::High), ("normal", Priority::Normal), ("low", Priority::Low)];

type Asked = Result<Vec<Instruction>, Flaw>;

/// Reads the rest of a line whose verb is one of this chapter's; `None` if it is not.
pub(super) fn read(it: &mut Asking<'_, '_>, verb: &str) -> Option<Asked> {
    Some(match verb {
        "imports" => it.imports(),
        "closes" => it.closes(),
        "reports" => it.reports(),
        "affirms" => it.affirms(),
        "rejects" => it.rejects(),
        "delivers" => it.settles(Side::Deliver),
        "receives" => it.settles(Side::Receive),
        "pays" => it.pays(),
        "holds" => it.of_own(|instruction| Instruction::Hold { instruction }),
        "releases" => it.of_own(|instruction| Instruction::Release { instruction }),
        "cancels" => it.of_own(|instruction| Instruction::Cancel { instruction }),
        "prioritises" => it.prioritises(),
        "signs" => it.signs_off(),
        _ => return None,
    })
}

impl Asking<'_, '_> {
    fn of_own(&mut self, asked: impl FnOnce(InstructionId) -> Instruction) -> Asked {
        Ok(alloc::vec![asked(self.cast.instruction(self.words)?)])
    }

    fn prioritises(&mut self) -> Asked {
        let instruction = self.cast.instruction(self.words)?;
        let priority = self.words.choice("priority", &PRIORITIES)?;
        Ok(alloc::vec![Instruction::Prioritise { instruction, priority }])
    }

    fn signs_off(&mut self) -> Asked {
        self.words.must("off")?;
        self.of_own(|instruction| Instruction::SignOff { instruction, approved: true })
    }

    /// `imports from XTKS [of DATE]: T-1 aoba buys 100 SAKURA from botan for 250000 JPY [settling DATE]; ...`
    fn imports(&mut self) -> Asked {
        self.words.must("from")?;
        let venue = mic(self.words)?;
        let date = if self.words.is("of") { self.cast.date(self.words)? } else { self.cast.today };
        self.words.must(":")?;
        let mut trades = Vec::new();
        loop {
            let word = self.words.next("the number of a trade")?;
            let number: Text<20> = text(word)?;
            let buyer = self.party()?;
            let told = self.told(Some("buys"))?;
            let told = ReportTrade { trade_date: date, ..told };
            trades.push(VenueTrade {
                number: number.clone(),
                buyer,
                seller: told.counterparty,
                instrument: told.instrument,
                quantity: told.quantity.clone(),
                amount: told.amount.clone(),
                currency: told.currency,
                intended_date: told.intended_date,
            });
            let named =
                Named::Trade { id: TradeId::Venue { venue, date, number }, teller: buyer, told };
            if self.cast.is_free(word) {
                self.known.push(MadeKnown::Named(name(word)?, alloc::boxed::Box::new(named)));
            }
            if !self.words.is(";") {
                return Ok(alloc::vec![Instruction::ImportTrades { venue, date, trades }]);
            }
        }
    }

    fn closes(&mut self) -> Asked {
        let venue = mic(self.words)?;
        let date = if self.words.is("of") { self.cast.date(self.words)? } else { self.cast.today };
        Ok(alloc::vec![Instruction::CloseVenue { venue, date }])
    }

    fn reports(&mut self) -> Asked {
        let told = self.told(None)?;
        let id = TradeId::Reported { report: written(self.line, 0) };
        self.names = Some(Named::Trade { id, teller: self.sender, told: told.clone() });
        Ok(alloc::vec![Instruction::ReportTrade(told)])
    }

    /// `affirms NAME`: the same, seen from the other side; or after a comma, as this side knows it.
    fn affirms(&mut self) -> Asked {
        let (trade, told) = self.cast.trade(self.words)?;
        let mine = match told {
            _ if self.words.is(",") => self.told(None)?,
            Some((teller, told)) => ReportTrade {
                counterparty: teller,
                buys: !told.buys,
                reference: Text::default(),
                ..told
            },
            None => {
                let instead = "write the trade after a comma: , buying 100 SAKURA from PARTY ...";
                return Err(Flaw::new("nothing is known of this trade", instead));
            }
        };
        Ok(alloc::vec![Instruction::AffirmTrade { trade, mine }])
    }

    fn rejects(&mut self) -> Asked {
        let (trade, _) = self.cast.trade(self.words)?;
        Ok(alloc::vec![Instruction::RejectTrade { trade }])
    }

    /// `buying 100 SAKURA from botan for 250000 JPY [traded DATE] [settling DATE] [ref TEXT]`.
    fn told(&mut self, verb: Option<&str>) -> Result<ReportTrade, Flaw> {
        let buys = match verb {
            Some(verb) => self.words.must(verb).map(|()| true)?,
            None => self.words.choice("side", &[("buying", true), ("selling", false)])?,
        };
        let (quantity, instrument) = self.cast.quantity(self.words)?;
        self.words.must(if buys { "from" } else { "to" })?;
        let counterparty = self.party()?;
        self.words.must("for")?;
        let (amount, currency) = self.cast.quantity(self.words)?;
        let (mut trade_date, mut intended_date) = (self.cast.today, None);
        let mut reference = Text::default();
        loop {
            if verb.is_none() && self.words.is("traded") {
                trade_date = self.cast.date(self.words)?;
            } else if self.words.is("settling") {
                intended_date = Some(self.cast.date(self.words)?);
            } else if verb.is_none() && self.words.is("ref") {
                reference = text(self.words.next("a reference")?)?;
            } else {
                break;
            }
        }
        let intended_date = intended_date.unwrap_or(self.cast.today);
        Ok(ReportTrade {
            counterparty,
            buys,
            instrument,
            quantity,
            amount,
            currency,
            trade_date,
            intended_date,
            reference,
        })
    }

    /// `delivers 100 SAKURA from emi to yuki [for 250000 JPY into aoba-cash] OPTIONS`, or
    /// `receives 100 SAKURA into yuki from emi [for 250000 JPY out of botan-cash] OPTIONS`.
    fn settles(&mut self, side: Side) -> Asked {
        let delivers = side == Side::Deliver;
        let (quantity, instrument) = self.cast.quantity(self.words)?;
        self.words.must(if delivers { "from" } else { "into" })?;
        let own = self.cast.account(self.words)?;
        self.words.must(if delivers { "to" } else { "from" })?;
        let other = self.cast.account(self.words)?;
        let payment = if self.words.is("for") {
            let (amount, currency) = self.cast.quantity(self.words)?;
            let given = self.words.is(if delivers { "into" } else { "out" });
            if given && !delivers {
                self.words.must("of")?;
            }
            let account = if given { self.cast.account(self.words)? } else { own }.account;
            Some(AgainstPayment { account, amount, currency })
        } else {
            None
        };
        let options = self.options(true)?;
        Ok(alloc::vec![Instruction::Settle(Terms::Open(OpenTerms {
            side,
            trade_date: options.trade_date.unwrap_or(self.cast.today),
            intended_date: options.intended_date.unwrap_or(self.cast.today),
            instrument,
            quantity,
            account: own.account,
            counterparty: options.counterparty.unwrap_or(other.manager),
            counterparty_account: other.account,
            payment,
            priority: options.priority.unwrap_or(Priority::Normal),
            partial: options.partial,
            hold: options.hold,
            reference: options.reference,
            common_reference: options.common_reference,
            trade: options.trade,
        }))])
    }

    /// `pays 50,000 JPY from aoba-cash to botan-cash OPTIONS`.
    fn pays(&mut self) -> Asked {
        let (amount, currency) = self.cast.quantity(self.words)?;
        self.words.must("from")?;
        let from = self.cast.account(self.words)?.account;
        self.words.must("to")?;
        let to = self.cast.account(self.words)?.account;
        let options = self.options(false)?;
        Ok(alloc::vec![Instruction::Pay(Pay {
            from,
            to,
            currency,
            amount,
            intended_date: options.intended_date.unwrap_or(self.cast.today),
            priority: options.priority.unwrap_or(Priority::Normal),
            hold: options.hold,
            reference: options.reference,
        })])
    }

    fn options(&mut self, of_securities: bool) -> Result<Options, Flaw> {
        let mut options = Options::default();
        loop {
            if self.words.is("settling") {
                options.intended_date = Some(self.cast.date(self.words)?);
            } else if self.words.is("priority") {
                options.priority = Some(self.words.choice("priority", &PRIORITIES)?);
            } else if self.words.is("hold") {
                options.hold = true;
            } else if self.words.is("ref") {
                options.reference = text(self.words.next("a reference")?)?;
            } else if of_securities && self.words.is("traded") {
                options.trade_date = Some(self.cast.date(self.words)?);
            } else if of_securities && self.words.is("with") {
                options.counterparty = Some(self.party()?);
            } else if of_securities && self.words.is("partial") {
                options.partial = true;
            } else if of_securities && self.words.is("common") {
                options.common_reference = text(self.words.next("a reference")?)?;
            } else if of_securities && self.words.is("trade") {
                options.trade = Some(self.cast.trade(self.words)?.0);
            } else {
                return Ok(options);
            }
        }
    }
}

/// What may be said beyond what must be.
#[derive(Default)]
struct Options {
    trade_date: Option<types::BusinessDate>,
    intended_date: Option<types::BusinessDate>,
    counterparty: Option<PartyId>,
    priority: Option<Priority>,
    partial: bool,
    hold: bool,
    reference: Text<35>,
    common_reference: Text<35>,
    trade: Option<TradeId>,
}

fn mic(words: &mut Words<'_>) -> Result<Mic, Flaw> {
    let word = words.next("a venue")?;
    Mic::parse(word)
        .map_err(|bad| Flaw::new(format!("`{word}` is no MIC: {bad}"), "write e.g. XTKS"))
}
