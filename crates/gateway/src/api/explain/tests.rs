//! Explanations of markets that scripts play, asked of the gateways of their parties.

use ledger::script::account;
use serde_json::{Value, json};

use crate::{
    history::AHEAD_MAX,
    scripted::{Scripted, Stage, number},
    testing::Postgres,
};

/// Two members with accounts, shares and yen.
const CAST: &str = "\
furikae  admits aoba, botan, chidori as participant
furikae  admits kinjo as settlement-bank
furikae  admits sakura as issuer
aoba     opens accounts emi, aoba-cash
botan    opens accounts yuki, botan-cash
chidori  opens accounts ken, chidori-cash
furikae  lists SAKURA issued by sakura
furikae  lists USD issued by kinjo scale 2
sakura   requests issue of 700 SAKURA to emi   as r1
furikae  approves r1
sakura   requests issue of 2,000 SAKURA to ken   as r2
furikae  approves r2
kinjo    issues 1,000.00 USD to chidori-cash
";

async fn cast(lines: &str) -> Stage {
    Stage::of(&format!("{CAST}{lines}")).await
}

/// What the gateway of `word` says of what the script calls `name`.
async fn explain(stage: &Stage, word: &str, name: &str) -> Value {
    stage.get(word, &format!("/v1/instructions/{}/explain", stage.id(name))).await
}

fn texts(of: &Value, field: &str) -> Vec<String> {
    let all = of.as_array().unwrap().iter();
    all.map(|it| it[field].as_str().unwrap_or("-").to_owned()).collect()
}

const SHORT: &str = "\
aoba     delivers 1,000 SAKURA from emi to yuki for 500.00 USD into aoba-cash   as s1
botan    receives 1,000 SAKURA into yuki from emi for 500.00 USD out of botan-cash   as b1
expect   s1 is pending
chidori  delivers 300 SAKURA from ken to emi   as s2
chidori  delivers 200 SAKURA from ken to emi hold   as s3
aoba     receives 200 SAKURA into emi from ken   as b3
aoba     receives 300 SAKURA into emi from ken for 1.00 USD out of aoba-cash   as b2
expect   b2 is unmatched
";

async fn what_is_short(stage: &Stage) {
    let said = explain(stage, "aoba", "s1").await;
    assert_eq!(said["id"], stage.id("s1"));
    assert_eq!(said["status"], "pending");
    assert_eq!(said["reason"], json!({"code": "LACK", "text": "lack-of-securities"}));
    let emi = account("emi").to_string();
    let sakura = said["short"][0]["instrument"].clone();
    let short = json!([{"account": emi, "instrument": sakura, "by": "300", "needed": "1000", "available": "700",
        "ahead": "0", "at_least": false}]);
    assert_eq!(said["short"], short, "what the buyer lacks is not told");
    let newest = stage.market.newest().0;
    assert_eq!(said["height"], newest);
    assert_eq!(said["time"], crate::moment::shown(stage.market.newest().1));
    // What would be enough comes first, then what brings less, then whatever does, and the other side.
    let cures = said["cures"].as_array().unwrap();
    assert_eq!(texts(&said["cures"], "kind"), ["delivery", "delivery", "cover", "cover"]);
    assert_eq!(cures[0]["id"], stage.id("b2"), "{cures:?}");
    assert!(cures[0]["text"].as_str().unwrap().contains("300"), "{cures:?}");
    assert!(
        cures[0]["text"].as_str().unwrap().ends_with("enough, once it is matched"),
        "{cures:?}"
    );
    assert_eq!(cures[1]["id"], stage.id("b3"), "{cures:?}");
    assert!(cures[1]["text"].as_str().unwrap().ends_with("once its other side releases it"));
    let theirs = cures[3]["text"].as_str().unwrap();
    assert!(theirs.contains("botan") && !theirs.contains("500"), "{theirs}");
    assert_eq!(texts(&said["can"], "ask"), ["hold", "cancel", "prioritise", "allocate", "settle"]);
    // The buyer lacks money, and is told that the seller lacks securities; not how many.
    let said = explain(stage, "botan", "b1").await;
    assert_eq!(said["reason"], json!({"code": "MONY", "text": "lack-of-money"}));
    assert_eq!(texts(&said["short"], "by"), ["500.00"]);
    assert!(!said.to_string().contains("300") && !said.to_string().contains("700"), "{said}");
    // Who sees all sees both; of what is another's nothing is its own to do.
    for word in ["furikae"] {
        let said = explain(stage, word, "s1").await;
        assert_eq!(texts(&said["short"], "by"), ["300", "500.00"], "{word}");
        assert_eq!(said["can"], json!([]));
    }
    let path = format!("/v1/instructions/{}/explain", stage.id("s1"));
    for word in ["chidori", "sakura", "botan"] {
        let refused = stage.door(word).await.refusal(&path).await;
        assert_eq!(refused, (404, "not-known".into()), "{word}");
    }
}

