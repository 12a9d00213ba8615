//! A small market, and nodes that execute its blocks without consensus.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use commonware_consensus::{
    CertifiableBlock as _,
    marshal::ancestry,
    simplex::types::Context as Round,
    types::{Epoch, Round as At, View},
};
use commonware_cryptography::{Digested, Digestible as _, Signer as _, ed25519, sha256};
use commonware_glue::stateful::{Application as _, Finality, Input, db::DatabaseSet as _};
use commonware_runtime::{Clock as _, Supervisor as _, deterministic};
use crypto::{Amount, changes::BlockChanges, keys::SecretKey};
use ledger::{
    Envelope, Genesis, Instruction, Signed,
    governance::{GenesisParty, Party, Roles},
    issuance::Kind,
    settlement::{Pay, Priority},
};
use store::{Databases, Sealed, State, state};
use types::{
    AccountId, BusinessDate, Bytes, Cfi, Digest, InstrumentId, KeyId, Lane, LedgerTime, Lei,
    PartyId, PublicKey, Sender, Text, Validator, Wire as _, Witness,
};

use crate::{
    application::{Application, Sink},
    block::{Block, our_key},
    execute::Market,
    mempool::{Limits, Mempool, Refused},
};

pub type Context = deterministic::Context;

/// Blocks in an epoch.
pub const EPOCH: u64 = 8;
/// The time of genesis, in milliseconds.
pub const BEGIN: u64 = 1_000;
pub const JPY: InstrumentId = InstrumentId::of_currency(*b"JPY");

pub fn text<const MAX: u32>(text: &str) -> Text<MAX> {
    Text::new(text).unwrap()
}

pub fn secret(party: u32) -> SecretKey {
    SecretKey::from_seed([u8::try_from(party).unwrap(); 32])
}

pub fn validator(seed: u64) -> ed25519::PublicKey {
    ed25519::PrivateKey::from_seed(seed).public_key()
}

/// An administrator and settlement bank (1), and members 2 to 5.
pub fn genesis() -> Genesis {
    let party = |number: u32, roles| GenesisParty {
        party: PartyId(number),
        row: Party {
            lei: Lei::parse("5493001KJTIIGC8Y1R12").unwrap(),
            name: text(&format!("party {number}")),
            roles,
            suspended: false,
        },
        key: secret(number).public(),
    };
    let operator = Roles::ADMINISTRATOR.and(Roles::SETTLEMENT_BANK).and(Roles::ISSUER);
    let members = (2..=5).map(|it| party(it, Roles::PARTICIPANT));
    Genesis {
        name: text("a market"),
        time: LedgerTime(BEGIN),
        date: BusinessDate(20_000),
        epoch_blocks: EPOCH,
        leader: 0,
        parties: core::iter::once(party(1, operator)).chain(members).collect(),
        validators: (0..4)
            .map(|seed| Validator {
                key: our_key(&validator(seed)),
                party: PartyId(1),
                address: text("localhost:1"),
            })
            .collect(),
        parameters: vec![],
    }
}

pub fn market() -> Arc<Market> {
    Arc::new(Market::of(&genesis()).unwrap())
}

/// An envelope of `party`, signed.
pub fn signed(party: u32, lane: u16, sequence: u64, instructions: Vec<Instruction>) -> Signed {
    let envelope = Envelope {
        chain: genesis().chain(),
        sender: Sender::Party(PartyId(party)),
        key: KeyId(0),
        lane: Lane(lane),
        sequence,
        expiry: LedgerTime(u64::MAX),
        via: None,
        sealed: Digest([0; 32]),
        instructions,
    };
    sign(envelope, &secret(party))
}

pub fn sign(envelope: Envelope, secret: &SecretKey) -> Signed {
    let signature = secret.sign(&envelope.digest().0).to_vec();
    Signed { envelope, witnesses: vec![Witness { class: 0, bytes: Bytes(signature) }] }
}

pub fn account(party: u32) -> AccountId {
    AccountId([u8::try_from(party).unwrap(); 16])
}

/// The yen is listed, each member opens an account and gets some.
pub fn morning() -> Vec<Signed> {
    let list = Instruction::List {
        instrument: JPY,
        kind: Kind::OpenMoney,
        scale: 0,
        issuer: PartyId(1),
        name: text("yen"),
        cfi: Cfi::parse("TCMXXX").unwrap(),
        sign_off: false,
    };
    let mut all = vec![signed(1, 0, 0, vec![list])];
    for party in 2..=5 {
        let open = Instruction::OpenAccount {
            account: account(party),
            spend_key: PublicKey([0; 32]),
            view_key: PublicKey([0; 32]),
            envelope_key: PublicKey([0; 32]),
            class: 0,
            holder: Digest([1; 32]),
            holder_number: [0; 16],
        };
        let issue = Instruction::IssueMoney {
            currency: JPY,
            account: account(party),
            amount: Amount::Open(100),
        };
        all.push(signed(party, 0, 0, vec![open]));
        all.push(signed(1, 0, u64::from(party) - 1, vec![issue]));
    }
    all
}

/// A payment between members; above 100 it waits for cover.
pub fn pay(from: u32, to: u32, amount: i64) -> Instruction {
    Instruction::Pay(Pay {
        from: account(from),
        to: account(to),
        currency: JPY,
        amount: Amount::Open(amount),
        intended_date: BusinessDate(20_000),
        priority: Priority::Normal,
        hold: false,
        reference: text("x"),
    })
}

/// A final block and what it changed.
pub type Told = (Block, Arc<BlockChanges>);

/// Keeps what it was told.
#[derive(Clone, Default)]
pub struct Recorder(pub Arc<Mutex<Vec<Told>>>);

