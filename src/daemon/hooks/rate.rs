//! How often one peer may knock.
//!
//! A budget per peer, so that one who floods the hooks shuts out nobody else. The table is bounded: peers that
//! find no place in it share one budget.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Knocks in a row, and how fast they come back. A vendor's burst after a bulk change stays below; a
/// delivery that is turned away is sent again by the vendor.
const BURST: f64 = 120.0;
const PER_SECOND: f64 = 20.0;

/// Peers that have a budget of their own.
const MOST: usize = 1_024;

#[derive(Default)]
pub struct Rate {
    peers: HashMap<Option<IpAddr>, Budget>,
}

struct Budget {
    left: f64,
    at: Instant,
}

impl Rate {
    /// Takes one knock from a peer's budget, or says how long to stay away.
    pub fn knock(&mut self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut key = Some(network(peer));
        if !self.peers.contains_key(&key) && self.peers.len() >= MOST {
            // A full budget is the same as none.
            self.peers.retain(|_, budget| budget.refill(now) < BURST);
            if self.peers.len() >= MOST {
                key = None;
            }
        }
        let budget = self.peers.entry(key).or_insert(Budget {
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

impl Budget {
    fn refill(&mut self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * PER_SECOND).min(BURST);
        self.at = now;
        self.left
    }
}

/// One subscriber: an IPv4 address or the 64-bit network of an IPv6 address.
pub fn network(peer: IpAddr) -> IpAddr {
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
        let (mut rate, now) = (Rate::default(), Instant::now());
        let taken = (0..1_000)
            .filter(|_| rate.knock(peer("192.0.2.1"), now).is_ok())
            .count();
        assert_eq!(taken, BURST as usize);
        let wait = rate.knock(peer("192.0.2.1"), now).expect_err("too many");
        assert!(rate.knock(peer("192.0.2.2"), now).is_ok());
        assert!(rate.knock(peer("192.0.2.1"), now + wait).is_ok());
    }

    #[test]
    fn one_network_is_one_peer_and_the_table_is_bounded() {
        let (mut rate, now) = (Rate::default(), Instant::now());
        for number in 0..10_000_u32 {
            let address = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, number as u16]);
            let _ = rate.knock(address, now);
        }
        assert!(rate.knock(peer("2001:db8::ffff"), now).is_err());
        assert_eq!(rate.peers.len(), 1);
        for number in 0..10_000_u32 {
            let _ = rate.knock(IpAddr::from(number.to_be_bytes()), now);
        }
        assert_eq!(rate.peers.len(), MOST + 1);
        let later = now + Duration::from_secs(60);
        assert!(rate.knock(peer("203.0.113.9"), later).is_ok());
        assert_eq!(
            rate.peers.len(),
            1,
            "those who have been away are forgotten"
        );
    }
}
