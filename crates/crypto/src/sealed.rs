//! Sealed amounts: a commitment that nobody reads, and a handle for each who may.
//!
//! ```text
//!   commitment   C = v G + r H        v the units, r the blinding
//!   handle       D = r P              P = s^-1 H the view key of one who may read, s its secret
//!   reading      C - s D = v G
//! ```
//!
//! To the rules an amount is opaque: it is added, subtracted, and multiplied by a public integer. It has
//! no order, so a rule that asks which of two is greater does not compile. What is true of it is shown by
//! a proof, elsewhere ([`crate::statement`]).

use alloc::vec::Vec;
use core::ops::{Add, Mul, Sub};

use curve25519_dalek::{
    RistrettoPoint, Scalar,
    ristretto::CompressedRistretto,
    traits::{Identity, IsIdentity},
};
use types::{DecodeError, Reader, Wire};

/// H, the base of blindings: the one-way map of SHA3-512 over the encoding of the base point G. Nobody knows its
/// logarithm to the base G.
pub const BLINDING_BASE: [u8; 32] = [
    0x8c, 0x92, 0x40, 0xb4, 0x56, 0xa9, 0xe6, 0xdc, 0x65, 0xc3, 0x77, 0xa1, 0x04, 0x8d, 0x74, 0x5f,
    0x94, 0xa0, 0x8c, 0xdb, 0x7f, 0x44, 0xcb, 0xcd, 0x7b, 0x46, 0xf3, 0x40, 0x48, 0x87, 0x11, 0x34,
];

/// Most handles of one amount: from, to, administrators, issuer.
const HANDLES_MAX: u8 = 4;

/// The encoding of a point of ristretto255. All zeros encode the identity.
pub type Point = [u8; 32];

/// Handles of a sealed amount, at most four: a count in one byte, then 32 bytes each.
///
/// In a movement from, to, administrators, issuer; in a position owner, administrators, issuer. Money has
/// no issuer's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handles(Vec<Point>);

impl Handles {
    /// These handles; `None` if they are more than four.
    #[must_use]
    pub fn new(handles: Vec<Point>) -> Option<Self> {
        u8::try_from(handles.len()).is_ok_and(|it| it <= HANDLES_MAX).then_some(Self(handles))
    }

    /// The handles, in their order.
    #[must_use]
    pub fn all(&self) -> &[Point] {
        &self.0
    }
}

impl Wire for Handles {
    fn write(&self, out: &mut Vec<u8>) {
        let count = u8::try_from(self.0.len());
        assert!(count.is_ok_and(|it| it <= HANDLES_MAX), "handles are counted when they are made");
        out.push(count.unwrap_or(HANDLES_MAX));
        self.0.iter().for_each(|it| it.write(out));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = u8::read(from)?;
        if count > HANDLES_MAX {
            return Err(DecodeError::TooLong);
        }
        (0..count).map(|_| from.array()).collect::<Result<_, _>>().map(Self)
    }
}

types::record! {
    /// An amount that only the entitled can read. Points are compressed.
    pub struct Sealed {
        /// A commitment to the amount.
        pub commitment: Point,
        /// What opens it, one for each that is entitled.
        pub handles: Handles,
    }
}

impl Sealed {
    /// So many units under no blinding: everybody can check it, so it is for public amounts alone.
    #[must_use]
    pub fn of_public(units: u64, handles: u8) -> Option<Self> {
        let commitment = RistrettoPoint::mul_base(&Scalar::from(units)).compress().to_bytes();
        let handles = Handles::new((0..handles).map(|_| [0; 32]).collect())?;
        Some(Self { commitment, handles })
    }

