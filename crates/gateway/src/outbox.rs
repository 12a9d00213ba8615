//! The outbox: what a participant's users asked, signed, until blocks hold it. It is lost with its database only.
//!
//! ```text
//!   asked under an idempotency key --> ids, envelopes: durable --handed over, again and again--> a block holds it
//!   the same key, asked again      --> the same ids, and nothing else happens
//!   asked, and to be approved      --> kept as it was asked --approved--> ids, envelopes, as above
//!                                                           `-rejected--> kept, and nothing else happens
//! ```
//!
//! An envelope keeps its number in the lane from the first moment, so it can have effect once only, however often
//! it is handed over. A number that was given is never given again. The lane is this gateway's alone.

mod approval;

use ledger::Signed;
use sqlx::{AnyConnection, any::AnyRow};
use types::{ChainId, InstructionId, Lane, PartyId, Wire as _};

pub use approval::{Approval, Decided, Decision, State, Wording};

use crate::{
    Fault,
    database::{Database, Purpose, signed},
};

const OUTBOX: Purpose = Purpose {
    name: "outbox",
    version: 2,
    tables: &["lane", "submission", "envelope", "approval"],
    make: &[
        "CREATE TABLE lane (party BIGINT NOT NULL, lane BIGINT NOT NULL, next BIGINT NOT NULL, \
         PRIMARY KEY (party, lane))",
        "CREATE TABLE submission (party BIGINT NOT NULL, asker TEXT NOT NULL, key TEXT NOT NULL, \
         digest TEXT NOT NULL, ids TEXT NOT NULL, PRIMARY KEY (party, asker, key))",
        "CREATE TABLE envelope (party BIGINT NOT NULL, lane BIGINT NOT NULL, sequence BIGINT NOT NULL, \
         signed {bytes} NOT NULL, PRIMARY KEY (party, lane, sequence))",
    ],
    moves: &[approval::TABLE],
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
    /// The instructions that it became; none while it is not signed.
    pub ids: Vec<InstructionId>,
    /// What two persons decide about it; none when one suffices.
    pub approval: Option<State>,
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
        let found = "SELECT digest, ids, state, decided_by, decided_at FROM submission \
             LEFT JOIN approval USING (party, asker, key) WHERE party = $1 AND asker = $2 AND key = $3";
        let found = sqlx::query(found).bind(self.own().0).bind(user).bind(key);
        let found = found.fetch_optional(pool).await.map_err(|why| engine.fault(why))?;
        let Some(row) = found else { return Ok(None) };
        let (digest, ids) = (engine.get(&row, 0)?, self.ids(&row, 1)?);
        let approval = match engine.get::<Option<String>>(&row, 2)? {
            Some(word) => Some(self.state(&row, &word, 3)?),
            None => None,
        };
        Ok(Some(Submission { user: user.into(), key: key.into(), digest, ids, approval }))
    }

    fn ids(&self, row: &AnyRow, column: usize) -> Result<Vec<InstructionId>, Fault> {
        let engine = self.database.engine;
        let ids: String = engine.get(row, column)?;
        let ids = ids.split_whitespace().map(|it| {
            let id = InstructionId::parse(it);
            id.ok_or_else(|| engine.not_ours(format_args!("{it:?} is no instruction")))
        });
        ids.collect()
    }

    /// Keeps what was asked and the envelopes that it became: durable when this returns.
    ///
    /// # Errors
    /// [`Fault::Database`]. Whether it is kept then, the database knows: [`Self::find`] tells.
    pub async fn keep(&self, submission: &Submission, envelopes: &[Signed]) -> Result<(), Fault> {
        let mut all = self.begin().await?;
        self.put_submission(&mut all, submission).await?;
        self.put_envelopes(&mut all, envelopes).await?;
        all.commit().await.map_err(|why| self.database.engine.fault(why))
    }

    async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Any>, Fault> {
        let Database { pool, engine } = &self.database;
        pool.begin().await.map_err(|why| engine.fault(why))
    }

    async fn put_submission(&self, all: &mut AnyConnection, it: &Submission) -> Result<(), Fault> {
        let keep =
            "INSERT INTO submission (party, asker, key, digest, ids) VALUES ($1, $2, $3, $4, $5)";
        let keep = sqlx::query(keep).bind(self.own().0).bind(&it.user).bind(&it.key);
        let kept = keep.bind(&it.digest).bind(spaced(&it.ids)).execute(all).await;
        kept.map(drop).map_err(|why| self.database.engine.fault(why))
    }

    async fn put_envelopes(
        &self,
        all: &mut AnyConnection,
        envelopes: &[Signed],
    ) -> Result<(), Fault> {
        let fault = |why: sqlx::Error| self.database.engine.fault(why);
        let (party, lane) = self.own();
        for it in envelopes {
            let keep =
                "INSERT INTO envelope (party, lane, sequence, signed) VALUES ($1, $2, $3, $4)";
            let keep = sqlx::query(keep).bind(party).bind(lane).bind(signed(it.envelope.sequence));
            keep.bind(it.to_bytes()).execute(&mut *all).await.map_err(fault)?;
        }
        let Some(last) = envelopes.last() else { return Ok(()) };
        let next = "INSERT INTO lane (party, lane, next) VALUES ($1, $2, $3) \
                    ON CONFLICT (party, lane) DO UPDATE SET next = excluded.next";
        let next = sqlx::query(next).bind(party).bind(lane);
        let next = next.bind(signed(last.envelope.sequence.saturating_add(1)));
        next.execute(all).await.map(drop).map_err(fault)
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

/// Ids as a submission's row has them.
fn spaced(ids: &[InstructionId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
