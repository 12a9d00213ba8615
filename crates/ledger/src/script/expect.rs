//! What a script expects of the market, and whether it holds.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use types::{AccountId, InstructionId, InstrumentId};

use super::{
    Flaw,
    cast::Cast,
    numbers::{quantity, whole},
    orders::{self, Level, Sides},
    run::Seen,
    words::Words,
};
use crate::{
    book::{self, Position},
    event::Field,
    issuance::{Instrument, Request},
    order::Pair,
    settlement::Status,
    trade::{Trade, TradeId, TradeStatus},
};

/// Something that must hold where it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// An account has exactly this of an instrument.
    Holds {
        /// The account's word.
        word: String,
        /// The account.
        account: AccountId,
        /// What, and how many units.
        held: Vec<(InstrumentId, i64)>,
    },
    /// So many units of an instrument are in circulation.
    Supply {
        /// Of what.
        instrument: InstrumentId,
        /// How many units.
        units: i64,
    },
    /// An instruction or a request stands here.
    Is {
        /// Its name.
        word: String,
        /// Its id, as written.
        id: InstructionId,
        /// Where.
        state: String,
    },
    /// A trade stands here.
    TradeIs {
        /// Its name.
        word: String,
        /// Which, its id as written.
        trade: TradeId,
        /// Where.
        state: String,
    },
    /// Two instructions did not match, because of this field.
    Differs {
        /// The later one's name.
        word: String,
        /// The later one, as written.
        id: InstructionId,
        /// The first field in which they differ.
        field: Field,
    },
    /// An instruction waits because a position is short.
    Short {
        /// Its name.
        word: String,
        /// Its id, as written.
        id: InstructionId,
        /// In which account.
        account: AccountId,
        /// Of what.
        instrument: InstrumentId,
    },
    /// This stands on a board.
    Board {
        /// Which.
        pair: Pair,
        /// The best price first, then the oldest.
        sides: Sides,
    },
    /// Two orders have met.
    Fill {
        /// Their names.
        words: [String; 2],
        /// The one that buys, and the one that sells, as written.
        orders: [InstructionId; 2],
        /// How many units, and at which price.
        level: Level,
        /// Where the instructions stand that settle it.
        state: String,
    },
    /// The step before was asked by some of the administrators that it needs.
    Proposed {
        /// How many have asked.
        given: i64,
        /// How many are needed.
        needed: i64,
    },
}

/// Where an instruction can stand, beside the states of [`Status`].
const OTHERS: [&str; 7] =
    ["done", "refused", "requested", "decided", "standing", "filled", "ended"];
const OF_TRADES: [&str; 6] = ["imported", "reported", "affirmed", "instructed", "settled", "ended"];
const FIELDS: [(&str, Field); 10] = [
    ("counterparty", Field::Counterparty),
    ("account", Field::Account),
    ("instrument", Field::Instrument),
    ("quantity", Field::Quantity),
    ("payment", Field::Payment),
    ("currency", Field::Currency),
    ("amount", Field::Amount),
    ("trade-date", Field::TradeDate),
    ("intended-date", Field::IntendedDate),
    ("trade", Field::Trade),
];

/// Reads what stands after `expect`.
pub(super) fn read(cast: &Cast, words: &mut Words<'_>) -> Result<Expectation, Flaw> {
    if words.is("supply") {
        words.must("of")?;
        let (instrument, scale) = cast.instrument(words)?;
        words.must("is")?;
        let units = units(words.next("a quantity")?, scale)?;
        return Ok(Expectation::Supply { instrument, units });
    }
    if words.is("proposed") {
        let given = whole::<u32>(words, "a number")?;
        words.must("of")?;
        let needed = whole::<u32>(words, "a number")?;
        return Ok(Expectation::Proposed { given: given.into(), needed: needed.into() });
    }
    if words.is("board") {
        let (pair, sides) = orders::board(cast, words)?;
        return Ok(Expectation::Board { pair, sides });
    }
    if words.is("fill") {
        return fill(cast, words);
    }
    let word = words.peek().unwrap_or_default();
    if cast.is_account(word) {
        return holds(cast, word, words);
    }
    let named = cast.named(words)?;
    let state = |words: &mut Words<'_>, states: &[&str]| {
        let choices: Vec<(&str, ())> = states.iter().map(|it| (*it, ())).collect();
        let next = words.peek().unwrap_or_default();
        words.choice("state", &choices).map(|()| next.to_string())
    };
    let word = word.to_string();
    match named {
        super::cast::Named::Trade { id, .. } => {
            words.must("is")?;
            Ok(Expectation::TradeIs { word, trade: id, state: state(words, &OF_TRADES)? })
        }
        super::cast::Named::Instruction(id) if words.is("is") => {
            let states: Vec<&str> = Status::ALL.iter().map(Status::name).chain(OTHERS).collect();
            Ok(Expectation::Is { word, id, state: state(words, &states)? })
        }
        super::cast::Named::Instruction(id) if words.is("differs") => {
            words.must("in")?;
            Ok(Expectation::Differs { word, id, field: words.choice("field", &FIELDS)? })
        }
        super::cast::Named::Instruction(id) => {
            words.must("short of")?;
            let (instrument, _) = cast.instrument(words)?;
            words.must("in")?;
            let account = cast.account(words)?.account;
            Ok(Expectation::Short { word, id, account, instrument })
        }
    }
}

