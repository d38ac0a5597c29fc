//! A replica that lags behind: for a while after a write, reads can be answered from before it.
//!
//! A stale read shows the account from before the newest write that makes a difference to this read. Taking
//! the very last write would mean that a write to another object, made at the same time, hides the one that
//! the client is looking for.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::Value;

use super::simulator::{HttpReply, HttpRequest, Simulator};

/// For how many calls of a vendor after a write its replica may lack it. More than a client has under way
/// at once, so that reading back a write is in reach of it.
const LAG_CALLS: u64 = 20;

/// The accounts from before the last writes, the oldest first.
#[derive(Default)]
pub(super) struct LaggingReplica {
    calls: u64,
    snapshots: VecDeque<(u64, Value)>,
}

impl LaggingReplica {
    /// Counts a call and lets go of what is too old.
    pub fn count_call(&mut self) {
        self.calls += 1;
        let oldest = self.calls.saturating_sub(LAG_CALLS);
        while self.snapshots.front().is_some_and(|(at, _)| *at < oldest) {
            self.snapshots.pop_front();
        }
    }

    /// Keeps the account from before a write, if it was one.
    pub fn remember_write(&mut self, before: Value, simulator: &dyn Simulator) {
        if simulator.state() != before {
            self.snapshots.push_back((self.calls, before));
        }
    }

    /// Answers a read from before a write, once for each write; nothing if no write makes a difference.
    pub fn answer_stale_read(
        &mut self,
        simulator: &dyn Simulator,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Option<HttpReply> {
        let live = simulator.fork().answer(request, now);
        for at in (0..self.snapshots.len()).rev() {
            // The copy has the sessions of today, only its account is an old one.
            let mut old = simulator.fork();
            let (_, account) = &self.snapshots[at];
            // An account that was saved can be loaded; if not, it is no replica of anything.
            if old.set_state(account.clone()).is_err() {
                continue;
            }
            let answer = old.answer(request, now);
            if answer.status == live.status && answer.body != live.body {
                // Reads do not go further back than one that was already made.
                self.snapshots.drain(..=at);
                return Some(answer);
            }
        }
        None
    }
}
