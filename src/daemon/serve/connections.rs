//! The accept loop: how many connections there may be, and how long one may be silent.
//!
//! Whoever can reach the port can open connections, with or without a token, and every connection takes a file
//! descriptor from the same limit that the journal, the manifests and the calls to vendors live on. So
//! connections are counted, in all and per peer, and beyond a bound a silent one is closed for the new one (see
//! [`super::slots`]); one that sends no whole request head in time is closed as well, also between two requests.
//! What is under way inside a request has bounds of its own: hook bodies and event streams, see `deliveries` and
//! `events`.

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

use super::slots::{Slot, Slots};

/// The bounds of the accept loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at the same time.
    pub all: usize,
    /// Connections of one peer at the same time. Loopback is a peer like any other, so that a program on this
    /// machine leaves room for a probe from another.
    pub per_peer: usize,
    /// How long a request head may take, from the first moment of the connection or the end of the request before.
    pub header_timeout: Duration,
}

impl Bounds {
    /// A team with its dashboards, a proxy, probes and vendors' hooks stay far below.
    pub const DEFAULT: Self = Self {
        all: 256,
        per_peer: 32,
        header_timeout: Duration::from_secs(10),
    };

    /// Descriptors that connections leave to the daemon's own work: 16 calls at once to each of a few vendors,
    /// the files that are read on all cores, the journal, locks, watches and git.
    pub const RESERVE: usize = 160;

    /// The usual bounds, as far as a limit of descriptors leaves room. A few connections there are always: a daemon
    /// that cannot be probed is restarted.
    pub fn for_descriptor_limit(descriptors: Option<u64>) -> Self {
        let limit = descriptors.and_then(|limit| usize::try_from(limit).ok());
        let room = limit.map_or(usize::MAX, |limit| limit.saturating_sub(Self::RESERVE));
        let all = Self::DEFAULT.all.min(room.max(8));
        Self {
            all,
            per_peer: Self::DEFAULT.per_peer.min(all / 2),
            ..Self::DEFAULT
        }
    }
}

/// The wait after the system refused a connection, for example for want of descriptors: those of others end in
/// seconds.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(500);

/// At most one warning in this time: whoever floods the port must not flood the log.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Accepts connections until `stop` is ready, then waits until the answers under way are finished. An error of
/// `accept` never ends it.
pub async fn accept(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
) {
    let (stopped, stopping) = watch::channel(false);
    let slots = Slots::default();
    let mut open = JoinSet::new();
    let mut warning = ThrottledWarning::default();
    let mut stop = pin!(stop);
    loop {
        // Every arm may be dropped before it is ready: a connection that was not handed out is kept by the system,
        // and an ended task stays in the set.
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
                    open.spawn(serve(stream, peer, service, bounds.header_timeout, slot));
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

/// Whether an error of `accept` is about the one connection that was next.
fn is_connection_error(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    (router, mut stopping): (Router, watch::Receiver<bool>),
    header_timeout: Duration,
    slot: Slot,
) {
    let slot = Arc::new(slot);
    let router = TowerToHyperService::new(router);
    let own = Arc::clone(&slot);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let under_way = own.begin_request();
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
    // The connection is only borrowed: dropping that borrow loses nothing.
    tokio::select! {
        // What went wrong with one connection concerns its client, who has noticed.
        _ = connection.as_mut() => return,
        () = slot.evicted() => return,
        () = stop => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Says what is wrong once in a while.
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
        assert_eq!(Bounds::for_descriptor_limit(None), Bounds::DEFAULT);
        assert_eq!(Bounds::for_descriptor_limit(Some(1 << 20)), Bounds::DEFAULT);
        let of = |limit| {
            let bounds = Bounds::for_descriptor_limit(Some(limit));
            (bounds.all, bounds.per_peer)
        };
        assert_eq!(of(416), (256, 32));
        assert_eq!(of(256), (96, 32));
        assert_eq!(of(200), (40, 20));
        assert_eq!(of(64), (8, 4));
    }
}
