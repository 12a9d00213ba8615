//! A whole market on this machine: one process for each node, and the launcher that watches them.

mod files;
mod folder;
mod found;
mod launch;
mod ports;
pub mod process;
mod status;
mod stay;

use std::time::Duration;

use tokio::runtime::Runtime;

pub use files::TOKEN;
pub use folder::{Folder, NodePlan, Part, Plan, write_whole};
#[cfg(test)]
pub use found::genesis_for_tests;
pub use found::purge;
pub use launch::{start, stop};
pub use status::ask;
pub use stay::{Stops, stop_after};

use self::{
    launch::{LAUNCHER, stop_all},
    process::Process,
};
use crate::{
    arguments::{At, Up},
    failure::{Failure, Result},
    output::Output,
};

/// How long a market may take until each of its nodes serves blocks.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// A market that this process started and watches.
pub struct Running {
    /// Its folder.
    pub folder: Folder,
    /// What it is made of.
    pub plan: Plan,
    watched: bool,
}

/// `market up`.
///
/// # Errors
/// Malformed: a folder that is not a market's; flags that differ from the market's; a market that is
/// watched by another launcher. A fault of the disk, a port or a process; then nothing is left running
/// that this command started.
pub fn up(runtime: &Runtime, asked: &Up) -> Result<()> {
    let stops = Stops::listen()?;
    let folder = Folder::chosen(asked.at.dir.as_deref())?;
    let running = Running::start(runtime, &folder, asked, &stops)?;
    status::report(runtime, &running.folder, &running.plan).print(asked.output)?;
    if asked.detach {
        return Ok(());
    }
    eprintln!("the market runs; Ctrl-C stops it");
    runtime.block_on(stops.wait());
    eprintln!("stopping");
    running.stop()
}

impl Running {
    /// Starts the market in `folder`, and waits until each of its nodes serves.
    ///
    /// # Errors
    /// As [`up`].
    pub fn start(runtime: &Runtime, folder: &Folder, asked: &Up, stops: &Stops) -> Result<Self> {
        found::check_folder(folder)?;
        let _lock = folder.lock()?;
        if let Some(launcher) = folder.launcher() {
            let (dir, pid) = (folder.root().display(), launcher.pid);
            let what = format!("the market in {dir} is running already, watched by process {pid}");
            return Err(Failure::malformed(what)
                .mend("stop it with Ctrl-C there, or with furikae market down"));
        }
        let plan = found::plan(folder, asked)?;
        let watched = (!asked.detach).then(Process::own);
        if let Some(own) = watched {
            folder.note_process(LAUNCHER, own)?;
        }
        let running = Self { folder: folder.clone(), plan, watched: watched.is_some() };
        match running.start_nodes(runtime, watched, stops) {
            Ok(()) => Ok(running),
            Err(failure) => {
                running.stop()?;
                Err(failure)
            }
        }
    }

    fn start_nodes(
        &self,
        runtime: &Runtime,
        watched: Option<Process>,
        stops: &Stops,
    ) -> Result<()> {
        for part in self.plan.parts() {
            let process = launch::start(&self.folder, &self.plan, part, watched)?;
            eprintln!("{} is process {}, http://{}", part.name(), process.pid, part.api());
        }
        let serves = |part: Part<'_>| status::serves(runtime, part);
        launch::wait_until_serving(&self.folder, self.plan.parts(), START_PATIENCE, stops, serves)
    }

    /// The process that its parts must not outlive.
    pub fn watcher(&self) -> Option<Process> {
        self.watched.then(Process::own)
    }

    /// Stops all of it.
    ///
    /// # Errors
    /// A fault, when a process does not end.
    pub fn stop(&self) -> Result<()> {
        let stopped = stop_all(&self.folder, &self.plan);
        if self.watched {
            self.folder.forget_process(LAUNCHER);
        }
        stopped
    }
}

/// Starts a market in a folder of its own, works on it, stops it, and deletes it when the work was done.
///
/// # Errors
/// As [`up`], those of `work`, and no, when this process is asked to stop before the end.
pub fn with_its_own<T>(
    runtime: &Runtime,
    name: &str,
    asked: impl FnOnce(&Folder) -> Up,
    work: impl AsyncFnOnce(&Running) -> Result<T>,
) -> Result<T> {
    let stops = Stops::listen()?;
    let folder = Folder::temporary(name)?;
    let running = Running::start(runtime, &folder, &asked(&folder), &stops)?;
    let done = runtime.block_on(async {
        tokio::select! {
            done = work(&running) => done,
            () = stops.wait() => Err(Failure::no("stopped before the end")),
        }
    });
    running.stop()?;
    match done {
        Ok(done) => purge(&folder).map(|()| done),
        Err(failure) => {
            eprintln!("what the nodes said stands in {}", folder.root().join("run").display());
            Err(failure)
        }
    }
}

/// `market status`.
///
/// # Errors
/// Unreachable, when there is no market. A fault, when it is damaged. What does not run is shown so.
pub fn status(runtime: &Runtime, at: &At, output: Output) -> Result<()> {
    let folder = Folder::chosen(at.dir.as_deref())?;
    let plan = folder.plan()?;
    status::report(runtime, &folder, &plan).print(output)
}

/// `market down`.
///
/// # Errors
/// Unreachable, when there is no market. A fault, when a process does not end.
pub fn down(runtime: &Runtime, at: &At, purge: bool, output: Output) -> Result<()> {
    let folder = Folder::chosen(at.dir.as_deref())?;
    let plan = folder.plan()?;
    // The launcher stops its nodes itself; what it does not reach, such as a node started later, we do.
    let launcher = folder.launcher();
    stop(&folder, LAUNCHER, false)?;
    let lock = folder.lock()?;
    stop_all(&folder, &plan)?;
    drop(lock);
    if launcher.is_some() {
        eprintln!("the launcher has ended");
    }
    let report = status::report(runtime, &folder, &plan);
    if purge {
        found::purge(&folder)?;
    }
    report.print(output)
}

/// `market start NAME`.
///
/// # Errors
/// Unreachable, when there is no market. Malformed, when it has nothing of that name. A fault, when it does not start.
pub fn start_node(runtime: &Runtime, at: &At, name: &str) -> Result<()> {
    let folder = Folder::chosen(at.dir.as_deref())?;
    let plan = folder.plan()?;
    let part = plan.part(name)?;
    let stops = Stops::listen()?;
    let _lock = folder.lock()?;
    let process = launch::start(&folder, &plan, part, folder.launcher())?;
    let serves = |part: Part<'_>| status::answers(runtime, part);
    launch::wait_until_serving(&folder, [part], START_PATIENCE, &stops, serves)?;
    eprintln!("{name} is process {}, http://{}", process.pid, part.api());
    Ok(())
}

/// `market stop NAME`.
///
/// # Errors
/// Unreachable, when there is no market. Malformed, when it has nothing of that name. A fault, when it does not end.
pub fn stop_node(at: &At, name: &str, kill: bool) -> Result<()> {
    let folder = Folder::chosen(at.dir.as_deref())?;
    let plan = folder.plan()?;
    let part = plan.part(name)?;
    let _lock = folder.lock()?;
    stop(&folder, part.name(), kill)
}
