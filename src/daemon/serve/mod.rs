//! The daemon over HTTP. The only folder of the daemon that names axum.
//!
//! | path | content | access |
//! | --- | --- | --- |
//! | `/healthz` | whether the process and its loop are alive | everybody |
//! | `/readyz` | whether manifests are in force, the source is followed, and it is not stopping | everybody |
//! | `POST /hooks/…` | deliveries of vendors and git hosts | by signature |
//! | `/` | the status page | see [`access`] |
//! | `/status` | the status as JSON; takes the page's filter | see [`access`] |
//! | `/events` | server-sent events: that something changed | see [`access`] |
//! | `/metrics` | OpenMetrics, or the older text format, as asked for | see [`access`] |
//!
//! The server writes nothing but triggers into a bounded channel. A reader costs the daemon no pass: all replies are
//! made from the one [`Status`] of the moment, which is shared and never locked.

pub mod access;
mod connections;
mod deliveries;
mod events;
pub mod metrics;
mod page;
mod slots;
pub mod view;

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use self::access::{AccessError, AccessRequest};
use self::metrics::{Exposition, Metrics};
use self::view::Query;
use super::hooks::{Hooks, PeerLimiter};
use super::status::Status;
use crate::model::SecretText;
use crate::render::json;
use crate::render::safe::escape_page;
pub use slots::ConnectionBounds;

/// Version of the JSON at `/status`, with the same promise as the plan format.
pub const FORMAT_VERSION: &str = "1.0";

/// What the server needs besides its listener.
pub struct ServerConfig {
    pub status: watch::Receiver<Arc<Status>>,
    pub hooks: Arc<Hooks>,
    /// The token that everybody must send, except to the probes and hooks.
    pub token: Option<SecretText>,
    /// Returns the time.
    pub clock: fn() -> Timestamp,
    pub bounds: ConnectionBounds,
}

/// What all requests share.
struct Server {
    status: watch::Receiver<Arc<Status>>,
    hooks: Arc<Hooks>,
    token: Option<SecretText>,
    clock: fn() -> Timestamp,
    loopback: bool,
    metrics: Metrics,
    rate: Mutex<PeerLimiter>,
    bodies: Semaphore,
    streams: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Server {
    /// Returns the status of this moment.
    fn current_status(&self) -> Arc<Status> {
        Arc::clone(&self.status.borrow())
    }

    /// Reports whether the loop that publishes the status still runs.
    fn is_alive(&self) -> bool {
        self.status.has_changed().is_ok()
    }
}

/// Serves until `stop` is ready; then event streams end and replies under way are finished. The caller bounds how
/// long that may take.
///
/// `Err` if the port can be reached from other machines and there is no token.
pub async fn run_server(
    listener: TcpListener,
    serving: ServerConfig,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let checked = access::check_listen(address, serving.token.as_ref());
    checked.map_err(|error| io::Error::new(io::ErrorKind::PermissionDenied, error))?;
    let (stopped, stopping) = watch::channel(false);
    let server = Arc::new(Server {
        metrics: Metrics::new(serving.status.clone()),
        status: serving.status,
        hooks: serving.hooks,
        token: serving.token,
        clock: serving.clock,
        loopback: address.ip().is_loopback(),
        rate: Mutex::default(),
        bodies: Semaphore::new(deliveries::AT_ONCE),
        streams: Arc::new(Semaphore::new(events::MOST_READERS)),
        stopping,
    });
    let stop = async move {
        stop.await;
        let _ = stopped.send(true);
    };
    let http =
        connections::accept_connections(listener, build_router(&server), serving.bounds, stop);
    let mut status = server.status.clone();
    let follow = async {
        loop {
            server.metrics.follow(&status.borrow_and_update());
            if status.changed().await.is_err() {
                // Nothing is left to count. The server decides when it ends.
                std::future::pending::<()>().await;
            }
        }
    };
    // Cancel-safe: `follow` counts passes by their number and misses only those of the very end.
    tokio::select! {
        () = http => {}
        () = follow => {}
    }
    Ok(())
}

/// Returns the routes. Those that show something check access first.
fn build_router(server: &Arc<Server>) -> Router {
    let guarded = Router::new()
        .route("/", get(show_page))
        .route("/status", get(show_status))
        .route("/events", get(events::stream_events))
        .route("/metrics", get(show_metrics))
        .route(
            "/page.css",
            get(async || serve_asset("text/css; charset=utf-8", CSS)),
        )
        .route(
            "/page.js",
            get(async || serve_asset("text/javascript; charset=utf-8", JS)),
        )
        .route(
            "/icon.svg",
            get(async || serve_asset("image/svg+xml", ICON)),
        )
        .layer(middleware::from_fn_with_state(
            Arc::clone(server),
            require_access,
        ));
    Router::new()
        .route("/healthz", get(show_health))
        .route("/readyz", get(show_readiness))
        .route("/hooks/git", post(deliveries::take_push))
        .route(
            "/hooks/{vendor}/{connection}",
            post(deliveries::take_vendor_delivery),
        )
        .merge(guarded)
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing here\n"))
        .layer(middleware::map_response(add_security_headers))
        .with_state(Arc::clone(server))
}

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");
const ICON: &str = include_str!("icon.svg");

/// The page fetches from this server only, runs no inline script, and cannot be framed.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Adds the headers that keep a browser from misusing a reply.
async fn add_security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets a request through if it may see the status.
async fn require_access(
    State(server): State<Arc<Server>>,
    request: Request,
    next: Next,
) -> Response {
    match check_headers(&server, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(AccessError::ForeignHost) => {
            let words = "this answers to names of this machine only, such as localhost\n";
            (StatusCode::MISDIRECTED_REQUEST, words).into_response()
        }
        Err(AccessError::WrongToken) => {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"entitle\", Bearer")];
            let words =
                "the token of --listen-token is needed, as a bearer token or as a password\n";
            (StatusCode::UNAUTHORIZED, challenge, words).into_response()
        }
    }
}

