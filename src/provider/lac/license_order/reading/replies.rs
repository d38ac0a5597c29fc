//! Checks that the order in which replies arrive changes neither the calls nor the outcome.

use super::account::Account;
use super::*;
use crate::provider::ResourceKind;
use crate::provider::lac::license_order::LicenseOrder;
use crate::provider::testing::answer;
use serde_json::json;

/// The highest number of reply orders for which all are tried.
const MOST_ORDERS: usize = 300;

/// Chooses which reply arrives next, by an odometer over all choices. If there are too many choices, it is the oldest
/// reply, the newest, or one at a stride, so that of any two replies each comes first in one of the runs.
struct Order {
    taken: Vec<(usize, usize)>,
    at: usize,
    /// True if the choices of this run are no longer counted.
    free: bool,
    stride: usize,
}

impl Order {
    fn next(&mut self, in_flight: usize) -> usize {
        if self.free || self.at == self.taken.len() {
            let before: usize = self.taken.iter().map(|(_, choices)| choices).product();
            // Either all orders of the replies in flight are tried, or none of them is counted.
            let orders = (1..=in_flight).try_fold(before, |orders, n| orders.checked_mul(n));
            self.free |= orders.is_none_or(|orders| orders > MOST_ORDERS);
            if self.free {
                return match self.stride {
                    0 => 0,
                    1 => in_flight - 1,
                    stride => stride % in_flight,
                };
            }
            self.taken.push((0, in_flight));
        }
        let (choice, choices) = self.taken[self.at];
        assert_eq!(
            choices, in_flight,
            "the same choices lead to the same place"
        );
        self.at += 1;
        choice
    }

    /// Moves on to an order that was not tried yet; `false` if there is none.
    fn turn(&mut self) -> bool {
        (self.at, self.free) = (0, false);
        while let Some((choice, choices)) = self.taken.pop() {
            if choice + 1 < choices {
                self.taken.push((choice + 1, choices));
                return true;
            }
        }
        false
    }
}

/// The calls made, and what was found.
type Outcome = (Vec<String>, Vec<String>);

fn drive(desired: &[&Desired], vendor: &dyn Fn(&str) -> Answer, order: &mut Order) -> Outcome {
    let mut reading = LicenseOrder.reading(desired);
    let (mut calls, mut in_flight) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    loop {
        for (ticket, call) in reading.ready() {
            calls.push(call.name());
            in_flight.push((ticket, call.name()));
        }
        if in_flight.is_empty() {
            break;
        }
        let (ticket, call) = in_flight.remove(order.next(in_flight.len()));
        reading.take(ticket, vendor(&call));
        found.extend(reading.settled());
    }
    found.extend(reading.finish());
    found.sort_by_key(|(index, _)| *index);
    calls.sort_unstable();
    let found = found.iter().map(|(_, one)| format!("{one:?}"));
    (calls, found.collect())
}

fn in_every_order(
    account: &Account,
    numbers: impl Iterator<Item = i64>,
    vendor: &dyn Fn(&str) -> Answer,
) -> (usize, Outcome) {
    let orders: Vec<_> = numbers.map(|number| account.manifest(number)).collect();
    of_all(&Vec::from_iter(&orders), vendor)
}

/// Reads these orders in every order of the replies and gives back how many there were, and the one outcome.
fn of_all(desired: &[&Desired], vendor: &dyn Fn(&str) -> Answer) -> (usize, Outcome) {
    let mut outcome: Option<Outcome> = None;
    let mut tried = 0;
    for stride in [0, 1, 7] {
        let mut order = Order {
            taken: Vec::new(),
            at: 0,
            free: false,
            stride,
        };
        loop {
            let this = drive(desired, vendor, &mut order);
            let first = outcome.get_or_insert_with(|| this.clone());
            assert_eq!(*first, this, "{:?} by {stride}", order.taken);
            tried += 1;
            if !order.turn() {
                break;
            }
        }
    }
    (tried, outcome.unwrap())
}

fn account(orders: i64, customers: i64, rows: i64) -> Account {
    Account {
        orders,
        customers,
        lost: -1,
        sees: true,
        rows,
    }
}

/// How many of the orders were read.
fn live((_, found): &Outcome) -> usize {
    found.iter().filter(|one| one.starts_with("Live")).count()
}

