//! A block: a header that is certified, and the body that its roots are over.
//!
//! ```text
//!   length u32 | Header | Body { envelopes: [Carried], committee: optional }
//!                  |                  |         |               |
//!                  |   instructions root, witness root    changes root (last leaf)
//!                digest
//! ```
//!
//! The digest is over the header alone. Every byte of the body is bound by a root, and the decoder
//! checks it: there is one body for a header, so nobody can pass a true block on with a false body.
//! The exception is a witness that was dropped by age, which leaves its leaf's digest; such bodies
//! are read from one's own disk only ([`Form::dropped`]).

mod engine;
#[cfg(test)]
mod tests;

pub use engine::{engine_digest, engine_key, our_key};

use std::sync::Arc;

use bytes::Bytes;
use commonware_cryptography::ed25519;
use crypto::{
    changes,
    merkle::{self, Path, Peaks, domain},
};
use ledger::{Envelope, Genesis};
use store::state::{Engine, STATE_FORMAT, empty_ranges};
use types::{
    Committee, DatabaseRange, Databases, DecodeError, Digest, Header, Reader, Wire, Witness,
};

/// Longest encoding of a block's envelopes and witnesses together, in bytes.
pub const BODY_MAX: u32 = 1 << 20;
/// Longest encoding of a block, in bytes: its header and the next committee stand beside the body.
pub const BLOCK_MAX: u32 = BODY_MAX + (1 << 16);
/// The only version of the header.
pub const VERSION: u8 = 1;

types::choice! {
    /// A witness in a block.
    pub enum Shown {
        /// Dropped by age: the digest of its leaf remains.
        0 => Dropped(Digest),
        /// All of it.
        1 => Whole(Witness),
    }
}

types::record! {
    /// An envelope in a block, with what shows that its sender wants it.
    pub struct Carried {
        /// What is asked.
        pub envelope: Envelope,
        /// Its witnesses, its signature first.
        pub witnesses: Vec<Shown>,
    }
}

types::record! {
    /// The committee of the next epoch, and its path to the changes root, of which it is the last leaf.
    pub struct NextCommittee {
        /// Who decides in the next epoch.
        pub committee: Committee,
        /// Its path among the block's change leaves.
        pub path: Path,
    }
}

types::record! {
    /// What a header's roots are over.
    pub struct Body {
        /// The envelopes, in the order of their effect.
        pub envelopes: Vec<Carried>,
        /// In an epoch's last block: who decides in the next.
        pub committee: Option<NextCommittee>,
    }
}

impl From<ledger::Signed> for Carried {
    fn from(ledger::Signed { envelope, witnesses }: ledger::Signed) -> Self {
        Self { envelope, witnesses: witnesses.into_iter().map(Shown::Whole).collect() }
    }
}

impl Carried {
    /// The envelope with its witnesses; `None` if one of them was dropped.
    #[must_use]
    pub fn signed(&self) -> Option<ledger::Signed> {
        let whole = |it: &Shown| match it {
            Shown::Whole(witness) => Some(witness.clone()),
            Shown::Dropped(_) => None,
        };
        let witnesses = self.witnesses.iter().map(whole).collect::<Option<_>>()?;
        Some(ledger::Signed { envelope: self.envelope.clone(), witnesses })
    }
}

impl Body {
    /// The root over the envelopes.
    #[must_use]
    pub fn instructions_root(&self) -> Digest {
        let leaf = |it: &Carried| merkle::leaf(&it.envelope.to_bytes());
        Peaks::of(self.envelopes.iter().map(leaf)).root(domain::INSTRUCTIONS)
    }

    /// The root over the witnesses, each with the place of its envelope.
    #[must_use]
    pub fn witness_root(&self) -> Digest {
        let leaves = (0u32..).zip(&self.envelopes).flat_map(|(place, carried)| {
            carried.witnesses.iter().map(move |it| match it {
                Shown::Dropped(leaf) => *leaf,
                Shown::Whole(witness) => witness_leaf(place, witness),
            })
        });
        Peaks::of(leaves).root(domain::WITNESSES)
    }
}

/// The leaf of a witness of the envelope at `place`.
#[must_use]
pub fn witness_leaf(place: u32, witness: &Witness) -> Digest {
    let mut bytes = place.to_bytes();
    witness.write(&mut bytes);
    merkle::leaf(&bytes)
}

/// What blocks of one market look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Blocks in an epoch; at least 2.
    epoch_blocks: u64,
    /// Whether witnesses may be missing: on one's own disk, never on the wire.
    pub dropped: bool,
}

impl Form {
    /// The form of this market's blocks; `None` unless an epoch has at least two.
    #[must_use]
    pub const fn of(genesis: &Genesis) -> Option<Self> {
        if genesis.epoch_blocks < 2 {
            return None;
        }
        Some(Self { epoch_blocks: genesis.epoch_blocks, dropped: false })
    }

    /// Blocks in an epoch. Epoch `e` has the heights from `e * epoch_blocks` on.
    #[must_use]
    pub const fn epoch_blocks(&self) -> u64 {
        self.epoch_blocks
    }

    /// The epoch of the block of this height.
    #[must_use]
    pub const fn epoch(&self, height: u64) -> u64 {
        height / self.epoch_blocks
    }

