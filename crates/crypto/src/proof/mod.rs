//! Proofs for everybody: files that show what happened, or how a row stood, to whoever has the set of
//! validators.
//!
//! ```text
//!   receipt   event ----path----> changes root of its header --parent of--> .. --> certified header
//!   as-of     leaf -----path----> changes root of its header --path--> headers root of a certified one
//!   registry  owners -digest-> value of an instrument's row, by an as-of proof
//! ```
//!
//! A file has one form, and ends with a digest of itself: any bit of it changed makes it malformed. Whoever
//! bends it on purpose and makes the digest anew ends at something false, or at another truth. Events and
//! values are bytes here; what they mean is for those who know the market's words.

mod as_of;
mod receipt;
mod registry;

pub use as_of::{AsOf, Moment, Placed, ShownChange, State};
pub use receipt::Receipt;
pub use registry::{OWNERS_MAX, Owners, Registry};

use alloc::vec::Vec;

use types::{ChainId, Committee, DecodeError, Digest, Header, Wire as _};

use crate::certificate::{self, NotCertified};

/// The first bytes of a file. The last of them is the version.
const MAGIC: [u8; 8] = *b"furikae\x01";

types::choice! {
    /// What a file shows.
    pub enum Proof {
        /// An event was told.
        0 => Receipt(Receipt),
        /// A row stood so at a moment.
        1 => AsOf(AsOf),
        /// These were all owners of an instrument at a moment.
        2 => Registry(Registry),
    }
}

/// Why bytes are no file of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Malformed {
    /// They do not begin as one.
    NotAProof,
    /// They are of this version, which is not known here.
    OtherVersion(u8),
    /// They are not those that were written: the digest at the end is of others.
    Damaged,
    /// What they hold is not one.
    Content(DecodeError),
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotAProof => f.write_str("it is no file of a proof"),
            Self::OtherVersion(it) => write!(f, "it is of version {it}, and 1 is known here"),
            Self::Damaged => f.write_str("it is damaged, or was changed"),
            Self::Content(why) => write!(f, "{why}"),
        }
    }
}

impl core::error::Error for Malformed {}

/// Why a proof is false, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum False {
    /// A header is missing.
    NoHeader,
    /// A header is of another market.
    OtherMarket,
    /// The last header is not certified.
    NotCertified(NotCertified),
    /// A header is not under the headers root of the certified one.
    NotAnEarlierHeader,
    /// A header is not the parent of the next.
    NotItsParent,
    /// An event is not under the changes root.
    EventNotInBlock,
    /// A change is not under the changes root of its block, or is of another key.
    ChangeNotInBlock,
    /// The value is not the one that the change left, or the row ended with it.
    OtherValue,
    /// The moment is not shown by two neighbouring headers.
    OtherMoment,
    /// A change is on the wrong side of the moment.
    ChangeOutOfPlace,
    /// The next change names another as the one before it, or is there without need, or is missing.
    NotTheNextChange,
}

impl core::fmt::Display for False {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoHeader => "a header is missing",
            Self::OtherMarket => "a header is of another market",
            Self::NotCertified(why) => return why.fmt(f),
            Self::NotAnEarlierHeader => "a header is not one of those before the certified one",
            Self::NotItsParent => "a header is not the parent of the next",
            Self::EventNotInBlock => "the event is not in the block",
            Self::ChangeNotInBlock => "a change is not in its block",
            Self::OtherValue => "the value is not the one that the change left",
            Self::OtherMoment => "the moment is not between the two headers",
            Self::ChangeOutOfPlace => "a change is on the wrong side of the moment",
            Self::NotTheNextChange => "the two changes do not follow each other",
        })
    }
}

impl core::error::Error for False {}

impl Proof {
    /// The bytes of its file.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        self.write(&mut bytes);
        let end = digest_of(&bytes);
        end.write(&mut bytes);
        bytes
    }

    /// The proof in a file with these bytes.
    ///
    /// # Errors
    /// The first [`Malformed`] that fits.
    pub fn from_file(bytes: &[u8]) -> Result<Self, Malformed> {
        let (begins, _) = bytes.split_first_chunk::<8>().ok_or(Malformed::NotAProof)?;
        let ([word @ .., version], [known_word @ .., known]) = (begins, &MAGIC);
        if word != known_word {
            return Err(Malformed::NotAProof);
        }
        if version != known {
            return Err(Malformed::OtherVersion(*version));
        }
        let (body, end) = bytes.split_last_chunk::<32>().ok_or(Malformed::Damaged)?;
        let content = body.strip_prefix(&MAGIC).ok_or(Malformed::Damaged)?;
        if digest_of(body).0 != *end {
            return Err(Malformed::Damaged);
        }
        Self::from_bytes(content).map_err(Malformed::Content)
    }

    /// The header that the certificate is over; `None` if there is none.
    #[must_use]
    pub fn certified(&self) -> Option<&Header> {
        match self {
            Self::Receipt(it) => it.headers.last(),
            Self::AsOf(it) => Some(&it.newest),
            Self::Registry(it) => Some(&it.row.newest),
        }
    }
}

/// What a file with this content ends with.
fn digest_of(bytes: &[u8]) -> Digest {
    crate::digest(b"furikae proof 1", bytes)
}

/// Shows that a header of `chain` is final.
fn certified(
    header: &Header,
    bytes: &[u8],
    chain: &ChainId,
    committee: &Committee,
) -> Result<(), False> {
    if header.chain != *chain {
        return Err(False::OtherMarket);
    }
    certificate::check(header, bytes, committee).map_err(False::NotCertified)
}

#[cfg(test)]
mod tests;
