//! `drill`: incidents on a real market of its own, and what became of it.

mod garbage;
mod kills;

use tokio::runtime::Runtime;

use crate::failure::Result;

/// `furikae drill`
#[derive(Debug, clap::Subcommand)]
pub enum Drill {
    /// Kill a gateway again and again while it is asked: each instruction has its effect once
    GatewayKills(kills::Asked),
    /// Send random and mutated bytes to every listener: an error each, nobody ends, nothing grows
    Garbage(garbage::Asked),
}

/// `furikae drill ..`.
///
/// # Errors
/// A fault of the market that it starts. No, when it did not come through.
pub fn drill(runtime: &Runtime, asked: &Drill) -> Result<()> {
    match asked {
        Drill::GatewayKills(asked) => kills::kills(runtime, asked),
        Drill::Garbage(asked) => garbage::garbage(runtime, asked),
    }
}