/// `of b1 with s1 is 60 SAKURA at 250 JPY, settled`.
fn fill(cast: &Cast, words: &mut Words<'_>) -> Result<Expectation, Flaw> {
    let mut named = |before: &str| {
        words.must(before)?;
        let word = words.peek().unwrap_or_default().to_string();
        cast.instruction(words).map(|id| (word, id))
    };
    let ((buy, buy_id), (sell, sell_id)) = (named("of")?, named("with")?);
    words.must("is")?;
    let (level, _) = orders::level(cast, words)?;
    words.must(",")?;
    let states: Vec<(&str, &str)> = Status::ALL.iter().map(|it| (it.name(), it.name())).collect();
    let state = words.choice("state", &states)?.to_string();
    Ok(Expectation::Fill { words: [buy, sell], orders: [buy_id, sell_id], level, state })
}

fn holds(cast: &Cast, word: &str, words: &mut Words<'_>) -> Result<Expectation, Flaw> {
    let account = cast.account(words)?.account;
    words.must("holds")?;
    let held = words.list(|words| {
        let quantity = words.next("a quantity")?;
        let (instrument, scale) = cast.instrument(words)?;
        Ok((instrument, units(quantity, scale)?))
    })?;
    Ok(Expectation::Holds { word: word.into(), account, held })
}

fn units(word: &str, scale: u8) -> Result<i64, Flaw> {
    quantity(word, scale).map(|it| book::open(&it))
}

impl Expectation {
    /// What is otherwise than expected; `None` when it holds.
    pub(super) fn fails(&self, seen: &Seen<'_>) -> Option<String> {
        match self {
            Self::Holds { word, account, held } => held.iter().find_map(|(instrument, wanted)| {
                let row = seen.row::<Position>(&(*account, *instrument));
                let units = row.map_or(0, |row| book::open(&row.available));
                (units != *wanted).then(|| {
                    format!("{word} holds {units} units of {instrument}, expected were {wanted}")
                })
            }),
            Self::Supply { instrument, units } => {
                let row = seen.row::<Instrument>(instrument);
                let supply = row.map_or(0, |row| book::open(&row.supply));
                (supply != *units).then(|| {
                    format!("{supply} units of {instrument} are out, expected were {units}")
                })
            }
            Self::Is { word, id, state } => {
                let is = standing(seen, *id);
                (is != *state).then(|| format!("{word} is {is}, expected was {state}"))
            }
            Self::TradeIs { word, trade, state } => {
                let is =
                    seen.row::<Trade>(&seen.trade(trade)).map_or("ended", |it| of_trade(it.status));
                (is != *state).then(|| format!("{word} is {is}, expected was {state}"))
            }
            Self::Differs { word, id, field } => match seen.mismatch(*id) {
                Some(is) if is == *field => None,
                Some(is) => Some(format!("{word} differs in {is:?}, expected was {field:?}")),
                None => Some(format!("{word} differs in nothing, expected was {field:?}")),
            },
            Self::Short { word, id, account, instrument } => {
                let short = seen.is_short(*id, (*account, *instrument));
                (!short).then(|| format!("{word} is not short of {instrument} there"))
            }
            Self::Board { pair, sides } => {
                let are = seen.boards().sides(*pair);
                let (are_text, text) = (are.text(), sides.text());
                (are != *sides).then(|| {
                    format!("the board of {} is{are_text}, expected was{text}", orders::of(*pair))
                })
            }
            Self::Fill { words: [buy, sell], orders: [buy_id, sell_id], level, state } => {
                let fill = seen.boards().fill(seen.bound(*buy_id), seen.bound(*sell_id));
                let is = fill.and_then(|it| Some((it.level, seen.status(it.deliver)?.name())));
                let told = |(quantity, price): Level, state: &str| {
                    format!("{quantity} units at {price} and {state}")
                };
                (is != Some((*level, state.as_str()))).then(|| match is {
                    None => format!("{buy} and {sell} have not met"),
                    Some((level_is, is)) => format!(
                        "the fill of {buy} with {sell} is {}, expected was {}",
                        told(level_is, is),
                        told(*level, state)
                    ),
                })
            }
            Self::Proposed { given, needed } => {
                let proposed = seen.proposed();
                (proposed != Some((*given, *needed))).then(|| match proposed {
                    Some((is, of)) => {
                        format!("{is} of {of} have asked, expected were {given} of {needed}")
                    }
                    None => "nothing was proposed".into(),
                })
            }
        }
    }
}

fn standing(seen: &Seen<'_>, id: InstructionId) -> String {
    let id = seen.bound(id);
    if seen.is_refused(id) {
        return "refused".into();
    }
    if let Some(status) = seen.status(id) {
        return Status::name(&status).into();
    }
    if let Some(state) = seen.boards().of(id) {
        return state.into();
    }
    if seen.row::<Request>(&id).is_some() {
        return "requested".into();
    }
    if seen.is_decided(id) { "decided".into() } else { "done".into() }
}

const fn of_trade(status: TradeStatus) -> &'static str {
    match status {
        TradeStatus::Imported => "imported",
        TradeStatus::Reported { .. } => "reported",
        TradeStatus::Affirmed => "affirmed",
        TradeStatus::Settled => "settled",
        TradeStatus::Instructed => "instructed",
    }
}
