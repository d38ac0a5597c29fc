//! The calls that all processes of an account may start, whoever makes them.
//!
//! A vendor counts the calls of an account, not those of a process. So a store that several processes share hands out
//! the moments at which calls may start, in blocks, and every process keeps to those it was given.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::StoreError;
use crate::model::RateLimit;

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

/// Returns how many moments are reserved at once: a tenth of the tightest rate, so that another process that begins
/// meanwhile need not wait long.
pub fn block(rates: &[RateLimit]) -> u32 {
    let tightest = rates.iter().map(|rate| rate.requests).min();
    (tightest.unwrap_or(1) / 10).max(1)
}

/// Returns the rates of one of so many processes that cannot ask each other.
pub fn share(rates: &[RateLimit], processes: u32) -> Vec<RateLimit> {
    let share = |rate: &RateLimit| RateLimit {
        requests: (rate.requests / processes.max(1)).max(1),
        per: rate.per,
    };
    rates.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(requests: u32, seconds: u64) -> RateLimit {
        RateLimit {
            requests,
            per: Duration::from_secs(seconds),
        }
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
