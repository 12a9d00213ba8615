//! `market run`: market scripts, on the rules alone or on a market of nodes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use ledger::{
    Key, Value,
    book::{self, Place, Position},
    issuance::Instrument,
    memory::Memory,
    row::Row,
    script::{self, Script},
};
use serde::Serialize;
use tokio::runtime::Runtime;
use types::{InstrumentId, Reader, Wire};

use crate::{
    arguments::Up,
    door,
    failure::{Failure, Result},
    market::{Folder, Plan, Running, Stops},
    output::Output,
};

/// `furikae market run`
#[derive(Debug, Args)]
pub struct RunScripts {
    /// Market scripts
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// On what
    #[arg(long, value_enum, default_value = "network")]
    pub on: Where,
    /// A running market [default: one of its own for each script, deleted afterwards]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub output: Output,
}

/// On what a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// Validators as processes of this machine; each line waits for its finality.
    Network,
    /// All of a market in one thread.
    Sim,
    /// The rules alone, in memory.
    Ledger,
}

/// What came of one script.
#[derive(Debug, Serialize)]
struct Report {
    script: String,
    lines: u32,
    refused: u32,
    expectations: Expectations,
    positions_digest: String,
    registry_digests: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Expectations {
    held: u32,
    failed: Vec<String>,
}

/// `furikae market run`.
///
/// # Errors
/// Malformed, when a file is no script. Unreachable, when the market is. No, when something that a script
/// expects does not hold.
pub fn run(runtime: &Runtime, asked: &RunScripts) -> Result<()> {
    let scripts: Vec<(String, Script)> =
        asked.files.iter().map(|it| read(it)).collect::<Result<_>>()?;
    let mut reports = Vec::new();
    for (name, script) in scripts {
        reports.push(match asked.on {
            Where::Ledger => on_the_ledger(name, &script),
            Where::Network => on_nodes(runtime, asked.dir.as_deref(), name, &script)?,
            Where::Sim => return Err(Failure::not_yet("run a script in one thread")),
        });
    }
    let columns = ["script", "lines", "refused", "expectations.held", "positions_digest"];
    let rows: Vec<_> = reports.iter().filter_map(|it| serde_json::to_value(it).ok()).collect();
    match reports.as_slice() {
        [report] => asked.output.print(report, &columns, &rows)?,
        reports => asked.output.print(&reports, &columns, &rows)?,
    }
    let failed = reports
        .iter()
        .flat_map(|it| it.expectations.failed.iter().map(|text| format!("{}, {text}", it.script)));
    let failed: Vec<String> = failed.collect();
    if failed.is_empty() { Ok(()) } else { Err(Failure::no(failed.join("\n"))) }
}

/// A script and its file's name.
fn read(path: &Path) -> Result<(String, Script)> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::malformed(format_args!("{}: {error}", path.display())))?;
    let script = script::parse(&text).map_err(|bad| {
        let what = format!("{}, line {}: {}", path.display(), bad.line, bad.what);
        Failure::malformed(what).mend(bad.instead)
    })?;
    Ok((path.display().to_string(), script))
}

fn on_the_ledger(name: String, script: &Script) -> Report {
    let mut market = Memory::of(script);
    let report = market.play(script);
    let rows = market.rows().iter().map(|(key, value)| (*key, value.clone()));
    Report::of(name, &report, &rows.collect())
}

/// On the market in `dir`, or one that is started for it, with the script's date, and deleted afterwards.
fn on_nodes(
    runtime: &Runtime,
    dir: Option<&Path>,
    name: String,
    script: &Script,
) -> Result<Report> {
    if let Some(dir) = dir {
        let folder = Folder::at(dir)?;
        return runtime.block_on(play(&folder, &folder.plan()?, name, script));
    }
    let stops = Stops::listen()?;
    let folder = Folder::temporary("script")?;
    let asked = Up { date: Some(script.date), ..Up::of_its_own(folder.root()) };
    let running = Running::start(runtime, &folder, &asked, &stops)?;
    let report = runtime.block_on(async {
        tokio::select! {
            report = play(&folder, &running.plan, name, script) => report,
            () = stops.wait() => Err(Failure::no("stopped before the end")),
        }
    });
    running.stop()?;
    if report.is_ok() {
        crate::market::purge(&folder)?;
    }
    report
}

