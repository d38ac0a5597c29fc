//! Limits how often one peer may send webhooks.
//!
//! Each peer has a token bucket, so that a peer that floods the hooks shuts out no other. The table is bounded: peers
//! that find no room in it share one bucket.
//!
//! # Example
//!
//! A bucket holds 120 tokens and gets 20 back per second. Of 130 deliveries in one instant 120 are taken; the next
//! one gets the reply to wait 50 ms, the time for one token. A vendor's burst of 100 after a bulk change passes at
//! once, and a steady 20 per second pass for ever. After six silent seconds the bucket is full again and the peer is
//! forgotten.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Deliveries in a row, and how fast they come back. Vendors stay below; they repeat
/// a delivery that is refused.
const BURST: f64 = 120.0;
const PER_SECOND: f64 = 20.0;

/// Peers that have a bucket of their own.
const MOST: usize = 1_024;

/// The token buckets of all peers. The key `None` is the bucket that peers without one share.
#[derive(Default)]
pub struct PeerLimiter {
    peers: HashMap<Option<IpAddr>, PeerBudget>,
}

/// One token bucket.
struct PeerBudget {
    left: f64,
    at: Instant,
}

impl PeerLimiter {
    /// Takes one token of a peer. `Err` has the time until the next one.
    pub fn take(&mut self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut key = Some(peer_network(peer));
        if !self.peers.contains_key(&key) && self.peers.len() >= MOST {
            // A full budget is the same as none.
            self.peers.retain(|_, budget| budget.refill(now) < BURST);
            if self.peers.len() >= MOST {
                key = None;
            }
        }
        let budget = self.peers.entry(key).or_insert(PeerBudget {
            left: BURST,
            at: now,
        });
        if budget.refill(now) < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - budget.left) / PER_SECOND));
        }
        budget.left -= 1.0;
        Ok(())
    }
}

impl PeerBudget {
    /// Adds the tokens of the time that passed. Returns how many there are now.
    fn refill(&mut self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * PER_SECOND).min(BURST);
        self.at = now;
        self.left
    }
}

/// Returns the key of a peer: its IPv4 address, or the 64-bit network of its IPv6 address, which one subscriber has.
pub fn peer_network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_flood_is_held_up_and_hurts_nobody_else() {
        let (mut rate, now) = (PeerLimiter::default(), Instant::now());
        let taken = (0..1_000)
            .filter(|_| rate.take(peer("192.0.2.1"), now).is_ok())
            .count();
        assert_eq!(taken, BURST as usize);
        let wait = rate.take(peer("192.0.2.1"), now).expect_err("too many");
        assert!(rate.take(peer("192.0.2.2"), now).is_ok());
        assert!(rate.take(peer("192.0.2.1"), now + wait).is_ok());
    }

    #[test]
    fn one_network_is_one_peer_and_the_table_is_bounded() {
        let (mut rate, now) = (PeerLimiter::default(), Instant::now());
        for number in 0..10_000_u32 {
            let address = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, number as u16]);
            let _ = rate.take(address, now);
        }
        assert!(rate.take(peer("2001:db8::ffff"), now).is_err());
        assert_eq!(rate.peers.len(), 1);
        for number in 0..10_000_u32 {
            let _ = rate.take(IpAddr::from(number.to_be_bytes()), now);
        }
        assert_eq!(rate.peers.len(), MOST + 1);
        let later = now + Duration::from_secs(60);
        assert!(rate.take(peer("203.0.113.9"), later).is_ok());
        assert_eq!(
            rate.peers.len(),
            1,
            "those who have been away are forgotten"
        );
    }
}
