//! Reads the customer list: names to ids, page by page until one brings nothing new.
//!
//! In: the rows of each page. Out: the pages to ask for next, and the ids of each name. A name is taken to have one
//! customer only when the whole list was read: a customer who was passed over could have the name as well. So each
//! page begins with the last row of the one before (`overlap`). Orders are not known here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use super::read_cost::PageBounds;
use crate::model::ReadFailure;
use crate::provider::decode::{AtomShape, Columns, Row, Rows};
use crate::provider::overlap::{Joint, Overlap, READINGS};
use crate::provider::reading::MOST_PAGES;

/// A customer as the list shows it: id and name.
pub static CUSTOMERS: LazyLock<Rows<2>> = LazyLock::new(|| {
    let beside = [AtomShape::at("id"), AtomShape::at("name")];
    Rows::new(Columns::of(&[]), beside).identified(|id| id.integer().is_some())
});

pub type CustomerRow<'de> = Row<'static, 'de, 2>;

/// The customers seen so far, and how the list is read on.
#[derive(Default)]
pub struct CustomerList {
    known: HashSet<i64>,
    /// Ids by name; empty for a name that only an order showed.
    ids: HashMap<Arc<str>, Vec<i64>>,
    /// Customers that there should be: those whom the manifests name.
    pub expected: usize,
    /// Pages that were asked for, from the start on.
    pub pages: usize,
    /// All calls made, looks ahead among them.
    pub calls: usize,
    /// Pages that were asked for and have not come yet.
    pub under_way: usize,
    /// Readings that came before this one and were given up because the list moved.
    before: usize,
    overlap: Overlap<i64>,
    /// Ids of the pages that came since `join`, by the numbers of the pages.
    came: BTreeMap<usize, Vec<i64>>,
    /// True once a page brought nothing new.
    over: bool,
    /// The last page that was looked at ahead and has customers, and the first that has none.
    reaches: Option<usize>,
    ends: Option<usize>,
    /// Rows of the first page: no page size is published.
    rows: usize,
    /// The first page that brought no usable reply.
    lost: Option<(usize, ReadFailure)>,
}

impl CustomerList {
    /// The pages to ask for next. The first goes alone, since it tells how many rows a page has. Then all that the
    /// expected customers fill go side by side, with the empty one that shows the end, and after those a quarter
    /// more than were read before, so that a list of any length is few round trips deep and few pages are too many.
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

    /// A page far ahead, to see whether the list is that long.
    pub fn look(&mut self, further: usize) -> usize {
        self.under_way += 1;
        self.calls += 1;
        (self.pages + further).min(MOST_PAGES)
    }

    pub fn offset(&self, page: usize) -> usize {
        page * self.step()
    }

    /// Rows that a page has more than the one before. Pages of a single row have none in common.
    fn step(&self) -> usize {
        self.rows.saturating_sub(1).max(1)
    }

    /// Pages that the expected customers fill, with the end, and that were not asked for.
    pub fn unbegun(&self) -> usize {
        let behind_the_first = self.expected.saturating_sub(self.rows.max(1));
        let all = 1 + behind_the_first.div_ceil(self.step()) + 1;
        all.saturating_sub(self.pages)
    }

    /// What is left of the list, as far as it is known. One that goes on behind the most pages never ends.
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

    /// Joins the pages that came to those before. Says whether they are parts of one list.
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
            // The page before was not full: there the list ends.
            return true;
        }
        let single = apart && start == end && self.rows == 1;
        let joint = self.overlap.take(start, ids);
        self.over |= joint == Joint::First;
        single || joint != Joint::Moved
    }

    /// Begins once more after the list moved, unless it was read often enough.
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

    /// A page that was looked at. Its customers are not kept: should the list be read so far, the page has to
    /// bring something new.
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

    /// A page that brought no usable reply. The first one counts, whichever is heard of first.
    pub fn lose(&mut self, page: usize, failure: ReadFailure) {
        if self.lost.as_ref().is_none_or(|(first, _)| page < *first) {
            self.lost = Some((page, failure));
        }
    }

    pub fn lost(&mut self) -> Option<ReadFailure> {
        self.lost.take().map(|(_, failure)| failure)
    }

    /// A name that is held once, however many orders have it.
    pub fn name(&mut self, name: &str) -> Arc<str> {
        if let Some((known, _)) = self.ids.get_key_value(name) {
            return known.clone();
        }
        let name: Arc<str> = name.into();
        self.ids.insert(name.clone(), Vec::new());
        name
    }

    /// The only customer of one name.
    pub fn only(&self, name: &str) -> Option<i64> {
        match self.ids.get(name)?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// The ids of all customers of one name.
    pub fn called(&self, name: &str) -> BTreeSet<i64> {
        let ids = self.ids.get(name).into_iter().flatten();
        ids.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    /// The round trips and calls that a list takes by pages of 100.
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
