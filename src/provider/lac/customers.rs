//! The customer list: names to ids, read page by page until one brings nothing new.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use crate::provider::decode::{Columns, Row, Rows, Spot};
use crate::provider::reading::MOST_PAGES;

/// A customer as the list shows it: id and name.
pub static CUSTOMERS: LazyLock<Rows<2>> =
    LazyLock::new(|| Rows::new(Columns::of(&[]), [Spot::at("id"), Spot::at("name")]));

pub type CustomerRow<'de> = Row<'static, 'de, 2>;

/// The customers seen so far, and how the list is read on.
#[derive(Default)]
pub struct CustomerList {
    known: HashSet<i64>,
    /// Ids by name; none where only an order told the name.
    ids: HashMap<Arc<str>, Vec<i64>>,
    /// Customers that there should be: those whom the manifests name.
    pub expected: usize,
    pub pages: usize,
    /// Pages that were asked for and have not come yet.
    pub under_way: usize,
    /// Whether a page brought nothing new.
    pub over: bool,
    /// Rows of the first page: no page size is published.
    rows: usize,
}

impl CustomerList {
    /// The offsets of the pages to ask for next. The first goes alone, since it tells how many rows a page
    /// has. Then all that the expected customers fill go side by side, with the empty one that shows the end, and
    /// after those a quarter more than were read before, so that a list of any length is few round trips deep and
    /// few pages are too many.
    pub fn next(&mut self) -> Vec<usize> {
        let count = if self.pages == 0 {
            1
        } else {
            let all = self.expected.div_ceil(self.rows.max(1)) + 1;
            all.saturating_sub(self.pages).max(1 + self.pages / 4)
        };
        let pages = self.pages..(self.pages + count).min(MOST_PAGES);
        self.pages = pages.end;
        self.under_way = pages.len();
        pages.map(|page| page * self.rows).collect()
    }

    pub fn page(&mut self, rows: &[CustomerRow<'_>]) {
        let before = self.known.len();
        if self.rows == 0 {
            self.rows = rows.len();
        }
        for row in rows {
            let [id, name] = &row.beside;
            if let (Some(id), Some(name)) = (id.integer(), name.text()) {
                self.known.insert(id);
                let name = self.name(name);
                let ids = self.ids.entry(name).or_default();
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        self.under_way = self.under_way.saturating_sub(1);
        self.over |= self.known.len() == before;
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
        while !list.over {
            trips += 1;
            for offset in list.next() {
                let rows = offset.min(customers)..customers.min(offset + 100);
                let row = |id: usize| json!({"id": id, "name": format!("c{id}")});
                let body = Json::from_iter(rows.map(row)).to_string();
                let page = CUSTOMERS.list(&body, &|_| true).unwrap();
                list.page(&page.unwrap().rows);
            }
        }
        assert_eq!(list.known.len(), customers);
        (trips, list.pages)
    }

    #[test]
    fn pages_that_are_needed_in_any_case_are_read_side_by_side() {
        assert_eq!(cost(20, 20), (2, 2));
        assert_eq!(cost(100, 30), (2, 2));
        assert_eq!(cost(1_000, 1_000), (2, 11));
        let (trips, calls) = cost(10_000, 20);
        assert!(trips <= 18 && calls <= 130, "{trips} {calls}");
    }
}
