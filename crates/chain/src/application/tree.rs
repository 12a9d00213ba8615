//! The blocks that may yet become final, and what executing each of them gave.
//!
//! ```text
//!   start: index of the committed rows (one scan) -- of the first parent that is asked for
//!             |
//!             A final --+-- B --+-- D            each: index, changes, lanes
//!                       |       +-- E
//!                       +-- C                    when B is final, A and C go, then what is built on C
//! ```
//!
//! After a restart the databases hold the newest acknowledged block's state and the tree is empty. The
//! engine executes what lies between before anything built on it, so the first parent that is asked
//! for is that block. Nothing is committed before something was executed, and nothing is executed
//! before the scan is done: so the scan sees one state.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use commonware_utils::channel::watch;
use crypto::changes::BlockChanges;
use ledger::{governance::LaneRow, row::Row as _};
use types::{Digest, Lane, Sender, Wire};

use crate::index::Index;

/// The next number of each lane that some blocks have moved on.
pub type Lanes = HashMap<(Sender, Lane), u64>;

/// The lanes that a block has moved on, those of forwarded envelopes among them.
///
/// # Panics
/// When a row of a lane is none that the rules wrote.
#[must_use]
pub fn lanes(changes: &BlockChanges) -> Lanes {
    let mut lanes = Lanes::new();
    for change in changes.changes.iter().filter(|it| it.key[0] == LaneRow::KIND) {
        let name = Wire::read(&mut types::Reader::new(&change.key[1..]));
        let row = change.new.as_ref().map(|it| LaneRow::from_bytes(&it.0));
        let next = row.expect("a lane does not end").expect("a row is what the rules wrote").next;
        raise(&mut lanes, name.expect("a key is what the rules made"), next);
    }
    lanes
}

fn raise(lanes: &mut Lanes, lane: (Sender, Lane), next: u64) {
    let known = lanes.entry(lane).or_default();
    *known = next.max(*known);
}

/// One executed block.
pub struct Node {
    /// Its height.
    pub height: u64,
    /// Its parent's digest.
    pub parent: Digest,
    /// The index after it.
    pub index: Index,
    /// What it changed.
    pub changes: Arc<BlockChanges>,
    /// The lanes that it moves on.
    pub lanes: Lanes,
}

enum Base {
    /// The scan is not done.
    Unknown,
    /// The index of the committed state, of which nobody has asked yet.
    Of(Option<Digest>, Index),
    /// A later block is final.
    Past,
}

/// The executed blocks above the newest final one, and that one.
pub struct Tree {
    inner: Mutex<Inner>,
    scanned: watch::Sender<bool>,
}

struct Inner {
    base: Base,
    blocks: BTreeMap<Digest, Node>,
    final_height: u64,
}

impl Default for Tree {
    fn default() -> Self {
        let inner = Inner { base: Base::Unknown, blocks: BTreeMap::new(), final_height: 0 };
        Self { inner: Mutex::new(inner), scanned: watch::Sender::new(false) }
    }
}

impl Tree {
    /// Takes the index of the committed rows.
    ///
    /// # Panics
    /// The second time.
    pub fn begin(&self, index: Index) {
        let mut inner = self.lock();
        assert!(matches!(inner.base, Base::Unknown), "the state is scanned once");
        inner.base = Base::Of(None, index);
        drop(inner);
        self.scanned.send_replace(true);
    }

    /// The index after `parent`. Waits for the scan.
    ///
    /// # Panics
    /// If `parent` was neither executed since the start nor the block that the start stood at.
    pub async fn index_after(&self, parent: &Digest) -> Index {
        if let Some(index) = self.known(parent) {
            return index;
        }
        let mut scanned = self.scanned.subscribe();
        scanned.wait_for(|it| *it).await.expect("the tree holds the other end");
        self.known(parent).expect("a block is executed after its parent")
    }

    fn known(&self, parent: &Digest) -> Option<Index> {
        let mut inner = self.lock();
        if let Some(node) = inner.blocks.get(parent) {
            return Some(node.index.clone());
        }
        let Base::Of(of, index) = &mut inner.base else { return None };
        (of.get_or_insert(*parent) == parent).then(|| index.clone())
    }

    /// Keeps an executed block. The same block again changes nothing.
    pub fn keep(&self, digest: Digest, node: Node) {
        let mut inner = self.lock();
        if node.height > inner.final_height {
            inner.blocks.entry(digest).or_insert(node);
        }
    }

    /// The lanes that `parent` and the blocks between it and the newest final one have moved on.
    #[must_use]
    pub fn lanes_after(&self, parent: &Digest) -> Lanes {
        let inner = self.lock();
        let mut lanes = Lanes::new();
        let mut next = inner.blocks.get(parent);
        while let Some(node) = next.filter(|it| it.height > inner.final_height) {
            node.lanes.iter().for_each(|(lane, next)| raise(&mut lanes, *lane, *next));
            next = inner.blocks.get(&node.parent);
        }
        lanes
    }

    /// The lanes that this block has moved on.
    ///
    /// # Panics
    /// If it was not executed.
    pub fn lanes_of(&self, digest: &Digest) -> Lanes {
        let inner = self.lock();
        inner.blocks.get(digest).expect("a block is executed before it is final").lanes.clone()
    }

    /// What this block changed; it is final. What can no longer become final is forgotten.
    ///
    /// # Panics
    /// If it was not executed.
    pub fn finalize(&self, digest: &Digest) -> Arc<BlockChanges> {
        let mut inner = self.lock();
        let node = inner.blocks.get(digest).expect("a block is executed before it is final");
        let (height, changes) = (node.height, node.changes.clone());
        inner.final_height = height;
        inner.base = Base::Past;
        inner.blocks.retain(|it, node| node.height > height || it == digest);
        changes
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
