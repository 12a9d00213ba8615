//! A database of a gateway: SQLite or PostgreSQL, by its URL; the same statements run on both.

mod hold;

use std::{fmt::Display, future::Future, time::Duration};

use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Decode, Executor as _, Row as _, Type,
    any::{AnyPoolOptions, AnyRow},
};
use types::ChainId;

pub use hold::hold;

use crate::Fault;

/// Connections to a database at once.
const CONNECTIONS: u32 = 6;
/// How long to wait for one.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a database is for: its tables, and their version.
pub struct Purpose {
    /// Its name, and that of the table that says so.
    pub name: &'static str,
    /// The version of its tables.
    pub version: i64,
    /// The tables, beside the first, in the order in which they are made.
    pub tables: &'static [&'static str],
    /// What makes those of the oldest version that is known; `{bytes}` is the engine's word for bytes.
    pub make: &'static [&'static str],
    /// What moves tables from each version that is known to the next; the last leads to `version`.
    pub moves: &'static [&'static [&'static str]],
    /// Whether tables of another version may be dropped and made again.
    pub can_be_made_again: bool,
}

impl Purpose {
    /// What moves tables of version `known` to this one; `None` if nothing does.
    fn moves_from(&self, known: i64) -> Option<&'static [&'static [&'static str]]> {
        let older = usize::try_from(self.version.checked_sub(known)?).ok()?;
        self.moves.get(self.moves.len().checked_sub(older)?..)
    }
}

/// Connections to one.
#[derive(Clone)]
pub struct Database {
    /// The connections.
    pub pool: AnyPool,
    /// The engine.
    pub engine: Engine,
}

impl Database {
    /// Opens the database at `url` for a purpose in the market `chain`; its tables are made if they are not there.
    ///
    /// # Errors
    /// [`Fault::Database`]: it does not open; it is of another market, or of another version and cannot be made
    /// again.
    pub async fn open(url: &str, purpose: &Purpose, chain: ChainId) -> Result<Self, Fault> {
        let engine = Engine::of(url)?;
        let options = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(move |connection, _| Box::pin(engine.set_up(connection)));
        let pool = options.connect(&engine.with_file(url)).await;
        let name = without_password(url);
        let fault = |why: &dyn Display| engine.fault(format_args!("{name}: {why}"));
        let this = Self { pool: pool.map_err(|why| fault(&why))?, engine };
        let (what, version) = (purpose.name, purpose.version);
        match this.about(what).await? {
            None => this.make(purpose, chain, &[]).await?,
            Some((_, of)) if of != chain.to_string() => {
                let why = format!("it is the {what} of market {of}, not of {chain}");
                return Err(fault(&why));
            }
            Some((known, _)) if known == version => (),
            Some(_) if purpose.can_be_made_again => {
                this.make(purpose, chain, purpose.tables).await?;
            }
            Some((known, _)) => match purpose.moves_from(known) {
                Some(moves) => this.go_on(purpose, known, moves).await?,
                None => {
                    let why =
                        format!("its {what} is of version {known}; this is for version {version}");
                    return Err(fault(&why));
                }
            },
        }
        Ok(this)
    }

    /// Moves tables of version `known` to the newest, with all that they hold: at once, or not at all. Who comes
    /// second finds it done.
    async fn go_on(&self, purpose: &Purpose, known: i64, moves: &[&[&str]]) -> Result<(), Fault> {
        let fault = |why: sqlx::Error| self.engine.fault(why);
        let mut all = self.pool.begin().await.map_err(fault)?;
        let claim = format!("UPDATE {} SET version = $1 WHERE version = $2", purpose.name);
        let claim = sqlx::query(AssertSqlSafe(claim)).bind(purpose.version).bind(known);
        if claim.execute(&mut *all).await.map_err(fault)?.rows_affected() == 1 {
            for statement in moves.iter().copied().flatten() {
                let statement = statement.replace("{bytes}", self.engine.bytes());
                all.execute(AssertSqlSafe(statement)).await.map_err(fault)?;
            }
        }
        all.commit().await.map_err(fault)
    }

