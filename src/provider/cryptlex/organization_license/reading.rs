//! Reads the wanted licenses of each organization, and the user groups that manifests name.
//!
//! The licenses are found by `id_search`. User groups are not asked for a second time, so their pages overlap
//! (`groups`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fields;
use super::groups::{GROUPS, GroupError, GroupRow, Groups};
use super::{LICENSES, LicenseRow, decode};
use crate::model::live::Resolved;
use crate::model::{Call, Desired, Live, Observed, ReadFailure, Text, Value};
use crate::provider::canon;
use crate::provider::cryptlex::id_search::{IdSearch, NextCalls, SearchCall, Sighting};
use crate::provider::cryptlex::rows::{id_of, naming_scope, rows_of};
use crate::provider::decode::Want;
use crate::provider::encode_segment;
use crate::provider::reading::{
    Answer, Outbox, Reading, Settled, Ticket, is_absent, require_success,
};

/// Scopes that the pages of the two lists print.
pub const READ: &str = "organization:license:read";
const READ_GROUPS: &str = "organization:userGroup:read";

/// Says what a call is for, by the number of its organization.
#[derive(Clone, Debug)]
enum Purpose {
    Licenses(usize, SearchCall),
    /// The next page of an organization's user groups.
    Groups(usize),
}

/// One wanted license and the state of its reading.
struct Target {
    organization: usize,
    id: String,
    /// The names of groups that its manifest uses.
    names: Option<BTreeSet<Text>>,
    /// The license as it was read, kept until the names are resolved.
    live: Option<Live>,
}

/// Tracks the reading of one organization.
struct Organization {
    id: String,
    licenses: IdSearch,
    groups: Groups,
}

pub struct LicenseReading {
    outbox: Outbox<Purpose>,
    targets: Vec<Target>,
    settled: Settled,
    organizations: Vec<Organization>,
}

impl LicenseReading {
    pub fn new(desired_objects: &[&Desired]) -> Self {
        let mut reading = Self {
            outbox: Outbox::default(),
            targets: Vec::with_capacity(desired_objects.len()),
            settled: Settled::none_of(desired_objects.len()),
            organizations: Vec::new(),
        };
        let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
        for desired in desired_objects {
            let id = desired.id("organizationId");
            let number = *by_id.entry(id).or_insert_with(|| {
                reading.organizations.push(Organization::new(id));
                reading.organizations.len() - 1
            });
            let names = match desired.fields.get(fields::NAMES) {
                Some(Value::Set(names)) => Some(*names),
                _ => None,
            };
            let target = Target {
                organization: number,
                id: desired.id("licenseId").to_string(),
                names,
                live: None,
            };
            let organization = &mut reading.organizations[number];
            organization
                .licenses
                .want(&target.id, reading.targets.len());
            if let Some(names) = &target.names {
                organization.groups.want(names);
            }
            reading.targets.push(target);
        }
        for number in 0..reading.organizations.len() {
            reading.start(number);
        }
        reading
    }

    /// Begins with the groups and licenses of an organization.
    fn start(&mut self, number: usize) {
        if self.organizations[number].groups.needed() {
            self.next_groups(number);
        }
        let calls = self.organizations[number].licenses.begin();
        self.send(number, calls);
    }

    fn send(&mut self, number: usize, calls: NextCalls) {
        for (call, purpose) in calls {
            self.outbox.send(call, Purpose::Licenses(number, purpose));
        }
    }

    fn next_groups(&mut self, number: usize) {
        let organization = &self.organizations[number];
        let list = path_of(&organization.id, "user-groups");
        let path = organization.groups.sheet().of(&list);
        self.outbox.send(Call::get(path), Purpose::Groups(number));
    }

    /// Takes the licenses of a reply.
    fn licenses(
        &mut self,
        number: usize,
        call: &SearchCall,
        rows: Vec<LicenseRow<'_>>,
        name: &str,
    ) {
        let (found, calls) = self.organizations[number].licenses.take(call, rows);
        for (index, sighting) in found {
            let observed = match sighting {
                Sighting::Row(row) => shown(&row, name),
                Sighting::Absent => Observed::Missing,
                Sighting::Other(other) => Observed::Unread(ReadFailure::odd(format!(
                    "{name} answered with license {other} instead"
                ))),
            };
            self.see(index, observed);
        }
        self.send(number, calls);
    }

