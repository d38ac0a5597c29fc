//! Accounts of the simulators, flattened so that two of them can be compared.

use std::collections::{BTreeMap, BTreeSet};

use entitle::sandbox::{ForeignEdit, SandboxServer};
use serde_json::Value as Json;

/// An account as paths and values; lists by what tells their elements apart, times of change left out.
pub type Flat = BTreeMap<String, Json>;

pub fn flat(state: &Json) -> Flat {
    let mut found = BTreeMap::new();
    flatten(state, "", &mut found);
    found
}

fn flatten(value: &Json, path: &str, found: &mut Flat) {
    const CLOCKS: [&str; 7] = [
        "updatedAt",
        "updated_at",
        "ModifiedAt",
        "update_time",
        "createdAt",
        "created_at",
        "creation_time",
    ];
    match value {
        Json::Object(members) => {
            let row = members.contains_key("product_feature");
            for (name, value) in members {
                // Rows may be made anew; they are told apart by their feature.
                if !(CLOCKS.contains(&name.as_str()) || row && name == "id") {
                    flatten(value, &format!("{path}/{name}"), found);
                }
            }
        }
        Json::Array(items) => {
            for item in items {
                let label = label(item);
                flatten(item, &format!("{path}[{label}]"), found);
            }
        }
        other => {
            found.insert(path.to_string(), other.clone());
        }
    }
}

fn label(item: &Json) -> String {
    const KEYS: [&str; 9] = [
        "product_feature",
        "licenseDef",
        "edition",
        "limitDefinition",
        "activation_key",
        "Id",
        "id",
        "code",
        "name",
    ];
    let Json::Object(members) = item else {
        return item.to_string();
    };
    let key = KEYS
        .iter()
        .find_map(|key| members.get(*key))
        .unwrap_or(&Json::Null);
    let version = members
        .get("version")
        .map(|version| format!(" {version}"))
        .unwrap_or_default();
    format!("{key}{version}")
}

/// Paths on which two accounts differ.
pub fn differences(a: &Flat, b: &Flat) -> Vec<String> {
    a.keys()
        .chain(b.keys())
        .filter(|path| a.get(*path) != b.get(*path))
        .map(|path| format!("{path}: {:?} and {:?}", a.get(path), b.get(path)))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// A text, or any other value as JSON.
pub fn text(json: &Json) -> String {
    json.as_str().map_or(json.to_string(), str::to_string)
}

/// The field of the object that an edit is in.
pub fn field(edit: &ForeignEdit) -> String {
    let path = text(&edit.change["field"]);
    let mut parts = path.split(['/', '[', '.']);
    let first = parts.find(|part| !part.is_empty());
    first.unwrap_or_default().to_string()
}

/// The account is what a quiet apply leaves, and no object was written with two different bodies.
pub fn exactly(sandbox: &SandboxServer, vendor: &str, wanted: &Flat) -> Result<(), String> {
    let state = flat(&sandbox.state(vendor)?);
    let differences = differences(wanted, &state);
    if !differences.is_empty() {
        return Err(format!("wanted and found: {}", differences.join("; ")));
    }
    let mut bodies: Flat = BTreeMap::new();
    for seen in sandbox.requests() {
        let writes = ["PATCH", "PUT"].contains(&seen.method.as_str())
            || seen.path.contains("update_features");
        if let (true, Some(body)) = (writes, seen.body) {
            let first = bodies
                .entry(seen.path.clone())
                .or_insert_with(|| body.clone());
            if *first != body {
                return Err(format!(
                    "{} was written with two bodies: {first} and {body}",
                    seen.path
                ));
            }
        }
    }
    Ok(())
}

/// The account is what a quiet apply leaves, but for fields that somebody else changed.
pub fn but_for_edits(sandbox: &SandboxServer, vendor: &str, wanted: &Flat) -> Result<(), String> {
    let state = flat(&sandbox.state(vendor)?);
    let edits: Vec<(String, String)> = sandbox
        .foreign_edits()
        .iter()
        .map(|edit| (text(&edit.change["object"]), field(edit)))
        .collect();
    // What was used stays used: the newest count of each counter is in the account.
    let mut used: BTreeMap<(String, String), Json> = BTreeMap::new();
    for edit in sandbox.foreign_edits() {
        let (object, name) = (text(&edit.change["object"]), text(&edit.change["field"]));
        if edit.change["usage"] == true {
            used.insert((object, name), edit.change["after"].clone());
        } else {
            // Whoever takes a row away takes its counter too.
            used.retain(|(of, counter), _| *of != object || !counter.starts_with(&name));
        }
    }
    for ((object, field), after) in &used {
        let counter = field.rsplit(['/', '.']).next().unwrap_or_default();
        let held = |(path, value): (&String, &Json)| {
            path.contains(object.as_str()) && path.ends_with(counter) && value == after
        };
        if !state.iter().any(held) {
            return Err(format!(
                "the use of {object} {field} was set back from {after}"
            ));
        }
    }
    let unexplained: Vec<String> = differences(wanted, &state)
        .into_iter()
        .filter(|path| {
            !edits
                .iter()
                .any(|(object, field)| path.contains(object) && path.contains(field))
        })
        .collect();
    if unexplained.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "nobody else changed: {}; edits: {edits:?}",
            unexplained.join("; ")
        ))
    }
}
