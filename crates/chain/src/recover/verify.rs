//! Verifying: every byte that a stopped node keeps is read and held against what it is certified by.

use crypto::changes::BlockChanges;
use ledger::{Event, row::kind};
use store::{
    Archive, State, archive,
    state::{self, empty_ranges},
};
use types::{DatabaseRange, Databases, Digest, LedgerTime, Wire as _};

use super::{Damage, Damages, Names, is_unfinished, record::Record};
use crate::{Runtime, engine::Fault};

/// How far what is made from blocks may be behind them when a node stops: blocks on their way.
const BEHIND_MAX: u64 = 64;

/// What the certified changes say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Settlements: pairs, and payments.
    pub settlements: u64,
    /// Settlement instructions and payments that were taken.
    pub instructions: u64,
    /// When the first was settled.
    pub first_settlement: Option<LedgerTime>,
    /// When the last was settled.
    pub last_settlement: Option<LedgerTime>,
    /// Accounts.
    pub accounts: u64,
}

/// What a node keeps.
#[derive(Clone, Debug)]
pub struct Report {
    /// The height up to which all of it goes.
    pub height: u64,
    /// The digest over the roots of the state after that block, as it is certified.
    pub state_root: Digest,
    /// What the changes up to there say.
    pub counts: Counts,
    /// What is not as it was written.
    pub damaged: Vec<Damage>,
}

/// Reads everything: the chain of blocks, certificates, bodies, changes, headers, and every operation
/// of the state.
///
/// `progress` is told the height that was read and how many there are.
///
/// # Errors
/// [`Fault::Genesis`]. What is damaged is told in the report.
pub async fn verify<E: Runtime>(
    context: &E,
    names: &Names,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Report, Fault> {
    let mut damages = Damages::default();
    if is_unfinished(context, &names.files).await? {
        damages.add(&names.files.rebuilding(), None, "a rebuild was interrupted");
    }
    // Before anything is opened: opening mends what it can.
    for fault in state::damaged(context, &names.files.state()).await {
        told(&mut damages, &names.files.state().prefix, &fault);
    }
    for fault in archive::damaged(context, &names.files.archive()).await {
        told(&mut damages, &names.files.archive().prefix, &fault);
    }
    let state = match State::open(context.child("state"), &names.files.state()).await {
        Ok(state) => Some(state),
        Err(fault) => {
            told(&mut damages, &names.files.state().prefix, &fault);
            None
        }
    };
    let ranges = match &state {
        Some(state) => Some(state.ranges().await),
        None => None,
    };
    let walked = walk(context, names, ranges.as_deref(), &mut damages, &mut progress).await?;
    if let Some(state) = &state {
        check_state(state, names, &walked, &mut damages).await;
    }
    let (height, root) = walked.newest;
    Ok(Report { height, state_root: root, counts: walked.counts, damaged: damages.0 })
}

/// What the walk along the heights found.
struct Walked {
    /// The last block whose changes are kept, and the root of the state after it.
    newest: (u64, Digest),
    /// The height after which the state's ranges stand in a header.
    state: Option<u64>,
    counts: Counts,
}

/// A walk along all heights: block, certificate, changes, header.
struct Walk<'a, E: Runtime> {
    names: &'a Names,
    ranges: Option<&'a [DatabaseRange]>,
    damages: &'a mut Damages,
    record: Option<Record<E>>,
    archive: Option<Archive<E>>,
    /// The highest height whose changes should be there.
    kept: u64,
    /// The highest height with a certificate of its own.
    certified: u64,
    found: Walked,
}

async fn walk<E: Runtime>(
    context: &E,
    names: &Names,
    ranges: Option<&[DatabaseRange]>,
    damages: &mut Damages,
    progress: &mut (impl FnMut(u64, u64) + Send),
) -> Result<Walked, Fault> {
    let mut walk = Walk::begin(context, names, ranges, damages).await?;
    let blocks = walk.record.as_ref().map_or(0, Record::last);
    let last = blocks.max(walk.kept);
    for height in 1..=last {
        progress(height, last);
        walk.step(height).await;
    }
    walk.end(blocks).await;
    Ok(walk.found)
}

impl<'a, E: Runtime> Walk<'a, E> {
    async fn begin(
        context: &E,
        names: &'a Names,
        ranges: Option<&'a [DatabaseRange]>,
        damages: &'a mut Damages,
    ) -> Result<Self, Fault> {
        let begins = Databases(empty_ranges::<E>());
        let begun = |ranges: &[DatabaseRange]| ranges == begins.0.as_slice();
        let found = Walked {
            newest: (0, crypto::state_root(&begins)),
            state: ranges.is_some_and(begun).then_some(0),
            counts: Counts::default(),
        };
        let record = match Record::open(context, names).await {
            Ok(record) => Some(record),
            Err(Fault::Damaged { file, why }) => {
                damages.add(&file, None, why);
                None
            }
            Err(fault) => return Err(fault),
        };
        let archive = match Archive::open(context.child("archive"), &names.files.archive()).await {
            Ok(archive) => Some(archive),
            Err(fault) => {
                told(damages, &names.files.archive().prefix, &fault);
                None
            }
        };
        let kept = archive.as_ref().map_or(0, highest);
        Ok(Self { names, ranges, damages, record, archive, kept, certified: 0, found })
    }

