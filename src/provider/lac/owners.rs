//! Whose the orders are that a list of all orders showed.
//!
//! Such an order tells the name of its customer, never the id. Two things find the id: the customer list, if only
//! one customer has the name and it is the manifest's; and a proof, a call that finds the order in the list of
//! one customer. The customer list settles all orders at once, but has to be read to its end, since a later page
//! can show a second customer of the name. Proofs cost a call for each order, or for each customer of several. So
//! the list is left where `worth` finds that proofs cost no more, and read to its end after all if the proof of
//! what a manifest says fails. An account that may not see its customers has the proofs alone.

use std::collections::{BTreeSet, HashSet};

use super::customers::CustomerRow;
use super::lists::{customers, orders};
use super::reading::{OrderReading, Purpose, WHOLE};
use super::search::{FEW_CUSTOMERS, Listing};
use super::target::observed;
use super::worth::{Outlook, Rest, Way};
use crate::provider::overlap::unsettled;
use crate::provider::reading::{Failure, MOST_PAGES};

/// Pages of orders beside which one of customers hardly counts.
const CHEAP: usize = 8;

/// How far it is known who has which name.
#[derive(PartialEq)]
pub enum Names {
    NotAsked,
    /// Asked for beside the list of all orders, as long as both are worth it.
    Asked,
    /// Not read on, since proofs cost no more.
    Left,
    /// Asked for to the end: a proof failed, or there is no customer to prove.
    AskedWhole,
    Known,
    Failed(String),
    /// The account may not see the customers.
    Refused(String),
}

impl OrderReading {
    /// Asks for the next pages of the customer list, side by side.
    pub(super) fn ask_names(&mut self) {
        for page in self.customers.next() {
            let path = customers(self.customers.offset(page));
            self.send(path, Purpose::Customers(page));
        }
    }

    fn look_at_names(&mut self, further: usize) {
        let page = self.customers.look(further);
        let path = customers(self.customers.offset(page));
        self.send(path, Purpose::CustomersAhead(page));
    }

    /// Settles an order that was read, if it is known whose it is.
    pub(super) fn settle(&mut self, index: usize) {
        let target = &mut self.targets[index];
        if target.owner.is_none() && self.names == Names::Known {
            target.owner = target.agreed(&self.customers);
        }
        if target.owner.is_some() && target.order.is_some() {
            let seen = observed(target);
            self.settled.put(index, seen);
        }
    }

