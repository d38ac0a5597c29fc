//! Deliveries that were taken already.
//!
//! Vendors send an event again when they missed the answer, and Cryptlex signs no time, so that a recorded
//! delivery stays valid. What was taken is remembered for a while, and taking it again wakes nothing. The
//! memory is bounded; a replay that outlives it costs one look at one object, which is all that a hint can.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

/// How long a delivery is remembered: longer than any vendor's retries are known to go on (Cryptlex: five
/// times, 300 s apart), and than any signed time stays good (`provider::signature`).
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Deliveries remembered: a third of a megabyte of them.
const MOST: usize = 4_096;

/// The digests of what was taken, the oldest first.
#[derive(Default)]
pub struct Seen {
    order: VecDeque<([u8; 32], Timestamp)>,
    known: HashMap<[u8; 32], Timestamp>,
}

impl Seen {
    pub fn contains(&mut self, digest: &[u8; 32], now: Timestamp) -> bool {
        self.forget(now);
        self.known.contains_key(digest)
    }

    pub fn remember(&mut self, digest: [u8; 32], now: Timestamp) {
        if self.known.insert(digest, now).is_none() {
            self.order.push_back((digest, now));
        }
        self.forget(now);
    }

    fn forget(&mut self, now: Timestamp) {
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
        let mut seen = Seen::default();
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
