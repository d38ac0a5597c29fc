//! Reading an account, as a machine without IO: calls come out, replies go in.
//!
//! The layout once foresaw `reads`, `follow` and `decode` as separate functions. Which call comes next
//! depends on what earlier replies held (a page that had all wanted objects ends the listing, a customer
//! name that two customers share asks for a proof), so those three would each have needed the whole
//! history. One small machine per vendor holds it instead; it still has no client, clock or logger in
//! reach, and tests drive it with literal replies.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::{Call, Observed, Reply};

/// Pages that are read of a list whose length has nothing to do with what is wanted, such as that of all
/// customers: a hundred thousand rows where pages have a hundred. A list that goes on is taken for one
/// that never ends.
pub const MOST_PAGES: usize = 1_000;

/// Names a call of a reading, so that its reply finds back.
pub type Ticket = usize;

/// What became of a call.
#[derive(Clone, Debug)]
pub enum Answer {
    Reply(Reply),
    /// No reply came, after all retries; the text names the call and the reason.
    Lost(String),
}

/// One vendor's reading of the objects wanted from one account.
pub trait Reading: Send {
    /// The calls that may go out now, side by side. Empty while replies are outstanding, or at the end.
    fn ready(&mut self) -> Vec<(Ticket, Call)>;

    /// Takes the reply to a call that `ready` gave out.
    fn take(&mut self, ticket: Ticket, answer: Answer);

    /// The objects that nothing more is asked about, by their places among the wanted. Each is given away
    /// once, as soon as it is known, so that a hundred thousand need not be held together.
    fn settled(&mut self) -> Vec<(usize, Observed)>;

    /// The objects that `settled` has not given away, in their order. Called when nothing is left to send.
    fn finish(self: Box<Self>) -> Vec<(usize, Observed)>;
}

/// The settled objects of a reading, until they are given away.
pub struct Settled {
    fresh: Vec<(usize, Observed)>,
    open: Vec<bool>,
}

impl Settled {
    /// Nothing is settled yet of so many objects.
    pub fn none_of(wanted: usize) -> Self {
        Self {
            fresh: Vec::new(),
            open: vec![true; wanted],
        }
    }

    /// Settles an object. What came first counts.
    pub fn put(&mut self, place: usize, observed: Observed) {
        if self.open.get_mut(place).is_some_and(std::mem::take) {
            self.fresh.push((place, observed));
        }
    }

    pub fn give(&mut self) -> Vec<(usize, Observed)> {
        std::mem::take(&mut self.fresh)
    }

    /// What has not been given away, in order; `open` says what became of the others.
    pub fn finish(mut self, mut open: impl FnMut(usize) -> Observed) -> Vec<(usize, Observed)> {
        let places = self.open.iter().enumerate().filter(|(_, open)| **open);
        let rest = places.map(|(place, _)| (place, open(place)));
        self.fresh.extend(rest);
        self.fresh.sort_by_key(|(place, _)| *place);
        self.fresh
    }
}

/// Calls waiting to go out, each with a note of what it is for.
#[derive(Debug)]
pub struct Outbox<P> {
    waiting: Vec<(Ticket, Call)>,
    /// Purpose and name of every call given a ticket.
    purposes: Vec<(P, String)>,
}

impl<P> Default for Outbox<P> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            purposes: Vec::new(),
        }
    }
}

impl<P: Clone> Outbox<P> {
    pub fn send(&mut self, call: Call, purpose: P) {
        self.purposes.push((purpose, call.shown()));
        self.waiting.push((self.purposes.len() - 1, call));
    }

    pub fn ready(&mut self) -> Vec<(Ticket, Call)> {
        std::mem::take(&mut self.waiting)
    }

    /// What a call was for, and how it is named in messages.
    pub fn purpose(&self, ticket: Ticket) -> (P, String) {
        self.purposes[ticket].clone()
    }
}

/// A reply that is a success, or the words of a failure that name the call.
pub fn require_success(name: &str, answer: Answer) -> Result<Reply, Failure> {
    match answer {
        Answer::Reply(reply) if reply.is_success() => Ok(reply),
        Answer::Reply(reply) => Err(Failure {
            status: Some(reply.status),
            text: format!(
                "{name} answered {}: {}",
                reply.status,
                super::error_text::describe_reply(&reply)
            ),
        }),
        Answer::Lost(text) => Err(Failure { status: None, text }),
    }
}

/// Why a successful reply is of no use.
pub fn unreadable_reply(name: &str, reply: &Reply, error: &serde_json::Error) -> Failure {
    let why = super::error_text::describe_unreadable(reply, error);
    Failure {
        status: Some(reply.status),
        text: format!("{name} did not answer with JSON: {why}"),
    }
}

/// Turns what came back into a tree.
pub fn json_of(name: &str, answer: Answer) -> Result<serde_json::Value, Failure> {
    let reply = require_success(name, answer)?;
    serde_json::from_str(&reply.body).map_err(|error| unreadable_reply(name, &reply, &error))
}

/// Whether the vendor itself says that there is no such thing. The 404 page of a proxy, or of a wrong base
/// URL, is no JSON and says nothing about the object.
pub fn is_absent(answer: &Answer) -> bool {
    match answer {
        Answer::Reply(reply) if reply.status == 404 => {
            let body =
                serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&reply.body);
            body.is_ok_and(|object| !object.is_empty())
        }
        Answer::Reply(_) | Answer::Lost(_) => false,
    }
}

/// What has been seen of a list, to tell whether a page brings anything new. Of each id only a hash is
/// kept: that two differ and have one hash is not to be expected, and would at worst end a list early.
#[derive(Clone, Debug, Default)]
pub struct SeenIds(HashSet<u64>);

impl SeenIds {
    /// Whether this id is seen for the first time.
    pub fn is_new(&mut self, id: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        self.0.insert(hasher.finish())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A call that brought no usable reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub status: Option<u16>,
    pub text: String,
}

impl Failure {
    /// A reply that came, and is not as documented.
    pub fn odd(text: String) -> Self {
        Self { status: None, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_given_away_once_and_the_rest_at_the_end() {
        let mut settled = Settled::none_of(3);
        settled.put(1, Observed::Missing);
        settled.put(1, Observed::Unread("later".into()));
        let given = settled.give();
        assert!(matches!(given[..], [(1, Observed::Missing)]), "{given:?}");
        assert!(settled.give().is_empty());
        settled.put(2, Observed::Missing);
        let rest = settled.finish(|place| Observed::Unread(place.to_string()));
        let [(0, Observed::Unread(why)), (2, Observed::Missing)] = &rest[..] else {
            panic!("{rest:?}");
        };
        assert_eq!(why, "0");
    }

    #[test]
    fn an_id_is_new_once() {
        let mut seen = SeenIds::default();
        assert!(seen.is_empty());
        assert!(seen.is_new("a") && seen.is_new("b") && !seen.is_new("a"));
        assert!(!seen.is_empty());
    }
}
