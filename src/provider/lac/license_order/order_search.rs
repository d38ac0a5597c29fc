//! Searches for given orders in the list of all orders and in the lists of single customers.
//!
//! In: the rows of each page that came. Out: the next calls. A pure state machine. An order in a customer's list
//! belongs to that customer; the owner of an order in the list of all orders is found in `owner_resolution`, not here.
//!
//! No list has a published length. [`ListSearch`] decides by the pages so far whether to read on, to look ahead, or to
//! ask for each order that is left. It decides once all pages of a list that are under way have come, so that the
//! order in which they come does not matter.
//!
//! # Example
//!
//! A manifest has three orders: it gives customer 7 for orders 0 and 1, and no customer for order 2.
//! [`Search::ask_apart`] returns two requests: the first page of customer 7's list, since two orders should be in it,
//! and order 2 by its key. The page arrives with 100 rows, one of which is order 0: [`Search::page`] returns order 0,
//! and [`Search::go_on`] then asks for order 1 by its key, in the list of customer 7. A second page would also have
//! cost one call, but might not have shown order 1.
//!
//! Customers' lists are tried in batches. A list that shows two orders for one call saves one call; a list that shows
//! none of its orders costs its pages. The first batch has [`FEW_CUSTOMERS`] lists. The size of a later batch depends
//! on the calls saved so far: after 16 lists of one page that showed 32 orders, 16 calls are saved, and the next batch
//! has 16 + 16 ÷ 2 = 24 lists. After 32 pages that showed no order it has 16 − 32 ÷ 2 = 0 lists, and every remaining
//! order is asked for by its key.

use std::collections::{BTreeMap, BTreeSet};

use super::read_cost::{FEW_CUSTOMERS, PageBounds};
use crate::model::ReadFailure;
use crate::provider::list_search::{ListSearch, SearchStep};
use crate::provider::reading::SeenIds;

/// A call that the search needs. Orders are named by their index among the wanted orders; pages are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Reads an order by its key, without a filter for a customer.
    Order(usize),
    /// Reads an order by its key, in the list of this customer.
    OrderOf(usize, i64),
    Page(PageRequest),
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    pub list: usize,
    pub page: usize,
    /// The customer whose list the page belongs to; `None` is the list of all orders.
    pub customer: Option<i64>,
    /// The number of rows before the page.
    pub offset: usize,
    /// True if the page is read only to see how long the list is.
    pub is_ahead: bool,
}

/// A row of a page: the order's key, and its index among the wanted orders; `None` if it is not wanted.
pub type ListedOrder<'a> = (&'a str, Option<usize>);

/// A list that is searched for some orders.
struct OrderList {
    customer: Option<i64>,
    /// Orders to find that the list has not shown yet.
    targets: BTreeSet<usize>,
    search: ListSearch,
    /// The number of pages requested; `under_way` counts those whose replies have not arrived.
    asked: usize,
    under_way: usize,
    /// The number of rows on the fullest page so far, taken as the page size, since none is published.
    rows: usize,
    is_over: bool,
    /// The last page read ahead that still had new orders; `None` if there was none.
    reaches: Option<usize>,
    /// The first page that brought no usable reply.
    lost: Option<(usize, ReadFailure)>,
    seen: SeenIds,
}

/// The search for the wanted orders of one account.
pub struct Search {
    /// The customer that the manifest names, by order.
    customers: Vec<Option<i64>>,
    /// True for each order that was read, here or by its key.
    is_read: Vec<bool>,
    lists: Vec<OrderList>,
    /// Customers' lists that have not been requested yet, each with the orders to find in it.
    later: Vec<(i64, BTreeSet<usize>)>,
    /// The number of calls saved: orders found in customers' lists minus pages requested of those lists.
    saved: isize,
}

impl Search {
    /// Starts without a call. `customers` holds the customer that the manifest names, by order.
    pub fn new(customers: Vec<Option<i64>>) -> Self {
        Self {
            is_read: vec![false; customers.len()],
            customers,
            lists: Vec::new(),
            later: Vec::new(),
            saved: 0,
        }
    }

