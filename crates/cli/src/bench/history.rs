//! `bench history`: a gateway's history against a replay from the first block.
//!
//! ```text
//!   movements in random blocks --> a gateway's history: dropped, made again, read as of random moments
//!                              '-> a replay: the same owners? and files that prove it: how long, and any byte changed
//! ```

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use clap::{Args, builder::RangedU64ValueParser};
use crypto::{Amount, proof::Proof};
use gateway::{Client, Follower, Last};
use ledger::{Instruction, issuance::Instrument, row::Row as _};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Runtime;
use types::{AccountId, InstrumentId, PartyId, Wire as _};

use super::{command, cores};
use crate::{
    arguments::Up,
    desk::Desk,
    door,
    facts::account,
    failure::{Failure, Result},
    market::{self, Part, Running, with_its_own},
    output::Output,
    percentiles::Percentiles,
    stage::{self, Listed},
    user::User,
    validators::Believed,
};

/// Whose gateway is measured: one that may see all.
const WORD: &str = "furikae";
/// Who holds all of it.
const MANAGER: PartyId = PartyId(3_000);
/// Movements of one instruction.
const EACH: u32 = 49;
/// Instructions of one envelope.
const INSTRUCTIONS: u32 = 4;
/// Accounts to which one instruction allocates at the start.
const WIDE: usize = 1_000;
const SEED: u64 = 20_260_105;
/// How long the gateway may take to be ready.
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(20);
/// How often the long list is read.
const LISTINGS: u32 = 10;

/// `bench history`
#[derive(Debug, Args)]
pub struct Asked {
    /// How many movements, among a few accounts, in many blocks
    #[arg(long, value_name = "N", default_value = "200000", value_parser = RangedU64ValueParser::<u32>::new().range(100..=10_000_000))]
    movements: u32,
    /// How many random moments
    #[arg(long, value_name = "N", default_value = "1000", value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    moments: u32,
    /// Of how many files each byte is changed
    #[arg(long, value_name = "N", default_value = "200", value_parser = RangedU64ValueParser::<u32>::new().range(0..=100_000))]
    changed: u32,
    /// How many holders the long list has
    #[arg(long, value_name = "N", default_value = "100000", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1_000_000))]
    holders: u32,
    #[command(flatten)]
    output: Output,
}

/// The answer.
#[derive(Debug, Default, Serialize)]
struct Report {
    workload: &'static str,
    movements: u32,
    holders: u32,
    blocks: u64,
    rebuild_s: f64,
    listing_ms: Percentiles,
    moments: usize,
    /// How many registries of the gateway were those of the replay.
    equal: usize,
    /// How many files were true.
    verified: usize,
    /// How long the longest was beside its list.
    beside_list_bytes_max: usize,
    changed_bytes: usize,
    /// How many files with a byte changed were true all the same.
    changed_and_true: usize,
    cores: usize,
    command: String,
}

/// `furikae bench history`.
///
/// # Errors
/// A fault of the market that it starts. No, when a registry differs, or a file is not true, or a changed one is.
pub fn history(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let report = with_its_own(
        runtime,
        "bench-history",
        |folder| Up::of_its_own(folder.root(), Some(WORD)),
        async |it| measure(it, asked).await,
    )?;
    let row = serde_json::to_value(&report).map_err(Failure::fault)?;
    let columns = [
        "movements",
        "rebuild_s",
        "holders",
        "listing_ms.p50",
        "moments",
        "equal",
        "verified",
        "beside_list_bytes_max",
        "changed_bytes",
        "changed_and_true",
    ];
    asked.output.print(&report, &columns, &[row])?;
    report.judge()
}

impl Report {
    fn judge(&self) -> Result<()> {
        if self.equal < self.moments || self.verified < self.moments {
            return Err(Failure::no("a registry of the past is not the replay's, or not proved"));
        }
        if self.changed_and_true > 0 {
            return Err(Failure::no("a file with a byte changed is true"));
        }
        Ok(())
    }
}

