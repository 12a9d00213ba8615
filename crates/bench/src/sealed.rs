//! What checking one sealed DVP costs: two proofs of two provers, two signatures, and the change of state.

use std::{convert::Infallible, hint::black_box, time::Duration};

use crypto::{
    Sealed, Statement, digest,
    keys::{self, SecretKey},
    sealed::{self, Point},
    statement::{Claim, Stated},
};
use proof::{Proof, Secret, Secrets, Stages};
use rand_core::{TryCryptoRng, TryRng};
use rustix::time::{ClockId, clock_gettime};
use types::{ChainId, Digest, PublicKey};

/// How many DVPs are checked together, in the published figures.
pub const BATCHES: [usize; 5] = [1, 4, 16, 64, 256];
/// Rounds of which the median is told.
pub const ROUNDS: usize = 31;

/// One leg: what its owner states and proves, and the positions that it moves.
struct Leg {
    statement: Statement,
    proof: Proof,
    amount: Sealed,
    before: Sealed,
    credited: Sealed,
    signature: (PublicKey, [u8; 32], [u8; 64]),
}

/// What it costs to check one DVP of a batch, in time of the processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Both proofs.
    pub proofs: Duration,
    /// Of that, by its stages.
    pub stages: Stages,
    /// Both signatures.
    pub signatures: Duration,
    /// What leaves is subtracted.
    pub debits: Duration,
    /// What comes is added, where something stands already; where nothing does, it is copied.
    pub credits: Duration,
}

impl Cost {
    /// All together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.proofs + self.signatures + self.debits + self.credits
    }
}

/// DVPs to be checked.
pub struct Dvps(Vec<Leg>);

impl Dvps {
    /// So many, each of a security, with four handles, against money, with three.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let legs = 0..2 * count as u64;
        Self(legs.map(|it| leg(it, if it % 2 == 0 { 4 } else { 3 })).collect())
    }

    /// Bytes of the proof of each leg.
    #[must_use]
    pub fn proof_bytes(&self) -> [usize; 2] {
        [0, 1].map(|it| self.0[it].proof.0.len())
    }

    /// What the first `count` cost each, when they are checked together: medians of `rounds`.
    ///
    /// # Panics
    /// If one does not hold.
    #[must_use]
    pub fn cost(&self, count: usize, rounds: usize) -> Cost {
        let legs = &self.0[..2 * count];
        let items: Vec<_> = legs.iter().map(|it| (&it.statement, &it.proof)).collect();
        let each = |all: Duration| all / u32::try_from(count).expect("few");
        let stages: Vec<Stages> = (0..rounds).map(|_| proof::stages(&items, clock)).collect();
        let stage = |of: fn(&Stages) -> Duration| each(median(stages.iter().map(of).collect()));
        let time =
            |what: &dyn Fn() -> bool| each(median((0..rounds).map(|_| took(what)).collect()));
        Cost {
            proofs: time(&|| proof::check(&items, 1).false_ones.is_empty()),
            stages: Stages {
                read: stage(|it| it.read),
                equations: stage(|it| it.equations),
                ranges: stage(|it| it.ranges),
            },
            signatures: time(&|| {
                let signed = legs.iter().map(|it| &it.signature);
                keys::verify_all(signed.map(|(key, message, it)| (key, &message[..], it)))
            }),
            debits: time(&|| legs.iter().all(leaves)),
            credits: time(&|| legs.iter().all(comes)),
        }
    }
}

/// What one signature costs to verify by itself, and one point to decode: medians of `rounds`.
#[must_use]
pub fn units(rounds: usize) -> (Duration, Duration) {
    const TIMES: u32 = 50;
    let leg = leg(0, 3);
    let (key, message, signature) = &leg.signature;
    let point = leg.amount.commitment;
    let one = |what: &dyn Fn() -> bool| {
        let many = || (0..TIMES).all(|_| what());
        median((0..rounds).map(|_| took(&many)).collect()) / TIMES
    };
    let verify = one(&|| keys::verify(black_box(key), black_box(message), signature));
    (verify, one(&|| sealed::point(black_box(&point)).is_some()))
}

/// What it costs to prove one leg, over these many.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn proving(count: u32) -> Duration {
    took(&|| (0..count).all(|it| !leg(u64::from(it), 4).proof.0.is_empty())) / count
}

/// What leaves a position: a security's is of four points, money's of three.
fn leaves(leg: &Leg) -> bool {
    black_box(leg.amount.of_sender().and_then(|it| leg.before.minus(&it))).is_some()
}

/// What comes to a position, of as many points.
fn comes(leg: &Leg) -> bool {
    black_box(leg.amount.of_receiver().and_then(|it| leg.credited.plus(&it))).is_some()
}

fn clock() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(now).expect("time of the processor is not below zero")
}

fn took(what: &dyn Fn() -> bool) -> Duration {
    let start = clock();
    let held = what();
    let took = clock() - start;
    assert!(held, "all of it holds");
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The administrators' and the issuer's keys are the same in all; those of the accounts are not.
fn leg(number: u64, handles: usize) -> Leg {
    let mut chance = Chance(number << 32);
    let owner = Secret::random(&mut chance);
    let receiver = proof::view_key(&Secret::random(&mut chance));
    let [administrators, issuer] =
        [1, 2].map(|it| proof::view_key(&Secret::random(&mut Chance(it << 60))));
    let keys = &[proof::view_key(&owner), receiver, administrators, issuer][..handles];
    let mut seal = |units, keys: &[Point]| {
        let blinding = Secret::random(&mut chance);
        let sealed = proof::seal(units, &blinding, keys).expect("keys are keys");
        (sealed, blinding)
    };
    let (units, stood) = (1_000 + number, 1_000_000);
    let (amount, blinding) = seal(units, keys);
    let (before, _) = seal(stood, &[&keys[..1], &keys[2..]].concat());
    let (credited, _) = seal(7, &keys[1..]);
    let stated = Stated { commitment: before.commitment, handle: before.handles.all()[0] };
    let claim = Claim::Spend { amount: amount.clone(), keys: keys.to_vec(), before: stated };
    let instruction = digest(b"bench", &number.to_be_bytes());
    let chain = ChainId([7; 32]);
    let statement = Statement { chain, administrators_key: 1, instruction, index: 0, claim };
    let secrets = Secrets::Spend { units, blinding, secret: owner, stood };
    let proof = proof::prove(&statement, &secrets, &mut chance).expect("it is true");
    let signature = signature(&instruction);
    Leg { statement, proof, amount, before, credited, signature }
}

fn signature(instruction: &Digest) -> (PublicKey, [u8; 32], [u8; 64]) {
    let key = SecretKey::from_seed(instruction.0);
    (key.public(), instruction.0, key.sign(&instruction.0))
}

/// Chance that is the same each time: digests of a number that is counted up.
struct Chance(u64);

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        for part in to.chunks_mut(32) {
            let drawn = digest(b"bench chance", &self.0.to_be_bytes()).0;
            part.copy_from_slice(&drawn[..part.len()]);
            self.0 += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Chance {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_dvps_hold_and_cost_something() {
        let dvps = Dvps::new(2);
        assert_eq!(dvps.proof_bytes(), [1_089, 1_057]);
        let cost = dvps.cost(2, 1);
        assert!(cost.sum() > Duration::ZERO && cost.stages.ranges > Duration::ZERO);
        assert!(units(1).0 > Duration::ZERO);
    }
}
