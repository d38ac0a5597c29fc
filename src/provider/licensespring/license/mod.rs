//! Licenses of LicenseSpring, with their product features and settings.
//!
//! * Write: `PATCH …/{id}/` with the settings that change; the others stay as they are. Some want another one beside them,
//!   and two exclude each other; see `fields`. The reply is the whole license. `POST …/enable/` and `…/disable/` have no
//!   body and answer with a message.
//! * Features: `POST …/update_features/` makes the list in its body the license's whole set: what is not in
//!   it is deleted, and whether a row keeps a member that an item leaves out is not documented. So every
//!   item carries all live values, except the counter of use. The reply is the whole license.
//! * Read: the list with `id__in`, a hundred licenses in a call; see `reading`.
//! * Spelling: rows nest the feature as an object, writes name it by its code. Rows are matched by code:
//!   their own ids may change with every write. Ids of licenses have up to 19 digits.
//! * Rows have members that the write of the list cannot name. Where one is set, each row that changes is written by
//!   itself, `PATCH /license-product-features/{id}`, and what needs the list is refused.
//! * An unknown code may be refused or silently left out; the second shows in the reply.
//! * License keys and the clear-text `initial_password` of users stand in every reply: nothing but the
//!   members of the field table is read.
//!
//! Sources: the vendor's pages "Update License Product Features", "Update License", "Enable License", "Disable License",
//! "List Licenses", "Rate limiting", "Management API authorization", and its public clients, checked 2026-11-21 and
//! 2026-11-30.

mod fields;
mod listing;
mod reading;
mod schedule;
mod schedule_reading;

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::model::live::Fact;
use crate::model::{
    Call, Desired, Diagnostics, FieldPath, Fields, KindTable, Live, Malformed, Mark, Method,
    PathPart, Reply, Value, Verdict, WritePurpose,
};
use crate::provider::codec;
use crate::provider::decode::{AtomShape, Columns, Row, Rows};
use crate::provider::kind::judge_status;
use crate::provider::licensespring::envelope::{id_of, is_id};
use crate::provider::licensespring::refusal::member_messages;
use crate::provider::licensespring::span;
use crate::provider::listing::Listing;
use crate::provider::reading::Reading;
use crate::provider::schedule::Scheduler;
use crate::provider::{Omissions, ResourceKind, Route, WouldLose, Write, error_text};

/// A license, with its product features.
pub struct License;

