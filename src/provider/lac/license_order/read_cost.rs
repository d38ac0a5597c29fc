//! Estimates whether the lists of all orders and of all customers are worth their pages.
//!
//! There are two ways to read orders of many customers and to find their owners:
//!
//! * *apart*: one call for each customer, which finds an order in the customer's list, and so reads and proves it.
//! * *by pages*: the list of all orders beside that of all customers. A page shows many orders and proves none. An
//!   order that was found so still costs its share of the customer list, or a call that proves it, and that call
//!   is all that asking apart would have cost. So pages of orders pay only with the customer list, read to its end.
//!
//! The lists have no published length. What is known of it are bounds, and one call narrows them: a look at a page
//! far ahead. Pages are chosen only once the bounds show that both lists cost no more than asking apart; until
//! then as many pages are read as the wanted orders and their customers would fill. A wrong start then costs those
//! and at most four looks, and an account of any size costs no more than the objects, the pages that these would
//! fill, and a constant.
//!
//! # Example
//!
//! 80 orders of 80 customers are wanted, and the first page of all orders showed none of them. Asking apart costs 80
//! calls, so pages are worth 80 − 80 ÷ 8 = 70 calls. The customers may take an eighth of these, 8 pages: one look at
//! the customers' page 8 tells whether their list ends before it ([`ReadPlan::LookAtCustomers`]). If it does, the
//! orders may take the other 62 pages, and a look at that page tells whether they do. If the customers fill more than
//! 8 pages, the same is tried with half of the 70 for each list. If neither fits, the 80 orders are asked for apart,
//! and four looks at most were for nothing.
//!
//! Had the first pages shown 40 of the orders, the calls that prove those would be 40, worth 35 pages: a customer list
//! of up to 35 pages pays for itself, wherever the other orders are.

/// The number of customers up to which each is asked for by itself. It is also the number of customers' lists in the
/// first batch, which shows whether such lists save calls.
pub const FEW_CUSTOMERS: usize = 16;

/// Bounds of the length, in pages, of the part of a list that was not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageBounds {
    pub least: usize,
    /// `None` until a look ahead showed an end.
    pub most: Option<usize>,
}

impl PageBounds {
    fn is_within(self, room: usize) -> bool {
        self.most.is_some_and(|most| most <= room)
    }
}

/// The known costs of reading both lists and of asking apart. `read` and `left` count calls that ask apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct CostEstimate {
    /// The number of calls for orders that were read and have no known owner yet.
    pub read: usize,
    /// The number of calls for orders that were not found yet and whose customers have no order that was found.
    pub left: usize,
    pub orders: PageBounds,
    /// The number of pages that the orders not found yet fill, if they are spread like the orders that were found.
    pub likely: usize,
    pub customers: PageBounds,
    /// True once as many pages of customers were read as the customers of the wanted orders fill.
    pub is_begun: bool,
}

/// Pages must save one of every `LEAST_GAIN` calls that asking apart would take, since they take more round trips.
const LEAST_GAIN: usize = 8;

/// How to go on reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPlan {
    Apart,
    /// Read as many pages as the wanted orders and their customers would fill.
    Begin,
    /// Read the customer list to its end, and then the orders that are left.
    Pages,
    /// Check whether the customer list ends within this many more pages.
    LookAtCustomers(usize),
    /// Check whether the list of all orders ends within this many more pages.
    LookAtOrders(usize),
}

/// The shares of the worthwhile pages that are tried for the customer list: an eighth, and then a half.
const SHARES: [usize; 2] = [8, 2];

/// Returns how many pages may be read in place of `calls` calls that ask apart: 70 for 80 calls.
fn worthwhile_pages(calls: usize) -> usize {
    calls - calls / LEAST_GAIN
}

