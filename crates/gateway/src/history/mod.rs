//! The history that a gateway keeps: what certified blocks said, in SQL, as of every height.
//!
//! ```text
//!   certified blocks --> write: one transaction for some of them --> tables
//!                                                                     |
//!   positions, registry, instructions, movements as of any height <---+
//! ```
//!
//! It lies in SQLite or in PostgreSQL. It is whole up to its newest block whenever the process ends: a block is in
//! it with all that follows from it, or not at all.

mod board;
mod cells;
mod now;
mod open;
mod read;
mod schema;
mod trades;
mod write;

use ledger::Genesis;
use types::{ChainId, Committee, Header, Wire as _};

pub use board::{Place, Stood, WantedOrders};
pub use now::{AHEAD_MAX, Ahead, Credit, Now};
pub use read::{Moved, Position, Standing, Told, Wanted};
pub use trades::{Traded, WantedTrades};

use crate::{Fault, View, database::Database};
use schema::HISTORY;

/// A market's history, in a database.
#[derive(Clone)]
pub struct History(Database);

/// Where a follower that has a history goes on.
pub struct Resumed {
    /// The newest header.
    pub header: Header,
    /// The first committee, and those that blocks have named.
    pub committees: Vec<Committee>,
    /// The rows as they stand after it.
    pub view: View,
}

impl History {
    /// Opens the history of the market `chain` at `url` (`sqlite:PATH` or `postgres://..`), made if it is not there.
    /// That of another version is dropped and made again.
    ///
    /// # Errors
    /// [`Fault::Database`]: it does not open; it is of another market.
    pub async fn open(url: &str, chain: ChainId) -> Result<Self, Fault> {
        Database::open(url, &HISTORY, chain).await.map(Self)
    }

    /// Where to go on in the market that begins with `genesis`; `None` if no block is in it.
    ///
    /// # Errors
    /// [`Fault::Database`]; also when what is there is none of ours.
    pub async fn resume(&self, genesis: &Genesis) -> Result<Option<Resumed>, Fault> {
        let newest = sqlx::query("SELECT header FROM newest");
        let newest = newest.fetch_optional(&self.0.pool).await;
        let Some(newest) = newest.map_err(|it| self.0.engine.fault(it))? else { return Ok(None) };
        let header = Header::from_bytes(&self.0.engine.get::<Vec<u8>>(&newest, 0)?)
            .map_err(|why| self.0.engine.not_ours(why))?;
        let named = sqlx::query("SELECT committee FROM committee ORDER BY epoch");
        let named = named.fetch_all(&self.0.pool).await;
        let mut committees = vec![Committee::of(0, genesis.validators.clone())];
        for row in named.map_err(|it| self.0.engine.fault(it))? {
            let bytes: Vec<u8> = self.0.engine.get(&row, 0)?;
            committees
                .push(Committee::from_bytes(&bytes).map_err(|it| self.0.engine.not_ours(it))?);
        }
        let view = self.view(&header).await?;
        Ok(Some(Resumed { header, committees, view }))
    }
}

#[cfg(test)]
mod tests;
