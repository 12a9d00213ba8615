//! One node, put together: application, mempool, archive, engines, and the door to all of it.
//!
//! ```text
//!   door --submit--> mempool --gossip--> other nodes
//!     ^                 |
//!   status          application --final block--> keeper, status
//! ```
//!
//! A node takes envelopes when it has read its state once and proved each row of it.

use std::sync::Arc;

use commonware_p2p::{Blocker, Provider, Receiver, Sender};
use commonware_runtime::Handle;
use crypto::changes::BlockChanges;
use futures::StreamExt as _;
use store::{
    Databases,
    archive::{Archive, Proved, When},
    state,
};
use types::{Header, Wire as _};

use crate::{
    Block, Channels, Membership, PublicKey, Runtime,
    application::{Application, Pace, Sink},
    door::{Answer, Ask, Door, Requests, Stands, Status, Unanswered, door},
    engine::{self, Config, Fault},
    execute::Market,
    keeper::{self, Keeper},
    mempool::{Gossip, Limits, Mempool, Refused},
    recover,
};

/// How many questions are looked at together, if they have come: as many submissions are checked at once.
const TOGETHER_MAX: usize = 256;

/// What one node is, and how it works.
#[derive(Clone)]
pub struct Setup {
    /// What it is.
    pub engine: Config,
    /// When it proposes.
    pub pace: Pace,
    /// How much may wait in it.
    pub limits: Limits,
}

/// A node that runs.
pub struct Node {
    /// What may be asked of it.
    pub door: Door,
    /// Its tasks. When one ends, the node has failed.
    pub tasks: Vec<(&'static str, Handle<()>)>,
}

/// Starts a node.
///
/// # Errors
/// [`Fault`].
pub async fn start<E, O, M, S, R>(
    context: E,
    setup: Setup,
    oracle: O,
    membership: M,
    channels: Channels<S, R>,
) -> Result<Node, Fault>
where
    E: Runtime,
    O: Blocker<PublicKey = PublicKey> + Provider<PublicKey = PublicKey>,
    M: Membership,
    S: Sender<PublicKey = PublicKey>,
    R: Receiver<PublicKey = PublicKey>,
{
    let Setup { engine: config, pace, limits } = setup;
    let market = Market::of(&config.genesis).ok_or(Fault::Genesis(config.genesis.epoch_blocks))?;
    let market = Arc::new(market);
    if recover::is_unfinished(&context, &config.files).await? {
        return Err(Fault::Unfinished);
    }
    let genesis = Block::genesis::<E>(&config.genesis);
    let archive = keeper::open(&context, &config.files.archive(), &genesis).await?;
    let newest = newest(&archive).await?;
    if newest.height > 0
        && let Some(file) = state::missing(&context, &config.files.state()).await?
    {
        return Err(Fault::Damaged { file, why: "it is gone".into() });
    }
    let (door, requests) = door(status(&newest, false, false));
    let (keeper, keep) = keeper::start(context.child("keeper"), archive);
    let mempool = Mempool::new(market.clone(), limits);
    let teller = Teller { keeper: keeper.clone(), status: requests.status.clone() };
    let says = requests.status.clone();
    let voting = Arc::new(move |votes| says.send_modify(|it| it.voting = votes));
    let application = Application::new(market, mempool.clone(), teller);
    let (channels, envelopes) = channels.split();
    let running = engine::start(
        context.child("engine"),
        (config, newest.height),
        (application.clone(), pace),
        voting,
        (oracle, membership),
        channels,
    )
    .await?;
    let mut tasks = running.tasks;
    tasks.push(("archive", keep(running.marshal)));
    let databases = running.databases;
    let serving = context.child("door").spawn(move |context| async move {
        let serving = Serving { application, keeper, mempool, databases: databases.await };
        serving.run(context, requests, envelopes).await;
    });
    tasks.push(("door", serving));
    Ok(Node { door, tasks })
}

/// The newest header that is kept.
async fn newest<E: Runtime>(archive: &Archive<E>) -> Result<Header, store::Fault> {
    let last = archive.last().expect("an archive begins with genesis");
    let header = archive.header(last).await?;
    Ok(header.expect("the last header is kept"))
}

fn status(newest: &Header, voting: bool, ready: bool) -> Status {
    Status {
        chain: newest.chain,
        height: newest.height,
        time: newest.time,
        epoch: newest.epoch,
        view: newest.view,
        leader: newest.leader,
        root: crypto::state_root(&newest.databases),
        voting,
        ready,
        waiting: 0,
    }
}

/// Keeps what a final block changed, and then tells that it is final.
#[derive(Clone)]
struct Teller {
    keeper: Keeper,
    status: commonware_utils::channel::watch::Sender<Status>,
}

impl Sink for Teller {
    async fn finalized(&mut self, block: &Block, changes: Arc<BlockChanges>) {
        self.keeper.finalized(block, changes).await;
        self.status.send_modify(|it| {
            // After a crash, blocks that were told come again.
            if block.header().height >= it.height {
                *it = status(block.header(), it.voting, it.ready);
            }
        });
    }
}

/// The bytes of a signed envelope, and where to say whether it is taken.
type Submitted = (Vec<u8>, Answer<Result<bool, Refused>>);

/// Answers what is asked at the door.
struct Serving<E: Runtime> {
    application: Application<E, Teller>,
    keeper: Keeper,
    mempool: Mempool,
    databases: Databases<E>,
}

impl<E: Runtime> Serving<E> {
    async fn run<S: Sender<PublicKey = PublicKey>, R: Receiver<PublicKey = PublicKey>>(
        self,
        context: E,
        requests: Requests,
        (sender, receiver): (S, R),
    ) {
        let Requests { asked, status } = requests;
        let opened = self.application.open(&self.databases, |progress| {
            tracing::info!(
                size = progress.size,
                done = progress.done,
                total = progress.total,
                "rows proved"
            );
        });
        if let Err(fault) = opened.await {
            panic!("the state cannot be read: {fault}");
        }
        Gossip::new(context.child("gossip"), self.mempool.clone(), self.databases.clone())
            .start(sender, receiver);
        status.send_modify(|it| it.ready = true);
        let mut asked = asked.ready_chunks(TOGETHER_MAX);
        while let Some(asks) = asked.next().await {
            let mut submitted = Vec::new();
            for ask in asks {
                match ask {
                    Ask::Submit(bytes, answer) => submitted.push((bytes, answer)),
                    ask => self.answer(&context, ask).await,
                }
            }
            self.submit(&context, submitted).await;
        }
    }

