//! Execution: one block's envelopes over its parent's state, the same for who proposes and who votes.
//!
//! ```text
//!   fetch footprints -> (height 1: genesis) -> open -> apply each envelope -> close
//!        -> rows written, changes, events -> roots and ranges -> header
//! ```
//!
//! The rules never wait: a row that is not at hand stops them, is fetched, and they are called again.
//! [`build`] leaves out what may not stand in the block; [`check`] refuses a block that holds it.

mod market;
mod rows;
mod shown;
#[cfg(test)]
mod tests;
mod witness;

use std::{convert::Infallible, sync::Arc};

use crypto::{
    changes::{self, BlockChanges},
    merkle::{self, Path, Peaks, domain},
};
use ledger::{At, Envelope, Inadmissible, Key, Missing, PEAKS_KEY, Snapshot, governance};
use store::{
    Draft, Fault, Sealed,
    state::{Engine, STATE_FORMAT, ranges},
};
use types::{Bytes, Committee, Databases, Digest, Header, PartyId, Sender, Wire};

use crate::{
    block::{BODY_MAX, Block, Body, Carried, NextCommittee, VERSION, engine_key},
    index::Index,
};
use rows::{Changed, Rows};

pub use market::{Market, Place};
pub use witness::{Signature, Verdicts, Witnesses};

/// Why an envelope may not stand where it was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Its witnesses are not those that it has to have.
    #[error("its witnesses are not those that it has to have")]
    Witnesses,
    /// One of its signatures is not that of its key.
    #[error("a signature is false")]
    Signature,
    /// The proof of its instruction at this place is false.
    #[error("the proof of its instruction {0} is false")]
    Proof(u16),
    /// The rules say no.
    #[error("it is inadmissible: {0:?}")]
    Inadmissible(Inadmissible),
    /// The block is full.
    #[error("the block is full")]
    Full,
}

/// Why a block is invalid, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Its time is not above its parent's.
    #[error("its time is not above its parent's")]
    Time,
    /// The envelope at this place may not stand there.
    #[error("envelope {0}: {1}")]
    Envelope(usize, Unfit),
    /// One of its signatures is false.
    #[error("a signature is false")]
    Signature,
    /// Its header says otherwise than its execution.
    #[error("its {0} is not what its execution gives")]
    Header(&'static str),
}

/// What executing a block gave.
pub struct Executed<E: Engine> {
    /// The state after it, not committed.
    pub sealed: Sealed<E>,
    /// What it changed.
    pub changes: Arc<BlockChanges>,
    /// The index after it.
    pub index: Index,
}

/// A block that was built here.
pub struct Built<E: Engine> {
    /// The block.
    pub block: Block,
    /// What executing it gave.
    pub executed: Executed<E>,
    /// The envelopes that were left out, and why.
    pub left_out: Vec<(Envelope, Unfit)>,
}

/// Builds a block at `place` of what is fit among `offered`, in this order.
///
/// # Errors
/// [`Fault`]; [`Fault::Stale`] when a competing block was committed.
pub async fn build<E: Engine>(
    market: &Market,
    index: Index,
    place: Place,
    offered: Vec<Carried>,
    draft: Draft<E>,
) -> Result<Built<E>, Fault> {
    let envelopes = offered.iter().map(|it| &it.envelope);
    let mut run = Run::begin(market, index, &place, envelopes, draft).await?;
    let witnesses = |it: &Carried| Witnesses::shown(&it.envelope, &it.witnesses);
    let mut stand: Vec<Option<Witnesses>> = offered.iter().map(witnesses).collect();
    let envelopes = offered.iter().map(|it| &it.envelope).zip(&mut stand);
    run.show(envelopes.filter_map(|(envelope, it)| Some((envelope, it.as_mut()?)))).await?;
    let mut body = Body { envelopes: Vec::new(), committee: None };
    let mut left_out = Vec::new();
    let mut room = BODY_MAX - 8;
    for (carried, witnesses) in offered.into_iter().zip(&mut stand) {
        let len = u32::try_from(carried.to_bytes().len()).unwrap_or(u32::MAX);
        match run.admit_alone(&carried, witnesses.as_mut(), len <= room).await? {
            Ok(()) => {
                room -= len;
                body.envelopes.push(carried);
            }
            Err(unfit) => left_out.push((carried.envelope, unfit)),
        }
    }
    let roots = (body.instructions_root(), body.witness_root());
    let (header, committee, executed) = run.end(place, roots).await?;
    body.committee = committee;
    let block = Block::new(header, body, market.form()).expect("what we build has its form");
    Ok(Built { block, executed, left_out })
}

