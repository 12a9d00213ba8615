//! How many units a point is: baby steps in a table, giant steps over the rest.
//!
//! ```text
//!   table         0 G, 1 G, ... (2^b - 1) G           made once: 8 bytes each, and 4 for every four
//!   giant steps   M, M - 2^b G, M - 2 * 2^b G, ...    until one is in the table
//! ```
//!
//! Points are encoded by the thousand, halved before, for the curve's crate doubles what it encodes so. An entry is 40
//! bits of a point's encoding and its place in 24; what fits it is computed anew before it is believed.

use std::{
    ops::{ControlFlow, Range},
    sync::OnceLock,
    thread,
};

use crypto::sealed::{self, Point};
use curve25519_dalek::{RistrettoPoint, Scalar};

/// The table of the process has 2^22 steps: 38 MB, made in a few seconds, and 2^18 giant steps reach 2^40.
const SHARED_BITS: u8 = 22;

/// Most that an entry has room for.
const BITS_MAX: u8 = 24;

/// How many points are encoded together.
const TOGETHER: u32 = 1_024;

/// Multiples of the base point, found by their encodings.
pub struct Table {
    bits: u8,
    /// Sorted: 40 bits of the encoding, 24 of the multiple.
    entries: Vec<u64>,
    /// Where the entries begin whose first bits are this number; their count at last.
    starts: Vec<u32>,
}

/// A search was stopped from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Below this everything had been searched.
    pub below: u64,
}

impl Table {
    /// A table of 2^`bits` steps, made on all cores.
    ///
    /// # Panics
    /// If `bits` is not from 3 to 24.
    #[must_use]
    pub fn new(bits: u8) -> Self {
        assert!((3..=BITS_MAX).contains(&bits), "a table has 2^3 to 2^24 steps");
        let mut entries = vec![0; 1 << bits];
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let part = entries.len().div_ceil(cores);
        thread::scope(|scope| {
            for (which, entries) in entries.chunks_mut(part).enumerate() {
                scope.spawn(move || fill(entries, which * part));
            }
        });
        entries.sort_unstable();
        let starts = (0..=1_u64 << (bits - 2)).map(|first| {
            let before = entries.partition_point(|it| it >> (66 - bits) < first);
            u32::try_from(before).expect("2^24 entries at most")
        });
        let starts = starts.collect();
        Self { bits, entries, starts }
    }

    /// The table of this process, made when it is first asked for.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Table> = OnceLock::new();
        SHARED.get_or_init(|| Self::new(SHARED_BITS))
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.entries) + size_of_val(&*self.starts)
    }

    /// How many units this point is, if they are fewer than `below`. `watch` is told after each thousand giant steps
    /// below what has been searched, and may stop it. `None` if it is no point, or more units, or no number of them.
    ///
    /// # Errors
    /// [`Stopped`], by `watch`.
    pub fn find(
        &self,
        units: &Point,
        below: u64,
        mut watch: impl FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Option<u64>, Stopped> {
        let Some(point) = sealed::point(units) else { return Ok(None) };
        let giant = 1_u64 << self.bits;
        let step = half(giant);
        let mut next = point * Scalar::from(2_u8).invert();
        let mut searched = 0_u64;
        while searched < below {
            let steps = encoded(TOGETHER, &mut next, |it| it - step);
            for (base, encoding) in (searched..).step_by(1 << self.bits).zip(steps) {
                let fit = self.fits(&encoding).map(|it| base.saturating_add(it));
                let found = fit.filter(|it| *it < below).find(|it| of_units(*it) == *units);
                if found.is_some() {
                    return Ok(found);
                }
            }
            searched = searched.saturating_add(giant.saturating_mul(u64::from(TOGETHER)));
            if watch(searched.min(below)).is_break() {
                return Err(Stopped { below: searched.min(below) });
            }
        }
        Ok(None)
    }

    /// The multiples whose entries agree with this encoding: nearly always none or one.
    fn fits(&self, encoding: &Point) -> impl Iterator<Item = u64> {
        let wanted = entry(encoding, 0);
        let first = usize::try_from(wanted >> (66 - self.bits)).expect("22 bits");
        let Range { start, end } = self.starts[first]..self.starts[first + 1];
        let near = &self.entries[start as usize..end as usize];
        near.iter().filter(move |it| *it >> BITS_MAX == wanted >> BITS_MAX).map(|it| it & 0xff_ffff)
    }
}

/// The encoding of so many units.
pub fn of_units(units: u64) -> Point {
    RistrettoPoint::mul_base(&Scalar::from(units)).compress().to_bytes()
}

/// Half of so many units.
fn half(units: u64) -> RistrettoPoint {
    RistrettoPoint::mul_base(&(Scalar::from(units) * Scalar::from(2_u8).invert()))
}

/// Fills in the entries of the multiples from `first` on.
fn fill(entries: &mut [u64], first: usize) {
    let step = half(1);
    let mut multiple = u64::try_from(first).expect("24 bits");
    let mut next = half(multiple);
    for some in entries.chunks_mut(TOGETHER as usize) {
        let encodings = encoded(TOGETHER, &mut next, |it| it + step);
        for (place, encoding) in some.iter_mut().zip(encodings) {
            *place = entry(&encoding, multiple);
            multiple += 1;
        }
    }
}

/// The encodings of twice `next` and those that follow, so many.
fn encoded(
    count: u32,
    next: &mut RistrettoPoint,
    step: impl Fn(RistrettoPoint) -> RistrettoPoint,
) -> impl Iterator<Item = Point> {
    let points = (0..count).map(|_| {
        let this = *next;
        *next = step(this);
        this
    });
    let points: Vec<_> = points.collect();
    RistrettoPoint::double_and_compress_batch(&points).into_iter().map(|it| it.to_bytes())
}

/// 40 bits of the encoding, and the multiple in 24.
fn entry(encoding: &Point, multiple: u64) -> u64 {
    let [.., a, b, c, d, e, _, _, _, _] = *encoding;
    u64::from_be_bytes([a, b, c, d, e, 0, 0, 0]) | multiple
}
