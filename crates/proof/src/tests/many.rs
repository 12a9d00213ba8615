//! Many proofs together: the false ones are found, and the verdict does not depend on company, cores or chance.

use std::sync::LazyLock;

use crypto::statement::Statement;
use proptest::prelude::*;
use types::Wire as _;

use super::sample::*;
use crate::{Proof, check};

/// Three of each kind, true.
static TRUE: LazyLock<Vec<(Statement, Proof)>> = LazyLock::new(|| {
    let mut chance = Chance(30);
    let mut all: Vec<_> = (0..3).flat_map(|_| one_of_each(&mut chance)).collect();
    for (place, (statement, _)) in all.iter_mut().enumerate() {
        statement.index = place as u16;
    }
    proved(all, &mut chance)
});

/// All of them, these with a byte changed.
fn with_false(places: &[(usize, usize)]) -> Vec<(Statement, Proof)> {
    let mut all = TRUE.clone();
    for (place, byte) in places {
        let proof = &mut all[*place].1.0;
        let byte = byte % proof.len();
        proof[byte] ^= 4;
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn exactly_the_false_ones_are_found(
        places in prop::collection::btree_map(0..33_usize, any::<usize>(), 0..6),
        cores in 1..5_usize,
    ) {
        let places: Vec<_> = places.into_iter().collect();
        let all = with_false(&places);
        let checked = checked(&all, cores);
        let false_ones: Vec<_> = places.iter().map(|it| it.0).collect();
        prop_assert_eq!(&checked.false_ones, &false_ones);
        for (place, (statement, _)) in all.iter().enumerate() {
            prop_assert_eq!(checked.shown.contains(statement), !false_ones.contains(&place));
        }
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(
        place in 0..33_usize,
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        prop_assert!(!holds(&TRUE[place].0, &Proof(bytes)));
    }

    #[test]
    fn any_bytes_of_the_right_length_are_refused_without_a_panic(
        place in 0..33_usize,
        from in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..200),
    ) {
        let (statement, mut proof) = TRUE[place].clone();
        let from = from.index(proof.0.len());
        let end = (from + bytes.len()).min(proof.0.len());
        let before = proof.clone();
        proof.0[from..end].copy_from_slice(&bytes[..end - from]);
        prop_assert_eq!(holds(&statement, &proof), proof == before);
    }

    #[test]
    fn any_statement_is_refused_without_a_panic(
        place in 0..33_usize,
        at in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 1..80),
    ) {
        let (statement, proof) = &TRUE[place];
        let mut other = statement.to_bytes();
        let at = at.index(other.len());
        let end = (at + bytes.len()).min(other.len());
        other[at..end].copy_from_slice(&bytes[..end - at]);
        if let Ok(other) = Statement::from_bytes(&other) {
            prop_assert_eq!(holds(&other, proof), &other == statement);
        }
    }
}

#[test]
fn exchanged_proofs_are_false_both() {
    let mut all = TRUE.clone();
    let first = all[0].1.clone();
    all[0].1 = std::mem::replace(&mut all[11].1, first);
    assert_eq!(checked(&all, 2).false_ones, [0, 11]);
}

#[test]
fn all_may_be_false() {
    let places: Vec<_> = (0..33).map(|it| (it, it * 31)).collect();
    assert_eq!(checked(&with_false(&places), 2).false_ones, (0..33).collect::<Vec<_>>());
}

#[test]
fn the_verdict_is_the_same_each_time_and_on_any_cores() {
    let all = with_false(&[(3, 1), (7, 90), (8, 800), (20, 33)]);
    let first = checked(&all, 1);
    assert_eq!(first.false_ones, [3, 7, 8, 20]);
    for round in 0..6 {
        assert_eq!(checked(&all, round + 1), first);
    }
    let mut turned: Vec<_> = all.iter().map(|(statement, proof)| (statement, proof)).collect();
    turned.reverse();
    assert_eq!(check(&turned, 1).shown, first.shown);
}

#[test]
fn one_item_twice_is_two_verdicts() {
    let (statement, proof) = &TRUE[0];
    let wrong = Proof(vec![1; proof.0.len()]);
    let checked = check(&[(statement, proof), (statement, &wrong), (statement, proof)], 1);
    assert_eq!(checked.false_ones, [1]);
    assert!(checked.shown.contains(statement), "it was shown, though not by each");
}

#[test]
fn the_last_of_more_than_one_sum_takes_is_found() {
    // One sum takes 256 proofs of ranges at most; a version that was audited looked at the first sum alone.
    let (statement, proof) = &TRUE[2];
    let mut wrong = proof.clone();
    *wrong.0.last_mut().unwrap() ^= 1;
    let mut items = vec![(statement, proof); 600];
    assert!(check(&items, 1).false_ones.is_empty());
    for place in [255, 256, 511, 599] {
        items[place].1 = &wrong;
        assert_eq!(check(&items, 1).false_ones, [place]);
        items[place].1 = proof;
    }
}
