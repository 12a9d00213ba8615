//! Connections: how many, how long they may take, and how they end.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpListener as StdListener},
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    Asker, Place, Shared, ms,
    patient::Patient,
    places::Full,
    problem::{self, Code, Problem},
};

/// Largest head of a request, and what is read of a body at once, in bytes.
const BUFFER_LEN: usize = 16 << 10;
/// How long answers that are being made may take when the node stops.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
/// How long to rest when the machine has no room for another connection.
const REST: Duration = Duration::from_millis(50);

/// Serves until it is told to stop.
pub async fn run(listener: StdListener, router: Router, shared: Shared) {
    let listener = TcpListener::from_std(listener).expect("it was bound and set not to block");
    let mut stop = shared.stop.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|it| *it) => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, from)) => match shared.connections.take(from.ip()) {
                Ok(place) => {
                    let (shared, router) = (shared.clone(), router.clone());
                    connections.spawn(serve(stream, from, shared, router, place));
                }
                Err(Full::Address) => turn_away(stream, &shared, problem::CONNECTIONS_OF_ADDRESS),
                Err(Full::All) => turn_away(stream, &shared, problem::CONNECTIONS),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(REST).await;
            }
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
        tracing::warn!("connections that did not end in time were cut");
    }
}

async fn serve(
    stream: TcpStream,
    from: SocketAddr,
    mut shared: Shared,
    router: Router,
    _place: Place,
) {
    shared.counts.connections.fetch_add(1, Relaxed);
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection waits before it sends");
    }
    let limits = shared.limits;
    let service = TowerToHyperService::new(router.layer(Extension(Asker(from.ip()))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ms(limits.head_ms))
        .max_buf_size(BUFFER_LEN)
        .serve_connection(TokioIo::new(Patient::new(stream, ms(limits.write_ms))), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    shared.counts.connections.fetch_sub(1, Relaxed);
    if let Err(error) = ended {
        tracing::debug!(%error, %from, "a connection broke");
    }
}

/// Says why, as far as the socket takes it at once, and closes.
fn turn_away(stream: TcpStream, shared: &Shared, why: Code) {
    shared.counts.turned_away.fetch_add(1, Relaxed);
    let body = Problem::new(why).json();
    let head = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\n\
         retry-after: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        why.status,
        why.title,
        body.len()
    );
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write_all((head + &body).as_bytes());
    }
}
