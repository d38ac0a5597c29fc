//! Users of an organization of Cryptlex, and the user groups that they are in.
//!
//! * Write: `PATCH …/users/{id}` with `userGroupIds` alone; what a body leaves out stays. That the list replaces the set
//!   is the natural reading of the page and not said; the reply shows it. It is the user with all groups.
//! * Read: the list of the organization's users; see `reading`. The pages know no call for one user.
//! * No creation: `POST …/users` carries a password. No page shows a call that removes a user.
//! * Privacy: rows have names and e-mail addresses. An address is compared with those of the manifests while its row is
//!   read, and nothing of it is kept. No call filters by it, since calls are logged.
//!
//! Sources: the pages "List all organization users", "Update an organization user" and "Create an organization user",
//! checked 2026-11-29.

mod fields;
mod reading;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::live::Fact;
use crate::model::{
    Call, Desired, KindTable, Live, Malformed, Method, Observed, ReadFailure, Reply, Text, Value,
    Verdict,
};
use crate::provider::cryptlex::list_per_organization::{ListPerOrganization, OrganizationList};
use crate::provider::cryptlex::rows::{echoed_row, id_of, judge_write, rows_of};
use crate::provider::decode::{Atom, AtomShape, Columns, Row, Rows};
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{Omissions, ResourceKind, Write, canon, codec, encode_segment};

/// A user of an organization.
pub struct OrganizationUser;

impl ResourceKind for OrganizationUser {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(reading::UserReading::new(desired))
    }

    /// A page of the list shows a hundred users of one organization.
    fn ids_per_read(&self) -> usize {
        100
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(ListPerOrganization::new(&LIST)))
    }

    fn omissions(&self) -> Omissions {
        Omissions {
            creation: "the call carries a password, which has no place in a manifest",
            removal: "no page shows a call (searched 2026-11-29)",
            ..Omissions::default()
        }
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let list = list_path(&write.id(fields::ORGANIZATION));
        let path = format!("{list}/{}", encode_segment(&write.id(fields::ID)));
        let body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        Call::write(Method::Patch, path, Json::Object(body))
    }

    /// Judges a refused write. The body has one member, so a 400 concerns that member. The message of a 403 is extended
    /// by the scope that the token lacks.
    fn judge(&self, reply: &Reply) -> Verdict {
        match judge_write(reply, UPDATE) {
            Verdict::Rejected { words, .. } if reply.status == 400 => Verdict::Rejected {
                fields: vec![(fields::GROUPS.to_string(), words.clone())],
                words,
            },
            other => other,
        }
    }

    fn echo(&self, _: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let user = echoed_row(&USERS, reply, before.text(fields::ID))?;
        decode(&user)
    }
}

/// The scopes that the pages of the write and of the list print.
const UPDATE: &str = "organization:user:update";
const READ: &str = "organization:user:read";

/// The users of each organization.
static LIST: OrganizationList = OrganizationList {
    path: list_path,
    scope: READ,
    read: |reply, name| {
        let rows = rows_of(&USERS, reply, name, &|_| true)?;
        let rows = rows.iter();
        Ok(rows
            .map(|row| (id_of(row).unwrap_or_default(), observed(row, name)))
            .collect())
    },
    identity: [fields::ORGANIZATION, fields::ID],
};

/// Returns the path of an organization's users.
fn list_path(organization: &str) -> String {
    let organization = encode_segment(organization);
    format!("/v3/organizations/{organization}/users")
}

/// A user as lists and replies show one: id, e-mail address, and the ids of the groups.
static USERS: LazyLock<Rows<3>> = LazyLock::new(|| {
    let beside = [
        AtomShape::at("id"),
        AtomShape::at(fields::EMAIL),
        AtomShape::each("userGroups", "id"),
    ];
    Rows::new(Columns::of(&[]), beside).identified(|id| id.text().is_some())
});

type UserRow<'de> = Row<'static, 'de, 3>;

/// Decodes a user. Groups that are absent or null are unknown, not "none": the next write would end all of them.
fn decode(row: &UserRow<'_>) -> Result<Live, Malformed> {
    let mut live = Live::default();
    let id = id_of(row).unwrap_or_default();
    live.facts
        .insert(fields::ID.into(), Fact::Text(id.to_string()));
    let [_, _, groups] = &row.beside;
    let groups = match groups {
        Atom::Each(groups) => groups,
        Atom::Missing | Atom::Null => return Ok(live),
        other => {
            let kind = other.kind();
            return Err(Malformed::new(format!(
                "`userGroups` must be a list, not {kind}"
            )));
        }
    };
    let ids = groups.iter().map(|id| id.text().map(canon::canonical_id));
    let ids: Option<BTreeSet<Text>> = ids.collect();
    let ids = ids.ok_or_else(|| Malformed::new("`userGroups[].id` must be text"))?;
    live.fields.insert(fields::GROUPS, Value::set(ids));
    Ok(live)
}

/// Decodes a user that the call `name` showed; one who is not as documented is unread.
fn observed(row: &UserRow<'_>, name: &str) -> Observed {
    match decode(row) {
        Ok(live) => Observed::Live(live),
        Err(fault) => {
            let id = id_of(row).unwrap_or_default();
            let why = format!("{name}: user {id}: {fault}");
            Observed::Unread(ReadFailure::odd(why))
        }
    }
}

#[cfg(test)]
mod tests;
