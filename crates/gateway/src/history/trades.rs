//! Trades: fills of the board, those that a venue told, and those that one side reported; and where each stood as of
//! every height.
//!
//! A trade that is settled leaves the state, and so does one that a closed venue told. Here it stays as it was last.
//! One that is reported and has ended within one block leaves no row: what is known of it is what settled it.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{
    Event, Key,
    governance::{Parameter, ParameterName},
    row::Row as _,
    trade::{Trade, TradeId, TradeStatus},
};
use sqlx::{AnyConnection, AssertSqlSafe, any::AnyRow};
use types::{BusinessDate, InstrumentId, LedgerTime, Reader, Sender, Wire as _};

use super::{
    History,
    cells::{Cell, insert},
};
use crate::{Fault, database::signed, view::open};

/// What some blocks leave of trades.
#[derive(Default)]
pub struct Trades {
    /// The market's date, as far as it is known.
    pub today: Option<BusinessDate>,
    trades: Vec<Vec<Cell>>,
    states: Vec<Vec<Cell>>,
    block: Block,
}

/// What one block has told so far.
#[derive(Default)]
struct Block {
    place: i64,
    /// What the order that came last is for.
    pair: Option<(InstrumentId, InstrumentId)>,
    fills: BTreeSet<TradeId>,
    ended: BTreeMap<TradeId, &'static str>,
    /// Those that the state had or has.
    seen: BTreeSet<TradeId>,
}

impl Trades {
    /// Takes an event of a block.
    pub fn tell(&mut self, height: i64, event: &Event) {
        match event {
            Event::DayOpened { date } => self.today = Some(*date),
            Event::OrderEntered { instrument, currency, .. } => {
                self.block.pair = Some((*instrument, *currency));
            }
            Event::TradeRejected { trade, .. } => {
                self.block.ended.insert(trade.clone(), "rejected");
            }
            Event::TradeExpired { trade } => {
                self.block.ended.insert(trade.clone(), "expired");
            }
            Event::Filled { .. } => self.filled(height, event),
            _ => (),
        }
    }

    /// An order takes what stands right after it has entered, so the last that entered says for what.
    fn filled(&mut self, height: i64, event: &Event) {
        let Event::Filled { buy, sell, quantity, price, amount, deliver, .. } = event else {
            return;
        };
        let Some((instrument, currency)) = self.block.pair else { return };
        let party = |it: &Sender| match it {
            Sender::Party(party) => i64::from(party.0),
            Sender::Account(_) => 0,
        };
        let trade = TradeId::Reported { report: *deliver };
        let date = || self.today.map_or(Cell::NoText, |it| Cell::Text(it.to_string()));
        self.trades.push(vec![
            Cell::Number(height),
            Cell::Number(self.block.place),
            Cell::Text(name(&trade)),
            Cell::Text("board".into()),
            Cell::Number(party(&buy.sender)),
            Cell::Number(party(&sell.sender)),
            Cell::Text(instrument.to_string()),
            Cell::Text(currency.to_string()),
            Cell::Number(*quantity),
            Cell::Number(*amount),
            Cell::Number(*price),
            Cell::Text(buy.to_string()),
            Cell::Text(sell.to_string()),
            date(),
            date(),
            Cell::Number(0),
        ]);
        self.block.place = self.block.place.saturating_add(1);
        self.block.fills.insert(trade);
    }

    /// Takes what the block has left under `key`, where `old` stood before it; after all that it has told.
    pub fn add(&mut self, height: i64, key: &Key, old: Option<&[u8]>, new: Option<&[u8]>) {
        if *key == Parameter::key(&ParameterName::BusinessDate) {
            self.today = new.and_then(date);
        }
        if key.kind() != Trade::KIND {
            return;
        }
        let Ok(id) = TradeId::read(&mut Reader::new(key.name())) else { return };
        let read = |it: Option<&[u8]>| it.and_then(|it| Trade::from_bytes(it).ok());
        let (old, new) = (read(old), read(new));
        self.block.seen.insert(id.clone());
        if let (None, Some(new)) = (&old, &new)
            && !self.block.fills.contains(&id)
        {
            self.told(height, &id, new);
        }
        let status = match (&old, &new) {
            (_, Some(new)) => word(new.status),
            // What a venue told is forgotten when its date is closed: it stays as it was.
            (Some(_), None) if matches!(id, TradeId::Venue { .. }) => return,
            _ => self.block.ended.get(&id).copied().unwrap_or("settled"),
        };
        self.stands(height, &id, status);
    }

