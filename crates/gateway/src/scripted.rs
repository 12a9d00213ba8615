//! For tests: a market that a script plays in memory, a history of its blocks, and gateways of its parties over it.

use std::{collections::BTreeMap, sync::Arc};

use crypto::{
    changes::{BlockChanges, Change},
    keys::SecretKey,
};
use ledger::{
    Event, Key, Value,
    memory::Memory,
    order::Order,
    row::Row as _,
    script::{self, Action, Ask, Run, Script},
};
use tokio::sync::watch;
use types::{Bytes, Header, InstructionId, KeyId, Lane, LedgerTime, PartyId, Wire as _};

use crate::{
    Client, Fault, History, Signer, View,
    api::{self, App},
    config::{Right, User},
    facts::Facts,
    follow::Final,
    outbox::Outbox,
    sending::Sending,
    testing::Folder,
};

/// The token of the one user of every gateway here.
const TOKEN: &str = "token";

/// A market, and its blocks.
pub struct Scripted {
    memory: Memory,
    blocks: Vec<Final>,
    changed: BTreeMap<Key, u64>,
    names: BTreeMap<String, InstructionId>,
}

/// A market with a history of its blocks, and the gateways that were asked so far. They stay: a connection to a
/// database lives on the runtime that has opened it.
pub struct Stage {
    served: tokio::sync::Mutex<BTreeMap<String, Arc<Served>>>,
    /// The market.
    pub market: Scripted,
    /// Its history.
    pub history: History,
    _folder: Folder,
}

/// A gateway of one party, for as long as this is there.
pub struct Served {
    /// Its user.
    client: Client,
    _server: listen::Server,
    _outbox: Folder,
    _tells: watch::Sender<Option<Arc<Facts>>>,
}

impl Scripted {
    /// Plays `text`.
    ///
    /// # Panics
    /// When an expectation of it does not hold.
    pub fn play(text: &str) -> Self {
        let script = script::parse(text).unwrap();
        let (blocks, changed, names) = Default::default();
        let mut this = Self { memory: Memory::of(&script), blocks, changed, names };
        this.seal(&BTreeMap::new(), Vec::new());
        this.run(&script, text);
        this
    }

    fn run(&mut self, script: &Script, text: &str) {
        let lines: Vec<_> = text.lines().collect();
        let mut run = Run::new(script);
        while let Some(action) = run.next(&self.memory) {
            match action {
                Action::Ask(asks) => {
                    let ids = self.ask(&asks, &lines);
                    run.asked(&ids);
                }
                Action::Wait(millis) => {
                    self.memory.pass(millis);
                    self.block(&[]);
                }
                Action::Blocks(blocks) => (0..blocks).for_each(|_| self.block(&[])),
            }
            run.tell(&self.blocks.last().unwrap().events);
        }
        let report = run.finish();
        assert!(report.failed.is_empty(), "{:?}", report.failed);
    }

    fn ask(&mut self, asks: &[Ask], lines: &[&str]) -> Vec<Vec<InstructionId>> {
        let mut all = Vec::new();
        let (mut envelopes, mut next) = (Vec::new(), BTreeMap::new());
        for ask in asks {
            let mut envelope = self.memory.envelope(ask.sender, ask.key, ask.instructions.clone());
            let sequence = next.entry(envelope.sender).or_insert(envelope.sequence);
            envelope.sequence = *sequence;
            *sequence += 1;
            let ids: Vec<_> = envelope.ids().collect();
            let line = lines[usize::try_from(ask.line).unwrap() - 1];
            if let Some((_, name)) = line.rsplit_once(" as ") {
                self.names.insert(name.trim().into(), ids[0]);
            }
            all.push(ids);
            envelopes.push(envelope);
        }
        self.block(&envelopes);
        all
    }

    fn block(&mut self, envelopes: &[ledger::Envelope]) {
        let before = self.memory.rows().clone();
        let events = self.memory.block(envelopes).unwrap();
        self.seal(&before, events);
    }

    /// Block 1 holds the first state.
    fn seal(&mut self, before: &BTreeMap<Key, Value>, events: Vec<Event>) {
        let after = self.memory.rows();
        let keys = before.keys().chain(after.keys()).copied();
        let keys: std::collections::BTreeSet<_> = keys.collect();
        let height = u64::try_from(self.blocks.len()).unwrap() + 1;
        let octets = |it: Option<&Value>| it.cloned().map(Bytes);
        let changes = keys.into_iter().filter(|it| before.get(it) != after.get(it)).map(|key| {
            let previous = self.changed.get(&key).copied().unwrap_or_default();
            let (old, new) = (octets(before.get(&key)), octets(after.get(&key)));
            Change { key: key.0, previous, old, new }
        });
        let changes: Vec<_> = changes.collect();
        self.changed.extend(changes.iter().map(|it| (Key(it.key), height)));
        let time = self.memory.at().time;
        let header = Header { time, ..Header::blank(self.memory.chain(), height) };
        let told = events.iter().map(|it| Bytes(it.to_bytes())).collect();
        let block = BlockChanges { header, changes, events: told, committee: None };
        self.blocks.push(Final { block, events });
    }

    /// The id of what the script calls so.
    pub fn id(&self, name: &str) -> InstructionId {
        self.names[name]
    }

