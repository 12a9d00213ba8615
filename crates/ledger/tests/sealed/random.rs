//! Random days over sealed amounts, with a model beside that reads everything: after every block each position and each
//! earmark is what the model says.

use std::collections::{BTreeMap, BTreeSet};

use crypto::Amount;
use ledger::{
    Envelope, Event, Instruction as I,
    book::{Movement, Place},
    governance::ParameterName,
    issuance::Kind,
    settlement::{Covering, Legs, Priority, SealedInstructed, SealedTerms, Status},
    view_key::Reader,
};
use proptest::prelude::*;
use types::{BusinessDate, InstructionId, InstrumentId, Sender};

use crate::stage::*;

/// Units of one instrument that may come into being, so that the tests can read every sum.
const SUPPLY_MAX: u64 = 3_000;

/// Numbers of one draw, one after the other.
struct Draw([u8; 8], usize);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.1 += 1;
        usize::from(self.0[self.1 % 8].wrapping_add(u8::try_from(self.1 / 8).unwrap() * 37)) % bound
    }

    fn owner(&mut self) -> &'static str {
        OWNERS[self.below(OWNERS.len())]
    }

    fn two(&mut self) -> (&'static str, &'static str) {
        let first = self.below(OWNERS.len());
        let second = (first + 1 + self.below(OWNERS.len() - 1)) % OWNERS.len();
        (OWNERS[first], OWNERS[second])
    }
}

/// What everybody has, in the open.
#[derive(Default)]
struct Model {
    has: BTreeMap<Place, i128>,
    /// What each funded instruction has set aside.
    earmarked: BTreeSet<InstructionId>,
    /// What each instruction gives.
    gives: BTreeMap<InstructionId, Movement>,
    /// Who waits for how much to end.
    retiring: BTreeMap<InstructionId, (Place, i128)>,
    supply: BTreeMap<InstrumentId, i128>,
}

impl Model {
    fn add(&mut self, place: Place, units: i128) {
        *self.has.entry(place).or_default() += units;
        assert!(self.has[&place] >= 0, "the model proposes what is covered");
    }
}

struct Day {
    stage: Stage,
    model: Model,
    /// Terms that were thought of, for both sides to instruct.
    pairs: Vec<SealedTerms>,
    date: BusinessDate,
    /// How often what had effect.
    done: BTreeMap<&'static str, u32>,
}

fn word(account: types::AccountId) -> &'static str {
    OWNERS.iter().find(|it| crate::stage::account(it) == account).unwrap()
}

fn signed() -> InstrumentId {
    security("SIGNED")
}

impl Day {
    fn new() -> Self {
        let mut stage = Stage::new();
        stage.list(signed(), Kind::SealedSecurity, "sakura", true);
        stage.must(party("furikae"), sets(Reader::Issuer { instrument: signed() }, "issuer"));
        let within = I::SetParameter { name: ParameterName::MatchWithin, value: 3_000 };
        stage.must(party("furikae"), within);
        let (model, date) = (Model::default(), TODAY);
        let mut day = Self { stage, model, pairs: vec![], date, done: BTreeMap::new() };
        for word in OWNERS {
            for instrument in [hana(), signed(), USD] {
                day.stage.issue(instrument, word, 200);
                day.model.add((account(word), instrument), 200);
                *day.model.supply.entry(instrument).or_default() += 200;
            }
        }
        day
    }

    fn units(&self, movement: &Movement) -> u64 {
        let Amount::Sealed(sealed) = &movement.amount else { panic!("an open amount") };
        self.stage.units[&sealed.commitment]
    }

    /// What an owner can spend in the next block.
    fn spendable(&self, place: Place) -> u64 {
        let [available, closed, _] = self.stage.parts(word(place.0), place.1);
        available + closed
    }

    /// Instructions that stand, and whose.
    fn standing(&self) -> Vec<(InstructionId, SealedInstructed)> {
        rows::<SealedInstructed>(&self.stage.market)
    }

    /// What a draw asks, and by whom.
    fn ask(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        match draw.below(12) {
            0 => self.issues(draw),
            1 => self.thinks(draw),
            2..=4 => self.instructs(draw),
            5 => self.funds(draw),
            6 => self.changes(draw),
            7 => self.moves_alone(draw),
            8 => self.retires(draw),
            9 => self.decides(draw),
            10 => self.sets_together(draw),
            _ => self.administers(draw),
        }
    }

