//! Reads an account with a machine that does no IO: calls come out, replies go in.
//!
//! The next call depends on earlier replies: a page with all wanted objects ends the listing, and a customer name that
//! two customers share needs a proof. Separate functions for the first calls, the following calls and decoding would
//! each need that whole history, so one small machine per vendor keeps it. The machine has no client, clock or logger,
//! and tests drive it with literal replies.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::{Call, Observed, ReadFailure, Reply};

/// The highest number of pages read of a list whose length does not depend on the wanted objects, such as the list of
/// all customers. With a hundred rows on a page that is a hundred thousand rows; a longer list is treated as endless.
pub const MOST_PAGES: usize = 1_000;

/// Numbers a call of a reading, so that its reply is matched to it.
pub type Ticket = usize;

/// The outcome of a call.
#[derive(Clone, Debug)]
pub enum Answer {
    Reply(Reply),
    /// No reply came, after all retries.
    Lost(ReadFailure),
}

/// One vendor's reading of the objects wanted from one account.
pub trait Reading: Send {
    /// The calls that may go out now, side by side. Empty while replies are outstanding, or at the end.
    fn ready(&mut self) -> Vec<(Ticket, Call)>;

    /// Takes the reply to a call that `ready` gave out.
    fn take(&mut self, ticket: Ticket, answer: Answer);

    /// Returns the objects that need no further call, each with its index among the wanted objects. Each object is
    /// returned once, as soon as it is known, so that a hundred thousand objects need not be kept in memory together.
    fn settled(&mut self) -> Vec<(usize, Observed)>;

    /// Returns the objects that `settled` has not returned, in their order. Called when nothing is left to send.
    fn finish(self: Box<Self>) -> Vec<(usize, Observed)>;
}

/// Holds the settled objects of a reading until they are given away.
pub struct Settled {
    fresh: Vec<(usize, Observed)>,
    open: Vec<bool>,
}

impl Settled {
    /// Begins with `desired` objects, none of which is settled.
    pub fn none_of(desired: usize) -> Self {
        Self {
            fresh: Vec::new(),
            open: vec![true; desired],
        }
    }

    /// Settles an object. A second call for the same index is ignored.
    pub fn put(&mut self, index: usize, observed: Observed) {
        if self.open.get_mut(index).is_some_and(std::mem::take) {
            self.fresh.push((index, observed));
        }
    }

    /// Returns the objects that were settled since the last call.
    pub fn give(&mut self) -> Vec<(usize, Observed)> {
        std::mem::take(&mut self.fresh)
    }

    /// Returns the objects that `give` has not returned, in order. `open` is called with the index of each object that
    /// was never settled, and returns its outcome.
    pub fn finish(mut self, mut open: impl FnMut(usize) -> Observed) -> Vec<(usize, Observed)> {
        let places = self.open.iter().enumerate().filter(|(_, open)| **open);
        let rest = places.map(|(index, _)| (index, open(index)));
        self.fresh.extend(rest);
        self.fresh.sort_by_key(|(index, _)| *index);
        self.fresh
    }
}

/// Holds the calls that wait to go out, each with its purpose.
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
    /// Queues a call. `purpose` is returned when its reply comes.
    pub fn send(&mut self, call: Call, purpose: P) {
        self.purposes.push((purpose, call.shown()));
        self.waiting.push((self.purposes.len() - 1, call));
    }

    /// Returns the queued calls with their tickets and empties the queue.
    pub fn ready(&mut self) -> Vec<(Ticket, Call)> {
        std::mem::take(&mut self.waiting)
    }

    /// Returns the purpose of a call and its name in messages.
    pub fn purpose(&self, ticket: Ticket) -> (P, String) {
        self.purposes[ticket].clone()
    }
}

/// Returns the reply if it is a success; `Err` names the call and quotes the vendor's error.
pub fn require_success(name: &str, answer: Answer) -> Result<Reply, ReadFailure> {
    match answer {
        Answer::Reply(reply) if reply.is_success() => Ok(reply),
        Answer::Reply(reply) => Err(refused_reply(name, &reply)),
        Answer::Lost(failure) => Err(failure),
    }
}

/// Describes a reply that is not a success.
fn refused_reply(name: &str, reply: &Reply) -> ReadFailure {
    let words = super::error_text::describe_reply(reply);
    ReadFailure {
        status: Some(reply.status),
        text: format!("{name} answered {}: {words}", reply.status),
        fault: super::read_fault::fault_of(name, reply).map(Box::new),
    }
}

/// Describes a successful reply that is not the JSON that was expected.
pub fn unreadable_reply(name: &str, reply: &Reply, error: &serde_json::Error) -> ReadFailure {
    let why = super::error_text::describe_unreadable(reply, error);
    ReadFailure {
        status: Some(reply.status),
        text: format!("{name} did not answer with JSON: {why}"),
        fault: Some(Box::new(super::read_fault::unreadable_fault(
            name, reply, &why,
        ))),
    }
}

/// Parses a successful answer into a tree. `Err` if the call failed or the body is no JSON.
pub fn json_of(name: &str, answer: Answer) -> Result<serde_json::Value, ReadFailure> {
    let reply = require_success(name, answer)?;
    serde_json::from_str(&reply.body).map_err(|error| unreadable_reply(name, &reply, &error))
}

/// Reports whether the vendor itself answered that the object does not exist.
///
/// Only a 404 with a JSON object counts. The 404 page of a proxy, or of a wrong base URL, is no JSON and says nothing
/// about the object.
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

/// Remembers which ids a list has shown, to tell whether a page brings anything new.
///
/// Only a 64-bit hash of each id is kept. Two ids with the same hash are very unlikely, and would at worst end a list
/// early.
#[derive(Clone, Debug, Default)]
pub struct SeenIds(HashSet<u64>);

impl SeenIds {
    /// Records an id and reports whether it is new.
    pub fn is_new(&mut self, id: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        self.0.insert(hasher.finish())
    }

    /// Reports whether no id was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        let rest = settled.finish(|index| Observed::Unread(index.to_string().into()));
        let [(0, Observed::Unread(why)), (2, Observed::Missing)] = &rest[..] else {
            panic!("{rest:?}");
        };
        assert_eq!(why.text, "0");
    }

    #[test]
    fn an_id_is_new_once() {
        let mut seen = SeenIds::default();
        assert!(seen.is_empty());
        assert!(seen.is_new("a") && seen.is_new("b") && !seen.is_new("a"));
        assert!(!seen.is_empty());
    }
}
