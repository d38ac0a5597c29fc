//! Lists what every organization has a list of, such as its user groups: the list of organizations, then that list of each,
//! by pages that overlap (`list_walk`).
//!
//! ```text
//! GET /v3/organizations?limit=100&page=1                            Rivers, Locks
//! GET /v3/organizations/{Rivers}/user-groups?limit=100&page=1       side by side with that of Locks
//! ```

use std::collections::BTreeMap;

use super::list_walk::{ListWalk, WalkStep};
use super::organization;
use super::rows::{PageRows, with_scope};
use super::sheet::Sheet;
use crate::model::{Call, Observed, ReadFailure, Reply, Text};
use crate::provider::listing::{Listed, ListedObject, Listing};
use crate::provider::reading::{Answer, Outbox, Ticket, require_success};

/// A list that every organization has.
pub struct OrganizationList {
    /// Returns the path of the list of an organization.
    pub path: fn(&str) -> String,
    /// The scope that the page of the list prints.
    pub scope: &'static str,
    /// Reads a page of the list. `Err` if the reply is no list of rows with ids. The text is the call's name in messages.
    pub read: fn(&Reply, &str) -> Result<PageRows, ReadFailure>,
    /// The members by which manifests name the organization and the object in it.
    pub identity: [&'static str; 2],
}

/// A list that is walked: that of organizations, or the one of an organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Organizations,
    Of(String),
}

pub struct ListPerOrganization {
    list: &'static OrganizationList,
    outbox: Outbox<(List, Sheet)>,
    walks: BTreeMap<List, ListWalk>,
    /// Objects by organization and id, each with the reading of the list that showed it last.
    found: BTreeMap<(String, Text), (usize, Observed)>,
    failures: Vec<String>,
}

impl ListPerOrganization {
    /// Begins with the first page of organizations.
    pub fn new(list: &'static OrganizationList) -> Self {
        let mut listing = Self {
            list,
            outbox: Outbox::default(),
            walks: BTreeMap::new(),
            found: BTreeMap::new(),
            failures: Vec::new(),
        };
        listing.ask(List::Organizations);
        listing
    }

    fn path_of(&self, list: &List) -> String {
        match list {
            List::Organizations => organization::LIST.to_string(),
            List::Of(organization) => (self.list.path)(organization),
        }
    }

    /// Asks for the next page of a list.
    fn ask(&mut self, list: List) {
        let sheet = self.walks.entry(list.clone()).or_default().sheet();
        let call = Call::get(sheet.of(&self.path_of(&list)));
        self.outbox.send(call, (list, sheet));
    }

    /// Takes a page of a list and asks for what follows. `Err` if the reply is no list of rows with ids.
    fn take_page(
        &mut self,
        list: List,
        sheet: Sheet,
        reply: &Reply,
        name: &str,
    ) -> Result<(), ReadFailure> {
        let ids = match &list {
            List::Organizations => {
                let organizations = organization::read_ids(reply, name)?;
                for organization in &organizations {
                    let each = List::Of(organization.clone());
                    if !self.walks.contains_key(&each) {
                        self.ask(each);
                    }
                }
                organizations
            }
            List::Of(organization) => {
                let reading = self.walks.entry(list.clone()).or_default().reading();
                let mut ids = Vec::new();
                for (id, observed) in (self.list.read)(reply, name)? {
                    ids.push(id.to_string());
                    let key = (organization.clone(), id);
                    self.found.insert(key, (reading, observed));
                }
                ids
            }
        };
        let path = self.path_of(&list);
        let walk = self.walks.entry(list.clone()).or_default();
        match walk.take(sheet, ids, &path) {
            WalkStep::Ask => self.ask(list),
            WalkStep::End => {}
            WalkStep::Abandon(why) => self.failures.push(why),
        }
        Ok(())
    }

    /// Reports whether an object is still in the list of its organization.
    fn is_there(&self, organization: &str, reading: usize) -> bool {
        let walk = self.walks.get(&List::Of(organization.to_string()));
        walk.is_none_or(|walk| walk.still_has(reading))
    }
}

impl Listing for ListPerOrganization {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let ((list, sheet), name) = self.outbox.purpose(ticket);
        let scope = match &list {
            List::Organizations => organization::READ,
            List::Of(_) => self.list.scope,
        };
        let read = require_success(&name, answer)
            .and_then(|reply| self.take_page(list, sheet, &reply, &name));
        if let Err(failure) = read {
            let text = with_scope(failure.text, failure.status, scope);
            self.failures.push(text);
        }
    }

    fn finish(mut self: Box<Self>) -> Listed {
        let found = std::mem::take(&mut self.found).into_iter();
        let there =
            found.filter(|((organization, _), (reading, _))| self.is_there(organization, *reading));
        let [organization_id, object_id] = self.list.identity;
        let objects = there.map(|((organization, id), (_, observed))| ListedObject {
            identity: vec![(organization_id, organization.into()), (object_id, id)],
            observed,
        });
        Listed::new(objects.collect(), self.failures)
    }
}