    /// Takes what came together: its proofs are checked together.
    async fn submit(&self, context: &E, submitted: Vec<Submitted>) {
        let (envelopes, answers): (Vec<_>, Vec<_>) = submitted.into_iter().unzip();
        let taken = self.mempool.submit(&self.databases, context.current(), &envelopes).await;
        match taken.map_err(damaged) {
            Ok(taken) => {
                for (answer, taken) in answers.into_iter().zip(taken) {
                    let _ = answer.send(Ok(taken));
                }
            }
            Err(unanswered) => {
                for answer in answers {
                    let _ = answer.send(Err(unanswered.clone()));
                }
            }
        }
    }

    /// Who asked may have gone meanwhile: then the answer is for nobody.
    async fn answer(&self, context: &E, ask: Ask) {
        match ask {
            Ask::Submit(bytes, answer) => self.submit(context, vec![(bytes, answer)]).await,
            Ask::Block(height, answer) => {
                let block = self.keeper.block(height).await;
                let _ = answer.send(block.map(|it| it.map(|it| it.to_bytes())).map_err(damaged));
            }
            Ask::Envelopes(height, answer) => {
                let envelopes = self.keeper.envelopes(height).await;
                let _ = answer.send(envelopes.map_err(damaged));
            }
            Ask::Rows(keys, answer) => {
                let rows = state::read(&self.databases, &keys).await;
                let stands = |row: store::Row| Stands { changed: row.changed, value: row.value };
                let rows = rows.map(|it| it.into_iter().map(|it| it.map(stands)).collect());
                let _ = answer.send(rows.map_err(damaged));
            }
            Ask::AtTime(time, answer) => {
                let _ = answer.send(self.keeper.at_time(time).await.map_err(damaged));
            }
            Ask::Prove(key, when, answer) => {
                // It may read many blocks: what others ask is answered meanwhile.
                let (databases, keeper) = (self.databases.clone(), self.keeper.clone());
                context.child("proof").spawn(move |_| async move {
                    let _ =
                        answer.send(prove(&databases, &keeper, key, when).await.map_err(damaged));
                });
            }
        }
    }
}

async fn prove<E: Runtime>(
    databases: &Databases<E>,
    keeper: &Keeper,
    key: store::Key,
    when: When,
) -> Result<Option<Proved>, store::Fault> {
    let rows = state::read(databases, &[key]).await?;
    match rows.into_iter().next().flatten() {
        Some(row) => keeper.prove(key, row.changed, when).await.map(Some),
        None => Ok(None),
    }
}

fn damaged(fault: store::Fault) -> Unanswered {
    Unanswered::Damaged(fault.to_string())
}