    fn told(&mut self, height: i64, id: &TradeId, trade: &Trade) {
        let origin = if matches!(id, TradeId::Venue { .. }) { "venue" } else { "reported" };
        self.trades.push(vec![
            Cell::Number(height),
            Cell::Number(self.block.place),
            Cell::Text(name(id)),
            Cell::Text(origin.into()),
            Cell::Number(i64::from(trade.buyer.0)),
            Cell::Number(i64::from(trade.seller.0)),
            Cell::Text(trade.instrument.to_string()),
            Cell::Text(trade.currency.to_string()),
            Cell::Number(open(&trade.quantity)),
            Cell::Number(open(&trade.amount)),
            Cell::NoNumber,
            Cell::NoText,
            Cell::NoText,
            Cell::Text(trade.trade_date.to_string()),
            Cell::Text(trade.intended_date.to_string()),
            Cell::Number(i64::from(trade.reporter.0)),
        ]);
        self.block.place = self.block.place.saturating_add(1);
    }

    fn stands(&mut self, height: i64, id: &TradeId, status: &str) {
        let cells = [Cell::Text(name(id)), Cell::Number(height), Cell::Text(status.into())];
        self.states.push(cells.into());
    }

    /// Ends a block: a fill that the state has not kept has settled in it.
    pub fn end(&mut self, height: i64) {
        let Block { fills, seen, ended, .. } = std::mem::take(&mut self.block);
        for id in fills.difference(&seen) {
            self.stands(height, id, ended.get(id).copied().unwrap_or("settled"));
        }
    }

    /// Writes it.
    pub async fn write(self, on: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let columns = "trade (height, place, trade, origin, buyer, seller, instrument, currency, units, amount, price, \
                       buy_order, sell_order, trade_date, intended_date, reporter)";
        insert(on, columns, "", self.trades).await?;
        insert(on, "trade_state (trade, height, status)", "", self.states).await
    }
}

/// A trade as people speak of it: of a venue `MIC/DATE/NUMBER`, otherwise the instruction that reported it.
pub fn name(it: &TradeId) -> String {
    match it {
        TradeId::Reported { report } => report.to_string(),
        TradeId::Venue { venue, date, number } => format!("{venue}/{date}/{number}"),
    }
}

/// The date that the row of the market's date says.
fn date(row: &[u8]) -> Option<BusinessDate> {
    u32::try_from(Parameter::from_bytes(row).ok()?.value).ok().map(BusinessDate)
}

/// Where a trade stands, in a word.
const fn word(it: TradeStatus) -> &'static str {
    match it {
        TradeStatus::Imported => "imported",
        TradeStatus::Reported { .. } => "reported",
        TradeStatus::Affirmed => "affirmed",
        TradeStatus::Settled => "settled",
        TradeStatus::Instructed => "instructed",
    }
}

/// Which trades are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedTrades {
    /// Of one party, on either side.
    pub party: Option<u32>,
    /// Fills of the board alone.
    pub of_board: bool,
    /// Of one instrument.
    pub instrument: Option<String>,
    /// Those after this (height, place), in this order.
    pub after: Option<(u64, u64)>,
    /// So many at most.
    pub limit: u32,
}

/// A trade as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traded {
    /// In which block it was told first.
    pub height: u64,
    /// Its place among that block's trades.
    pub place: u64,
    /// When that was.
    pub time: LedgerTime,
    /// Its name.
    pub trade: String,
    /// Who told it: board, venue, reported.
    pub origin: String,
    /// Who buys, and who sells.
    pub sides: [u32; 2],
    /// What.
    pub instrument: String,
    /// Against which currency.
    pub currency: String,
    /// How many units.
    pub units: i64,
    /// For how much.
    pub amount: i64,
    /// Of a fill: the price of one lot.
    pub price: Option<i64>,
    /// Of a fill: the order that buys, and the one that sells.
    pub orders: [Option<String>; 2],
    /// When it was agreed, and when it is to settle.
    pub dates: [Option<String>; 2],
    /// Where it stood.
    pub status: String,
}

