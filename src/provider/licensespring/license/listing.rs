//! Lists all licenses: the first page shows how many there are, and the others are requested side by side.
//!
//! The vendor promises no default order, so the list is requested in order of creation, which is the example of its
//! page (2026-11-29). Each page begins with the last row of the page before (`overlap`), and together the pages must
//! have as many rows as the vendor counts; otherwise the list is read again.

use std::collections::BTreeMap;

use super::LICENSES;
use super::reading::{BATCH, shown};
use crate::model::{Call, Observed};
use crate::provider::licensespring::envelope::Page;
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::overlap::{Joint, Overlap, READINGS};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};
use crate::provider::with_query;

/// The name of the list call in messages.
const LIST: &str = "GET /api/v1/licenses/";

#[derive(Default)]
pub struct LicenseListing {
    /// Calls by the offset that they ask for.
    outbox: Outbox<usize>,
    outstanding: usize,
    readings: usize,
    /// What the present reading shows, and the ids of its pages by their offset.
    found: BTreeMap<String, Observed>,
    pages: BTreeMap<usize, Vec<String>>,
    /// The lowest total that a page of the reading stated; `None` before the first page.
    count: Option<usize>,
    failures: Vec<String>,
}

impl LicenseListing {
    pub fn new() -> Self {
        let mut listing = Self::default();
        listing.ask(0);
        listing
    }

    fn ask(&mut self, offset: usize) {
        let (limit, text) = (BATCH.to_string(), offset.to_string());
        let mut pairs = vec![("limit", limit.as_str()), ("order_by", "created_at")];
        if offset > 0 {
            pairs.push(("offset", &text));
        }
        let path = with_query("/api/v1/licenses/", &pairs);
        self.outstanding += 1;
        self.outbox.send(Call::get(path), offset);
    }

    fn page(&mut self, offset: usize, page: Page<'_, 4>, name: &str) {
        self.count = Some(self.count.map_or(page.count, |count| count.min(page.count)));
        let rows = page.rows.len();
        let mut ids = Vec::with_capacity(rows);
        for (id, row) in page.rows {
            ids.push(id.clone());
            // A row that two pages show was the same both times, or the list is read again.
            let observed = shown(row, &id, name);
            self.found.insert(id, observed);
        }
        self.pages.insert(offset, ids);
        // A server may give fewer rows than requested; its first page shows how many.
        if offset == 0 && rows > 0 && rows < page.count {
            let step = (rows - 1).max(1);
            let last = page.count - 1;
            (step..last).step_by(step).for_each(|next| self.ask(next));
            if rows == 1 {
                self.ask(last);
            }
        }
    }

    /// Reports whether the pages of a reading fit together to one list and have as many rows as the vendor counts.
    fn is_whole(&self) -> bool {
        let mut list = Overlap::default();
        let mut pages = self.pages.iter();
        let joined = pages.all(|(start, ids)| {
            // Pages of a single row have none in common.
            let alone = ids.len() == 1 && list.end() == *start;
            list.take(*start, ids.clone()) == Joint::Follows || alone
        });
        joined && self.count.is_none_or(|count| self.found.len() >= count)
    }

    /// Reads the list once more if its pages do not fit together.
    fn settle(&mut self) {
        if !self.failures.is_empty() || self.is_whole() {
            return;
        }
        self.readings += 1;
        if self.readings < READINGS {
            self.found.clear();
            self.pages.clear();
            self.count = None;
            self.ask(0);
            return;
        }
        self.failures.push(format!(
            "{LIST} showed {} of {} licenses: the list changed while it was read, {READINGS} times: \
             it may have more objects than these; try again",
            self.found.len(),
            self.count.unwrap_or_default()
        ));
    }
}

