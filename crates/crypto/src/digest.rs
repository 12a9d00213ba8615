//! Digests: SHA-256, under a domain that is never used twice.

use sha2::{Digest as _, Sha256};
use types::{Databases, Digest, Header, Wire as _};

use crate::merkle;

/// SHA-256 of `bytes`, without a domain.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// SHA-256 over the domain's length (u32), the domain and `bytes`.
#[must_use]
pub fn digest(domain: &[u8], bytes: &[u8]) -> Digest {
    let length = u32::try_from(domain.len());
    assert!(length.is_ok(), "a domain of ours is a short text");
    let hash = Sha256::new().chain_update(length.unwrap_or(u32::MAX).to_be_bytes());
    Digest(hash.chain_update(domain).chain_update(bytes).finalize().into())
}

/// A block's digest: what is certified, and what the next header calls its parent.
#[must_use]
pub fn header_digest(header: &Header) -> Digest {
    digest(b"furikae header 1", &header.to_bytes())
}

/// What a state is told by: the digest over its databases' roots and ranges.
#[must_use]
pub fn state_root(databases: &Databases) -> Digest {
    digest(b"furikae state root 1", &databases.to_bytes())
}

/// The leaf of a header with this digest under the headers root of later headers. Its place there is
/// its height.
#[must_use]
pub fn header_leaf(digest: &Digest) -> Digest {
    merkle::leaf(&digest.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_is_that_of_fips_180() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(alloc::format!("{}", sha256(b"abc")), abc);
    }

    #[test]
    fn a_domain_does_not_run_into_the_bytes() {
        assert_ne!(digest(b"ab", b"c"), digest(b"a", b"bc"));
        assert_eq!(digest(b"ab", b"c"), sha256(b"\0\0\0\x02abc"));
    }
}
