//! What a prover knows, checked against the claim, in the order in which the relation names it.

use crypto::{
    sealed::{Point, Sealed},
    statement::{Claim, Stated},
};
use curve25519_dalek::{Scalar, constants::RISTRETTO_BASEPOINT_COMPRESSED};
use zeroize::Zeroizing;

use crate::{
    prove::{CannotProve, Chance, Secrets},
    relation::{Keys, relation},
    secret::{Secret, commitment, reads_units, times, view_key},
    shape::Shape,
};

/// What a proof is made of.
#[derive(Default)]
pub struct Known {
    /// Commitments to what remains.
    pub fresh: Vec<Point>,
    /// The secrets of the equations.
    pub secrets: Zeroizing<Vec<Scalar>>,
    /// Units and blindings of the commitments that are in range.
    pub opened: Zeroizing<Vec<(u64, Scalar)>>,
}

impl Known {
    /// What these secrets know of this claim.
    ///
    /// # Errors
    /// Each [`CannotProve`], in its order.
    pub fn of(claim: &Claim, secrets: &Secrets, chance: &mut Chance) -> Result<Self, CannotProve> {
        well_formed(claim)?;
        let mut known = Self::default();
        match (claim, secrets) {
            (
                Claim::Spend { amount, keys, before },
                Secrets::Spend { units, blinding, secret, stood },
            ) => {
                is_key(secret, keys.first())?;
                opens(amount, keys, *units, blinding)?;
                let left = left(0, before, secret, *stood, *units)?;
                known.secrets.extend([Scalar::from(*units), blinding.0, secret.0]);
                known.opened.push((*units, blinding.0));
                known.remains(left, chance);
            }
            (Claim::SpendPublic { units, key, before }, Secrets::SpendPublic { secret, stood }) => {
                is_key(secret, Some(key))?;
                let left = left(0, before, secret, *stood, *units)?;
                known.secrets.push(secret.0);
                known.remains(left, chance);
            }
            (Claim::Valid { amount, keys }, Secrets::Valid { units, blinding }) => {
                opens(amount, keys, *units, blinding)?;
                known.secrets.extend([Scalar::from(*units), blinding.0]);
                known.opened.push((*units, blinding.0));
            }
            (Claim::Key { key }, Secrets::Key { secret }) => {
                is_key(secret, Some(key))?;
                known.secrets.push(secret.0);
            }
            (Claim::Covered { key, sums }, Secrets::Covered { secret, sums: units })
                if sums.len() == units.len() =>
            {
                is_key(secret, Some(key))?;
                known.secrets.push(secret.0);
                for (place, (sum, units)) in sums.iter().zip(units).enumerate() {
                    known.remains(left(place, sum, secret, *units, 0)?, chance);
                }
            }
            (Claim::Rekeyed { old, new, handles }, Secrets::Rekeyed { factor }) => {
                let becomes = |it: &Point| times(it, factor);
                becomes(old).filter(|it| it == new).ok_or(CannotProve::OtherKey)?;
                let other = handles.iter().position(|(it, after)| becomes(it) != Some(*after));
                other.map_or(Ok(()), |place| Err(CannotProve::OtherHandle { place }))?;
                known.secrets.push(factor.0);
            }
            _ => return Err(CannotProve::OtherClaim),
        }
        Ok(known)
    }

    /// So many units remain: commits to them afresh.
    fn remains(&mut self, units: u64, chance: &mut Chance) {
        let blinding = chance.blinding();
        self.fresh.push(commitment(units, &blinding));
        self.secrets.extend([Scalar::from(units), blinding]);
        self.opened.push((units, blinding));
    }
}

/// That the claim is a relation, whatever the fresh commitments are.
fn well_formed(claim: &Claim) -> Result<(), CannotProve> {
    let any = RISTRETTO_BASEPOINT_COMPRESSED.to_bytes();
    let shape = Shape::of(claim).ok_or(CannotProve::Malformed)?;
    relation(claim, &vec![any; shape.fresh], &mut Keys::default())
        .map(|_| ())
        .ok_or(CannotProve::Malformed)
}

fn is_key(secret: &Secret, key: Option<&Point>) -> Result<(), CannotProve> {
    if key == Some(&view_key(secret)) { Ok(()) } else { Err(CannotProve::OtherKey) }
}

fn opens(
    amount: &Sealed,
    keys: &[Point],
    units: u64,
    blinding: &Secret,
) -> Result<(), CannotProve> {
    if amount.commitment != commitment(units, &blinding.0) {
        return Err(CannotProve::OtherAmount);
    }
    let mut handles = amount.handles.all().iter().zip(keys);
    let other = handles.position(|(handle, key)| times(key, blinding) != Some(*handle));
    other.map_or(Ok(()), |place| Err(CannotProve::OtherHandle { place }))
}

/// What remains of what stood at this place.
fn left(
    place: usize,
    before: &Stated,
    secret: &Secret,
    stood: u64,
    units: u64,
) -> Result<u64, CannotProve> {
    if !reads_units(before, secret, stood) {
        return Err(CannotProve::OtherUnits { place });
    }
    stood.checked_sub(units).ok_or(CannotProve::Short { units, stood })
}
