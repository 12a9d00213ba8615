//! What a gateway finds in its folder: whose it is, its key, its databases, its users.
//!
//! ```text
//!   gateway.toml   party, lane, http, nodes, history, outbox, users [{ name, token_sha256, rights }]
//!   genesis.bin    the market's genesis, in its one encoding
//!   gateway.key    the seed of the party's key, 64 hexadecimal digits, readable by its owner only
//! ```

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crypto::keys::SecretKey;
use ledger::Genesis;
use serde::Deserialize;
use types::{KeyId, Lane, PartyId, Wire as _};

use crate::{Fault, keys};

/// How the file is named that says what a gateway is.
pub const NAME: &str = "gateway.toml";

/// One gateway.
pub struct Config {
    /// Whose it is.
    pub party: PartyId,
    /// The number of its key.
    pub key_number: KeyId,
    /// In which lane it speaks: no other gateway or tool of the party may.
    pub lane: Lane,
    /// Where its users reach it.
    pub http: SocketAddr,
    /// What those may ask at most.
    pub http_limits: listen::Limits,
    /// The nodes that it asks, in order of preference.
    pub nodes: Vec<String>,
    /// Where its history lies.
    pub history: String,
    /// Where its outbox lies.
    pub outbox: String,
    /// Who may ask it.
    pub users: Vec<User>,
    /// The market's first state.
    pub genesis: Genesis,
    /// The party's key.
    pub key: SecretKey,
}

/// One who may ask.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// What it is called, in logs and in what it asked.
    pub name: String,
    /// SHA-256 of its token, in hexadecimal digits.
    pub token_sha256: String,
    /// What it may do.
    pub rights: Vec<Right>,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Read what the party may see.
    Read,
    /// Ask for instructions in the party's name.
    Instruct,
    /// Bring orders that their members have signed, for the party, a venue, to forward.
    Forward,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Toml {
    party: u32,
    #[serde(default)]
    key_number: u32,
    lane: u16,
    http: SocketAddr,
    #[serde(default)]
    http_limits: listen::Limits,
    nodes: Vec<String>,
    history: Option<String>,
    outbox: Option<String>,
    users: Vec<User>,
}

impl Config {
    /// Reads the folder of one gateway. A database that is not named is a file of SQLite in its folder `data`.
    ///
    /// # Errors
    /// [`Fault::Config`], naming the file, and of `gateway.toml` line and field; [`Fault::Key`].
    pub fn read(folder: &Path) -> Result<Self, Fault> {
        let path = folder.join(NAME);
        let fault = |why: String| Fault::Config { path: path.clone(), why };
        let text = fs::read_to_string(&path).map_err(|error| fault(error.to_string()))?;
        let mut toml: Toml = toml::from_str(&text).map_err(|why| fault(why.to_string()))?;
        let bad = |it: &&User| {
            let hex = it.token_sha256.len() == 64 && hex::decode(&it.token_sha256).is_ok();
            !hex || it.name.is_empty()
        };
        if let Some(user) = toml.users.iter().find(bad) {
            let why = "needs a name, and 64 hexadecimal digits in token_sha256";
            return Err(fault(format!("users: {:?} {why}", user.name)));
        }
        if toml.nodes.is_empty() {
            return Err(fault("nodes: it names none".into()));
        }
        if let Some(node) = toml.nodes.iter().find(|it| !it.starts_with("http")) {
            return Err(fault(format!("nodes: {node:?} does not begin with http:// or https://")));
        }
        toml.users.iter_mut().for_each(|it| it.token_sha256.make_ascii_lowercase());
        let mut names: Vec<_> = toml.users.iter().map(|it| it.name.clone()).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.windows(2).find(|it| it[0] == it[1]) {
            return Err(fault(format!("users: {twice:?} stands there twice")));
        }
        let data = folder.join("data");
        fs::create_dir_all(&data)
            .map_err(|error| Fault::Config { path: data.clone(), why: error.to_string() })?;
        let file = |name: &str| format!("sqlite:{}", data.join(name).display());
        Ok(Self {
            party: PartyId(toml.party),
            key_number: KeyId(toml.key_number),
            lane: Lane(toml.lane),
            http: toml.http,
            http_limits: toml.http_limits,
            nodes: toml.nodes,
            history: toml.history.unwrap_or_else(|| file("history.sqlite")),
            outbox: toml.outbox.unwrap_or_else(|| file("outbox.sqlite")),
            users: toml.users,
            genesis: genesis(&folder.join("genesis.bin"))?,
            key: keys::read(&folder.join("gateway.key"))?,
        })
    }
}

fn genesis(path: &PathBuf) -> Result<Genesis, Fault> {
    let fault = |why: String| Fault::Config { path: path.clone(), why };
    let bytes = fs::read(path).map_err(|error| fault(error.to_string()))?;
    Genesis::from_bytes(&bytes).map_err(|why| fault(format!("no genesis: {why}")))
}
