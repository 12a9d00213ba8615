//! stub
#![no_std]
extern crate alloc;

pub mod changes;
pub mod merkle;

use alloc::vec::Vec;
use sha2::{Digest as _, Sha256};
use types::*;
pub fn sha256(b: &[u8]) -> Digest {
    Digest(Sha256::digest(b).into())
}
pub fn digest(d: &[u8], b: &[u8]) -> Digest {
    let mut h = Sha256::new();
    h.update((d.len() as u32).to_be_bytes());
    h.update(d);
    h.update(b);
    Digest(h.finalize().into())
}
/// A block's digest: what is certified, and what the next header calls its parent.
#[must_use]
pub fn header_digest(header: &Header) -> Digest {
    digest(b"furikae header 1", &header.to_bytes())
}
types::choice! { pub enum Amount { 0 => Open(i64), 1 => Sealed { commitment: [u8;32], handles: Vec<[u8;32]>, }, } }
pub struct LtHash(u64);
impl Default for LtHash {
    fn default() -> Self {
        Self(0)
    }
}
impl LtHash {
    pub fn add(&mut self, b: &[u8]) {
        self.0 = self.0.wrapping_add(Self::h(b))
    }
    pub fn subtract(&mut self, b: &[u8]) {
        self.0 = self.0.wrapping_sub(Self::h(b))
    }
    fn h(b: &[u8]) -> u64 {
        u64::from_be_bytes(sha256(b).0[..8].try_into().unwrap())
    }
    pub fn digest(&self) -> Digest {
        sha256(&self.0.to_be_bytes())
    }
    pub fn to_bytes(&self) -> [u8; 2048] {
        let mut o = [0; 2048];
        o[..8].copy_from_slice(&self.0.to_be_bytes());
        o
    }
    pub fn from_bytes(b: &[u8; 2048]) -> Self {
        Self(u64::from_be_bytes(b[..8].try_into().unwrap()))
    }
}
pub mod keys {
    use types::PublicKey;
    pub struct SecretKey(ed25519_zebra::SigningKey);
    impl SecretKey {
        pub fn from_seed(seed: [u8; 32]) -> Self {
            Self(ed25519_zebra::SigningKey::from(seed))
        }
        pub fn public(&self) -> PublicKey {
            PublicKey(ed25519_zebra::VerificationKeyBytes::from(&self.0).into())
        }
        pub fn sign(&self, m: &[u8]) -> [u8; 64] {
            self.0.sign(m).into()
        }
    }
}
