//! `node`: one node, as its folder says.

use std::path::Path;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::{
    arguments::Node,
    failure::{Failure, Result},
    market::{Stops, stop_after},
    offline,
};

/// `furikae node ..`.
///
/// # Errors
/// A fault of the node.
pub fn command(command: Node) -> Result<()> {
    match command {
        Node::Run { folder, watched } => {
            if let Some(watched) = watched {
                stop_after(watched)?;
            }
            run(&folder)
        }
        Node::Verify { folder, output } => offline::verify(&folder, output),
        Node::Rebuild { folder, output } => offline::rebuild(&folder, output),
    }
}

/// Runs it until this process is asked to stop.
fn run(folder: &Path) -> Result<()> {
    let stops = Stops::listen()?;
    tell_logs();
    node::run(folder, async move { stops.wait().await }).map_err(Failure::fault)
}

/// What the node says goes to standard error, a JSON object a line; `FURIKAE_LOG` says what of it.
fn tell_logs() {
    let filter = EnvFilter::builder()
        .with_env_var("FURIKAE_LOG")
        .with_default_directive(LevelFilter::WARN.into());
    let logs = tracing_subscriber::fmt().json().with_writer(std::io::stderr);
    logs.with_env_filter(filter.from_env_lossy()).init();
}
