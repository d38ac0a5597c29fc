//! Lists every license of the account, by pages that overlap (`list_walk`).

use std::collections::BTreeMap;

use super::LICENSES;
use super::reading::{LIST, READ, shown};
use crate::model::{Call, Observed};
use crate::provider::cryptlex::list_walk::{ListWalk, WalkStep};
use crate::provider::cryptlex::rows::{id_of, rows_of, with_scope};
use crate::provider::cryptlex::sheet::Sheet;
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};

#[derive(Default)]
pub struct LicenseListing {
    outbox: Outbox<Sheet>,
    walk: ListWalk,
    /// Licenses by id, each with the reading of the list that showed it last.
    found: BTreeMap<String, (usize, Observed)>,
    failures: Vec<String>,
}

impl LicenseListing {
    pub fn new() -> Self {
        let mut listing = Self::default();
        listing.ask();
        listing
    }

    /// Asks for the next page.
    fn ask(&mut self) {
        let sheet = self.walk.sheet();
        self.outbox.send(Call::get(sheet.of(LIST)), sheet);
    }
}

impl Listing for LicenseListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (sheet, name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer).and_then(|reply| {
            let rows = rows_of(&LICENSES, &reply, &name, &|_| true)?;
            let id = |row| id_of(row).unwrap_or_default().to_string();
            let ids: Vec<String> = rows.iter().map(id).collect();
            let reading = self.walk.reading();
            for (id, row) in ids.iter().zip(rows) {
                self.found.insert(id.clone(), (reading, shown(row, &name)));
            }
            match self.walk.take(sheet, ids, LIST) {
                WalkStep::Ask => self.ask(),
                WalkStep::End => {}
                WalkStep::Abandon(why) => self.failures.push(why),
            }
            Ok(())
        });
        if let Err(failure) = read {
            let text = with_scope(failure.text, failure.status, READ);
            self.failures.push(text);
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        let Self { walk, found, .. } = *self;
        let there = { found.into_iter() }.filter(|(_, (reading, _))| walk.still_has(*reading));
        let objects = there.map(|(id, (_, observed))| ListedObject {
            identity: vec![("licenseId", id.into())],
            observed,
        });
        Listed::new(objects.collect(), self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::testing::{answer, list};
    use serde_json::{Value as Json, json};

    fn rows(range: std::ops::Range<usize>) -> Answer {
        let row =
            |id: usize| json!({"id": format!("l{id:04}"), "key": "secret", "suspended": false});
        answer(200, Json::from_iter(range.map(row)))
    }

    /// The rows that a call asks for, of a list of that length.
    fn range(call: &str, length: usize) -> std::ops::Range<usize> {
        let query = call
            .strip_prefix("GET /v3/licenses?limit=")
            .expect("the list");
        let (limit, page) = query.split_once("&page=").expect("a page");
        let (limit, page): (usize, usize) = (limit.parse().unwrap(), page.parse().unwrap());
        (limit * (page - 1)).min(length)..(limit * page).min(length)
    }

    #[test]
    fn the_whole_list_is_read_by_pages_that_overlap() {
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |call| {
            rows(range(call, 250))
        });
        assert_eq!((rounds.concat().len(), listed.objects.len()), (3, 250));
        assert_eq!(listed.failures, [""; 0]);
        assert_eq!(
            listed.objects[249].identity,
            [("licenseId", "l0249".into())]
        );
    }

    #[test]
    fn a_license_that_went_while_the_list_was_read_is_not_listed() {
        let mut pages = 0;
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |call| {
            pages += 1;
            let first = usize::from(pages > 1);
            let range = range(call, 250 - first);
            rows(range.start + first..range.end + first)
        });
        assert_eq!((rounds.concat().len(), listed.objects.len()), (2 + 3, 249));
        assert_eq!(listed.objects[0].identity, [("licenseId", "l0001".into())]);
    }

    #[test]
    fn a_refusal_says_which_scope_is_missing() {
        let (_, listed) = list(Box::new(LicenseListing::new()), |_| {
            answer(403, json!({"message": "Forbidden."}))
        });
        assert!(
            listed.failures[0].contains("`license:read`"),
            "{:?}",
            listed.failures
        );
    }
}
