//! `market run`: market scripts on a network of processes, in one thread, or on the rules alone, with one answer.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use gateway::play::{Played, play};
use ledger::{
    memory::Memory,
    script::{self, Doing, Script},
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    arguments::Up,
    door,
    failure::{Failure, Result},
    market::{Folder, Plan, Running, with_its_own},
    output::{Form, Output},
};

/// A script's file has at most so many bytes.
const BYTES_MAX: u64 = 64 << 20;

/// Longest time that one line may let pass on a network.
const WAIT_MS_MAX: u64 = 5 * 60 * 1_000;

/// `furikae market run`
#[derive(Debug, clap::Args)]
pub struct Asked {
    /// The scripts
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// On what each of them runs
    #[arg(long, value_enum, default_value = "network")]
    on: Where,
    /// A running market, made with market up --script [default: one for each script, deleted afterwards]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// What decides delays and chance in one thread (--on sim)
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    output: Output,
}

/// On what a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Where {
    /// Validators as processes of this machine.
    Network,
    /// All of a market in one thread.
    Sim,
    /// The rules alone, in memory.
    Ledger,
}

/// The answer for one script.
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
    failed: Vec<Value>,
}

/// `furikae market run`.
///
/// # Errors
/// Malformed, when a file is no script, or the market that `--dir` names did not begin as it says.
/// Unreachable or a fault, when the market is or has one. No, when an expectation failed.
pub fn run(runtime: &Runtime, asked: &Asked) -> Result<()> {
    if asked.dir.is_some() && asked.on != Where::Network {
        let what = "only a network of processes has a folder";
        return Err(Failure::malformed(what).mend("leave out --dir, or --on"));
    }
    let scripts: Vec<_> = asked.files.iter().map(|it| read(it)).collect::<Result<_>>()?;
    if asked.on == Where::Network {
        asked.files.iter().zip(&scripts).try_for_each(|it| must_be_short(it.0, it.1))?;
    }
    let mut reports = Vec::new();
    for (path, script) in asked.files.iter().zip(&scripts) {
        let played = match (&asked.dir, asked.on) {
            (_, Where::Ledger) => on_the_rules(script),
            (_, Where::Sim) => in_one_thread(script, asked.seed)?,
            (None, Where::Network) => on_its_own(runtime, path, script)?,
            (Some(dir), Where::Network) => on_running(runtime, &Folder::at(dir)?, path, script)?,
        };
        reports.push(Report::of(path, played));
    }
    print(&reports, asked.output)?;
    judge(&reports)
}

/// The script in a file.
///
/// # Errors
/// Malformed, with the line that makes no sense and what to write instead.
pub fn read(path: &Path) -> Result<Script> {
    let name = path.display();
    let malformed = |why: &dyn std::fmt::Display| Failure::malformed(format_args!("{name}: {why}"));
    let about = fs::metadata(path).map_err(|error| malformed(&error))?;
    if about.len() > BYTES_MAX {
        return Err(malformed(&"it is too long for a script").mend("split it"));
    }
    let text = fs::read_to_string(path).map_err(|error| malformed(&error))?;
    script::parse(&text).map_err(|bad| {
        Failure::malformed(format_args!("{name}, line {}: {}", bad.line, bad.what))
            .mend(bad.instead)
    })
}

/// Makes sure that the market in `folder` began as the script's market begins.
///
/// # Errors
/// Malformed, when it did not. A fault, when its first state cannot be read.
pub fn must_begin(script: &Script, path: &Path, folder: &Folder) -> Result<()> {
    if script.may_run_on(&folder.read_genesis()?) {
        return Ok(());
    }
    let (dir, path) = (folder.root().display(), path.display());
    let what = format!(
        "the market in {dir} did not begin as that of {path}: with its founder alone, on {}",
        script.date
    );
    Err(Failure::malformed(what)
        .mend(format_args!("furikae market up --script {path} --dir DIR makes one that does")))
}

/// Refuses a script that would let too much time pass on a clock.
fn must_be_short(path: &Path, script: &Script) -> Result<()> {
    for step in &script.steps {
        if matches!(step.doing, Doing::Wait { millis } if millis > WAIT_MS_MAX) {
            let (name, minutes) = (path.display(), WAIT_MS_MAX / 60_000);
            let what =
                format!("{name}, line {}: it waits for more than {minutes} minutes", step.line);
            return Err(Failure::malformed(what).mend("run it with --on sim"));
        }
    }
    Ok(())
}

fn on_the_rules(script: &Script) -> Played {
    let mut memory = Memory::of(script);
    Played {
        report: memory.play(script),
        positions_digest: memory.positions_digest(),
        registry_digests: memory.registry_digests().collect(),
    }
}

fn in_one_thread(script: &Script, seed: u64) -> Result<Played> {
    let ran = sim::run_script(script, seed)?;
    eprintln!("seed {seed}: {} blocks, trace {}", ran.height, ran.trace);
    Ok(ran.played)
}

/// On a market that is started for it and deleted afterwards.
fn on_its_own(runtime: &Runtime, path: &Path, script: &Script) -> Result<Played> {
    let up =
        |folder: &Folder| Up { script: Some(path.into()), ..Up::of_its_own(folder.root(), None) };
    let work = async |it: &Running| on_network(&it.folder, &it.plan, script).await;
    with_its_own(runtime, "script", up, work)
}

fn on_running(runtime: &Runtime, folder: &Folder, path: &Path, script: &Script) -> Result<Played> {
    let plan = folder.plan()?;
    must_begin(script, path, folder)?;
    runtime.block_on(on_network(folder, &plan, script))
}

async fn on_network(folder: &Folder, plan: &Plan, script: &Script) -> Result<Played> {
    let mut follower = door::of_folder(folder, plan)?;
    follower.catch_up().await?;
    Ok(play(script, &mut follower).await?)
}

impl Report {
    fn of(path: &Path, played: Played) -> Self {
        let Played { report, positions_digest, registry_digests } = played;
        let script::Report { lines, refused, held, failed } = report;
        let failed = failed.into_iter().map(|it| json!({"line": it.line, "text": it.text}));
        let hex = |it: types::Digest| hex::encode(it.0);
        Self {
            script: path.display().to_string(),
            lines,
            refused,
            expectations: Expectations { held, failed: failed.collect() },
            positions_digest: hex(positions_digest),
            registry_digests: registry_digests
                .into_iter()
                .map(|(instrument, digest)| (instrument.to_string(), hex(digest)))
                .collect(),
        }
    }
}

/// One script's answer is an object; those of several a list of them.
fn print(reports: &[Report], output: Output) -> Result<()> {
    let mut rows = Vec::new();
    for report in reports {
        let mut row = serde_json::to_value(report).map_err(Failure::fault)?;
        if output.form() != Form::Json {
            row["failed"] = report.expectations.failed.len().into();
        }
        rows.push(row);
    }
    let columns = ["script", "lines", "refused", "expectations.held", "failed", "positions_digest"];
    match reports {
        [one] => output.print(one, &columns, &rows),
        all => output.print(&all, &columns, &rows),
    }
}

/// # Errors
/// No, when an expectation failed; each is told on the error stream.
fn judge(reports: &[Report]) -> Result<()> {
    let mut failed = 0_usize;
    for Report { script, expectations, .. } in reports {
        for it in &expectations.failed {
            eprintln!("{script}, line {}: {}", it["line"], it["text"].as_str().unwrap_or_default());
            failed = failed.saturating_add(1);
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::no(format_args!("{failed} expectations failed")))
}
