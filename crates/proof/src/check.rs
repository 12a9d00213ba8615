//! Checks many proofs together: on all cores, and if one is false it is found.
//!
//! ```text
//!   items --dealt out--> one part a core --read--> equations, ranges --one sum each--> all hold
//!                                                                    '--halves, again and again--> which do not
//! ```
//!
//! What weighs the proofs of a sum is drawn from all that the sum is over. So the verdict needs no chance of the
//! machine, and is the same alone, in any company, and on any number of cores.

use std::{collections::BTreeSet, ops::Range, thread, time::Duration};

use crypto::statement::{Shown, Statement};
use types::Digest;

use crate::{
    range::{self, Ranges},
    relation::{Keys, relation},
    shape::{Proof, Shape},
    sigma::{self, Equations},
};

/// Fewer than so many are not worth a thread.
const PART_MIN: usize = 4;

/// A verdict over many proofs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The statements whose proofs are true.
    pub shown: Shown,
    /// The places of the others, in their order.
    pub false_ones: Vec<usize>,
}

/// Checks each statement's proof, on at most so many threads; with one on the caller's.
#[must_use]
pub fn check(items: &[(&Statement, &Proof)], cores: usize) -> Checked {
    let parts = cores.min(items.len().div_ceil(PART_MIN)).max(1);
    let part = |first: usize| {
        let mine = items.iter().enumerate().skip(first).step_by(parts);
        check_part(mine.map(|(place, (statement, proof))| (place, *statement, *proof)))
    };
    let verdicts = thread::scope(|scope| {
        let others: Vec<_> = (1..parts).map(|it| scope.spawn(move || part(it))).collect();
        let mut verdicts = vec![part(0)];
        let joined = others.into_iter().map(|it| it.join().expect("a check never panics"));
        verdicts.extend(joined);
        verdicts
    });
    let mut shown = Shown::nothing();
    let mut false_ones = Vec::new();
    for (part, others) in verdicts {
        shown.absorb(part);
        false_ones.extend(others);
    }
    false_ones.sort_unstable();
    Checked { shown, false_ones }
}

/// What was read of a part, waiting for the sums.
#[derive(Default)]
struct Part<'a> {
    keys: Keys,
    equations: Vec<Equations<'a>>,
    ranges: [Ranges; 2],
}

impl<'a> Part<'a> {
    /// Reads all of these: what waits for the sums, each digest, and which are false at sight.
    fn read(
        items: impl Iterator<Item = (usize, &'a Statement, &'a Proof)>,
    ) -> (Self, Vec<(usize, Digest)>, BTreeSet<usize>) {
        let mut part = Self::default();
        let mut digests = Vec::new();
        let mut false_ones = BTreeSet::new();
        for (place, statement, proof) in items {
            let digest = statement.digest();
            if part.add(place, statement, &digest, proof).is_none() {
                false_ones.insert(place);
            }
            digests.push((place, digest));
        }
        (part, digests, false_ones)
    }

    /// Takes over an item; `None` if it is false at sight.
    fn add(
        &mut self,
        place: usize,
        statement: &Statement,
        digest: &Digest,
        proof: &'a Proof,
    ) -> Option<()> {
        let cut = Shape::of(&statement.claim)?.cut(proof)?;
        let relation = relation(&statement.claim, &cut.fresh, &mut self.keys)?;
        for (aggregate, (ranged, proof)) in relation.ranged.iter().zip(&cut.ranges).enumerate() {
            let transcript = range::transcript(digest, aggregate);
            range::add(&mut self.ranges, place, transcript, ranged, proof)?;
        }
        let session = sigma::session(digest);
        let (instance, proof) = (relation.instance, cut.equations);
        self.equations.push(Equations { item: place, session, instance, proof });
        Some(())
    }

    /// Items whose equations do not hold.
    fn false_equations(&self) -> Vec<usize> {
        let all = &self.equations;
        let found = search(0..all.len(), false, &|some| sigma::hold(&all[some]));
        found.into_iter().map(|it| all[it].item).collect()
    }

    /// Items of which a commitment is out of range.
    fn false_ranges(&self) -> Vec<usize> {
        let found = |all: &Ranges| {
            let found = search(0..all.len(), false, &|some| all.hold(some));
            found.into_iter().map(|it| all.item(it)).collect::<Vec<_>>()
        };
        self.ranges.iter().flat_map(found).collect()
    }
}

/// Checks a part on this thread: the statements that hold, and the places of those that do not.
fn check_part<'a>(
    items: impl Iterator<Item = (usize, &'a Statement, &'a Proof)>,
) -> (Shown, BTreeSet<usize>) {
    let (part, digests, mut false_ones) = Part::read(items);
    false_ones.extend(part.false_equations());
    false_ones.extend(part.false_ranges());
    let shown = digests.iter().filter(|(place, _)| !false_ones.contains(place)).map(|it| it.1);
    (Shown::checked(shown), false_ones)
}

/// What a check costs by its stages, by a clock of the caller's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    /// Until all is read, and written as equations and ranges.
    pub read: Duration,
    /// The equations.
    pub equations: Duration,
    /// The ranges.
    pub ranges: Duration,
}

/// The stages of a check on this thread, for those who measure it.
///
/// # Panics
/// If an item is false.
pub fn stages(items: &[(&Statement, &Proof)], clock: impl Fn() -> Duration) -> Stages {
    let start = clock();
    let places = items.iter().enumerate();
    let (part, _, false_ones) = Part::read(places.map(|(place, it)| (place, it.0, it.1)));
    let read = clock();
    let false_equations = part.false_equations();
    let equations = clock();
    let false_ranges = part.false_ranges();
    let ranges = clock();
    assert!(false_ones.is_empty() && false_equations.is_empty() && false_ranges.is_empty());
    Stages { read: read - start, equations: equations - read, ranges: ranges - equations }
}

/// Those that do not hold by themselves: halves what does not hold together. What fails as a whole and not in its
/// first half surely fails in its second, so that is halved at once; each by itself is checked in any case.
fn search(some: Range<usize>, surely: bool, hold: &impl Fn(Range<usize>) -> bool) -> Vec<usize> {
    let told = surely && some.len() > 1;
    if some.is_empty() || (!told && hold(some.clone())) {
        return Vec::new();
    }
    if some.len() == 1 {
        return vec![some.start];
    }
    let middle = some.start + some.len() / 2;
    let mut found = search(some.start..middle, false, hold);
    found.extend(search(middle..some.end, found.is_empty(), hold));
    found
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_search_finds_each_that_does_not_hold_and_no_other(
            count in 0..300_usize, false_ones in prop::collection::btree_set(0..300_usize, 0..12),
        ) {
            let false_ones: Vec<_> = false_ones.into_iter().filter(|it| *it < count).collect();
            let checks = Cell::new(0);
            let found = search(0..count, false, &|some| {
                checks.set(checks.get() + 1);
                !some.into_iter().any(|it| false_ones.contains(&it))
            });
            prop_assert_eq!(&found, &false_ones);
            prop_assert!(checks.get() <= 1 + 2 * 9 * false_ones.len(), "{} checks", checks.get());
        }
    }
}
