//! Reads the list of all orders beside the list of all customers, as long as both cost less than asking apart.

use std::collections::HashSet;

use super::{OrderReading, WHOLE};
use crate::provider::lac::license_order::owner_resolution::ListState;
use crate::provider::lac::license_order::read_cost::{CostEstimate, ReadPlan};

impl OrderReading {
    /// Decides how to continue with the lists of all orders and of all customers. Does nothing while a page of either
    /// list is under way, because the worth of one list depends on the other.
    pub(super) fn go_on_with_both(&mut self) {
        if self.search.is_under_way(WHOLE) || self.owners.customers().under_way > 0 {
            return;
        }
        if self.search.is_over(WHOLE) {
            let requests = self.search.ask_each(WHOLE);
            self.send_search(requests);
        }
        match self.owners.state() {
            ListState::Known => {
                let calls = self.owners.customers().calls;
                let requests = self.search.go_on_after(WHOLE, calls);
                self.send_search(requests);
            }
            ListState::Beside => self.weigh_both(),
            _ => self.leave_both(),
        }
    }

    fn weigh_both(&mut self) {
        let Some(estimate) = self.estimate() else {
            // A manifest names no customer for one of the orders, so the customer list is needed in any case.
            let requests = self.owners.read_on();
            return self.send_resolution(requests);
        };
        match estimate.plan() {
            ReadPlan::Apart => {
                self.owners.leave_list();
                self.leave_both();
            }
            ReadPlan::Begin => {
                let names = self.owners.read_on();
                self.send_resolution(names);
                let pages = self.search.read_least(WHOLE);
                self.send_search(pages);
            }
            ReadPlan::Pages => {
                let requests = self.owners.read_on();
                self.send_resolution(requests);
            }
            ReadPlan::LookAtCustomers(further) => {
                let look = self.owners.look_ahead(further);
                self.send_resolution(vec![look]);
            }
            ReadPlan::LookAtOrders(further) => {
                let look = self.search.look_ahead(WHOLE, further);
                self.send_search(vec![look]);
            }
        }
    }

    /// Stops reading both lists, and asks apart for every order that was not found or has no known owner. If the
    /// customer list could not be read, orders that were read are not asked for again: they fail with its error.
    fn leave_both(&mut self) {
        self.reads_both = false;
        let mut orders = self.search.leave(WHOLE);
        if !matches!(self.owners.state(), ListState::Failed(_)) {
            let of_somebody = |index: &usize| self.targets[*index].customer.is_some();
            orders.extend(self.open().filter(of_somebody));
        }
        self.ask_apart(orders);
    }

    /// Estimates the cost of both lists; `None` if a manifest names no customer for an order that is still open, whose
    /// owner can then only be found by name.
    fn estimate(&self) -> Option<CostEstimate> {
        let customer = |index: usize| self.targets[index].customer;
        let read: HashSet<i64> = self.open().map(customer).collect::<Option<_>>()?;
        let left = self.search.left(WHOLE).iter();
        let mut left: HashSet<i64> = left.map(|index| customer(*index)).collect::<Option<_>>()?;
        left.retain(|customer| !read.contains(customer));
        Some(CostEstimate {
            read: read.len(),
            left: left.len(),
            likely: self.search.likely_pages(WHOLE),
            orders: self.search.rest(WHOLE),
            customers: self.owners.customers().rest(),
            is_begun: self.owners.customers().unbegun() == 0,
        })
    }
}
