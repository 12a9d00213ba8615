//! Waiting for the end: a signal to the launcher, or the launcher's end as its nodes see it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};

use super::process::Process;
use crate::failure::{Failure, Result};

/// How often a node looks whether its launcher still lives.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Whether this process was asked to stop. From its making on, no such signal ends the process.
#[derive(Clone, Debug)]
pub struct Stops(Arc<AtomicBool>);

impl Stops {
    /// Begins to listen for SIGINT, SIGTERM and SIGHUP, for the rest of this process.
    ///
    /// # Errors
    /// A fault, when signals cannot be listened to here.
    pub fn listen() -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        let (shared, (ready, heard)) = (asked.clone(), std::sync::mpsc::channel());
        thread::spawn(move || {
            let runtime = match crate::runtime() {
                Ok(runtime) => runtime,
                Err(failure) => return ready.send(Err(failure)).unwrap_or_default(),
            };
            runtime.block_on(listen(&shared, &ready));
        });
        heard.recv().unwrap_or_else(|_| Err(Failure::fault("signals cannot be listened to")))?;
        Ok(Self(asked))
    }

    /// Whether it was asked.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits until it is asked.
    pub async fn wait(&self) {
        while !self.asked() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn listen(asked: &AtomicBool, ready: &std::sync::mpsc::Sender<Result<()>>) {
    let signals = || {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        std::io::Result::Ok((interrupt?, terminate?, hangup?))
    };
    let (mut interrupt, mut terminate, mut hangup) = match signals() {
        Ok(signals) => signals,
        Err(error) => {
            let failure = Failure::fault(format_args!("signals cannot be listened to: {error}"));
            return ready.send(Err(failure)).unwrap_or_default();
        }
    };
    // The other end waits for exactly this.
    ready.send(Ok(())).unwrap_or_default();
    loop {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
            _ = hangup.recv() => (),
        }
        asked.store(true, Ordering::Relaxed);
    }
}

/// Asks this process to stop, as SIGTERM would, once `watched` has ended.
///
/// # Errors
/// Unreachable, when it has ended already.
pub fn stop_after(watched: Process) -> Result<()> {
    if !watched.lives() {
        return Err(Failure::unreachable(format_args!(
            "the launcher, process {watched}, has ended"
        )));
    }
    thread::spawn(move || {
        while watched.lives() {
            thread::sleep(LOOK_EVERY);
        }
        eprintln!("the launcher, process {watched}, has ended: so does this node");
        Process::own().ask_to_stop();
    });
    Ok(())
}
