//! `drill garbage`: random and mutated bytes to every listener of a market, which goes on.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use clap::{Args, builder::RangedU64ValueParser};
use ledger::Instruction;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use tokio::runtime::Runtime;
use types::{BusinessDate, Lane, LedgerTime, Wire as _};

use crate::{
    arguments::Up,
    desk::Desk,
    failure::{Failure, Result},
    market::{self, Folder, Running, process::Process, with_its_own},
    output::Output,
};

/// The gateway that is there.
const WORD: &str = "furikae";
const SEED: u64 = 11;
/// How long a listener may take to answer a string whose end it has seen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Strings before the memory of processes is looked at for the first time: buffers are there then.
const WARM_UP: u32 = 5_000;
/// So much may a process grow: what is kept for each address, and what an allocator holds.
const GROWN_MB_MAX: f64 = 32.0;
/// Longest random string.
const LONGEST: usize = 2_048;

/// `drill garbage`
#[derive(Debug, Args)]
pub struct Asked {
    /// How many strings, over all listeners
    #[arg(long, value_name = "N", default_value = "100000", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000_000))]
    strings: u32,
    #[command(flatten)]
    output: Output,
}

/// The answer.
#[derive(Debug, Default, Serialize)]
struct Report {
    drill: &'static str,
    strings: u32,
    /// What was answered: a status, or that the connection was closed without one.
    answers: BTreeMap<String, u64>,
    /// Strings that were answered as if all were well, by listener.
    taken: BTreeMap<&'static str, u64>,
    /// Connections that were neither answered nor closed in time.
    silent: u64,
    /// Answers that say that the process failed, and connections that were not taken.
    failures: u64,
    /// How much more memory each process has than after the first strings, in megabytes.
    rss_mb_grown: BTreeMap<String, f64>,
    ended: Vec<String>,
    /// Whether the market settles afterwards.
    goes_on: bool,
    seconds: f64,
}

/// `furikae drill garbage`.
///
/// # Errors
/// A fault of the market that it starts. No, when a process ended, failed or took what makes no sense.
pub fn garbage(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let up = |folder: &Folder| Up::of_its_own(folder.root(), Some(WORD));
    let report = with_its_own(runtime, "drill", up, async |it| run(it, asked).await)?;
    let row = serde_json::to_value(&report).map_err(Failure::fault)?;
    let columns = ["strings", "silent", "failures", "goes_on", "seconds"];
    asked.output.print(&report, &columns, &[row])?;
    let wrong = report.failures + report.silent + report.taken.values().sum::<u64>();
    let grown = report.rss_mb_grown.values().any(|it| *it > GROWN_MB_MAX);
    if grown {
        return Err(Failure::no("a process has grown"));
    }
    if wrong > 0 || !report.ended.is_empty() || !report.goes_on {
        return Err(Failure::no("a listener did not refuse what makes no sense, or ended"));
    }
    Ok(())
}

/// A listener, and what a sensible request to it looks like.
struct Target {
    kind: &'static str,
    at: SocketAddr,
    sensible: Vec<Vec<u8>>,
    is_http: bool,
}

