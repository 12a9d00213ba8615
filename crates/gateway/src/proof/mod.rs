//! Proofs for people: receipts made from what nodes serve, and what a proof says in the market's words.

mod registry;

pub use registry::{owners, registry};

use crypto::{
    certificate::{Certified, NotCertified},
    proof::{AsOf, False, Moment, Proof, Receipt, State},
};
use ledger::{
    Event, Key,
    book::{Movement, Position},
    issuance::Instrument,
    row::Row,
};
use types::{AccountId, InstructionId, InstrumentId, LedgerTime, Reader, Wire as _};

use crate::{Answer, Committees, Fault, Follower, Last, view::open};

/// So many blocks may lie between one and the later one that is certified.
const BLOCKS_MAX: u64 = 1_024;

/// What a proof says, once it is shown to be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// In words.
    pub says: String,
    /// At which height it was so.
    pub height: u64,
    /// When; `None` of a proof that names a height alone.
    pub time: Option<LedgerTime>,
}

/// Why a proof shows nothing, in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nothing {
    /// It is false.
    #[error("{0}")]
    False(#[from] False),
    /// The newest validators that are known have not certified it; others may have been named since.
    #[error("{why}, by the validators of epoch {known_to}; it is of epoch {epoch}")]
    OtherValidators {
        /// What is wrong by those that are known.
        why: NotCertified,
        /// The last epoch whose validators are known.
        known_to: u64,
        /// The epoch of its certificate.
        epoch: u64,
    },
    /// It holds, and what it shows is no settlement and no row that is known here.
    #[error("what it shows is not known to this version")]
    Unknown,
    /// It holds, and the row is none of a security that was listed then.
    #[error("it shows no security that was listed then")]
    NoRegistry,
    /// It holds, and the owners beside it are not those whose digest the row has.
    #[error("the owners are not those, or not all of them, that the ledger had")]
    OtherOwners,
}

/// Makes the receipt of an instruction that settled at `height`, from what nodes serve.
///
/// # Errors
/// [`Fault::Unreachable`], [`Fault::Refused`]; [`Fault::NotUnderstood`], [`Fault::NotCertified`], when what is
/// served does not show it.
pub async fn receipt(
    follower: &Follower,
    id: InstructionId,
    height: u64,
) -> Result<Receipt, Fault> {
    let blocks = certified(follower, height).await?;
    let fault = |why: &str| Fault::NotCertified { height, why: why.into() };
    let told = blocks.first().into_iter().flat_map(|it| &it.changes.events);
    let settled = told.zip(0..).find(|(it, _)| settles(&it.0).is_some_and(|it| it.0 == id));
    let (_, place) =
        settled.ok_or_else(|| fault("it does not tell that the instruction settled"))?;
    let receipt = Receipt::of(&blocks, place).ok_or_else(|| fault("its receipt cannot be made"))?;
    let epoch = receipt.headers.last().map(|it| it.epoch).unwrap_or_default();
    let committee = follower.committee(epoch);
    let committee = committee.ok_or_else(|| fault("the validators of its epoch are not known"))?;
    receipt.check(&follower.chain(), committee).map_err(|why| fault(&why.to_string()))?;
    Ok(receipt)
}

/// How the row of `key` stood at a moment, proved by what a node serves.
///
/// # Errors
/// [`Fault::Unreachable`]; [`Fault::Refused`], by code: `row-unchanged` when the row has to be attested first,
/// `moment-not-covered` when no certified block is later yet; [`Fault::NotUnderstood`], when what is served is
/// no such proof; [`Fault::NotCertified`], when it is false.
pub async fn as_of(
    follower: &mut Follower,
    key: &Key,
    moment: Last,
) -> Result<(AsOf, Said), Fault> {
    let asked = match moment {
        Last::Height(height) => format!("as_of={height}"),
        Last::Time(time) => format!("time={}", time.0),
    };
    let path = format!("/v1/proofs/{}?{asked}", hex::encode(key.0));
    let Answer { url, status, body } = follower.doors().get(&path).await?;
    if !status.is_success() {
        let problem = serde_json::from_slice(&body).unwrap_or_default();
        return Err(Fault::Refused { url, status: status.as_u16(), problem });
    }
    let not = |why: String| Fault::NotUnderstood { url: url.clone(), why };
    let Proof::AsOf(proof) = Proof::from_file(&body).map_err(|why| not(why.to_string()))? else {
        return Err(not("a proof of something else".into()));
    };
    if !is_of(&proof, key, moment) {
        return Err(not("a proof of another row or moment".into()));
    }
    // The newest certified block may stand in an epoch that was not followed to yet.
    follower.catch_up().await?;
    let (height, epoch) = (proof.newest.height, proof.newest.epoch);
    let fault = |why: String| Fault::NotCertified { height, why };
    let committee = follower.committee(epoch);
    let committee =
        committee.ok_or_else(|| fault("the validators of its epoch are not known".into()))?;
    let height = proof.check(&follower.chain(), committee).map_err(|why| fault(why.to_string()))?;
    let said = stood(&proof, height).ok_or_else(|| not(Nothing::Unknown.to_string()))?;
    Ok((proof, said))
}

/// Whether a proof is about this row at this moment.
fn is_of(proof: &AsOf, key: &Key, moment: Last) -> bool {
    let same = match (&proof.moment, moment) {
        (Moment::Height(it), Last::Height(asked)) => *it == asked,
        (Moment::Time { time, .. }, Last::Time(asked)) => *time == asked,
        _ => false,
    };
    proof.key == key.0 && same
}

