//! User groups of an organization, which licences and users name by id.
//!
//! From the pages of the four calls, checked 2026-11-21 and 2026-11-29.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Account, License, Organization, mark_updated};
use super::refusal::{Refusal, new_refusal, not_found};
use super::schemas::{GROUP_CREATE, GROUP_UPDATE};
use super::switches::{DeletedGroup, RenameToTaken};
use super::{Cryptlex, HttpReply, HttpRequest};
use crate::sandbox::account_document;
use crate::sandbox::strict_json::JsonObject;

impl Cryptlex {
    /// Creates a user group; 409 if its name is taken.
    pub(super) fn create_group(
        &mut self,
        organization: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &GROUP_CREATE)?;
        let id = unused_group_id(&self.account);
        let organization = self.account.organization_mut(organization)?;
        let group = organization.create_group(id, &body, now)?;
        Ok(HttpReply::json(201, &json!(group)))
    }

    /// Renames or describes a user group.
    pub(super) fn update_group(
        &mut self,
        organization: &str,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &GROUP_UPDATE)?;
        let rename = self.switches.rename_to_taken;
        let organization = self.account.organization_mut(organization)?;
        let group = organization.update_group(id, &body, now, rename)?;
        Ok(HttpReply::json(200, &json!(group)))
    }

    /// Deletes a group and takes it from all licences and users, or refuses with 409 while one has it.
    pub(super) fn delete_group(
        &mut self,
        organization: &str,
        id: &str,
    ) -> Result<HttpReply, Refusal> {
        let index = self.account.organization_index(organization)?;
        let owner = self.account.organization(organization)?;
        if !owner.groups.contains_key(id) {
            return Err(not_found("user group", id));
        }
        let has_it =
            |license: &License| license.organization == Some(index) && license.groups.contains(id);
        let used = self.account.licenses.iter().any(has_it);
        if used && self.switches.deleted_group == DeletedGroup::Conflict {
            return Err(new_refusal(409, format!("user group {id} has licences")));
        }
        let owner = self.account.organization_mut(organization)?;
        owner.groups.remove(id);
        for user in owner.users.iter_mut() {
            user.groups.remove(id);
        }
        for license in self.account.licenses.iter_mut() {
            if license.organization == Some(index) {
                license.groups.remove(id);
            }
        }
        Ok(HttpReply::empty(204))
    }
}

/// Returns the next free id for a user group, in the form of the seed's ids.
///
/// Counted, not random, so that every run makes the same ids.
fn unused_group_id(account: &Account) -> String {
    let organizations = || account.organizations.iter();
    let groups: usize = organizations().map(|it| it.groups.len()).sum();
    let id = |number: usize| format!("a4f8d1b0-1111-4c22-8f33-{number:012}");
    let is_free = |number: &usize| organizations().all(|it| !it.groups.contains_key(&id(*number)));
    id((groups + 1..).find(is_free).unwrap_or_default())
}

impl Organization {
    /// Adds a group from a checked body; 409 if its name is taken.
    fn create_group(
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
    fn update_group(
        &mut self,
        id: &str,
        body: &Value,
        now: Timestamp,
        rename: RenameToTaken,
    ) -> Result<&JsonObject, Refusal> {
        if !self.groups.contains_key(id) {
            return Err(not_found("user group", id));
        }
        if rename == RenameToTaken::Conflict {
            self.expect_free_name(body, Some(id))?;
        }
        let group = self.groups.get_mut(id);
        let group = group.ok_or_else(|| not_found("user group", id))?;
        for name in ["name", "description"] {
            if let Some(value) = body.get(name) {
                group.insert(name.into(), value.clone());
            }
        }
        mark_updated(group, now);
        Ok(group)
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
