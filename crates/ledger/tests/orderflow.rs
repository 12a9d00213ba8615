//! Half an hour of a real venue's orders on the board: exactly the fills of an independent replay, and every
//! one of them settles.

#![allow(clippy::disallowed_types, reason = "tests count in memory")]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use ledger::{
    Envelope, Event, Instruction as I, Reject,
    governance::LaneRow,
    memory::Memory,
    order::{Order, PlaceOrder},
    row::{Row as _, kind},
    script::{self, party},
};
use types::{InstructionId, InstrumentId, Isin, KeyId, Lane, PartyId, Sender, Text};

const DATA: &str = "orderflow-bitstamp-l3-2026";
/// Each member has enough of both, so that nothing waits.
const CAST: &str = "
furikae  admits m0, m1, m2, m3, m4, m5, m6 as participant
furikae  admits kinjo as settlement-bank
furikae  admits satoshi as issuer
furikae  lists BTC issued by satoshi scale 8
furikae  lists USD issued by kinjo scale 10
furikae  opens board of BTC in USD lot 0.00000001 tick 0.0000000001
";
const MEMBERS: usize = 7;
/// Events in one block.
const BLOCK: usize = 1_000;

/// One line of the file.
struct Line {
    id: u64,
    /// In hundredths of a dollar for one bitcoin: in units of 10^-10 dollars for one unit of 10^-8.
    price: i64,
    quantity: i64,
    action: Action,
    buys: bool,
}

#[derive(PartialEq)]
enum Action {
    Created,
    Changed,
    Deleted,
}

fn folder() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["../../../shared/data", "../../../../shared/data"];
    places.iter().map(|it| here.join(it).join(DATA)).find(|it| it.exists())
}

/// A decimal number, `12.5` or `7.18e-06`, in units of so many places.
fn units(text: &str, places: i32) -> i64 {
    let (text, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let zeros = places + exponent.parse::<i32>().unwrap() - i32::try_from(fraction.len()).unwrap();
    let digits: i64 = format!("{whole}{fraction}").parse().unwrap();
    digits * 10_i64.pow(u32::try_from(zeros).expect("no more places than that"))
}

fn line(text: &str) -> Line {
    let fields: Vec<&str> = text.split(',').collect();
    Line {
        id: fields[0].parse().unwrap(),
        price: units(fields[3], 2),
        quantity: units(fields[4], 8),
        action: match fields[5] {
            "created" => Action::Created,
            "changed" => Action::Changed,
            "deleted" => Action::Deleted,
            other => panic!("{other}"),
        },
        buys: fields[6] == "bid",
    }
}

/// The number of a field of the oracle's answer.
fn expected(answer: &str, field: &str) -> i64 {
    let after = answer.split_once(&format!("\"{field}\": ")).unwrap().1;
    after.split([',', '}']).next().unwrap().parse().unwrap()
}

fn isin() -> InstrumentId {
    InstrumentId::parse(Isin::complete("JP000000BTC").unwrap().as_str()).unwrap()
}

/// The market, and what its members are named.
fn market() -> (Memory, Vec<PartyId>) {
    let mut text = CAST.to_string();
    for member in 0..MEMBERS {
        text += &format!("m{member} opens account a{member}\n");
        text += &format!("satoshi requests issue of 500 BTC to a{member} as r{member}\n");
        text += &format!("furikae approves r{member}\nkinjo issues 70,000,000 USD to a{member}\n");
    }
    let script = script::parse(&text).unwrap_or_else(|bad| panic!("{bad}"));
    let mut market = Memory::of(&script);
    assert_eq!(market.play(&script).failed, []);
    (market, (0..MEMBERS).map(|it| party(&format!("m{it}"))).collect())
}

/// What was asked under the venue's numbers, and what has come of it.
#[derive(Default)]
struct Tape {
    placed: HashMap<u64, InstructionId>,
    numbers: HashMap<InstructionId, u64>,
    fills: String,
    filled: Vec<(i64, i64)>,
    refused: i64,
    to_settle: BTreeSet<InstructionId>,
    settled: usize,
}

impl Tape {
    /// The instruction of a line, which will have this id.
    fn asks(&mut self, line: &Line, member: usize, id: InstructionId) -> I {
        // One that was never placed is asked for all the same, and refused.
        let order = self.placed.get(&line.id).copied().unwrap_or(id);
        let (price, quantity) = (line.price, line.quantity);
        match line.action {
            Action::Created => {
                self.placed.insert(line.id, id);
                self.numbers.insert(id, line.id);
                let account = script::account(&format!("a{member}"));
                I::PlaceOrder(PlaceOrder {
                    instrument: isin(),
                    currency: InstrumentId::of_currency(*b"USD"),
                    buys: line.buys,
                    price,
                    quantity,
                    account,
                    cash: account,
                    reference: Text::new(&line.id.to_string()).unwrap(),
                })
            }
            Action::Changed => I::AmendOrder { order, price, quantity },
            Action::Deleted => I::CancelOrder { order },
        }
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Filled { buy, sell, quantity, price, amount, deliver, receive } => {
                assert_eq!(i128::from(*quantity) * i128::from(*price), i128::from(*amount));
                let (buy, sell) = (self.numbers[buy], self.numbers[sell]);
                self.fills += &format!("{buy},{sell},{quantity},{price}\n");
                self.filled.push((*quantity, *amount));
                self.to_settle.extend([*deliver, *receive]);
            }
            Event::Settled { instruction, .. } => {
                assert!(self.to_settle.remove(instruction));
                self.settled += 1;
            }
            Event::Refused { reject, .. } => {
                let named =
                    matches!(reject, Reject::OrderUnknown { .. } | Reject::QuantityNotPositive);
                assert!(named, "{reject:?}");
                self.refused += 1;
            }
            _ => (),
        }
    }
}

