//! What a gateway finds in its folder: whose it is, its key, its databases, its users.
//!
//! ```text
//!   gateway.toml   party, lane, http, nodes, history, outbox, users [{ name, token_sha256, rights, asks }], approval
//!   genesis.bin    the market's genesis, in its one encoding
//!   gateway.key    the seed of the party's key, 64 hexadecimal digits, readable by its owner only
//! ```
//!
//! Flags and the environment may say some of it over the file.

mod given;

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
};

use crypto::keys::SecretKey;
use ledger::Genesis;
use serde::Deserialize;
use toml::Spanned;
use types::{KeyId, Lane, PartyId, Wire as _};

pub use given::{Given, VARIABLES};

use crate::{Fault, ask, database::Engine, keys};

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
    /// The words of `ask` that a second user must approve.
    pub approval: BTreeSet<String>,
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
    /// With the right to instruct, which words it may ask; any, when none is named.
    #[serde(default)]
    pub asks: Vec<String>,
}

impl User {
    /// Whether it may ask for this word.
    #[must_use]
    pub fn may_ask(&self, word: &str) -> bool {
        self.asks.is_empty() || self.asks.iter().any(|it| it == word)
    }
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Read what the party may see.
    Read,
    /// Ask for instructions in the party's name.
    Instruct,
    /// Approve or reject what another user asks.
    Approve,
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
    http: Option<SocketAddr>,
    #[serde(default)]
    http_limits: listen::Limits,
    nodes: Option<Spanned<Vec<String>>>,
    history: Option<Spanned<String>>,
    outbox: Option<Spanned<String>>,
    users: Vec<Spanned<User>>,
    #[serde(default)]
    approval: Vec<Spanned<String>>,
}

impl Config {
    /// Reads the folder of one gateway. What is `given` counts over what the file says. A database that is not named
    /// is a file of SQLite in its folder `data`.
    ///
    /// # Errors
    /// [`Fault::Config`], naming the file, and of `gateway.toml` line and field; [`Fault::Given`], naming the flag or
    /// the variable; [`Fault::Key`].
    pub fn read(folder: &Path, given: &Given) -> Result<Self, Fault> {
        let path = folder.join(NAME);
        let fault = |why: String| Fault::Config { path: path.clone(), why };
        let text = fs::read_to_string(&path).map_err(|error| fault(error.to_string()))?;
        let toml: Toml = toml::from_str(&text).map_err(|why| fault(why.to_string()))?;
        let source = Source { path: &path, text: &text, given };
        let users = source.users(toml.users)?;
        let data = folder.join("data");
        fs::create_dir_all(&data)
            .map_err(|error| Fault::Config { path: data.clone(), why: error.to_string() })?;
        let file = |name: &str| format!("sqlite:{}", data.join(name).display());
        let history = source.database("history", toml.history)?;
        let outbox = source.database("outbox", toml.outbox)?;
        Ok(Self {
            party: PartyId(toml.party),
            key_number: KeyId(toml.key_number),
            lane: Lane(toml.lane),
            http: source.http(toml.http)?,
            http_limits: toml.http_limits,
            nodes: source.nodes(toml.nodes)?,
            history: history.unwrap_or_else(|| file("history.sqlite")),
            outbox: outbox.unwrap_or_else(|| file("outbox.sqlite")),
            approval: source.approval(toml.approval, &users)?,
            users,
            genesis: genesis(&folder.join("genesis.bin"))?,
            key: keys::read(&folder.join("gateway.key"))?,
        })
    }
}

/// Where what a gateway is told comes from.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
    given: &'a Given,
}

