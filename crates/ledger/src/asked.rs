//! What an instruction that speaks of sealed amounts may ask: whether something is shown of them.

use alloc::boxed::Box;

use crypto::{
    Shown,
    statement::{Claim, Statement},
};
use types::{ChainId, Digest};

use crate::{Envelope, Stop};

/// An instruction in its place, and what was shown.
pub(crate) struct Asked<'a> {
    /// What was shown.
    pub shown: &'a Shown,
    /// Which market.
    pub chain: ChainId,
    /// The digest of its envelope.
    pub envelope: Digest,
    /// Its place in the envelope.
    pub index: u16,
}

impl Asked<'_> {
    /// A claim of this instruction.
    pub fn statement(&self, administrators_key: u32, claim: Claim) -> Statement {
        let Self { chain, envelope: instruction, index, .. } = *self;
        Statement { chain, administrators_key, instruction, index, claim }
    }

    /// Goes on if this was shown.
    ///
    /// # Errors
    /// [`Stop::Unshown`].
    pub fn require(&self, statement: Statement) -> Result<(), Stop> {
        if self.shown.contains(&statement) {
            Ok(())
        } else {
            Err(Stop::Unshown(Box::new(statement)))
        }
    }
}

/// The digest of an envelope of which something may have to be shown; zeros of all others, which never ask.
pub(crate) fn digest(envelope: &Envelope) -> Digest {
    let shows = envelope.instructions.iter().any(|it| it.has_proof(envelope.sender));
    if shows { envelope.digest() } else { Digest([0; 32]) }
}
