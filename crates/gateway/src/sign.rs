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
use ledger::{Envelope, Instruction, Signed};
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

    /// The number that the next envelope of `lane` gets.
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
        let next = self.next.entry(lane).or_default();
        let envelope = Envelope {
            chain: self.chain,
            sender: Sender::Party(self.party),
            key: self.key,
            lane,
            sequence: *next,
            expiry,
            via: None,
            sealed: Digest([0; 32]),
            instructions,
        };
        *next = next.saturating_add(1);
        let signature = self.secret.sign(&envelope.digest().0);
        let witnesses =
            vec![Witness { class: Signed::SIGNATURE, bytes: Bytes(signature.to_vec()) }];
        Signed { envelope, witnesses }
    }
}
