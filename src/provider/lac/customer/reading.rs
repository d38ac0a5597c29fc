//! Reads the wanted customers: the customer list as long as its pages pay, and each other customer by its id.
//!
//! The list shows whole customers, a hundred on a page or so; its pages have no published size and no total.
//! [`ListSearch`] decides from page to page whether to read on, to look ahead, or to ask for each customer that is
//! left. A customer that no page showed is asked for by its id in any case, so one that moved from one page to another
//! while both were read is still found, and only the vendor's 404 makes one missing.
//!
//! ```text
//! one customer                      GET /customers/7
//! 40 of an account with 120         two pages show them
//! 3 of an account with 5,000        a page, a look ahead, and the three by their ids
//! ```

use std::collections::{BTreeSet, HashMap};

use super::{CUSTOMERS, ID, customer_path, id_of, observed};
use crate::model::{Call, Desired, Observed, ReadFailure, Reply, Text};
use crate::provider::lac::lists::{customer_offset, customers, rows_of};
use crate::provider::list_search::{ListSearch, SearchStep};
use crate::provider::reading::{
    Answer, Outbox, Reading, SeenIds, Settled, Ticket, is_absent, require_success, unreadable_reply,
};

/// The purpose of a call. Customers are named by their index among those wanted.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Page {
        page: usize,
        /// True if the page is read only to see how long the list is.
        is_ahead: bool,
    },
    One(usize),
}

pub struct CustomerReading {
    outbox: Outbox<Purpose>,
    ids: Vec<Text>,
    by_id: HashMap<Text, usize>,
    settled: Settled,
    /// The customers that no call has shown yet and that are not asked for by their ids.
    left: BTreeSet<usize>,
    search: ListSearch,
    /// The number of pages without a reply so far.
    pages_under_way: usize,
    /// The number of rows on the first page, taken as the page size.
    rows: usize,
    seen: SeenIds,
    /// True once a page showed no new customer.
    is_over: bool,
    /// True once a page ahead showed that the list is too long to be read.
    is_long: bool,
    /// The first page that brought no usable reply.
    lost: Option<(usize, ReadFailure)>,
}

impl CustomerReading {
    pub fn new(desired: &[&Desired]) -> Self {
        let ids: Vec<Text> = desired.iter().map(|one| one.id(ID).into()).collect();
        let by_id = ids.iter().cloned().zip(0..).collect();
        let mut reading = Self {
            outbox: Outbox::default(),
            by_id,
            settled: Settled::none_of(ids.len()),
            left: (0..ids.len()).collect(),
            search: ListSearch::new(ids.len()),
            ids,
            pages_under_way: 0,
            rows: 0,
            seen: SeenIds::default(),
            is_over: false,
            is_long: false,
            lost: None,
        };
        match reading.ids.len() {
            1 => reading.ask_each(),
            _ => reading.go_on(),
        }
        reading
    }

    fn ask_page(&mut self, page: usize, is_ahead: bool) {
        let path = customers(customer_offset(page, self.rows));
        self.pages_under_way += 1;
        self.outbox
            .send(Call::get(path), Purpose::Page { page, is_ahead });
    }

    /// Asks for every customer that is left by its id.
    fn ask_each(&mut self) {
        for index in std::mem::take(&mut self.left) {
            let path = customer_path(&self.ids[index]);
            self.outbox.send(Call::get(path), Purpose::One(index));
        }
    }

    /// Asks for what is next once all pages that were asked for have come.
    fn go_on(&mut self) {
        if let Some((_, failure)) = self.lost.take() {
            for index in std::mem::take(&mut self.left) {
                let unread = Observed::Unread(failure.clone());
                self.settled.put(index, unread);
            }
            return;
        }
        match self.search.next_step(self.left.len(), self.is_over) {
            SearchStep::Done => {}
            SearchStep::AskEach => self.ask_each(),
            _ if self.is_long => self.ask_each(),
            SearchStep::Read(pages) => pages.for_each(|page| self.ask_page(page, false)),
            SearchStep::Probe(page) => self.ask_page(page, true),
        }
    }

    /// Takes a page of the list. `Err` if the reply is no list of customers.
    fn take_page(
        &mut self,
        page: usize,
        is_ahead: bool,
        reply: &Reply,
        name: &str,
    ) -> Result<(), ReadFailure> {
        let (by_id, left) = (&self.by_id, &self.left);
        let rows = rows_of(&CUSTOMERS, name, reply, &|id| {
            let id = id.integer().map(|id| Text::from(id.to_string()));
            let index = id.and_then(|id| by_id.get(&id));
            index.is_some_and(|index| left.contains(index))
        })?;
        if page == 0 {
            self.rows = rows.len();
        }
        if !is_ahead {
            // The first row of a page is the last one of the page before.
            self.search.record_page(customer_offset(1, rows.len()));
        }
        let mut is_new = false;
        for row in rows {
            let Some(id) = id_of(&row) else { continue };
            is_new |= self.seen.is_new(&id);
            let index = self.by_id.get(id.as_str()).copied();
            if let Some(index) = index.filter(|index| self.left.remove(index)) {
                self.settled.put(index, observed(row, &id, name));
            }
        }
        match (is_ahead, is_new) {
            (false, _) => self.is_over |= !is_new || self.search.is_at_end(),
            (true, true) => self.is_long = true,
            (true, false) => self.search.set_end(page),
        }
        Ok(())
    }

    /// Takes the reply to a call for one customer.
    fn take_one(&mut self, index: usize, answer: Answer, name: &str) {
        let absent = is_absent(&answer);
        let id = &self.ids[index];
        let read = require_success(name, answer).and_then(|reply| single(&reply, id, name));
        let found = match read {
            Ok(found) => found,
            Err(_) if absent => Observed::Missing,
            Err(failure) => Observed::Unread(failure),
        };
        self.settled.put(index, found);
    }
}

/// Decodes the reply to `GET /customers/{id}`. `Err` if it is no customer, or another one.
fn single(reply: &Reply, id: &str, name: &str) -> Result<Observed, ReadFailure> {
    let row = CUSTOMERS.one(&reply.body);
    let row = row.map_err(|error| unreadable_reply(name, reply, &error))?;
    let row =
        row.ok_or_else(|| ReadFailure::odd(format!("{name} did not answer with an object")))?;
    match id_of(&row).as_deref() == Some(id) {
        true => Ok(observed(row, id, name)),
        false => Err(ReadFailure::odd(format!(
            "{name} answered with another customer"
        ))),
    }
}

impl Reading for CustomerReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        let (page, is_ahead) = match purpose {
            Purpose::One(index) => return self.take_one(index, answer, &name),
            Purpose::Page { page, is_ahead } => (page, is_ahead),
        };
        self.pages_under_way -= 1;
        let read = require_success(&name, answer)
            .and_then(|reply| self.take_page(page, is_ahead, &reply, &name));
        if let Err(failure) = read
            && self.lost.as_ref().is_none_or(|(first, _)| page < *first)
        {
            // Of several lost pages the first is told, whichever came first.
            self.lost = Some((page, failure));
        }
        if self.pages_under_way == 0 {
            self.go_on();
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let Self { ids, settled, .. } = *self;
        settled.finish(|index| {
            let why = format!("customer {} was not asked for", ids[index]);
            Observed::Unread(ReadFailure::odd(why))
        })
    }
}
