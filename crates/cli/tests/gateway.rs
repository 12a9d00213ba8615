//! Participants' gateways as processes of a market: what each may see, and that what is asked is done once.

mod terminal;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use terminal::{furikae, left, said};

const SHARE: &str = "JP3999001005";
/// Payments that are asked while the gateway is killed.
const PAYMENTS: usize = 60;

fn done(arguments: &[&str]) -> Value {
    let output = furikae(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// A market with its day behind it. It is stopped and deleted when this is dropped.
struct Market {
    dir: PathBuf,
    gateways: BTreeMap<String, Door>,
}

/// One gateway, and the token of its user.
struct Door {
    at: String,
    token: String,
}

/// What was answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
}

impl Market {
    fn new() -> Self {
        let name = format!("furikae-test-gateways-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let at = dir.to_str().unwrap();
        done(&["market", "up", "--dir", at, "--date", "2026-01-05", "--detach", "--json"]);
        let mut this = Self { dir: dir.clone(), gateways: BTreeMap::new() };
        done(&["market", "day", "--dir", at]);
        let status = done(&["market", "status", "--dir", at, "--json"]);
        for gateway in status["gateways"].as_array().unwrap() {
            assert!(gateway["pid"].is_u64() && gateway["height"].as_u64() > Some(0), "{gateway}");
            let word = gateway["name"].as_str().unwrap().strip_prefix("gateway-").unwrap();
            let at = gateway["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
            let token = fs::read_to_string(gateway["token_file"].as_str().unwrap()).unwrap();
            this.gateways.insert(word.into(), Door { at, token: token.trim().into() });
        }
        this
    }

    fn door(&self, word: &str) -> &Door {
        &self.gateways[word]
    }

    /// What the command says of this market.
    fn ask(&self, asked: &[&str]) -> Value {
        done(&[asked, &["--dir", self.dir.to_str().unwrap(), "--json"]].concat())
    }

    fn kill_and_start(&self, name: &str) {
        let at = self.dir.to_str().unwrap();
        done(&["market", "stop", name, "--kill", "--dir", at]);
        done(&["market", "start", name, "--dir", at]);
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        let at = self.dir.to_str().unwrap();
        let down = furikae(&["market", "down", "--dir", at, "--purge"]);
        assert!(down.status.success() || std::thread::panicking());
        assert!(std::thread::panicking() || left(&self.dir).is_empty(), "{:?}", left(&self.dir));
    }
}

impl Door {
    fn connect(&self, head: &str, body: &str) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(&self.at)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let Self { token, .. } = self;
        let length = body.len();
        write!(
            stream,
            "{head} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n"
        )?;
        Ok(stream)
    }

    fn send(&self, head: &str, more: &str, body: &str) -> std::io::Result<Answer> {
        let mut stream = self.connect(head, body)?;
        write!(stream, "{more}\r\n{body}")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).ok_or_else(cut)?;
        Ok(Answer { status, body: serde_json::from_str(body).map_err(|_| cut())? })
    }

    fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), "", "").unwrap()
    }

    fn post(&self, key: &str, body: &Value) -> std::io::Result<Answer> {
        let key = format!("idempotency-key: {key}\r\n");
        self.send("POST /v1/instructions", &key, &body.to_string())
    }
}

#[test]
fn each_participant_sees_its_own_and_asks_once() {
    let market = Market::new();
    what_is_seen(&market);
    what_is_told(&market);
    what_is_refused(&market);
    what_a_back_office_asks(&market);
    why_a_payment_waits(&market);
    payments_are_made_once_though_the_gateway_is_killed(&market);
    files_are_brought_once_though_all_is_killed(&market);
    what_is_marked_waits_for_a_second_person(&market);
    books_are_compared(&market);
}