impl ResourceKind for License {
    fn table(&self) -> &'static KindTable {
        &fields::TABLE
    }

    fn reading(&self, desired: &[&Desired]) -> Box<dyn Reading> {
        schedule_reading::with_schedules(desired, Box::new(reading::LicenseReading::new(desired)))
    }

    fn ids_per_read(&self) -> usize {
        reading::BATCH
    }

    /// Checks that lengths of time have the form of the page.
    fn audit(
        &self,
        desired: &Desired,
        location: &dyn Fn(&str) -> Mark,
        findings: &mut Diagnostics,
    ) {
        span::audit(&fields::SPANS, desired, location, findings);
    }

    /// A row may be made anew by a write of the list, without what that cannot name. Where a row has such a member, each
    /// row that changes is written by itself, if the changes are of members that the call for one row names.
    fn route(
        &self,
        call: usize,
        live: &Live,
        next: &Fields,
        paths: &[&FieldPath],
    ) -> Result<Route, WouldLose> {
        if call != 0 {
            return Ok(Route::Call);
        }
        match find_loss(live, next) {
            None => Ok(Route::Call),
            Some(_) if paths.iter().all(|path| is_row_change(live, next, path)) => {
                Ok(Route::EachElement(fields::ROW))
            }
            Some(loss) => Err(loss),
        }
    }

    fn scheduler(&self) -> Option<&'static dyn Scheduler> {
        Some(&schedule::LicenseScheduler)
    }

    fn listing(&self) -> Option<Box<dyn Listing>> {
        Some(Box::new(listing::LicenseListing::new()))
    }

    /// With the slash at the end: without it the server may answer by a redirect, which a write must not
    /// follow.
    fn omissions(&self) -> Omissions {
        Omissions {
            creation: "a license comes with an order",
            removal: "the call, DELETE /api/v1/licenses/{id}/, cannot be undone and is not used",
            ..Omissions::default()
        }
    }

    fn encode(&self, write: &Write<'_>) -> Call {
        let license = format!("/api/v1/licenses/{}/", write.desired.id("licenseId"));
        let body = codec::encode_fields(fields::TABLE.desired, &write.fields);
        match write.purpose {
            WritePurpose::Update(fields::SETTINGS) => {
                Call::write(Method::Patch, license, Json::Object(body))
            }
            WritePurpose::Update(fields::SWITCH) => {
                let enabled = write.fields.get(fields::ENABLED) == Some(&Value::Bool(true));
                let action = if enabled { "enable" } else { "disable" };
                Call::bare(Method::Post, format!("{license}{action}/"))
            }
            WritePurpose::Update(fields::ROW) => encode_row(write),
            // No license is created or removed from here, and the scheduler spells its own writes.
            WritePurpose::Update(_)
            | WritePurpose::Create
            | WritePurpose::Remove
            | WritePurpose::Schedule => {
                let path = format!("{license}update_features/");
                Call::write(Method::Post, path, Json::Object(body))
            }
        }
    }

    fn judge(&self, reply: &Reply) -> Verdict {
        match judge_status(reply) {
            Verdict::Rejected { words, fields: _ } => Verdict::Rejected {
                words,
                fields: named(reply),
            },
            other => other,
        }
    }

    fn echo(&self, desired: &Desired, _: &Live, reply: &Reply) -> Result<Live, Malformed> {
        let license = LICENSES
            .one(&reply.body)
            .map_err(|error| Malformed::new(error_text::describe_unreadable(reply, &error)))?
            .ok_or_else(|| Malformed::new("the reply is no object"))?;
        if id_of(&license).as_deref() != Some(desired.id("licenseId")) {
            return Err(Malformed::new("`id` is not the one that was written"));
        }
        decode(license)
    }
}

/// Returns the first member of a row, among those that stay, that the write of the list may lose.
fn find_loss(live: &Live, next: &Fields) -> Option<WouldLose> {
    let list = FieldPath::default().field(fields::FEATURES);
    let rows = next.get(fields::FEATURES).map_or(&[][..], Value::items);
    rows.iter().find_map(|(key, _)| {
        let row = list.element(key.clone());
        let set = fields::UNNAMED
            .iter()
            .find(|member| live.facts.contains_key(&row.field(member).to_string()))?;
        Some(WouldLose {
            row: row.to_string(),
            member: set,
            advice: "change the features of this license at the vendor",
        })
    })
}

/// Reports whether a change can be sent by the call for one row: of a row that is there, of a member that the call names,
/// to a value. That it takes null is not documented.
fn is_row_change(live: &Live, next: &Fields, path: &FieldPath) -> bool {
    let [list, PathPart::Element(key), PathPart::Field(member)] = path.parts() else {
        return false;
    };
    let row = FieldPath::default()
        .field(fields::FEATURES)
        .element(key.clone());
    let value = next
        .get(fields::FEATURES)
        .and_then(|rows| rows.item(key)?.get(member));
    *list == PathPart::Field(fields::FEATURES)
        && fields::ROW_MEMBERS.contains(member)
        && value.is_some_and(|value| *value != Value::Null)
        && live
            .number(&row.field(fields::ROW_ID).to_string())
            .is_some()
}

/// Spells the write of one row, whose id live has.
fn encode_row(write: &Write<'_>) -> Call {
    let list = FieldPath::default().field(fields::FEATURES);
    let rows = write
        .fields
        .get(fields::FEATURES)
        .map_or(&[][..], Value::items);
    let row = rows.first().map(|(key, fields)| {
        let id = list.element(key.clone()).field(fields::ROW_ID).to_string();
        (write.live.number(&id).unwrap_or_default(), fields)
    });
    let (id, members) = row.map_or_else(Default::default, |(id, fields)| {
        (id, codec::encode_fields(fields::ITEMS.fields, fields))
    });
    // The page prints the path without the slash; with it, as for all others, no redirect stands in the way.
    let path = format!("/api/v1/license-product-features/{id}/");
    Call::write(Method::Patch, path, Json::Object(members))
}

