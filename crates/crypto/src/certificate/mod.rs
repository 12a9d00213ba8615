//! The check of a block's certificate: a finalization of Commonware's simplex, signed with ed25519.
//!
//! ```text
//!   certificate  epoch | view | parent view     varints
//!                payload 32                     the block's digest
//!                n u64 | signers                one bit each, the lowest bit of a byte first
//!                count varint | signatures      64 bytes each, in the order of the signers
//!   signed       length varint | namespace | "_FINALIZE" | the bytes up to and with the payload
//! ```
//!
//! Its bytes are frozen here, and need no engine to be checked. A committee of n = 3f + 1 stands in the
//! order of its keys; at least n - f of it must have signed. A block that carries no certificate of its
//! own is final by that of a later one which goes on from it.

use alloc::vec::Vec;

use types::{
    Bytes, ChainId, Committee, DecodeError, Digest, Header, PublicKey, Reader, Validator, Wire,
};

use crate::{
    changes::BlockChanges,
    keys::{self, SecretKey},
};

/// Most validators of a committee.
pub const VALIDATORS_MAX: u32 = 1_024;

types::record! {
    /// What a node serves for one height.
    pub struct Certified {
        /// The block's header and what it changed.
        pub changes: BlockChanges,
        /// The certificate over the header's digest; absent if a later one covers it.
        pub certificate: Option<Bytes>,
    }
}

/// Why a certificate does not show that a header is final, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotCertified {
    /// The committee is empty, too large, or not in strictly increasing order of keys.
    NoCommittee,
    /// The bytes are no certificate.
    Malformed(DecodeError),
    /// It is of another epoch than the header or the committee.
    OtherEpoch,
    /// It is over another block.
    OtherBlock,
    /// It was made in a view before the header's.
    OtherView,
    /// It is of a committee of another size.
    OtherCommittee,
    /// Fewer have signed than two thirds of the committee and one.
    TooFew,
    /// A signature is wrong.
    WrongSignature,
}

impl core::fmt::Display for NotCertified {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoCommittee => f.write_str("the set of validators is none"),
            Self::Malformed(why) => write!(f, "the certificate is malformed: {why}"),
            Self::OtherEpoch => f.write_str("the certificate is of another epoch"),
            Self::OtherBlock => f.write_str("the certificate is over another block"),
            Self::OtherView => f.write_str("the certificate is of an earlier view"),
            Self::OtherCommittee => f.write_str("the certificate is of other validators"),
            Self::TooFew => f.write_str("too few validators have signed"),
            Self::WrongSignature => f.write_str("a validator's signature is wrong"),
        }
    }
}

impl core::error::Error for NotCertified {}

/// The namespace under which the validators of a market sign.
#[must_use]
pub fn namespace(chain: &ChainId) -> [u8; 40] {
    let mut namespace = [0; 40];
    let bytes = b"furikae-".iter().chain(&chain.0);
    namespace.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    namespace
}

/// How many of `count` validators must sign: all but a third of those beyond the first, rounded down.
#[must_use]
pub const fn quorum(count: u32) -> u32 {
    count.saturating_sub(count.saturating_sub(1) / 3)
}

/// Shows that a header is final by the certificate over its digest.
///
/// The header names its market; whether that is the right one, and whether the committee is that of the
/// header's epoch, is for the caller to know.
///
/// # Errors
/// The first [`NotCertified`] that fits.
pub fn check(
    header: &Header,
    certificate: &[u8],
    committee: &Committee,
) -> Result<(), NotCertified> {
    let count = size(committee).ok_or(NotCertified::NoCommittee)?;
    let it = Finalization::from_bytes(certificate).map_err(NotCertified::Malformed)?;
    if it.epoch != header.epoch || it.epoch != committee.epoch {
        return Err(NotCertified::OtherEpoch);
    }
    if it.payload != crate::header_digest(header) {
        return Err(NotCertified::OtherBlock);
    }
    // The last block of an epoch may be proposed again, as it is, in later views.
    if it.view < header.view {
        return Err(NotCertified::OtherView);
    }
    if it.count != u64::from(count) {
        return Err(NotCertified::OtherCommittee);
    }
    if u32::try_from(it.signatures.len()).is_ok_and(|it| it < quorum(count)) {
        return Err(NotCertified::TooFew);
    }
    let keys = committee.validators.iter().map(|it| &it.key);
    let signers = keys.zip(it.bits()).filter_map(|(key, signed)| signed.then_some(key));
    let message = it.message(&header.chain);
    if all_signed(signers.zip(&it.signatures), &message) {
        Ok(())
    } else {
        Err(NotCertified::WrongSignature)
    }
}

fn all_signed<'a>(
    signed: impl Iterator<Item = (&'a PublicKey, &'a [u8; 64])>,
    message: &'a [u8],
) -> bool {
    keys::verify_all(signed.map(|(key, signature)| (key, message, signature)))
}