async fn measure(running: &Running, asked: &Asked) -> Result<Report> {
    let mut desk = Desk::on(&running.folder, &running.plan).await?;
    let narrow = stage::security("XTFURINARRO")?;
    let wide = stage::security("XTFURIWIDE0")?;
    let heights = move_all(&mut desk, asked, (narrow, wide)).await?;
    let client = User::of(&running.folder, WORD).client()?;
    let mut report = Report {
        workload: "history",
        movements: asked.movements,
        holders: asked.holders,
        blocks: desk.view().height(),
        cores: cores(),
        command: command(),
        ..Report::default()
    };
    eprintln!("{} blocks; the history is made again", report.blocks);
    report.rebuild_s = rebuild(running, &client, desk.view().height()).await?;
    report.listing_ms = list(&client, wide, asked.holders).await?;
    eprintln!("registries of {} moments", asked.moments);
    compare(running, &client, (narrow, asked), &heights, &mut report).await?;
    Ok(report)
}

/// Opens accounts and moves between them; the heights at which something moved in the narrow instrument.
async fn move_all(
    desk: &mut Desk,
    asked: &Asked,
    (narrow, wide): (InstrumentId, InstrumentId),
) -> Result<Vec<u64>> {
    stage::admit(desk, [MANAGER]).await?;
    let word = stage::word(MANAGER);
    let few: Vec<_> = (0..=EACH).map(|it| account(&format!("narrow-{it}"))).collect();
    let many: Vec<_> = (0..asked.holders).map(|it| account(&format!("wide-{it}"))).collect();
    let all = few.iter().chain(&many).enumerate();
    let all = all.map(|(place, it)| (*it, word.clone(), format!("holder {place}")));
    stage::open_accounts(desk, all).await?;
    for (instrument, name) in [(narrow, "Held by few"), (wide, "Held by many")] {
        stage::list(desk, &Listed { instrument, scale: 0, name }).await?;
    }
    let supply = 1_000_000_000;
    let mut needed: BTreeMap<_, _> = few.iter().map(|it| ((*it, narrow), supply)).collect();
    needed.insert((few[0], wide), supply);
    stage::issue(desk, needed).await?;
    eprintln!("allocating to {} holders", many.len());
    for to in many.chunks(WIDE) {
        let to = to.iter().map(|it| (*it, Amount::Open(7))).collect();
        let allocate = Instruction::Allocate { instrument: wide, from: few[0], to };
        desk.must(&word, vec![allocate]).await?;
    }
    eprintln!("moving {} times", asked.movements);
    let (mut chance, mut heights) = (StdRng::seed_from_u64(SEED), Vec::new());
    let mut left = asked.movements;
    while left > 0 {
        let mut together = Vec::new();
        for _ in 0..INSTRUCTIONS.min(left.div_ceil(EACH)) {
            let count = EACH.min(left);
            together.push(allocation(&mut chance, narrow, &few, count));
            left -= count;
        }
        desk.must(&word, together).await?;
        heights.push(desk.view().height());
    }
    Ok(heights)
}

/// Units of one account, by chance, to some others.
fn allocation(
    chance: &mut StdRng,
    instrument: InstrumentId,
    accounts: &[AccountId],
    count: u32,
) -> Instruction {
    let from = accounts[chance.random_range(0..accounts.len())];
    let others = accounts.iter().filter(|it| **it != from);
    let to = others.take(usize::try_from(count).unwrap_or_default());
    let to = to.map(|it| (*it, Amount::Open(chance.random_range(1..1_000)))).collect();
    Instruction::Allocate { instrument, from, to }
}

