//! The lists that are searched for wanted orders, page by page or with a call for each order.
//!
//! A list is that of all orders or of one customer's. How long it is, nothing tells: `hunt` decides from what its
//! pages brought whether to read on, to look ahead, or to ask for each order that is left. A list of a customer
//! also shows whose its orders are; for those that were read before, that is all that is wanted of it.
//!
//! What to do next is decided when all pages of a list that are under way have come, so that the order in which
//! they come does not matter.

use std::collections::{BTreeMap, BTreeSet};

use super::lists::orders;
use super::reading::{OrderReading, Purpose};
use super::{OrderRow, key_of};
use crate::provider::hunt::{Hunt, Next};
use crate::provider::reading::{Failure, Seen};

/// Up to this many customers are asked for one by one, and of as many lists it is tried whether they save calls.
pub const FEW_CUSTOMERS: usize = 16;

/// A list that is searched for some orders.
pub struct Listing {
    customer: Option<i64>,
    pub wanted: BTreeSet<usize>,
    pub hunt: Hunt,
    /// Pages that were asked for, and those of them that have not come yet.
    pub asked: usize,
    pub under_way: usize,
    /// Rows of the first page: no page size is published.
    rows: usize,
    pub over: bool,
    /// A page that was looked at ahead and has orders.
    pub reaches: Option<usize>,
    /// The first page that brought no usable reply.
    lost: Option<(usize, String)>,
    seen: Seen,
}

impl Listing {
    fn path(&self, page: usize) -> String {
        orders(None, self.customer, page * self.rows)
    }

    /// A page that brought no usable reply. The first one counts, whichever is heard of first.
    pub fn lose(&mut self, page: usize, failure: Failure) {
        if self.lost.as_ref().is_none_or(|(first, _)| page < *first) {
            self.lost = Some((page, failure.text));
        }
    }
}

/// Customers' lists that go out later, and whether those before them were worth it.
#[derive(Default)]
pub struct Later {
    lists: Vec<(i64, BTreeSet<usize>)>,
    /// Orders that customers' lists showed, less the calls for them.
    saved: isize,
}

impl OrderReading {
    /// Asks for orders without a list of all: for the lists of customers of several, and with a call for an order by
    /// itself.
    pub(super) fn ask_apart(&mut self, orders: impl IntoIterator<Item = usize>) {
        let mut groups: BTreeMap<Option<i64>, BTreeSet<usize>> = BTreeMap::new();
        for index in orders {
            let customer = self.targets[index].customer;
            groups.entry(customer).or_default().insert(index);
        }
        for (customer, wanted) in groups {
            match customer {
                Some(customer) if wanted.len() > 1 => self.later.lists.push((customer, wanted)),
                _ => wanted.into_iter().for_each(|index| self.ask_one(index)),
            }
        }
        self.list_later();
    }

    /// Asks for lists of customers: a few to begin with, then as many as can fail without costing more than was
    /// saved. A list that shows none of its orders costs two calls, so many customers with long lists would double
    /// what their orders cost one by one.
    pub(super) fn list_later(&mut self) {
        let room = FEW_CUSTOMERS.saturating_add_signed(self.later.saved.div_euclid(2));
        let mut lists = std::mem::take(&mut self.later.lists);
        if room == 0 {
            let left = lists.into_iter().flat_map(|(_, wanted)| wanted);
            left.for_each(|index| self.ask_one(index));
            return;
        }
        self.later.lists = lists.split_off(room.min(lists.len()));
        for (customer, wanted) in lists {
            self.list(Some(customer), wanted);
        }
    }

    /// Asks for one order, or for a proof of its owner if it was read before.
    fn ask_one(&mut self, index: usize) {
        let target = &self.targets[index];
        match target.customer {
            Some(customer) if target.order.is_some() => self.prove(index, customer),
            Some(_) => {
                let path = orders(Some(&target.key), target.customer, 0);
                self.send(path, Purpose::Own(index));
            }
            None => self.ask_any(index),
        }
    }

