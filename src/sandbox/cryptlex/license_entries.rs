//! Metadata and meter attributes of a licence: lists of entries that are matched by `key` and by `name`.
//!
//! Entries have ids of their own, and separate calls delete them, which suggests that a PATCH adds and changes the
//! entries that it names and keeps the others. No page says so, hence the switch `entry_write`.
//!
//! Example: a licence with the metadata `a: 1, b: 2` is sent `b: 3, c: 4`. With `upsert` it then has `a: 1, b: 3,
//! c: 4`, with `replace` `b: 3, c: 4`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::switches::EntryWrite;
use crate::sandbox::account_document::format_seven_digits;
use crate::sandbox::strict_json::JsonObject;

/// The lists of entries, with the member that names an entry and what a new entry has beside it.
pub(super) const ENTRY_LISTS: [(&str, &str); 2] =
    [("metadata", "key"), ("meterAttributes", "name")];

/// Returns the entries of a list after a write of `sent`; new entries get ids made of the licence's.
pub(super) fn write_entries(
    list: &str,
    license: &str,
    current: &Value,
    sent: &[Value],
    mode: EntryWrite,
    now: Timestamp,
) -> Value {
    let name = ENTRY_LISTS
        .iter()
        .find(|(known, _)| *known == list)
        .map_or("", |(_, name)| name);
    let current: Vec<JsonObject> = current
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .cloned()
        .collect();
    let mut next = match mode {
        EntryWrite::Upsert => current.clone(),
        EntryWrite::Replace => Vec::new(),
    };
    for entry in sent.iter().filter_map(Value::as_object) {
        let same = |known: &&JsonObject| known.get(name) == entry.get(name);
        let known = current.iter().find(same);
        let written = match known {
            Some(known) => change_entry(known, entry, now),
            None => new_entry(list, license, next.len() + 1, entry, now),
        };
        match next
            .iter_mut()
            .find(|known| known.get(name) == entry.get(name))
        {
            Some(slot) => *slot = written,
            None => next.push(written),
        }
    }
    next.into_iter().map(Value::Object).collect()
}

/// Returns an entry with the sent members in place of its own.
fn change_entry(known: &JsonObject, sent: &JsonObject, now: Timestamp) -> JsonObject {
    let mut entry = known.clone();
    entry.extend(sent.clone());
    entry.insert("updatedAt".into(), json!(format_seven_digits(now)));
    entry
}

fn new_entry(
    list: &str,
    license: &str,
    number: usize,
    sent: &JsonObject,
    now: Timestamp,
) -> JsonObject {
    let at = json!(format_seven_digits(now));
    let mut entry = JsonObject::new();
    entry.insert("id".into(), json!(format!("{license}-{list}-{number}")));
    entry.insert("createdAt".into(), at.clone());
    entry.insert("updatedAt".into(), at);
    if list == "meterAttributes" {
        let unused = json!({"allowedUses": 0, "totalUses": 0, "grossUses": 0, "floating": false});
        entry.extend(unused.as_object().cloned().unwrap_or_default());
    }
    entry.extend(sent.clone());
    entry
}

/// Returns whether the views of an organization show an entry; one without permissions is from the seed and is shown.
pub(super) fn is_shown_to_organization(entry: &Value) -> bool {
    let permissions = entry["viewPermissions"].as_array();
    permissions.is_none_or(|allowed| allowed.iter().any(|view| view == "organization"))
}
