//! Signing: instructions of one party become an envelope with its place in a lane, and a signature.
//!
//! ```text
//!   instructions --> Envelope { chain, sender, lane, sequence, .. } --digest--> signature (a witness)
//! ```
//!
//! The lane's next number stands in the state. It is read once, then counted here: an envelope that
//! was handed over keeps its number, and is handed over again as it is until it stands in a block.

use std::collections::BTreeMap;

use crypto::keys::SecretKey;
use ledger::{Envelope, Instruction, Signed, forward::Forwarded};
use types::{Bytes, ChainId, Digest, KeyId, Lane, LedgerTime, PartyId, Sender, Witness};

/// Speaks for one party with one of its keys.
pub struct Signer {
    chain: ChainId,
    party: PartyId,
    key: KeyId,
    secret: SecretKey,
    next: BTreeMap<Lane, u64>,
}

impl Signer {
    /// Speaks for `party` on `chain` with its key number `key`.
    #[must_use]
    pub const fn new(chain: ChainId, party: PartyId, key: KeyId, secret: SecretKey) -> Self {
        Self { chain, party, key, secret, next: BTreeMap::new() }
    }

    /// Who it speaks for.
    #[must_use]
    pub const fn party(&self) -> PartyId {
        self.party
    }

    /// As whom it signs.
    #[must_use]
    pub const fn sender(&self) -> Sender {
        Sender::Party(self.party)
    }

    /// Whether it knows the lane's next number.
    #[must_use]
    pub fn knows(&self, lane: Lane) -> bool {
        self.next.contains_key(&lane)
    }

    /// The number that the next envelope of `lane` will have.
    #[must_use]
    pub fn next(&self, lane: Lane) -> u64 {
        self.next.get(&lane).copied().unwrap_or_default()
    }

    /// Says that the lane's next number is `next`.
    pub fn learn(&mut self, lane: Lane, next: u64) {
        self.next.insert(lane, next);
    }

    /// Signs `instructions` as the next envelope of `lane`, which begins at 0 unless it was learned.
    pub fn sign(
        &mut self,
        lane: Lane,
        instructions: Vec<Instruction>,
        expiry: LedgerTime,
    ) -> Signed {
        self.sign_via(lane, instructions, expiry, None)
    }

    /// The same for a venue, which alone may bring it.
    pub fn sign_via(
        &mut self,
        lane: Lane,
        instructions: Vec<Instruction>,
        expiry: LedgerTime,
        via: Option<PartyId>,
    ) -> Signed {
        let next = self.next.entry(lane).or_default();
        let envelope = Envelope {
            chain: self.chain,
            sender: Sender::Party(self.party),
            key: self.key,
            lane,
            sequence: *next,
            expiry,
            via,
            sealed: Digest([0; 32]),
            instructions,
        };
        *next = next.saturating_add(1);
        let witnesses = vec![self.signature(&envelope)];
        Signed { envelope, witnesses }
    }

    fn signature(&self, envelope: &Envelope) -> Witness {
        let signature = self.secret.sign(&envelope.digest().0);
        Witness { class: Signed::SIGNATURE, bytes: Bytes(signature.to_vec()) }
    }

    /// The same envelope with its number, signed with this key, if it was signed with another: for what waits when a
    /// key is replaced. One number has its effect once, whichever of them comes into a block.
    #[must_use]
    pub fn renewed(&self, signed: &Signed) -> Signed {
        if signed.envelope.key == self.key {
            return signed.clone();
        }
        let envelope = Envelope { key: self.key, ..signed.envelope.clone() };
        let others = signed.witnesses.iter().skip(1).cloned();
        let witnesses = std::iter::once(self.signature(&envelope)).chain(others).collect();
        Signed { envelope, witnesses }
    }

    /// Forwards what members have signed for this venue, in this order: `None` if one of them holds anything
    /// but orders, or has not one signature. That the signatures are true is to be seen before: a false
    /// one stops all.
    pub fn forward(
        &mut self,
        lane: Lane,
        members: &[Signed],
        expiry: LedgerTime,
    ) -> Option<Signed> {
        let envelopes = members.iter().map(|it| Forwarded::of(&it.envelope));
        let envelopes = envelopes.collect::<Option<Vec<_>>>()?;
        let signatures = members.iter().map(|it| match it.witnesses.as_slice() {
            [signature] => Some(signature.clone()),
            _ => None,
        });
        let signatures = signatures.collect::<Option<Vec<_>>>()?;
        let mut all = self.sign(lane, vec![Instruction::Forward { envelopes }], expiry);
        all.witnesses.extend(signatures);
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_when_a_key_is_replaced_is_signed_anew() {
        let secret = |it| SecretKey::from_seed([it; 32]);
        let signer = |key, it| Signer::new(ChainId([7; 32]), PartyId(3), KeyId(key), secret(it));
        let order = types::InstructionId::parse("3-0-0-0").expect("it is one");
        let asked = vec![Instruction::Hold { instruction: order }];
        let waits = signer(0, 1).sign(Lane(1), asked, LedgerTime(u64::MAX));
        assert_eq!(signer(0, 1).renewed(&waits), waits);
        let anew = signer(1, 2).renewed(&waits);
        assert_eq!(
            (anew.envelope.key, anew.envelope.sequence),
            (KeyId(1), waits.envelope.sequence)
        );
        assert_eq!(anew.envelope.instructions, waits.envelope.instructions);
        let signature = anew.witnesses[0].bytes.0.as_slice().try_into().unwrap();
        assert!(crypto::keys::verify(&secret(2).public(), &anew.envelope.digest().0, signature));
    }

    #[test]
    fn a_venue_forwards_orders_with_the_signatures_of_its_members() {
        let signer = |party: u32| {
            let secret = SecretKey::from_seed([u8::try_from(party).unwrap(); 32]);
            Signer::new(ChainId([7; 32]), PartyId(party), KeyId(0), secret)
        };
        let (mut venue, mut member) = (signer(1), signer(2));
        let sender = member.sender();
        let order = types::InstructionId { sender, lane: Lane(0), sequence: 0, index: 0 };
        let asked = vec![Instruction::CancelOrder { order }];
        let never = LedgerTime(u64::MAX);
        let ordered = member.sign_via(Lane(0), asked, never, Some(venue.party()));
        let other = member.sign(Lane(0), vec![Instruction::Hold { instruction: order }], never);
        let forwarded = venue.forward(Lane(0), &[ordered.clone(), ordered.clone()], never).unwrap();
        assert_eq!(forwarded.witnesses.len(), 3);
        for ((_, digest), (witness, party)) in ledger::signatures(&forwarded.envelope)
            .into_iter()
            .zip(forwarded.witnesses.iter().zip([1_u8, 2, 2]))
        {
            let key = SecretKey::from_seed([party; 32]).public();
            let signature = witness.bytes.0.as_slice().try_into().unwrap();
            assert!(crypto::keys::verify(&key, &digest.0, signature));
        }
        assert_eq!(venue.forward(Lane(0), &[ordered.clone(), other], never), None);
        let unsigned = Signed { witnesses: vec![], ..ordered };
        assert_eq!(venue.forward(Lane(0), &[unsigned], never), None);
        let next = venue.sign(Lane(0), vec![], never).envelope.sequence;
        assert_eq!(next, 1, "what was not forwarded has used no number");
    }
}
