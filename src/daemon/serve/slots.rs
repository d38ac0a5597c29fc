//! The slots of open connections: their number, the peer that holds each one, and the rule by which one is evicted.
//!
//! A connection beyond a bound is not simply refused: a probe may come from the very address that a flood comes from,
//! since behind a load balancer all of them do. So the oldest connection that is not in a request gives its slot to
//! the new one. Only if all are in requests, which have bounds of their own, the new one is refused.
//!
//! For example with two slots per peer: a client holds connections A (in a request) and B (silent). Its third
//! connection C takes B's slot, and B is closed. If B were in a request too, C would be refused.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use tokio::sync::Notify;

use crate::daemon::hooks::peer_network;

/// The bounds of the accept loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionBounds {
    /// Connections at the same time.
    pub all: usize,
    /// Connections of one peer at the same time. Loopback is a peer like any other, so that a program on this machine
    /// leaves room for a probe from elsewhere.
    pub per_peer: usize,
    /// How long a request head may take, counted from the start of the connection or the end of the request before.
    pub header_timeout: Duration,
}

impl ConnectionBounds {
    /// Far more than a team with its dashboards, a proxy, probes and the webhooks of vendors need.
    pub const DEFAULT: Self = Self {
        all: 256,
        per_peer: 32,
        header_timeout: Duration::from_secs(10),
    };

    /// Descriptors that connections leave to the daemon's own work: 16 calls at once to each of a few vendors, the
    /// files that are read on all cores, the journal, locks, watches and git.
    pub const RESERVE: usize = 160;

    /// Returns the default bounds, reduced to what a limit of descriptors leaves. At least 8 connections are allowed:
    /// a daemon that cannot be probed is restarted.
    ///
    /// For example a limit of 256 leaves 256 - 160 = 96 connections, of which one peer may have 32; a limit of 200
    /// leaves 40, and 20 for one peer.
    pub fn for_descriptor_limit(descriptors: Option<u64>) -> Self {
        let limit = descriptors.and_then(|limit| usize::try_from(limit).ok());
        let room = limit.map_or(usize::MAX, |limit| limit.saturating_sub(Self::RESERVE));
        let all = Self::DEFAULT.all.min(room.max(8));
        Self {
            all,
            per_peer: Self::DEFAULT.per_peer.min(all / 2),
            ..Self::DEFAULT
        }
    }
}

/// The open connections.
#[derive(Clone, Default)]
pub struct ConnectionSlots(Arc<Mutex<SlotTable>>);

/// The open connections by number, the oldest first.
#[derive(Default)]
struct SlotTable {
    next: u64,
    /// By the order in which they were accepted.
    open: BTreeMap<u64, OpenConnection>,
}

/// One open connection.
struct OpenConnection {
    network: IpAddr,
    /// True if it is not in a request.
    idle: bool,
    evict: Arc<Notify>,
}

/// The reply to a connection that asked for a slot.
pub struct AcquiredSlot {
    /// The slot of the new connection; `None` if the server must refuse the connection.
    pub slot: Option<ConnectionSlot>,
    /// The bound that was reached; `None` if neither was. The slot, if there is one, was then taken from another
    /// connection.
    pub full: Option<String>,
}

impl ConnectionSlots {
    /// Gives a new connection a slot, if necessary by evicting another connection. Dropping the slot frees it.
    pub fn acquire(&self, peer: IpAddr, bounds: ConnectionBounds) -> AcquiredSlot {
        let network = peer_network(peer);
        let mut register = self.table();
        let of_peer = register
            .open
            .values()
            .filter(|entry| entry.network == network)
            .count();
        let all = register.open.len();
        let (full, whose) = if of_peer >= bounds.per_peer {
            (
                Some(format!("{network} has {of_peer} connections open")),
                Some(network),
            )
        } else if all >= bounds.all {
            (Some(format!("{all} connections are open")), None)
        } else {
            (None, None)
        };
        if full.is_some() && !register.evict(whose) {
            return AcquiredSlot { slot: None, full };
        }
        let number = register.next;
        register.next += 1;
        let evict = Arc::new(Notify::new());
        let entry = OpenConnection {
            network,
            idle: true,
            evict: Arc::clone(&evict),
        };
        register.open.insert(number, entry);
        let slot = Some(ConnectionSlot {
            slots: self.clone(),
            number,
            evict,
        });
        AcquiredSlot { slot, full }
    }

    fn table(&self) -> MutexGuard<'_, SlotTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_idle(&self, number: u64, idle: bool) {
        if let Some(entry) = self.table().open.get_mut(&number) {
            entry.idle = idle;
        }
    }
}

impl SlotTable {
    /// Evicts the oldest connection that is not in a request: of the network `whose`, or of all if it is `None`.
    /// Returns `false` if there is none.
    fn evict(&mut self, whose: Option<IpAddr>) -> bool {
        let gives_way = |entry: &OpenConnection| {
            entry.idle && whose.is_none_or(|network| entry.network == network)
        };
        let oldest = self.open.iter().find(|(_, entry)| gives_way(entry));
        let Some(number) = oldest.map(|(number, _)| *number) else {
            return false;
        };
        if let Some(entry) = self.open.remove(&number) {
            entry.evict.notify_one();
        }
        true
    }
}

