//! What a second person must approve: kept as it was asked, without a number, until somebody decides.
//!
//! ```text
//!   waiting --approved--> signed, with ids: in the same transaction
//!          `--rejected--> nothing more
//! ```
//!
//! Only what waits can be decided: the row says so where the decision is written, so two who decide at once, or one
//! who decides again, decide once.

use futures::TryStreamExt as _;
use ledger::Signed;
use sqlx::any::AnyRow;
use types::{InstructionId, LedgerTime};

use super::{Outbox, Submission, spaced};
use crate::{
    Fault,
    database::{Database, signed},
};

/// The table of version 2.
pub const TABLE: &[&str] = &[
    "CREATE TABLE approval (party BIGINT NOT NULL, number BIGINT NOT NULL, asker TEXT NOT NULL, \
     key TEXT NOT NULL, asked TEXT NOT NULL, asked_at BIGINT NOT NULL, state TEXT NOT NULL, \
     decided_by TEXT, decided_at BIGINT, PRIMARY KEY (party, number), UNIQUE (party, asker, key))",
    "CREATE INDEX approval_state ON approval (party, state, number)",
];

/// The text of a request, and when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The body of the request: JSON.
    pub text: String,
    /// The time of the newest block then.
    pub at: LedgerTime,
}

/// Who decided, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The name of the user.
    pub by: String,
    /// The time of the newest block then.
    pub at: LedgerTime,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing yet.
    Waiting,
    /// It is signed.
    Approved(Decided),
    /// It will never be.
    Rejected(Decided),
}

impl State {
    /// The word for it, here and in answers.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "awaiting-approval",
            Self::Approved(_) => "approved",
            Self::Rejected(_) => "rejected",
        }
    }

    /// Who decided.
    pub const fn decided(&self) -> Option<&Decided> {
        match self {
            Self::Waiting => None,
            Self::Approved(it) | Self::Rejected(it) => Some(it),
        }
    }
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is approved.
    pub approved: bool,
    /// Who decides, and when.
    pub decided: Decided,
}

impl Decision {
    /// What it leads to.
    pub fn state(self) -> State {
        if self.approved { State::Approved(self.decided) } else { State::Rejected(self.decided) }
    }
}

/// A request that a second person decides about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its number among those of the party.
    pub number: u64,
    /// What was asked, under which key.
    pub submission: Submission,
    /// Its text.
    pub wording: Wording,
    /// What was decided.
    pub state: State,
}

const SELECT: &str = "SELECT number, asker, key, digest, ids, asked, asked_at, state, decided_by, decided_at \
     FROM approval JOIN submission USING (party, asker, key) WHERE party = $1 AND";

impl Outbox {
    /// Keeps a request until somebody decides: durable when this returns.
    ///
    /// # Errors
    /// [`Fault::Database`]. Whether it is kept then, the database knows: [`Self::find`] tells.
    pub async fn keep_waiting(
        &self,
        submission: &Submission,
        wording: &Wording,
    ) -> Result<(), Fault> {
        let fault = |why: sqlx::Error| self.database.engine.fault(why);
        let party = self.own().0;
        let mut all = self.begin().await?;
        self.put_submission(&mut all, submission).await?;
        let last = "SELECT COALESCE(MAX(number), 0) FROM approval WHERE party = $1";
        let last = sqlx::query(last).bind(party).fetch_one(&mut *all).await.map_err(fault)?;
        let number = self.database.number(&last, 0)?.saturating_add(1);
        let keep = "INSERT INTO approval (party, number, asker, key, asked, asked_at, state) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let keep = sqlx::query(keep).bind(party).bind(signed(number));
        let keep = keep.bind(&submission.user).bind(&submission.key).bind(&wording.text);
        let keep = keep.bind(signed(wording.at.0)).bind(State::Waiting.word());
        keep.execute(&mut *all).await.map_err(fault)?;
        all.commit().await.map_err(fault)
    }

