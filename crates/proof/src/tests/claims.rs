//! True claims are shown; provers are told what is wrong with theirs.

use crypto::{
    sealed::{Handles, Sealed},
    statement::{Claim, Stated, Statement},
};

use super::sample::*;
use crate::{
    CannotProve, Proof, REKEYED_MAX, SUMS_MAX, Secret, Secrets, check, prove, reads_units, seal,
};

#[test]
fn each_kind_is_shown_alone_and_among_others() {
    let mut chance = Chance(0);
    let all = proved(one_of_each(&mut chance), &mut chance);
    for (statement, proof) in &all {
        assert!(holds(statement, proof), "{statement:?}");
    }
    for cores in [1, 2, 3, 64] {
        let checked = checked(&all, cores);
        assert_eq!(checked.false_ones, Vec::<usize>::new(), "{cores}");
        assert!(all.iter().all(|(it, _)| checked.shown.contains(it)));
    }
}

#[test]
fn nothing_is_shown_of_nothing() {
    let checked = check(&[], 2);
    assert!(checked.false_ones.is_empty());
    assert!(!checked.shown.contains(&key().0));
}

#[test]
fn proofs_are_as_long_as_is_drawn() {
    let mut chance = Chance(1);
    let lengths: Vec<_> =
        proved(one_of_each(&mut chance), &mut chance).iter().map(|it| it.1.0.len()).collect();
    let covered = |n: usize, ranges| 32 * n + 64 * (2 * n + 1) + ranges;
    let expected = [
        1_089,
        1_057,
        801,
        801,
        737,
        64,
        covered(3, 705),
        covered(1, 577),
        covered(9, 769 + 577),
        160,
        64,
    ];
    assert_eq!(lengths, expected);
}

#[test]
fn amounts_at_the_ends_of_the_range_are_shown() {
    let mut chance = Chance(2);
    let half = 1 << 63;
    let amounts = [
        (0, 0),
        (0, 1),
        (1, 1),
        (half - 1, half),
        (half, half),
        (half, u64::MAX),
        (0, u64::MAX),
        (u64::MAX - 1, u64::MAX),
        (u64::MAX, u64::MAX),
    ];
    let spends: Vec<_> = amounts
        .into_iter()
        .flat_map(|(units, stood)| {
            [spend(4, units, stood, &mut chance), spend_public(units, stood, &mut chance)]
        })
        .collect();
    let all = proved(spends, &mut chance);
    assert!(checked(&all, 2).false_ones.is_empty());
}

#[test]
fn what_never_held_anything_can_be_spent_from() {
    let mut chance = Chance(3);
    let nothing = Stated { commitment: [0; 32], handle: [0; 32] };
    let (mut statement, secrets) = spend(3, 0, 0, &mut chance);
    let Claim::Spend { before, .. } = &mut statement.claim else { unreachable!() };
    *before = nothing;
    let proof = prove(&statement, &secrets, &mut chance).unwrap();
    assert!(holds(&statement, &proof));
}

#[test]
fn the_most_of_each_is_shown_and_one_more_is_refused() {
    let mut chance = Chance(4);
    let all = vec![covered(&[9; SUMS_MAX], &mut chance), rekeyed(REKEYED_MAX as u64, &mut chance)];
    assert!(checked(&proved(all, &mut chance), 1).false_ones.is_empty());
    let more = [
        covered(&[9; SUMS_MAX + 1], &mut chance),
        covered(&[], &mut chance),
        rekeyed(REKEYED_MAX as u64 + 1, &mut chance),
    ];
    for (statement, secrets) in more {
        assert_eq!(prove(&statement, &secrets, &mut chance), Err(CannotProve::Malformed));
        assert!(!holds(&statement, &Proof(vec![])));
    }
}

/// The one refusal of each of these, in order.
fn refused(all: Vec<(Statement, Secrets)>) -> Vec<CannotProve> {
    let mut chance = Chance(99);
    all.iter().map(|(claim, secrets)| prove(claim, secrets, &mut chance).unwrap_err()).collect()
}

#[test]
fn a_prover_is_told_what_is_wrong() {
    let mut chance = Chance(5);
    let [_, other, ..] = readers();
    let (statement, _) = spend(4, 100, 150, &mut chance);
    let Claim::Spend { amount, keys, before } = statement.claim else { unreachable!() };
    let claims = |amount: &Sealed| {
        states(Claim::Spend { amount: amount.clone(), keys: keys.clone(), before: before.clone() })
    };
    // The blinding that was used, by the same chance.
    let blinding = Secret::random(&mut Chance(5));
    let secrets = |units, blinding: &Secret, secret: &Secret, stood| Secrets::Spend {
        units,
        blinding: blinding.clone(),
        secret: secret.clone(),
        stood,
    };
    let owner = &readers()[0].secret;
    assert!(prove(&claims(&amount), &secrets(100, &blinding, owner, 150), &mut chance).is_ok());

    let three = Handles::new(amount.handles.all()[..3].to_vec()).unwrap();
    let three = Sealed { commitment: amount.commitment, handles: three };
    let elsewhere = with_handle(&amount, 2, amount.handles.all()[1]);
    let over = seal(151, &blinding, &keys).unwrap();
    let ladder = vec![
        (claims(&three), Secrets::Key { secret: owner.clone() }),
        (claims(&elsewhere), Secrets::Key { secret: owner.clone() }),
        (claims(&elsewhere), secrets(99, &blinding, &other.secret, 149)),
        (claims(&elsewhere), secrets(99, &blinding, owner, 149)),
        (claims(&elsewhere), secrets(100, owner, owner, 149)),
        (claims(&elsewhere), secrets(100, &blinding, owner, 149)),
        (claims(&amount), secrets(100, &blinding, owner, 149)),
        (claims(&over), secrets(151, &blinding, owner, 150)),
    ];
    let expected = [
        CannotProve::Malformed,
        CannotProve::OtherClaim,
        CannotProve::OtherKey,
        CannotProve::OtherAmount,
        CannotProve::OtherAmount,
        CannotProve::OtherHandle { place: 2 },
        CannotProve::OtherUnits { place: 0 },
        CannotProve::Short { units: 151, stood: 150 },
    ];
    assert_eq!(refused(ladder), expected);
}

