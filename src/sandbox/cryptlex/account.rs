//! The Cryptlex account: organizations with their user groups and users, and all licences, loaded from and saved as
//! JSON.
//!
//! A licence is kept in the form that the API reads back, except for its groups: only their ids are kept, so that
//! renaming a group renames it on every licence. Lookups by id are logarithmic.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ordered_table::OrderedTable;
use super::refusal::{Refusal, new_refusal, not_found};
use super::templates::{Templates, creation_order, fill_defaults, id_of};
use crate::sandbox::account_document;
use crate::sandbox::layered_object::LayeredObject;
use crate::sandbox::strict_json::JsonObject;

/// The whole account.
#[derive(Clone, Default)]
pub(super) struct Account {
    pub(super) organizations: OrderedTable<Organization>,
    /// The licences of all organizations, and those that belong to none.
    pub(super) licenses: OrderedTable<License>,
}

/// An organization with its user groups and users.
#[derive(Clone)]
pub(super) struct Organization {
    /// Its members as the API shows them.
    pub(super) fields: JsonObject,
    /// Its user groups by id.
    pub(super) groups: BTreeMap<String, JsonObject>,
    pub(super) users: OrderedTable<OrganizationUser>,
}

/// A user of an organization.
#[derive(Clone)]
pub(super) struct OrganizationUser {
    /// The members of the user without `name` and `userGroups`.
    pub(super) fields: JsonObject,
    /// The ids of the user's groups.
    pub(super) groups: BTreeSet<String>,
}

/// A licence.
#[derive(Clone)]
pub(super) struct License {
    /// The index of its organization among the account's; `None` for a licence outside organizations.
    pub(super) organization: Option<usize>,
    /// The members of its two views, without `userGroups` and what is known of its organization.
    pub(super) fields: LayeredObject,
    /// The ids of its user groups.
    pub(super) groups: BTreeSet<String>,
}

impl Account {
    /// Loads `{"organizations": [{…, "userGroups": […], "users": […], "licenses": [{…, "userGroupIds": […]}]}],
    /// "licenses": […]}`, of which the last are the licences outside organizations.
    ///
    /// Only ids are required, every other member has a default. `Err` says what is wrong and where.
    pub(super) fn load(state: Value) -> Result<Self, String> {
        let templates = Templates::read()?;
        let mut state = account_document::expect_object(state, "the account")?;
        let given_organizations = account_document::take_list(&mut state, "organizations")?;
        let outside = account_document::take_list(&mut state, "licenses")?;
        account_document::expect_nothing_left(&state, "the account")?;

        let mut loaded = Vec::new();
        for given in given_organizations {
            loaded.push(Organization::load(given, &templates)?);
        }
        loaded.sort_by_cached_key(|(organization, _)| creation_order(&organization.fields));
        let mut account = Self::default();
        let mut licenses = Vec::new();
        for (organization, own) in loaded {
            let id = id_of(&organization.fields).to_owned();
            let index = account.organizations.add(&id, organization)?;
            for mut license in own {
                license.organization = Some(index);
                licenses.push(license);
            }
        }
        for given in outside {
            licenses.push(License::load(given, &BTreeMap::new(), &templates)?);
        }
        licenses.sort_by_cached_key(|license| creation_order(&license.fields));
        for license in licenses {
            let id = id_of(&license.fields).to_owned();
            account.licenses.add(&id, license)?;
        }
        Ok(account)
    }

    /// Returns the account as a document that [`Self::load`] accepts.
    pub(super) fn save(&self) -> Value {
        let mut by_organization: BTreeMap<Option<usize>, Vec<Value>> = BTreeMap::new();
        for license in self.licenses.iter() {
            let list = by_organization.entry(license.organization).or_default();
            list.push(license.save());
        }
        let mut licenses_of = |index| by_organization.remove(&index).unwrap_or_default();
        let organizations = self.organizations.entries().map(|(index, organization)| {
            let mut fields = organization.save();
            fields.insert("licenses".into(), licenses_of(Some(index)).into());
            Value::Object(fields)
        });
        let organizations: Vec<Value> = organizations.collect();
        json!({"organizations": organizations, "licenses": licenses_of(None)})
    }

    /// Returns an organization; 404 if there is none with this id.
    pub(super) fn organization(&self, id: &str) -> Result<&Organization, Refusal> {
        let found = self.organizations.get(id);
        found.ok_or_else(|| not_found("organization", id))
    }

    /// Returns an organization to change; 404 if there is none with this id.
    pub(super) fn organization_mut(&mut self, id: &str) -> Result<&mut Organization, Refusal> {
        let found = self.organizations.get_mut(id);
        found.ok_or_else(|| not_found("organization", id))
    }

    /// Returns the index of an organization; 404 if there is none with this id.
    pub(super) fn organization_index(&self, id: &str) -> Result<usize, Refusal> {
        let found = self.organizations.position(id);
        found.ok_or_else(|| not_found("organization", id))
    }

    /// Returns the organization of a licence; `None` for a licence outside organizations.
    pub(super) fn organization_of(&self, license: &License) -> Option<&Organization> {
        self.organizations.at(license.organization?)
    }

