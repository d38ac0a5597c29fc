//! Lists every object of one kind in the account, such as its organizations, by pages that overlap (`list_walk`).

use std::collections::BTreeMap;

use super::list_walk::{ListWalk, WalkStep};
use super::rows::{PageRows, with_scope};
use super::sheet::Sheet;
use crate::model::{Call, Observed, ReadFailure, Reply, Text};
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};

/// A list that the account has.
pub struct AccountList {
    pub path: &'static str,
    /// The scope that the page of the list prints.
    pub scope: &'static str,
    /// Reads a page of the list. `Err` if the reply is no list of rows with ids. The text is the call's name in messages.
    pub read: fn(&Reply, &str) -> Result<PageRows, ReadFailure>,
    /// The member by which manifests name an object.
    pub identity: &'static str,
}

pub struct AccountListing {
    list: &'static AccountList,
    outbox: Outbox<Sheet>,
    walk: ListWalk,
    /// Objects by id, each with the reading of the list that showed it last.
    found: BTreeMap<Text, (usize, Observed)>,
    failures: Vec<String>,
}

impl AccountListing {
    /// Begins with the first page.
    pub fn new(list: &'static AccountList) -> Self {
        let mut listing = Self {
            list,
            outbox: Outbox::default(),
            walk: ListWalk::default(),
            found: BTreeMap::new(),
            failures: Vec::new(),
        };
        listing.ask();
        listing
    }

    /// Asks for the next page.
    fn ask(&mut self) {
        let sheet = self.walk.sheet();
        let call = Call::get(sheet.of(self.list.path));
        self.outbox.send(call, sheet);
    }

    /// Takes a page and asks for what follows. `Err` if the reply is no list of rows with ids.
    fn take_page(&mut self, sheet: Sheet, reply: &Reply, name: &str) -> Result<(), ReadFailure> {
        let reading = self.walk.reading();
        let mut ids = Vec::new();
        for (id, observed) in (self.list.read)(reply, name)? {
            ids.push(id.to_string());
            self.found.insert(id, (reading, observed));
        }
        match self.walk.take(sheet, ids, self.list.path) {
            WalkStep::Ask => self.ask(),
            WalkStep::End => {}
            WalkStep::Abandon(why) => self.failures.push(why),
        }
        Ok(())
    }
}

impl Listing for AccountListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (sheet, name) = self.outbox.purpose(ticket);
        let read =
            require_success(&name, answer).and_then(|reply| self.take_page(sheet, &reply, &name));
        if let Err(failure) = read {
            let text = with_scope(failure.text, failure.status, self.list.scope);
            self.failures.push(text);
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        let Self {
            walk, found, list, ..
        } = *self;
        let there = { found.into_iter() }.filter(|(_, (reading, _))| walk.still_has(*reading));
        let objects = there.map(|(id, (_, observed))| ListedObject {
            identity: vec![(list.identity, id)],
            observed,
        });
        Listed::new(objects.collect(), self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ResourceKind;
    use crate::provider::cryptlex::license::License;
    use crate::provider::testing::{answer, list};
    use serde_json::{Value as Json, json};

    fn licenses() -> Box<dyn Listing> {
        License.listing().expect("a list")
    }

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
        let (rounds, listed) = list(licenses(), |call| rows(range(call, 250)));
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
        let (rounds, listed) = list(licenses(), |call| {
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
        let (_, listed) = list(licenses(), |_| {
            answer(403, json!({"message": "Forbidden."}))
        });
        assert!(
            listed.failures[0].contains("`license:read`"),
            "{:?}",
            listed.failures
        );
    }
}
