//! What stands in for a vendor's reply when something between it and the client fails.
//!
//! None of it is in a vendor's own words: gateways answer in HTML, and a client must not need more than the
//! status to know where it stands.

use std::time::SystemTime;

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::fault_plan::ServerError;
use super::simulator::HttpReply;

/// 429, with a `Retry-After` or without.
pub fn too_many_requests(after: Option<String>) -> HttpReply {
    let mut answer = HttpReply::json(429, &json!({"message": "Too many requests."}));
    if let Some(after) = after {
        answer.headers.push(("retry-after".into(), after));
    }
    answer
}

/// The date of `Retry-After` for a second from now: by the real clock, since that is what a client has.
/// Dates have no fractions, so it is up to a second less.
pub fn date_in_one_second() -> String {
    let now = Timestamp::try_from(SystemTime::now()).unwrap_or_default();
    let soon = now.saturating_add(SignedDuration::from_secs(1));
    let soon = soon.unwrap_or(Timestamp::MAX);
    // Only years beyond 9999 cannot be printed.
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&soon)
        .unwrap_or_default()
}

pub fn server_error(error: ServerError) -> HttpReply {
    match error {
        ServerError::Internal => {
            HttpReply::json(500, &json!({"message": "Internal server error."}))
        }
        ServerError::BadGateway => html_page(502, "Bad Gateway"),
        ServerError::Unavailable => html_page(503, "Service Unavailable"),
    }
}

/// A page where a document was asked for, with a status as if all were well.
pub fn maintenance_page() -> HttpReply {
    html_page(200, "We will be back soon")
}

/// What a dropped connection carries; the record shows its status.
pub fn dropped_reply() -> HttpReply {
    HttpReply::empty(0)
}

fn html_page(status: u16, words: &str) -> HttpReply {
    HttpReply {
        status,
        headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
        body: format!("<!doctype html>\n<title>{words}</title>\n<h1>{words}</h1>\n").into_bytes(),
    }
}
