//! Running a script: what to ask next, and what has come of it.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use types::{InstructionId, KeyId, PartyId};

use super::{Bound, Doing, Said, Script, orders::Boards};
use crate::{
    book::Place,
    event::{Event, Field},
    instruction::Instruction,
    reject::Reject,
    row::{Key, Row, Value},
    settlement::{Status, Terms},
    trade::TradeId,
};

/// The rows of a market, as the caller has them.
pub trait Rows {
    /// The row under `key`; `None` if there is none.
    fn row(&self, key: &Key) -> Option<Value>;
}

/// What the caller does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these envelopes, in this order, and wait until all of them are final. Then say what happened by
    /// [`Run::asked`] and [`Run::tell`].
    Ask(Vec<Ask>),
    /// Let ledger time pass, in milliseconds, and then a block.
    Wait(u64),
    /// Let so many blocks pass.
    Blocks(u32),
}

/// One envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The line that asks.
    pub line: u32,
    /// The word of who asks.
    pub word: String,
    /// Who asks.
    pub sender: PartyId,
    /// With which of its keys.
    pub key: KeyId,
    /// What.
    pub instructions: Vec<Instruction>,
}

/// Something that the script says and the market does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The line, counted from 1.
    pub line: u32,
    /// What is otherwise.
    pub text: String,
}

/// What came of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines that asked something.
    pub lines: u32,
    /// Instructions that were refused, as expected or not.
    pub refused: u32,
    /// Expectations that held: those of `expect` lines, and of each asking line that it is refused so, or not.
    pub held: u32,
    /// Those that did not.
    pub failed: Vec<Failed>,
}

/// A script on its way through a market.
pub struct Run<'s> {
    script: &'s Script,
    next: core::slice::Iter<'s, super::Step>,
    bound: Bound,
    asked: Vec<(&'s Said, Vec<InstructionId>)>,
    known: Known,
    report: Report,
}

/// The code of an envelope whose sender has no such key.
const NOT_TAKEN: &str = "key-unknown";

/// What events have said so far.
#[derive(Default)]
struct Known {
    refused: BTreeMap<InstructionId, Reject>,
    status: BTreeMap<InstructionId, Status>,
    mismatches: BTreeMap<InstructionId, Field>,
    short: BTreeMap<InstructionId, BTreeSet<Place>>,
    decided: BTreeSet<InstructionId>,
    proposed: Option<(i64, i64)>,
    boards: Boards,
}

impl<'s> Run<'s> {
    /// A run at the script's begin.
    #[must_use]
    pub fn new(script: &'s Script) -> Self {
        let (bound, asked, known) = Default::default();
        let (next, report) = (script.steps.iter(), Report::default());
        Self { script, next, bound, asked, known, report }
    }

    /// The script.
    #[must_use]
    pub const fn script(&self) -> &'s Script {
        self.script
    }

    /// What to do next; `None` when the script is at its end. Expectations on the way are checked.
    pub fn next(&mut self, rows: &dyn Rows) -> Option<Action> {
        self.judge();
        loop {
            let step = self.next.next()?;
            match &step.doing {
                Doing::Ask(said) => return Some(Action::Ask(self.ask(said))),
                Doing::Wait { millis } => return Some(Action::Wait(*millis)),
                Doing::Blocks(blocks) => return Some(Action::Blocks(*blocks)),
                Doing::Expect(expectation) => {
                    let seen = Seen { rows, bound: &self.bound, known: &self.known };
                    let failed = expectation.fails(&seen);
                    self.note(step.line, failed);
                }
            }
        }
    }

    /// Says which ids the instructions of the last [`Action::Ask`] have, envelope by envelope. An envelope
    /// that the market did not take, because its sender has no such key, has none.
    ///
    /// # Panics
    /// When it says more or fewer envelopes than were asked.
    pub fn asked(&mut self, ids: &[Vec<InstructionId>]) {
        assert!(ids.len() == self.asked.len(), "as many envelopes were sent as were to be");
        for ((said, own), given) in self.asked.iter_mut().zip(ids) {
            for (index, id) in (0..).zip(given) {
                self.bound.insert(said.id(index), *id);
            }
            own.clone_from(given);
        }
    }

    /// Says what blocks have told, each event once, in order.
    pub fn tell<'e>(&mut self, events: impl IntoIterator<Item = &'e Event>) {
        for event in events {
            self.known.note(event);
        }
    }

    /// What came of it all.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.judge();
        self.report
    }

    fn ask(&mut self, said: &'s [Said]) -> Vec<Ask> {
        self.known.proposed = None;
        let mut all = Vec::new();
        for said in said {
            self.report.lines = self.report.lines.saturating_add(1);
            let instructions = said.instructions.iter().map(|it| bind(it, &self.bound)).collect();
            let Said { line, word, sender, key, .. } = said;
            let (word, line, sender, key) = (word.clone(), *line, *sender, *key);
            all.push(Ask { line, word, sender, key, instructions });
            self.asked.push((said, Vec::new()));
        }
        all
    }

    /// Whether what was asked last had effect, or was refused, as its line says.
    fn judge(&mut self) {
        for (said, ids) in core::mem::take(&mut self.asked) {
            let refusals = ids.iter().filter_map(|id| self.known.refused.get(id));
            let mut codes: Vec<&str> = refusals.map(Reject::code).collect();
            if ids.is_empty() {
                codes = said.instructions.iter().map(|_| NOT_TAKEN).collect();
            }
            let count = u32::try_from(codes.len()).unwrap_or(u32::MAX);
            self.report.refused = self.report.refused.saturating_add(count);
            let failed = match (&said.refused, codes.first()) {
                (None, Some(code)) => Some(format!("refused, {code}; it should have effect")),
                (Some(wanted), None) => {
                    Some(format!("it has effect; refused, {wanted} was expected"))
                }
                (Some(wanted), Some(code)) if wanted != code => {
                    Some(format!("refused, {code}; refused, {wanted} was expected"))
                }
                _ => None,
            };
            self.note(said.line, failed);
        }
    }

    fn note(&mut self, line: u32, failed: Option<String>) {
        match failed {
            None => self.report.held = self.report.held.saturating_add(1),
            Some(text) => self.report.failed.push(Failed { line, text }),
        }
    }
}

