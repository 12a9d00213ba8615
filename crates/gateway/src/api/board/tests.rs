//! Boards and trades of markets that scripts play, asked of the gateways of their parties.

use ledger::script::account;
use serde_json::{Value, json};

use crate::{
    api::told,
    facts::Facts,
    scripted::{Stage, number},
    testing::Postgres,
};

const DAY: &str = "\
furikae  admits aoba, botan, chidori as participant
furikae  admits kinjo as settlement-bank
furikae  admits sakura as issuer
aoba     opens accounts emi, ren
botan    opens accounts yuki, botan-cash
chidori  opens account hana
furikae  lists SAKURA JP3999001005 issued by sakura scale 2
furikae  lists FUJI JP3999002003 issued by sakura
furikae  lists USD issued by kinjo scale 2
sakura   requests issue of 1,000.00 SAKURA to emi   as r1
furikae  approves r1
kinjo    issues 10,000.00 USD to botan-cash
furikae  opens board of SAKURA in USD lot 1.00 tick 0.05
furikae  opens board of FUJI in USD
botan    bids 10.00 SAKURA at 2.40 USD into yuki out of botan-cash   as b1
chidori  bids 5.00 SAKURA at 2.50 USD into hana   as b2
botan    bids 7.00 SAKURA at 2.40 USD into yuki out of botan-cash ref OWN   as b3
aoba     offers 3.00 SAKURA at 2.60 USD from emi   as o1
aoba     offers 4.00 SAKURA at 2.55 USD from emi into ren   as o2
botan    bids 1 FUJI at 1.00 USD into yuki out of botan-cash   as f1
aoba     offers 7.00 SAKURA at 2.40 USD from emi   as o3
expect   fill of b2 with o3 is 5.00 SAKURA at 2.50 USD, pending
expect   fill of b1 with o3 is 2.00 SAKURA at 2.40 USD, settled
botan    amends b3 to 6.00 SAKURA at 2.40 USD
botan    withdraws f1
aoba     reports selling 5.00 SAKURA to botan for 2.00 USD   as t1
botan    affirms t1
aoba     delivers 5.00 SAKURA from emi to yuki for 2.00 USD trade t1
botan    receives 5.00 SAKURA into yuki from emi for 2.00 USD out of botan-cash trade t1
aoba     reports selling 6.00 SAKURA to botan for 2.00 USD   as t2
botan    rejects t2
furikae  imports from XTKS: x1 botan buys 8.00 SAKURA from aoba for 9.00 USD
";

/// Ids, prices and quantities.
fn orders(of: &Value) -> Vec<(String, String, String)> {
    let text = |it: &Value, name: &str| it[name].as_str().unwrap().to_owned();
    let all = of["orders"].as_array().unwrap().iter();
    all.map(|it| (text(it, "id"), text(it, "price"), text(it, "quantity"))).collect()
}

const BOARD: &str = "/v1/orders?instrument=JP3999001005&currency=USD";

