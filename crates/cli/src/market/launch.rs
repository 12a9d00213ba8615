//! Starting and stopping the processes of a market.
//!
//! Each node is a process of its own, in a process group of its own: Ctrl-C reaches the launcher
//! alone, which then stops its nodes in good order. A node is told which launcher it depends on
//! (`--while`), so that it stops by itself should the launcher be killed; a detached one is not.

use std::{
    fs::{self, OpenOptions},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    files,
    folder::{Folder, Part, Plan},
    ports,
    process::Process,
    stay::Stops,
};
use crate::failure::{Failure, Result};

/// The name under which the launcher that watches a market is noted.
pub const LAUNCHER: &str = "launcher";
/// How long a node may take to stop in good order.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How long a launcher may take to stop its nodes.
const LAUNCHER_PATIENCE: Duration = Duration::from_secs(25);
/// A log that is longer is put aside before the node starts again.
const LOG_BYTES_MAX: u64 = 16 << 20;

/// Starts a part of the market, unless it runs. Its end is seen in `Process`, not awaited.
///
/// # Errors
/// A fault, when a port is taken or the process cannot be started.
pub fn start(
    folder: &Folder,
    plan: &Plan,
    part: Part<'_>,
    watched: Option<Process>,
) -> Result<Process> {
    let name = part.name();
    if let Some(process) = folder.process(name) {
        return Ok(process);
    }
    for at in part.listens() {
        if !ports::comes_free(at.port()) {
            let what = format!("{at}, where {name} listens, is taken by another process");
            return Err(Failure::fault(what).mend("stop that process and try again"));
        }
    }
    files::write(folder, plan, part)?;
    let mut child = spawn(folder, part, watched)?;
    let Some(process) = Process::find(child.id()) else {
        let _ = child.wait();
        return Err(died(folder, name));
    };
    folder.note_process(name, process)?;
    reap(child);
    Ok(process)
}

fn spawn(folder: &Folder, part: Part<'_>, watched: Option<Process>) -> Result<Child> {
    let binary = std::env::current_exe()
        .map_err(|error| Failure::fault(format_args!("cannot find this binary: {error}")))?;
    let log_path = folder.log(part.name());
    put_aside_when_long(&log_path);
    let open = OpenOptions::new().create(true).append(true).open(&log_path);
    let log = open.map_err(|error| Failure::file("open", &log_path, &error))?;
    let errors = log.try_clone().map_err(|error| Failure::file("open", &log_path, &error))?;
    let mut command = Command::new(&binary);
    let (verb, config) = match part {
        Part::Node(_) => ("node", node::config::NAME),
        Part::Gateway(_) => ("gateway", gateway::config::NAME),
    };
    command.args([verb, "run", "--config"]).arg(folder.data(part.name()).join(config));
    // A market's gateways are where it has planned them, whatever the environment says.
    for (field, name) in gateway::config::VARIABLES {
        if field != "approval" {
            command.env_remove(name);
        }
    }
    if let Some(watched) = watched {
        command.args(["--while", &watched.to_string()]);
    }
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    command.process_group(0).current_dir(folder.root());
    command.spawn().map_err(|error| Failure::file("start", &binary, &error))
}

/// Awaits the child from a thread, so that nothing is left of it once it has ended.
fn reap(mut child: Child) {
    std::thread::spawn(move || child.wait());
}

fn put_aside_when_long(log: &Path) {
    if fs::metadata(log).is_ok_and(|it| it.len() > LOG_BYTES_MAX) {
        // Should this fail, the log only grows on.
        let _ = fs::rename(log, log.with_extension("log.1"));
    }
}

/// Stops the node or the launcher `name`, if it runs: in good order, or at once with `kill`.
///
/// # Errors
/// A fault, when it does not end.
pub fn stop(folder: &Folder, name: &str, kill: bool) -> Result<()> {
    let Some(process) = folder.process(name) else { return Ok(()) };
    if !kill {
        process.ask_to_stop();
    }
    let patience = if name == LAUNCHER { LAUNCHER_PATIENCE } else { STOP_PATIENCE };
    end(folder, name, process, if kill { Duration::ZERO } else { patience })
}

/// Stops all of the market, the last started first.
///
/// # Errors
/// A fault, when one does not end.
pub fn stop_all(folder: &Folder, plan: &Plan) -> Result<()> {
    let mut running: Vec<_> = plan
        .parts()
        .filter_map(|it| folder.process(it.name()).map(|process| (it.name(), process)))
        .collect();
    running.reverse();
    running.iter().for_each(|(_, process)| process.ask_to_stop());
    let until = Instant::now() + STOP_PATIENCE;
    for (name, process) in running {
        end(folder, name, process, until.saturating_duration_since(Instant::now()))?;
    }
    Ok(())
}

/// Waits for the end of a process that was asked to stop, and kills it when it takes too long.
fn end(folder: &Folder, name: &str, process: Process, patience: Duration) -> Result<()> {
    if !process.ended_within(patience) {
        if !patience.is_zero() {
            eprintln!("{name} did not stop in good order: killed");
        }
        process.kill();
        if !process.ended_within(STOP_PATIENCE) {
            let pid = process.pid;
            return Err(Failure::fault(format_args!("process {pid} ({name}) does not end"))
                .mend(format_args!("look at it with ps -o pid,stat,wchan -p {pid}")));
        }
    }
    folder.forget_process(name);
    Ok(())
}

/// Waits until every part serves.
///
/// # Errors
/// A fault, when a part ends meanwhile (with what it said last), or when `patience` is over.
pub fn wait_until_serving<'a>(
    folder: &Folder,
    parts: impl IntoIterator<Item = Part<'a>>,
    patience: Duration,
    stops: &Stops,
    serves: impl Fn(Part<'_>) -> bool,
) -> Result<()> {
    let began = Instant::now();
    for part in parts {
        let name = part.name();
        while !serves(part) {
            if folder.process(name).is_none() {
                return Err(died(folder, name));
            }
            if stops.asked() {
                return Err(Failure::no("stopped before the market was up"));
            }
            if began.elapsed() > patience {
                let seconds = patience.as_secs();
                let log = folder.log(name);
                let what = format!("{name} does not serve after {seconds} s");
                return Err(Failure::fault(what).mend(format_args!("read {}", log.display())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// What is told of a process that ended by itself.
fn died(folder: &Folder, name: &str) -> Failure {
    let path = folder.log(name);
    let log = fs::read(&path).unwrap_or_default();
    let text = String::from_utf8_lossy(&log);
    let lines: Vec<_> = text.lines().rev().take(5).collect();
    let last: Vec<_> = lines.into_iter().rev().map(|line| format!("\n    {line}")).collect();
    Failure::fault(format_args!("{name} ended by itself. Its last words:{}", last.concat()))
        .mend(format_args!("read {}", path.display()))
}
