//! Lists every customer of an account, or those that a custom tag finds, page by page.
//!
//! The pages overlap, so that no customer is passed over; see `list_walk`.

use std::collections::BTreeMap;

use super::{CUSTOMERS, ID, id_of, observed};
use crate::model::{Call, Observed, ReadFailure, Reply};
use crate::provider::lac::list_walk::{ListWalk, WalkStep};
use crate::provider::lac::lists::{find_customers, rows_of};
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};

/// The name of the list call in messages.
const LIST: &str = "GET /customers";

/// Reads every customer of an account that its search finds.
#[derive(Default)]
pub struct CustomerListing {
    /// The parameters of the search; none for the whole list.
    search: Vec<(&'static str, String)>,
    /// Calls by the offset that they ask for.
    outbox: Outbox<usize>,
    walk: ListWalk,
    /// The customers that the present reading has shown, by id.
    found: BTreeMap<String, Observed>,
    failures: Vec<ReadFailure>,
}

impl CustomerListing {
    /// Begins with the first page of the whole list.
    pub fn new() -> Self {
        Self::of(Vec::new())
    }

    /// Begins with the first page of the customers that a search by these parameters finds.
    pub fn of(search: Vec<(&'static str, String)>) -> Self {
        let mut listing = Self {
            search,
            ..Self::default()
        };
        listing.ask(0);
        listing
    }

    /// Returns the customers by their ids. `Err` if the list may not be complete.
    pub fn complete(self) -> Result<BTreeMap<String, Observed>, ReadFailure> {
        match self.failures.into_iter().next() {
            Some(failure) => Err(failure),
            None => Ok(self.found),
        }
    }

    fn ask(&mut self, offset: usize) {
        let path = find_customers(&self.search, offset);
        self.outbox.send(Call::get(path), offset);
    }

    /// Takes a page of the list. `Err` if the reply is no list of customers.
    fn page(&mut self, offset: usize, reply: &Reply, name: &str) -> Result<(), ReadFailure> {
        let rows = rows_of(&CUSTOMERS, name, reply, &|_| true)?;
        let mut ids = Vec::with_capacity(rows.len());
        let before = self.found.len();
        for row in rows {
            let Some(id) = id_of(&row) else { continue };
            let customer = observed(row, &id, name);
            self.found.insert(id.clone(), customer);
            ids.push(id);
        }
        let is_new = self.found.len() > before;
        match self.walk.take(LIST, offset, ids, is_new) {
            WalkStep::Ask(offset) => self.ask(offset),
            WalkStep::Again => {
                self.found.clear();
                self.ask(0);
            }
            WalkStep::End => {}
            WalkStep::Abandon(why) => self.failures.push(ReadFailure::odd(why)),
        }
        Ok(())
    }
}

impl Listing for CustomerListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (offset, name) = self.outbox.purpose(ticket);
        let read =
            require_success(&name, answer).and_then(|reply| self.page(offset, &reply, &name));
        if let Err(failure) = read {
            self.failures.push(failure);
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        let found = self.found.into_iter().map(|(id, observed)| ListedObject {
            identity: vec![(ID, id.into())],
            observed,
        });
        let failures = self.failures.into_iter().map(|failure| failure.text);
        Listed::new(found.collect(), failures.collect())
    }
}
