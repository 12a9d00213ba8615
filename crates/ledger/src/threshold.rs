//! Thresholds: how many administrators must ask the same before it has effect.
//!
//! ```text
//!   first asks --> Proposal { asked, by: [first] } --others ask--> enough --> effect, the proposal ends
//! ```

use alloc::vec::Vec;

use types::{Digest, InstructionId, PartyId, Wire};

use crate::{
    Stop,
    draft::Draft,
    event::Event,
    governance::{ParameterName, Roles, parameter, require_role},
    instruction::Instruction,
    reject::Reject,
    row::{Entry, Row, kind},
};

types::record! {
    /// Which administrators have asked for the same effect so far; under the id of the first who did.
    pub struct Proposal {
        /// Digest of what is asked.
        pub asked: Digest,
        /// In the order of asking.
        pub by: Vec<PartyId>,
    }
}

impl Row for Proposal {
    const KIND: u8 = kind::PROPOSAL;
    type Name = InstructionId;

    fn entries(&self, first: &InstructionId) -> Vec<Entry> {
        let mut start = asked_entry(self.asked);
        first.write(&mut start);
        alloc::vec![Entry::from_start(&start)]
    }
}

const PROPOSED: u8 = 12;

fn asked_entry(asked: Digest) -> Vec<u8> {
    let mut start = alloc::vec![PROPOSED];
    asked.write(&mut start);
    start
}

/// Whether an administrator's verb has effect now: enough administrators have asked the same.
///
/// # Errors
/// Those of [`require_role`], then [`Reject::AlreadyApproved`].
pub(crate) fn approve(
    draft: &mut Draft<'_>,
    roles: Roles,
    asked: &Instruction,
    id: InstructionId,
) -> Result<bool, Stop> {
    let party = require_role(draft, roles)?;
    let bytes = asked.to_bytes();
    let verb = bytes.first().copied().unwrap_or_default();
    let needed = parameter(draft, &ParameterName::Threshold { verb })?;
    if needed <= 1 {
        return Ok(true);
    }
    let digest = crypto::digest(b"furikae.proposal.v1", &bytes);
    let earlier = draft.walk(&asked_entry(digest)).next();
    let first = earlier.and_then(|it| Wire::read(&mut types::Reader::new(it.0.get(33..)?)).ok());
    let first: InstructionId = first.unwrap_or(id);
    let proposal = draft.get::<Proposal>(&first)?;
    let mut proposal = proposal.unwrap_or(Proposal { asked: digest, by: Vec::new() });
    if proposal.by.contains(&party) {
        return Err(Reject::AlreadyApproved { party }.into());
    }
    proposal.by.push(party);
    let given = i64::try_from(proposal.by.len()).unwrap_or(i64::MAX);
    if given >= needed {
        draft.end::<Proposal>(&first)?;
        return Ok(true);
    }
    draft.put(&first, &proposal)?;
    draft.tell(Event::Proposed { proposal: digest, by: party, given, needed });
    Ok(false)
}
