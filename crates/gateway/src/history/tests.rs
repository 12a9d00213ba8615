//! The history against a replay, in both engines.

use std::collections::BTreeMap;

use crypto::{
    Amount,
    changes::{BlockChanges, Change},
};
use ledger::{Event, Key, book, row::Row as _, settlement::Status};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use types::{
    AccountId, Bytes, Digest, Header, InstructionId, InstrumentId, Lane, LedgerTime, PartyId,
    PublicKey, Sender,
};

use super::*;
use crate::{
    follow::Final,
    testing::{Folder, Postgres},
};

const CHAIN: ChainId = ChainId([7; 32]);
const BLOCKS: u64 = 300;

type Books = BTreeMap<(InstrumentId, AccountId), i64>;

/// A market of random movements, and its books after each block.
struct Market {
    blocks: Vec<Final>,
    books: Vec<Books>,
    /// Where each instruction stood last, after each block.
    standings: Vec<BTreeMap<String, &'static str>>,
    changed: BTreeMap<[u8; 48], u64>,
}

fn instruments() -> [InstrumentId; 3] {
    ["JP3999001005", "JP3999002003", "JPY"].map(|it| InstrumentId::parse(it).unwrap())
}

fn account(number: u8) -> AccountId {
    AccountId([number; 16])
}

fn instruction(sequence: u64) -> InstructionId {
    InstructionId { sender: Sender::Party(PartyId(3)), lane: Lane(0), sequence, index: 0 }
}

impl Market {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut market = Self {
            blocks: Vec::new(),
            books: vec![Books::new()],
            standings: vec![BTreeMap::new()],
            changed: BTreeMap::new(),
        };
        market.open_accounts();
        for height in 2..=BLOCKS {
            market.trade(height, &mut random);
        }
        market
    }

    /// Block 1: ten accounts, half of them managed by party 1, half by party 2.
    fn open_accounts(&mut self) {
        let rows = (1..=10_u8).map(|it| {
            let row = book::Account {
                spend_key: PublicKey([0; 32]),
                view_key: PublicKey([0; 32]),
                envelope_key: PublicKey([0; 32]),
                class: 0,
                holder: Digest([0; 32]),
                holder_number: [it; 16],
                manager: Some(PartyId(u32::from(it % 2) + 1)),
            };
            (book::Account::key(&account(it)), row.to_bytes())
        });
        let rows = rows.collect();
        self.seal(1, rows, Vec::new());
    }

    /// A block in which some amounts move and some instructions go on.
    fn trade(&mut self, height: u64, random: &mut StdRng) {
        let mut books = self.books.last().unwrap().clone();
        let mut standings = self.standings.last().unwrap().clone();
        let (mut rows, mut events) = (BTreeMap::new(), Vec::new());
        for number in 0..random.random_range(0..6_u64) {
            let instrument = instruments()[random.random_range(0..3)];
            let (from, to) =
                (account(random.random_range(1..=10)), account(random.random_range(1..=10)));
            let units = random.random_range(1..50);
            let issued = book::issuance_account(instrument);
            // Who has not enough is issued what is wanted.
            let from =
                if *books.get(&(instrument, from)).unwrap_or(&0) < units { issued } else { from };
            for (account, change) in [(from, -units), (to, units)] {
                if account != issued {
                    let held = books.entry((instrument, account)).or_default();
                    *held += change;
                    rows.insert((account, instrument), *held);
                }
            }
            let amount = Amount::Open(units);
            let movement = book::Movement { instrument, from, to, amount };
            let id = instruction(height * 10 + number);
            if number % 2 == 0 {
                events.push(Event::Moved { movement });
            } else {
                let status = Status::Pending;
                events.push(Event::StatusChanged { instruction: id, status });
                let (counterpart, movements) = (None, vec![movement]);
                events.push(Event::Settled { instruction: id, counterpart, movements });
                standings.insert(id.to_string(), "settled");
            }
        }
        if height.is_multiple_of(3) {
            let (id, status) = (instruction(height * 10 + 9), Status::OnHold);
            events.push(Event::StatusChanged { instruction: id, status });
            standings.insert(id.to_string(), "on-hold");
        }
        let position =
            |units| book::Position { available: Amount::Open(units), ..blank_position() };
        let rows = rows
            .into_iter()
            .map(|(place, units)| (book::Position::key(&place), position(units).to_bytes()));
        books.retain(|_, it| *it != 0);
        self.books.push(books);
        self.standings.push(standings);
        self.seal(height, rows.collect(), events);
    }

    fn seal(&mut self, height: u64, rows: BTreeMap<Key, Vec<u8>>, events: Vec<Event>) {
        let before = |key: &Key| {
            let blocks = self.blocks.iter().rev().flat_map(|it| &it.block.changes);
            blocks.into_iter().find(|it| it.key == key.0).and_then(|it| it.new.clone())
        };
        let changes = rows.into_iter().map(|(key, value)| Change {
            key: key.0,
            previous: self.changed.get(&key.0).copied().unwrap_or_default(),
            old: before(&key),
            new: Some(Bytes(value)),
        });
        let changes: Vec<_> = changes.collect();
        self.changed.extend(changes.iter().map(|it| (it.key, height)));
        let header = Header { time: LedgerTime(height * 1_000), ..Header::blank(CHAIN, height) };
        let told = events.iter().map(|it| Bytes(it.to_bytes())).collect();
        let block = BlockChanges { header, changes, events: told, committee: None };
        self.blocks.push(Final { block, events });
    }
}

