//! Maps customer names to ids: reads the customer list page by page, until a page has nothing new.
//!
//! In: the rows of each page. Out: the pages to ask for next, and the ids of each name. A name counts as unique only
//! once the whole list was read without a gap, because a customer that was passed over could have the same name. So
//! each page begins with the last row of the page before (`overlap`). This module knows nothing of orders.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use super::read_cost::PageBounds;
use crate::model::ReadFailure;
use crate::provider::decode::{AtomShape, Columns, Row, Rows};
use crate::provider::lac::lists::customer_offset;
use crate::provider::overlap::{Joint, Overlap, READINGS};
use crate::provider::reading::MOST_PAGES;

/// A customer as the list shows it: id and name.
pub static CUSTOMERS: LazyLock<Rows<2>> = LazyLock::new(|| {
    let beside = [AtomShape::at("id"), AtomShape::at("name")];
    Rows::new(Columns::of(&[]), beside).identified(|id| id.integer().is_some())
});

pub type CustomerRow<'de> = Row<'static, 'de, 2>;

/// The customers seen so far, and the progress of the list.
#[derive(Default)]
pub struct CustomerList {
    known: HashSet<i64>,
    /// Ids by name; empty for a name that only an order showed.
    ids: HashMap<Arc<str>, Vec<i64>>,
    /// The number of customers that the manifests name, which the list should have at least.
    pub expected: usize,
    /// The number of pages requested from the start of the list, without a gap.
    pub pages: usize,
    /// The number of all calls, including pages read far ahead.
    pub calls: usize,
    /// The number of requested pages whose replies have not arrived.
    pub under_way: usize,
    /// The number of earlier readings that were abandoned because the list moved.
    before: usize,
    overlap: Overlap<i64>,
    /// The ids on the pages that arrived since the last `join`, by page number.
    came: BTreeMap<usize, Vec<i64>>,
    /// True once a page had no new customer.
    over: bool,
    /// The last page read ahead that had new customers; `ends` is the first that had none.
    reaches: Option<usize>,
    ends: Option<usize>,
    /// The number of rows on the first page, taken as the page size, since none is published.
    rows: usize,
    /// The first page that brought no usable reply.
    lost: Option<(usize, ReadFailure)>,
}

impl CustomerList {
    /// Returns the pages to ask for next, and counts them as requested.
    ///
    /// The first page is requested alone, since it shows how many rows a page has. Then all pages that the expected
    /// customers fill are requested side by side, with the empty page that shows the end. Each later round requests one
    /// page more than a quarter of those before: after 40 pages, 11. So a list of any length takes few round trips,
    /// and few pages are requested beyond its end.
    pub fn next(&mut self) -> Range<usize> {
        let count = if self.pages == 0 {
            1
        } else {
            self.unbegun().max(1 + self.pages / 4)
        };
        let end = self.ends.unwrap_or(MOST_PAGES).min(MOST_PAGES);
        let pages = self.pages..(self.pages + count).min(end);
        self.pages = pages.end;
        self.under_way += pages.len();
        self.calls += pages.len();
        pages
    }

    /// Returns the number of a page `further` pages ahead, which shows whether the list is that long; counts its call.
    pub fn look(&mut self, further: usize) -> usize {
        self.under_way += 1;
        self.calls += 1;
        (self.pages + further).min(MOST_PAGES)
    }

    pub fn offset(&self, page: usize) -> usize {
        customer_offset(page, self.rows)
    }

    /// Returns how many pages are not requested yet of those that the expected customers fill, counting the page that
    /// shows the end.
    pub fn unbegun(&self) -> usize {
        let behind_the_first = self.expected.saturating_sub(self.rows.max(1));
        let all = 1 + behind_the_first.div_ceil(self.offset(1)) + 1;
        all.saturating_sub(self.pages)
    }

    /// Returns bounds of the pages left in the list. A list with customers on page `MOST_PAGES` counts as endless.
    pub fn rest(&self) -> PageBounds {
        let least = match self.reaches {
            Some(page) if page >= MOST_PAGES => usize::MAX / 2,
            Some(page) => (page + 1).saturating_sub(self.pages),
            None => 0,
        };
        PageBounds {
            least: least.max(self.unbegun()).max(1),
            most: self.ends.map(|page| page.saturating_sub(self.pages)),
        }
    }

    pub fn is_over(&self) -> bool {
        self.over || self.ends.is_some_and(|page| self.pages >= page)
    }

