//! Licenses of Cryptlex in the scope of the account, whether an organization has them or not.
//!
//! * Write: `PATCH /v3/licenses/{id}` with the members that change; the others stay as they are. The expiry is set to a
//!   moment by `PATCH /v3/licenses/{id}/expires-at`. Both replies are the whole license.
//! * Removal: `DELETE /v3/licenses/{id}`, which cannot be undone. No creation: a retry would make a second license, unless
//!   a key was chosen for it, and a key is a secret.
//! * Read: the list of all licenses, by pages or by `id[eq]`; see `reading`.
//! * Two spellings of one meaning: 0 and -1 are both unlimited in some fields; see `fields`.
//! * `renew` and `extend` move the expiry by an interval, each time they are called: never from here.
//! * The license key is a secret and is never read into anything.
//!
//! User groups belong to the kind `CryptlexOrganizationLicense`, whose call knows nothing else.
//!
//! Sources: the vendor's pages "Update a license", "Retrieve a license", "Delete a license", "List all licenses" and
//! "License Subscriptions", and the call of the expiry in its own integrations (GitHub cryptlex/third-party-integrations, paddle),
//! checked 2026-11-29 and 2026-11-30.

mod fields;
mod reading;

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::live::Fact;
use crate::model::{
    Call, Desired, Diagnostic, Diagnostics, KindTable, Live, Malformed, Mark, Method, Reply, Value,
    Verdict, WritePurpose,
};
use crate::provider::codec;
use crate::provider::cryptlex::account_listing::{AccountList, AccountListing};
use crate::provider::cryptlex::rows::{echoed_row, id_of, judge_write, rows_of};
use crate::provider::decode::{AtomShape, Columns, Row, Rows};
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::{Omissions, ResourceKind, Write, encode_segment};

/// The scope that the page "Update a license" prints. That of the call for the expiry is not stored.
const WRITE: &str = "license:write";

/// A license, with what it allows.
pub struct License;

impl ResourceKind for License {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    /// Refuses 0 where it means unlimited, since most readers of a manifest would take it for none.
    fn audit(
        &self,
        desired: &Desired,
        location: &dyn Fn(&str) -> Mark,
        findings: &mut Diagnostics,
    ) {
        for name in fields::UNLIMITED_AT_ZERO {
            if matches!(desired.fields.get(name), Some(Value::Integer(0))) {
                let message = format!("`{name}: 0` means unlimited at Cryptlex, as -1 does");
                findings.push(
                    Diagnostic::error("out-of-range", message)
                        .at(&desired.origin.source, location(name))
                        .hint("write -1 for unlimited, or 1 or more"),
                );
            }
        }
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        Box::new(reading::LicenseReading::new(desired))
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(AccountListing::new(&LIST)))
    }

    fn omissions(&self) -> Omissions {
        Omissions {
            creation: "POST /v3/licenses makes another license each time, and nothing that the list shows guards against doubles",
            ..Omissions::default()
        }
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let path = format!("/v3/licenses/{}", encode_segment(&write.id("licenseId")));
        let (call, path) = match write.purpose {
            WritePurpose::Remove => return Call::delete(path),
            WritePurpose::Update(fields::EXPIRY) => (fields::EXPIRY, format!("{path}/expires-at")),
            // No license is created from here.
            WritePurpose::Update(_) | WritePurpose::Create | WritePurpose::Schedule => (0, path),
        };
        let body = codec::encode_fields(fields::TABLE.fields_of(call), &write.fields);
        Call::write(Method::Patch, path, Json::Object(body))
    }

    /// Judges a refused write. The message of a 400 concerns the fields that it names, the message of a 403 is extended
    /// by the scope that the token lacks.
    fn judge(&self, reply: &Reply) -> Verdict {
        match judge_write(reply, WRITE) {
            Verdict::Rejected { words, .. } if reply.status == 400 => Verdict::Rejected {
                fields: named_fields(&words),
                words,
            },
            other => other,
        }
    }

    fn echo(&self, desired: &Desired, _: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let license = echoed_row(&LICENSES, reply, Some(desired.id("licenseId")))?;
        decode(license)
    }
}

/// The licenses of the account.
static LIST: AccountList = AccountList {
    path: reading::LIST,
    scope: reading::READ,
    read: |reply, name| {
        let rows = rows_of(&LICENSES, reply, name, &|_| true)?.into_iter();
        let listed = rows.map(|row| (id_of(&row).unwrap_or_default(), reading::shown(row, name)));
        Ok(listed.collect())
    },
    identity: "licenseId",
};

/// A license as lists and replies show it: its id, the count of its activations, and its fields.
static LICENSES: LazyLock<Rows<2>> = LazyLock::new(|| {
    let beside = [AtomShape::at("id"), AtomShape::at(fields::ACTIVATIONS)];
    Rows::new(Columns::of(fields::TABLE.desired), beside).identified(|id| id.text().is_some())
});

type LicenseRow<'de> = Row<'static, 'de, 2>;

/// Decodes a license from its row.
fn decode(mut row: LicenseRow<'_>) -> Result<Live, Malformed> {
    let mut live = Live {
        fields: row.finish()?,
        ..Live::default()
    };
    for name in fields::UNLIMITED_AT_ZERO {
        if let Some(limit @ Value::Integer(0)) = live.fields.get_mut(name) {
            *limit = Value::Integer(-1);
        }
    }
    let [_, activations] = &row.beside;
    if let Some(activations) = activations.integer() {
        let fact = Fact::Number(activations);
        live.facts.insert(fields::ACTIVATIONS.into(), fact);
    }
    Ok(live)
}

/// Returns the message for each field that it names, with or without a capital letter at the beginning.
fn named_fields(words: &str) -> Vec<(String, String)> {
    let named: Vec<&str> = words.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let fields = fields::TABLE.desired.iter().filter(|field| {
        named
            .iter()
            .any(|word| word.eq_ignore_ascii_case(field.name))
    });
    fields
        .map(|field| (field.name.to_string(), words.to_string()))
        .collect()
}

#[cfg(test)]
mod tests;
