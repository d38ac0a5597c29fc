//! HTTP for the sandbox: the only file here that knows axum.
//!
//! One fallback handler turns a request into plain data, waits for the latency that was asked for, lets
//! [`Host`] answer and turns the answer back. Tested over real sockets in `mod.rs`.

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
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use super::control;
use super::host::{Arrived, Host};
use super::record::Seen;
use super::simulator::Answer;

/// The largest request body read into memory. No vendor documents one; whole accounts go through the
/// control routes and stay far below.
const BODY_CAP: usize = 16 * 1024 * 1024;

struct Served {
    host: Arc<Host>,
    latency: Duration,
    /// `http://address:port`, for requests that carry no `Host`.
    address: String,
}

/// Serves until `stop` is ready, then closes idle connections and waits for the busy ones.
pub(super) async fn serve(
    listener: TcpListener,
    host: Arc<Host>,
    latency: Duration,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let address = format!("http://{}", listener.local_addr()?);
    let served = Served {
        host,
        latency,
        address,
    };
    let router = Router::new().fallback(handle).with_state(Arc::new(served));
    // Without NODELAY the kernel may hold back small replies for 40 ms, which would drown the latency asked for.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
}

async fn handle(State(served): State<Arc<Served>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let target = match parts.uri.path_and_query() {
        Some(target) => target.as_str().to_owned(),
        None => parts.uri.path().to_owned(),
    };
    let method = parts.method.as_str().to_owned();
    let Ok(body) = to_bytes(body, BODY_CAP).await else {
        // Without the query, which has not been looked through for secrets.
        let mut seen = Seen::new(&method, parts.uri.path().to_owned(), &[]);
        seen.status = 413;
        served.host.record(seen);
        return (StatusCode::PAYLOAD_TOO_LARGE, "request body above 16 MiB\n").into_response();
    };
    let reached = parts
        .headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let arrived = Arrived {
        method,
        target,
        address: reached.map_or_else(|| served.address.clone(), |host| format!("http://{host}")),
        headers: plain(&parts.headers),
        body: body.to_vec(),
    };
    if control::is_control(&arrived.target) {
        return response(control::answer(&served.host, &arrived));
    }
    if !served.latency.is_zero() {
        tokio::time::sleep(served.latency).await;
    }
    response(served.host.answer(arrived).answer)
}

/// Headers by lower-case name; the values of one given twice are joined with a comma (RFC 9110, 5.3).
fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
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

fn response(answer: Answer) -> Response {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Body::from(answer.body))
        .unwrap_or_else(|error| {
            let words = format!("a simulator made a reply that is not HTTP: {error}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
        })
}
