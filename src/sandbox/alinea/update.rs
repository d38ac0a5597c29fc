//! `PUT api/licenses/{id}`: binds the body to all writable members, validates them, replaces the licence.
//!
//! The members of `UpdateLicenseRequest` and of the reply are from the vendor's page of the call, checked
//! 2026-11-21. Which rules the application checks is not published; those here are the obvious ones: references
//! must exist, counts must not be negative, the end must not be before the start.
//!
//! A body is refused at one of two stages. Binding (types, unknown members) answers 400 with `ModelState`;
//! validation answers `{"Errors": [{"PropertyName", "Message"}], "IsValid": false}`. Each lists all its problems.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::account::{Guid, License};
use super::switches::{EmptyGuid, NoErrors, UnknownPolicy};
use super::{Alinea, Refusal, license_not_found, model_state_refusal};
use crate::sandbox::body_schema::{
    self, BodyProblem, MemberRule, SchemaStep, TEXT, ValueType, Violation,
};
use crate::sandbox::simulator::{HttpReply, HttpRequest};

/// The range of .NET's `int`.
pub(super) const INT: ValueType = ValueType::Integer(i32::MIN as i64, i32::MAX as i64);
const GUIDS: ValueType = ValueType::List(&ValueType::Guid);

/// All seventeen members of the body. Binding requires none; which may be `null` follows the page's samples.
static REQUEST: [MemberRule; 17] = [
    MemberRule::optional("LicenseId", ValueType::Guid),
    MemberRule::optional("LicenseName", TEXT).or_null(),
    MemberRule::optional("StartDate", ValueType::Instant).or_null(),
    MemberRule::optional("EndDate", ValueType::Instant).or_null(),
    MemberRule::optional("UserGroupId", ValueType::Guid),
    MemberRule::optional("OwnerId", ValueType::Guid),
    MemberRule::optional("AvailableSeats", INT),
    MemberRule::optional("ContactPersonName", TEXT).or_null(),
    MemberRule::optional("ContactPhone", TEXT).or_null(),
    MemberRule::optional("ContactEmail", TEXT).or_null(),
    MemberRule::optional("Buffer", INT).or_null(),
    MemberRule::optional("Grade", TEXT).or_null(),
    MemberRule::optional("LicenseCategoryId", ValueType::Guid).or_null(),
    MemberRule::optional("AllowableUserRoles", GUIDS).or_null(),
    MemberRule::optional("IsPaused", ValueType::Flag),
    MemberRule::optional("SeatUserGroupIds", GUIDS).or_null(),
    MemberRule::optional("PrivilegedUserRoles", GUIDS).or_null(),
];

impl Alinea {
    /// Replaces all writable members of a licence; a member that the body lacks becomes empty.
    pub(super) fn update_license(
        &mut self,
        id: Guid,
        request: &HttpRequest,
        now: Timestamp,
    ) -> Result<HttpReply, Refusal> {
        let body = self.parse_body(request)?;
        let ignore = self.switches.unknown_members == UnknownPolicy::Ignore;
        let mut problems = body_schema::check_body(&body, &REQUEST, ignore);
        if self.switches.strict_missing && body.is_object() {
            problems.extend(missing_members(&body));
        }
        if !problems.is_empty() {
            return Err(model_state_refusal(&problems));
        }
        let Some(license) = self.account.licenses.get(&id) else {
            return Err(license_not_found(id));
        };
        let mut next = bind_members(&body, license.clone());
        let errors = self.validate_license(id, &body, &next);
        if !errors.is_empty() {
            let status = self.switches.validation_status;
            let reply = json!({"Errors": errors, "IsValid": false});
            return Ok(HttpReply::json(status, &reply));
        }
        next.modified_at = Some(now);
        self.account.licenses.insert(id, next);
        let errors = match self.switches.errors_when_valid {
            NoErrors::Empty => json!([]),
            NoErrors::Null => Value::Null,
        };
        let reply = json!({"Errors": errors, "IsValid": true});
        Ok(HttpReply::json(200, &reply))
    }

