//! Witnesses: an envelope stands in a block with one signature of its sender, one of the sender of each
//! envelope that it forwards, and nothing else.
//!
//! A verdict is remembered by key, envelope *and* witness, so a signature that was checked when the
//! envelope entered the mempool is not checked again, and a false one never profits from a true one.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crypto::keys;
use ledger::{Envelope, Key, Signed};
use types::{Digest, PublicKey, Wire as _, Witness};

use crate::block::Shown;

/// Signatures found true, at most; then the older half is forgotten.
const REMEMBERED_MAX: usize = 1 << 16;

/// An envelope's signature, not looked at yet.
#[derive(Clone, Debug)]
pub struct Signature {
    digest: Digest,
    bytes: [u8; 64],
}

impl Signature {
    /// The signatures among an envelope's witnesses, with the rows of their keys; `None` unless the witnesses
    /// are those, in order, and nothing else.
    #[must_use]
    pub fn of<'a>(
        envelope: &Envelope,
        witnesses: impl IntoIterator<Item = &'a Witness>,
    ) -> Option<Vec<(Option<Key>, Self)>> {
        let mut witnesses = witnesses.into_iter();
        let mut signatures = Vec::new();
        for (key, digest) in ledger::signatures(envelope) {
            let witness = witnesses.next().filter(|it| it.class == Signed::SIGNATURE)?;
            let bytes = witness.bytes.0.as_slice().try_into().ok()?;
            signatures.push((key, Self { digest, bytes }));
        }
        witnesses.next().is_none().then_some(signatures)
    }

    /// The same among witnesses in a block, of which none may be missing.
    #[must_use]
    pub fn shown(envelope: &Envelope, witnesses: &[Shown]) -> Option<Vec<(Option<Key>, Self)>> {
        let mut whole = Vec::new();
        for witness in witnesses {
            let Shown::Whole(witness) = witness else { return None };
            whole.push(witness);
        }
        Self::of(envelope, whole)
    }

    /// What its verdict is remembered under.
    fn name(&self, key: &PublicKey) -> Digest {
        let mut bytes = key.to_bytes();
        self.digest.write(&mut bytes);
        self.bytes.write(&mut bytes);
        crypto::digest(b"furikae verdict 1", &bytes)
    }
}

/// Signatures that were found true. Shared by the mempool and the execution of blocks.
#[derive(Debug, Default)]
pub struct Verdicts(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
}

impl Verdicts {
    /// Whether each of these signatures is that of its key, checked together.
    #[must_use]
    pub fn all_hold(&self, signed: &[(PublicKey, Signature)]) -> bool {
        let names: Vec<Digest> = signed.iter().map(|(key, it)| it.name(key)).collect();
        let mut batch = keys::Batch::default();
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for ((key, signature), name) in signed.iter().zip(&names) {
                if !known.young.contains(name) && !known.old.contains(name) {
                    batch.add(key, &signature.digest.0, &signature.bytes);
                }
            }
        }
        if !batch.verify() {
            return false;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            known.young.insert(name);
            if known.young.len() >= REMEMBERED_MAX / 2 {
                known.old = core::mem::take(&mut known.young);
            }
        }
        true
    }
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
        let of = |witnesses: &[Witness]| Signature::of(&envelope(0), witnesses).is_some();
        assert!(of(core::slice::from_ref(&good)));
        assert!(!of(&[]));
        assert!(!of(&[good.clone(), good.clone()]));
        assert!(!of(&[witness(1, &[1; 64])]));
        assert!(!of(&[witness(0, &[1; 63])]));
        assert!(!of(&[witness(0, &[1; 65])]));
        let shown = |it: Shown| Signature::shown(&envelope(0), &[it]).is_some();
        assert!(shown(Shown::Whole(good)));
        assert!(!shown(Shown::Dropped(Digest([1; 32]))));
    }

    #[test]
    fn a_verdict_is_of_key_envelope_and_witness_together() {
        let (secret, other) = (SecretKey::from_seed([1; 32]), SecretKey::from_seed([2; 32]));
        let sign = |secret: &SecretKey, sequence| {
            let envelope = envelope(sequence);
            let bytes = secret.sign(&envelope.digest().0);
            Signature::of(&envelope, [&witness(0, &bytes)]).unwrap().remove(0).1
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
            let mut known = verdicts.0.lock().unwrap();
            for it in 0..(REMEMBERED_MAX / 2 - 1) as u64 {
                let mut name = [0; 32];
                name[..8].copy_from_slice(&it.to_be_bytes());
                known.young.insert(Digest(name));
            }
        }
        for sequence in 0..3 {
            let envelope = envelope(sequence);
            let bytes = secret.sign(&envelope.digest().0);
            let signature = Signature::of(&envelope, [&witness(0, &bytes)]).unwrap().remove(0).1;
            assert!(verdicts.holds(&secret.public(), &signature));
        }
        let known = verdicts.0.lock().unwrap();
        assert_eq!((known.old.len(), known.young.len()), (REMEMBERED_MAX / 2, 2));
    }
}
