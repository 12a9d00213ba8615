//! Keys: ed25519 by the rules of ZIP 215, so that one signature and many get the same verdict.
//!
//! A batch is checked by one sum with random coefficients. Here they are drawn from a digest over the
//! whole batch: nobody can choose signatures after the coefficients, and no machine's chance is needed.

use core::convert::Infallible;

use ed25519_zebra::{
    Signature, SigningKey, VerificationKey, VerificationKeyBytes,
    batch::{Item, Verifier},
};
use sha2::{Digest as _, Sha256};
use types::PublicKey;

/// A key that signs. Its bytes are wiped when it is dropped.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of this seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from(seed))
    }

    /// The seed that it was made from. Whoever has it can sign.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        *self.0.as_bytes()
    }

    /// The key that checks its signatures.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(VerificationKeyBytes::from(&self.0).into())
    }

    /// The signature over `message`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).into()
    }
}

/// Whether `signature` over `message` was made with the key of `public`.
#[must_use]
pub fn verify(public: &PublicKey, message: &[u8], signature: &[u8; 64]) -> bool {
    let key = VerificationKey::try_from(VerificationKeyBytes::from(public.0));
    key.is_ok_and(|it| it.verify(&Signature::from(*signature), message).is_ok())
}

/// Signatures to be checked together, at about half the cost.
#[derive(Default)]
pub struct Batch {
    verifier: Verifier,
    coins: Sha256,
}

impl Batch {
    /// Adds a signature.
    pub fn add(&mut self, public: &PublicKey, message: &[u8], signature: &[u8; 64]) {
        let length = u64::try_from(message.len()).unwrap_or(u64::MAX);
        for part in [&public.0[..], signature, &length.to_be_bytes(), message] {
            self.coins.update(part);
        }
        let key = VerificationKeyBytes::from(public.0);
        self.verifier.queue(Item::from((key, Signature::from(*signature), message)));
    }

    /// Whether [`verify`] holds for each of them. True for none.
    #[must_use]
    pub fn verify(self) -> bool {
        self.verifier.verify(Coins { seed: self.coins.finalize().into(), drawn: 0 }).is_ok()
    }
}

/// Whether [`verify`] holds for each of these. True for none.
#[must_use]
pub fn verify_all<'a>(
    signed: impl IntoIterator<Item = (&'a PublicKey, &'a [u8], &'a [u8; 64])>,
) -> bool {
    let mut batch = Batch::default();
    for (public, message, signature) in signed {
        batch.add(public, message, signature);
    }
    batch.verify()
}

/// Coefficients: SHA-256 of the batch's digest and a number.
struct Coins {
    seed: [u8; 32],
    drawn: u64,
}

impl Coins {
    fn draw(&mut self) -> [u8; 32] {
        let block = Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_be_bytes());
        self.drawn = self.drawn.saturating_add(1);
        block.finalize().into()
    }
}

impl rand_core::TryRng for Coins {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        for part in to.chunks_mut(32) {
            part.iter_mut().zip(self.draw()).for_each(|(byte, drawn)| *byte = drawn);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Coins {}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn signed(count: u8) -> Vec<(PublicKey, [u8; 3], [u8; 64])> {
        let one = |it: u8| {
            let secret = SecretKey::from_seed([it % 5; 32]);
            let message = [it, 1, 2];
            (secret.public(), message, secret.sign(&message))
        };
        (0..count).map(one).collect()
    }

    fn all(signed: &[(PublicKey, [u8; 3], [u8; 64])]) -> bool {
        verify_all(signed.iter().map(|(public, message, it)| (public, &message[..], it)))
    }

    #[test]
    fn a_batch_holds_when_each_does() {
        for count in [0, 1, 2, 7, 40] {
            assert!(all(&signed(count)), "{count}");
        }
    }

    #[test]
    fn one_that_is_wrong_is_found_among_many() {
        for place in 0..40 {
            let mut signed = signed(40);
            signed[place].1[1] ^= 1;
            assert!(!verify(&signed[place].0, &signed[place].1, &signed[place].2));
            assert!(!all(&signed), "message {place}");
        }
        let mut exchanged = signed(2);
        let first = exchanged[0].2;
        exchanged[0].2 = exchanged[1].2;
        exchanged[1].2 = first;
        assert!(!all(&exchanged));
    }

    #[test]
    fn every_bit_of_a_signature_counts() {
        let (public, message, signature) = signed(1)[0];
        for bit in 0..512 {
            let mut other = signature;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&public, &message, &other), "{bit}");
        }
    }
}
