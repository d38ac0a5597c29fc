//! `/events`: server-sent events that tell that something changed.
//!
//! An event says how much changed and whether it concerns the reader's filter, never what: a reader who wants to know
//! fetches the page again. So an event has a few dozen bytes however many objects there are, and at most one goes out
//! per second. A slow reader misses nothing, since the next event counts from what it was last told.

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
use super::view::{Query, StateCounts, StatusChange};
use crate::daemon::status::Status;

/// Readers at the same time: a team and its dashboards.
pub const MOST_READERS: usize = 64;

/// The shortest time between two events.
const PACE: Duration = Duration::from_secs(1);

/// How often a silent stream sends a comment, for proxies that close idle connections.
const ALIVE: Duration = Duration::from_secs(15);

/// One reader of events.
struct EventSubscriber {
    status: watch::Receiver<Arc<Status>>,
    /// The status that the last event counted up to.
    last_status: Arc<Status>,
    query: Query,
    first: bool,
    _permit: OwnedSemaphorePermit,
}

/// Replies with a stream of events that ends when the server stops.
pub async fn stream_events(State(server): State<Arc<Server>>, request: Request) -> Response {
    let Ok(permit) = Arc::clone(&server.streams).try_acquire_owned() else {
        let after = [(header::RETRY_AFTER, "30")];
        let words = "too many readers\n";
        return (StatusCode::SERVICE_UNAVAILABLE, after, words).into_response();
    };
    let mut status = server.status.clone();
    let latest = Arc::clone(&status.borrow_and_update());
    let reader = EventSubscriber {
        status,
        last_status: latest,
        query: Query::parse(request.uri().query().unwrap_or_default()),
        first: true,
        _permit: permit,
    };
    let mut stopping = server.stopping.clone();
    let stop = async move {
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let stream = futures::stream::unfold(reader, next_event).take_until(Box::pin(stop));
    let stream = stream.map(Ok::<_, Infallible>);
    Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(ALIVE))
        .into_response()
}

/// Waits for the next event. `None` once the daemon's loop has ended.
async fn next_event(mut reader: EventSubscriber) -> Option<(Event, EventSubscriber)> {
    if reader.first {
        // The first event tells the reader that it is connected, and makes it fetch what it may have missed before.
        reader.first = false;
        let event = change_event(&reader.last_status, StatusChange::default());
        return Some((event, reader));
    }
    loop {
        tokio::time::sleep(PACE).await;
        reader.status.changed().await.ok()?;
        let now = Arc::clone(&reader.status.borrow_and_update());
        let tick = StatusChange::between(&reader.last_status, &now, &reader.query);
        reader.last_status = now;
        if !tick.is_empty() {
            return Some((change_event(&reader.last_status, tick), reader));
        }
    }
}

fn change_event(status: &Status, tick: StatusChange) -> Event {
    let counts = StateCounts::count_objects(status.objects.iter().map(AsRef::as_ref));
    let latest = json!({
        "pass": status.passes.back().map_or(0, |pass| pass.number),
        "objects": counts.total(),
        "attention": counts.attention(),
        "changed": tick.objects,
        "seen": tick.seen || tick.around,
    });
    Event::default().event("status").data(latest.to_string())
}
