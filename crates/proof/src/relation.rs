//! What each claim says of points, as equations; and of which commitments it says that they are in range.
//!
//! ```text
//!   claim         secrets      equations                                                  in range
//!   Spend         v r s b n    C = vG + rH, D_i = rP_i, H = sP_0,                          C and C' together
//!                              C_before - C = bG + s(D_before - D_0), C' = bG + nH
//!   SpendPublic   s b n        H = sP, C_before - uG = bG + sD_before, C' = bG + nH        C'
//!   Valid         v r          C = vG + rH, D_i = rP_i                                     C
//!   Key           s            H = sP
//!   Covered       s (b n)..    H = sP, for each sum C_j = bG + sD_j, C'_j = bG + nH        the C', by eights
//!   Rekeyed       k            P' = kP, D'_i = kD_i
//! ```
//!
//! C' are fresh commitments to what remains, made by the prover: those of `before` have a blinding that nobody
//! knows. Eights that are not full have as many commitments as the next power of two; those that are lacking are
//! the identity, zero under no blinding, and the verifier puts them there itself.

use std::{collections::BTreeMap, sync::LazyLock};

use crypto::{
    sealed::{BLINDING_BASE, Point, Sealed},
    statement::{Claim, Stated},
};
use curve25519_dalek::{RistrettoPoint, Scalar};
use group::Group;
use sigma_proofs::{
    Instance, LinearRelation,
    linear_relation::{GroupVar, ScalarVar},
};

use crate::{encoded::Encoded, shape::AGGREGATE_MAX};

/// H, the base of blindings.
pub static BLINDINGS: LazyLock<Encoded> =
    LazyLock::new(|| Encoded::read(&BLINDING_BASE).expect("a point, by the tests of its crate"));

/// A commitment that is in range.
#[derive(Clone, Copy, Debug)]
pub struct Ranged {
    /// The commitment.
    pub point: RistrettoPoint,
    /// Its encoding.
    pub bytes: Point,
}

impl Ranged {
    /// Nothing, under no blinding.
    pub fn nothing() -> Self {
        Self { point: Group::identity(), bytes: [0; 32] }
    }
}

/// A claim with its fresh commitments, as what is proved.
pub struct Relation {
    /// The equations.
    pub instance: Instance<Encoded>,
    /// The commitments in range, one aggregate each.
    pub ranged: Vec<Vec<Ranged>>,
}

/// Keys that were decoded before: many claims have those of the administrators, the issuer, the same account.
#[derive(Default)]
pub struct Keys(BTreeMap<Point, Option<Encoded>>);

impl Keys {
    fn read(&mut self, bytes: &Point) -> Option<Encoded> {
        *self.0.entry(*bytes).or_insert_with(|| proper(bytes))
    }
}

/// What `claim` says with these `fresh` commitments, which are as many as its shape has. `None` if one of them, a
/// key, or a point of an amount is the identity or no point, or if what stands is no point.
pub fn relation(claim: &Claim, fresh: &[Point], keys: &mut Keys) -> Option<Relation> {
    let mut writer = Writer::new(keys);
    let fresh = fresh.iter().map(proper).collect::<Option<Vec<_>>>()?;
    match (claim, &fresh[..]) {
        (Claim::Spend { amount, keys, before }, [left]) => {
            writer.spend(amount, keys, before, left)?
        }
        (Claim::SpendPublic { units, key, before }, [left]) => {
            writer.spend_public(*units, key, before, left)?;
        }
        (Claim::Valid { amount, keys }, []) => writer.valid(amount, keys)?,
        (Claim::Key { key }, []) => {
            let s = writer.all.allocate_scalar();
            writer.key(s, key)?;
        }
        (Claim::Covered { key, sums }, fresh) => writer.covered(key, sums, fresh)?,
        (Claim::Rekeyed { old, new, handles }, []) => writer.rekeyed(old, new, handles)?,
        _ => return None,
    }
    Some(Relation { instance: writer.all.compile().ok()?, ranged: writer.ranged })
}

/// A point that is not the identity.
fn proper(bytes: &Point) -> Option<Encoded> {
    Encoded::read(bytes).filter(|it| !bool::from(it.is_identity()))
}

/// An amount whose opening is claimed: its commitment, and each key with its handle.
struct Opened {
    amount: GroupVar<Encoded>,
    handles: Vec<(GroupVar<Encoded>, GroupVar<Encoded>)>,
    ranged: Ranged,
}

/// Writes equations.
struct Writer<'a> {
    known: &'a mut Keys,
    all: LinearRelation<Encoded>,
    g: GroupVar<Encoded>,
    h: GroupVar<Encoded>,
    ranged: Vec<Vec<Ranged>>,
}