    /// Height and time of the last block.
    pub fn newest(&self) -> (u64, LedgerTime) {
        let header = &self.blocks.last().unwrap().block.header;
        (header.height, header.time)
    }

    /// A history of its blocks, in the database at `url`.
    async fn history(&self, url: &str) -> History {
        let history = History::open(url, self.memory.chain()).await.unwrap();
        for some in self.blocks.chunks(7) {
            history.write(some).await.unwrap();
        }
        history
    }

    /// What is at hand of the last block for the party of this word.
    pub fn facts(&self, word: &str) -> Facts {
        let (height, time) = self.newest();
        let rows = self.memory.rows().iter().map(|(key, value)| (*key, height, value.clone()));
        Facts::of(&View::resume(height, time, rows), script::party(word))
    }

    /// The orders that stood in the block at `height` for `instrument`: those who sell first, the best first, then the
    /// oldest.
    pub fn orders_at(&self, height: u64, instrument: &str) -> Vec<String> {
        let mut stood: BTreeMap<Key, Order> = BTreeMap::new();
        let blocks = self.blocks.iter().take_while(|it| it.block.header.height <= height);
        for change in blocks.flat_map(|it| &it.block.changes) {
            let key = Key(change.key);
            if key.kind() == Order::KIND {
                match &change.new {
                    Some(new) => stood.insert(key, Order::from_bytes(&new.0).unwrap()),
                    None => stood.remove(&key),
                };
            }
        }
        let mut orders: Vec<_> = stood.into_iter().collect();
        orders.retain(|it| it.1.wanted.instrument.to_string() == instrument);
        orders.sort_by_key(|(_, it)| {
            let price = it.wanted.price;
            (it.wanted.buys, if it.wanted.buys { -price } else { price }, it.arrival)
        });
        let id = |key: &Key| InstructionId::read(&mut types::Reader::new(key.name())).unwrap();
        orders.iter().map(|it| id(&it.0).to_string()).collect()
    }

    /// The gateway of the party of this word, over a history of this market.
    async fn serve(&self, word: &str, history: &History) -> Served {
        let party = script::party(word);
        let (tells, facts) = watch::channel(Some(Arc::new(self.facts(word))));
        let (chain, folder) = (self.memory.chain(), Folder::new());
        let outbox = Outbox::open(&folder.sqlite("outbox.sqlite"), chain, party, Lane(1)).await;
        let signer = Signer::new(chain, party, KeyId(0), SecretKey::from_seed([1; 32]));
        let held = watch::channel(0).1;
        let sending = Arc::new(Sending::new(outbox.unwrap(), signer, Lane(1), held));
        let token_sha256 = hex::encode(crypto::sha256(TOKEN.as_bytes()).0);
        let rights = vec![Right::Read];
        let users =
            Arc::new(vec![User { name: "user".into(), token_sha256, rights, asks: Vec::new() }]);
        let (history, caught_up) = (history.clone(), watch::channel(true).1);
        let (approval, forwards) = Default::default();
        let app = App { chain, history, sending, facts, caught_up, users, approval, forwards };
        let limits = listen::Limits::default();
        let server = api::serve("127.0.0.1:0".parse().unwrap(), limits, app).unwrap();
        let client = Client::new(&format!("http://{}", server.address()), TOKEN).unwrap();
        Served { client, _server: server, _outbox: folder, _tells: tells }
    }
}

impl Stage {
    /// The market of `text`, its history in SQLite.
    pub async fn of(text: &str) -> Self {
        let folder = Folder::new();
        Self::at(&folder.sqlite("history.sqlite"), text, folder).await
    }

    /// The same, its history in the database at `url`.
    pub async fn on(url: &str, text: &str) -> Self {
        Self::at(url, text, Folder::new()).await
    }

    async fn at(url: &str, text: &str, folder: Folder) -> Self {
        let market = Scripted::play(text);
        let history = market.history(url).await;
        Self { market, history, served: Default::default(), _folder: folder }
    }

    /// The gateway of the party of this word.
    pub async fn door(&self, word: &str) -> Arc<Served> {
        let mut served = self.served.lock().await;
        if let Some(it) = served.get(word) {
            return it.clone();
        }
        let new = Arc::new(self.market.serve(word, &self.history).await);
        served.insert(word.into(), new.clone());
        new
    }

    /// What it says under `path`.
    pub async fn get(&self, word: &str, path: &str) -> serde_json::Value {
        self.door(word).await.get(path).await
    }

    /// The id of what the script calls so.
    pub fn id(&self, name: &str) -> String {
        self.market.id(name).to_string()
    }
}

impl Served {
    /// What stands under `path`.
    pub async fn get(&self, path: &str) -> serde_json::Value {
        self.client.get(path).await.unwrap()
    }

    /// HTTP's status and the code of the refusal under `path`.
    pub async fn refusal(&self, path: &str) -> (u16, String) {
        match self.client.get(path).await {
            Err(Fault::Refused { status, problem, .. }) => (status, problem.code),
            other => panic!("{path}: {other:?}"),
        }
    }
}

/// The number of the party of a script's word.
pub fn number(word: &str) -> u32 {
    let PartyId(number) = script::party(word);
    number
}
