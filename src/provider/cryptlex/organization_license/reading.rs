//! Reads the wanted licenses of each organization, and decides which calls show them.
//!
//! A list call shows a hundred licenses, a call with `id[eq]` shows one; `list_search` decides between them.
//!
//! A page that is not full, or has nothing new, is the end. A license that was not in the list is asked for by its id
//! before it is reported as missing, since rows move between pages while others write. User groups are not asked for
//! a second time, so their pages overlap (`groups`).

use crate::provider::cryptlex::organization_license::groups::GroupError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fields;
use super::groups::{GROUPS, GroupRow, Groups};
use super::sheet::{FULL, Sheet};
use super::{LICENSES, LicenseRow, decode, id_of, naming_scope};
use crate::model::resource::Resolved;
use crate::model::{Call, Desired, Live, Observed, ReadFailure, Reply, Text, Value};
use crate::provider::canon;
use crate::provider::decode::{Row, Rows, Want};
use crate::provider::list_search::{ListSearch, SearchStep};
use crate::provider::reading::{
    Answer, Outbox, Reading, SeenIds, Settled, Ticket, is_absent, require_success, unreadable_reply,
};
use crate::provider::{encode_segment, with_query};

/// Scopes that the pages of the two lists print.
pub const READ: &str = "organization:license:read";
const READ_GROUPS: &str = "organization:userGroup:read";

