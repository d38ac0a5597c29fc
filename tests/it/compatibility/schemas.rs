//! Schemas of the last version beside those of this one.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value as Json;

use super::{kept_document, newest};
use crate::examples::files_below;
use crate::support::golden;

fn kept_schema(name: &str) -> Json {
    let text = std::fs::read_to_string(newest().join("schemas").join(name)).expect("a schema");
    serde_json::from_str(&text).expect("JSON")
}

/// Each schema of the last version with the same of this one.
fn pairs() -> Vec<(&'static str, Json, Json)> {
    let now: Vec<(&str, Json)> = entitle::cli::all_schemas().collect();
    let files = golden::files(&newest().join("schemas"), "json");
    let pairs = files.iter().map(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        let found = now.iter().find(|(known, _)| *known == name);
        let (name, schema) = found.unwrap_or_else(|| panic!("the schema {name} is gone"));
        (*name, kept_schema(name), schema.clone())
    });
    pairs.collect()
}

#[test]
fn documents_of_the_last_version_are_accepted() {
    let mut seen = 0;
    for (name, before, schema) in pairs() {
        let documents = match name {
            "manifest.json" => manifests(&newest()),
            "events.json" => lines("events.jsonl"),
            other => vec![kept_document(other)],
        };
        let before = jsonschema::validator_for(&before).expect("a schema");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        // The schema of manifests does not know the values of environments in the fields of objects.
        for document in documents
            .iter()
            .filter(|document| before.is_valid(document))
        {
            let faults: Vec<String> = validator
                .iter_errors(document)
                .map(|error| error.to_string())
                .collect();
            assert!(faults.is_empty(), "{name}: {faults:?} in {document:#}");
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} documents");
}

fn lines(name: &str) -> Vec<Json> {
    let text = std::fs::read_to_string(newest().join("documents").join(name)).expect("there");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn manifests(version: &Path) -> Vec<Json> {
    let files = files_below(&version.join("manifests")).into_iter();
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "yaml"));
    let texts = files.map(|path| std::fs::read_to_string(path).expect("readable"));
    let documents = texts.flat_map(|text| {
        let documents = serde_yaml::Deserializer::from_str(&text);
        let read = documents
            .map(|document| serde::Deserialize::deserialize(document).expect("YAML as JSON"));
        read.collect::<Vec<Json>>()
    });
    documents.collect()
}

