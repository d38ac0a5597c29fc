//! The vendor's request limits: 600 in any 60 seconds per company, 200 in any 10 per address, 50 in any
//! second per key.
//!
//! Numbers of the free plan from the vendor's rate-limiting page, checked 2026-11-21; what an answer over
//! the limit looks like is not documented, so it is the REST framework's own.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::sandbox::simulator::HttpReply;

const RULES: [(usize, SignedDuration); 3] = [
    (600, SignedDuration::from_secs(60)),
    (200, SignedDuration::from_secs(10)),
    (50, SignedDuration::from_secs(1)),
];

/// The moments of the last requests that were let through, oldest first.
#[derive(Clone, Default)]
pub(super) struct RateLimiter {
    passed: VecDeque<Timestamp>,
}

impl RateLimiter {
    /// Lets a request through, or says how long to wait; one that has to wait is not counted.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<(), SignedDuration> {
        let mut wait = SignedDuration::ZERO;
        for (count, span) in RULES {
            // The request that has to leave the window before this one fits.
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

pub(super) fn throttled_reply(wait: SignedDuration, retry_after: bool) -> HttpReply {
    // Rounded up: a client that waits exactly so long must get through.
    let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
    let words = format!("Request was throttled. Expected available in {seconds} seconds.");
    let mut answer = HttpReply::json(429, &json!({ "detail": words }));
    if retry_after {
        let header = ("retry-after".into(), seconds.to_string());
        answer.headers.push(header);
    }
    answer
}
