//! Remembers deliveries that were taken, so that a repetition wakes nothing.
//!
//! Vendors send an event again when they missed the reply, and a recorded delivery could be replayed: Cryptlex signs
//! no time, so its signature stays valid for ever. The memory is bounded in time and number. A replay that outlives
//! it costs one look at one object, which is all that a trigger can do.
//!
//! # Example
//!
//! | time | delivery | result |
//! | --- | --- | --- |
//! | 12:00:00 | the event, for the first time | taken, one object is woken |
//! | 12:05:00 | the vendor's retry, the same bytes | repeated |
//! | 12:40:00 | a replay of a LicenseSpring delivery | unproved: its signed time is more than 300 s old |
//! | 13:00:01 | a replay of a Cryptlex delivery | taken: one object is looked at once more |
//!
//! A signed time may be up to 1,800 s in the future and 300 s old, so it is valid for 2,100 s at most: less than the
//! hour of this memory.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// How long a delivery is remembered: longer than any vendor's retries are known to go on (Cryptlex: five times, 300
/// s apart), and than any signed time stays valid (`provider::signature`).
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// The largest number of remembered deliveries: they take a third of a megabyte.
const MOST: usize = 4_096;

/// The digests of deliveries that were taken, the oldest first.
#[derive(Default)]
pub struct ReplayGuard {
    order: VecDeque<([u8; 32], Timestamp)>,
    known: HashMap<[u8; 32], Timestamp>,
}

impl ReplayGuard {
    /// Reports whether a delivery was taken within the last hour.
    pub fn contains(&mut self, digest: &[u8; 32], now: Timestamp) -> bool {
        self.forget_old(now);
        self.known.contains_key(digest)
    }

    /// Records that a delivery was taken.
    pub fn remember(&mut self, digest: [u8; 32], now: Timestamp) {
        if self.known.insert(digest, now).is_none() {
            self.order.push_back((digest, now));
        }
        self.forget_old(now);
    }

    /// Forgets what is too old or too much.
    fn forget_old(&mut self, now: Timestamp) {
        while let Some((digest, at)) = self.order.front() {
            // A clock that was set back keeps entries longer; the count still bounds them.
            if self.order.len() <= MOST && now.duration_since(*at) <= WINDOW {
                break;
            }
            self.known.remove(digest);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u32) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..4].copy_from_slice(&number.to_be_bytes());
        digest
    }

    #[test]
    fn a_signed_time_grows_too_old_before_its_delivery_is_forgotten() {
        use crate::provider::signature::{MAX_AHEAD, TOLERANCE};
        assert!(MAX_AHEAD + TOLERANCE < WINDOW.as_secs());
    }

    #[test]
    fn a_delivery_is_remembered_for_the_window_and_the_memory_is_bounded() {
        let now = Timestamp::from_second(1_700_000_000).expect("a time");
        let mut seen = ReplayGuard::default();
        seen.remember(digest(0), now);
        assert!(seen.contains(&digest(0), now + WINDOW));
        assert!(!seen.contains(&digest(1), now));
        let later = now + WINDOW + SignedDuration::from_secs(1);
        assert!(!seen.contains(&digest(0), later));

        for number in 0..2 * MOST as u32 {
            seen.remember(digest(number), later);
        }
        assert_eq!((seen.order.len(), seen.known.len()), (MOST, MOST));
        assert!(!seen.contains(&digest(0), later));
        assert!(seen.contains(&digest(2 * MOST as u32 - 1), later));
    }
}