#[test]
fn a_customer_list_is_left_alike() {
    // Of 34 pages of customers four are read; a look ahead tells that they go on behind what proofs cost.
    let account = account(20, 200, 7);
    let vendor = |call: &str| account.answer(call);
    let (tried, outcome) = in_every_order(&account, 0..19, &vendor);
    assert_eq!((live(&outcome), outcome.0.len()), (19, 3 + 4 + 1 + 19));
    assert_eq!(tried, 3 * 2 * 120, "two calls, then five");
}

#[test]
fn a_list_that_was_left_is_read_to_its_end_alike() {
    // The proof of order 7 fails: it is that of another customer of the same name, on the last page.
    let account = Account {
        lost: 7,
        ..account(20, 250, 10)
    };
    let vendor = |call: &str| account.answer(call);
    let (_, outcome) = in_every_order(&account, 0..20, &vendor);
    assert_eq!(live(&outcome), 20);
    assert!(outcome.1[7].contains("Integer(250)"), "{}", outcome.1[7]);
    let proofs = outcome
        .0
        .iter()
        .filter(|call| call.contains("activation_key"));
    assert_eq!(proofs.count(), 20 + 2, "all, and order 7 of both customers");
}

#[test]
fn lists_that_end_are_read_alike() {
    let account = account(20, 20, 7);
    let vendor = |call: &str| account.answer(call);
    let (_, outcome) = in_every_order(&account, 0..20, &vendor);
    assert_eq!((live(&outcome), outcome.0.len()), (20, 3 + 5));
}

#[test]
fn orders_on_other_pages_than_a_lost_one_are_read() {
    let account = account(20, 20, 7);
    let lost = |lost: &'static str, call: &str| match call.contains(lost) {
        true => Answer::Lost(format!("{call}: no answer").into()),
        false => account.answer(call),
    };
    let vendor = |call: &str| lost("/license-orders?offset=7", call);
    let (_, outcome) = in_every_order(&account, 0..20, &vendor);
    assert_eq!(live(&outcome), 20 - 7);
    // If two pages fail, the error is that of the first page.
    let vendor = |call: &str| match call.contains("/license-orders?offset=14") {
        true => answer(500, json!({"message": "Oops."})),
        false => lost("/license-orders?offset=7", call),
    };
    let (_, outcome) = in_every_order(&account, 0..20, &vendor);
    assert_eq!(live(&outcome), 7);
    assert!(outcome.1[19].contains("no answer"), "{}", outcome.1[19]);
}

#[test]
fn of_two_customer_pages_that_fail_the_first_one_counts() {
    let account = account(20, 20, 7);
    let vendor = |refused: &str, lost: &str, call: &str| {
        if call.ends_with(refused) {
            answer(403, json!({"message": "Access denied."}))
        } else if call.ends_with(lost) {
            Answer::Lost(format!("{call}: no answer").into())
        } else {
            account.answer(call)
        }
    };
    // In an account that may not see its customers, proofs find the owners.
    let refused = |call: &str| vendor("/customers?offset=6", "/customers?offset=12", call);
    let (_, outcome) = in_every_order(&account, 0..20, &refused);
    assert_eq!(live(&outcome), 20);
    let lost = |call: &str| vendor("/customers?offset=12", "/customers?offset=6", call);
    let (_, outcome) = in_every_order(&account, 0..20, &lost);
    assert_eq!(live(&outcome), 0);
}

#[test]
fn one_proof_that_holds_is_enough() {
    // Order 3 is said to be customer 4's and belongs to another of the same name. The call about the first fails.
    let account = Account {
        lost: 3,
        ..account(9, 9, 7)
    };
    let vendor = |call: &str| {
        let asked = call.contains("customer_ids=4&") && call.contains("activation_key=k3");
        match asked {
            true => answer(500, json!({"message": "Oops."})),
            false => account.answer(call),
        }
    };
    let mut order = account.manifest(3);
    order.fields.extend([("customer_id", Value::Integer(5))]);
    let (_, outcome) = of_all(&[&order], &vendor);
    assert!(outcome.1[0].contains("Integer(9)"), "{}", outcome.1[0]);
    // Without that proof, the error of the failed call is reported.
    let vendor = |call: &str| match call.contains("customer_ids=9&") {
        true => answer(200, json!([])),
        false => vendor(call),
    };
    let (_, outcome) = of_all(&[&order], &vendor);
    assert!(outcome.1[0].contains("Oops."), "{}", outcome.1[0]);
}