impl Listing for LicenseListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        self.outstanding -= 1;
        let (offset, name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer).and_then(|reply| {
            self.page(offset, Page::read(&LICENSES, &reply, &name)?, &name);
            Ok(())
        });
        if let Err(failure) = read {
            self.failures.push(failure.text);
        }
        if self.outstanding == 0 {
            self.settle();
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        let found = self.found.into_iter().map(|(id, observed)| ListedObject {
            identity: vec![("licenseId", id.into())],
            observed,
        });
        Listed::new(found.collect(), self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::testing::{answer, list};
    use serde_json::{Value as Json, json};

    fn page(count: usize, ids: std::ops::Range<usize>) -> Answer {
        let row = |id: usize| json!({"id": id, "license_key": "secret", "product_features": []});
        let rows: Vec<Json> = ids.map(|id| row(id + 1)).collect();
        answer(
            200,
            json!({"count": count, "next": null, "previous": null, "results": rows}),
        )
    }

    fn offset(call: &str) -> usize {
        let text = call.split("offset=").nth(1).unwrap_or("0");
        text.parse().expect("a number")
    }

    #[test]
    fn pages_go_side_by_side_once_the_first_tells_how_many_there_are() {
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |call| {
            let at = offset(call);
            page(250, at..(at + 100).min(250))
        });
        assert_eq!(
            rounds,
            [
                vec!["GET /api/v1/licenses/?limit=100&order_by=created_at"],
                vec![
                    "GET /api/v1/licenses/?limit=100&order_by=created_at&offset=99",
                    "GET /api/v1/licenses/?limit=100&order_by=created_at&offset=198"
                ]
            ]
        );
        assert_eq!((listed.objects.len(), listed.failures.len()), (250, 0));
    }

    #[test]
    fn a_server_with_smaller_pages_is_read_to_the_end() {
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |call| {
            let at = offset(call);
            page(45, at..(at + 20).min(45))
        });
        assert_eq!(rounds.concat().len(), 3);
        assert_eq!((listed.objects.len(), listed.failures.len()), (45, 0));
    }

    #[test]
    fn a_lost_or_short_page_is_a_failure_and_not_a_shorter_list() {
        let (_, listed) = list(Box::new(LicenseListing::new()), |call| match offset(call) {
            0 => page(150, 0..100),
            _ => answer(503, "down"),
        });
        assert_eq!(listed.objects.len(), 100);
        assert!(listed.failures[0].contains("503"), "{:?}", listed.failures);
        let (_, listed) = list(Box::new(LicenseListing::new()), |_| page(7, 0..5));
        assert!(
            listed.failures[0].contains("5 of 7"),
            "{:?}",
            listed.failures
        );
    }

    /// 250 licenses; before these calls the first one goes and another one comes at the end.
    fn moving(before: std::ops::Range<usize>) -> (usize, Listed) {
        let (mut first, mut calls) = (0, 0);
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |call| {
            if before.contains(&calls) {
                first += 1;
            }
            calls += 1;
            let at = first + offset(call);
            page(250, at..(at + 100).min(first + 250))
        });
        (rounds.concat().len(), listed)
    }

    #[test]
    fn a_list_whose_count_stays_while_rows_move_is_read_again() {
        let (calls, listed) = moving(1..2);
        assert_eq!((calls, listed.objects.len()), (6, 250));
        assert_eq!(listed.failures, [""; 0]);
        let (calls, listed) = moving(0..100);
        assert_eq!((calls, listed.failures.len()), (9, 1));
        assert!(
            listed.failures[0].contains("may have more"),
            "{:?}",
            listed.failures
        );
    }

    #[test]
    fn a_server_with_pages_of_one_row_is_read_to_the_end() {
        let (_, listed) = list(Box::new(LicenseListing::new()), |call| {
            let at = offset(call);
            page(4, at..(at + 1).min(4))
        });
        assert_eq!((listed.objects.len(), listed.failures.len()), (4, 0));
    }

    #[test]
    fn an_empty_account_costs_one_call() {
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |_| page(0, 0..0));
        assert_eq!(rounds.concat().len(), 1);
        assert!(listed.objects.is_empty() && listed.failures.is_empty());
    }
}
