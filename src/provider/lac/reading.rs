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

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::customers::{CUSTOMERS, CustomerList, CustomerRow};
use super::{ORDERS, OrderRow, customer_of, decode, key_of};
use crate::model::{Call, Live, Observed, Reply, Value};
use crate::provider::codec::Malformed;
use crate::provider::decode::{Row, Rows, Want};
use crate::provider::hunt::{Hunt, Next};
use crate::provider::reading::{
    Answer, Failure, MOST_PAGES, Outbox, Reading, Seen, Settled, Ticket, Wanted, success,
    unreadable,
};
use crate::provider::with_query;

/// Up to this many customers are asked for one by one.
const FEW_CUSTOMERS: usize = 16;

#[derive(Clone, Debug)]
enum Purpose {
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

/// One wanted order and what is known of it.
struct Target {
    key: String,
    customer: Option<i64>,
    order: Option<Order>,
    /// The customer that the order is known to belong to.
    owner: Option<i64>,
    absent: bool,
    failure: Option<String>,
    /// Proofs still on their way; nothing before any was asked for.
    proofs: Option<usize>,
    /// Whether the list of the manifest's customer was seen without the order.
    disproved: bool,
}

impl Target {
    /// The name of the customer in the order that was read.
    fn name(&self) -> Option<&str> {
        self.order.as_ref()?.customer.as_deref()
    }

    /// Whether the order was read and nothing tells whose it is.
    fn is_open(&self) -> bool {
        self.order.is_some() && self.owner.is_none() && self.failure.is_none()
    }

    /// The only customer of that name, if it is the manifest's and no list says otherwise.
    fn agreed(&self, customers: &CustomerList) -> Option<i64> {
        if self.disproved {
            return None;
        }
        let only = customers.only(self.name()?)?;
        self.customer
            .is_none_or(|wanted| wanted == only)
            .then_some(only)
    }
}

/// An order as a list showed it.
struct Order {
    live: Result<Live, Malformed>,
    customer: Option<Arc<str>>,
}

/// A list that is searched for some orders.
struct Listing {
    customer: Option<i64>,
    /// Whether the orders have been read, and the list shows only whose they are.
    proof: bool,
    wanted: BTreeSet<usize>,
    hunt: Hunt,
    /// Pages that were asked for and have not come yet.
    under_way: usize,
    /// Rows of the first page: no page size is published.
    rows: usize,
    over: bool,
    seen: Seen,
}

impl Listing {
    fn path(&self, page: usize) -> String {
        orders(None, self.customer, page * self.rows)
    }
}

#[derive(PartialEq)]
enum Names {
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

pub struct OrderReading {
    outbox: Outbox<Purpose>,
    outstanding: usize,
    targets: Vec<Target>,
    settled: Settled,
    /// The places of the targets, in the order of their keys.
    by_key: Vec<usize>,
    listings: Vec<Listing>,
    names: Names,
    customers: CustomerList,
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
    fn place(&self, key: &str) -> Option<usize> {
        let found = self
            .by_key
            .binary_search_by(|at| self.targets[*at].key.as_str().cmp(key));
        found.ok().map(|at| self.by_key[at])
    }

    fn send(&mut self, path: String, purpose: Purpose) {
        self.outstanding += 1;
        self.outbox.send(Call::get(path), purpose);
    }

    fn ask_one(&mut self, index: usize) {
        let target = &self.targets[index];
        let path = orders(Some(&target.key), target.customer, 0);
        let purpose = if target.customer.is_some() {
            Purpose::Own(index)
        } else {
            Purpose::Any(index)
        };
        self.send(path, purpose);
    }

    fn list(&mut self, customer: Option<i64>, wanted: BTreeSet<usize>, proof: bool) {
        let listing = Listing {
            customer,
            hunt: Hunt::new(wanted.len()),
            wanted,
            under_way: 1,
            rows: 0,
            over: false,
            proof,
            seen: Seen::default(),
        };
        self.listings.push(listing);
        self.send(
            orders(None, customer, 0),
            Purpose::Page(self.listings.len() - 1),
        );
    }

