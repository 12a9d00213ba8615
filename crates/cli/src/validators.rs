//! `validators.json`, which says whose certificates are believed, and `validators`, which renews it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use gateway::Committees;
use ledger::Genesis;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::runtime::Runtime;
use types::{ChainId, PartyId, PublicKey, Text, Validator};

use crate::{
    arguments::Door,
    door,
    failure::{Failure, Result},
    market::{Folder, Plan, write_whole},
    output::Output,
    proof::content,
};

/// `furikae validators`
#[derive(Debug, clap::Args)]
pub struct Asked {
    /// The file to write: the set of the first epoch, and every change up to the newest
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The set of validators to begin with [default: that of the market's folder]
    #[arg(long, value_name = "FILE")]
    pub validators: Option<PathBuf>,
    #[command(flatten)]
    pub door: Door,
    #[command(flatten)]
    pub output: Output,
}

/// Whose certificates are believed.
#[derive(Clone, Debug)]
pub struct Believed {
    committees: Committees,
    epoch_blocks: Option<u64>,
    /// What people call them.
    names: BTreeMap<PublicKey, String>,
}

/// `validators.json`.
#[derive(Serialize, Deserialize)]
struct File {
    chain: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch_blocks: Option<u64>,
    /// Those of the first epoch.
    validators: Vec<Named>,
    /// Sets that came after it. A file without them names one set.
    #[serde(default)]
    changes: Vec<Set>,
    /// The last epoch whose validators are known.
    #[serde(default)]
    known_to_epoch: u64,
}

#[derive(Serialize, Deserialize)]
struct Set {
    from_epoch: u64,
    validators: Vec<Named>,
}

#[derive(Serialize, Deserialize)]
struct Named {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    key: String,
    party: u32,
}

impl Believed {
    /// The validators of a market's first state.
    pub fn first(plan: &Plan, genesis: &Genesis) -> Self {
        let names = plan.validators().map(|it| it.name.clone());
        let names = genesis.validators.iter().map(|it| it.key).zip(names).collect();
        let committees = Committees::new(genesis.chain(), genesis.validators.clone());
        Self { committees, epoch_blocks: Some(genesis.epoch_blocks), names }
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Malformed, when it cannot be read or names no validators.
    pub fn read(path: &Path) -> Result<Self> {
        let bad = |why: &dyn std::fmt::Display| {
            Failure::malformed(format_args!("{} names no validators: {why}", path.display()))
                .mend("name the market's validators.json with --validators")
        };
        let file: Result<File, _> = serde_json::from_slice(&content(path)?);
        Self::of(file.map_err(|error| bad(&error))?).map_err(|why| bad(&why))
    }

    fn of(file: File) -> Result<Self, &'static str> {
        let chain = ChainId(bytes(&file.chain).ok_or("its chain is no digest")?);
        let mut names = BTreeMap::new();
        let mut committees = Committees::new(chain, set(file.validators, &mut names)?);
        for Set { from_epoch, validators } in file.changes {
            if !committees.believe(from_epoch, set(validators, &mut names)?) {
                return Err("its changes are not in the order of their epochs");
            }
        }
        committees.believe_known_to(file.known_to_epoch);
        if file.epoch_blocks == Some(0) {
            return Err("an epoch has no blocks");
        }
        Ok(Self { committees, epoch_blocks: file.epoch_blocks, names })
    }

    /// Who certifies in which epoch.
    pub const fn committees(&self) -> &Committees {
        &self.committees
    }

    /// Writes it to the file at `path`.
    ///
    /// # Errors
    /// A fault of the disk.
    pub fn write(&self, path: &Path) -> Result<()> {
        let named = |it: &Validator| Named {
            name: self.names.get(&it.key).cloned(),
            key: hex::encode(it.key.0),
            party: it.party.0,
        };
        let mut sets = self
            .committees
            .sets()
            .map(|(from_epoch, it)| Set { from_epoch, validators: it.iter().map(named).collect() });
        let file = File {
            chain: self.committees.chain().to_string(),
            epoch_blocks: self.epoch_blocks,
            validators: sets.next().map(|it| it.validators).unwrap_or_default(),
            changes: sets.collect(),
            known_to_epoch: self.committees.known_to(),
        };
        let text = serde_json::to_string_pretty(&file).map_err(Failure::fault)?;
        write_whole(path, text.as_bytes())
    }
}

/// The validators of one set, each key once.
fn set(
    named: Vec<Named>,
    names: &mut BTreeMap<PublicKey, String>,
) -> Result<Vec<Validator>, &'static str> {
    let mut set = BTreeMap::new();
    let count = named.len();
    for Named { name, key, party } in named {
        let key = PublicKey(bytes(&key).ok_or("a key is none")?);
        names.extend(name.map(|it| (key, it)));
        set.insert(key, Validator { key, party: PartyId(party), address: Text::default() });
    }
    if set.len() == count && count > 0 {
        Ok(set.into_values().collect())
    } else {
        Err("there are none, or one stands there twice")
    }
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(hex, &mut bytes).ok().map(|()| bytes)
}

