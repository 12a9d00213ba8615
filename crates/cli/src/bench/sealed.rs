//! `bench sealed`: sealed deliveries against payment through a network, their proofs made beforehand.
//!
//! ```text
//!   accounts by pairs: a seller has shares, a buyer has money
//!   before   both legs of every delivery are sealed, both sides signed and proved, on all cores
//!   measured both instructions are handed over at a steady rate; a delivery is done when both are final
//! ```

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use clap::{Args, builder::RangedU64ValueParser};
use futures::{StreamExt as _, stream::FuturesUnordered};
use gateway::{
    Doors, Fault,
    spending::{self, Known, Stands},
};
use ledger::{
    Event, Instruction, Signed,
    book::Movement,
    settlement::{Legs, Priority, SealedTerms, Terms},
};
use proof::Secret;
use serde::Serialize;
use tokio::runtime::Runtime;
use types::{BusinessDate, ChainId, Digest, InstructionId, InstrumentId, LedgerTime, Wire as _};

use super::{command, cores};
use crate::{
    arguments::Up,
    desk::Desk,
    failure::{Failure, Result},
    market::{Folder, Running, process::Process, with_its_own},
    output::Output,
    percentiles::Percentiles,
    stage::{
        self, Listed,
        sealed::{self, Keyed},
    },
};

/// What each account has at the start, in units.
const FUNDS: i64 = 1_000_000_000;
/// Envelopes on their way to nodes at once.
const AT_ONCE: usize = 32;
/// How long after the last is handed over all of them may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// `bench sealed`
#[derive(Debug, Args)]
pub struct Asked {
    /// How many validators
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u16>::new().range(1..=31))]
    pub validators: Option<u16>,
    /// For how many seconds deliveries are handed over
    #[arg(long, value_name = "N", default_value = "20", value_parser = RangedU64ValueParser::<u64>::new().range(1..=3_600))]
    pub seconds: u64,
    /// How many deliveries a second
    #[arg(long, value_name = "N", default_value = "250", value_parser = RangedU64ValueParser::<u64>::new().range(1..=100_000))]
    pub rate: u64,
    /// How many pairs of accounts
    #[arg(long, value_name = "N", default_value = "100", value_parser = RangedU64ValueParser::<u64>::new().range(1..=10_000))]
    pub pairs: u64,
    #[command(flatten)]
    pub output: Output,
}

/// The answer.
#[derive(Debug, Serialize)]
struct Report {
    workload: &'static str,
    settled: u64,
    failed: u64,
    seconds: f64,
    settled_per_s: f64,
    finality_ms: Percentiles,
    cpu_us_per_dvp: f64,
    bytes_per_dvp: u64,
    proofs_made_s: f64,
    rss_mb_max: f64,
    validators: usize,
    cores: usize,
    command: String,
}

/// `furikae bench sealed`.
///
/// # Errors
/// A fault of the market that it starts. No, when a delivery has not settled.
pub fn sealed(runtime: &Runtime, asked: &Asked) -> Result<()> {
    let up = |folder: &Folder| Up {
        validators: asked.validators,
        ..Up::of_its_own(folder.root(), None)
    };
    let report = with_its_own(runtime, "bench", up, async |it| measure(it, asked).await)?;
    let row = serde_json::to_value(&report).map_err(Failure::fault)?;
    let columns = ["settled", "failed", "settled_per_s", "finality_ms.p50", "cpu_us_per_dvp"];
    asked.output.print(&report, &columns, &[row])?;
    match report.failed {
        0 => Ok(()),
        failed => Err(Failure::no(format_args!("{failed} deliveries have not settled"))),
    }
}

/// A seller and a buyer.
struct Pair {
    seller: Keyed,
    buyer: Keyed,
    shares: Stands,
    money: Stands,
}

/// Both sides of a delivery, signed and proved.
struct Delivery {
    sides: [Vec<u8>; 2],
    ids: [InstructionId; 2],
}

