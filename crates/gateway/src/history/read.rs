//! Reading the history as of a height.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Event, Key};
use sqlx::{AssertSqlSafe, any::AnyRow};
use types::{Header, LedgerTime, Wire as _};

use super::History;
use crate::{
    Fault, View,
    database::{Database, places, signed},
};

/// Who may be shown what of positions: all, or those that match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of one account.
    pub account: Option<String>,
    /// Of one instrument.
    pub instrument: Option<String>,
    /// Of the accounts of one manager.
    pub manager: Option<u32>,
    /// Those after this (instrument, account), in this order.
    pub after: Option<(String, String)>,
    /// So many at most.
    pub limit: u32,
}

/// One position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Of what.
    pub instrument: String,
    /// In which account.
    pub account: String,
    /// The number of its holder.
    pub holder: String,
    /// How many units.
    pub units: i64,
    /// Since which height.
    pub since: u64,
}

/// One movement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// In which block.
    pub height: u64,
    /// Its place among that block's movements.
    pub place: u64,
    /// By which instruction; none for what is issued, redeemed or allocated.
    pub instruction: Option<String>,
    /// The other side's instruction.
    pub counterpart: Option<String>,
    /// Of what.
    pub instrument: String,
    /// Debited account.
    pub source: String,
    /// Credited account.
    pub target: String,
    /// How many units.
    pub units: i64,
}

/// A state in which an instruction was told to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which instruction.
    pub instruction: String,
    /// In which block.
    pub height: u64,
    /// Its name.
    pub status: String,
    /// The reason's code, where there is one.
    pub code: Option<String>,
    /// The reason.
    pub reason: Option<String>,
}

/// Something that was told.
#[derive(Clone, Debug)]
pub struct Told {
    /// In which block.
    pub height: u64,
    /// Its place among what that block told.
    pub place: u64,
    /// What was told.
    pub event: Event,
}

