//! What stands with envelopes, held against the block as it is by now: signatures by their keys, proofs by what the
//! rules ask.

use crypto::Shown;
use ledger::{Envelope, Key, Missing, Snapshot};
use store::{Fault, state::Engine};
use types::PublicKey;

use super::{Run, Signature, Unfit, Witnesses, never, rows::Stopped};
use crate::block::Carried;

impl<E: Engine> Run<'_, E> {
    /// These signatures with their keys, as the block has them by now.
    pub(super) async fn signed(
        &mut self,
        shown: &[(Key, Signature)],
    ) -> Result<Vec<(PublicKey, Signature)>, Fault> {
        Ok(never(self.rows.call(&self.draft, |it| signed(it, shown)).await?))
    }

    /// Checks the proofs of these envelopes together, as far as what they show can be foreseen. One that is false is
    /// met again when the rules ask for it.
    pub(super) async fn show<'a>(
        &mut self,
        envelopes: impl Iterator<Item = (&'a Envelope, &'a mut Witnesses)>,
    ) -> Result<(), Fault> {
        let chain = self.market.chain;
        let mut asked = Vec::new();
        for (envelope, witnesses) in envelopes {
            if witnesses.proofs.is_empty() {
                continue;
            }
            let foresee = |before: &dyn Snapshot| ledger::statements(before, chain, envelope);
            let statements = never(self.rows.call(&self.draft, foresee).await?);
            asked.push((witnesses, statements));
        }
        self.market.verdicts.show(asked);
        Ok(())
    }

    /// Applies an envelope. What the rules ask to be shown, and is not yet, its own proofs have to show. Without
    /// witnesses it is certified: all that it needs was shown.
    pub(super) async fn apply(
        &mut self,
        envelope: &Envelope,
        mut witnesses: Option<&mut Witnesses>,
    ) -> Result<Result<(), Unfit>, Fault> {
        let certified = Shown::certified();
        loop {
            let shown = witnesses.as_ref().map_or(&certified, |it| &it.shown);
            let (chain, at) = (self.market.chain, self.at);
            let rule = |before: &dyn Snapshot| ledger::apply(before, chain, at, envelope, shown);
            let asked = match self.rows.call(&self.draft, rule).await? {
                Ok(outcome) => {
                    self.rows.absorb(outcome);
                    return Ok(Ok(()));
                }
                Err(Stopped::Inadmissible(why)) => return Ok(Err(Unfit::Inadmissible(why))),
                Err(Stopped::Unshown(statements)) => statements,
            };
            let own = witnesses.as_deref_mut().expect("what is certified asks for nothing");
            self.market.verdicts.show([(&mut *own, asked.clone())]);
            if let Some((index, _)) = asked.iter().find(|it| !own.shown.contains(&it.1)) {
                return Ok(Err(Unfit::Proof(*index)));
            }
        }
    }

    /// Applies an envelope whose signatures are checked now, if there is `room`.
    pub(super) async fn admit_alone(
        &mut self,
        carried: &Carried,
        witnesses: Option<&mut Witnesses>,
        room: bool,
    ) -> Result<Result<(), Unfit>, Fault> {
        if !room {
            return Ok(Err(Unfit::Full));
        }
        let Some(witnesses) = witnesses else { return Ok(Err(Unfit::Witnesses)) };
        let signed = self.signed(&witnesses.signatures).await?;
        if !self.market.verdicts.all_hold(&signed) {
            return Ok(Err(Unfit::Signature));
        }
        self.apply(&carried.envelope, Some(witnesses)).await
    }
}

/// Those of the signatures whose keys there are. The rules leave out what is signed with another.
fn signed(
    before: &dyn Snapshot,
    shown: &[(Key, Signature)],
) -> Result<Vec<(PublicKey, Signature)>, Missing> {
    let (mut signed, mut missing) = (Vec::new(), Vec::new());
    for (key, signature) in shown {
        match before.row(key) {
            Ok(row) => {
                let public = row.and_then(|row| ledger::signing_key(key, &row));
                signed.extend(public.map(|(public, _)| (public, signature.clone())));
            }
            Err(Missing(keys)) => missing.extend(keys),
        }
    }
    if missing.is_empty() { Ok(signed) } else { Err(Missing(missing)) }
}