/// The block at `height` and those after it, to the first with a certificate.
async fn certified(follower: &Follower, height: u64) -> Result<Vec<Certified>, Fault> {
    let mut blocks: Vec<Certified> = Vec::new();
    for height in (height..).take(usize::try_from(BLOCKS_MAX).unwrap_or(usize::MAX)) {
        let answer = follower.doors().get(&format!("/v1/blocks/{height}")).await?;
        if !answer.status.is_success() {
            let tried = vec![format!("{} has no block {height} yet", answer.url)];
            return Err(Fault::Unreachable { tried });
        }
        let block = Certified::from_bytes(&answer.body).map_err(|why| Fault::NotUnderstood {
            url: answer.url,
            why: format!("block {height}: {why}"),
        })?;
        let ends = block.certificate.is_some();
        blocks.push(block);
        if ends {
            return Ok(blocks);
        }
    }
    let why = format!("none of the {BLOCKS_MAX} blocks from it on is certified");
    Err(Fault::NotCertified { height, why })
}

/// What kind of proof it is: `receipt`, `as-of` or `registry`.
#[must_use]
pub const fn kind(proof: &Proof) -> &'static str {
    match proof {
        Proof::Receipt(_) => "receipt",
        Proof::AsOf(_) => "as-of",
        Proof::Registry(_) => "registry",
    }
}

/// Shows that a proof is true by the validators of its epoch, and says what it shows.
///
/// # Errors
/// [`Nothing`].
pub fn said(proof: &Proof, committees: &Committees) -> Result<Said, Nothing> {
    let epoch = proof.certified().map(|it| it.epoch).unwrap_or_default();
    let (chain, committee) = (&committees.chain(), committees.of(epoch));
    let known_to = committees.known_to();
    let others = |why: False| match why {
        False::NotCertified(
            why @ (NotCertified::OtherCommittee
            | NotCertified::TooFew
            | NotCertified::WrongSignature),
        ) if epoch > known_to => Nothing::OtherValidators { why, known_to, epoch },
        why => Nothing::False(why),
    };
    match proof {
        Proof::Receipt(it) => {
            let header = it.check(chain, &committee).map_err(others)?;
            let (id, counterpart, movements) = settles(&it.event.0).ok_or(Nothing::Unknown)?;
            let says = settlement(id, counterpart, &movements);
            let (height, time) = (header.height, Some(header.time));
            Ok(Said { says, height, time })
        }
        Proof::AsOf(it) => {
            let height = it.check(chain, &committee).map_err(others)?;
            stood(it, height).ok_or(Nothing::Unknown)
        }
        Proof::Registry(it) => {
            let height = it.row.check(chain, &committee).map_err(others)?;
            registry::whole(it, height)
        }
    }
}

/// What an event tells of a settlement, if it tells one.
fn settles(event: &[u8]) -> Option<(InstructionId, Option<InstructionId>, Vec<Movement>)> {
    match Event::from_bytes(event).ok()? {
        Event::Settled { instruction, counterpart, movements } => {
            Some((instruction, counterpart, movements))
        }
        _ => None,
    }
}

fn settlement(
    id: InstructionId,
    counterpart: Option<InstructionId>,
    movements: &[Movement],
) -> String {
    let moved = movements.iter().map(|it| {
        let Movement { instrument, from, to, amount } = it;
        format!("{} units of {instrument} from {from} to {to}", open(amount))
    });
    let with = counterpart.map(|it| format!(" with {it}")).unwrap_or_default();
    let moved = moved.collect::<Vec<_>>().join(", ");
    format!("instruction {id} settled{with}: {moved}")
}

/// What a true as-of proof says, whose moment is after the block of this height.
fn stood(proof: &AsOf, height: u64) -> Option<Said> {
    Some(said_of(proof, height, row(proof)?))
}

fn said_of(proof: &AsOf, height: u64, says: String) -> Said {
    let time = match proof.moment {
        Moment::Height(_) => None,
        Moment::Time { time, .. } => Some(time),
    };
    Said { says, height, time }
}

/// How a row stood, in words.
fn row(proof: &AsOf) -> Option<String> {
    let key = Key(proof.key);
    let what = named(&key)?;
    Some(match &proof.state {
        State::Had { value, .. } => format!("{what}: {}", value_in_words(&key, &value.0)?),
        State::WasNot { .. } => format!("{what}: there was nothing"),
        State::HadEnded { .. } => format!("{what}: it had ended"),
    })
}

fn named(key: &Key) -> Option<String> {
    let name = &mut Reader::new(key.name());
    Some(match key.kind() {
        Position::KIND => {
            let (account, instrument) = <(AccountId, InstrumentId)>::read(name).ok()?;
            format!("{instrument} in account {account}")
        }
        Instrument::KIND => format!("instrument {}", InstrumentId::read(name).ok()?),
        _ => format!("row {}", hex::encode(key.0)),
    })
}

fn value_in_words(key: &Key, value: &[u8]) -> Option<String> {
    Some(match key.kind() {
        Position::KIND => {
            let position = Position::from_bytes(value).ok()?;
            format!("{} units", open(&position.available))
        }
        Instrument::KIND => {
            let row = Instrument::from_bytes(value).ok()?;
            let (supply, digest) = (open(&row.supply), row.registry_digest);
            format!("{supply} units in circulation, registry digest {digest}")
        }
        _ => hex::encode(value),
    })
}

#[cfg(test)]
mod tests;