/// A gateway says what the commands say, as far as its owner may see it.
fn what_is_seen(market: &Market) {
    let height = market.ask(&["positions"])["height"].as_u64().unwrap();
    for as_of in [height, height / 2, height / 3] {
        let text = as_of.to_string();
        let by_command = market.ask(&["positions", "--as", "aoba", "--as-of", &text]);
        let door = market.door("aoba").get(&format!("/v1/positions?as_of={as_of}"));
        assert_eq!((door.status, &door.body["height"]), (200, &as_of.into()));
        assert_eq!(door.body["time"], by_command["time"]);
        assert_eq!(not_zero(&door.body["positions"]), not_zero(&by_command["positions"]));
        let by_command = market.ask(&["registry", SHARE, "--as-of", &text]);
        for word in ["sakura", "furikae"] {
            let door = market.door(word).get(&format!("/v1/registry/{SHARE}?as_of={as_of}"));
            assert_eq!(door.status, 200, "{door:?}");
            assert_eq!(door.body["holders"], by_command["holders"], "{word} as of {as_of}");
        }
    }
    let whole = market.door("furikae").get("/v1/positions").body["positions"].clone();
    assert!(whole.as_array().unwrap().len() > 10, "{whole}");
    pages_are_of_one_moment(market, &whole);
    assert_eq!(market.door("fuji").get("/v1/positions").body["positions"], json!([]));
    for word in ["aoba", "fuji", "daichi"] {
        let door = market.door(word).get(&format!("/v1/registry/{SHARE}"));
        assert_eq!((door.status, &door.body["code"]), (403, &"not-yours-to-see".into()), "{word}");
    }
    let settled = market.door("aoba").get("/v1/instructions?status=settled");
    let by_command = market.ask(&["instructions", "--as", "aoba", "--status", "settled"]);
    let ids = |it: &Value| {
        let ids = it.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned());
        ids.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&settled.body["instructions"]), ids(&by_command));
    let id = settled.body["instructions"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/instructions/{id}");
    let states = market.door("aoba").get(&path).body["states"].clone();
    assert_eq!(states.as_array().unwrap().last().unwrap()["status"], "settled", "{states}");
    assert_eq!(market.door("fuji").get(&path).status, 404, "it is not known to exist");
}

