//! Lists every order of an account with its customer: reads the list of orders and the list of customers by pages.
//!
//! In: the pages of both lists. Out: each order once, with `customer_id`, or unread with the reason. `reading` looks
//! for given orders, and needs fewer calls for them.
//!
//! No reply carries `customer_id`. It is found by looking up the order's customer name in the customer list. If
//! several customers share the name, the order list of each of them is read, which shows the orders that belong to
//! that customer. That costs a few pages, not a call for each order. Each page begins with the last row of the page
//! before, which shows that no row was passed over (`overlap`).
//!
//! ```text
//! orders       K1 "Rivers"   K2 "Lakes"   K3 "Lakes"
//! customers    7 "Rivers"    8 "Lakes"    9 "Lakes"
//! K1           customer 7, the only one of its name
//! K2, K3       the lists of 8 and 9 are read: K2 is in that of 8, K3 in that of 9
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::customers::{CUSTOMERS, CustomerRow};
use super::lists::orders;
use super::{ORDERS, OrderRow, customer_of, decode, key_of};
use crate::model::{Call, Live, Malformed, Observed, ReadFailure, Reply, Value};
use crate::provider::lac::lists::{customers, rows_of};
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::overlap::{self, Joint, Overlap, READINGS};
use crate::provider::reading::{Answer, MOST_PAGES, Outbox, SeenIds, Ticket, require_success};

/// The list that a call reads a page of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Orders,
    Customers,
    /// The orders of one customer that shares its name with another customer.
    OrdersOf(i64),
}

impl List {
    /// Returns the call's name in messages, for example `GET /customers`.
    fn name(self) -> &'static str {
        match self {
            List::Orders | List::OrdersOf(_) => "GET /license-orders",
            List::Customers => "GET /customers",
        }
    }
}

/// How far a list has been read. Offsets count rows, since no page size is published.
#[derive(Default)]
struct Progress {
    /// The number of earlier readings that were abandoned because the list moved.
    before: usize,
    overlap: Overlap,
    pages: usize,
    /// The ids that this reading has shown.
    seen: SeenIds,
    /// True if the last permitted reading found the list moved as well.
    unsettled: bool,
}

impl Progress {
    /// Begins a new reading of the list.
    fn again(&mut self) {
        *self = Self {
            before: self.before + 1,
            ..Self::default()
        };
    }
}

/// An order as the list shows it.
struct Order {
    /// The reading that showed it last, counted from 0.
    reading: usize,
    customer: String,
    live: Result<Live, Malformed>,
}

/// Reads every order of an account, with the id of its customer.
#[derive(Default)]
pub struct OrderListing {
    outbox: Outbox<List>,
    outstanding: usize,
    progress: BTreeMap<List, Progress>,
    orders: BTreeMap<String, Order>,
    /// Ids of customers by name.
    customers: BTreeMap<String, BTreeSet<i64>>,
    /// The customer of each order that was found in the list of a single customer, by the order's key.
    proved: BTreeMap<String, i64>,
    settled: bool,
    failures: Vec<String>,
}

impl OrderListing {
    /// Begins with the first pages of both lists.
    pub fn new() -> Self {
        let mut listing = Self::default();
        listing.ask(List::Orders);
        listing.ask(List::Customers);
        listing
    }

    /// Asks for the next page of a list, which begins with the last row that was read.
    fn ask(&mut self, list: List) {
        let offset = self.progress.entry(list).or_default().overlap.last();
        let path = match list {
            List::Orders => orders(None, None, offset),
            List::OrdersOf(customer) => orders(None, Some(customer), offset),
            List::Customers => customers(offset),
        };
        self.outstanding += 1;
        self.outbox.send(Call::get(path), list);
    }

