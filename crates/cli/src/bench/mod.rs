//! `bench`: figures of real networks on this machine, which it starts and stops.

mod history;
mod quiet;
mod sealed;

use tokio::runtime::Runtime;

use crate::failure::Result;

/// `furikae bench`
#[derive(Debug, clap::Subcommand)]
pub enum Bench {
    /// A quiet network: how soon one instruction is final, and what an idle validator takes
    Quiet(quiet::Asked),
    /// A gateway's history: how soon it is made again, and read; registries of random moments against a replay
    History(history::Asked),
    /// Sealed deliveries against payment, their proofs made beforehand: how many a second settle
    Sealed(sealed::Asked),
}

/// `furikae bench ..`.
///
/// # Errors
/// A fault of the market that it starts. No, when what it measures is not right.
pub fn bench(runtime: &Runtime, asked: &Bench) -> Result<()> {
    match asked {
        Bench::Quiet(asked) => quiet::quiet(runtime, asked),
        Bench::History(asked) => history::history(runtime, asked),
        Bench::Sealed(asked) => sealed::sealed(runtime, asked),
    }
}

/// How this was called.
fn command() -> String {
    std::env::args().collect::<Vec<_>>().join(" ")
}

/// How many cores this machine has.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