    /// Makes the tables of a purpose, empty, in the place of those that were there. Others' are never dropped.
    async fn make(&self, purpose: &Purpose, chain: ChainId, old: &[&str]) -> Result<(), Fault> {
        let fault = |why: sqlx::Error| self.engine.fault(why);
        let mut all = self.pool.begin().await.map_err(fault)?;
        let name = purpose.name;
        let own = (!old.is_empty()).then_some(&name);
        let drop = old.iter().chain(own).map(|it| format!("DROP TABLE IF EXISTS {it}"));
        let about = format!("CREATE TABLE {name} (version BIGINT NOT NULL, chain TEXT NOT NULL)");
        let made = purpose.make.iter().chain(purpose.moves.iter().copied().flatten());
        let made = made.map(|it| it.replace("{bytes}", self.engine.bytes()));
        for statement in drop.chain([about]).chain(made) {
            all.execute(AssertSqlSafe(statement)).await.map_err(fault)?;
        }
        let about = format!("INSERT INTO {name} (version, chain) VALUES ($1, $2)");
        let about = sqlx::query(AssertSqlSafe(about)).bind(purpose.version).bind(chain.to_string());
        about.execute(&mut *all).await.map_err(fault)?;
        all.commit().await.map_err(fault)
    }

    /// Version and market of the tables of a purpose; `None` if there are none.
    async fn about(&self, name: &str) -> Result<Option<(i64, String)>, Fault> {
        let fault = |why: sqlx::Error| self.engine.fault(why);
        let there = match self.engine {
            Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1",
            Engine::Postgres => {
                "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1"
            }
        };
        let there = sqlx::query(there).bind(name).fetch_optional(&self.pool).await;
        if there.map_err(fault)?.is_none() {
            return Ok(None);
        }
        let about = sqlx::query(AssertSqlSafe(format!("SELECT version, chain FROM {name}")));
        let about = about.fetch_one(&self.pool).await.map_err(fault)?;
        Ok(Some((self.engine.get(&about, 0)?, self.engine.get(&about, 1)?)))
    }

    /// A number of a row that is not below zero.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub fn number(&self, row: &AnyRow, column: usize) -> Result<u64, Fault> {
        let number: i64 = self.engine.get(row, column)?;
        u64::try_from(number).map_err(|why| self.engine.not_ours(why))
    }
}

/// Which engine it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file of this machine.
    Sqlite,
    /// A server.
    Postgres,
}

impl Engine {
    /// The engine that a URL names.
    ///
    /// # Errors
    /// [`Fault::Database`], when it names neither.
    pub fn of(url: &str) -> Result<Self, Fault> {
        sqlx::any::install_default_drivers();
        if url.starts_with("sqlite:") {
            Ok(Self::Sqlite)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres)
        } else {
            let url = without_password(url);
            let why = format!("{url:?} is neither sqlite:PATH nor postgres://USER@HOST/DATABASE");
            Err(Fault::Database { why })
        }
    }

    /// The URL, so that a file that is not there is made.
    pub fn with_file(self, url: &str) -> String {
        match self {
            Self::Sqlite if !url.contains('?') => format!("{url}?mode=rwc"),
            _ => url.into(),
        }
    }

    /// The engine's word for bytes.
    pub const fn bytes(self) -> &'static str {
        match self {
            Self::Sqlite => "BLOB",
            Self::Postgres => "BYTEA",
        }
    }

    /// Makes a connection ready: what is committed is durable, and reads do not wait for a write.
    pub fn set_up(
        self,
        connection: &mut AnyConnection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send + '_ {
        let settings = match self {
            Self::Sqlite => {
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000"
            }
            Self::Postgres => "SET synchronous_commit = on",
        };
        async move { connection.execute(settings).await.map(drop) }
    }

    /// A column of a row.
    ///
    /// # Errors
    /// [`Fault::Database`], when it is of another kind.
    pub fn get<'r, T: Decode<'r, Any> + Type<Any>>(
        self,
        row: &'r AnyRow,
        column: usize,
    ) -> Result<T, Fault> {
        row.try_get(column).map_err(|it| self.fault(it))
    }

    /// The engine says no.
    pub fn fault(self, why: impl Display) -> Fault {
        Fault::Database { why: format!("{self:?}: {why}") }
    }

    /// What is in the database was not written here.
    pub fn not_ours(self, why: impl Display) -> Fault {
        let why = format!("{self:?}: what it holds was not written here: {why}");
        Fault::Database { why }
    }
}

/// `($1, $2), ($3, $4)` for as many `rows` of as many `columns`.
pub fn places(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places = (1..=columns).map(|it| format!("${}", row * columns + it));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// A height or a time as the engines have it: they stay below 2^63 for longer than anything.
pub fn signed(it: u64) -> i64 {
    i64::try_from(it).unwrap_or(i64::MAX)
}

/// A database's URL as it may be shown: without what stands before its host, and without its query.
fn without_password(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    match (url.split_once(':'), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://..@{rest}"),
        _ => url.into(),
    }
}
