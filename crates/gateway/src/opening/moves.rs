//! What one block moves, in plain: amounts that came to a position or went from it, and who signed that.

use std::collections::{BTreeMap, BTreeSet};

use crypto::{Amount, changes::BlockChanges};
use ledger::{
    Event, Key,
    book::{Movement, Place, is_issuance_account},
    issuance::Request,
    row::kind,
    settlement::{SealedInstructed, Status, sealed_amount},
};
use types::{InstructionId, InstrumentId, Sender, Wire};

use super::{Breach, Opening, Search, Wrong};

/// What a block moves.
#[derive(Default)]
pub(super) struct Moves {
    came: BTreeMap<Place, i128>,
    went: BTreeMap<Place, i128>,
    signed: BTreeMap<Place, Vec<InstructionId>>,
    instruments: BTreeSet<InstrumentId>,
    /// Earmarks that stand now, and those that stand no more.
    earmarked: BTreeMap<InstructionId, Option<(Place, u64)>>,
    retiring: BTreeMap<InstructionId, Option<(Place, u64)>>,
    issued: BTreeMap<InstrumentId, i128>,
}

impl Moves {
    /// What this block moves, as far as the keys of `opening` read it.
    pub fn of(
        opening: &mut Opening,
        block: &BlockChanges,
        events: &[Event],
        search: &Search<'_>,
        breaches: &mut Vec<Breach>,
    ) -> Self {
        let height = block.header.height;
        let mut reads = Reads { opening, height, search, breaches };
        let mut moves = Self::default();
        for change in &block.changes {
            let (key, Some(new)) = (Key(change.key), &change.new) else { continue };
            match key.kind() {
                kind::SEALED_INSTRUCTION => {
                    let row = SealedInstructed::from_bytes(&new.0);
                    let (Some(id), Ok(row)) = (name(&key), row) else { continue };
                    let SealedInstructed { gives, funded, administrators_key, .. } = row;
                    let Some(movement) = &gives else { continue };
                    moves.stands(&mut reads, &Leg { id, movement, administrators_key }, funded);
                }
                kind::REQUEST => {
                    let row = Request::from_bytes(&new.0);
                    let (Some(id), Ok(row)) = (name(&key), row) else { continue };
                    moves.requested(reads.opening, id, &row);
                }
                _ => (),
            }
        }
        for event in events {
            moves.told(&mut reads, event);
        }
        moves
    }
}

/// A leg of an instruction, under the number of the administrators' key that it is sealed for.
struct Leg<'m> {
    id: InstructionId,
    movement: &'m Movement,
    administrators_key: u32,
}

/// What a block is read with.
struct Reads<'r, 's> {
    opening: &'r mut Opening,
    height: u64,
    search: &'r Search<'s>,
    breaches: &'r mut Vec<Breach>,
}

impl Reads<'_, '_> {
    /// The units of a leg; none if no key here reads it, or nothing can be read of it.
    fn units(&mut self, leg: &Leg<'_>) -> Option<u64> {
        let amount = sealed_amount(leg.movement)?;
        let keys = self.opening.keys.clone();
        let (secret, stated) = keys.of_movement(leg.movement, leg.administrators_key, amount)?;
        let (units, as_told) = self.opening.amount(amount, (secret, &stated), self.search);
        if !as_told {
            let (height, wrong) = (self.height, Wrong::Hint { amount: units });
            self.breaches.push(Breach { height, signed: vec![leg.id], wrong });
        }
        units
    }
}

impl Moves {
    /// An instruction that stands after the block.
    fn stands(&mut self, reads: &mut Reads<'_, '_>, leg: &Leg<'_>, funded: bool) {
        let Some(units) = reads.units(leg) else { return };
        if funded && !reads.opening.earmarks.contains_key(&leg.id) {
            let place = leg.movement.debit();
            self.go(place, units.into(), leg.id);
            self.earmarked.insert(leg.id, Some((place, units)));
        }
    }

    /// A request that stands after the block.
    fn requested(&mut self, opening: &Opening, id: InstructionId, row: &Request) {
        let Amount::Open(units) = row.quantity else { return };
        let new = row.redeem && !opening.retiring.contains_key(&id);
        if new && opening.sealed.contains(&row.instrument) {
            let place = (row.account, row.instrument);
            self.go(place, units.into(), id);
            self.retiring.insert(id, Some((place, units.unsigned_abs())));
        }
    }

