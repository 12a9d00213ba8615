//! Two persons at a gateway's door.

use std::{collections::BTreeSet, sync::Arc};

use crypto::keys::SecretKey;
use serde_json::{Value, json};
use tokio::sync::watch;
use types::{KeyId, Lane, PartyId};

use crate::{
    Client, Fault, Followed, History, Signer,
    api::{App, serve},
    config::{Right, User},
    facts::Facts,
    outbox::Outbox,
    sending::Sending,
    testing::{Folder, genesis},
};

const LANE: Lane = Lane(1);

/// A gateway that has come to the newest block, which marks `suspend-party`.
struct Gateway {
    _folder: Folder,
    server: listen::Server,
}

impl Gateway {
    async fn start() -> Self {
        let (folder, genesis) = (Folder::new(), genesis());
        let (chain, party) = (genesis.chain(), PartyId(3));
        let outbox = Outbox::open(&folder.sqlite("outbox.sqlite"), chain, party, LANE).await;
        let signer = Signer::new(chain, party, KeyId(0), SecretKey::from_seed([1; 32]));
        let sending = Sending::new(outbox.unwrap(), signer, LANE, constant(0));
        let facts = Facts::of(Followed::from_genesis(&genesis).view(), party);
        let history = History::open(&folder.sqlite("history.sqlite"), chain).await.unwrap();
        let words = vec!["open-day".to_owned(), "suspend-party".to_owned()];
        let user = |name: &str, rights: &[Right]| User {
            name: name.into(),
            token_sha256: hex::encode(crypto::sha256(name.as_bytes()).0),
            rights: rights.into(),
            asks: if name == "clerk" { words.clone() } else { Vec::new() },
        };
        let both = [Right::Instruct, Right::Approve];
        let users = vec![user("clerk", &[Right::Instruct]), user("ann", &both), user("ben", &both)];
        let app = App {
            chain,
            history,
            sending: Arc::new(sending),
            facts: constant(Some(Arc::new(facts))),
            caught_up: constant(true),
            users: Arc::new(users),
            approval: Arc::new(BTreeSet::from(["suspend-party".into()])),
            forwards: Arc::default(),
        };
        let address = "127.0.0.1:0".parse().unwrap();
        let server = serve(address, listen::Limits::default(), app).unwrap();
        Self { _folder: folder, server }
    }

    /// A user, whose token is its name.
    fn user(&self, name: &str) -> Client {
        Client::new(&format!("http://{}", self.server.address()), name).unwrap()
    }
}

fn constant<T>(it: T) -> watch::Receiver<T> {
    watch::channel(it).1
}

fn suspend(party: u32) -> Value {
    json!({"ask": "suspend-party", "party": party, "suspended": true})
}

fn code(answer: Result<Value, Fault>) -> String {
    match answer {
        Err(Fault::Refused { problem, .. }) => problem.code,
        other => panic!("{other:?}"),
    }
}

