//! The tape: what blocks tell of a flow's orders, in order, and the book that it leaves.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use ledger::{Event, order::OrderEnd, reject::Reject};
use types::{InstructionId, Sender};

use super::{
    flow::{Flow, Shown, Side, Step, What},
    setting::LANE,
};
use crate::failure::{Failure, Result};

/// What was asked, and what has come of it.
pub struct Tape {
    /// Who signs.
    members: HashSet<Sender>,
    placed: HashMap<u64, InstructionId>,
    numbers: HashMap<InstructionId, u64>,
    /// Steps of the replay's own making: that they are refused says nothing of the file.
    own: HashSet<InstructionId>,
    /// Minor units of money that the file's unit of price is.
    price: i64,
    /// Steps that blocks hold.
    done: usize,
    book: Book,
    /// Books that are due, each after so many steps.
    due: VecDeque<(usize, Shown)>,
    /// What was told of fills.
    pub fills: Fills,
    /// Orders that a limit of the board ended or refused.
    pub otherwise: u64,
    /// The instructions that forward.
    pub forwards: HashSet<InstructionId>,
    /// Steps of the file that were refused.
    pub refused: u64,
    /// How many books were as the file shows them.
    pub equal: u64,
    /// The first that was not: after how many steps, and what differs.
    pub differs: Option<String>,
}

/// Fills, in their order.
#[derive(Default)]
pub struct Fills {
    /// How many.
    pub count: u64,
    /// Units, all together.
    pub quantity: i128,
    /// Minor units of money, all together.
    pub value: i128,
    /// Pairs of orders of the file, buyer first.
    pub pairs: HashSet<(u64, u64)>,
    /// A line for each.
    lines: String,
    /// Instructions that settle them and have not settled.
    waiting: HashSet<InstructionId>,
    settled: u64,
}

/// The orders that stand, as events tell them.
#[derive(Default)]
struct Book {
    orders: HashMap<InstructionId, Standing>,
    levels: BTreeMap<(Side, i64), i64>,
}

/// One of them.
#[derive(Clone, Copy)]
struct Standing {
    side: Side,
    price: i64,
    left: i64,
}

impl Tape {
    /// Nothing was asked yet by these members.
    pub fn new(flow: &Flow, members: HashSet<Sender>) -> Self {
        let (placed, numbers, own, book, fills, forwards) = Default::default();
        let (price, due) = (flow.traded.price, flow.shown.iter().cloned().collect());
        let (done, refused, equal, otherwise, differs) = (0, 0, 0, 0, None);
        Self {
            members,
            placed,
            numbers,
            own,
            price,
            done,
            book,
            due,
            fills,
            otherwise,
            forwards,
            refused,
            equal,
            differs,
        }
    }

    /// Whether an order of this number came before.
    pub fn knows(&self, order: u64) -> bool {
        self.placed.contains_key(&order)
    }

    /// The order of this number.
    pub fn order(&self, order: u64) -> Option<InstructionId> {
        self.placed.get(&order).copied()
    }

    /// Counts an order as refused whose number is taken by one that stands; whether it is.
    pub fn refuses_again(&mut self, order: u64) -> bool {
        let stands = self.order(order).is_some_and(|it| self.book.orders.contains_key(&it));
        if stands {
            self.begin_step();
            self.refused += 1;
        }
        stands
    }

    /// A step is asked as this instruction.
    pub fn asked(&mut self, step: &Step, id: InstructionId) {
        if matches!(step.what, What::Place { .. }) {
            self.placed.insert(step.order, id);
            self.numbers.insert(id, step.order);
        }
        if !step.told {
            self.own.insert(id);
        }
    }

    /// Instructions of fills that have settled.
    pub const fn settled(&self) -> u64 {
        self.fills.settled
    }

    /// Instructions of fills that have not.
    pub fn unsettled(&self) -> usize {
        self.fills.waiting.len()
    }

    /// Hears what a block tells; how many steps blocks hold then. What others do on the market is left out.
    ///
    /// # Errors
    /// No, when an order was not forwarded.
    pub fn hear(&mut self, events: &[Event]) -> Result<usize> {
        for event in events {
            self.event(event)?;
        }
        self.compare();
        Ok(self.done)
    }

