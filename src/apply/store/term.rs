//! How long a lease is ours, by a clock that runs on while the machine sleeps.
//!
//! A machine that was suspended, or a process that was stopped, must not wake up and send. Rust's `Instant` stands
//! still during sleep on Linux, so this reads `CLOCK_BOOTTIME`. Clocks of two machines are never compared.
//!
//! A lease asked for at 100 s and granted for 60 s ends at 160 s here, although the store started its own count a
//! little later: a holder always gives up before another run can take over. At 131 s a call of 30 s is refused; after a
//! renewal asked for at 150 s the lease ends at 210 s.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::LeaseLost;

/// A point in time since this machine booted, sleep included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootInstant(Duration);

impl BootInstant {
    /// Reads the clock.
    #[cfg(unix)]
    pub fn now() -> Self {
        use rustix::time::{ClockId, clock_gettime};
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = ClockId::Boottime;
        // On other systems the monotonic clock counts sleep.
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

/// The time until which a lease is ours, shared by the lease and the task that renews it.
pub struct LeaseTerm {
    /// When it ends, in nanoseconds since boot.
    ends: AtomicU64,
    lost: OnceLock<LeaseLost>,
}

impl LeaseTerm {
    /// Creates the term of a lease that was asked for at `asked` and granted for `length`. It counts from before the
    /// request went out: the store's own count started later.
    pub fn new(asked: BootInstant, length: Duration) -> Self {
        Self {
            ends: AtomicU64::new(to_nanoseconds(asked.0 + length)),
            lost: OnceLock::new(),
        }
    }

    /// Extends the term: the store renewed the lease for `length` when asked at `asked`. A late answer never shortens
    /// it.
    pub fn renew(&self, asked: BootInstant, length: Duration) {
        let ends = to_nanoseconds(asked.0 + length);
        self.ends.fetch_max(ends, Ordering::AcqRel);
    }

    /// Marks the lease as lost for good. Only the first reason is kept.
    pub fn mark_lost(&self, why: LeaseLost) {
        let _ = self.lost.set(why);
    }

    /// Returns the time that is left at `now`; `None` if the lease is lost or over.
    pub fn remaining(&self, now: BootInstant) -> Option<Duration> {
        let ends = Duration::from_nanos(self.ends.load(Ordering::Acquire));
        let left = ends.checked_sub(now.0).filter(|left| !left.is_zero());
        left.filter(|_| self.lost.get().is_none())
    }

    /// Checks that a call of length `call`, started at `now`, ends before the lease does. `Err` says why it does not.
    pub fn covers(&self, now: BootInstant, call: Duration) -> Result<(), LeaseLost> {
        if let Some(why) = self.lost.get() {
            return Err(why.clone());
        }
        match self.remaining(now) {
            Some(left) if left >= call => Ok(()),
            Some(left) => Err(LeaseLost::EndsTooSoon {
                seconds: left.as_secs(),
            }),
            None => Err(LeaseLost::Expired),
        }
    }
}

/// Converts a duration to nanoseconds; more than 500 years do not occur.
fn to_nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> BootInstant {
        BootInstant(Duration::from_secs(seconds))
    }

    const MINUTE: Duration = Duration::from_secs(60);
    const CALL: Duration = Duration::from_secs(30);

    #[test]
    fn a_call_is_covered_if_it_ends_before_the_lease_does() {
        let term = LeaseTerm::new(at(100), MINUTE);
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
        let term = LeaseTerm::new(at(100), MINUTE);
        term.renew(at(90), MINUTE);
        assert_eq!(term.remaining(at(159)), Some(Duration::from_secs(1)));
        term.mark_lost(LeaseLost::taken_by("ann"));
        term.mark_lost(LeaseLost::taken_by("bob"));
        term.renew(at(159), MINUTE);
        assert_eq!(term.covers(at(160), CALL), Err(LeaseLost::taken_by("ann")));
        assert_eq!(term.remaining(at(160)), None);
    }

    #[test]
    fn the_clock_moves() {
        let before = BootInstant::now();
        assert!(BootInstant::now() >= before);
        assert!(before.0 > Duration::ZERO);
    }
}
