//! Which list calls show the wanted orders and whose they are.
//!
//! No reply carries `customer_id`, so membership is proved by the list filter: an order that the list
//! for customer 7 contains belongs to customer 7. That makes one call per customer, or per order where
//! only one of a customer's is wanted, prove and read at once. With many customers that would cost more
//! than reading everything; then the whole list is paged beside the customer list, which maps names to
//! ids, and only a name that two customers share, or one that is not the manifest's, is proved apart. A customer
//! list that has cost as much as proofs would is left: part of it proves nothing, so each order is proved.
//!
//! Pages have no published size and no total: the first one tells how many rows a page has, and an empty
//! page, or one that brings nothing new, is the end.
//!
//! Here calls get their purposes and replies find back to them. How lists are searched for orders is in `search`,
//! how owners are found in `owners`.

use std::collections::{BTreeMap, BTreeSet};

use super::customers::{CUSTOMERS, CustomerList};
use super::lists::{exact, orders, rows_of};
use super::owners::Names;
use super::search::Listing;
use super::target::{Order, Target, observed};
use super::{ORDERS, OrderRow, customer_of, decode};
use crate::model::{Call, Observed, Value};
use crate::provider::decode::Want;
use crate::provider::reading::{
    Answer, Failure, Outbox, Reading, Settled, Ticket, Wanted, success,
};

/// Up to this many customers are asked for one by one.
pub const FEW_CUSTOMERS: usize = 16;

#[derive(Clone, Debug)]
pub enum Purpose {
    /// One order, if it belongs to the customer of the manifest.
    Own(usize),
    /// One order, whoever's it is.
    Any(usize),
    /// A page of all orders, or of one customer's; the number is that of the listing.
    Page(usize),
    /// A later page of a listing, to see whether it is that long.
    Ahead(usize, usize),
    Customers,
    /// Whether one order is in the list of this customer.
    Proof(usize, i64),
}

pub struct OrderReading {
    outbox: Outbox<Purpose>,
    outstanding: usize,
    pub(super) targets: Vec<Target>,
    pub(super) settled: Settled,
    /// The places of the targets, in the order of their keys.
    by_key: Vec<usize>,
    pub(super) listings: Vec<Listing>,
    pub(super) names: Names,
    pub(super) customers: CustomerList,
}

