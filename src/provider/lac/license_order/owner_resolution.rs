//! Finds the owners of orders that a list of all orders showed: LAC names an order's customer and never gives the id.
//!
//! In: what replies show of orders and customers. Out: the next calls, and the owners. A pure state machine; orders are
//! found in `order_search`, not here. Two sources give the id of an order's customer:
//!
//! * the customer list, if only one customer has the name and it is the one that the manifest gives. It settles all
//!   orders at once, but has to be read to its end, since a later page can show a second customer of the name;
//! * a proof: a call that finds the order in the list of one customer. It costs a call for each order.
//!
//! The caller decides whether the customer list is worth its pages ([`super::read_cost`]) and, if it is not, calls
//! [`Owners::leave_list`]. It is read to its end after all if a proof fails of what a manifest says. An account
//! that may not see its customers has the proofs alone.
//!
//! # Example
//!
//! Order A was read and shows "Rivers"; its manifest says customer 7. The customer list has 7 "Rivers" and 9 "Lakes":
//! [`Owners::owner`] is 7. With a third customer, 12 "Rivers", it is `None`, and [`Owners::resolve`] returns a proof
//! for 7 and one for 12, side by side. The one that finds A in its list tells the owner. If neither does, A fails: it
//! is in the list of no customer that could have it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::customers::{CustomerList, CustomerRow};
use super::read_cost::FEW_CUSTOMERS;
use crate::model::ReadFailure;
use crate::provider::overlap::unsettled_list;
use crate::provider::reading::MOST_PAGES;

/// Pages of orders beside which one of customers hardly counts.
const CHEAP: usize = 8;

/// A call that is needed. Orders are named by their index among the wanted ones, pages are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Customers(CustomerPage),
    /// An order by its key, in the list of this customer.
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
    /// Read beside the list of all orders, as long as both are worth it.
    Beside,
    /// Not read on, since proofs cost no more.
    Left,
    /// Read to its end: a proof failed, or there is no customer to prove.
    Whole,
    Known,
    Failed(ReadFailure),
    /// The account may not see the customers.
    Refused(ReadFailure),
}

/// An order that was read and whose owner is not known yet.
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
    /// Orders to be looked for in the lists of their manifests' customers, which proves those.
    pub apart: Vec<usize>,
    /// Orders whose owner cannot be found, with the reason.
    pub failures: Vec<(usize, ReadFailure)>,
}

/// What is known of the owners of the wanted orders.
pub struct Owners {
    state: ListState,
    customers: CustomerList,
    /// Proofs under way, of orders of which any was asked for.
    proofs: HashMap<usize, usize>,
    /// The first customer about whom a call for a proof failed, and why. Another proof can still hold.
    lost_proofs: HashMap<usize, (i64, ReadFailure)>,
    /// Orders that the list of their manifest's customer does not show.
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

    /// Returns the name of a customer, held once however many orders show it.
    pub fn intern(&mut self, name: &str) -> Arc<str> {
        self.customers.name(name)
    }

    /// Begins to read the customer list beside the list of all orders. It has at least `expected` customers.
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

    /// Looks whether the customer list ends within `further` more pages.
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

    /// Reads the customer list no further, since proofs cost no more.
    pub fn leave_list(&mut self) {
        self.state = ListState::Left;
    }

    /// Takes in a page that came.
    pub fn page(&mut self, request: &CustomerPage, rows: &[CustomerRow<'_>]) {
        match request.is_ahead {
            true => self.customers.seen_ahead(request.page, rows),
            false => self.customers.page(request.page, rows),
        }
    }

    /// Takes note of a page that brought no usable reply.
    pub fn lose_page(&mut self, request: &CustomerPage, failure: ReadFailure) {
        self.customers.lose(request.page, failure);
    }

    /// Counts a page as come, usable or not, and draws what follows from the list once all pages under way have come.
    /// `order_pages` is the number of pages that were asked for of the list of all orders.
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

    /// Returns whether so many pages of orders go out anyway that the customers beside them hardly count. The list is
    /// then read on before those have all come: until it is known whose the orders are, all that were read are held.
    fn is_cheap_beside(&self, order_pages: usize) -> bool {
        self.customers.calls <= order_pages / CHEAP
    }

    /// Returns the owner of an order that shows this name, if the list is known, has one customer of the name, and
    /// neither the manifest nor a proof says otherwise.
    pub fn owner(&self, order: UnownedOrder<'_>) -> Option<i64> {
        if self.state != ListState::Known || self.disproved.contains(&order.index) {
            return None;
        }
        let only = self.customers.only(order.name?)?;
        let agrees = order.customer.is_none_or(|customer| customer == only);
        agrees.then_some(only)
    }

    /// Notes that an order is looked for in the list of a customer.
    pub fn expect_proof(&mut self, index: usize) {
        *self.proofs.entry(index).or_default() += 1;
    }

    /// Notes that such a call has come.
    pub fn proof_ended(&mut self, index: usize) {
        if let Some(under_way) = self.proofs.get_mut(&index) {
            *under_way -= 1;
        }
    }

    /// Notes that such a call failed. The first customer counts, whichever is heard of first.
    pub fn lose_proof(&mut self, index: usize, customer: i64, why: ReadFailure) {
        self.proof_ended(index);
        let first = self.lost_proofs.get(&index);
        if first.is_none_or(|(first, _)| customer < *first) {
            self.lost_proofs.insert(index, (customer, why));
        }
    }

    /// Decides how to find the owners of orders that were read without a proof. Called when no call is under way.
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

    /// Asks for the customer list to its end.
    fn read_whole(&mut self) -> Vec<Request> {
        self.state = ListState::Whole;
        self.read_on()
    }

    /// Proves the owners that the manifests give. Whose an order is that belongs to another, only the whole customer
    /// list tells.
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

    /// Proves the owners that the manifests give where the account may not see its customers, which is `why`.
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

    /// Asks for a proof by each customer who could have an order; fails it if all of them were asked in vain.
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
            // One call for each would be more than all that is wanted; the manifest's own is the likely one.
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

    /// Owners who know these customers, after all calls for them.
    fn known(customers: &[(i64, &str)]) -> Owners {
        let mut owners = Owners::new();
        let asked = owners.resolve(vec![RIVERS]);
        assert_eq!(asked.requests.len(), 1, "{asked:?}");
        let end = show(&mut owners, &asked.requests[0], customers);
        // The end is asked for from the last customer on, who is nobody new.
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
