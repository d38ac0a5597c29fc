//! Reads the wanted users: for each organization by their ids (`id_search`), or the whole list by pages that overlap
//! (`list_walk`) where a manifest names a user by the e-mail address.
//!
//! An address counts as one user's, and a user as missing, only once the whole list was read. Addresses are compared
//! without case. None is kept, and none is in a message.

use std::collections::{BTreeMap, BTreeSet};

use super::{READ, USERS, UserRow, fields, list_path, observed};
use crate::model::{Call, Desired, Observed, ReadFailure, Reply, Text};
use crate::provider::canon;
use crate::provider::cryptlex::id_search::{IdSearch, NextCalls, SearchCall, Sighting};
use crate::provider::cryptlex::list_walk::{ListWalk, WalkStep};
use crate::provider::cryptlex::rows::{id_of, naming_scope, rows_of};
use crate::provider::cryptlex::sheet::Sheet;
use crate::provider::reading::{Answer, Outbox, Reading, Settled, Ticket, require_success};

#[derive(Clone, Debug)]
struct Purpose {
    organization: String,
    call: Asked,
}

#[derive(Clone, Debug)]
enum Asked {
    Search(SearchCall),
    /// A page of the whole list.
    Page(Sheet),
}

/// How a manifest names a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Id(Text),
    /// The address in lower case.
    Email(String),
}

/// The wanted users of one organization.
struct Organization {
    targets: Vec<(usize, Name)>,
    search: IdSearch,
    walk: ListWalk,
    /// Wanted users that the list has shown, by their ids, each with the reading that showed it last.
    found: BTreeMap<Text, (usize, BTreeSet<Name>, Observed)>,
    /// A user without a readable address, who may be any that is named by one.
    unnamed: Option<Text>,
}

pub struct UserReading {
    outbox: Outbox<Purpose>,
    organizations: BTreeMap<String, Organization>,
    settled: Settled,
}

impl UserReading {
    pub fn new(desired_objects: &[&Desired]) -> Self {
        let mut organizations: BTreeMap<String, Organization> = BTreeMap::new();
        for (index, desired) in desired_objects.iter().enumerate() {
            let organization = desired.id(fields::ORGANIZATION).to_string();
            let name = match desired.id(fields::ID) {
                "" => Name::Email(desired.id(fields::EMAIL).to_lowercase()),
                id => Name::Id(id.into()),
            };
            let path = list_path(&organization);
            let state = organizations.entry(organization);
            let state = state.or_insert_with(|| Organization::new(path));
            state.targets.push((index, name));
        }
        let mut reading = Self {
            outbox: Outbox::default(),
            settled: Settled::none_of(desired_objects.len()),
            organizations: BTreeMap::new(),
        };
        for (organization, mut state) in organizations {
            let calls = state.begin();
            reading.organizations.insert(organization.clone(), state);
            match calls {
                Some(calls) => reading.send(&organization, calls),
                None => reading.ask_page(&organization),
            }
        }
        reading
    }

    fn send(&mut self, organization: &str, calls: NextCalls) {
        for (call, search) in calls {
            let purpose = Purpose {
                organization: organization.to_string(),
                call: Asked::Search(search),
            };
            self.outbox.send(call, purpose);
        }
    }

    /// Asks for the next page of the whole list.
    fn ask_page(&mut self, organization: &str) {
        let Some(state) = self.organizations.get(organization) else {
            return;
        };
        let sheet = state.walk.sheet();
        let call = Call::get(sheet.of(&list_path(organization)));
        let purpose = Purpose {
            organization: organization.to_string(),
            call: Asked::Page(sheet),
        };
        self.outbox.send(call, purpose);
    }

