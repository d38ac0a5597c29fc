//! The customer list: names to ids, read page by page until one brings nothing new.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use super::number;
use crate::provider::reading::MOST_PAGES;

/// The customers seen so far, and how the list is read on.
#[derive(Default)]
pub struct CustomerList {
    names: HashMap<i64, String>,
    ids: HashMap<String, BTreeSet<i64>>,
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
    /// has. Then all that the expected customers fill go side by side, and after those a quarter more than
    /// were read before, so that a list of any length is few round trips deep and few pages are too many.
    pub fn next(&mut self) -> Vec<usize> {
        let count = if self.pages == 0 {
            1
        } else {
            let filled = self.expected.div_ceil(self.rows.max(1));
            filled.saturating_sub(self.pages).max(1 + self.pages / 4)
        };
        let pages = self.pages..(self.pages + count).min(MOST_PAGES);
        self.pages = pages.end;
        self.under_way = pages.len();
        pages.map(|page| page * self.rows).collect()
    }

    pub fn page(&mut self, rows: &[Map<String, Json>]) {
        let before = self.names.len();
        if self.rows == 0 {
            self.rows = rows.len();
        }
        for row in rows {
            let id = row.get("id").and_then(number);
            let name = row.get("name").and_then(Json::as_str);
            if let (Some(id), Some(name)) = (id, name) {
                self.names.insert(id, name.to_string());
                self.ids.entry(name.to_string()).or_default().insert(id);
            }
        }
        self.under_way = self.under_way.saturating_sub(1);
        self.over |= self.names.len() == before;
    }

    /// The ids of all customers of one name.
    pub fn called(&self, name: &str) -> BTreeSet<i64> {
        self.ids.get(name).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
                let row = |id: usize| {
                    Map::from_iter([
                        ("id".into(), json!(id)),
                        ("name".into(), json!(format!("c{id}"))),
                    ])
                };
                list.page(&Vec::from_iter(rows.map(row)));
            }
        }
        assert_eq!(list.names.len(), customers);
        (trips, list.pages)
    }

    #[test]
    fn pages_that_are_needed_in_any_case_are_read_side_by_side() {
        assert_eq!(cost(20, 20), (2, 2));
        assert_eq!(cost(100, 30), (2, 2));
        assert_eq!(cost(1_000, 1_000), (3, 13));
        let (trips, calls) = cost(10_000, 20);
        assert!(trips <= 18 && calls <= 130, "{trips} {calls}");
    }
}