#[test]
fn the_fills_of_a_real_flow_are_those_of_the_reference() {
    let Some(folder) = folder() else {
        eprintln!("skipped: {DATA} is not beside the repository");
        return;
    };
    let orders =
        Command::new("gzip").arg("-dc").arg(folder.join("orders.csv.gz")).output().unwrap();
    let orders = String::from_utf8(orders.stdout).unwrap();
    let answer = fs::read_to_string(folder.join("expected.json")).unwrap();
    let lines: Vec<Line> = orders.lines().skip(1).map(line).collect();
    assert_eq!(i64::try_from(lines.len()).unwrap(), expected(&answer, "events"));

    let (mut market, members) = market();
    let mut tape = Tape::default();
    let mut next: BTreeMap<PartyId, u64> = BTreeMap::new();
    for member in &members {
        let lane = market.get::<LaneRow>(&(Sender::Party(*member), Lane(0)));
        next.insert(*member, lane.map_or(0, |it| it.next));
    }
    let (mut spent, mut most) = (Duration::ZERO, 0);
    for lines in lines.chunks(BLOCK) {
        let mut envelopes = Vec::new();
        for line in lines {
            let member = usize::try_from(line.id / 4_096).unwrap() % MEMBERS;
            let mut envelope = market.envelope(members[member], KeyId(0), vec![]);
            let sequence = next.get_mut(&members[member]).unwrap();
            envelope.sequence = *sequence;
            *sequence += 1;
            let Envelope { sender, lane, sequence, .. } = envelope;
            let id = InstructionId { sender, lane, sequence, index: 0 };
            envelope.instructions.push(tape.asks(line, member, id));
            envelopes.push(envelope);
        }
        let start = Instant::now();
        let events = market.block(&envelopes).unwrap();
        spent += start.elapsed();
        events.iter().for_each(|it| tape.hear(it));
        most = most.max(market.rows().len());
    }
    let count = u128::try_from(lines.len()).unwrap();
    println!("{count} events in {spent:?}: {} a second", count * 1_000 / spent.as_millis().max(1));
    println!("at most {most} rows");

    let fills = i64::try_from(tape.filled.len()).unwrap();
    let sum = |of: fn(&(i64, i64)) -> i64| tape.filled.iter().map(of).sum::<i64>();
    assert_eq!(fills, expected(&answer, "fills"));
    assert_eq!(sum(|it| it.0), expected(&answer, "filled_quantity_1e8"));
    assert_eq!(sum(|it| it.1), expected(&answer, "value_1e10"));
    assert_eq!(tape.refused, expected(&answer, "refused"));
    let digest = crypto::sha256(tape.fills.as_bytes()).to_string();
    assert!(answer.contains(&format!("\"fills_sha256\": \"{digest}\"")), "{digest}");
    let open = market.rows().keys().filter(|it| it.kind() == Order::KIND).count();
    assert_eq!(i64::try_from(open).unwrap(), expected(&answer, "open_orders"));
    assert_eq!((tape.to_settle.len(), tape.settled), (0, 2 * tape.filled.len()));
    let left = [kind::INSTRUCTION, kind::TRADE, kind::WAITING];
    assert!(!market.rows().keys().any(|it| left.contains(&it.kind())), "all has left the state");
}