fn blank_position() -> book::Position {
    let nothing = || Amount::Open(0);
    book::Position {
        available: nothing(),
        closed: nothing(),
        closed_at: 0,
        open: nothing(),
        open_last: 0,
        changed: 0,
        administrators_key: 0,
        split_index: 0,
    }
}

fn all(limit: u32) -> Wanted {
    Wanted { limit, ..Wanted::default() }
}

/// Writes the market's blocks, some at a time, and holds what is read against the replay.
async fn check(history: &History, market: &Market, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut blocks = market.blocks.as_slice();
    while !blocks.is_empty() {
        let (some, rest) = blocks.split_at(random.random_range(1..=blocks.len().min(40)));
        history.write(some).await.unwrap();
        blocks = rest;
    }
    assert_eq!(history.newest().await.unwrap(), Some((BLOCKS, LedgerTime(BLOCKS * 1_000))));
    for _ in 0..200 {
        let height = random.random_range(1..=BLOCKS);
        let time = LedgerTime(height * 1_000 + random.random_range(0..1_000));
        assert_eq!(history.at_time(time).await.unwrap(), Some(height));
        let books = &market.books[usize::try_from(height - 1).unwrap()];
        let held = history.positions(height, &all(1_000)).await.unwrap();
        let held: BTreeMap<_, _> =
            held.into_iter().map(|it| ((it.instrument, it.account), it.units)).collect();
        let books = books.iter().map(|(it, units)| ((it.0.to_string(), it.1.to_string()), *units));
        assert_eq!(held, books.collect::<BTreeMap<_, _>>(), "as of {height}");
        let standings = &market.standings[usize::try_from(height - 1).unwrap()];
        let stood = history.instructions(height, Some(3), None, None, 1_000).await.unwrap();
        let stood: Vec<_> = stood.iter().map(|it| (it.instruction.clone(), &*it.status)).collect();
        assert_eq!(stood, standings.iter().map(|(id, it)| (id.clone(), *it)).collect::<Vec<_>>());
    }
    assert_eq!(history.at_time(LedgerTime(999)).await.unwrap(), None);
    pages_and_movements(history, market).await;
}