/// Drops the gateway's history and starts it; seconds until it is true up to `height`.
async fn rebuild(running: &Running, client: &Client, height: u64) -> Result<f64> {
    let gateway = running.plan.gateways.first();
    let gateway = gateway.ok_or_else(|| Failure::fault("a gateway that is not there"))?;
    market::stop(&running.folder, &gateway.name, false)?;
    let data = running.folder.data(&gateway.name).join("data");
    for file in ["history.sqlite", "history.sqlite-wal", "history.sqlite-shm"] {
        let path = data.join(file);
        if path.exists() {
            fs::remove_file(&path).map_err(|error| Failure::file("delete", &path, &error))?;
        }
    }
    let began = Instant::now();
    market::start(&running.folder, &running.plan, Part::Gateway(gateway), running.watcher())?;
    loop {
        let status = client.get("/v1/status").await.ok();
        let reached = status.and_then(|it| it.get("height")?.as_u64());
        if reached >= Some(height) {
            return Ok(began.elapsed().as_secs_f64());
        }
        if began.elapsed() > PATIENCE {
            return Err(Failure::unreachable("the gateway's history is not made again"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Reads the long list as of the newest block, all pages of it; how long that took each time, in ms.
async fn list(client: &Client, instrument: InstrumentId, holders: u32) -> Result<Percentiles> {
    let mut took = Vec::new();
    for _ in 0..LISTINGS {
        let began = Instant::now();
        let path = format!("/v1/registry/{instrument}?limit=10000");
        let list = client.get_all(&path, "holders").await?;
        took.push(began.elapsed().as_secs_f64() * 1_000.0);
        let count = list.get("holders").and_then(Value::as_array).map_or(0, Vec::len);
        // Who allocated holds the rest.
        if count != usize::try_from(holders).unwrap_or_default() + 1 {
            return Err(Failure::no(format_args!("the long list has {count} holders")));
        }
    }
    Ok(Percentiles::of(took))
}

/// Compares registries of random moments with those of a replay, and proves each.
async fn compare(
    running: &Running,
    client: &Client,
    (instrument, asked): (InstrumentId, &Asked),
    heights: &[u64],
    report: &mut Report,
) -> Result<()> {
    let believed = Believed::read(&running.folder.validators())?;
    let mut chance = StdRng::seed_from_u64(SEED);
    let (first, last) = (heights.first(), heights.last());
    let (Some(first), Some(last)) = (first.copied(), last.copied()) else { return Ok(()) };
    let moment = |_| chance.random_range(first..last.max(first + 1));
    let mut moments: Vec<u64> = (0..asked.moments).map(moment).collect();
    moments.sort_unstable();
    let mut replay = door::of_folder(&running.folder, &running.plan)?;
    let mut newest = door::of_folder(&running.folder, &running.plan)?;
    newest.catch_up().await?;
    for (place, height) in moments.iter().enumerate() {
        replay.catch_up_to(Last::Height(*height)).await?;
        report.moments += 1;
        report.equal += usize::from(is_equal(client, &replay, instrument, *height).await?);
        let file = prove(&mut newest, &replay, instrument, *height, report).await?;
        report.verified += usize::from(is_true(&file, &believed));
        if place < usize::try_from(asked.changed).unwrap_or_default() {
            change_each_byte(&file, &believed, report);
        }
    }
    Ok(())
}

/// Whether the gateway's list as of a height is the replay's.
async fn is_equal(
    client: &Client,
    replay: &Follower,
    instrument: InstrumentId,
    height: u64,
) -> Result<bool> {
    let path = format!("/v1/registry/{instrument}?as_of={height}");
    let list = client.get_all(&path, "holders").await?;
    let rows = list.get("holders").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |row: &Value, name| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let listed: Vec<_> = rows
        .iter()
        .map(|it| (text(it, "account"), text(it, "holder"), text(it, "quantity")))
        .collect();
    let replayed = replay.view().registry(instrument).into_iter().map(|it| {
        let quantity = replay.view().decimal(instrument, it.quantity);
        (Some(it.account.to_string()), Some(hex::encode(it.holder)), Some(quantity))
    });
    Ok(listed == replayed.collect::<Vec<_>>())
}

/// A file that proves the replay's list complete.
async fn prove(
    newest: &mut Follower,
    replay: &Follower,
    instrument: InstrumentId,
    height: u64,
    report: &mut Report,
) -> Result<Vec<u8>> {
    let key = Instrument::key(&instrument);
    let (row, _) = gateway::proof::as_of(newest, &key, Last::Height(height)).await?;
    let owners = gateway::proof::owners(replay.view(), instrument);
    let owners = owners.ok_or_else(|| Failure::no("one file does not hold so many"))?;
    let list = owners.to_bytes().len();
    let (registry, _) = gateway::proof::registry(row, height, owners).map_err(Failure::fault)?;
    let file = Proof::Registry(registry).to_file();
    report.beside_list_bytes_max = report.beside_list_bytes_max.max(file.len() - list);
    Ok(file)
}

fn is_true(file: &[u8], believed: &Believed) -> bool {
    let proof = Proof::from_file(file);
    proof.is_ok_and(|it| gateway::proof::said(&it, believed.committees()).is_ok())
}

/// Changes each byte of a file, one at a time.
fn change_each_byte(file: &[u8], believed: &Believed, report: &mut Report) {
    let mut file = file.to_vec();
    for place in 0..file.len() {
        file[place] ^= 0x40;
        report.changed_bytes += 1;
        report.changed_and_true += usize::from(is_true(&file, believed));
        file[place] ^= 0x40;
    }
}