/// A reader of the last version finds every member where it was, and those that were always there still are.
#[test]
fn no_member_of_a_json_format_is_gone() {
    let mut faults = Vec::new();
    for (name, before, now) in pairs() {
        if name != "manifest.json" {
            faults.extend(
                lost(&before, &now)
                    .into_iter()
                    .map(|fault| format!("{name}: {fault}")),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Every member, kind and choice of the manifest format is still taken, and nothing more is asked for.
#[test]
fn no_manifest_of_the_last_version_is_refused() {
    let (before, now) = (
        kept_schema("manifest.json"),
        entitle::render::schema::manifest_schema(),
    );
    let branches = |schema: &Json| schema["allOf"].as_array().cloned().unwrap_or_default();
    let kind = |branch: &Json| branch["if"]["properties"]["kind"]["const"].clone();
    let mut faults = Vec::new();
    for branch in branches(&before) {
        match branches(&now)
            .into_iter()
            .find(|other| kind(other) == kind(&branch))
        {
            Some(other) => faults.extend(refused(&branch, &other)),
            None => faults.push(format!("the kind {} is gone", kind(&branch))),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_is_lost_is_found() {
    let schema = |text: &str| serde_json::from_str::<Json>(text).expect("JSON");
    let before = schema(r#"{"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]}"#);
    assert!(lost(&before, &before).is_empty());
    let chosen = schema(
        r#"{"properties": {"a": {"anyOf": [{"type": "string"}, {}]}, "b": {"anyOf": [{}]}}, "required": ["a"]}"#,
    );
    assert!(refused(&before, &chosen).is_empty());
    let gone = schema(r#"{"properties": {"a": {"type": "string"}}, "required": ["a"]}"#);
    assert_eq!(lost(&before, &gone), ["/properties/b is gone"]);
    let optional = schema(r#"{"properties": {"a": {"type": "string"}, "b": {}}}"#);
    assert_eq!(
        lost(&before, &optional),
        [" does not always have a any more"]
    );
    let other = schema(r#"{"properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]}"#);
    assert_eq!(
        lost(&before, &other),
        ["/properties/a/type was \"string\" and is \"integer\""]
    );
    let (some, null) = (
        schema(r#"{"type": ["string", "null"]}"#),
        schema(r#"{"type": ["integer", "null"]}"#),
    );
    assert_eq!(lost(&some, &null).len(), 1);
    let (one, other) = (
        schema(r##"{"$ref": "#/definitions/A"}"##),
        schema(r##"{"$ref": "#/definitions/B"}"##),
    );
    assert_eq!(lost(&one, &other), [" is no \"#/definitions/A\" any more"]);
    let (words, fewer) = (
        schema(r#"{"oneOf": [{"const": "x"}, {"enum": ["y", "z"]}]}"#),
        schema(r#"{"oneOf": [{"const": "x"}, {"enum": ["z"]}]}"#),
    );
    assert_eq!(lost(&words, &fewer), [" has the word y no more"]);
    assert!(lost(&fewer, &words).is_empty());
    let event = |members: &str| {
        let text = r#"{"oneOf": [{"properties": {"type": {"const": "done"}, MEMBERS}}]}"#;
        schema(&text.replace("MEMBERS", members))
    };
    let (two, gone) = (event(r#""a": {}, "b": {}"#), event(r#""a": {}"#));
    assert_eq!(lost(&two, &gone), ["/done/properties/b is gone"]);
    let none = schema(r#"{"oneOf": []}"#);
    assert_eq!(lost(&two, &none), ["/done is gone"]);
    let more =
        schema(r#"{"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a", "b"]}"#);
    assert_eq!(refused(&before, &more), [" asks for b"]);
    let (all, some) = (
        schema(r#"{"enum": ["x", "y"]}"#),
        schema(r#"{"enum": ["x"]}"#),
    );
    assert_eq!(refused(&all, &some), ["/enum has \"y\" no more"]);
    assert!(refused(&some, &all).is_empty());
}

/// Lists what a reader of documents loses: members that are gone or not always there, and types that are others.
fn lost(before: &Json, now: &Json) -> Vec<String> {
    let mut faults = Vec::new();
    walk("", before, Some(now), &mut |at, before, now| {
        let Some(now) = now else {
            faults.push(format!("{at} is gone"));
            return false;
        };
        for name in names(&before["required"]).difference(&names(&now["required"])) {
            faults.push(format!("{at} does not always have {name} any more"));
        }
        if !types(now).is_subset(&types(before)) {
            faults.push(format!(
                "{at}/type was {} and is {}",
                before["type"], now["type"]
            ));
        }
        if before["$ref"] != now["$ref"] {
            faults.push(format!("{at} is no {} any more", before["$ref"]));
        }
        for word in words(before).difference(&words(now)) {
            faults.push(format!("{at} has the word {word} no more"));
        }
        true
    });
    faults
}

/// Lists what a writer of manifests may not write any more: members and choices that are gone, and what is asked for newly.
fn refused(before: &Json, now: &Json) -> Vec<String> {
    let mut faults = Vec::new();
    let now = &without_added_choices(before, now);
    walk("", before, Some(now), &mut |at, before, now| {
        let Some(now) = now else {
            faults.push(format!("{at} is gone"));
            return false;
        };
        for name in names(&now["required"]).difference(&names(&before["required"])) {
            faults.push(format!("{at} asks for {name}"));
        }
        let list = |schema: &Json| schema["enum"].as_array().cloned().unwrap_or_default();
        let (had, has) = (list(before), list(now));
        let gone = had
            .iter()
            .filter(|value| !has.is_empty() && !has.contains(value));
        faults.extend(gone.map(|value| format!("{at}/enum has {value} no more")));
        true
    });
    faults
}

/// The schema without what may stand now in place of a value, where nothing else could before: the value itself comes first.
fn without_added_choices(before: &Json, now: &Json) -> Json {
    match now {
        Json::Object(members) => match &members.get("anyOf") {
            Some(choices) if before["anyOf"].is_null() => {
                without_added_choices(before, &choices[0])
            }
            _ => {
                let members = members.iter();
                let kept = members
                    .map(|(name, now)| (name.clone(), without_added_choices(&before[name], now)));
                Json::Object(kept.collect())
            }
        },
        Json::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(at, now)| without_added_choices(&before[at], now))
                .collect()
        }
        other => other.clone(),
    }
}

/// The types that a value may have; none where anything goes.
fn types(schema: &Json) -> BTreeSet<&str> {
    let (one, several) = (schema["type"].as_str(), schema["type"].as_array());
    let several = several.into_iter().flatten().filter_map(Json::as_str);
    one.into_iter().chain(several).collect()
}

/// The words that a text may be: those with a description of their own are branches.
fn words(schema: &Json) -> BTreeSet<&str> {
    let branches = schema["oneOf"].as_array().into_iter().flatten();
    let all = branches.chain([schema]).flat_map(|part| {
        let choices = part["enum"].as_array().into_iter().flatten();
        choices.chain([&part["const"]])
    });
    all.filter_map(Json::as_str).collect()
}

/// The branch for the objects whose `type` is this one.
fn branch_of<'a>(schema: &'a Json, tag: &str) -> Option<&'a Json> {
    let mut branches = schema["oneOf"].as_array()?.iter();
    branches.find(|branch| branch["properties"]["type"]["const"] == tag)
}

fn names(required: &Json) -> BTreeSet<String> {
    let names = required.as_array().into_iter().flatten();
    names
        .filter_map(|name| name.as_str().map(str::to_string))
        .collect()
}

/// Visits each schema in `before` with the one at the same place in `now`; `None` where there is none. What `visit` returns
/// `false` for is not gone into.
fn walk(
    at: &str,
    before: &Json,
    now: Option<&Json>,
    visit: &mut impl FnMut(&str, &Json, Option<&Json>) -> bool,
) {
    let Some(members) = before.as_object() else {
        return;
    };
    if !visit(at, before, now) {
        return;
    }
    let Some(now) = now else { return };
    for (name, inner) in members {
        let other = now.get(name);
        match name.as_str() {
            "properties" | "definitions" => {
                for (member, schema) in inner.as_object().into_iter().flatten() {
                    let other = other.and_then(|other| other.get(member));
                    walk(&format!("{at}/{name}/{member}"), schema, other, visit);
                }
            }
            "oneOf" => {
                let branches = inner.as_array().into_iter().flatten();
                for branch in branches {
                    if let Some(tag) = branch["properties"]["type"]["const"].as_str() {
                        let at = format!("{at}/{tag}");
                        walk(&at, branch, branch_of(now, tag), visit);
                    }
                }
            }
            "items" | "additionalProperties" | "then"
                if inner.is_object() && other.is_some_and(Json::is_object) =>
            {
                walk(&format!("{at}/{name}"), inner, other, visit);
            }
            _ => {}
        }
    }
}
