//! One rule "N requests in a window of P", kept exactly.
//!
//! The vendor counts a call somewhere between its start and its answer. So a call starts no earlier than P after the
//! *answer* to the call N before it: then no delay on the way can bring N + 1 calls into one window.
//!
//! Worked example with N = 2 and P = 10 s: calls 0 and 1 start at 0 s and are answered at 1 s and 4 s. Call 2 may
//! start at 11 s, 10 s after the answer to call 0, and call 3 at 14 s.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::RateLimit;

pub struct RateWindow {
    rate: RateLimit,
    /// When the latest N calls were answered; `None` for those still out.
    answered: VecDeque<Option<Instant>>,
    /// The number of the call at index 0.
    first: u64,
}

/// When a window lets the next call start.
#[derive(PartialEq)]
pub enum Opens {
    Now,
    At(Instant),
    /// The call that has to leave the window first is still out.
    WithTheNextAnswer,
}

/// The part of a rate that is left at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLeft {
    pub limit: RateLimit,
    /// Calls that may start at once.
    pub left: u32,
    /// The time until all calls of the rate may start at once, if none starts meanwhile. Calls that are out count as
    /// answered now.
    pub full_in: Duration,
}

impl RateWindow {
    /// Returns how much of the rate is left.
    pub fn left(&self, now: Instant) -> RateLeft {
        let opens = |answered: &Option<Instant>| answered.unwrap_or(now) + self.rate.per;
        let used = self.answered.iter().map(opens).filter(|opens| *opens > now);
        let full_at = used.clone().max().unwrap_or(now);
        RateLeft {
            limit: self.rate,
            left: self.rate.requests.saturating_sub(used.count() as u32),
            full_in: full_at.saturating_duration_since(now),
        }
    }

    pub fn new(rate: RateLimit) -> Self {
        Self {
            rate,
            answered: VecDeque::new(),
            first: 0,
        }
    }

    pub fn opens(&self) -> Opens {
        if self.answered.len() < self.rate.requests as usize {
            return Opens::Now;
        }
        match self.answered.front() {
            Some(Some(answered)) => Opens::At(*answered + self.rate.per),
            Some(None) => Opens::WithTheNextAnswer,
            None => Opens::Now,
        }
    }

    /// Counts a call that starts, and returns its number for [`Window::answer`].
    pub fn start(&mut self) -> u64 {
        if self.answered.len() >= self.rate.requests as usize {
            self.answered.pop_front();
            self.first += 1;
        }
        self.answered.push_back(None);
        self.first + self.answered.len() as u64 - 1
    }

    pub fn answer(&mut self, number: u64, now: Instant) {
        // A call leaves the window only after its answer, so its number is never too low.
        let entry = number
            .checked_sub(self.first)
            .and_then(|at| self.answered.get_mut(at as usize));
        if let Some(entry) = entry {
            *entry = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_left_grows_back_as_answers_leave_the_window() {
        let per = Duration::from_secs(10);
        let mut window = RateWindow::new(RateLimit { requests: 3, per });
        let left = |window: &RateWindow| {
            let left = window.left(Instant::now());
            (left.left, left.full_in.as_secs())
        };
        assert_eq!(left(&window), (3, 0));
        let first = window.start();
        window.answer(first, Instant::now());
        tokio::time::advance(Duration::from_secs(4)).await;
        let second = window.start();
        assert_eq!(left(&window), (1, 10), "one is still out");
        window.answer(second, Instant::now());
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(left(&window), (2, 4));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(left(&window), (3, 0));
    }
}
