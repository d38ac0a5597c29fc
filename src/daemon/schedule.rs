//! Computes the time of the next look from the outcome of the last one. Pure: chance is an argument.
//!
//! # Example: back-off
//!
//! With a resync of 600 s and an object that keeps failing, the waits are 5, 10, 20, 40, 80, 160, 320, 600, 600 …
//! seconds: doubled with every failure, at most the resync. A success ends the row, and the next failure waits 5 s
//! again. These are the longest waits: chance takes up to half of each, so the first one is between 2.5 and 5 s.
//! Without that, a thousand objects of a vendor that was down would all be tried again in the same second.
//!
//! The source backs off faster and not as far: 1, 2, 4, 8, 16, 30, 30 … seconds.
//!
//! The regular wait loses up to a tenth by chance: between 540 and 600 s. Two daemons that were started together
//! drift apart.

use std::time::Duration;

/// The wait after the first failure: long enough for a vendor to restart one machine, short enough for a user
/// who has just corrected a mistake and waits for the result.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// The wait after the source could not be read for the first time. No event tells that a network file system is back
/// or that a file may be read again, and looking at unchanged files costs next to nothing.
const SOURCE_FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest wait after the source could not be read.
const SOURCE_LAST_RETRY: Duration = Duration::from_secs(30);

/// When an object is looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// At the next resync: nothing is left to do, or another attempt would not help.
    AtResync,
    /// After a back-off: the look failed for a reason that may pass.
    WithBackoff,
    /// At a moment that is known: a window opens, a suspension ends, a lease may be free.
    After(Duration),
}

/// Returns the wait until the next look, and the failures in a row so far.
///
/// `resync` is the regular wait and the longest one. `chance` is between 0 and 1; values outside count as the nearer
/// bound.
pub fn next_wait(
    requeue: Requeue,
    failures: u32,
    resync: Duration,
    chance: f64,
) -> (Duration, u32) {
    match requeue {
        Requeue::AtResync => (resync, 0),
        Requeue::WithBackoff => (
            failure_backoff(failures, resync, chance),
            failures.saturating_add(1),
        ),
        Requeue::After(wait) => (wait.min(resync), 0),
    }
}

/// Returns the wait after `failures` failures in a row, at most `longest`.
pub fn failure_backoff(failures: u32, longest: Duration, chance: f64) -> Duration {
    exponential_wait(FIRST_RETRY, failures, longest, chance)
}

/// Returns the wait until a source that could not be read is read again. `regular` is the wait without failures.
pub fn source_backoff(failures: u32, regular: Duration, chance: f64) -> Duration {
    exponential_wait(
        SOURCE_FIRST_RETRY,
        failures,
        SOURCE_LAST_RETRY.min(regular),
        chance,
    )
}

/// Doubles `first` with every failure up to `longest`, and takes away up to half of it by chance.
fn exponential_wait(first: Duration, failures: u32, longest: Duration, chance: f64) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.min(16)));
    doubled
        .min(longest)
        .mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// Returns the regular wait, less up to a tenth by chance. It is never longer than what was asked for.
pub fn jittered_resync(resync: Duration, chance: f64) -> Duration {
    resync.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESYNC: Duration = Duration::from_secs(600);

    #[test]
    fn failures_back_off_up_to_the_regular_wait_and_one_success_forgets_them() {
        let mut failures = 0;
        let mut waits = Vec::new();
        for _ in 0..9 {
            let (wait, more) = next_wait(Requeue::WithBackoff, failures, RESYNC, 1.0);
            failures = more;
            waits.push(wait.as_secs());
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(
            next_wait(Requeue::AtResync, failures, RESYNC, 0.5),
            (RESYNC, 0)
        );
    }

    #[test]
    fn chance_moves_a_wait_by_half_and_a_round_by_a_tenth() {
        assert_eq!(failure_backoff(0, RESYNC, 0.0).as_millis(), 2500);
        assert_eq!(failure_backoff(u32::MAX, RESYNC, 0.0).as_secs(), 300);
        assert_eq!(jittered_resync(RESYNC, 0.0), RESYNC);
        assert_eq!(jittered_resync(RESYNC, 1.0).as_secs(), 540);
    }

    #[test]
    fn a_known_moment_is_waited_for_but_no_longer_than_the_regular_wait() {
        let soon = Duration::from_secs(30);
        assert_eq!(next_wait(Requeue::After(soon), 3, RESYNC, 0.0), (soon, 0));
        assert_eq!(
            next_wait(Requeue::After(RESYNC * 9), 0, RESYNC, 0.0).0,
            RESYNC
        );
    }

    #[test]
    fn a_source_is_read_again_after_a_second_and_every_half_minute_at_the_latest() {
        let waits = |regular| {
            let waits = (0..7).map(|failures| source_backoff(failures, regular, 1.0).as_secs());
            waits.collect::<Vec<u64>>()
        };
        assert_eq!(waits(RESYNC), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(waits(Duration::from_secs(3)), [1, 2, 3, 3, 3, 3, 3]);
        assert_eq!(source_backoff(0, RESYNC, 0.0).as_millis(), 500);
    }

    #[test]
    fn a_wait_grows_for_sixteen_failures_and_no_further() {
        let wait = |failures| failure_backoff(failures, Duration::MAX, 1.0).as_secs();
        assert_eq!((wait(0), wait(1)), (5, 10));
        assert_eq!(wait(16), 5 << 16);
        assert_eq!(wait(17), 5 << 16);
        assert_eq!(
            next_wait(Requeue::WithBackoff, u32::MAX, RESYNC, 0.0).1,
            u32::MAX
        );
    }

    #[test]
    fn chance_beyond_its_bounds_counts_as_its_bound() {
        assert_eq!(failure_backoff(0, RESYNC, 0.5).as_millis(), 3750);
        assert_eq!(
            failure_backoff(0, RESYNC, 7.0),
            failure_backoff(0, RESYNC, 1.0)
        );
        assert_eq!(
            failure_backoff(0, RESYNC, -7.0),
            failure_backoff(0, RESYNC, 0.0)
        );
        assert_eq!(jittered_resync(RESYNC, 0.5).as_secs(), 570);
        assert_eq!(jittered_resync(RESYNC, 7.0), jittered_resync(RESYNC, 1.0));
        assert_eq!(jittered_resync(RESYNC, -7.0), jittered_resync(RESYNC, 0.0));
    }
}