    pub(super) fn names_read(&mut self, purpose: &Purpose, rows: &[CustomerRow<'_>]) {
        match purpose {
            Purpose::CustomersAhead(page) => self.customers.seen_ahead(*page, rows),
            Purpose::Customers(page) => self.customers.page(*page, rows),
            _ => {}
        }
    }

    /// What the customer list tells, once all of its pages under way have come.
    pub(super) fn names_came(&mut self) {
        if self.customers.under_way > 0 || !matches!(self.names, Names::Asked | Names::AskedWhole) {
            return;
        }
        if let Some(Failure { status, text }) = self.customers.lost() {
            self.names = match status {
                Some(403 | 404) => Names::Refused(text),
                _ => Names::Failed(text),
            };
        } else if !self.customers.join() {
            if self.customers.begin_again() {
                return self.ask_names();
            }
            self.names = Names::Failed(unsettled("GET /customers"));
        } else if self.customers.is_over() {
            self.names = Names::Known;
            for index in 0..self.targets.len() {
                self.settle(index);
            }
        } else if self.customers.pages >= MOST_PAGES {
            let why = format!("GET /customers does not end after {MOST_PAGES} pages");
            self.names = Names::Failed(why);
        } else if self.names == Names::AskedWhole || self.names_are_cheap() {
            self.ask_names();
        }
    }

    /// Whether so many pages of orders go out anyway that the customers beside them hardly count. The list is then
    /// read on before those have all come: until it is known whose the orders are, all that were read are held.
    fn names_are_cheap(&self) -> bool {
        self.customers.calls <= self.listings[WHOLE].asked / CHEAP
    }

    /// Goes on with the lists of all orders and of all customers, once all pages under way of both have come: what
    /// the one is worth depends on the other.
    pub(super) fn go_on_with_both(&mut self) {
        let orders = &self.listings[WHOLE];
        if orders.under_way > 0 || self.customers.under_way > 0 {
            return;
        }
        if orders.over {
            self.ask_each(WHOLE);
        }
        match self.names {
            Names::Known => {
                let calls = self.customers.calls;
                self.listings[WHOLE].hunt.pay_for(calls);
                self.go_on(WHOLE);
            }
            Names::Asked => self.weigh_both(),
            _ => self.leave_both(),
        }
    }

    fn weigh_both(&mut self) {
        let Some(outlook) = self.outlook() else {
            // No manifest says whose an order is, so the customer list is needed in any case.
            return self.ask_names();
        };
        match outlook.way() {
            Way::Apart => {
                self.names = Names::Left;
                self.leave_both();
            }
            Way::Begin => {
                self.ask_names();
                let Listing { hunt, wanted, .. } = &self.listings[WHOLE];
                if hunt.likely(wanted.len()).is_some() {
                    let (read, more) = (hunt.pages(), hunt.least(wanted.len()));
                    (read..read + more).for_each(|page| self.ask_page(WHOLE, page, false));
                }
            }
            Way::Pages => self.ask_names(),
            Way::LookAtCustomers(further) => self.look_at_names(further),
            Way::LookAtOrders(further) => {
                let page = self.listings[WHOLE].hunt.pages() + further;
                self.ask_page(WHOLE, page, true);
            }
        }
    }

    /// Asks for everything that is nobody's yet apart from both lists. Where a call for customers was lost, what
    /// was read fails with it.
    fn leave_both(&mut self) {
        self.with_names = false;
        let mut orders = std::mem::take(&mut self.listings[WHOLE].wanted);
        if !matches!(self.names, Names::Failed(_)) {
            let of_somebody = |index: &usize| self.targets[*index].customer.is_some();
            orders.extend(self.open().filter(of_somebody));
        }
        self.ask_apart(orders);
    }

    /// What is known of both lists; nothing if the owner of an order can only be found by its name.
    fn outlook(&self) -> Option<Outlook> {
        let orders = &self.listings[WHOLE];
        let customer = |index: usize| self.targets[index].customer;
        let read: HashSet<i64> = self.open().map(customer).collect::<Option<_>>()?;
        let wanted = orders.wanted.iter().map(|index| customer(*index));
        let mut left: HashSet<i64> = wanted.collect::<Option<_>>()?;
        left.retain(|customer| !read.contains(customer));
        let count = orders.wanted.len();
        let least = orders.hunt.least(count);
        let reaches = orders.reaches.map(|page| page + 1);
        Some(Outlook {
            read: read.len(),
            left: left.len(),
            likely: orders.hunt.likely(count).unwrap_or(least),
            orders: Rest {
                least: reaches.map_or(least, |end| end.saturating_sub(orders.hunt.pages())),
                most: orders.hunt.most(),
            },
            customers: self.customers.rest(),
            begun: self.customers.unbegun() == 0,
        })
    }

    /// The orders that were read and are nobody's yet.
    fn open(&self) -> impl Iterator<Item = usize> {
        (0..self.targets.len()).filter(|index| self.targets[*index].is_open())
    }

    /// Finds out whose the orders are that were read without a proof.
    pub(super) fn settle_owners(&mut self) {
        for target in self.targets.iter_mut().filter(|target| target.is_open()) {
            target.failure = target.unproved.take().map(|(_, why)| why);
        }
        let open: Vec<usize> = self.open().collect();
        if open.is_empty() {
            return;
        }
        match &self.names {
            Names::NotAsked => self.ask_whole(),
            Names::Asked | Names::AskedWhole => {}
            Names::Left => self.settle_left(open),
            Names::Failed(why) => {
                let why = why.clone();
                for index in open {
                    self.targets[index].failure = Some(why.clone());
                }
            }
            Names::Refused(why) => {
                let why = why.clone();
                self.settle_unseen(open, &why);
            }
            Names::Known => {
                for index in open {
                    self.settle_owner(index);
                }
            }
        }
    }

    /// Asks for the customer list to its end.
    fn ask_whole(&mut self) {
        self.names = Names::AskedWhole;
        self.ask_names();
    }

    /// Proves the owners that the manifests say. Whose an order is that belongs to another, only the whole
    /// customer list tells.
    fn settle_left(&mut self, open: Vec<usize>) {
        let provable = |index: &usize| {
            let target = &self.targets[*index];
            target.proofs.is_none() && target.customer.is_some()
        };
        if open.iter().all(provable) {
            self.ask_apart(open);
            return;
        }
        for index in open {
            let target = &mut self.targets[index];
            target.disproved = target.proofs.take().is_some();
        }
        self.ask_whole();
    }

    /// Proves the owners that the manifests say where the account may not see its customers.
    fn settle_unseen(&mut self, open: Vec<usize>, why: &str) {
        let mut provable = Vec::new();
        for index in open {
            let target = &mut self.targets[index];
            match (target.proofs, target.customer) {
                (None, Some(_)) => provable.push(index),
                (Some(_), Some(customer)) => {
                    let key = &target.key;
                    let text = format!(
                        "order {key} is not in the list of customer {customer}, and whose it is cannot be \
                         seen: {why}"
                    );
                    target.failure = Some(text);
                }
                (_, None) => target.failure = Some(why.to_string()),
            }
        }
        self.ask_apart(provable);
    }

    /// Asks whether an order is in the list of a customer.
    pub(super) fn prove(&mut self, index: usize, customer: i64) {
        let target = &mut self.targets[index];
        target.proofs = Some(target.proofs.unwrap_or_default() + 1);
        let path = orders(Some(&target.key), Some(customer), 0);
        self.send(path, Purpose::Proof(index, customer));
    }

    fn settle_owner(&mut self, index: usize) {
        let target = &self.targets[index];
        if target.proofs == Some(0) {
            let why = format!(
                "order {} is in the list of no customer that could have it",
                target.key
            );
            self.targets[index].failure = Some(why);
            return;
        }
        let name = target.name();
        let mut candidates = name.map_or_else(BTreeSet::new, |name| self.customers.called(name));
        if candidates.len() > FEW_CUSTOMERS {
            // One call for each would be more than all that is wanted; the manifest's own is the likely one.
            candidates.clear();
        }
        candidates.extend(target.customer);
        if candidates.is_empty() {
            let key = &target.key;
            let why = format!(
                "GET /customers lists no customer named {name:?}, to whom order {key} belongs"
            );
            self.targets[index].failure = Some(why);
            return;
        }
        for customer in candidates {
            self.prove(index, customer);
        }
    }
}
