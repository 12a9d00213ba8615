//! The bytes of a proof: fresh commitments, the proof of the equations, the proofs of the ranges, nothing else.
//!
//! ```text
//!   claim            fresh    equations                ranges                 bytes
//!   Spend, k keys    32       32 (k + 4) + 32 * 5      641                    1,089 of four keys, 1,057 of three
//!   SpendPublic      32       32 * 3 + 32 * 3          577                    801
//!   Valid, k keys    0        32 (k + 1) + 32 * 2      577                    801 of four keys
//!   Key              0        32 + 32                  0                      64
//!   Covered, n sums  32 n     32 (2n + 1) + the same   769 for each eight     of 64 sums 16,456
//!   Rekeyed, n       0        32 (n + 1) + 32          0
//! ```
//!
//! The proof of the equations is a batchable NARG string of `sigma-proofs`: a commitment for each equation, a
//! response for each secret. That of an aggregate of `a` ranges is the encoding of `tari_bulletproofs_plus`.

use crypto::{sealed::Point, statement::Claim};

/// Most sums of one claim.
pub const SUMS_MAX: usize = 64;

/// Most handles that one claim may give a new key.
pub const REKEYED_MAX: usize = 1_024;

/// Most commitments whose range one proof shows.
pub const AGGREGATE_MAX: usize = 8;

/// A proof, as bytes: those of a witness. Whatever they are, checking them never panics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof(pub Vec<u8>);

/// How many of each a proof has.
pub struct Shape {
    /// Fresh commitments.
    pub fresh: usize,
    equations: usize,
    secrets: usize,
    /// How many commitments each aggregate has.
    aggregates: Vec<usize>,
}

/// A proof in its parts.
pub struct Cut<'a> {
    /// Commitments to what remains.
    pub fresh: Vec<Point>,
    /// The proof of the equations.
    pub equations: &'a [u8],
    /// The proofs of the ranges.
    pub ranges: Vec<&'a [u8]>,
}

impl Shape {
    /// The shape of a proof of this claim; `None` if the claim has not as many handles as keys, too few or too many.
    pub fn of(claim: &Claim) -> Option<Self> {
        let shape = |fresh, equations, secrets, aggregates: &[usize]| {
            Some(Self { fresh, equations, secrets, aggregates: aggregates.to_vec() })
        };
        match claim {
            Claim::Spend { amount, keys, .. } => {
                let count = counted(amount.handles.all(), keys, 3)?;
                shape(1, count + 4, 5, &[2])
            }
            Claim::SpendPublic { .. } => shape(1, 3, 3, &[1]),
            Claim::Valid { amount, keys } => {
                let count = counted(amount.handles.all(), keys, 2)?;
                shape(0, count + 1, 2, &[1])
            }
            Claim::Key { .. } => shape(0, 1, 1, &[]),
            Claim::Covered { sums, .. } => {
                let count = (1..=SUMS_MAX).contains(&sums.len()).then_some(sums.len())?;
                let aggregates: Vec<_> =
                    sums.chunks(AGGREGATE_MAX).map(|it| it.len().next_power_of_two()).collect();
                shape(count, 2 * count + 1, 2 * count + 1, &aggregates)
            }
            Claim::Rekeyed { handles, .. } => {
                let count = (handles.len() <= REKEYED_MAX).then_some(handles.len())?;
                shape(0, count + 1, 1, &[])
            }
        }
    }

    /// Cuts a proof into its parts; `None` if it is not exactly as long as they are.
    pub fn cut<'a>(&self, proof: &'a Proof) -> Option<Cut<'a>> {
        let (fresh, rest) = proof.0.split_at_checked(32 * self.fresh)?;
        let (equations, mut rest) = rest.split_at_checked(32 * (self.equations + self.secrets))?;
        let mut ranges = Vec::with_capacity(self.aggregates.len());
        for count in &self.aggregates {
            let (range, others) = rest.split_at_checked(range_len(*count))?;
            ranges.push(range);
            rest = others;
        }
        let fresh = fresh.as_chunks().0.to_vec();
        rest.is_empty().then_some(Cut { fresh, equations, ranges })
    }
}

/// As many handles as keys: four, or as few as `least`.
fn counted(handles: &[Point], keys: &[Point], least: usize) -> Option<usize> {
    let count = handles.len();
    (count == keys.len() && (least..=4).contains(&count)).then_some(count)
}

/// Bytes of a proof that `count` commitments are in range, a power of two.
fn range_len(count: usize) -> usize {
    let rounds = 6 + count.ilog2() as usize;
    1 + 32 * (6 + 2 * rounds)
}
