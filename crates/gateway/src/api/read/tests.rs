//! Reads of a market that a script plays.

use crate::scripted::Stage;

const FILLS: &str = "\
furikae  admits aoba, botan as participant
furikae  admits kinjo as settlement-bank
furikae  admits sakura as issuer
aoba     opens account emi
botan    opens account yuki
furikae  lists SAKURA issued by sakura
furikae  lists JPY issued by kinjo
sakura   requests issue of 100 SAKURA to emi   as r1
furikae  approves r1
kinjo    issues 10 JPY to yuki
furikae  opens board of SAKURA in JPY
aoba     offers 10 SAKURA at 1 JPY from emi   as o1
botan    bids 10 SAKURA at 1 JPY into yuki   as b1
aoba     offers 5 SAKURA at 1 JPY from emi   as o2
botan    bids 5 SAKURA at 1 JPY into yuki   as b2
expect   fill of b2 with o2 is 5 SAKURA at 1 JPY, pending
aoba     delivers 1 SAKURA from emi to yuki   as s1
";

async fn listed(stage: &Stage, word: &str, query: &str) -> Vec<String> {
    let said = stage.get(word, &format!("/v1/instructions{query}")).await;
    let all = said["instructions"].as_array().unwrap().iter();
    all.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_settles_a_members_fills_is_listed_as_its_own() {
    let stage = Stage::of(FILLS).await;
    let own = ["0-0-0-0".to_owned(), "0-0-1-0".into(), stage.id("s1")];
    assert_eq!(listed(&stage, "aoba", "").await, own);
    assert_eq!(listed(&stage, "botan", "").await, ["0-0-0-1", "0-0-1-1"]);
    assert_eq!(listed(&stage, "botan", "?status=pending").await, ["0-0-1-1"]);
    assert_eq!(listed(&stage, "sakura", "").await, [""; 0]);
    let waits = stage.get("botan", "/v1/instructions/0-0-1-1/explain").await;
    assert_eq!(waits["reason"]["code"], "MONY", "{waits}");
    assert_eq!(waits["short"][0]["by"], "5");
}

#[tokio::test]
async fn a_state_that_there_is_not_is_refused_by_name() {
    let stage = Stage::of(FILLS).await;
    let door = stage.door("aoba").await;
    for status in ["waiting", "", "Pending"] {
        let path = format!("/v1/instructions?status={status}");
        assert_eq!(door.refusal(&path).await, (400, "query-malformed".into()), "{status}");
    }
    for status in ledger::settlement::Status::ALL {
        listed(&stage, "aoba", &format!("?status={}", status.name())).await;
    }
    assert_eq!(listed(&stage, "aoba", "?status=refused").await, [""; 0]);
}