/// A license as lists and replies show it. Its rows nest the feature as an object where the write call has
/// its code.
static LICENSES: LazyLock<Rows<4>> = LazyLock::new(|| {
    let columns = Columns::of(fields::TABLE.desired)
        .key_inside(fields::FEATURES, "code")
        .unnamed(fields::FEATURES, fields::BESIDE);
    let beside = [
        AtomShape::at("id"),
        AtomShape::at(fields::ACTIVATED),
        AtomShape::at(fields::USED),
        AtomShape::at(fields::FLOATING),
    ];
    Rows::new(columns, beside).identified(is_id)
});

type LicenseRow<'de> = Row<'static, 'de, 4>;

/// Decodes a license from its row.
fn decode(mut row: LicenseRow<'_>) -> Result<Live, Malformed> {
    let mut live = Live {
        fields: row.finish()?,
        ..Live::default()
    };
    let [_, activated, used, floating] = &row.beside;
    for (name, count) in [
        (fields::ACTIVATED, activated),
        (fields::USED, used),
        (fields::FLOATING, floating),
    ] {
        if let Some(count) = count.integer() {
            live.facts.insert(name.into(), Fact::Number(count));
        }
    }
    let list = FieldPath::default().field(fields::FEATURES);
    let Some(Value::Items(rows)) = live.fields.get_mut(fields::FEATURES) else {
        return Ok(live);
    };
    let (mut ids, mut is_unnamed) = (Vec::new(), false);
    for (key, row) in rows.iter_mut() {
        let at = list.element(key.clone());
        for member in fields::UNNAMED {
            if let Some(Value::Text(set)) = row.remove(member) {
                let name = at.field(member).to_string();
                live.facts.insert(name.into(), Fact::Text(set.to_string()));
                is_unnamed = true;
            }
        }
        if let Some(Value::Text(id)) = row.remove(fields::ROW_ID) {
            ids.push((key.clone(), id));
        }
        if let Some(Value::Integer(used)) = row.get(fields::USED) {
            let name = at.field(fields::USED).to_string();
            live.facts.insert(name.into(), Fact::Number(*used));
        }
    }
    // Rows are written by themselves only where one has a member that the write of the list cannot name.
    let ids = ids.into_iter().filter(|_| is_unnamed);
    for (key, id) in ids {
        if let Ok(id) = id.parse() {
            let name = list.element(key).field(fields::ROW_ID).to_string();
            live.facts.insert(name.into(), Fact::Number(id));
        }
    }
    Ok(live)
}

/// Returns the messages of a refusal by the field that they concern: `{"trial_days": ["…"]}`. That of the list has one
/// entry per item that was sent: `{"product_features": [{}, {"max_consumption": ["…"]}]}`. The error shapes of this API
/// are those of its framework; they are not documented.
fn named(reply: &Reply) -> Vec<(String, String)> {
    let body: Option<Json> = serde_json::from_str(&reply.body).ok();
    let fields = fields::TABLE.desired.iter().filter_map(|field| {
        let reported = body.as_ref()?.get(field.name)?;
        let reported = match field.name {
            fields::FEATURES => item_messages(reported),
            _ => member_messages(reported),
        };
        let words = format!("{}: {}", reply.status, reported.join("; "));
        (!reported.is_empty()).then(|| (field.name.to_string(), words))
    });
    fields.collect()
}

/// Returns the messages about the list, each with the number of its item.
fn item_messages(reported: &Json) -> Vec<String> {
    let entries = reported
        .as_array()
        .map_or(std::slice::from_ref(reported), Vec::as_slice);
    let entries = entries.iter().enumerate().filter_map(|(i, entry)| {
        let reported = error_text::from_error_json(entry)?;
        Some(if entry.is_object() {
            format!("item {}: {reported}", i + 1)
        } else {
            reported
        })
    });
    entries.collect()
}

#[cfg(test)]
mod tests;
