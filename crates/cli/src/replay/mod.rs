//! `replay`: recorded market data through a market, every trade settled delivery versus payment.

mod recorded;
mod setting;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crypto::Amount;
use ledger::Signed;
use ledger::{
    Instruction,
    settlement::{AgainstPayment, OpenTerms, Priority, Side, Terms},
    trade::{Trade, TradeId, TradeStatus, VenueTrade},
};
use serde::Serialize;
use tokio::runtime::Runtime;
use types::{Mic, Text};

use self::{recorded::Recorded, setting::Setting};
use crate::{
    arguments::{self, On, Up},
    desk::Desk,
    failure::{Failure, Result},
    market::{Folder, Plan, ask, with_its_own},
    percentiles::Percentiles,
};

/// As which venue the trades are imported.
const VENUE: &str = "XFUR";
/// Trades that are imported, and then settled, together.
const TOGETHER: usize = 100;
/// How long nodes may take until all of them say the same height.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answer. What belongs to the board is null while there is none.
#[derive(Debug, Default, Serialize)]
struct Report {
    events: Option<u64>,
    fills: Option<u64>,
    filled_quantity: String,
    value: String,
    refused: u64,
    open_orders: Option<u64>,
    fills_sha256: Option<String>,
    settled: u64,
    unsettled: u64,
    known: u64,
    recorded_trades: u64,
    recorded_pairs_found: Option<u64>,
    events_per_s: Option<f64>,
    settled_per_s: Option<f64>,
    finality_ms: Percentiles,
    state_roots: BTreeMap<String, String>,
    supply_exact: bool,
}

/// `furikae replay`.
///
/// # Errors
/// Malformed, when the files make no sense, or this version cannot do what is asked. Unreachable, when
/// the market is. No, when a trade did not settle, supply is not exact, or roots differ.
pub fn replay(runtime: &Runtime, asked: &arguments::Replay) -> Result<()> {
    if asked.sealed {
        return Err(Failure::not_yet("settle sealed amounts"));
    }
    if asked.on == On::Sim {
        return Err(Failure::not_yet("replay in one thread").mend("leave out --on sim"));
    }
    let Some(trades) = &asked.trades else {
        return Err(
            Failure::not_yet("match orders: there is no board").mend("import --trades FILE")
        );
    };
    let trades = recorded::read(trades, asked.members)?;
    let report = match &asked.dir {
        Some(dir) => {
            let folder = Folder::at(dir)?;
            runtime.block_on(on_network(&folder, &folder.plan()?, &trades, asked.members))?
        }
        None => with_its_own(
            runtime,
            "replay",
            |folder| Up::of_its_own(folder.root()),
            async |it| on_network(&it.folder, &it.plan, &trades, asked.members).await,
        )?,
    };
    let row = serde_json::to_value(&report).map_err(Failure::fault)?;
    let columns = [
        "recorded_trades",
        "settled",
        "unsettled",
        "known",
        "value",
        "finality_ms.p50",
        "supply_exact",
    ];
    asked.output.print(&report, &columns, &[row])?;
    report.judge()
}

async fn on_network(
    folder: &Folder,
    plan: &Plan,
    trades: &[Recorded],
    members: u32,
) -> Result<Report> {
    let mut desk = Desk::on(folder, plan).await?;
    let mut report = import(&mut desk, trades, members).await?;
    report.state_roots = state_roots(plan).await?;
    Ok(report)
}

/// Imports what is new, settles it, and looks at what became of all of it.
async fn import(desk: &mut Desk, trades: &[Recorded], members: u32) -> Result<Report> {
    let setting = Setting::make(desk, members).await?;
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
    let sum = |of: fn(&Recorded) -> i64| trades.iter().map(|it| i128::from(of(it))).sum::<i128>();
    let exact = |it| desk.view().supply_is_exact(it);
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown, not kept")]
    let rate = (!new.is_empty()).then(|| (done as f64 / seconds * 10.0).round() / 10.0);
    Ok(Report {
        filled_quantity: sum(|it| it.quantity).to_string(),
        value: sum(|it| it.value).to_string(),
        settled: done,
        unsettled: count(new.len())? - done,
        known: count(known.len())?,
        recorded_trades: count(trades.len())?,
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

impl Report {
    /// # Errors
    /// No, with the first thing that does not hold.
    fn judge(&self) -> Result<()> {
        let roots: std::collections::BTreeSet<_> = self.state_roots.values().collect();
        if self.unsettled > 0 {
            return Err(Failure::no(format_args!("{} trades did not settle", self.unsettled)));
        }
        if !self.supply_exact {
            return Err(Failure::no("positions do not add up to what was issued"));
        }
        if roots.len() != 1 {
            return Err(Failure::no("the nodes' states differ"));
        }
        Ok(())
    }
}

/// The state roots of all nodes at one height.
async fn state_roots(plan: &Plan) -> Result<BTreeMap<String, String>> {
    let began = Instant::now();
    loop {
        let (mut roots, mut heights) = (BTreeMap::new(), Vec::new());
        for node in &plan.nodes {
            if let Some(said) = ask(node).await {
                heights.push(said.height);
                roots.insert(node.name.clone(), said.root);
            }
        }
        let together = heights.iter().all(|it| Some(it) == heights.first());
        if roots.len() == plan.nodes.len() && together {
            return Ok(roots);
        }
        if began.elapsed() > PATIENCE {
            return Err(Failure::unreachable("not all nodes say their state at one height"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
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
        let trades = recorded::read(&path, 5).unwrap();
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

    #[test]
    fn percentiles_are_values_that_occurred() {
        let of = |count: u32| Percentiles::of((1..=count).map(f64::from).collect());
        assert_eq!((of(100).p50, of(100).p99), (Some(50.0), Some(99.0)));
        assert_eq!((of(1).p50, of(1).p99), (Some(1.0), Some(1.0)));
        assert_eq!(of(0).p50, None);
    }
}
