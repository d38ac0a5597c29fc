//! One limiter per account: so many calls at once, so many in any window of time.
//!
//! The vendors state limits as "N requests in a window of P" and count a sliding window. A token bucket
//! with burst N lets 2 N through in the first P, one with a smaller burst wastes most of the allowance;
//! remembering the last N calls is exact and as short. When the vendor counts a call is somewhere between
//! its start and its answer, so a new one starts a window after the answer to the one N before it: then
//! no delay on the way can bring N + 1 into one window.
//!
//! How many calls may be out at once adapts: a vendor that answers "too many" or "not now" halves it,
//! every success gives a little back.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::model::{Limits, Rate};

pub struct Limiter {
    pace: Mutex<Pace>,
    freed: Notify,
}

struct Pace {
    windows: Vec<Window>,
    paused_until: Option<Instant>,
    out: usize,
    /// Calls that may be out at once now; between 1 and `most`.
    allowed: f64,
    most: f64,
    /// When the allowance was last halved: calls that were already out then say nothing new.
    eased: Option<Instant>,
}

struct Window {
    rate: Rate,
    /// When the latest calls were answered; nothing for those still out.
    answered: VecDeque<Option<Instant>>,
    /// The number of the first of them.
    first: u64,
}

/// A call's turn. Dropping it frees the place.
pub struct Turn<'a> {
    limiter: &'a Limiter,
    start: Instant,
    /// The number of the call in each window.
    numbers: Vec<u64>,
}

enum Claim {
    Mine(Vec<u64>),
    At(Instant),
    WhenFreed,
}

impl Limiter {
    pub fn new(limits: &Limits) -> Self {
        let windows = limits
            .rates
            .iter()
            .map(|rate| Window {
                rate: *rate,
                answered: VecDeque::new(),
                first: 0,
            })
            .collect();
        let most = limits.concurrency.max(1) as f64;
        let pace = Pace {
            windows,
            paused_until: None,
            out: 0,
            allowed: most,
            most,
            eased: None,
        };
        Self {
            pace: Mutex::new(pace),
            freed: Notify::new(),
        }
    }

    /// Waits for a turn.
    pub async fn turn(&self) -> Turn<'_> {
        loop {
            // Listening starts before the look, so that a place freed in between is not missed.
            let freed = self.freed.notified();
            match self.claim() {
                Claim::Mine(numbers) => {
                    return Turn {
                        limiter: self,
                        start: Instant::now(),
                        numbers,
                    };
                }
                Claim::At(moment) => sleep_until(moment).await,
                Claim::WhenFreed => freed.await,
            }
        }
    }

    fn claim(&self) -> Claim {
        let now = Instant::now();
        let mut pace = self.lock();
        if pace.out as f64 >= pace.allowed.floor().max(1.0) {
            return Claim::WhenFreed;
        }
        let opens: Vec<Opens> = pace.windows.iter().map(Window::opens).collect();
        if opens.contains(&Opens::WithTheNextAnswer) {
            return Claim::WhenFreed;
        }
        let moments = opens.iter().filter_map(|opens| match opens {
            Opens::At(moment) => Some(*moment),
            Opens::Now | Opens::WithTheNextAnswer => None,
        });
        if let Some(moment) = moments
            .chain(pace.paused_until)
            .max()
            .filter(|moment| *moment > now)
        {
            return Claim::At(moment);
        }
        let numbers = pace.windows.iter_mut().map(Window::start).collect();
        pace.out += 1;
        if (pace.out as f64) < pace.allowed.floor() {
            // Places are freed one by one but the allowance may have grown: pass the word on.
            self.freed.notify_one();
        }
        Claim::Mine(numbers)
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
        drop(pace);
        self.limiter.freed.notify_one();
    }
}

/// When a window lets the next call start.
#[derive(PartialEq)]
enum Opens {
    Now,
    At(Instant),
    /// The call that has to leave the window first is still out.
    WithTheNextAnswer,
}

impl Window {
    fn opens(&self) -> Opens {
        if self.answered.len() < self.rate.requests as usize {
            return Opens::Now;
        }
        match self.answered.front() {
            Some(Some(answered)) => Opens::At(*answered + self.rate.per),
            Some(None) => Opens::WithTheNextAnswer,
            None => Opens::Now,
        }
    }

    fn start(&mut self) -> u64 {
        if self.answered.len() >= self.rate.requests as usize {
            self.answered.pop_front();
            self.first += 1;
        }
        self.answered.push_back(None);
        self.first + self.answered.len() as u64 - 1
    }