    fn issues(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        let instrument = [hana(), signed(), USD][draw.below(3)];
        let units = 1 + draw.below(90) as u64;
        let supply = self.model.supply.get(&instrument).copied().unwrap_or_default();
        if supply + i128::from(units) > i128::from(SUPPLY_MAX) || instrument != USD {
            return None;
        }
        let (account, amount) = (account(draw.owner()), Amount::Open(units as i64));
        Some((party("kinjo"), I::IssueMoney { currency: instrument, account, amount }))
    }

    /// A pair that both sides may instruct from now on, once or several times.
    fn thinks(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        let (seller, buyer) = draw.two();
        let instrument = [hana(), signed()][draw.below(2)];
        let deliver = self.stage.movement(instrument, seller, buyer, draw.below(60) as u64);
        let money = draw.below(120) as u64;
        let paid = draw.below(4) > 0;
        let pay = paid.then(|| self.stage.movement(USD, buyer, seller, money));
        let intended_date = BusinessDate(self.date.0 + draw.below(3) as u32 - 1);
        let pair = SealedTerms { intended_date, ..terms(Legs::Delivery { deliver, pay }) };
        self.pairs.push(pair);
        None
    }

    /// One side of a pair instructs, funded if it can be and draws so.
    fn instructs(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        if self.pairs.is_empty() {
            return self.thinks(draw);
        }
        let pair = self.pairs[self.pairs.len() - 1 - draw.below(self.pairs.len().min(6))].clone();
        let Legs::Delivery { deliver, pay } = &pair.legs else { panic!() };
        let (word, gives) = match draw.below(2) {
            0 => (word(deliver.from), Some(deliver)),
            _ => (word(deliver.to), pay.as_ref()),
        };
        let funded = draw.below(3) > 0;
        let gives = gives.filter(|it| funded && self.spendable(it.debit()) >= self.units(it));
        let cover = gives.map(|it| self.stage.cover(word, it.instrument));
        let hold = draw.below(8) == 0;
        Some((owner(word), settles(&SealedTerms { cover, hold, ..pair })))
    }

    fn funds(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        let mut waiting = self.standing();
        waiting.retain(|it| !it.1.funded);
        let (instruction, row) = waiting.get(draw.below(waiting.len().max(1)))?;
        let gives = row.gives.as_ref()?;
        let covered = self.spendable(gives.debit()) >= self.units(gives);
        let cover = self.stage.cover(word(gives.from), gives.instrument);
        let instruction = *instruction;
        covered.then_some((instruction.sender, I::Fund { instruction, cover }))
    }

    fn changes(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        let standing = self.standing();
        let (instruction, row) = standing.get(draw.below(standing.len().max(1)))?;
        let instruction = *instruction;
        let what = match draw.below(4) {
            0 if row.on_hold => I::Release { instruction },
            0 => I::Hold { instruction },
            1 => I::Prioritise { instruction, priority: Priority::High },
            _ => I::Cancel { instruction },
        };
        Some((instruction.sender, what))
    }

    fn moves_alone(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        let (from, to) = draw.two();
        let instrument = [hana(), signed(), USD][draw.below(3)];
        let units = draw.below(100) as u64;
        let movement = self.stage.movement(instrument, from, to, units);
        let covered = draw.below(3) > 0 && self.spendable(movement.debit()) >= units;
        let cover = covered.then(|| self.stage.cover(from, instrument));
        let alone = SealedTerms { cover, ..terms(Legs::Alone(movement)) };
        Some((owner(from), settles(&alone)))
    }

    fn retires(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        let word = draw.owner();
        let instrument = [hana(), signed(), USD][draw.below(3)];
        let units = 1 + draw.below(30) as i64;
        let covered = self.spendable((account(word), instrument)) >= units as u64;
        let cover = self.stage.cover(word, instrument);
        let retire = I::Retire { instrument, units, administrators_key: 1, cover };
        covered.then(|| (owner(word), retire))
    }

    fn decides(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        let waiting: Vec<_> = self.model.retiring.keys().copied().collect();
        let request = *waiting.get(draw.below(waiting.len().max(1)))?;
        Some((party("furikae"), I::DecideRequest { request, approved: draw.below(2) == 0 }))
    }

