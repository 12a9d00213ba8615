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

/// What kind of proof it is: `receipt` or `as-of`.
#[must_use]
pub const fn kind(proof: &Proof) -> &'static str {
    match proof {
        Proof::Receipt(_) => "receipt",
        Proof::AsOf(_) => "as-of",
    }
}

/// Shows that a proof is true on `chain` by these validators, and says what it shows.
///
/// # Errors
/// [`Nothing`].
pub fn said(proof: &Proof, chain: &ChainId, validators: &[Validator]) -> Result<Said, Nothing> {
    let epoch = proof.certified().map(|it| it.epoch).unwrap_or_default();
    let committee = Committee::of(epoch, validators.to_vec());
    match proof {
        Proof::Receipt(it) => {
            let header = it.check(chain, &committee)?;
            let (id, counterpart, movements) = settles(&it.event.0).ok_or(Nothing::Unknown)?;
            let says = settlement(id, counterpart, &movements);
            let (height, time) = (header.height, Some(header.time));
            Ok(Said { says, height, time })
        }
        Proof::AsOf(it) => {
            let height = it.check(chain, &committee)?;
            let time = match it.moment {
                Moment::Height(_) => None,
                Moment::Time { time, .. } => Some(time),
            };
            let says = row(it).ok_or(Nothing::Unknown)?;
            Ok(Said { says, height, time })
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

#[cfg(test)]
mod tests {
    use crypto::{
        Amount, certificate,
        changes::{BlockChanges, Change},
        keys::SecretKey,
        proof::{Placed, ShownChange},
    };
    use types::{Bytes, Databases, Digest, Header, PartyId, PublicKey, Text};

    use super::*;

    const CHAIN: ChainId = ChainId([7; 32]);

    fn validators(secret: &SecretKey) -> Vec<Validator> {
        let address = Text::new("127.0.0.1:1").unwrap();
        vec![Validator { key: secret.public(), party: PartyId(1), address }]
    }

    /// A block that changes one row and tells one event.
    fn block(change: Change, event: &Event) -> BlockChanges {
        let nought = Digest([0; 32]);
        let header = Header {
            version: 1,
            chain: CHAIN,
            height: 5,
            time: LedgerTime(5_000),
            epoch: 3,
            view: 9,
            leader: PublicKey([0; 32]),
            parent_view: 8,
            parent: nought,
            state_format: 1,
            databases: Databases::default(),
            changes_root: nought,
            instructions_root: nought,
            witness_root: nought,
            headers_root: nought,
        };
        let events = vec![Bytes(event.to_bytes())];
        let mut block = BlockChanges { header, changes: vec![change], events, committee: None };
        block.header.changes_root = block.root();
        block
    }

    fn holding(units: i64) -> Change {
        let none = Amount::Open(0);
        let row = Position {
            available: Amount::Open(units),
            closed: none.clone(),
            closed_at: 0,
            open: none,
            open_last: 0,
            changed: 5,
            administrators_key: 0,
            split_index: 0,
        };
        let instrument = InstrumentId::parse("JPY").unwrap();
        let key = Position::key(&(AccountId([0xab; 16]), instrument)).0;
        Change { key, previous: 2, old: None, new: Some(Bytes(row.to_bytes())) }
    }

    fn certified(block: &BlockChanges, secret: &SecretKey) -> Bytes {
        let committee = Committee { epoch: 3, validators: validators(secret) };
        let secret = [SecretKey::from_seed([1; 32])];
        Bytes(certificate::sign(&block.header, &committee, &secret))
    }

    #[test]
    fn a_position_of_the_past_is_told_in_words() {
        let secret = SecretKey::from_seed([1; 32]);
        let block = block(holding(1_250), &Event::PartyAdmitted { party: PartyId(9) });
        let key = block.changes[0].key;
        let value = block.changes[0].new.clone().unwrap();
        let change = ShownChange::of(&block, &key, Placed::Newest).unwrap();
        let proof = Proof::AsOf(AsOf {
            key,
            moment: Moment::Height(5),
            state: State::Had { value, change, next: None },
            newest: block.header.clone(),
            certificate: certified(&block, &secret),
        });
        assert_eq!(kind(&proof), "as-of");
        let said = said(&proof, &CHAIN, &validators(&secret)).unwrap();
        let account = "ab".repeat(16);
        assert_eq!(said.says, format!("JPY in account {account}: 1250 units"));
        assert_eq!((said.height, said.time), (5, None));
    }

    #[test]
    fn an_event_that_is_no_settlement_proves_none() {
        let secret = SecretKey::from_seed([1; 32]);
        let changes = block(holding(1), &Event::PartyAdmitted { party: PartyId(9) });
        let certificate = Some(certified(&changes, &secret));
        let receipt = Receipt::of(&[Certified { changes, certificate }], 0).unwrap();
        assert!(receipt.check(&CHAIN, &committee_of(&secret)).is_ok());
        let proof = Proof::Receipt(receipt);
        assert_eq!(said(&proof, &CHAIN, &validators(&secret)), Err(Nothing::Unknown));
        let stranger = SecretKey::from_seed([2; 32]);
        let why = said(&proof, &CHAIN, &validators(&stranger)).unwrap_err().to_string();
        assert!(why.contains("signature"), "{why}");
    }

    fn committee_of(secret: &SecretKey) -> Committee {
        Committee { epoch: 3, validators: validators(secret) }
    }
}
