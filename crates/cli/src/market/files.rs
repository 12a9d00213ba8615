//! What a node finds in its folder before it starts: who it is, its key, the first state.
//!
//! All of it is written anew before each start if it is missing, so that a node's folder can be deleted.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use serde::Serialize;
use types::PublicKey;

use super::folder::{Folder, NodeKind, NodePlan, Plan, write_whole};
use crate::failure::{Failure, Result};

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

/// Another node.
#[derive(Serialize)]
struct Peer {
    key: String,
    address: String,
}

/// Writes what `node` needs to start.
///
/// # Errors
/// A fault of the disk or of a key file.
pub fn write(folder: &Folder, plan: &Plan, node: &NodePlan) -> Result<()> {
    let own = folder.data(&node.name);
    make_dir(&own)?;
    let config = toml::to_string(&config(folder, plan, node)?).map_err(Failure::fault)?;
    write_whole(&own.join("node.toml"), config.as_bytes())?;
    let genesis = folder.genesis();
    let bytes = fs::read(&genesis).map_err(|error| Failure::file("read", &genesis, &error))?;
    write_whole(&own.join("genesis.bin"), &bytes)?;
    copy_key(&folder.key(&node.name), &own.join("node.key"))
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
