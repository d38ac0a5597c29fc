//! Finds the owners of orders that the list of all orders showed: LAC's replies name the customer but give no id.
//!
//! In: what replies show of orders and customers. Out: the next calls, and the owners. A pure state machine; orders are
//! found in `order_search`, not here. Two sources give the id of an order's customer:
//!
//! * the customer list, if only one customer has the name and the manifest gives that customer or none. The list
//!   settles all orders at once, but must be read to its end, since a later page can show a second customer with the
//!   same name;
//! * a proof: a call that finds the order in the list of one customer. It costs a call for each order.
//!
//! The caller decides whether the customer list is worth its pages ([`super::read_cost`]) and, if it is not, calls
//! [`Owners::leave_list`]. The list is read to its end after all if a proof shows that a manifest gives the wrong
//! customer. In an account that may not see its customers, proofs are the only source.
//!
//! # Example
//!
//! Order A was read and shows "Rivers"; its manifest says customer 7. The customer list has 7 "Rivers" and 9 "Lakes":
//! [`Owners::owner`] is 7. With a third customer, 12 "Rivers", it is `None`, and [`Owners::resolve`] returns a proof
//! for 7 and one for 12, side by side. The customer whose list contains A is the owner. If neither list contains A,
//! order A fails, because it is in the list of no customer that could have it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::customers::{CustomerList, CustomerRow};
use super::read_cost::FEW_CUSTOMERS;
use crate::model::ReadFailure;
use crate::provider::overlap::unsettled_list;
use crate::provider::reading::MOST_PAGES;

/// The number of pages of orders for which one page of customers is read without weighing its cost.
const CHEAP: usize = 8;

/// A call that is needed. Orders are named by their index among the wanted orders; pages are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Customers(CustomerPage),
    /// Looks for an order by its key in the list of this customer.
    Proof(usize, i64),
}

/// A page of the customer list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerPage {
    pub page: usize,
    /// The number of rows before the page.
    pub offset: usize,
    /// True if the page is read only to see how long the list is.
    pub is_ahead: bool,
}

/// How far the customer list was read.
#[derive(Debug, PartialEq)]
pub enum ListState {
    NotAsked,
    /// Being read beside the list of all orders, as long as both lists cost less than proofs.
    Beside,
    /// Abandoned before its end, since proofs cost no more.
    Left,
    /// Being read to its end, because a proof failed or a manifest names no customer to prove.
    Whole,
    Known,
    Failed(ReadFailure),
    /// The account may not see the customers.
    Refused(ReadFailure),
}

/// An order that was read but whose owner is not known yet.
#[derive(Clone, Copy, Debug)]
pub struct UnownedOrder<'a> {
    pub index: usize,
    pub key: &'a str,
    /// The name of the customer that the order shows.
    pub name: Option<&'a str>,
    /// The customer that the manifest gives.
    pub customer: Option<i64>,
}

/// The next steps for orders without a known owner.
#[derive(Debug, Default, PartialEq)]
pub struct Resolution {
    pub requests: Vec<Request>,
    /// Orders to look for in the lists of their manifests' customers; finding an order there proves its owner.
    pub apart: Vec<usize>,
    /// Orders whose owner cannot be found, with the reason.
    pub failures: Vec<(usize, ReadFailure)>,
}

/// Tracks the owners of the wanted orders: the customer list so far, and the proofs.
pub struct Owners {
    state: ListState,
    customers: CustomerList,
    /// The number of proof calls under way by order index. An order for which no proof was requested has no entry.
    proofs: HashMap<usize, usize>,
    /// The failed proof call of each order, as customer and reason. Of several, the lowest customer id is kept. Another
    /// proof of the same order can still succeed.
    lost_proofs: HashMap<usize, (i64, ReadFailure)>,
    /// Orders that are not in the list of the customer that their manifest gives.
    disproved: HashSet<usize>,
}

impl Owners {
    /// Starts without a call.
    pub fn new() -> Self {
        Self {
            state: ListState::NotAsked,
            customers: CustomerList::default(),
            proofs: HashMap::new(),
            lost_proofs: HashMap::new(),
            disproved: HashSet::new(),
        }
    }

    pub fn state(&self) -> &ListState {
        &self.state
    }

    pub fn customers(&self) -> &CustomerList {
        &self.customers
    }

    /// Returns a shared copy of a customer's name, so that orders of one customer do not each hold the text.
    pub fn intern(&mut self, name: &str) -> Arc<str> {
        self.customers.name(name)
    }

