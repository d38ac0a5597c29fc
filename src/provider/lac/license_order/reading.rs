//! Reads the wanted orders and finds their owners.
//!
//! No reply carries `customer_id`, so the list filter proves the owner: an order that the list for customer 7
//! contains belongs to customer 7. One such call reads the orders and proves their owner at once; it is needed once
//! per customer, or once per order if only one order of a customer is wanted. With many customers that can cost more
//! than reading everything. Then the list of all orders is read beside the customer list, which maps names to ids. A
//! separate proof is then needed only if two customers share a name, or if the customer is not the manifest's.
//!
//! Pages have no published size and no total: the first page shows how many rows a page has, and a page that is empty
//! or has nothing new is the end. An order that no list showed is asked for by its key, so an order that moved from
//! one page to another while both were read is still found.
//!
//! Two independent machines decide what to ask for: [`Search`] decides how the lists are searched for orders, and
//! [`Owners`] decides how the owners of the found orders are resolved. This module turns their requests into calls,
//! each with a purpose, passes each reply to the machine that requested it, and reports to both which orders were
//! read. While both lists are read side by side, `both_lists` decides which of them is read further.

mod both_lists;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::customers::CUSTOMERS;
use super::lists::{exact, orders};
use super::order_search::{self, ListedOrder, PageRequest, Search};
use super::owner_resolution::{self, CustomerPage, ListState, Owners};
use super::read_cost::FEW_CUSTOMERS;
use super::target::{Order, Target, observed};
use super::{ORDERS, OrderRow, customer_of, decode, key_of};
use crate::model::{Call, Desired, Observed, ReadFailure, Reply, Text, Value};
use crate::provider::decode::Want;
use crate::provider::lac::lists::{customers, rows_of};
use crate::provider::reading::{Answer, Outbox, Reading, Settled, Ticket, require_success};

/// The number of the list of all orders among the searched lists, while it is read beside the customer list.
const WHOLE: usize = 0;

/// The purpose of a call. Orders are named by their index among the wanted orders.
#[derive(Clone, Debug)]
enum Purpose {
    /// Reads an order if it belongs to the customer of its manifest.
    OrderOf(usize),
    /// Reads an order, whichever customer it belongs to.
    Order(usize),
    Page(PageRequest),
    Customers(CustomerPage),
    /// Checks whether an order is in the list of this customer.
    Proof(usize, i64),
}

pub struct OrderReading {
    outbox: Outbox<Purpose>,
    /// The number of calls without a reply so far.
    outstanding: usize,
    targets: Vec<Target>,
    settled: Settled,
    /// The index of each target by its key. Most rows of a large account are not targets, so the lookup must be fast.
    by_key: HashMap<Text, usize>,
    search: Search,
    owners: Owners,
    /// True if the list of all orders is read beside the list of customers.
    reads_both: bool,
}

