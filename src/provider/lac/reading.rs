//! Which list calls show the wanted orders and whose they are.
//!
//! No reply carries `customer_id`, so membership is proved by the list filter: an order that the list
//! for customer 7 contains belongs to customer 7. That makes one call per customer, or per order where
//! only one of a customer's is wanted, prove and read at once. With many customers that can cost more
//! than reading everything; then the whole list is paged beside the customer list, which maps names to
//! ids, and only a name that two customers share, or one that is not the manifest's, is proved apart.
//!
//! Pages have no published size and no total: the first one tells how many rows a page has, and an empty
//! page, or one that brings nothing new, is the end. An order that moved from one page to another while both were
//! read is asked for by its key, as is every order that no list showed.
//!
//! Here calls get their purposes and replies find back to them. How lists are searched for orders is in `search`,
//! how owners are found in `owners`, and which way costs less in `worth`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::customers::{CUSTOMERS, CustomerList};
use super::lists::{exact, rows_of};
use super::owners::Names;
use super::search::{FEW_CUSTOMERS, Later, Listing};
use super::target::{Order, Target, observed};
use super::{ORDERS, OrderRow, customer_of, decode};
use crate::model::{Call, Observed, Text, Value};
use crate::provider::decode::Want;
use crate::provider::reading::{
    Answer, Failure, Outbox, Reading, Settled, Ticket, Wanted, success,
};

/// The listing that shows all orders, where one is read beside the list of customers.
pub const WHOLE: usize = 0;

#[derive(Clone, Debug)]
pub enum Purpose {
    /// One order, if it belongs to the customer of the manifest.
    Own(usize),
    /// One order, whoever's it is.
    Any(usize),
    /// A page of all orders, or of one customer's; the numbers are those of the listing and of the page.
    Page(usize, usize),
    /// A later page of a listing, to see whether it is that long.
    Ahead(usize, usize),
    Customers(usize),
    CustomersAhead(usize),
    /// Whether one order is in the list of this customer.
    Proof(usize, i64),
}

pub struct OrderReading {
    outbox: Outbox<Purpose>,
    outstanding: usize,
    pub(super) targets: Vec<Target>,
    pub(super) settled: Settled,
    /// The places of the targets by their keys, for all the rows of an account that may be none of them.
    by_key: HashMap<Text, usize>,
    pub(super) listings: Vec<Listing>,
    pub(super) later: Later,
    /// Whether the first listing, of all orders, is read beside the list of customers.
    pub(super) with_names: bool,
    pub(super) names: Names,
    pub(super) customers: CustomerList,
}

