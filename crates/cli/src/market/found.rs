//! Founding a market: its keys, its first state, its nodes' configurations.
//!
//! ```text
//!   ports, keys -> genesis.bin, validators.json -> market.json
//! ```
//!
//! `market.json` comes last. A folder in which `making` stands and `market.json` does not was left by a
//! command that ended too early: what it made is deleted, and made anew.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use ledger::{
    Genesis,
    governance::{GenesisParty, Party},
    script::{FOUNDER, Script, party},
};
use types::{BusinessDate, LedgerTime, PartyId, PublicKey, Text, Validator, Wire};

use super::{
    files::{make_dir, public_key},
    folder::{Folder, GatewayPlan, Listen, NodeKind, NodePlan, Plan, write_whole},
    ports::Ports,
};
use crate::{
    arguments::{Leader, Up},
    facts::{Facts, PartyFact},
    failure::{Failure, Result},
    validators::Believed,
};

const MAKING: &str = "making";
const LOCK: &str = "lock";
/// Blocks in an epoch, unless asked otherwise.
const EPOCH_BLOCKS: u64 = 3_600;
/// Validators, unless asked otherwise: the fewest of which one may fail.
const VALIDATORS: u16 = 4;

/// Makes sure that the folder is a market's, or may become one.
///
/// # Errors
/// Malformed, when it holds something else. A fault of the disk.
pub fn check_folder(folder: &Folder) -> Result<()> {
    let root = folder.root();
    if folder.has_market() {
        return Ok(());
    }
    match fs::read_dir(root) {
        Ok(entries) => {
            let names: Vec<_> = entries.flatten().map(|it| it.file_name()).collect();
            let ours = names.iter().any(|it| it == MAKING) || names.iter().all(|it| it == LOCK);
            if ours {
                return Ok(());
            }
            Err(Failure::malformed(format_args!(
                "{} holds files of something else",
                root.display()
            ))
            .mend("name an empty or a new folder with --dir"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(root).map_err(|error| Failure::file("make", root, &error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            Err(Failure::malformed(format_args!("{} is not a folder", root.display())))
        }
        Err(error) => Err(Failure::file("read", root, &error)),
    }
}

/// The market in the folder, made if there is none.
///
/// # Errors
/// Malformed, when flags ask for another market than stands there. A fault of the disk.
pub fn plan(folder: &Folder, asked: &Up) -> Result<Plan> {
    if folder.has_market() {
        let plan = folder.plan()?;
        check_same(&plan, asked)?;
        check_script(folder, asked)?;
        return Ok(plan);
    }
    let script = asked.script.as_deref().map(crate::script::read).transpose()?;
    clear(folder)?;
    make(folder, asked, script.as_ref())
}

/// Refuses flags that would need another market.
fn check_same(plan: &Plan, asked: &Up) -> Result<()> {
    let validators = plan.validators().count();
    let observers = plan.nodes.len() - validators;
    let refuse = |flag: &str, stands: &dyn std::fmt::Display| {
        let what = format!("this market was made with {flag} {stands}, for its whole life");
        Err(Failure::malformed(what).mend(format_args!("leave out {flag}, or name another --dir")))
    };
    if asked.validators.is_some_and(|it| usize::from(it) != validators) {
        return refuse("--validators", &validators);
    }
    if asked.observers.is_some_and(|it| usize::from(it) != observers) {
        return refuse("--observers", &observers);
    }
    if asked.epoch_blocks.is_some_and(|it| it != plan.epoch_blocks) {
        return refuse("--epoch-blocks", &plan.epoch_blocks);
    }
    if asked.leader.is_some_and(|it| it != plan.leader) {
        return refuse("--leader", &format!("{:?}", plan.leader).to_lowercase());
    }
    Ok(())
}

/// Refuses a script that would need another first state.
fn check_script(folder: &Folder, asked: &Up) -> Result<()> {
    let Some(path) = &asked.script else { return Ok(()) };
    crate::script::must_begin(&crate::script::read(path)?, path, folder)
}

/// Deletes what a command that ended too early has left.
fn clear(folder: &Folder) -> Result<()> {
    let entries = fs::read_dir(folder.root());
    let entries = entries.map_err(|error| Failure::file("read", folder.root(), &error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name != LOCK && name != MAKING {
            remove(&entry.path())?;
        }
    }
    write_whole(&folder.root().join(MAKING), b"a market is being made here\n")
}

fn make(folder: &Folder, asked: &Up, script: Option<&Script>) -> Result<Plan> {
    let mut ports = Ports::new(std::process::id());
    let nodes = place(asked, &mut ports)?;
    for name in ["keys", "run"] {
        make_dir(&folder.root().join(name))?;
    }
    for node in &nodes {
        public_key(folder, &node.name)?;
    }
    let leader = asked.leader.unwrap_or_default();
    let epoch_blocks = asked.epoch_blocks.unwrap_or(EPOCH_BLOCKS);
    let genesis = match script {
        None => genesis(folder, &nodes, epoch_blocks, leader, asked.date)?,
        Some(script) => genesis_of(script, folder, &nodes, epoch_blocks, leader)?,
    };
    write_whole(&folder.genesis(), &genesis.to_bytes())?;
    let gateways = match script {
        None if !asked.no_gateways => gateways(asked.only_gateway, &mut ports)?,
        _ => Vec::new(),
    };
    let chain = genesis.chain().to_string();
    let plan = Plan { version: 1, chain, epoch_blocks, leader, nodes, gateways };
    Believed::first(&plan, &genesis).write(&folder.validators())?;
    let text = serde_json::to_string_pretty(&plan).map_err(Failure::fault)?;
    write_whole(&folder.root().join("market.json"), text.as_bytes())?;
    remove(&folder.root().join(MAKING))?;
    Ok(plan)
}

/// The nodes and their ports.
fn place(asked: &Up, ports: &mut Ports) -> Result<Vec<NodePlan>> {
    let validators =
        (1..=asked.validators.unwrap_or(VALIDATORS)).map(|it| (NodeKind::Validator, it));
    let observers = (1..=asked.observers.unwrap_or(0)).map(|it| (NodeKind::Observer, it));
    let mut nodes = Vec::new();
    for (kind, number) in validators.chain(observers) {
        let word = match kind {
            NodeKind::Validator => "validator",
            NodeKind::Observer => "observer",
        };
        let p2p = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.take()?));
        let api = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.take()?));
        let listen = Listen { p2p, api };
        nodes.push(NodePlan { name: format!("{word}-{number}"), kind, listen });
    }
    Ok(nodes)
}

/// A gateway for each party of the table, or for one, and their ports.
fn gateways(only: Option<&str>, ports: &mut Ports) -> Result<Vec<GatewayPlan>> {
    let parties = Facts::read()?.parties.into_iter();
    let parties = parties.filter(|it| only.is_none_or(|only| only == it.word));
    let gateway = |it: PartyFact| {
        let api = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.take()?));
        let name = format!("gateway-{}", it.word);
        Ok(GatewayPlan { name, word: it.word, party: it.party.0, api })
    };
    parties.map(gateway).collect()
}

