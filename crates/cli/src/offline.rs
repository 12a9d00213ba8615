//! `node verify` and `node rebuild`: a node that does not run.

use std::{
    io::IsTerminal as _,
    path::Path,
    time::{Duration, Instant},
};

use node::offline::{Damage, Report};
use serde::Serialize;
use serde_json::json;

use crate::{
    door::shown,
    failure::{Failure, Result},
    node::failure,
    output::Output,
};

/// How often a terminal is told how far it is.
const TOLD_EVERY: Duration = Duration::from_millis(200);

/// The answer of `node verify`.
#[derive(Serialize)]
struct Verified {
    valid: bool,
    height: u64,
    state_root: String,
    settlements: u64,
    instructions: u64,
    first_settlement: Option<String>,
    last_settlement: Option<String>,
    accounts: u64,
    damaged: Vec<Damaged>,
}

/// Something that is not as it was written.
#[derive(Serialize)]
struct Damaged {
    file: String,
    heights: Option<String>,
    what: String,
}

impl Verified {
    fn of(report: Report) -> Self {
        let counts = report.counts;
        Self {
            valid: report.damaged.is_empty(),
            height: report.height,
            state_root: hex::encode(report.state_root.0),
            settlements: counts.settlements,
            instructions: counts.instructions,
            first_settlement: counts.first_settlement.map(shown),
            last_settlement: counts.last_settlement.map(shown),
            accounts: counts.accounts,
            damaged: report.damaged.into_iter().map(Damaged::of).collect(),
        }
    }
}

impl Damaged {
    fn of(Damage { file, heights, what }: Damage) -> Self {
        let heights = heights.map(|it| match (it.start(), it.end()) {
            (from, to) if from == to => from.to_string(),
            (from, to) => format!("{from}-{to}"),
        });
        Self { file, heights, what }
    }
}

/// `furikae node verify FOLDER`.
///
/// # Errors
/// Malformed, when the folder is none of a node. A fault, when something is damaged, or the node runs.
pub fn verify(folder: &Path, output: Output) -> Result<()> {
    let report = node::verify(folder, progress("read"));
    let report = report.map_err(|fault| failure(fault, folder))?;
    let verified = Verified::of(report);
    let rows: Vec<_> =
        verified.damaged.iter().filter_map(|it| serde_json::to_value(it).ok()).collect();
    output.print(&verified, &["file", "heights", "what"], &rows)?;
    if verified.valid {
        eprintln!("all is sound up to height {}", verified.height);
        return Ok(());
    }
    let folder = folder.display();
    let failure = Failure::fault(format_args!("{} places are damaged", verified.damaged.len()));
    Err(failure.mend(format_args!(
        "what is not blocks or certificates is made anew by: furikae node rebuild {folder}"
    )))
}

/// `furikae node rebuild FOLDER`.
///
/// # Errors
/// Malformed, when the folder is none of a node. A fault, when a block is damaged, or the node runs.
pub fn rebuild(folder: &Path, output: Output) -> Result<()> {
    let rebuilt = node::rebuild(folder, progress("executed"));
    let rebuilt = rebuilt.map_err(|fault| failure(fault, folder))?;
    let root = hex::encode(rebuilt.state_root.0);
    let answer = json!({ "height": rebuilt.height, "state_root": root });
    output.print(&answer, &["height", "state_root"], std::slice::from_ref(&answer))
}

/// Tells a terminal how far it is.
fn progress(done: &'static str) -> impl FnMut(u64, u64) + Send + 'static {
    let terminal = std::io::stderr().is_terminal();
    let mut told = Instant::now();
    move |height, of| {
        if terminal && (height == of || told.elapsed() > TOLD_EVERY) {
            told = Instant::now();
            let end = if height == of { "\n" } else { "\r" };
            eprint!("{done}: block {height} of {of}{end}");
        }
    }
}
