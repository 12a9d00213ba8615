//! What a market's certified blocks say, whoever brought them: checked, in their order, over one view.
//!
//! ```text
//!   bytes --take--> wait for a certificate --> final --lay--> view, and what the block tells
//! ```

use std::collections::VecDeque;

use crypto::changes::BlockChanges;
use ledger::{Entry, Event, Genesis, Key, Missing, Snapshot, Value};
use types::{ChainId, Committee, Header, LedgerTime, Validator, Wire as _};

use super::finality::Finality;
use crate::{Fault, View};

/// A block that is final.
#[derive(Clone, Debug)]
pub struct Final {
    /// What it changed.
    pub block: BlockChanges,
    /// What it told.
    pub events: Vec<Event>,
}

/// A market as far as its blocks were brought here. Asks nobody.
pub struct Followed {
    view: View,
    finality: Finality,
    /// Blocks that are final and not yet laid over the view.
    ready: VecDeque<BlockChanges>,
}

impl Followed {
    /// Begins with the first state of the market, and believes its first validators.
    ///
    /// # Panics
    /// When the rules miss a row of an empty state.
    #[must_use]
    pub fn from_genesis(genesis: &Genesis) -> Self {
        let mut it = Self::of_validators(genesis.chain(), genesis.validators.clone());
        let begun = ledger::genesis(&Nothing, genesis);
        let begun = begun.expect("an empty state has no row that could be missing");
        it.view.advance(0, genesis.time, begun.writes, &begun.events);
        it
    }

    /// Begins before the first block of `chain`, and believes these validators of its first epoch.
    #[must_use]
    pub fn of_validators(chain: ChainId, validators: Vec<Validator>) -> Self {
        Self::begin(Finality::new(chain, Some(validators)))
    }

    /// Begins before the first block of `chain`, and believes the validators that block 1 names.
    #[must_use]
    pub fn new(chain: ChainId) -> Self {
        Self::begin(Finality::new(chain, None))
    }

    /// Goes on after the block of `header`, whose rows `view` has, with the first committee and those that blocks have
    /// named.
    #[must_use]
    pub fn resume(view: View, header: &Header, committees: Vec<Committee>) -> Self {
        Self { view, finality: Finality::resume(header, committees), ready: VecDeque::new() }
    }

    fn begin(finality: Finality) -> Self {
        Self { view: View::new(LedgerTime(0)), finality, ready: VecDeque::new() }
    }

    /// What blocks say so far.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// Which market it is.
    #[must_use]
    pub const fn chain(&self) -> ChainId {
        self.finality.chain()
    }

    /// The validators of an epoch; `None` of one that no final block has named.
    #[must_use]
    pub fn committee(&self, epoch: u64) -> Option<&Committee> {
        self.finality.committee(epoch)
    }

    /// The height of the block that is wanted next.
    #[must_use]
    pub fn wanted(&self) -> u64 {
        self.finality.next()
    }

    /// The time of the block that is laid next, if one is final.
    #[must_use]
    pub fn next_time(&self) -> Option<LedgerTime> {
        self.ready.front().map(|it| it.header.time)
    }

    /// Forgets the blocks that are not final: who brought them is not believed any more.
    pub fn forget(&mut self) {
        self.finality.forget();
    }

    /// Takes the bytes of the next block's `Certified`.
    ///
    /// # Errors
    /// [`Fault::NotCertified`]; everything is then as it was.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let height = self.wanted();
        let accepted = self.finality.take(bytes);
        self.ready.extend(accepted.map_err(|why| Fault::NotCertified { height, why })?);
        Ok(())
    }

    /// Forgets what was told of instructions: who keeps a history reads it there.
    pub fn forget_told(&mut self) {
        self.view.forget_told();
    }

    /// Lays the next final block over the view, and gives it; `None` while none is final.
    ///
    /// # Errors
    /// [`Fault::NotCertified`], when it does not go on from this view: nothing is laid over a gap.
    pub fn lay(&mut self) -> Result<Option<Final>, Fault> {
        let Some(block) = self.ready.front() else { return Ok(None) };
        let BlockChanges { header, changes, events, .. } = block;
        let height = header.height;
        let fault = |why: &str| Fault::NotCertified { height, why: why.into() };
        if changes.iter().any(|it| it.previous != self.view.changed(&Key(it.key))) {
            return Err(fault("a row hides a change"));
        }
        let events: Result<Vec<_>, _> = events.iter().map(|it| Event::from_bytes(&it.0)).collect();
        let events = events.map_err(|_| fault("an event is not of this version"))?;
        let changes =
            changes.iter().map(|it| (Key(it.key), it.new.as_ref().map(|it| it.0.clone())));
        self.view.advance(height, header.time, changes, &events);
        Ok(self.ready.pop_front().map(|block| Final { block, events }))
    }
}

/// A state before the first.
struct Nothing;

impl Snapshot for Nothing {
    fn row(&self, _: &Key) -> Result<Option<Value>, Missing> {
        Ok(None)
    }

    fn walk(&self, _: &Entry, _: &Entry) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(std::iter::empty())
    }
}
