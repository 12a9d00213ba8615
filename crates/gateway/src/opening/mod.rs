//! Opening: what a participant reads of sealed amounts, block after block.
//!
//! ```text
//!   a block's changes ---.
//!   hints of envelopes ---+--> amounts of movements --> positions, each read by its handle
//!                         |                               |
//!                         '--------- breaches <-----------'
//! ```
//!
//! A position's amount is never searched: it is what stood before, plus what came, minus what went, and one
//! comparison says whether the handle reads the same. An administrator reads all, so this is its shadow
//! ledger: it checks every position and every supply, and names who signed what does not hold.

mod keys;
mod moves;
mod position;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ::proof::{Secret, reads};
use crypto::{
    Sealed,
    changes::{BlockChanges, Change},
    sealed::Point,
    statement::Stated,
};
use ledger::{
    Event, Key,
    book::{Place, sealed::SealedPosition},
    issuance::Instrument,
    row::{Row, kind},
    view_key::Reader,
};
use types::{InstructionId, InstrumentId, Wire};

pub use keys::Keys;
use moves::Moves;
pub use position::Parts;
use position::Reading;

/// Finds the amount that no hint tells: what is stated, and who reads it.
pub type Search<'s> = dyn Fn(&Stated, &Secret) -> Option<u64> + 's;

/// What should never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// In which block.
    pub height: u64,
    /// What asked for it, and so who signed.
    pub signed: Vec<InstructionId>,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The amount of a movement is not what its sealed envelope says, or is none.
    Hint {
        /// What it is; none if it cannot be found.
        amount: Option<u64>,
    },
    /// A position is below zero.
    BelowZero {
        /// Which.
        place: Place,
        /// How much it is.
        amount: i128,
    },
    /// A position does not hold what came, without what went.
    Unreadable {
        /// Which.
        place: Place,
    },
    /// All positions and earmarks of an instrument are not its supply.
    Supply {
        /// Of what.
        instrument: InstrumentId,
        /// What there is.
        held: i128,
        /// What was issued.
        supply: i128,
    },
}

/// The sealed amounts that some keys read, as of a height.
#[derive(Clone, Default)]
pub struct Opening {
    keys: Arc<Keys>,
    height: u64,
    /// Amounts by their commitments: what envelopes told, and what was found.
    amounts: BTreeMap<Point, u64>,
    positions: BTreeMap<Place, Parts>,
    /// What is earmarked by instructions that stand.
    earmarks: BTreeMap<InstructionId, (Place, u64)>,
    /// What was taken for redemption, and is not decided.
    retiring: BTreeMap<InstructionId, (Place, u64)>,
    /// Instruments that are sealed.
    sealed: BTreeSet<InstrumentId>,
    /// The number of the administrators' key that amounts are sealed under now.
    administrators_key: u32,
    /// What there is of each: in positions, earmarked, and taken for redemption.
    held: BTreeMap<InstrumentId, i128>,
    supply: BTreeMap<InstrumentId, i128>,
}

impl Opening {
    /// Nothing is read yet.
    #[must_use]
    pub fn with(keys: Keys) -> Self {
        Self { keys: Arc::new(keys), ..Self::default() }
    }

    /// Whose keys read.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Up to which height it has read.
    #[must_use]
    pub const fn height(&self) -> u64 {
        self.height
    }

    /// Takes what an envelope says of a movement's amount. It is believed only as far as the handle reads the same.
    pub fn hint(&mut self, commitment: Point, amount: u64) {
        self.amounts.insert(commitment, amount);
    }

    /// What stands in a position that the keys read.
    #[must_use]
    pub fn position(&self, place: &Place) -> Option<&Parts> {
        self.positions.get(place)
    }

    /// Every position that the keys read, in order.
    pub fn positions(&self) -> impl Iterator<Item = (&Place, &Parts)> {
        self.positions.iter()
    }

    /// What is earmarked by an instruction, and from where.
    #[must_use]
    pub fn earmark(&self, id: &InstructionId) -> Option<(Place, u64)> {
        self.earmarks.get(id).copied()
    }

    /// What is earmarked in all of a position's instructions.
    #[must_use]
    pub fn earmarked(&self, place: &Place) -> u64 {
        let of_place = self.earmarks.values().chain(self.retiring.values());
        of_place.filter(|it| it.0 == *place).map(|it| it.1).sum()
    }

