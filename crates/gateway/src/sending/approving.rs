//! What a second person must approve: kept until then, and signed once.

use ledger::Instruction;

use super::{Asked, Request, Sending, Taken};
use crate::{
    Fault,
    outbox::{Approval, Decision, State, Submission, Wording},
};

/// What came of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// So it stands: decided now, or decided so before.
    Stands(Approval),
    /// It was decided otherwise before.
    Otherwise(Approval),
    /// There is no such request.
    Unknown,
    /// One of its instructions is longer than an envelope may be.
    TooLong,
}

impl Sending {
    /// Keeps a request until a second person decides about it: durable when this returns, and without effect.
    ///
    /// # Errors
    /// [`Fault::Database`]. Asked again under its key, it is kept once.
    pub async fn take_to_approve(
        &self,
        request: Request,
        wording: &Wording,
    ) -> Result<Taken, Fault> {
        let Request { user, key, digest, asked } = request;
        let _one_after_another = self.signer.lock().await;
        if let Some(known) = self.outbox.find(&user, &key).await? {
            return Ok(if known.digest == digest { Taken::Known(known) } else { Taken::Other });
        }
        if let Asked::Instructions(all) = asked
            && super::envelopes_of(all).is_none()
        {
            return Ok(Taken::TooLong);
        }
        let approval = Some(State::Waiting);
        let submission = Submission { user, key, digest, ids: Vec::new(), approval };
        self.outbox.keep_waiting(&submission, wording).await?;
        Ok(Taken::New(submission))
    }

    /// Decides about request `number`, which holds these instructions. When this returns, what was approved will
    /// have its effect, or be refused by the rules, once. Must not be asked before the newest block is known.
    ///
    /// # Errors
    /// [`Fault::Database`]. Decided again, it is decided once.
    pub async fn decide(
        &self,
        number: u64,
        decision: Decision,
        instructions: Vec<Instruction>,
    ) -> Result<Ruling, Fault> {
        let mut signer = self.signer.lock().await;
        let Some(of) = self.outbox.approval(number).await? else { return Ok(Ruling::Unknown) };
        if of.state == State::Waiting {
            let envelopes = match decision.approved {
                true => match self.sign(&mut signer, Asked::Instructions(instructions)).await? {
                    Some(envelopes) => envelopes,
                    None => return Ok(Ruling::TooLong),
                },
                false => Vec::new(),
            };
            let ids: Vec<_> = envelopes.iter().flat_map(super::ids).collect();
            // Another process may have decided in between: what is written says it.
            self.outbox.decide(&of, decision.clone(), (&ids, &envelopes)).await?;
            self.grown.notify_one();
        }
        let Some(now) = self.outbox.approval(number).await? else { return Ok(Ruling::Unknown) };
        let so = matches!(
            (&now.state, decision.approved),
            (State::Approved(_), true) | (State::Rejected(_), false)
        );
        Ok(if so { Ruling::Stands(now) } else { Ruling::Otherwise(now) })
    }

    /// The request with this number.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn approval(&self, number: u64) -> Result<Option<Approval>, Fault> {
        self.outbox.approval(number).await
    }

    /// Requests in a state, as [`crate::outbox::Outbox::approvals`] has them.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn approvals(
        &self,
        state: &str,
        after: u64,
        most: (u32, usize),
    ) -> Result<Vec<Approval>, Fault> {
        self.outbox.approvals(state, after, most).await
    }
}

#[cfg(test)]
mod tests;
