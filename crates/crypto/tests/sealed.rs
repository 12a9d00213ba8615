//! Sealed amounts: their bytes, their sums, and the base of their blindings.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

use crypto::{
    Amount, Handles, Sealed,
    sealed::{BLINDING_BASE, Point, Points, is_key, point},
};
use curve25519_dalek::{RistrettoPoint, Scalar, constants::RISTRETTO_BASEPOINT_COMPRESSED};
use sha3::{Digest as _, Sha3_512};
use types::{DecodeError, Wire as _};

fn g(times: u64) -> Point {
    RistrettoPoint::mul_base(&Scalar::from(times)).compress().to_bytes()
}

fn sealed(first: u64, handles: u64) -> Sealed {
    let handles = Handles::new((1..=handles).map(|it| g(first + it)).collect()).unwrap();
    Sealed { commitment: g(first), handles }
}

#[test]
fn nobody_knows_the_logarithm_of_the_blinding_base() {
    let hash: [u8; 64] = Sha3_512::digest(RISTRETTO_BASEPOINT_COMPRESSED.as_bytes()).into();
    let base = RistrettoPoint::from_uniform_bytes(&hash);
    assert_eq!(base.compress().to_bytes(), BLINDING_BASE);
}

#[test]
fn the_bytes_are_those_of_version_1() {
    assert_eq!(Amount::Open(-2).to_bytes(), [0, 255, 255, 255, 255, 255, 255, 255, 254]);
    let handles = Handles::new(vec![[2; 32], [3; 32]]).unwrap();
    let sealed = Amount::Sealed(Sealed { commitment: [1; 32], handles });
    let bytes = [vec![1], vec![1; 32], vec![2], vec![2; 32], vec![3; 32]].concat();
    assert_eq!(sealed.to_bytes(), bytes);
    assert_eq!(Amount::from_bytes(&bytes), Ok(sealed));
}

#[test]
fn more_than_four_handles_and_cut_bytes_are_refused() {
    assert_eq!(Handles::new(vec![[0; 32]; 5]), None);
    for count in 0..=u8::MAX {
        let bytes = [vec![count], vec![7; 32 * usize::from(count)]].concat();
        let read = Handles::from_bytes(&bytes);
        assert_eq!(read.is_ok(), count <= 4);
        assert_eq!(read.err(), (count > 4).then_some(DecodeError::TooLong));
    }
    let four = Handles::new(vec![[9; 32]; 4]).unwrap().to_bytes();
    for end in 0..four.len() {
        assert_eq!(Handles::from_bytes(&four[..end]), Err(DecodeError::Truncated));
    }
    let longer = [four, vec![0]].concat();
    assert_eq!(Handles::from_bytes(&longer), Err(DecodeError::Trailing));
}

#[test]
fn they_add_subtract_and_multiply() {
    let (a, b) = (sealed(100, 3), sealed(7, 3));
    let sum = a.plus(&b).unwrap();
    assert_eq!(sum.commitment, g(107));
    assert_eq!(sum.handles.all(), [g(109), g(111), g(113)]);
    assert_eq!(sum.minus(&b), Some(a.clone()));
    assert_eq!(a.plus(&a).unwrap().plus(&a), a.times(3));
    let nothing = a.minus(&a).unwrap();
    assert_eq!(nothing, a.times(0).unwrap());
    assert_eq!(nothing.commitment, [0; 32]);
    assert_eq!(nothing.plus(&a), Some(a.clone()));
    let public = Sealed::of_public(107, 3).unwrap();
    assert_eq!((public.commitment, public.handles.all()), (g(107), &[[0; 32]; 3][..]));
    assert_eq!(public.plus(&nothing), Some(public));
}

#[test]
fn what_does_not_fit_has_no_sum() {
    let (a, more) = (sealed(100, 3), sealed(100, 4));
    assert_eq!(a.plus(&more), None);
    assert_eq!(a.minus(&more), None);
    let no_point = Sealed { commitment: [255; 32], ..a.clone() };
    assert_eq!(a.plus(&no_point), None);
    assert_eq!(no_point.minus(&a), None);
    assert_eq!(no_point.times(2), None);
    let no_handle = Sealed { handles: Handles::new(vec![[255; 32]; 3]).unwrap(), ..a.clone() };
    assert_eq!(a.plus(&no_handle), None);
    assert_eq!(Sealed::of_public(1, 5), None);
}

#[test]
fn a_movement_shows_each_side_its_own_handle() {
    let moved = sealed(100, 4);
    let [from, to, administrators, issuer] = moved.handles.all() else { unreachable!() };
    let sent = moved.of_sender().unwrap();
    assert_eq!(
        (sent.commitment, sent.handles.all()),
        (g(100), &[*from, *administrators, *issuer][..])
    );
    let received = moved.of_receiver().unwrap();
    assert_eq!(received.handles.all(), [*to, *administrators, *issuer]);
    assert_eq!(sealed(1, 1).of_sender(), None);
    assert_eq!(sealed(1, 1).of_receiver(), None);
}

#[test]
fn points_sum_as_amounts_do() {
    let (a, b) = (sealed(100, 3), sealed(7, 3));
    let [x, y] = [&a, &b].map(|it| it.points().unwrap());
    assert_eq!(x.sealed(), a);
    assert_eq!(x.clone().plus(&y).map(|it| it.sealed()), a.plus(&b));
    assert_eq!(x.clone().minus(&y).map(|it| it.sealed()), a.minus(&b));
    assert_eq!(Points::zero(3).plus(&x), Some(x.clone()));
    assert_eq!(Points::zero(2).plus(&x), None);
    let moved = sealed(100, 4);
    let points = moved.points().unwrap();
    assert_eq!(points.of_sender().map(|it| it.sealed()), moved.of_sender());
    assert_eq!(points.of_receiver().map(|it| it.sealed()), moved.of_receiver());
    assert_eq!(
        (y.clone().minus(&points), sealed(1, 1).points().unwrap().of_sender()),
        (None, None)
    );
    let no_handle = Sealed { handles: Handles::new(vec![[255; 32]; 3]).unwrap(), ..a };
    assert_eq!(no_handle.points(), None);
    // They are their bytes, and no others.
    assert!(y.are(&g(7), 0, &g(8)) && y.are(&g(7), 2, &g(10)));
    for (commitment, place, handle) in [
        (g(8), 0, g(8)),
        (g(7), 1, g(8)),
        (g(7), 3, g(8)),
        (g(7), 0, [255; 32]),
        ([255; 32], 0, g(8)),
    ] {
        assert!(!y.are(&commitment, place, &handle));
    }
    assert!(
        Points::zero(2).are(&[0; 32], 1, &[0; 32]) && !Points::zero(1).are(&[0; 32], 1, &[0; 32])
    );
}

#[test]
fn a_key_is_a_point_and_not_the_identity() {
    assert!(is_key(&g(1)) && is_key(&BLINDING_BASE));
    assert!(!is_key(&[0; 32]));
    assert!(!is_key(&[255; 32]));
    assert!(point(&[0; 32]).is_some() && point(&[1; 32]).is_none());
}