/// Judges a request by its `Host` and `Authorization` headers.
fn check_headers(server: &Server, headers: &HeaderMap) -> Result<(), AccessError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let access = AccessRequest {
        host: text(header::HOST),
        authorization: text(header::AUTHORIZATION),
    };
    access::check_access(&access, server.loopback, server.token.as_ref())
}

async fn show_health(State(server): State<Arc<Server>>) -> Response {
    if server.is_alive() {
        "ok\n".into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the daemon's loop has ended\n",
        )
            .into_response()
    }
}

/// Replies whether a webhook would be accepted and a saved manifest be seen. A vendor that is down does not make the
/// daemon unready.
async fn show_readiness(State(server): State<Arc<Server>>) -> Response {
    let status = server.current_status();
    let why = if !server.is_alive() || status.stopping {
        "stopping\n".to_string()
    } else if status.source.loaded_at.is_none() {
        "no manifests are in force yet\n".to_string()
    } else if let Some(why) = &status.source.unfollowed {
        format!("changes of the source are not seen: {why}\n")
    } else {
        return "ready\n".into_response();
    };
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

/// Replies with the status page.
async fn show_page(State(server): State<Arc<Server>>, request: Request) -> Response {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let markup = page::status_page(&server.current_status(), &query, (server.clock)());
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (html, escape_page(&markup.into_string())).into_response()
}

/// The status with the version of its format.
#[derive(Serialize)]
struct StatusDocument<'a> {
    format_version: &'static str,
    version: &'static str,
    #[serde(flatten)]
    status: &'a Status,
}

/// Replies with the status as JSON, narrowed by the query.
async fn show_status(State(server): State<Arc<Server>>, request: Request) -> Response {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let mut status = server.current_status();
    if !query.is_open() {
        let narrowed = Arc::make_mut(&mut status);
        narrowed.objects.retain(|object| query.matches(object));
    }
    let document = StatusDocument {
        format_version: FORMAT_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        status: &status,
    };
    match serde_json::to_string(&document) {
        // Control characters are escaped, since `curl` shows them on a terminal.
        Ok(text) => {
            let json = [(header::CONTENT_TYPE, "application/json")];
            (json, json::escape_json(&text).into_owned()).into_response()
        }
        Err(error) => {
            let words = format!("cannot write the status: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
        }
    }
}

async fn show_metrics(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT);
    let format = Exposition::negotiate(accept.and_then(|value| value.to_str().ok()));
    match server.metrics.encode(format) {
        Ok(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(error) => {
            let words = format!("cannot write the metrics: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
        }
    }
}

fn serve_asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

#[cfg(test)]
pub mod samples;
#[cfg(test)]
mod tests;
