//! For tests of commands: the ledger behind a node's interface, without consensus or disk.
//!
//! Blocks follow one another as fast as envelopes arrive: each envelope makes a block without a
//! certificate, and an empty one after it that the validators certify with their keys.

mod gate;
mod past;

pub use gate::Gate;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, post},
};
use crypto::{
    certificate::{self, Certified},
    changes::{BlockChanges, Change},
    keys::SecretKey,
    merkle::{Peaks, domain},
};
use gateway::{Doors, Follower};
use ledger::{At, Entry, Genesis, Key, Missing, Outcome, Signed, Snapshot, Value};
use tokio::sync::Notify;
use types::{Bytes as Octets, ChainId, Committee, Digest, Header, LedgerTime, Wire};

use crate::{
    desk::Desk,
    market::{Folder, NodePlan},
};

/// Runs `test` with the desks of a new market in a folder of its own.
pub fn with_desk(name: &str, test: impl AsyncFnOnce(&mut Desk)) {
    let folder = Folder::temporary(name).unwrap();
    let genesis = crate::market::genesis_for_tests(&folder).unwrap();
    crate::runtime().unwrap().block_on(async {
        let plan = folder.plan().unwrap();
        let key = |it: &NodePlan| gateway::keys::read(&folder.key(&it.name)).unwrap();
        let keys = plan.validators().map(key).collect();
        let stand_in = StandIn::start(&genesis, keys).await;
        let doors = Doors::new(vec![stand_in.url()]).unwrap();
        let follower = Follower::from_genesis(doors, &genesis);
        test(&mut Desk::open(&folder, follower).unwrap()).await;
    });
    std::fs::remove_dir_all(folder.root()).unwrap();
}

/// A market of one ledger.
struct StandIn {
    port: u16,
}

struct Book {
    rows: BTreeMap<Key, (u64, Option<Value>)>,
    index: BTreeSet<Entry>,
    /// The keys that the block which is made has written.
    written: BTreeSet<Key>,
    blocks: Vec<Certified>,
    /// The leaves of all headers, that of height 0 first.
    headers: Vec<Digest>,
    parent: Digest,
    begun: u64,
    keys: Vec<SecretKey>,
    committee: Committee,
}

struct Shared {
    book: Mutex<Book>,
    chain: ChainId,
    grown: Notify,
}

impl Snapshot for Book {
    fn row(&self, key: &Key) -> Result<Option<Value>, Missing> {
        Ok(self.rows.get(key).and_then(|it| it.1.clone()))
    }

    fn walk(&self, from: &Entry, to: &Entry) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(self.index.range(*from..=*to).copied())
    }
}

impl Book {
    fn begin(genesis: &Genesis, keys: Vec<SecretKey>) -> Self {
        let parent = crypto::header_digest(&Header::blank(genesis.chain(), 0));
        let (rows, index, written, blocks) = Default::default();
        let mut book = Self {
            rows,
            index,
            written,
            blocks,
            headers: vec![crypto::header_leaf(&parent)],
            parent,
            begun: genesis.time.0,
            keys,
            committee: Committee::of(0, genesis.validators.clone()),
        };
        let begun = ledger::genesis(&book, genesis).unwrap();
        book.lay(0, begun);
        book.written.clear();
        book
    }

    fn lay(&mut self, height: u64, outcome: Outcome) {
        for (key, value) in outcome.writes {
            self.written.insert(key);
            self.rows.insert(key, (height, value));
        }
        for (entry, came) in outcome.entries {
            if came {
                self.index.insert(entry)
            } else {
                self.index.remove(&entry)
            };
        }
    }

    /// One block with one envelope.
    fn block(&mut self, chain: ChainId, signed: &Signed) -> Result<(), String> {
        let height = self.blocks.len() as u64 + 1;
        let at = At { time: LedgerTime(self.begun + height), height };
        let before = self.rows.clone();
        let opened = ledger::open(self, at).unwrap();
        let mut events = opened.events.clone();
        self.lay(height, opened);
        let applied = ledger::apply(self, chain, at, &signed.envelope, &crypto::Shown::nothing());
        let applied = applied.map_err(|why| format!("{why:?}"))?;
        events.extend(applied.events.clone());
        self.lay(height, applied);
        let closed = ledger::close(self, at).unwrap();
        events.extend(closed.events.clone());
        self.lay(height, closed);
        self.seal(chain, at, &before, events, false);
        let after = At { time: LedgerTime(at.time.0 + 1), height: height + 1 };
        let before = self.rows.clone();
        self.seal(chain, after, &before, Vec::new(), true);
        Ok(())
    }

