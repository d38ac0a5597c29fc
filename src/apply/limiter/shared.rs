//! Paces the calls to an account that other processes call as well.
//!
//! A call that has got its turn in this process takes a moment of the budget that all processes share, and waits for
//! it. While the store with the budget is away, every process keeps to a fixed share of the vendor's rates.
//!
//! For example, a vendor allows 100 calls per minute and 4 processes share the account. While the store can be
//! reached, one busy process may take all 100 of a minute. While it cannot, each process keeps to 25.

use crate::model::with_causes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::{Limiter, Urgency};
use crate::apply::store::budget::{self, CallBudget, MAX_START_DELAY};
use crate::model::Limits;

/// The time for which an unreachable store is not asked again: asking it before every call would delay all of them.
const AWAY: Duration = Duration::from_secs(30);

/// A share of a budget that all processes of the account draw on.
pub struct SharedPace {
    budget: Arc<dyn CallBudget>,
    /// The number of moments in one reservation.
    block: u32,
    /// Reserved and not used yet. A call that finds none reserves the next block while the others wait.
    moments: Mutex<VecDeque<Instant>>,
    /// Paces this process while the store is away.
    alone: Limiter,
    away_until: Mutex<Option<Instant>>,
    /// Set once the warning about an unreachable store was given, so that it is given once.
    reported: AtomicBool,
}

impl SharedPace {
    /// Draws on `budget`. While it is away, each of `processes` processes keeps to its part of the rates.
    pub fn new(budget: Arc<dyn CallBudget>, limits: &Limits, processes: u32) -> Self {
        let alone = Limits {
            concurrency: limits.concurrency,
            rates: budget::share_rates(&limits.rates, processes),
        };
        Self {
            budget,
            block: budget::block_size(&limits.rates),
            moments: Mutex::default(),
            alone: Limiter::new(&alone),
            away_until: Mutex::default(),
            reported: AtomicBool::new(false),
        }
    }

    /// Waits for a moment at which a call may start. The future may be dropped at any time.
    ///
    /// A moment that has passed by more than [`MAX_START_DELAY`] is given up, as after the machine slept, and the next
    /// one is taken: a late start would count into the window of another process.
    pub async fn start(&self, urgency: Urgency) {
        loop {
            let Some(moment) = self.moment().await else {
                // Its turn is over at once: the call itself has one of its own.
                drop(self.alone.acquire(urgency).await);
                return;
            };
            sleep_until(moment).await;
            // One that is woken late would start within the window of the next.
            if Instant::now() <= moment + MAX_START_DELAY {
                return;
            }
        }
    }

    /// Stops every process of the account for a while. If the store is away, only this process hears of it.
    pub async fn pause(&self, length: Duration) {
        self.moments.lock().await.clear();
        if let Err(error) = self.budget.pause(length).await {
            let error = with_causes(&error);
            tracing::debug!(
                error,
                "other processes do not hear that the vendor wants to be left alone"
            );
        }
    }

    /// Takes the next moment and reserves a block if none is left; `None` while the store is away.
    async fn moment(&self) -> Option<Instant> {
        let mut away = self.away_until.lock().await;
        let now = Instant::now();
        if away.is_some_and(|until| now < until) {
            return None;
        }
        let mut moments = self.moments.lock().await;
        loop {
            match moments.pop_front() {
                Some(moment) if moment + MAX_START_DELAY >= Instant::now() => return Some(moment),
                Some(_) => {}
                None => match self.budget.reserve(self.block).await {
                    Ok(reserved) if !reserved.is_empty() => moments.extend(reserved),
                    Ok(_) => return None,
                    Err(error) => {
                        if !self.reported.swap(true, Ordering::Relaxed) {
                            let error = with_causes(&error);
                            tracing::warn!(
                                error,
                                "other processes are not known: this one keeps to a share of the vendor's rate"
                            );
                        }
                        *away = Some(now + AWAY);
                        return None;
                    }
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Plain;

    use futures::FutureExt;
    use futures::future::{BoxFuture, join_all};

    use super::*;
    use crate::apply::store::StoreError;
    use crate::apply::store::budget::WINDOW_SLACK;
    use crate::model::RateLimit;

    const RATE: RateLimit = RateLimit {
        requests: 5,
        per: Duration::from_secs(1),
    };

    /// A budget that answers so late, if it answers.
    struct Kept {
        handed_out: Plain<Vec<Instant>>,
        paused_until: Plain<Instant>,
        away: AtomicBool,
    }

    impl CallBudget for Kept {
        fn reserve(&self, calls: u32) -> BoxFuture<'_, Result<Vec<Instant>, StoreError>> {
            async move {
                if self.away.load(Ordering::Relaxed) {
                    return Err(StoreError::Unavailable {
                        store: "kept".into(),
                        source: "no route".into(),
                    });
                }
                let mut handed_out = self.handed_out.lock().unwrap();
                let earliest = Instant::now().max(*self.paused_until.lock().unwrap());
                let next = (0..calls).map(|_| {
                    let before = handed_out.iter().rev().nth(RATE.requests as usize - 1);
                    let opens = before.map(|start| *start + RATE.per + WINDOW_SLACK);
                    let start = opens.map_or(earliest, |opens| opens.max(earliest));
                    handed_out.push(start);
                    start
                });
                Ok(next.collect())
            }
            .boxed()
        }

        fn pause(&self, length: Duration) -> BoxFuture<'_, Result<(), StoreError>> {
            *self.paused_until.lock().unwrap() = Instant::now() + length;
            async { Ok(()) }.boxed()
        }
    }

    fn kept() -> Arc<Kept> {
        Arc::new(Kept {
            handed_out: Plain::default(),
            paused_until: Plain::new(Instant::now()),
            away: AtomicBool::new(false),
        })
    }

    fn pace(budget: &Arc<Kept>) -> SharedPace {
        let limits = Limits {
            concurrency: 10,
            rates: vec![RATE],
        };
        SharedPace::new(budget.clone(), &limits, 4)
    }

    /// When each of so many calls started, in milliseconds.
    async fn starts(paces: &[&SharedPace], calls: usize) -> Vec<u128> {
        let begin = Instant::now();
        let calls = (0..calls).map(|number| {
            let pace = paces[number % paces.len()];
            async move {
                pace.start(Urgency::Read).await;
                begin.elapsed().as_millis()
            }
        });
        let mut starts = join_all(calls).await;
        starts.sort_unstable();
        starts
    }

    #[tokio::test(start_paused = true)]
    async fn two_processes_start_no_more_than_one_would() {
        let budget = kept();
        let (one, other) = (pace(&budget), pace(&budget));
        let starts = starts(&[&one, &other], 12).await;
        let expected: Vec<u128> = [[0; 5], [1250; 5]].concat();
        assert_eq!(starts[..10], expected);
        assert_eq!(starts[10..], [2500; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_every_process() {
        let budget = kept();
        let (one, other) = (pace(&budget), pace(&budget));
        one.pause(Duration::from_secs(7)).await;
        assert_eq!(starts(&[&other], 1).await, [7000]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_store_each_keeps_to_its_share() {
        let budget = kept();
        budget.away.store(true, Ordering::Relaxed);
        let pace = pace(&budget);
        // A fourth of five is one a second.
        assert_eq!(starts(&[&pace], 3).await, [0, 1000, 2000]);
        budget.away.store(false, Ordering::Relaxed);
        tokio::time::advance(AWAY).await;
        assert_eq!(starts(&[&pace], 5).await, [0; 5]);
    }
}