#[tokio::test]
async fn what_is_short_and_what_would_bring_it_is_told_to_whose_it_is() {
    what_is_short(&cast(SHORT).await).await;
}

#[tokio::test]
async fn what_is_short_and_what_would_bring_it_is_told_from_postgresql() {
    let server = Postgres::start();
    let stage = Stage::on(&server.url(), &format!("{CAST}{SHORT}{UNMATCHED}")).await;
    what_is_short(&stage).await;
    what_is_unmatched(&stage).await;
}

/// What is ahead in the queue and lacks nothing else takes first: so many units as are told are enough, and one less
/// is not.
#[tokio::test]
async fn so_much_as_is_told_is_enough_and_one_less_is_not() {
    // The second of the queue lacks money: it takes nothing. What is later takes nothing either.
    let queue = "\
kinjo    issues 100.00 USD to botan-cash
chidori  allocates SAKURA from ken: 2000 to chidori-cash
chidori  delivers 40 SAKURA from ken to yuki for 10.00 USD into chidori-cash   as s1
botan    receives 40 SAKURA into yuki from ken for 10.00 USD out of botan-cash   as b1
chidori  delivers 300 SAKURA from ken to yuki for 900.00 USD into chidori-cash   as s2
botan    receives 300 SAKURA into yuki from ken for 900.00 USD out of botan-cash   as b2
chidori  delivers 7 SAKURA from ken to emi   as s3
aoba     receives 7 SAKURA into emi from ken   as b3
chidori  delivers 50 SAKURA from ken to emi   as s4
aoba     receives 50 SAKURA into emi from ken   as b4
chidori  delivers 5 SAKURA from ken to emi priority low   as s5
aoba     receives 5 SAKURA into emi from ken priority low   as b5
chidori  delivers 3 SAKURA from ken to emi priority high   as s6
aoba     receives 3 SAKURA into emi from ken   as b6
";
    let stage = cast(queue).await;
    for (name, needed, by, ahead) in [
        ("s6", "3", 3, "0"),
        ("s1", "40", 43, "3"),
        ("s3", "7", 50, "43"),
        ("s4", "50", 100, "50"),
        ("s5", "5", 105, "100"),
    ] {
        let said = explain(&stage, "chidori", name).await;
        let short = &said["short"][0];
        let told = [&short["needed"], &short["ahead"], &short["by"]].map(|it| it.as_str().unwrap());
        assert_eq!(told, [needed, ahead, by.to_string().as_str()], "{name}");
        for (units, ends) in [(by, "settled"), (by - 1, "pending")] {
            let script = format!(
                "{CAST}{queue}chidori allocates SAKURA from chidori-cash: {units} to ken\nexpect {name} is {ends}\n"
            );
            Scripted::play(&script);
        }
    }
}

/// However many wait, so many places are looked at, and it is said that there are more.
#[tokio::test]
async fn what_is_ahead_is_looked_at_so_far_and_no_further() {
    let queue: String =
        (0..=AHEAD_MAX).map(|_| "chidori  pays 1,001.00 USD from chidori-cash to ken\n").collect();
    let last =
        "chidori  pays 5.00 USD from chidori-cash to ken   as last\nexpect last is pending\n";
    let stage = cast(&format!("{queue}{last}")).await;
    let short = &explain(&stage, "chidori", "last").await["short"][0].clone();
    assert_eq!((&short["ahead"], &short["at_least"]), (&"1001000.00".into(), &true.into()));
    assert_eq!(short["by"], "1000005.00", "with the 1,000.00 that are there");
}

const UNMATCHED: &str = "\
aoba     delivers 10 SAKURA from emi to yuki for 5.00 USD into aoba-cash common X1   as u1
botan    receives 9 SAKURA into yuki from emi for 5.00 USD out of botan-cash common X1   as quantity
chidori  receives 10 SAKURA into ken from emi for 5.00 USD out of chidori-cash   as stranger
botan    receives 400 SAKURA into yuki from ken for 7.00 USD out of botan-cash   as secret
botan    receives 10 SAKURA into yuki from emi for 5.50 USD out of botan-cash settling today+1   as two
aoba     delivers 77 SAKURA from emi to yuki   as alone
";