/// Executes `block` and holds the result against its header. With `witnesses` it is a candidate, and
/// each of its signatures and proofs is checked; without, it is final or our own, and they may be missing.
///
/// Inside, why it is invalid. That its time is above its parent's is not seen here.
///
/// # Errors
/// [`Fault`]; [`Fault::Stale`] when a competing block was committed.
pub async fn check<E: Engine>(
    market: &Market,
    index: Index,
    block: &Block,
    draft: Draft<E>,
    witnesses: bool,
) -> Result<Result<Executed<E>, Invalid>, Fault> {
    let (header, body) = (block.header(), block.body());
    let place = Place::of(header);
    if header.chain != market.chain {
        return Ok(Err(Invalid::Header("chain")));
    }
    if header.height == 0 {
        return Ok(Err(Invalid::Header("height")));
    }
    let envelopes = body.envelopes.iter().map(|it| &it.envelope);
    let mut run = Run::begin(market, index, &place, envelopes, draft).await?;
    let mut all = Vec::new();
    if witnesses {
        for (at, Carried { envelope, witnesses }) in body.envelopes.iter().enumerate() {
            let Some(shown) = Witnesses::shown(envelope, witnesses) else {
                return Ok(Err(Invalid::Envelope(at, Unfit::Witnesses)));
            };
            all.push(shown);
        }
        let envelopes = body.envelopes.iter().map(|it| &it.envelope);
        run.show(envelopes.zip(&mut all)).await?;
    }
    let mut signed = Vec::new();
    for (at, carried) in body.envelopes.iter().enumerate() {
        if let Some(shown) = all.get(at) {
            signed.extend(run.signed(&shown.signatures).await?);
        }
        if let Err(unfit) = run.apply(&carried.envelope, all.get_mut(at)).await? {
            return Ok(Err(Invalid::Envelope(at, unfit)));
        }
    }
    if !market.verdicts.all_hold(&signed) {
        return Ok(Err(Invalid::Signature));
    }
    let roots = (header.instructions_root, header.witness_root);
    let (expected, _, executed) = run.end(place, roots).await?;
    Ok(match differing(header, &expected) {
        None => Ok(executed),
        Some(field) => Err(Invalid::Header(field)),
    })
}

/// A block being executed.
struct Run<'m, E: Engine> {
    market: &'m Market,
    at: At,
    rows: Rows,
    draft: Draft<E>,
}

impl<'m, E: Engine> Run<'m, E> {
    /// Fetches what will surely be asked for, and runs the prologue.
    async fn begin(
        market: &'m Market,
        index: Index,
        place: &Place,
        envelopes: impl Iterator<Item = &Envelope> + Send,
        draft: Draft<E>,
    ) -> Result<Self, Fault> {
        let at = At { time: place.time, height: place.height };
        let mut keys: Vec<Key> = envelopes.flat_map(ledger::footprint).collect();
        keys.push(PEAKS_KEY);
        let mut run = Self { market, at, rows: Rows::over(index), draft };
        run.rows.fetch(&run.draft, keys).await?;
        if place.height == 1 {
            let begin = |before: &dyn Snapshot| ledger::genesis(before, &market.genesis);
            let outcome = never(run.rows.call(&run.draft, begin).await?);
            run.rows.absorb(outcome);
        }
        let outcome = never(run.rows.call(&run.draft, |it| ledger::open(it, at)).await?);
        run.rows.absorb(outcome);
        Ok(run)
    }

