//! The hooks' routes: what arrives is bounded in number, size and time before it is judged.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::Server;
use crate::daemon::hooks::{Answer, BODY_CAP, Headers, Hook};

/// Bodies that are read at the same time, each of at most [`BODY_CAP`]: 16 MiB in all.
pub const AT_ONCE: usize = 16;

/// How long a sender may take to send a body. Vendors' servers take milliseconds.
const BODY_TIME: Duration = Duration::from_secs(10);

pub async fn vendor(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((vendor, connection)): Path<(String, String)>,
    request: Request,
) -> Response {
    let Some(hook) = Hook::of_vendor(&vendor) else {
        return (StatusCode::NOT_FOUND, "this vendor sends no webhooks\n").into_response();
    };
    delivery(&server, peer, hook, &connection, request).await
}

pub async fn git(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    delivery(&server, peer, Hook::Git, "", request).await
}

async fn delivery(
    server: &Server,
    peer: SocketAddr,
    hook: Hook,
    connection: &str,
    request: Request,
) -> Response {
    let knocked = {
        let mut rate = server.rate.lock().unwrap_or_else(PoisonError::into_inner);
        rate.take(peer.ip(), Instant::now())
    };
    if let Err(wait) = knocked {
        let seconds = wait.as_secs().max(1);
        return later(
            StatusCode::TOO_MANY_REQUESTS,
            seconds,
            "too many deliveries\n",
        );
    }
    if !speaks(hook, request.headers()) {
        let words = "a delivery is application/json\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, words).into_response();
    }
    if announced(request.headers()) > BODY_CAP {
        return too_large();
    }
    let Ok(_turn) = server.bodies.try_acquire() else {
        return later(StatusCode::SERVICE_UNAVAILABLE, 1, "too many at once\n");
    };
    let headers = plain(request.headers());
    let body = to_bytes(request.into_body(), BODY_CAP);
    let body = match tokio::time::timeout(BODY_TIME, body).await {
        Ok(Ok(body)) => body,
        // The connection may also have broken off; then nobody reads this.
        Ok(Err(_)) => return too_large(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the body took too long\n").into_response(),
    };
    let now = (server.clock)();
    let answer = server.hooks.receive(hook, connection, &headers, &body, now);
    server.metrics.delivery(hook, answer);
    tracing::debug!(hook = hook.name(), answer = answer.name(), "delivery");
    match answer {
        Answer::Taken => (StatusCode::ACCEPTED, "taken\n").into_response(),
        Answer::Repeated => (StatusCode::ACCEPTED, "taken before\n").into_response(),
        Answer::Ignored => (StatusCode::ACCEPTED, "nothing to look at\n").into_response(),
        Answer::Unproved => {
            let words = "the signature does not hold\n";
            (StatusCode::FORBIDDEN, words).into_response()
        }
        Answer::Busy => later(StatusCode::SERVICE_UNAVAILABLE, 5, "too much is waiting\n"),
    }
}

fn later(status: StatusCode, seconds: u64, words: &'static str) -> Response {
    let after = [(header::RETRY_AFTER, seconds.to_string())];
    (status, after, words).into_response()
}

fn too_large() -> Response {
    let words = "a delivery has at most 1 MiB\n";
    (StatusCode::PAYLOAD_TOO_LARGE, words).into_response()
}

fn announced(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH);
    length
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}

/// Vendors send JSON. GitHub can also be set to send a form, and of a push nothing is read.
fn speaks(hook: Hook, headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE);
    let text = given.and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = text.split(';').next().unwrap_or("").trim();
    let form = "application/x-www-form-urlencoded";
    kind.eq_ignore_ascii_case("application/json")
        || matches!(hook, Hook::Git) && kind.eq_ignore_ascii_case(form)
}

/// Headers as text. A value that is none proves nothing.
fn plain(headers: &HeaderMap) -> Headers {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect()
}