    /// Begins to read the customer list beside the list of all orders. `expected` is the number of customers that the
    /// manifests name, by which the first pages are chosen.
    pub fn read_beside(&mut self, expected: usize) -> Vec<Request> {
        self.customers.expected = expected;
        self.state = ListState::Beside;
        self.read_on()
    }

    /// Asks for the next pages of the customer list, side by side.
    pub fn read_on(&mut self) -> Vec<Request> {
        let pages = self.customers.next();
        pages.map(|page| self.ask_page(page, false)).collect()
    }

    /// Returns the request for the page that shows whether the customer list ends within `further` more pages.
    pub fn look_ahead(&mut self, further: usize) -> Request {
        let page = self.customers.look(further);
        self.ask_page(page, true)
    }

    fn ask_page(&self, page: usize, is_ahead: bool) -> Request {
        Request::Customers(CustomerPage {
            page,
            offset: self.customers.offset(page),
            is_ahead,
        })
    }

    /// Stops reading the customer list. Called when proofs cost no more than its remaining pages.
    pub fn leave_list(&mut self) {
        self.state = ListState::Left;
    }

    /// Takes the rows of a page of the customer list.
    pub fn page(&mut self, request: &CustomerPage, rows: &[CustomerRow<'_>]) {
        match request.is_ahead {
            true => self.customers.seen_ahead(request.page, rows),
            false => self.customers.page(request.page, rows),
        }
    }

    /// Records that a page of the customer list brought no usable reply.
    pub fn lose_page(&mut self, request: &CustomerPage, failure: ReadFailure) {
        self.customers.lose(request.page, failure);
    }

    /// Counts a page as answered, usable or not. Once no page is under way, updates the state of the list and returns
    /// the next requests, if any. `order_pages` is the number of pages requested of the list of all orders.
    pub fn page_ended(&mut self, order_pages: usize) -> Vec<Request> {
        self.customers.under_way -= 1;
        let is_read = matches!(self.state, ListState::Beside | ListState::Whole);
        if self.customers.under_way > 0 || !is_read {
            return Vec::new();
        }
        if let Some(failure) = self.customers.lost() {
            self.state = match failure.status {
                Some(403 | 404) => ListState::Refused(failure),
                _ => ListState::Failed(failure),
            };
        } else if !self.customers.join() {
            if self.customers.begin_again() {
                return self.read_on();
            }
            self.state = ListState::Failed(unsettled_list("GET /customers").into());
        } else if self.customers.is_over() {
            self.state = ListState::Known;
        } else if self.customers.pages >= MOST_PAGES {
            let why = format!("GET /customers does not end after {MOST_PAGES} pages");
            self.state = ListState::Failed(why.into());
        } else if self.state == ListState::Whole || self.is_cheap_beside(order_pages) {
            return self.read_on();
        }
        Vec::new()
    }

    /// Returns whether the customer list took at most one call for every `CHEAP` pages of orders.
    ///
    /// The list is then read on without waiting for all pages of orders: every order that was read is kept in memory
    /// until its owner is known, so an early end of the customer list frees them sooner.
    fn is_cheap_beside(&self, order_pages: usize) -> bool {
        self.customers.calls <= order_pages / CHEAP
    }

    /// Returns the owner of an order by the customer list.
    ///
    /// `None` if the list was not read to its end, if not exactly one customer has the name that the order shows, or if
    /// the manifest or a failed proof contradicts that customer.
    pub fn owner(&self, order: UnownedOrder<'_>) -> Option<i64> {
        if self.state != ListState::Known || self.disproved.contains(&order.index) {
            return None;
        }
        let only = self.customers.only(order.name?)?;
        let agrees = order.customer.is_none_or(|customer| customer == only);
        agrees.then_some(only)
    }

    /// Counts a proof call that goes out: an order is looked for in the list of a customer.
    pub fn expect_proof(&mut self, index: usize) {
        *self.proofs.entry(index).or_default() += 1;
    }

    /// Counts a proof call of an order as answered.
    pub fn proof_ended(&mut self, index: usize) {
        if let Some(under_way) = self.proofs.get_mut(&index) {
            *under_way -= 1;
        }
    }

    /// Records that a proof call failed. Of several failures of one order the lowest customer id is kept, so that the
    /// order of the replies does not change the message.
    pub fn lose_proof(&mut self, index: usize, customer: i64, why: ReadFailure) {
        self.proof_ended(index);
        let first = self.lost_proofs.get(&index);
        if first.is_none_or(|(first, _)| customer < *first) {
            self.lost_proofs.insert(index, (customer, why));
        }
    }

    /// Decides how to find the owners of orders that were read but not proved. Called when no call is under way.
    pub fn resolve(&mut self, mut orders: Vec<UnownedOrder<'_>>) -> Resolution {
        let mut resolution = Resolution::default();
        orders.retain(|order| match self.lost_proofs.remove(&order.index) {
            Some((_, why)) => {
                resolution.failures.push((order.index, why));
                false
            }
            None => true,
        });
        if orders.is_empty() {
            return resolution;
        }
        match &self.state {
            ListState::NotAsked => resolution.requests = self.read_whole(),
            ListState::Beside | ListState::Whole => {}
            ListState::Left => self.prove_manifests(&orders, &mut resolution),
            ListState::Failed(why) => {
                let failed = orders.iter().map(|order| (order.index, why.clone()));
                resolution.failures.extend(failed);
            }
            ListState::Refused(why) => self.prove_unseen(&orders, why, &mut resolution),
            ListState::Known => {
                for order in orders {
                    self.prove_candidates(order, &mut resolution);
                }
            }
        }
        resolution
    }

    /// Begins to read the customer list to its end, and returns its next requests.
    fn read_whole(&mut self) -> Vec<Request> {
        self.state = ListState::Whole;
        self.read_on()
    }

    /// Asks for proofs of the owners that the manifests give. If an order has no such owner, or its proof has failed,
    /// reads the whole customer list instead, since only that list can name another owner.
    fn prove_manifests(&mut self, orders: &[UnownedOrder<'_>], resolution: &mut Resolution) {
        let is_provable = |order: &UnownedOrder<'_>| {
            !self.proofs.contains_key(&order.index) && order.customer.is_some()
        };
        if orders.iter().all(is_provable) {
            resolution.apart = orders.iter().map(|order| order.index).collect();
            return;
        }
        for order in orders {
            match self.proofs.remove(&order.index) {
                Some(_) => self.disproved.insert(order.index),
                None => self.disproved.remove(&order.index),
            };
        }
        resolution.requests = self.read_whole();
    }

    /// Asks for proofs of the owners that the manifests give, in an account that may not see its customers.
    ///
    /// An order fails if its manifest gives no customer or the proof has failed; `why` is the refusal of the customer
    /// list.
    fn prove_unseen(
        &self,
        orders: &[UnownedOrder<'_>],
        why: &ReadFailure,
        resolution: &mut Resolution,
    ) {
        for order in orders {
            let UnownedOrder { index, key, .. } = *order;
            match (self.proofs.get(&index), order.customer) {
                (None, Some(_)) => resolution.apart.push(index),
                (Some(_), Some(customer)) => {
                    let text = format!(
                        "order {key} is not in the list of customer {customer}, and whose it is cannot be \
                         seen: {why}"
                    );
                    resolution.failures.push((index, text.into()));
                }
                (_, None) => resolution.failures.push((index, why.clone())),
            }
        }
    }

    /// Asks for one proof for each customer that could own an order. The order fails if all those proofs have failed,
    /// or if there is no such customer.
    fn prove_candidates(&mut self, order: UnownedOrder<'_>, resolution: &mut Resolution) {
        let UnownedOrder {
            index,
            key,
            name,
            customer,
        } = order;
        if self.proofs.get(&index) == Some(&0) {
            let why = format!("order {key} is in the list of no customer that could have it");
            return resolution.failures.push((index, why.into()));
        }
        let mut candidates = name.map_or_else(BTreeSet::new, |name| self.customers.called(name));
        if candidates.len() > FEW_CUSTOMERS {
            // Too many customers share the name to ask for each, so only the manifest's customer is tried.
            candidates.clear();
        }
        candidates.extend(customer);
        if candidates.is_empty() {
            let why = format!(
                "GET /customers lists no customer named {name:?}, to whom order {key} belongs"
            );
            return resolution.failures.push((index, why.into()));
        }
        for customer in candidates {
            self.expect_proof(index);
            resolution.requests.push(Request::Proof(index, customer));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::provider::lac::license_order::customers::CUSTOMERS;

    const RIVERS: UnownedOrder<'static> = UnownedOrder {
        index: 0,
        key: "A",
        name: Some("Rivers"),
        customer: Some(7),
    };

    fn show(owners: &mut Owners, request: &Request, customers: &[(i64, &str)]) -> Vec<Request> {
        let Request::Customers(page) = request else {
            panic!("{request:?}");
        };
        let row = |(id, name): &(i64, &str)| json!({"id": id, "name": name});
        let body = Json::from_iter(customers.iter().map(row)).to_string();
        let rows = CUSTOMERS.list(&body, &|_| true).unwrap().unwrap();
        owners.page(page, &rows.rows);
        owners.page_ended(0)
    }

    /// Returns an `Owners` that has read a customer list of these customers to its end.
    fn known(customers: &[(i64, &str)]) -> Owners {
        let mut owners = Owners::new();
        let asked = owners.resolve(vec![RIVERS]);
        assert_eq!(asked.requests.len(), 1, "{asked:?}");
        let end = show(&mut owners, &asked.requests[0], customers);
        // The page after the last one begins with the last customer again and has no new one, which is the end.
        let [end] = &end[..] else { panic!("{end:?}") };
        let last = &customers[customers.len() - 1..];
        assert_eq!(show(&mut owners, end, last), []);
        assert_eq!(*owners.state(), ListState::Known);
        owners
    }

    #[test]
    fn the_only_customer_of_the_name_is_the_owner_if_the_manifest_agrees() {
        let owners = known(&[(7, "Rivers"), (9, "Lakes")]);
        assert_eq!(owners.owner(RIVERS), Some(7));
        let customer = None;
        assert_eq!(owners.owner(UnownedOrder { customer, ..RIVERS }), Some(7));
        let customer = Some(9);
        assert_eq!(owners.owner(UnownedOrder { customer, ..RIVERS }), None);
    }

    #[test]
    fn customers_of_one_name_are_proved_side_by_side() {
        let mut owners = known(&[(7, "Rivers"), (9, "Lakes"), (12, "Rivers")]);
        assert_eq!(owners.owner(RIVERS), None);
        let asked = owners.resolve(vec![RIVERS]);
        assert_eq!(
            asked.requests,
            [Request::Proof(0, 7), Request::Proof(0, 12)]
        );
        owners.proof_ended(0);
        owners.proof_ended(0);
        let [(0, why)] = &owners.resolve(vec![RIVERS]).failures[..] else {
            panic!("no failure");
        };
        assert_eq!(
            why.text,
            "order A is in the list of no customer that could have it"
        );
    }

    #[test]
    fn of_proofs_that_fail_the_first_customer_is_told() {
        let mut owners = known(&[(7, "Rivers"), (9, "Rivers")]);
        owners.resolve(vec![RIVERS]);
        owners.lose_proof(0, 9, "nine".into());
        owners.lose_proof(0, 7, "seven".into());
        let failures = owners.resolve(vec![RIVERS]).failures;
        assert_eq!(failures, [(0, "seven".into())]);
    }

    #[test]
    fn a_list_that_was_left_is_read_whole_once_a_proof_fails() {
        let mut owners = Owners::new();
        let first = owners.read_beside(20);
        assert_eq!(first.len(), 1);
        show(&mut owners, &first[0], &[(1, "Hills"), (2, "Lakes")]);
        owners.leave_list();
        assert_eq!(owners.resolve(vec![RIVERS]).apart, [0]);
        owners.expect_proof(0);
        owners.proof_ended(0);
        let asked = owners.resolve(vec![RIVERS]);
        assert!(!asked.requests.is_empty() && asked.apart.is_empty());
        assert_eq!(*owners.state(), ListState::Whole);
    }

    #[test]
    fn an_account_that_may_not_see_its_customers_has_the_proofs_alone() {
        let mut owners = Owners::new();
        let asked = owners.resolve(vec![RIVERS]);
        let [Request::Customers(page)] = &asked.requests[..] else {
            panic!("{asked:?}");
        };
        let denied = ReadFailure {
            status: Some(403),
            ..ReadFailure::odd("denied")
        };
        owners.lose_page(page, denied.clone());
        assert_eq!(owners.page_ended(0), []);
        let customer = None;
        let (index, name) = (1, None);
        let nobodys = UnownedOrder {
            index,
            name,
            customer,
            ..RIVERS
        };
        let first = owners.resolve(vec![RIVERS, nobodys]);
        assert_eq!(
            (first.apart, first.failures),
            (vec![0], vec![(1, denied.clone())])
        );
        owners.expect_proof(0);
        owners.proof_ended(0);
        let [(0, why)] = &owners.resolve(vec![RIVERS]).failures[..] else {
            panic!("no failure");
        };
        let start =
            "order A is not in the list of customer 7, and whose it is cannot be seen: denied";
        assert_eq!(why.text, start);
    }
}