/// Says what a call is for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// One license.
    One(usize),
    /// The next page of an organization's licenses.
    Page(usize),
    /// A later page of them, to see whether the list is that long.
    Ahead { organization: usize, page: usize },
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
    desired_objects: usize,
    /// Wanted licenses that no page has shown yet.
    left: BTreeMap<String, usize>,
    seen: SeenIds,
    search: ListSearch,
    /// Pages that were asked for and have not come yet.
    under_way: usize,
    over: bool,
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
            organization.desired_objects += 1;
            organization
                .left
                .insert(target.id.clone(), reading.targets.len());
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

    /// Begins with the groups and licenses of an organization. A single license is asked for by its id.
    fn start(&mut self, number: usize) {
        if self.organizations[number].groups.needed() {
            self.next_groups(number);
        }
        let organization = &mut self.organizations[number];
        organization.search = ListSearch::new(organization.left.len());
        if organization.left.len() == 1 {
            self.ask_each(number);
        } else {
            self.go_on(number);
        }
    }

    fn next_groups(&mut self, number: usize) {
        let organization = &self.organizations[number];
        let path = organization.list("user-groups", organization.groups.sheet());
        self.outbox.send(Call::get(path), Purpose::Groups(number));
    }

    /// Asks for every license that is left by its id.
    fn ask_each(&mut self, number: usize) {
        let organization = &mut self.organizations[number];
        let left = std::mem::take(&mut organization.left);
        for (id, index) in left {
            let path = with_query(&organization.path("licenses"), &[("id[eq]", &id)]);
            self.outbox.send(Call::get(path), Purpose::One(index));
        }
    }

    /// Takes a page of the list. When all pages under way have come, decides what follows.
    fn page(&mut self, number: usize, rows: &[LicenseRow<'_>], name: &str) {
        let new = self.absorb(number, rows, name);
        let organization = &mut self.organizations[number];
        organization.search.record_page(rows.len());
        organization.over |= rows.len() < FULL || !new;
        organization.under_way -= 1;
        if organization.under_way == 0 {
            self.go_on(number);
        }
    }

    /// Takes a later page that was read as a probe. If it has new rows the list is long, and each license is asked for
    /// by its id.
    fn ahead(&mut self, number: usize, page: usize, rows: &[LicenseRow<'_>], name: &str) {
        if self.absorb(number, rows, name) {
            self.ask_each(number);
        } else {
            self.organizations[number].search.set_end(page);
            self.go_on(number);
        }
    }

    /// Decides how to find the licenses that the list has not shown yet.
    fn go_on(&mut self, number: usize) {
        let organization = &mut self.organizations[number];
        match organization
            .search
            .next_step(organization.left.len(), organization.over)
        {
            SearchStep::Done => {}
            SearchStep::AskEach => self.ask_each(number),
            SearchStep::Read(pages) => {
                organization.under_way += pages.len();
                for page in pages {
                    let path = self.organizations[number].page_of_licenses(page);
                    self.outbox.send(Call::get(path), Purpose::Page(number));
                }
            }
            SearchStep::Probe(page) => {
                let path = organization.page_of_licenses(page);
                let purpose = Purpose::Ahead {
                    organization: number,
                    page,
                };
                self.outbox.send(Call::get(path), purpose);
            }
        }
    }

    /// Takes the licenses of a page and reports whether any of them is new.
    fn absorb(&mut self, number: usize, rows: &[LicenseRow<'_>], name: &str) -> bool {
        let mut new = false;
        for row in rows {
            let Some(id) = id_of(row) else {
                continue; // the rows of a page have been checked
            };
            let organization = &mut self.organizations[number];
            new |= organization.seen.is_new(&id);
            if let Some(index) = organization.left.remove(id.as_str()) {
                self.see(index, shown(row, name));
            }
        }
        new
    }

    /// Settles a license, unless its manifest names groups, which may arrive after the license.
    fn see(&mut self, index: usize, observed: Observed) {
        let target = &mut self.targets[index];
        match observed {
            Observed::Live(live) if target.names.is_some() => target.live = Some(live),
            observed => self.settled.put(index, observed),
        }
    }

    /// Reports whether the fields of a license are wanted, beyond its id.
    fn wants(&self, purpose: Purpose, id: &str) -> bool {
        match purpose {
            Purpose::One(index) => self.targets[index].id == id,
            Purpose::Page(number)
            | Purpose::Ahead {
                organization: number,
                ..
            } => self.organizations[number].left.contains_key(id),
            Purpose::Groups(_) => true,
        }
    }

    /// Settles a license that was asked for by its id. An empty list means that it does not exist.
    fn one(&mut self, index: usize, rows: &[LicenseRow<'_>], name: &str) {
        let target = &self.targets[index];
        let org_rows = rows
            .iter()
            .find(|row| id_of(row).as_deref() == Some(&target.id));
        let observed = match (org_rows, rows.first()) {
            (Some(row), _) => shown(row, name),
            (None, None) => Observed::Missing,
            // A reply that ignores the filter proves nothing about the license.
            (None, Some(other)) => {
                let other = id_of(other).unwrap_or_default();
                Observed::Unread(ReadFailure::odd(format!(
                    "{name} answered with license {other} instead"
                )))
            }
        };
        self.see(index, observed);
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
            Purpose::One(index) => {
                let observed = if absent {
                    Observed::Missing
                } else {
                    Observed::Unread(why)
                };
                self.settled.put(index, observed);
            }
            Purpose::Page(number)
            | Purpose::Ahead {
                organization: number,
                ..
            } => {
                let organization = &mut self.organizations[number];
                organization.under_way = organization.under_way.saturating_sub(1);
                let absent = absent && organization.seen.is_empty();
                for index in std::mem::take(&mut organization.left).into_values() {
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
            desired_objects: 0,
            left: BTreeMap::new(),
            seen: SeenIds::default(),
            search: ListSearch::new(0),
            under_way: 0,
            over: false,
            groups: Groups::default(),
        }
    }

    fn path(&self, list: &str) -> String {
        format!("/v3/organizations/{}/{list}", encode_segment(&self.id))
    }

    /// A page of the licenses, by its number from 0.
    fn page_of_licenses(&self, page: usize) -> String {
        let (limit, number) = (FULL, page + 1);
        self.list("licenses", Sheet { limit, number })
    }

    fn list(&self, list: &str, sheet: Sheet) -> String {
        let (limit, page) = (sheet.limit.to_string(), sheet.number.to_string());
        with_query(&self.path(list), &[("limit", &limit), ("page", &page)])
    }
}

impl Reading for LicenseReading {
    fn ready(&mut self) -> Vec<(Ticket, Call)> {
        self.outbox.ready()
    }

    fn take(&mut self, ticket: Ticket, answer: Answer) {
        let (purpose, name) = self.outbox.purpose(ticket);
        let absent = is_absent(&answer);
        let read = require_success(&name, answer).and_then(|reply| {
            if let Purpose::Groups(number) = purpose {
                let rows = rows_of(&GROUPS, &reply, &name, &|_| true)?;
                self.groups(number, &rows, &name);
                return Ok(());
            }
            let want: Want<'_> = &|id| {
                id.text()
                    .is_none_or(|id| self.wants(purpose, &canon::canonical_id(id)))
            };
            let rows = rows_of(&LICENSES, &reply, &name, want)?;
            match purpose {
                Purpose::One(index) => self.one(index, &rows, &name),
                Purpose::Page(number) => self.page(number, &rows, &name),
                Purpose::Ahead { organization, page } => {
                    self.ahead(organization, page, &rows, &name);
                }
                Purpose::Groups(_) => {}
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
    fn scope(self) -> &'static str {
        match self {
            Purpose::One(_) | Purpose::Page(_) | Purpose::Ahead { .. } => READ,
            Purpose::Groups(_) => READ_GROUPS,
        }
    }
}

/// The objects of a list, each of which must have an id.
pub fn rows_of<'de, const N: usize>(
    rows: &'static Rows<N>,
    reply: &'de Reply,
    name: &str,
    want: Want<'_>,
) -> Result<Vec<Row<'static, 'de, N>>, ReadFailure> {
    let list = rows.list(&reply.body, want);
    let list = list.map_err(|error| unreadable_reply(name, reply, &error))?;
    let list =
        list.ok_or_else(|| ReadFailure::odd(format!("{name} did not answer with a list")))?;
    match list.odd.words("the text `id`") {
        Some(odd) => Err(ReadFailure::odd(format!("{name} answered with {odd}"))),
        None => Ok(list.rows),
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
