//! A database serves one gateway at a time: who opens it holds it until it ends, however it ends.

use std::{
    collections::BTreeSet,
    fs::{File, TryLockError},
    time::{Duration, Instant},
};

use sqlx::{AnyConnection, Connection as _};

use super::{Engine, without_password};
use crate::Fault;

/// The number under which a PostgreSQL server knows that a gateway holds a database.
const NUMBER: i64 = 0x0066_7572_696B_6165;
/// How long one that was killed may still be taken for alive.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// Held until it is dropped.
pub struct Held {
    _files: Vec<File>,
    _connections: Vec<AnyConnection>,
}

/// Holds the databases at `urls`, each of which may be named more than once.
///
/// # Errors
/// [`Fault::Database`]: another gateway holds one; it cannot be reached.
pub async fn hold(urls: &[&str]) -> Result<Held, Fault> {
    let mut held = Held { _files: Vec::new(), _connections: Vec::new() };
    for url in urls.iter().collect::<BTreeSet<_>>() {
        match Engine::of(url)? {
            Engine::Sqlite => held._files.push(until_free(url, async || lock(url)).await?),
            Engine::Postgres => {
                held._connections.push(until_free(url, async || connect(url).await).await?);
            }
        }
    }
    Ok(held)
}

/// Tries until it is free.
async fn until_free<T>(
    url: &str,
    mut once: impl AsyncFnMut() -> Result<Option<T>, Fault>,
) -> Result<T, Fault> {
    let began = Instant::now();
    loop {
        if let Some(held) = once().await? {
            return Ok(held);
        }
        if began.elapsed() > PATIENCE {
            let url = without_password(url);
            let why = format!("{url}: another gateway holds it; stop that one, or name another");
            return Err(Fault::Database { why });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The lock of a file beside the database; `None` while another process has it.
fn lock(url: &str) -> Result<Option<File>, Fault> {
    let path = url.trim_start_matches("sqlite:").split('?').next().unwrap_or_default();
    let path = format!("{path}.held");
    let fault = |why: std::io::Error| Engine::Sqlite.fault(format_args!("{path}: {why}"));
    let file = File::create(&path).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(why)) => Err(fault(why)),
    }
}

/// A connection that holds the database; `None` while another does.
async fn connect(url: &str) -> Result<Option<AnyConnection>, Fault> {
    let fault =
        |why: sqlx::Error| Engine::Postgres.fault(format_args!("{}: {why}", without_password(url)));
    let mut connection = AnyConnection::connect(url).await.map_err(fault)?;
    let lock = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(NUMBER);
    let taken: bool = lock.fetch_one(&mut connection).await.map_err(fault)?;
    Ok(taken.then_some(connection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, Postgres};

    async fn one_at_a_time(url: &str) {
        let held = hold(&[url, url]).await.unwrap();
        let second = hold(&[url]).await.err().expect("it is held").to_string();
        assert!(second.contains("another gateway holds it"), "{second}");
        drop(held);
        hold(&[url]).await.unwrap();
    }

    #[tokio::test]
    async fn a_database_serves_one_gateway_in_sqlite() {
        let folder = Folder::new();
        one_at_a_time(&folder.sqlite("history.sqlite")).await;
    }

    #[tokio::test]
    async fn a_database_serves_one_gateway_in_postgresql() {
        let server = Postgres::start();
        one_at_a_time(&server.url()).await;
    }
}
