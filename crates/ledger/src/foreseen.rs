//! What an envelope's proofs have to show, as far as its bytes and its readers' keys say: checked ahead, in batches.
//!
//! A proof names what stood before it, so it can be checked before anybody knows whether that will stand then.
//! The rules compare that, when its turn comes.

use alloc::vec::Vec;

use crypto::{Shown, Statement, statement::Claim};
use types::{AccountId, ChainId, Sender};

use crate::{
    At, Envelope, Instruction, Missing, Snapshot, Stop,
    asked::{self, Asked},
    book::{
        Movement,
        sealed::{self, Cover},
    },
    draft::Draft,
    settlement::{SealedInstructed, Terms, sealed::claim, sealed_amount},
    view_key,
};

/// See [`crate::statements`].
pub(crate) fn statements(
    before: &dyn Snapshot,
    chain: ChainId,
    envelope: &Envelope,
) -> Result<Vec<(u16, Statement)>, Missing> {
    let nowhere = At { time: types::LedgerTime(0), height: 0 };
    let draft = Draft::over(before, nowhere, envelope.sender);
    let shown = Shown::nothing();
    let digest = asked::digest(envelope);
    let (mut statements, mut missing) = (Vec::new(), Vec::new());
    for (index, instruction) in (0_u16..).zip(&envelope.instructions) {
        if !instruction.has_proof(envelope.sender) {
            continue;
        }
        let asked = Asked { shown: &shown, chain, envelope: digest, index };
        match statement(&draft, &asked, envelope.sender, instruction) {
            Ok(statement) => statements.extend(statement.map(|it| (index, it))),
            Err(Stop::Missing(Missing(keys))) => missing.extend(keys),
            Err(Stop::Reject(_) | Stop::Unshown(_)) => (),
        }
    }
    if missing.is_empty() { Ok(statements) } else { Err(Missing(missing)) }
}

fn statement(
    draft: &Draft<'_>,
    asked: &Asked<'_>,
    sender: Sender,
    instruction: &Instruction,
) -> Result<Option<Statement>, Stop> {
    let registration = |key| Ok(Some(view_key::registration(asked.chain, instruction, key)));
    match (instruction, sender) {
        (Instruction::OpenAccount { view_key, .. }, _) => registration(view_key),
        (Instruction::SetViewKey { view, .. }, _) => registration(view),
        (Instruction::Settle(Terms::Sealed(terms)), Sender::Account(account)) => {
            let gives = terms.part(account).and_then(|part| terms.gives(part));
            let key = terms.administrators_key;
            gives.map_or(Ok(None), |it| leg(draft, asked, it, (key, terms.cover.as_ref())))
        }
        (Instruction::Fund { instruction, cover }, _) => {
            let row = draft.get::<SealedInstructed>(instruction)?;
            let Some(row) = row else { return Ok(None) };
            let cover = (row.administrators_key, Some(cover));
            row.gives.map_or(Ok(None), |it| leg(draft, asked, &it, cover))
        }
        (
            Instruction::Retire { units, administrators_key, cover, .. },
            Sender::Account(account),
        ) => retired(draft, asked, account, (*units, *administrators_key, cover)),
        _ => Ok(None),
    }
}

fn leg(
    draft: &Draft<'_>,
    asked: &Asked<'_>,
    movement: &Movement,
    (key, cover): (u32, Option<&Cover>),
) -> Result<Option<Statement>, Stop> {
    let (_, administrators) = view_key::administrators(draft)?;
    let Some(amount) = sealed_amount(movement) else { return Ok(None) };
    let keys = sealed::readers(draft, movement, administrators.view.0)?;
    Ok(Some(asked.statement(key, claim(amount.clone(), keys, cover))))
}

fn retired(
    draft: &Draft<'_>,
    asked: &Asked<'_>,
    account: AccountId,
    (units, administrators_key, cover): (i64, u32, &Cover),
) -> Result<Option<Statement>, Stop> {
    let Ok(units) = u64::try_from(units) else { return Ok(None) };
    let (key, before) = (sealed::view_key(draft, account)?, cover.before.clone());
    Ok(Some(asked.statement(administrators_key, Claim::SpendPublic { units, key, before })))
}
