//! The places of open connections: how many there are, whose, and which of them gives way.
//!
//! Who is beyond a bound is not simply shut out: a probe may come from the very address that a flood comes from, as
//! all of them do behind a balancer. So the oldest connection that is not in a request gives its place to the new one,
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
pub struct Places(Arc<Mutex<Register>>);

#[derive(Default)]
struct Register {
    next: u64,
    /// The oldest first.
    open: BTreeMap<u64, Entry>,
}

struct Entry {
    network: IpAddr,
    /// Whether it is in no request.
    silent: bool,
    leave: Arc<Notify>,
}

/// What became of a connection that asked for a place.
pub struct Taken {
    pub place: Option<Place>,
    /// Which bound was reached, if one was.
    pub full: Option<String>,
}

impl Places {
    /// Gives a connection a place until that is dropped, if need be that of another.
    pub fn take(&self, peer: IpAddr, bounds: Bounds) -> Taken {
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
            return Taken { place: None, full };
        }
        let number = register.next;
        register.next += 1;
        let leave = Arc::new(Notify::new());
        let entry = Entry {
            network,
            silent: true,
            leave: Arc::clone(&leave),
        };
        register.open.insert(number, entry);
        let place = Some(Place {
            places: self.clone(),
            number,
            leave,
        });
        Taken { place, full }
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_silent(&self, number: u64, silent: bool) {
        if let Some(entry) = self.register().open.get_mut(&number) {
            entry.silent = silent;
        }
    }
}

impl Register {
    /// Sends the oldest silent connection away, of one network or of all.
    fn evict(&mut self, whose: Option<IpAddr>) -> bool {
        let gives_way =
            |entry: &Entry| entry.silent && whose.is_none_or(|network| entry.network == network);
        let oldest = self.open.iter().find(|(_, entry)| gives_way(entry));
        let Some(number) = oldest.map(|(number, _)| *number) else {
            return false;
        };
        if let Some(entry) = self.open.remove(&number) {
            entry.leave.notify_one();
        }
        true
    }
}

/// The place of one open connection.
pub struct Place {
    places: Places,
    number: u64,
    leave: Arc<Notify>,
}

impl Place {
    /// Waits until the place was given to another connection.
    pub async fn given_away(&self) {
        self.leave.notified().await;
    }

    /// Says that a request has begun.
    pub fn begin(&self) -> InRequest {
        self.places.set_silent(self.number, false);
        InRequest {
            places: self.places.clone(),
            number: self.number,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.register().open.remove(&self.number);
    }
}

/// A request that is under way: from its head to the last byte of its answer.
pub struct InRequest {
    places: Places,
    number: u64,
}

impl InRequest {
    /// Lasts as long as the body of an answer.
    pub fn until_the_end_of(self, answer: Response) -> Response {
        answer.map(|body| {
            Body::new(Answering {
                body,
                _request: self,
            })
        })
    }
}

impl Drop for InRequest {
    fn drop(&mut self) {
        self.places.set_silent(self.number, true);
    }
}

struct Answering {
    body: Body,
    _request: InRequest,
}

impl HttpBody for Answering {
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
            ..Bounds::USUAL
        }
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn is_given_away(place: &Place) -> bool {
        place.given_away().now_or_never().is_some()
    }

    #[test]
    fn the_oldest_silent_connection_of_a_peer_gives_way() {
        let places = Places::default();
        let take = |text: &str| places.take(peer(text), bounds(9, 2));
        let other = take("127.0.0.2").place.expect("a place");
        let (first, second) = (take("127.0.0.1"), take("127.0.0.1"));
        assert_eq!((&first.full, &second.full), (&None, &None));
        let (first, second) = (
            first.place.expect("a place"),
            second.place.expect("a place"),
        );
        let request = first.begin();
        let third = take("127.0.0.1");
        assert_eq!(
            third.full.as_deref(),
            Some("127.0.0.1 has 2 connections open")
        );
        let third = third.place.expect("the place of the second");
        assert!(is_given_away(&second) && !is_given_away(&first) && !is_given_away(&other));
        // The end of one that was sent away takes nobody's place.
        drop(second);
        let both = third.begin();
        let refused = take("127.0.0.1");
        assert!(
            refused.place.is_none() && refused.full.is_some(),
            "all are in requests"
        );
        drop(request);
        assert!(take("127.0.0.1").place.is_some() && is_given_away(&first));
        drop(both);
    }

    #[test]
    fn when_all_places_are_taken_the_oldest_silent_one_of_anybody_gives_way() {
        let places = Places::default();
        let take = |text: &str| places.take(peer(text), bounds(3, 2));
        let open =
            ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(|text| take(text).place.expect("a place"));
        let requests: Vec<InRequest> = open[1..].iter().map(Place::begin).collect();
        let fourth = take("127.0.0.4");
        assert_eq!(fourth.full.as_deref(), Some("3 connections are open"));
        let fourth = fourth.place.expect("the place of the first");
        assert!(is_given_away(&open[0]) && !is_given_away(&open[1]));
        let request = fourth.begin();
        assert!(take("127.0.0.5").place.is_none());
        drop((requests, request, open, fourth));
        assert!(places.register().open.is_empty(), "nobody is remembered");
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        let places = Places::default();
        let full = |one: &str, other: &str| {
            let one = places.take(peer(one), bounds(9, 1));
            let full = places.take(peer(other), bounds(9, 1)).full.is_some();
            drop(one);
            full
        };
        assert!(full("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(!full("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(full("::ffff:192.0.2.1", "192.0.2.1"));
    }

    #[tokio::test]
    async fn an_answer_is_under_way_until_its_body_is_gone() {
        let places = Places::default();
        let place = places
            .take(peer("127.0.0.1"), bounds(1, 1))
            .place
            .expect("a place");
        let answer = place
            .begin()
            .until_the_end_of(Response::new(Body::from("text")));
        assert_eq!(answer.body().size_hint().exact(), Some(4));
        assert!(places.take(peer("127.0.0.1"), bounds(1, 1)).place.is_none());
        let text = axum::body::to_bytes(answer.into_body(), 9)
            .await
            .expect("a body");
        assert_eq!(&text[..], b"text");
        assert!(places.take(peer("127.0.0.1"), bounds(1, 1)).place.is_some());
    }
}