impl Known {
    fn note(&mut self, event: &Event) {
        match event {
            Event::Refused { instruction, reject } => {
                self.refused.insert(*instruction, reject.clone());
            }
            Event::StatusChanged { instruction, status } => {
                self.status.insert(*instruction, *status);
            }
            Event::Settled { instruction, .. } => {
                self.status.insert(*instruction, Status::Settled);
            }
            Event::Mismatched { instruction, field, .. } => {
                self.mismatches.insert(*instruction, *field);
            }
            Event::Short { instruction, account, instrument } => {
                self.short.entry(*instruction).or_default().insert((*account, *instrument));
            }
            Event::RequestDecided { request, .. } => {
                self.decided.insert(*request);
            }
            Event::Proposed { given, needed, .. } => self.proposed = Some((*given, *needed)),
            _ => self.boards.note(event),
        }
    }
}

/// What an expectation looks at.
pub(super) struct Seen<'a> {
    rows: &'a dyn Rows,
    bound: &'a Bound,
    known: &'a Known,
}

impl Seen<'_> {
    pub fn row<R: Row>(&self, name: &R::Name) -> Option<R> {
        R::from_bytes(&self.rows.row(&R::key(name))?).ok()
    }

    pub fn bound(&self, id: InstructionId) -> InstructionId {
        self.bound.get(&id).copied().unwrap_or(id)
    }

    pub fn trade(&self, trade: &TradeId) -> TradeId {
        bind_trade(trade, self.bound)
    }

    pub fn is_refused(&self, id: InstructionId) -> bool {
        self.known.refused.contains_key(&id)
    }

    pub fn status(&self, id: InstructionId) -> Option<Status> {
        self.known.status.get(&id).copied()
    }

    pub fn is_decided(&self, id: InstructionId) -> bool {
        self.known.decided.contains(&id)
    }

    pub fn mismatch(&self, id: InstructionId) -> Option<Field> {
        self.known.mismatches.get(&self.bound(id)).copied()
    }

    pub fn is_short(&self, id: InstructionId, place: Place) -> bool {
        self.known.short.get(&self.bound(id)).is_some_and(|it| it.contains(&place))
    }

    pub const fn boards(&self) -> &Boards {
        &self.known.boards
    }

    pub const fn proposed(&self) -> Option<(i64, i64)> {
        self.known.proposed
    }
}

/// An instruction with the market's ids in the place of those written.
fn bind(asked: &Instruction, bound: &Bound) -> Instruction {
    let mut asked = asked.clone();
    let id = |id: &mut InstructionId| *id = bound.get(id).copied().unwrap_or(*id);
    match &mut asked {
        Instruction::DecideRequest { request, .. } => id(request),
        Instruction::AmendOrder { order, .. } | Instruction::CancelOrder { order } => id(order),
        Instruction::Hold { instruction }
        | Instruction::Release { instruction }
        | Instruction::Cancel { instruction }
        | Instruction::Prioritise { instruction, .. }
        | Instruction::SignOff { instruction, .. } => id(instruction),
        Instruction::AffirmTrade { trade, .. } | Instruction::RejectTrade { trade } => {
            *trade = bind_trade(trade, bound);
        }
        Instruction::Settle(Terms::Open(terms)) => {
            terms.trade = terms.trade.as_ref().map(|it| bind_trade(it, bound));
        }
        _ => (),
    }
    asked
}

fn bind_trade(trade: &TradeId, bound: &Bound) -> TradeId {
    match trade {
        TradeId::Reported { report } => {
            TradeId::Reported { report: bound.get(report).copied().unwrap_or(*report) }
        }
        TradeId::Venue { .. } => trade.clone(),
    }
}
