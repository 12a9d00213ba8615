//! The administrators' secret of an epoch, for each of them and for nobody else.
//!
//! ```text
//!   epoch's view secret 32, envelope secret 32 --X-Wing, for each administrator--> key 1,120, ciphertext 80
//! ```
//!
//! Whoever keeps these bytes for decades must not learn one day what an epoch's keys read, so they are agreed by X-Wing:
//! X25519 and ML-KEM-768 together, in HPKE's base mode. Wrapped bytes are bound to the market, to the epoch's
//! public keys and to the administrator; whoever unwraps sees that the secrets are those of the public keys.

use crypto::sealed::Point;
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::XWing,
};
use proof::{Secret, view_key};
use rand::CryptoRng;
use types::{ChainId, KeyId, PartyId, Wire};
use zeroize::Zeroizing;

use super::{
    message::{Few, LEGS_MAX},
    reader::{EnvelopeKey, EnvelopeSecret, ReaderKeys},
};

/// What HPKE's keys are bound to.
const DOMAIN: &[u8] = b"furikae.administrators-secret.v1";

/// What an administrator unwraps with: an X-Wing secret. It is wiped when it is dropped.
#[derive(Clone)]
pub struct WrapSecret(<XWing as hpke::Kem>::PrivateKey);

types::record! {
    /// What is wrapped to: the X-Wing key of a [`WrapSecret`].
    pub struct WrapKey {
        /// Its bytes.
        pub bytes: [u8; 1216],
    }
}

types::record! {
    /// The administrators' public keys of an epoch.
    #[derive(Copy)]
    pub struct EpochKeys {
        /// In which market.
        pub chain: ChainId,
        /// Which of the administrators' keys.
        pub key: KeyId,
        /// What amounts are sealed to.
        pub view: Point,
        /// What messages are sealed to.
        pub envelope: EnvelopeKey,
    }
}

types::record! {
    /// The secret of an epoch, for one administrator.
    pub struct Wrapped {
        /// For whom.
        pub administrator: PartyId,
        /// X-Wing's encapsulated key.
        pub agreed: [u8; 1120],
        /// The two secrets, and the tag.
        pub ciphertext: [u8; 80],
    }
}

types::record! {
    /// The secret of an epoch, for each administrator.
    pub struct WrappedEpoch {
        /// Of which keys.
        pub keys: EpochKeys,
        /// For each.
        pub wrapped: Few<Wrapped>,
    }
}

/// Why nothing was wrapped, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotWrap {
    /// There are more administrators than an epoch may have.
    #[error("a secret is wrapped for at most 16 administrators")]
    TooMany,
    /// What should be a key is none.
    #[error("what should be the key of administrator {} is none", administrator.0)]
    NoKey {
        /// Whose.
        administrator: PartyId,
    },
}

/// Why nothing was unwrapped, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotUnwrap {
    /// Nothing is wrapped for this administrator.
    #[error("nothing is wrapped for this administrator")]
    NothingForUs,
    /// It was wrapped for another secret, market, epoch or administrator, or bytes were changed.
    #[error(
        "it does not open: it is for another secret, market, epoch or administrator, or was changed"
    )]
    NotForUs,
    /// Whoever wrapped it wrapped other secrets than those of the epoch's public keys.
    #[error("what was wrapped are not the secrets of the epoch's public keys")]
    NotTheSecrets,
}

impl WrapSecret {
    /// The one that is derived from these bytes, as HPKE derives a key pair; they are as good as chance.
    #[must_use]
    pub fn derive(bytes: &[u8; 32]) -> Self {
        Self(XWing::derive_keypair(bytes).0)
    }

    /// The key that is wrapped to.
    #[must_use]
    pub fn key(&self) -> WrapKey {
        WrapKey { bytes: XWing::sk_to_pk(&self.0).to_bytes().into() }
    }
}

impl EpochKeys {
    /// The public keys of these secrets.
    #[must_use]
    pub fn of(chain: ChainId, key: KeyId, secrets: &ReaderKeys) -> Self {
        Self { chain, key, view: view_key(&secrets.view), envelope: secrets.envelope.key() }
    }

