//! Lists every license of every organization: the list of organizations, then the licenses of each by pages.
//!
//! `GET /v3/licenses` would show all of them in one list, but no page says that it carries the user groups,
//! which are all that is managed (2026-11-21).
//!
//! Every list is walked by pages that overlap (`list_walk`).

use std::collections::BTreeMap;

use super::reading::{READ, shown};
use super::{LICENSES, LicenseRow};
use crate::model::{Call, Observed};
use crate::provider::cryptlex::list_walk::{ListWalk, WalkStep};
use crate::provider::cryptlex::rows::{id_of, rows_of, with_scope};
use crate::provider::cryptlex::sheet::Sheet;
use crate::provider::encode_segment;
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};

/// Scope that the page of the list of organizations prints.
const READ_ORGANIZATIONS: &str = "organization:read";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Organizations,
    LicensesOf(String),
}

impl List {
    fn path(&self) -> String {
        match self {
            List::Organizations => "/v3/organizations".to_string(),
            List::LicensesOf(organization) => {
                format!(
                    "/v3/organizations/{}/licenses",
                    encode_segment(organization)
                )
            }
        }
    }

    /// The scope that its page prints.
    fn scope(&self) -> &'static str {
        match self {
            List::Organizations => READ_ORGANIZATIONS,
            List::LicensesOf(_) => READ,
        }
    }
}

/// A license, and the reading of its organization's list that showed it last.
struct Shown {
    reading: usize,
    observed: Observed,
}

#[derive(Default)]
pub struct LicenseListing {
    outbox: Outbox<(List, Sheet)>,
    lists: BTreeMap<List, ListWalk>,
    /// Licenses by organization and id.
    found: BTreeMap<(String, String), Shown>,
    failures: Vec<String>,
}

impl LicenseListing {
    pub fn new() -> Self {
        let mut listing = Self::default();
        listing.ask(List::Organizations);
        listing
    }

    /// Asks for the next page of a list.
    fn ask(&mut self, list: List) {
        let sheet = self.lists.entry(list.clone()).or_default().sheet();
        let call = Call::get(sheet.of(&list.path()));
        self.outbox.send(call, (list, sheet));
    }

    fn rows(&mut self, list: List, sheet: Sheet, rows: &[LicenseRow<'_>], name: &str) {
        let walk = self.lists.entry(list.clone()).or_default();
        let reading = walk.reading();
        let ids = rows
            .iter()
            .map(|row| id_of(row).unwrap_or_default().to_string());
        let step = walk.take(sheet, ids.collect(), &list.path());
        self.show(&list, reading, rows, name);
        match step {
            WalkStep::Ask => self.ask(list),
            WalkStep::End => {}
            WalkStep::Abandon(why) => self.failures.push(why),
        }
    }

    /// Keeps what a page shows: licenses, or organizations whose licenses are asked for.
    fn show(&mut self, list: &List, reading: usize, rows: &[LicenseRow<'_>], name: &str) {
        let ids = rows
            .iter()
            .filter_map(|row| Some((id_of(row)?.to_string(), row)));
        match list {
            List::Organizations => {
                for (organization, _) in ids {
                    let licenses = List::LicensesOf(organization);
                    if !self.lists.contains_key(&licenses) {
                        self.ask(licenses);
                    }
                }
            }
            List::LicensesOf(organization) => {
                for (id, row) in ids {
                    let observed = shown(row, name);
                    let license = Shown { reading, observed };
                    self.found.insert((organization.clone(), id), license);
                }
            }
        }
    }

    /// Reports whether a license is still in the list of its organization.
    fn is_there(&self, organization: &str, reading: usize) -> bool {
        let list = self.lists.get(&List::LicensesOf(organization.to_string()));
        list.is_none_or(|walk| walk.still_has(reading))
    }
}

impl Listing for LicenseListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let ((list, sheet), name) = self.outbox.purpose(ticket);
        let scope = list.scope();
        let read = require_success(&name, answer).and_then(|reply| {
            let rows = rows_of(&LICENSES, &reply, &name, &|_| true)?;
            self.rows(list, sheet, &rows, &name);
            Ok(())
        });
        if let Err(failure) = read {
            self.failures
                .push(with_scope(failure.text, failure.status, scope));
        }
    }

