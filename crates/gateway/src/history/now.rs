//! The newest block at one moment: rows by their names, what is open, and what was told last.
//!
//! All that is read of one [`Now`] is of one block, whatever is written meanwhile. Each read is bounded: it looks up
//! an index, and takes so many rows at most.

use ledger::{
    Event,
    book::Place,
    governance::Party,
    row::Row,
    settlement::{OpenTerms, queue::Order},
};
use sqlx::{Any, Transaction};
use types::{Header, InstructionId, InstrumentId, LedgerTime, PartyId, Wire as _};

use super::{
    History, Standing,
    cells::Cell,
    open::{UNMATCHED, side, urgency},
};
use crate::{
    Fault,
    database::{Database, Engine, signed},
};

/// How many that stand before one in the queue are looked at.
pub const AHEAD_MAX: u32 = 1_000;
/// How many of what would bring something, or would match, are looked at in each of several ways.
const EACH_MAX: i64 = 8;

/// The newest block.
pub struct Now {
    all: Transaction<'static, Any>,
    database: Database,
    header: Header,
}

/// Something open that would bring units to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// Which instruction.
    pub instruction: String,
    /// Whose.
    pub party: u32,
    /// Where it stands.
    pub status: String,
    /// How many units.
    pub units: i64,
}

/// What stands before something in the queue of a position, and would take from it first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// How many units.
    pub units: i128,
    /// Whether there is more than was looked at.
    pub more: bool,
}

impl History {
    /// The newest block; `None` if there is none.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn now(&self) -> Result<Option<Now>, Fault> {
        let database = self.0.clone();
        let begin = match database.engine {
            Engine::Sqlite => "BEGIN",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        let all = database.pool.begin_with(begin).await;
        let mut all = all.map_err(|it| database.engine.fault(it))?;
        let newest = sqlx::query("SELECT header FROM newest").fetch_optional(&mut *all).await;
        let Some(newest) = newest.map_err(|it| database.engine.fault(it))? else { return Ok(None) };
        let header = Header::from_bytes(&database.engine.get::<Vec<u8>>(&newest, 0)?)
            .map_err(|why| database.engine.not_ours(why))?;
        Ok(Some(Now { all, database, header }))
    }
}

impl Now {
    /// Its height.
    pub const fn height(&self) -> u64 {
        self.header.height
    }

    /// Its time.
    pub const fn time(&self) -> LedgerTime {
        self.header.time
    }

