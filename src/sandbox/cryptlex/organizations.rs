//! Organizations: read, created, changed and deleted.
//!
//! Pages "Update an organization" and "Delete an organization", checked 2026-11-29. The page of the create call is
//! not stored: its body is that of the create call below a reseller.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Organization, mark_updated};
use super::ordered_table::OrderedTable;
use super::refusal::{Refusal, new_refusal};
use super::schemas::{ORGANIZATION_CREATE, ORGANIZATION_UPDATE};
use super::switches::{AddressWrite, DeletedOrganization, TakenOrganization};
use super::templates::Templates;
use super::{Cryptlex, HttpReply, HttpRequest};
use crate::sandbox::account_document::format_seven_digits;
use crate::sandbox::strict_json::JsonObject;

impl Cryptlex {
    /// Answers with one organization.
    pub(super) fn get_organization(&self, id: &str) -> Result<HttpReply, Refusal> {
        let organization = self.account.organization(id)?;
        Ok(HttpReply::json(200, &json!(organization.fields)))
    }

    /// Creates an organization without groups, users and licences; 409 if another has its name or e-mail address.
    pub(super) fn create_organization(
        &mut self,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &ORGANIZATION_CREATE)?;
        expect_email(&body)?;
        if self.switches.taken_organization == TakenOrganization::Conflict {
            self.expect_free_organization(&body)?;
        }
        let templates = Templates::read().map_err(|why| new_refusal(500, why))?;
        let id = self.unused_organization_id();
        let at = json!(format_seven_digits(now));
        let mut fields = templates.organization;
        fields.insert("id".into(), json!(id));
        fields.insert("createdAt".into(), at.clone());
        fields.insert("updatedAt".into(), at);
        set_members(&mut fields, &body, AddressWrite::Merge);
        let shown = json!(fields);
        let organization = Organization {
            fields,
            groups: Default::default(),
            users: OrderedTable::default(),
        };
        let added = self.account.organizations.add(&id, organization);
        added.map_err(|why| new_refusal(500, why))?;
        Ok(HttpReply::json(201, &shown))
    }

    /// Sets the members that the body names; the others stay as they are.
    pub(super) fn update_organization(
        &mut self,
        id: &str,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request, &ORGANIZATION_UPDATE)?;
        expect_email(&body)?;
        let (address, bump) = (self.switches.address_write, self.switches.bump_unchanged);
        let fields = &mut self.account.organization_mut(id)?.fields;
        let before = fields.clone();
        set_members(fields, &body, address);
        if bump || *fields != before {
            mark_updated(fields, now);
        }
        Ok(HttpReply::json(200, &json!(fields)))
    }

    /// Deletes an organization with its groups and users; a switch decides what becomes of its licences.
    pub(super) fn delete_organization(&mut self, id: &str) -> Result<HttpReply, Refusal> {
        let index = self.account.organization_index(id)?;
        let licenses = &mut self.account.licenses;
        match self.switches.deleted_organization {
            DeletedOrganization::Cascade => licenses.retain(|it| it.organization != Some(index)),
            DeletedOrganization::Release => {
                for license in licenses
                    .iter_mut()
                    .filter(|it| it.organization == Some(index))
                {
                    license.organization = None;
                    license.groups.clear();
                }
            }
            DeletedOrganization::Conflict => {
                if licenses.iter().any(|it| it.organization == Some(index)) {
                    return Err(new_refusal(409, format!("organization {id} has licences")));
                }
            }
        }
        self.account.organizations.remove(id);
        Ok(HttpReply::empty(204))
    }

    /// Refuses a name or an e-mail address that another organization has, with 409.
    fn expect_free_organization(&self, body: &Value) -> Result<(), Refusal> {
        for name in ["name", "email"] {
            let mut all = self.account.organizations.iter();
            if all.any(|organization| organization.fields[name] == body[name]) {
                let message = format!("{name}: an organization with {} exists", body[name]);
                return Err(new_refusal(409, message));
            }
        }
        Ok(())
    }

    /// Returns the next free id for an organization. Counted, not random, so that every run makes the same ids.
    fn unused_organization_id(&self) -> String {
        let organizations = &self.account.organizations;
        let id = |number: usize| format!("0b1f4a6e-63d8-4a0b-9d7c-{number:012}");
        let is_free = |number: &usize| organizations.get(&id(*number)).is_none();
        id((organizations.len() + 1..)
            .find(is_free)
            .unwrap_or_default())
    }
}

/// Sets the members of an organization that a checked body names.
fn set_members(fields: &mut JsonObject, body: &Value, address: AddressWrite) {
    for (name, value) in body.as_object().into_iter().flatten() {
        if name == "address" {
            let sent = value.as_object().cloned().unwrap_or_default();
            set_address(fields, sent, address);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
}

/// Sets the address; under `Replace` a part that the body leaves out becomes empty.
fn set_address(fields: &mut JsonObject, sent: JsonObject, mode: AddressWrite) {
    let Some(address) = fields.get_mut("address").and_then(Value::as_object_mut) else {
        return;
    };
    if mode == AddressWrite::Replace {
        for part in address.values_mut() {
            *part = json!("");
        }
    }
    address.extend(sent);
}

/// Refuses, with 400, an e-mail address without exactly one `@` between two texts.
pub(super) fn expect_email(body: &Value) -> Result<(), Refusal> {
    let Some(email) = body["email"].as_str() else {
        return Ok(());
    };
    let parts: Vec<&str> = email.split('@').collect();
    match parts.as_slice() {
        [local, domain] if !local.is_empty() && !domain.is_empty() => Ok(()),
        _ => Err(new_refusal(
            400,
            format!("email: {email:?} is no e-mail address"),
        )),
    }
}
