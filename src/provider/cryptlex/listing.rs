//! Every license of every organization: the list of organizations, then each one's licenses by pages.
//!
//! `GET /v3/licenses` would show all of them in one list, but no page says that it carries the user groups,
//! which are all that is managed (2026-11-21).

use std::collections::{BTreeMap, BTreeSet};

use super::reading::{FULL, READ, rows_of, shown};
use super::{LICENSES, LicenseRow, id_of, with_scope};
use crate::model::{Call, Observed};
use crate::provider::listing::{Found, Listed, Listing};
use crate::provider::reading::{Answer, MOST_PAGES, Outbox, Ticket, success};
use crate::provider::{segment, with_query};

/// Scope that the page of the list of organizations prints.
const READ_ORGANIZATIONS: &str = "organization:read";

#[derive(Clone, Debug)]
enum Purpose {
    Organizations(usize),
    Licenses { organization: String, page: usize },
}

#[derive(Default)]
pub struct LicenseListing {
    outbox: Outbox<Purpose>,
    organizations: BTreeSet<String>,
    /// Licenses by organization and id.
    found: BTreeMap<(String, String), Observed>,
    failures: Vec<String>,
}

impl LicenseListing {
    pub fn new() -> Self {
        let mut listing = Self::default();
        listing.ask(Purpose::Organizations(1));
        listing
    }

    fn ask(&mut self, purpose: Purpose) {
        let (path, page) = match &purpose {
            Purpose::Organizations(page) => ("/v3/organizations".to_string(), *page),
            Purpose::Licenses { organization, page } => {
                let path = format!("/v3/organizations/{}/licenses", segment(organization));
                (path, *page)
            }
        };
        let (limit, page) = (FULL.to_string(), page.to_string());
        let path = with_query(&path, &[("limit", &limit), ("page", &page)]);
        self.outbox.send(Call::get(path), purpose);
    }

    fn rows(&mut self, purpose: Purpose, rows: &[LicenseRow<'_>], name: &str) {
        let ids = rows.iter().filter_map(id_of).map(String::from);
        match purpose {
            Purpose::Organizations(page) => {
                let new: Vec<String> = ids
                    .filter(|id| self.organizations.insert(id.clone()))
                    .collect();
                self.go_on(
                    rows.len(),
                    !new.is_empty(),
                    page,
                    Purpose::Organizations(page + 1),
                );
                for organization in new {
                    self.ask(Purpose::Licenses {
                        organization,
                        page: 1,
                    });
                }
            }
            Purpose::Licenses { organization, page } => {
                let before = self.found.len();
                for (id, row) in ids.zip(rows) {
                    self.found
                        .entry((organization.clone(), id))
                        .or_insert_with(|| shown(row, name));
                }
                let new = self.found.len() > before;
                let next = Purpose::Licenses {
                    organization,
                    page: page + 1,
                };
                self.go_on(rows.len(), new, page, next);
            }
        }
    }

    /// A page that is not full, or brings nothing new, is the end.
    fn go_on(&mut self, rows: usize, new: bool, page: usize, next: Purpose) {
        if rows < FULL || !new {
            return;
        }
        if page >= MOST_PAGES {
            let what = format!("page {MOST_PAGES} of a list at Cryptlex that does not end");
            self.failures.push(what);
        } else {
            self.ask(next);
        }
    }
}

impl Listing for LicenseListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        let scope = match purpose {
            Purpose::Organizations(_) => READ_ORGANIZATIONS,
            Purpose::Licenses { .. } => READ,
        };
        let read = success(&name, answer).and_then(|reply| {
            let rows = rows_of(&LICENSES, &reply, &name, &|_| true)?;
            self.rows(purpose, &rows, &name);
            Ok(())
        });
        if let Err(failure) = read {
            self.failures
                .push(with_scope(failure.text, failure.status, scope));
        }
    }

    fn finish(self: Box<Self>) -> Listed {
        let found = self
            .found
            .into_iter()
            .map(|((organization, id), observed)| Found {
                identity: vec![
                    ("organizationId", organization.into()),
                    ("licenseId", id.into()),
                ],
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

    fn rows(range: std::ops::Range<usize>) -> Answer {
        let row = |id: usize| json!({"id": format!("l{id:04}"), "key": "secret", "userGroups": []});
        answer(200, Json::from_iter(range.map(row)))
    }

    #[test]
    fn every_organization_is_asked_for_its_pages_side_by_side() {
        let (rounds, listed) = list(Box::new(LicenseListing::new()), |call| {
            if call.starts_with("GET /v3/organizations?") {
                return answer(200, json!([{"id": "a"}, {"id": "b"}]));
            }
            match (call.contains("/b/"), call.ends_with("page=1")) {
                (true, _) => rows(0..3),
                (false, true) => rows(0..100),
                (false, false) => rows(100..130),
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
