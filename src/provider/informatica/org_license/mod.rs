//! The licences of a sub-organization at Informatica.
//!
//! * Write: `PUT /public/core/v3/license/org/{orgId}` overwrites all licences of a sub-organization with
//!   those of the body. Whether a list left out of it is emptied or left alone is not documented, so all
//!   three always go out. `id` and `parentOrg` do not, as in the page's example. The body of the reply is
//!   not documented and is ignored.
//! * Read: `GET` on the same path, one organization a call; there is no list. Elements have no order.
//! * Only an administrator of the parent organization may write.
//! * The licence has no version: the last writer wins, so the shell looks again just before a write.
//!
//! Sources: the vendor's pages "License", "Getting license details", "Updating a sub-organization's
//! licenses", "Login", "Session IDs", checked 2026-11-21;
//! "Logout" and the rules page, which asks to log out before a session ends, 2026-11-29.

mod fields;
mod reading;

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::{Call, Desired, KindTable, Live, Malformed, Method, Reply};
use crate::provider::codec;
use crate::provider::decode::{Atom, AtomShape, Columns, Row, Rows};
use crate::provider::reading::Reading;
use crate::provider::{Omissions, ResourceKind, Write, encode_segment};

/// The licences of a sub-organization.
pub struct OrgLicense;

impl ResourceKind for OrgLicense {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(reading::LicenseReading::new(desired))
    }

    fn omissions(&self) -> Omissions {
        Omissions {
            creation: "no page shows a call, and none lists licence definitions, editions or limits: their ids come from the vendor (searched 2026-11-29)",
            removal: "no page shows a call (searched 2026-11-29)",
            list: "no page shows a call: `entitle import --id` reads those that it names (searched 2026-11-29)",
        }
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        let path = path(write.desired.id("orgId"));
        Call::write(Method::Put, path, Json::Object(body))
    }

    fn echo(&self, _: &Desired, _: &Live, _: &Reply) -> Result<Live, Malformed> {
        Err(Malformed::new("the reply to a write shows nothing"))
    }
}

fn path(org: &str) -> String {
    format!("/public/core/v3/license/org/{}", encode_segment(org))
}

/// A licence as a reply shows it.
static LICENCES: LazyLock<Rows<1>> =
    LazyLock::new(|| Rows::new(Columns::of(fields::TABLE.desired), [AtomShape::at("id")]));

/// Decodes the licence of the organization `org`. A list or member that the reply leaves out stays unknown: whether
/// the vendor leaves out what is empty is not documented, and a write would send it as empty. A reply that neither
/// names the organization nor shows all lists is no licence.
fn decode(org: &str, mut licence: Row<'_, '_, 1>) -> Result<Live, Malformed> {
    let [id] = &licence.beside;
    let named = match id {
        Atom::Text(id) if id == org => true,
        Atom::Text(id) => {
            let text = format!("`id` is {id:?}: the reply is about another organization");
            return Err(Malformed::new(text));
        }
        Atom::Missing | Atom::Null => false,
        other => {
            let text = format!("`id` must be text, not {}", other.kind());
            return Err(Malformed::new(text));
        }
    };
    let fields = licence.finish()?;
    let mut lists = fields::TABLE.desired.iter().map(|list| list.name);
    match lists.find(|list| !fields.contains_key(list)) {
        Some(list) if !named => Err(Malformed::new(format!(
            "`{list}` is missing, and so is `id`"
        ))),
        Some(_) | None => Ok(Live {
            fields,
            ..Live::default()
        }),
    }
}

#[cfg(test)]
mod tests;
