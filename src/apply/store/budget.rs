//! The call budget that all processes of an account share.
//!
//! A vendor counts the calls of an account, not those of a process. So a shared store hands out the moments at which
//! calls may start, in blocks, and each process starts its calls at the moments it was given.
//!
//! # Example
//!
//! The vendor allows 50 calls in 5 s. Two processes, A and B, start at once, with an empty budget:
//!
//! ```text
//! block     a tenth of the rate: 5 moments for each request to the store
//! A and B   reserve ten blocks of 5 together, all at 0 s: 50 calls may start at once
//! then      the 51st moment is one window behind the first: 5 s + 250 ms slack = 5.25 s
//! 429       the vendor asks for 30 s: `pause`, and no process gets a moment before 30 s
//! ```
//!
//! A call that starts more than 125 ms after its moment has lost it ([`MAX_START_DELAY`]) and reserves another. A store
//! without a budget gives each of n processes a share of the rate: with 4 processes, 12 calls in 5 s each.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::StoreError;
use crate::model::RateLimit;

/// Added to each window, since a call reaches the vendor a little after its start, and not always by the same delay.
/// With starts spaced by exactly the window, 58 to 68 calls of 50 allowed were measured in one; with this slack, 50.
pub const WINDOW_SLACK: Duration = Duration::from_millis(250);

/// How late a call may start. A call that starts later needs another moment: its own belongs to the next window by
/// then.
pub const MAX_START_DELAY: Duration = Duration::from_millis(125);

/// The calls that all processes of an account may start together.
pub trait CallBudget: Send + Sync {
    /// Reserves start moments for up to `calls` calls, by this machine's clock, earliest first. No other process gets
    /// them, whether the calls are made or not.
    fn reserve(&self, calls: u32) -> BoxFuture<'_, Result<Vec<Instant>, StoreError>>;

    /// Lets no process start a call for `length`: the vendor asked for it.
    fn pause(&self, length: Duration) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Returns how many moments to reserve at once: a tenth of the tightest rate and at least 1, so that a process that
/// begins meanwhile need not wait long. 50 calls in 5 s and 600 in 60 s give 5.
pub fn block_size(rates: &[RateLimit]) -> u32 {
    let tightest = rates.iter().map(|rate| rate.requests).min();
    (tightest.unwrap_or(1) / 10).max(1)
}

/// Returns the rates for one of `processes` processes that share no budget: 50 calls in 5 s among 4 are 12 each, and
/// never less than 1.
pub fn share_rates(rates: &[RateLimit], processes: u32) -> Vec<RateLimit> {
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
        assert_eq!(block_size(&[rate(50, 5), rate(600, 60)]), 5);
        assert_eq!(block_size(&[rate(3, 1)]), 1);
        assert_eq!(
            share_rates(&[rate(50, 5), rate(3, 1)], 4),
            [rate(12, 5), rate(1, 1)]
        );
    }
}
