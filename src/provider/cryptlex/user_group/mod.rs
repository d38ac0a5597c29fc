//! User groups of an organization of Cryptlex.
//!
//! * Write: `PATCH …/user-groups/{id}` with the members that change; the reply is the group. `POST …/user-groups` creates
//!   one, `DELETE …/user-groups/{id}` removes it from the organization, its users and its licenses.
//! * Read: no page shows a call for one group, so the list of the organization is walked to its end; see `reading`.
//! * Names: the page of `POST` lists a 409, that of `PATCH` does not. Names are taken to be unique, and two groups of one
//!   name are told as an error with both ids.
//!
//! Sources: the four pages of "User groups" under organizations, checked 2026-11-21 and 2026-11-29.

mod fields;
mod reading;

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::live::Fact;
use crate::model::{
    Call, Desired, KindTable, Live, Malformed, Method, Observed, ReadFailure, Reply, Text, Verdict,
    WritePurpose,
};
use crate::provider::codec;
use crate::provider::cryptlex::list_per_organization::{ListPerOrganization, OrganizationList};
use crate::provider::cryptlex::rows::{echoed_row, id_of, judge_write, rows_of};
use crate::provider::decode::{AtomShape, Columns, Row, Rows};
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{ResourceKind, Write, encode_segment};

/// A user group of an organization.
pub struct UserGroup;

impl ResourceKind for UserGroup {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(reading::GroupReading::new(desired))
    }

    /// A page of the list shows a hundred groups of one organization.
    fn ids_per_read(&self) -> usize {
        100
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(ListPerOrganization::new(&LIST)))
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let list = list_path(&write.id(fields::ORGANIZATION));
        let one = || format!("{list}/{}", encode_segment(&write.id(fields::ID)));
        let body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        match write.purpose {
            WritePurpose::Update(_) | WritePurpose::Schedule => {
                Call::write(Method::Patch, one(), Json::Object(body))
            }
            WritePurpose::Remove => Call::delete(one()),
            WritePurpose::Create => Call::write(Method::Post, list, Json::Object(body)),
        }
    }

    fn judge(&self, reply: &Reply) -> Verdict {
        judge_write(reply, WRITE)
    }

    fn note(&self, live: &Live) -> Option<String> {
        let users = live.number(fields::USERS).filter(|users| *users > 0);
        let users = users.map(|users| format!("{users} users are in it"));
        let licenses = live
            .number(fields::LICENSES)
            .map(|licenses| match licenses {
                0 => "no license names it".into(),
                100.. => "at least 100 licenses name it".into(),
                1 => "1 license names it".into(),
                _ => format!("{licenses} licenses name it"),
            });
        let notes: Vec<String> = users.into_iter().chain(licenses).collect();
        (!notes.is_empty() && live.number(fields::LICENSES).is_some()).then(|| notes.join(", "))
    }

    /// The reply to `PATCH` is the group, without the number of its users.
    fn echo(&self, _: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let group = echoed_row(&GROUPS, reply, before.text(fields::ID))?;
        decode(group)
    }
}

/// The scope of the pages of the writes, which differ in their last word.
const WRITE: &str = "organization:userGroup:update";
/// The scope that the page of the list prints.
const READ: &str = "organization:userGroup:read";

/// The user groups of each organization.
static LIST: OrganizationList = OrganizationList {
    path: list_path,
    scope: READ,
    read: |reply, name| {
        let rows = rows_of(&GROUPS, reply, name, &|_| true)?;
        Ok(rows.into_iter().map(|row| observe(row, name)).collect())
    },
    identity: [fields::ORGANIZATION, fields::ID],
};

/// Returns the path of an organization's groups.
fn list_path(organization: &str) -> String {
    let organization = encode_segment(organization);
    format!("/v3/organizations/{organization}/user-groups")
}

/// A group as lists and replies show it: its id, the number of its users, and its fields.
static GROUPS: LazyLock<Rows<2>> = LazyLock::new(|| {
    let beside = [AtomShape::at("id"), AtomShape::at(fields::USERS)];
    Rows::new(Columns::of(fields::TABLE.desired), beside).identified(|id| id.text().is_some())
});

type GroupRow<'de> = Row<'static, 'de, 2>;

/// Decodes a group from its row. Its id is a fact, since a manifest may name it by its name.
fn decode(mut row: GroupRow<'_>) -> Result<Live, Malformed> {
    let id = id_of(&row).unwrap_or_default();
    let mut live = Live {
        fields: row.finish()?,
        ..Live::default()
    };
    live.facts
        .insert(fields::ID.into(), Fact::Text(id.to_string()));
    let [_, users] = &row.beside;
    if let Some(users) = users.integer() {
        live.facts.insert(fields::USERS.into(), Fact::Number(users));
    }
    Ok(live)
}

/// Decodes a group that the call `name` showed, with its id; one that is not as documented is unread.
fn observe(row: GroupRow<'_>, name: &str) -> (Text, Observed) {
    let id = id_of(&row).unwrap_or_default();
    let observed = match decode(row) {
        Ok(live) => Observed::Live(live),
        Err(fault) => {
            let why = format!("{name}: user group {id}: {fault}");
            Observed::Unread(ReadFailure::odd(why))
        }
    };
    (id, observed)
}

#[cfg(test)]
mod tests;