impl History {
    /// The market's date in the newest block; `None` before the first.
    pub(super) async fn business_date(&self) -> Result<Option<BusinessDate>, Fault> {
        let key = Parameter::key(&ParameterName::BusinessDate).0.to_vec();
        let row = sqlx::query("SELECT value FROM state WHERE key = $1").bind(key);
        let row = row.fetch_optional(&self.0.pool).await.map_err(|it| self.0.engine.fault(it))?;
        let row: Option<Vec<u8>> = row.map(|row| self.0.engine.get(&row, 0)).transpose()?;
        Ok(row.as_deref().and_then(date))
    }

    /// The trades that are wanted, as of the block at `height`, in the order in which they were told.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn trades(&self, height: u64, wanted: &WantedTrades) -> Result<Vec<Traded>, Fault> {
        let WantedTrades { party, of_board, instrument, after, limit } = wanted;
        let (after_height, place) = after.map_or((-1, -1), |it| (signed(it.0), signed(it.1)));
        let board = if *of_board { " AND origin = 'board'" } else { "" };
        let instruments = instrument.as_ref().map_or("", |_| " AND instrument = $5");
        let some = |and: &str| {
            format!(
                "SELECT * FROM (SELECT * FROM trade WHERE height <= $1 AND (height, place) > ($2, $3){board}{instruments}\
                 {and} ORDER BY height, place LIMIT $4) AS side"
            )
        };
        // Each side by its own index; who trades with itself is told once.
        let number = if instrument.is_some() { 6 } else { 5 };
        let found = match party {
            None => some(""),
            Some(_) => {
                let side = |it: &str| some(&format!(" AND {it} = ${number}"));
                format!("{} UNION {}", side("buyer"), side("seller"))
            }
        };
        let trades = format!(
            "SELECT found.height, found.place, block.time, found.trade, origin, buyer, seller, instrument, currency, \
             units, amount, price, buy_order, sell_order, trade_date, intended_date, \
             (SELECT status FROM trade_state WHERE trade_state.trade = found.trade AND trade_state.height <= $1 \
             ORDER BY trade_state.height DESC LIMIT 1) FROM ({found}) AS found \
             JOIN block ON block.height = found.height ORDER BY found.height, found.place LIMIT $4"
        );
        let mut query = sqlx::query(AssertSqlSafe(trades))
            .bind(signed(height))
            .bind(after_height)
            .bind(place)
            .bind(i64::from(*limit));
        if let Some(instrument) = instrument {
            query = query.bind(instrument);
        }
        if let Some(party) = party {
            query = query.bind(i64::from(*party));
        }
        let rows = query.fetch_all(&self.0.pool).await;
        let rows = rows.map_err(|it| self.0.engine.fault(it))?;
        rows.iter().map(|row| self.traded(row)).collect()
    }

    fn traded(&self, row: &AnyRow) -> Result<Traded, Fault> {
        let engine = self.0.engine;
        let party = |column: usize| {
            let number = self.0.number(row, column)?;
            u32::try_from(number).map_err(|why| engine.not_ours(why))
        };
        Ok(Traded {
            height: self.0.number(row, 0)?,
            place: self.0.number(row, 1)?,
            time: LedgerTime(self.0.number(row, 2)?),
            trade: engine.get(row, 3)?,
            origin: engine.get(row, 4)?,
            sides: [party(5)?, party(6)?],
            instrument: engine.get(row, 7)?,
            currency: engine.get(row, 8)?,
            units: engine.get(row, 9)?,
            amount: engine.get(row, 10)?,
            price: engine.get(row, 11)?,
            orders: [engine.get(row, 12)?, engine.get(row, 13)?],
            dates: [engine.get(row, 14)?, engine.get(row, 15)?],
            status: engine.get(row, 16)?,
        })
    }
}