    fn seal(
        &mut self,
        chain: ChainId,
        at: At,
        before: &BTreeMap<Key, (u64, Option<Value>)>,
        events: Vec<ledger::Event>,
        certified: bool,
    ) {
        let octets = |it: &Option<Value>| it.clone().map(Octets);
        let written = std::mem::take(&mut self.written);
        let changes = written.iter().filter(|it| it.has_change_leaf()).map(|key| {
            let (previous, old) = before.get(key).map_or((0, None), |it| (it.0, octets(&it.1)));
            Change { key: key.0, previous, old, new: octets(&self.rows[key].1) }
        });
        // What came and went within the block is no change.
        let changes = changes.filter(|it| it.old.is_some() || it.new.is_some());
        let header = Header {
            time: at.time,
            view: at.height,
            parent_view: at.height - 1,
            parent: self.parent,
            headers_root: Peaks::of(self.headers.iter().copied()).root(domain::HEADERS),
            ..Header::blank(chain, at.height)
        };
        let events = events.iter().map(|it| Octets(it.to_bytes())).collect();
        let mut block =
            BlockChanges { header, changes: changes.collect(), events, committee: None };
        block.header.changes_root = block.root();
        self.parent = crypto::header_digest(&block.header);
        self.headers.push(crypto::header_leaf(&self.parent));
        let sign = || certificate::sign(&block.header, &self.committee, &self.keys);
        let certificate = certified.then(sign).map(Octets);
        self.blocks.push(Certified { changes: block, certificate });
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// The block at `place`, as soon as there is one.
    async fn block(&self, place: usize) -> Vec<u8> {
        loop {
            let grown = self.grown.notified();
            let block = self.book().blocks.get(place).map(Wire::to_bytes);
            match block {
                Some(block) => return block,
                None => grown.await,
            }
        }
    }
}

impl StandIn {
    /// Begins with `genesis`, at a port of its own, for as long as the runtime runs.
    async fn start(genesis: &Genesis, keys: Vec<SecretKey>) -> Self {
        let book = Mutex::new(Book::begin(genesis, keys));
        let shared = Arc::new(Shared { book, chain: genesis.chain(), grown: Notify::new() });
        let router = Router::new()
            .route("/v1/envelopes", post(submit))
            .route("/v1/status", get(status))
            .route("/v1/blocks", get(blocks))
            .route("/v1/blocks/{height}", get(block))
            .route("/v1/proofs/{key}", get(past::proof))
            .with_state(shared);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port }
    }

    /// Where it is asked.
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn submit(State(shared): State<Arc<Shared>>, body: Bytes) -> (StatusCode, String) {
    let Ok(signed) = Signed::from_bytes(&body) else {
        return (StatusCode::BAD_REQUEST, "no envelope with its witnesses".into());
    };
    let taken = shared.book().block(shared.chain, &signed);
    shared.grown.notify_waiters();
    match taken {
        Ok(()) => (StatusCode::ACCEPTED, "{}".into()),
        Err(why) => (StatusCode::CONFLICT, why),
    }
}

async fn status(State(shared): State<Arc<Shared>>) -> String {
    let book = shared.book();
    let time = book.blocks.last().map_or(book.begun, |it| it.changes.header.time.0);
    format!("{{\"height\": {}, \"time\": {time}}}", book.blocks.len())
}

async fn block(
    State(shared): State<Arc<Shared>>,
    Path(height): Path<usize>,
) -> Result<Vec<u8>, StatusCode> {
    let place = height.checked_sub(1);
    let block = place.and_then(|it| shared.book().blocks.get(it).map(Wire::to_bytes));
    block.ok_or(StatusCode::NOT_FOUND)
}

async fn blocks(
    State(shared): State<Arc<Shared>>,
    Query(asked): Query<BTreeMap<String, usize>>,
) -> Body {
    let stream =
        futures::stream::unfold((shared, asked["from"] - 1), |(shared, place)| async move {
            let block = shared.block(place).await;
            let mut bytes = u32::try_from(block.len()).unwrap().to_be_bytes().to_vec();
            bytes.extend(block);
            Some((Ok::<_, std::io::Error>(bytes), (shared, place + 1)))
        });
    Body::from_stream(stream)
}
