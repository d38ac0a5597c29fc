//! A lagging replica: for a number of calls after a write, a read can show the account as it was before the write.
//!
//! A stale read shows the account from before the newest write that changes the reply to this read. Simply
//! undoing the last write would let a concurrent write to another object hide the one that the client reads back.
//!
//! Example: call 1 sets order A to 5 seats, call 2 sets order B to 9. A stale read of A is answered from before
//! call 1, although call 2 is newer: undoing call 2 alone would not change the reply.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::Value;

use super::simulator::{HttpReply, HttpRequest, Simulator};

/// The number of calls to a vendor after a write during which its replica may still lack the write.
///
/// It is more than a client has under way at once, so that the read that verifies a write can be stale.
const LAG_CALLS: u64 = 20;

/// The account as it was before each of the last writes.
#[derive(Default)]
pub(super) struct LaggingReplica {
    /// The number of calls so far.
    calls: u64,
    /// The number of the writing call and the account before it, oldest first.
    snapshots: VecDeque<(u64, Value)>,
}

impl LaggingReplica {
    /// Counts a call and drops the states that are too old to be shown.
    pub fn count_call(&mut self) {
        self.calls += 1;
        let oldest = self.calls.saturating_sub(LAG_CALLS);
        while self.snapshots.front().is_some_and(|(at, _)| *at < oldest) {
            self.snapshots.pop_front();
        }
    }

    /// Keeps the account from before a call if the call changed it.
    pub fn remember_write(&mut self, before: Value, simulator: &dyn Simulator) {
        if simulator.state() != before {
            self.snapshots.push_back((self.calls, before));
        }
    }

    /// Answers a read from before a write; `None` if no remembered write changes the reply.
    ///
    /// Each write can be lacked once: the state shown and all older ones are dropped, so that reads never go back
    /// further than an earlier one did.
    pub fn answer_stale_read(
        &mut self,
        simulator: &dyn Simulator,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Option<HttpReply> {
        let live = simulator.fork().answer(request, now);
        for at in (0..self.snapshots.len()).rev() {
            // The copy has the current sessions; only its account is an old one.
            let mut old = simulator.fork();
            let (_, account) = &self.snapshots[at];
            // A saved account loads again; one that does not is skipped.
            if old.set_state(account.clone()).is_err() {
                continue;
            }
            let answer = old.answer(request, now);
            if answer.status == live.status && answer.body != live.body {
                // Later reads must not go back further than this one.
                self.snapshots.drain(..=at);
                return Some(answer);
            }
        }
        None
    }
}
