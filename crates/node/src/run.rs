//! Runs one node until it is told to stop, or until a part of it fails.
//!
//! ```text
//!   thread group 1: consensus, network, state (the engine's runtime)
//!   thread group 2: HTTP, so that those who ask cannot hold up a vote
//! ```

use std::{future::Future, panic::AssertUnwindSafe, path::Path, pin::Pin, time::Duration};

use chain::{
    Form, PrivateKey,
    application::Pace,
    block::engine_key,
    door::Door,
    engine,
    mempool::Limits,
    message_max,
    node::{self, Node, Setup},
};
use commonware_codec::{Copying, DecodeExt as _};
use commonware_runtime::{Handle, Runner as _, Spawner as _, Supervisor as _, tokio};
use futures::future::{Either, select, select_all};
use tracing::{error, info};

use crate::{
    Config, Fault, birth,
    config::Role,
    data, files, http,
    network::{self, Directory, Follower, Gatekeeper, Lines},
    offline::Lock,
};

/// Threads of consensus, network and state.
const THREADS: usize = 2;
/// How long the parts of a node may take to stop in good order.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// What a leader may take beyond the pace of empty blocks.
const LEADER_MARGIN: Duration = Duration::from_secs(1);

/// Runs the node in `folder` until `stop` is done.
///
/// # Errors
/// [`Fault::Config`]; [`Fault::File`]; [`Fault::Http`]; [`Fault::Damaged`], when that
/// is noticed before it runs; [`Fault::Chain`], when a part fails.
pub fn run(folder: &Path, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Fault> {
    let config = Config::read(folder)?;
    let data = data(folder);
    let _lock = Lock::take(&data)?;
    let born = birth::of(&data, &config.key.public())?;
    let runtime = tokio::Config::default()
        .with_storage_directory(&data)
        .with_worker_threads(THREADS)
        .with_tcp_nodelay(Some(true));
    let life =
        || tokio::Runner::new(runtime).start(|context| live(context, config, born, Box::pin(stop)));
    // A part that finds its files damaged while it runs panics: the process ends, and says so as ever.
    std::panic::catch_unwind(AssertUnwindSafe(life)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Fault::Chain(format!(
            "a part of the node failed: {}",
            said.unwrap_or("it said no more")
        )))
    })
}

/// The life of a node. Boxed, so that the whole stack is compiled once, here.
fn live(
    context: tokio::Context,
    config: Config,
    born: types::LedgerTime,
    stop: Pin<Box<dyn Future<Output = ()> + Send>>,
) -> Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>> {
    Box::pin(async move {
        let (network, gatekeeper, directory, lines) = connect(&context, &config)?;
        let setup = setup(&config, born);
        let started = start(context.child("node"), setup, gatekeeper, directory, lines).await;
        let Node { door, mut tasks } = started.map_err(found)?;
        tasks.push(("network", network));
        let serving = serve(&config, door)?;
        info!(name = config.name, listen = %config.listen, http = %config.http, "the node runs");
        let (names, handles): (Vec<_>, Vec<Handle<()>>) = tasks.into_iter().unzip();
        let ended = match select(stop, select_all(handles)).await {
            Either::Left(((), _)) => Ok(()),
            Either::Right(((ended, place, _), _)) => {
                let why = format!("{} has ended: {ended:?}", names[place]);
                error!(why, "the node fails");
                Err(Fault::Chain(why))
            }
        };
        serving.stop();
        // What does not stop in time is ended with the process; what matters is durable.
        let _ = context.stop(0, Some(STOP_PATIENCE)).await;
        ended
    })
}

fn start(
    context: tokio::Context,
    setup: Setup,
    gatekeeper: Gatekeeper,
    directory: Directory,
    lines: Lines,
) -> Pin<Box<dyn Future<Output = Result<Node, engine::Fault>> + Send>> {
    Box::pin(node::start(context, setup, gatekeeper, directory, lines))
}

/// What the chain found when it was to start.
fn found(fault: engine::Fault) -> Fault {
    match fault {
        engine::Fault::Genesis(_) => Fault::Chain(fault.to_string()),
        engine::Fault::Damaged { .. } | engine::Fault::Unfinished | engine::Fault::Store(_) => {
            Fault::Damaged(fault.to_string())
        }
    }
}

/// The network to the other nodes.
fn connect(
    context: &tokio::Context,
    config: &Config,
) -> Result<(Handle<()>, Gatekeeper, Directory, Lines), Fault> {
    let validates = |key| config.genesis.validators.iter().any(|it| it.key == key);
    let others = config.peers.iter().filter(|it| !validates(it.key));
    let followers = others
        .filter_map(|it| Some(Follower { key: engine_key(&it.key)?, address: it.address.into() }));
    let form = form(config)?;
    let network = network::Config {
        chain: config.genesis.chain(),
        key: key(config),
        listen: config.listen,
        followers: followers.collect(),
        validators: config.genesis.validators.len(),
        message_max: message_max(&form),
    };
    Ok(network::start(context, network))
}

fn setup(config: &Config, born: types::LedgerTime) -> Setup {
    let empty = Duration::from_millis(config.pace_ms);
    Setup {
        engine: engine::Config {
            genesis: config.genesis.clone(),
            key: key(config),
            votes: config.role == Role::Validator,
            guard: birth::guard(born),
            leader_timeout: empty + LEADER_MARGIN,
            files: files(),
        },
        pace: Pace { empty, patience: empty, ..Pace::default() },
        limits: Limits::default(),
    }
}

fn serve(config: &Config, door: Door) -> Result<http::Server, Fault> {
    let disk = http::disk::Disk::of(&data(&config.folder));
    http::serve(config.http, door, config.http_limits, disk)
}

fn form(config: &Config) -> Result<Form, Fault> {
    let path = config.folder.join("genesis.bin");
    let why = "an epoch needs at least two blocks";
    Form::of(&config.genesis).ok_or_else(|| Fault::Config { path, why: why.into() })
}

/// The node's key, as the engine has it.
fn key(config: &Config) -> PrivateKey {
    let seed = config.key.seed();
    PrivateKey::decode(Copying(&seed)).expect("every seed is a key")
}
