//! Searches the list of all orders and the lists of single customers for some orders.
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
//! A manifest has three orders: 0 and 1 of customer 7, and 2 of nobody it names. [`Search::ask_apart`] returns two
//! requests: the first page of customer 7's list, since two orders are in it, and order 2 by its key. The page comes
//! with 100 rows, of which one is order 0: [`Search::page`] returns it, and [`Search::go_on`] then asks for order 1 by
//! its key, in the list of customer 7. A second page would have cost the same call and may not show it.
//!
//! Lists of customers are tried in batches. Each that shows two orders for one call saves one, each that shows none of
//! its orders costs its pages. The first batch is [`FEW_CUSTOMERS`] lists; every later one is as many as can fail
//! without costing more than was saved: after 16 lists of one page that showed 32 orders, 16 calls are saved, and the
//! next batch is 16 + 16 ÷ 2 = 24 lists. After 32 pages that showed nothing it is 16 − 32 ÷ 2 = 0, and every order
//! that is left is asked for by its key.

use std::collections::{BTreeMap, BTreeSet};

use super::read_cost::{FEW_CUSTOMERS, PageBounds};
use crate::model::ReadFailure;
use crate::provider::list_search::{ListSearch, SearchStep};
use crate::provider::reading::SeenIds;

/// A call that the search needs. Orders are named by their index among the wanted ones, pages are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// An order by its key, whoever's it is.
    Order(usize),
    /// An order by its key, in the list of this customer.
    OrderOf(usize, i64),
    Page(PageRequest),
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    pub list: usize,
    pub page: usize,
    /// Whose list it is; `None` is the list of all orders.
    pub customer: Option<i64>,
    /// The number of rows before the page.
    pub offset: usize,
    /// True if the page is read only to see how long the list is.
    pub is_ahead: bool,
}

/// A row of a page: the order's key, and its index if it is among the wanted ones.
pub type ListedOrder<'a> = (&'a str, Option<usize>);

/// A list that is searched for some orders.
struct OrderList {
    customer: Option<i64>,
    /// Orders that it has not shown.
    targets: BTreeSet<usize>,
    search: ListSearch,
    /// Pages that were asked for, and those of them that have not come yet.
    asked: usize,
    under_way: usize,
    /// Rows of the fullest page: no page size is published.
    rows: usize,
    is_over: bool,
    /// A page that was looked at ahead and has orders.
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
    /// Customers' lists that go out later.
    later: Vec<(i64, BTreeSet<usize>)>,
    /// Orders that customers' lists showed, less the pages asked for of them.
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

    /// Searches the list of all orders, and returns the request for its first page.
    pub fn search_all(&mut self, targets: BTreeSet<usize>) -> Vec<Request> {
        vec![self.open_list(None, targets)]
    }

    /// Asks for orders without a list of all: for the lists of customers of several, and with a call for an order by
    /// itself.
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

    /// Asks for the next batch of customers' lists, or for each of their orders if lists have saved nothing. Called
    /// when no call is under way any more, and by [`ask_apart`](Self::ask_apart).
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

    /// Asks for an order by its key, in the list of its manifest's customer if it names one.
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

    /// Reads the pages that the wanted orders would fill if they are spread like those that were found.
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

    /// Looks whether a list ends within `further` more pages.
    pub fn look_ahead(&mut self, number: usize, further: usize) -> Request {
        let page = self.lists[number].search.pages_read() + further;
        self.ask_page(number, page, true)
    }

    /// Notes that an order was read, by whichever call.
    pub fn mark_read(&mut self, index: usize) {
        self.is_read[index] = true;
    }

    /// Returns whether the values of an order are wanted of a list: it may show it, and no call has read it yet.
    pub fn reads(&self, number: usize, index: usize) -> bool {
        self.lists[number].targets.contains(&index) && !self.is_read[index]
    }

    /// Takes in a page that came. Returns the orders that were wanted of the list and are on it, each with the
    /// index of its row.
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

    /// Returns the wanted orders among the rows, and whether any row is new to the list.
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

    /// Takes note of a page that brought no usable reply. The first one counts, whichever is heard of first.
    pub fn lose(&mut self, request: &PageRequest, failure: ReadFailure) {
        let lost = &mut self.lists[request.list].lost;
        if lost.as_ref().is_none_or(|(first, _)| request.page < *first) {
            *lost = Some((request.page, failure));
        }
    }

    /// Counts a page as come, usable or not. Returns `None` while others of its list are under way, and else the
    /// orders that no page can show any more because one was lost, with the reason.
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

    /// Decides how to find what a list has not shown yet.
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

    /// The same after so many calls beside the list, for what its pages do not tell of the orders.
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
            // Not in this list: it may be another customer's, or not there at all.
            true => Request::Order(index),
            false => self.ask_one(index),
        };
        targets.into_iter().map(ask).collect()
    }

    /// Takes the orders that a list has not shown out of it.
    pub fn leave(&mut self, number: usize) -> BTreeSet<usize> {
        std::mem::take(&mut self.lists[number].targets)
    }

    /// Returns the orders that a list has not shown.
    pub fn left(&self, number: usize) -> &BTreeSet<usize> {
        &self.lists[number].targets
    }

    /// Returns whether pages of a list have not come yet.
    pub fn is_under_way(&self, number: usize) -> bool {
        self.lists[number].under_way > 0
    }

    /// Returns whether a list was read to its end.
    pub fn is_over(&self, number: usize) -> bool {
        self.lists[number].is_over
    }

    /// Returns how many pages of a list were asked for; 0 for a list that there is not.
    pub fn asked(&self, number: usize) -> usize {
        self.lists.get(number).map_or(0, |list| list.asked)
    }

    /// Returns the pages that the orders which a list has not shown likely fill.
    pub fn likely_pages(&self, number: usize) -> usize {
        let OrderList {
            search, targets, ..
        } = &self.lists[number];
        let least = search.min_pages(targets.len());
        search.expected_pages(targets.len()).unwrap_or(least)
    }

    /// Returns what is known of the length of the part of a list that was not read.
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

    /// A search for so many orders of each of these customers.
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

    /// So many rows that are nobody's of the manifest, each under another key.
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
