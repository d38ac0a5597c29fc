//! Lists every user of every organization: the list of organizations, then the users of each, by pages that overlap
//! (`list_walk`).

use std::collections::BTreeMap;

use super::{READ, USERS, fields, list_path, observed};
use crate::model::{Call, Observed, ReadFailure, Reply};
use crate::provider::cryptlex::list_walk::{ListWalk, WalkStep};
use crate::provider::cryptlex::rows::{id_of, rows_of, with_scope};
use crate::provider::cryptlex::sheet::Sheet;
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};

const ORGANIZATIONS: &str = "/v3/organizations";
/// The scope that the page of the list of organizations prints.
const READ_ORGANIZATIONS: &str = "organization:read";

/// A list that is walked: that of organizations, or the users of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Organizations,
    UsersOf(String),
}

impl List {
    fn path(&self) -> String {
        match self {
            List::Organizations => ORGANIZATIONS.to_string(),
            List::UsersOf(organization) => list_path(organization),
        }
    }

    fn scope(&self) -> &'static str {
        match self {
            List::Organizations => READ_ORGANIZATIONS,
            List::UsersOf(_) => READ,
        }
    }
}

#[derive(Default)]
pub struct UserListing {
    outbox: Outbox<(List, Sheet)>,
    lists: BTreeMap<List, ListWalk>,
    /// Users by organization and id, each with the reading of the list that showed it last.
    found: BTreeMap<(String, String), (usize, Observed)>,
    failures: Vec<String>,
}

impl UserListing {
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

    fn take_page(
        &mut self,
        list: List,
        sheet: Sheet,
        reply: &Reply,
        name: &str,
    ) -> Result<(), ReadFailure> {
        let rows = rows_of(&USERS, reply, name, &|_| true)?;
        let reading = self.lists.entry(list.clone()).or_default().reading();
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            let id = id_of(&row).unwrap_or_default().to_string();
            ids.push(id.clone());
            match &list {
                List::Organizations => {
                    let users = List::UsersOf(id);
                    if !self.lists.contains_key(&users) {
                        self.ask(users);
                    }
                }
                List::UsersOf(organization) => {
                    let key = (organization.clone(), id);
                    self.found.insert(key, (reading, observed(&row, name)));
                }
            }
        }
        let walk = self.lists.entry(list.clone()).or_default();
        match walk.take(sheet, ids, &list.path()) {
            WalkStep::Ask => self.ask(list),
            WalkStep::End => {}
            WalkStep::Abandon(why) => self.failures.push(why),
        }
        Ok(())
    }

    /// Reports whether a user is still in the list of the organization.
    fn is_there(&self, organization: &str, reading: usize) -> bool {
        let walk = self.lists.get(&List::UsersOf(organization.to_string()));
        walk.is_none_or(|walk| walk.still_has(reading))
    }
}

impl Listing for UserListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let ((list, sheet), name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer)
            .and_then(|reply| self.take_page(list.clone(), sheet, &reply, &name));
        if let Err(failure) = read {
            let text = with_scope(failure.text, failure.status, list.scope());
            self.failures.push(text);
        }
    }

    fn finish(mut self: Box<Self>) -> Listed {
        let found = std::mem::take(&mut self.found).into_iter();
        let there =
            found.filter(|((organization, _), (reading, _))| self.is_there(organization, *reading));
        let objects = there.map(|((organization, id), (_, observed))| ListedObject {
            identity: vec![
                (fields::ORGANIZATION, organization.into()),
                (fields::ID, id.into()),
            ],
            observed,
        });
        Listed::new(objects.collect(), self.failures)
    }
}
