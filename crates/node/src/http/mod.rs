//! The node's door for participants, over HTTP/1.1, on a thread and a runtime of its own: load on it
//! cannot delay a vote.
//!
//! ```text
//!   socket -> accept: connections, header and write time-outs
//!          -> routes: rate of the address, path, size and time of the body
//!          -> door of the chain, bounded
//! ```
//!
//! Every limit refuses with a [`problem`] that says which. Nothing that a client sends is kept after
//! its answer, and nothing grows with the number of clients beyond [`Limits`].

mod accept;
mod blocks;
mod count;
pub mod disk;
mod patient;
mod places;
pub mod problem;
mod rate;
mod routes;

pub use routes::ROUTES;

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use chain::door::{Door, Status};
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};

use self::{count::Counts, disk::Disk, places::Places, problem::Problem, rate::Buckets};
use crate::Fault;

/// How much may be asked of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest body, in bytes.
    pub body_bytes: u32,
    /// Connections at once.
    pub connections: u32,
    /// Connections of one address at once.
    pub connections_of_address: u32,
    /// Streams of blocks at once.
    pub streams: u32,
    /// Streams of blocks of one address at once.
    pub streams_of_address: u32,
    /// Proofs that are made or wait at once.
    pub proofs: u32,
    /// Proofs of one address that are made or wait at once.
    pub proofs_of_address: u32,
    /// Requests a second that an address may make for ever.
    pub requests_per_s: u32,
    /// Requests that an address may make at once, after a rest.
    pub burst: u32,
    /// Milliseconds for a request's head to arrive, and for a connection to be idle.
    pub head_ms: u32,
    /// Milliseconds for a body to arrive.
    pub body_ms: u32,
    /// Milliseconds for an answer to be found.
    pub answer_ms: u32,
    /// Milliseconds for the other side to take the next bytes.
    pub write_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: (1 << 20) + (1 << 12),
            connections: 512,
            connections_of_address: 256,
            streams: 64,
            streams_of_address: 32,
            proofs: 16,
            proofs_of_address: 4,
            requests_per_s: 5_000,
            burst: 20_000,
            head_ms: 15_000,
            body_ms: 8_000,
            answer_ms: 9_000,
            write_ms: 30_000,
        }
    }
}

const fn ms(it: u32) -> Duration {
    Duration::from_millis(it as u64)
}

/// What all connections share.
#[derive(Clone)]
struct App {
    door: Door,
    limits: Limits,
    buckets: Arc<Mutex<Buckets>>,
    connections: Places,
    streams: Places,
    /// Proofs that are made or wait.
    proofs: Places,
    /// Whose turn it is to have one made: it may read many blocks.
    proof: Arc<Semaphore>,
    counts: Arc<Counts>,
    disk: Arc<Disk>,
    stop: watch::Receiver<bool>,
}

impl App {
    /// How the node is. It takes no envelopes when its disk is full.
    fn status(&self) -> Status {
        let mut status = self.door.status();
        status.ready = status.ready && !self.disk.is_full(Instant::now());
        status
    }

    /// Refuses while the node takes no envelopes.
    fn must_be_ready(&self) -> Result<(), Problem> {
        if !self.door.status().ready {
            Err(Problem::new(problem::NOT_READY))
        } else if self.disk.is_full(Instant::now()) {
            Err(Problem::new(problem::DISK))
        } else {
            Ok(())
        }
    }
}

/// The HTTP interface of a node. It stops when this is dropped.
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Serves `door` at `address`; port 0 is any that is free. What it is given comes to lie on `disk`.
    ///
    /// # Errors
    /// [`Fault::NotLoopback`], [`Fault::Listen`].
    pub fn start(
        address: SocketAddr,
        door: Door,
        limits: Limits,
        disk: Disk,
    ) -> Result<Self, Fault> {
        if !address.ip().is_loopback() {
            return Err(Fault::NotLoopback(address));
        }
        let fault = |error: std::io::Error| Fault::Listen { address, why: error.to_string() };
        let listener = TcpListener::bind(address).map_err(fault)?;
        listener.set_nonblocking(true).map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let (stop, stopped) = watch::channel(false);
        let app = App {
            door,
            limits,
            buckets: Arc::new(Mutex::new(Buckets::new(limits.requests_per_s, limits.burst))),
            connections: Places::new(limits.connections, limits.connections_of_address),
            streams: Places::new(limits.streams, limits.streams_of_address),
            proofs: Places::new(limits.proofs, limits.proofs_of_address),
            proof: Arc::new(Semaphore::new(1)),
            counts: Arc::default(),
            disk: Arc::new(disk),
            stop: stopped,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(fault)?;
        let serve = move || runtime.block_on(accept::run(listener, app));
        let thread = thread::Builder::new().name("http".into()).spawn(serve).map_err(fault)?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it still serves. A node whose door is shut for good should stop.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.thread.as_ref().is_some_and(|it| !it.is_finished())
    }

    /// Takes no more connections, ends the streams, lets answers that are being made go out, and
    /// returns after five seconds at most.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that served HTTP had failed");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn size(it: u32) -> usize {
    usize::try_from(it).expect("memory has 32 bits of places")
}
