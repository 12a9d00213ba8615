//! `replay`: recorded market data through a market, every trade settled delivery versus payment.

mod board;
mod flow;
mod import;
mod recorded;
mod setting;
mod tape;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use gateway::fields::decimal;
use ledger::governance::{Party, Roles};
use serde::Serialize;
use tokio::runtime::Runtime;

use self::{
    board::Played,
    flow::{Flow, Revealed},
    import::import,
    recorded::Recorded,
    setting::Setting,
};
use crate::{
    arguments::{self, DataFormat, On, Up},
    desk::Desk,
    facts::ADMINISTRATOR,
    failure::{Failure, Result},
    market::{Folder, Plan, ask, with_its_own},
    percentiles::Percentiles,
    user::User,
};

/// Whose gateway forwards orders: the venue's.
const VENUE: &str = "furikae";
/// How long nodes may take until all of them say the same height.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answer. What belongs to the board is null when trades are imported, and the other way round.
#[derive(Debug, Default, Serialize)]
struct Report {
    events: Option<u64>,
    fills: Option<u64>,
    filled_quantity: String,
    value: String,
    refused: u64,
    /// Orders that a limit of the board ended or refused: a board without limits goes on otherwise.
    limited: Option<u64>,
    open_orders: Option<usize>,
    fills_sha256: Option<String>,
    settled: u64,
    unsettled: u64,
    known: u64,
    recorded_trades: Option<usize>,
    recorded_pairs_found: Option<usize>,
    events_per_s: Option<f64>,
    settled_per_s: Option<f64>,
    finality_ms: Percentiles,
    state_roots: BTreeMap<String, String>,
    supply_exact: bool,
    /// Memory that the largest node holds at the end.
    rss_mb_max: Option<f64>,
    books: Option<Books>,
}

/// How the board's book compares with the file's.
#[derive(Debug, Serialize)]
struct Books {
    shown: u64,
    equal: u64,
    revealed: Vec<Revealed>,
    hidden_executions: u64,
    /// The first that is not equal.
    differs: Option<String>,
}

/// `furikae replay`.
///
/// # Errors
/// Malformed, when the files make no sense, or this version cannot do what is asked. Unreachable, when
/// the market is. No, when a trade did not settle, a book differs, supply is not exact, or roots differ.
pub fn replay(runtime: &Runtime, asked: &arguments::Replay) -> Result<()> {
    if asked.sealed {
        return Err(Failure::not_yet("settle sealed amounts"));
    }
    if asked.on == On::Sim {
        return Err(Failure::not_yet("replay in one thread").mend("leave out --on sim"));
    }
    let members = asked.members;
    let (report, columns) = match (&asked.trades, &asked.path) {
        (Some(_), _) if asked.format != DataFormat::BitstampL3 => {
            let what = "trades are imported as Bitstamp's alone";
            return Err(Failure::malformed(what).mend("--format bitstamp-l3"));
        }
        (Some(trades), _) => {
            let trades = recorded::read(trades, members)?;
            let own = |folder: &Folder| Up::of_its_own(folder.root(), None);
            let work =
                async |folder: &Folder, plan: &Plan| imported(folder, plan, &trades, members).await;
            (on_market(runtime, asked, own, work)?, IMPORTED)
        }
        (None, Some(path)) => {
            let flow = flow::read(asked.format, path)?;
            let own = |folder: &Folder| Up::of_its_own(folder.root(), Some(VENUE));
            let work =
                async |folder: &Folder, plan: &Plan| traded(folder, plan, &flow, members).await;
            (on_market(runtime, asked, own, work)?, TRADED)
        }
        (None, None) => return Err(Failure::malformed("no order flow is named")),
    };
    let row = serde_json::to_value(&report).map_err(Failure::fault)?;
    asked.output.print(&report, columns, &[row])?;
    report.judge()
}

const IMPORTED: &[&str] = &[
    "recorded_trades",
    "settled",
    "unsettled",
    "known",
    "value",
    "finality_ms.p50",
    "supply_exact",
];
const TRADED: &[&str] = &[
    "events",
    "fills",
    "settled",
    "unsettled",
    "refused",
    "open_orders",
    "events_per_s",
    "finality_ms.p50",
    "supply_exact",
];

