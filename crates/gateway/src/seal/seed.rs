//! An institution's one secret, and every key that follows from it.
//!
//! ```text
//!   seed, 32 bytes --HKDF-SHA256--> what for, of whom, which turn --> 32 or 64 bytes --> a key
//! ```
//!
//! Each key has a derivation of its own, so whoever learns one knows nothing of another, nor of the seed. A turn is
//! repeated only if what it gave may not be used, which nobody will live to see. A lost institution is rebuilt from
//! its seed and the chain, so what is derived here never changes.

use crypto::keys::SecretKey;
use hkdf::Hkdf;
use ledger::book::is_issuance_account;
use proof::Secret;
use rand::{
    CryptoRng, TryRng as _,
    rngs::{SysError, SysRng},
};
use sha2::Sha256;
use types::{AccountId, InstrumentId};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{
    reader::{EnvelopeSecret, ReaderKeys},
    wrap::WrapSecret,
};

/// Under which all keys are derived.
const DOMAIN: &[u8] = b"furikae.seed.v1";

/// The one secret of an institution: 32 bytes of chance, wiped when it is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

/// The keys of one account. To know some of them says nothing of the others.
pub struct AccountKeys {
    /// Its name. Never that of an issuance account.
    pub account: AccountId,
    /// Signs its instructions, and so moves what it has.
    pub spend: SecretKey,
    /// Reads its amounts, and proves what they are.
    pub view: Secret,
    /// Opens messages to it.
    pub envelope: EnvelopeSecret,
}

impl Seed {
    /// By the chance of the operating system.
    ///
    /// # Errors
    /// The system has none.
    pub fn of_system() -> Result<Self, SysError> {
        let mut seed = Self([0; 32]);
        SysRng.try_fill_bytes(&mut seed.0)?;
        Ok(seed)
    }

    /// By chance that the caller brings.
    #[must_use]
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Self([0; 32]);
        rng.fill_bytes(&mut seed.0);
        seed
    }

    /// Reads 64 hexadecimal digits; `None` if they are not.
    #[must_use]
    pub fn parse(digits: &str) -> Option<Self> {
        let mut seed = Self([0; 32]);
        hex::decode_to_slice(digits, &mut seed.0).ok()?;
        Some(seed)
    }

    /// Its 64 hexadecimal digits. Whoever has them has every key of the institution.
    #[must_use]
    pub fn digits(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0))
    }

    /// The keys of the institution's account of this number.
    #[must_use]
    pub fn account(&self, number: u32) -> AccountKeys {
        let of = number.to_be_bytes();
        let account = first(|turn| {
            let account = AccountId(*self.derive(b"account name", &of, turn));
            (!is_issuance_account(account)).then_some(account)
        });
        AccountKeys {
            account,
            spend: SecretKey::from_seed(*self.derive(b"account spend", &of, 0)),
            view: self.secret(b"account view", &of),
            envelope: self.envelope(b"account envelope", &of),
        }
    }

    /// What opens messages to the party itself, whatever account they speak of.
    #[must_use]
    pub fn party_envelope(&self) -> EnvelopeSecret {
        self.envelope(b"party envelope", &[])
    }

    /// What an issuer reads the holdings of its instrument with.
    #[must_use]
    pub fn issuer(&self, instrument: &InstrumentId) -> ReaderKeys {
        ReaderKeys {
            view: self.secret(b"issuer view", &instrument.0),
            envelope: self.envelope(b"issuer envelope", &instrument.0),
        }
    }

    /// What an administrator unwraps the secret of an epoch with.
    #[must_use]
    pub fn administrator(&self) -> WrapSecret {
        WrapSecret::derive(&self.derive(b"administrator wrap", &[], 0))
    }

    fn secret(&self, purpose: &[u8], of: &[u8]) -> Secret {
        first(|turn| Secret::of_bytes(&self.derive(purpose, of, turn)))
    }

    fn envelope(&self, purpose: &[u8], of: &[u8]) -> EnvelopeSecret {
        EnvelopeSecret::derive(&self.derive(purpose, of, 0))
    }

    fn derive<const N: usize>(&self, purpose: &[u8], of: &[u8], turn: u8) -> Zeroizing<[u8; N]> {
        expand(DOMAIN, &self.0, &[purpose, &[0], of, &[turn]])
    }
}

/// HKDF-SHA256 of a secret under a domain, for what `info` says.
pub(super) fn expand<const N: usize>(
    domain: &[u8],
    secret: &[u8; 32],
    info: &[&[u8]],
) -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    let derived = Hkdf::<Sha256>::new(Some(domain), secret).expand_multi_info(info, &mut *bytes);
    derived.expect("HKDF-SHA256 gives up to 8,160 bytes");
    bytes
}

/// What the first turn gives that may be used.
pub(super) fn first<T>(turn: impl Fn(u8) -> Option<T>) -> T {
    (0..=u8::MAX).find_map(turn).expect("one turn of 256 gives what may be used")
}
