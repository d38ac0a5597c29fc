//! LicenseSpring's request limits: sliding windows of 60, 10 and 1 seconds.
//!
//! The numbers are those of the free plan on the vendor's rate-limiting page, checked 2026-11-21: 600 requests in any
//! 60 seconds per company, 200 in any 10 seconds per address, 50 in any second per key. Company, address and key are
//! one in a sandbox. The reply over the limit is not documented, so it is the REST framework's own.
//!
//! # Worked example
//!
//! 50 requests at 12:00:00.0 pass. Request 51 at 12:00:00.4 must wait until the first of the last 50 has left the
//! window of one second, 0.6 seconds later, so it gets 429 with `Retry-After: 1`, rounded up. It is not counted, so
//! at 12:00:01.0 a request passes. The longest wait of the three windows counts.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::sandbox::simulator::HttpReply;

/// Requests and the window in which they may be made, the longest window first.
const RULES: [(usize, SignedDuration); 3] = [
    (600, SignedDuration::from_secs(60)),
    (200, SignedDuration::from_secs(10)),
    (50, SignedDuration::from_secs(1)),
];

/// The times of the last requests that passed, oldest first, at most 600.
#[derive(Clone, Default)]
pub(super) struct RateLimiter {
    passed: VecDeque<Timestamp>,
}

impl RateLimiter {
    /// Counts a request that passes; `Err` is how long one that does not must wait, and it is not counted.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<(), SignedDuration> {
        let mut wait = SignedDuration::ZERO;
        for (count, span) in RULES {
            // The request that must leave the window before this one fits.
            let oldest = self.passed.len().checked_sub(count);
            if let Some(at) = oldest.and_then(|index| self.passed.get(index)) {
                wait = wait.max(span - now.duration_since(*at));
            }
        }
        if wait > SignedDuration::ZERO {
            return Err(wait);
        }
        self.passed.push_back(now);
        if self.passed.len() > RULES[0].0 {
            self.passed.pop_front();
        }
        Ok(())
    }
}

/// Returns the 429 of a request that must wait, with `Retry-After` if the switch says so.
pub(super) fn throttled_reply(wait: SignedDuration, retry_after: bool) -> HttpReply {
    // Rounded up: a request after exactly this wait must pass.
    let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
    let words = format!("Request was throttled. Expected available in {seconds} seconds.");
    let mut answer = HttpReply::json(429, &json!({ "detail": words }));
    if retry_after {
        let header = ("retry-after".into(), seconds.to_string());
        answer.headers.push(header);
    }
    answer
}
