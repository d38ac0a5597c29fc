//! Lists every user group of every organization: the list of organizations, then the groups of each, by pages that
//! overlap (`list_walk`).

use std::collections::BTreeMap;

use super::{GROUPS, GroupRow, READ, decode, fields, list_path};
use crate::model::{Call, Observed, ReadFailure};
use crate::provider::cryptlex::list_walk::{ListWalk, WalkStep};
use crate::provider::cryptlex::rows::{id_of, rows_of, with_scope};
use crate::provider::cryptlex::sheet::Sheet;
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};

const ORGANIZATIONS: &str = "/v3/organizations";
/// The scope that the page of the list of organizations prints.
const READ_ORGANIZATIONS: &str = "organization:read";

/// A list that is walked: that of organizations, or the groups of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Organizations,
    GroupsOf(String),
}

impl List {
    fn path(&self) -> String {
        match self {
            List::Organizations => ORGANIZATIONS.to_string(),
            List::GroupsOf(organization) => list_path(organization),
        }
    }

    fn scope(&self) -> &'static str {
        match self {
            List::Organizations => READ_ORGANIZATIONS,
            List::GroupsOf(_) => READ,
        }
    }
}

#[derive(Default)]
pub struct GroupListing {
    outbox: Outbox<(List, Sheet)>,
    lists: BTreeMap<List, ListWalk>,
    /// Groups by organization and id, each with the reading of the list that showed it last.
    found: BTreeMap<(String, String), (usize, Observed)>,
    failures: Vec<String>,
}

impl GroupListing {
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

    fn take_page(&mut self, list: List, sheet: Sheet, rows: Vec<GroupRow<'_>>, name: &str) {
        let id = |row: &GroupRow<'_>| id_of(row).unwrap_or_default().to_string();
        let ids: Vec<String> = rows.iter().map(id).collect();
        let walk = self.lists.entry(list.clone()).or_default();
        let reading = walk.reading();
        let step = walk.take(sheet, ids.clone(), &list.path());
        for (id, row) in ids.into_iter().zip(rows) {
            match &list {
                List::Organizations => {
                    let groups = List::GroupsOf(id);
                    if !self.lists.contains_key(&groups) {
                        self.ask(groups);
                    }
                }
                List::GroupsOf(organization) => {
                    let observed = match decode(row) {
                        Ok(live) => Observed::Live(live),
                        Err(fault) => {
                            let why = format!("{name}: user group {id}: {fault}");
                            Observed::Unread(ReadFailure::odd(why))
                        }
                    };
                    let key = (organization.clone(), id);
                    self.found.insert(key, (reading, observed));
                }
            }
        }
        match step {
            WalkStep::Ask => self.ask(list),
            WalkStep::End => {}
            WalkStep::Abandon(why) => self.failures.push(why),
        }
    }

    /// Reports whether a group is still in the list of its organization.
    fn is_there(&self, organization: &str, reading: usize) -> bool {
        let walk = self.lists.get(&List::GroupsOf(organization.to_string()));
        walk.is_none_or(|walk| walk.still_has(reading))
    }
}

impl Listing for GroupListing {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let ((list, sheet), name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer).and_then(|reply| {
            let rows = rows_of(&GROUPS, &reply, &name, &|_| true)?;
            self.take_page(list.clone(), sheet, rows, &name);
            Ok(())
        });
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
