//! `drill gateway-kills`: a gateway is killed at random moments while its users ask for payments.
//!
//! ```text
//!   users --the same key until it is kept--> gateway --kill -9, start, kill -9 ..
//!                                               '--> blocks: each payment once?
//! ```

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use clap::{Args, builder::RangedU64ValueParser};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use gateway::{Client, JSON, Standing};
use ledger::settlement::Status;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use types::{AccountId, InstructionId, InstrumentId};

use crate::{
    arguments::Up,
    desk::Desk,
    facts::account,
    failure::{Failure, Result},
    market::{self, Part, Running, with_its_own},
    output::Output,
    stage::{self, Listed},
    user::User,
};

/// Whose gateway is killed.
const WORD: &str = "aoba";
/// How many users ask at once.
const USERS: usize = 8;
/// The longest life of the gateway between two kills, in ms.
const LIFE_MS: u64 = 1_500;
const SEED: u64 = 9;
/// How long a payment may take to be kept, and all of them to settle.
const PATIENCE: Duration = Duration::from_secs(120);

/// `drill gateway-kills`
#[derive(Debug, Args)]
pub struct Asked {
    /// How often it is killed
    #[arg(long, value_name = "N", default_value = "200", value_parser = RangedU64ValueParser::<u32>::new().range(1..=10_000))]
    kills: u32,
    /// How many payments are asked at least; more are asked until all kills are done
    #[arg(long, value_name = "N", default_value = "20000", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1_000_000))]
    instructions: u32,
    #[command(flatten)]
    output: Output,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Report {
    drill: &'static str,
    kills: u32,
    instructions: usize,
    /// Requests that had no answer, or not the wanted one, and were made again.
    asked_again: u64,
    settled: usize,
    lost: usize,
    /// Units that were paid and not asked, or the other way round.
    balance_differs_by: i64,
    seconds: f64,
}

/// `furikae drill gateway-kills`.
///
/// # Errors
/// A fault of the market that it starts. No, when a payment was lost or made twice.
pub fn kills(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let up = |folder: &market::Folder| Up::of_its_own(folder.root(), Some(WORD));
    let report = with_its_own(runtime, "drill", up, async |it| run(it, asked).await)?;
    let row = serde_json::to_value(&report).map_err(Failure::fault)?;
    let columns = ["kills", "instructions", "asked_again", "settled", "lost", "balance_differs_by"];
    asked.output.print(&report, &columns, &[row])?;
    if report.lost > 0 || report.balance_differs_by != 0 {
        return Err(Failure::no("a payment was lost, or made twice"));
    }
    Ok(())
}

/// Between which accounts the payments go.
struct Setting {
    money: InstrumentId,
    from: AccountId,
    to: AccountId,
    date: String,
}

async fn run(running: &Running, asked: &Asked) -> Result<Report> {
    let began = Instant::now();
    let mut desk = Desk::on(&running.folder, &running.plan).await?;
    let setting = Setting::make(&mut desk).await?;
    let client = User::of(&running.folder, WORD).client()?;
    let (killing, again) = (Cell::new(true), Cell::new(0));
    let wanted = usize::try_from(asked.instructions).map_err(Failure::fault)?;
    let numbers = (0..).take_while(|it| *it < wanted || killing.get());
    let asking = stream::iter(numbers)
        .map(|number| ask(&client, &setting, number, &again))
        .buffer_unordered(USERS)
        .try_collect::<BTreeSet<InstructionId>>();
    let killed = async {
        let done = kill(running, asked.kills).await;
        killing.set(false);
        done
    };
    let (ids, ()) = tokio::try_join!(asking, killed)?;
    let settled = settled(&mut desk, &ids).await?;
    let count = i64::try_from(ids.len()).map_err(Failure::fault)?;
    Ok(Report {
        drill: "gateway-kills",
        kills: asked.kills,
        instructions: ids.len(),
        asked_again: again.get(),
        settled,
        lost: ids.len() - settled,
        balance_differs_by: desk.view().available(setting.to, setting.money) - count,
        seconds: (began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    })
}

impl Setting {
    async fn make(desk: &mut Desk) -> Result<Self> {
        let money = InstrumentId::of_currency(*b"USD");
        let (from, to) = (account("drill-from"), account("drill-to"));
        stage::admit(desk, []).await?;
        let own = |it| (it, WORD.to_owned(), WORD.to_owned());
        stage::open_accounts(desk, [own(from), own(to)]).await?;
        let name = "Dollar tokens of a drill";
        stage::list(desk, &Listed { instrument: money, scale: 0, name }).await?;
        stage::issue(desk, BTreeMap::from([((from, money), 1 << 40)])).await?;
        Ok(Self { money, from, to, date: desk.today().to_string() })
    }

    fn payment(&self, number: usize) -> Value {
        json!({"ask": "pay", "from": self.from.to_string(), "to": self.to.to_string(),
            "currency": self.money.to_string(), "amount": "1", "intended_date": self.date,
            "reference": format!("payment {number}")})
    }
}

/// Asks for a payment until it is kept, under one key; the id that it has.
async fn ask(
    client: &Client,
    setting: &Setting,
    number: usize,
    again: &Cell<u64>,
) -> Result<InstructionId> {
    let (key, body) = (format!("payment-{number}"), setting.payment(number).to_string());
    let (body, late) = ((JSON, body.as_bytes()), Instant::now() + PATIENCE);
    let (kept, asked) = client.post_until_kept("/v1/instructions", &key, body, late).await?;
    again.set(again.get() + asked);
    let id = kept.get("ids").and_then(|it| it.get(0)).and_then(Value::as_str);
    let id = id.and_then(InstructionId::parse);
    id.ok_or_else(|| Failure::fault("a payment was kept without an id"))
}

/// Kills the gateway and starts it again, so often.
async fn kill(running: &Running, kills: u32) -> Result<()> {
    let mut chance = StdRng::seed_from_u64(SEED);
    for turn in 1..=kills {
        tokio::time::sleep(Duration::from_millis(chance.random_range(0..LIFE_MS))).await;
        let (folder, plan, watcher) =
            (running.folder.clone(), running.plan.clone(), running.watcher());
        // Others ask meanwhile.
        let restart = move || {
            let gateway = plan.gateways.first();
            let gateway = gateway.ok_or_else(|| Failure::fault("a gateway that is not there"))?;
            market::stop(&folder, &gateway.name, true)?;
            market::start(&folder, &plan, Part::Gateway(gateway), watcher)
        };
        tokio::task::spawn_blocking(restart).await.map_err(Failure::fault)??;
        if turn % 50 == 0 {
            eprintln!("killed {turn} times");
        }
    }
    Ok(())
}

/// How many of these have settled, once all have or none does for long.
async fn settled(desk: &mut Desk, ids: &BTreeSet<InstructionId>) -> Result<usize> {
    let began = Instant::now();
    loop {
        desk.follower().catch_up().await?;
        let is = |id: &&InstructionId| {
            desk.view().told(id).is_some_and(|it| it.standing == Standing::Is(Status::Settled))
        };
        let settled = ids.iter().filter(is).count();
        if settled == ids.len() || began.elapsed() > PATIENCE {
            return Ok(settled);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
