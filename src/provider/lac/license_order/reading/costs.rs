//! Checks how many calls a reading takes, for few and many orders, dense and scattered.

use std::collections::BTreeSet;

use super::account::{Account, counts, owners};
use crate::provider::lac::license_order::read_cost::FEW_CUSTOMERS;

/// Returns the number of calls of the customer list and of all other calls, in an account whose orders belong to its
/// customers in turn. Checks that all orders are found.
fn cost(orders: i64, customers: i64, numbers: impl Iterator<Item = i64>) -> (usize, usize) {
    let account = Account {
        orders,
        customers,
        lost: -1,
        sees: true,
        rows: 100,
    };
    let numbers = Vec::from_iter(numbers);
    let (rounds, found) = account.read(numbers.iter().copied());
    let theirs = numbers.iter().map(|number| account.owner(*number));
    assert_eq!(owners(&found), Vec::from_iter(theirs));
    counts(&rounds)
}

/// Returns the numbers of `count` orders that lie `step` apart.
fn every(step: i64, count: i64) -> impl Iterator<Item = i64> {
    (0..count).map(move |number| number * step)
}

#[test]
fn few_orders_in_any_account_cost_a_call_each() {
    assert_eq!(cost(1_000_000, 50_000, every(70_001, 14)), (0, 14));
    // From 17 customers on both lists are tried: two pages of each, and one look ahead.
    assert_eq!(cost(50_000, 50_000, every(2_800, 17)), (1, 1 + 17));
    assert_eq!(cost(50_000, 50_000, 0..17), (3, 1 + 17));
}

#[test]
fn a_dense_account_costs_its_pages() {
    assert_eq!(cost(1_000, 250, 0..1_000), (3 + 1, 10));
    assert_eq!(cost(1_000, 1_000, 0..1_000), (11 + 1, 10));
    // More customers than orders: fifty pages of them are still fewer than a thousand proofs.
    assert_eq!(cost(5_000, 5_000, 0..1_000), (55, 10));
    // A block at the end of the list, too.
    assert_eq!(cost(5_000, 2_500, 4_000..5_000), (28, 52));
}

#[test]
fn orders_one_to_a_page_are_asked_for_apart() {
    // The pages and the customers would be 50 each.
    assert_eq!(cost(5_000, 5_000, every(81, 60)), (5, 2 + 60));
    assert_eq!(cost(5_000, 5_000, every(83, 60)), (5, 2 + 60));
    assert_eq!(cost(10_000, 9_999, every(50, 200)), (7, 3 + 200));
    // With ten to a page they are worth it.
    assert_eq!(cost(10_000, 9_999, every(10, 1_000)), (109, 101));
}

#[test]
fn scattered_orders_do_not_cost_the_size_of_their_account() {
    assert_eq!(
        cost(100_000, 9_999, (0..40).map(|n| n * 2_000 + 1_999)),
        (4, 1 + 40)
    );
    // Two orders of each customer are found with one call, in the customer's list.
    let pairs = (0..50).flat_map(|n| [n * 900, n * 900 + 50_000]);
    assert_eq!(cost(100_000, 50_000, pairs), (1, 1 + 50));
}

#[test]
fn long_lists_of_many_customers_are_given_up() {
    // Two orders of each of 100 customers, deep in lists of 1,000 orders. Such a list costs two calls more than its
    // orders, so after the first few each order is asked for.
    let deep = (0..100).flat_map(|n| [50_000 + n, 50_100 + n]);
    let tried = FEW_CUSTOMERS * 2;
    assert_eq!(cost(100_000, 100, deep), (2, 2 + tried + 200));
}

#[test]
fn no_reading_costs_more_than_its_orders_and_a_constant() {
    for orders in [300, 9_000] {
        for customers in [17, 400, 8_999] {
            for count in [17, 60, 200] {
                for (start, step) in [(0, 1), (3, 17), (50, 44), (200, 1)] {
                    let numbers = (0..count).map(|n| (start + n * step) % orders);
                    let numbers: BTreeSet<i64> = numbers.collect();
                    let desired = numbers.len();
                    let theirs = numbers.iter().map(|number| number % customers);
                    let each_of_another = BTreeSet::from_iter(theirs).len() == desired;
                    let (names, others) = cost(orders, customers, numbers.into_iter());
                    let what = format!("{count} of {orders} of {customers} from {start} by {step}");
                    // Pages that the orders and their customers would fill, looks ahead, and lists that were tried.
                    let tried = if each_of_another {
                        0
                    } else {
                        2 * FEW_CUSTOMERS
                    };
                    let most = desired + 2 * desired.div_ceil(100) + 6 + tried;
                    assert!(names + others <= most, "{what}: {names} and {others}");
                }
            }
        }
    }
}
