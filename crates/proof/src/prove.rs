//! Proves a claim. What a prover says is checked first, so that what is wrong with it is told and not sent.

use crypto::statement::Statement;
use curve25519_dalek::Scalar;
use rand_core::CryptoRng;
use sigma_proofs::ProverRng;
use types::Digest;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    known::Known,
    range,
    relation::{Keys, relation},
    secret::Secret,
    shape::{AGGREGATE_MAX, Proof},
    sigma,
};

/// What only the prover knows, for each kind of claim. It is wiped when it is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub enum Secrets {
    /// For [`crypto::statement::Claim::Spend`].
    Spend {
        /// What leaves.
        units: u64,
        /// Its blinding.
        blinding: Secret,
        /// Of the owner's view key.
        secret: Secret,
        /// What stood before.
        stood: u64,
    },
    /// For [`crypto::statement::Claim::SpendPublic`].
    SpendPublic {
        /// Of the owner's view key.
        secret: Secret,
        /// What stood before.
        stood: u64,
    },
    /// For [`crypto::statement::Claim::Valid`].
    Valid {
        /// The amount.
        units: u64,
        /// Its blinding.
        blinding: Secret,
    },
    /// For [`crypto::statement::Claim::Key`].
    Key {
        /// Of the view key.
        secret: Secret,
    },
    /// For [`crypto::statement::Claim::Covered`].
    Covered {
        /// Of the view key.
        secret: Secret,
        /// What each sum is.
        sums: Vec<u64>,
    },
    /// For [`crypto::statement::Claim::Rekeyed`].
    Rekeyed {
        /// What the old key times it is the new one.
        factor: Secret,
    },
}

impl Secrets {
    fn all(&self) -> Vec<&Secret> {
        match self {
            Self::Spend { blinding, secret, .. } => vec![blinding, secret],
            Self::Valid { blinding, .. } => vec![blinding],
            Self::SpendPublic { secret, .. }
            | Self::Key { secret }
            | Self::Covered { secret, .. } => {
                vec![secret]
            }
            Self::Rekeyed { factor } => vec![factor],
        }
    }
}

/// Why a claim is not proved, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotProve {
    /// The claim has too few or too many parts, or one that is no point or no key.
    #[error("the claim is not well formed")]
    Malformed,
    /// The secrets are those of another kind of claim, or not as many.
    #[error("the secrets are not those of this claim")]
    OtherClaim,
    /// The secret is not that of the key.
    #[error("the secret is not that of the key")]
    OtherKey,
    /// The amount is not that of the units under the blinding.
    #[error("the amount is not that of the units under the blinding")]
    OtherAmount,
    /// The handle of this place is not that of its key.
    #[error("handle {place} is not that of its key")]
    OtherHandle {
        /// The place of the handle.
        place: usize,
    },
    /// What stands at this place is not as many units as was said.
    #[error("what stands at place {place} is not so many units")]
    OtherUnits {
        /// The place of what stands.
        place: usize,
    },
    /// More units leave than stand.
    #[error("{units} units leave of {stood} that stand")]
    Short {
        /// What leaves.
        units: u64,
        /// What stands.
        stood: u64,
    },
}

/// A proof of the statement, with fresh chance.
///
/// # Errors
/// Each [`CannotProve`], in its order.
pub fn prove(
    statement: &Statement,
    secrets: &Secrets,
    rng: &mut impl CryptoRng,
) -> Result<Proof, CannotProve> {
    let digest = statement.digest();
    let mut chance = Chance::new(&digest, secrets, rng);
    let known = Known::of(&statement.claim, secrets, &mut chance)?;
    let relation = relation(&statement.claim, &known.fresh, &mut Keys::default())
        .ok_or(CannotProve::Malformed)?;
    assert!(
        bool::from(relation.instance.is_witness_valid(&known.secrets)),
        "what was checked one by one holds together"
    );
    let mut bytes = known.fresh.concat();
    bytes.extend(sigma::prove(&digest, &relation.instance, &known.secrets, &mut chance.0));
    let aggregates = relation.ranged.iter().zip(known.opened.chunks(AGGREGATE_MAX));
    for (place, (ranged, opened)) in aggregates.enumerate() {
        let mut opened = Zeroizing::new(opened.to_vec());
        opened.resize(ranged.len(), (0, Scalar::ZERO));
        bytes.extend(range::prove(range::transcript(&digest, place), ranged, &opened, rng));
    }
    Ok(Proof(bytes))
}

/// Chance that is also drawn from the statement and the secrets: if the machine's should ever repeat, two proofs
/// still have nothing in common.
pub struct Chance(ProverRng);

impl Chance {
    fn new(statement: &Digest, secrets: &Secrets, rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        let mut chance = ProverRng::from_seed(*seed);
        chance.mix_entropy(&statement.0);
        for secret in secrets.all() {
            chance.mix_entropy(&Zeroizing::new(secret.to_bytes()));
        }
        Self(chance)
    }

    /// A blinding that nobody has used.
    pub fn blinding(&mut self) -> Scalar {
        let mut bytes = Zeroizing::new([0; 64]);
        self.0.fill_bytes(&mut *bytes);
        Scalar::from_bytes_mod_order_wide(&bytes)
    }
}
