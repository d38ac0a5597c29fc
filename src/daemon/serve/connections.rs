//! The accept loop: bounds the number of connections and the time for which a connection may be silent.
//!
//! Every client that reaches the port can open connections, with or without a token, and each takes a file descriptor
//! from the limit that the journal, the manifests and the calls to vendors need too. So connections are counted, in
//! all and per peer, and beyond a bound a silent one is closed for the new one (see [`super::slots`]). A connection
//! that does not send a whole request head in time is closed as well, also between two requests. Requests under way
//! have bounds of their own: bodies of webhooks in `deliveries`, event streams in `events`.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::slots::{ConnectionBounds, ConnectionSlot, ConnectionSlots};

/// The wait after the system refused a connection, for example for lack of descriptors: other connections end
/// within seconds.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(500);

/// At most one warning in this time: a client that floods the port must not flood the log.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Accepts connections until `stop` is ready, then waits until the replies under way are finished. An error of
/// `accept` never ends it.
pub async fn accept_connections(
    listener: TcpListener,
    router: Router,
    bounds: ConnectionBounds,
    stop: impl Future<Output = ()>,
) {
    let (stopped, stopping) = watch::channel(false);
    let slots = ConnectionSlots::default();
    let mut open = JoinSet::new();
    let mut warning = ThrottledWarning::default();
    let mut stop = pin!(stop);
    loop {
        // Cancel-safe: a connection that was not returned stays in the queue of the system, and an ended task stays
        // in the set.
        let accepted = tokio::select! {
            () = &mut stop => break,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let acquired = slots.acquire(peer.ip(), bounds);
                if let Some(full) = acquired.full {
                    warning.log(&format!("{full}: those that ask for nothing are closed"));
                }
                if let Some(slot) = acquired.slot {
                    let service = (router.clone(), stopping.clone());
                    open.spawn(serve_connection(
                        stream,
                        peer,
                        service,
                        bounds.header_timeout,
                        slot,
                    ));
                }
            }
            Err(error) if is_connection_error(&error) => {}
            Err(error) => {
                warning.log(&format!("cannot accept connections: {error}"));
                sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
    drop(listener);
    let _ = stopped.send(true);
    while open.join_next().await.is_some() {}
}

/// Reports whether an error of `accept` concerns only the connection that was next.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Serves one connection until it ends, loses its slot, or the server stops.
async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    (router, mut stopping): (Router, watch::Receiver<bool>),
    header_timeout: Duration,
    slot: ConnectionSlot,
) {
    let slot = Arc::new(slot);
    let router = TowerToHyperService::new(router);
    let held_slot = Arc::clone(&slot);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let under_way = held_slot.begin_request();
        let answer = router.call(request);
        async move {
            let answer: Result<Response, Infallible> = answer.await;
            answer.map(|answer| under_way.attach_to(answer))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(header_timeout);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let stop = async {
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    // Cancel-safe: the connection is only borrowed, so dropping the arm loses nothing.
    tokio::select! {
        // An error on one connection concerns only its client, which notices it by itself.
        _ = connection.as_mut() => return,
        () = slot.evicted() => return,
        () = stop => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Logs a warning at most once in `WARNING_INTERVAL`.
#[derive(Default)]
struct ThrottledWarning(Option<Instant>);

impl ThrottledWarning {
    fn log(&mut self, words: &str) {
        if self.0.is_none_or(|last| last.elapsed() >= WARNING_INTERVAL) {
            tracing::warn!("{words}");
            self.0 = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_to_the_daemons_own_work() {
        assert_eq!(
            ConnectionBounds::for_descriptor_limit(None),
            ConnectionBounds::DEFAULT
        );
        assert_eq!(
            ConnectionBounds::for_descriptor_limit(Some(1 << 20)),
            ConnectionBounds::DEFAULT
        );
        let of = |limit| {
            let bounds = ConnectionBounds::for_descriptor_limit(Some(limit));
            (bounds.all, bounds.per_peer)
        };
        assert_eq!(of(416), (256, 32));
        assert_eq!(of(256), (96, 32));
        assert_eq!(of(200), (40, 20));
        assert_eq!(of(64), (8, 4));
    }
}
