//! Rows as they are written: many at once, in one statement.

use sqlx::{Any, AnyConnection, AssertSqlSafe};

use crate::database::places;

/// Values bound to one statement at most; the engines know 32,766 or more.
const BOUND_MAX: usize = 8_000;

/// A value of a row.
pub(super) enum Cell {
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
    NoNumber,
    NoText,
}

/// A statement, and the values bound to it.
pub(super) type Query = sqlx::query::Query<'static, Any, <Any as sqlx::Database>::Arguments>;

impl Cell {
    /// Binds it to a statement, at the next place.
    pub fn bind(self, query: Query) -> Query {
        match self {
            Self::Number(it) => query.bind(it),
            Self::Text(it) => query.bind(it),
            Self::Bytes(it) => query.bind(it),
            Self::NoNumber => query.bind(None::<i64>),
            Self::NoText => query.bind(None::<String>),
        }
    }
}

/// Inserts rows into these columns of a table; `over` is what happens to those that are there.
pub(super) async fn insert(
    on: &mut AnyConnection,
    columns: &str,
    over: &str,
    rows: Vec<Vec<Cell>>,
) -> Result<(), sqlx::Error> {
    run(on, &format!("INSERT INTO {columns} VALUES {{}} {over}"), rows).await
}

/// Runs `statement`, in which `{}` stands for the rows, over as many rows at once as may be bound.
pub(super) async fn run(
    on: &mut AnyConnection,
    statement: &str,
    rows: Vec<Vec<Cell>>,
) -> Result<(), sqlx::Error> {
    let columns = rows.first().map_or(1, Vec::len).max(1);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some: Vec<_> = rows.by_ref().take(BOUND_MAX / columns).collect();
        let statement = statement.replace("{}", &places(some.len(), columns));
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for cell in some.into_iter().flatten() {
            query = cell.bind(query);
        }
        query.execute(&mut *on).await?;
    }
    Ok(())
}
