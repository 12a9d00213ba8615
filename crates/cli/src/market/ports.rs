//! Free ports on the loopback, outside the range from which outgoing connections take theirs.

use std::{
    net::{Ipv4Addr, TcpListener},
    ops::Range,
    time::{Duration, Instant},
};

use crate::failure::{Failure, Result};

/// Below the range (32768 to 60999 by default) that the system gives to outgoing connections, so
/// that a port found free now is free at the next start as well.
const RANGE: Range<u16> = 20_000..32_000;

/// How long a port that is taken is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ports held until they are handed to their processes.
#[derive(Debug, Default)]
pub struct Ports {
    held: Vec<TcpListener>,
    next: u16,
}

impl Ports {
    /// Begins the search at a place that depends on `seed`, so that two markets that are made at
    /// the same time seldom try the same ports.
    pub fn new(seed: u32) -> Self {
        let width = u32::from(RANGE.end - RANGE.start);
        let offset = u16::try_from(seed.wrapping_mul(2_654_435_761) % width).unwrap_or_default();
        Self { held: Vec::new(), next: RANGE.start + offset }
    }

    /// A free port, held until `self` is dropped.
    ///
    /// # Errors
    /// A fault, when no port of the range is free.
    pub fn take(&mut self) -> Result<u16> {
        for _ in RANGE {
            let port = self.next;
            self.next = if port + 1 == RANGE.end { RANGE.start } else { port + 1 };
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                self.held.push(listener);
                return Ok(port);
            }
        }
        let range = format!("{} to {}", RANGE.start, RANGE.end - 1);
        Err(Failure::fault(format_args!("no port of 127.0.0.1 from {range} is free"))
            .mend("stop some of the processes that listen there"))
    }
}

/// Whether nobody listens at `port` of the loopback.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Whether `port` of the loopback is free, or comes free while a process that was killed is cleared away.
pub fn comes_free(port: u16) -> bool {
    let began = Instant::now();
    while !is_free(port) {
        if began.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_are_free_again_afterwards() {
        let mut ports = Ports::new(7);
        let (a, b) = (ports.take().unwrap(), ports.take().unwrap());
        assert_ne!(a, b);
        assert!(!is_free(a));
        drop(ports);
        assert!(is_free(a) && is_free(b));
    }
}
