//! One limiter per account: so many calls at once, so many in any window of time, the urgent ones first.
//!
//! The vendors state limits as "N requests in a window of P" and count a sliding window. A token bucket
//! with burst N lets 2 N through in the first P, one with a smaller burst wastes most of the allowance;
//! remembering the last N calls is exact and as short (`window`).
//!
//! How many calls may be out at once adapts: a vendor that answers "too many" or "not now" halves it,
//! every success gives a little back.
//!
//! Who is next when a place comes free is said by a `line`, not by which task happens to run first. Only
//! the next one watches the clock. Whatever may let it go calls it: a place that comes free, somebody before
//! it that has got its turn or has given up.

mod line;
mod shared;
mod window;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::model::Limits;
pub use line::Urgency;
use line::{Line, Place};
pub use shared::SharedPace;
use window::{Opens, Window};

pub struct Limiter {
    pace: Mutex<Pace>,
}

struct Pace {
    windows: Vec<Window>,
    paused_until: Option<Instant>,
    line: Line,
    out: usize,
    /// Calls that may be out at once now; between 1 and `most`.
    allowed: f64,
    most: f64,
    /// When the allowance was last halved: calls that were already out then say nothing new.
    eased: Option<Instant>,
}

/// A call's turn. Dropping it frees the place.
pub struct Turn<'a> {
    limiter: &'a Limiter,
    start: Instant,
    /// The number of the call in each window.
    numbers: Vec<u64>,
}

/// Somebody in the line. Dropping it without a turn leaves the line.
struct Waiter<'a> {
    limiter: &'a Limiter,
    place: Place,
    called: Arc<Notify>,
    served: bool,
}

enum Claim {
    Mine(Vec<u64>),
    At(Instant),
    WhenCalled,
}

impl Limiter {
    pub fn new(limits: &Limits) -> Self {
        let most = limits.concurrency.max(1) as f64;
        Self {
            pace: Mutex::new(Pace {
                windows: limits.rates.iter().copied().map(Window::new).collect(),
                paused_until: None,
                line: Line::default(),
                out: 0,
                allowed: most,
                most,
                eased: None,
            }),
        }
    }

    /// Waits for a turn. May be dropped at any time; the place in the line is then free for the next.
    pub async fn turn(&self, urgency: Urgency) -> Turn<'_> {
        let (place, called) = self.lock().line.join(urgency);
        let mut waiter = Waiter {
            limiter: self,
            place,
            called,
            served: false,
        };
        loop {
            let claim = self.lock().claim(place);
            match claim {
                Claim::Mine(numbers) => {
                    waiter.served = true;
                    return Turn {
                        limiter: self,
                        start: Instant::now(),
                        numbers,
                    };
                }
                // Being called before the time tells that somebody more urgent has come and gone.
                Claim::At(moment) => {
                    let _ = timeout_at(moment, waiter.called.notified()).await;
                }
                Claim::WhenCalled => waiter.called.notified().await,
            }
        }
    }

    /// Stops every call of the account for a while, because the vendor asked for it.
    pub fn pause(&self, length: Duration) {
        let until = Instant::now() + length;
        let mut pace = self.lock();
        pace.paused_until = Some(pace.paused_until.map_or(until, |set| set.max(until)));
    }

    fn lock(&self) -> MutexGuard<'_, Pace> {
        // Nothing panics while the lock is held; a poisoned one still holds a usable pace.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pace {
    fn is_full(&self) -> bool {
        self.out as f64 >= self.allowed.floor().max(1.0)
    }

    /// The turn of the one in this place, if it has come.
    fn claim(&mut self, place: Place) -> Claim {
        if self.line.next() != Some(place) || self.is_full() {
            return Claim::WhenCalled;
        }
        let mut opens = self.paused_until;
        for window in &self.windows {
            match window.opens() {
                Opens::Now => {}
                Opens::At(moment) => opens = opens.max(Some(moment)),
                Opens::WithTheNextAnswer => return Claim::WhenCalled,
            }
        }
        if let Some(moment) = opens.filter(|moment| *moment > Instant::now()) {
            return Claim::At(moment);
        }
        let numbers = self.windows.iter_mut().map(Window::start).collect();
        self.out += 1;
        self.line.served(place);
        if !self.is_full() {
            // Places come free one by one but the allowance may have grown: pass the word on.
            self.line.call();
        }
        Claim::Mine(numbers)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if !self.served {
            // It may have been called and not have looked yet: the call must not be lost with it.
            let mut pace = self.limiter.lock();
            pace.line.leave(self.place);
            pace.line.call();
        }
    }
}

impl Turn<'_> {
    /// The vendor answered that this was too much: half as many at once from now on.
    pub fn too_much(&self) {
        let mut pace = self.limiter.lock();
        if pace.eased.is_none_or(|eased| self.start > eased) {
            pace.allowed = (pace.allowed / 2.0).max(1.0);
            pace.eased = Some(Instant::now());
        }
    }

    /// The vendor had no objection: one more at once after as many successes as are out.
    pub fn fine(&self) {
        let mut pace = self.limiter.lock();
        pace.allowed = (pace.allowed + 1.0 / pace.allowed).min(pace.most);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut pace = self.limiter.lock();
        pace.out -= 1;
        for (window, number) in pace.windows.iter_mut().zip(&self.numbers) {
            window.answer(*number, now);
        }
        pace.line.call();
    }
}

#[cfg(test)]
mod tests;
