//! The node's door for participants, over HTTP: load on it cannot delay a vote.
//!
//! ```text
//!   listener: connections, rates, times
//!        -> routes: path, size and time of the body
//!        -> door of the chain, bounded
//! ```

mod blocks;
pub mod disk;
pub mod problem;
mod routes;

pub use listen::{Limits, Server};
pub use routes::ROUTES;

use std::{net::SocketAddr, sync::Arc, time::Instant};

use chain::door::{Door, Status};
use listen::{Problem, Shared};
use tokio::sync::Semaphore;

use self::disk::Disk;
use crate::Fault;

/// What all requests share.
#[derive(Clone)]
struct App {
    door: Door,
    shared: Shared,
    /// Whose turn it is to have a proof made: it may read many blocks.
    proof: Arc<Semaphore>,
    disk: Arc<Disk>,
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

/// Serves `door` at `address`; port 0 is any that is free. What it is given comes to lie on `disk`.
///
/// # Errors
/// [`Fault::Http`].
pub fn serve(address: SocketAddr, door: Door, limits: Limits, disk: Disk) -> Result<Server, Fault> {
    let (proof, disk) = (Arc::new(Semaphore::new(1)), Arc::new(disk));
    let router =
        |shared: &Shared| routes::router(App { door, shared: shared.clone(), proof, disk });
    Ok(Server::start(address, limits, router)?)
}