#[test]
fn provers_of_the_other_kinds_are_told_too() {
    let mut chance = Chance(6);
    let [owner, other, ..] = readers();
    let (key, _) = key();
    let (public, _) = spend_public(5, 9, &mut chance);
    let (over, _) = spend_public(10, 9, &mut chance);
    let (sums, _) = covered(&[1, 2, 3], &mut chance);
    let (rekeyed, _) = rekeyed(3, &mut chance);
    let mut astray = rekeyed.clone();
    let Claim::Rekeyed { handles, .. } = &mut astray.claim else { unreachable!() };
    handles[1].1 = handles[0].1;
    let of_owner = |stood| Secrets::SpendPublic { secret: owner.secret.clone(), stood };
    let of_sums = |sums: &[u64]| Secrets::Covered {
        secret: readers()[2].secret.clone(),
        sums: sums.to_vec(),
    };
    let factor = owner.secret.factor_to(&other.secret);
    let ladder = vec![
        (key, Secrets::Key { secret: other.secret.clone() }),
        (public, of_owner(8)),
        (over, of_owner(9)),
        (sums.clone(), of_sums(&[1, 2])),
        (sums, of_sums(&[1, 2, 4])),
        (rekeyed, Secrets::Rekeyed { factor: owner.secret.clone() }),
        (astray, Secrets::Rekeyed { factor }),
    ];
    let expected = [
        CannotProve::OtherKey,
        CannotProve::OtherUnits { place: 0 },
        CannotProve::Short { units: 10, stood: 9 },
        CannotProve::OtherClaim,
        CannotProve::OtherUnits { place: 2 },
        CannotProve::OtherKey,
        CannotProve::OtherHandle { place: 1 },
    ];
    assert_eq!(refused(ladder), expected);
}

#[test]
fn who_may_read_reads_and_nobody_else() {
    let blinding = Secret::random(&mut Chance(7));
    let amount = seal(1_234, &blinding, &keys(3)).unwrap();
    for (place, reader) in readers().iter().enumerate() {
        for (at, handle) in amount.handles.all().iter().enumerate() {
            let stated = Stated { commitment: amount.commitment, handle: *handle };
            assert_eq!(reads_units(&stated, &reader.secret, 1_234), place == at);
            assert!(!reads_units(&stated, &reader.secret, 1_235));
        }
    }
    assert_eq!(seal(1, &blinding, &[[0; 32]]), None, "the identity is no key");
    assert_eq!(seal(1, &blinding, &[[255; 32]]), None, "nor is what is no point");
    assert_eq!(seal(1, &blinding, &[keys(1)[0]; 5]), None, "nor are five");
}

#[test]
fn what_is_rekeyed_is_read_and_spent_under_the_new_key() {
    let mut chance = Chance(9);
    let [old, new, ..] = readers();
    let before = stands(150, &old.key, &mut chance);
    let handle = crate::secret::times(&before.handle, &old.secret.factor_to(&new.secret)).unwrap();
    let claim =
        Claim::Rekeyed { old: old.key, new: new.key, handles: vec![(before.handle, handle)] };
    let factor = old.secret.factor_to(&new.secret);
    let proof = prove(&states(claim.clone()), &Secrets::Rekeyed { factor }, &mut chance).unwrap();
    assert!(holds(&states(claim), &proof));
    let before = Stated { handle, ..before };
    assert!(reads_units(&before, &new.secret, 150));
    let spend = states(Claim::SpendPublic { units: 100, key: new.key, before });
    let secrets = Secrets::SpendPublic { secret: new.secret.clone(), stood: 150 };
    assert!(holds(&spend, &prove(&spend, &secrets, &mut chance).unwrap()));
}

#[test]
fn a_secret_is_never_zero_and_its_bytes_are_it() {
    let secret = Secret::random(&mut Chance(8));
    let again = Secret::from_bytes(secret.to_bytes()).unwrap();
    assert_eq!(again.to_bytes(), secret.to_bytes());
    assert!(Secret::from_bytes([0; 32]).is_none());
    assert!(Secret::from_bytes([255; 32]).is_none(), "not canonical");
    assert!(Secret::of_bytes(&[0; 64]).is_none());
}
