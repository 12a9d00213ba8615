//! A point that keeps its encoding: what was read is not encoded again.
//!
//! Encoding a point costs as much as decoding it, and a statement's points are all at hand encoded. The
//! arithmetic is that of `curve25519-dalek`; what comes out of it has no encoding yet, and is encoded when asked.

use std::{
    collections::BTreeMap,
    iter::Sum,
    ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign},
};

use crypto::sealed::{self, Point};
use curve25519_dalek::{
    RistrettoPoint, Scalar,
    constants::{RISTRETTO_BASEPOINT_COMPRESSED, RISTRETTO_BASEPOINT_POINT},
    traits::VartimeMultiscalarMul,
};
use group::{Group, GroupEncoding, prime::PrimeGroup};
use rand_core::TryRng;
use sigma_proofs::{MultiScalarMul, codec::GroupCodec};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, CtOption};

/// A point, and its encoding if that is known.
#[derive(Clone, Copy, Debug)]
pub struct Encoded {
    point: RistrettoPoint,
    bytes: Option<Point>,
}

impl Encoded {
    /// The point that `bytes` encode, if they encode one.
    pub fn read(bytes: &Point) -> Option<Self> {
        Some(Self { point: sealed::point(bytes)?, bytes: Some(*bytes) })
    }

    /// The point, as the curve's crate has it.
    pub const fn point(&self) -> &RistrettoPoint {
        &self.point
    }
}

impl From<RistrettoPoint> for Encoded {
    fn from(point: RistrettoPoint) -> Self {
        Self { point, bytes: None }
    }
}

impl MultiScalarMul for Encoded {
    fn msm(scalars: &[Scalar], bases: &[Self]) -> Self {
        let points: Vec<_> = bases.iter().map(|it| it.point).collect();
        RistrettoPoint::msm(scalars, &points).into()
    }

    fn msm_vartime(scalars: &[Scalar], bases: &[Self]) -> Self {
        assert_eq!(scalars.len(), bases.len(), "one scalar for each base");
        let one = |it: &Scalar| *it == Scalar::ONE;
        if let ([scalar], [base]) = (scalars, bases)
            && one(scalar)
        {
            return *base;
        }
        if scalars.iter().all(|it| one(it) || one(&-it)) {
            return scalars.iter().zip(bases).map(|(a, b)| if one(a) { *b } else { -*b }).sum();
        }
        let (scalars, points) = merged(scalars, bases);
        RistrettoPoint::vartime_multiscalar_mul(scalars, points).into()
    }
}

/// The same sum with each known point once: many statements share the base points and the keys.
fn merged(scalars: &[Scalar], bases: &[Encoded]) -> (Vec<Scalar>, Vec<RistrettoPoint>) {
    let mut places = BTreeMap::new();
    let mut sum: (Vec<Scalar>, Vec<RistrettoPoint>) = Default::default();
    for (scalar, base) in scalars.iter().zip(bases) {
        let new = sum.0.len();
        let place = base.bytes.map_or(new, |it| *places.entry(it).or_insert(new));
        if place == new {
            sum.0.push(*scalar);
            sum.1.push(base.point);
        } else {
            sum.0[place] += scalar;
        }
    }
    sum
}

impl GroupEncoding for Encoded {
    type Repr = Point;

    /// A point of a proof: nobody asks for its encoding, so it is not kept.
    fn from_bytes(bytes: &Point) -> CtOption<Self> {
        RistrettoPoint::from_bytes(bytes).map(Self::from)
    }

    fn from_bytes_unchecked(bytes: &Point) -> CtOption<Self> {
        Self::from_bytes(bytes)
    }

    fn to_bytes(&self) -> Point {
        self.bytes.unwrap_or_else(|| self.point.compress().to_bytes())
    }
}

impl GroupCodec for Encoded {}

impl PrimeGroup for Encoded {}

impl Group for Encoded {
    type Scalar = Scalar;

    fn try_random<R: TryRng + ?Sized>(rng: &mut R) -> Result<Self, R::Error> {
        <RistrettoPoint as Group>::try_random(rng).map(Self::from)
    }

    fn identity() -> Self {
        Self { point: Group::identity(), bytes: Some([0; 32]) }
    }