impl CostEstimate {
    /// Decides how to go on, from bounds alone: each look that it asks for narrows them, so that four looks decide.
    pub fn plan(&self) -> ReadPlan {
        let apart = self.read + self.left;
        // Orders that the pages do not show can still be asked for.
        if self.customers.least + self.likely.min(self.left) >= worthwhile_pages(apart) {
            return ReadPlan::Apart;
        }
        if !self.is_begun {
            return ReadPlan::Begin;
        }
        // The orders that were read pay for the customer list alone.
        let paid = worthwhile_pages(self.read);
        if self.customers.is_within(paid) {
            return ReadPlan::Pages;
        }
        if self.customers.least <= paid {
            return ReadPlan::LookAtCustomers(paid);
        }
        // The read orders alone do not pay for the customer list, but two short lists still cost less than asking
        // apart, wherever the other orders are.
        let shares = SHARES.iter().map(|share| worthwhile_pages(apart) / share);
        for room in shares.filter(|room| self.left > 0 && self.customers.least <= *room) {
            let rest = worthwhile_pages(apart) - room;
            if !self.customers.is_within(room) {
                return ReadPlan::LookAtCustomers(room);
            }
            if self.orders.is_within(rest) {
                return ReadPlan::Pages;
            }
            if self.orders.least <= rest {
                return ReadPlan::LookAtOrders(rest);
            }
        }
        ReadPlan::Apart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(least: usize, most: Option<usize>) -> PageBounds {
        PageBounds { least, most }
    }

    /// Returns the plan for 80 calls apart: 40 for orders that were read, 40 for orders that are likely on 20 pages.
    fn half_read(customers: PageBounds, orders: PageBounds) -> ReadPlan {
        let estimate = CostEstimate {
            read: 40,
            left: 40,
            likely: 20,
            orders,
            customers,
            is_begun: true,
        };
        estimate.plan()
    }

    #[test]
    fn what_was_read_may_pay_for_the_customers_alone() {
        let orders = rest(1, None);
        let way = |least, most| half_read(rest(least, most), orders);
        assert_eq!(way(1, None), ReadPlan::LookAtCustomers(35));
        assert_eq!(way(1, Some(35)), ReadPlan::Pages);
        assert_eq!(
            way(50, None),
            ReadPlan::Apart,
            "with 20 pages that is 70 of 80"
        );
    }

    #[test]
    fn two_lists_that_are_short_together_are_read() {
        let way = |customers, orders| {
            let estimate = CostEstimate {
                read: 0,
                left: 80,
                likely: 1,
                orders,
                customers,
                is_begun: true,
            };
            estimate.plan()
        };
        let unknown = rest(1, None);
        // 70 pages are worth it: 8 of customers and 62 of orders, or 35 of each.
        assert_eq!(way(unknown, unknown), ReadPlan::LookAtCustomers(8));
        assert_eq!(way(rest(1, Some(8)), unknown), ReadPlan::LookAtOrders(62));
        assert_eq!(way(rest(1, Some(8)), rest(1, Some(62))), ReadPlan::Pages);
        assert_eq!(way(rest(1, Some(8)), rest(63, None)), ReadPlan::Apart);
        assert_eq!(way(rest(9, None), unknown), ReadPlan::LookAtCustomers(35));
        assert_eq!(way(rest(9, Some(35)), unknown), ReadPlan::LookAtOrders(35));
        assert_eq!(way(rest(36, None), unknown), ReadPlan::Apart);
    }

    #[test]
    fn a_beginning_is_made_unless_the_first_pages_tell_that_it_is_no_use() {
        let first = |likely| CostEstimate {
            read: 2,
            left: 58,
            likely,
            customers: rest(2, None),
            ..CostEstimate::default()
        };
        assert_eq!(first(29).plan(), ReadPlan::Begin);
        assert_eq!(first(58).plan(), ReadPlan::Apart);
    }

    #[test]
    fn every_look_tells_enough_to_go_on() {
        for customers in 0..200 {
            for orders in 0..200 {
                let mut known = CostEstimate {
                    read: 30,
                    left: 90,
                    likely: 10,
                    is_begun: true,
                    ..CostEstimate::default()
                };
                (known.customers.least, known.orders.least) = (1, 1);
                let mut looks = 0;
                loop {
                    let (list, length, room) = match known.plan() {
                        ReadPlan::LookAtCustomers(room) => (&mut known.customers, customers, room),
                        ReadPlan::LookAtOrders(room) => (&mut known.orders, orders, room),
                        _ => break,
                    };
                    looks += 1;
                    if length > room {
                        list.least = room + 1;
                    } else {
                        list.most = Some(room);
                    }
                }
                assert!(looks <= 4, "{looks} for {customers} and {orders}");
                let chosen = known.plan() == ReadPlan::Pages;
                assert!(!chosen || customers <= 30 || customers + orders <= 120);
                let clear = customers <= 26 || (customers <= 52 && orders <= 52);
                assert!(chosen || !clear, "{customers} and {orders}");
            }
        }
    }
}
