//! What a node finds in its folder: who it is, its key, the first state of the market.
//!
//! ```text
//!   node.toml     name, role, listen, http, pace_ms, peers [{ key, address }]
//!   genesis.bin   the market's genesis, in its one encoding
//!   node.key      the seed of its key, 64 hexadecimal digits, readable by its owner only
//! ```

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crypto::keys::SecretKey;
use ledger::Genesis;
use serde::Deserialize;
use types::{PublicKey, Wire as _};

use crate::{Fault, http};

/// How the file is named that says what a node is.
pub const NAME: &str = "node.toml";
/// Longest text of it, in bytes.
const TOML_MAX: u64 = 1 << 20;
/// Longest genesis, in bytes.
const GENESIS_MAX: u64 = 64 << 20;
/// Longest key file, in bytes.
const KEY_MAX: u64 = 1 << 10;
/// Milliseconds between blocks while nothing is asked. A market has a block at least every second.
const PACE_MS: std::ops::RangeInclusive<u64> = 1..=1_000;

/// One node.
pub struct Config {
    /// Its folder.
    pub folder: PathBuf,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Where other nodes reach it.
    pub listen: SocketAddr,
    /// Where participants reach it.
    pub http: SocketAddr,
    /// What those may ask at most.
    pub http_limits: http::Limits,
    /// Milliseconds between blocks while nothing is asked.
    pub pace_ms: u64,
    /// The other nodes.
    pub peers: Vec<Peer>,
    /// The market's first state.
    pub genesis: Genesis,
    /// Its key, for votes and connections.
    pub key: SecretKey,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It votes when the epoch's committee names it.
    Validator,
    /// It follows by certificates.
    Observer,
}

/// Another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its key.
    pub key: PublicKey,
    /// Where it listens.
    pub address: SocketAddr,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Toml {
    name: String,
    role: Role,
    listen: SocketAddr,
    http: SocketAddr,
    #[serde(default)]
    http_limits: http::Limits,
    pace_ms: u64,
    #[serde(default)]
    peers: Vec<PeerToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerToml {
    #[serde(deserialize_with = "key")]
    key: PublicKey,
    address: SocketAddr,
}

impl Config {
    /// Reads the folder of one node.
    ///
    /// # Errors
    /// [`Fault::Config`], naming the file, and of `node.toml` line and field; [`Fault::Http`].
    pub fn read(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(NAME);
        let fault = |why: String| Fault::Config { path: path.clone(), why };
        let text = String::from_utf8(bytes(&path, TOML_MAX)?);
        let text = text.map_err(|_| fault("it is not a text in UTF-8".into()))?;
        let toml: Toml = toml::from_str(&text).map_err(|why| fault(why.to_string()))?;
        if !PACE_MS.contains(&toml.pace_ms) {
            let (least, most) = (PACE_MS.start(), PACE_MS.end());
            return Err(fault(format!("pace_ms = {}: it is {least} to {most}", toml.pace_ms)));
        }
        if !toml.http.ip().is_loopback() {
            return Err(listen::Fault::NotLoopback(toml.http).into());
        }
        let key = secret(&folder.join("node.key"))?;
        let peers: Vec<_> =
            toml.peers.into_iter().map(|it| Peer { key: it.key, address: it.address }).collect();
        if peers.iter().any(|it| it.key == key.public()) {
            return Err(fault("peers: it names this node's own key".into()));
        }
        let mut keys: Vec<_> = peers.iter().map(|it| it.key).collect();
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|it| it[0] == it[1]) {
            return Err(fault(format!(
                "peers: key {} stands there twice",
                hex::encode(twice[0].0)
            )));
        }
        Ok(Self {
            folder: folder.to_owned(),
            name: toml.name,
            role: toml.role,
            listen: toml.listen,
            http: toml.http,
            http_limits: toml.http_limits,
            pace_ms: toml.pace_ms,
            peers,
            genesis: genesis(&folder.join("genesis.bin"))?,
            key,
        })
    }
}

fn key<'de, D: serde::Deserializer<'de>>(from: D) -> Result<PublicKey, D::Error> {
    let text = String::deserialize(from)?;
    let mut key = [0; 32];
    hex::decode_to_slice(&text, &mut key)
        .map_err(|_| serde::de::Error::custom("a key is 64 hexadecimal digits"))?;
    Ok(PublicKey(key))
}

/// The genesis in the file at `path`.
pub(crate) fn genesis(path: &Path) -> Result<Genesis, Fault> {
    let genesis = Genesis::from_bytes(&bytes(path, GENESIS_MAX)?);
    genesis.map_err(|why| Fault::Config { path: path.into(), why: format!("no genesis: {why}") })
}

fn secret(path: &Path) -> Result<SecretKey, Fault> {
    let fault = |why: String| Fault::Config { path: path.into(), why };
    let text = bytes(path, KEY_MAX)?;
    let mode = fs::metadata(path).map_err(|error| fault(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(fault(format!("others may read it (mode {mode:03o}); chmod 600 it")));
    }
    let mut seed = [0; 32];
    hex::decode_to_slice(text.trim_ascii_end(), &mut seed)
        .map_err(|_| fault("it does not hold 64 hexadecimal digits".into()))?;
    Ok(SecretKey::from_seed(seed))
}

fn bytes(path: &Path, max: u64) -> Result<Vec<u8>, Fault> {
    let fault = |why: String| Fault::Config { path: path.into(), why };
    let len = fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if len > max {
        return Err(fault(format!("{len} bytes are too many: at most {max}")));
    }
    fs::read(path).map_err(|error| fault(error.to_string()))
}
