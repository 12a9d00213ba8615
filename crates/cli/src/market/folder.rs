//! The folder of one market: which nodes it has, where their files lie, which of them run.
//!
//! ```text
//! D/market.json           what this market is; written last, so a folder without it is not one yet
//! D/genesis.bin           the first state, the same for every node
//! D/validators.json       what `verify --validators` reads
//! D/keys/NAME.key         seeds, 0600
//! D/NAME/                 a node's folder: can be deleted, is made anew from all this and from the others
//! D/run/NAME.{pid,log}    the process and what it says;  D/run/launcher.pid: who watches them
//! D/lock                  held while a command starts or stops something
//! ```

use std::{
    fs::{self, File},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ledger::Genesis;
use serde::{Deserialize, Serialize};
use types::Wire;

use super::process::Process;
use crate::{
    arguments::Leader,
    failure::{Failure, Result},
};

/// What a market is made of. Read from `market.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this layout: 1.
    pub version: u32,
    /// The chain's id, in hexadecimal digits.
    pub chain: String,
    /// Blocks in an epoch.
    pub epoch_blocks: u64,
    /// Who proposes.
    pub leader: Leader,
    /// Its nodes, in the order in which they are started.
    pub nodes: Vec<NodePlan>,
    /// Its participants' gateways, which are started after them.
    #[serde(default)]
    pub gateways: Vec<GatewayPlan>,
}

/// One participant's gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GatewayPlan {
    /// `gateway-aoba`.
    pub name: String,
    /// The word of its party.
    pub word: String,
    /// The number of its party.
    pub party: u32,
    /// Where its users reach it.
    pub api: SocketAddr,
}

/// One process of a market.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// A validator or an observer.
    Node(&'a NodePlan),
    /// A participant's door.
    Gateway(&'a GatewayPlan),
}

impl<'a> Part<'a> {
    /// Its name.
    pub fn name(self) -> &'a str {
        match self {
            Self::Node(it) => &it.name,
            Self::Gateway(it) => &it.name,
        }
    }

    /// Where it is asked over HTTP.
    pub const fn api(self) -> SocketAddr {
        match self {
            Self::Node(it) => it.listen.api,
            Self::Gateway(it) => it.api,
        }
    }

    /// Where it listens.
    pub fn listens(self) -> Vec<SocketAddr> {
        match self {
            Self::Node(it) => vec![it.listen.p2p, it.listen.api],
            Self::Gateway(it) => vec![it.api],
        }
    }
}

/// One node of a market.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NodePlan {
    /// `validator-1`, `observer-1`.
    pub name: String,
    /// Whether it votes.
    pub kind: NodeKind,
    /// Where it listens.
    pub listen: Listen,
}

/// What a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// Votes.
    Validator,
    /// Follows by certificates, without a vote.
    Observer,
}

/// Where a node listens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Listen {
    /// For the other nodes.
    pub p2p: SocketAddr,
    /// For its HTTP interface.
    pub api: SocketAddr,
}

/// A market's folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