/// The certificate that those of the committee sign over this header who are among `secrets`.
///
/// Validators sign with their engine; this is for a market in one process, and for tests.
#[must_use]
pub fn sign(header: &Header, committee: &Committee, secrets: &[SecretKey]) -> Vec<u8> {
    let of = |it: &Validator| secrets.iter().find(|secret| secret.public() == it.key);
    let signers: Vec<Option<&SecretKey>> = committee.validators.iter().map(of).collect();
    let byte = |eight: &[Option<&SecretKey>]| {
        eight.iter().rev().fold(0, |byte: u8, it| byte << 1 | u8::from(it.is_some()))
    };
    let mut made = Finalization {
        epoch: header.epoch,
        view: header.view,
        parent_view: header.parent_view,
        payload: crate::header_digest(header),
        count: u64::try_from(signers.len()).unwrap_or(u64::MAX),
        signers: signers.chunks(8).map(byte).collect(),
        signatures: Vec::new(),
    };
    let message = made.message(&header.chain);
    made.signatures = signers.iter().flatten().map(|it| it.sign(&message)).collect();
    made.to_bytes()
}

/// How many validators the committee has; `None` if it is not one.
fn size(committee: &Committee) -> Option<u32> {
    let count = u32::try_from(committee.validators.len()).ok()?;
    let ordered = committee.validators.is_sorted_by(|a, b| a.key < b.key);
    (ordered && count > 0 && count <= VALIDATORS_MAX).then_some(count)
}

/// A certificate as its bytes say it.
struct Finalization {
    epoch: u64,
    view: u64,
    parent_view: u64,
    payload: Digest,
    /// How many validators there are.
    count: u64,
    /// Which of them have signed.
    signers: Vec<u8>,
    signatures: Vec<[u8; 64]>,
}

impl Finalization {
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let from = &mut Reader::new(bytes);
        let (epoch, view, parent_view) = (varint(from)?, varint(from)?, varint(from)?);
        let payload = Digest::read(from)?;
        let count = u64::read(from)?;
        let short = u32::try_from(count).ok().filter(|it| *it <= VALIDATORS_MAX);
        let short = short.ok_or(DecodeError::TooLong)?;
        let signers = from.take(short.div_ceil(8))?.to_vec();
        let signed: u64 = signers.iter().map(|it| u64::from(it.count_ones())).sum();
        let unused = short.next_multiple_of(8).saturating_sub(short);
        if signers.last().is_some_and(|it| it.leading_zeros() < unused) {
            return Err(DecodeError::NotCanonical);
        }
        if varint(from)? != signed {
            return Err(DecodeError::NotCanonical);
        }
        let signatures = (0..signed).map(|_| from.array()).collect::<Result<_, _>>()?;
        if !from.is_empty() {
            return Err(DecodeError::Trailing);
        }
        Ok(Self { epoch, view, parent_view, payload, count, signers, signatures })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write_proposal(&mut bytes);
        self.count.write(&mut bytes);
        bytes.extend_from_slice(&self.signers);
        write_varint(u64::try_from(self.signatures.len()).unwrap_or(u64::MAX), &mut bytes);
        self.signatures.iter().for_each(|it| it.write(&mut bytes));
        bytes
    }

    fn write_proposal(&self, out: &mut Vec<u8>) {
        for it in [self.epoch, self.view, self.parent_view] {
            write_varint(it, out);
        }
        self.payload.write(out);
    }

    /// Whether each of the validators has signed.
    fn bits(&self) -> impl Iterator<Item = bool> {
        self.signers.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1))
    }

    /// What each of them has signed.
    fn message(&self, chain: &ChainId) -> Vec<u8> {
        let namespace = [&namespace(chain)[..], b"_FINALIZE"].concat();
        let mut message = Vec::new();
        write_varint(u64::try_from(namespace.len()).unwrap_or(u64::MAX), &mut message);
        message.extend_from_slice(&namespace);
        self.write_proposal(&mut message);
        message
    }
}

/// An integer in groups of seven bits, the lowest first; the highest bit of a byte says that more follow.
fn varint(from: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let mut value: u64 = 0;
    for place in 0..10_u32 {
        let byte = u8::read(from)?;
        let group = u64::from(byte & 0x7f);
        let last = byte & 0x80 == 0;
        // The tenth group has room for one bit. A last group of zeros would be left out.
        if (place == 9 && byte > 1) || (place > 0 && byte == 0) {
            return Err(DecodeError::NotCanonical);
        }
        value |= group.checked_shl(place.saturating_mul(7)).unwrap_or_default();
        if last {
            return Ok(value);
        }
    }
    Err(DecodeError::NotCanonical)
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        let [.., low] = value.to_be_bytes();
        out.push(low | 0x80);
        value >>= 7;
    }
    let [.., low] = value.to_be_bytes();
    out.push(low);
}

#[cfg(test)]
mod tests;
