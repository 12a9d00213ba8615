//! Epochs: who decides for how long, and one consensus engine for each.
//!
//! ```text
//!   genesis ---> Committee 0 ---> engine 0 ---> last block of epoch 0 carries Committee 1
//!                                                       |  (under its changes root)
//!                                               Committee 1 ---> engine 1 ---> ...
//! ```
//!
//! A committee, its keys and its addresses hold for an epoch. Engines run only in the newest epoch that
//! is known here. A validator that may not know all it has signed in an epoch does not vote there: see
//! [`Guard`] for a folder that is lost, and `votes` for a journal that is.

mod committees;
mod early;
mod orchestrator;
mod votes;

use types::LedgerTime;

pub use committees::{Committees, Record};
pub use orchestrator::{Orchestrator, Settings, Start, UNACKNOWLEDGED, Voting, tap};

/// How far a block's time may be ahead of a validator's clock when it votes, in milliseconds.
pub const AHEAD_MAX_MS: u64 = 250;

/// Keeps a validator whose votes may be forgotten from voting twice.
///
/// Votes lie in the data folder. When the folder is made anew, what was voted in epochs that had begun
/// by then is unknown. So a validator votes only in epochs whose boundary block (the last block before
/// it; for epoch 0 the genesis) is dated after the folder was made, by more than clocks may differ.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// When the data folder was made, by this machine's clock.
    pub birth: LedgerTime,
    /// How far this machine's clock may be behind others, in milliseconds.
    pub skew_ms: u64,
}

impl Guard {
    /// Whether this validator may vote in the epoch that begins after a block of time `boundary`.
    #[must_use]
    pub const fn allows(&self, boundary: LedgerTime) -> bool {
        let margin = AHEAD_MAX_MS.saturating_add(self.skew_ms);
        boundary.0 > self.birth.0.saturating_add(margin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_have_forgotten_does_not_vote() {
        let guard = Guard { birth: LedgerTime(10_000), skew_ms: 500 };
        assert!(!guard.allows(LedgerTime(9_000)));
        assert!(!guard.allows(LedgerTime(10_750)), "a clock may be that far ahead");
        assert!(guard.allows(LedgerTime(10_751)));
        let late = Guard { birth: LedgerTime(u64::MAX), skew_ms: 1 };
        assert!(!late.allows(LedgerTime(u64::MAX)));
    }
}
