//! Lists every customer of an account, page by page.
//!
//! Each page begins with the last row of the page before, which shows that no customer was passed over (`overlap`).
//! Pages have no published size and no total, so the list ends with a page that has nothing new. A list that moved
//! while it was read is read again.

use std::collections::BTreeMap;

use super::{CUSTOMERS, ID, id_of, observed};
use crate::model::{Call, Observed, ReadFailure, Reply};
use crate::provider::lac::lists::{customers, rows_of};
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::overlap::{self, Joint, Overlap, READINGS};
use crate::provider::reading::{Answer, MOST_PAGES, Outbox, Ticket, require_success};

/// The name of the list call in messages.
const LIST: &str = "GET /customers";

/// Reads every customer of an account.
#[derive(Default)]
pub struct CustomerListing {
    /// Calls by the offset that they ask for.
    outbox: Outbox<usize>,
    /// The number of readings that were abandoned because the list moved.
    before: usize,
    pages: usize,
    overlap: Overlap,
    /// The customers that the present reading has shown, by id.
    found: BTreeMap<String, Observed>,
    failures: Vec<String>,
}

impl CustomerListing {
    /// Begins with the first page.
    pub fn new() -> Self {
        let mut listing = Self::default();
        listing.ask(0);
        listing
    }

    fn ask(&mut self, offset: usize) {
        self.outbox.send(Call::get(customers(offset)), offset);
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
        self.go_on(offset, ids, is_new);
        Ok(())
    }

    /// Decides what follows a page: the next one, a new reading if the list has moved, or nothing at its end.
    fn go_on(&mut self, offset: usize, ids: Vec<String>, is_new: bool) {
        self.pages += 1;
        // Pages of a single row share none with each other.
        let is_single = ids.len() <= 1 && offset > 0 && offset == self.overlap.end();
        let joint = match self.overlap.take(offset, ids) {
            Joint::Moved if is_single => Joint::Follows,
            joint => joint,
        };
        match joint {
            Joint::Moved if self.before + 1 < READINGS => {
                *self = Self {
                    outbox: std::mem::take(&mut self.outbox),
                    before: self.before + 1,
                    ..Self::default()
                };
                self.ask(0);
            }
            Joint::Moved => self.failures.push(overlap::unsettled_list(LIST)),
            Joint::First => {}
            Joint::Follows if !is_new => {}
            Joint::Follows if self.pages >= MOST_PAGES => {
                let why = format!("{LIST} does not end after {MOST_PAGES} pages");
                self.failures.push(why);
            }
            Joint::Follows => {
                let (last, end) = (self.overlap.last(), self.overlap.end());
                self.ask(if last > offset { last } else { end });
            }
        }
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
            self.failures.push(failure.text);
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        let found = self.found.into_iter().map(|(id, observed)| ListedObject {
            identity: vec![(ID, id.into())],
            observed,
        });
        Listed::new(found.collect(), self.failures)
    }
}
