//! The Cryptlex account: organizations with their user groups and licences, loaded from and saved as JSON.
//!
//! A licence is kept in the form that the API reads back, except for its groups: only their ids are kept, so that
//! renaming a group renames it on every licence. Lookups by id are logarithmic.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::switches::RenameToTaken;
use super::{Refusal, new_refusal};
use crate::sandbox::account_document;
use crate::sandbox::layered_object::{LayeredObject, MemberLookup};
use crate::sandbox::strict_json::JsonObject;

/// The whole account.
#[derive(Clone)]
pub(super) struct Account {
    /// In the order of creation, which is the default order of the list call.
    pub(super) organizations: Vec<Organization>,
    /// The index of each organization by its id.
    pub(super) by_id: BTreeMap<String, usize>,
}

/// An organization with everything in it.
#[derive(Clone)]
pub(super) struct Organization {
    /// Its members as the API shows them.
    pub(super) fields: JsonObject,
    /// Its user groups by id.
    pub(super) groups: BTreeMap<String, JsonObject>,
    /// Its licences in the order of creation, which is the default order of the list call.
    pub(super) licenses: Vec<License>,
    /// The index of each licence by its id.
    pub(super) license_by_id: BTreeMap<String, usize>,
}

/// A licence of an organization.
#[derive(Clone)]
pub(super) struct License {
    /// Its members as the API shows them, without `userGroups`.
    pub(super) fields: LayeredObject,
    /// The ids of its user groups.
    pub(super) groups: BTreeSet<String>,
}

/// The members of all three kinds of objects that are date-times.
const DATES: [&str; 4] = ["createdAt", "updatedAt", "expiresAt", "effectiveDate"];

impl Account {
    /// Loads `{"organizations": [{…, "userGroups": […], "licenses": [{…, "userGroupIds": […]}]}]}`.
    ///
    /// Only ids are required, every other member has a default. `Err` says what is wrong and where.
    pub(super) fn load(state: Value) -> Result<Self, String> {
        let templates = Templates::read()?;
        let mut state = account_document::expect_object(state, "the account")?;
        let mut organizations = Vec::new();
        for given in account_document::take_list(&mut state, "organizations")? {
            organizations.push(Organization::load(given, &templates)?);
        }
        account_document::expect_nothing_left(&state, "the account")?;
        organizations.sort_by_cached_key(|organization| creation_order(&organization.fields));
        let by_id = index_by_id(
            organizations
                .iter()
                .map(|organization| &organization.fields),
        )?;
        Ok(Self {
            organizations,
            by_id,
        })
    }

    /// Returns the account as a document that [`Self::load`] accepts.
    pub(super) fn save(&self) -> Value {
        let organizations = self.organizations.iter().map(Organization::save);
        json!({"organizations": organizations.collect::<Vec<_>>()})
    }

    /// Lists the organizations in the order of creation.
    pub(super) fn organizations(&self) -> impl Iterator<Item = &JsonObject> {
        self.organizations
            .iter()
            .map(|organization| &organization.fields)
    }

    /// Returns an organization; 404 if there is none with this id.
    pub(super) fn organization(&self, id: &str) -> Result<&Organization, Refusal> {
        let index = self.by_id.get(id);
        let found = index.and_then(|index| self.organizations.get(*index));
        found.ok_or_else(|| new_refusal(404, format!("organization {id} was not found")))
    }

    /// Returns an organization to change; 404 if there is none with this id.
    pub(super) fn organization_mut(&mut self, id: &str) -> Result<&mut Organization, Refusal> {
        let index = self.by_id.get(id);
        let found = index.and_then(|index| self.organizations.get_mut(*index));
        found.ok_or_else(|| new_refusal(404, format!("organization {id} was not found")))
    }

    /// Returns the next free id for a user group, in the form of the seed's ids.
    ///
    /// Counted, not random, so that every run makes the same ids.
    pub(super) fn unused_group_id(&self) -> String {
        let groups: usize = self
            .organizations
            .iter()
            .map(|organization| organization.groups.len())
            .sum();
        let taken = |id: &str| {
            let mut organizations = self.organizations.iter();
            organizations.any(|organization| organization.groups.contains_key(id))
        };
        let mut number = groups + 1;
        loop {
            let id = format!("a4f8d1b0-1111-4c22-8f33-{number:012}");
            if !taken(&id) {
                return id;
            }
            number += 1;
        }
    }
}

