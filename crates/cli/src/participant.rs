//! `gateway`: one participant's door, as its folder says.

use std::path::Path;

use crate::{
    arguments::Gateway,
    failure::{Failure, Result},
    market::{Stops, stop_after},
    node::{folder_of, tell_logs},
    runtime,
};

/// `furikae gateway ..`.
///
/// # Errors
/// Malformed, when the configuration is. A fault of the gateway.
pub fn command(command: Gateway) -> Result<()> {
    match command {
        Gateway::Run { config, watched } => {
            if let Some(watched) = watched {
                stop_after(watched)?;
            }
            run(&config)
        }
        Gateway::Openapi => {
            println!("{}", gateway::api::page().map_err(Failure::fault)?);
            Ok(())
        }
    }
}

/// Runs it until this process is asked to stop. What it keeps lies beside its configuration.
fn run(config: &Path) -> Result<()> {
    let folder = folder_of(config, gateway::config::NAME)?;
    let stops = Stops::listen()?;
    tell_logs();
    Ok(runtime()?.block_on(gateway::run::run(folder, async move { stops.wait().await }))?)
}