    fn finish(mut self: Box<Self>) -> Listed {
        let found = std::mem::take(&mut self.found);
        let there = found
            .into_iter()
            .filter(|((organization, _), shown)| self.is_there(organization, shown.reading));
        let found = there.map(|((organization, id), shown)| ListedObject {
            identity: vec![
                ("organizationId", organization.into()),
                ("licenseId", id.into()),
            ],
            observed: shown.observed,
        });
        let found = found.collect();
        Listed::new(found, self.failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::cryptlex::sheet::FULL;
    use crate::provider::overlap::READINGS;
    use crate::provider::testing::{answer, list};
    use serde_json::{Value as Json, json};

    fn rows(range: std::ops::Range<usize>) -> Answer {
        let row = |id: usize| json!({"id": format!("l{id:04}"), "key": "secret", "userGroups": []});
        answer(200, Json::from_iter(range.map(row)))
    }

    /// The rows that a call asks for, of a list of that length.
    fn range(call: &str, length: usize) -> std::ops::Range<usize> {
        let number = |name: &str| -> usize {
            let rest = call.split(name).nth(1).unwrap_or("1");
            rest.split('&')
                .next()
                .unwrap_or(rest)
                .parse()
                .expect("a number")
        };
        let (limit, page) = (number("limit="), number("page="));
        assert!((1..=FULL).contains(&limit) && page > 0, "{call}");
        (limit * (page - 1)).min(length)..(limit * page).min(length)
    }

    /// Licenses of one organization, of which the first goes (or one comes before it) after these pages.
    fn moving(after: std::ops::Range<usize>, by: isize) -> (usize, Listed) {
        let (mut first, mut pages) = (500_isize, 0);
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |call| {
            if call.starts_with("GET /v3/organizations?") {
                return answer(200, json!([{"id": "a"}]));
            }
            let at = first.unsigned_abs();
            let range = range(call, 750 - at);
            pages += 1;
            if after.contains(&pages) {
                first += by;
            }
            rows(range.start + at..range.end + at)
        });
        (rounds.concat().len(), listed)
    }

    #[test]
    fn a_list_that_moves_is_read_again() {
        for (by, there) in [(1, 249), (-1, 251)] {
            let (calls, listed) = moving(1..2, by);
            assert_eq!(listed.objects.len(), there);
            assert_eq!(listed.failures, [""; 0]);
            // The organization, two pages of the first reading and three of the second.
            assert_eq!(calls, 1 + 2 + 3);
            let (calls, listed) = moving(0..100, by);
            assert_eq!((calls, listed.failures.len()), (1 + 2 * READINGS, 1));
            let why = &listed.failures[0];
            assert!(
                why.starts_with("GET /v3/organizations/a/licenses: "),
                "{why}"
            );
        }
        let (calls, listed) = moving(0..0, 1);
        assert_eq!((calls, listed.objects.len()), (1 + 3, 250));
    }

    #[test]
    fn every_organization_is_asked_for_its_pages_side_by_side() {
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |call| {
            if call.starts_with("GET /v3/organizations?") {
                return answer(200, json!([{"id": "a"}, {"id": "b"}]));
            }
            match call.contains("/b/") {
                true => rows(0..3),
                false => rows(range(call, 130)),
            }
        });
        let counts: Vec<usize> = rounds.iter().map(Vec::len).collect();
        assert_eq!(counts, [1, 2, 1], "{rounds:?}");
        assert_eq!((listed.objects.len(), listed.failures.len()), (133, 0));
        assert_eq!(
            listed.objects[0].identity,
            [
                ("organizationId", "a".into()),
                ("licenseId", "l0000".into())
            ]
        );
    }

    #[test]
    fn a_server_that_ignores_pages_does_not_hold_the_listing() {
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |call| {
            if call.starts_with("GET /v3/organizations?") {
                return answer(200, json!([{"id": "a"}]));
            }
            rows(0..100)
        });
        assert_eq!(rounds.concat().len(), 3);
        assert_eq!(listed.objects.len(), 100);
        assert_eq!(listed.failures, [""; 0]);
    }

    #[test]
    fn a_refusal_says_which_scope_is_missing() {
        let (_, listed) = list(Box::new(LicenseListing::new()), |_| {
            answer(403, json!({"message": "Forbidden."}))
        });
        assert!(
            listed.failures[0].contains("`organization:read`"),
            "{:?}",
            listed.failures
        );
    }
}