impl Organization {
    /// Loads an organization with its groups and licences; the templates give members that it lacks.
    pub(super) fn load(given: Value, templates: &Templates) -> Result<Self, String> {
        let mut given = account_document::expect_object(given, "an organization")?;
        let group_values = account_document::take_list(&mut given, "userGroups")?;
        let license_values = account_document::take_list(&mut given, "licenses")?;
        let fields = templates.fill_defaults(&templates.organization, given, "organization")?;

        let mut groups = BTreeMap::new();
        for value in group_values {
            let given = account_document::expect_object(value, "a user group")?;
            let group = templates.fill_defaults(&templates.group, given, "user group")?;
            let id = id_of(&group).to_owned();
            if groups.insert(id.clone(), group).is_some() {
                return Err(format!("{id} is there twice"));
            }
        }

        let mut licenses = Vec::new();
        for value in license_values {
            let mut given = account_document::expect_object(value, "a licence")?;
            let mut ids = BTreeSet::new();
            for id in account_document::take_list(&mut given, "userGroupIds")? {
                match id.as_str().filter(|id| groups.contains_key(*id)) {
                    Some(id) => ids.insert(id.to_owned()),
                    None => return Err(format!("userGroupIds: {id} is no user group")),
                };
            }
            let mut fields = templates.fill_defaults(&templates.license, given, "licence")?;
            if fields["key"].is_null() {
                fields["key"] = json!(format!("SANDBOX-KEY-{}", id_of(&fields)));
            }
            licenses.push(License {
                fields: fields.into(),
                groups: ids,
            });
        }
        licenses.sort_by_cached_key(|license| creation_order(&license.fields));
        let license_by_id = index_by_id(licenses.iter().map(|license| &license.fields))?;
        Ok(Self {
            fields,
            groups,
            licenses,
            license_by_id,
        })
    }

    /// Returns the organization as a document that [`Self::load`] accepts.
    fn save(&self) -> Value {
        let mut fields = self.fields.clone();
        let groups = self.groups.values().cloned().map(Value::Object);
        fields.insert("userGroups".into(), groups.collect());
        let licenses = self.licenses.iter().map(|license| {
            let mut fields = license.fields.to_object();
            fields.insert("userGroupIds".into(), json!(license.groups));
            Value::Object(fields)
        });
        fields.insert("licenses".into(), licenses.collect());
        Value::Object(fields)
    }

    /// Lists the licences in the order of creation.
    pub(super) fn licenses(&self) -> impl Iterator<Item = &License> {
        self.licenses.iter()
    }

    /// Returns the groups in the order of creation.
    pub(super) fn groups(&self) -> Vec<&JsonObject> {
        let mut groups: Vec<&JsonObject> = self.groups.values().collect();
        groups.sort_by_cached_key(|group| creation_order(*group));
        groups
    }

    /// Returns a licence; 404 if the organization has none with this id.
    pub(super) fn license(&self, id: &str) -> Result<&License, Refusal> {
        let index = self.license_by_id.get(id);
        let found = index.and_then(|index| self.licenses.get(*index));
        found.ok_or_else(|| new_refusal(404, format!("licence {id} was not found")))
    }

    /// Returns a licence to change; 404 if the organization has none with this id.
    pub(super) fn license_mut(&mut self, id: &str) -> Result<&mut License, Refusal> {
        let index = self.license_by_id.get(id);
        let found = index.and_then(|index| self.licenses.get_mut(*index));
        found.ok_or_else(|| new_refusal(404, format!("licence {id} was not found")))
    }

    /// Refuses ids that are not groups of this organization, including groups of another one; `status` is the reply's.
    pub(super) fn expect_groups(&self, ids: &BTreeSet<String>, status: u16) -> Result<(), Refusal> {
        match ids.iter().find(|id| !self.groups.contains_key(*id)) {
            Some(id) => Err(new_refusal(
                status,
                format!("userGroupIds: user group {id} was not found"),
            )),
            None => Ok(()),
        }
    }

    /// Adds a group from a checked body; 409 if its name is taken.
    pub(super) fn create_group(
        &mut self,
        id: String,
        body: &Value,
        now: Timestamp,
    ) -> Result<&JsonObject, Refusal> {
        self.expect_free_name(body, None)?;
        let at = account_document::format_seven_digits(now);
        let mut group = JsonObject::new();
        group.insert("id".into(), json!(id));
        group.insert("createdAt".into(), json!(at));
        group.insert("updatedAt".into(), json!(at));
        group.insert("name".into(), body["name"].clone());
        let description = body.get("description").cloned();
        group.insert("description".into(), description.unwrap_or(json!("")));
        group.insert("totalUsers".into(), json!(0));
        Ok(self.groups.entry(id).or_insert(group))
    }