    /// Settles a license, unless its manifest names groups, which may arrive after the license.
    fn see(&mut self, index: usize, observed: Observed) {
        let target = &mut self.targets[index];
        match observed {
            Observed::Live(live) if target.names.is_some() => target.live = Some(live),
            observed => self.settled.put(index, observed),
        }
    }

    fn groups(&mut self, number: usize, rows: &[GroupRow<'_>], name: &str) {
        let groups = &mut self.organizations[number].groups;
        match groups.page(rows, name) {
            Ok(true) => self.next_groups(number),
            Ok(false) => {}
            Err(why) => groups.failure = Some(why),
        }
    }

    /// Settles the objects of a call that brought no usable reply. An organization that does not exist has no licenses
    /// either, so they are missing.
    fn failed(&mut self, purpose: Purpose, absent: bool, why: ReadFailure) {
        match purpose {
            Purpose::Licenses(number, call) => {
                let licenses = &mut self.organizations[number].licenses;
                let one = matches!(call, SearchCall::One { .. });
                let absent = absent && (one || licenses.is_unseen());
                for index in licenses.fail(&call) {
                    let observed = if absent {
                        Observed::Missing
                    } else {
                        Observed::Unread(why.clone())
                    };
                    self.settled.put(index, observed);
                }
            }
            Purpose::Groups(number) => {
                self.organizations[number].groups.failure = Some(GroupError::Unread(why));
            }
        }
    }
}

impl Organization {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_string(),
            licenses: IdSearch::new(path_of(id, "licenses")),
            groups: Groups::default(),
        }
    }
}

/// The path of a list of an organization.
fn path_of(organization: &str, list: &str) -> String {
    format!("/v3/organizations/{}/{list}", encode_segment(organization))
}

impl Reading for LicenseReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        let absent = is_absent(&answer);
        let read = require_success(&name, answer).and_then(|reply| {
            match &purpose {
                Purpose::Groups(number) => {
                    let rows = rows_of(&GROUPS, &reply, &name, &|_| true)?;
                    self.groups(*number, &rows, &name);
                }
                Purpose::Licenses(number, call) => {
                    let search = &self.organizations[*number].licenses;
                    let want: Want<'_> = &|id| {
                        id.text()
                            .is_none_or(|id| search.wants(call, &canon::canonical_id(id)))
                    };
                    let rows = rows_of(&LICENSES, &reply, &name, want)?;
                    self.licenses(*number, call, rows, &name);
                }
            }
            Ok(())
        });
        if let Err(failure) = read {
            let failure = naming_scope(failure, purpose.scope());
            self.failed(purpose, absent, failure);
        }
    }

    fn settled(&mut self) -> Vec<(usize, Observed)> {
        self.settled.give()
    }

    fn finish(self: Box<Self>) -> Vec<(usize, Observed)> {
        let Self {
            mut targets,
            organizations,
            settled,
            ..
        } = *self;
        let mut lists = BTreeMap::new();
        settled.finish(|index| {
            let target = &mut targets[index];
            let (Some(mut live), Some(names)) = (target.live.take(), &target.names) else {
                return Observed::Unread(ReadFailure::odd(format!(
                    "license {} was not asked for",
                    target.id
                )));
            };
            let organization = &organizations[target.organization];
            match organization.groups.resolve(&organization.id, names) {
                Ok(ids) => {
                    let list = lists
                        .entry(target.organization)
                        .or_insert_with(|| organization.groups.list());
                    live.resolved.push(Resolved {
                        given: fields::NAMES,
                        field: fields::IDS,
                        value: Value::set(ids),
                        list: Arc::clone(list),
                    });
                    Observed::Live(live)
                }
                Err(error) => Observed::Unread(error.into()),
            }
        })
    }
}

impl Purpose {
    fn scope(&self) -> &'static str {
        match self {
            Purpose::Licenses(..) => READ,
            Purpose::Groups(_) => READ_GROUPS,
        }
    }
}

pub fn shown(row: &LicenseRow<'_>, name: &str) -> Observed {
    match decode(row) {
        Ok(live) => Observed::Live(live),
        Err(fault) => {
            let id = id_of(row).unwrap_or_default();
            Observed::Unread(ReadFailure::odd(format!("{name}: license {id}: {fault}")))
        }
    }
}
