//! Cryptlex's request limit: 50 requests in a fixed window of 5 seconds, for all clients together.
//!
//! Facts are from the vendor's introduction page, checked 2026-11-21: `X-Rate-Limit-Limit` is the length of the
//! window, not a count, and 429 carries `Retry-After` in seconds.
//!
//! # Worked example
//!
//! The first request at 12:00:00.0 opens a window until 12:00:05.0. Requests 2 to 50 within it pass, and their
//! `X-Rate-Limit-Remaining` falls from 48 to 0. Request 51 at 12:00:01.2 gets 429 with `Retry-After: 4`: the 3.8
//! seconds that remain, rounded up. It is not counted, so the next request after 12:00:05.0 opens a new window with
//! 49 remaining.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::switches::{RateLimitBody, Switches};
use crate::sandbox::account_document;
use crate::sandbox::simulator::HttpReply;

/// The number of requests that a window lets through.
const REQUESTS: u32 = 50;
/// The length of a window.
const PERIOD: SignedDuration = SignedDuration::from_secs(5);

/// The newest window of the request limit.
#[derive(Clone, Default)]
pub(super) struct RateWindow {
    /// When it was opened; `None` before the first request.
    opened: Option<Timestamp>,
    /// The number of requests that it let through.
    used: u32,
}

/// What a window has left after one more request.
pub(super) struct RemainingQuota {
    /// The number of requests that may still follow.
    remaining: u32,
    /// When the window ends.
    reset: Timestamp,
    /// True if this request is over the limit.
    pub(super) exceeded: bool,
}

impl RateWindow {
    /// Counts a request against the window, opening a new one if the last has ended.
    ///
    /// A request over the limit is not counted; none is if `limited` is false.
    pub(super) fn count_request(&mut self, now: Timestamp, limited: bool) -> RemainingQuota {
        let open = self
            .opened
            .filter(|opened| limited && *opened <= now && now.duration_since(*opened) < PERIOD);
        let opened = open.unwrap_or_else(|| {
            self.used = 0;
            now
        });
        self.opened = Some(opened);
        let exceeded = limited && self.used >= REQUESTS;
        if limited && !exceeded {
            self.used += 1;
        }
        RemainingQuota {
            remaining: REQUESTS - self.used,
            reset: opened.checked_add(PERIOD).unwrap_or(opened),
            exceeded,
        }
    }
}

impl RemainingQuota {
    /// Returns the three headers that every reply carries.
    pub(super) fn headers(&self) -> [(String, String); 3] {
        [
            ("x-rate-limit-limit".into(), "5s".into()),
            ("x-rate-limit-remaining".into(), self.remaining.to_string()),
            (
                "x-rate-limit-reset".into(),
                account_document::format_seven_digits(self.reset),
            ),
        ]
    }
}

/// Returns the 429 of a request over the limit.
///
/// Its body is documented as JSON, but the headers are those of a common ASP.NET limiter that answers in plain
/// text, hence the switch `rate_limit_body`.
pub(super) fn over_limit_reply(
    quota: &RemainingQuota,
    now: Timestamp,
    switches: &Switches,
) -> HttpReply {
    let words = format!("API calls quota exceeded! maximum admitted {REQUESTS} per 5s.");
    let mut answer = match switches.rate_limit_body {
        RateLimitBody::Json => {
            HttpReply::json(429, &json!({"message": words, "code": "TOO_MANY_REQUESTS"}))
        }
        RateLimitBody::Text => HttpReply {
            status: 429,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: words.into_bytes(),
        },
    };
    // Rounded up: a client that waits this long must find the window ended.
    let wait = quota.reset.duration_since(now);
    let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
    let retry = ("retry-after".into(), seconds.max(1).to_string());
    answer.headers.push(retry);
    answer
}