async fn play(folder: &Folder, plan: &Plan, name: String, script: &Script) -> Result<Report> {
    let mut follower = door::of_folder(folder, plan)?;
    let founder = gateway::keys::read_or_create(&folder.key(script::FOUNDER))?;
    let report = gateway::script::play(&mut follower, &founder, script).await?;
    Ok(Report::of(name, &report, &rows_of(follower.view())))
}

/// The positions and instruments that a view has.
fn rows_of(view: &gateway::View) -> BTreeMap<Key, Value> {
    let positions =
        view.rows::<Position>().map(|(name, row)| (Position::key(&name), row.to_bytes()));
    let instruments =
        view.rows::<Instrument>().map(|(name, row)| (Instrument::key(&name), row.to_bytes()));
    positions.chain(instruments).collect()
}

impl Report {
    fn of(script: String, report: &script::Report, rows: &BTreeMap<Key, Value>) -> Self {
        let text = |it: &script::Failed| format!("line {}: {}", it.line, it.text);
        let failed = report.failed.iter().map(text).collect();
        let digests = of_kind::<Instrument>(rows).filter(|it| !InstrumentId::is_currency(&it.0));
        Self {
            script,
            lines: report.lines,
            refused: report.refused,
            expectations: Expectations { held: report.held, failed },
            positions_digest: book::digest(positions(rows)).to_string(),
            registry_digests: digests
                .map(|(name, row)| (name.to_string(), row.registry_digest.to_string()))
                .collect(),
        }
    }
}

fn positions(rows: &BTreeMap<Key, Value>) -> impl Iterator<Item = (Place, i64)> {
    of_kind::<Position>(rows).map(|(place, row)| match row.available {
        crypto::Amount::Open(units) => (place, units),
        crypto::Amount::Sealed { .. } => (place, 0),
    })
}

fn of_kind<R: Row>(rows: &BTreeMap<Key, Value>) -> impl Iterator<Item = (R::Name, R)> {
    let rows = rows.iter().filter(|it| it.0.kind() == R::KIND);
    rows.filter_map(|(key, value)| {
        Some((R::Name::read(&mut Reader::new(key.name())).ok()?, R::from_bytes(value).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(name: &str) -> (String, Script) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../markets").join(name);
        read(&path).unwrap()
    }

    #[test]
    fn a_script_leaves_the_same_book_on_the_rules_and_on_a_node() {
        for name in
            ["gridlock.market", "queue-rules.market", "mismatch.market", "thresholds.market"]
        {
            let (_, script) = shipped(name);
            let mut short = script.clone();
            // A stand-in for a node makes no block by itself: what waits for time stays out.
            short.steps.truncate(
                script
                    .steps
                    .iter()
                    .position(|it| {
                        !matches!(it.doing, script::Doing::Ask(_) | script::Doing::Expect(_))
                    })
                    .unwrap_or(script.steps.len()),
            );
            let expected = on_the_ledger(name.into(), &short);
            assert_eq!(expected.expectations.failed, Vec::<String>::new());
            crate::stand_in::with_desk("script", async |desk| {
                let founder = gateway::keys::read_or_create(&desk.folder().key("furikae")).unwrap();
                let report =
                    gateway::script::play(desk.follower(), &founder, &short).await.unwrap();
                let report = Report::of(name.into(), &report, &rows_of(desk.view()));
                assert_eq!(report.expectations.failed, Vec::<String>::new(), "{name}");
                assert_eq!(report.positions_digest, expected.positions_digest, "{name}");
                assert_eq!(report.registry_digests, expected.registry_digests, "{name}");
            });
        }
    }

    #[test]
    fn a_file_that_is_no_script_is_refused_with_its_line() {
        let path = std::env::temp_dir().join(format!("furikae-{}.market", std::process::id()));
        fs::write(&path, "furikae admits aoba as participant\naoba dances\n").unwrap();
        let failure = read(&path).unwrap_err();
        fs::remove_file(&path).unwrap();
        assert!(failure.what.contains("line 2: `dances` is nothing"), "{}", failure.what);
        assert!(read(Path::new("no/such.market")).is_err());
    }
}