    fn answer(&mut self, number: u64, now: Instant) {
        // A call that has left the window cannot be: it leaves only after its answer.
        let place = number
            .checked_sub(self.first)
            .and_then(|at| self.answered.get_mut(at as usize));
        if let Some(place) = place {
            *place = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::estimate::{self, Cost, FRESH, Pace};
    use futures::StreamExt;
    use futures::stream::FuturesUnordered;

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
            assert!(window[50] - window[0] >= Duration::from_secs(5));
        }
        let whole = starts[199] - starts[0];
        assert!(
            whole <= Duration::from_secs(15),
            "three further windows, not more: {whole:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn no_delay_on_the_way_brings_too_many_into_one_window() {
        let limiter = Limiter::new(&limits(8, 20, 1));
        let arrivals = std::cell::RefCell::new(Vec::new());
        let mut calls: FuturesUnordered<_> = (0..200_u64)
            .map(|number| {
                let (limiter, arrivals) = (&limiter, &arrivals);
                async move {
                    let turn = limiter.turn().await;
                    // The way there and the way back, each call's own.
                    tokio::time::sleep(Duration::from_millis(number * 37 % 400)).await;
                    arrivals.borrow_mut().push(Instant::now());
                    tokio::time::sleep(Duration::from_millis(number * 53 % 200)).await;
                    drop(turn);
                }
            })
            .collect();
        while calls.next().await.is_some() {}
        let mut arrivals = arrivals.borrow().clone();
        arrivals.sort();
        assert_eq!(arrivals.len(), 200);
        for window in arrivals.windows(21) {
            assert!(window[20] - window[0] >= Duration::from_secs(1));
        }
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

    /// How many of 400 calls of 10 ms are ever out at once.
    async fn most_out(limiter: &Limiter) -> usize {
        let out = std::cell::Cell::new(0);
        let most = std::cell::Cell::new(0);
        let mut calls: FuturesUnordered<_> = (0..400)
            .map(|_| async {
                let turn = limiter.turn().await;
                out.set(out.get() + 1);
                most.set(most.get().max(out.get()));
                tokio::time::sleep(Duration::from_millis(10)).await;
                out.set(out.get() - 1);
                turn.fine();
            })
            .collect();
        while calls.next().await.is_some() {}
        most.get()
    }

    #[tokio::test(start_paused = true)]
    async fn everybody_gets_a_turn_and_no_more_than_allowed_are_out() {
        let limiter = Limiter::new(&Limits {
            concurrency: 10,
            rates: Vec::new(),
        });
        assert_eq!(most_out(&limiter).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn too_much_halves_once_per_round_and_successes_give_back() {
        let limiter = Limiter::new(&Limits {
            concurrency: 8,
            rates: Vec::new(),
        });
        let allowed = || limiter.lock().allowed;
        let (first, second) = (limiter.turn().await, limiter.turn().await);
        tokio::time::advance(Duration::from_millis(5)).await;
        first.too_much();
        second.too_much();
        assert_eq!(
            allowed(),
            4.0,
            "both were out when the vendor first objected"
        );
        drop((first, second));
        assert_eq!(most_out(&limiter).await, 8, "it has recovered on the way");
    }

    /// The time that so many calls of one length take, all asked for at once.
    async fn time_of(calls: usize, limits: &Limits, length: Duration) -> Duration {
        let limiter = Limiter::new(limits);
        let start = Instant::now();
        let mut calls: FuturesUnordered<_> = (0..calls)
            .map(|_| async {
                let turn = limiter.turn().await;
                tokio::time::sleep(length).await;
                turn.fine();
            })
            .collect();
        while calls.next().await.is_some() {}
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_the_places_are_never_idle() {
        let limits = Limits {
            concurrency: 10,
            rates: Vec::new(),
        };
        let length = Duration::from_millis(20);
        // A thousand organizations at Informatica, a thousand licences in two views at Alinea.
        for calls in [1_000_u32, 2_000] {
            let least = length * calls / 10;
            let taken = time_of(calls as usize, &limits, length).await;
            assert!(taken >= least && taken <= least * 11 / 10, "{taken:?}");
        }
    }

    /// What an apply of `writes` objects takes where the account allows 20 calls a second: the steps of
    /// `execute`, without the network.
    async fn apply_time(writes: usize, looks: usize, pace: &Pace) -> Duration {
        let limiter = Limiter::new(&pace.limits);
        let places = tokio::sync::Semaphore::new(pace.limits.concurrency);
        let start = Instant::now();
        let call = || async {
            let turn = limiter.turn().await;
            tokio::time::sleep(pace.answer).await;
            turn.fine();
        };
        let mut steps: FuturesUnordered<_> = (0..writes)
            .map(|_| async {
                let _place = places.acquire().await;
                if start.elapsed() > FRESH {
                    for _ in 0..looks {
                        call().await;
                    }
                }
                call().await;
            })
            .collect();
        while steps.next().await.is_some() {}
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_estimate_is_within_a_fifth_of_the_truth() {
        for (looks, millis) in [(0, 20), (0, 200), (1, 20), (1, 200)] {
            let pace = Pace {
                limits: limits(10, 20, 1),
                answer: Duration::from_millis(millis),
            };
            let truth = apply_time(1_000, looks, &pace).await.as_secs_f64();
            let cost = Cost {
                write: 1,
                again: looks,
            };
            let estimated = estimate::of_writes(&pace, cost, 1_000);
            assert!(
                (estimated / truth - 1.0).abs() < 0.2,
                "{looks} looks of {millis} ms: {estimated} for {truth}"
            );
        }
    }
}