async fn decide(
    user: &Client,
    number: u64,
    approved: bool,
    digest: &Value,
) -> Result<Value, Fault> {
    let decision = json!({"approved": approved, "digest": digest});
    user.post(&format!("/v1/approvals/{number}"), "any", &decision).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_marked_waits_for_a_second_person() {
    let gateway = Gateway::start().await;
    let [clerk, ann, ben] = ["clerk", "ann", "ben"].map(|it| gateway.user(it));
    let plain = json!({"ask": "open-day", "date": "2026-01-05"});
    let plain = clerk.post("/v1/instructions", "plain", &plain).await.unwrap();
    assert_eq!((&plain["state"], &plain["ids"]), (&"submitted".into(), &json!(["3-1-0-0"])));
    let other = json!([{"ask": "open-day", "date": "2026-01-06"}, {"ask": "hold", "instruction": "3-1-0-0"}]);
    assert_eq!(code(clerk.post("/v1/instructions", "other", &other).await), "right-missing");
    let asked = json!([{"ask": "open-day", "date": "2026-01-06"}, suspend(9)]);
    let waits = clerk.post("/v1/instructions", "a", &asked).await.unwrap();
    assert_eq!((&waits["state"], &waits["ids"]), (&"awaiting-approval".into(), &json!([])));
    assert_eq!(clerk.post("/v1/instructions", "a", &asked).await.unwrap(), waits);
    assert_eq!(clerk.get("/v1/submissions/a").await.unwrap(), waits);
    assert_eq!(code(clerk.get("/v1/approvals").await), "right-missing");
    let list = ann.get("/v1/approvals").await.unwrap();
    let one = &list["approvals"][0];
    assert_eq!(
        (&one["number"], &one["user"], &one["key"]),
        (&1.into(), &"clerk".into(), &"a".into())
    );
    assert_eq!((&one["instructions"], &list["next"]), (&asked, &Value::Null));
    let digest = &one["digest"];
    assert_eq!(code(decide(&clerk, 1, true, digest).await), "right-missing");
    assert_eq!(code(decide(&ann, 7, true, digest).await), "not-known");
    assert_eq!(code(decide(&ann, 1, true, &json!("0".repeat(64))).await), "digest-different");
    let not = json!({"approved": "perhaps"});
    assert_eq!(code(ann.post("/v1/approvals/1", "any", &not).await), "decision-malformed");
    assert_eq!(code(ann.post("/v1/approvals/one", "any", &not).await), "query-malformed");
    let (one, two) = tokio::join!(decide(&ann, 1, true, digest), decide(&ben, 1, true, digest));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one, two, "two at once: one decision, told to both");
    assert_eq!((&one["state"], &one["ids"]), (&"approved".into(), &json!(["3-1-1-0", "3-1-1-1"])));
    assert_eq!(code(decide(&ben, 1, false, digest).await), "already-decided");
    let known = clerk.get("/v1/submissions/a").await.unwrap();
    assert_eq!((&known["ids"], &known["decided_by"]), (&one["ids"], &one["decided_by"]));
    assert_eq!(ann.get("/v1/approvals").await.unwrap()["approvals"], json!([]));
    let done = ann.get("/v1/approvals?state=approved").await.unwrap();
    assert_eq!(done["approvals"], json!([one]));
    assert_eq!(code(ann.get("/v1/approvals?state=lost").await), "query-malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_does_not_decide_and_what_is_rejected_stays_so() {
    let gateway = Gateway::start().await;
    let [ann, ben] = ["ann", "ben"].map(|it| gateway.user(it));
    ann.post("/v1/instructions", "a", &suspend(9)).await.unwrap();
    let digest = ben.get("/v1/approvals").await.unwrap()["approvals"][0]["digest"].clone();
    for approved in [true, false] {
        assert_eq!(code(decide(&ann, 1, approved, &digest).await), "own-request");
    }
    let rejected = decide(&ben, 1, false, &digest).await.unwrap();
    assert_eq!((&rejected["state"], &rejected["decided_by"]), (&"rejected".into(), &"ben".into()));
    assert_eq!(decide(&ben, 1, false, &digest).await.unwrap(), rejected, "said again");
    let told = ann.post("/v1/instructions", "a", &suspend(9)).await.unwrap();
    assert_eq!((&told["state"], &told["decided_by"]), (&"rejected".into(), &"ben".into()));
    assert_eq!(
        (&told["ids"], &told["decided_at"]),
        (&json!([]), &"1970-01-01T00:00:01+00:00".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_comes_in_pages() {
    let gateway = Gateway::start().await;
    let [clerk, ann] = ["clerk", "ann"].map(|it| gateway.user(it));
    for number in 0..105 {
        let key = format!("k{number}");
        clerk.post("/v1/instructions", &key, &suspend(number)).await.unwrap();
    }
    let first = ann.get("/v1/approvals").await.unwrap();
    assert_eq!(first["approvals"].as_array().unwrap().len(), 100);
    for cursor in ["100", "100:approved", "x:awaiting-approval"] {
        let path = format!("/v1/approvals?cursor={cursor}");
        assert_eq!(code(ann.get(&path).await), "query-malformed", "{cursor}");
    }
    let all = ann.get_all("/v1/approvals", "approvals").await.unwrap();
    let numbers = all["approvals"].as_array().unwrap().iter().map(|it| it["number"].as_u64());
    assert!(numbers.eq((1..=105).map(Some)));
}