    async fn step(&mut self, height: u64) {
        let needed = height <= self.kept;
        let block = match &mut self.record {
            Some(record) => record.next(needed, self.damages).await,
            None => None,
        };
        let changes = match &self.archive {
            Some(archive) if needed => changes(archive, self.names, height, self.damages).await,
            _ => None,
        };
        if let (Some(block), Some(changes)) = (&block, &changes)
            && *block.header() != changes.header
        {
            let why = "the changes are those of another block";
            self.damages.at(&self.names.files.archive().prefix, height, why);
        }
        let header = block.as_ref().map(crate::Block::header);
        if let Some(header) = header.or_else(|| changes.as_ref().map(|it| &it.header)) {
            if self.ranges.is_some_and(|it| it == header.databases.0) {
                self.found.state = Some(height);
            }
            if changes.is_some() || self.archive.is_none() {
                self.found.newest = (height, crypto::state_root(&header.databases));
            }
        }
        if let Some(changes) = &changes {
            count(&mut self.found.counts, changes);
        }
        if let Some(record) = &self.record
            && record.has_certificate(height).await
        {
            self.certified = height;
        }
    }

    async fn end(&mut self, blocks: u64) {
        let (names, newest) = (self.names, self.found.newest.0);
        if let Some(archive) = &self.archive {
            if archive.peaks().count() > 0 {
                // Genesis changed nothing, and stands there all the same.
                changes(archive, names, 0, self.damages).await;
            }
            compare(archive, names, self.damages).await;
            if archive.last().is_none() && blocks > BEHIND_MAX {
                let missing = Some(1..=blocks - BEHIND_MAX);
                self.damages.add(&names.files.archive().prefix, missing, "the changes are missing");
            }
        }
        if self.certified < newest && self.record.is_some() {
            let missing = Some(self.certified + 1..=newest);
            let why = "no certificate is over these or a later block";
            self.damages.add(&names.files.certificates(), missing, why);
        }
    }
}

/// The highest height of which something may be kept.
fn highest<E: Runtime>(archive: &Archive<E>) -> u64 {
    let headers = archive.peaks().count().saturating_sub(1);
    archive.last().unwrap_or(0).max(headers)
}

async fn changes<E: Runtime>(
    archive: &Archive<E>,
    names: &Names,
    height: u64,
    damages: &mut Damages,
) -> Option<BlockChanges> {
    match archive.get(height).await {
        Ok(Some(changes)) => Some(changes),
        Ok(None) if height < archive.first() => None,
        Ok(None) => {
            damages.at(
                &format!("{}-changes", names.files.archive().prefix),
                height,
                "it is missing",
            );
            None
        }
        Err(fault) => {
            at(damages, &names.files.archive().prefix, height, &fault);
            None
        }
    }
}

/// Holds the headers against the newest of them.
async fn compare<E: Runtime>(archive: &Archive<E>, names: &Names, damages: &mut Damages) {
    let Some(last) = archive.last() else { return };
    let checked = match archive.header(last).await {
        Ok(Some(header)) => archive.check(&header).await,
        Ok(None) => Ok(()),
        Err(fault) => Err(fault),
    };
    if let Err(fault) = checked {
        told(damages, &names.files.archive().prefix, &fault);
    }
}

/// Holds the state against the header that names it, and proves each operation.
async fn check_state<E: Runtime>(
    state: &State<E>,
    names: &Names,
    walked: &Walked,
    damages: &mut Damages,
) {
    let file = names.files.state().prefix;
    let newest = walked.newest.0;
    match walked.state {
        None => damages.add(&file, None, "its roots are those of no block that is kept"),
        Some(height) if height.saturating_add(BEHIND_MAX) < newest => {
            let missing = Some(height + 1..=newest);
            damages.add(&file, missing, "the state does not reach these blocks");
        }
        Some(height) if height > newest => {
            let file = format!("{}-changes", names.files.archive().prefix);
            damages.add(&file, Some(newest + 1..=height), "the changes are missing");
        }
        Some(_) => {}
    }
    if let Err(fault) = state::scan(state.databases(), None, |_, _| (), |_| ()).await {
        told(damages, &file, &fault);
    }
}

fn count(counts: &mut Counts, block: &BlockChanges) {
    for change in &block.changes {
        if change.old.is_none() && change.new.is_some() {
            match change.key[0] {
                kind::INSTRUCTION => counts.instructions += 1,
                kind::ACCOUNT => counts.accounts += 1,
                _ => {}
            }
        }
    }
    let settled = block.events.iter().filter_map(|it| match Event::from_bytes(&it.0) {
        Ok(Event::Settled { instruction, counterpart, .. }) => Some((instruction, counterpart)),
        _ => None,
    });
    for (instruction, counterpart) in settled {
        // A pair is told twice, once for each side.
        if counterpart.is_none_or(|it| instruction < it) {
            counts.settlements += 1;
        }
        counts.first_settlement.get_or_insert(block.header.time);
        counts.last_settlement = Some(block.header.time);
    }
}

fn told(damages: &mut Damages, file: &str, fault: &store::Fault) {
    damages.add(named(file, fault).as_str(), heights(fault), words(fault));
}

fn at(damages: &mut Damages, file: &str, height: u64, fault: &store::Fault) {
    damages.at(named(file, fault).as_str(), height, words(fault));
}

fn heights(fault: &store::Fault) -> Option<std::ops::RangeInclusive<u64>> {
    match fault {
        store::Fault::Gap { from, to, .. } => Some(*from..=*to),
        _ => None,
    }
}

/// The partition that the fault names, or else `file`.
fn named(file: &str, fault: &store::Fault) -> String {
    match fault {
        store::Fault::Damaged { file, .. } | store::Fault::Gap { file, .. } => file.clone(),
        _ => file.into(),
    }
}

fn words(fault: &store::Fault) -> String {
    match fault {
        store::Fault::Damaged { why, .. } => why.clone(),
        other => other.to_string(),
    }
}
