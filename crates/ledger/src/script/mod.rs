//! Market scripts: what a day looks like, in lines that a settlement clerk reads.
//!
//! ```text
//!   aoba   delivers 100 SAKURA from emi to yuki for 250000 JPY into aoba-cash   as s1
//!   botan  receives 100 SAKURA into yuki from emi for 250000 JPY out of botan-cash   as b1
//!   expect s1 is settled
//!
//!   text --parse--> Script { steps } --Run--> actions --> a market
//!                                     ^--- ids, events, rows --'
//! ```
//!
//! [`parse`] reads and checks a whole text and asks nobody: words become ids that are the same on every
//! run. [`Run`] asks step by step and checks what the script expects; what carries the instructions (a
//! ledger in memory, a simulated market, a network) is the caller's.

mod cast;
mod deals;
mod expect;
mod numbers;
mod orders;
mod run;
mod verbs;
mod words;

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use types::{BusinessDate, InstructionId, KeyId, PartyId};

use crate::instruction::Instruction;

use self::{cast::Cast, words::Words};

pub use self::{
    cast::{FOUNDER, account, founder, party, secret},
    expect::Expectation,
    run::{Action, Ask, Failed, Report, Rows, Run},
};

/// A script: what happens, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The date with which its market begins.
    pub date: BusinessDate,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// One step, and the line of the text where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Counted from 1.
    pub line: u32,
    /// What is done.
    pub doing: Doing,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Parties ask: each line one envelope; lines `together` without waiting for one another.
    Ask(Vec<Said>),
    /// Ledger time passes.
    Wait {
        /// How much of it, in milliseconds.
        millis: u64,
    },
    /// Blocks pass in which nobody asks.
    Blocks(u32),
    /// Something must hold.
    Expect(Expectation),
}

/// What one line asks. An id that the script gives a name to stands in it as written, and is replaced by
/// the market's own when the line runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Counted from 1.
    pub line: u32,
    /// The word of who asks.
    pub word: String,
    /// Who asks.
    pub sender: PartyId,
    /// With which of its keys.
    pub key: KeyId,
    /// What is asked.
    pub instructions: Vec<Instruction>,
    /// The code of the refusal that is expected; none when it must have effect.
    pub refused: Option<String>,
}

impl Said {
    /// The id of its instruction number `index`, as written.
    #[must_use]
    pub fn id(&self, index: u16) -> InstructionId {
        cast::written(self.line, index)
    }
}

/// Why a text is no script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadScript {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong there.
    pub what: String,
    /// What to write instead.
    pub instead: String,
}

impl core::fmt::Display for BadScript {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}: {}; {}", self.line, self.what, self.instead)
    }
}

impl core::error::Error for BadScript {}

/// What is wrong in a line, before its number is known.
#[derive(Debug)]
struct Flaw {
    what: String,
    instead: String,
}

impl Flaw {
    fn new(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { what: what.into(), instead: instead.into() }
    }

    fn at(self, line: u32) -> BadScript {
        BadScript { line, what: self.what, instead: self.instead }
    }
}

/// Most lines of a script.
pub const LINES_MAX: u32 = 100_000;

/// Reads a script.
///
/// # Errors
/// [`BadScript`], for the first line that makes no sense.
pub fn parse(text: &str) -> Result<Script, BadScript> {
    let mut reading = Reading { cast: Cast::new(), steps: Vec::new(), together: None };
    let mut last = 0;
    for (line, text) in (1..).zip(text.lines()) {
        if line > LINES_MAX {
            let what = format!("a script has at most {LINES_MAX} lines");
            return Err(Flaw::new(what, "split it").at(line));
        }
        let read = Words::of(text).and_then(|mut it| reading.line(line, &mut it));
        read.map_err(|flaw| flaw.at(line))?;
        last = line;
    }
    if reading.together.is_some() {
        return Err(
            Flaw::new("`together` is not closed", "write `end` after its last line").at(last)
        );
    }
    Ok(Script { date: reading.cast.date_of_founding(), steps: reading.steps })
}

struct Reading {
    cast: Cast,
    steps: Vec<Step>,
    together: Option<(u32, Vec<Said>)>,
}

impl Reading {
    fn line(&mut self, line: u32, words: &mut Words<'_>) -> Result<(), Flaw> {
        let Some(first) = words.peek() else { return Ok(()) };
        if first == "end" {
            return self.end(words);
        }
        let directive = ["today", "expect", "wait", "blocks", "together"].contains(&first);
        if directive && self.together.is_some() {
            let what = format!("`{first}` stands between `together` and `end`");
            return Err(Flaw::new(what, "write `end` before it"));
        }
        match first {
            "today" => self.today(words),
            "together" => {
                words.skip();
                self.together = Some((line, Vec::new()));
                words.end()
            }
            "expect" => {
                words.skip();
                let expected = expect::read(&self.cast, words)?;
                words.end()?;
                self.push(line, Doing::Expect(expected))
            }
            "wait" => {
                words.skip();
                let millis = numbers::duration(words)?;
                words.end()?;
                self.push(line, Doing::Wait { millis })
            }
            "blocks" => {
                words.skip();
                let blocks = numbers::whole(words, "how many blocks")?;
                words.end()?;
                self.push(line, Doing::Blocks(blocks))
            }
            _ => self.asks(line, words),
        }
    }

    fn push(&mut self, line: u32, doing: Doing) -> Result<(), Flaw> {
        self.steps.push(Step { line, doing });
        Ok(())
    }

    fn today(&mut self, words: &mut Words<'_>) -> Result<(), Flaw> {
        words.skip();
        let date = self.cast.date(words)?;
        words.end()?;
        if self.steps.is_empty() {
            self.cast.found(date);
            return Ok(());
        }
        Err(Flaw::new("`today` stands after the first step", "write `furikae opens day DATE`"))
    }

    fn end(&mut self, words: &mut Words<'_>) -> Result<(), Flaw> {
        words.skip();
        words.end()?;
        match self.together.take() {
            Some((line, said)) => self.push(line, Doing::Ask(said)),
            None => Err(Flaw::new("`end` without `together`", "write `together` before the lines")),
        }
    }

    fn asks(&mut self, line: u32, words: &mut Words<'_>) -> Result<(), Flaw> {
        let said = verbs::read(&mut self.cast, line, words)?;
        match &mut self.together {
            Some((_, lines)) => lines.push(said),
            None => self.push(line, Doing::Ask(alloc::vec![said]))?,
        }
        Ok(())
    }
}

/// The ids of a script as written, and those that the market gave.
type Bound = BTreeMap<InstructionId, InstructionId>;