impl OrderReading {
    pub fn new(wanted: &[Wanted<'_>]) -> Self {
        let targets: Vec<Target> = wanted
            .iter()
            .map(|desired| Target {
                key: desired.id("activationKey").to_string(),
                customer: match desired.fields.get("customer_id") {
                    Some(Value::Integer(id)) => Some(*id),
                    _ => None,
                },
                order: None,
                owner: None,
                absent: false,
                failure: None,
                proofs: None,
                disproved: false,
            })
            .collect();
        let mut by_key = Vec::from_iter(0..targets.len());
        by_key.sort_by(|a, b| targets[*a].key.cmp(&targets[*b].key));
        let mut reading = Self {
            outbox: Outbox::default(),
            outstanding: 0,
            settled: Settled::none_of(targets.len()),
            targets,
            by_key,
            listings: Vec::new(),
            names: Names::NotAsked,
            customers: CustomerList::default(),
        };
        reading.start();
        reading
    }

    fn start(&mut self) {
        let mut groups: BTreeMap<Option<i64>, BTreeSet<usize>> = BTreeMap::new();
        for (i, target) in self.targets.iter().enumerate() {
            groups.entry(target.customer).or_default().insert(i);
        }
        if groups.len() > FEW_CUSTOMERS {
            self.list(None, (0..self.targets.len()).collect(), false);
            self.customers.expected = groups.len();
            self.names = Names::Asked;
            self.ask_names();
            return;
        }
        for (customer, wanted) in groups {
            match wanted.iter().next() {
                Some(only) if wanted.len() == 1 => self.ask_one(*only),
                _ => self.list(customer, wanted, false),
            }
        }
    }

    /// The wanted order with this key.
    pub(super) fn place(&self, key: &str) -> Option<usize> {
        let found = self
            .by_key
            .binary_search_by(|at| self.targets[*at].key.as_str().cmp(key));
        found.ok().map(|at| self.by_key[at])
    }

    pub(super) fn send(&mut self, path: String, purpose: Purpose) {
        self.outstanding += 1;
        self.outbox.send(Call::get(path), purpose);
    }

    /// Whether anything of an order is wanted beyond that it is there.
    fn wants(&self, purpose: &Purpose, key: &str) -> bool {
        match purpose {
            Purpose::Own(index) | Purpose::Any(index) => self.targets[*index].key == key,
            Purpose::Page(number) | Purpose::Ahead(number, _) => {
                let listing = &self.listings[*number];
                let place = self.place(key).filter(|_| !listing.proof);
                place.is_some_and(|index| listing.wanted.contains(&index))
            }
            Purpose::Customers | Purpose::Proof(..) => false,
        }
    }

    fn rows(&mut self, purpose: &Purpose, rows: Vec<OrderRow<'_>>) {
        match purpose {
            Purpose::Own(index) => match exact(rows, &self.targets[*index].key) {
                Some(order) => {
                    self.targets[*index].owner = self.targets[*index].customer;
                    self.read(*index, order);
                }
                None => {
                    let path = orders(Some(&self.targets[*index].key), None, 0);
                    self.send(path, Purpose::Any(*index));
                }
            },
            Purpose::Any(index) => match exact(rows, &self.targets[*index].key) {
                Some(order) => self.read(*index, order),
                None => self.targets[*index].absent = true,
            },
            Purpose::Page(listing) => self.page(*listing, rows),
            Purpose::Ahead(listing, page) => self.ahead(*listing, *page, rows),
            Purpose::Customers => {}
            Purpose::Proof(index, customer) => {
                let target = &mut self.targets[*index];
                target.proofs = target.proofs.map(|left| left - 1);
                if exact(rows, &target.key).is_some() {
                    target.owner = Some(*customer);
                    self.settle(*index);
                }
            }
        }
    }

    pub(super) fn read(&mut self, index: usize, row: OrderRow<'_>) {
        let customer = customer_of(&row).map(|name| self.customers.name(name));
        let live = decode(row);
        self.targets[index].order = Some(Order { live, customer });
        self.settle(index);
    }

    fn failed(&mut self, purpose: Purpose, failure: Failure) {
        let Failure { status, text: why } = failure;
        match purpose {
            Purpose::Own(index) | Purpose::Any(index) => self.targets[index].failure = Some(why),
            Purpose::Proof(index, _) => {
                self.targets[index].failure = Some(why);
            }
            Purpose::Page(number) | Purpose::Ahead(number, _) => {
                self.listings[number].under_way = self.listings[number].under_way.saturating_sub(1);
                for index in std::mem::take(&mut self.listings[number].wanted) {
                    self.targets[index].failure = Some(why.clone());
                }
            }
            Purpose::Customers => {
                self.customers.under_way -= 1;
                self.names = match status {
                    Some(403 | 404) => Names::Refused(why),
                    _ => Names::Failed(why),
                };
            }
        }
    }
}

impl Reading for OrderReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        if self.outstanding == 0 {
            self.settle_owners();
        }
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        self.outstanding -= 1;
        let (purpose, name) = self.outbox.purpose(ticket);
        let read = success(&name, answer).and_then(|reply| {
            if let Purpose::Customers = purpose {
                self.customer_page(&rows_of(&CUSTOMERS, &name, &reply, &|_| true)?);
            } else {
                let want: Want<'_> = &|key| key.text().is_some_and(|key| self.wants(&purpose, key));
                let rows = rows_of(&ORDERS, &name, &reply, want)?;
                self.rows(&purpose, rows);
            }
            Ok(())
        });
        if let Err(failure) = read {
            self.failed(purpose, failure);
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let Self {
            mut targets,
            settled,
            ..
        } = *self;
        settled.finish(|place| observed(&mut targets[place]))
    }
}

#[cfg(test)]
mod tests;