    /// Starts to search the list of all orders and returns the request for its first page.
    pub fn search_all(&mut self, targets: BTreeSet<usize>) -> Vec<Request> {
        vec![self.open_list(None, targets)]
    }

    /// Asks for orders without the list of all orders: for a customer's list if the customer has several of them, and
    /// for each other order with a call of its own.
    pub fn ask_apart(&mut self, orders: impl IntoIterator<Item = usize>) -> Vec<Request> {
        let mut groups: BTreeMap<Option<i64>, BTreeSet<usize>> = BTreeMap::new();
        for index in orders {
            let customer = self.customers[index];
            groups.entry(customer).or_default().insert(index);
        }
        let mut requests = Vec::new();
        for (customer, targets) in groups {
            match customer {
                Some(customer) if targets.len() > 1 => self.later.push((customer, targets)),
                _ => requests.extend(targets.into_iter().map(|index| self.ask_one(index))),
            }
        }
        requests.extend(self.ask_later());
        requests
    }

    /// Asks for the next batch of customers' lists, or for each of their orders once earlier lists have cost so many
    /// calls that the batch size is 0. Called when no call is under way, and by [`ask_apart`](Self::ask_apart).
    pub fn ask_later(&mut self) -> Vec<Request> {
        let room = FEW_CUSTOMERS.saturating_add_signed(self.saved.div_euclid(2));
        let mut lists = std::mem::take(&mut self.later);
        if room == 0 {
            let left = lists.into_iter().flat_map(|(_, targets)| targets);
            return left.map(|index| self.ask_one(index)).collect();
        }
        self.later = lists.split_off(room.min(lists.len()));
        lists
            .into_iter()
            .map(|(customer, targets)| self.open_list(Some(customer), targets))
            .collect()
    }

    /// Asks for an order by its key, in the list of the manifest's customer if the manifest names one.
    fn ask_one(&self, index: usize) -> Request {
        match self.customers[index] {
            Some(customer) => Request::OrderOf(index, customer),
            None => Request::Order(index),
        }
    }

    fn open_list(&mut self, customer: Option<i64>, targets: BTreeSet<usize>) -> Request {
        self.lists.push(OrderList {
            customer,
            search: ListSearch::new(targets.len()),
            targets,
            asked: 0,
            under_way: 0,
            rows: 0,
            is_over: false,
            reaches: None,
            lost: None,
            seen: SeenIds::default(),
        });
        self.ask_page(self.lists.len() - 1, 0, false)
    }

    fn ask_page(&mut self, number: usize, page: usize, is_ahead: bool) -> Request {
        let list = &mut self.lists[number];
        list.asked += 1;
        list.under_way += 1;
        if list.customer.is_some() {
            self.saved -= 1;
        }
        Request::Page(PageRequest {
            list: number,
            page,
            customer: list.customer,
            offset: page * list.rows,
            is_ahead,
        })
    }

    /// Asks for the pages that the wanted orders fill if they are spread like the orders found so far.
    pub fn read_least(&mut self, number: usize) -> Vec<Request> {
        let OrderList {
            search, targets, ..
        } = &self.lists[number];
        if search.expected_pages(targets.len()).is_none() {
            return Vec::new();
        }
        let (read, more) = (search.pages_read(), search.min_pages(targets.len()));
        (read..read + more)
            .map(|page| self.ask_page(number, page, false))
            .collect()
    }

    /// Returns the request for the page that shows whether a list ends within `further` more pages.
    pub fn look_ahead(&mut self, number: usize, further: usize) -> Request {
        let page = self.lists[number].search.pages_read() + further;
        self.ask_page(number, page, true)
    }

    /// Records that some call has read an order, so that no later page reads it again.
    pub fn mark_read(&mut self, index: usize) {
        self.is_read[index] = true;
    }

    /// Returns whether a list must read the values of an order: the order is still sought in the list, and no call has
    /// read it yet.
    pub fn reads(&self, number: usize, index: usize) -> bool {
        self.lists[number].targets.contains(&index) && !self.is_read[index]
    }

