//! Orders: those that stood on the board, as of every height, and what each was for.

use std::collections::BTreeMap;

use ledger::{Event, Key, order::Order, row::Row as _};
use sqlx::{AnyConnection, AssertSqlSafe, any::AnyRow};
use types::{InstructionId, InstrumentId, Reader, Wire as _};

use super::{
    History,
    cells::{Cell, insert, run},
    schema::NEVER,
};
use crate::{Fault, database::signed};

/// What some blocks leave of orders.
#[derive(Default)]
pub struct Orders {
    entered: Vec<Vec<Cell>>,
    /// Where it was told that an order ended before all of it was filled.
    told: Vec<Vec<Cell>>,
    /// Those that stood before these blocks, and where that ends.
    ended: Vec<Vec<Cell>>,
    begun: Vec<Begun>,
    /// The place in `begun` of what stands of an order.
    stands: BTreeMap<InstructionId, Option<usize>>,
}

struct Begun {
    id: InstructionId,
    from: i64,
    to: i64,
    row: Order,
}

impl Orders {
    /// Takes the event at a height and its place there.
    pub fn tell(&mut self, height: i64, place: i64, event: &Event) {
        match event {
            Event::OrderEntered { order, instrument, currency, .. } => {
                let cells = [order.to_string(), instrument.to_string(), currency.to_string()];
                self.entered.push(cells.map(Cell::Text).into());
            }
            Event::OrderEnded { order, .. } => {
                let cells =
                    [Cell::Text(order.to_string()), Cell::Number(height), Cell::Number(place)];
                self.told.push(cells.into());
            }
            _ => (),
        }
    }

    /// Takes what a block has left under `key`, where `old` stood before it.
    pub fn add(&mut self, height: i64, key: &Key, old: Option<&[u8]>, new: Option<&[u8]>) {
        if key.kind() != Order::KIND {
            return;
        }
        let Ok(id) = InstructionId::read(&mut Reader::new(key.name())) else { return };
        match self.stands.remove(&id) {
            Some(Some(stood)) => {
                if let Some(stood) = self.begun.get_mut(stood) {
                    stood.to = height;
                }
            }
            None if old.is_some() => {
                self.ended.push(vec![Cell::Text(id.to_string()), Cell::Number(height)]);
            }
            Some(None) | None => (),
        }
        let row = new.and_then(|it| Order::from_bytes(it).ok());
        self.stands.insert(id, row.is_some().then_some(self.begun.len()));
        self.begun.extend(row.map(|row| Begun { id, from: height, to: NEVER, row }));
    }

    /// Writes it.
    pub async fn write(self, on: &mut AnyConnection) -> Result<(), sqlx::Error> {
        // An order that is amended enters again, for the same.
        let over = "ON CONFLICT (instruction) DO NOTHING";
        insert(on, "entered (instruction, instrument, currency)", over, self.entered).await?;
        insert(on, "order_end (instruction, height, place)", "", self.told).await?;
        let end = "UPDATE board_order SET to_height = ended.column2 FROM (VALUES {}) AS ended \
                   WHERE instruction = ended.column1 AND to_height = 9223372036854775807";
        run(on, end, self.ended).await?;
        let columns = "board_order (instruction, from_height, to_height, party, instrument, currency, buys, \
                       best_first, units, arrival, date, account, cash, reference)";
        insert(on, columns, "", self.begun.into_iter().map(Begun::cells).collect()).await
    }
}

impl Begun {
    fn cells(self) -> Vec<Cell> {
        let text = |it: &dyn ToString| Cell::Text(it.to_string());
        let wanted = &self.row.wanted;
        vec![
            text(&self.id),
            Cell::Number(self.from),
            Cell::Number(self.to),
            Cell::Number(i64::from(self.row.party.0)),
            text(&wanted.instrument),
            text(&wanted.currency),
            Cell::Number(i64::from(wanted.buys)),
            Cell::Number(best_first(wanted.buys, wanted.price)),
            Cell::Number(wanted.quantity),
            Cell::Number(signed(self.row.arrival)),
            text(&self.row.date),
            text(&wanted.account),
            text(&wanted.cash),
            Cell::Text(wanted.reference.as_str().into()),
        ]
    }
}

/// A price so that the best is the smallest: of those who buy the highest, of those who sell the lowest. It is its own
/// opposite.
const fn best_first(buys: bool, price: i64) -> i64 {
    if buys { i64::MAX.saturating_sub(price) } else { price }
}

