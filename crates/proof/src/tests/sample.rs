//! What the tests have in common: chance that repeats, people, and a true claim of each kind.

use std::convert::Infallible;

use crypto::{
    digest,
    sealed::{Handles, Point, Sealed},
    statement::{Claim, Stated, Statement},
};
use rand_core::{TryCryptoRng, TryRng};
use types::{ChainId, Digest};

use crate::{Checked, Proof, Secret, Secrets, check, prove, seal, view_key};

/// Chance that is the same each time: digests of a number that is counted up.
pub struct Chance(pub u64);

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
            part.copy_from_slice(&digest(b"test", &self.0.to_be_bytes()).0[..part.len()]);
            self.0 += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Chance {}

/// One who may read.
pub struct Reader {
    pub secret: Secret,
    pub key: Point,
}

/// Owner, receiver, administrators, issuer, the same each time.
pub fn readers() -> [Reader; 4] {
    [1, 2, 3, 4].map(|it| {
        let secret = Secret::random(&mut Chance(it << 32));
        let key = view_key(&secret);
        Reader { secret, key }
    })
}

/// So many of their keys.
pub fn keys(count: usize) -> Vec<Point> {
    readers()[..count].iter().map(|it| it.key).collect()
}

/// What stands in a position of this owner, and of which nobody knows the blinding.
pub fn stands(units: u64, owner: &Point, chance: &mut Chance) -> Stated {
    let sealed = seal(units, &Secret::random(chance), &[*owner]).unwrap();
    Stated { commitment: sealed.commitment, handle: sealed.handles.all()[0] }
}

/// A statement at one place of one instruction.
pub fn states(claim: Claim) -> Statement {
    let instruction = Digest([5; 32]);
    Statement { chain: ChainId([7; 32]), administrators_key: 3, instruction, index: 2, claim }
}

/// So many units leave of so many.
pub fn spend(count: usize, units: u64, stood: u64, chance: &mut Chance) -> (Statement, Secrets) {
    let [owner, ..] = readers();
    let keys = keys(count);
    let blinding = Secret::random(chance);
    let amount = seal(units, &blinding, &keys).unwrap();
    let before = stands(stood, &owner.key, chance);
    let secret = owner.secret;
    (
        states(Claim::Spend { amount, keys, before }),
        Secrets::Spend { units, blinding, secret, stood },
    )
}

pub fn spend_public(units: u64, stood: u64, chance: &mut Chance) -> (Statement, Secrets) {
    let [owner, ..] = readers();
    let before = stands(stood, &owner.key, chance);
    let claim = Claim::SpendPublic { units, key: owner.key, before };
    (states(claim), Secrets::SpendPublic { secret: owner.secret, stood })
}

pub fn valid(count: usize, units: u64, chance: &mut Chance) -> (Statement, Secrets) {
    let keys = keys(count);
    let blinding = Secret::random(chance);
    let amount = seal(units, &blinding, &keys).unwrap();
    (states(Claim::Valid { amount, keys }), Secrets::Valid { units, blinding })
}

pub fn key() -> (Statement, Secrets) {
    let [owner, ..] = readers();
    (states(Claim::Key { key: owner.key }), Secrets::Key { secret: owner.secret })
}

pub fn covered(units: &[u64], chance: &mut Chance) -> (Statement, Secrets) {
    let [_, _, administrators, _] = readers();
    let sums = units.iter().map(|it| stands(*it, &administrators.key, chance)).collect();
    let claim = Claim::Covered { key: administrators.key, sums };
    (states(claim), Secrets::Covered { secret: administrators.secret, sums: units.to_vec() })
}

pub fn rekeyed(count: u64, chance: &mut Chance) -> (Statement, Secrets) {
    let [old, new, ..] = readers();
    let factor = old.secret.factor_to(&new.secret);
    let mut handle = |units| {
        let blinding = Secret::random(chance);
        let both = seal(units, &blinding, &[old.key, new.key]).unwrap();
        (both.handles.all()[0], both.handles.all()[1])
    };
    let handles = (0..count).map(&mut handle).collect();
    let claim = Claim::Rekeyed { old: old.key, new: new.key, handles };
    (states(claim), Secrets::Rekeyed { factor })
}

/// A true claim of each kind, of four handles and of fewer, of sums that fill their aggregates and that do not.
pub fn one_of_each(chance: &mut Chance) -> Vec<(Statement, Secrets)> {
    vec![
        spend(4, 100, 150, chance),
        spend(3, 7, 7, chance),
        spend_public(5, 9, chance),
        valid(4, 1, chance),
        valid(2, u64::MAX, chance),
        key(),
        covered(&[3, 0, 8], chance),
        covered(&[u64::MAX], chance),
        covered(&[6; 9], chance),
        rekeyed(3, chance),
        rekeyed(0, chance),
    ]
}

/// Their proofs.
pub fn proved(claims: Vec<(Statement, Secrets)>, chance: &mut Chance) -> Vec<(Statement, Proof)> {
    let one = |(statement, secrets): (Statement, Secrets)| {
        let proof = prove(&statement, &secrets, chance).unwrap();
        (statement, proof)
    };
    claims.into_iter().map(one).collect()
}

/// The verdict over all of these.
pub fn checked(all: &[(Statement, Proof)], cores: usize) -> Checked {
    let items: Vec<_> = all.iter().map(|(statement, proof)| (statement, proof)).collect();
    check(&items, cores)
}

/// Whether this holds, by itself.
pub fn holds(statement: &Statement, proof: &Proof) -> bool {
    let checked = check(&[(statement, proof)], 1);
    let shown = checked.shown.contains(statement);
    assert_eq!(checked.false_ones, if shown { vec![] } else { vec![0] });
    shown
}

/// The amount with another handle at this place.
pub fn with_handle(amount: &Sealed, place: usize, handle: Point) -> Sealed {
    let mut handles = amount.handles.all().to_vec();
    handles[place] = handle;
    Sealed { commitment: amount.commitment, handles: Handles::new(handles).unwrap() }
}