/// `furikae validators`.
///
/// # Errors
/// Malformed, when the set to begin with cannot be read. Unreachable, when the market is. A fault, when a
/// node serves what these validators did not certify, or of the disk.
pub fn renew(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let path = match &asked.validators {
        Some(path) => path.clone(),
        None => Folder::chosen(asked.door.at.dir.as_deref())?.validators(),
    };
    let mut believed = Believed::read(&path)?;
    let epoch_blocks = believed.epoch_blocks.ok_or_else(|| {
        let what = format!("{} does not say how many blocks an epoch has", path.display());
        Failure::malformed(what).mend("add \"epoch_blocks\" to it, as the market's genesis has it")
    })?;
    let doors = door::doors(&asked.door)?;
    let renewed = runtime.block_on(believed.committees.renew(&doors, epoch_blocks));
    // What was shown before a fault is known all the same.
    believed.write(&asked.out)?;
    if let Some(wrong) = renewed? {
        eprintln!("warning: {wrong}");
    }
    let sets = believed.committees.sets();
    let sets = sets.map(|(from, it)| json!({"from_epoch": from, "validators": it.len()}));
    let sets: Vec<_> = sets.collect();
    let known_to = believed.committees.known_to();
    let answer = json!({"file": asked.out, "chain": believed.committees.chain().to_string(),
        "known_to_epoch": known_to, "sets": sets});
    asked.output.print(&answer, &["from_epoch", "validators"], &sets)?;
    eprintln!("the validators up to epoch {known_to} are in {}", asked.out.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Believed> {
        let name = std::thread::current().name().unwrap_or_default().replace(':', "-");
        let path = std::env::temp_dir().join(format!("furikae-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let read = Believed::read(&path);
        std::fs::remove_file(&path).unwrap();
        read
    }

    /// A file whose lists of validators are `{0}` and `{1}`, with `rest` after the first.
    fn file(rest: &str) -> String {
        let (chain, a, b) = ("07".repeat(32), "01".repeat(32), "02".repeat(32));
        let text = format!(r#"{{"chain": "{chain}", "validators": [A]{rest}}}"#);
        text.replace('A', &format!(r#"{{"name": "a", "key": "{a}", "party": 1}}"#))
            .replace('B', &format!(r#"{{"key": "{b}", "party": 2}}"#))
    }

    #[test]
    fn a_file_of_one_set_stands_from_the_first_epoch_on() {
        let believed = read(&file("")).unwrap();
        let sets: Vec<_> = believed.committees().sets().map(|it| (it.0, it.1.len())).collect();
        assert_eq!((sets, believed.committees().known_to()), (vec![(0, 1)], 0));
    }

    #[test]
    fn a_file_is_written_as_it_was_read() {
        let changes =
            r#"[{"from_epoch": 3, "validators": [A, B]}, {"from_epoch": 9, "validators": [B]}]"#;
        let rest = format!(r#", "epoch_blocks": 20, "changes": {changes}, "known_to_epoch": 12"#);
        let believed = read(&file(&rest)).unwrap();
        let path = std::env::temp_dir().join(format!("furikae-written-{}", std::process::id()));
        believed.write(&path).unwrap();
        let again = Believed::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(again.committees, believed.committees);
        assert_eq!((again.names, again.epoch_blocks), (believed.names, Some(20)));
        let committees = again.committees;
        let sizes = [0, 2, 3, 8, 9, 99].map(|it| committees.of(it).validators.len());
        assert_eq!((sizes, committees.known_to()), ([1, 1, 2, 2, 1, 1], 12));
    }

    #[test]
    fn a_file_that_names_none_is_refused_and_says_why() {
        for (text, why) in [
            (String::new(), "EOF"),
            (file("").replace("[{", "[").replace("}]", "]"), "expected"),
            (file("").replace("01", "0"), "a key is none"),
            (file("").replace("0707", "07"), "its chain is no digest"),
            (file(r#", "changes": [{"from_epoch": 1, "validators": []}]"#), "there are none"),
            (file(r#", "changes": [{"from_epoch": 1, "validators": [B, B]}]"#), "twice"),
            (file(r#", "changes": [{"from_epoch": 0, "validators": [B]}]"#), "in the order"),
            (file(r#", "epoch_blocks": 0"#), "no blocks"),
        ] {
            let told = read(&text).unwrap_err().what;
            assert!(told.contains(why), "{told}");
        }
    }
}