impl<'a> Writer<'a> {
    fn new(known: &'a mut Keys) -> Self {
        let mut all = LinearRelation::new();
        let h = all.allocate_element_with(*BLINDINGS);
        let g = all.generator();
        Self { known, all, g, h, ranged: Vec::new() }
    }

    fn spend(
        &mut self,
        amount: &Sealed,
        keys: &[Point],
        before: &Stated,
        left: &Encoded,
    ) -> Option<()> {
        let [v, r, s, b, n] = self.all.allocate_scalars();
        let opened = self.opened(v, r, amount, keys)?;
        let [(key, first), ..] = opened.handles[..] else { return None };
        self.all.append_equation(self.h, s * key);
        let (stood, handle) = self.stated(before)?;
        self.all.append_equation(stood, opened.amount + b * self.g + s * handle - s * first);
        self.fresh(b, n, left);
        self.ranged.push(vec![opened.ranged, ranged(left)]);
        Some(())
    }

    fn spend_public(
        &mut self,
        units: u64,
        key: &Point,
        before: &Stated,
        left: &Encoded,
    ) -> Option<()> {
        let [s, b, n] = self.all.allocate_scalars();
        self.key(s, key)?;
        let (stood, handle) = self.stated(before)?;
        let units = RistrettoPoint::mul_base(&Scalar::from(units));
        let units = self.all.allocate_element_with(units.into());
        self.all.append_equation(stood, units + b * self.g + s * handle);
        self.fresh(b, n, left);
        self.ranged.push(vec![ranged(left)]);
        Some(())
    }

    fn valid(&mut self, amount: &Sealed, keys: &[Point]) -> Option<()> {
        let [v, r] = self.all.allocate_scalars();
        let opened = self.opened(v, r, amount, keys)?;
        self.ranged.push(vec![opened.ranged]);
        Some(())
    }

    fn covered(&mut self, key: &Point, sums: &[Stated], fresh: &[Encoded]) -> Option<()> {
        let s = self.all.allocate_scalar();
        self.key(s, key)?;
        for (sum, left) in sums.iter().zip(fresh) {
            let [b, n] = self.all.allocate_scalars();
            let (stood, handle) = self.stated(sum)?;
            self.all.append_equation(stood, b * self.g + s * handle);
            self.fresh(b, n, left);
        }
        self.ranged.extend(fresh.chunks(AGGREGATE_MAX).map(|some| {
            let mut aggregate: Vec<_> = some.iter().map(ranged).collect();
            aggregate.resize(some.len().next_power_of_two(), Ranged::nothing());
            aggregate
        }));
        Some(())
    }

    fn rekeyed(&mut self, old: &Point, new: &Point, handles: &[(Point, Point)]) -> Option<()> {
        let k = self.all.allocate_scalar();
        let key = self.all.allocate_element_with(self.known.read(old)?);
        self.all.allocate_eq_with(self.known.read(new)?, k * key);
        for (before, after) in handles {
            let handle = self.all.allocate_element_with(Encoded::read(before)?);
            self.all.allocate_eq_with(Encoded::read(after)?, k * handle);
        }
        Some(())
    }

    /// The amount is v under r, and so are its handles.
    fn opened(
        &mut self,
        v: ScalarVar<Encoded>,
        r: ScalarVar<Encoded>,
        amount: &Sealed,
        keys: &[Point],
    ) -> Option<Opened> {
        let commitment = proper(&amount.commitment)?;
        let ranged = ranged(&commitment);
        let amount_var = self.all.allocate_eq_with(commitment, v * self.g + r * self.h);
        let handles = amount.handles.all().iter().zip(keys).map(|(handle, key)| {
            let key = self.all.allocate_element_with(self.known.read(key)?);
            Some((key, self.all.allocate_eq_with(proper(handle)?, r * key)))
        });
        Some(Opened { amount: amount_var, handles: handles.collect::<Option<_>>()?, ranged })
    }

    /// s is the secret of the key.
    fn key(&mut self, s: ScalarVar<Encoded>, key: &Point) -> Option<()> {
        let key = self.all.allocate_element_with(self.known.read(key)?);
        self.all.append_equation(self.h, s * key);
        Some(())
    }

    /// What remains, under a blinding that the prover knows.
    fn fresh(&mut self, b: ScalarVar<Encoded>, n: ScalarVar<Encoded>, left: &Encoded) {
        self.all.allocate_eq_with(*left, b * self.g + n * self.h);
    }

    fn stated(&mut self, it: &Stated) -> Option<(GroupVar<Encoded>, GroupVar<Encoded>)> {
        let commitment = self.all.allocate_element_with(Encoded::read(&it.commitment)?);
        Some((commitment, self.all.allocate_element_with(Encoded::read(&it.handle)?)))
    }
}

fn ranged(it: &Encoded) -> Ranged {
    Ranged { point: *it.point(), bytes: group::GroupEncoding::to_bytes(it) }
}
