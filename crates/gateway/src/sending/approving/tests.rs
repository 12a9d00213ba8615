//! Two persons: kept, decided and signed once, whatever happens in between.

use ledger::Instruction;
use types::{BusinessDate, LedgerTime};

use super::super::tests::{kept, request, sending};
use super::*;
use crate::{outbox::Decided, testing::Folder};

fn wording() -> Wording {
    Wording { text: "{}".into(), at: LedgerTime(5) }
}

/// The digest of what [`wording`] says.
fn digest() -> String {
    hex::encode(crypto::sha256(b"{}").0)
}

fn open() -> Vec<Instruction> {
    vec![Instruction::OpenDay { date: BusinessDate(1) }]
}

fn decision(approved: bool, by: &str) -> Decision {
    Decision { approved, decided: Decided { by: by.into(), at: LedgerTime(9) } }
}

async fn ask(sending: &Sending, key: &str) -> Taken {
    sending.take_to_approve(request(key, &digest(), 1), &wording()).await.unwrap()
}

fn ids(ruling: &Ruling) -> Vec<String> {
    let (Ruling::Stands(it) | Ruling::Otherwise(it)) = ruling else { panic!("{ruling:?}") };
    it.submission.ids.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_waits_has_no_number_and_is_signed_once() {
    let folder = Folder::new();
    let url = folder.sqlite("outbox.sqlite");
    let first = sending(&url, 5).await;
    let Taken::New(one) = ask(&first, "a").await else { panic!() };
    assert_eq!(ask(&first, "a").await, Taken::Known(one.clone()));
    let other = first.take_to_approve(request("a", "other", 1), &wording()).await.unwrap();
    assert_eq!(other, Taken::Other);
    assert!(first.outbox.waiting(0, 9).await.unwrap().is_empty(), "nothing is signed");
    assert_eq!(kept(&first, request("plain", "x", 1)).await.ids[0].to_string(), "3-1-5-0");
    drop(first);
    // It waits also after a new start.
    let again = sending(&url, 5).await;
    assert_eq!(ask(&again, "a").await, Taken::Known(one));
    let approved = again.decide(1, decision(true, "one"), open()).await.unwrap();
    assert_eq!(ids(&approved), ["3-1-6-0"]);
    let twice = again.decide(1, decision(true, "two"), open()).await.unwrap();
    assert_eq!(twice, approved, "it stands as the first decided");
    let no = again.decide(1, decision(false, "two"), open()).await.unwrap();
    assert!(matches!(&no, Ruling::Otherwise(_)) && ids(&no) == ids(&approved), "{no:?}");
    let Taken::Known(known) = ask(&again, "a").await else { panic!() };
    assert_eq!(known.ids.iter().map(ToString::to_string).collect::<Vec<_>>(), ids(&approved));
    let state = known.approval.unwrap();
    assert_eq!((state.word(), state.decided().unwrap().by.as_str()), ("approved", "one"));
    assert_eq!(again.outbox.waiting(6, 9).await.unwrap().len(), 1, "signed once");
    assert_eq!(again.decide(2, decision(true, "one"), open()).await.unwrap(), Ruling::Unknown);
}

#[tokio::test]
async fn what_is_rejected_is_never_signed() {
    let folder = Folder::new();
    let sending = sending(&folder.sqlite("outbox.sqlite"), 0).await;
    ask(&sending, "a").await;
    let no = sending.decide(1, decision(false, "one"), Vec::new()).await.unwrap();
    assert!(matches!(&no, Ruling::Stands(it) if it.state.word() == "rejected"), "{no:?}");
    let yes = sending.decide(1, decision(true, "two"), open()).await.unwrap();
    assert!(matches!(yes, Ruling::Otherwise(_)), "{yes:?}");
    assert!(sending.outbox.waiting(0, 9).await.unwrap().is_empty());
    assert_eq!(sending.outbox.next().await.unwrap(), 0, "no number was given");
}

#[tokio::test]
async fn many_who_decide_at_once_and_go_decide_once() {
    let folder = Folder::new();
    let url = folder.sqlite("outbox.sqlite");
    let sending = sending(&url, 0).await;
    for turn in 1..=10_u64 {
        ask(&sending, &format!("turn {turn}")).await;
        // One goes while it is decided; the database may still be at it.
        let mut gone = Box::pin(sending.decide(turn, decision(true, "gone"), open()));
        for _ in 0..turn {
            if futures::poll!(&mut gone).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(gone);
        let again = |by: &'static str, approved: bool| {
            let sending = &sending;
            async move {
                loop {
                    match sending.decide(turn, decision(approved, by), open()).await {
                        Ok(it) => return it,
                        Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                    }
                }
            }
        };
        let (one, two) = tokio::join!(again("one", true), again("two", false));
        assert_eq!(ids(&one), ids(&two), "both are told the same");
        let stands = [&one, &two].map(|it| matches!(it, Ruling::Stands(_)));
        assert!(stands[0] != stands[1], "{one:?} {two:?}");
    }
    let all = sending.outbox.waiting(0, 100).await.unwrap();
    let all: Vec<_> = all.iter().map(|it| it.envelope.sequence).collect();
    assert_eq!(all, (0..u64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
    let approved = sending.approvals("approved", 0, (100, 1_000)).await.unwrap();
    assert_eq!(approved.len(), all.len(), "each that was approved has one envelope");
}