    /// Asks for the next pages of the customer list, side by side.
    fn ask_names(&mut self) {
        for offset in self.customers.next() {
            let path = if offset == 0 {
                "/customers".to_string()
            } else {
                with_query("/customers", &[("offset", &offset.to_string())])
            };
            self.send(path, Purpose::Customers);
        }
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

    fn read(&mut self, index: usize, row: OrderRow<'_>) {
        let customer = customer_of(&row).map(|name| self.customers.name(name));
        let live = decode(row);
        self.targets[index].order = Some(Order { live, customer });
        self.settle(index);
    }

    /// Settles an order that was read, if it is known whose it is.
    fn settle(&mut self, index: usize) {
        let target = &mut self.targets[index];
        if target.owner.is_none() && self.names == Names::Known {
            target.owner = target.agreed(&self.customers);
        }
        if target.owner.is_some() && target.order.is_some() {
            let seen = observed(target);
            self.settled.put(index, seen);
        }
    }

    fn page(&mut self, number: usize, rows: Vec<OrderRow<'_>>) {
        let listing = &mut self.listings[number];
        listing.hunt.read(rows.len());
        listing.rows = listing.rows.max(rows.len());
        let new = self.absorb(number, rows);
        let listing = &mut self.listings[number];
        listing.over |= !new || listing.hunt.at_end();
        listing.under_way -= 1;
        if listing.under_way == 0 {
            self.go_on(number);
        }
    }

    fn ahead(&mut self, number: usize, page: usize, rows: Vec<OrderRow<'_>>) {
        if self.absorb(number, rows) {
            self.ask_each(number);
        } else {
            self.listings[number].hunt.ends_before(page);
            self.go_on(number);
        }
    }

    /// Takes what a page shows and says whether any of it is new.
    fn absorb(&mut self, number: usize, rows: Vec<OrderRow<'_>>) -> bool {
        let mut new = false;
        for row in rows {
            let Some(key) = key_of(&row) else {
                continue;
            };
            let place = self.place(key);
            let listing = &mut self.listings[number];
            new |= listing.seen.is_new(key);
            let Some(index) = place.filter(|index| listing.wanted.remove(index)) else {
                continue;
            };
            self.targets[index].owner = listing.customer;
            if listing.proof {
                self.settle(index);
            } else {
                self.read(index, row);
            }
        }
        new
    }

    /// Decides how to find what a listing has not shown yet.
    fn go_on(&mut self, number: usize) {
        let listing = &self.listings[number];
        match listing.hunt.next(listing.wanted.len(), listing.over) {
            Next::Done => {}
            Next::AskEach => self.ask_each(number),
            Next::Read(pages) => {
                self.listings[number].under_way += pages.len();
                for page in pages {
                    let path = self.listings[number].path(page);
                    self.send(path, Purpose::Page(number));
                }
            }
            Next::Probe(page) => {
                let path = self.listings[number].path(page);
                self.send(path, Purpose::Ahead(number, page));
            }
        }
    }

    fn ask_each(&mut self, number: usize) {
        let listing = &mut self.listings[number];
        let (over, proof) = (
            listing.over,
            listing.proof.then_some(listing.customer).flatten(),
        );
        for index in std::mem::take(&mut listing.wanted) {
            if let Some(customer) = proof {
                self.prove(index, customer);
            } else if over {
                // Not in this list: it may be another customer's, or not there at all.
                let path = orders(Some(&self.targets[index].key), None, 0);
                self.send(path, Purpose::Any(index));
            } else {
                self.ask_one(index);
            }
        }
    }

    fn customer_page(&mut self, rows: &[CustomerRow<'_>]) {
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
    fn settle_owners(&mut self) {
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
    fn prove(&mut self, index: usize, customer: i64) {
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

fn observed(target: &mut Target) -> Observed {
    if let Some(why) = target.failure.take() {
        return Observed::Unread(why);
    }
    let Some(order) = target.order.take() else {
        return Observed::Missing;
    };
    match order.live {
        Ok(mut live) => {
            if let Some(owner) = target.owner {
                live.fields.insert("customer_id", Value::Integer(owner));
            }
            Observed::Live(live)
        }
        Err(fault) => Observed::Unread(format!(
            "GET /license-orders: order {}: {fault}",
            target.key
        )),
    }
}

/// The objects of a list.
pub fn rows_of<'de, const N: usize>(
    rows: &'static Rows<N>,
    name: &str,
    reply: &'de Reply,
    want: Want<'_>,
) -> Result<Vec<Row<'static, 'de, N>>, Failure> {
    let list = rows.list(&reply.body, want);
    let list = list.map_err(|error| unreadable(name, reply, &error))?;
    match list {
        Some(list) if !list.odd => Ok(list.rows),
        Some(_) => Err(Failure::odd(format!(
            "{name} answered with a row that is no object"
        ))),
        None => Err(Failure::odd(format!("{name} did not answer with a list"))),
    }
}

/// The row with exactly this key: the filter matches parts of keys.
fn exact<'de>(rows: Vec<OrderRow<'de>>, key: &str) -> Option<OrderRow<'de>> {
    rows.into_iter().find(|row| key_of(row) == Some(key))
}

/// The list call. The customer filter needs both of its parameters.
pub fn orders(key: Option<&str>, customer: Option<i64>, offset: usize) -> String {
    let (customer, offset) = (customer.map(|id| id.to_string()), offset.to_string());
    let mut pairs = Vec::new();
    if let Some(key) = key {
        pairs.push(("activation_key", key));
    }
    if let Some(customer) = &customer {
        pairs.push(("customer_ids", customer.as_str()));
        pairs.push(("customer_ids_exclude", "false"));
    }
    if offset != "0" {
        pairs.push(("offset", &offset));
    }
    with_query("/license-orders", &pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;
    use crate::provider::lac::{Lac, fields};
    use crate::provider::testing::{self, answer};
    use serde_json::{Value as Json, json};

    /// What comes of `count` orders of as many customers, at a vendor that answers so.
    fn read(count: i64, vendor: impl FnMut(&str) -> Answer) -> (usize, Vec<Observed>) {
        let orders: Vec<_> = (1..=count)
            .map(|number| {
                let key = format!("k{number}");
                let mut order = testing::wanted(&fields::TABLE, &[("activationKey", &key)]);
                order.fields.insert("customer_id", Value::Integer(number));
                order
            })
            .collect();
        let wanted: Vec<Wanted<'_>> = orders.iter().collect();
        let (rounds, found) = testing::drive(Lac.reading(&wanted), vendor);
        (rounds.concat().len(), found)
    }

    fn order(number: i64) -> Json {
        json!({"activation_key": format!("k{number}"), "customer": {"name": "Rivers"}})
    }

    #[test]
    fn a_customer_list_that_does_not_end_is_left() {
        let mut customers = 0;
        let (calls, found) = read(20, |call| {
            if call.starts_with("GET /customers") {
                customers += 1;
                return answer(200, json!([{"id": customers, "name": "Rivers"}]));
            }
            let shown = if call.contains("customer_ids") { 0 } else { 20 };
            answer(200, Json::from_iter((1..=shown).map(order)))
        });
        assert_eq!(
            calls,
            MOST_PAGES + 1 + 20,
            "proofs that fail are tried first"
        );
        for one in found {
            let Observed::Unread(why) = one else {
                panic!("{one:?}");
            };
            assert!(why.contains("does not end"), "{why}");
        }
    }

    #[test]
    fn a_thousand_orders_are_three_round_trips_deep() {
        let orders: Vec<_> = (0..1_000)
            .map(|number| {
                let key = format!("k{number}");
                let mut order = testing::wanted(&fields::TABLE, &[("activationKey", &key)]);
                let customer = Value::Integer(number % 250);
                order.fields.insert("customer_id", customer);
                order
            })
            .collect();
        let wanted: Vec<Wanted<'_>> = orders.iter().collect();
        let (rounds, early, late) = testing::given(Lac.reading(&wanted), |call| {
            let offset = call.split_once("offset=").map_or("0", |(_, offset)| offset);
            let from: i64 = offset.parse().unwrap();
            if call.starts_with("GET /customers") {
                let row = |id: i64| json!({"id": id, "name": format!("Customer {id}")});
                return answer(200, Json::from_iter((from..250.min(from + 100)).map(row)));
            }
            let row = |number: i64| {
                let customer = format!("Customer {}", number % 250);
                json!({"activation_key": format!("k{number}"), "customer": {"name": customer}})
            };
            answer(200, Json::from_iter((from..1_000.min(from + 100)).map(row)))
        });
        let calls: Vec<usize> = rounds.iter().map(Vec::len).collect();
        assert_eq!(
            calls,
            [2, 12],
            "pages of orders and of customers side by side"
        );
        // Nothing is held back once it is known whose it is.
        assert_eq!((early.len(), late.len()), (1_000, 0));
    }

    #[test]
    fn orders_behind_the_many_of_a_customer_are_read_to_the_end_of_its_list() {
        let orders: Vec<_> = (4_000..4_130)
            .map(|number| {
                let key = format!("k{number}");
                let mut order = testing::wanted(&fields::TABLE, &[("activationKey", &key)]);
                order.fields.insert("customer_id", Value::Integer(7));
                order
            })
            .collect();
        let calls = |count: usize, length: i64| {
            let wanted: Vec<Wanted<'_>> = orders.iter().take(count).collect();
            let (rounds, _) = testing::drive(Lac.reading(&wanted), |call| {
                if call.contains("activation_key") {
                    return answer(200, json!([]));
                }
                let offset = call.split_once("offset=").map_or("0", |(_, offset)| offset);
                let from: i64 = offset.parse().unwrap();
                answer(
                    200,
                    Json::from_iter((from..length.min(from + 100)).map(whole)),
                )
            });
            rounds.concat().len()
        };
        assert_eq!(calls(120, 4_120), 1 + 42, "a look ahead, and every page");
        // What is missing then is somebody else's, if it is there at all: one call each.
        assert_eq!(calls(130, 4_120), 1 + 43 + 10, "the last page is empty");
        assert_eq!(calls(20, 2_000), 1 + 20 + 20, "the page ahead was the end");
    }

    #[test]
    fn many_customers_of_one_name_are_not_asked_for_one_by_one() {
        let (calls, _) = read(20, |call| {
            if call.starts_with("GET /customers") {
                let row = |id: i64| json!({"id": id, "name": "Rivers"});
                return answer(200, Json::from_iter((1..=500).map(row)));
            }
            answer(200, Json::from_iter((1..=20).map(order)))
        });
        assert_eq!(
            calls,
            1 + 2 + 20,
            "the list, the customers, a proof for each"
        );
    }

    /// An account with orders of customers by turns.
    struct Account {
        orders: i64,
        customers: i64,
        /// An order that is not its manifest's customer's, but the last one's, who has the same name.
        lost: i64,
        /// Whether it may see its customers.
        sees: bool,
    }

    impl Account {
        fn named(&self, number: i64) -> i64 {
            number % self.customers + 1
        }

        fn owner(&self, number: i64) -> i64 {
            if number == self.lost {
                self.customers
            } else {
                self.named(number)
            }
        }

        fn name(&self, customer: i64) -> String {
            let twin = self.lost >= 0 && customer == self.customers;
            let customer = if twin {
                self.named(self.lost)
            } else {
                customer
            };
            format!("Customer {customer}")
        }

        fn answer(&self, call: &str) -> Answer {
            let query = call.split_once('?').map_or("", |(_, query)| query);
            let query: BTreeMap<&str, &str> = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .collect();
            let number = |name: &str| query.get(name).map(|text| text.parse::<i64>().unwrap());
            let offset = number("offset").unwrap_or(0);
            if call.starts_with("GET /customers") {
                if !self.sees {
                    return answer(403, json!({"message": "Access denied."}));
                }
                let ids = offset + 1..=self.customers.min(offset + 100);
                let row = |id: i64| json!({"id": id, "name": self.name(id)});
                return answer(200, Json::from_iter(ids.map(row)));
            }
            let of = number("customer_ids");
            let key = query.get("activation_key");
            let rows = (0..self.orders)
                .filter(|number| of.is_none_or(|of| of == self.owner(*number)))
                .filter(|number| key.is_none_or(|key| format!("k{number}").contains(key)))
                .skip(usize::try_from(offset).unwrap())
                .take(100);
            let row = |number: i64| {
                let mut order = whole(number);
                order["customer"]["name"] = json!(self.name(self.owner(number)));
                order
            };
            answer(200, Json::from_iter(rows.map(row)))
        }

        /// The calls of each round trip, and what comes of these orders.
        fn read(&self, numbers: impl Iterator<Item = i64>) -> (Vec<Vec<String>>, Vec<Observed>) {
            self.read_by(numbers, |call| self.answer(call))
        }

        fn read_by(
            &self,
            numbers: impl Iterator<Item = i64>,
            vendor: impl FnMut(&str) -> Answer,
        ) -> (Vec<Vec<String>>, Vec<Observed>) {
            let orders: Vec<_> = numbers
                .map(|number| {
                    let key = format!("k{number}");
                    let mut order = testing::wanted(&fields::TABLE, &[("activationKey", &key)]);
                    let customer = Value::Integer(self.named(number));
                    order.fields.insert("customer_id", customer);
                    order
                })
                .collect();
            let wanted: Vec<Wanted<'_>> = orders.iter().collect();
            testing::drive(Lac.reading(&wanted), vendor)
        }
    }

    /// An account that may not see its customers.
    fn unseen(orders: i64, customers: i64, lost: i64) -> (Vec<String>, Vec<Observed>) {
        let account = Account {
            orders,
            customers,
            lost,
            sees: false,
        };
        let (rounds, found) = account.read(0..orders);
        (rounds.concat(), found)
    }

    /// Calls of the customer list, all other calls, and what comes of orders among 5,000 customers.
    fn among_many(lost: i64, numbers: impl Iterator<Item = i64>) -> (usize, usize, Vec<Observed>) {
        let account = Account {
            orders: 50_000,
            customers: 5_000,
            lost,
            sees: true,
        };
        let (rounds, found) = account.read(numbers);
        let calls = rounds.concat();
        let customers = calls.iter().filter(|call| call.contains("/customers"));
        let customers = customers.count();
        (customers, calls.len() - customers, found)
    }

    #[test]
    fn a_long_customer_list_is_left_where_proofs_cost_no_more() {
        // None on the first page nor ahead: each is asked for, and that proves its owner.
        let scattered = |n: i64| n * 801 + 799;
        let (customers, others, found) = among_many(-1, (0..60).map(scattered));
        assert_eq!((customers, others), (2, 1 + 1 + 60));
        let theirs = (0..60).map(|n| scattered(n) % 5_000 + 1);
        assert_eq!(owners(&found), Vec::from_iter(theirs));
        // One page shows all. For 60 the list of 50 pages is cheaper, for 20 it is not.
        let (customers, others, found) = among_many(-1, 0..60);
        assert_eq!((customers, others), (59, 1));
        assert_eq!(owners(&found), Vec::from_iter(1..=60));
        let (customers, others, found) = among_many(-1, 0..20);
        assert_eq!((customers, others), (23, 1 + 20));
        assert_eq!(owners(&found), Vec::from_iter(1..=20));
    }

    #[test]
    fn a_name_does_not_outweigh_a_proof_that_failed() {
        let account = Account {
            orders: 20,
            customers: 5_000,
            lost: -1,
            sees: true,
        };
        let (_, found) = account.read_by(0..20, |call| {
            if call.contains("customer_ids=8&") {
                return answer(200, json!([]));
            }
            account.answer(call)
        });
        let Observed::Unread(why) = &found[7] else {
            panic!("{:?}", found[7]);
        };
        let why = why.as_str();
        assert_eq!(
            why,
            "order k7 is in the list of no customer that could have it"
        );
        assert!(matches!(found[8], Observed::Live(_)), "{:?}", found[8]);
    }

    #[test]
    fn a_short_customer_list_is_read_beside_the_orders() {
        let account = Account {
            orders: 20,
            customers: 20,
            lost: -1,
            sees: true,
        };
        let (rounds, found) = account.read(0..20);
        let calls: Vec<usize> = rounds.iter().map(Vec::len).collect();
        assert_eq!(
            calls,
            [2, 1],
            "a page of each, and the end of the customers"
        );
        assert_eq!(owners(&found), Vec::from_iter(1..=20));
    }

    #[test]
    fn part_of_the_customer_list_proves_no_owner() {
        // What is read of the list has only the manifest's customer of that name.
        let (customers, others, found) = among_many(7, 0..20);
        let proofs = 20 + 2;
        assert_eq!(
            (customers, others),
            (59, 1 + proofs),
            "two of the same name"
        );
        let theirs = (1..=20).map(|id| if id == 8 { 5_000 } else { id });
        assert_eq!(owners(&found), Vec::from_iter(theirs));
    }

    fn whole(number: i64) -> Json {
        json!({
            "customer": {"name": "Rivers"}, "product_template": {"id": "1"},
            "activation_key": format!("k{number}"), "license_type": "local",
            "licensee_type": "customer", "hostid_match_rate": "100", "min_hostids": "1",
            "activations_allowed": "1", "enabled": true, "removal": false, "Hostids": [], "Features": [],
        })
    }

    fn owners(found: &[Observed]) -> Vec<i64> {
        let owner = |one: &Observed| match one {
            Observed::Live(live) => match live.fields["customer_id"] {
                Value::Integer(id) => id,
                ref other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        found.iter().map(owner).collect()
    }

    #[test]
    fn orders_of_customers_that_cannot_be_seen_are_proved_by_their_lists() {
        // A page of orders, the refusal, and a proof for each order that is its customer's only one.
        let (calls, found) = unseen(40, 40, -1);
        assert_eq!(calls.len(), 1 + 1 + 40, "{calls:#?}");
        assert_eq!(owners(&found), Vec::from_iter(1..=40));
        // Of customers with several orders, one page shows them all.
        let (calls, found) = unseen(100, 20, -1);
        assert_eq!(calls.len(), 1 + 1 + 20, "{calls:#?}");
        assert_eq!(owners(&found)[..21], Vec::from_iter((1..=20).chain([1])));
        // What such a page does not show is asked for once more.
        for (customers, proofs) in [(40, 40), (20, 20 + 1)] {
            let (calls, found) = unseen(40, customers, 7);
            assert_eq!(calls.len(), 1 + 1 + proofs, "{calls:#?}");
            let Observed::Unread(why) = &found[7] else {
                panic!("{:?}", found[7]);
            };
            assert!(
                why.contains("order k7 is not in the list of customer 8"),
                "{why}"
            );
            assert!(why.contains("GET /customers answered 403"), "{why}");
            assert!(matches!(found[8], Observed::Live(_)), "{:?}", found[8]);
        }
    }

    #[test]
    fn customers_that_the_network_lost_are_not_proved() {
        let (calls, found) = read(20, |call| {
            if call.starts_with("GET /customers") {
                return Answer::Lost("GET /customers: no answer".into());
            }
            answer(200, Json::from_iter((1..=20).map(whole)))
        });
        assert_eq!(calls, 1 + 1);
        assert!(matches!(&found[0], Observed::Unread(why) if why.ends_with("no answer")));
    }

    #[test]
    fn counters_that_cannot_be_are_no_fact() {
        let order = json!({
            "product_template": {"id": 1}, "license_type": "network", "licensee_type": "customer",
            "hostid_match_rate": 100, "min_hostids": 1, "activations_allowed": 1, "enabled": true,
            "removal": false, "deactivations_allowed": i64::MAX, "deactivations_left": i64::MIN,
            "Hostids": [], "Features": [],
        });
        let text = order.to_string();
        let live = decode(ORDERS.one(&text).unwrap().unwrap()).unwrap();
        assert_eq!(live.number("deactivations_used"), None);
    }
}
