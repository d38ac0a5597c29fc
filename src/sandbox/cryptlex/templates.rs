//! The members that a loaded or created object gets if nothing gives them, from `defaults.json`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sandbox::account_document;
use crate::sandbox::layered_object::MemberLookup;
use crate::sandbox::strict_json::JsonObject;

/// The members of all kinds of objects that are date-times.
const DATES: [&str; 8] = [
    "createdAt",
    "updatedAt",
    "expiresAt",
    "effectiveDate",
    "activatedAt",
    "lastUsedAt",
    "maintenanceExpiresAt",
    "lastLoginAt",
];

/// One object of each kind, with the values that others start from.
pub(super) struct Templates {
    pub(super) organization: JsonObject,
    pub(super) group: JsonObject,
    pub(super) user: JsonObject,
    /// What a licence inherits from its product's licence template.
    pub(super) license: JsonObject,
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
            user: template("user")?,
            license: template("license")?,
        })
    }
}

/// Returns a loaded object with the template's members in place of those that it lacks; dates get the seven digits
/// that the API prints.
pub(super) fn fill_defaults(
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

/// Returns the id of an object, empty if it has none.
pub(super) fn id_of(fields: &impl MemberLookup) -> &str {
    text_member(fields, "id")
}

/// Returns a text member, empty if it is absent or no string.
pub(super) fn text_member<'a>(fields: &'a impl MemberLookup, name: &str) -> &'a str {
    fields.member(name).and_then(Value::as_str).unwrap_or("")
}

/// Returns the key that sorts objects by creation, then id.
///
/// Dates are normalised to seven digits, so that text order is time order.
pub(super) fn creation_order(fields: &impl MemberLookup) -> (String, String) {
    let created = text_member(fields, "createdAt");
    (created.to_owned(), id_of(fields).to_owned())
}
