//! Which calls show the wanted licenses of each organization.
//!
//! A list call shows a hundred licenses, a call with `id[eq]` shows one; `hunt` decides between them.
//!
//! A page that is not full, or brings nothing new, is the end. What was not in the list is asked for once
//! more before it is called missing, since rows move between pages while others write.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::fields;
use super::groups::Groups;
use super::{decode, id_of, with_scope};
use crate::model::resource::Resolved;
use crate::model::{Call, Observed, Text, Value};
use crate::provider::hunt::{Hunt, Next};
use crate::provider::reading::{Answer, Outbox, Reading, Ticket, Wanted, is_absent, json_of};
use crate::provider::{segment, with_query};

/// The most rows that a page may have (list pages of the reference, 2026-11-21).
pub const FULL: usize = 100;

/// Scopes that the pages of the two lists print.
pub const READ: &str = "organization:license:read";
const READ_GROUPS: &str = "organization:userGroup:read";

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

/// One wanted license and what became of it.
struct Target {
    organization: usize,
    id: String,
    /// Names of groups that its manifest uses.
    names: Option<BTreeSet<Text>>,
    observed: Option<Observed>,
}

struct Organization {
    id: String,
    wanted: usize,
    /// Wanted licenses that no page has shown yet.
    left: BTreeMap<String, usize>,
    seen: BTreeSet<String>,
    hunt: Hunt,
    /// Pages that were asked for and have not come yet.
    under_way: usize,
    over: bool,
    groups: Groups,
}

pub struct LicenseReading {
    outbox: Outbox<Purpose>,
    targets: Vec<Target>,
    organizations: Vec<Organization>,
}

