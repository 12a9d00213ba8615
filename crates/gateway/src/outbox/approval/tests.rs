//! The second version of the outbox, in both engines.

use crypto::keys::SecretKey;
use ledger::Instruction;
use types::{BusinessDate, ChainId, KeyId, Lane, PartyId};

use super::*;
use crate::{
    Signer,
    database::{Database, Purpose},
    outbox::OUTBOX,
    testing::{Folder, Postgres},
};

const CHAIN: ChainId = ChainId([7; 32]);

/// The outbox as it was in version 1, with its three tables.
const FIRST: Purpose = Purpose { version: 1, moves: &[], ..OUTBOX };

async fn open(url: &str) -> Result<Outbox, Fault> {
    Outbox::open(url, CHAIN, PartyId(3), Lane(1)).await
}

fn decision(approved: bool, by: &str) -> Decision {
    Decision { approved, decided: Decided { by: by.into(), at: LedgerTime(9) } }
}

fn submission(key: &str, text: &str) -> (Submission, Wording) {
    let digest = hex::encode(crypto::sha256(text.as_bytes()).0);
    let (user, ids, approval) = ("asker".into(), Vec::new(), Some(State::Waiting));
    let wording = Wording { text: text.into(), at: LedgerTime(5) };
    (Submission { user, key: key.into(), digest, ids, approval }, wording)
}

fn envelope(sequence: u64) -> (InstructionId, Signed) {
    let secret = SecretKey::from_seed([1; 32]);
    let mut signer = Signer::new(CHAIN, PartyId(3), KeyId(0), secret);
    signer.learn(Lane(1), sequence);
    let open = vec![Instruction::OpenDay { date: BusinessDate(1) }];
    let id = InstructionId { sender: signer.sender(), lane: Lane(1), sequence, index: 0 };
    (id, signer.sign(Lane(1), open, LedgerTime(u64::MAX)))
}

/// What stood in an outbox of version 1 stands in it still, and requests can wait in it.
async fn moves_forward(url: &str) {
    let old = Database::open(url, &FIRST, CHAIN).await.unwrap();
    let (id, signed) = envelope(41);
    for (statement, bytes) in [
        ("INSERT INTO lane (party, lane, next) VALUES (3, 1, 42)".to_owned(), None),
        (
            format!(
                "INSERT INTO submission (party, asker, key, digest, ids) VALUES (3, 'old', 'k', 'd', '{id}')"
            ),
            None,
        ),
        (
            "INSERT INTO envelope (party, lane, sequence, signed) VALUES (3, 1, 41, $1)".to_owned(),
            Some(types::Wire::to_bytes(&signed)),
        ),
    ] {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(statement));
        if let Some(bytes) = bytes {
            query = query.bind(bytes);
        }
        query.execute(&old.pool).await.unwrap();
    }
    drop(old);
    // Two processes move it at once.
    let (one, two) = tokio::join!(open(url), open(url));
    let (outbox, _) = (one.unwrap(), two.unwrap());
    assert_eq!(outbox.next().await.unwrap(), 42);
    assert_eq!(outbox.waiting(0, 9).await.unwrap(), [signed]);
    let known = outbox.find("old", "k").await.unwrap().unwrap();
    assert_eq!((known.ids, known.approval), (vec![id], None));
    let why = Database::open(url, &FIRST, CHAIN).await.err().unwrap().to_string();
    assert!(why.contains("of version 2; this is for version 1"), "{why}");
    waits(&outbox).await;
    drop(outbox);
    assert_eq!(open(url).await.unwrap().next().await.unwrap(), 43, "it is version 2 for good");
}

/// What waits is decided once, whoever decides.
async fn waits(outbox: &Outbox) {
    for key in ["a", "b", "c"] {
        let (submission, wording) = submission(key, &format!("[\"{key}\"]"));
        outbox.keep_waiting(&submission, &wording).await.unwrap();
        outbox.keep_waiting(&submission, &wording).await.unwrap_err();
        assert_eq!(outbox.find("asker", key).await.unwrap(), Some(submission));
    }
    let waiting = outbox.approvals("awaiting-approval", 0, (9, 1_000)).await.unwrap();
    assert_eq!(waiting.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(waiting[1].wording, submission("b", "[\"b\"]").1);
    let some = outbox.approvals("awaiting-approval", 1, (9, 3)).await.unwrap();
    assert_eq!(some.len(), 1, "the texts of a page are bounded");
    let (id, signed) = envelope(42);
    let (ids, envelopes) = (&[id][..], &[signed.clone()][..]);
    let (yes, no) = (decision(true, "one"), decision(false, "two"));
    let (one, two) = tokio::join!(
        outbox.decide(&waiting[0], yes.clone(), (ids, envelopes)),
        outbox.decide(&waiting[0], no.clone(), (&[], &[])),
    );
    let done = [one.unwrap_or(false), two.unwrap_or(false)];
    assert_eq!(done.iter().filter(|it| **it).count(), 1, "one of two who decide at once");
    let decided = outbox.approval(1).await.unwrap().unwrap();
    if done[1] {
        assert_eq!(decided.state, no.clone().state());
        assert!(decided.submission.ids.is_empty());
        assert!(outbox.decide(&waiting[1], yes.clone(), (ids, envelopes)).await.unwrap());
    } else {
        assert_eq!((&decided.state, &decided.submission.ids[..]), (&yes.clone().state(), ids));
        assert!(outbox.decide(&waiting[1], no.clone(), (&[], &[])).await.unwrap());
    }
    for it in &waiting[..2] {
        assert!(!outbox.decide(it, yes.clone(), (ids, envelopes)).await.unwrap(), "once");
    }
    let held = outbox.waiting(42, 9).await.unwrap();
    assert_eq!((held, outbox.next().await.unwrap()), (vec![signed], 43), "signed once");
    let left = outbox.approvals("awaiting-approval", 0, (9, 1_000)).await.unwrap();
    assert_eq!(left.iter().map(|it| it.number).collect::<Vec<_>>(), [3]);
    let none = Outbox { party: PartyId(4), ..outbox.clone() };
    assert_eq!(none.approval(3).await.unwrap(), None, "another party's is its own");
}

#[tokio::test]
async fn an_outbox_moves_forward_and_loses_nothing_in_sqlite() {
    let folder = Folder::new();
    moves_forward(&folder.sqlite("outbox.sqlite")).await;
}

#[tokio::test]
async fn an_outbox_moves_forward_and_loses_nothing_in_postgresql() {
    moves_forward(&Postgres::start().url()).await;
}

#[tokio::test]
async fn what_is_not_what_was_asked_is_not_read() {
    let folder = Folder::new();
    let outbox = open(&folder.sqlite("outbox.sqlite")).await.unwrap();
    let (submission, wording) = submission("a", "[1]");
    outbox.keep_waiting(&submission, &wording).await.unwrap();
    let change = sqlx::query("UPDATE approval SET asked = '[2]'");
    change.execute(&outbox.database.pool).await.unwrap();
    let why = outbox.approval(1).await.unwrap_err().to_string();
    assert!(why.contains("digest"), "{why}");
}
