//! Whether the lists of all orders and of all customers are worth their pages: the read plan of a large account.
//!
//! Two ways show orders of many customers and whose they are:
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

/// What is known of the rest of a list, in pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rest {
    pub least: usize,
    pub most: Option<usize>,
}

impl Rest {
    fn is_within(self, room: usize) -> bool {
        self.most.is_some_and(|most| most <= room)
    }
}

/// What the decision is made from. Calls are those that ask apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outlook {
    /// Calls for orders that were read and are nobody's yet.
    pub read: usize,
    /// Calls for orders that were not found yet, of customers none of whose orders was.
    pub left: usize,
    pub orders: Rest,
    /// Pages that the orders not found yet fill, if they are spread like those that were.
    pub likely: usize,
    pub customers: Rest,
    /// Whether the pages were read that the wanted orders' customers fill.
    pub begun: bool,
}

/// Pages have to save one call of so many that asking apart would take: they take more round trips.
const LEAST_GAIN: usize = 8;

/// How to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Apart,
    /// Read what the wanted orders and their customers would fill.
    Begin,
    /// Read the customer list to its end, and then whatever orders are left.
    Pages,
    /// Look whether the customer list ends within so many more pages.
    LookAtCustomers(usize),
    /// The same of the list of all orders.
    LookAtOrders(usize),
}

/// What the customers may take of the pages that both lists may have: an eighth, or else a half.
const SHARES: [usize; 2] = [8, 2];

/// The pages that so many calls apart are worth.
fn worth(calls: usize) -> usize {
    calls - calls / LEAST_GAIN
}

impl Outlook {
    pub fn way(&self) -> Way {
        let apart = self.read + self.left;
        // What is not found by pages can still be asked for.
        if self.customers.least + self.likely.min(self.left) >= worth(apart) {
            return Way::Apart;
        }
        if !self.begun {
            return Way::Begin;
        }
        // The orders that were read pay for the customer list alone.
        let paid = worth(self.read);
        if self.customers.is_within(paid) {
            return Way::Pages;
        }
        if self.customers.least <= paid {
            return Way::LookAtCustomers(paid);
        }
        // They do not. Two short lists still cost less than asking apart, wherever the other orders are.
        let shares = SHARES.iter().map(|share| worth(apart) / share);
        for room in shares.filter(|room| self.left > 0 && self.customers.least <= *room) {
            let rest = worth(apart) - room;
            if !self.customers.is_within(room) {
                return Way::LookAtCustomers(room);
            }
            if self.orders.is_within(rest) {
                return Way::Pages;
            }
            if self.orders.least <= rest {
                return Way::LookAtOrders(rest);
            }
        }
        Way::Apart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(least: usize, most: Option<usize>) -> Rest {
        Rest { least, most }
    }

    /// Of 80 calls those for 40 orders that were read; the other 40 orders are likely on 20 pages.
    fn half_read(customers: Rest, orders: Rest) -> Way {
        let outlook = Outlook {
            read: 40,
            left: 40,
            likely: 20,
            orders,
            customers,
            begun: true,
        };
        outlook.way()
    }

    #[test]
    fn what_was_read_may_pay_for_the_customers_alone() {
        let orders = rest(1, None);
        let way = |least, most| half_read(rest(least, most), orders);
        assert_eq!(way(1, None), Way::LookAtCustomers(35));
        assert_eq!(way(1, Some(35)), Way::Pages);
        assert_eq!(way(50, None), Way::Apart, "with 20 pages that is 70 of 80");
    }

    #[test]
    fn two_lists_that_are_short_together_are_read() {
        let way = |customers, orders| {
            let outlook = Outlook {
                read: 0,
                left: 80,
                likely: 1,
                orders,
                customers,
                begun: true,
            };
            outlook.way()
        };
        let unknown = rest(1, None);
        // 70 pages are worth it: 8 of customers and 62 of orders, or 35 of each.
        assert_eq!(way(unknown, unknown), Way::LookAtCustomers(8));
        assert_eq!(way(rest(1, Some(8)), unknown), Way::LookAtOrders(62));
        assert_eq!(way(rest(1, Some(8)), rest(1, Some(62))), Way::Pages);
        assert_eq!(way(rest(1, Some(8)), rest(63, None)), Way::Apart);
        assert_eq!(way(rest(9, None), unknown), Way::LookAtCustomers(35));
        assert_eq!(way(rest(9, Some(35)), unknown), Way::LookAtOrders(35));
        assert_eq!(way(rest(36, None), unknown), Way::Apart);
    }

    #[test]
    fn a_beginning_is_made_unless_the_first_pages_tell_that_it_is_no_use() {
        let first = |likely| Outlook {
            read: 2,
            left: 58,
            likely,
            customers: rest(2, None),
            ..Outlook::default()
        };
        assert_eq!(first(29).way(), Way::Begin);
        assert_eq!(first(58).way(), Way::Apart);
    }

    #[test]
    fn every_look_tells_enough_to_go_on() {
        for customers in 0..200 {
            for orders in 0..200 {
                let mut known = Outlook {
                    read: 30,
                    left: 90,
                    likely: 10,
                    begun: true,
                    ..Outlook::default()
                };
                (known.customers.least, known.orders.least) = (1, 1);
                let mut looks = 0;
                loop {
                    let (list, length, room) = match known.way() {
                        Way::LookAtCustomers(room) => (&mut known.customers, customers, room),
                        Way::LookAtOrders(room) => (&mut known.orders, orders, room),
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
                let chosen = known.way() == Way::Pages;
                assert!(!chosen || customers <= 30 || customers + orders <= 120);
                let clear = customers <= 26 || (customers <= 52 && orders <= 52);
                assert!(chosen || !clear, "{customers} and {orders}");
            }
        }
    }
}