async fn measure(running: &Running, asked: &Asked) -> Result<Report> {
    let mut desk = Desk::on(&running.folder, &running.plan).await?;
    let (share, yen) = (stage::security("JP390000001")?, InstrumentId::of_currency(*b"JPY"));
    stage::admit(&mut desk, []).await?;
    let security = Listed { instrument: share, scale: 0, name: "A sealed share" };
    let money = Listed { instrument: yen, scale: 0, name: "Sealed yen" };
    sealed::list(&mut desk, &security, &money).await?;
    let pairs = fund(&mut desk, usize::try_from(asked.pairs).unwrap_or(1), (share, yen)).await?;

    let count = usize::try_from(asked.rate * asked.seconds).map_err(Failure::fault)?;
    let chain = desk.follower().chain();
    let began = Instant::now();
    let deliveries = prepare(&desk, pairs, (share, yen), (chain, desk.today(), count))?;
    let proofs_made_s = (began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let bytes: usize = deliveries.iter().flat_map(|it| &it.sides).map(Vec::len).sum();
    eprintln!("{count} deliveries are proved, in {proofs_made_s} s");

    let processes: Vec<Process> =
        running.plan.validators().filter_map(|it| running.folder.process(&it.name)).collect();
    let cpu = |it: &[Process]| it.iter().filter_map(|it| it.cpu()).sum::<Duration>();
    // While the proofs were made, nodes have closed the connections that were idle.
    let mut desk = Desk::on(&running.folder, &running.plan).await?;
    let before = cpu(&processes);
    let took = hand_over(&mut desk, &running.plan.doors(), deliveries, asked.rate).await?;
    let spent = cpu(&processes).saturating_sub(before);
    let settled = took.finality_ms.len();
    #[expect(clippy::cast_precision_loss, reason = "figures are shown, not kept")]
    let (seconds, many) = (took.seconds, settled.max(1) as f64);
    let tenth = |it: f64| (it * 10.0).round() / 10.0;
    Ok(Report {
        workload: "sealed",
        settled: settled.try_into().map_err(Failure::fault)?,
        failed: (count - settled).try_into().map_err(Failure::fault)?,
        seconds: tenth(seconds),
        settled_per_s: tenth(many / seconds),
        finality_ms: Percentiles::of(took.finality_ms),
        cpu_us_per_dvp: tenth(spent.as_secs_f64() * 1e6 / many),
        bytes_per_dvp: (bytes / count.max(1)).try_into().map_err(Failure::fault)?,
        proofs_made_s,
        rss_mb_max: processes.iter().filter_map(|it| it.rss_mb()).fold(0.0, f64::max),
        validators: processes.len(),
        cores: cores(),
        command: command(),
    })
}

/// Pairs of accounts that have enough of what they give.
async fn fund(
    desk: &mut Desk,
    count: usize,
    (share, yen): (InstrumentId, InstrumentId),
) -> Result<Vec<Pair>> {
    let accounts: Vec<Keyed> = (0..2 * count).map(|_| Keyed::random()).collect();
    sealed::open(desk, &accounts).await?;
    let gives = |place: usize| if place < count { share } else { yen };
    let needed: BTreeMap<_, _> =
        accounts.iter().enumerate().map(|(at, it)| ((it.account, gives(at)), FUNDS)).collect();
    sealed::issue(desk, &needed).await?;
    // Credits can be named from the next block on.
    desk.follower().next().await?;
    let mut sellers = accounts;
    let buyers = sellers.split_off(count);
    let pair = |(seller, buyer): (Keyed, Keyed)| {
        let shares = seller.issued(desk, share, FUNDS)?;
        let money = buyer.issued(desk, yen, FUNDS)?;
        Ok(Pair { seller, buyer, shares, money })
    };
    sellers.into_iter().zip(buyers).map(pair).collect()
}

/// So many deliveries, in turn by the pairs, made on all cores.
fn prepare(
    desk: &Desk,
    pairs: Vec<Pair>,
    instruments: (InstrumentId, InstrumentId),
    (chain, date, count): (ChainId, BusinessDate, usize),
) -> Result<Vec<Delivery>> {
    let (threads, all) = (cores(), pairs.len());
    let mut parts: Vec<Vec<(usize, Pair)>> = (0..threads).map(|_| Vec::new()).collect();
    for (place, pair) in pairs.into_iter().enumerate() {
        parts[place % threads].push((place, pair));
    }

    let one = |part: Vec<(usize, Pair)>| -> Result<Vec<(usize, Delivery)>> {
        let mut made = Vec::new();
        for (place, mut pair) in part {
            for turn in (place..count).step_by(all) {
                made.push((turn, pair.deliver(desk, chain, instruments, date)?));
            }
        }
        Ok(made)
    };
    let made = std::thread::scope(|scope| {
        let work: Vec<_> = parts.into_iter().map(|part| scope.spawn(|| one(part))).collect();
        let done =
            work.into_iter().map(|it| it.join().map_err(|_| Failure::fault("a prover ended")));
        done.collect::<Result<Vec<_>>>()
    })?;
    let mut made: Vec<_> =
        made.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    made.sort_by_key(|it| it.0);
    Ok(made.into_iter().map(|it| it.1).collect())
}

impl Pair {
    /// The next delivery of one share for 100 yen.
    fn deliver(
        &mut self,
        desk: &Desk,
        chain: ChainId,
        (share, yen): (InstrumentId, InstrumentId),
        date: BusinessDate,
    ) -> Result<Delivery> {
        let ends = (self.seller.account, self.buyer.account);
        let (deliver, sold) = leg(desk, share, ends, 1)?;
        let (pay, paid) = leg(desk, yen, (ends.1, ends.0), 100)?;
        let legs = Legs::Delivery { deliver: deliver.clone(), pay: Some(pay.clone()) };
        let sold = side(
            desk,
            (&mut self.seller, &mut self.shares),
            (&deliver, sold, 1),
            (chain, &legs, date),
        )?;
        let paid = side(
            desk,
            (&mut self.buyer, &mut self.money),
            (&pay, paid, 100),
            (chain, &legs, date),
        )?;
        let id = |it: &Signed| it.ids().next().ok_or_else(|| Failure::fault("an empty envelope"));
        Ok(Delivery { ids: [id(&sold)?, id(&paid)?], sides: [sold.to_bytes(), paid.to_bytes()] })
    }
}

fn leg(
    desk: &Desk,
    instrument: InstrumentId,
    ends: (types::AccountId, types::AccountId),
    units: u64,
) -> Result<(Movement, Secret)> {
    let blinding = Secret::random(&mut rand::rng());
    let movement = spending::leg(desk.view(), instrument, ends, units, &blinding);
    Ok((movement.map_err(Failure::fault)?, blinding))
}

/// One side's instruction, which funds its leg of what stands.
fn side(
    desk: &Desk,
    (owner, stands): (&mut Keyed, &mut Stands),
    (gives, blinding, units): (&Movement, Secret, u64),
    (chain, legs, date): (ChainId, &Legs, BusinessDate),
) -> Result<Signed> {
    let crypto::Amount::Sealed(amount) = &gives.amount else {
        return Err(Failure::fault("an open leg"));
    };
    let after = stands.after(amount, units).map_err(Failure::fault)?;
    let before = std::mem::replace(stands, after);
    let terms = SealedTerms {
        intended_date: date,
        details: Digest([0; 32]),
        administrators_key: 1,
        legs: legs.clone(),
        priority: Priority::Normal,
        hold: false,
        cover: Some(before.cover),
    };
    let known = Known::Leg { units, blinding, stood: Some(before.units) };
    let asked = Instruction::Settle(Terms::Sealed(terms));
    owner.sign(desk, (chain, LedgerTime(u64::MAX)), asked, known)
}

/// What handing over took.
struct Took {
    /// From the first that was due to the last that was final.
    seconds: f64,
    /// Of each that has settled: from when it was due until both its sides were final.
    finality_ms: Vec<f64>,
}

/// Hands deliveries over, so many a second, and follows until all are final.
async fn hand_over(
    desk: &mut Desk,
    urls: &[String],
    deliveries: Vec<Delivery>,
    rate: u64,
) -> Result<Took> {
    let began = Instant::now();
    #[expect(clippy::cast_precision_loss, reason = "a rate, not an amount")]
    let due = |turn: usize| Duration::from_secs_f64(turn as f64 / rate as f64);
    let mut waits: BTreeMap<InstructionId, usize> = BTreeMap::new();
    for (turn, it) in deliveries.iter().enumerate() {
        waits.insert(it.ids[0], turn);
    }
    let last = due(deliveries.len());
    let send = async {
        let doors = Doors::new(urls.to_vec())?;
        let mut queue: VecDeque<(usize, Vec<u8>)> = VecDeque::new();
        for (turn, it) in deliveries.into_iter().enumerate() {
            queue.extend(it.sides.into_iter().map(|side| (turn, side)));
        }
        let mut sending = FuturesUnordered::new();
        while let Some((turn, bytes)) = queue.pop_front() {
            tokio::time::sleep_until((began + due(turn)).into()).await;
            sending.push(doors.post("/v1/envelopes", bytes));
            if sending.len() >= AT_ONCE {
                let done: Option<std::result::Result<_, Fault>> = sending.next().await;
                done.transpose()?;
            }
        }
        while let Some(done) = sending.next().await {
            done?;
        }
        Ok::<(), Fault>(())
    };
    let follow = async {
        let (mut finality_ms, mut end) = (Vec::new(), began);
        while !waits.is_empty() && began.elapsed() < last + PATIENCE {
            for event in desk.follower().next_told().await? {
                let Event::Settled { instruction, .. } = event else { continue };
                if let Some(turn) = waits.remove(&instruction) {
                    end = Instant::now();
                    let took = end.duration_since(began).saturating_sub(due(turn));
                    finality_ms.push(took.as_secs_f64() * 1_000.0);
                }
            }
        }
        Ok::<_, Fault>(Took { seconds: end.duration_since(began).as_secs_f64(), finality_ms })
    };
    let (sent, took) = tokio::join!(send, follow);
    sent?;
    Ok(took?)
}