    /// Changes the name or description of a group; `rename` decides if a taken name is refused with 409.
    pub(super) fn update_group(
        &mut self,
        id: &str,
        body: &Value,
        now: Timestamp,
        rename: RenameToTaken,
    ) -> Result<&JsonObject, Refusal> {
        if !self.groups.contains_key(id) {
            return Err(group_not_found(id));
        }
        if rename == RenameToTaken::Conflict {
            self.expect_free_name(body, Some(id))?;
        }
        let group = self.groups.get_mut(id).ok_or_else(|| group_not_found(id))?;
        for name in ["name", "description"] {
            if let Some(value) = body.get(name) {
                group.insert(name.into(), value.clone());
            }
        }
        mark_updated(group, now);
        Ok(group)
    }

    /// Deletes a group and removes it from all licences; 404 if there is none with this id.
    pub(super) fn delete_group(&mut self, id: &str) -> Result<(), Refusal> {
        self.groups.remove(id).ok_or_else(|| group_not_found(id))?;
        for license in &mut self.licenses {
            license.groups.remove(id);
        }
        Ok(())
    }

    /// Refuses a name that another group of the organization has, with 409; `except` is the group to ignore.
    ///
    /// That names are unique is inferred from the create page, which lists 409 (checked 2026-11-21).
    fn expect_free_name(&self, body: &Value, except: Option<&str>) -> Result<(), Refusal> {
        let Some(name) = body.get("name") else {
            return Ok(());
        };
        let mut groups = self.groups.iter();
        if groups.any(|(id, group)| group["name"] == *name && Some(id.as_str()) != except) {
            return Err(new_refusal(
                409,
                format!("a user group named {name} exists"),
            ));
        }
        Ok(())
    }
}

/// Returns the 404 for an unknown user group.
fn group_not_found(id: &str) -> Refusal {
    new_refusal(404, format!("user group {id} was not found"))
}

/// Sets `updatedAt` to this time.
fn mark_updated(fields: &mut JsonObject, now: Timestamp) {
    fields.insert(
        "updatedAt".into(),
        json!(account_document::format_seven_digits(now)),
    );
}

/// Returns the id of an object, empty if it has none.
fn id_of(fields: &impl MemberLookup) -> &str {
    text_member(fields, "id")
}

/// Returns a text member, empty if it is absent or no string.
fn text_member<'a>(fields: &'a impl MemberLookup, name: &str) -> &'a str {
    fields.member(name).and_then(Value::as_str).unwrap_or("")
}

/// Returns the key that sorts objects by creation, then id.
///
/// Dates are normalised to seven digits, so that text order is time order.
pub(super) fn creation_order(fields: &impl MemberLookup) -> (String, String) {
    let created = text_member(fields, "createdAt");
    (created.to_owned(), id_of(fields).to_owned())
}

/// Returns the index of each object by its id; `Err` names an id that is there twice.
fn index_by_id<'a, T: MemberLookup + 'a>(
    all: impl Iterator<Item = &'a T>,
) -> Result<BTreeMap<String, usize>, String> {
    let mut by_id = BTreeMap::new();
    for (position, fields) in all.enumerate() {
        let id = id_of(fields);
        if by_id.insert(id.to_owned(), position).is_some() {
            return Err(format!("{id} is there twice"));
        }
    }
    Ok(by_id)
}

/// The members that a loaded object gets if the document lacks them.
pub(super) struct Templates {
    organization: JsonObject,
    group: JsonObject,
    license: JsonObject,
}

impl Templates {
    /// Reads the templates from `defaults.json`, which is compiled in.
    pub(super) fn read() -> Result<Self, String> {
        let text = include_str!("defaults.json");
        let all: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let template = |name: &str| account_document::expect_object(all[name].clone(), name);
        Ok(Self {
            organization: template("organization")?,
            group: template("userGroup")?,
            license: template("license")?,
        })
    }

    /// Returns a loaded object with its defaults; dates get the seven digits that the API prints.
    fn fill_defaults(
        &self,
        template: &JsonObject,
        given: JsonObject,
        what: &str,
    ) -> Result<JsonObject, String> {
        let mut fields = account_document::overlay_template(template, given, what)?;
        if id_of(&fields).is_empty() {
            return Err(format!("{what}: id is required"));
        }
        for name in DATES {
            let Some(text) = fields.get(name).and_then(Value::as_str) else {
                continue;
            };
            let at: Timestamp = text
                .parse()
                .map_err(|error| format!("{what}: {name}: {error}"))?;
            fields.insert(
                name.into(),
                json!(account_document::format_seven_digits(at)),
            );
        }
        Ok(fields)
    }
}