impl History {
    /// Height and time of its newest block; `None` if there is none.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn newest(&self) -> Result<Option<(u64, LedgerTime)>, Fault> {
        let newest = "SELECT height, time FROM block ORDER BY height DESC LIMIT 1";
        let row = sqlx::query(newest).fetch_optional(&self.0.pool).await;
        let row = row.map_err(|it| self.0.engine.fault(it))?;
        row.map(|row| Ok((self.0.number(&row, 0)?, LedgerTime(self.0.number(&row, 1)?))))
            .transpose()
    }

    /// The height of the last block that is not later than `time`; `None` if the first is.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn at_time(&self, time: LedgerTime) -> Result<Option<u64>, Fault> {
        let last = "SELECT height FROM block WHERE time <= $1 ORDER BY time DESC LIMIT 1";
        let time = i64::try_from(time.0).unwrap_or(i64::MAX);
        let row = sqlx::query(last).bind(time).fetch_optional(&self.0.pool).await;
        row.map_err(|it| self.0.engine.fault(it))?.map(|row| self.0.number(&row, 0)).transpose()
    }

    /// The time of the block at `height`; `None` if it is not there.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn time_of(&self, height: u64) -> Result<Option<LedgerTime>, Fault> {
        let row = sqlx::query("SELECT time FROM block WHERE height = $1").bind(signed(height));
        let row = row.fetch_optional(&self.0.pool).await.map_err(|it| self.0.engine.fault(it))?;
        row.map(|row| self.0.number(&row, 0).map(LedgerTime)).transpose()
    }

    /// The positions that are wanted, as of the block at `height`, in the order of instrument and account.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn positions(&self, height: u64, wanted: &Wanted) -> Result<Vec<Position>, Fault> {
        let Wanted { account, instrument, manager, after, limit } = wanted;
        let (after_instrument, after_account) = after.clone().unwrap_or_default();
        let mut positions = String::from(
            "SELECT position.instrument, position.account, account.holder, position.units, \
             position.from_height FROM position JOIN account ON account.account = position.account \
             WHERE position.from_height <= $1 AND position.to_height > $1 \
             AND (position.instrument, position.account) > ($2, $3)",
        );
        positions += &conditions(
            5,
            [
                account.as_ref().map(|_| "position.account"),
                instrument.as_ref().map(|_| "position.instrument"),
                manager.map(|_| "account.manager"),
            ],
        );
        positions += " ORDER BY position.instrument, position.account LIMIT $4";
        let mut query = sqlx::query(AssertSqlSafe(positions))
            .bind(signed(height))
            .bind(after_instrument)
            .bind(after_account)
            .bind(i64::from(*limit));
        for text in [account, instrument].into_iter().flatten() {
            query = query.bind(text);
        }
        if let Some(manager) = manager {
            query = query.bind(i64::from(*manager));
        }
        let rows = query.fetch_all(&self.0.pool).await;
        let rows = rows.map_err(|it| self.0.engine.fault(it))?;
        rows.iter().map(|row| self.position(row)).collect()
    }

    fn position(&self, row: &AnyRow) -> Result<Position, Fault> {
        Ok(Position {
            instrument: self.0.engine.get(row, 0)?,
            account: self.0.engine.get(row, 1)?,
            holder: self.0.engine.get(row, 2)?,
            units: self.0.engine.get(row, 3)?,
            since: self.0.number(row, 4)?,
        })
    }

    /// What moved in one account, of one instrument, in the blocks of `heights`, in their order, after the one at
    /// `after` (height and place), at most `limit`.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn movements(
        &self,
        (account, instrument): (&str, &str),
        heights: std::ops::RangeInclusive<u64>,
        after: Option<(u64, u64)>,
        limit: u32,
    ) -> Result<Vec<Moved>, Fault> {
        let (height, place) = after.map_or((-1, -1), |it| (signed(it.0), signed(it.1)));
        // Each side by its own index; what moves within one account is on both sides, and told once.
        let movements = "SELECT * FROM (SELECT * FROM (SELECT height, place, instruction, counterpart, instrument, \
             source, target, units FROM movement WHERE source = $1 AND ($2 = '' OR instrument = $2) \
             AND height >= $3 AND height <= $4 AND (height, place) > ($5, $6) \
             ORDER BY height, place LIMIT $7) AS debits \
             UNION SELECT * FROM (SELECT height, place, instruction, counterpart, instrument, \
             source, target, units FROM movement WHERE target = $1 AND ($2 = '' OR instrument = $2) \
             AND height >= $3 AND height <= $4 AND (height, place) > ($5, $6) \
             ORDER BY height, place LIMIT $7) AS credits) AS both_sides ORDER BY height, place LIMIT $7";
        let rows = sqlx::query(movements)
            .bind(account)
            .bind(instrument)
            .bind(signed(*heights.start()))
            .bind(signed(*heights.end()))
            .bind(height)
            .bind(place)
            .bind(i64::from(limit))
            .fetch_all(&self.0.pool)
            .await;
        let rows = rows.map_err(|it| self.0.engine.fault(it))?;
        rows.iter().map(|row| self.moved(row)).collect()
    }

    fn moved(&self, row: &AnyRow) -> Result<Moved, Fault> {
        Ok(Moved {
            height: self.0.number(row, 0)?,
            place: self.0.number(row, 1)?,
            instruction: self.0.engine.get(row, 2)?,
            counterpart: self.0.engine.get(row, 3)?,
            instrument: self.0.engine.get(row, 4)?,
            source: self.0.engine.get(row, 5)?,
            target: self.0.engine.get(row, 6)?,
            units: self.0.engine.get(row, 7)?,
        })
    }

    /// The states in which an instruction was told to be up to `height`, in their order.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn standings(&self, instruction: &str, height: u64) -> Result<Vec<Standing>, Fault> {
        let standings = "SELECT instruction, height, status, code, reason FROM standing \
             WHERE instruction = $1 AND height <= $2 ORDER BY height, place";
        let rows = sqlx::query(standings)
            .bind(instruction)
            .bind(signed(height))
            .fetch_all(&self.0.pool)
            .await;
        let rows = rows.map_err(|it| self.0.engine.fault(it))?;
        rows.iter().map(|row| standing(&self.0, row)).collect()
    }

    /// Where instructions stood as of `height`: of one party or of all, in one state or in any, in the order of
    /// what was told last, after the one at `after`, at most `limit`.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn instructions(
        &self,
        height: u64,
        party: Option<u32>,
        status: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Standing>, Fault> {
        let mut newest = String::from(
            "SELECT instruction, height, status, code, reason FROM standing AS last \
             WHERE height <= $1 AND instruction > $2 AND NOT EXISTS (SELECT 1 FROM standing AS later \
             WHERE later.instruction = last.instruction AND later.height <= $1 \
             AND (later.height, later.place) > (last.height, last.place))",
        );
        newest += &conditions(4, [party.map(|_| "party"), status.map(|_| "status")]);
        newest += " ORDER BY instruction LIMIT $3";
        let mut query = sqlx::query(AssertSqlSafe(newest))
            .bind(signed(height))
            .bind(after.unwrap_or_default())
            .bind(i64::from(limit));
        if let Some(party) = party {
            query = query.bind(i64::from(party));
        }
        if let Some(status) = status {
            query = query.bind(status);
        }
        let rows = query.fetch_all(&self.0.pool).await;
        let rows = rows.map_err(|it| self.0.engine.fault(it))?;
        rows.iter().map(|row| standing(&self.0, row)).collect()
    }

    /// The rows as they stand after the newest block, whose header this is.
    pub(super) async fn view(&self, header: &Header) -> Result<View, Fault> {
        let rows = sqlx::query("SELECT key, changed, value FROM state ORDER BY key");
        let rows = rows.fetch_all(&self.0.pool).await.map_err(|it| self.0.engine.fault(it))?;
        let mut stood = Vec::new();
        for row in rows {
            let value = self.0.engine.get(&row, 2)?;
            stood.push((self.key(&row)?, self.0.number(&row, 1)?, value));
        }
        Ok(View::resume(header.height, header.time, stood))
    }

    /// Those of the rows under `keys` that stand after the newest block.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn rows(&self, keys: &BTreeSet<Key>) -> Result<BTreeMap<Key, Vec<u8>>, Fault> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = format!("SELECT key, value FROM state WHERE key IN {}", places(1, keys.len()));
        let mut query = sqlx::query(AssertSqlSafe(rows));
        for key in keys {
            query = query.bind(key.0.to_vec());
        }
        let rows = query.fetch_all(&self.0.pool).await.map_err(|it| self.0.engine.fault(it))?;
        rows.iter().map(|row| Ok((self.key(row)?, self.0.engine.get(row, 1)?))).collect()
    }

    /// The key in the first column.
    fn key(&self, row: &AnyRow) -> Result<Key, Fault> {
        let key: Vec<u8> = self.0.engine.get(row, 0)?;
        key.try_into().map(Key).map_err(|_| self.0.engine.not_ours("a key has 48 bytes"))
    }

    /// Who manages an account; `None` if it is not known.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn manager(&self, account: &str) -> Result<Option<u32>, Fault> {
        let row = sqlx::query("SELECT manager FROM account WHERE account = $1").bind(account);
        let row = row.fetch_optional(&self.0.pool).await.map_err(|it| self.0.engine.fault(it))?;
        let manager = row.map(|row| self.0.number(&row, 0)).transpose()?;
        Ok(manager.and_then(|it| u32::try_from(it).ok()))
    }

    /// Whose an instruction is, if anything was told of it: of what settles a fill of the board, the member's whose
    /// order it fills.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn party_of(&self, instruction: &str) -> Result<Option<u32>, Fault> {
        let row = sqlx::query("SELECT party FROM standing WHERE instruction = $1 LIMIT 1");
        let row = row.bind(instruction).fetch_optional(&self.0.pool).await;
        let row = row.map_err(|it| self.0.engine.fault(it))?;
        let party = row.map(|row| self.0.number(&row, 0)).transpose()?;
        Ok(party.and_then(|it| u32::try_from(it).ok()))
    }

    /// The instructions with which one has settled.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn counterparts(&self, instruction: &str) -> Result<Vec<String>, Fault> {
        let sides = "SELECT instruction, counterpart FROM movement \
                     WHERE (instruction = $1 OR counterpart = $1) AND counterpart IS NOT NULL";
        let rows = sqlx::query(sides).bind(instruction).fetch_all(&self.0.pool).await;
        let mut others = Vec::new();
        for row in rows.map_err(|it| self.0.engine.fault(it))? {
            let sides: [String; 2] = [self.0.engine.get(&row, 0)?, self.0.engine.get(&row, 1)?];
            others.extend(sides.into_iter().filter(|it| it != instruction));
        }
        Ok(others)
    }

    /// What was told after height and place `after`, in blocks up to `height`, at most `limit`, in its order.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn events(
        &self,
        after: (u64, u64),
        height: u64,
        limit: u32,
    ) -> Result<Vec<Told>, Fault> {
        let told = "SELECT height, place, told FROM event WHERE (height, place) > ($1, $2) \
                    AND height <= $3 ORDER BY height, place LIMIT $4";
        let rows = sqlx::query(told)
            .bind(signed(after.0))
            .bind(signed(after.1))
            .bind(signed(height))
            .bind(i64::from(limit))
            .fetch_all(&self.0.pool)
            .await;
        let rows = rows.map_err(|it| self.0.engine.fault(it))?;
        rows.iter().map(|row| self.told(row)).collect()
    }

    fn told(&self, row: &AnyRow) -> Result<Told, Fault> {
        let bytes: Vec<u8> = self.0.engine.get(row, 2)?;
        let event = Event::from_bytes(&bytes).map_err(|why| self.0.engine.not_ours(why))?;
        Ok(Told { height: self.0.number(row, 0)?, place: self.0.number(row, 1)?, event })
    }
}

/// Where an instruction stands, as a row of its columns says.
pub(super) fn standing(database: &Database, row: &AnyRow) -> Result<Standing, Fault> {
    Ok(Standing {
        instruction: database.engine.get(row, 0)?,
        height: database.number(row, 1)?,
        status: database.engine.get(row, 2)?,
        code: database.engine.get(row, 3)?,
        reason: database.engine.get(row, 4)?,
    })
}

/// That each of these columns, of those that are asked for, is the value bound at its place, from `first` on. Only
/// what is asked for is a condition, so that the engine finds the index for it.
pub(super) fn conditions<const N: usize>(first: usize, columns: [Option<&str>; N]) -> String {
    let asked = (first..).zip(columns.into_iter().flatten());
    asked.map(|(place, column)| format!(" AND {column} = ${place}")).collect()
}
