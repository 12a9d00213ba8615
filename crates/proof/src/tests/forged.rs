//! Provers that do not keep to the rules, with the means of this crate below its own checks.

use crypto::{
    sealed::{Handles, Point, Sealed, point},
    statement::{Claim, Statement},
};
use curve25519_dalek::{RistrettoPoint, Scalar};
use sigma_proofs::ProverRng;

use super::sample::*;
use crate::{
    Proof, Secret, range,
    relation::{BLINDINGS, Keys, Relation},
    secret::commitment,
    sigma, view_key,
};

fn relation(claim: &Claim, fresh: &[Point]) -> Option<Relation> {
    crate::relation::relation(claim, fresh, &mut Keys::default())
}

/// A commitment to any number, also below zero.
fn commits(value: Scalar, blinding: Scalar) -> Point {
    (RistrettoPoint::mul_base(&value) + BLINDINGS.point() * blinding).compress().to_bytes()
}

fn minus(units: u64) -> Scalar {
    -Scalar::from(units)
}

/// A spend whose prover says whatever it likes.
struct Forger {
    statement: Statement,
    left: Point,
    secrets: [Scalar; 5],
}

impl Forger {
    /// `units` leave of `stood`, and `left` is said to remain; handles are made for `handle_keys`.
    fn new(units: Scalar, stood: u64, left: Scalar, handle_keys: &[Point]) -> Self {
        let mut chance = Chance(40);
        let [owner, ..] = readers();
        let [r, n] = [0; 2].map(|_| Secret::random(&mut chance).0);
        let handle = |key: &Point| (point(key).unwrap() * r).compress().to_bytes();
        let handles = Handles::new(handle_keys.iter().map(handle).collect()).unwrap();
        let amount = Sealed { commitment: commits(units, r), handles };
        let before = stands(stood, &owner.key, &mut chance);
        let keys = keys(handle_keys.len());
        let statement = states(Claim::Spend { amount, keys, before });
        let secrets = [units, r, owner.secret.0, left, n];
        Self { statement, left: commits(left, n), secrets }
    }

    /// A proof of the equations, and one that these are in range, in place of what should be.
    fn proof(&self, opened: [(u64, Scalar); 2]) -> Proof {
        let digest = self.statement.digest();
        let relation = relation(&self.statement.claim, &[self.left]).unwrap();
        let mut rng = ProverRng::from_seed([9; 32]);
        let equations = sigma::prove(&digest, &relation.instance, &self.secrets, &mut rng);
        let ranged = opened.map(|(units, blinding)| {
            let bytes = commitment(units, &blinding);
            crate::relation::Ranged { point: point(&bytes).unwrap(), bytes }
        });
        let transcript = range::transcript(&digest, 0);
        let range = range::prove(transcript, &ranged, &opened, &mut Chance(41));
        Proof([&self.left[..], &equations, &range].concat())
    }

    /// Whether the equations alone hold.
    fn equations_hold(&self) -> bool {
        let relation = relation(&self.statement.claim, &[self.left]).unwrap();
        bool::from(relation.instance.is_witness_valid(&self.secrets))
    }

    fn shown(&self, opened: [(u64, Scalar); 2]) -> bool {
        holds(&self.statement, &self.proof(opened))
    }
}

#[test]
fn the_forger_that_tells_the_truth_is_believed() {
    let forger = Forger::new(Scalar::from(100u64), 150, Scalar::from(50u64), &keys(4));
    assert!(forger.equations_hold());
    assert!(forger.shown([(100, forger.secrets[1]), (50, forger.secrets[4])]));
}

#[test]
fn a_negative_amount_is_refused() {
    let forger = Forger::new(minus(1), 150, Scalar::from(151u64), &keys(4));
    assert!(forger.equations_hold(), "the equations do not see the sign");
    for said in [0, 1, u64::MAX] {
        assert!(!forger.shown([(said, forger.secrets[1]), (151, forger.secrets[4])]));
    }
}

#[test]
fn an_amount_of_2_to_the_64_is_refused() {
    let more = Scalar::from(u64::MAX) + Scalar::ONE;
    let forger = Forger::new(more, u64::MAX, Scalar::from(u64::MAX) - more, &keys(4));
    assert!(forger.equations_hold());
    assert!(!forger.shown([(0, forger.secrets[1]), (0, forger.secrets[4])]));
    assert!(!forger.shown([(u64::MAX, forger.secrets[1]), (u64::MAX, forger.secrets[4])]));
}

#[test]
fn one_unit_more_than_stands_is_refused() {
    let forger = Forger::new(Scalar::from(151u64), 150, minus(1), &keys(4));
    assert!(forger.equations_hold(), "what remains is -1");
    for said in [0, 1, u64::MAX] {
        assert!(!forger.shown([(151, forger.secrets[1]), (said, forger.secrets[4])]));
    }
}

#[test]
fn more_or_less_than_what_remains_is_refused() {
    for left in [49u64, 51, 150] {
        let forger = Forger::new(Scalar::from(100u64), 150, Scalar::from(left), &keys(4));
        assert!(!forger.equations_hold());
        assert!(!forger.shown([(100, forger.secrets[1]), (left, forger.secrets[4])]), "{left}");
    }
}

#[test]
fn a_handle_for_another_key_is_refused_at_each_place() {
    let other = view_key(&Secret::random(&mut Chance(42)));
    for count in [3, 4] {
        for place in 0..count {
            let mut keys = keys(count);
            keys[place] = other;
            let forger = Forger::new(Scalar::from(100u64), 150, Scalar::from(50u64), &keys);
            assert!(!forger.equations_hold());
            assert!(!forger.shown([(100, forger.secrets[1]), (50, forger.secrets[4])]), "{place}");
        }
    }
}

#[test]
fn a_range_of_other_commitments_is_refused() {
    let forger = Forger::new(Scalar::from(100u64), 150, Scalar::from(50u64), &keys(4));
    let [_, r, _, _, n] = forger.secrets;
    assert!(!forger.shown([(100, n), (50, r)]));
    assert!(!forger.shown([(50, n), (100, r)]), "in the other order");
    assert!(!forger.shown([(101, r), (50, n)]));
}

#[test]
fn what_is_under_no_blinding_is_refused() {
    let mut chance = Chance(43);
    let (statement, secrets) = spend(4, 100, 150, &mut chance);
    let proof = crate::prove(&statement, &secrets, &mut chance).unwrap();
    let Claim::Spend { keys, before, .. } = &statement.claim else { unreachable!() };
    let amount = Sealed::of_public(100, 4).unwrap();
    let open = Claim::Spend { amount, keys: keys.clone(), before: before.clone() };
    assert!(relation(&open, &[proof.0[..32].try_into().unwrap()]).is_none(), "handles are nothing");
    let mut nothing_left = proof.clone();
    nothing_left.0[..32].fill(0);
    assert!(relation(&statement.claim, &[[0; 32]]).is_none());
    assert!(!holds(&statement, &nothing_left));
}

#[test]
fn a_key_multiplied_by_nothing_is_refused() {
    let [old, ..] = readers();
    let claim = Claim::Rekeyed { old: old.key, new: [0; 32], handles: vec![(old.key, [0; 32])] };
    assert!(relation(&claim, &[]).is_none());
}