    fn event(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::OrderEntered { order, buys, price, quantity, .. } if self.is_own(order) => {
                self.begin_step();
                let side = if *buys { Side::Bid } else { Side::Ask };
                self.book.enter(*order, Standing { side, price: *price, left: *quantity });
            }
            Event::OrderReduced { order, quantity } if self.is_own(order) => {
                self.begin_step();
                self.book.reduce(order, |_| *quantity);
            }
            Event::OrderEnded { order, why, .. } if self.is_own(order) => {
                // It is cancelled by a step of its own; else it ends by itself.
                if *why == OrderEnd::Cancelled {
                    self.begin_step();
                } else {
                    self.otherwise(order, &format!("{why:?}"));
                }
                self.book.reduce(order, |_| 0);
            }
            Event::Refused { instruction, reject } if self.is_asked(instruction) => {
                self.begin_step();
                self.refused += u64::from(!self.own.contains(instruction));
                if *reject == Reject::OrderTooLarge {
                    self.otherwise(instruction, reject.code());
                }
            }
            Event::Filled { buy, sell, quantity, price, amount, deliver, receive } => {
                let number = |it| self.numbers.get(it).copied();
                let (Some(buyer), Some(seller)) = (number(buy), number(sell)) else {
                    return Ok(());
                };
                self.book.reduce(buy, |left| left - quantity);
                self.book.reduce(sell, |left| left - quantity);
                self.fills.add((buyer, seller), *quantity, (price / self.price, *amount));
                self.fills.waiting.extend([*deliver, *receive]);
            }
            Event::Settled { instruction, .. } => {
                let own = self.fills.waiting.remove(instruction);
                self.fills.settled += u64::from(own);
            }
            Event::NotForwarded { forward, place, why } if self.forwards.contains(forward) => {
                let what = format_args!("order {place} of a part was not forwarded: {why:?}");
                return Err(Failure::no(what).mend("let nobody else sign in the members' lanes"));
            }
            _ => (),
        }
        Ok(())
    }

    /// An order went otherwise than on a board without limits.
    fn otherwise(&mut self, order: &InstructionId, why: &str) {
        let number = self.numbers.get(order).copied().unwrap_or_default();
        self.otherwise += 1;
        if self.otherwise == 1 {
            eprintln!("order {number}: {why}: a board without limits goes on otherwise from here");
        }
    }

    fn is_own(&self, order: &InstructionId) -> bool {
        self.numbers.contains_key(order)
    }

    /// Whether an instruction is a step.
    fn is_asked(&self, id: &InstructionId) -> bool {
        id.lane == LANE && self.members.contains(&id.sender)
    }

    /// A step takes effect: what the one before it did is whole.
    fn begin_step(&mut self) {
        self.compare();
        self.done += 1;
    }

    /// Compares the books that are due with what the steps have left.
    fn compare(&mut self) {
        while let Some((_, shown)) = self.due.pop_front_if(|it| it.0 <= self.done) {
            match self.book.differs(&shown, self.price) {
                None => self.equal += 1,
                Some(why) if self.differs.is_none() => {
                    self.differs = Some(format!("after {} steps: {why}", self.done));
                }
                Some(_) => (),
            }
        }
    }
}

impl Fills {
    fn add(&mut self, pair: (u64, u64), quantity: i64, (price, amount): (i64, i64)) {
        self.count += 1;
        self.quantity += i128::from(quantity);
        self.value += i128::from(amount);
        self.lines += &format!("{},{},{quantity},{price}\n", pair.0, pair.1);
        self.pairs.insert(pair);
    }

    /// SHA-256 over lines of buyer's order, seller's order, units, price.
    pub fn sha256(&self) -> String {
        crypto::sha256(self.lines.as_bytes()).to_string()
    }
}

impl Book {
    fn enter(&mut self, order: InstructionId, it: Standing) {
        self.reduce(&order, |_| 0);
        *self.levels.entry((it.side, it.price)).or_default() += it.left;
        self.orders.insert(order, it);
    }

    /// Gives an order so much that is left, by what was left; with nothing left it is gone.
    fn reduce(&mut self, order: &InstructionId, left: impl FnOnce(i64) -> i64) {
        let Some(it) = self.orders.get_mut(order) else { return };
        let (before, level) = (it.left, (it.side, it.price));
        it.left = left(before);
        let after = it.left;
        if after == 0 {
            self.orders.remove(order);
        }
        let units = self.levels.entry(level).or_default();
        *units += after - before;
        if *units == 0 {
            self.levels.remove(&level);
        }
    }

    /// What differs from the levels that are shown, whose prices are so many minor units; `None` if nothing does.
    fn differs(&self, shown: &Shown, price: i64) -> Option<String> {
        let side = |wanted| self.levels.iter().filter(move |it| it.0.0 == wanted);
        let level = |((_, at), units): (&(Side, i64), &i64)| (at / price, *units);
        let asks: Vec<_> = side(Side::Ask).map(level).take(shown.asks.len()).collect();
        let bids: Vec<_> = side(Side::Bid).rev().map(level).take(shown.bids.len()).collect();
        let differs = |what, own: &[(i64, i64)], shown: &[(i64, i64)]| {
            (own != shown).then(|| format!("{what}: the board has {own:?}, the file {shown:?}"))
        };
        differs("asks", &asks, &shown.asks).or_else(|| differs("bids", &bids, &shown.bids))
    }
}
