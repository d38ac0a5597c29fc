//! Whose the orders are that a list of all orders showed.
//!
//! Such an order tells the name of its customer, never the id. Two things find the id: the customer list, if only
//! one customer has the name and it is the manifest's; and a proof, a call that finds the order in the list of
//! one customer. The customer list settles all orders at once, but has to be read to its end, since a later page
//! can show a second customer of the name. Proofs cost a call for each order, or for each customer of several. So
//! the list is read as long as it is the cheaper, then left for proofs of what the manifests say; it is read on to
//! its end if such a proof fails. An account that may not see its customers has the proofs alone.

use std::collections::{BTreeMap, BTreeSet};

use super::customers::CustomerRow;
use super::lists::{customers, orders};
use super::reading::{FEW_CUSTOMERS, OrderReading, Purpose};
use super::target::observed;
use crate::provider::reading::MOST_PAGES;

/// How far it is known who has which name.
#[derive(PartialEq)]
pub enum Names {
    NotAsked,
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
        for offset in self.customers.next() {
            self.send(customers(offset), Purpose::Customers);
        }
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

    pub(super) fn customer_page(&mut self, rows: &[CustomerRow<'_>]) {
        self.customers.page(rows);
        let failed = matches!(self.names, Names::Failed(_) | Names::Refused(_));
        if self.customers.under_way > 0 || failed {
            return;
        }
        if self.customers.over {
            self.names = Names::Known;
            for index in 0..self.targets.len() {
                self.settle(index);
            }
        } else if self.customers.pages >= MOST_PAGES {
            let why = format!("GET /customers does not end after {MOST_PAGES} pages");
            self.names = Names::Failed(why);
        } else if self.names == Names::Asked && self.proofs_cost_no_more() {
            self.names = Names::Left;
        } else {
            self.ask_names();
        }
    }

    /// Whether a proof for each order that may need one costs no more calls than the customer list has so far.
    fn proofs_cost_no_more(&self) -> bool {
        let whole = self.listings.iter().filter(|list| list.customer.is_none());
        let unread = whole.flat_map(|list| &list.wanted);
        let unread = unread.map(|index| &self.targets[*index]);
        let read = self.targets.iter().filter(|target| target.is_open());
        let mut count = 0;
        read.chain(unread).all(|target| {
            count += 1;
            target.customer.is_some() && count <= self.customers.pages
        })
    }

    /// Finds out whose the orders are that were read without a proof.
    pub(super) fn settle_owners(&mut self) {
        let open: Vec<usize> = (0..self.targets.len())
            .filter(|index| self.targets[*index].is_open())
            .collect();
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
            self.prove_owners(open);
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
        self.prove_owners(provable);
    }

    /// Looks for orders where the manifests say they are: in a list for each customer of several, with a call for
    /// an order by itself.
    fn prove_owners(&mut self, open: Vec<usize>) {
        let mut groups: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
        for index in open {
            if let Some(customer) = self.targets[index].customer {
                groups.entry(customer).or_default().insert(index);
            }
        }
        for (customer, wanted) in groups {
            match wanted.first() {
                Some(only) if wanted.len() == 1 => self.prove(*only, customer),
                _ => self.list(Some(customer), wanted, true),
            }
        }
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
