//! Reads the wanted user groups: the list of each organization to its end, by pages that overlap (`list_walk`).
//!
//! A name counts as unique, and a group as missing, only once the whole list was read. Of a group that is to be removed
//! the licenses that name it are counted, by one page of the organization's licenses (`userGroupId=`, "List licenses of
//! an organization", 2026-11-21).

use std::collections::BTreeMap;

use super::{GROUPS, GroupRow, READ, fields, list_path, observe};
use crate::model::live::Fact;
use crate::model::{Call, Desired, Live, Observed, ReadFailure, Text, Value};
use crate::provider::cryptlex::list_walk::{ListWalk, WalkStep};
use crate::provider::cryptlex::rows::{naming_scope, rows_of};
use crate::provider::cryptlex::sheet::{FULL, Sheet};
use crate::provider::reading::{
    Answer, Outbox, Reading, Settled, Ticket, json_of, require_success,
};
use crate::provider::{encode_segment, with_query};

#[derive(Clone, Debug)]
enum Purpose {
    /// A page of the groups of an organization.
    Groups { organization: String, sheet: Sheet },
    /// The licenses that name a group which is to be removed.
    Licenses { index: usize },
}

/// How a manifest names a group.
enum Name {
    Id(Text),
    Name(Text),
}

struct Target {
    index: usize,
    named: Name,
    is_to_go: bool,
}

/// The groups of one organization.
#[derive(Default)]
struct Organization {
    walk: ListWalk,
    targets: Vec<Target>,
    /// Groups by id, each with the reading of the list that showed it last.
    found: BTreeMap<Text, (usize, Observed)>,
}

pub struct GroupReading {
    outbox: Outbox<Purpose>,
    organizations: BTreeMap<String, Organization>,
    /// Groups that are to be removed, until their licenses are counted.
    going: BTreeMap<usize, Live>,
    settled: Settled,
}

impl GroupReading {
    pub fn new(desired_objects: &[&Desired]) -> Self {
        let mut organizations: BTreeMap<String, Organization> = BTreeMap::new();
        for (index, desired) in desired_objects.iter().enumerate() {
            let organization = desired.id(fields::ORGANIZATION).to_string();
            let named = match desired.id(fields::ID) {
                "" => Name::Name(desired.id(fields::NAME).into()),
                id => Name::Id(id.into()),
            };
            let targets = &mut organizations.entry(organization).or_default().targets;
            targets.push(Target {
                index,
                named,
                is_to_go: desired.policy.absent,
            });
        }
        let mut reading = Self {
            outbox: Outbox::default(),
            organizations,
            going: BTreeMap::new(),
            settled: Settled::none_of(desired_objects.len()),
        };
        let all: Vec<String> = reading.organizations.keys().cloned().collect();
        all.into_iter()
            .for_each(|organization| reading.ask(organization));
        reading
    }

    /// Asks for the next page of an organization's groups.
    fn ask(&mut self, organization: String) {
        let Some(state) = self.organizations.get(&organization) else {
            return;
        };
        let sheet = state.walk.sheet();
        let call = Call::get(sheet.of(&list_path(&organization)));
        let purpose = Purpose::Groups {
            organization,
            sheet,
        };
        self.outbox.send(call, purpose);
    }

    fn take_page(
        &mut self,
        organization: &str,
        sheet: Sheet,
        rows: Vec<GroupRow<'_>>,
        name: &str,
    ) -> Result<(), ReadFailure> {
        let Some(state) = self.organizations.get_mut(organization) else {
            return Ok(());
        };
        let mut ids = Vec::with_capacity(rows.len());
        let reading = state.walk.reading();
        for row in rows {
            let (id, observed) = observe(row, name);
            ids.push(id.to_string());
            state.found.insert(id, (reading, observed));
        }
        match state.walk.take(sheet, ids, &list_path(organization)) {
            WalkStep::Ask => self.ask(organization.to_string()),
            WalkStep::End => self.settle(organization),
            WalkStep::Abandon(why) => return Err(ReadFailure::odd(why)),
        }
        Ok(())
    }

