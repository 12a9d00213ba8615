//! Keys of who may read: a view key for amounts, an envelope key for messages.

use hpke::{
    Deserializable as _, Kem as _, Serializable as _, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use proof::Secret;
use rand::CryptoRng;
use zeroize::Zeroizing;

/// How keys are agreed, of RFC 9180: DHKEM(X25519, HKDF-SHA256).
pub(super) type Kem = X25519HkdfSha256;
/// How keys are derived, of RFC 9180.
pub(super) type Kdf = HkdfSha256;
/// How messages are encrypted, of RFC 9180.
pub(super) type Aead = ChaCha20Poly1305;

/// What opens messages: an X25519 secret. It is wiped when it is dropped.
#[derive(Clone)]
pub struct EnvelopeSecret(pub(super) <Kem as hpke::Kem>::PrivateKey);

types::record! {
    /// What messages are sealed to: the X25519 key of an [`EnvelopeSecret`].
    #[derive(Copy, Hash, PartialOrd, Ord)]
    pub struct EnvelopeKey {
        /// Its bytes, of RFC 7748.
        pub bytes: [u8; 32],
    }
}

impl EnvelopeSecret {
    /// The one that is derived from these bytes, as RFC 9180 derives a key pair; they are as good as chance.
    #[must_use]
    pub fn derive(bytes: &[u8; 32]) -> Self {
        Self(Kem::derive_keypair(bytes).0)
    }

    /// The one that [`EnvelopeSecret::to_bytes`] gave these bytes of.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(bytes);
        Self(secret.expect("any 32 bytes are a secret of X25519"))
    }

    /// Its bytes. Whoever has them opens what is sealed to its key.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        self.0.write_exact(&mut *bytes);
        bytes
    }

    /// The key that messages are sealed to.
    #[must_use]
    pub fn key(&self) -> EnvelopeKey {
        EnvelopeKey { bytes: Kem::sk_to_pk(&self.0).to_bytes().into() }
    }
}

/// What an issuer reads its holders' amounts and messages with, or the administrators those of an epoch.
#[derive(Clone)]
pub struct ReaderKeys {
    /// Reads amounts.
    pub view: Secret,
    /// Opens messages.
    pub envelope: EnvelopeSecret,
}

impl ReaderKeys {
    /// By chance: the administrators' of an epoch follow from nobody's seed.
    #[must_use]
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        Self { view: Secret::random(rng), envelope: EnvelopeSecret::derive(&bytes) }
    }
}
