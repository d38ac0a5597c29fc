//! The lists that are searched for wanted orders, page by page or with a call for each order.
//!
//! A list is that of all orders or of one customer's. How long it is, nothing tells: `hunt` decides from what its
//! pages brought whether to read on, to look ahead, or to ask for each order that is left. A list of a customer
//! that is only a proof shows orders that were read before, and so whose they are.

use std::collections::BTreeSet;

use super::lists::orders;
use super::reading::{OrderReading, Purpose};
use super::{OrderRow, key_of};
use crate::provider::hunt::{Hunt, Next};
use crate::provider::reading::Seen;

/// A list that is searched for some orders.
pub struct Listing {
    pub customer: Option<i64>,
    /// Whether the orders have been read, and the list shows only whose they are.
    pub proof: bool,
    pub wanted: BTreeSet<usize>,
    hunt: Hunt,
    /// Pages that were asked for and have not come yet.
    pub under_way: usize,
    /// Rows of the first page: no page size is published.
    rows: usize,
    over: bool,
    seen: Seen,
}

impl Listing {
    fn path(&self, page: usize) -> String {
        orders(None, self.customer, page * self.rows)
    }
}

impl OrderReading {
    pub(super) fn ask_one(&mut self, index: usize) {
        let target = &self.targets[index];
        let path = orders(Some(&target.key), target.customer, 0);
        let purpose = if target.customer.is_some() {
            Purpose::Own(index)
        } else {
            Purpose::Any(index)
        };
        self.send(path, purpose);
    }

    pub(super) fn list(&mut self, customer: Option<i64>, wanted: BTreeSet<usize>, proof: bool) {
        let listing = Listing {
            customer,
            hunt: Hunt::new(wanted.len()),
            wanted,
            under_way: 1,
            rows: 0,
            over: false,
            proof,
            seen: Seen::default(),
        };
        self.listings.push(listing);
        self.send(
            orders(None, customer, 0),
            Purpose::Page(self.listings.len() - 1),
        );
    }

    pub(super) fn page(&mut self, number: usize, rows: Vec<OrderRow<'_>>) {
        let listing = &mut self.listings[number];
        listing.hunt.read(rows.len());
        listing.rows = listing.rows.max(rows.len());
        let new = self.absorb(number, rows);
        let listing = &mut self.listings[number];
        listing.over |= !new || listing.hunt.at_end();
        listing.under_way -= 1;
        if listing.under_way == 0 {
            self.go_on(number);
        }
    }

    pub(super) fn ahead(&mut self, number: usize, page: usize, rows: Vec<OrderRow<'_>>) {
        if self.absorb(number, rows) {
            self.ask_each(number);
        } else {
            self.listings[number].hunt.ends_before(page);
            self.go_on(number);
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
            self.targets[index].owner = listing.customer;
            if listing.proof {
                self.settle(index);
            } else {
                self.read(index, row);
            }
        }
        new
    }

    /// Decides how to find what a listing has not shown yet.
    fn go_on(&mut self, number: usize) {
        let listing = &self.listings[number];
        match listing.hunt.next(listing.wanted.len(), listing.over) {
            Next::Done => {}
            Next::AskEach => self.ask_each(number),
            Next::Read(pages) => {
                self.listings[number].under_way += pages.len();
                for page in pages {
                    let path = self.listings[number].path(page);
                    self.send(path, Purpose::Page(number));
                }
            }
            Next::Probe(page) => {
                let path = self.listings[number].path(page);
                self.send(path, Purpose::Ahead(number, page));
            }
        }
    }

    fn ask_each(&mut self, number: usize) {
        let listing = &mut self.listings[number];
        let (over, proof) = (
            listing.over,
            listing.proof.then_some(listing.customer).flatten(),
        );
        for index in std::mem::take(&mut listing.wanted) {
            if let Some(customer) = proof {
                self.prove(index, customer);
            } else if over {
                // Not in this list: it may be another customer's, or not there at all.
                let path = orders(Some(&self.targets[index].key), None, 0);
                self.send(path, Purpose::Any(index));
            } else {
                self.ask_one(index);
            }
        }
    }
}