/// Makes the nodes' data folders, and says when the market may begin so that all of them vote in it.
fn begins(folder: &Folder, nodes: &[NodePlan]) -> Result<LedgerTime> {
    let mut latest = LedgerTime(0);
    for node in nodes {
        make_dir(&folder.data(&node.name))?;
        let data = node::data(&folder.data(&node.name));
        let born =
            node::birth::of(&data, &public_key(folder, &node.name)?).map_err(Failure::fault)?;
        latest = latest.max(born);
    }
    Ok(node::birth::market_may_begin(latest))
}

fn genesis(
    folder: &Folder,
    nodes: &[NodePlan],
    epoch_blocks: u64,
    leader: Leader,
    asked_date: Option<BusinessDate>,
) -> Result<Genesis> {
    let time = begins(folder, nodes)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Failure::fault)?;
    let days = u32::try_from(now.as_secs() / 86_400).map_err(Failure::fault)?;
    let date = asked_date.unwrap_or(BusinessDate(days));
    let facts = Facts::read()?;
    let mut parties = Vec::new();
    let mut validators = Vec::new();
    let voting = nodes.iter().filter(|it| it.kind == NodeKind::Validator);
    for (number, node) in (1..).zip(voting) {
        let founder = facts.founder(number)?;
        parties.push(genesis_party(&founder, public_key(folder, &founder.word)?)?);
        validators.push(validator(folder, node, founder.party)?);
    }
    Ok(Genesis {
        name: text("furikae market")?,
        time,
        date,
        epoch_blocks,
        leader: number_of(leader),
        parties,
        validators,
        parameters: Vec::new(),
    })
}

/// The first state of a script's market, whose validators are all its founder's.
fn genesis_of(
    script: &Script,
    folder: &Folder,
    nodes: &[NodePlan],
    epoch_blocks: u64,
    leader: Leader,
) -> Result<Genesis> {
    let time = begins(folder, nodes)?;
    let voting = nodes.iter().filter(|it| it.kind == NodeKind::Validator);
    let validators = voting.map(|it| validator(folder, it, party(FOUNDER)));
    let validators = validators.collect::<Result<Vec<_>>>()?;
    Ok(script.genesis(time, epoch_blocks, number_of(leader), validators))
}

fn validator(folder: &Folder, node: &NodePlan, party: PartyId) -> Result<Validator> {
    let (key, address) = (public_key(folder, &node.name)?, text(&node.listen.p2p.to_string())?);
    Ok(Validator { key, party, address })
}

const fn number_of(leader: Leader) -> u8 {
    match leader {
        Leader::Rotating => 0,
        Leader::Fixed => 1,
    }
}

/// The first state of a market of four in a new folder.
#[cfg(test)]
pub fn genesis_for_tests(folder: &Folder) -> Result<Genesis> {
    let asked = Up::of_its_own(folder.root(), None);
    check_folder(folder)?;
    plan(folder, &asked)?;
    folder.read_genesis()
}

fn genesis_party(founder: &PartyFact, key: PublicKey) -> Result<GenesisParty> {
    let PartyFact { party, lei, roles, .. } = *founder;
    let row = Party { lei, name: text(&founder.name)?, roles, suspended: false };
    Ok(GenesisParty { party, row, key })
}

fn text<const MAX: u32>(text: &str) -> Result<Text<MAX>> {
    Text::new(text).map_err(|error| Failure::malformed(format_args!("{text:?}: {error}")))
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(|error| Failure::file("delete", path, &error))
}

/// Deletes the folder of a market that is stopped.
///
/// # Errors
/// A fault of the disk.
pub fn purge(folder: &Folder) -> Result<()> {
    // First what makes it a market, so that half a deletion is not taken for a damaged one.
    write_whole(&folder.root().join(MAKING), b"a market is being deleted here\n")?;
    remove(&folder.root().join("market.json"))?;
    remove(folder.root())
}
