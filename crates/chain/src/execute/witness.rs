//! Witnesses: an envelope stands in a block with one signature of its sender, one of the sender of each
//! envelope that it forwards, one proof for each of its instructions that has one, in order, and its sealed
//! envelope if it names one. Nothing else, and nothing twice.
//!
//! A verdict is remembered by what was shown *and* by its witness, so what was checked when the envelope
//! entered the mempool is not checked again, and a false one never profits from a true one.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crypto::{Shown, Statement, keys};
use ledger::{Envelope, Key, Signed};
use proof::Proof;
use types::{Digest, PublicKey, Wire as _, Witness};

use crate::block;

/// Verdicts of one kind, at most; then the older half is forgotten.
const REMEMBERED_MAX: usize = 1 << 16;

/// Proofs that are checked together, at most: more cost memory, and save nothing.
const TOGETHER_MAX: usize = 256;

/// An envelope's signature, not looked at yet.
#[derive(Clone, Debug)]
pub struct Signature {
    digest: Digest,
    bytes: [u8; 64],
}

/// What stands with an envelope, not looked at yet.
#[derive(Debug)]
pub struct Witnesses {
    /// Its signatures, with the rows of their keys.
    pub signatures: Vec<(Key, Signature)>,
    /// Its proofs, with the places of their instructions.
    pub proofs: Vec<(u16, Proof)>,
    /// What these proofs were found to show. Another envelope's show nothing here.
    pub shown: Shown,
}

impl Witnesses {
    /// An envelope's witnesses; `None` unless they are those that it has to have, in order, and nothing else.
    #[must_use]
    pub fn of<'a>(
        envelope: &Envelope,
        witnesses: impl IntoIterator<Item = &'a Witness>,
    ) -> Option<Self> {
        let mut witnesses = witnesses.into_iter();
        let mut next = |class| witnesses.next().filter(|it| it.class == class);
        let mut signatures = Vec::new();
        for (key, digest) in ledger::signatures(envelope) {
            let bytes = next(Signed::SIGNATURE)?.bytes.0.as_slice().try_into().ok()?;
            signatures.push((key, Signature { digest, bytes }));
        }
        let mut proofs = Vec::new();
        for (index, instruction) in (0_u16..).zip(&envelope.instructions) {
            if instruction.has_proof(envelope.sender) {
                proofs.push((index, Proof(next(Signed::PROOF)?.bytes.0.clone())));
            }
        }
        if envelope.sealed != Digest([0; 32]) {
            let sealed = next(Signed::SEALED)?;
            Some(()).filter(|()| ledger::sealed_digest(&sealed.bytes.0) == envelope.sealed)?;
        }
        witnesses.next().is_none().then_some(Self { signatures, proofs, shown: Shown::nothing() })
    }

    /// The same of witnesses in a block, of which none may be missing.
    #[must_use]
    pub fn shown(envelope: &Envelope, witnesses: &[block::Shown]) -> Option<Self> {
        let mut whole = Vec::new();
        for witness in witnesses {
            let block::Shown::Whole(witness) = witness else { return None };
            whole.push(witness);
        }
        Self::of(envelope, whole)
    }

    /// Statements with the proofs of the instructions at their places.
    #[must_use]
    pub fn proving(&self, statements: Vec<(u16, Statement)>) -> Vec<(Statement, Proof)> {
        let proof = |index| self.proofs.iter().find(|it| it.0 == index).map(|it| it.1.clone());
        statements.into_iter().filter_map(|(index, it)| Some((it, proof(index)?))).collect()
    }
}

impl Signature {
    /// What its verdict is remembered under.
    fn name(&self, key: &PublicKey) -> Digest {
        let mut bytes = key.to_bytes();
        self.digest.write(&mut bytes);
        self.bytes.write(&mut bytes);
        crypto::digest(b"furikae verdict 1", &bytes)
    }
}

/// What was found true. Shared by the mempool and the execution of blocks.
#[derive(Debug, Default)]
pub struct Verdicts {
    signatures: Mutex<Generations>,
    proofs: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
}

impl Generations {
    fn has(&self, name: &Digest) -> bool {
        self.young.contains(name) || self.old.contains(name)
    }

    fn remember(&mut self, name: Digest) {
        self.young.insert(name);
        if self.young.len() >= REMEMBERED_MAX / 2 {
            self.old = core::mem::take(&mut self.young);
        }
    }
}

impl Verdicts {
    /// Whether each of these signatures is that of its key, checked together.
    #[must_use]
    pub fn all_hold(&self, signed: &[(PublicKey, Signature)]) -> bool {
        let names: Vec<Digest> = signed.iter().map(|(key, it)| it.name(key)).collect();
        let mut batch = keys::Batch::default();
        {
            let known = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
            for ((key, signature), name) in signed.iter().zip(&names) {
                if !known.has(name) {
                    batch.add(key, &signature.digest.0, &signature.bytes);
                }
            }
        }
        if !batch.verify() {
            return false;
        }
        let mut known = self.signatures.lock().unwrap_or_else(PoisonError::into_inner);
        names.into_iter().for_each(|name| known.remember(name));
        true
    }

