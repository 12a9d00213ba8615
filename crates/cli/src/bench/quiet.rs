//! `bench quiet`: how soon one instruction is final, and what an idle validator takes.

use std::time::{Duration, Instant};

use clap::{Args, builder::RangedU64ValueParser};
use ledger::Instruction;
use serde::Serialize;
use tokio::runtime::Runtime;
use types::BusinessDate;

use super::{command, cores};
use crate::{
    arguments::Up,
    desk::Desk,
    failure::{Failure, Result},
    market::{Folder, Running, process::Process, with_its_own},
    output::Output,
    percentiles::Percentiles,
};

/// After the start, before anything is measured: the nodes are connected and have their first blocks.
const SETTLING: Duration = Duration::from_secs(5);
/// Between two instructions: the network is quiet again.
const QUIET: Duration = Duration::from_millis(150);

/// `bench quiet`
#[derive(Debug, Args)]
pub struct Asked {
    /// How many validators
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u16>::new().range(1..=31))]
    pub validators: Option<u16>,
    /// How many instructions, one after the other
    #[arg(long, value_name = "N", default_value = "50", value_parser = RangedU64ValueParser::<u32>::new().range(1..=10_000))]
    pub samples: u32,
    /// How many seconds to look at idle validators
    #[arg(long, value_name = "N", default_value = "20", value_parser = RangedU64ValueParser::<u64>::new().range(1..=3_600))]
    pub seconds: u64,
    #[command(flatten)]
    pub output: Output,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Report {
    workload: &'static str,
    samples: usize,
    quiet_finality_ms: Percentiles,
    idle_seconds: u64,
    idle_cpu_percent_max: f64,
    rss_mb_max: f64,
    validators: usize,
    cores: usize,
    command: String,
}

/// `furikae bench quiet`: how long until an instruction is final when nothing else happens, and what a
/// validator takes while nothing happens at all.
///
/// # Errors
/// A fault of the market that it starts.
pub fn quiet(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let up = |folder: &Folder| Up {
        validators: asked.validators,
        ..Up::of_its_own(folder.root(), None)
    };
    let report = with_its_own(runtime, "bench", up, async |it| measure(it, asked).await)?;
    let row = serde_json::to_value(&report).map_err(Failure::fault)?;
    let columns = [
        "samples",
        "quiet_finality_ms.p50",
        "quiet_finality_ms.p99",
        "idle_cpu_percent_max",
        "rss_mb_max",
    ];
    asked.output.print(&report, &columns, &[row])
}

async fn measure(running: &Running, asked: &Asked) -> Result<Report> {
    tokio::time::sleep(SETTLING).await;
    let processes: Vec<Process> =
        running.plan.validators().filter_map(|it| running.folder.process(&it.name)).collect();
    let idle = Duration::from_secs(asked.seconds);
    let before: Vec<_> = processes.iter().map(|it| it.cpu()).collect();
    tokio::time::sleep(idle).await;
    let spent = processes.iter().zip(before).filter_map(|(it, before)| Some(it.cpu()? - before?));
    let percent = |it: Duration| it.as_secs_f64() / idle.as_secs_f64() * 100.0;
    let idle_cpu_percent_max = spent.map(percent).fold(0.0, f64::max);
    let mut took = Vec::new();
    let mut desk = Desk::on(&running.folder, &running.plan).await?;
    for _ in 0..asked.samples {
        took.push(one(&mut desk).await?);
    }
    Ok(Report {
        workload: "quiet",
        samples: took.len(),
        quiet_finality_ms: Percentiles::of(took),
        idle_seconds: asked.seconds,
        idle_cpu_percent_max: (idle_cpu_percent_max * 100.0).round() / 100.0,
        rss_mb_max: processes.iter().filter_map(|it| it.rss_mb()).fold(0.0, f64::max),
        validators: processes.len(),
        cores: cores(),
        command: command(),
    })
}

/// Milliseconds from "a validator has taken it" to "its certificate is seen and checked".
async fn one(desk: &mut Desk) -> Result<f64> {
    tokio::time::sleep(QUIET).await;
    desk.follower().catch_up().await?;
    let who = desk.who("furikae")?;
    let date = BusinessDate(desk.today().0 + 1);
    let signed = [desk.sign(&who, vec![Instruction::OpenDay { date }])?];
    desk.follower().submit(&signed).await?;
    let taken = Instant::now();
    desk.follower().follow_until_held(&signed).await?;
    Ok(taken.elapsed().as_secs_f64() * 1_000.0)
}
