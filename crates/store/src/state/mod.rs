//! The rows as they stand now, with a root that does not depend on who computed it.
//!
//! Three QMDB databases, one for each [`Class`](crate::Class), as one `DatabaseSet` of
//! `glue::stateful`. Nothing outside this module names the engine's types but by the aliases here.
//!
//! ```text
//!   Batches --Draft::of--> Draft --get_many/write--> seal(height) --> Sealed --ranges--> Header
//!      ^                                                                |
//!      +------------------ fork (the engine does it) -------------------+
//! ```
//!
//! Inside `glue::stateful::Application`:
//!
//! ```text
//! type Databases = store::Databases<E>;
//! // propose, process:
//! let mut draft = store::Draft::of(batches);
//! let rows = draft.get_many(&keys).await?;          // one Option<Row> a key, in the keys' order
//! draft.write(key, Some(&row));                      // or None: the row ends
//! let sealed = draft.seal(height).await?;
//! header.databases = Databases(store::state::ranges::<E>(&sealed));
//! // sync_targets:
//! store::state::targets::<E>(&header.databases.0)
//! // at the start, for the index (mailbox.subscribe_databases()):
//! store::state::scan(&databases, Some(&header.databases.0), |key, row| .., |progress| ..).await?
//! ```
//!
//! Consensus data: what is in a batch (one a block), a row rewritten unchanged (two more
//! operations: write only what changed), the height in the metadata, the floor policy
//! (`Proportional`). Not: the order of writes, pruning, file sizes, caches, reopening.

mod config;
mod draft;
mod open;
mod scan;
mod source;

pub use config::{Config, Configs, configs, damaged, missing, remove};
pub use draft::Draft;
pub use open::{State, read};
pub use scan::{Progress, scan};
pub use source::{NoSources, no_sources};

use commonware_cryptography::{Sha256, sha256};
use commonware_glue::stateful::db::{DatabaseSet, Merkleized as _, Shared};
use commonware_parallel::Sequential;
use commonware_runtime::Spawner;
use commonware_storage::{
    merkle::{Location, mmb},
    qmdb::{any::unordered::fixed, sync::Target},
    translator::{EightCap, Hashed},
};
use commonware_utils::{range::NonEmptyRange, sequence::FixedBytes};
use types::{DatabaseRange, Digest};

use crate::Class;

/// The root format that headers name in `state_format`: three classes, QMDB of 2026.10 over MMB.
pub const STATE_FORMAT: u16 = 1;

/// What the store needs of a runtime: files, a clock, metrics, tasks.
pub trait Engine: commonware_storage::Context + Spawner {}
impl<T: commonware_storage::Context + Spawner> Engine for T {}

/// The rows of one size class.
pub type Database<E, const V: usize> =
    fixed::Db<mmb::Family, E, FixedBytes<48>, FixedBytes<V>, Sha256, Hashed<EightCap>, Sequential>;

/// The state's databases: small, medium and large rows.
pub type Databases<E> = (
    Shared<Database<E, { Class::SMALL }>>,
    Shared<Database<E, { Class::MEDIUM }>>,
    Shared<Database<E, { Class::LARGE }>>,
);

/// What the engine hands to `propose` and `process`.
pub type Batches<E> = <Databases<E> as DatabaseSet<E>>::Unmerkleized;
/// What `propose` and `process` hand back: a batch with its roots.
pub type Sealed<E> = <Databases<E> as DatabaseSet<E>>::Merkleized;
/// What `sync_targets` says.
pub type Targets<E> = <Databases<E> as DatabaseSet<E>>::SyncTargets;
type TargetOf = Target<mmb::Family, sha256::Digest>;

/// Roots and ranges after a sealed batch, for the header: small, medium, large.
#[must_use]
pub fn ranges<E: Engine>(sealed: &Sealed<E>) -> Vec<DatabaseRange> {
    macro_rules! range {
        ($batch:expr) => {
            DatabaseRange {
                root: Digest($batch.root().0),
                start: *$batch.bounds().inactivity_floor,
                end: *$batch.bounds().tip.size,
            }
        };
    }
    vec![range!(sealed.0), range!(sealed.1), range!(sealed.2)]
}

/// The targets that a header's `ranges` name.
///
/// `None` unless there are three, each with `start < end`: a header that says otherwise is invalid.
#[must_use]
pub fn targets<E: Engine>(ranges: &[DatabaseRange]) -> Option<Targets<E>> {
    let [small, medium, large] = ranges else { return None };
    Some((target(small)?, target(medium)?, target(large)?))
}

/// Roots and ranges of `targets`.
#[must_use]
pub fn ranges_of<E: Engine>(targets: &Targets<E>) -> Vec<DatabaseRange> {
    [&targets.0, &targets.1, &targets.2].map(range_of).to_vec()
}

/// Roots and ranges of a state without rows.
#[must_use]
pub fn empty_ranges<E: Engine>() -> Vec<DatabaseRange> {
    ranges_of::<E>(&<Databases<E> as DatabaseSet<E>>::initial_sync_targets())
}

fn target(range: &DatabaseRange) -> Option<TargetOf> {
    let span = Location::new(range.start)..Location::new(range.end);
    let valid = span.start.is_valid() && span.end.is_valid();
    let span = NonEmptyRange::new(span).ok().filter(|_| valid)?;
    Some(Target::new(sha256::Digest(range.root.0), span))
}

fn range_of(target: &TargetOf) -> DatabaseRange {
    DatabaseRange {
        root: Digest(target.root.0),
        start: *target.range.start(),
        end: *target.range.end(),
    }
}
