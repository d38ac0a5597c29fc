//! Sends one call for several sources that ask for the same at the same time.
//!
//! Sources are readings or listings of one account, one for each kind of object. In: the calls of each source, with its
//! own tickets. Out: each call once, with a ticket of this module; and for a reply, the sources that wait for it. What
//! is called, and what a reply means, is up to the sources.
//!
//! ```text
//! orders      ready   GET /license-orders (0)   GET /customers (1)
//! customers   ready   GET /customers (0)
//! given out   ticket 0  GET /license-orders   for orders 0
//!             ticket 1  GET /customers        for orders 1 and customers 0
//! ```
//!
//! A source that asks for a call again wants to see what has changed since its reply, for example because a list moved
//! while it was read. So it does not share a call that was given out before it asked again.

use std::collections::HashMap;
use std::sync::Arc;

use super::reading::{Answer, SeenIds, Ticket};
use crate::model::Call;

/// A source that waits for a reply, and the ticket that the call has there.
type Asker = (usize, Ticket);

/// Tracks the calls of several sources.
pub struct SharedCalls {
    /// Each call that was given out, by its ticket.
    calls: Vec<GivenCall>,
    /// The last read of each path that has no reply yet.
    open: HashMap<Arc<str>, Ticket>,
    /// The paths that each source has asked for.
    asked: Vec<SeenIds>,
}

/// A call that was given out. Path and askers are removed when its reply is there.
#[derive(Default)]
struct GivenCall {
    path: Arc<str>,
    askers: Vec<Asker>,
}

impl SharedCalls {
    /// Begins with so many sources that have asked for nothing.
    pub fn of(sources: usize) -> Self {
        Self {
            calls: Vec::new(),
            open: HashMap::new(),
            asked: vec![SeenIds::default(); sources],
        }
    }

    /// Takes the calls that are ready, as one list for each source, and returns those to be sent.
    pub fn give_out(&mut self, ready: Vec<Vec<(Ticket, Call)>>) -> Vec<(Ticket, Call)> {
        let first = self.calls.len();
        let mut calls = Vec::new();
        for (source, ready) in ready.into_iter().enumerate() {
            for (ticket, call) in ready {
                let asker = (source, ticket);
                match self.find_open(source, &call, first) {
                    Some(open) => self.calls[open].askers.push(asker),
                    None => calls.push((self.open(&call, asker), call)),
                }
            }
        }
        calls
    }

    /// Returns the call without a reply that this one can share; `None` if it has to be sent. Calls from `first` on are
    /// given out at the same time.
    fn find_open(&mut self, source: usize, call: &Call, first: Ticket) -> Option<Ticket> {
        call.as_read()?;
        let is_first = self.asked[source].is_new(&call.path);
        let open = self.open.get(call.path.as_str()).copied()?;
        (is_first || open >= first).then_some(open)
    }

    /// Gives a call its ticket.
    fn open(&mut self, call: &Call, asker: Asker) -> Ticket {
        let ticket = self.calls.len();
        let path: Arc<str> = call.path.as_str().into();
        if call.as_read().is_some() {
            self.open.insert(Arc::clone(&path), ticket);
        }
        let askers = vec![asker];
        self.calls.push(GivenCall { path, askers });
        ticket
    }

    /// Hands an answer to each source that waits for the call, with the ticket that the call has there.
    pub fn answer(
        &mut self,
        ticket: Ticket,
        answer: Answer,
        mut take: impl FnMut(usize, Ticket, Answer),
    ) {
        let mut askers = self.close(ticket);
        // The last one takes the answer itself: most calls have one asker, and a page may be long.
        let last = askers.pop();
        for (source, ticket) in askers {
            take(source, ticket, answer.clone());
        }
        if let Some((source, ticket)) = last {
            take(source, ticket, answer);
        }
    }

