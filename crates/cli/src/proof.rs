//! `receipt` and `verify`: files that prove to everybody what happened.
//!
//! A receipt is made from certified blocks. It is checked with the set of validators alone; nothing is
//! asked of a network.

use std::{fs, path::Path};

use crypto::proof::Proof;
use gateway::{
    Committees, Follower, Standing,
    proof::{Nothing, Said},
};
use ledger::settlement::Status;
use serde::Serialize;
use tokio::runtime::Runtime;
use types::{InstructionId, Sender};

use crate::{
    arguments::{Receipt, Verify},
    door,
    failure::{Failure, Result},
    market::{Folder, write_whole},
    read,
    validators::Believed,
};

/// No file of a proof is longer: the longest list of owners has 96 MiB.
const FILE_BYTES_MAX: u64 = 128 << 20;

/// `furikae receipt`.
///
/// # Errors
/// Malformed, when the id or the party is none. No, when the instruction is another's or has not settled.
/// Unreachable, when the market is. A fault of the disk.
pub fn receipt(runtime: &Runtime, asked: &Receipt) -> Result<()> {
    let id = InstructionId::parse(&asked.id).ok_or_else(|| {
        Failure::malformed(format_args!("{:?} is no instruction", asked.id))
            .mend("name it as SENDER-LANE-SEQUENCE-INDEX")
    })?;
    let party = asked.party.as_deref().map(read::party).transpose()?;
    if party.is_some_and(|it| id.sender != Sender::Party(it)) {
        return Err(Failure::no(format_args!("{id} is another party's instruction")));
    }
    let file = runtime.block_on(async {
        let follower = door::look(&asked.door, None).await?;
        receipt_of(&follower, id).await
    })?;
    write_whole(&asked.out, &file)?;
    eprintln!("the receipt of {id} is in {}", asked.out.display());
    Ok(())
}

/// The bytes of the receipt of an instruction.
///
/// # Errors
/// No, when it has not settled. Unreachable, when no node answers.
pub async fn receipt_of(follower: &Follower, id: InstructionId) -> Result<Vec<u8>> {
    let settled = match follower.view().told(&id) {
        None => Err("no block tells of it".into()),
        Some(told) => match &told.standing {
            Standing::Is(Status::Settled) => Ok(told.height),
            Standing::Is(status) => Err(format!("it is {}", status.name())),
            Standing::Refused(reject) => Err(format!("it was refused: {}", reject.code())),
        },
    };
    let height = settled.map_err(|why| Failure::no(format_args!("{id} has not settled: {why}")))?;
    let receipt = gateway::proof::receipt(follower, id, height).await?;
    Ok(Proof::Receipt(receipt).to_file())
}

/// What `verify` says of a file.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    file: String,
    kind: Option<&'static str>,
    /// Whether it is true.
    pub valid: bool,
    /// What it shows.
    pub says: Option<String>,
    height: Option<u64>,
    time: Option<String>,
    /// Why it is not valid.
    pub error: Option<String>,
}

/// `furikae verify`.
///
/// # Errors
/// Malformed, when a file or the set of validators cannot be read. No, when a proof is malformed or false.
pub fn verify(asked: &Verify) -> Result<()> {
    let path = match &asked.validators {
        Some(path) => path.clone(),
        None => Folder::chosen(None)?.validators(),
    };
    let believed = Believed::read(&path)?;
    let verdicts: Vec<Verdict> = asked
        .files
        .iter()
        .map(|it| Ok(verdict(believed.committees(), it, &content(it)?)))
        .collect::<Result<_>>()?;
    let rows: Vec<_> = verdicts.iter().filter_map(|it| serde_json::to_value(it).ok()).collect();
    let columns = ["file", "kind", "valid", "says", "height", "time", "error"];
    match verdicts.as_slice() {
        [one] => asked.output.print(one, &columns, &rows)?,
        all => asked.output.print(&all, &columns, &rows)?,
    }
    let wrong: Vec<_> = verdicts.iter().filter(|it| !it.valid).collect();
    match wrong.as_slice() {
        [] => Ok(()),
        [first, ..] => {
            let why = first.error.as_deref().unwrap_or_default();
            Err(Failure::no(format_args!("{} proves nothing: {why}", first.file)))
        }
    }
}

/// The bytes of a file that is no longer than any proof.
///
/// # Errors
/// Malformed, when it cannot be read.
pub fn content(path: &Path) -> Result<Vec<u8>> {
    let bad = |why: String| Failure::malformed(format_args!("{}: {why}", path.display()));
    let length = fs::metadata(path).map_err(|error| bad(error.to_string()))?.len();
    if length > FILE_BYTES_MAX {
        return Err(bad(format!("{length} bytes are more than any proof has")));
    }
    fs::read(path).map_err(|error| bad(error.to_string()))
}

