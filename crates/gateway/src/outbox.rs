//! The outbox: what a participant's users asked, signed, until blocks hold it. It is lost with its database only.
//!
//! ```text
//!   asked under an idempotency key --> ids, envelopes: durable --handed over, again and again--> a block holds it
//!   the same key, asked again      --> the same ids, and nothing else happens
//! ```
//!
//! An envelope keeps its number in the lane from the first moment, so it can have effect once only, however often
//! it is handed over. The lane is this gateway's alone.

use ledger::Signed;
use sqlx::any::AnyRow;
use types::{ChainId, InstructionId, Lane, Wire as _};

use crate::{
    Fault,
    database::{Database, Purpose, signed},
};

const OUTBOX: Purpose = Purpose {
    name: "outbox",
    version: 1,
    tables: &["submission", "envelope"],
    make: &[
        "CREATE TABLE submission (key TEXT PRIMARY KEY, digest TEXT NOT NULL, \"user\" TEXT NOT NULL, \
         ids TEXT NOT NULL)",
        "CREATE TABLE envelope (lane BIGINT NOT NULL, sequence BIGINT NOT NULL, signed {bytes} NOT NULL, \
         PRIMARY KEY (lane, sequence))",
    ],
    can_be_made_again: false,
};

/// The outbox of one gateway.
#[derive(Clone)]
pub struct Outbox(Database);

/// What was asked under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The key.
    pub key: String,
    /// Digest of the request, in hexadecimal digits.
    pub digest: String,
    /// Who asked.
    pub user: String,
    /// The instructions that it became.
    pub ids: Vec<InstructionId>,
}

impl Outbox {
    /// Opens the outbox at `url`, made if it is not there.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn open(url: &str, chain: ChainId) -> Result<Self, Fault> {
        Database::open(url, &OUTBOX, chain).await.map(Self)
    }

    /// What was asked under `key`.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn find(&self, key: &str) -> Result<Option<Submission>, Fault> {
        let found = sqlx::query("SELECT digest, \"user\", ids FROM submission WHERE key = $1");
        let found = found.bind(key).fetch_optional(&self.0.pool).await;
        let Some(row) = found.map_err(|why| self.0.engine.fault(why))? else { return Ok(None) };
        let ids: String = self.0.engine.get(&row, 2)?;
        let ids = ids.split_whitespace().map(|it| {
            let id = InstructionId::parse(it);
            id.ok_or_else(|| self.0.engine.not_ours(format_args!("{it:?} is no instruction")))
        });
        Ok(Some(Submission {
            key: key.into(),
            digest: self.0.engine.get(&row, 0)?,
            user: self.0.engine.get(&row, 1)?,
            ids: ids.collect::<Result<_, _>>()?,
        }))
    }

    /// Keeps what was asked and the envelopes that it became: durable when this returns.
    ///
    /// # Errors
    /// [`Fault::Database`]; nothing is kept then.
    pub async fn keep(&self, submission: &Submission, envelopes: &[Signed]) -> Result<(), Fault> {
        let fault = |why: sqlx::Error| self.0.engine.fault(why);
        let mut all = self.0.pool.begin().await.map_err(fault)?;
        let Submission { key, digest, user, ids } = submission;
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let keep = "INSERT INTO submission (key, digest, \"user\", ids) VALUES ($1, $2, $3, $4)";
        let keep = sqlx::query(keep).bind(key).bind(digest).bind(user).bind(ids.join(" "));
        keep.execute(&mut *all).await.map_err(fault)?;
        for it in envelopes {
            let keep = "INSERT INTO envelope (lane, sequence, signed) VALUES ($1, $2, $3)";
            let keep = sqlx::query(keep).bind(i64::from(it.envelope.lane.0));
            let keep = keep.bind(signed(it.envelope.sequence)).bind(it.to_bytes());
            keep.execute(&mut *all).await.map_err(fault)?;
        }
        all.commit().await.map_err(fault)
    }

    /// The number after that of the last envelope of a lane that waits here; 0 if none does.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn next(&self, lane: Lane) -> Result<u64, Fault> {
        let last = "SELECT sequence FROM envelope WHERE lane = $1 ORDER BY sequence DESC LIMIT 1";
        let last = sqlx::query(last).bind(i64::from(lane.0)).fetch_optional(&self.0.pool).await;
        let last = last.map_err(|why| self.0.engine.fault(why))?;
        last.map_or(Ok(0), |row| Ok(self.0.number(&row, 0)?.saturating_add(1)))
    }

    /// The envelopes of a lane from the number `next` on, at most `limit`, in their order.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn waiting(&self, lane: Lane, next: u64, limit: u32) -> Result<Vec<Signed>, Fault> {
        let waiting = "SELECT signed FROM envelope WHERE lane = $1 AND sequence >= $2 \
                       ORDER BY sequence LIMIT $3";
        let waiting = sqlx::query(waiting).bind(i64::from(lane.0)).bind(signed(next));
        let waiting = waiting.bind(i64::from(limit)).fetch_all(&self.0.pool).await;
        let waiting = waiting.map_err(|why| self.0.engine.fault(why))?;
        waiting.iter().map(|row| self.envelope(row)).collect()
    }

    fn envelope(&self, row: &AnyRow) -> Result<Signed, Fault> {
        let bytes: Vec<u8> = self.0.engine.get(row, 0)?;
        Signed::from_bytes(&bytes).map_err(|why| self.0.engine.not_ours(why))
    }

    /// Lets go of the envelopes of a lane below the number `next`: blocks hold them.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn let_go(&self, lane: Lane, next: u64) -> Result<(), Fault> {
        let held = sqlx::query("DELETE FROM envelope WHERE lane = $1 AND sequence < $2")
            .bind(i64::from(lane.0))
            .bind(signed(next));
        held.execute(&self.0.pool).await.map(drop).map_err(|why| self.0.engine.fault(why))
    }
}