async fn what_stands(stage: &Stage) {
    let order = |name: &str, price: &str, quantity: &str| {
        (stage.id(name), price.to_owned(), quantity.to_owned())
    };
    let board = stage.get("chidori", BOARD).await;
    let stands = [
        order("o2", "2.55", "4.00"),
        order("o1", "2.60", "3.00"),
        order("b1", "2.40", "8.00"),
        order("b3", "2.40", "6.00"),
    ];
    assert_eq!(orders(&board), stands, "a smaller quantity keeps its place");
    let [first, .., last] = board["orders"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!((&first["side"], &first["party"]), (&"sell".into(), &number("aoba").into()));
    assert_eq!((&last["account"], &last["reference"]), (&Value::Null, &Value::Null));
    // Pages are the whole, and of the block of the first.
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = stage.get("chidori", &format!("{BOARD}&limit=1{cursor}")).await;
        pages.extend(orders(&page));
        assert_eq!(page["height"], board["height"]);
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(pages, stands);
    let own = stage.get("botan", "/v1/orders").await;
    assert_eq!(orders(&own), [order("b1", "2.40", "8.00"), order("b3", "2.40", "6.00")]);
    let last = &own["orders"][1];
    let accounts = [account("yuki").to_string(), account("botan-cash").to_string()];
    assert_eq!([&last["account"], &last["cash"]], [&accounts[0], &accounts[1]]);
    assert_eq!(last["reference"], "OWN");
    assert_eq!(orders(&stage.get("furikae", "/v1/orders").await).len(), 4, "who sees all");
    assert_eq!(orders(&stage.get("furikae", "/v1/orders?own=true").await), []);
    // As of each height, the board is what a market that was played so far has.
    let mut heights = 0;
    for as_of in 1..=stage.market.newest().0 {
        let then = orders(&stage.get("chidori", &format!("{BOARD}&as_of={as_of}")).await);
        heights += u64::from(!then.is_empty());
        let before: Vec<_> = stage.market.orders_at(as_of, "JP3999001005");
        assert_eq!(then.iter().map(|it| it.0.clone()).collect::<Vec<_>>(), before, "{as_of}");
    }
    assert!(heights > 10);
    let door = stage.door("chidori").await;
    for path in [
        "/v1/orders?instrument=JP3999001005",
        "/v1/orders?own=false",
        "/v1/orders?cursor=1:2",
        "/v1/orders?cursor=1:%00:JPY:0:0:0",
        "/v1/orders?cursor=1:A:JPY:0:0:99999999999999999999",
        "/v1/orders?instrument=X&currency=USD",
        "/v1/trades?cursor=1:2",
        "/v1/trades?own=perhaps",
    ] {
        assert_eq!(door.refusal(path).await, (400, "query-malformed".into()), "{path}");
    }
}

/// Origin, status, quantity, amount and price.
fn trades(of: &Value) -> Vec<String> {
    let all = of["trades"].as_array().unwrap().iter();
    let text = |it: &Value, name: &str| it[name].as_str().unwrap_or("-").to_owned();
    let fields = ["origin", "status", "quantity", "amount", "price"];
    all.map(|it| fields.map(|name| text(it, name)).join(" ")).collect()
}

async fn what_was_traded(stage: &Stage) {
    let said = stage.get("botan", "/v1/trades").await;
    let own = [
        "board settled 2.00 4.80 2.40",
        "reported settled 5.00 2.00 -",
        "reported rejected 6.00 2.00 -",
        "venue imported 8.00 9.00 -",
    ];
    assert_eq!(trades(&said), own);
    let [fill, reported, _, venue] = said["trades"].as_array().unwrap().as_slice() else {
        panic!()
    };
    assert_eq!([&fill["buy_order"], &fill["sell_order"]], [&stage.id("b1"), &stage.id("o3")]);
    let sides = json!([number("botan"), number("aoba")]);
    assert_eq!(json!([fill["buyer"], fill["seller"]]), sides);
    assert_eq!(json!([venue["buyer"], venue["seller"]]), sides);
    assert_eq!(reported["id"], stage.id("t1"));
    assert_eq!(fill["trade_date"], reported["trade_date"]);
    assert!(venue["id"].as_str().unwrap().starts_with("XTKS/20"), "{venue}");
    // Fills are public; whether others' have settled is not.
    let public = stage.get("botan", "/v1/trades?own=false").await;
    assert_eq!(trades(&public), ["board - 5.00 12.50 2.50", own[0]]);
    let whole = trades(&stage.get("furikae", "/v1/trades").await);
    assert_eq!(whole[0], "board instructed 5.00 12.50 2.50");
    assert_eq!(whole[1..], own);
    assert_eq!(trades(&stage.get("furikae", "/v1/trades?instrument=JP3999002003").await), [""; 0]);
    let page = stage.get("botan", "/v1/trades?limit=3&instrument=JP3999001005").await;
    assert_eq!(trades(&page), own[..3]);
    let path = format!("/v1/trades?limit=3&cursor={}", page["next"].as_str().unwrap());
    assert_eq!(trades(&stage.get("botan", &path).await), own[3..]);
    let path = format!("/v1/trades?as_of={}", reported["told_at"]);
    let then = trades(&stage.get("botan", &path).await);
    assert_eq!(
        then,
        [own[0], "reported reported 5.00 2.00 -"],
        "as of the block that told it first"
    );
}

#[tokio::test]
async fn the_board_and_the_trades_are_told_as_of_every_height_in_sqlite() {
    let stage = Stage::of(DAY).await;
    what_stands(&stage).await;
    what_was_traded(&stage).await;
}

#[tokio::test]
async fn the_board_and_the_trades_are_told_as_of_every_height_in_postgresql() {
    let server = Postgres::start();
    let stage = Stage::on(&server.url(), DAY).await;
    what_stands(&stage).await;
    what_was_traded(&stage).await;
}

#[tokio::test]
async fn what_a_closed_venue_told_stays_as_it_was() {
    let closed = format!("{DAY}furikae  closes XTKS\nblocks 2\n");
    let stage = Stage::of(&closed).await;
    let said = trades(&stage.get("aoba", "/v1/trades").await);
    assert_eq!(said.last().unwrap(), "venue imported 8.00 9.00 -");
}

#[tokio::test]
async fn events_of_the_board_tell_decimals() {
    let stage = Stage::of(DAY).await;
    let facts: Facts = stage.market.facts("chidori");
    let mut board = Vec::new();
    for told in stage.history.events((0, 0), u64::MAX >> 1, 10_000).await.unwrap() {
        assert!(
            told::is_seen(&stage.market.facts("furikae"), &stage.history, &told.event)
                .await
                .unwrap()
        );
        let pair = told::pair(&stage.history, &told.event).await.unwrap();
        let (name, body) = told::shown(&facts, &told.event, pair);
        if ["filled", "order-reduced", "order-ended", "board-opened"].contains(&name) {
            board.push(json!([name, body]));
        }
    }
    let (o3, b3, f1) = (stage.id("o3"), stage.id("b3"), stage.id("f1"));
    let fill = |buy: &str, quantity: &str, price: &str, amount: &str, number: u32| {
        json!(["filled", {"buy": stage.id(buy), "sell": o3, "instrument": "JP3999001005", "currency": "USD",
            "quantity": quantity, "price": price, "amount": amount, "deliver": format!("0-0-{number}-0"),
            "receive": format!("0-0-{number}-1")}])
    };
    let open = |instrument: &str, lot: &str, tick: &str| json!(["board-opened", {"instrument": instrument, "currency": "USD", "lot": lot, "tick": tick}]);
    let wanted = [
        open("JP3999001005", "1.00", "0.05"),
        open("JP3999002003", "1", "0.01"),
        fill("b2", "5.00", "2.50", "12.50", 0),
        fill("b1", "2.00", "2.40", "4.80", 1),
        json!(["order-reduced", {"order": b3, "quantity": "6.00"}]),
        json!(["order-ended", {"order": f1, "quantity": "1", "why": "cancelled"}]),
    ];
    assert_eq!(board, wanted);
}