    /// As many of what waits for cover as the model says cover themselves together.
    fn sets_together(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        let standing: BTreeMap<InstructionId, SealedInstructed> =
            self.standing().into_iter().collect();
        let mut chosen: Vec<InstructionId> = Vec::new();
        for (id, row) in &standing {
            let counted = row.counterpart.is_some_and(|it| chosen.contains(&it));
            if row.status == Status::Pending && !counted && draw.below(4) > 0 {
                chosen.push(*id);
            }
        }
        while !chosen.is_empty() {
            let (mut sums, mut debited) = (BTreeMap::<Place, i128>::new(), BTreeSet::new());
            for id in &chosen {
                let row = &standing[id];
                let other = row.counterpart.map(|it| &standing[&it]);
                for row in [row].into_iter().chain(other) {
                    let Some(movement) = &row.gives else { continue };
                    let units = i128::from(self.units(movement));
                    *sums.entry(movement.credit()).or_default() += units;
                    if !row.funded {
                        *sums.entry(movement.debit()).or_default() -= units;
                        debited.insert(movement.debit());
                    }
                }
            }
            let short = debited.iter().any(|it| i128::from(self.spendable(*it)) + sums[it] < 0);
            if !short {
                let cover = |it: &Place| -> Covering { self.stage.covering(word(it.0), it.1) };
                let covers = debited.iter().map(cover).collect();
                let set = I::SettleTogether { instructions: chosen, covers };
                return Some((party("furikae"), set));
            }
            chosen.pop();
        }
        None
    }

    fn administers(&mut self, draw: &mut Draw) -> Option<(Sender, I)> {
        match draw.below(8) {
            0 => {
                self.date = BusinessDate(self.date.0 + 1);
                Some((party("furikae"), I::OpenDay { date: self.date }))
            }
            1 => {
                self.stage.market.pass(1_000);
                None
            }
            _ => {
                let mut waiting = self.standing();
                waiting.retain(|it| it.1.status == Status::AwaitingSignOff);
                let instruction = waiting.get(draw.below(waiting.len().max(1)))?.0;
                Some((party("furikae"), I::SignOff { instruction, approved: draw.below(4) > 0 }))
            }
        }
    }

    /// One block, and what the model makes of it.
    fn block(&mut self, envelopes: &[Envelope]) {
        let events = self.stage.block(envelopes);
        let refusals: BTreeMap<InstructionId, &str> = events
            .iter()
            .filter_map(|it| match it {
                Event::Refused { instruction, reject } => Some((*instruction, reject.code())),
                _ => None,
            })
            .collect();
        self.assert_refused_rightly(envelopes, &refusals);
        for (id, what) in envelopes.iter().flat_map(|it| it.ids().zip(&it.instructions)) {
            if !refusals.contains_key(&id) {
                self.asked(id, what);
            }
        }
        events.iter().for_each(|it| self.told(it));
        self.assert_as_the_model_says();
    }

    /// Alone in its block, what is proposed is refused for what its proposer does not look at alone; among others, also
    /// because they came before it.
    fn assert_refused_rightly(
        &self,
        envelopes: &[Envelope],
        refusals: &BTreeMap<InstructionId, &str>,
    ) {
        let set = envelopes.iter().any(|it| matches!(it.instructions[0], I::SettleTogether { .. }));
        for (id, code) in refusals {
            let envelope = envelopes.iter().find(|it| it.sender == id.sender).unwrap();
            let overtaken = ["instruction-unknown", "not-in-this-state", "set-not-allowed"];
            let allowed = match &envelope.instructions[0] {
                I::SettleTogether { .. } => overtaken.contains(code) || *code == "position-moved",
                I::Fund { .. }
                | I::Cancel { .. }
                | I::Hold { .. }
                | I::Release { .. }
                | I::Prioritise { .. }
                | I::SignOff { .. }
                | I::DecideRequest { .. }
                    if overtaken.contains(code) || *code == "request-unknown" =>
                {
                    true
                }
                I::Fund { .. } | I::Settle(_) | I::Retire { .. } => {
                    set && *code == "position-moved"
                }
                _ => false,
            };
            // Time alone can end an instruction before anything is asked.
            let timed = *code == "instruction-unknown";
            assert!(
                allowed && (envelopes.len() > 1 || timed),
                "{code}: {:?}",
                envelope.instructions
            );
        }
    }

