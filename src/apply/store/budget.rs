//! The calls that all processes of an account may start, whoever makes them.
//!
//! A vendor counts the calls of an account, not those of a process. So a store that several processes share hands out
//! the moments at which calls may start, in blocks, and every process keeps to those it was given.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::StoreError;
use crate::model::Rate;

/// A call reaches the vendor a little after its start, and not always as much later. With starts spaced by just the
/// window, 58 to 68 of 50 were seen in one; with this much more, 50.
pub const SLACK: Duration = Duration::from_millis(250);

/// How late a call may start. One that comes later takes another moment: its own belongs to the next window by now.
pub const LATEST: Duration = Duration::from_millis(125);

/// What all processes of an account may do together.
pub trait Budget: Send + Sync {
    /// Reserves the moments of so many calls, by this machine's clock, the first first. They are nobody else's from then
    /// on, whether a call is made or not.
    fn reserve(&self, calls: u32) -> BoxFuture<'_, Result<Vec<Instant>, StoreError>>;

    /// Lets no process start a call for this long: the vendor asked for it.
    fn pause(&self, length: Duration) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// The moments that were handed out at one rate, in microseconds on the store's own clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The last ones, as many as the rate allows, in order.
    pub starts: Vec<i64>,
    pub paused_until: Option<i64>,
}

/// Hands out the moments of so many calls at `now`: at every rate each comes as much later than the one that is `requests`
/// before it as its window is long.
pub fn hand_out(windows: &mut [(Rate, Window)], now: i64, calls: u32) -> Vec<i64> {
    let mut moments = Vec::new();
    for _ in 0..calls {
        let mut start = now;
        for (rate, window) in windows.iter() {
            start = start.max(window.opens(rate));
        }
        for (rate, window) in windows.iter_mut() {
            window.add(rate, start);
        }
        moments.push(start);
    }
    moments
}

impl Window {
    /// Returns when the next call may start.
    fn opens(&self, rate: &Rate) -> i64 {
        let most = usize::try_from(rate.requests.max(1)).unwrap_or(usize::MAX);
        let before = self.starts.len().checked_sub(most);
        let before = before.and_then(|at| self.starts.get(at));
        let opens = before.map(|start| start.saturating_add(micros(rate.per + SLACK)));
        opens.max(self.paused_until).unwrap_or(i64::MIN)
    }

    fn add(&mut self, rate: &Rate, start: i64) {
        let most = usize::try_from(rate.requests.max(1)).unwrap_or(usize::MAX);
        self.starts.push(start);
        let more = self.starts.len().saturating_sub(most);
        self.starts.drain(..more);
    }
}

/// More than 200,000 years do not occur.
fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

/// Returns how many moments are reserved at once: a tenth of the tightest rate, so that another process that begins
/// meanwhile need not wait long.
pub fn block(rates: &[Rate]) -> u32 {
    let tightest = rates.iter().map(|rate| rate.requests).min();
    (tightest.unwrap_or(1) / 10).max(1)
}

/// Returns the rates of one of so many processes that cannot ask each other.
pub fn share(rates: &[Rate], processes: u32) -> Vec<Rate> {
    let share = |rate: &Rate| Rate {
        requests: (rate.requests / processes.max(1)).max(1),
        per: rate.per,
    };
    rates.iter().map(share).collect()
}

/// Windows by the rate that they are of, as stores name them: `50/5000` is fifty in five seconds.
pub fn name(rate: &Rate) -> String {
    format!("{}/{}", rate.requests, rate.per.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn rate(requests: u32, seconds: u64) -> Rate {
        Rate {
            requests,
            per: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn at_no_rate_are_there_more_calls_in_a_window_than_it_allows() {
        let rates = [rate(5, 1), rate(20, 10)];
        let mut windows = rates.map(|rate| (rate, Window::default()));
        let mut all = Vec::new();
        // Eight processes that ask for blocks at odd times.
        for ask in 0..40_i64 {
            let now = ask * 370_000;
            all.extend(hand_out(&mut windows, now, 3));
        }
        assert_eq!(all.len(), 120);
        assert!(all.is_sorted());
        for rate in rates {
            let window = micros(rate.per + SLACK);
            for (at, first) in all.iter().enumerate() {
                let within = all[at..].iter().filter(|start| **start < first + window);
                assert!(within.count() <= rate.requests as usize, "{rate:?} {first}");
            }
        }
        // The whole allowance is used: twenty in ten seconds and the slack.
        assert_eq!(all[20], all[0] + 10_250_000);
    }

    #[test]
    fn nobody_starts_before_a_pause_is_over() {
        let mut windows = [(rate(5, 1), Window::default())];
        assert_eq!(hand_out(&mut windows, SECOND, 1), [SECOND]);
        windows[0].1.paused_until = Some(60 * SECOND);
        assert_eq!(hand_out(&mut windows, 2 * SECOND, 1), [60 * SECOND]);
        assert_eq!(hand_out(&mut windows, 70 * SECOND, 1), [70 * SECOND]);
    }

    #[test]
    fn a_block_is_a_tenth_and_a_share_is_never_nothing() {
        assert_eq!(block(&[rate(50, 5), rate(600, 60)]), 5);
        assert_eq!(block(&[rate(3, 1)]), 1);
        assert_eq!(
            share(&[rate(50, 5), rate(3, 1)], 4),
            [rate(12, 5), rate(1, 1)]
        );
    }
}
