//! Trades that were executed elsewhere: the venue tells them, both sides instruct, and each of them settles.

use std::{collections::BTreeMap, time::Instant};

use crypto::Amount;
use gateway::fields::decimal;
use ledger::{
    Instruction, Signed,
    settlement::{AgainstPayment, OpenTerms, Priority, Side, Terms},
    trade::{Trade, TradeId, TradeStatus, VenueTrade},
};
use types::{Mic, Text};

use super::{Report, flow::BITCOIN, recorded::Recorded, setting::Setting};
use crate::{
    desk::Desk,
    failure::{Failure, Result},
    percentiles::Percentiles,
};

/// As which venue the trades are imported.
const VENUE: &str = "XFUR";
/// Trades that are imported, and then settled, together.
const TOGETHER: usize = 100;

/// Imports what is new, settles it, and looks at what became of all of it.
pub async fn import(desk: &mut Desk, trades: &[Recorded], members: u32) -> Result<Report> {
    let setting = Setting::make(desk, members, &BITCOIN).await?;
    let settled = |desk: &Desk, it: &Recorded| {
        let row = it.id().ok().and_then(|id| desk.view().row::<Trade>(&id));
        row.is_some_and(|row| row.status == TradeStatus::Settled)
    };
    let (known, new): (Vec<_>, Vec<_>) = trades.iter().cloned().partition(|it| settled(desk, it));
    setting.cover(desk, &new).await?;
    tell(desk, &setting, trades).await?;
    let (began, mut took) = (Instant::now(), Vec::new());
    for together in new.chunks(TOGETHER) {
        took.extend(settle(desk, &setting, together).await?);
    }
    let seconds = began.elapsed().as_secs_f64();
    let done =
        u64::try_from(new.iter().filter(|it| settled(desk, it)).count()).map_err(Failure::fault)?;
    let count = |it: usize| u64::try_from(it).map_err(Failure::fault);
    let sum = |instrument, of: fn(&Recorded) -> i64| {
        let sum: i128 = trades.iter().map(|it| i128::from(of(it))).sum();
        decimal(sum, desk.view().scale(instrument).unwrap_or_default())
    };
    let exact = |it| desk.view().supply_is_exact(it);
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown, not kept")]
    let rate = (!new.is_empty()).then(|| (done as f64 / seconds * 10.0).round() / 10.0);
    Ok(Report {
        filled_quantity: sum(setting.security, |it| it.quantity),
        value: sum(setting.money, |it| it.value),
        settled: done,
        unsettled: count(new.len())? - done,
        known: count(known.len())?,
        recorded_trades: Some(trades.len()),
        settled_per_s: rate,
        finality_ms: Percentiles::of(took),
        supply_exact: exact(setting.security) && exact(setting.money),
        ..Report::default()
    })
}

/// The venue tells its trades, known ones again.
async fn tell(desk: &mut Desk, setting: &Setting, trades: &[Recorded]) -> Result<()> {
    let venue = Mic::parse(VENUE).map_err(Failure::fault)?;
    let mut days: BTreeMap<_, Vec<VenueTrade>> = BTreeMap::new();
    for it in trades {
        days.entry(it.date).or_default().push(VenueTrade {
            number: it.number.clone(),
            buyer: setting.party(it.buyer),
            seller: setting.party(it.seller),
            instrument: setting.security,
            quantity: Amount::Open(it.quantity),
            amount: Amount::Open(it.value),
            currency: setting.money,
            intended_date: it.date,
        });
    }
    for (date, trades) in days {
        for together in trades.chunks(TOGETHER) {
            let trades = together.to_vec();
            desk.must("furikae", vec![Instruction::ImportTrades { venue, date, trades }]).await?;
        }
    }
    Ok(())
}

/// Both sides of each trade instruct, each member in one envelope; how long each envelope took, in ms.
async fn settle(desk: &mut Desk, setting: &Setting, trades: &[Recorded]) -> Result<Vec<f64>> {
    let mut asked: BTreeMap<u32, Vec<Instruction>> = BTreeMap::new();
    for trade in trades {
        for side in [Side::Deliver, Side::Receive] {
            let (own, instruction) = trade.instructed(setting, side)?;
            asked.entry(own).or_default().push(instruction);
        }
    }
    let mut waiting: Vec<(Signed, Instant)> = Vec::new();
    for (member, asked) in asked {
        let who = desk.who(&setting.word(member))?;
        let signed = desk.sign(&who, asked)?;
        desk.follower().submit(std::slice::from_ref(&signed)).await?;
        waiting.push((signed, Instant::now()));
    }
    let mut took = Vec::new();
    let all: Vec<Signed> = waiting.iter().map(|it| it.0.clone()).collect();
    while !waiting.is_empty() {
        let first: Vec<Signed> = waiting.iter().take(1).map(|it| it.0.clone()).collect();
        desk.follower().follow_until_held(&first).await?;
        let held = waiting.extract_if(.., |it| desk.follower().holds(&it.0));
        let held: Vec<_> = held.collect();
        took.extend(held.iter().map(|it| it.1.elapsed().as_secs_f64() * 1_000.0));
    }
    for id in all.iter().flat_map(Signed::ids) {
        if let Some(reject) = desk.refused(&id) {
            eprintln!("{id} is refused: {}", reject.code());
        }
    }
    Ok(took)
}

impl Recorded {
    fn id(&self) -> Result<TradeId> {
        let venue = Mic::parse(VENUE).map_err(Failure::fault)?;
        Ok(TradeId::Venue { venue, date: self.date, number: self.number.clone() })
    }

    /// The settlement instruction of one side, and which member gives it.
    fn instructed(&self, setting: &Setting, side: Side) -> Result<(u32, Instruction)> {
        let (own, other) = match side {
            Side::Deliver => (self.seller, self.buyer),
            Side::Receive => (self.buyer, self.seller),
        };
        let terms = OpenTerms {
            side,
            trade_date: self.date,
            intended_date: self.date,
            instrument: setting.security,
            quantity: Amount::Open(self.quantity),
            account: setting.account(own),
            counterparty: setting.party(other),
            counterparty_account: setting.account(other),
            payment: Some(AgainstPayment {
                account: setting.account(own),
                amount: Amount::Open(self.value),
                currency: setting.money,
            }),
            priority: Priority::Normal,
            partial: false,
            hold: false,
            reference: Text::default(),
            common_reference: Text::new(self.number.as_str()).map_err(Failure::fault)?,
            trade: Some(self.id()?),
        };
        Ok((own, Instruction::Settle(Terms::Open(terms))))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn recorded_trades_settle_once_and_supply_is_exact() {
        let shared = std::env::var("FURIKAE_SHARED").unwrap_or_else(|_| "../../../shared".into());
        let path = Path::new(&shared).join("data/orderflow-bitstamp-l3-2026/trades.csv");
        if !path.exists() {
            eprintln!("skipped: {} is not here", path.display());
            return;
        }
        let trades = super::super::recorded::read(&path, 5).unwrap();
        crate::stand_in::with_desk("replay", async |desk| {
            let report = import(desk, &trades, 5).await.unwrap();
            assert_eq!((report.settled, report.unsettled, report.known), (284, 0, 0));
            assert!(report.supply_exact);
            let before = desk.view().positions_digest();
            let again = import(desk, &trades, 5).await.unwrap();
            assert_eq!((again.settled, again.unsettled, again.known), (0, 0, 284));
            assert_eq!(desk.view().positions_digest(), before, "importing again changes nothing");
        });
    }
}