async fn what_is_unmatched(stage: &Stage) {
    let said = explain(stage, "aoba", "u1").await;
    assert_eq!(said["status"], "unmatched");
    assert_eq!(said["reason"], json!({"code": "DQUA", "text": "quantity"}));
    let ids = texts(&said["cures"], "id");
    assert_eq!(ids, [stage.id("quantity"), stage.id("stranger"), stage.id("two"), "-".into()]);
    assert_eq!(texts(&said["cures"], "kind"), ["match"; 4]);
    let text = said["cures"][0]["text"].as_str().unwrap();
    assert!(text.ends_with("quantity is 10 here and 9 there"), "{text}");
    let text = said["cures"][2]["text"].as_str().unwrap();
    assert!(
        text.contains("amount is 5.00 USD here and 5.50 USD there; intended date is"),
        "{text}"
    );
    assert!(!said.to_string().contains(&stage.id("secret")), "it is between others");
    assert!(texts(&said["can"], "ask").contains(&"settle".into()));
    let said = explain(stage, "botan", "quantity").await;
    assert_eq!(said["reason"]["code"], "DQUA");
    assert_eq!(said["cures"][0]["id"], stage.id("u1"));
    let text = said["cures"][0]["text"].as_str().unwrap();
    assert!(text.ends_with("quantity is 9 here and 10 there"), "{text}");
    // Nobody has said anything like it.
    let said = explain(stage, "botan", "secret").await;
    assert_eq!(said["reason"], json!({"code": "CMIS", "text": "unmatched"}));
    assert_eq!(texts(&said["cures"], "kind")[0], "match");
    let text = said["cures"][0]["text"].as_str().unwrap();
    assert!(text.contains("instructs the same: deliver 400"), "{text}");
}

#[tokio::test]
async fn what_finds_no_match_names_who_would_have_to_say_what() {
    what_is_unmatched(&cast(UNMATCHED).await).await;
}

#[tokio::test]
async fn what_waits_for_somebodys_word_or_a_date_says_whose() {
    let stage = cast(
        "furikae  lists FUJI issued by sakura sign-off
sakura   requests issue of 10 FUJI to emi   as r3
furikae  approves r3
aoba     delivers 1 SAKURA from emi to yuki hold   as s1
botan    receives 1 SAKURA into yuki from emi   as b1
aoba     delivers 2 FUJI from emi to yuki   as s2
botan    receives 2 FUJI into yuki from emi   as b2
aoba     delivers 3 SAKURA from emi to yuki settling today+3   as s3
botan    receives 3 SAKURA into yuki from emi settling today+3   as b3
botan    cancels b3
chidori  pays 2,000.00 USD from chidori-cash to aoba-cash   as p1
chidori  pays 1.00 USD from chidori-cash to aoba-cash   as p2
expect   p2 is pending
",
    )
    .await;
    for (word, name, code, kind, cure) in [
        ("aoba", "s1", "PREA", "release", "s1"),
        ("botan", "b1", "PRCY", "release", "s1"),
        ("aoba", "s2", "CSDH", "sign-off", "s2"),
        ("botan", "b2", "CSDH", "sign-off", "b2"),
    ] {
        let said = explain(&stage, word, name).await;
        assert_eq!(said["reason"]["code"], code, "{name}");
        assert_eq!(
            said["cures"],
            json!([{"kind": kind, "id": stage.id(cure), "text": said["cures"][0]["text"]}])
        );
        assert_eq!(said["short"], json!([]), "{name}");
    }
    assert_eq!(texts(&explain(&stage, "aoba", "s1").await["can"], "ask"), ["release", "cancel"]);
    assert_eq!(texts(&explain(&stage, "furikae", "s2").await["can"], "ask"), ["sign-off"]);
    let said = explain(&stage, "aoba", "s3").await;
    assert_eq!(
        (&said["reason"]["code"], &said["cures"][0]["kind"]),
        (&"FUTU".into(), &"open-day".into())
    );
    let can = &said["can"][1];
    assert_eq!(can["text"], "end it: the other side has asked for that already");
    // A payment waits behind the earlier one of its account, whatever it is.
    let said = explain(&stage, "chidori", "p2").await;
    let short = &said["short"][0];
    assert_eq!((&short["by"], &short["ahead"]), (&"1001.00".into(), &"2000.00".into()));
    assert_eq!(said["reason"]["code"], "MONY");
    let refused = stage.door("chidori").await;
    let path = format!("/v1/instructions/{}/explain?as_of=3", stage.id("p2"));
    assert_eq!(refused.refusal(&path).await, (400, "query-malformed".into()));
    assert_eq!(refused.refusal("/v1/instructions/soon/explain").await.1, "query-malformed");
    assert_eq!(refused.refusal("/v1/instructions/1-2-3-4/explain").await.1, "not-known");
}

