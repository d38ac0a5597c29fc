//! Organizations of Cryptlex.
//!
//! * Write: `PATCH /v3/organizations/{id}` with the members that change; the reply is the organization. The address is
//!   sent whole, see `fields`.
//! * Creation: `POST /v3/organizations`, whose page is not stored; see `fields`. Removal: `DELETE
//!   /v3/organizations/{id}`. No page says what becomes of the users, groups and licenses of a removed organization, so
//!   they are counted and shown first.
//! * Read: the list of organizations; see `reading`.
//!
//! Sources: the pages "List all organizations", "Update an organization", "Delete an organization" and, for the
//! creation, "Create an organization" below a reseller, checked 2026-11-29.

mod dependents;
mod fields;
mod reading;

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::live::Fact;
use crate::model::{
    Call, Desired, KindTable, Live, Malformed, Method, Observed, ReadFailure, Reply, Value,
    Verdict, WritePurpose,
};
use crate::provider::codec;
use crate::provider::cryptlex::account_listing::{AccountList, AccountListing};
use crate::provider::cryptlex::rows::{echoed_row, id_of, judge_write, rows_of};
use crate::provider::decode::{AtomShape, Columns, Row, Rows};
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{ResourceKind, Write, encode_segment};

/// An organization.
pub struct Organization;

impl ResourceKind for Organization {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(reading::OrganizationReading::new(desired))
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(AccountListing::new(&ORGANIZATION_LIST)))
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let one = || format!("{LIST}/{}", encode_segment(&write.id(fields::ID)));
        let body = Json::Object(codec::encode_fields(fields::TABLE.desired, &write.fields));
        match write.purpose {
            WritePurpose::Update(_) | WritePurpose::Schedule => {
                Call::write(Method::Patch, one(), body)
            }
            WritePurpose::Remove => Call::delete(one()),
            WritePurpose::Create => Call::write(Method::Post, LIST.to_string(), body),
        }
    }

    fn judge(&self, reply: &Reply) -> Verdict {
        judge_write(reply, WRITE)
    }

    fn note(&self, live: &Live) -> Option<String> {
        dependents::note(live)
    }

    fn echo(&self, _: &Desired, before: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let row = echoed_row(&ORGANIZATIONS, reply, before.text(fields::ID))?;
        let mut after = decode(row)?;
        // A write moves no user; the reply does not count them.
        if let Some(users) = before.number(fields::USERS) {
            after
                .facts
                .insert(fields::USERS.into(), Fact::Number(users));
        }
        Ok(after)
    }
}

/// The list of organizations.
pub const LIST: &str = "/v3/organizations";
/// The scopes that the pages of the list and of the writes print.
pub const READ: &str = "organization:read";
const WRITE: &str = "organization:write";

/// The organizations of the account.
static ORGANIZATION_LIST: AccountList = AccountList {
    path: LIST,
    scope: READ,
    read: |reply, name| {
        let rows = rows_of(&ORGANIZATIONS, reply, name, &|_| true)?.into_iter();
        let listed = rows.map(|row| (id_of(&row).unwrap_or_default(), observed(row, name)));
        Ok(listed.collect())
    },
    identity: fields::ID,
};

/// An organization as lists and replies show it: its id and its fields.
static ORGANIZATIONS: LazyLock<Rows<1>> = LazyLock::new(|| {
    let columns = Columns::of(fields::TABLE.desired);
    Rows::new(columns, [AtomShape::at("id")]).identified(|id| id.text().is_some())
});

type OrganizationRow<'de> = Row<'static, 'de, 1>;

/// Decodes an organization from its row. Its id is a fact, since a manifest may name it by its name.
fn decode(mut row: OrganizationRow<'_>) -> Result<Live, Malformed> {
    let id = id_of(&row).unwrap_or_default();
    let mut live = Live {
        fields: row.finish()?,
        ..Live::default()
    };
    live.facts
        .insert(fields::ID.into(), Fact::Text(id.to_string()));
    Ok(live)
}

/// Decodes an organization that the call `name` showed; one that is not as documented is unread.
fn observed(row: OrganizationRow<'_>, name: &str) -> Observed {
    let id = id_of(&row).unwrap_or_default();
    match decode(row) {
        Ok(live) => Observed::Live(live),
        Err(fault) => {
            let why = format!("{name}: organization {id}: {fault}");
            Observed::Unread(ReadFailure::odd(why))
        }
    }
}

/// Returns the name of an organization that was read; `None` if the reply does not show it.
fn name_of(observed: &Observed) -> Option<&str> {
    let Observed::Live(live) = observed else {
        return None;
    };
    match live.fields.get(fields::NAME) {
        Some(Value::Text(name)) => Some(name),
        _ => None,
    }
}

/// Reads the ids of a page of the list of organizations. `Err` if the reply is no list of rows with ids.
pub fn read_ids(reply: &Reply, name: &str) -> Result<Vec<String>, ReadFailure> {
    let rows = rows_of(&ORGANIZATIONS, reply, name, &|_| false)?;
    let ids = rows.iter().map(|row| id_of(row).unwrap_or_default());
    Ok(ids.map(String::from).collect())
}

#[cfg(test)]
mod tests;
