//! What a node or a gateway finds in its folder before it starts: who it is, its key, the first state.
//!
//! All of it is written anew before each start, so that a folder can be deleted.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use ledger::governance::Roles;
use serde::Serialize;
use types::PublicKey;

use super::folder::{Folder, GatewayPlan, NodeKind, NodePlan, Part, Plan, write_whole};
use crate::{
    facts::Facts,
    failure::{Failure, Result},
};

/// Milliseconds between blocks while nothing is asked.
const PACE_MS: u64 = 1_000;

/// `node.toml`.
#[derive(Serialize)]
struct Config<'a> {
    name: &'a str,
    role: NodeKind,
    listen: String,
    http: String,
    pace_ms: u64,
    peers: Vec<Peer>,
}

/// The file in a gateway's folder that holds the token of the user who asks.
pub const TOKEN: &str = "token";
/// The file that holds the token of the user who approves.
const TOKEN_TO_APPROVE: &str = "controller.token";
/// The lane in which gateways speak; commands speak in lane 0.
const GATEWAY_LANE: u16 = 1;

/// `gateway.toml`.
#[derive(Serialize)]
struct DoorConfig {
    party: u32,
    lane: u16,
    http: String,
    nodes: Vec<String>,
    users: Vec<User>,
}

/// One who may ask a gateway.
#[derive(Serialize)]
struct User {
    name: &'static str,
    token_sha256: String,
    rights: &'static [&'static str],
}

/// Another node.
#[derive(Serialize)]
struct Peer {
    key: String,
    address: String,
}

/// Writes what a part needs to start.
///
/// # Errors
/// A fault of the disk or of a key file.
pub fn write(folder: &Folder, plan: &Plan, part: Part<'_>) -> Result<()> {
    let own = folder.data(part.name());
    make_dir(&own)?;
    let genesis = folder.genesis();
    let bytes = fs::read(&genesis).map_err(|error| Failure::file("read", &genesis, &error))?;
    write_whole(&own.join("genesis.bin"), &bytes)?;
    let (config, text, key, from) = match part {
        Part::Node(it) => {
            (node::config::NAME, toml::to_string(&config(folder, plan, it)?), "node.key", &it.name)
        }
        Part::Gateway(it) => {
            let door = door(plan, it, &own)?;
            public_key(folder, &it.word)?;
            (gateway::config::NAME, toml::to_string(&door), "gateway.key", &it.word)
        }
    };
    write_whole(&own.join(config), text.map_err(Failure::fault)?.as_bytes())?;
    copy_key(&folder.key(from), &own.join(key))
}

/// The configuration of a gateway in the folder `own`, with the tokens of its users.
fn door(plan: &Plan, gateway: &GatewayPlan, own: &Path) -> Result<DoorConfig> {
    let user = |name, token: &str, rights: &'static [&'static str]| {
        let secret = hex::encode(gateway::keys::read_or_create(&own.join(token))?.seed());
        let token_sha256 = hex::encode(crypto::sha256(secret.as_bytes()).0);
        Ok::<_, Failure>(User { name, token_sha256, rights })
    };
    // A venue's users bring what its members have signed.
    let is_venue = Facts::read()?.party(&gateway.word).roles.any_of(Roles::EXCHANGE);
    let back_office: &[_] =
        if is_venue { &["read", "instruct", "forward"] } else { &["read", "instruct"] };
    Ok(DoorConfig {
        party: gateway.party,
        lane: GATEWAY_LANE,
        http: gateway.api.to_string(),
        nodes: plan.doors(),
        users: vec![
            user("back-office", TOKEN, back_office)?,
            user("controller", TOKEN_TO_APPROVE, &["read", "approve"])?,
        ],
    })
}

fn config<'a>(folder: &Folder, plan: &Plan, node: &'a NodePlan) -> Result<Config<'a>> {
    let mut peers = Vec::new();
    for other in plan.nodes.iter().filter(|it| it.name != node.name) {
        let key = hex::encode(public_key(folder, &other.name)?.0);
        peers.push(Peer { key, address: other.listen.p2p.to_string() });
    }
    Ok(Config {
        name: &node.name,
        role: node.kind,
        listen: node.listen.p2p.to_string(),
        http: node.listen.api.to_string(),
        pace_ms: PACE_MS,
        peers,
    })
}

/// Copies a seed; only its owner can ever read it.
fn copy_key(from: &Path, to: &Path) -> Result<()> {
    let seed = fs::read(from).map_err(|error| Failure::file("read", from, &error))?;
    let partial = to.with_extension("partial");
    let write = || {
        let mut open = OpenOptions::new();
        let mut file = open.write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        file.write_all(&seed)?;
        file.sync_all()?;
        fs::rename(&partial, to)
    };
    write().map_err(|error| Failure::file("write", to, &error))
}

/// The public key of the key file `name`, which is made if absent.
///
/// # Errors
/// A fault of the key file.
pub fn public_key(folder: &Folder, name: &str) -> Result<PublicKey> {
    Ok(gateway::keys::read_or_create(&folder.key(name))?.public())
}

/// Makes a folder that nobody else may read, unless it is there.
///
/// # Errors
/// A fault of the disk.
pub fn make_dir(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Failure::file("make", path, &error))
}