impl OrderReading {
    pub fn new(wanted: &[Wanted<'_>]) -> Self {
        let targets: Vec<Target> = wanted
            .iter()
            .map(|desired| Target {
                key: desired.id("activationKey").into(),
                customer: match desired.fields.get("customer_id") {
                    Some(Value::Integer(id)) => Some(id),
                    _ => None,
                },
                order: None,
                owner: None,
                failure: None,
                proofs: None,
                unproved: None,
                disproved: false,
            })
            .collect();
        let by_key = targets.iter().enumerate();
        let by_key = by_key.map(|(place, target)| (target.key.clone(), place));
        let by_key = by_key.collect();
        let mut reading = Self {
            outbox: Outbox::default(),
            outstanding: 0,
            settled: Settled::none_of(targets.len()),
            targets,
            by_key,
            listings: Vec::new(),
            later: Later::default(),
            with_names: false,
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
            self.with_names = true;
            self.list(None, (0..self.targets.len()).collect());
            self.customers.expected = groups.len();
            self.names = Names::Asked;
            self.ask_names();
            return;
        }
        match groups.remove(&None) {
            Some(of_somebody) if of_somebody.len() > 1 => self.list(None, of_somebody),
            Some(only) => self.ask_apart(only),
            None => {}
        }
        self.ask_apart(groups.into_values().flatten());
    }

    /// The wanted order with this key.
    pub(super) fn place(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    pub(super) fn send(&mut self, path: String, purpose: Purpose) {
        self.outstanding += 1;
        self.outbox.send(Call::get(path), purpose);
    }

    /// Whether anything of an order is wanted beyond that it is there.
    fn wants(&self, purpose: &Purpose, key: &str) -> bool {
        match purpose {
            Purpose::Own(index) | Purpose::Any(index) => self.targets[*index].key == key,
            Purpose::Page(number, _) | Purpose::Ahead(number, _) => {
                let wanted = &self.listings[*number].wanted;
                self.place(key)
                    .is_some_and(|at| wanted.contains(&at) && self.targets[at].order.is_none())
            }
            Purpose::Customers(_) | Purpose::CustomersAhead(_) | Purpose::Proof(..) => false,
        }
    }

    fn rows(&mut self, purpose: &Purpose, rows: Vec<OrderRow<'_>>) {
        match purpose {
            Purpose::Own(index) => match exact(rows, &self.targets[*index].key) {
                Some(order) => {
                    self.targets[*index].owner = self.targets[*index].customer;
                    self.read(*index, order);
                }
                None => self.ask_any(*index),
            },
            Purpose::Any(index) => {
                let others = rows.len();
                match exact(rows, &self.targets[*index].key) {
                    Some(order) => self.read(*index, order),
                    None if others > 0 => self.only_parts(*index, others),
                    None => {}
                }
            }
            Purpose::Page(listing, _) => self.page(*listing, rows),
            Purpose::Ahead(listing, page) => self.ahead(*listing, *page, rows),
            Purpose::Customers(_) | Purpose::CustomersAhead(_) => {}
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

    /// The filter matches parts of keys, and such a list may go on: that the order is not there is not shown.
    fn only_parts(&mut self, index: usize, others: usize) {
        let target = &mut self.targets[index];
        let key = &target.key;
        target.failure = Some(format!(
            "GET /license-orders shows {others} with {key} as a part of their keys, and none whose key it is: \
             give the whole key"
        ));
    }

    pub(super) fn read(&mut self, index: usize, row: OrderRow<'_>) {
        let customer = customer_of(&row).map(|name| self.customers.name(name));
        let live = decode(row);
        self.targets[index].order = Some(Order { live, customer });
        self.settle(index);
    }

    fn failed(&mut self, purpose: &Purpose, failure: Failure) {
        match purpose {
            Purpose::Own(index) | Purpose::Any(index) => {
                self.targets[*index].failure = Some(failure.text);
            }
            Purpose::Proof(index, customer) => {
                self.targets[*index].lose_proof(*customer, failure.text);
            }
            Purpose::Page(number, page) | Purpose::Ahead(number, page) => {
                self.listings[*number].lose(*page, failure);
            }
            Purpose::Customers(page) | Purpose::CustomersAhead(page) => {
                self.customers.lose(*page, failure);
            }
        }
    }

    /// Goes on with the lists that the call was for.
    fn go_on_after(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::Own(_) | Purpose::Any(_) | Purpose::Proof(..) => return,
            Purpose::Page(number, _) | Purpose::Ahead(number, _) => {
                self.listings[*number].under_way -= 1;
                if self.listings[*number].under_way > 0 {
                    return;
                }
                self.give_up(*number);
                if !self.with_names || *number != WHOLE {
                    return self.go_on(*number);
                }
            }
            Purpose::Customers(_) | Purpose::CustomersAhead(_) => {
                self.customers.under_way -= 1;
                self.names_came();
            }
        }
        if self.with_names {
            self.go_on_with_both();
        }
    }
}

impl Reading for OrderReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        if self.outstanding == 0 {
            self.list_later();
        }
        if self.outstanding == 0 {
            self.settle_owners();
        }
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        self.outstanding -= 1;
        let (purpose, name) = self.outbox.purpose(ticket);
        let read = success(&name, answer).and_then(|reply| {
            if let Purpose::Customers(_) | Purpose::CustomersAhead(_) = purpose {
                let rows = rows_of(&CUSTOMERS, &name, &reply, &|_| true)?;
                self.names_read(&purpose, &rows);
            } else {
                let want: Want<'_> = &|key| key.text().is_some_and(|key| self.wants(&purpose, key));
                let rows = rows_of(&ORDERS, &name, &reply, want)?;
                self.rows(&purpose, rows);
            }
            Ok(())
        });
        if let Err(failure) = read {
            self.failed(&purpose, failure);
        }
        self.go_on_after(&purpose);
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
mod account;
#[cfg(test)]
mod costs;
#[cfg(test)]
mod replies;
#[cfg(test)]
mod tests;
