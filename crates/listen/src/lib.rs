//! HTTP listeners that cannot be overrun, over HTTP/1.1, each on a thread and a runtime of its own.
//!
//! ```text
//!   socket -> accept: connections, header and write time-outs
//!          -> protect: rate of the address, time for an answer, counts
//!          -> the router of whoever listens
//! ```
//!
//! Every limit refuses with a [`problem`] that says which. Nothing that a client sends is kept after
//! its answer, and nothing grows with the number of clients beyond [`Limits`].

mod accept;
mod count;
mod patient;
mod places;
pub mod problem;
mod protect;
mod rate;

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};

use axum::Router;
use serde::Deserialize;
use tokio::sync::watch;

pub use count::{Counts, line};
pub use places::Place;
pub use problem::{Code, Problem};
pub use protect::{Asker, protect, whole};

use places::{Full, Places};
use rate::Buckets;

/// How much may be asked of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest body, in bytes.
    pub body_bytes: u32,
    /// Connections at once.
    pub connections: u32,
    /// Connections of one address at once.
    pub connections_of_address: u32,
    /// Streams at once.
    pub streams: u32,
    /// Streams of one address at once.
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

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The address is not on loopback.
    #[error(
        "http = \"{0}\": only an address of this machine (127.0.0.1, ::1) may be served without TLS, and TLS \
         is not there yet; put a proxy that speaks TLS before it"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("{address}: {why}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        why: String,
    },
}

/// What all connections of a listener share.
#[derive(Clone)]
pub struct Shared {
    /// How much may be asked.
    pub limits: Limits,
    /// What is counted.
    pub counts: Arc<Counts>,
    /// Whether the listener stops.
    pub stop: watch::Receiver<bool>,
    connections: Places,
    streams: Places,
    proofs: Places,
    buckets: Arc<Mutex<Buckets>>,
}

/// The place of a stream.
pub struct Stream {
    _place: Place,
    counts: Arc<Counts>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.counts.streams.fetch_sub(1, Relaxed);
    }
}

impl Shared {
    fn new(limits: Limits, stop: watch::Receiver<bool>) -> Self {
        Self {
            limits,
            streams: Places::new(limits.streams, limits.streams_of_address),
            proofs: Places::new(limits.proofs, limits.proofs_of_address),
            counts: Arc::default(),
            stop,
            connections: Places::new(limits.connections, limits.connections_of_address),
            buckets: Arc::new(Mutex::new(Buckets::new(limits.requests_per_s, limits.burst))),
        }
    }

    /// A place for a stream to `address`, which is counted until it is dropped.
    ///
    /// # Errors
    /// `address-streams-exceeded`, `streams-exceeded`.
    pub fn stream(&self, address: IpAddr) -> Result<Stream, Problem> {
        let place = self.streams.take(address).map_err(|why| match why {
            Full::Address => Problem::new(problem::STREAMS_OF_ADDRESS),
            Full::All => Problem::new(problem::STREAMS),
        })?;
        self.counts.streams.fetch_add(1, Relaxed);
        Ok(Stream { _place: place, counts: self.counts.clone() })
    }

    /// A place for a proof for `address`.
    ///
    /// # Errors
    /// `address-proofs-exceeded`, `proofs-exceeded`.
    pub fn proof(&self, address: IpAddr) -> Result<Place, Problem> {
        self.proofs.take(address).map_err(|why| match why {
            Full::Address => Problem::new(problem::PROOFS_OF_ADDRESS),
            Full::All => Problem::new(problem::PROOFS),
        })
    }

    /// Waits until the listener stops.
    pub async fn stopped(&mut self) {
        // When the other side is gone the listener is.
        let _ = self.stop.wait_for(|it| *it).await;
    }
}

/// A listener that serves. It stops when this is dropped.
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Serves at `address` what `router` says; port 0 is any that is free.
    ///
    /// # Errors
    /// [`Fault::NotLoopback`], [`Fault::Listen`].
    pub fn start(
        address: SocketAddr,
        limits: Limits,
        router: impl FnOnce(&Shared) -> Router,
    ) -> Result<Self, Fault> {
        if !address.ip().is_loopback() {
            return Err(Fault::NotLoopback(address));
        }
        let fault = |error: std::io::Error| Fault::Listen { address, why: error.to_string() };
        let listener = TcpListener::bind(address).map_err(fault)?;
        listener.set_nonblocking(true).map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let (stop, stopped) = watch::channel(false);
        let shared = Shared::new(limits, stopped);
        let router = protect(router(&shared), &shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(fault)?;
        let serve = move || runtime.block_on(accept::run(listener, router, shared));
        let thread = thread::Builder::new().name("http".into()).spawn(serve).map_err(fault)?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it still serves.
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

/// A number of milliseconds.
#[must_use]
pub const fn ms(it: u32) -> Duration {
    Duration::from_millis(it as u64)
}

/// A number of bytes.
///
/// # Panics
/// On a machine whose memory has fewer than 32 bits of places.
#[must_use]
pub fn size(it: u32) -> usize {
    usize::try_from(it).expect("memory has 32 bits of places")
}