impl LicenseReading {
    pub fn new(wanted: &[Wanted<'_>]) -> Self {
        let mut reading = Self {
            outbox: Outbox::default(),
            targets: Vec::with_capacity(wanted.len()),
            organizations: Vec::new(),
        };
        let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
        for desired in wanted {
            let id = desired.id("organizationId");
            let number = *by_id.entry(id).or_insert_with(|| {
                reading.organizations.push(Organization::new(id));
                reading.organizations.len() - 1
            });
            let names = match desired.fields.get(fields::NAMES) {
                Some(Value::Set(names)) => Some((**names).clone()),
                _ => None,
            };
            let target = Target {
                organization: number,
                id: desired.id("licenseId").to_string(),
                names,
                observed: None,
            };
            let organization = &mut reading.organizations[number];
            organization.wanted += 1;
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

    fn start(&mut self, number: usize) {
        if self.organizations[number].groups.needed() {
            self.next_groups(number);
        }
        let organization = &mut self.organizations[number];
        organization.hunt = Hunt::new(organization.left.len());
        if organization.left.len() == 1 {
            self.ask_each(number);
        } else {
            self.go_on(number);
        }
    }

    fn next_groups(&mut self, number: usize) {
        let organization = &self.organizations[number];
        let path = organization.list("user-groups", organization.groups.pages + 1);
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

    fn page(&mut self, number: usize, rows: &[Map<String, Json>], name: &str) {
        let new = self.absorb(number, rows, name);
        let organization = &mut self.organizations[number];
        organization.hunt.read(rows.len());
        organization.over |= rows.len() < FULL || !new;
        organization.under_way -= 1;
        if organization.under_way == 0 {
            self.go_on(number);
        }
    }

    fn ahead(&mut self, number: usize, page: usize, rows: &[Map<String, Json>], name: &str) {
        if self.absorb(number, rows, name) {
            self.ask_each(number);
        } else {
            self.organizations[number].hunt.ends_before(page);
            self.go_on(number);
        }
    }

    /// Decides how to find what the list has not shown yet.
    fn go_on(&mut self, number: usize) {
        let organization = &mut self.organizations[number];
        match organization
            .hunt
            .next(organization.left.len(), organization.over)
        {
            Next::Done => {}
            Next::AskEach => self.ask_each(number),
            Next::Read(pages) => {
                organization.under_way += pages.len();
                for page in pages {
                    let path = self.organizations[number].list("licenses", page + 1);
                    self.outbox.send(Call::get(path), Purpose::Page(number));
                }
            }
            Next::Probe(page) => {
                let path = organization.list("licenses", page + 1);
                let purpose = Purpose::Ahead {
                    organization: number,
                    page,
                };
                self.outbox.send(Call::get(path), purpose);
            }
        }
    }

    /// Takes what a page shows and says whether any of it is new.
    fn absorb(&mut self, number: usize, rows: &[Map<String, Json>], name: &str) -> bool {
        let organization = &mut self.organizations[number];
        let before = organization.seen.len();
        for row in rows {
            let Some(id) = id_of(row) else {
                continue; // the rows of a page have been checked
            };
            organization.seen.insert(id.to_string());
            if let Some(index) = organization.left.remove(id) {
                self.targets[index].observed = Some(shown(row, name));
            }
        }
        organization.seen.len() > before
    }

    fn one(&mut self, index: usize, rows: &[Map<String, Json>], name: &str) {
        let target = &mut self.targets[index];
        let own = rows.iter().find(|row| id_of(row) == Some(&target.id));
        target.observed = Some(match (own, rows.first()) {
            (Some(row), _) => shown(row, name),
            (None, None) => Observed::Missing,
            // A filter that is not heeded proves nothing about the license.
            (None, Some(other)) => {
                let other = id_of(other).unwrap_or_default();
                Observed::Unread(format!("{name} answered with license {other} instead"))
            }
        });
    }

    fn groups(&mut self, number: usize, rows: &[Map<String, Json>], name: &str) {
        let groups = &mut self.organizations[number].groups;
        match groups.page(rows, FULL) {
            Ok(true) => self.next_groups(number),
            Ok(false) => {}
            Err(fault) => groups.failure = Some(format!("{name} answered with {fault}")),
        }
    }

    /// What a call that brought nothing means for those it was for. An organization that is not there has
    /// no licenses either.
    fn failed(&mut self, purpose: Purpose, absent: bool, why: String) {
        match purpose {
            Purpose::One(index) => {
                self.targets[index].observed = Some(if absent {
                    Observed::Missing
                } else {
                    Observed::Unread(why)
                });
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
                    self.targets[index].observed = Some(if absent {
                        Observed::Missing
                    } else {
                        Observed::Unread(why.clone())
                    });
                }
            }
            Purpose::Groups(number) => self.organizations[number].groups.failure = Some(why),
        }
    }
}

impl Organization {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_string(),
            wanted: 0,
            left: BTreeMap::new(),
            seen: BTreeSet::new(),
            hunt: Hunt::new(0),
            under_way: 0,
            over: false,
            groups: Groups::default(),
        }
    }

    fn path(&self, list: &str) -> String {
        format!("/v3/organizations/{}/{list}", segment(&self.id))
    }

    fn list(&self, list: &str, page: usize) -> String {
        let (limit, page) = (FULL.to_string(), page.to_string());
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
        let rows = json_of(&name, answer)
            .map_err(|failure| with_scope(failure.text, failure.status, purpose.scope()))
            .and_then(|json| rows_of(json, &name));
        match (rows, purpose) {
            (Ok(rows), Purpose::One(index)) => self.one(index, &rows, &name),
            (Ok(rows), Purpose::Page(number)) => self.page(number, &rows, &name),
            (Ok(rows), Purpose::Groups(number)) => self.groups(number, &rows, &name),
            (Ok(rows), Purpose::Ahead { organization, page }) => {
                self.ahead(organization, page, &rows, &name);
            }
            (Err(why), purpose) => self.failed(purpose, absent, why),
        }
    }

    fn finish(self: Box<Self>) -> Vec<Observed> {
        let organizations = self.organizations;
        let finished = |target: Target| {
            let organization = &organizations[target.organization];
            match (target.observed, target.names) {
                (Some(Observed::Live(mut live)), Some(names)) => {
                    match organization.groups.resolve(&organization.id, &names) {
                        Ok(ids) => {
                            live.resolved.push(Resolved {
                                given: fields::NAMES,
                                field: fields::IDS,
                                value: Value::set(ids),
                            });
                            Observed::Live(live)
                        }
                        Err(why) => Observed::Unread(why),
                    }
                }
                (Some(observed), _) => observed,
                (None, _) => Observed::Unread(format!("license {} was not asked for", target.id)),
            }
        };
        self.targets.into_iter().map(finished).collect()
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
pub fn rows_of(json: Json, name: &str) -> Result<Vec<Map<String, Json>>, String> {
    let Json::Array(rows) = json else {
        return Err(format!("{name} did not answer with a list"));
    };
    let objects = rows.into_iter().map(|row| match row {
        Json::Object(object) if id_of(&object).is_some() => Ok(object),
        Json::Object(_) => Err(format!("{name} answered with a row without the text `id`")),
        _ => Err(format!("{name} answered with a row that is no object")),
    });
    objects.collect()
}

pub fn shown(row: &Map<String, Json>, name: &str) -> Observed {
    match decode(row) {
        Ok(live) => Observed::Live(live),
        Err(fault) => {
            let id = id_of(row).unwrap_or_default();
            Observed::Unread(format!("{name}: license {id}: {fault}"))
        }
    }
}