async fn run(running: &Running, asked: &Asked) -> Result<Report> {
    let began = Instant::now();
    let mut desk = Desk::on(&running.folder, &running.plan).await?;
    let targets = targets(&desk, running)?;
    let processes: BTreeMap<String, Process> = running
        .plan
        .parts()
        .filter_map(|it| Some((it.name().to_owned(), running.folder.process(it.name())?)))
        .collect();
    let mut report = Report { drill: "garbage", strings: asked.strings, ..Report::default() };
    let mut chance = StdRng::seed_from_u64(SEED);
    let mut before = BTreeMap::new();
    for number in 0..asked.strings {
        if number == WARM_UP.min(asked.strings / 2) {
            before = memory(&processes);
        }
        let place = chance.random_range(0..targets.len());
        let Some(target) = targets.get(place) else { continue };
        let bytes = string(&mut chance, &target.sensible);
        report.send(target, &bytes);
        if (number + 1) % 20_000 == 0 {
            eprintln!("{} strings", number + 1);
        }
    }
    for (name, after) in memory(&processes) {
        let grown = after - before.get(&name).copied().unwrap_or_default();
        report.rss_mb_grown.insert(name, (grown * 10.0).round() / 10.0);
    }
    let ended = processes.iter().filter(|it| !it.1.lives());
    report.ended = ended.map(|it| it.0.clone()).collect();
    let date = BusinessDate(desk.today().0 + 1);
    match desk.must("furikae", vec![Instruction::OpenDay { date }]).await {
        Ok(_) => report.goes_on = true,
        Err(failure) => failure.tell(),
    }
    report.seconds = (began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    Ok(report)
}

fn memory(processes: &BTreeMap<String, Process>) -> BTreeMap<String, f64> {
    processes.iter().filter_map(|(name, it)| Some((name.clone(), it.rss_mb()?))).collect()
}

/// All listeners of the market. The gateway is sent its user's token, and no listener an envelope that is signed: nothing
/// may be taken.
fn targets(desk: &Desk, running: &Running) -> Result<Vec<Target>> {
    let asked = vec![Instruction::OpenDay { date: BusinessDate(0) }];
    let mut signed = desk.signer("furikae")?.sign(Lane(0), asked, LedgerTime(0));
    signed.witnesses.clear();
    let (envelope, list) = (signed.to_bytes(), vec![signed].to_bytes());
    let post = |path: &str, kind: &str, body: &[u8], more: &str| {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: h\r\ncontent-type: {kind}\r\nidempotency-key: k\r\n\
             connection: close\r\n{more}content-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    let ask = br#"{"ask":"open-day","date":"2026-01-05"}"#;
    let get = |path: &str, more: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{more}\r\n");
        head.into_bytes()
    };
    let mut targets = Vec::new();
    for node in &running.plan.nodes {
        let (octets, rows) = ("application/octet-stream", "/v1/rows/zz");
        let sensible = vec![post("/v1/envelopes", octets, &envelope, ""), get(rows, "")];
        targets.push(Target { kind: "node", at: node.listen.api, sensible, is_http: true });
        let sensible = vec![envelope.clone()];
        targets.push(Target { kind: "p2p", at: node.listen.p2p, sensible, is_http: false });
    }
    for gateway in &running.plan.gateways {
        let token = running.folder.data(&gateway.name).join(market::TOKEN);
        let token = std::fs::read_to_string(&token)
            .map_err(|error| Failure::file("read", &token, &error))?;
        let token = format!("authorization: Bearer {}\r\n", token.trim());
        let sensible = vec![
            post("/v1/instructions", "application/json", ask, ""),
            post("/v1/forwarded", "application/octet-stream", &list, &token),
            get("/v1/positions?as_of=soon", &token),
        ];
        targets.push(Target { kind: "gateway", at: gateway.api, sensible, is_http: true });
    }
    Ok(targets)
}

/// Half of them are random, half are sensible but for some bytes.
fn string(chance: &mut StdRng, sensible: &[Vec<u8>]) -> Vec<u8> {
    if chance.random_range(0..2) == 0 {
        let length = chance.random_range(0..LONGEST);
        return (0..length).map(|_| chance.random()).collect();
    }
    let mut bytes =
        sensible.get(chance.random_range(0..sensible.len())).cloned().unwrap_or_default();
    for _ in 0..chance.random_range(1..8) {
        let place = chance.random_range(0..bytes.len().max(1));
        match chance.random_range(0..3) {
            0 if place < bytes.len() => bytes[place] = chance.random(),
            1 if place < bytes.len() => drop(bytes.remove(place)),
            _ => bytes.insert(place.min(bytes.len()), chance.random()),
        }
    }
    bytes
}

impl Report {
    fn send(&mut self, target: &Target, bytes: &[u8]) {
        let stream = match TcpStream::connect(target.at) {
            Ok(stream) => stream,
            Err(error) => {
                eprintln!("{}: {error}", target.at);
                self.failures += 1;
                return;
            }
        };
        let answer = match answer(stream, bytes) {
            Ok(answer) => answer,
            Err(error) if is_silence(&error) => {
                self.silent += 1;
                return;
            }
            Err(_) => Vec::new(),
        };
        let status = target.is_http.then(|| status(&answer)).flatten();
        let shown = status.map_or_else(|| "closed".to_owned(), |it| it.to_string());
        *self.answers.entry(shown).or_default() += 1;
        // 501, 503 and 505 say what is not served; others of that hundred say that something broke.
        self.failures +=
            u64::from(status.is_some_and(|it| it >= 500 && ![501, 503, 505].contains(&it)));
        if status.is_some_and(|it| it < 300) {
            *self.taken.entry(target.kind).or_default() += 1;
        }
    }
}

/// What a listener answers to bytes after which nothing comes.
fn answer(mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// The status of an HTTP answer.
fn status(answer: &[u8]) -> Option<u16> {
    let head = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(head).ok()?.parse().ok()
}