    /// The row with this name.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn row<R: Row>(&mut self, name: &R::Name) -> Result<Option<R>, Fault> {
        let engine = self.database.engine;
        let row = sqlx::query("SELECT value FROM state WHERE key = $1");
        let row = row.bind(R::key(name).0.to_vec()).fetch_optional(&mut *self.all).await;
        let Some(row) = row.map_err(|it| engine.fault(it))? else { return Ok(None) };
        let value: Vec<u8> = engine.get(&row, 0)?;
        R::from_bytes(&value).map(Some).map_err(|why| engine.not_ours(why))
    }

    /// A party as people speak of it: its name and its number.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn party(&mut self, party: PartyId) -> Result<String, Fault> {
        let row = self.row::<Party>(&party).await?;
        let number = party.0;
        Ok(row.map_or_else(
            || format!("party {number}"),
            |it| format!("{} (party {number})", it.name.as_str()),
        ))
    }

    /// What would take from a position before what stands, or would stand, at `order`: what is earlier and lacks
    /// nothing on any other position. Of the first [`AHEAD_MAX`] that are earlier.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn ahead(&mut self, place: Place, order: Order) -> Result<Ahead, Fault> {
        let engine = self.database.engine;
        let ahead = "SELECT earlier.units, CAST(CASE WHEN EXISTS (SELECT 1 FROM queued AS other \
             WHERE other.number = earlier.number AND other.leg <> earlier.leg AND other.units > COALESCE( \
             (SELECT position.units FROM position WHERE position.instrument = other.instrument \
             AND position.account = other.account AND position.to_height = 9223372036854775807), 0)) \
             THEN 1 ELSE 0 END AS BIGINT) FROM (SELECT number, leg, units FROM queued WHERE account = $1 AND instrument = $2 \
             AND (priority, date, number) < ($3, $4, $5) ORDER BY priority, date, number LIMIT $6) AS earlier";
        let (priority, date, number) = order;
        let rows = sqlx::query(ahead)
            .bind(place.0.to_string())
            .bind(place.1.to_string())
            .bind(urgency(priority))
            .bind(i64::from(date.0))
            .bind(signed(number))
            .bind(i64::from(AHEAD_MAX) + 1)
            .fetch_all(&mut *self.all)
            .await
            .map_err(|it| engine.fault(it))?;
        let mut ahead = Ahead::default();
        for row in rows.iter().take(listen::size(AHEAD_MAX)) {
            let (units, lacks_else): (i64, i64) = (engine.get(row, 0)?, engine.get(row, 1)?);
            if lacks_else == 0 {
                ahead.units = ahead.units.saturating_add(i128::from(units));
            }
        }
        ahead.more = rows.len() > listen::size(AHEAD_MAX);
        Ok(ahead)
    }

    /// What is open and would bring something to a position, but for `except`: first what brings `wanted` units, the
    /// smallest first; then what brings less, the largest first.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn credits(
        &mut self,
        place: Place,
        wanted: i64,
        except: &InstructionId,
    ) -> Result<Vec<Credit>, Fault> {
        let mut credits = Vec::new();
        for which in [
            "credit_units >= $3 ORDER BY credit_units, instruction",
            "credit_units < $3 ORDER BY credit_units DESC, instruction DESC",
        ] {
            let select = format!(
                "SELECT instruction, party, status, credit_units FROM instructed WHERE credit_account = $1 \
                 AND credit_instrument = $2 AND instruction <> $4 AND {which} LIMIT $5"
            );
            let rows = sqlx::query(sqlx::AssertSqlSafe(select))
                .bind(place.0.to_string())
                .bind(place.1.to_string())
                .bind(wanted)
                .bind(except.to_string())
                .bind(EACH_MAX)
                .fetch_all(&mut *self.all)
                .await
                .map_err(|it| self.database.engine.fault(it))?;
            for row in &rows {
                let party = self.database.number(row, 1)?;
                credits.push(Credit {
                    instruction: self.database.engine.get(row, 0)?,
                    party: u32::try_from(party).unwrap_or_default(),
                    status: self.database.engine.get(row, 2)?,
                    units: self.database.engine.get(row, 3)?,
                });
            }
        }
        Ok(credits)
    }

    /// Unmatched instructions that name `own` as their counterparty and may be meant for its `terms`: of the one that
    /// those name with the same reference, or the same instrument, or at all; of whomever with the same instrument and
    /// quantity.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn alleged(
        &mut self,
        own: PartyId,
        terms: &OpenTerms,
    ) -> Result<Vec<InstructionId>, Fault> {
        let engine = self.database.engine;
        let units = crate::view::open(&terms.quantity);
        let theirs = 1 - side(terms.side);
        let party = || Cell::Number(i64::from(terms.counterparty.0));
        let (side, instrument) =
            (|| Cell::Number(theirs), || Cell::Text(terms.instrument.to_string()));
        let ways = [
            (
                "party = $3 AND reference = $4 AND reference <> ''",
                vec![party(), Cell::Text(terms.common_reference.as_str().into())],
            ),
            (
                "side = $3 AND instrument = $4 AND units = $5",
                vec![side(), instrument(), Cell::Number(units)],
            ),
            ("party = $3 AND side = $4 AND instrument = $5", vec![party(), side(), instrument()]),
            ("party = $3 AND side = $4", vec![party(), side()]),
        ];
        let mut found = Vec::new();
        for (which, asked) in ways {
            let select = format!(
                "SELECT instruction FROM instructed WHERE status = '{UNMATCHED}' AND counterparty = $1 AND {which} \
                 LIMIT $2"
            );
            let mut query =
                sqlx::query(sqlx::AssertSqlSafe(select)).bind(i64::from(own.0)).bind(EACH_MAX);
            for cell in asked {
                query = cell.bind(query);
            }
            let rows = query.fetch_all(&mut *self.all).await.map_err(|it| engine.fault(it))?;
            for row in &rows {
                let text: String = engine.get(row, 0)?;
                let id = InstructionId::parse(&text);
                found.push(id.ok_or_else(|| engine.not_ours("an id is none"))?);
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// What was told last of an instruction, and the event that told it; `None` if nothing was.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn told_last(
        &mut self,
        id: &InstructionId,
    ) -> Result<Option<(Standing, Event)>, Fault> {
        let engine = self.database.engine;
        let last = "SELECT instruction, standing.height, status, code, reason, told FROM standing \
             JOIN event ON event.height = standing.height AND event.place = standing.place \
             WHERE instruction = $1 ORDER BY standing.height DESC, standing.place DESC LIMIT 1";
        let row = sqlx::query(last).bind(id.to_string()).fetch_optional(&mut *self.all).await;
        let Some(row) = row.map_err(|it| engine.fault(it))? else { return Ok(None) };
        let told: Vec<u8> = engine.get(&row, 5)?;
        let event = Event::from_bytes(&told).map_err(|why| engine.not_ours(why))?;
        Ok(Some((super::read::standing(&self.database, &row)?, event)))
    }

    /// What an order with this name trades, and the event that ended it before all of it was filled, if one did; `None`
    /// if no such order ever entered.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn order_end(
        &mut self,
        id: &InstructionId,
    ) -> Result<Option<(InstrumentId, Option<Event>)>, Fault> {
        let engine = self.database.engine;
        let end = "SELECT told, instrument FROM entered \
             LEFT JOIN order_end ON order_end.instruction = entered.instruction \
             LEFT JOIN event ON event.height = order_end.height AND event.place = order_end.place \
             WHERE entered.instruction = $1";
        let row = sqlx::query(end).bind(id.to_string()).fetch_optional(&mut *self.all).await;
        let Some(row) = row.map_err(|it| engine.fault(it))? else { return Ok(None) };
        let (told, name): (Option<Vec<u8>>, String) = (engine.get(&row, 0)?, engine.get(&row, 1)?);
        let event = told.map(|it| Event::from_bytes(&it).map_err(|why| engine.not_ours(why)));
        let instrument = InstrumentId::parse(&name);
        let instrument = instrument.ok_or_else(|| engine.not_ours("an instrument is none"))?;
        Ok(Some((instrument, event.transpose()?)))
    }
}