    /// Returns a licence; 404 if the account has none with this id.
    pub(super) fn license(&self, id: &str) -> Result<&License, Refusal> {
        let found = self.licenses.get(id);
        found.ok_or_else(|| not_found("licence", id))
    }

    /// Returns a licence to change; 404 if the account has none with this id.
    pub(super) fn license_mut(&mut self, id: &str) -> Result<&mut License, Refusal> {
        let found = self.licenses.get_mut(id);
        found.ok_or_else(|| not_found("licence", id))
    }
}

impl Organization {
    /// Loads an organization, and its licences beside it; the templates give members that it lacks.
    pub(super) fn load(
        given: Value,
        templates: &Templates,
    ) -> Result<(Self, Vec<License>), String> {
        let mut given = account_document::expect_object(given, "an organization")?;
        let group_values = account_document::take_list(&mut given, "userGroups")?;
        let user_values = account_document::take_list(&mut given, "users")?;
        let license_values = account_document::take_list(&mut given, "licenses")?;
        let fields = fill_defaults(&templates.organization, given, "organization")?;

        let mut groups = BTreeMap::new();
        for value in group_values {
            let given = account_document::expect_object(value, "a user group")?;
            let group = fill_defaults(&templates.group, given, "user group")?;
            let id = id_of(&group).to_owned();
            if groups.insert(id.clone(), group).is_some() {
                return Err(format!("{id} is there twice"));
            }
        }
        let mut loaded_users = Vec::new();
        for value in user_values {
            let mut given = account_document::expect_object(value, "a user")?;
            let ids = take_group_ids(&mut given, &groups)?;
            let fields = fill_defaults(&templates.user, given, "user")?;
            loaded_users.push(OrganizationUser {
                fields,
                groups: ids,
            });
        }
        loaded_users.sort_by_cached_key(|user| creation_order(&user.fields));
        let mut users = OrderedTable::default();
        for user in loaded_users {
            let id = id_of(&user.fields).to_owned();
            users.add(&id, user)?;
        }
        let licenses = license_values.into_iter();
        let licenses = licenses.map(|value| License::load(value, &groups, templates));
        let licenses = licenses.collect::<Result<_, _>>()?;
        let organization = Self {
            fields,
            groups,
            users,
        };
        Ok((organization, licenses))
    }

    /// Returns the organization as a document, without its licences.
    fn save(&self) -> JsonObject {
        let mut fields = self.fields.clone();
        let groups = self.groups.values().cloned().map(Value::Object);
        fields.insert("userGroups".into(), groups.collect());
        let users = self.users.iter().map(|user| {
            let mut fields = user.fields.clone();
            fields.insert("userGroupIds".into(), json!(user.groups));
            Value::Object(fields)
        });
        fields.insert("users".into(), users.collect());
        fields
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
}

impl License {
    /// Loads a licence whose groups must be among these.
    fn load(
        value: Value,
        groups: &BTreeMap<String, JsonObject>,
        templates: &Templates,
    ) -> Result<Self, String> {
        let mut given = account_document::expect_object(value, "a licence")?;
        let ids = take_group_ids(&mut given, groups)?;
        let mut fields = fill_defaults(&templates.license, given, "licence")?;
        if fields["key"].is_null() {
            fields["key"] = json!(format!("SANDBOX-KEY-{}", id_of(&fields)));
        }
        Ok(Self {
            organization: None,
            fields: fields.into(),
            groups: ids,
        })
    }

    /// Returns the licence as a document.
    fn save(&self) -> Value {
        let mut fields = self.fields.to_object();
        fields.insert("userGroupIds".into(), json!(self.groups));
        Value::Object(fields)
    }

    /// Sets `updatedAt` to this time.
    pub(super) fn mark_updated(&mut self, now: Timestamp) {
        let at = json!(account_document::format_seven_digits(now));
        self.fields.insert("updatedAt", at);
    }
}

/// Takes `userGroupIds` out of a document; `Err` names an id that is none of these groups.
fn take_group_ids(
    document: &mut JsonObject,
    groups: &BTreeMap<String, JsonObject>,
) -> Result<BTreeSet<String>, String> {
    let ids = account_document::take_list(document, "userGroupIds")?;
    let known = |id: &Value| {
        id.as_str()
            .filter(|id| groups.contains_key(*id))
            .map(str::to_owned)
    };
    let ids = ids
        .iter()
        .map(|id| known(id).ok_or_else(|| format!("userGroupIds: {id} is no user group")));
    ids.collect()
}

/// Sets `updatedAt` to this time.
pub(super) fn mark_updated(fields: &mut JsonObject, now: Timestamp) {
    fields.insert(
        "updatedAt".into(),
        json!(account_document::format_seven_digits(now)),
    );
}

/// Returns the ids of a checked body's `userGroupIds`; `None` if it does not have the member.
pub(super) fn sent_group_ids(body: &Value) -> Option<BTreeSet<String>> {
    let ids = body.get("userGroupIds")?.as_array().into_iter().flatten();
    Some(ids.filter_map(Value::as_str).map(str::to_owned).collect())
}