    /// Whether the block of this height is the last of its epoch, and carries the next committee.
    #[must_use]
    pub const fn is_last(&self, height: u64) -> bool {
        height % self.epoch_blocks == self.epoch_blocks - 1
    }
}

/// Why bytes are not a block, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBlock {
    /// It has more bytes than a block may have.
    #[error("a block of {0} bytes is too long")]
    TooLong(u32),
    /// Its bytes are no block.
    #[error("{0}")]
    Decode(DecodeError),
    /// Its header has another version.
    #[error("version {0} of the header is not known")]
    Version(u8),
    /// Its height is not of its epoch.
    #[error("the height is not of the epoch")]
    Epoch,
    /// Its leader is no key.
    #[error("the leader is no ed25519 key")]
    Leader,
    /// Its envelopes are not those of the header.
    #[error("the envelopes are not those under the instructions root")]
    Instructions,
    /// Its witnesses are not those of the header, or are missing where they may not.
    #[error("the witnesses are not those under the witness root")]
    Witnesses,
    /// The next committee is not under the changes root, or there where it may not be, or missing.
    #[error("the next committee is not the last leaf under the changes root")]
    Committee,
}

/// A block. Cloning it costs nothing.
#[derive(Clone, Debug)]
pub struct Block(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    header: Header,
    leader: ed25519::PublicKey,
    body: Body,
    bytes: Bytes,
}

impl Block {
    /// The block of this header and body.
    ///
    /// # Errors
    /// [`BadBlock`], but for [`BadBlock::Decode`].
    pub fn new(header: Header, body: Body, form: &Form) -> Result<Self, BadBlock> {
        let mut bytes = header.to_bytes();
        body.write(&mut bytes);
        Self::check(header, body, bytes.into(), form)
    }

    /// The block that `bytes` are, without the length before them.
    ///
    /// # Errors
    /// [`BadBlock`].
    pub fn decode(bytes: Bytes, form: &Form) -> Result<Self, BadBlock> {
        let mut reader = Reader::new(&bytes);
        let header = Header::read(&mut reader).map_err(BadBlock::Decode)?;
        let body = Body::read(&mut reader).map_err(BadBlock::Decode)?;
        if !reader.is_empty() {
            return Err(BadBlock::Decode(DecodeError::Trailing));
        }
        Self::check(header, body, bytes, form)
    }

    /// The block of height 0. Its state is empty: the rows of genesis are written by block 1.
    ///
    /// # Panics
    /// Never: a block without a body has the form of every market.
    #[must_use]
    pub fn genesis<E: Engine>(genesis: &Genesis) -> Self {
        let body = Body { envelopes: Vec::new(), committee: None };
        let header = Header {
            version: VERSION,
            time: genesis.time,
            state_format: STATE_FORMAT,
            databases: Databases(empty_ranges::<E>()),
            changes_root: changes::root([]),
            instructions_root: body.instructions_root(),
            witness_root: body.witness_root(),
            headers_root: Peaks::default().root(domain::HEADERS),
            ..Header::blank(genesis.chain(), 0)
        };
        let form = Form { epoch_blocks: u64::MAX, dropped: false };
        Self::new(header, body, &form).expect("a block without a body has its form")
    }

    fn check(header: Header, body: Body, bytes: Bytes, form: &Form) -> Result<Self, BadBlock> {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let beside = header.to_bytes().len() + body.committee.to_bytes().len();
        let beside = u32::try_from(beside).unwrap_or(u32::MAX);
        if len > BLOCK_MAX || len.saturating_sub(beside) > BODY_MAX {
            return Err(BadBlock::TooLong(len));
        }
        if header.version != VERSION {
            return Err(BadBlock::Version(header.version));
        }
        if header.epoch != form.epoch(header.height) {
            return Err(BadBlock::Epoch);
        }
        let leader = engine_key(&header.leader).ok_or(BadBlock::Leader)?;
        if body.instructions_root() != header.instructions_root {
            return Err(BadBlock::Instructions);
        }
        let whole = body.envelopes.iter().flat_map(|it| &it.witnesses).all(is_whole);
        if body.witness_root() != header.witness_root || !(whole || form.dropped) {
            return Err(BadBlock::Witnesses);
        }
        let committee = match &body.committee {
            None => !form.is_last(header.height),
            Some(next) => form.is_last(header.height) && next.is_under(&header.changes_root),
        };
        if !committee {
            return Err(BadBlock::Committee);
        }
        Ok(Self(Arc::new(Inner { header, leader, body, bytes })))
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.0.header
    }

    /// What its header's roots are over.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.0.body
    }

    /// In an epoch's last block: who decides in the next.
    #[must_use]
    pub fn committee(&self) -> Option<&Committee> {
        self.0.body.committee.as_ref().map(|it| &it.committee)
    }

    /// Its encoding, without the length before it.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    /// Roots and ranges of the state after it, one for each size class.
    #[must_use]
    pub fn databases(&self) -> &[DatabaseRange] {
        &self.0.header.databases.0
    }
}

impl NextCommittee {
    fn is_under(&self, changes_root: &Digest) -> bool {
        let leaf = changes::committee(&self.committee.to_bytes());
        let last = self.path.index.checked_add(1) == Some(self.path.count);
        last && self.path.root(domain::CHANGES, &leaf) == Some(*changes_root)
    }
}

const fn is_whole(it: &Shown) -> bool {
    matches!(it, Shown::Whole(_))
}
