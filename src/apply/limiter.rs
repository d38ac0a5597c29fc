//! Limits the calls of one account: a number at once, a number in any window of time, the urgent ones first.
//!
//! The vendors state limits as "N requests in a window of P" and count a sliding window. A token bucket
//! with burst N lets 2 N through in the first P, one with a smaller burst wastes most of the allowance;
//! remembering the last N calls is exact and as short (`window`).
//!
//! How many calls may be out at once adapts: a vendor that answers "too many" or "not now" halves it,
//! every success gives a little back.
//!
//! The `queue` decides which call is next, not the order in which tasks happen to run. Only the next call watches the
//! clock. Each event that may let it go wakes it: a permit that comes free, a call before it that got its permit or
//! gave up.
//!
//! ```text
//!   limits: 1 call at once, 2 requests in 10 s; calls A, B, C come at 0 s, and each is answered after 1 s
//!   A starts at 0 s; B when A is answered, at 1 s; C when 10 s have passed since A was answered, at 11 s
//! ```

mod queue;
mod shared;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::model::Limits;
pub use queue::Urgency;
use queue::{PriorityQueue, QueueTicket};
pub use shared::SharedPace;
pub use window::RateLeft;
use window::{Opens, RateWindow};

pub struct Limiter {
    pace: Mutex<CallPace>,
}

struct CallPace {
    windows: Vec<RateWindow>,
    paused_until: Option<Instant>,
    queue: PriorityQueue,
    out: usize,
    /// Calls that may be out at once now, between 1 and `most`.
    allowed: f64,
    most: f64,
    /// When the allowance was last halved: calls that were already out then say nothing new.
    eased: Option<Instant>,
}

/// The right to make one call. Dropping it lets the next call start.
pub struct Permit<'a> {
    limiter: &'a Limiter,
    start: Instant,
    /// The number of the call in each window, by the index of the window.
    numbers: Vec<u64>,
}

/// A call in the queue. Dropping it without a permit takes it out.
struct Waiter<'a> {
    limiter: &'a Limiter,
    ticket: QueueTicket,
    wake: Arc<Notify>,
    served: bool,
}

/// The next action of a waiting call.
enum Claim {
    /// Go, with its number in each window.
    Granted(Vec<u64>),
    /// Ask again at this moment.
    At(Instant),
    /// Ask again when it is woken.
    WhenNotified,
}

impl Limiter {
    pub fn new(limits: &Limits) -> Self {
        let most = limits.concurrency.max(1) as f64;
        Self {
            pace: Mutex::new(CallPace {
                windows: limits.rates.iter().copied().map(RateWindow::new).collect(),
                paused_until: None,
                queue: PriorityQueue::default(),
                out: 0,
                allowed: most,
                most,
                eased: None,
            }),
        }
    }

    /// Waits for a permit. May be dropped at any time.
    pub async fn acquire(&self, urgency: Urgency) -> Permit<'_> {
        let (ticket, wake) = self.lock().queue.enqueue(urgency);
        let mut waiter = Waiter {
            limiter: self,
            ticket,
            wake,
            served: false,
        };
        loop {
            let claim = self.lock().claim(ticket);
            match claim {
                Claim::Granted(numbers) => {
                    waiter.served = true;
                    return Permit {
                        limiter: self,
                        start: Instant::now(),
                        numbers,
                    };
                }
                // If the task is woken before that moment, a more urgent call has come and gone.
                Claim::At(moment) => {
                    let _ = timeout_at(moment, waiter.wake.notified()).await;
                }
                Claim::WhenNotified => waiter.wake.notified().await,
            }
        }
    }

    /// Returns how much of each rate is left at this moment.
    pub fn rates_left(&self) -> Vec<RateLeft> {
        let now = Instant::now();
        self.lock()
            .windows
            .iter()
            .map(|window| window.left(now))
            .collect()
    }

    /// Stops every call of the account for a while, because the vendor asked for it.
    pub fn pause(&self, length: Duration) {
        let until = Instant::now() + length;
        let mut pace = self.lock();
        pace.paused_until = Some(pace.paused_until.map_or(until, |set| set.max(until)));
    }

    fn lock(&self) -> MutexGuard<'_, CallPace> {
        // Nothing panics while the lock is held; a poisoned one still holds a usable pace.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallPace {
    fn is_full(&self) -> bool {
        self.out as f64 >= self.allowed.floor().max(1.0)
    }

    /// Grants a permit to the holder of a ticket, or says what it has to wait for.
    fn claim(&mut self, ticket: QueueTicket) -> Claim {
        if self.queue.next() != Some(ticket) || self.is_full() {
            return Claim::WhenNotified;
        }
        let mut opens = self.paused_until;
        for window in &self.windows {
            match window.opens() {
                Opens::Now => {}
                Opens::At(moment) => opens = opens.max(Some(moment)),
                Opens::WithTheNextAnswer => return Claim::WhenNotified,
            }
        }
        if let Some(moment) = opens.filter(|moment| *moment > Instant::now()) {
            return Claim::At(moment);
        }
        let numbers = self.windows.iter_mut().map(RateWindow::start).collect();
        self.out += 1;
        self.queue.serve(ticket);
        if !self.is_full() {
            // Permits come free one by one but the allowance may have grown: wake the next one too.
            self.queue.notify_next();
        }
        Claim::Granted(numbers)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if !self.served {
            // The task may have been woken without asking yet: the wake-up must pass to the next task.
            let mut pace = self.limiter.lock();
            pace.queue.remove(self.ticket);
            pace.queue.notify_next();
        }
    }
}

impl Permit<'_> {
    /// Halves the calls that may be out at once: the vendor answered "too many" or "not now".
    pub fn throttled(&self) {
        let mut pace = self.limiter.lock();
        if pace.eased.is_none_or(|eased| self.start > eased) {
            pace.allowed = (pace.allowed / 2.0).max(1.0);
            pace.eased = Some(Instant::now());
        }
    }

    /// Lets one more call out at once after as many successes as calls are allowed.
    pub fn succeeded(&self) {
        let mut pace = self.limiter.lock();
        pace.allowed = (pace.allowed + 1.0 / pace.allowed).min(pace.most);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut pace = self.limiter.lock();
        pace.out -= 1;
        for (window, number) in pace.windows.iter_mut().zip(&self.numbers) {
            window.answer(*number, now);
        }
        pace.queue.notify_next();
    }
}

#[cfg(test)]
mod tests;