/// Pages are of the moment of the first, and together the whole.
fn pages_are_of_one_moment(market: &Market, whole: &Value) {
    let (mut pages, mut cursor, mut heights) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = market.door("furikae").get(&format!("/v1/positions?limit=3{cursor}")).body;
        heights.push(page["height"].clone());
        pages.extend(page["positions"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
        // A block comes in between.
        std::thread::sleep(Duration::from_millis(300));
    }
    assert_eq!(&Value::Array(pages), whole);
    heights.dedup();
    assert_eq!(heights.len(), 1);
}

/// Account, instrument and quantity of positions that hold something.
fn not_zero(positions: &Value) -> Vec<String> {
    let positions = positions.as_array().unwrap().iter();
    let held = positions
        .filter(|it| !it["available"].as_str().unwrap().trim_matches(['0', '.']).is_empty());
    let mut held: Vec<_> = held
        .map(|it| format!("{} {} {}", it["account"], it["instrument"], it["available"]))
        .collect();
    held.sort();
    held
}

/// The stream tells from any height on, and goes on after the last event that was read.
fn what_is_told(market: &Market) {
    let read = |more: &str, until: usize| {
        let door = market.door("aoba");
        let mut stream = door.connect("GET /v1/events?after=0", "").unwrap();
        write!(stream, "{more}\r\n").unwrap();
        let (mut text, mut bytes) = (String::new(), [0; 4096]);
        let began = Instant::now();
        while text.matches("\nid: ").count() < until && began.elapsed() < Duration::from_secs(20) {
            let read = stream.read(&mut bytes).unwrap();
            assert!(read > 0, "the stream ended: {text}");
            text += &String::from_utf8_lossy(&bytes[..read]);
        }
        let ids = text.lines().filter_map(|it| it.strip_prefix("id: ").map(str::to_owned));
        (ids.collect::<Vec<_>>(), text)
    };
    let (all, text) = read("", 20);
    assert!(text.contains("event: settled") && text.contains("event: instrument-listed"), "{text}");
    let (rest, _) = read(&format!("last-event-id: {}\r\n", all[9]), 10);
    assert_eq!(rest[..5], all[10..15]);
}

fn what_is_refused(market: &Market) {
    let aoba = market.door("aoba");
    let stranger = Door { at: aoba.at.clone(), token: "0".repeat(64) };
    assert_eq!(stranger.get("/v1/positions").body["code"], "token-unknown");
    for (path, code) in [
        ("/v1/positions?as_of=soon", "query-malformed"),
        ("/v1/positions?as_of=100000000", "moment-not-yet"),
        ("/v1/positions?as_of=2020-01-01T00:00:00Z", "moment-not-yet"),
        ("/v1/positions?colour=red", "query-malformed"),
        ("/v1/positions?limit=0", "query-malformed"),
        ("/v1/positions?cursor=1:JPY:0&as_of=2", "query-malformed"),
        ("/v1/positions?account=12", "query-malformed"),
        ("/v1/instructions/1-2", "query-malformed"),
        ("/v1/submissions/never", "not-known"),
        ("/v1/nothing", "not-found"),
    ] {
        assert_eq!(aoba.get(path).body["code"], code, "{path}");
    }
    let dance = aoba.post("dance", &json!({"ask": "dance"})).unwrap();
    assert_eq!((dance.status, &dance.body["code"]), (400, &"instruction-malformed".into()));
    let attest =
        |account: &str| json!({"ask": "attest-position", "account": account, "instrument": SHARE});
    let nobody = aoba.post("two words", &attest(&"0".repeat(32))).unwrap();
    assert_eq!(nobody.body["code"], "idempotency-key");
    let first = aoba.post("once", &attest(&"1".repeat(32))).unwrap();
    let again = aoba.post("once", &attest(&"1".repeat(32))).unwrap();
    assert_eq!((first.status, again.status), (202, 200));
    assert_eq!(first.body["ids"], again.body["ids"]);
    let other = aoba.post("once", &attest(&"2".repeat(32))).unwrap();
    assert_eq!((other.status, &other.body["code"]), (422, &"idempotency-key-reused".into()));
    // The rules refuse it, and tell why.
    let id = first.body["ids"][0].as_str().unwrap().to_owned();
    let told = eventually(|| {
        Some(aoba.get(&format!("/v1/instructions/{id}"))).filter(|it| it.status == 200)
    });
    assert_eq!(told.body["states"][0]["status"], "refused", "{told:?}");
    assert_eq!(told.body["states"][0]["reason"]["text"], "account-unknown", "{told:?}");
}

/// Trades and statements, as commands tell them to whom they concern.
fn what_a_back_office_asks(market: &Market) {
    let own = market.ask(&["trades", "--as", "aoba"]);
    let own = own["trades"].as_array().unwrap();
    let number = |it: &&Value| it["id"].as_str().unwrap().ends_with("/T-0001");
    let first = own.iter().find(number).expect("the venue's first trade is of aoba");
    assert_eq!([&first["origin"], &first["status"]], ["venue", "settled"], "{first}");
    assert_eq!([&first["quantity"], &first["amount"]], ["500", "1250000"]);
    let before = (first["told_at"].as_u64().unwrap() - 1).to_string();
    let before = market.ask(&["trades", "--as", "aoba", "--as-of", &before]);
    assert!(!before["trades"].as_array().unwrap().contains(first));
    assert_eq!(market.ask(&["trades", "--as", "fuji"])["trades"], json!([]));
    assert_eq!(market.ask(&["orders", "--as", "aoba"])["orders"], json!([]));
    let held = market.door("aoba").get(&format!("/v1/positions?instrument={SHARE}"));
    let position = held.body["positions"][0].clone();
    let account = position["account"].as_str().unwrap().to_owned();
    let of = ["movements", "--account", &account, "--as", "aoba"];
    let whole = market.ask(&of);
    assert_eq!(whole["matches"], true);
    let moved = whole["movements"].as_array().unwrap().clone();
    let share = |it: &&Value| it["instrument"] == SHARE;
    let last = moved.iter().rfind(share).unwrap();
    assert_eq!(last["balance"], position["available"]);
    // From the block of the last movement on, nothing has moved: opening is closing.
    let from = moved.last().unwrap()["height"].to_string();
    let rest = market.ask(&[&of[..], &["--from", &from]].concat());
    assert_eq!((&rest["movements"], &rest["matches"]), (&json!([]), &json!(true)));
    let line = |it: &&Value| it["instrument"] == SHARE && it["opening"] == it["closing"];
    assert!(rest["instruments"].as_array().unwrap().iter().any(|it| line(&it)), "{rest}");
    let dir = market.dir.to_str().unwrap();
    let csv = furikae(&[&of[..], &["--dir", dir, "--output", "csv"]].concat());
    let csv = String::from_utf8(csv.stdout).unwrap();
    assert!(csv.starts_with("height,instrument,what,quantity,balance,"), "{csv}");
    assert_eq!(csv.lines().filter(|it| it.contains(",closing,")).count(), {
        whole["instruments"].as_array().unwrap().len()
    });
    for (word, status) in [("daichi", 1), ("nobody", 2)] {
        let asked = ["movements", "--account", &account, "--as", word, "--dir", dir];
        assert_eq!(furikae(&asked).status.code(), Some(status), "{word}");
    }
}

/// A payment of one yen more than there is waits; it is explained, and ends when it is cancelled.
fn why_a_payment_waits(market: &Market) {
    let aoba = market.door("aoba");
    let cash = aoba.get("/v1/positions?instrument=JPY").body["positions"][0].clone();
    let more = cash["available"].as_str().unwrap().parse::<u64>().unwrap() + 1;
    let to = market.door("botan").get("/v1/positions?instrument=JPY").body["positions"][0].clone();
    let pay = json!({"ask": "pay", "from": cash["account"], "to": to["account"], "currency": "JPY",
        "amount": more.to_string(), "intended_date": "2026-01-05"});
    let id = ask_until_kept(aoba, 1_000_000, &pay);
    let explained = || {
        let said = furikae(&[
            "explain",
            &id,
            "--as",
            "aoba",
            "--dir",
            market.dir.to_str().unwrap(),
            "--json",
        ]);
        said.status.success().then(|| serde_json::from_slice::<Value>(&said.stdout).unwrap())
    };
    let why = eventually(explained);
    assert_eq!((&why["id"], &why["status"]), (&id.as_str().into(), &"pending".into()), "{why}");
    assert_eq!(why["reason"]["code"], "MONY");
    assert_eq!(why["short"][0]["account"], cash["account"]);
    assert_eq!(why["short"][0]["by"], "1");
    assert!(why["cures"].as_array().unwrap().iter().any(|it| it["kind"] == "cover"), "{why}");
    let dir = market.dir.to_str().unwrap();
    let others = furikae(&["explain", &id, "--as", "chidori", "--dir", dir]);
    assert_eq!(others.status.code(), Some(1), "{}", said(&others));
    assert_eq!(furikae(&["explain", "soon", "--dir", dir]).status.code(), Some(2));
    ask_until_kept(aoba, 1_000_001, &json!({"ask": "cancel", "instruction": id}));
    eventually(|| explained().filter(|it| it["status"] == "cancelled"));
}

fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it does not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether an answer comes or not, asking again under the same key is safe. The id that it has.
fn ask_until_kept(door: &Door, number: usize, pay: &Value) -> String {
    let key = format!("payment-{number}");
    let kept = || door.post(&key, pay).ok().filter(|it| [200, 202].contains(&it.status));
    let first = eventually(kept);
    let again = eventually(kept);
    assert_eq!((again.status, &again.body["ids"]), (200, &first.body["ids"]));
    std::thread::sleep(Duration::from_millis(20));
    first.body["ids"][0].as_str().unwrap().to_owned()
}

fn units(position: &Value) -> i64 {
    position["available"].as_str().unwrap().replace('.', "").parse().unwrap()
}

/// One who has money, the position, and an account of somebody else.
fn payer(market: &Market) -> (&'static str, Value, Value) {
    let cash = |word: &str| {
        market.door(word).get("/v1/positions?instrument=JPY").body["positions"].clone()
    };
    let words = ["aoba", "botan", "chidori", "daichi"];
    let rich = |word: &&str| cash(word).as_array().unwrap().iter().any(|it| units(it) > 1_000);
    let payer = words.into_iter().find(rich).expect("somebody has money");
    let from = cash(payer).as_array().unwrap().iter().find(|it| units(it) > 1_000).unwrap().clone();
    let others = cash("furikae");
    let others = others.as_array().unwrap().iter();
    let to = others.map(|it| it["account"].clone()).find(|it| *it != from["account"]).unwrap();
    (payer, from, to)
}

/// Waits until the payer has paid so much, and never more.
fn paid(market: &Market, payer: &str, from: &Value, count: usize) {
    let wanted = units(from) - i64::try_from(count).unwrap();
    let account = from["account"].as_str().unwrap();
    let path = format!("/v1/positions?instrument=JPY&account={account}");
    eventually(|| {
        let left = units(&market.door(payer).get(&path).body["positions"][0]);
        assert!(left >= wanted, "a payment was made twice: {left} < {wanted}");
        (left == wanted).then_some(())
    });
}

/// A file of so many payments of one yen.
fn file_of_payments(market: &Market, (from, to): (&Value, &Value), count: usize) -> String {
    let (from, to) = (from["account"].as_str().unwrap(), to.as_str().unwrap());
    let mut text = String::from("ask,from,to,currency,amount,intended_date,reference\n");
    for number in 0..count {
        text += &format!("pay,{from},{to},JPY,1,2026-01-05,{count}-{number}\n");
    }
    let path = market.dir.join(format!("payments-{count}.csv"));
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().into()
}

fn files_are_brought_once_though_all_is_killed(market: &Market) {
    let (payer, from, to) = payer(market);
    let path = file_of_payments(market, (&from, &to), 700);
    let at = market.dir.to_str().unwrap();
    let upload = ["upload", &path, "--as", payer, "--dir", at, "--json"];
    for turn in 0..6 {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_furikae"));
        let command = command.args(upload).stdout(Stdio::null()).stderr(Stdio::null());
        let mut uploads = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(40 + 70 * turn));
        if turn % 2 == 0 {
            market.kill_and_start(&format!("gateway-{payer}"));
        }
        uploads.kill().unwrap();
        uploads.wait().unwrap();
    }
    let rows = done(&upload);
    let rows = rows.as_array().unwrap();
    let lines = rows.iter().map(|it| it["line"].as_u64());
    assert!(lines.eq((2..702).map(Some)) && rows.iter().all(|it| it["status"] == "settled"));
    let ids: std::collections::BTreeSet<_> = rows.iter().map(|it| it["id"].to_string()).collect();
    assert_eq!(ids.len(), 700);
    paid(market, payer, &from, 700);
    assert_eq!(done(&upload).as_array().unwrap(), rows, "nothing is sent again");
    paid(market, payer, &from, 700);
}

