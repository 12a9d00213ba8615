//! Reads every row at the start, and proves each against the certified root while it reads.
//!
//! Opening a database trusts its files: a value changed together with its page's checksum is
//! served under a right root. The walk from the floor to the certified size does not trust them.

use core::num::NonZeroU64;
use std::collections::HashMap;

use commonware_cryptography::{Sha256, sha256};
use commonware_storage::{
    merkle::{self, Location, mmb},
    qmdb::{
        any::{
            operation::Operation,
            unordered::{Update, fixed},
        },
        verify_proof,
    },
};
use commonware_utils::{NZU64, sequence::FixedBytes};
use types::{DatabaseRange, Digest};

use super::{Database, Databases, Engine};
use crate::{Fault, Key, Row};

type Proof = merkle::Proof<mmb::Family, sha256::Digest>;

/// Operations proved at once.
const STEP: NonZeroU64 = NZU64!(1024);
/// The same, to step by.
const STEP_LEN: usize = 1024;

/// How far the walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of a row in the class that is being walked.
    pub size: usize,
    /// Operations proved in this class.
    pub done: u64,
    /// Operations to prove in this class.
    pub total: u64,
}

/// Proves the state against `certified` and shows every row once, in no order that matters.
///
/// Without `certified` the walk is against the root that the files claim: it finds damage, but not
/// another state. Returns the roots and ranges found. 1.2 us of CPU time an operation, twice that
/// with the rows. The databases are locked for writing meanwhile.
///
/// # Errors
/// [`Fault::OtherState`], [`Fault::Damaged`] naming the class and the operations.
pub async fn scan<E: Engine>(
    databases: &Databases<E>,
    certified: Option<&[DatabaseRange]>,
    mut row: impl FnMut(Key, Row) + Send,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Vec<DatabaseRange>, Fault> {
    let certified = |at: usize| certified.map(|it| it[at]);
    Ok(vec![
        one(&*databases.0.read().await, certified(0), &mut row, &mut progress).await?,
        one(&*databases.1.read().await, certified(1), &mut row, &mut progress).await?,
        one(&*databases.2.read().await, certified(2), &mut row, &mut progress).await?,
    ])
}

async fn one<E: Engine, const V: usize>(
    database: &Database<E, V>,
    certified: Option<DatabaseRange>,
    row: &mut (impl FnMut(Key, Row) + Send),
    progress: &mut (impl FnMut(Progress) + Send),
) -> Result<DatabaseRange, Fault> {
    let found = DatabaseRange {
        root: Digest(database.root().0),
        start: *database.sync_boundary(),
        end: *database.bounds().end,
    };
    if let Some(certified) = certified.filter(|it| *it != found) {
        let (certified, found) = (show(&certified), show(&found));
        return Err(Fault::OtherState { size: V, certified, found });
    }
    let newest = prove(database, &found, progress).await?;
    for start in (found.start..found.end).step_by(STEP_LEN) {
        for (at, operation) in (start..).zip(operations(database, &found, start).await?.1) {
            if let Operation::Update(Update(key, value)) = operation
                && newest.get(&Key::from(key.clone())) == Some(&at)
            {
                let value = Row::unpad(&value.into()).map_err(|bad| damaged::<V>(at, bad))?;
                row(key.into(), value);
            }
        }
    }
    Ok(found)
}

/// Proves every operation, and says where each living key was written last.
async fn prove<E: Engine, const V: usize>(
    database: &Database<E, V>,
    range: &DatabaseRange,
    progress: &mut (impl FnMut(Progress) + Send),
) -> Result<HashMap<Key, u64>, Fault> {
    let root = database.root();
    let mut newest = HashMap::new();
    for start in (range.start..range.end).step_by(STEP_LEN) {
        let (proof, operations) = operations(database, range, start).await?;
        if !verify_proof::<Sha256, mmb::Family, _>(&proof, Location::new(start), &operations, &root)
        {
            return Err(damaged::<V>(start, "the operations are not under the certified root"));
        }
        for (at, operation) in (start..).zip(operations) {
            match operation {
                Operation::Update(Update(key, _)) => newest.insert(key.into(), at),
                Operation::Delete(key) => newest.remove(&Key::from(key)),
                Operation::CommitFloor(..) => None,
            };
        }
        let done = (start + STEP.get()).min(range.end) - range.start;
        progress(Progress { size: V, done, total: range.end - range.start });
    }
    Ok(newest)
}

async fn operations<E: Engine, const V: usize>(
    database: &Database<E, V>,
    range: &DatabaseRange,
    start: u64,
) -> Result<(Proof, Vec<fixed::Operation<mmb::Family, FixedBytes<48>, FixedBytes<V>>>), Fault> {
    database
        .historical_proof(Location::new(range.end), Location::new(start), STEP)
        .await
        .map_err(|why| damaged::<V>(start, why))
}

fn damaged<const V: usize>(at: u64, why: impl core::fmt::Display) -> Fault {
    Fault::damaged(&format!("state of rows of {V} bytes"), format!("operations from {at}: {why}"))
}

fn show(range: &DatabaseRange) -> String {
    format!("{} over operations {}..{}", range.root, range.start, range.end)
}
