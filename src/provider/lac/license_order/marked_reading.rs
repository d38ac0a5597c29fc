//! Reads orders that manifests name by a customer and a marker (`marker`): the list of each customer's orders, to its end.
//!
//! That list proves whose the orders are as well. An order counts as the only one with its marker, or as missing, once the
//! list was read whole.
//!
//! ```text
//! customer 7, [floating]     GET /license-orders?customer_ids=7&customer_ids_exclude=false              K1 "Node locked"   K2 "Rivers [floating]"
//! customer 7, [trial]        GET /license-orders?customer_ids=7&customer_ids_exclude=false&offset=1     K2 again: the end
//!                            K2 is the first, and the second is missing
//! ```
//!
//! An order that is missing and may be created waits for its product template (`template_search`).

use std::collections::BTreeMap;

use super::lists::orders;
use super::marker::{has_marker, marker_of};
use super::new_order::NewOrder;
use super::template_search::{SearchCall, TemplateSearch};
use super::{ORDERS, OrderRow, decode, fields, key_of};
use crate::model::live::Fact;
use crate::model::{Call, Desired, Observed, ReadFailure, Value};
use crate::provider::lac::list_walk::{ListWalk, WalkStep};
use crate::provider::lac::lists::rows_of;
use crate::provider::reading::{Answer, Outbox, Reading, Settled, Ticket, require_success};

/// The name of the list call in messages.
const LIST: &str = "GET /license-orders";

/// The orders of one customer.
#[derive(Default)]
struct Customer {
    walk: ListWalk,
    targets: Vec<Target>,
    /// Orders by their keys, as the present walk has shown them.
    found: BTreeMap<String, Observed>,
}

/// A wanted order.
struct Target {
    index: usize,
    marker: String,
    /// The order that may be created; `None` if none may, or if no template has anything for it.
    new: Option<NewOrder>,
}

/// Says what a call shows.
#[derive(Clone, Copy)]
enum Purpose {
    /// Orders of this customer from this row on.
    Orders(i64, usize),
    Search(SearchCall),
}

pub struct MarkedReading {
    outbox: Outbox<Purpose>,
    customers: BTreeMap<i64, Customer>,
    templates: TemplateSearch,
    settled: Settled,
}

impl MarkedReading {
    /// Begins with the first page of each customer's orders.
    pub fn new(desired: &[&Desired]) -> Self {
        let mut reading = Self {
            outbox: Outbox::default(),
            customers: BTreeMap::new(),
            templates: TemplateSearch::default(),
            settled: Settled::none_of(desired.len()),
        };
        for (index, one) in desired.iter().enumerate() {
            if let Some((customer, marker)) = marker_of(one) {
                let customer = reading.customers.entry(customer).or_default();
                customer.targets.push(Target {
                    index,
                    marker: marker.to_string(),
                    new: NewOrder::of(one),
                });
            }
        }
        let customers: Vec<i64> = reading.customers.keys().copied().collect();
        for customer in customers {
            reading.ask(customer, 0);
        }
        reading
    }

    fn ask(&mut self, customer: i64, offset: usize) {
        let path = orders(None, Some(customer), offset);
        let purpose = Purpose::Orders(customer, offset);
        self.outbox.send(Call::get(path), purpose);
    }

    /// Takes a page of a customer's orders and asks for what follows. `Err` if the list cannot be read to its end.
    fn take_page(
        &mut self,
        customer: i64,
        offset: usize,
        rows: Vec<OrderRow<'_>>,
    ) -> Result<(), ReadFailure> {
        let Some(state) = self.customers.get_mut(&customer) else {
            return Ok(());
        };
        let mut ids = Vec::with_capacity(rows.len());
        let before = state.found.len();
        for row in rows {
            let key = key_of(&row).unwrap_or_default().to_string();
            let order = observe(row, &key, customer);
            state.found.insert(key.clone(), order);
            ids.push(key);
        }
        let is_new = state.found.len() > before;
        match state.walk.take(LIST, offset, ids, is_new) {
            WalkStep::Ask(offset) => self.ask(customer, offset),
            WalkStep::Again => {
                state.found.clear();
                self.ask(customer, 0);
            }
            WalkStep::End => self.settle(customer),
            WalkStep::Abandon(why) => return Err(ReadFailure::odd(why)),
        }
        Ok(())
    }

    /// Settles the orders of a customer whose list was read to its end.
    fn settle(&mut self, customer: i64) {
        let Some(state) = self.customers.remove(&customer) else {
            return;
        };
        for target in &state.targets {
            let observed = state.find(customer, &target.marker);
            match (&observed, &target.new) {
                (Observed::Missing, Some(order)) => self.templates.add(target.index, order.clone()),
                _ => self.settled.put(target.index, observed),
            }
        }
    }

    fn fail(&mut self, customer: i64, failure: &ReadFailure) {
        let state = self.customers.remove(&customer);
        for target in state.map(|state| state.targets).unwrap_or_default() {
            let failure = Observed::Unread(failure.clone());
            self.settled.put(target.index, failure);
        }
    }

    fn take_orders(&mut self, customer: i64, offset: usize, name: &str, answer: Answer) {
        let read = require_success(name, answer).and_then(|reply| {
            let rows = rows_of(&ORDERS, name, &reply, &|_| true)?;
            self.take_page(customer, offset, rows)
        });
        if let Err(failure) = read {
            self.fail(customer, &failure);
        }
    }
}

/// Decodes an order of the customer's list, with the customer and its key.
fn observe(row: OrderRow<'_>, key: &str, customer: i64) -> Observed {
    match decode(row) {
        Ok(mut live) => {
            let id = Value::Integer(customer);
            live.fields.insert(fields::CUSTOMER_ID, id);
            let key = Fact::Text(key.to_string());
            live.facts.insert(fields::ACTIVATION_KEY.into(), key);
            Observed::Live(live)
        }
        Err(fault) => {
            let why = format!("{LIST}: order {key}: {fault}");
            Observed::Unread(ReadFailure::odd(why))
        }
    }
}

impl Customer {
    /// Returns the order with a marker. Two are an error with both keys. Where none has it and one could not be decoded,
    /// that one may have it, so the order is not missing.
    fn find(&self, customer: i64, marker: &str) -> Observed {
        let is_marked = |(_, observed): &(&String, &Observed)| match observed {
            Observed::Live(live) => has_marker(live, marker),
            _ => false,
        };
        let found: Vec<(&String, &Observed)> = self.found.iter().filter(is_marked).collect();
        let mut unread = self.found.values();
        let unread = unread.find(|observed| matches!(observed, Observed::Unread(_)));
        match (&found[..], unread) {
            ([(_, only)], _) => (*only).clone(),
            ([], Some(unread)) => unread.clone(),
            ([], None) => Observed::Missing,
            _ => {
                let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
                Observed::Unread(ReadFailure::odd(format!(
                    "customer {customer} has {} orders with [{marker}] in their descriptions: {}; name one by its \
                     `activationKey`",
                    keys.len(),
                    keys.join(", ")
                )))
            }
        }
    }
}

impl Reading for MarkedReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        match purpose {
            Purpose::Orders(customer, offset) => self.take_orders(customer, offset, &name, answer),
            Purpose::Search(call) => self.templates.take(call, &name, answer),
        }
        for (search, call) in self.templates.calls() {
            self.outbox.send(call, Purpose::Search(search));
        }
        for (index, observed) in self.templates.settled() {
            self.settled.put(index, observed);
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        self.settled.finish(|_| {
            Observed::Unread(ReadFailure::odd("the order was not asked for".to_string()))
        })
    }
}

#[cfg(test)]
mod tests;
