//! What parties ask of the boards, what a script expects of them, and the boards as events tell them.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use types::{InstructionId, InstrumentId, Text};

use super::{
    Flaw,
    cast::Cast,
    numbers::quantity,
    verbs::{Asking, text},
    words::Words,
};
use crate::{
    book,
    event::Event,
    instruction::Instruction,
    order::{Pair, PlaceOrder},
};

type Asked = Result<Vec<Instruction>, Flaw>;

/// So many units, at so much for one lot.
pub type Level = (i64, i64);

/// Reads the rest of a line whose verb is one of this chapter's; `None` if it is not.
pub(super) fn read(it: &mut Asking<'_, '_>, verb: &str) -> Option<Asked> {
    Some(match verb {
        "bids" => places(it, true),
        "offers" => places(it, false),
        "amends" => amends(it),
        "withdraws" => it
            .cast
            .instruction(it.words)
            .map(|order| alloc::vec![Instruction::CancelOrder { order }]),
        _ => return None,
    })
}

/// `opens board of SAKURA in JPY [lot 100] [tick 5]`.
pub(super) fn opens_board(it: &mut Asking<'_, '_>) -> Asked {
    let ((instrument, currency), [lot, tick]) = pair(it.cast, it.words)?;
    let mut step = |word: &str, scale: u8| match it.words.is(word) {
        true => units(it.words.next("a number")?, scale),
        false => Ok(1),
    };
    let (lot, tick) = (step("lot", lot)?, step("tick", tick)?);
    Ok(alloc::vec![Instruction::OpenBoard { instrument, currency, lot, tick }])
}

/// `bids 100 SAKURA at 250 JPY into yuki [out of botan-cash] [ref TEXT]`, or
/// `offers 100 SAKURA at 250 JPY from emi [into aoba-cash] [ref TEXT]`.
fn places(it: &mut Asking<'_, '_>, buys: bool) -> Asked {
    let ((quantity, price), (instrument, currency)) = level(it.cast, it.words)?;
    it.words.must(if buys { "into" } else { "from" })?;
    let account = it.cast.account(it.words)?.account;
    let given = it.words.is(if buys { "out" } else { "into" });
    if given && buys {
        it.words.must("of")?;
    }
    let cash = if given { it.cast.account(it.words)?.account } else { account };
    let given = it.words.is("ref");
    let reference = if given { text(it.words.next("a reference")?)? } else { Text::default() };
    Ok(alloc::vec![Instruction::PlaceOrder(PlaceOrder {
        instrument,
        currency,
        buys,
        price,
        quantity,
        account,
        cash,
        reference,
    })])
}

/// `amends o1 to 50 SAKURA at 260 JPY`.
fn amends(it: &mut Asking<'_, '_>) -> Asked {
    let order = it.cast.instruction(it.words)?;
    it.words.must("to")?;
    let ((quantity, price), _) = level(it.cast, it.words)?;
    Ok(alloc::vec![Instruction::AmendOrder { order, price, quantity }])
}

/// `100 SAKURA at 250 JPY`.
pub(super) fn level(cast: &Cast, words: &mut Words<'_>) -> Result<(Level, Pair), Flaw> {
    let (quantity, instrument) = cast.quantity(words)?;
    words.must("at")?;
    let (price, currency) = cast.quantity(words)?;
    Ok(((book::open(&quantity), book::open(&price)), (instrument, currency)))
}

/// `of SAKURA in JPY`, and the decimals of both.
fn pair(cast: &Cast, words: &mut Words<'_>) -> Result<(Pair, [u8; 2]), Flaw> {
    words.must("of")?;
    let (instrument, lot) = cast.instrument(words)?;
    words.must("in")?;
    let (currency, tick) = cast.instrument(words)?;
    Ok(((instrument, currency), [lot, tick]))
}

fn units(word: &str, scale: u8) -> Result<i64, Flaw> {
    quantity(word, scale).map(|it| book::open(&it))
}

/// A board as a script expects it: what stands on each side, the best price first, then the oldest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// What is to be bought.
    pub bids: Vec<Level>,
    /// What is to be sold.
    pub offers: Vec<Level>,
}