    /// Reads the next block. What should never be is told.
    pub fn follow(&mut self, block: &BlockChanges, search: &Search<'_>) -> Vec<Breach> {
        let height = block.header.height;
        let mut breaches = Vec::new();
        let events: Vec<Event> =
            block.events.iter().filter_map(|it| Event::from_bytes(&it.0).ok()).collect();
        self.learn(block);
        let moves = Moves::of(self, block, &events, search, &mut breaches);
        for change in &block.changes {
            if Key(change.key).kind() == kind::SEALED_POSITION {
                self.read_position(change, height, (&moves, search), &mut breaches);
            }
        }
        moves.settle(self);
        self.check_supply(height, &moves, &mut breaches);
        self.height = height;
        breaches
    }

    /// Notes which instruments are sealed, and under which administrators' key.
    fn learn(&mut self, block: &BlockChanges) {
        for change in &block.changes {
            let (key, Some(new)) = (Key(change.key), &change.new) else { continue };
            let mut name = types::Reader::new(key.name());
            match key.kind() {
                kind::INSTRUMENT => {
                    let row = Instrument::from_bytes(&new.0);
                    if let (Ok(name), Ok(row)) = (InstrumentId::read(&mut name), row)
                        && row.kind.is_sealed()
                    {
                        self.sealed.insert(name);
                    }
                }
                kind::VIEW_KEY => {
                    if let Ok(Reader::Administrators { key }) = Reader::read(&mut name) {
                        self.administrators_key = key;
                    }
                }
                _ => (),
            }
        }
    }

    /// The units of a movement's amount: as its envelope tells if its handle reads the same, or searched for.
    fn amount(
        &mut self,
        sealed: &Sealed,
        (secret, stated): (&Secret, &Stated),
        search: &Search<'_>,
    ) -> (Option<u64>, bool) {
        let hint = self.amounts.get(&sealed.commitment).copied();
        let read = reads(stated, secret);
        if let Some(hint) = hint.filter(|it| read == Some(times_base(i128::from(*it)))) {
            return (Some(hint), true);
        }
        let found = search(stated, secret);
        match found {
            Some(found) => self.amounts.insert(sealed.commitment, found),
            None => self.amounts.remove(&sealed.commitment),
        };
        (found, hint.is_none() && found.is_some())
    }

    fn read_position(
        &mut self,
        change: &Change,
        height: u64,
        (moves, search): (&Moves, &Search<'_>),
        breaches: &mut Vec<Breach>,
    ) {
        let Some(place) = place_of(change) else { return };
        let row = |bytes: &types::Bytes| SealedPosition::from_bytes(&bytes.0).ok();
        let Some(new) = change.new.as_ref().and_then(row) else { return };
        let keys = self.keys.clone();
        let Some((secret, at)) = keys.of_position(place, new.administrators_key) else {
            return;
        };
        let old = change.old.as_ref().and_then(row);
        let before = self.positions.get(&place).copied().unwrap_or_default();
        let (came, went) = moves.of_place(&place);
        let reading = Reading { secret, place: at };
        let parts = reading.after(old.as_ref(), &new, &before, (came, went), search);
        let whole = reading.agrees(&new, &parts);
        let signed = moves.signed(&place);
        if !whole {
            breaches.push(Breach { height, signed, wrong: Wrong::Unreadable { place } });
        } else if parts.available < 0 {
            let amount = parts.available;
            breaches.push(Breach { height, signed, wrong: Wrong::BelowZero { place, amount } });
        }
        *self.held.entry(place.1).or_default() += parts.sum() - before.sum();
        self.positions.insert(place, parts);
    }

    /// Whoever reads all of an instrument sees that nothing came from nowhere.
    fn check_supply(&self, height: u64, moves: &Moves, breaches: &mut Vec<Breach>) {
        for instrument in moves.instruments() {
            let all =
                !self.keys.administrators.is_empty() || self.keys.issuer.contains_key(&instrument);
            let held = self.held.get(&instrument).copied().unwrap_or_default();
            let supply = self.supply.get(&instrument).copied().unwrap_or_default();
            if all && held != supply {
                let signed = moves.signed_of(instrument);
                breaches.push(Breach {
                    height,
                    signed,
                    wrong: Wrong::Supply { instrument, held, supply },
                });
            }
        }
    }
}

/// So many units times the base point; below zero its negative.
fn times_base(units: i128) -> Point {
    let Ok(whole) = u64::try_from(units.unsigned_abs()) else { return [255; 32] };
    let point = Sealed::of_public(whole, 0);
    let zero = Sealed::of_public(0, 0);
    let point =
        if units < 0 { zero.zip(point).and_then(|(zero, it)| zero.minus(&it)) } else { point };
    point.map_or([255; 32], |it| it.commitment)
}

fn place_of(change: &Change) -> Option<Place> {
    let key = Key(change.key);
    <SealedPosition as Row>::Name::read(&mut types::Reader::new(key.name())).ok()
}
