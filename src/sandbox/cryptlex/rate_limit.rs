//! The vendor's request limit: 50 requests in a window of 5 seconds, whoever asks.
//!
//! Facts from the vendor's introduction page, checked 2026-11-21: `X-Rate-Limit-Limit` is the length of the
//! window, not a count, and 429 carries `Retry-After` in seconds.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::switches::{RateLimitBody, Switches};
use crate::sandbox::simulator::HttpReply;
use crate::sandbox::wire;

const REQUESTS: u32 = 50;
const PERIOD: SignedDuration = SignedDuration::from_secs(5);

/// The window that is open at the moment.
#[derive(Clone, Default)]
pub(super) struct RateWindow {
    opened: Option<Timestamp>,
    used: u32,
}

/// What is left after one more request.
pub(super) struct RemainingQuota {
    remaining: u32,
    reset: Timestamp,
    pub(super) exceeded: bool,
}

impl RateWindow {
    /// Counts a request; refused ones are not counted, and nothing is while the limit is off.
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
    /// The three headers that every reply carries.
    pub(super) fn headers(&self) -> [(String, String); 3] {
        [
            ("x-rate-limit-limit".into(), "5s".into()),
            ("x-rate-limit-remaining".into(), self.remaining.to_string()),
            (
                "x-rate-limit-reset".into(),
                wire::format_seven_digits(self.reset),
            ),
        ]
    }
}

/// The 429 reply; its body is documented as JSON, while the headers are those of a stock limiter that
/// answers in plain text.
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
    // Rounded up: a client that waits exactly so long must find the window closed.
    let wait = quota.reset.duration_since(now);
    let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
    let retry = ("retry-after".into(), seconds.max(1).to_string());
    answer.headers.push(retry);
    answer
}