impl Sink for Recorder {
    async fn finalized(&mut self, block: &Block, changes: Arc<BlockChanges>) {
        self.0.lock().unwrap().push((block.clone(), changes));
    }
}

/// A node without consensus.
pub struct Node {
    pub context: Context,
    pub application: Application<Context, Recorder>,
    pub mempool: Mempool,
    pub told: Recorder,
    pub state: State<Context>,
    sealed: HashMap<sha256::Digest, Sealed<Context>>,
    known: HashMap<sha256::Digest, Block>,
}

impl Node {
    pub async fn start(context: &Context, name: &'static str) -> Self {
        Self::with(context, name, Limits::default()).await
    }

    pub async fn with(context: &Context, name: &'static str, limits: Limits) -> Self {
        let node = Self::of(context, name, limits).await;
        node.application.open(node.state.databases(), |_| ()).await.unwrap();
        node
    }

    /// A node whose state is not scanned yet.
    pub async fn closed(context: &Context, name: &'static str) -> Self {
        Self::of(context, name, Limits::default()).await
    }

    async fn of(context: &Context, name: &'static str, limits: Limits) -> Self {
        let context = context.child(name);
        let state = State::open(context.child("state"), &state::Config::small(name, 3)).await;
        let state = state.unwrap();
        let (market, told) = (market(), Recorder::default());
        let mempool = Mempool::new(market.clone(), limits);
        let application = Application::new(market, mempool.clone(), told.clone());
        let genesis = Block::genesis::<Context>(&genesis());
        let known = HashMap::from([(genesis.digest(), genesis)]);
        Self { context, application, mempool, told, state, sealed: HashMap::new(), known }
    }

    /// Gets a block from elsewhere.
    pub fn learn(&mut self, block: &Block) {
        self.known.insert(block.digest(), block.clone());
    }

    async fn batches(&self, parent: &Block) -> state::Batches<Context> {
        match self.sealed.get(&parent.digest()) {
            Some(sealed) => Databases::<Context>::fork_batches(sealed),
            None => self.state.databases().new_batches().await,
        }
    }

    pub async fn put(&self, signed: &Signed) {
        assert_eq!(self.offer(signed).await, Ok(true));
    }

    /// Hands an envelope over, which may be refused.
    pub async fn offer(&self, signed: &Signed) -> Result<bool, Refused> {
        let now = self.context.current();
        let taken = self.mempool.submit(self.state.databases(), now, &[signed.to_bytes()]).await;
        taken.unwrap().remove(0)
    }

    /// Proposes on `parent` in this view.
    pub async fn propose(&mut self, parent: &Block, view: u64) -> Block {
        let height = parent.header().height + 1;
        let round = Round {
            round: At::new(Epoch::new(height / EPOCH), View::new(view)),
            leader: validator(view % 4),
            parent: (View::new(parent.header().view), parent.digest()),
        };
        let ancestry = ancestry::from_iter([digested(parent)]);
        let batches = self.batches(parent).await;
        let input = Input { upstream: (), provider: () };
        let context = (self.context.child("propose"), round);
        let proposed = self.application.propose(context, ancestry, batches, input).await.unwrap();
        self.sealed.insert(proposed.block.digest(), proposed.merkleized);
        self.known.insert(proposed.block.digest(), proposed.block.clone());
        proposed.block
    }

    /// Processes a block whose parent it knows; whether it is valid.
    pub async fn process(&mut self, block: &Block, finality: Finality) -> bool {
        let parent = commonware_consensus::Block::parent(block);
        let parent = self.known.get(&parent).cloned();
        let batches = match &parent {
            Some(parent) => self.batches(parent).await,
            None => self.state.databases().new_batches().await,
        };
        let blocks = core::iter::once(block).chain(parent.as_ref()).map(digested);
        let ancestry = ancestry::from_iter(blocks.collect::<Vec<_>>());
        let context = (self.context.child("process"), block.context());
        let sealed = self.application.process(context, ancestry, batches, finality).await;
        let valid = sealed.as_ref().is_some_and(|it| {
            let targets = Application::<Context, Recorder>::sync_targets(block);
            Databases::<Context>::matches_sync_targets(it, &targets)
        });
        if valid {
            self.sealed.insert(block.digest(), sealed.unwrap());
            self.known.insert(block.digest(), block.clone());
        }
        valid
    }

    /// The block is final: its state is committed, and the sink is told.
    pub async fn finalize(&mut self, block: &Block) {
        if !self.sealed.contains_key(&block.digest()) {
            assert!(self.process(block, Finality::Finalized).await);
        }
        self.state.commit(self.sealed[&block.digest()].clone()).await;
        let readers = self.state.databases().readers();
        let context = (self.context.child("finalized"), block.context());
        self.application.finalized(context, block, (), readers).await;
        self.sealed.remove(&block.digest());
    }

    /// Proposes on `parent`, and the block is final.
    pub async fn advance(&mut self, parent: &Block, view: u64) -> Block {
        self.context.sleep(Duration::from_millis(7)).await;
        let block = self.propose(parent, view).await;
        self.finalize(&block).await;
        block
    }
}

pub fn digested(block: &Block) -> Digested<Block> {
    Digested::precomputed(block.clone(), block.digest())
}

pub fn first() -> Block {
    Block::genesis::<Context>(&genesis())
}

/// Runs `test` on the deterministic runtime, some seconds after the market's first hour.
pub fn run<F: Future<Output = ()>>(test: impl FnOnce(Context) -> F) {
    use commonware_runtime::Runner as _;
    deterministic::Runner::default().start(|context| async move {
        context.sleep_until(UNIX_EPOCH + Duration::from_secs(5)).await;
        test(context).await;
    });
}