/// The slot of one open connection.
pub struct ConnectionSlot {
    slots: ConnectionSlots,
    number: u64,
    evict: Arc<Notify>,
}

impl ConnectionSlot {
    /// Waits until the slot was given to another connection.
    pub async fn evicted(&self) {
        self.evict.notified().await;
    }

    /// Records that a request has begun. It lasts until the guard is dropped.
    pub fn begin_request(&self) -> RequestGuard {
        self.slots.set_idle(self.number, false);
        RequestGuard {
            slots: self.slots.clone(),
            number: self.number,
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.slots.table().open.remove(&self.number);
    }
}

/// A request under way: from its head to the last byte of its reply.
pub struct RequestGuard {
    slots: ConnectionSlots,
    number: u64,
}

impl RequestGuard {
    /// Keeps the guard as long as the body of a reply.
    pub fn attach_to(self, answer: Response) -> Response {
        answer.map(|body| {
            Body::new(GuardedBody {
                body,
                _request: self,
            })
        })
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.slots.set_idle(self.number, true);
    }
}

struct GuardedBody {
    body: Body,
    _request: RequestGuard,
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn bounds(all: usize, per_peer: usize) -> ConnectionBounds {
        ConnectionBounds {
            all,
            per_peer,
            ..ConnectionBounds::DEFAULT
        }
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn is_evicted(slot: &ConnectionSlot) -> bool {
        slot.evicted().now_or_never().is_some()
    }

    #[test]
    fn the_oldest_silent_connection_of_a_peer_gives_way() {
        let slots = ConnectionSlots::default();
        let take = |text: &str| slots.acquire(peer(text), bounds(9, 2));
        let other = take("127.0.0.2").slot.expect("a slot");
        let (first, second) = (take("127.0.0.1"), take("127.0.0.1"));
        assert_eq!((&first.full, &second.full), (&None, &None));
        let (first, second) = (first.slot.expect("a slot"), second.slot.expect("a slot"));
        let request = first.begin_request();
        let third = take("127.0.0.1");
        assert_eq!(
            third.full.as_deref(),
            Some("127.0.0.1 has 2 connections open")
        );
        let third = third.slot.expect("the slot of the second");
        assert!(is_evicted(&second) && !is_evicted(&first) && !is_evicted(&other));
        // When the evicted connection ends, it does not free the slot that it has lost.
        drop(second);
        let both = third.begin_request();
        let refused = take("127.0.0.1");
        assert!(
            refused.slot.is_none() && refused.full.is_some(),
            "all are in requests"
        );
        drop(request);
        assert!(take("127.0.0.1").slot.is_some() && is_evicted(&first));
        drop(both);
    }

    #[test]
    fn when_all_slots_are_taken_the_oldest_silent_one_of_anybody_gives_way() {
        let slots = ConnectionSlots::default();
        let take = |text: &str| slots.acquire(peer(text), bounds(3, 2));
        let open =
            ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(|text| take(text).slot.expect("a slot"));
        let requests: Vec<RequestGuard> = open[1..]
            .iter()
            .map(ConnectionSlot::begin_request)
            .collect();
        let fourth = take("127.0.0.4");
        assert_eq!(fourth.full.as_deref(), Some("3 connections are open"));
        let fourth = fourth.slot.expect("the slot of the first");
        assert!(is_evicted(&open[0]) && !is_evicted(&open[1]));
        let request = fourth.begin_request();
        assert!(take("127.0.0.5").slot.is_none());
        drop((requests, request, open, fourth));
        assert!(slots.table().open.is_empty(), "nobody is remembered");
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        let slots = ConnectionSlots::default();
        let full = |one: &str, other: &str| {
            let one = slots.acquire(peer(one), bounds(9, 1));
            let full = slots.acquire(peer(other), bounds(9, 1)).full.is_some();
            drop(one);
            full
        };
        assert!(full("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(!full("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(full("::ffff:192.0.2.1", "192.0.2.1"));
    }

    #[tokio::test]
    async fn an_answer_is_under_way_until_its_body_is_gone() {
        let slots = ConnectionSlots::default();
        let slot = slots
            .acquire(peer("127.0.0.1"), bounds(1, 1))
            .slot
            .expect("a slot");
        let answer = slot
            .begin_request()
            .attach_to(Response::new(Body::from("text")));
        assert_eq!(answer.body().size_hint().exact(), Some(4));
        assert!(
            slots
                .acquire(peer("127.0.0.1"), bounds(1, 1))
                .slot
                .is_none()
        );
        let text = axum::body::to_bytes(answer.into_body(), 9)
            .await
            .expect("a body");
        assert_eq!(&text[..], b"text");
        assert!(
            slots
                .acquire(peer("127.0.0.1"), bounds(1, 1))
                .slot
                .is_some()
        );
    }
}
