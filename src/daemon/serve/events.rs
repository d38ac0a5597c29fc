//! `/events`: that something changed, as server-sent events.
//!
//! An event says how much changed and whether the reader's filter sees it, never what: whoever wants to
//! know asks for the page again. So an event has a few dozen bytes however many objects there are, at most one
//! goes out a second, and a reader that is slow misses nothing, since the next event counts from what it was
//! last told.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Server;
use super::view::{Counts, Query, Tick};
use crate::daemon::status::Status;

/// Readers at the same time: a team and its dashboards.
pub const AT_ONCE: usize = 64;

/// The shortest time between two events.
const PACE: Duration = Duration::from_secs(1);

/// How often a silent stream says that it is there, for whoever stands between and closes idle connections.
const ALIVE: Duration = Duration::from_secs(15);

struct Reader {
    status: watch::Receiver<Arc<Status>>,
    told: Arc<Status>,
    query: Query,
    first: bool,
    _place: OwnedSemaphorePermit,
}

pub async fn events(State(server): State<Arc<Server>>, request: Request) -> Response {
    let Ok(place) = Arc::clone(&server.streams).try_acquire_owned() else {
        let after = [(header::RETRY_AFTER, "30")];
        let words = "too many readers\n";
        return (StatusCode::SERVICE_UNAVAILABLE, after, words).into_response();
    };
    let mut status = server.status.clone();
    let told = Arc::clone(&status.borrow_and_update());
    let reader = Reader {
        status,
        told,
        query: Query::parse(request.uri().query().unwrap_or_default()),
        first: true,
        _place: place,
    };
    let mut stopping = server.stopping.clone();
    let stop = async move {
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let stream = futures::stream::unfold(reader, next).take_until(Box::pin(stop));
    let stream = stream.map(Ok::<_, Infallible>);
    Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(ALIVE))
        .into_response()
}

async fn next(mut reader: Reader) -> Option<(Event, Reader)> {
    if reader.first {
        // Tells the reader at once that it is connected, and what it may have missed while it was not.
        reader.first = false;
        let event = event(&reader.told, Tick::default());
        return Some((event, reader));
    }
    loop {
        tokio::time::sleep(PACE).await;
        reader.status.changed().await.ok()?;
        let now = Arc::clone(&reader.status.borrow_and_update());
        let tick = Tick::between(&reader.told, &now, &reader.query);
        reader.told = now;
        if !tick.is_empty() {
            return Some((event(&reader.told, tick), reader));
        }
    }
}

fn event(status: &Status, tick: Tick) -> Event {
    let counts = Counts::of(status.objects.iter().map(AsRef::as_ref));
    let told = json!({
        "pass": status.passes.back().map_or(0, |pass| pass.number),
        "objects": counts.total(),
        "attention": counts.attention(),
        "changed": tick.objects,
        "seen": tick.seen || tick.around,
    });
    Event::default().event("status").data(told.to_string())
}