    /// Takes the rows of a page. Returns the orders sought in the list that are on the page, as pairs of row index and
    /// order index.
    pub fn page(&mut self, request: &PageRequest, rows: &[ListedOrder<'_>]) -> Vec<(usize, usize)> {
        let number = request.list;
        let list = &mut self.lists[number];
        if !request.is_ahead {
            list.search.record_page(rows.len());
            list.rows = list.rows.max(rows.len());
        }
        let (found, is_new) = self.absorb(number, rows);
        let list = &mut self.lists[number];
        match (request.is_ahead, is_new) {
            (false, _) => list.is_over |= !is_new || list.search.is_at_end(),
            (true, true) => list.reaches = Some(request.page),
            (true, false) => list.search.set_end(request.page),
        }
        found
    }

    /// Returns the orders sought in the list, as pairs of row index and order index, and whether any row is new to it.
    fn absorb(&mut self, number: usize, rows: &[ListedOrder<'_>]) -> (Vec<(usize, usize)>, bool) {
        let list = &mut self.lists[number];
        let mut is_new = false;
        let mut found = Vec::new();
        for (row, (key, index)) in rows.iter().enumerate() {
            is_new |= list.seen.is_new(key);
            if let Some(index) = index.filter(|index| list.targets.remove(index)) {
                found.push((row, index));
            }
        }
        if list.customer.is_some() {
            self.saved = self.saved.saturating_add_unsigned(found.len());
        }
        (found, is_new)
    }

    /// Records that a page brought no usable reply. Of several lost pages the one with the lowest number is kept, so
    /// that the order of the replies does not change the message.
    pub fn lose(&mut self, request: &PageRequest, failure: ReadFailure) {
        let lost = &mut self.lists[request.list].lost;
        if lost.as_ref().is_none_or(|(first, _)| request.page < *first) {
            *lost = Some((request.page, failure));
        }
    }

    /// Counts a page as answered, usable or not. Returns `None` while other pages of its list are under way; otherwise
    /// the orders that cannot be found because a page was lost, each with the reason.
    pub fn page_ended(&mut self, number: usize) -> Option<Vec<(usize, ReadFailure)>> {
        let list = &mut self.lists[number];
        list.under_way -= 1;
        if list.under_way > 0 {
            return None;
        }
        Some(match list.lost.take() {
            Some((_, why)) => {
                let orders = std::mem::take(&mut list.targets).into_iter();
                orders.map(|index| (index, why.clone())).collect()
            }
            None => Vec::new(),
        })
    }

    /// Returns the next calls for the orders that a list has not shown yet; empty once it has shown all of them.
    pub fn go_on(&mut self, number: usize) -> Vec<Request> {
        let list = &self.lists[number];
        match list.search.next_step(list.targets.len(), list.is_over) {
            SearchStep::Done => Vec::new(),
            SearchStep::AskEach => self.ask_each(number),
            _ if list.reaches.is_some() => self.ask_each(number),
            SearchStep::Read(pages) => pages
                .map(|page| self.ask_page(number, page, false))
                .collect(),
            SearchStep::Probe(page) => vec![self.ask_page(number, page, true)],
        }
    }

    /// Does the same as `go_on`, and counts `calls_beside` as the cost of what the pages do not show, such as the
    /// owners of the orders.
    pub fn go_on_after(&mut self, number: usize, calls_beside: usize) -> Vec<Request> {
        self.lists[number].search.set_side_calls(calls_beside);
        self.go_on(number)
    }

    /// Asks for each order that a list has not shown.
    pub fn ask_each(&mut self, number: usize) -> Vec<Request> {
        let list = &mut self.lists[number];
        let (customer, is_over) = (list.customer, list.is_over);
        let targets = std::mem::take(&mut list.targets);
        if customer.is_none() && !is_over {
            return self.ask_apart(targets);
        }
        let ask = |index: usize| match is_over && !self.is_read[index] {
            // The whole list lacks the order, so it belongs to another customer or does not exist.
            true => Request::Order(index),
            false => self.ask_one(index),
        };
        targets.into_iter().map(ask).collect()
    }

    /// Removes the orders that a list has not shown from its search, and returns them.
    pub fn leave(&mut self, number: usize) -> BTreeSet<usize> {
        std::mem::take(&mut self.lists[number].targets)
    }

    /// Returns the orders that a list has not shown.
    pub fn left(&self, number: usize) -> &BTreeSet<usize> {
        &self.lists[number].targets
    }

    /// Returns whether replies for pages of a list are still outstanding.
    pub fn is_under_way(&self, number: usize) -> bool {
        self.lists[number].under_way > 0
    }

    /// Returns whether a list was read to its end.
    pub fn is_over(&self, number: usize) -> bool {
        self.lists[number].is_over
    }

    /// Returns how many pages of a list were requested; 0 if no list has this number.
    pub fn asked(&self, number: usize) -> usize {
        self.lists.get(number).map_or(0, |list| list.asked)
    }

    /// Returns how many pages the orders that a list has not shown are likely to fill.
    pub fn likely_pages(&self, number: usize) -> usize {
        let OrderList {
            search, targets, ..
        } = &self.lists[number];
        let least = search.min_pages(targets.len());
        search.expected_pages(targets.len()).unwrap_or(least)
    }

    /// Returns the bounds, in pages, of the part of a list that was not read.
    pub fn rest(&self, number: usize) -> PageBounds {
        let OrderList {
            search,
            targets,
            reaches,
            ..
        } = &self.lists[number];
        let least = match reaches {
            Some(page) => (page + 1).saturating_sub(search.pages_read()),
            None => search.min_pages(targets.len()),
        };
        PageBounds {
            least,
            most: search.max_pages_left(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts a search for `of_each` orders of each of these customers.
    fn search(customers: impl IntoIterator<Item = i64>, of_each: usize) -> Search {
        let customers = customers.into_iter();
        Search::new(customers.flat_map(|id| vec![Some(id); of_each]).collect())
    }

    fn pages(requests: &[Request]) -> Vec<PageRequest> {
        let page = |request: &Request| match request {
            Request::Page(page) => page.clone(),
            other => panic!("{other:?}"),
        };
        requests.iter().map(page).collect()
    }

    /// Returns `count` distinct keys of orders that the manifest does not name.
    fn others(first: usize, count: usize) -> Vec<String> {
        (first..first + count)
            .map(|key| format!("k{key}"))
            .collect()
    }

    fn rows(keys: &[String]) -> Vec<ListedOrder<'_>> {
        keys.iter().map(|key| (key.as_str(), None)).collect()
    }

    #[test]
    fn an_order_by_itself_is_a_call_and_several_of_a_customer_are_a_list() {
        let mut search = Search::new(vec![Some(7), Some(7), None, Some(8)]);
        let requests = search.ask_apart(0..4);
        let [
            Request::Order(2),
            Request::OrderOf(3, 8),
            Request::Page(page),
        ] = &requests[..]
        else {
            panic!("{requests:?}");
        };
        assert_eq!(
            (page.customer, page.offset, page.is_ahead),
            (Some(7), 0, false)
        );
        let keys = others(0, 99);
        let mut listed = rows(&keys);
        listed.push(("a", Some(0)));
        assert_eq!(search.page(page, &listed), [(99, 0)]);
        search.mark_read(0);
        assert_eq!(search.page_ended(page.list), Some(Vec::new()));
        assert_eq!(search.go_on(page.list), [Request::OrderOf(1, 7)]);
    }

    #[test]
    fn an_order_that_its_customers_whole_list_does_not_show_is_somebody_elses() {
        let mut search = search([7], 2);
        let page = pages(&search.ask_apart(0..2)).remove(0);
        assert_eq!(search.page(&page, &[("a", Some(0))]), [(0, 0)]);
        search.mark_read(0);
        search.page_ended(0);
        // The next page could show it, and brings nothing new.
        let next = search.go_on(0);
        let next = match &next[..] {
            [Request::Page(next)] => next.clone(),
            [Request::OrderOf(1, 7)] => return,
            other => panic!("{other:?}"),
        };
        search.page(&next, &[]);
        search.page_ended(0);
        assert!(search.is_over(0));
        assert_eq!(search.go_on(0), [Request::Order(1)]);
    }

    #[test]
    fn lists_that_save_calls_let_more_lists_go() {
        let mut search = search(0..60, 2);
        let first = pages(&search.ask_apart(0..120));
        assert_eq!(first.len(), FEW_CUSTOMERS);
        for page in &first {
            let at = usize::try_from(page.customer.unwrap()).unwrap() * 2;
            let keys = [at.to_string(), (at + 1).to_string()];
            let listed = [(keys[0].as_str(), Some(at)), (&keys[1], Some(at + 1))];
            assert_eq!(search.page(page, &listed).len(), 2);
            assert_eq!(search.page_ended(page.list), Some(Vec::new()));
            assert_eq!(search.go_on(page.list), []);
        }
        // 32 orders for 16 pages.
        assert_eq!(search.ask_later().len(), FEW_CUSTOMERS + 8);
    }

    #[test]
    fn lists_that_save_nothing_are_given_up() {
        let mut search = search(0..60, 2);
        for page in pages(&search.ask_apart(0..120)) {
            let keys = others(0, 100);
            search.page(&page, &rows(&keys));
            search.page_ended(page.list);
            // A look ahead, which has orders as well, so that each is asked for.
            let [Request::Page(ahead)] = &search.go_on(page.list)[..] else {
                panic!("no look ahead");
            };
            assert!(ahead.is_ahead);
            search.page(ahead, &[("far", None)]);
            search.page_ended(page.list);
            let each = search.go_on(page.list);
            assert!(matches!(
                each[..],
                [Request::OrderOf(..), Request::OrderOf(..)]
            ));
        }
        let left = search.ask_later();
        assert_eq!(left.len(), 2 * (60 - FEW_CUSTOMERS));
        assert!(left.iter().all(|one| matches!(one, Request::OrderOf(..))));
    }

    #[test]
    fn what_a_lost_page_could_have_shown_fails_once_the_others_came() {
        let mut search = Search::new(vec![None; 300]);
        let first = pages(&search.search_all((0..300).collect())).remove(0);
        let keys = others(0, 100);
        let shown: Vec<ListedOrder<'_>> = keys
            .iter()
            .enumerate()
            .map(|(index, key)| (key.as_str(), Some(index)))
            .collect();
        assert_eq!(search.page(&first, &shown).len(), 100);
        search.page_ended(0);
        let next = pages(&search.go_on(0));
        assert!(next.len() > 1, "{next:?}");
        for (at, page) in next.iter().enumerate() {
            let text = format!("page {} was lost", page.page);
            search.lose(page, ReadFailure::odd(text));
            let failed = search.page_ended(0);
            match at + 1 == next.len() {
                true => {
                    let failed = failed.unwrap();
                    assert_eq!(failed.len(), 200);
                    assert!(failed.iter().all(|(_, why)| why.text == "page 1 was lost"));
                }
                false => assert_eq!(failed, None),
            }
        }
        assert!(search.left(0).is_empty());
    }

    #[test]
    fn a_look_ahead_bounds_what_is_left() {
        let mut search = Search::new(vec![None; 10]);
        let first = pages(&search.search_all((0..10).collect())).remove(0);
        let keys = others(0, 100);
        search.page(&first, &rows(&keys));
        let bounds = |least, most| PageBounds { least, most };
        assert_eq!(search.rest(0), bounds(1, None));
        let Request::Page(ahead) = search.look_ahead(0, 5) else {
            panic!("no page");
        };
        assert_eq!((ahead.page, ahead.offset, ahead.is_ahead), (6, 600, true));
        search.page(&ahead, &[("far", None)]);
        assert_eq!(search.rest(0), bounds(6, None));
        let Request::Page(further) = search.look_ahead(0, 9) else {
            panic!("no page");
        };
        search.page(&further, &[]);
        assert_eq!(search.rest(0), bounds(6, Some(9)));
    }
}