    pub fn page(&mut self, page: usize, rows: &[CustomerRow<'_>]) {
        if page == 0 {
            self.rows = rows.len();
        }
        let mut listed = Vec::with_capacity(rows.len());
        for row in rows {
            let [id, name] = &row.beside;
            let Some(id) = id.integer() else { continue };
            listed.push(id);
            if let Some(name) = name.text() {
                let name = self.name(name);
                let ids = self.ids.entry(name).or_default();
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        self.came.insert(page, listed);
    }

    /// Joins the pages that arrived to the pages before them. Returns `false` if the list moved between the pages.
    pub fn join(&mut self) -> bool {
        for (page, ids) in std::mem::take(&mut self.came) {
            if !self.over && !self.append(self.offset(page), ids) {
                return false;
            }
        }
        true
    }

    fn append(&mut self, start: usize, ids: Vec<i64>) -> bool {
        let before = self.known.len();
        self.known.extend(&ids);
        self.over = self.known.len() == before;
        let end = self.overlap.end();
        let apart = start > 0 && start >= end;
        if apart && ids.is_empty() {
            // The page before was not full, so the list ends there.
            return true;
        }
        let single = apart && start == end && self.rows == 1;
        let joint = self.overlap.take(start, ids);
        self.over |= joint == Joint::First;
        single || joint != Joint::Moved
    }

    /// Resets the list for another reading after it moved. Returns `false` if it was read `READINGS` times already.
    pub fn begin_again(&mut self) -> bool {
        let before = self.before + 1;
        *self = Self {
            before,
            expected: self.expected,
            calls: self.calls,
            ..Self::default()
        };
        before < READINGS
    }

    /// Takes a page that was read ahead. Its customers are not kept, because they must still count as new when the list
    /// is read up to that page.
    pub fn seen_ahead(&mut self, page: usize, rows: &[CustomerRow<'_>]) {
        let is_new = |row: &CustomerRow<'_>| {
            let [id, _] = &row.beside;
            id.integer().is_some_and(|id| !self.known.contains(&id))
        };
        let furthest = |known: Option<usize>| known.map_or(page, |other| other.max(page));
        let nearest = |known: Option<usize>| known.map_or(page, |other| other.min(page));
        if rows.iter().any(is_new) {
            self.reaches = Some(furthest(self.reaches));
        } else {
            self.ends = Some(nearest(self.ends));
        }
    }

    /// Records that a page brought no usable reply. Of several lost pages the one with the lowest number is kept, so
    /// that the order of the replies does not change the message.
    pub fn lose(&mut self, page: usize, failure: ReadFailure) {
        if self.lost.as_ref().is_none_or(|(first, _)| page < *first) {
            self.lost = Some((page, failure));
        }
    }

    pub fn lost(&mut self) -> Option<ReadFailure> {
        self.lost.take().map(|(_, failure)| failure)
    }

    /// Returns a shared copy of a name, so that orders of one customer do not each hold the text.
    pub fn name(&mut self, name: &str) -> Arc<str> {
        if let Some((known, _)) = self.ids.get_key_value(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.ids.insert(name.clone(), Vec::new());
        name
    }

    /// Returns the customer with a name; `None` if no customer or several customers have it.
    pub fn only(&self, name: &str) -> Option<i64> {
        match self.ids.get(name)?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Returns the ids of all customers with a name, empty if there is none.
    pub fn called(&self, name: &str) -> BTreeSet<i64> {
        let ids = self.ids.get(name).into_iter().flatten();
        ids.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    /// Returns the round trips and calls that a list takes with pages of 100.
    fn cost(customers: usize, expected: usize) -> (usize, usize) {
        let mut list = CustomerList {
            expected,
            ..CustomerList::default()
        };
        let mut trips = 0;
        while !list.is_over() {
            trips += 1;
            for page in list.next() {
                let offset = list.offset(page);
                let rows = offset.min(customers)..customers.min(offset + 100);
                let row = |id: usize| json!({"id": id, "name": format!("c{id}")});
                let body = Json::from_iter(rows.map(row)).to_string();
                let read = CUSTOMERS.list(&body, &|_| true).unwrap();
                list.page(page, &read.unwrap().rows);
            }
            assert!(list.join());
        }
        assert_eq!(list.known.len(), customers);
        (trips, list.pages)
    }

    #[test]
    fn pages_that_are_needed_in_any_case_are_read_side_by_side() {
        assert_eq!(cost(20, 20), (2, 2));
        assert_eq!(cost(100, 30), (2, 2));
        assert_eq!(cost(1_000, 1_000), (2, 12));
        let (trips, calls) = cost(10_000, 20);
        assert!(trips <= 18 && calls <= 130, "{trips} {calls}");
    }
}
