//! The daemon, seen over HTTP. The only place here that knows axum.
//!
//! | path | what | who may |
//! | --- | --- | --- |
//! | `/healthz` | the process is alive and its loop is not gone | everybody |
//! | `/readyz` | manifests are in force, the source is followed, and it is not stopping | everybody |
//! | `POST /hooks/…` | deliveries of vendors and git hosts | whoever signs |
//! | `/` | the status page | see [`guard`] |
//! | `/status` | the status as JSON; takes the page's filter | see [`guard`] |
//! | `/events` | what changed, as server-sent events | see [`guard`] |
//! | `/metrics` | OpenMetrics | see [`guard`] |
//!
//! Nothing here writes anything but triggers into a bounded channel. Whoever looks costs the daemon no
//! pass: all answers are made from the one [`Status`] of the moment, which is shared and never locked.

mod connections;
mod deliveries;
mod events;
pub mod guard;
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

use self::guard::{AccessError, Knock};
use self::metrics::Metrics;
use self::view::Query;
use super::hooks::{Hooks, Rate};
use super::status::Status;
use crate::model::SecretText;
use crate::render::json;
use crate::render::safe::escape_page;
pub use connections::Bounds;

/// Version of the JSON at `/status`, with the promise of the plan format.
pub const FORMAT_VERSION: &str = "1.0";

/// What the server needs beside its listener.
pub struct Serving {
    pub status: watch::Receiver<Arc<Status>>,
    pub hooks: Arc<Hooks>,
    /// Asked for from everybody but probes and hooks.
    pub token: Option<SecretText>,
    /// The time, as an argument.
    pub clock: fn() -> Timestamp,
    pub bounds: Bounds,
}

struct Server {
    status: watch::Receiver<Arc<Status>>,
    hooks: Arc<Hooks>,
    token: Option<SecretText>,
    clock: fn() -> Timestamp,
    loopback: bool,
    metrics: Metrics,
    rate: Mutex<Rate>,
    bodies: Semaphore,
    streams: Arc<Semaphore>,
    stopping: watch::Receiver<bool>,
}

impl Server {
    fn now(&self) -> Arc<Status> {
        Arc::clone(&self.status.borrow())
    }

    /// Whether whoever publishes the status is still there.
    fn alive(&self) -> bool {
        self.status.has_changed().is_ok()
    }
}

/// Serves until `stop` is ready; then streams end and answers under way are finished. The caller bounds how
/// long that may take. Refuses to serve others than this machine without a token.
pub async fn serve(
    listener: TcpListener,
    serving: Serving,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let checked = guard::check_listen(address, serving.token.as_ref());
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
        streams: Arc::new(Semaphore::new(events::AT_ONCE)),
        stopping,
    });
    let stop = async move {
        stop.await;
        let _ = stopped.send(true);
    };
    let http = connections::accept(listener, router(&server), serving.bounds, stop);
    let mut status = server.status.clone();
    let follow = async {
        loop {
            server.metrics.follow(&status.borrow_and_update());
            if status.changed().await.is_err() {
                // Nothing more to count; the server decides when it ends.
                std::future::pending::<()>().await;
            }
        }
    };
    // Both may be dropped at any await: `follow` counts passes by number and loses none but those of the end.
    tokio::select! {
        () = http => {}
        () = follow => {}
    }
    Ok(())
}

fn router(server: &Arc<Server>) -> Router {
    let guarded = Router::new()
        .route("/", get(whole_page))
        .route("/status", get(status))
        .route("/events", get(events::events))
        .route("/metrics", get(scrape))
        .route(
            "/page.css",
            get(async || asset("text/css; charset=utf-8", CSS)),
        )
        .route(
            "/page.js",
            get(async || asset("text/javascript; charset=utf-8", JS)),
        )
        .route("/icon.svg", get(async || asset("image/svg+xml", ICON)))
        .layer(middleware::from_fn_with_state(Arc::clone(server), admit));
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/hooks/git", post(deliveries::git))
        .route("/hooks/{vendor}/{connection}", post(deliveries::vendor))
        .merge(guarded)
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing here\n"))
        .layer(middleware::map_response(harmless))
        .with_state(Arc::clone(server))
}

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");
const ICON: &str = include_str!("icon.svg");

/// The page fetches from here only, runs nothing that stands in it, and stands in no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

async fn harmless(mut response: Response) -> Response {
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

async fn admit(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    match judge(&server, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(AccessError::Elsewhere) => {
            let words = "this answers to names of this machine only, such as localhost\n";
            (StatusCode::MISDIRECTED_REQUEST, words).into_response()
        }
        Err(AccessError::Token) => {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"entitle\", Bearer")];
            let words =
                "the token of --listen-token is needed, as a bearer token or as a password\n";
            (StatusCode::UNAUTHORIZED, challenge, words).into_response()
        }
    }
}

fn judge(server: &Server, headers: &HeaderMap) -> Result<(), AccessError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let knock = Knock {
        host: text(header::HOST),
        authorization: text(header::AUTHORIZATION),
    };
    guard::admit(&knock, server.loopback, server.token.as_ref())
}

async fn healthz(State(server): State<Arc<Server>>) -> Response {
    if server.alive() {
        "ok\n".into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the daemon's loop has ended\n",
        )
            .into_response()
    }
}

/// Ready means that a hook would be taken and a saved manifest be seen: a vendor that is down makes nobody else wait.
async fn readyz(State(server): State<Arc<Server>>) -> Response {
    let status = server.now();
    let why = if !server.alive() || status.stopping {
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

async fn whole_page(State(server): State<Arc<Server>>, request: Request) -> Response {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let markup = page::page(&server.now(), &query, (server.clock)());
    let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (html, escape_page(&markup.into_string())).into_response()
}

/// The status, and which format it is in.
#[derive(Serialize)]
struct StatusDocument<'a> {
    format_version: &'static str,
    version: &'static str,
    #[serde(flatten)]
    status: &'a Status,
}

async fn status(State(server): State<Arc<Server>>, request: Request) -> Response {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let mut status = server.now();
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
        // `curl` shows it on a terminal.
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

async fn scrape(State(server): State<Arc<Server>>) -> Response {
    match server.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            let words = format!("cannot write the metrics: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
        }
    }
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

#[cfg(test)]
pub mod samples;
#[cfg(test)]
mod tests;