    /// What is authenticated beside what is wrapped.
    fn beside(&self, administrator: PartyId) -> Vec<u8> {
        let mut bytes = self.to_bytes();
        administrator.write(&mut bytes);
        bytes
    }
}

impl WrappedEpoch {
    /// Wraps an epoch's secrets for each administrator.
    ///
    /// # Errors
    /// [`CannotWrap`].
    pub fn wrap(
        chain: ChainId,
        key: KeyId,
        secrets: &ReaderKeys,
        administrators: &[(PartyId, WrapKey)],
        rng: &mut impl CryptoRng,
    ) -> Result<Self, CannotWrap> {
        if administrators.len() > usize::from(LEGS_MAX) {
            return Err(CannotWrap::TooMany);
        }
        Self::wrap_as(EpochKeys::of(chain, key, secrets), secrets, administrators, rng)
    }

    /// The same, whatever the public keys are said to be.
    pub(super) fn wrap_as(
        keys: EpochKeys,
        secrets: &ReaderKeys,
        administrators: &[(PartyId, WrapKey)],
        rng: &mut impl CryptoRng,
    ) -> Result<Self, CannotWrap> {
        let mut both = Zeroizing::new([0; 64]);
        both[..32].copy_from_slice(&*Zeroizing::new(secrets.view.to_bytes()));
        both[32..].copy_from_slice(&*secrets.envelope.to_bytes());
        let wrapped = administrators.iter().map(|(administrator, key)| {
            let administrator = *administrator;
            let wrapped = Wrapped::wrap(&keys, administrator, key, &both, rng);
            wrapped.ok_or(CannotWrap::NoKey { administrator })
        });
        let wrapped = Few::new(wrapped.collect::<Result<_, _>>()?).ok_or(CannotWrap::TooMany)?;
        Ok(Self { keys, wrapped })
    }

    /// The epoch's secrets, for this administrator.
    ///
    /// # Errors
    /// [`CannotUnwrap`].
    pub fn unwrap(
        &self,
        administrator: PartyId,
        secret: &WrapSecret,
    ) -> Result<ReaderKeys, CannotUnwrap> {
        let mine = self.wrapped.all().iter().find(|it| it.administrator == administrator);
        let mine = mine.ok_or(CannotUnwrap::NothingForUs)?;
        let both = mine.open(&self.keys, secret).ok_or(CannotUnwrap::NotForUs)?;
        let secrets = read(&both).ok_or(CannotUnwrap::NotTheSecrets)?;
        let same = EpochKeys::of(self.keys.chain, self.keys.key, &secrets) == self.keys;
        same.then_some(secrets).ok_or(CannotUnwrap::NotTheSecrets)
    }
}

/// `None` if they are no secrets.
fn read(both: &[u8]) -> Option<ReaderKeys> {
    let (view, envelope) = both.split_first_chunk::<32>()?;
    let envelope = EnvelopeSecret::from_bytes(envelope.try_into().ok()?);
    Some(ReaderKeys { view: Secret::from_bytes(*view)?, envelope })
}

impl Wrapped {
    /// `None` if the key is none.
    fn wrap(
        keys: &EpochKeys,
        administrator: PartyId,
        key: &WrapKey,
        both: &[u8; 64],
        rng: &mut impl CryptoRng,
    ) -> Option<Self> {
        let key = <XWing as hpke::Kem>::PublicKey::from_bytes(&key.bytes).ok()?;
        let (agreed, ciphertext) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
                &OpModeS::Base,
                &key,
                DOMAIN,
                both,
                &keys.beside(administrator),
                rng,
            )
            .ok()?;
        let ciphertext = ciphertext.try_into().expect("two secrets and a tag have 80 bytes");
        Some(Self { administrator, agreed: agreed.to_bytes().into(), ciphertext })
    }

    /// `None` if it is not for these keys and this secret.
    fn open(&self, keys: &EpochKeys, secret: &WrapSecret) -> Option<Zeroizing<Vec<u8>>> {
        let agreed = <XWing as hpke::Kem>::EncappedKey::from_bytes(&self.agreed).ok()?;
        let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeR::Base,
            &secret.0,
            &agreed,
            DOMAIN,
            &self.ciphertext,
            &keys.beside(self.administrator),
        );
        opened.ok().map(Zeroizing::new)
    }
}
