//! Whatever byte is changed, of a statement or of its proof, it is not shown.

use crypto::statement::{Claim, Statement};
use types::{ChainId, Digest, Wire as _};

use super::sample::*;
use crate::Proof;

/// Each byte with one of its bits turned.
fn turned(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).map(|place| {
        let mut other = bytes.to_vec();
        other[place] ^= 1 << (place % 8);
        other
    })
}

#[test]
fn every_byte_of_a_proof_counts() {
    let mut chance = Chance(20);
    for (statement, proof) in proved(one_of_each(&mut chance), &mut chance) {
        // The longest is of the parts of shorter ones; every 7th of its bytes will do.
        let step = if proof.0.len() > 2_000 { 7 } else { 1 };
        for (place, other) in turned(&proof.0).enumerate().step_by(step) {
            assert!(!holds(&statement, &Proof(other)), "byte {place} of {:?}", statement.claim);
        }
    }
}

#[test]
fn every_byte_of_a_statement_counts() {
    let mut chance = Chance(21);
    for (statement, proof) in proved(one_of_each(&mut chance), &mut chance) {
        for (place, other) in turned(&statement.to_bytes()).enumerate() {
            let shown = Statement::from_bytes(&other).is_ok_and(|it| holds(&it, &proof));
            assert!(!shown, "byte {place} of {:?}", statement.claim);
        }
    }
}

#[test]
fn a_proof_is_good_for_one_place_of_one_instruction_alone() {
    let mut chance = Chance(22);
    for (statement, proof) in proved(one_of_each(&mut chance), &mut chance) {
        let elsewhere = [
            Statement { chain: ChainId([8; 32]), ..statement.clone() },
            Statement { administrators_key: 4, ..statement.clone() },
            Statement { instruction: Digest([6; 32]), ..statement.clone() },
            Statement { index: 3, ..statement.clone() },
        ];
        assert!(holds(&statement, &proof));
        assert!(elsewhere.iter().all(|it| !holds(it, &proof)));
    }
}

#[test]
fn a_proof_is_exactly_as_long_as_its_claim_says() {
    let mut chance = Chance(23);
    for (statement, proof) in proved(one_of_each(&mut chance), &mut chance) {
        let longer = [&proof.0[..], &[0]].concat();
        assert!(!holds(&statement, &Proof(longer)), "one byte more");
        for end in (0..proof.0.len()).step_by(32) {
            assert!(!holds(&statement, &Proof(proof.0[..end].to_vec())), "cut at {end}");
        }
    }
}

#[test]
fn another_key_or_amount_or_sum_is_refused() {
    let mut chance = Chance(24);
    let (first, proof) = proved(vec![spend(4, 100, 150, &mut chance)], &mut chance).remove(0);
    let (second, _) = spend(4, 100, 150, &mut chance);
    let Claim::Spend { amount, keys, before } = &first.claim else { unreachable!() };
    let Claim::Spend { amount: other_amount, before: other_before, .. } = &second.claim else {
        unreachable!()
    };
    let mut claims = vec![
        Claim::Spend { amount: other_amount.clone(), keys: keys.clone(), before: before.clone() },
        Claim::Spend { amount: amount.clone(), keys: keys.clone(), before: other_before.clone() },
    ];
    for place in 0..4 {
        let mut others = keys.clone();
        others[place] = keys[(place + 1) % 4];
        let (amount, before) = (amount.clone(), before.clone());
        claims.push(Claim::Spend { amount, keys: others, before });
    }
    for claim in claims {
        assert!(!holds(&states(claim), &proof));
    }
}

#[test]
fn the_identity_and_what_is_no_point_are_refused() {
    let mut chance = Chance(25);
    let all = proved(one_of_each(&mut chance), &mut chance);
    for (statement, proof) in &all {
        let bytes = statement.to_bytes();
        for (place, part) in bytes.windows(32).enumerate().skip(71) {
            let known = super::sample::keys(4).iter().any(|it| it == part);
            for wrong in [[0; 32], [255; 32]].into_iter().filter(|_| known) {
                let mut other = bytes.clone();
                other[place..place + 32].copy_from_slice(&wrong);
                let other = Statement::from_bytes(&other).unwrap();
                assert!(!holds(&other, proof), "a key that is none");
            }
        }
    }
}
