//! The slots of open connections: how many there are, whose, and which of them gives way.
//!
//! Who is beyond a bound is not simply shut out: a probe may come from the very address that a flood comes from, as
//! all of them do behind a balancer. So the oldest connection that is not in a request gives its slot to the new one,
//! and only if all are in requests, which have bounds of their own, the new one is refused.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use tokio::sync::Notify;

use super::connections::Bounds;
use crate::daemon::hooks::network;

/// The connections that are open.
#[derive(Clone, Default)]
pub struct Slots(Arc<Mutex<Register>>);

#[derive(Default)]
struct Register {
    next: u64,
    /// The oldest first.
    open: BTreeMap<u64, Entry>,
}

struct Entry {
    network: IpAddr,
    /// Whether it is in no request.
    idle: bool,
    evict: Arc<Notify>,
}

/// What became of a connection that asked for a slot.
pub struct Acquired {
    pub slot: Option<Slot>,
    /// Which bound was reached, if one was.
    pub full: Option<String>,
}

impl Slots {
    /// Gives a connection a slot until that is dropped, if need be that of another.
    pub fn acquire(&self, peer: IpAddr, bounds: Bounds) -> Acquired {
        let network = network(peer);
        let mut register = self.register();
        let own = register
            .open
            .values()
            .filter(|entry| entry.network == network)
            .count();
        let all = register.open.len();
        let (full, whose) = if own >= bounds.per_peer {
            (
                Some(format!("{network} has {own} connections open")),
                Some(network),
            )
        } else if all >= bounds.all {
            (Some(format!("{all} connections are open")), None)
        } else {
            (None, None)
        };
        if full.is_some() && !register.evict(whose) {
            return Acquired { slot: None, full };
        }
        let number = register.next;
        register.next += 1;
        let evict = Arc::new(Notify::new());
        let entry = Entry {
            network,
            idle: true,
            evict: Arc::clone(&evict),
        };
        register.open.insert(number, entry);
        let slot = Some(Slot {
            slots: self.clone(),
            number,
            evict,
        });
        Acquired { slot, full }
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_idle(&self, number: u64, idle: bool) {
        if let Some(entry) = self.register().open.get_mut(&number) {
            entry.idle = idle;
        }
    }
}

impl Register {
    /// Sends the oldest silent connection away, of one network or of all.
    fn evict(&mut self, whose: Option<IpAddr>) -> bool {
        let gives_way =
            |entry: &Entry| entry.idle && whose.is_none_or(|network| entry.network == network);
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
pub struct Slot {
    slots: Slots,
    number: u64,
    evict: Arc<Notify>,
}

impl Slot {
    /// Waits until the slot was given to another connection.
    pub async fn evicted(&self) {
        self.evict.notified().await;
    }

    /// Says that a request has begun.
    pub fn begin_request(&self) -> RequestGuard {
        self.slots.set_idle(self.number, false);
        RequestGuard {
            slots: self.slots.clone(),
            number: self.number,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.register().open.remove(&self.number);
    }
}

/// A request that is under way: from its head to the last byte of its answer.
pub struct RequestGuard {
    slots: Slots,
    number: u64,
}

impl RequestGuard {
    /// Lasts as long as the body of an answer.
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

    fn bounds(all: usize, per_peer: usize) -> Bounds {
        Bounds {
            all,
            per_peer,
            ..Bounds::DEFAULT
        }
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn is_evicted(slot: &Slot) -> bool {
        slot.evicted().now_or_never().is_some()
    }

    #[test]
    fn the_oldest_silent_connection_of_a_peer_gives_way() {
        let slots = Slots::default();
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
        // The end of one that was sent away takes nobody's slot.
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
        let slots = Slots::default();
        let take = |text: &str| slots.acquire(peer(text), bounds(3, 2));
        let open =
            ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(|text| take(text).slot.expect("a slot"));
        let requests: Vec<RequestGuard> = open[1..].iter().map(Slot::begin_request).collect();
        let fourth = take("127.0.0.4");
        assert_eq!(fourth.full.as_deref(), Some("3 connections are open"));
        let fourth = fourth.slot.expect("the slot of the first");
        assert!(is_evicted(&open[0]) && !is_evicted(&open[1]));
        let request = fourth.begin_request();
        assert!(take("127.0.0.5").slot.is_none());
        drop((requests, request, open, fourth));
        assert!(slots.register().open.is_empty(), "nobody is remembered");
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        let slots = Slots::default();
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
        let slots = Slots::default();
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