fn what_is_marked_waits_for_a_second_person(market: &Market) {
    let (payer, from, to) = payer(market);
    let (path, at) = (file_of_payments(market, (&from, &to), 3), market.dir.to_str().unwrap());
    let name = format!("gateway-{payer}");
    done(&["market", "stop", &name, "--dir", at]);
    let mut start = std::process::Command::new(env!("CARGO_BIN_EXE_furikae"));
    let start = start.args(["market", "start", &name, "--dir", at]);
    assert!(start.env("FURIKAE_GATEWAY_APPROVAL", "pay").status().unwrap().success());
    let statuses = || {
        let rows = market.ask(&["upload", &path, "--as", payer]);
        rows.as_array()
            .unwrap()
            .iter()
            .map(|it| it["status"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses(), ["awaiting-approval"; 3]);
    let token = market.dir.join(&name).join("controller.token");
    let second = ["--as", payer, "--token-file", token.to_str().unwrap()];
    let list = market.ask(&[&["approvals", "list"][..], &second].concat());
    let request = &list["approvals"][0];
    assert_eq!((&request["user"], &request["asks"]), (&"back-office".into(), &"3 pay".into()));
    assert_eq!(request["instructions"][0]["amount"], "1");
    let (number, digest) = (request["number"].to_string(), request["digest"].as_str().unwrap());
    let approve = ["approvals", "approve", &number, digest];
    let own = furikae(&[&approve[..], &["--as", payer, "--dir", at]].concat());
    assert_eq!(own.status.code(), Some(1), "the back office may not: {}", said(&own));
    assert_eq!(statuses(), ["awaiting-approval"; 3]);
    for _ in 0..2 {
        let approved = market.ask(&[&approve[..], &second].concat());
        assert_eq!(
            (&approved["state"], &approved["decided_by"]),
            (&"approved".into(), &"controller".into())
        );
    }
    assert_eq!(statuses(), ["settled"; 3]);
    paid(market, payer, &from, 3);
    market.kill_and_start(&name);
}

fn books_are_compared(market: &Market) {
    let positions = market.door("aoba").get("/v1/positions").body;
    let mut books = String::from("account,instrument,quantity\n");
    for it in positions["positions"].as_array().unwrap() {
        let cell = |name: &str| it[name].as_str().unwrap().to_owned();
        books += &format!("{},{},{}\n", cell("account"), cell("instrument"), cell("available"));
    }
    let path = market.dir.join("books.csv");
    let (at, as_of) = (market.dir.to_str().unwrap(), positions["height"].to_string());
    let books_at = path.to_str().unwrap();
    let reconcile = [
        "reconcile",
        "--books",
        books_at,
        "--as",
        "aoba",
        "--dir",
        at,
        "--as-of",
        &as_of,
        "--json",
    ];
    fs::write(&path, &books).unwrap();
    assert_eq!(done(&reconcile)["breaks"], json!([]));
    let one = &positions["positions"][0];
    books += &format!(
        "{},{},7\n",
        one["account"].as_str().unwrap(),
        one["instrument"].as_str().unwrap()
    );
    fs::write(&path, &books).unwrap();
    let output = furikae(&reconcile);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["breaks"].as_array().unwrap().len(), 1);
    let found = &found["breaks"][0];
    assert_eq!((&found["account"], &found["instrument"]), (&one["account"], &one["instrument"]));
    assert_eq!(found["differs_by"], "7");
}

fn payments_are_made_once_though_the_gateway_is_killed(market: &Market) {
    let (payer, from, to) = payer(market);
    let pay = |number: usize| {
        json!({"ask": "pay", "from": from["account"], "to": to, "currency": "JPY", "amount": "1",
            "intended_date": "2026-01-05", "reference": format!("payment {number}")})
    };
    // They are asked while the gateway is killed, again and again.
    let ids = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            (0..PAYMENTS)
                .map(|it| ask_until_kept(market.door(payer), it, &pay(it)))
                .collect::<Vec<_>>()
        });
        while !asking.is_finished() {
            market.kill_and_start(&format!("gateway-{payer}"));
            std::thread::sleep(Duration::from_millis(300));
        }
        asking.join().unwrap()
    });
    let ids: std::collections::BTreeSet<_> = ids.into_iter().collect();
    assert_eq!(ids.len(), PAYMENTS, "each has its own id");
    let account = from["account"].as_str().unwrap();
    paid(market, payer, &from, PAYMENTS);
    for id in &ids {
        let told = market.door(payer).get(&format!("/v1/instructions/{id}"));
        assert_eq!(told.body["states"].as_array().unwrap().last().unwrap()["status"], "settled");
    }
    let moved = market
        .door(payer)
        .get(&format!("/v1/movements?account={account}&instrument=JPY&limit=10000"));
    let made = moved.body["movements"].as_array().unwrap().iter();
    let made: Vec<_> =
        made.filter_map(|it| it["instruction"].as_str().map(str::to_owned)).collect();
    assert!(ids.iter().all(|id| made.iter().filter(|it| *it == id).count() == 1), "once each");
}