    /// Settles the groups of an organization whose list was read to its end.
    fn settle(&mut self, organization: &str) {
        let Some(mut state) = self.organizations.remove(organization) else {
            return;
        };
        let Organization { walk, found, .. } = &mut state;
        found.retain(|_, (reading, _)| walk.still_has(*reading));
        for target in &state.targets {
            let observed = state.find(organization, &target.named);
            match observed {
                Observed::Live(live) if target.is_to_go => {
                    self.count_licenses(organization, target.index, live);
                }
                observed => self.settled.put(target.index, observed),
            }
        }
    }

    /// Asks for the licenses that name a group, of which one page is enough to warn.
    fn count_licenses(&mut self, organization: &str, index: usize, live: Live) {
        let id = live.text(fields::ID).unwrap_or_default().to_string();
        let list = format!(
            "/v3/organizations/{}/licenses",
            encode_segment(organization)
        );
        let limit = FULL.to_string();
        let path = with_query(&list, &[("userGroupId", &id), ("limit", &limit)]);
        self.going.insert(index, live);
        self.outbox
            .send(Call::get(path), Purpose::Licenses { index });
    }

    fn take_licenses(&mut self, index: usize, name: &str, answer: Answer) -> Option<ReadFailure> {
        let mut live = self.going.remove(&index)?;
        let count = json_of(name, answer).and_then(|json| {
            let rows = json.as_array().map(Vec::len);
            rows.ok_or_else(|| ReadFailure::odd(format!("{name} did not answer with a list")))
        });
        match count {
            Ok(count) => {
                let count = Fact::Number(i64::try_from(count).unwrap_or(i64::MAX));
                live.facts.insert(fields::LICENSES.into(), count);
                self.settled.put(index, Observed::Live(live));
                None
            }
            Err(failure) => Some(failure),
        }
    }
}

impl Organization {
    /// Returns what the whole list says of a group. Two groups of one name are an error with both ids.
    fn find(&self, organization: &str, named: &Name) -> Observed {
        let shown = |(_, observed): &(usize, Observed)| observed.clone();
        let name = match named {
            Name::Id(id) => return self.found.get(id).map_or(Observed::Missing, shown),
            Name::Name(name) => name,
        };
        let is_named = |(_, (_, observed)): &(&Text, &(usize, Observed))| match observed {
            Observed::Live(live) => {
                matches!(live.fields.get(fields::NAME), Some(Value::Text(text)) if text == name)
            }
            Observed::Unread(_) | Observed::Missing | Observed::Creatable(_) => false,
        };
        let found: Vec<_> = self.found.iter().filter(is_named).collect();
        let mut groups = self.found.values();
        let unread = groups.find(|(_, observed)| matches!(observed, Observed::Unread(_)));
        match found[..] {
            // A group that cannot be read may be the one, so nothing is missing beside it.
            [] => unread.map_or(Observed::Missing, shown),
            [(_, only)] => shown(only),
            _ => {
                let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
                Observed::Unread(ReadFailure::odd(format!(
                    "organization {organization} has {} user groups named {name:?}: {}; name one by its \
                     `userGroupId`",
                    ids.len(),
                    ids.join(", ")
                )))
            }
        }
    }
}

impl Reading for GroupReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        match purpose {
            Purpose::Groups {
                organization,
                sheet,
            } => {
                let read = require_success(&name, answer).and_then(|reply| {
                    let rows = rows_of(&GROUPS, &reply, &name, &|_| true)?;
                    self.take_page(&organization, sheet, rows, &name)
                });
                if let Err(failure) = read {
                    let failure = naming_scope(failure, READ);
                    let state = self.organizations.remove(&organization);
                    for target in state.map(|state| state.targets).unwrap_or_default() {
                        let unread = Observed::Unread(failure.clone());
                        self.settled.put(target.index, unread);
                    }
                }
            }
            Purpose::Licenses { index } => {
                if let Some(failure) = self.take_licenses(index, &name, answer) {
                    self.settled.put(index, Observed::Unread(failure));
                }
            }
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        self.settled.finish(|_| {
            Observed::Unread(ReadFailure::odd("the group was not asked for".to_string()))
        })
    }
}
