//! How long a lease is ours, by a clock that runs on while the machine sleeps.
//!
//! A machine that is suspended, or whose program is stopped, must not come back and send. Rust's `Instant` stands still
//! meanwhile on Linux, so this asks `CLOCK_BOOTTIME`. No clock is compared with another machine's.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::LeaseLost;

/// A point in time on this machine's own clock, sleep included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    #[cfg(unix)]
    pub fn now() -> Self {
        use rustix::time::{ClockId, clock_gettime};
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = ClockId::Boottime;
        // Elsewhere the monotonic clock counts sleep.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let clock = ClockId::Monotonic;
        let now = clock_gettime(clock);
        let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
        let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or_default();
        Self(Duration::new(seconds, nanoseconds))
    }

    #[cfg(not(unix))]
    pub fn now() -> Self {
        static START: OnceLock<std::time::Instant> = OnceLock::new();
        Self(START.get_or_init(std::time::Instant::now).elapsed())
    }
}

/// The time until which a lease is ours, shared by the lease and by whatever renews it.
pub struct Term {
    /// Nanoseconds on the clock of [`Moment`].
    ends: AtomicU64,
    lost: OnceLock<LeaseLost>,
}

impl Term {
    /// A lease that was asked for at `asked` and granted for `length`. It counts from before the question went out: the
    /// store's own clock started later.
    pub fn new(asked: Moment, length: Duration) -> Self {
        Self {
            ends: AtomicU64::new(nanoseconds(asked.0 + length)),
            lost: OnceLock::new(),
        }
    }

    /// The store renewed it for `length` when asked at `asked`.
    pub fn renew(&self, asked: Moment, length: Duration) {
        let ends = nanoseconds(asked.0 + length);
        self.ends.fetch_max(ends, Ordering::AcqRel);
    }

    /// Somebody else has it. It never comes back; the first reason stands.
    pub fn lose(&self, why: LeaseLost) {
        let _ = self.lost.set(why);
    }

    /// Returns how much of it is left at `now`; `None` if it is lost or over.
    pub fn left(&self, now: Moment) -> Option<Duration> {
        let ends = Duration::from_nanos(self.ends.load(Ordering::Acquire));
        let left = ends.checked_sub(now.0).filter(|left| !left.is_zero());
        left.filter(|_| self.lost.get().is_none())
    }

    /// Checks that a call of this length, started at `now`, ends before the lease does.
    pub fn covers(&self, now: Moment, call: Duration) -> Result<(), LeaseLost> {
        if let Some(why) = self.lost.get() {
            return Err(why.clone());
        }
        match self.left(now) {
            Some(left) if left >= call => Ok(()),
            Some(left) => Err(LeaseLost::EndsTooSoon {
                seconds: left.as_secs(),
            }),
            None => Err(LeaseLost::Expired),
        }
    }
}

/// More than 500 years do not occur.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    const MINUTE: Duration = Duration::from_secs(60);
    const CALL: Duration = Duration::from_secs(30);

    #[test]
    fn a_call_is_covered_if_it_ends_before_the_lease_does() {
        let term = Term::new(at(100), MINUTE);
        assert_eq!(term.covers(at(130), CALL), Ok(()));
        let why = term.covers(at(131), CALL).unwrap_err();
        assert_eq!(why, LeaseLost::EndsTooSoon { seconds: 29 });
        let why = term.covers(at(160), Duration::ZERO).unwrap_err();
        assert_eq!(why, LeaseLost::Expired);
        term.renew(at(150), MINUTE);
        assert_eq!(term.covers(at(180), CALL), Ok(()));
    }

    #[test]
    fn a_late_renewal_does_not_shorten_it_and_a_lost_lease_stays_lost() {
        let term = Term::new(at(100), MINUTE);
        term.renew(at(90), MINUTE);
        assert_eq!(term.left(at(159)), Some(Duration::from_secs(1)));
        term.lose(LeaseLost::taken_by("ann"));
        term.lose(LeaseLost::taken_by("bob"));
        term.renew(at(159), MINUTE);
        assert_eq!(term.covers(at(160), CALL), Err(LeaseLost::taken_by("ann")));
        assert_eq!(term.left(at(160)), None);
    }

    #[test]
    fn the_clock_moves() {
        let before = Moment::now();
        assert!(Moment::now() >= before);
        assert!(before.0 > Duration::ZERO);
    }
}