    fn asked(&mut self, id: InstructionId, what: &I) {
        match what {
            I::Settle(ledger::settlement::Terms::Sealed(terms)) => {
                let Sender::Account(sender) = id.sender else { panic!() };
                let gives = terms.part(sender).and_then(|it| terms.gives(it)).cloned();
                if let Some(gives) = gives {
                    self.model.gives.insert(id, gives);
                    if terms.cover.is_some() {
                        self.earmark(id);
                    }
                }
            }
            I::Fund { instruction, .. } => {
                self.count("funded");
                self.earmark(*instruction);
            }
            I::SettleTogether { .. } => self.count("set"),
            I::Retire { instrument, units, .. } => {
                let Sender::Account(account) = id.sender else { panic!() };
                let place = (account, *instrument);
                self.model.add(place, -i128::from(*units));
                if instrument.is_currency() {
                    *self.model.supply.get_mut(instrument).unwrap() -= i128::from(*units);
                } else {
                    self.model.retiring.insert(id, (place, i128::from(*units)));
                }
            }
            I::IssueMoney { currency, account, amount: Amount::Open(units) } => {
                self.model.add((*account, *currency), i128::from(*units));
                *self.model.supply.get_mut(currency).unwrap() += i128::from(*units);
            }
            _ => (),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    fn earmark(&mut self, id: InstructionId) {
        let gives = self.model.gives[&id].clone();
        let units = i128::from(self.units(&gives));
        self.model.add(gives.debit(), -units);
        assert!(self.model.earmarked.insert(id), "funded once");
    }

    fn told(&mut self, event: &Event) {
        match event {
            Event::Settled { instruction, .. } => {
                self.count("settled");
                let Some(gives) = self.model.gives.remove(instruction) else { return };
                let units = i128::from(self.units(&gives));
                // A set may bring before it takes.
                self.model.add(gives.credit(), units);
                if !self.model.earmarked.remove(instruction) {
                    *self.model.has.entry(gives.debit()).or_default() -= units;
                }
            }
            Event::StatusChanged {
                instruction,
                status: status @ (Status::Cancelled | Status::Expired | Status::SignOffRefused),
            } => {
                self.count(status.name());
                let Some(gives) = self.model.gives.remove(instruction) else { return };
                let units = i128::from(self.units(&gives));
                if self.model.earmarked.remove(instruction) {
                    self.model.add(gives.debit(), units);
                }
            }
            Event::RequestDecided { request, approved } => {
                self.count(if *approved { "approved" } else { "refused" });
                let (place, units) = self.model.retiring.remove(request).unwrap();
                if *approved {
                    *self.model.supply.get_mut(&place.1).unwrap() -= units;
                } else {
                    self.model.add(place, units);
                }
            }
            _ => (),
        }
    }

    fn assert_as_the_model_says(&self) {
        for word in OWNERS {
            for instrument in [hana(), signed(), USD] {
                let says = self.model.has.get(&(account(word), instrument)).copied();
                let has = i128::from(self.stage.has(word, instrument));
                assert_eq!(has, says.unwrap_or_default(), "{word} {instrument}");
            }
        }
        for (instrument, supply) in &self.model.supply {
            let row = self.stage.market.get::<ledger::issuance::Instrument>(instrument).unwrap();
            assert_eq!(row.supply, Amount::Open(i64::try_from(*supply).unwrap()));
        }
        let funded: BTreeSet<InstructionId> =
            self.standing().iter().filter(|it| it.1.earmark().is_some()).map(|it| it.0).collect();
        assert_eq!(funded, self.model.earmarked);
    }

    /// Takes draws until a block is full or ends.
    fn run(&mut self, draws: impl IntoIterator<Item = [u8; 8]>) {
        let mut block: Vec<Envelope> = Vec::new();
        for bytes in draws {
            let mut draw = Draw(bytes, 0);
            let ends = draw.below(3) == 0;
            let asked = self.ask(&mut draw);
            let alone = |it: &(Sender, I)| block.iter().all(|other| other.sender != it.0);
            if let Some((sender, what)) = asked.filter(alone) {
                block.push(self.stage.envelope(sender, vec![what]));
            }
            if ends {
                self.block(&std::mem::take(&mut block));
            }
        }
        self.block(&block);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 12, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_random_day_is_what_its_model_says(draws in prop::collection::vec(any::<[u8; 8]>(), 1..160)) {
        Day::new().run(draws);
    }
}

#[test]
fn a_long_day_settles_much_and_is_what_its_model_says() {
    let mut state = 11_u64;
    let draws = (0..1_500).map(|_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state ^ (state >> 29)).to_be_bytes()
    });
    let mut day = Day::new();
    day.run(draws);
    for (what, least) in [
        ("settled", 150),
        ("set", 15),
        ("funded", 15),
        ("approved", 5),
        ("refused", 5),
        ("cancelled", 10),
        ("expired", 10),
        ("sign-off-refused", 3),
    ] {
        let count = day.done.get(what).copied().unwrap_or_default();
        assert!(count >= least, "{what} {count} times: {:?}", day.done);
    }
}
