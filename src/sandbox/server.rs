//! The HTTP server of the sandbox, on axum.
//!
//! One fallback handler turns a request into plain data, waits for the simulated latency, lets [`SimulatorHost`]
//! answer and turns the reply into HTTP, whole or disturbed as its [`DeliveryMode`] says. Routes and rules must
//! not be here. Tested over real sockets in `tests.rs` and `fault_tests`.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use futures::{StreamExt, stream};

use super::connection_count::CountingListener;
use super::control;
use super::fault_injector::{DeliveryMode, OutgoingReply};
use super::host::{IncomingRequest, SimulatorHost};
use super::request_record::RecordedRequest;
use super::simulator::HttpReply;

/// The largest request body read into memory, in bytes; a longer one is answered with 413.
///
/// No vendor documents a limit; whole accounts go through the control routes and stay far below.
const BODY_CAP: usize = 16 * 1024 * 1024;

/// What the handler of every request shares.
struct ServerState {
    host: Arc<SimulatorHost>,
    /// How long each vendor reply is delayed; control routes are not.
    latency: Duration,
    /// `http://address:port`, used for requests without a `Host` header.
    address: String,
}

/// Serves until `stop` is ready, then closes idle connections and waits for those with a request in flight.
pub(super) async fn serve_http(
    listener: CountingListener,
    host: Arc<SimulatorHost>,
    latency: Duration,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = format!("http://{}", listener.local_addr()?);
    let served = ServerState {
        host,
        latency,
        address,
    };
    let router = Router::new()
        .fallback(handle_request)
        .with_state(Arc::new(served));
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
}

/// Answers one request: a control route at once, a vendor's after the latency.
async fn handle_request(State(served): State<Arc<ServerState>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = match parts.uri.path_and_query() {
        Some(target) => target.as_str().to_owned(),
        None => parts.uri.path().to_owned(),
    };
    let method = parts.method.as_str().to_owned();
    let Ok(body) = to_bytes(body, BODY_CAP).await else {
        // Without the query, which may contain secrets and is not redacted here.
        let mut entry = RecordedRequest::new(&method, parts.uri.path().to_owned(), &[]);
        entry.status = 413;
        served.host.record(entry);
        return (StatusCode::PAYLOAD_TOO_LARGE, "request body above 16 MiB\n").into_response();
    };
    let reached = parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let arrived = IncomingRequest {
        method,
        target,
        address: reached.map_or_else(|| served.address.clone(), |host| format!("http://{host}")),
        headers: collect_headers(&parts.headers),
        body: body.to_vec(),
    };
    if control::is_control_route(&arrived.target) {
        return to_response(control::answer_control(&served.host, &arrived));
    }
    if !served.latency.is_zero() {
        tokio::time::sleep(served.latency).await;
    }
    deliver_reply(served.host.answer(arrived))
}

/// Returns header values by lower-case name; repeated ones are joined with a comma (RFC 9110, 5.3).
fn collect_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut plain: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        plain
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    plain
}

/// Turns a reply into HTTP that is delivered the way its mode says.
fn deliver_reply(reply: OutgoingReply) -> Response {
    let OutgoingReply {
        mut answer,
        delivery,
    } = reply;
    if delivery == DeliveryMode::Whole {
        return to_response(answer);
    }
    if delivery == DeliveryMode::Dropped {
        // hyper sends the head together with the first piece of the body: if that is an error, the connection
        // ends without a byte of a reply.
        return Response::new(body_in_pieces(vec![Err(ConnectionBroken)]));
    }
    let body = std::mem::take(&mut answer.body);
    let length = ("content-length".into(), body.len().to_string());
    answer.headers.push(length);
    let size = body.len().div_ceil(PIECES).max(1);
    let mut all: Vec<_> = body.chunks(size).map(|piece| Ok(piece.to_vec())).collect();
    if delivery == DeliveryMode::CutShort {
        all.truncate(all.len().div_ceil(2));
        all.push(Err(ConnectionBroken));
    }
    response_with_body(&answer, body_in_pieces(all))
}

/// The number of pieces of a slow body.
const PIECES: usize = 4;
/// The pause before each piece but the first: long enough that a client reads them one by one.
const PAUSE: Duration = Duration::from_millis(4);

/// The body error that makes hyper end a connection; its text is never shown.
#[derive(Debug, thiserror::Error)]
#[error("broken off on purpose")]
struct ConnectionBroken;

/// Returns a body that is sent in these pieces, with a pause between them; an `Err` ends the connection.
fn body_in_pieces(all: Vec<Result<Vec<u8>, ConnectionBroken>>) -> Body {
    let all = stream::iter(all).enumerate();
    Body::from_stream(all.then(async |(at, piece)| {
        if at > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        piece
    }))
}

/// Turns a reply into HTTP with its body whole.
fn to_response(mut answer: HttpReply) -> Response {
    let body = Body::from(std::mem::take(&mut answer.body));
    response_with_body(&answer, body)
}

/// Turns status and headers of a reply into HTTP with another body.
fn response_with_body(answer: &HttpReply, body: Body) -> Response {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(body).unwrap_or_else(|error| {
        let words = format!("a simulator made a reply that is not HTTP: {error}\n");
        (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
    })
}