/// Pages together are the whole, and movements add up to positions.
async fn pages_and_movements(history: &History, market: &Market) {
    let whole = history.positions(BLOCKS, &all(1_000)).await.unwrap();
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = history.positions(BLOCKS, &Wanted { after, ..all(7) }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.instrument.clone(), last.account.clone()));
        pages.extend(page);
    }
    assert_eq!(pages, whole);
    let managed = Wanted { manager: Some(1), ..all(1_000) };
    let managed = history.positions(BLOCKS, &managed).await.unwrap();
    let even = |it: &Position| u8::from_str_radix(&it.account[..2], 16).unwrap().is_multiple_of(2);
    let own: Vec<_> = whole.iter().filter(|it| even(it)).cloned().collect();
    assert!(managed == own && !own.is_empty(), "those of the accounts that party 1 manages");
    for number in 1..=10 {
        let id = account(number).to_string();
        for instrument in instruments() {
            let name = instrument.to_string();
            let moved = history.movements((&id, &name), 0..=BLOCKS, None, 100_000).await.unwrap();
            let sum: i64 = moved
                .iter()
                .map(|it| {
                    i64::from(it.target == id) * it.units - i64::from(it.source == id) * it.units
                })
                .sum();
            let held = market.books.last().unwrap().get(&(instrument, account(number)));
            assert_eq!(sum, held.copied().unwrap_or_default(), "{id} {name}");
        }
    }
    let last = market.standings.last().unwrap();
    for (id, status) in last.iter().take(50) {
        let standings = history.standings(id, BLOCKS).await.unwrap();
        let names: Vec<_> = standings.iter().map(|it| it.status.as_str()).collect();
        let wanted = if *status == "settled" { &["pending", "settled"][..] } else { &["on-hold"] };
        assert_eq!(names, wanted, "{id}");
        assert_eq!(history.party_of(id).await.unwrap(), Some(3));
    }
}

#[tokio::test]
async fn what_is_read_as_of_a_height_is_what_a_replay_says_in_sqlite() {
    let folder = Folder::new();
    let url = folder.sqlite("history.sqlite");
    let market = Market::new(1);
    let history = History::open(&url, CHAIN).await.unwrap();
    check(&history, &market, 11).await;
    drop(history);
    // It is there after it was opened again, and is dropped and made again at will.
    let history = History::open(&url, CHAIN).await.unwrap();
    assert_eq!(history.newest().await.unwrap().map(|it| it.0), Some(BLOCKS));
    let other = History::open(&url, ChainId([8; 32])).await.err().unwrap().to_string();
    assert!(other.contains("it is the history of market 07"), "{other}");
}

#[tokio::test]
async fn what_is_read_as_of_a_height_is_what_a_replay_says_in_postgresql() {
    let server = Postgres::start();
    let history = History::open(&server.url(), CHAIN).await.unwrap();
    check(&history, &Market::new(2), 12).await;
}

/// A history of an older version is dropped whole, and made again.
async fn is_made_again(url: &str) {
    let market = Market::new(3);
    let history = History::open(url, CHAIN).await.unwrap();
    history.write(&market.blocks).await.unwrap();
    let older = sqlx::query("UPDATE history SET version = version - 1");
    older.execute(&history.0.pool).await.unwrap();
    drop(history);
    let history = History::open(url, CHAIN).await.unwrap();
    assert_eq!(history.newest().await.unwrap(), None);
    check(&history, &market, 13).await;
}

#[tokio::test]
async fn a_history_of_an_older_version_is_made_again() {
    let (folder, server) = (Folder::new(), Postgres::start());
    is_made_again(&folder.sqlite("history.sqlite")).await;
    is_made_again(&server.url()).await;
}

#[tokio::test]
async fn a_url_of_neither_engine_is_refused() {
    for url in ["", "mysql://a/b", "history.sqlite"] {
        let why = History::open(url, CHAIN).await.err().unwrap().to_string();
        assert!(why.contains("neither sqlite:PATH nor postgres://"), "{why}");
    }
    let folder = Folder::new();
    let missing = folder.sqlite("no/such/folder/history.sqlite");
    assert!(History::open(&missing, CHAIN).await.is_err());
}