    /// Returns the sources that wait for a call, whose reply is there.
    fn close(&mut self, ticket: Ticket) -> Vec<Asker> {
        let GivenCall { path, askers } = std::mem::take(&mut self.calls[ticket]);
        // A later read of the same path stays open.
        if self.open.get(&path) == Some(&ticket) {
            self.open.remove(&path);
        }
        askers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(paths: &[(Ticket, &'static str)]) -> Vec<(Ticket, Call)> {
        let call = |(ticket, path): &(Ticket, &'static str)| (*ticket, Call::get(*path));
        paths.iter().map(call).collect()
    }

    /// Returns the tickets and paths of the calls that two sources give out.
    fn given(
        shared: &mut SharedCalls,
        one: &[(Ticket, &'static str)],
        other: &[(Ticket, &'static str)],
    ) -> Vec<(Ticket, String)> {
        let given = shared.give_out(vec![calls(one), calls(other)]);
        given
            .into_iter()
            .map(|(ticket, call)| (ticket, call.path))
            .collect()
    }

    fn paths(expected: &[(Ticket, &str)]) -> Vec<(Ticket, String)> {
        let path = |(ticket, path): &(Ticket, &str)| (*ticket, (*path).to_string());
        expected.iter().map(path).collect()
    }

    #[test]
    fn the_same_read_of_two_sources_goes_out_once() {
        let mut shared = SharedCalls::of(2);
        let first = given(
            &mut shared,
            &[(0, "/orders"), (1, "/names")],
            &[(0, "/names")],
        );
        assert_eq!(first, paths(&[(0, "/orders"), (1, "/names")]));
        assert_eq!(shared.close(1), [(0, 1), (1, 0)]);
        assert_eq!(shared.close(0), [(0, 0)]);
        // The next pages, which both ask for once they have the first.
        let next = given(
            &mut shared,
            &[(2, "/names?offset=9")],
            &[(1, "/names?offset=9")],
        );
        assert_eq!(next, paths(&[(2, "/names?offset=9")]));
        assert_eq!(shared.close(2), [(0, 2), (1, 1)]);
        assert!(shared.open.is_empty());
    }

    #[test]
    fn a_source_joins_a_read_that_is_under_way() {
        let mut shared = SharedCalls::of(2);
        assert_eq!(
            given(&mut shared, &[(0, "/names")], &[]),
            paths(&[(0, "/names")])
        );
        assert_eq!(given(&mut shared, &[], &[(0, "/names")]), paths(&[]));
        assert_eq!(shared.close(0), [(0, 0), (1, 0)]);
        // Nothing is kept of a reply: a source that comes later asks by itself.
        assert_eq!(
            given(&mut shared, &[], &[(1, "/names")]),
            paths(&[(1, "/names")])
        );
    }

    #[test]
    fn a_source_that_asks_again_does_not_get_an_older_reply() {
        let mut shared = SharedCalls::of(2);
        given(&mut shared, &[(0, "/names")], &[]);
        shared.close(0);
        // The other asks for the first time, and then the first one asks again while that call is under way.
        assert_eq!(
            given(&mut shared, &[], &[(0, "/names")]),
            paths(&[(1, "/names")])
        );
        assert_eq!(
            given(&mut shared, &[(1, "/names")], &[]),
            paths(&[(2, "/names")])
        );
        // Both ask again at the same time: the list moved for both.
        assert_eq!(shared.close(1), [(1, 0)]);
        assert_eq!(shared.close(2), [(0, 1)]);
        let again = given(&mut shared, &[(2, "/names")], &[(1, "/names")]);
        assert_eq!(again, paths(&[(3, "/names")]));
        assert_eq!(shared.close(3), [(0, 2), (1, 1)]);
    }

    #[test]
    fn what_is_no_read_is_never_shared() {
        let mut shared = SharedCalls::of(2);
        let write = || {
            (
                0,
                Call::write(crate::model::Method::Post, "/", serde_json::Value::Null),
            )
        };
        assert_eq!(shared.give_out(vec![vec![write()], vec![write()]]).len(), 2);
        assert_eq!(
            (shared.close(0), shared.close(1)),
            (vec![(0, 0)], vec![(1, 0)])
        );
    }
}
