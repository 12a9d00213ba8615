//! The outbox: what a participant's users asked, signed, until blocks hold it. It is lost with its database only.
//!
//! ```text
//!   asked under an idempotency key --> ids, envelopes: durable --handed over, again and again--> a block holds it
//!   the same key, asked again      --> the same ids, and nothing else happens
//! ```
//!
//! An envelope keeps its number in the lane from the first moment, so it can have effect once only, however often
//! it is handed over. A number that was given is never given again. The lane is this gateway's alone.

use ledger::Signed;
use sqlx::any::AnyRow;
use types::{ChainId, InstructionId, Lane, PartyId, Wire as _};

use crate::{
    Fault,
    database::{Database, Purpose, signed},
};

const OUTBOX: Purpose = Purpose {
    name: "outbox",
    version: 1,
    tables: &["lane", "submission", "envelope"],
    make: &[
        "CREATE TABLE lane (party BIGINT NOT NULL, lane BIGINT NOT NULL, next BIGINT NOT NULL, \
         PRIMARY KEY (party, lane))",
        "CREATE TABLE submission (party BIGINT NOT NULL, asker TEXT NOT NULL, key TEXT NOT NULL, \
         digest TEXT NOT NULL, ids TEXT NOT NULL, PRIMARY KEY (party, asker, key))",
        "CREATE TABLE envelope (party BIGINT NOT NULL, lane BIGINT NOT NULL, sequence BIGINT NOT NULL, \
         signed {bytes} NOT NULL, PRIMARY KEY (party, lane, sequence))",
    ],
    can_be_made_again: false,
};

/// The outbox of one party's lane.
#[derive(Clone)]
pub struct Outbox {
    database: Database,
    party: PartyId,
    lane: Lane,
}

/// What was asked under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Who asked.
    pub user: String,
    /// The key, one of the user's own.
    pub key: String,
    /// Digest of the request, in hexadecimal digits.
    pub digest: String,
    /// The instructions that it became.
    pub ids: Vec<InstructionId>,
}

impl Outbox {
    /// Opens the outbox at `url` for the lane of a party, made if it is not there.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn open(
        url: &str,
        chain: ChainId,
        party: PartyId,
        lane: Lane,
    ) -> Result<Self, Fault> {
        Ok(Self { database: Database::open(url, &OUTBOX, chain).await?, party, lane })
    }

    fn own(&self) -> (i64, i64) {
        (i64::from(self.party.0), i64::from(self.lane.0))
    }

    /// What a user asked under `key`.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn find(&self, user: &str, key: &str) -> Result<Option<Submission>, Fault> {
        let Database { pool, engine } = &self.database;
        let found =
            "SELECT digest, ids FROM submission WHERE party = $1 AND asker = $2 AND key = $3";
        let found = sqlx::query(found).bind(self.own().0).bind(user).bind(key);
        let found = found.fetch_optional(pool).await.map_err(|why| engine.fault(why))?;
        let Some(row) = found else { return Ok(None) };
        let ids: String = engine.get(&row, 1)?;
        let ids = ids.split_whitespace().map(|it| {
            let id = InstructionId::parse(it);
            id.ok_or_else(|| engine.not_ours(format_args!("{it:?} is no instruction")))
        });
        let ids = ids.collect::<Result<_, _>>()?;
        let digest = engine.get(&row, 0)?;
        Ok(Some(Submission { user: user.into(), key: key.into(), digest, ids }))
    }

    /// Keeps what was asked and the envelopes that it became: durable when this returns.
    ///
    /// # Errors
    /// [`Fault::Database`]. Whether it is kept then, the database knows: [`Self::find`] tells.
    pub async fn keep(&self, submission: &Submission, envelopes: &[Signed]) -> Result<(), Fault> {
        let Database { pool, engine } = &self.database;
        let fault = |why: sqlx::Error| engine.fault(why);
        let (party, lane) = self.own();
        let mut all = pool.begin().await.map_err(fault)?;
        let Submission { user, key, digest, ids } = submission;
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let keep =
            "INSERT INTO submission (party, asker, key, digest, ids) VALUES ($1, $2, $3, $4, $5)";
        let keep = sqlx::query(keep).bind(party).bind(user).bind(key).bind(digest);
        keep.bind(ids.join(" ")).execute(&mut *all).await.map_err(fault)?;
        for it in envelopes {
            let keep =
                "INSERT INTO envelope (party, lane, sequence, signed) VALUES ($1, $2, $3, $4)";
            let keep = sqlx::query(keep).bind(party).bind(lane).bind(signed(it.envelope.sequence));
            keep.bind(it.to_bytes()).execute(&mut *all).await.map_err(fault)?;
        }
        if let Some(last) = envelopes.last() {
            let next = "INSERT INTO lane (party, lane, next) VALUES ($1, $2, $3) \
                        ON CONFLICT (party, lane) DO UPDATE SET next = excluded.next";
            let next = sqlx::query(next).bind(party).bind(lane);
            let next = next.bind(signed(last.envelope.sequence.saturating_add(1)));
            next.execute(&mut *all).await.map_err(fault)?;
        }
        all.commit().await.map_err(fault)
    }

    /// The number after the last one that was given; 0 if none was.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn next(&self) -> Result<u64, Fault> {
        let Database { pool, engine } = &self.database;
        let (party, lane) = self.own();
        let next = sqlx::query("SELECT next FROM lane WHERE party = $1 AND lane = $2");
        let next = next.bind(party).bind(lane).fetch_optional(pool).await;
        let next = next.map_err(|why| engine.fault(why))?;
        next.map_or(Ok(0), |row| self.database.number(&row, 0))
    }

    /// The envelopes from the number `next` on, at most `limit`, in their order.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn waiting(&self, next: u64, limit: u32) -> Result<Vec<Signed>, Fault> {
        let (party, lane) = self.own();
        let waiting = "SELECT signed FROM envelope WHERE party = $1 AND lane = $2 AND sequence >= $3 \
                       ORDER BY sequence LIMIT $4";
        let waiting = sqlx::query(waiting).bind(party).bind(lane).bind(signed(next));
        let waiting = waiting.bind(i64::from(limit)).fetch_all(&self.database.pool).await;
        let waiting = waiting.map_err(|why| self.database.engine.fault(why))?;
        waiting.iter().map(|row| self.envelope(row)).collect()
    }

    fn envelope(&self, row: &AnyRow) -> Result<Signed, Fault> {
        let bytes: Vec<u8> = self.database.engine.get(row, 0)?;
        Signed::from_bytes(&bytes).map_err(|why| self.database.engine.not_ours(why))
    }

    /// Lets go of the envelopes below the number `next`: blocks hold them.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn let_go(&self, next: u64) -> Result<(), Fault> {
        let Database { pool, engine } = &self.database;
        let (party, lane) = self.own();
        let held = "DELETE FROM envelope WHERE party = $1 AND lane = $2 AND sequence < $3";
        let held = sqlx::query(held).bind(party).bind(lane).bind(signed(next)).execute(pool).await;
        held.map(drop).map_err(|why| engine.fault(why))
    }
}
