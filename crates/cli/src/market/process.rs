//! One operating-system process, named so that a number used again is not mistaken for it.

use std::{
    fmt, fs,
    str::FromStr,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// A process: its number and when it began, in clock ticks since this machine started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The number.
    pub pid: u32,
    /// When it began.
    began: u64,
}

impl Process {
    /// The living process of this number.
    ///
    /// `None` if there is none, or only what is left of one that ended.
    pub fn find(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name may hold spaces and parentheses: what follows the last one is regular.
        let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
        let state = fields.next()?;
        let began = fields.nth(18)?.parse().ok()?;
        (!matches!(state, "Z" | "X")).then_some(Self { pid, began })
    }

    /// This process.
    pub fn own() -> Self {
        let pid = std::process::id();
        Self::find(pid).unwrap_or(Self { pid, began: 0 })
    }

    /// Whether it still runs.
    pub fn lives(self) -> bool {
        Self::find(self.pid) == Some(self)
    }

    /// Asks it to stop.
    pub fn ask_to_stop(self) {
        self.signal(Signal::TERM);
    }

    /// Ends it at once, without its consent.
    pub fn kill(self) {
        self.signal(Signal::KILL);
    }

    /// A process that ended meanwhile needs no signal, so its absence is no error.
    fn signal(self, signal: Signal) {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let (true, Some(pid)) = (self.lives(), pid) {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until it has ended; false if it has not within `patience`.
    pub fn ended_within(self, patience: Duration) -> bool {
        let began = Instant::now();
        while self.lives() {
            if began.elapsed() > patience {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// CPU time that it has taken so far.
    pub fn cpu(self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).map(|it| it.parse::<u64>().unwrap_or(0)).sum();
        let per_second = rustix::param::clock_ticks_per_second();
        Some(Duration::from_millis(ticks.saturating_mul(1_000) / per_second.max(1)))
    }

    /// Memory that it holds, in megabytes.
    pub fn rss_mb(self) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").trim().parse().ok()?;
        Some((kilobytes / 102.4).round() / 10.0)
    }
}

/// `number@ticks`, as pid files and `--while` write it.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.pid, self.began)
    }
}

impl FromStr for Process {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (pid, began) = text.trim().split_once('@')?;
            Some(Self { pid: pid.parse().ok()?, began: began.parse().ok()? })
        };
        parse().ok_or_else(|| format!("{text:?} is not a process, written number@ticks"))
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_written_and_read_back() {
        let own = Process::own();
        assert!(own.lives());
        assert_eq!(own.to_string().parse::<Process>().unwrap(), own);
        assert!("12".parse::<Process>().is_err());
    }

    #[test]
    fn a_number_used_again_is_another_process() {
        let own = Process::own();
        let before = Process { began: own.began - 1, ..own };
        assert!(!before.lives());
    }

    #[test]
    fn a_process_that_was_killed_lives_no_more_even_before_it_is_awaited() {
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let process = Process::find(child.id()).unwrap();
        process.ask_to_stop();
        assert!(process.ended_within(Duration::from_secs(5)));
        child.wait().unwrap();
    }
}
