//! Replies that replace a vendor's own when something between vendor and client fails.
//!
//! None of them uses a vendor's error format: gateways answer in HTML or with a body of their own, and a client
//! must be able to decide from the status alone.

use std::time::SystemTime;

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::fault_plan::ServerError;
use super::simulator::HttpReply;

/// Returns a 429 reply with this `Retry-After`, or without the header if `None`.
pub fn too_many_requests(after: Option<String>) -> HttpReply {
    let mut answer = HttpReply::json(429, &json!({"message": "Too many requests."}));
    if let Some(after) = after {
        answer.headers.push(("retry-after".into(), after));
    }
    answer
}

/// Returns the HTTP date one second from now, for a `Retry-After` header.
///
/// Uses the real clock, not the simulators', because the client compares it with its own. HTTP dates have no
/// fractions, so the remaining wait is between 0 and 1 seconds.
pub fn date_in_one_second() -> String {
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or_default();
    let soon = now.saturating_add(SignedDuration::from_secs(1));
    let soon = soon.unwrap_or(Timestamp::MAX);
    // Only years beyond 9999 cannot be printed.
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&soon)
        .unwrap_or_default()
}

/// Returns the reply of a server error: JSON for 500, a gateway's HTML page for 502 and 503.
pub fn server_error(error: ServerError) -> HttpReply {
    match error {
        ServerError::Internal => {
            HttpReply::json(500, &json!({"message": "Internal server error."}))
        }
        ServerError::BadGateway => html_page(502, "Bad Gateway"),
        ServerError::Unavailable => html_page(503, "Service Unavailable"),
    }
}

/// Returns an HTML page with status 200, as a maintenance page in front of an API answers.
pub fn maintenance_page() -> HttpReply {
    html_page(200, "We will be back soon")
}

/// Returns the placeholder for a dropped connection; the request record shows its status, 0.
pub fn dropped_reply() -> HttpReply {
    HttpReply::empty(0)
}

/// Returns a small HTML page whose title and heading are `words`.
fn html_page(status: u16, words: &str) -> HttpReply {
    HttpReply {
        status,
        headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
        body: format!("<!doctype html>\n<title>{words}</title>\n<h1>{words}</h1>\n").into_bytes(),
    }
}
