//! Which blocks are final: those that a certificate covers, each for itself or by a later one.
//!
//! ```text
//!   served    1   2   3*  4   5   6*      * with a certificate
//!   final     .   .   1-3 .   .   4-6
//! ```
//!
//! A certificate is checked against the validators of its epoch. Those of the first are known from the
//! start, or believed from block 1; each next set stands in the last block of the epoch before it.

use std::collections::{BTreeMap, VecDeque};

use crypto::{
    certificate::{self, Certified},
    changes::BlockChanges,
};
use ledger::{Key, governance::Validators, row::Row as _};
use types::{ChainId, Committee, Digest, Header, Validator, Wire as _};

/// So many bytes of blocks may wait for a certificate.
const WAITING_BYTES_MAX: usize = 256 << 20;

/// The chain of headers as far as it is final, and blocks beyond that.
pub struct Finality {
    chain: ChainId,
    /// Those of every epoch so far.
    committees: BTreeMap<u64, Committee>,
    /// The height of the last final block.
    height: u64,
    /// Its digest; none before the first block.
    last: Option<Digest>,
    waiting: VecDeque<BlockChanges>,
    /// How many bytes of them were served.
    waiting_bytes: usize,
}

impl Finality {
    /// Begins before the first block of `chain`, with the validators of the first epoch if they are known.
    pub fn new(chain: ChainId, first: Option<Vec<Validator>>) -> Self {
        let committees = first.map(|it| (0, Committee::of(0, it))).into_iter().collect();
        let waiting = VecDeque::new();
        Self { chain, committees, height: 0, last: None, waiting, waiting_bytes: 0 }
    }

    /// Goes on after the block of `header`, with the committees that blocks have named.
    pub fn resume(header: &Header, committees: Vec<Committee>) -> Self {
        Self {
            chain: header.chain,
            committees: committees.into_iter().map(|it| (it.epoch, it)).collect(),
            height: header.height,
            last: Some(crypto::header_digest(header)),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// Which market it is.
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// The validators of an epoch; `None` of one that no final block has named.
    pub fn committee(&self, epoch: u64) -> Option<&Committee> {
        self.committees.get(&epoch)
    }

    /// The height of the block that is wanted next.
    pub fn next(&self) -> u64 {
        let last = self.waiting.back().map_or(self.height, |it| it.header.height);
        last.saturating_add(1)
    }

    /// Forgets the blocks that are not final: the node that served them is not believed any more.
    pub fn forget(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
    }

    /// Takes the next block as it is served; gives the blocks that are final with it, in their order.
    ///
    /// # Errors
    /// What is wrong with it. The blocks that wait are then as they were.
    pub fn take(&mut self, bytes: &[u8]) -> Result<VecDeque<BlockChanges>, String> {
        let block = Certified::from_bytes(bytes).map_err(|why| why.to_string())?;
        let Certified { changes, certificate } = block;
        self.check(&changes)?;
        let Some(certificate) = certificate else {
            let held = self.waiting_bytes.saturating_add(bytes.len());
            if held > WAITING_BYTES_MAX {
                let count = self.waiting.len();
                return Err(format!("the {count} before it are without a certificate"));
            }
            self.waiting_bytes = held;
            self.waiting.push_back(changes);
            return Ok(VecDeque::new());
        };
        let epoch = changes.header.epoch;
        let believed = self.believed(&changes)?;
        let committee = believed.as_ref().or_else(|| self.committee(epoch));
        let committee = committee.ok_or("the validators of its epoch are not known")?;
        certificate::check(&changes.header, &certificate.0, committee)
            .map_err(|why| why.to_string())?;
        let next = next_committee(&changes)?;
        self.committees.extend(believed.into_iter().chain(next).map(|it| (it.epoch, it)));
        self.height = changes.header.height;
        self.last = Some(crypto::header_digest(&changes.header));
        self.waiting.push_back(changes);
        self.waiting_bytes = 0;
        Ok(std::mem::take(&mut self.waiting))
    }

    /// The first validators, as block 1 names them, if nobody else has.
    fn believed(&self, block: &BlockChanges) -> Result<Option<Committee>, String> {
        if !self.committees.is_empty() {
            return Ok(None);
        }
        let first = self.waiting.front().unwrap_or(block);
        let rows = first.changes.iter().filter(|it| Key(it.key).kind() == Validators::KIND);
        let mut all = Vec::new();
        for row in rows {
            let value = row.new.as_ref().map(|it| it.0.as_slice()).unwrap_or_default();
            let row = Validators::from_bytes(value);
            all.extend(row.map_err(|_| "its validators cannot be read")?.validators);
        }
        Ok(Some(Committee::of(0, all)))
    }

    fn check(&self, block: &BlockChanges) -> Result<(), &'static str> {
        let header = &block.header;
        if header.chain != self.chain {
            return Err("it is of another market");
        }
        if header.height != self.next() {
            return Err("it is not the next block");
        }
        let before = self.waiting.back().map(|it| crypto::header_digest(&it.header)).or(self.last);
        if before.is_some_and(|it| it != header.parent) {
            return Err("it does not go on from the block before it");
        }
        if self.waiting.back().is_some_and(|it| it.committee.is_some()) {
            return Err("the last block of the epoch before it is without a certificate");
        }
        if self.committees.keys().last().is_some_and(|it| *it != header.epoch) {
            return Err("it is of another epoch than the block before it says");
        }
        if block.root() != header.changes_root {
            return Err("its changes are not those that its header names");
        }
        if !block.changes.is_sorted_by(|a, b| a.key < b.key) {
            return Err("its changes are not in order");
        }
        Ok(())
    }
}

/// The validators of the next epoch, if the block is an epoch's last.
fn next_committee(block: &BlockChanges) -> Result<Option<Committee>, String> {
    let Some(bytes) = &block.committee else { return Ok(None) };
    let next = Committee::from_bytes(&bytes.0).map_err(|why| format!("its committee: {why}"))?;
    if block.header.epoch.checked_add(1) == Some(next.epoch) {
        Ok(Some(next))
    } else {
        Err("its committee is of another epoch than the next".into())
    }
}
