//! Secrets of those who may read, and what is done with them: seal, read.

use crypto::{
    sealed::{self, Handles, Point, Sealed},
    statement::Stated,
};
use curve25519_dalek::{RistrettoPoint, Scalar};
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::relation::BLINDINGS;

/// A number that nobody else knows, never zero: a view key's secret, a blinding, or the factor between two keys.
/// It is wiped when it is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(pub(crate) Scalar);

impl Secret {
    /// By chance.
    #[must_use]
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 64];
        loop {
            rng.fill_bytes(&mut bytes);
            if let Some(secret) = Self::of_bytes(&bytes) {
                bytes.zeroize();
                return secret;
            }
        }
    }

    /// What these bytes are, reduced; they are as good as chance, as those are that are derived from a seed.
    /// `None` if that is zero.
    #[must_use]
    pub fn of_bytes(bytes: &[u8; 64]) -> Option<Self> {
        let secret = Scalar::from_bytes_mod_order_wide(bytes);
        (secret != Scalar::ZERO).then_some(Self(secret))
    }

    /// The one that [`Secret::to_bytes`] gave these bytes of.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Option<Self> {
        let secret = Option::from(Scalar::from_canonical_bytes(bytes))?;
        (secret != Scalar::ZERO).then_some(Self(secret))
    }

    /// Its bytes. Whoever has them has the secret.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// What this key is multiplied by to become that of `other`: `P' = kP` of their view keys.
    #[must_use]
    pub fn factor_to(&self, other: &Self) -> Self {
        Self(self.0 * other.0.invert())
    }
}

/// The view key of this secret: H divided by it.
#[must_use]
pub fn view_key(secret: &Secret) -> Point {
    (BLINDINGS.point() * secret.0.invert()).compress().to_bytes()
}

/// So many units under this blinding, with a handle for each of these view keys. `None` if one is no key, or they
/// are more than four.
#[must_use]
pub fn seal(units: u64, blinding: &Secret, keys: &[Point]) -> Option<Sealed> {
    let handle = |key: &Point| sealed::is_key(key).then(|| times(key, blinding))?;
    let handles = Handles::new(keys.iter().map(handle).collect::<Option<_>>()?)?;
    Some(Sealed { commitment: commitment(units, &blinding.0), handles })
}

/// The units that are sealed, times the base point: what `secret` reads. `None` if what is stated is no points.
#[must_use]
pub fn reads(stated: &Stated, secret: &Secret) -> Option<Point> {
    let point = sealed::point(&stated.commitment)? - sealed::point(&stated.handle)? * secret.0;
    Some(point.compress().to_bytes())
}

/// Whether `secret` reads so many units.
#[must_use]
pub fn reads_units(stated: &Stated, secret: &Secret, units: u64) -> bool {
    let units = RistrettoPoint::mul_base(&Scalar::from(units));
    reads(stated, secret) == Some(units.compress().to_bytes())
}

/// A handle or a key, times a secret; `None` if it is no point.
pub fn times(point: &Point, secret: &Secret) -> Option<Point> {
    Some((sealed::point(point)? * secret.0).compress().to_bytes())
}

/// A commitment to so many units under this blinding.
pub fn commitment(units: u64, blinding: &Scalar) -> Point {
    let units = RistrettoPoint::mul_base(&Scalar::from(units));
    (units + BLINDINGS.point() * blinding).compress().to_bytes()
}
