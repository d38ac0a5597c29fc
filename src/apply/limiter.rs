//! One limiter per account: so many calls at once, so many in any window of time.
//!
//! The vendors state limits as "N requests in a window of P" and count a sliding window. A token bucket
//! with burst N lets 2 N through in the first P, one with a smaller burst wastes most of the allowance;
//! remembering the last N starts is exact and as short.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::model::{Limits, Rate};

pub struct Limiter {
    slots: Semaphore,
    pace: Mutex<Pace>,
}

struct Pace {
    windows: Vec<Window>,
    paused_until: Option<Instant>,
}

struct Window {
    rate: Rate,
    starts: VecDeque<Instant>,
}

impl Limiter {
    pub fn new(limits: &Limits) -> Self {
        let windows = limits
            .rates
            .iter()
            .map(|rate| Window {
                rate: *rate,
                starts: VecDeque::new(),
            })
            .collect();
        Self {
            slots: Semaphore::new(limits.concurrency.max(1)),
            pace: Mutex::new(Pace {
                windows,
                paused_until: None,
            }),
        }
    }

    /// Waits for a turn. The slot is held until the permit is dropped.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so there is always a permit.
        let permit = self.slots.acquire().await.ok();
        while let Some(moment) = self.claim() {
            sleep_until(moment).await;
        }
        permit
    }

    /// Takes a start now, or says when to ask again.
    fn claim(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut pace = self.lock();
        let open = pace
            .windows
            .iter()
            .filter_map(Window::opens)
            .chain(pace.paused_until)
            .max();
        if let Some(moment) = open.filter(|moment| *moment > now) {
            return Some(moment);
        }
        for window in &mut pace.windows {
            window.note(now);
        }
        None
    }

    /// Stops every call of the account for a while, because the vendor asked for it.
    pub fn pause(&self, length: Duration) {
        let until = Instant::now() + length;
        let mut pace = self.lock();
        pace.paused_until = Some(pace.paused_until.map_or(until, |set| set.max(until)));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pace> {
        // Nothing panics while the lock is held; a poisoned one still holds a usable pace.
        self.pace
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Window {
    /// When the next start is allowed; nothing if it is allowed at any time.
    fn opens(&self) -> Option<Instant> {
        let full = self.starts.len() >= self.rate.requests as usize;
        // The vendor counts arrivals: two percent keep a start that was delayed on its way apart.
        full.then(|| {
            self.starts
                .front()
                .map(|first| *first + self.rate.per + self.rate.per / 50)
        })?
    }

    fn note(&mut self, start: Instant) {
        if self.starts.len() >= self.rate.requests as usize {
            self.starts.pop_front();
        }
        self.starts.push_back(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(concurrency: usize, requests: u32, seconds: u64) -> Limits {
        Limits {
            concurrency,
            rates: vec![Rate {
                requests,
                per: Duration::from_secs(seconds),
            }],
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_window_ever_holds_more_than_its_requests() {
        let limiter = Limiter::new(&limits(8, 50, 5));
        let mut starts = Vec::new();
        for _ in 0..200 {
            drop(limiter.turn().await);
            starts.push(Instant::now());
        }
        for window in starts.windows(51) {
            assert!(window[50] - window[0] > Duration::from_secs(5));
        }
        let whole = starts[199] - starts[0];
        assert!(
            whole <= Duration::from_millis(15_400),
            "three further windows, not more: {whole:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody() {
        let limiter = Limiter::new(&Limits {
            concurrency: 2,
            rates: Vec::new(),
        });
        let start = Instant::now();
        limiter.pause(Duration::from_secs(7));
        drop(limiter.turn().await);
        assert_eq!(start.elapsed(), Duration::from_secs(7));
    }
}