/// Held while a command changes which processes run.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Folder {
    /// The folder at `root`, which may not exist yet.
    ///
    /// # Errors
    /// A malformed request, when the current directory is needed and gone.
    pub fn at(root: &Path) -> Result<Self> {
        let root = std::path::absolute(root)
            .map_err(|error| Failure::malformed(format_args!("--dir {root:?}: {error}")))?;
        Ok(Self { root })
    }

    /// A folder for a market that passes.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn temporary(name: &str) -> Result<Self> {
        let name = format!("furikae-{name}-{}", std::process::id());
        Self::at(&std::env::temp_dir().join(name))
    }

    /// The folder that `--dir` names, or the one in the user's data directory.
    ///
    /// # Errors
    /// A malformed request, when neither is known.
    pub fn chosen(dir: Option<&Path>) -> Result<Self> {
        if let Some(dir) = dir {
            return Self::at(dir);
        }
        let set = |name| std::env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        let data = set("XDG_DATA_HOME").or_else(|| set("HOME").map(|it| it.join(".local/share")));
        let data = data.ok_or_else(|| {
            Failure::malformed("neither XDG_DATA_HOME nor HOME says where your data lie")
                .mend("name the market's folder with --dir")
        })?;
        Self::at(&data.join("furikae/market"))
    }

    /// The folder's path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What this market is.
    ///
    /// # Errors
    /// Unreachable, when there is no market here. A fault, when `market.json` is damaged.
    pub fn plan(&self) -> Result<Plan> {
        let path = self.root.join("market.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let dir = self.root.display();
                return Err(Failure::unreachable(format_args!("there is no market in {dir}"))
                    .mend(format_args!("furikae market up --dir {dir}")));
            }
            Err(error) => return Err(Failure::file("read", &path, &error)),
        };
        let damaged = |why: String| {
            Failure::fault(format_args!("{} is damaged: {why}", path.display()))
                .mend("restore it from a copy, or make a new market in another folder")
        };
        let plan: Plan = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if plan.version == 1 && !plan.nodes.is_empty() {
            Ok(plan)
        } else {
            Err(damaged(format!("version {} with {} nodes", plan.version, plan.nodes.len())))
        }
    }

    /// The first state.
    ///
    /// # Errors
    /// A fault, when it cannot be read or is damaged.
    pub fn read_genesis(&self) -> Result<Genesis> {
        let path = self.genesis();
        let bytes = fs::read(&path).map_err(|error| Failure::file("read", &path, &error))?;
        Genesis::from_bytes(&bytes)
            .map_err(|why| Failure::fault(format_args!("{} is damaged: {why}", path.display())))
    }

    /// The process that watches the market's nodes, if there is one.
    pub fn launcher(&self) -> Option<Process> {
        self.process(super::launch::LAUNCHER)
    }

    /// Whether a market was made here.
    pub fn has_market(&self) -> bool {
        self.root.join("market.json").exists()
    }

    /// Where the first state lies.
    pub fn genesis(&self) -> PathBuf {
        self.root.join("genesis.bin")
    }

    /// Where the set of validators lies, for `verify`.
    pub fn validators(&self) -> PathBuf {
        self.root.join("validators.json")
    }

    /// Where the key of `name` lies.
    pub fn key(&self, name: &str) -> PathBuf {
        self.root.join("keys").join(format!("{name}.key"))
    }

    /// Where the data of the node `name` lie.
    pub fn data(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Where the process `name` logs.
    pub fn log(&self, name: &str) -> PathBuf {
        self.root.join("run").join(format!("{name}.log"))
    }

    fn pid_file(&self, name: &str) -> PathBuf {
        self.root.join("run").join(format!("{name}.pid"))
    }

    /// The living process `name`, if there is one.
    pub fn process(&self, name: &str) -> Option<Process> {
        let text = fs::read_to_string(self.pid_file(name)).ok()?;
        text.parse().ok().filter(|it: &Process| it.lives())
    }

    /// Notes that `process` is `name` from now on.
    ///
    /// # Errors
    /// A fault of the disk.
    pub fn note_process(&self, name: &str, process: Process) -> Result<()> {
        let path = self.pid_file(name);
        write_whole(&path, format!("{process}\n").as_bytes())
    }

    /// Forgets the process `name`.
    pub fn forget_process(&self, name: &str) {
        // If the file stays, the process it names is dead, and nobody will take it for alive.
        let _ = fs::remove_file(self.pid_file(name));
    }

    /// Takes the lock.
    ///
    /// # Errors
    /// A malformed request, while another command holds it. A fault of the disk.
    pub fn lock(&self) -> Result<Lock> {
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(|error| Failure::file("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => {
                let dir = self.root.display();
                Err(Failure::malformed(format_args!(
                    "another furikae command is starting or stopping the market in {dir}"
                ))
                .mend("wait until it has ended"))
            }
            Err(fs::TryLockError::Error(error)) => Err(Failure::file("lock", &path, &error)),
        }
    }
}

impl Plan {
    /// All of it, in the order in which it is started.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        self.nodes.iter().map(Part::Node).chain(self.gateways.iter().map(Part::Gateway))
    }

    /// The node or gateway of this name.
    ///
    /// # Errors
    /// A malformed request that lists the names there are.
    pub fn part(&self, name: &str) -> Result<Part<'_>> {
        self.parts().find(|it| it.name() == name).ok_or_else(|| {
            let names: Vec<_> = self.parts().map(Part::name).collect();
            Failure::malformed(format_args!("this market has nothing named {name:?}"))
                .mend(format_args!("name one of {}", names.join(", ")))
        })
    }

    /// The nodes that vote.
    pub fn validators(&self) -> impl Iterator<Item = &NodePlan> {
        self.nodes.iter().filter(|it| it.kind == NodeKind::Validator)
    }

    /// Where the nodes are asked over HTTP, in their order.
    pub fn doors(&self) -> Vec<String> {
        self.nodes.iter().map(|it| format!("http://{}", it.listen.api)).collect()
    }
}

/// Writes a file so that it is either whole or as it was before.
///
/// # Errors
/// A fault of the disk.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    let write = || {
        fs::write(&partial, bytes)?;
        File::open(&partial)?.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(|error| Failure::file("write", path, &error))
}