/// Does its work on the market that is named, or on one of its own.
fn on_market(
    runtime: &Runtime,
    asked: &arguments::Replay,
    own: impl FnOnce(&Folder) -> Up,
    work: impl AsyncFnOnce(&Folder, &Plan) -> Result<Report>,
) -> Result<Report> {
    match &asked.dir {
        Some(dir) => {
            let folder = Folder::at(dir)?;
            runtime.block_on(work(&folder, &folder.plan()?))
        }
        None => with_its_own(runtime, "replay", own, async |it| work(&it.folder, &it.plan).await),
    }
}

/// Imports trades.
async fn imported(
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

/// Sends order flow through the board.
async fn traded(folder: &Folder, plan: &Plan, flow: &Flow, members: u32) -> Result<Report> {
    let gateway = User::of(folder, VENUE).client()?;
    let mut desk = Desk::on(folder, plan).await?;
    let roles = desk.view().row::<Party>(&ADMINISTRATOR).map(|it| it.roles);
    if !roles.is_some_and(|it| it.any_of(Roles::EXCHANGE)) {
        return Err(Failure::malformed(format_args!("{VENUE} is no exchange on this market")));
    }
    let setting = Setting::make(&mut desk, members, &flow.traded).await?;
    setting.open_board(&mut desk).await?;
    if setting.orders(&desk).next().is_some() {
        let what = format_args!("orders stand on the board of {} already", setting.security);
        return Err(Failure::malformed(what).mend("open a new day first, or leave out --dir"));
    }
    setting.fund(&mut desk).await?;
    let played = board::play(&mut desk, &setting, flow, (ADMINISTRATOR, &gateway)).await?;
    let mut report = Report::of(&desk, &setting, flow, played);
    let held = plan.nodes.iter().filter_map(|it| folder.process(&it.name)?.rss_mb());
    report.rss_mb_max = held.max_by(f64::total_cmp);
    report.state_roots = state_roots(plan).await?;
    Ok(report)
}

impl Report {
    /// What came of order flow.
    fn of(desk: &Desk, setting: &Setting, flow: &Flow, played: Played) -> Self {
        let Played { tape, seconds, took } = played;
        let (view, fills) = (desk.view(), &tape.fills);
        let decimal = |sum, instrument| decimal(sum, view.scale(instrument).unwrap_or_default());
        let pairs = flow.pairs.as_deref();
        let found = pairs.map(|all| all.iter().filter(|it| fills.pairs.contains(it)).count());
        let settled =
            fills.count - u64::try_from(tape.unsettled().div_ceil(2)).unwrap_or(fills.count);
        #[expect(clippy::cast_precision_loss, reason = "a rate is shown, not kept")]
        let rate =
            |count: u64| (seconds > 0.0).then(|| (count as f64 / seconds * 10.0).round() / 10.0);
        let shown = u64::try_from(flow.shown.len()).unwrap_or(u64::MAX);
        let books = (shown > 0).then(|| Books {
            shown,
            equal: tape.equal,
            revealed: flow.revealed.clone(),
            hidden_executions: flow.hidden_executions,
            differs: tape.differs.clone(),
        });
        Self {
            events: Some(flow.events),
            fills: Some(fills.count),
            filled_quantity: decimal(fills.quantity, setting.security),
            value: decimal(fills.value, setting.money),
            refused: tape.refused,
            limited: Some(tape.otherwise),
            open_orders: Some(setting.orders(desk).count()),
            fills_sha256: Some(fills.sha256()),
            settled,
            unsettled: fills.count - settled,
            known: 0,
            recorded_trades: pairs.map(<[_]>::len),
            recorded_pairs_found: found,
            events_per_s: rate(flow.events),
            settled_per_s: rate(settled),
            finality_ms: Percentiles::of(took),
            state_roots: BTreeMap::new(),
            supply_exact: view.supply_is_exact(setting.security)
                && view.supply_is_exact(setting.money),
            rss_mb_max: None,
            books,
        }
    }

    /// # Errors
    /// No, with the first thing that does not hold.
    fn judge(&self) -> Result<()> {
        let roots: BTreeSet<_> = self.state_roots.values().collect();
        if self.unsettled > 0 {
            return Err(Failure::no(format_args!("{} trades did not settle", self.unsettled)));
        }
        if let Some(Books { shown, equal, differs, .. }) = &self.books
            && equal != shown
        {
            let why = differs.as_deref().unwrap_or("not all of them came");
            return Err(Failure::no(format_args!("the board's book is not the file's, {why}")));
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