    /// Takes a page of a list. `Err` if its body is not a list of rows with ids.
    fn page(&mut self, list: List, reply: &Reply, name: &str) -> Result<(), ReadFailure> {
        let keys = |rows: &[OrderRow<'_>]| -> Vec<String> {
            let keys = rows.iter().map(key_of);
            keys.map(|key| key.unwrap_or_default().to_string())
                .collect()
        };
        let (ids, new) = match list {
            List::Orders => {
                let rows = rows_of(&ORDERS, name, reply, &|_| true)?;
                (keys(&rows), self.orders(rows))
            }
            List::OrdersOf(customer) => {
                let rows = rows_of(&ORDERS, name, reply, &|_| false)?;
                (keys(&rows), self.proofs(customer, &rows))
            }
            List::Customers => {
                let rows = rows_of(&CUSTOMERS, name, reply, &|_| true)?;
                let ids = rows.iter().map(|row| row.beside[0].integer());
                let ids = ids.map(|id| id.unwrap_or_default().to_string());
                (ids.collect(), self.customers(&rows))
            }
        };
        self.go_on(list, ids, new);
        Ok(())
    }

    /// Records an id and reports whether it is new to the list.
    fn is_new(&mut self, list: List, id: &str) -> bool {
        self.progress.entry(list).or_default().seen.is_new(id)
    }

    /// Takes rows of the order list and reports whether any is new.
    fn orders(&mut self, rows: Vec<OrderRow<'_>>) -> bool {
        let reading = self.progress.entry(List::Orders).or_default().before;
        let mut new = false;
        for row in rows {
            let Some(key) = key_of(&row).map(str::to_string) else {
                continue;
            };
            if !self.is_new(List::Orders, &key) {
                continue;
            }
            new = true;
            let order = Order {
                reading,
                customer: customer_of(&row).unwrap_or_default().to_string(),
                live: decode(row),
            };
            self.orders.insert(key, order);
        }
        new
    }

    /// Takes rows of the list of one customer, to whom all of them belong, and reports whether any is new.
    fn proofs(&mut self, customer: i64, rows: &[OrderRow<'_>]) -> bool {
        let mut new = false;
        for key in rows.iter().filter_map(key_of) {
            if self.is_new(List::OrdersOf(customer), key) {
                self.proved.insert(key.to_string(), customer);
                new = true;
            }
        }
        new
    }

    /// Takes rows of the customer list and reports whether any is new.
    fn customers(&mut self, rows: &[CustomerRow<'_>]) -> bool {
        let mut new = false;
        for row in rows {
            let [id, name] = &row.beside;
            let Some(id) = id.integer() else { continue };
            if self.is_new(List::Customers, &id.to_string()) {
                let name = name.text().unwrap_or_default().to_string();
                self.customers.entry(name).or_default().insert(id);
                new = true;
            }
        }
        new
    }

    /// Decides what follows a page: the next one, a new reading if the list has moved, or nothing at its end.
    ///
    /// A page that brings nothing new is the end, unless the list has moved.
    fn go_on(&mut self, list: List, ids: Vec<String>, new: bool) {
        let progress = self.progress.entry(list).or_default();
        let start = progress.overlap.last();
        progress.pages += 1;
        match progress.overlap.take(start, ids) {
            Joint::Moved if progress.before + 1 < READINGS => {
                progress.again();
                self.ask(list);
            }
            Joint::Moved => {
                progress.unsettled = true;
                self.failures.push(overlap::unsettled_list(list.name()));
            }
            Joint::First => {}
            Joint::Follows if !new => {}
            Joint::Follows if progress.pages >= MOST_PAGES && list == List::Customers => {
                let why = format!("GET /customers does not end after {MOST_PAGES} pages");
                self.failures.push(why);
            }
            Joint::Follows => self.ask(list),
        }
    }

    /// Asks for the order lists of customers that share the name of an order's customer. Called once both lists are
    /// read.
    fn settle(&mut self) {
        let names: BTreeSet<&str> = self
            .orders
            .values()
            .map(|order| order.customer.as_str())
            .collect();
        let shared = names
            .into_iter()
            .filter_map(|name| self.customers.get(name));
        let shared: Vec<i64> = shared
            .filter(|ids| ids.len() > 1)
            .flat_map(|ids| ids.iter().copied())
            .collect();
        for customer in shared {
            self.ask(List::OrdersOf(customer));
        }
    }

    /// Returns the customer of an order: the customer whose list shows the order, or the only one with the name in it.
    ///
    /// `Err` if no customer has the name, or if several have it and none of their lists shows the order.
    fn owner(&self, key: &str, name: &str) -> Result<i64, OwnerError> {
        let (key, name) = (key.to_string(), name.to_string());
        if let Some(customer) = self.proved.get(&key) {
            return Ok(*customer);
        }
        let ids = self
            .customers
            .get(&name)
            .map(|ids| ids.iter().collect::<Vec<_>>());
        match ids.as_deref() {
            Some([only]) => Ok(**only),
            Some(_) => Err(OwnerError::InNoList { key, name }),
            None => Err(OwnerError::UnknownCustomer { key, name }),
        }
    }
}

/// Says why the customer id of a listed order is unknown; the reply itself has only the customer's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum OwnerError {
    #[error("order {key} is in the list of no customer named {name:?}")]
    InNoList { key: String, name: String },
    #[error("GET /customers lists no customer named {name:?}, to whom order {key} belongs")]
    UnknownCustomer { key: String, name: String },
}

impl Listing for OrderListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        if self.outstanding == 0 && !self.settled {
            self.settled = true;
            self.settle();
        }
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        self.outstanding -= 1;
        let (list, name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer).and_then(|reply| self.page(list, &reply, &name));
        if let Err(failure) = read {
            self.failures.push(failure.text);
        }
    }

    fn finish(mut self: Box<Self>) -> Listed {
        let mut orders = std::mem::take(&mut self.orders);
        // An order that only an abandoned reading showed has been deleted. If the list moved in the last reading as
        // well, it is not known whether the order was deleted, and all orders are kept.
        if let Some(progress) = self.progress.get(&List::Orders)
            && !progress.unsettled
        {
            orders.retain(|_, order| order.reading == progress.before);
        }
        let found = orders.into_iter().map(|(key, order)| ListedObject {
            observed: observed(order.live, self.owner(&key, &order.customer), &key),
            identity: vec![("activationKey", key.into())],
        });
        let found = found.collect();
        Listed::new(found, self.failures)
    }
}

