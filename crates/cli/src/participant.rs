//! `gateway`: one participant's door, as its folder, the environment and flags say.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use gateway::config::Given;

use crate::{
    failure::{Failure, Result},
    logs::Logs,
    market::{Stops, process::Process, stop_after},
    node::folder_of,
    runtime,
};

/// `furikae gateway`
#[derive(Debug, Subcommand)]
pub enum Asked {
    /// Run one participant's gateway until it is told to stop (SIGINT, SIGTERM)
    Run(Box<Run>),
    /// Print what a gateway may be asked, as OpenAPI 3.1
    Openapi,
}

/// `furikae gateway run`
#[derive(Debug, Args)]
pub struct Run {
    /// Its gateway.toml; what it keeps lies beside it, unless that names databases elsewhere
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    logs: Logs,
    /// Stop when this process has ended
    #[arg(long = "while", value_name = "PID@TICKS", hide = true)]
    watched: Option<Process>,
}

/// What counts over gateway.toml; each has a variable as well, FURIKAE_GATEWAY_HTTP and so on, which counts less.
#[derive(Debug, Args)]
struct Flags {
    /// Where its users reach it, such as 127.0.0.1:9001 [variable: FURIKAE_GATEWAY_HTTP]
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Where its history lies, sqlite:PATH or postgres://.. [variable: FURIKAE_GATEWAY_HISTORY]
    #[arg(long, value_name = "URL")]
    history: Option<String>,
    /// Where its outbox lies [variable: FURIKAE_GATEWAY_OUTBOX]
    #[arg(long, value_name = "URL")]
    outbox: Option<String>,
    /// The nodes that it asks, separated by commas [variable: FURIKAE_GATEWAY_NODES]
    #[arg(long, value_name = "URLS")]
    nodes: Option<String>,
    /// What needs a second person, words of ask separated by commas [variable: FURIKAE_GATEWAY_APPROVAL]
    #[arg(long, value_name = "WORDS")]
    approval: Option<String>,
}

impl Flags {
    fn of(&self, field: &str) -> Option<String> {
        match field {
            "http" => self.http.clone(),
            "history" => self.history.clone(),
            "outbox" => self.outbox.clone(),
            "nodes" => self.nodes.clone(),
            "approval" => self.approval.clone(),
            _ => None,
        }
    }
}

/// `furikae gateway ..`.
///
/// # Errors
/// Malformed, when the configuration is. A fault of the gateway.
pub fn command(asked: Asked) -> Result<()> {
    match asked {
        Asked::Run(asked) => {
            if let Some(watched) = asked.watched {
                stop_after(watched)?;
            }
            let variable = |name: &str| std::env::var_os(name);
            let variable = |name: &str| variable(name).map(|it| it.to_string_lossy().into_owned());
            let given = Given::of(|it| asked.flags.of(it), variable);
            run(&asked.config, &given, asked.logs)
        }
        Asked::Openapi => {
            println!("{}", gateway::api::page().map_err(Failure::fault)?);
            Ok(())
        }
    }
}

/// Runs it until this process is asked to stop. What it keeps lies beside its configuration.
fn run(config: &Path, given: &Given, logs: Logs) -> Result<()> {
    let folder = folder_of(config, gateway::config::NAME)?;
    let stops = Stops::listen()?;
    logs.tell()?;
    Ok(runtime()?.block_on(gateway::run::run(folder, given, async move { stops.wait().await }))?)
}
