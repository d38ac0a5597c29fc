//! How a look ended, to when the next one is. Pure: chance is an argument.

use std::time::Duration;

/// The first wait after a failure: long enough for a vendor to come back from a restart of one machine,
/// short enough that nobody waits for a typo on the way to it.
const FIRST: Duration = Duration::from_secs(5);

/// The first and the longest wait after the source could not be read: no event tells that a network file system is
/// back or that a file may be read again, and a look at unchanged files costs next to nothing.
const READ_FIRST: Duration = Duration::from_secs(1);
const READ_LONGEST: Duration = Duration::from_secs(30);

/// How a look ended, as far as the next one is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is left to do, or nothing that trying again would help.
    Settled,
    /// It failed in a way that may pass.
    Passing,
    /// It waits for a moment that is known: a window opens, a suspension ends, a lock is free.
    Until(Duration),
}

/// The wait until the next look, and the failures in a row so far. `resync` is the regular wait and the
/// longest one; `chance` is between 0 and 1.
pub fn next(ended: Ended, failures: u32, resync: Duration, chance: f64) -> (Duration, u32) {
    match ended {
        Ended::Settled => (resync, 0),
        Ended::Passing => (
            backoff(failures, resync, chance),
            failures.saturating_add(1),
        ),
        Ended::Until(wait) => (wait.min(resync), 0),
    }
}

/// Doubles with every failure, up to the regular wait. Half of each wait is up to chance, so that what
/// failed together is not tried again together.
pub fn backoff(failures: u32, longest: Duration, chance: f64) -> Duration {
    exponential(FIRST, failures, longest, chance)
}

/// The wait until a source that could not be read is read again; `regular` is the wait without failures.
pub fn read_backoff(failures: u32, regular: Duration, chance: f64) -> Duration {
    exponential(READ_FIRST, failures, READ_LONGEST.min(regular), chance)
}

fn exponential(first: Duration, failures: u32, longest: Duration, chance: f64) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.min(16)));
    doubled
        .min(longest)
        .mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// The regular wait, a tenth of it up to chance: two daemons started together drift apart. It never grows
/// beyond what was asked for.
pub fn round(resync: Duration, chance: f64) -> Duration {
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
            let (wait, more) = next(Ended::Passing, failures, RESYNC, 1.0);
            failures = more;
            waits.push(wait.as_secs());
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(next(Ended::Settled, failures, RESYNC, 0.5), (RESYNC, 0));
    }

    #[test]
    fn chance_moves_a_wait_by_half_and_a_round_by_a_tenth() {
        assert_eq!(backoff(0, RESYNC, 0.0).as_millis(), 2500);
        assert_eq!(backoff(u32::MAX, RESYNC, 0.0).as_secs(), 300);
        assert_eq!(round(RESYNC, 0.0), RESYNC);
        assert_eq!(round(RESYNC, 1.0).as_secs(), 540);
    }

    #[test]
    fn a_known_moment_is_waited_for_but_no_longer_than_the_regular_wait() {
        let soon = Duration::from_secs(30);
        assert_eq!(next(Ended::Until(soon), 3, RESYNC, 0.0), (soon, 0));
        assert_eq!(next(Ended::Until(RESYNC * 9), 0, RESYNC, 0.0).0, RESYNC);
    }

    #[test]
    fn a_source_is_read_again_after_a_second_and_every_half_minute_at_the_latest() {
        let waits = |regular| {
            let waits = (0..7).map(|failures| read_backoff(failures, regular, 1.0).as_secs());
            waits.collect::<Vec<u64>>()
        };
        assert_eq!(waits(RESYNC), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(waits(Duration::from_secs(3)), [1, 2, 3, 3, 3, 3, 3]);
        assert_eq!(read_backoff(0, RESYNC, 0.0).as_millis(), 500);
    }

    #[test]
    fn a_wait_grows_for_sixteen_failures_and_no_further() {
        let wait = |failures| backoff(failures, Duration::MAX, 1.0).as_secs();
        assert_eq!((wait(0), wait(1)), (5, 10));
        assert_eq!(wait(16), 5 << 16);
        assert_eq!(wait(17), 5 << 16);
        assert_eq!(next(Ended::Passing, u32::MAX, RESYNC, 0.0).1, u32::MAX);
    }

    #[test]
    fn chance_beyond_its_bounds_counts_as_its_bound() {
        assert_eq!(backoff(0, RESYNC, 0.5).as_millis(), 3750);
        assert_eq!(backoff(0, RESYNC, 7.0), backoff(0, RESYNC, 1.0));
        assert_eq!(backoff(0, RESYNC, -7.0), backoff(0, RESYNC, 0.0));
        assert_eq!(round(RESYNC, 0.5).as_secs(), 570);
        assert_eq!(round(RESYNC, 7.0), round(RESYNC, 1.0));
        assert_eq!(round(RESYNC, -7.0), round(RESYNC, 0.0));
    }
}