    /// `self + other`; `None` if bytes are no points, or the handles are not as many.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Option<Self> {
        self.with(other, Add::add)
    }

    /// `self - other`; `None` as with [`Sealed::plus`]. Whether it is below zero is not seen.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.with(other, Sub::sub)
    }

    /// `self * times`; `None` if bytes are no points.
    #[must_use]
    pub fn times(&self, times: u64) -> Option<Self> {
        let times = Scalar::from(times);
        self.map(|point| point.mul(times))
    }

    /// Its points, to be added to others; `None` if bytes are no points.
    #[must_use]
    pub fn points(&self) -> Option<Points> {
        let handles = self.handles.0.iter().map(point).collect::<Option<_>>()?;
        Some(Points { commitment: point(&self.commitment)?, handles })
    }

    /// A movement's amount as its sender's position has it: without the receiver's handle.
    #[must_use]
    pub fn of_sender(&self) -> Option<Self> {
        match self.handles.all() {
            [from, _, others @ ..] => Some(self.owned_by(*from, others)),
            _ => None,
        }
    }

    /// A movement's amount as its receiver's position has it: without the sender's handle.
    #[must_use]
    pub fn of_receiver(&self) -> Option<Self> {
        match self.handles.all() {
            [_, to, others @ ..] => Some(self.owned_by(*to, others)),
            _ => None,
        }
    }

    fn owned_by(&self, owner: Point, others: &[Point]) -> Self {
        let handles = core::iter::once(owner).chain(others.iter().copied()).collect();
        Self { commitment: self.commitment, handles: Handles(handles) }
    }

    fn map(&self, one: impl Fn(RistrettoPoint) -> RistrettoPoint) -> Option<Self> {
        let each = |bytes: &Point| Some(one(point(bytes)?).compress().to_bytes());
        let handles = self.handles.0.iter().map(each).collect::<Option<_>>()?;
        Some(Self { commitment: each(&self.commitment)?, handles: Handles(handles) })
    }

    fn with(
        &self,
        other: &Self,
        both: impl Fn(RistrettoPoint, RistrettoPoint) -> RistrettoPoint,
    ) -> Option<Self> {
        Some(self.points()?.with(&other.points()?, both)?.sealed())
    }
}

/// The points of an amount while it is summed: to read their bytes and to write them is what a sum costs, so it is done
/// once for each that goes in, and once for what comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Points {
    commitment: RistrettoPoint,
    handles: Vec<RistrettoPoint>,
}

impl Points {
    /// Nothing, with so many handles.
    #[must_use]
    pub fn zero(handles: u8) -> Self {
        let handles = (0..handles).map(|_| RistrettoPoint::identity()).collect();
        Self { commitment: RistrettoPoint::identity(), handles }
    }

    /// `self + other`; `None` if the handles are not as many.
    #[must_use]
    pub fn plus(self, other: &Self) -> Option<Self> {
        self.with(other, Add::add)
    }

    /// `self - other`; `None` as with [`Points::plus`]. Whether it is below zero is not seen.
    #[must_use]
    pub fn minus(self, other: &Self) -> Option<Self> {
        self.with(other, Sub::sub)
    }

    /// A movement's points as its sender's position has them.
    #[must_use]
    pub fn of_sender(&self) -> Option<Self> {
        match self.handles.as_slice() {
            [from, _, others @ ..] => Some(self.owned_by(*from, others)),
            _ => None,
        }
    }

    /// A movement's points as its receiver's position has them.
    #[must_use]
    pub fn of_receiver(&self) -> Option<Self> {
        match self.handles.as_slice() {
            [_, to, others @ ..] => Some(self.owned_by(*to, others)),
            _ => None,
        }
    }

    /// Whether these bytes are its commitment, and its handle of this place.
    #[must_use]
    pub fn are(&self, commitment: &Point, place: u8, handle: &Point) -> bool {
        let handles = (0_u8..).zip(&self.handles);
        let own = handles.filter(|it| it.0 == place).map(|it| *it.1).next();
        point(commitment) == Some(self.commitment) && own.is_some() && point(handle) == own
    }

    /// The amount, in bytes.
    #[must_use]
    pub fn sealed(&self) -> Sealed {
        let handles = self.handles.iter().map(|it| it.compress().to_bytes()).collect();
        Sealed { commitment: self.commitment.compress().to_bytes(), handles: Handles(handles) }
    }

    fn owned_by(&self, owner: RistrettoPoint, others: &[RistrettoPoint]) -> Self {
        let handles = core::iter::once(owner).chain(others.iter().copied()).collect();
        Self { commitment: self.commitment, handles }
    }

    fn with(
        self,
        other: &Self,
        both: impl Fn(RistrettoPoint, RistrettoPoint) -> RistrettoPoint,
    ) -> Option<Self> {
        if self.handles.len() != other.handles.len() {
            return None;
        }
        let handles = self.handles.into_iter().zip(&other.handles).map(|(a, b)| both(a, *b));
        Some(Self {
            commitment: both(self.commitment, other.commitment),
            handles: handles.collect(),
        })
    }
}

/// The point that `bytes` encode, if they encode one.
#[must_use]
pub fn point(bytes: &Point) -> Option<RistrettoPoint> {
    if bytes == &[0; 32] {
        return Some(RistrettoPoint::identity());
    }
    CompressedRistretto(*bytes).decompress()
}

/// Whether `bytes` encode a point other than the identity.
#[must_use]
pub fn is_key(bytes: &Point) -> bool {
    point(bytes).is_some_and(|it| !it.is_identity())
}
