//! `--certificate`: how a row stood at a past moment, in a file that proves it.
//!
//! ```text
//!   a node --proof--> checked by the validators that blocks name --> the file
//!     ^ the row has not changed since: who may attests it, if that key lies here
//! ```

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crypto::proof::{AsOf, Proof};
use gateway::{Fault, Follower, View, proof::Said};
use ledger::{Instruction, Key, book::Position, issuance::Instrument, row::Row as _};
use serde::Serialize;
use types::{AccountId, InstrumentId};

use crate::{
    arguments::Door,
    desk::Desk,
    door,
    failure::{Failure, Result},
    market::{Folder, write_whole},
    proof,
};

/// Codes of a node's refusal.
const UNCHANGED: &str = "row-unchanged";
const NOT_COVERED: &str = "moment-not-covered";
/// How long to wait until a certificate covers a block of just now.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// The file, and what it shows.
#[derive(Debug, Serialize)]
pub struct Written {
    file: String,
    says: String,
    height: u64,
    time: Option<String>,
}

/// A row that is to be proved.
pub struct Wanted {
    key: Key,
    /// What it is.
    what: String,
    /// What writes it anew without changing it.
    attest: Instruction,
    /// Who may ask that, and how.
    by: &'static str,
}

impl Wanted {
    /// An account's position in an instrument.
    pub fn position((account, instrument): (AccountId, InstrumentId)) -> Self {
        Self {
            key: Position::key(&(account, instrument)),
            what: format!("{instrument} in account {account}"),
            attest: Instruction::AttestPosition { account, instrument },
            by: "its owner attests it first: the account's manager, with --as where its key lies, or by \
                 submitting attest-position",
        }
    }

    /// An instrument, with the digest of its owners.
    pub fn instrument(instrument: InstrumentId) -> Self {
        Self {
            key: Instrument::key(&instrument),
            what: format!("{instrument}"),
            attest: Instruction::AttestInstrument { instrument },
            by: "its issuer attests it first, with --as where its key lies, or by submitting \
                 attest-instrument",
        }
    }
}

/// The one position that is asked for, in a view as of the moment.
///
/// # Errors
/// Malformed, when there are several. No, when there is none and no instrument is named.
pub fn place(
    view: &View,
    account: AccountId,
    named: Option<InstrumentId>,
) -> Result<(AccountId, InstrumentId)> {
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

/// Proves how a row stood as of `as_of`. If need be, `party` attests it.
///
/// # Errors
/// No, when the row has not changed since and nobody who may attest it asks. Unreachable, when the market is. A
/// fault, when a node serves what is no such proof.
pub async fn prove(
    wanted: &Wanted,
    follower: &mut Follower,
    as_of: &str,
    (door, party): (&Door, Option<&str>),
) -> Result<(AsOf, Said)> {
    let moment = door::last(as_of)?;
    let (began, mut attested) = (Instant::now(), false);
    loop {
        let fault = match gateway::proof::as_of(follower, &wanted.key, moment).await {
            Ok(proved) => return Ok(proved),
            Err(fault) => fault,
        };
        let may_pass = match &fault {
            Fault::Refused { problem, .. } if problem.code == UNCHANGED && !attested => {
                attest(wanted, door, party).await?;
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
    }
}

/// Writes the file of a proof that says this.
///
/// # Errors
/// A fault of the disk.
pub fn write(out: &Path, proof: &Proof, said: &Said) -> Result<Written> {
    write_whole(out, &proof.to_file())?;
    let (file, says) = (out.display().to_string(), proof::words(proof, said));
    eprintln!("{file} proves: {says}");
    Ok(Written { file, says, height: said.height, time: said.time.map(door::shown) })
}

/// A party writes the row anew without changing it.
async fn attest(wanted: &Wanted, door: &Door, party: Option<&str>) -> Result<()> {
    let Some(party) = party.filter(|_| door.gateway.is_empty()) else {
        let what = format!("{} has not changed since", wanted.what);
        return Err(Failure::no(what).mend(wanted.by));
    };
    let folder = Folder::chosen(door.at.dir.as_deref())?;
    let mut desk = Desk::on(&folder, &folder.plan()?).await?;
    desk.must_have_key(party)?;
    desk.must(party, vec![wanted.attest.clone()]).await?;
    eprintln!("{party} has attested it");
    Ok(())
}
