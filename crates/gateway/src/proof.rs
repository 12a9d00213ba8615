//! Proofs for people: receipts made from what nodes serve, and what a proof says in the market's words.

use crypto::{
    certificate::Certified,
    proof::{AsOf, False, Moment, Proof, Receipt, State},
};
use ledger::{
    Event, Key,
    book::{Movement, Position},
    issuance::Instrument,
    row::Row,
};
use types::{
    AccountId, ChainId, Committee, InstructionId, InstrumentId, LedgerTime, Reader, Validator,
    Wire as _,
};

use crate::{Fault, Follower, view::open};

/// So many blocks may lie between one and the later one that is certified.
const BLOCKS_MAX: u64 = 1_024;

/// What a proof says, once it is shown to be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `receipt` or `as-of`.
    pub kind: &'static str,
    /// In words.
    pub says: String,
    /// At which height it was so.
    pub height: u64,
    /// When; `None` of a proof that names a height alone.
    pub time: Option<LedgerTime>,
}

/// Why a proof shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nothing {
    /// It is false.
    #[error("{0}")]
    False(#[from] False),
    /// It holds, and what it shows is no settlement and no row that is known here.
    #[error("what it shows is not known to this version")]
    Unknown,
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

/// Shows that a proof is true on `chain` by these validators, and says what it shows.
///
/// # Errors
/// [`Nothing`].
pub fn said(proof: &Proof, chain: &ChainId, validators: &[Validator]) -> Result<Said, Nothing> {
    let mut validators = validators.to_vec();
    validators.sort_by_key(|it| it.key);
    let epoch = proof.certified().map(|it| it.epoch).unwrap_or_default();
    let committee = Committee { epoch, validators };
    match proof {
        Proof::Receipt(it) => {
            let header = it.check(chain, &committee)?;
            let (id, counterpart, movements) = settles(&it.event.0).ok_or(Nothing::Unknown)?;
            let says = settlement(id, counterpart, &movements);
            let (height, time) = (header.height, Some(header.time));
            Ok(Said { kind: "receipt", says, height, time })
        }
        Proof::AsOf(it) => {
            let height = it.check(chain, &committee)?;
            let time = match it.moment {
                Moment::Height(_) => None,
                Moment::Time { time, .. } => Some(time),
            };
            let says = row(it).ok_or(Nothing::Unknown)?;
            Ok(Said { kind: "as-of", says, height, time })
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

/// How a row stood, in words.
fn row(proof: &AsOf) -> Option<String> {
    let key = Key(proof.key);
    let what = named(&key)?;
    Some(match &proof.state {
        State::Had { value, .. } => format!("{what}: {}", stood(&key, &value.0)?),
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

fn stood(key: &Key, value: &[u8]) -> Option<String> {
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