impl OrderReading {
    pub fn new(desired_objects: &[&Desired]) -> Self {
        let targets: Vec<Target> = desired_objects
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
            })
            .collect();
        let by_key = targets.iter().enumerate();
        let by_key = by_key.map(|(index, target)| (target.key.clone(), index));
        let mut reading = Self {
            outbox: Outbox::default(),
            outstanding: 0,
            settled: Settled::none_of(targets.len()),
            by_key: by_key.collect(),
            search: Search::new(targets.iter().map(|target| target.customer).collect()),
            owners: Owners::new(),
            targets,
            reads_both: false,
        };
        reading.start();
        reading
    }

    fn start(&mut self) {
        let mut groups: BTreeMap<Option<i64>, BTreeSet<usize>> = BTreeMap::new();
        for (index, target) in self.targets.iter().enumerate() {
            groups.entry(target.customer).or_default().insert(index);
        }
        if groups.len() > FEW_CUSTOMERS {
            self.reads_both = true;
            let pages = self.search.search_all((0..self.targets.len()).collect());
            self.send_search(pages);
            let names = self.owners.read_beside(groups.len());
            self.send_resolution(names);
            return;
        }
        let of_nobody = match groups.remove(&None) {
            Some(several) if several.len() > 1 => self.search.search_all(several),
            Some(only) => self.search.ask_apart(only),
            None => Vec::new(),
        };
        self.send_search(of_nobody);
        self.ask_apart(groups.into_values().flatten());
    }

    fn send(&mut self, path: String, purpose: Purpose) {
        self.outstanding += 1;
        self.outbox.send(Call::get(path), purpose);
    }

    fn send_search(&mut self, requests: Vec<order_search::Request>) {
        for request in requests {
            match request {
                order_search::Request::Order(index) => {
                    let path = orders(Some(&self.targets[index].key), None, 0);
                    self.send(path, Purpose::Order(index));
                }
                order_search::Request::OrderOf(index, customer) => self.ask_of(index, customer),
                order_search::Request::Page(page) => {
                    let path = orders(None, page.customer, page.offset);
                    self.send(path, Purpose::Page(page));
                }
            }
        }
    }

    fn send_resolution(&mut self, requests: Vec<owner_resolution::Request>) {
        for request in requests {
            match request {
                owner_resolution::Request::Customers(page) => {
                    self.send(customers(page.offset), Purpose::Customers(page));
                }
                owner_resolution::Request::Proof(index, customer) => self.prove(index, customer),
            }
        }
    }

    /// Asks for an order in the list of a customer. If the order was read before, the call only proves its owner.
    fn ask_of(&mut self, index: usize, customer: i64) {
        if self.targets[index].order.is_some() {
            self.owners.expect_proof(index);
            return self.prove(index, customer);
        }
        let path = orders(Some(&self.targets[index].key), Some(customer), 0);
        self.send(path, Purpose::OrderOf(index));
    }

    fn prove(&mut self, index: usize, customer: i64) {
        let path = orders(Some(&self.targets[index].key), Some(customer), 0);
        self.send(path, Purpose::Proof(index, customer));
    }

    fn ask_apart(&mut self, orders: impl IntoIterator<Item = usize>) {
        let requests = self.search.ask_apart(orders);
        self.send_search(requests);
    }

    /// Returns whether the fields of a row must be decoded. `false` if only the row's presence counts, as for a proof.
    fn wants(&self, purpose: &Purpose, key: &str) -> bool {
        match purpose {
            Purpose::OrderOf(index) | Purpose::Order(index) => self.targets[*index].key == key,
            Purpose::Page(page) => {
                let index = self.by_key.get(key);
                index.is_some_and(|index| self.search.reads(page.list, *index))
            }
            Purpose::Customers(_) | Purpose::Proof(..) => false,
        }
    }

    fn take_rows(&mut self, purpose: &Purpose, rows: Vec<OrderRow<'_>>) {
        match purpose {
            Purpose::OrderOf(index) => match exact(rows, &self.targets[*index].key) {
                Some(order) => {
                    self.targets[*index].owner = self.targets[*index].customer;
                    self.read(*index, order);
                }
                None => self.send_search(vec![order_search::Request::Order(*index)]),
            },
            Purpose::Order(index) => {
                let others = rows.len();
                match exact(rows, &self.targets[*index].key) {
                    Some(order) => self.read(*index, order),
                    None if others > 0 => self.targets[*index].fail_as_part(others),
                    None => {}
                }
            }
            Purpose::Page(page) => self.take_page(page, rows),
            Purpose::Customers(_) => {}
            Purpose::Proof(index, customer) => {
                self.owners.proof_ended(*index);
                let target = &mut self.targets[*index];
                if exact(rows, &target.key).is_some() {
                    target.owner = Some(*customer);
                    self.settle(*index);
                }
            }
        }
    }

    /// Reads the wanted orders of a page. If the page is from a customer's list, that customer is their owner.
    fn take_page(&mut self, page: &PageRequest, rows: Vec<OrderRow<'_>>) {
        let keys = rows.iter().filter_map(key_of);
        let listed: Vec<ListedOrder<'_>> = keys
            .map(|key| (key, self.by_key.get(key).copied()))
            .collect();
        let mut found = self.search.page(page, &listed).into_iter().peekable();
        for (at, row) in rows.into_iter().enumerate() {
            let Some((_, index)) = found.next_if(|(found, _)| *found == at) else {
                continue;
            };
            if page.customer.is_some() {
                self.targets[index].owner = page.customer;
            }
            if self.targets[index].order.is_some() {
                self.settle(index);
            } else {
                self.read(index, row);
            }
        }
    }

    fn read(&mut self, index: usize, row: OrderRow<'_>) {
        let customer = customer_of(&row).map(|name| self.owners.intern(name));
        let live = decode(row);
        self.targets[index].order = Some(Order { live, customer });
        self.search.mark_read(index);
        self.settle(index);
    }

    /// Settles an order once it was read and its owner is known.
    fn settle(&mut self, index: usize) {
        let target = &mut self.targets[index];
        if target.owner.is_none() {
            target.owner = self.owners.owner(target.unowned(index));
        }
        if target.owner.is_some() && target.order.is_some() {
            let seen = observed(target);
            self.settled.put(index, seen);
        }
    }

    fn fail(&mut self, orders: impl IntoIterator<Item = (usize, ReadFailure)>) {
        for (index, why) in orders {
            self.targets[index].failure = Some(why);
        }
    }

    fn failed(&mut self, purpose: &Purpose, failure: ReadFailure) {
        match purpose {
            Purpose::OrderOf(index) | Purpose::Order(index) => {
                self.targets[*index].failure = Some(failure);
            }
            Purpose::Proof(index, customer) => {
                self.owners.lose_proof(*index, *customer, failure);
            }
            Purpose::Page(page) => self.search.lose(page, failure),
            Purpose::Customers(page) => self.owners.lose_page(page, failure),
        }
    }

    /// Requests what follows in the list that an answered call was for.
    fn go_on_after(&mut self, purpose: &Purpose) {
        match purpose {
            Purpose::OrderOf(_) | Purpose::Order(_) | Purpose::Proof(..) => return,
            Purpose::Page(page) => {
                let Some(failed) = self.search.page_ended(page.list) else {
                    return;
                };
                self.fail(failed);
                if !self.reads_both || page.list != WHOLE {
                    let requests = self.search.go_on(page.list);
                    return self.send_search(requests);
                }
            }
            Purpose::Customers(_) => self.customers_ended(),
        }
        if self.reads_both {
            self.go_on_with_both();
        }
    }

    fn customers_ended(&mut self) {
        let was_known = *self.owners.state() == ListState::Known;
        let requests = self.owners.page_ended(self.search.asked(WHOLE));
        self.send_resolution(requests);
        if !was_known && *self.owners.state() == ListState::Known {
            for index in 0..self.targets.len() {
                self.settle(index);
            }
        }
    }

    /// Returns the orders that were read and have no known owner yet.
    fn open(&self) -> impl Iterator<Item = usize> {
        (0..self.targets.len()).filter(|index| self.targets[*index].is_open())
    }

    /// Requests what is needed to find the owners of orders that were read without a proof.
    fn resolve_owners(&mut self) {
        let targets = self.targets.iter().enumerate();
        let open = targets.filter(|(_, target)| target.is_open());
        let open = open.map(|(index, target)| target.unowned(index)).collect();
        let resolution = self.owners.resolve(open);
        self.fail(resolution.failures);
        self.send_resolution(resolution.requests);
        if !resolution.apart.is_empty() {
            self.ask_apart(resolution.apart);
        }
    }

    fn take_reply(
        &mut self,
        purpose: &Purpose,
        name: &str,
        reply: &Reply,
    ) -> Result<(), ReadFailure> {
        if let Purpose::Customers(page) = purpose {
            let rows = rows_of(&CUSTOMERS, name, reply, &|_| true)?;
            self.owners.page(page, &rows);
        } else {
            let want: Want<'_> = &|key| key.text().is_some_and(|key| self.wants(purpose, key));
            let rows = rows_of(&ORDERS, name, reply, want)?;
            self.take_rows(purpose, rows);
        }
        Ok(())
    }
}

impl Reading for OrderReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        if self.outstanding == 0 {
            let requests = self.search.ask_later();
            self.send_search(requests);
        }
        if self.outstanding == 0 {
            self.resolve_owners();
        }
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        self.outstanding -= 1;
        let (purpose, name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer);
        let read = read.and_then(|reply| self.take_reply(&purpose, &name, &reply));
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
        settled.finish(|index| observed(&mut targets[index]))
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