    /// Returns all errors of the application's own rules, as `{"PropertyName", "Message"}`.
    fn validate_license(&self, id: Guid, body: &Value, next: &License) -> Vec<Value> {
        let mut errors = Vec::new();
        let mut refuse = |name: &str, words: String| {
            errors.push(json!({"PropertyName": name, "Message": words}));
        };
        let sent = guid_member(body, "LicenseId");
        if sent != id {
            let words = format!("LicenseId {sent} is not the license of the path, {id}.");
            refuse("LicenseId", words);
        }
        if next.license_name.trim().is_empty() {
            refuse("LicenseName", "LicenseName must not be empty.".into());
        }
        if let (Some(start), Some(end)) = (next.start_date, next.end_date)
            && end < start
        {
            refuse("EndDate", "EndDate must not be before StartDate.".into());
        }
        if next.available_seats < 0 {
            let words = "AvailableSeats must not be negative.";
            refuse("AvailableSeats", words.into());
        }
        if next.buffer.is_some_and(|buffer| buffer < 0) {
            refuse("Buffer", "Buffer must not be negative.".into());
        }

        let account = &self.account;
        let empty_passes = self.switches.empty_guid == EmptyGuid::Accept;
        let mut known = |name: &str, id: Guid, found: bool| {
            if !found {
                refuse(name, format!("{name}: {id} does not exist."));
            }
        };
        for (name, id, found) in [
            (
                "UserGroupId",
                next.user_group_id,
                account.user_groups.contains_key(&next.user_group_id),
            ),
            (
                "OwnerId",
                next.owner_id,
                account.owners.contains_key(&next.owner_id),
            ),
        ] {
            known(name, id, found || (id == Guid::EMPTY && empty_passes));
        }
        if let Some(id) = next.license_category_id {
            let found = account.categories.contains_key(&id);
            known("LicenseCategoryId", id, found);
        }
        for id in &next.allowable_user_roles {
            let found = account.roles.contains_key(id);
            known("AllowableUserRoles", *id, found);
        }
        for id in &next.seat_user_group_ids {
            let found = account.seat_groups.contains_key(id);
            known("SeatUserGroupIds", *id, found);
        }
        for id in &next.privileged_user_roles {
            let found = account.roles.contains_key(id);
            known("PrivilegedUserRoles", *id, found);
        }
        errors
    }
}

/// Lists the members that the body lacks, as problems.
fn missing_members(body: &Value) -> impl Iterator<Item = BodyProblem> {
    let absent = REQUEST
        .iter()
        .filter(|member| body.get(member.name).is_none());
    absent.map(|member| BodyProblem {
        path: vec![SchemaStep::Member(member.name.into())],
        violation: Violation::Missing,
    })
}

/// Returns the licence with every writable member taken from the body, empty where the body lacks it.
fn bind_members(body: &Value, license: License) -> License {
    let category = guid_member(body, "LicenseCategoryId");
    License {
        license_name: text_member(body, "LicenseName").unwrap_or_default(),
        start_date: date_member(body, "StartDate"),
        end_date: date_member(body, "EndDate"),
        user_group_id: guid_member(body, "UserGroupId"),
        owner_id: guid_member(body, "OwnerId"),
        available_seats: int_member(body, "AvailableSeats").unwrap_or(0),
        contact_person_name: text_member(body, "ContactPersonName"),
        contact_phone: text_member(body, "ContactPhone"),
        contact_email: text_member(body, "ContactEmail"),
        buffer: int_member(body, "Buffer"),
        grade: text_member(body, "Grade"),
        license_category_id: (category != Guid::EMPTY).then_some(category),
        allowable_user_roles: guid_list(body, "AllowableUserRoles"),
        is_paused: body["IsPaused"] == true,
        seat_user_group_ids: guid_list(body, "SeatUserGroupIds"),
        privileged_user_roles: guid_list(body, "PrivilegedUserRoles"),
        ..license
    }
}

/// Returns a text member; `None` if absent or `null`.
fn text_member(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().map(str::to_owned)
}

/// Returns a date-time member; `None` if absent or `null`.
fn date_member(body: &Value, name: &str) -> Option<Timestamp> {
    body[name].as_str().and_then(body_schema::parse_instant)
}

/// Returns an integer member; `None` if absent or `null`.
fn int_member(body: &Value, name: &str) -> Option<i32> {
    body[name].as_i64().and_then(|int| i32::try_from(int).ok())
}

/// Parses a GUID; `None` if the value is no string or no GUID.
fn parse_guid(value: &Value) -> Option<Guid> {
    Guid::try_from(value.as_str()?.to_owned()).ok()
}

/// Returns a GUID member, the empty GUID if absent.
fn guid_member(body: &Value, name: &str) -> Guid {
    parse_guid(&body[name]).unwrap_or(Guid::EMPTY)
}

/// Returns the GUIDs of a collection in the order of the body, each once.
fn guid_list(body: &Value, name: &str) -> Vec<Guid> {
    let all = body[name].as_array().into_iter().flatten();
    let mut unique = BTreeMap::new();
    all.filter_map(parse_guid)
        .filter(|id| unique.insert(*id, ()).is_none())
        .collect()
}
