//! Envelopes: what a sender signs, and what goes with it.

use types::{
    ChainId, Digest, InstructionId, KeyId, Lane, LedgerTime, PartyId, Sender, Wire, Witness,
};

use alloc::vec::Vec;

use crate::{
    forward::{self, Forwarded},
    instruction::Instruction,
};

/// Most instructions that one envelope may carry.
pub const INSTRUCTIONS_MAX: u16 = 1_024;

types::record! {
    /// Instructions of one sender, in order, under one signature.
    pub struct Envelope {
        /// For which market.
        pub chain: ChainId,
        /// Who signs.
        pub sender: Sender,
        /// With which of its keys.
        pub key: KeyId,
        /// In which of its sequences.
        pub lane: Lane,
        /// The envelope's place in that sequence: the lane's next number, or it may not stand in a block.
        pub sequence: u64,
        /// After this time it has no effect but to use up its number.
        pub expiry: LedgerTime,
        /// The venue that alone may bring it, in its own order.
        pub via: Option<PartyId>,
        /// Digest of the sealed envelope that goes with it; zeros when there is none.
        pub sealed: Digest,
        /// What is asked.
        pub instructions: Vec<Instruction>,
    }
}

/// The digest of a sealed envelope, as the envelope that it goes with names it.
#[must_use]
pub fn sealed_digest(sealed: &[u8]) -> Digest {
    crypto::digest(b"furikae.sealed-envelope.v1", sealed)
}

impl Envelope {
    /// What the sender signs, and what a witness is tied to.
    #[must_use]
    pub fn digest(&self) -> Digest {
        crypto::digest(b"furikae.envelope.v1", &self.to_bytes())
    }

    /// What it forwards.
    #[must_use]
    pub fn forwarded(&self) -> &[Forwarded] {
        match self.instructions.as_slice() {
            [Instruction::Forward { envelopes }] => envelopes,
            _ => &[],
        }
    }

    /// Whether it carries, or forwards, as many instructions as it may.
    #[must_use]
    pub fn count_fits(&self) -> bool {
        forward::count_fits(self)
    }

    /// The ids of its instructions, in order.
    pub fn ids(&self) -> impl Iterator<Item = InstructionId> + use<> {
        let Self { sender, lane, sequence, .. } = *self;
        let count = self.instructions.len();
        (0..).take(count).map(move |index| InstructionId { sender, lane, sequence, index })
    }
}

types::record! {
    /// An envelope and what shows that its sender wants it: the body that a node takes.
    pub struct Signed {
        /// What is asked.
        pub envelope: Envelope,
        /// Its signature first, then those of what it forwards, in order; then a proof for each instruction that has
        /// one, in order; then its sealed envelope, if it names one.
        pub witnesses: Vec<Witness>,
    }
}

impl Signed {
    /// The class of a witness that is a signature.
    pub const SIGNATURE: u8 = 0;
    /// The class of a witness that is a proof.
    pub const PROOF: u8 = 1;
    /// The class of a witness that is a sealed envelope.
    pub const SEALED: u8 = 2;

    /// The ids of its instructions, in order.
    pub fn ids(&self) -> impl Iterator<Item = InstructionId> + use<> {
        self.envelope.ids()
    }
}
