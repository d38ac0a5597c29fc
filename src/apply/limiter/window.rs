//! One "N requests in a window of P", kept exactly.
//!
//! When the vendor counts a call is somewhere between its start and its answer, so a new one starts a window
//! after the answer to the one N before it: then no delay on the way can bring N + 1 into one window.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::model::Rate;

pub struct Window {
    rate: Rate,
    /// When the latest calls were answered; nothing for those still out.
    answered: VecDeque<Option<Instant>>,
    /// The number of the first of them.
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

impl Window {
    pub fn new(rate: Rate) -> Self {
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

    /// A call starts; its number says later which one was answered.
    pub fn start(&mut self) -> u64 {
        if self.answered.len() >= self.rate.requests as usize {
            self.answered.pop_front();
            self.first += 1;
        }
        self.answered.push_back(None);
        self.first + self.answered.len() as u64 - 1
    }

    pub fn answer(&mut self, number: u64, now: Instant) {
        // A call that has left the window cannot be: it leaves only after its answer.
        let place = number
            .checked_sub(self.first)
            .and_then(|at| self.answered.get_mut(at as usize));
        if let Some(place) = place {
            *place = Some(now);
        }
    }
}
