//! The daemon over HTTP. The only folder of the daemon that names axum.
//!
//! | path | content | access |
//! | --- | --- | --- |
//! | `/healthz` | reports that the process and its loop are alive | everybody |
//! | `/readyz` | reports that manifests are in force, the source is followed, and no stop has begun | everybody |
//! | `POST /hooks/…` | deliveries of vendors and git hosts | by signature |
//! | `/` | the overview | see [`access`] |
//! | `/o/KIND/NAME` | one object | see [`access`] |
//! | `/theme` | takes the choice of colours | see [`access`] |
//! | `/sign-in`, `/sign-out`, `POST /actions/…` | requests of people | `daemon::serve::actions` |
//! | `/status` | the status as JSON; takes the page's filter | see [`access`] |
//! | `/events` | server-sent events: that something changed | see [`access`] |
//! | `/metrics` | OpenMetrics, or the older text format, as asked for | see [`access`] |
//!
//! The server writes nothing but triggers and requests into bounded channels. A reader costs the daemon no pass: all
//! replies are made from the current [`Status`], which is shared and never locked. Only the page of an object asks the
//! loop, for the details of that object.

pub mod access;
mod actions;
mod connections;
mod deliveries;
mod events;
pub mod metrics;
mod page;
mod slots;
pub mod view;
pub mod words;

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use self::access::{AccessError, AccessRequest};
use self::metrics::{Exposition, Metrics};
use self::page::object::{ObjectPage, object_page};
use self::page::overview::{Overview, overview_page};
use self::view::Query;
use super::hooks::{Hooks, PeerLimiter};
use super::requests::DaemonHandle;
use super::status::{FORMAT_VERSION, Status, StatusDocument};
use super::window::{ChangeWindow, describe_windows};
use crate::model::SecretText;
use crate::render::json;
use crate::render::source_host::{SourceHost, SourceLinks};
pub use actions::session::ActionAccess;
pub use axum::http::HeaderName;
pub use slots::ConnectionBounds;

/// What the server needs besides its listener.
pub struct ServerConfig {
    pub status: watch::Receiver<Arc<Status>>,
    pub hooks: Arc<Hooks>,
    /// The token that everybody must send, except to the probes and hooks.
    pub token: Option<SecretText>,
    /// Reaches the daemon's loop.
    pub daemon: DaemonHandle,
    /// The rules by which people may send requests from the page; `None` if the page takes no requests.
    pub actions: Option<ActionAccess>,
    /// The change windows.
    pub windows: Vec<ChangeWindow>,
    /// The git host of the manifests, for links; `None` if it is not known.
    pub source_host: Option<SourceHost>,
    /// Returns the time.
    pub clock: fn() -> Timestamp,
    /// Returns a random text, a different one with every call.
    pub nonce: fn() -> String,
    pub bounds: ConnectionBounds,
}

/// The state that all HTTP requests share.
struct Server {
    status: watch::Receiver<Arc<Status>>,
    hooks: Arc<Hooks>,
    token: Option<SecretText>,
    daemon: DaemonHandle,
    actions: Option<ActionAccess>,
    windows: Vec<ChangeWindow>,
    source_host: Option<SourceHost>,
    clock: fn() -> Timestamp,
    nonce: fn() -> String,
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

    /// Returns the links to the git host.
    fn links(&self) -> SourceLinks<'_> {
        SourceLinks {
            host: self.source_host.as_ref(),
            ..SourceLinks::default()
        }
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
        daemon: serving.daemon,
        actions: serving.actions,
        windows: serving.windows,
        source_host: serving.source_host,
        clock: serving.clock,
        nonce: serving.nonce,
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
                // No pass is left to count. The server's own end ends the `select` below.
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

/// Returns the routes. Those that show the status check access first.
fn build_router(server: &Arc<Server>) -> Router {
    let guarded = Router::new()
        .route("/", get(show_overview))
        .route("/o/{kind}/{name}", get(show_object))
        .route("/theme", post(actions::choose_theme))
        .route(
            "/sign-in",
            get(actions::show_sign_in).post(actions::sign_in),
        )
        .route("/sign-out", post(actions::sign_out))
        .route("/actions/{action}", post(actions::take_action))
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

const CSS: &str = concat!(
    include_str!("page.css"),
    include_str!("../../render/html/parts.css")
);
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
        // With `no-referrer` browsers send `Origin: null` with forms, which no check of the origin can accept.
        (header::REFERRER_POLICY, "same-origin"),
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

/// Replies that the daemon is ready if it would accept a webhook and notice a saved manifest. A vendor that is down
/// does not make the daemon unready.
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

/// Replies with the overview.
async fn show_overview(State(server): State<Arc<Server>>, request: Request) -> Response {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let visitor = actions::visitor_of(&server, &request);
    let (status, now) = (server.current_status(), (server.clock)());
    let overview = Overview {
        status: &status,
        windows: &describe_windows(&server.windows, now),
        links: server.links(),
        query: &query,
        now,
    };
    html_reply(StatusCode::OK, overview_page(&overview, &visitor))
}

/// Replies with the page of one object.
async fn show_object(
    State(server): State<Arc<Server>>,
    Path((kind, name)): Path<(String, String)>,
    request: Request,
) -> Response {
    let visitor = actions::visitor_of(&server, &request);
    let address = format!("{kind}/{name}");
    let details = server.daemon.details(&address).await;
    let (status, now) = (server.current_status(), (server.clock)());
    let Some(object) = status
        .objects
        .iter()
        .find(|object| object.address == address)
    else {
        let words = format!("The manifests in force name no {address}.");
        let page = page::sign_in::refusal_page(&words, "/", &visitor);
        return html_reply(StatusCode::NOT_FOUND, page);
    };
    let shown = ObjectPage {
        object,
        details: details.as_ref().map_err(Clone::clone),
        links: server.links(),
        pass: status.passes.back().map_or(0, |pass| pass.number),
        now,
    };
    html_reply(StatusCode::OK, object_page(&shown, &visitor))
}

/// Replies with a page.
fn html_reply(status: StatusCode, page: String) -> Response {
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, html, page).into_response()
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
        format_version: FORMAT_VERSION.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        windows: describe_windows(&server.windows, (server.clock)()),
        status: Status::clone(&status),
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