    /// Whether each of these proofs shows its statement, checked together. A statement is not shown by a false
    /// proof because a true one is beside it.
    #[must_use]
    pub fn hold(&self, claimed: &[(Statement, Proof)]) -> Vec<bool> {
        let name = |(statement, proof): &(Statement, Proof)| {
            let mut bytes = statement.digest().to_bytes();
            crypto::sha256(&proof.0).write(&mut bytes);
            crypto::digest(b"furikae proof verdict 1", &bytes)
        };
        let names: Vec<Digest> = claimed.iter().map(name).collect();
        let mut holds: Vec<bool> = {
            let known = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
            names.iter().map(|name| known.has(name)).collect()
        };
        let unknown: Vec<usize> = (0..claimed.len()).filter(|at| !holds[*at]).collect();
        for together in unknown.chunks(TOGETHER_MAX) {
            let item = |at: &usize| (&claimed[*at].0, &claimed[*at].1);
            let items: Vec<_> = together.iter().map(item).collect();
            let false_ones = proof::check(&items, cores()).false_ones;
            let mut known = self.proofs.lock().unwrap_or_else(PoisonError::into_inner);
            for (place, at) in together.iter().enumerate() {
                if !false_ones.contains(&place) {
                    holds[*at] = true;
                    known.remember(names[*at]);
                }
            }
        }
        holds
    }

    /// Checks the proofs of several envelopes together. Each keeps what its own have shown.
    pub fn show<'a>(
        &self,
        asked: impl IntoIterator<Item = (&'a mut Witnesses, Vec<(u16, Statement)>)>,
    ) {
        let (mut all, mut claimed) = (Vec::new(), Vec::new());
        for (witnesses, statements) in asked {
            let mine = witnesses.proving(statements);
            all.push((witnesses, mine.len()));
            claimed.extend(mine);
        }
        let holds = self.hold(&claimed);
        let mut judged = claimed.iter().zip(holds);
        for (witnesses, count) in all {
            let mine = judged.by_ref().take(count).filter(|it| it.1);
            witnesses.shown.absorb(Shown::checked(mine.map(|it| it.0.0.digest())));
        }
    }
}

/// How many threads check proofs together.
fn cores() -> usize {
    static CORES: std::sync::LazyLock<usize> =
        std::sync::LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

#[cfg(test)]
mod tests {
    use crypto::keys::SecretKey;
    use types::{Bytes, ChainId, KeyId, Lane, LedgerTime, PartyId, Sender};

    use super::*;

    impl Verdicts {
        fn holds(&self, key: &PublicKey, signature: &Signature) -> bool {
            self.all_hold(&[(*key, signature.clone())])
        }
    }

    fn envelope(sequence: u64) -> Envelope {
        Envelope {
            chain: ChainId([7; 32]),
            sender: Sender::Party(PartyId(1)),
            key: KeyId(0),
            lane: Lane(0),
            sequence,
            expiry: LedgerTime(9),
            via: None,
            sealed: Digest([0; 32]),
            instructions: vec![],
        }
    }

    fn witness(class: u8, bytes: &[u8]) -> Witness {
        Witness { class, bytes: Bytes(bytes.to_vec()) }
    }

    #[test]
    fn there_is_one_witness_and_it_is_a_signature() {
        let good = witness(0, &[1; 64]);
        let of = |witnesses: &[Witness]| Witnesses::of(&envelope(0), witnesses).is_some();
        assert!(of(core::slice::from_ref(&good)));
        assert!(!of(&[]));
        assert!(!of(&[good.clone(), good.clone()]));
        assert!(!of(&[witness(1, &[1; 64])]));
        assert!(!of(&[witness(0, &[1; 63])]));
        assert!(!of(&[witness(0, &[1; 65])]));
        let shown = |it: block::Shown| Witnesses::shown(&envelope(0), &[it]).is_some();
        assert!(shown(block::Shown::Whole(good)));
        assert!(!shown(block::Shown::Dropped(Digest([1; 32]))));
    }

    #[test]
    fn a_verdict_is_of_key_envelope_and_witness_together() {
        let (secret, other) = (SecretKey::from_seed([1; 32]), SecretKey::from_seed([2; 32]));
        let sign = |secret: &SecretKey, sequence| {
            let envelope = envelope(sequence);
            let bytes = secret.sign(&envelope.digest().0);
            Witnesses::of(&envelope, [&witness(0, &bytes)]).unwrap().signatures.remove(0).1
        };
        let verdicts = Verdicts::default();
        let good = sign(&secret, 0);
        assert!(verdicts.holds(&secret.public(), &good));
        assert!(verdicts.holds(&secret.public(), &good));
        assert!(!verdicts.holds(&other.public(), &good));
        let moved = Signature { digest: envelope(1).digest(), ..good.clone() };
        assert!(!verdicts.holds(&secret.public(), &moved));
        let foreign = Signature { bytes: sign(&other, 0).bytes, ..good.clone() };
        assert!(!verdicts.holds(&secret.public(), &foreign));
        let all = [(secret.public(), good), (secret.public(), foreign)];
        assert!(!verdicts.all_hold(&all));
        assert!(verdicts.all_hold(&all[..1]));
        assert!(verdicts.all_hold(&[]));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let secret = SecretKey::from_seed([1; 32]);
        let verdicts = Verdicts::default();
        {
            let mut known = verdicts.signatures.lock().unwrap();
            for it in 0..(REMEMBERED_MAX / 2 - 1) as u64 {
                let mut name = [0; 32];
                name[..8].copy_from_slice(&it.to_be_bytes());
                known.young.insert(Digest(name));
            }
        }
        for sequence in 0..3 {
            let envelope = envelope(sequence);
            let bytes = secret.sign(&envelope.digest().0);
            let signature =
                Witnesses::of(&envelope, [&witness(0, &bytes)]).unwrap().signatures.remove(0).1;
            assert!(verdicts.holds(&secret.public(), &signature));
        }
        let known = verdicts.signatures.lock().unwrap();
        assert_eq!((known.old.len(), known.young.len()), (REMEMBERED_MAX / 2, 2));
    }
}
