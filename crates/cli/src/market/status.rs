//! `market status`: what each node of a market says of itself, beside what this machine says of it.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime::Runtime;
use types::LedgerTime;

use super::{
    files::TOKEN,
    folder::{Folder, GatewayPlan, Listen, NodeKind, NodePlan, Part, Plan},
};
use crate::{
    failure::Result,
    output::{Form, Output},
};

/// How long a node may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(2);
/// What fits on a screen.
const COLUMNS: [&str; 9] =
    ["name", "kind", "pid", "height", "time", "voting", "rss_mb", "disk_mb", "listen.api"];
/// All that there is.
const CSV_COLUMNS: [&str; 12] = [
    "name",
    "kind",
    "pid",
    "height",
    "time",
    "state_root",
    "voting",
    "rss_mb",
    "disk_mb",
    "data_dir",
    "listen.p2p",
    "listen.api",
];

/// The answer to `market status`.
#[derive(Debug, Serialize)]
pub struct Report {
    dir: PathBuf,
    nodes: Vec<NodeReport>,
    gateways: Vec<GatewayReport>,
}

/// One participant's door.
#[derive(Debug, Serialize)]
pub struct GatewayReport {
    name: String,
    party: u32,
    roles: Vec<String>,
    pid: Option<u32>,
    url: String,
    height: Option<u64>,
    rss_mb: Option<f64>,
    token_file: PathBuf,
}

/// One node.
#[derive(Debug, Serialize)]
pub struct NodeReport {
    name: String,
    kind: NodeKind,
    pid: Option<u32>,
    height: Option<u64>,
    time: Option<String>,
    state_root: Option<String>,
    voting: Option<bool>,
    rss_mb: Option<f64>,
    disk_mb: f64,
    data_dir: PathBuf,
    listen: Listen,
}

/// What a node says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Said {
    /// The height of its newest certified block.
    pub height: u64,
    /// That block's time: RFC 3339, or milliseconds since 1970.
    time: Value,
    /// The roots of its state.
    pub root: String,
    /// Whether it votes now.
    voting: bool,
    /// Whether it takes envelopes.
    ready: bool,
}

impl Said {
    /// The time of its newest block, RFC 3339.
    fn time(&self) -> Option<String> {
        match &self.time {
            Value::String(text) => Some(text.clone()),
            other => Some(crate::door::shown(LedgerTime(other.as_u64()?))),
        }
    }
}

/// Asks the node how it is; `None` when it does not answer.
pub async fn ask(node: &NodePlan) -> Option<Said> {
    let doors = gateway::Doors::new(vec![format!("http://{}", node.listen.api)]).ok()?;
    let answer = tokio::time::timeout(PATIENCE, doors.get("/v1/status")).await.ok()?.ok()?;
    serde_json::from_slice(&answer.body).ok()
}

/// Whether a node has a block beyond the first state, or a gateway has read one.
pub fn serves(runtime: &Runtime, part: Part<'_>) -> bool {
    match part {
        Part::Node(it) => runtime.block_on(ask(it)).is_some_and(|it| it.ready && it.height > 0),
        Part::Gateway(it) => runtime.block_on(is_ready(it)),
    }
}

/// Whether a node answers, or a gateway has read a block.
pub fn answers(runtime: &Runtime, part: Part<'_>) -> bool {
    match part {
        Part::Node(it) => runtime.block_on(ask(it)).is_some(),
        Part::Gateway(it) => runtime.block_on(is_ready(it)),
    }
}

async fn is_ready(gateway: &GatewayPlan) -> bool {
    let answer = get(gateway, "/readyz", "").await;
    answer.is_some_and(|it| it.status().is_success())
}

/// What a gateway answers to `path`, to the user of this token.
async fn get(gateway: &GatewayPlan, path: &str, token: &str) -> Option<reqwest::Response> {
    let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().ok()?;
    http.get(format!("http://{}{path}", gateway.api)).bearer_auth(token).send().await.ok()
}

/// What a gateway says of itself, to the user whose token lies in its folder.
async fn ask_gateway(gateway: &GatewayPlan, token: &Path) -> Option<Value> {
    let token = fs::read_to_string(token).ok()?;
    get(gateway, "/v1/status", token.trim()).await?.json().await.ok()
}

/// Asks all nodes.
pub fn report(runtime: &Runtime, folder: &Folder, plan: &Plan) -> Report {
    let nodes = plan.nodes.iter().map(|node| node_report(runtime, folder, node)).collect();
    let gateways = plan.gateways.iter().map(|it| gateway_report(runtime, folder, it)).collect();
    Report { dir: folder.root().into(), nodes, gateways }
}

fn node_report(runtime: &Runtime, folder: &Folder, node: &NodePlan) -> NodeReport {
    let process = folder.process(&node.name);
    let said = process.and_then(|_| runtime.block_on(ask(node)));
    let data_dir = folder.data(&node.name);
    NodeReport {
        name: node.name.clone(),
        kind: node.kind,
        pid: process.map(|it| it.pid),
        height: said.as_ref().map(|it| it.height),
        time: said.as_ref().and_then(Said::time),
        state_root: said.as_ref().map(|it| it.root.clone()),
        voting: said.as_ref().map(|it| it.voting),
        rss_mb: process.and_then(super::process::Process::rss_mb),
        disk_mb: disk_mb(&data_dir),
        data_dir,
        listen: node.listen,
    }
}

fn gateway_report(runtime: &Runtime, folder: &Folder, it: &GatewayPlan) -> GatewayReport {
    let (process, token_file) = (folder.process(&it.name), folder.data(&it.name).join(TOKEN));
    let said = process.and_then(|_| runtime.block_on(ask_gateway(it, &token_file)));
    let said = said.unwrap_or_default();
    let roles = said["roles"].as_array().into_iter().flatten();
    GatewayReport {
        name: it.name.clone(),
        party: it.party,
        roles: roles.filter_map(|it| it.as_str().map(Into::into)).collect(),
        pid: process.map(|it| it.pid),
        url: format!("http://{}", it.api),
        height: said["height"].as_u64(),
        rss_mb: process.and_then(super::process::Process::rss_mb),
        token_file,
    }
}

/// Disk that a folder takes, in megabytes.
fn disk_mb(folder: &Path) -> f64 {
    let kilobytes = u32::try_from(disk_blocks(folder) / 2).unwrap_or(u32::MAX);
    (f64::from(kilobytes) / 102.4).round() / 10.0
}

/// The blocks of 512 bytes that the files under `folder` take. Files may vanish meanwhile.
fn disk_blocks(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => disk_blocks(&entry.path()),
        Ok(meta) => meta.blocks(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

impl Report {
    /// Prints it.
    ///
    /// # Errors
    /// A fault, when standard output is closed.
    pub fn print(&self, output: Output) -> Result<()> {
        let rows: Vec<_> =
            self.nodes.iter().filter_map(|node| serde_json::to_value(node).ok()).collect();
        let columns = if output.form() == Form::Csv { &CSV_COLUMNS[..] } else { &COLUMNS };
        output.print(self, columns, &rows)
    }
}