    fn take_reply(
        &mut self,
        purpose: &Purpose,
        reply: &Reply,
        name: &str,
    ) -> Result<(), ReadFailure> {
        let Some(state) = self.organizations.get_mut(&purpose.organization) else {
            return Ok(());
        };
        match &purpose.call {
            Asked::Search(call) => {
                let (found, calls) = state.take_search(call, reply, name)?;
                for (index, observed) in found {
                    self.settled.put(index, observed);
                }
                self.send(&purpose.organization, calls);
            }
            Asked::Page(sheet) => {
                match state.take_page(*sheet, reply, name, &purpose.organization)? {
                    WalkStep::Ask => self.ask_page(&purpose.organization),
                    WalkStep::Abandon(why) => return Err(ReadFailure::odd(why)),
                    WalkStep::End => {
                        for (index, observed) in state.settle(&purpose.organization) {
                            self.settled.put(index, observed);
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

impl Organization {
    fn new(path: String) -> Self {
        Self {
            targets: Vec::new(),
            search: IdSearch::new(path),
            walk: ListWalk::default(),
            found: BTreeMap::new(),
            unnamed: None,
        }
    }

    /// Returns the first calls of the search by ids; `None` if the whole list has to be read.
    fn begin(&mut self) -> Option<NextCalls> {
        for (index, name) in &self.targets {
            match name {
                Name::Id(id) => self.search.want(id, *index),
                Name::Email(_) => return None,
            }
        }
        Some(self.search.begin())
    }

    fn take_search(
        &mut self,
        call: &SearchCall,
        reply: &Reply,
        name: &str,
    ) -> Result<(Vec<(usize, Observed)>, NextCalls), ReadFailure> {
        let rows = rows_of(&USERS, reply, name, &|id| {
            id.text()
                .is_none_or(|id| self.search.wants(call, &canon::canonical_id(id)))
        })?;
        let (found, calls) = self.search.take(call, rows);
        let found = found.into_iter().map(|(index, sighting)| {
            let observed = match sighting {
                Sighting::Row(row) => observed(&row, name),
                Sighting::Absent => Observed::Missing,
                Sighting::Other(other) => Observed::Unread(ReadFailure::odd(format!(
                    "{name} answered with user {other} instead"
                ))),
            };
            (index, observed)
        });
        Ok((found.collect(), calls))
    }

    fn take_page(
        &mut self,
        sheet: Sheet,
        reply: &Reply,
        name: &str,
        organization: &str,
    ) -> Result<WalkStep, ReadFailure> {
        let rows = rows_of(&USERS, reply, name, &|_| true)?;
        let reading = self.walk.reading();
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            let id = id_of(&row).unwrap_or_default();
            ids.push(id.to_string());
            let names = self.names_of(&id, &row);
            if !names.is_empty() {
                let shown = observed(&row, name);
                self.found.insert(id, (reading, names, shown));
            }
        }
        Ok(self.walk.take(sheet, ids, &list_path(organization)))
    }

    /// Returns the names by which manifests name the user of a row.
    fn names_of(&mut self, id: &Text, row: &UserRow<'_>) -> BTreeSet<Name> {
        let [_, email, _] = &row.beside;
        let email = email.text().map(str::to_lowercase);
        if email.is_none() {
            self.unnamed = Some(id.clone());
        }
        let names = self.targets.iter().map(|(_, name)| name);
        let is_it = |name: &&Name| match name {
            Name::Id(other) => other == id,
            Name::Email(other) => Some(other) == email.as_ref(),
        };
        names.filter(is_it).cloned().collect()
    }

    /// Settles the users of an organization whose list was read to its end.
    fn settle(&mut self, organization: &str) -> Vec<(usize, Observed)> {
        let walk = &self.walk;
        self.found
            .retain(|_, (reading, ..)| walk.still_has(*reading));
        let targets = self.targets.iter();
        let found = targets.map(|(index, name)| (*index, self.find(organization, name)));
        found.collect()
    }

    fn find(&self, organization: &str, name: &Name) -> Observed {
        let found = self.found.iter();
        let found: Vec<_> = found
            .filter(|(_, (_, names, _))| names.contains(name))
            .collect();
        match (&found[..], name, &self.unnamed) {
            ([(_, (_, _, only))], ..) => only.clone(),
            ([], Name::Email(_), Some(id)) => Observed::Unread(ReadFailure::odd(format!(
                "organization {organization} shows user {id} without an e-mail address, who may be the one"
            ))),
            ([], ..) => Observed::Missing,
            (several, ..) => {
                let ids: Vec<&str> = several.iter().map(|(id, _)| id.as_str()).collect();
                Observed::Unread(ReadFailure::odd(format!(
                    "organization {organization} has {} users with this e-mail address: {}; name one by its \
                     `userId`",
                    ids.len(),
                    ids.join(", ")
                )))
            }
        }
    }
}

impl Reading for UserReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        let read = require_success(&name, answer)
            .and_then(|reply| self.take_reply(&purpose, &reply, &name));
        let Err(failure) = read else { return };
        let failure = naming_scope(failure, READ);
        let Some(state) = self.organizations.get_mut(&purpose.organization) else {
            return;
        };
        let indices: Vec<usize> = match &purpose.call {
            Asked::Search(call) => state.search.fail(call),
            Asked::Page(_) => state.targets.iter().map(|(index, _)| *index).collect(),
        };
        for index in indices {
            self.settled.put(index, Observed::Unread(failure.clone()));
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        self.settled.finish(|_| {
            Observed::Unread(ReadFailure::odd("the user was not asked for".to_string()))
        })
    }
}