    /// The request with this number.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn approval(&self, number: u64) -> Result<Option<Approval>, Fault> {
        let Database { pool, engine } = &self.database;
        let found = format!("{SELECT} number = $2");
        let found = sqlx::query(sqlx::AssertSqlSafe(found)).bind(self.own().0).bind(signed(number));
        let found = found.fetch_optional(pool).await.map_err(|why| engine.fault(why))?;
        found.map(|row| self.read_approval(&row)).transpose()
    }

    /// Requests in a state, with numbers above `after`, in their order: at most `limit`, and no more once their
    /// texts have `bytes`.
    ///
    /// # Errors
    /// [`Fault::Database`].
    pub async fn approvals(
        &self,
        state: &str,
        after: u64,
        (limit, bytes): (u32, usize),
    ) -> Result<Vec<Approval>, Fault> {
        let Database { pool, engine } = &self.database;
        let rows = format!("{SELECT} state = $2 AND number > $3 ORDER BY number LIMIT $4");
        let rows = sqlx::query(sqlx::AssertSqlSafe(rows)).bind(self.own().0).bind(state);
        let mut rows = rows.bind(signed(after)).bind(i64::from(limit)).fetch(pool);
        let (mut all, mut length) = (Vec::new(), 0_usize);
        while length < bytes
            && let Some(row) = rows.try_next().await.map_err(|why| engine.fault(why))?
        {
            let it = self.read_approval(&row)?;
            length = length.saturating_add(it.wording.text.len());
            all.push(it);
        }
        Ok(all)
    }

    /// Writes what was decided about a request, and the envelopes that it became: durable when this returns. `false`,
    /// and nothing is written, when it does not wait any more.
    ///
    /// # Errors
    /// [`Fault::Database`]. Whether it is written then, the database knows: [`Self::approval`] tells.
    pub async fn decide(
        &self,
        of: &Approval,
        decision: Decision,
        (ids, envelopes): (&[InstructionId], &[Signed]),
    ) -> Result<bool, Fault> {
        let fault = |why: sqlx::Error| self.database.engine.fault(why);
        let (party, state) = (self.own().0, decision.clone().state());
        let mut all = self.begin().await?;
        let decide = "UPDATE approval SET state = $1, decided_by = $2, decided_at = $3 \
                      WHERE party = $4 AND number = $5 AND state = $6";
        let decide = sqlx::query(decide).bind(state.word()).bind(&decision.decided.by);
        let decide = decide.bind(signed(decision.decided.at.0)).bind(party);
        let decide = decide.bind(signed(of.number)).bind(State::Waiting.word());
        if decide.execute(&mut *all).await.map_err(fault)?.rows_affected() != 1 {
            return Ok(false);
        }
        let Submission { user, key, .. } = &of.submission;
        let became = "UPDATE submission SET ids = $1 WHERE party = $2 AND asker = $3 AND key = $4";
        let became = sqlx::query(became).bind(spaced(ids)).bind(party).bind(user).bind(key);
        became.execute(&mut *all).await.map_err(fault)?;
        self.put_envelopes(&mut all, envelopes).await?;
        all.commit().await.map_err(fault).map(|()| true)
    }

    fn read_approval(&self, row: &AnyRow) -> Result<Approval, Fault> {
        let engine = self.database.engine;
        let state = self.state(row, &engine.get::<String>(row, 7)?, 8)?;
        let submission = Submission {
            user: engine.get(row, 1)?,
            key: engine.get(row, 2)?,
            digest: engine.get(row, 3)?,
            ids: self.ids(row, 4)?,
            approval: Some(state.clone()),
        };
        let wording =
            Wording { text: engine.get(row, 5)?, at: LedgerTime(self.database.number(row, 6)?) };
        if hex::encode(crypto::sha256(wording.text.as_bytes()).0) != submission.digest {
            return Err(engine.not_ours("a request is not the one whose digest it has"));
        }
        Ok(Approval { number: self.database.number(row, 0)?, submission, wording, state })
    }

    /// The state that a word of a row says, decided by whom the column `by` says at the time in the next.
    pub(super) fn state(&self, row: &AnyRow, word: &str, by: usize) -> Result<State, Fault> {
        let engine = self.database.engine;
        let decided = || {
            let at = self.database.number(row, by.saturating_add(1))?;
            Ok(Decided { by: engine.get(row, by)?, at: LedgerTime(at) })
        };
        match word {
            "awaiting-approval" => Ok(State::Waiting),
            "approved" => decided().map(State::Approved),
            "rejected" => decided().map(State::Rejected),
            other => Err(engine.not_ours(format_args!("{other:?} is no state"))),
        }
    }
}

#[cfg(test)]
mod tests;