    fn generator() -> Self {
        let bytes = RISTRETTO_BASEPOINT_COMPRESSED.to_bytes();
        Self { point: RISTRETTO_BASEPOINT_POINT, bytes: Some(bytes) }
    }

    fn is_identity(&self) -> Choice {
        Group::is_identity(&self.point)
    }

    fn double(&self) -> Self {
        Group::double(&self.point).into()
    }
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.point == other.point
    }
}

impl Eq for Encoded {}

impl ConstantTimeEq for Encoded {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.point.ct_eq(&other.point)
    }
}

impl ConditionallySelectable for Encoded {
    fn conditional_select(a: &Self, b: &Self, choice: Choice) -> Self {
        RistrettoPoint::conditional_select(&a.point, &b.point, choice).into()
    }
}

impl Neg for Encoded {
    type Output = Self;

    fn neg(self) -> Self {
        (-self.point).into()
    }
}

impl Sum for Encoded {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.map(|it| it.point).sum::<RistrettoPoint>().into()
    }
}

impl<'a> Sum<&'a Self> for Encoded {
    fn sum<I: Iterator<Item = &'a Self>>(all: I) -> Self {
        all.map(|it| it.point).sum::<RistrettoPoint>().into()
    }
}

/// Both forms of each operator, by that of the curve's crate.
macro_rules! operators {
    ($($one:ident $method:ident $assign:ident $assign_method:ident $other:ty, $($part:ident)?;)*) => { $(
        impl $one<$other> for Encoded {
            type Output = Self;
            fn $method(self, other: $other) -> Self {
                $one::$method(self.point, other$(.$part)?).into()
            }
        }
        impl $one<&$other> for Encoded {
            type Output = Self;
            fn $method(self, other: &$other) -> Self {
                $one::$method(self, *other)
            }
        }
        impl $assign<$other> for Encoded {
            fn $assign_method(&mut self, other: $other) {
                *self = $one::$method(*self, other);
            }
        }
        impl $assign<&$other> for Encoded {
            fn $assign_method(&mut self, other: &$other) {
                *self = $one::$method(*self, other);
            }
        }
    )* };
}

operators! {
    Add add AddAssign add_assign Encoded, point;
    Sub sub SubAssign sub_assign Encoded, point;
    Mul mul MulAssign mul_assign Scalar, ;
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::RISTRETTO_BASEPOINT_TABLE;
    use proptest::prelude::*;

    use super::*;

    /// A few points, some read and some computed, so that many are the same.
    fn point(number: u64) -> Encoded {
        let point = RISTRETTO_BASEPOINT_TABLE * &Scalar::from(number / 2);
        let read = Encoded::read(&point.compress().to_bytes()).expect("a point");
        if number.is_multiple_of(2) { read } else { point.into() }
    }

    fn scalar(number: u64) -> Scalar {
        match number % 4 {
            0 => Scalar::ONE,
            1 => -Scalar::ONE,
            2 => Scalar::from(number),
            _ => Scalar::from(number).invert(),
        }
    }

    proptest! {
        #[test]
        fn sums_are_those_of_the_curves_crate(
            terms in prop::collection::vec((0..4_000_u64, 0..12_u64), 0..40),
            ones in any::<bool>(),
        ) {
            let scalars: Vec<_> =
                terms.iter().map(|it| scalar(if ones { it.0 % 4 % 2 } else { it.0 })).collect();
            let bases: Vec<_> = terms.iter().map(|it| point(it.1)).collect();
            let sum: RistrettoPoint = scalars.iter().zip(&bases).map(|(a, b)| b.point * a).sum();
            prop_assert_eq!(Encoded::msm_vartime(&scalars, &bases).point, sum);
            prop_assert_eq!(Encoded::msm(&scalars, &bases).point, sum);
        }

        #[test]
        fn what_is_computed_has_the_encoding_of_its_point(a in 0..40_u64, b in 0..40_u64, times in any::<u64>()) {
            let (one, other) = (point(a), point(b));
            let times = Scalar::from(times);
            for it in [one, -one, one + other, one - other, one * times, one.double()] {
                prop_assert_eq!(it.to_bytes(), it.point.compress().to_bytes());
            }
            prop_assert_eq!(bool::from(one.is_identity()), a < 2);
            prop_assert_eq!(one == other, a / 2 == b / 2);
        }
    }
}
