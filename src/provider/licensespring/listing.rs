//! The whole list of licenses: the first page tells how many there are, the others follow side by side.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::reading::{BATCH, Page, shown};
use crate::model::{Call, Observed};
use crate::provider::listing::{Found, Listed, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, success};
use crate::provider::with_query;

pub struct LicenseListing {
    /// Calls by the offset that they ask for.
    outbox: Outbox<usize>,
    found: BTreeMap<String, Observed>,
    /// Rows that the list says it has.
    count: usize,
    failures: Vec<String>,
}

impl LicenseListing {
    pub fn new() -> Self {
        let mut listing = Self {
            outbox: Outbox::default(),
            found: BTreeMap::new(),
            count: 0,
            failures: Vec::new(),
        };
        listing.ask(0);
        listing
    }

    fn ask(&mut self, offset: usize) {
        let (limit, text) = (BATCH.to_string(), offset.to_string());
        let mut pairs = vec![("limit", limit.as_str())];
        if offset > 0 {
            pairs.push(("offset", &text));
        }
        let path = with_query("/api/v1/licenses/", &pairs);
        self.outbox.send(Call::get(path), offset);
    }

    fn page(&mut self, offset: usize, page: Page<'_>, name: &str) {
        self.count = self.count.max(page.count);
        let rows = page.rows.len();
        for (id, row) in page.rows {
            if let Entry::Vacant(free) = self.found.entry(id) {
                let observed = shown(row, free.key(), name);
                free.insert(observed);
            }
        }
        // A server may give fewer rows than it was asked for; its first page tells how many.
        if offset == 0 && rows > 0 {
            for next in (rows..page.count).step_by(rows) {
                self.ask(next);
            }
        }
    }
}

impl Listing for LicenseListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (offset, name) = self.outbox.purpose(ticket);
        let read = success(&name, answer).and_then(|reply| {
            self.page(offset, Page::read(&reply, &name)?, &name);
            Ok(())
        });
        if let Err(failure) = read {
            self.failures.push(failure.text);
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        let mut failures = self.failures;
        if failures.is_empty() && self.found.len() < self.count {
            failures.push(format!(
                "GET /api/v1/licenses/ showed {} of {} licenses: the list changed while it was read",
                self.found.len(),
                self.count
            ));
        }
        let found = self.found.into_iter().map(|(id, observed)| Found {
            identity: vec![("licenseId", id.into())],
            observed,
        });
        Listed::new(found.collect(), failures)
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
                vec!["GET /api/v1/licenses/?limit=100"],
                vec![
                    "GET /api/v1/licenses/?limit=100&offset=100",
                    "GET /api/v1/licenses/?limit=100&offset=200"
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

    #[test]
    fn an_empty_account_costs_one_call() {
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |_| page(0, 0..0));
        assert_eq!(rounds.concat().len(), 1);
        assert!(listed.objects.is_empty() && listed.failures.is_empty());
    }
}