/// Adds `customer_id` to a decoded order; an order without a known customer is unread.
fn observed(live: Result<Live, Malformed>, owner: Result<i64, OwnerError>, key: &str) -> Observed {
    match (live, owner) {
        (Ok(mut live), Ok(owner)) => {
            live.fields.insert("customer_id", Value::Integer(owner));
            Observed::Live(live)
        }
        (Err(fault), _) => Observed::Unread(ReadFailure::odd(format!(
            "GET /license-orders: order {key}: {fault}"
        ))),
        (_, Err(error)) => Observed::Unread(error.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::testing::{answer, list};
    use serde_json::{Value as Json, json};

    fn order(key: &str, customer: &str) -> Json {
        json!({
            "activation_key": key, "customer": {"name": customer}, "product_template": {"id": "1"},
            "license_type": "local", "licensee_type": "customer", "hostid_match_rate": "100",
            "min_hostids": "1", "activations_allowed": "1", "enabled": true, "removal": false,
            "Hostids": [], "Features": [],
        })
    }

    /// Answers with pages of two rows.
    fn vendor(call: &str) -> Answer {
        let page = |rows: Vec<Json>| {
            let offset: usize = call
                .split("offset=")
                .nth(1)
                .map_or(0, |text| text.parse().expect("a number"));
            answer(200, Json::from_iter(rows.into_iter().skip(offset).take(2)))
        };
        let all = [
            order("K1", "Rivers"),
            order("K2", "Lakes"),
            order("K3", "Lakes"),
        ];
        if call.starts_with("GET /customers") {
            let row = |id: i64, name: &str| json!({"id": id.to_string(), "name": name});
            return page(vec![row(7, "Rivers"), row(8, "Lakes"), row(9, "Lakes")]);
        }
        if call.contains("customer_ids=8") {
            return page(vec![all[1].clone()]);
        }
        if call.contains("customer_ids=9") {
            return page(vec![all[2].clone()]);
        }
        page(all.to_vec())
    }

    fn owners(listed: &Listed) -> Vec<Option<Value>> {
        let owner = |found: &ListedObject| match &found.observed {
            Observed::Live(live) => live.fields.get("customer_id").cloned(),
            other => panic!("{other:?}"),
        };
        listed.objects.iter().map(owner).collect()
    }

    #[test]
    fn names_find_the_customer_and_shared_names_are_proved_by_list() {
        let (rounds, listed) = list(Box::new(OrderListing::new()), vendor);
        assert!(listed.failures.is_empty(), "{:?}", listed.failures);
        let ids = [7, 8, 9].map(|id| Some(Value::Integer(id)));
        assert_eq!(owners(&listed), ids);
        // Three pages of each of the two lists, the last of which only repeats a row, and two pages for each of the two
        // customers that share a name.
        assert_eq!(rounds.concat().len(), 3 + 3 + 2 + 2, "{rounds:#?}");
        assert_eq!(rounds[0].len(), 2);
    }

    #[test]
    fn an_order_of_nobody_is_said_and_the_others_are_listed() {
        let (_, listed) = list(Box::new(OrderListing::new()), |call| {
            if call.starts_with("GET /customers") {
                return answer(200, json!([]));
            }
            vendor(call)
        });
        assert_eq!(listed.objects.len(), 3);
        for found in &listed.objects {
            let Observed::Unread(why) = &found.observed else {
                panic!("{found:?}");
            };
            assert!(why.text.contains("lists no customer named"), "{why}");
        }
    }

    /// Lists six orders by pages of three. After each number of order pages in `after`, `moves` changes the list.
    fn moving(after: &[usize], moves: impl Fn(&mut Vec<String>)) -> Listed {
        let mut keys: Vec<String> = (1..=6).map(|key| format!("K{key}")).collect();
        let mut pages = 0;
        let (rounds, listed) = list(Box::new(OrderListing::new()), |call| {
            if call.starts_with("GET /customers") {
                return answer(200, json!([{"id": "7", "name": "Rivers"}]));
            }
            let offset = call.split("offset=").nth(1).unwrap_or("0");
            let from: usize = offset.parse().expect("a number");
            let rows = keys.iter().skip(from).take(3);
            let reply = Json::from_iter(rows.map(|key| order(key, "Rivers")));
            pages += 1;
            if after.contains(&pages) {
                moves(&mut keys);
            }
            answer(200, reply)
        });
        assert!(rounds.concat().len() < 20, "{rounds:#?}");
        listed
    }

    fn keys(listed: &Listed) -> Vec<&str> {
        let keys = listed
            .objects
            .iter()
            .map(|found| found.identity[0].1.as_str());
        keys.collect()
    }

    #[test]
    fn an_order_that_a_deletion_moved_to_a_page_that_was_read_is_found() {
        let listed = moving(&[1], |keys| drop(keys.remove(0)));
        assert_eq!(keys(&listed), ["K2", "K3", "K4", "K5", "K6"]);
        assert_eq!(listed.failures, [""; 0]);
    }

    #[test]
    fn an_order_that_is_put_before_the_others_is_found() {
        let listed = moving(&[1], |keys| keys.insert(0, "K0".into()));
        assert_eq!(keys(&listed), ["K0", "K1", "K2", "K3", "K4", "K5", "K6"]);
        assert_eq!(listed.failures, [""; 0]);
    }

    #[test]
    fn a_list_that_keeps_moving_is_said_to_be_short() {
        for moves in [
            |keys: &mut Vec<String>| drop(keys.remove(0)),
            |keys: &mut Vec<String>| keys.insert(0, format!("A{}", keys.len())),
        ] {
            let every: Vec<usize> = (1..20).collect();
            let listed = moving(&every, moves);
            assert_eq!(listed.failures.len(), 1, "{:?}", listed.failures);
            assert!(
                listed.failures[0].contains("may have more"),
                "{:?}",
                listed.failures
            );
        }
    }

    #[test]
    fn a_server_that_knows_no_offset_is_read_once() {
        let (_, listed) = list(Box::new(OrderListing::new()), |call| {
            if call.starts_with("GET /customers") {
                return answer(200, json!([{"id": "7", "name": "Rivers"}]));
            }
            answer(200, json!([order("K1", "Rivers"), order("K2", "Rivers")]))
        });
        assert_eq!(keys(&listed), ["K1", "K2"]);
        assert_eq!(listed.failures, [""; 0]);
    }

    #[test]
    fn a_lost_page_is_a_failure() {
        let (_, listed) = list(Box::new(OrderListing::new()), |call| {
            if call == "GET /license-orders?offset=1" {
                return answer(500, "");
            }
            vendor(call)
        });
        assert_eq!(listed.failures.len(), 1, "{:?}", listed.failures);
    }
}