/// `of SAKURA in JPY is empty`, or `is bids 100 at 250, 50 at 245 offers 30 at 260`.
pub(super) fn board(cast: &Cast, words: &mut Words<'_>) -> Result<(Pair, Sides), Flaw> {
    let (pair, [of_lots, of_prices]) = pair(cast, words)?;
    words.must("is")?;
    let mut sides = Sides::default();
    if words.is("empty") {
        return Ok((pair, sides));
    }
    let level = |words: &mut Words<'_>| {
        let quantity = units(words.next("a quantity")?, of_lots)?;
        words.must("at")?;
        Ok((quantity, units(words.next("a price")?, of_prices)?))
    };
    for (word, side) in [("bids", &mut sides.bids), ("offers", &mut sides.offers)] {
        if words.is(word) {
            *side = words.list(level)?;
        }
    }
    if sides == Sides::default() {
        let instead = "write `empty`, or `bids 100 at 250, 50 at 245 offers 30 at 260`";
        return Err(Flaw::new("nothing is expected of the board", instead));
    }
    Ok((pair, sides))
}

/// A fill, as its event tells it.
#[derive(Clone, Copy)]
pub(super) struct Fill {
    pub level: Level,
    pub deliver: InstructionId,
}

/// The place of an order on its side: by price, the best least, and by the order in which they entered.
type Placed = (i64, u64, InstructionId);

/// All boards, from events alone.
#[derive(Default)]
pub(super) struct Boards {
    orders: BTreeMap<InstructionId, (Pair, bool, Level)>,
    /// Each side of each board: the best price first, then the oldest.
    standing: BTreeMap<(Pair, bool), BTreeSet<Placed>>,
    places: BTreeMap<InstructionId, (i64, u64)>,
    entered: u64,
    fills: BTreeMap<(InstructionId, InstructionId), Fill>,
    ended: BTreeMap<InstructionId, &'static str>,
}

impl Boards {
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::OrderEntered { order, instrument, currency, buys, price, quantity, .. } => {
                self.leave(*order);
                self.entered = self.entered.saturating_add(1);
                let place = (if *buys { price.saturating_neg() } else { *price }, self.entered);
                self.places.insert(*order, place);
                let (pair, level) = ((*instrument, *currency), (*quantity, *price));
                self.orders.insert(*order, (pair, *buys, level));
                let side = self.standing.entry((pair, *buys)).or_default();
                side.insert((place.0, place.1, *order));
            }
            Event::OrderReduced { order, quantity } => self.set(*order, |_| *quantity),
            Event::Filled { buy, sell, quantity, price, deliver, .. } => {
                for order in [*buy, *sell] {
                    self.set(order, |left| left.saturating_sub(*quantity));
                }
                let fill = Fill { level: (*quantity, *price), deliver: *deliver };
                self.fills.insert((*buy, *sell), fill);
            }
            Event::OrderEnded { order, .. } => {
                self.leave(*order);
                self.ended.insert(*order, "ended");
            }
            _ => (),
        }
    }

    /// Where an order stands, if it is one.
    pub fn of(&self, order: InstructionId) -> Option<&'static str> {
        let standing = self.orders.contains_key(&order).then_some("standing");
        standing.or_else(|| self.ended.get(&order).copied())
    }

    /// The last fill of two orders.
    pub fn fill(&self, buy: InstructionId, sell: InstructionId) -> Option<Fill> {
        self.fills.get(&(buy, sell)).copied()
    }

    /// What stands on a board.
    pub fn sides(&self, pair: Pair) -> Sides {
        let side = |buys: bool| {
            let orders = self.standing.get(&(pair, buys)).into_iter().flatten();
            orders.filter_map(|it| self.orders.get(&it.2)).map(|it| it.2).collect()
        };
        Sides { bids: side(true), offers: side(false) }
    }

    fn set(&mut self, order: InstructionId, quantity: impl Fn(i64) -> i64) {
        let Some((_, _, level)) = self.orders.get_mut(&order) else { return };
        level.0 = quantity(level.0);
        if level.0 == 0 {
            self.leave(order);
            self.ended.insert(order, "filled");
        }
    }

    fn leave(&mut self, order: InstructionId) {
        let place = self.places.remove(&order);
        let known = self.orders.remove(&order);
        if let (Some((price, entered)), Some((pair, buys, _))) = (place, known) {
            let side = self.standing.get_mut(&(pair, buys));
            if let Some(side) = side {
                side.remove(&(price, entered, order));
            }
        }
    }
}

impl Sides {
    /// As a script would write it.
    pub(super) fn text(&self) -> String {
        let side = |word: &str, levels: &[Level]| {
            let texts: Vec<String> =
                levels.iter().map(|it| format!("{} at {}", it.0, it.1)).collect();
            if texts.is_empty() { String::new() } else { format!(" {word} {}", texts.join(", ")) }
        };
        let text = format!("{}{}", side("bids", &self.bids), side("offers", &self.offers));
        if text.is_empty() { " empty".into() } else { text }
    }
}

/// What is traded, in words.
pub(super) fn of(pair: (InstrumentId, InstrumentId)) -> String {
    format!("{} in {}", pair.0, pair.1)
}