    fn told(&mut self, reads: &mut Reads<'_, '_>, event: &Event) {
        match event {
            Event::Settled { instruction, movements, .. } => {
                let Sender::Account(account) = instruction.sender else { return };
                for movement in movements.iter().filter(|it| it.from == account) {
                    self.settled(reads, *instruction, movement);
                }
            }
            Event::StatusChanged {
                instruction,
                status: Status::Cancelled | Status::Expired | Status::SignOffRefused,
            } => {
                if let Some((place, units)) = reads.opening.earmarks.get(instruction) {
                    self.come(*place, (*units).into(), *instruction);
                    self.earmarked.insert(*instruction, None);
                }
            }
            Event::Moved { movement } => self.moved(reads.opening, movement),
            Event::RequestDecided { request, approved } => {
                if let Some((place, units)) = reads.opening.retiring.get(request) {
                    if !approved {
                        self.come(*place, (*units).into(), *request);
                    }
                    self.retiring.insert(*request, None);
                }
            }
            _ => (),
        }
    }

    fn settled(&mut self, reads: &mut Reads<'_, '_>, id: InstructionId, movement: &Movement) {
        let administrators_key = reads.opening.administrators_key;
        let Some(units) = reads.units(&Leg { id, movement, administrators_key }) else { return };
        if !reads.opening.earmarks.contains_key(&id) {
            self.go(movement.debit(), units.into(), id);
        }
        self.come(movement.credit(), units.into(), id);
        self.earmarked.insert(id, None);
    }

    /// Units that everybody reads: issued, or redeemed. A security that is redeemed has gone when that was requested,
    /// unless it was in this very block.
    fn moved(&mut self, opening: &Opening, movement: &Movement) {
        let Amount::Open(units) = movement.amount else { return };
        if !opening.sealed.contains(&movement.instrument) {
            return;
        }
        let issued = self.issued.entry(movement.instrument).or_default();
        self.instruments.insert(movement.instrument);
        if is_issuance_account(movement.from) {
            *issued += i128::from(units);
            *self.came.entry(movement.credit()).or_default() += i128::from(units);
            return;
        }
        *issued -= i128::from(units);
        let was_taken = (movement.debit(), units.unsigned_abs());
        if !opening.retiring.values().any(|it| *it == was_taken) {
            *self.went.entry(movement.debit()).or_default() += i128::from(units);
        }
    }

    fn come(&mut self, place: Place, units: i128, signed: InstructionId) {
        *self.came.entry(place).or_default() += units;
        self.note(place, signed);
    }

    fn go(&mut self, place: Place, units: i128, signed: InstructionId) {
        *self.went.entry(place).or_default() += units;
        self.note(place, signed);
    }

    fn note(&mut self, place: Place, signed: InstructionId) {
        self.instruments.insert(place.1);
        self.signed.entry(place).or_default().push(signed);
    }

    /// What came to a position, and what went from it.
    pub fn of_place(&self, place: &Place) -> (i128, i128) {
        let of = |all: &BTreeMap<Place, i128>| all.get(place).copied().unwrap_or_default();
        (of(&self.came), of(&self.went))
    }

    /// What moved a position.
    pub fn signed(&self, place: &Place) -> Vec<InstructionId> {
        self.signed.get(place).cloned().unwrap_or_default()
    }

    /// What moved any position in an instrument.
    pub fn signed_of(&self, instrument: InstrumentId) -> Vec<InstructionId> {
        let of_it = self.signed.iter().filter(|it| it.0.1 == instrument);
        let all: BTreeSet<InstructionId> = of_it.flat_map(|it| it.1.iter().copied()).collect();
        all.into_iter().collect()
    }

    /// The instruments of which something moved.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentId> {
        self.instruments.iter().copied()
    }

    /// Notes what is earmarked and issued after the block.
    pub fn settle(&self, opening: &mut Opening) {
        note(&mut opening.earmarks, &self.earmarked, &mut opening.held);
        note(&mut opening.retiring, &self.retiring, &mut opening.held);
        for (instrument, issued) in &self.issued {
            *opening.supply.entry(*instrument).or_default() += issued;
        }
    }
}

type Set = BTreeMap<InstructionId, (Place, u64)>;

fn note(
    all: &mut Set,
    changed: &BTreeMap<InstructionId, Option<(Place, u64)>>,
    held: &mut BTreeMap<InstrumentId, i128>,
) {
    for (id, now) in changed {
        let was = match now {
            Some(now) => all.insert(*id, *now),
            None => all.remove(id),
        };
        let of = |it: &Option<(Place, u64)>| it.map(|it| (it.0.1, i128::from(it.1)));
        let (was, now) = (of(&was).map(|it| (it.0, -it.1)), of(now));
        for (instrument, change) in [was, now].into_iter().flatten() {
            *held.entry(instrument).or_default() += change;
        }
    }
}

fn name<N: Wire>(key: &Key) -> Option<N> {
    N::read(&mut types::Reader::new(key.name())).ok()
}
