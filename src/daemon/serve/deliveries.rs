//! The routes of webhooks: bounds deliveries in number, size and time before they are judged.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::Server;
use crate::daemon::hooks::{BODY_CAP, DeliveryResult, Headers, Hook};

/// Bodies that are read at the same time, each of at most [`BODY_CAP`]: 16 MiB in all.
pub const AT_ONCE: usize = 16;

/// How long a sender may take to send a body. Vendors' servers take milliseconds.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Receives a delivery of a vendor.
pub async fn take_vendor_delivery(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path((vendor, connection)): Path<(String, String)>,
    request: Request,
) -> Response {
    let Some(hook) = Hook::of_vendor(&vendor) else {
        return (StatusCode::NOT_FOUND, "this vendor sends no webhooks\n").into_response();
    };
    take_delivery(&server, peer, hook, &connection, request).await
}

/// Receives a push of a git host.
pub async fn take_push(
    State(server): State<Arc<Server>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    take_delivery(&server, peer, Hook::Git, "", request).await
}

/// Reads and judges a delivery, and replies.
async fn take_delivery(
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
        return retry_later(
            StatusCode::TOO_MANY_REQUESTS,
            seconds,
            "too many deliveries\n",
        );
    }
    if !accepts_content_type(hook, request.headers()) {
        let words = "a delivery is application/json\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, words).into_response();
    }
    if announced_length(request.headers()) > BODY_CAP {
        return too_large();
    }
    let Ok(_turn) = server.bodies.try_acquire() else {
        return retry_later(StatusCode::SERVICE_UNAVAILABLE, 1, "too many at once\n");
    };
    let headers = text_headers(request.headers());
    let body = to_bytes(request.into_body(), BODY_CAP);
    let body = match tokio::time::timeout(BODY_TIME, body).await {
        Ok(Ok(body)) => body,
        // The connection may also have broken off; then the reply is not read.
        Ok(Err(_)) => return too_large(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the body took too long\n").into_response(),
    };
    let now = (server.clock)();
    let answer = server.hooks.receive(hook, connection, &headers, &body, now);
    server.metrics.delivery(hook, answer);
    tracing::debug!(hook = hook.name(), answer = answer.name(), "delivery");
    match answer {
        DeliveryResult::Taken => (StatusCode::ACCEPTED, "taken\n").into_response(),
        DeliveryResult::Repeated => (StatusCode::ACCEPTED, "taken before\n").into_response(),
        DeliveryResult::Ignored => (StatusCode::ACCEPTED, "nothing to look at\n").into_response(),
        DeliveryResult::Unproved => {
            let words = "the signature does not hold\n";
            (StatusCode::FORBIDDEN, words).into_response()
        }
        DeliveryResult::Busy => {
            retry_later(StatusCode::SERVICE_UNAVAILABLE, 5, "too much is waiting\n")
        }
    }
}

/// Replies that the sender should try again after some seconds.
fn retry_later(status: StatusCode, seconds: u64, words: &'static str) -> Response {
    let after = [(header::RETRY_AFTER, seconds.to_string())];
    (status, after, words).into_response()
}

fn too_large() -> Response {
    let words = "a delivery has at most 1 MiB\n";
    (StatusCode::PAYLOAD_TOO_LARGE, words).into_response()
}

/// Returns the length of the body that the headers announce; 0 if they do not.
fn announced_length(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH);
    length
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0)
}

/// Reports whether the body is of a type that the sender of this hook uses. Vendors send JSON. GitHub can be set to
/// send a form, and nothing is read of a push.
fn accepts_content_type(hook: Hook, headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE);
    let text = given.and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = text.split(';').next().unwrap_or("").trim();
    let form = "application/x-www-form-urlencoded";
    kind.eq_ignore_ascii_case("application/json")
        || matches!(hook, Hook::Git) && kind.eq_ignore_ascii_case(form)
}

/// Returns the headers whose value is text. A value that is not proves nothing.
fn text_headers(headers: &HeaderMap) -> Headers {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect()
}