    /// Runs the close, writes what changed, and computes the header.
    async fn end(
        mut self,
        place: Place,
        (instructions_root, witness_root): (Digest, Digest),
    ) -> Result<(Header, Option<NextCommittee>, Executed<E>), Fault> {
        let at = self.at;
        let outcome = never(self.rows.call(&self.draft, |it| ledger::close(it, at)).await?);
        self.rows.absorb(outcome);
        let committee = if self.market.form.is_last(place.height) {
            let all = self.rows.call(&self.draft, |it| validators(it, at)).await?;
            let epoch = place.epoch.checked_add(1).expect("epochs do not end");
            Some(Committee { epoch, validators: never(all) })
        } else {
            None
        };
        tracing::debug!(height = place.height, calls = self.rows.calls(), "a block is executed");
        let peaks = next_peaks(&self.rows, place.height, &place.parent);
        let headers_root = peaks.root(domain::HEADERS);
        self.rows.put(PEAKS_KEY, peaks.to_bytes());

        let Changed { rows, changes, events, index } = self.rows.finish(place.height);
        let mut draft = self.draft;
        for (key, row) in rows {
            draft = draft.write(key, row.as_ref());
        }
        let sealed = draft.seal(place.height).await?;
        let mut header = Header {
            version: VERSION,
            chain: self.market.chain,
            height: place.height,
            time: place.time,
            epoch: place.epoch,
            view: place.view,
            leader: place.leader,
            parent_view: place.parent_view,
            parent: place.parent,
            state_format: STATE_FORMAT,
            databases: Databases(ranges::<E>(&sealed)),
            changes_root: Digest([0; 32]),
            instructions_root,
            witness_root,
            headers_root,
        };
        let told = committee.as_ref().map(|it| Bytes(it.to_bytes()));
        let mut changes = BlockChanges { header: header.clone(), changes, events, committee: told };
        let leaves: Vec<Digest> = changes.leaves().collect();
        header.changes_root = changes::root(leaves.iter().copied());
        changes.header = header.clone();
        let committee = committee.map(|committee| {
            let last = u64::try_from(leaves.len()).expect("leaves fit memory") - 1;
            let path = Path::among(&leaves, last).expect("the committee is the last leaf");
            NextCommittee { committee, path }
        });
        let executed = Executed { sealed, changes: Arc::new(changes), index };
        Ok((header, committee, executed))
    }
}

/// The validators of the next epoch. One whose key is none could neither vote nor connect: it is left out.
fn validators(before: &dyn Snapshot, at: At) -> Result<Vec<types::Validator>, Missing> {
    let nobody = Sender::Party(PartyId(0));
    let mut all = governance::validators(&ledger::draft::Draft::over(before, at, nobody))?;
    all.retain(|it| engine_key(&it.key).is_some());
    Ok(all)
}

/// The peaks over the headers below `height`, the parent's among them.
fn next_peaks(rows: &Rows, height: u64, parent: &Digest) -> Peaks {
    let row = rows.row(&PEAKS_KEY).expect("the peaks are fetched with the first rows");
    let mut peaks = row.map_or_else(Peaks::default, |value| {
        Peaks::from_bytes(&value).expect("the peaks are what was written")
    });
    assert!(peaks.count() + 1 == height, "the peaks are over the headers below the parent");
    peaks.append(merkle::leaf(&parent.0));
    peaks
}

/// The first field in which two headers differ.
fn differing(a: &Header, b: &Header) -> Option<&'static str> {
    let fields = [
        ("version", a.version == b.version),
        ("chain", a.chain == b.chain),
        ("state format", a.state_format == b.state_format),
        ("changes root", a.changes_root == b.changes_root),
        ("headers root", a.headers_root == b.headers_root),
        ("databases", a.databases == b.databases),
        ("header", a == b),
    ];
    fields.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
}

fn never<T>(done: Result<T, Infallible>) -> T {
    match done {
        Ok(done) => done,
    }
}