/// What a file with these bytes shows, to whoever believes these validators.
pub fn verdict(committees: &Committees, path: &Path, bytes: &[u8]) -> Verdict {
    let read = Proof::from_file(bytes).map_err(|why| why.to_string());
    let kind = read.as_ref().ok().map(gateway::proof::kind);
    let said = read.and_then(|proof| {
        let said = gateway::proof::said(&proof, committees).map_err(|why| match why {
            Nothing::OtherValidators { .. } => {
                format!("{why}: renew the set of validators with furikae validators")
            }
            why => why.to_string(),
        })?;
        Ok((words(&proof, &said), said))
    });
    let (said, error) = match said {
        Ok(said) => (Some(said), None),
        Err(why) => (None, Some(why)),
    };
    let (says, said) = said.unzip();
    Verdict {
        file: path.display().to_string(),
        kind,
        valid: said.is_some(),
        height: said.as_ref().map(|it| it.height),
        time: said.as_ref().and_then(|it| it.time).map(door::shown),
        says,
        error,
    }
}

/// What a proof says: of a registry, as of when as well.
pub fn words(proof: &Proof, said: &Said) -> String {
    match (proof, said.time) {
        (Proof::Registry(_), Some(time)) => format!("{}, as of {}", said.says, door::shown(time)),
        (Proof::Registry(_), None) => format!("{}, as of block {}", said.says, said.height),
        _ => said.says.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market;

    /// A receipt of the day, whose validators.json is checked by.
    #[test]
    fn a_receipt_of_the_day_is_true_and_with_any_byte_changed_it_is_not() {
        crate::stand_in::with_desk("proof", async |desk| {
            crate::day::for_tests(desk).await.unwrap();
            let settled: Vec<_> = desk
                .view()
                .all_told()
                .filter(|it| it.1.standing == Standing::Is(Status::Settled))
                .map(|it| (*it.0, it.1.height))
                .collect();
            assert!(!settled.is_empty());
            let believed = Believed::read(&desk.folder().validators()).unwrap();
            let believed = believed.committees();
            let path = Path::new("a.receipt");
            for (id, height) in &settled {
                let file = receipt_of(desk.follower(), *id).await.unwrap();
                let verdict = verdict(believed, path, &file);
                assert!(verdict.valid, "{verdict:?}");
                assert_eq!(verdict.height, Some(*height));
                let says = verdict.says.unwrap();
                assert!(says.starts_with(&format!("instruction {id} settled")), "{says}");
                assert!(says.contains("units of"), "{says}");
            }
            let (id, _) = settled[0];
            let file = receipt_of(desk.follower(), id).await.unwrap();
            for place in 0..file.len() {
                let mut other = file.clone();
                other[place] ^= 0x40;
                assert!(!verdict(believed, path, &other).valid, "byte {place}");
            }
            assert!(!verdict(believed, path, &file[1..]).valid);
            strangers_do_not_count(desk.folder(), believed, &file);
            not_settled(desk).await;
        });
    }

    /// Another market's validators, and another market's receipt.
    fn strangers_do_not_count(folder: &Folder, believed: &Committees, file: &[u8]) {
        let other = Folder::temporary("proof-strangers").unwrap();
        market::genesis_for_tests(&other).unwrap();
        let strangers = Believed::read(&other.validators()).unwrap();
        let why = |it: &Committees| verdict(it, Path::new("a"), file).error.unwrap();
        assert!(why(strangers.committees()).contains("another market"));
        let strangers = strangers.committees().of(0).validators;
        let strangers = Committees::new(believed.chain(), strangers);
        assert!(why(&strangers).contains("signature"));
        let fewer = believed.of(0).validators.into_iter().take(3).collect();
        assert!(why(&Committees::new(believed.chain(), fewer)).contains("other validators"));
        assert!(Believed::read(&folder.genesis()).is_err());
        assert!(Believed::read(&folder.root().join("nothing")).is_err());
        fs::remove_dir_all(other.root()).unwrap();
    }

    /// What was refused, and what nobody asked, has no receipt.
    async fn not_settled(desk: &mut crate::desk::Desk) {
        let refused = desk
            .view()
            .all_told()
            .find(|it| matches!(it.1.standing, Standing::Refused(_)))
            .map(|it| *it.0);
        let refused = refused.expect("the day has a refusal");
        let why = receipt_of(desk.follower(), refused).await.unwrap_err();
        assert!(why.what.contains("has not settled: it was refused"), "{}", why.what);
        let unknown = InstructionId { sequence: u64::MAX, ..refused };
        let why = receipt_of(desk.follower(), unknown).await.unwrap_err();
        assert!(why.what.contains("no block tells of it"), "{}", why.what);
    }
}