#[tokio::test]
async fn what_has_ended_says_how_and_when() {
    let stage = cast(
        "aoba     delivers 5 SAKURA from emi to yuki   as s1
botan    receives 5 SAKURA into yuki from emi   as b1
aoba     delivers 6 SAKURA from emi to yuki   as s2
aoba     cancels s2
furikae  sets match-within to 1 minutes
aoba     delivers 7 SAKURA from emi to yuki   as s3
wait     61 seconds
expect   s3 is expired
aoba     delivers 8 SAKURA from yuki to ken   refused account-not-managed
",
    )
    .await;
    let said = explain(&stage, "aoba", "s1").await;
    assert_eq!((&said["status"], &said["reason"]), (&"settled".into(), &Value::Null));
    let (emi, yuki) = (account("emi"), account("yuki"));
    let says = said["says"].as_str().unwrap();
    assert!(
        says.starts_with(&format!("it settled in block {}, for good: 5 ", said["told_at"])),
        "{says}"
    );
    assert!(says.ends_with(&format!("from {emi} to {yuki}")), "{says}");
    assert_eq!(
        explain(&stage, "botan", "s1").await["status"],
        "settled",
        "it settled with its own"
    );
    for (name, status, code) in [("s2", "cancelled", "CANI"), ("s3", "expired", "CANS")] {
        let said = explain(&stage, "aoba", name).await;
        assert_eq!((&said["status"], &said["reason"]["code"]), (&status.into(), &code.into()));
        assert_eq!((&said["short"], &said["cures"]), (&json!([]), &json!([])));
    }
    let newest = stage.door("aoba").await.get("/v1/instructions?status=refused").await;
    let refused = newest["instructions"][0]["id"].as_str().unwrap();
    let said = stage.door("aoba").await.get(&format!("/v1/instructions/{refused}/explain")).await;
    assert_eq!(said["reason"], json!({"code": "SAFE", "text": "account-not-managed"}));
    let why = format!("party {} does not manage account {yuki}", number("aoba"));
    assert!(said["says"].as_str().unwrap().ends_with(&why), "{said}");
}

#[tokio::test]
async fn orders_requests_and_reports_are_explained_while_they_stand() {
    let stage = cast(
        "furikae  opens board of SAKURA in USD lot 10 tick 0.05
aoba     offers 30 SAKURA at 2.50 USD from emi into aoba-cash   as o1
sakura   requests issue of 10 SAKURA to emi   as r3
aoba     reports selling 5 SAKURA to botan for 2.00 USD   as t1
aoba     reports selling 6 SAKURA to botan for 2.00 USD   as t2
botan    affirms t2
aoba     offers 40 SAKURA at 2.50 USD from emi into aoba-cash   as o2
chidori  bids 30 SAKURA at 2.50 USD into ken out of chidori-cash   as o3
expect   o1 is filled
aoba     withdraws o2
aoba     offers 20 SAKURA at 2.00 USD from emi into aoba-cash   as o4
",
    )
    .await;
    let said = explain(&stage, "aoba", "o4").await;
    assert_eq!(said["status"], "standing");
    assert!(said["says"].as_str().unwrap().contains("to sell 20 "), "{said}");
    assert!(said["says"].as_str().unwrap().contains("at 2.00 USD a lot"), "{said}");
    assert_eq!(texts(&said["can"], "ask"), ["amend-order", "cancel-order"]);
    let said = explain(&stage, "aoba", "o1").await;
    assert_eq!((&said["status"], &said["reason"]), (&"filled".into(), &Value::Null));
    let said = explain(&stage, "aoba", "o2").await;
    assert_eq!((&said["status"], &said["reason"]["code"]), (&"ended".into(), &"CANI".into()));
    assert!(said["says"].as_str().unwrap().contains("(cancelled) before 40 "), "{said}");
    let path = format!("/v1/instructions/{}/explain", stage.id("o1"));
    assert_eq!(stage.door("botan").await.refusal(&path).await.1, "not-known");
    let said = explain(&stage, "sakura", "r3").await;
    assert_eq!((&said["status"], &said["can"]), (&"requested".into(), &json!([])));
    assert_eq!(texts(&explain(&stage, "furikae", "r3").await["can"], "ask"), ["decide-request"]);
    let said = explain(&stage, "aoba", "t1").await;
    assert_eq!(
        (&said["status"], &said["cures"][0]["kind"]),
        (&"reported".into(), &"affirm".into())
    );
    assert_eq!(explain(&stage, "aoba", "t2").await["status"], "affirmed");
}