impl Source<'_> {
    /// What is wrong with a field, at its line.
    fn at(&self, span: &Range<usize>, field: &str, why: &str) -> Fault {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        Fault::Config { path: self.path.into(), why: format!("line {line}: {field}: {why}") }
    }

    /// A field that neither the file nor anything else says.
    fn missing(&self, field: &str) -> Fault {
        let variable = given::variable(field);
        let why = format!("{field}: it is missing; say it here, by {variable} or by --{field}");
        Fault::Config { path: self.path.into(), why }
    }

    fn http(&self, file: Option<SocketAddr>) -> Result<SocketAddr, Fault> {
        let Some(given) = self.given.field("http") else {
            return file.ok_or_else(|| self.missing("http"));
        };
        let bad = |why| given.fault(format_args!("{:?}: {why}", given.text));
        given.text.parse().map_err(|why: std::net::AddrParseError| bad(why))
    }

    fn nodes(&self, file: Option<Spanned<Vec<String>>>) -> Result<Vec<String>, Fault> {
        let wrong = |nodes: &[String]| {
            let bad =
                nodes.iter().find(|it| !it.starts_with("http://") && !it.starts_with("https://"));
            match bad {
                Some(bad) => Some(format!("{bad:?} does not begin with http:// or https://")),
                None => nodes.is_empty().then(|| "it names none".into()),
            }
        };
        if let Some(given) = self.given.field("nodes") {
            let nodes = given.list();
            return wrong(&nodes).map_or(Ok(nodes), |why| Err(given.fault(why)));
        }
        let file = file.ok_or_else(|| self.missing("nodes"))?;
        match wrong(file.get_ref()) {
            Some(why) => Err(self.at(&file.span(), "nodes", &why)),
            None => Ok(file.into_inner()),
        }
    }

    fn database(
        &self,
        field: &str,
        file: Option<Spanned<String>>,
    ) -> Result<Option<String>, Fault> {
        let wrong = |url: &str| Engine::of(url).err().map(|it| it.to_string());
        if let Some(given) = self.given.field(field) {
            let url = given.text.clone();
            return wrong(&url).map_or(Ok(Some(url)), |why| Err(given.fault(why)));
        }
        let Some(file) = file else { return Ok(None) };
        match wrong(file.get_ref()) {
            Some(why) => Err(self.at(&file.span(), field, &why)),
            None => Ok(Some(file.into_inner())),
        }
    }

    /// The users: each has a name and a token of its own.
    fn users(&self, users: Vec<Spanned<User>>) -> Result<Vec<User>, Fault> {
        let mut known: Vec<User> = Vec::new();
        for it in users {
            let (span, mut user) = (it.span(), it.into_inner());
            user.token_sha256.make_ascii_lowercase();
            let is_hex = user.token_sha256.len() == 64 && hex::decode(&user.token_sha256).is_ok();
            let why = if user.name.is_empty() || !is_hex {
                format!("{:?} needs a name, and 64 hexadecimal digits in token_sha256", user.name)
            } else if known.iter().any(|it| it.name == user.name) {
                format!("{:?} stands there twice", user.name)
            } else if let Some(it) = known.iter().find(|it| it.token_sha256 == user.token_sha256) {
                format!("{:?} and {:?} have the same token_sha256", it.name, user.name)
            } else if let Some(why) = user.asks.iter().find_map(|it| unknown(it)) {
                format!("{:?}: asks: {why}", user.name)
            } else {
                known.push(user);
                continue;
            };
            return Err(self.at(&span, "users", &why));
        }
        Ok(known)
    }

    /// The words that need a second person: each is one of `ask`, and somebody may approve.
    fn approval(
        &self,
        file: Vec<Spanned<String>>,
        users: &[User],
    ) -> Result<BTreeSet<String>, Fault> {
        let nobody = "no other user has the right \"approve\" than who asks, so what needs it would wait for ever";
        let approves = all_find_another(users);
        if let Some(given) = self.given.field("approval") {
            let words = given.list();
            if words.is_empty() {
                return Err(given.fault("it names none; leave it away to keep what the file says"));
            }
            let why = words.iter().find_map(|it| unknown(it));
            let nobody = || (!approves).then(|| nobody.into());
            return why
                .or_else(nobody)
                .map_or(Ok(with_keys(words.into_iter())), |why| Err(given.fault(why)));
        }
        for it in &file {
            let why = unknown(it.get_ref()).or_else(|| (!approves).then(|| nobody.into()));
            if let Some(why) = why {
                return Err(self.at(&it.span(), "approval", &why));
            }
        }
        Ok(with_keys(file.into_iter().map(Spanned::into_inner)))
    }
}

/// What is wrong with a word that cannot be asked.
fn unknown(word: &str) -> Option<String> {
    let known = ask::words().any(|it| it == word);
    let words = || ask::words().collect::<Vec<_>>().join(", ");
    (!known).then(|| format!("{word:?} is nothing that can be asked; the words are {}", words()))
}

/// Whether each who may ask finds somebody else who may approve, and there is somebody at all.
fn all_find_another(users: &[User]) -> bool {
    let another = |than: &User| {
        users.iter().any(|it| it.name != than.name && it.rights.contains(&Right::Approve))
    };
    let mut ask = users.iter().filter(|it| it.rights.contains(&Right::Instruct));
    users.iter().any(|it| it.rights.contains(&Right::Approve)) && ask.all(another)
}

/// These words; if there are any, those of keys too: who adds a key alone needs nobody for anything else.
fn with_keys(words: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = words.collect();
    if !words.is_empty() {
        words.extend(["add-key", "revoke-key"].map(String::from));
    }
    words
}

fn genesis(path: &PathBuf) -> Result<Genesis, Fault> {
    let fault = |why: String| Fault::Config { path: path.clone(), why };
    let bytes = fs::read(path).map_err(|error| fault(error.to_string()))?;
    Genesis::from_bytes(&bytes).map_err(|why| fault(format!("no genesis: {why}")))
}

#[cfg(test)]
mod tests;
