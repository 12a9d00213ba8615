//! `positions --certificate`: how one position stood at a past moment, in a file that proves it.
//!
//! ```text
//!   a node --proof--> checked by the validators that blocks name --> the file
//!     ^ the position has not changed since: its manager attests it, if its key lies here
//! ```

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crypto::proof::Proof;
use gateway::{Fault, Follower, View};
use ledger::{Instruction, book::Position, row::Row as _};
use serde::Serialize;
use types::{AccountId, InstrumentId};

use crate::{
    arguments::Positions,
    desk::Desk,
    door,
    failure::{Failure, Result},
    market::{Folder, write_whole},
};

/// Codes of a node's refusal.
const UNCHANGED: &str = "row-unchanged";
const NOT_COVERED: &str = "moment-not-covered";
/// How long to wait until a certificate covers a block of just now.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// A position: whose, and of what.
type Place = (AccountId, InstrumentId);

/// The file, and what it shows.
#[derive(Debug, Serialize)]
pub struct Written {
    file: String,
    says: String,
    height: u64,
    time: Option<String>,
}

/// The one position that is asked for, in a view as of the moment.
///
/// # Errors
/// Malformed, when there are several. No, when there is none and no instrument is named.
pub fn place(view: &View, account: AccountId, named: Option<InstrumentId>) -> Result<Place> {
    let held = view.positions().filter(|it| it.0 == account).map(|it| it.1);
    let held: Vec<_> = named.map_or_else(|| held.collect(), |it| vec![it]);
    match held.as_slice() {
        [one] => Ok((account, *one)),
        [] => Err(Failure::no(format_args!("account {account} had no position then"))
            .mend("name an instrument with --instrument: that there was none can be proved")),
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            Err(Failure::malformed("one file proves one position")
                .mend(format_args!("name one of {} with --instrument", names.join(", "))))
        }
    }
}

/// Writes the proof of how a position stood as of `as_of` to `out`.
///
/// # Errors
/// No, when the position has not changed since and nobody who may attest it asks. Unreachable, when the market
/// is. A fault, when a node serves what is no such proof, or of the disk.
pub async fn prove(
    asked: &Positions,
    mut follower: Follower,
    place: Place,
    as_of: &str,
    out: &Path,
) -> Result<Written> {
    let (moment, key) = (door::last(as_of)?, Position::key(&place));
    let (began, mut attested) = (Instant::now(), false);
    let (proof, said) = loop {
        let fault = match gateway::proof::as_of(&mut follower, &key, moment).await {
            Ok(proved) => break proved,
            Err(fault) => fault,
        };
        let may_pass = match &fault {
            Fault::Refused { problem, .. } if problem.code == UNCHANGED && !attested => {
                attest(asked, place).await?;
                attested = true;
                continue;
            }
            Fault::Refused { problem, .. } => [UNCHANGED, NOT_COVERED].contains(&&*problem.code),
            // So are nodes that make as many proofs as they may.
            Fault::Unreachable { .. } => true,
            _ => false,
        };
        if !may_pass || began.elapsed() > PATIENCE {
            return Err(fault.into());
        }
        tokio::time::sleep(PAUSE).await;
    };
    write_whole(out, &Proof::AsOf(proof).to_file())?;
    let file = out.display().to_string();
    eprintln!("{file} proves, as of {as_of}: {}", said.says);
    let time = said.time.map(door::shown);
    Ok(Written { file, says: said.says, height: said.height, time })
}

/// The manager of the account writes the position anew without changing it.
async fn attest(asked: &Positions, (account, instrument): Place) -> Result<()> {
    let Some(party) = asked.party.as_deref().filter(|_| asked.door.gateway.is_empty()) else {
        let what = format!("{instrument} in account {account} has not changed since");
        return Err(Failure::no(what).mend(
            "its owner attests it first: the account's manager, with --as where its key lies, or by \
             submitting attest-position",
        ));
    };
    let folder = Folder::chosen(asked.door.at.dir.as_deref())?;
    let mut desk = Desk::on(&folder, &folder.plan()?).await?;
    desk.must_have_key(party)?;
    desk.must(party, vec![Instruction::AttestPosition { account, instrument }]).await?;
    eprintln!("{party} has attested it");
    Ok(())
}