/// Which orders are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedOrders {
    /// Of a security against a currency.
    pub pair: Option<(String, String)>,
    /// Of one party.
    pub party: Option<u32>,
    /// Those after this one, in their order.
    pub after: Option<Place>,
    /// So many at most.
    pub limit: u32,
}

/// The place of an order among all: instrument, currency, side, price, arrival.
pub type Place = (String, String, i64, i64, i64);

/// An order as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stood {
    /// Which.
    pub instruction: String,
    /// Since which height it stood so.
    pub since: u64,
    /// Whose.
    pub party: u32,
    /// What.
    pub instrument: String,
    /// Against which currency.
    pub currency: String,
    /// Whether it buys.
    pub buys: bool,
    /// For one lot.
    pub price: i64,
    /// How many units are not filled.
    pub units: i64,
    /// For which day.
    pub date: String,
    /// The securities account.
    pub account: String,
    /// The cash account.
    pub cash: String,
    /// The reference of its party.
    pub reference: String,
    /// Its place among all.
    pub place: Place,
}

impl History {
    /// The orders that are wanted, as they stood in the block at `height`: in the order of instrument and currency,
    /// those who sell first; of each side the best price first, then the oldest.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn orders(&self, height: u64, wanted: &WantedOrders) -> Result<Vec<Stood>, Fault> {
        let WantedOrders { pair, party, after, limit } = wanted;
        let after = after.clone().unwrap_or_default();
        let mut orders = String::from(
            "SELECT instruction, from_height, party, instrument, currency, buys, best_first, units, date, account, \
             cash, reference, arrival FROM board_order WHERE from_height <= $1 AND to_height > $1 \
             AND (instrument, currency, buys, best_first, arrival) > ($2, $3, $4, $5, $6)",
        );
        orders += &super::read::conditions(
            8,
            [
                pair.as_ref().map(|_| "instrument"),
                pair.as_ref().map(|_| "currency"),
                party.map(|_| "party"),
            ],
        );
        orders += " ORDER BY instrument, currency, buys, best_first, arrival LIMIT $7";
        let mut query = sqlx::query(AssertSqlSafe(orders))
            .bind(signed(height))
            .bind(after.0)
            .bind(after.1)
            .bind(after.2)
            .bind(after.3)
            .bind(after.4)
            .bind(i64::from(*limit));
        if let Some((instrument, currency)) = pair {
            query = query.bind(instrument).bind(currency);
        }
        if let Some(party) = party {
            query = query.bind(i64::from(*party));
        }
        let rows = query.fetch_all(&self.0.pool).await;
        let rows = rows.map_err(|it| self.0.engine.fault(it))?;
        rows.iter().map(|row| self.order(row)).collect()
    }

    fn order(&self, row: &AnyRow) -> Result<Stood, Fault> {
        let engine = self.0.engine;
        let (instrument, currency): (String, String) = (engine.get(row, 3)?, engine.get(row, 4)?);
        let (side, price): (i64, i64) = (engine.get(row, 5)?, engine.get(row, 6)?);
        let buys = side == 1;
        Ok(Stood {
            instruction: engine.get(row, 0)?,
            since: self.0.number(row, 1)?,
            party: u32::try_from(self.0.number(row, 2)?).unwrap_or_default(),
            buys,
            price: best_first(buys, price),
            units: engine.get(row, 7)?,
            date: engine.get(row, 8)?,
            account: engine.get(row, 9)?,
            cash: engine.get(row, 10)?,
            reference: engine.get(row, 11)?,
            place: (instrument.clone(), currency.clone(), side, price, engine.get(row, 12)?),
            instrument,
            currency,
        })
    }

    /// What an order is, or was, for: the security and the currency.
    ///
    /// # Errors
    /// [`Fault::Database`]; also of an order that never entered.
    pub async fn pair_of(&self, order: &InstructionId) -> Result<ledger::order::Pair, Fault> {
        let engine = self.0.engine;
        let pair = sqlx::query("SELECT instrument, currency FROM entered WHERE instruction = $1");
        let pair = pair.bind(order.to_string()).fetch_optional(&self.0.pool).await;
        let pair = pair.map_err(|it| engine.fault(it))?;
        let never = || engine.not_ours(format_args!("order {order} never entered"));
        let row = pair.ok_or_else(never)?;
        let of = |column: usize| {
            let name: String = engine.get(&row, column)?;
            InstrumentId::parse(&name).ok_or_else(|| engine.not_ours("an instrument is none"))
        };
        Ok((of(0)?, of(1)?))
    }
}
