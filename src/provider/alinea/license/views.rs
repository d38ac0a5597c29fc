//! The two views of a licence, and how they become one object with the names of the write call.
//!
//! `GET api/licenseDtoIndex/{id}` is flat and shows all but the owner and the contacts; `GET
//! api/licenses/{id}` is nested and shows those; what else it shows is not published (help pages, checked
//! 2026-11-21).

use serde_json::{Map, Value as Json};

use super::fields::TABLE;
use crate::model::live::{Fact, VERSION_FACT};
use crate::model::{Clearing, Field, Live, Malformed};
use crate::provider::decode;
use crate::provider::encode_segment;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Flat,
    Nested,
}

impl View {
    pub fn path(self, id: &str) -> String {
        let resource = match self {
            View::Flat => "licenseDtoIndex",
            View::Nested => "licenses",
        };
        format!("/api/{resource}/{}", encode_segment(id))
    }
}

/// Where else than under its own name a member of the write call is found: the names of the two views and
/// of the create call.
static RENAMED: &[(&str, &[&str])] = &[
    ("LicenseName", &["/Name"]),
    ("UserGroupId", &["/TargetUserGroupId", "/UserGroup/Id"]),
    ("OwnerId", &["/Owner/Id"]),
    ("LicenseCategoryId", &["/CategoryId"]),
    ("AllowableUserRoles", &["/AllowableUserRoleIds"]),
    ("PrivilegedUserRoles", &["/PrivilegedUserRoleIds"]),
];

/// Members that only the nested view is known to show, so that an empty one of the flat view does not count.
static NESTED_FIRST: &[&str] = &[
    "OwnerId",
    "ContactPersonName",
    "ContactPhone",
    "ContactEmail",
];

/// One object from both views. A member that neither shows stays unknown, and the plan refuses to write over it.
pub fn merge(flat: Map<String, Json>, nested: Map<String, Json>) -> Result<Live, Malformed> {
    let (flat, nested) = (Json::Object(flat), Json::Object(nested));
    let mut object = Map::new();
    for field in TABLE.desired {
        let views = if NESTED_FIRST.contains(&field.name) {
            [&nested, &flat]
        } else {
            [&flat, &nested]
        };
        if let Some(json) = views.iter().find_map(|view| shown(field, view)) {
            object.insert(field.name.into(), json.clone());
        }
    }
    let mut live = Live {
        fields: decode::decode_fields(TABLE.desired, &object)?,
        ..Live::default()
    };
    let modified = [&flat, &nested]
        .iter()
        .find_map(|view| view.get("ModifiedAt")?.as_str());
    if let Some(modified) = modified {
        live.facts
            .insert(VERSION_FACT.into(), Fact::Text(modified.into()));
    }
    Ok(live)
}

/// What a view shows of a member. A null where the write call takes none is a member that is not shown: a
/// licence whose owner is gone has `Owner: null`.
fn shown<'a>(field: &Field, view: &'a Json) -> Option<&'a Json> {
    let pointer = format!("/{}", field.name);
    let others = RENAMED
        .iter()
        .find(|(name, _)| *name == field.name)
        .map_or(&[][..], |(_, spellings)| *spellings);
    let list = matches!(field.shape, crate::model::Shape::Set(_));
    let nullable = list || field.clearing != Clearing::Impossible;
    std::iter::once(pointer.as_str())
        .chain(others.iter().copied())
        .filter_map(|spelling| view.pointer(spelling))
        .find(|json| nullable || !json.is_null())
}