    /// Asks for one order, whoever's it is.
    pub(super) fn ask_any(&mut self, index: usize) {
        let path = orders(Some(&self.targets[index].key), None, 0);
        self.send(path, Purpose::Any(index));
    }

    pub(super) fn list(&mut self, customer: Option<i64>, wanted: BTreeSet<usize>) {
        self.listings.push(Listing {
            customer,
            hunt: Hunt::new(wanted.len()),
            wanted,
            asked: 0,
            under_way: 0,
            rows: 0,
            over: false,
            reaches: None,
            lost: None,
            seen: Seen::default(),
        });
        self.ask_page(self.listings.len() - 1, 0, false);
    }

    pub(super) fn ask_page(&mut self, number: usize, page: usize, ahead: bool) {
        let listing = &mut self.listings[number];
        listing.asked += 1;
        listing.under_way += 1;
        if listing.customer.is_some() {
            self.later.saved -= 1;
        }
        let path = listing.path(page);
        let purpose = match ahead {
            true => Purpose::Ahead(number, page),
            false => Purpose::Page(number, page),
        };
        self.send(path, purpose);
    }

    pub(super) fn page(&mut self, number: usize, rows: Vec<OrderRow<'_>>) {
        let listing = &mut self.listings[number];
        listing.hunt.read(rows.len());
        listing.rows = listing.rows.max(rows.len());
        let new = self.absorb(number, rows);
        let listing = &mut self.listings[number];
        listing.over |= !new || listing.hunt.at_end();
    }

    pub(super) fn ahead(&mut self, number: usize, page: usize, rows: Vec<OrderRow<'_>>) {
        let new = self.absorb(number, rows);
        let listing = &mut self.listings[number];
        if new {
            listing.reaches = Some(page);
        } else {
            listing.hunt.ends_before(page);
        }
    }

    /// Takes what a page shows and says whether any of it is new.
    fn absorb(&mut self, number: usize, rows: Vec<OrderRow<'_>>) -> bool {
        let mut new = false;
        for row in rows {
            let Some(key) = key_of(&row) else {
                continue;
            };
            let place = self.place(key);
            let listing = &mut self.listings[number];
            new |= listing.seen.is_new(key);
            let Some(index) = place.filter(|index| listing.wanted.remove(index)) else {
                continue;
            };
            if listing.customer.is_some() {
                self.later.saved += 1;
                self.targets[index].owner = listing.customer;
            }
            if self.targets[index].order.is_some() {
                self.settle(index);
            } else {
                self.read(index, row);
            }
        }
        new
    }

    /// What no page under way can show any more fails with the page that was lost.
    pub(super) fn give_up(&mut self, number: usize) {
        let listing = &mut self.listings[number];
        if let Some((_, why)) = listing.lost.take() {
            for index in std::mem::take(&mut listing.wanted) {
                self.targets[index].failure = Some(why.clone());
            }
        }
    }

    /// Decides how to find what a listing has not shown yet.
    pub(super) fn go_on(&mut self, number: usize) {
        let listing = &self.listings[number];
        match listing.hunt.next(listing.wanted.len(), listing.over) {
            Next::Done => {}
            Next::AskEach => self.ask_each(number),
            _ if listing.reaches.is_some() => self.ask_each(number),
            Next::Read(pages) => pages.for_each(|page| self.ask_page(number, page, false)),
            Next::Probe(page) => self.ask_page(number, page, true),
        }
    }

    /// Asks for each order that a listing has not shown.
    pub(super) fn ask_each(&mut self, number: usize) {
        let listing = &mut self.listings[number];
        let (customer, over) = (listing.customer, listing.over);
        let wanted = std::mem::take(&mut listing.wanted);
        match customer {
            None if !over => self.ask_apart(wanted),
            _ => {
                for index in wanted {
                    if over && self.targets[index].order.is_none() {
                        // Not in this list: it may be another customer's, or not there at all.
                        self.ask_any(index);
                    } else {
                        self.ask_one(index);
                    }
                }
            }
        }
    }
}
