//! What a read does not show is never written as empty.
//!
//! The replies of the pure cases are spoiled one member at a time: left out, null, of another type. Then either
//! the same body goes out as for the whole reply, or nothing does. The one exception is a null that the vendor's
//! page shows and the field table names.

use std::collections::{BTreeMap, BTreeSet};

use entitle::model::{Call, Field, Shape, WriteMode};
use entitle::plan::Disposition;
use entitle::provider;
use entitle::reconcile::Checked;
use serde_json::{Value as Json, json};

use super::support::{golden, pure};

/// How a member is spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spoil {
    LeftOut,
    Null,
    Odd,
}

/// The ways to all members of objects in a reply, apart from what is inside `metadata`: that is free, so another
/// content is another value. Calls have names with slashes, so a way is no pointer.
fn members(json: &Json, way: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let inner: Vec<(String, &Json)> = match json {
        Json::Object(members) => members
            .iter()
            .map(|(name, json)| (name.clone(), json))
            .collect(),
        Json::Array(items) => (0..).map(|n: usize| n.to_string()).zip(items).collect(),
        _ => return,
    };
    for (name, json_inside) in inner {
        way.push(name);
        if json.is_object() {
            found.push(way.clone());
        }
        if way.last().is_some_and(|name| name != "metadata") {
            members(json_inside, way, found);
        }
        way.pop();
    }
}

fn spoiled(json: &Json, way: &[String], spoil: Spoil) -> Json {
    let mut whole = json.clone();
    let Some((last, above)) = way.split_last() else {
        return whole;
    };
    let mut at = &mut whole;
    for name in above {
        at = match at {
            Json::Array(items) => &mut items[name.parse::<usize>().expect("a place")],
            other => &mut other[name],
        };
    }
    let members = at.as_object_mut().expect("an object");
    match spoil {
        Spoil::LeftOut => {
            members.shift_remove(last);
        }
        Spoil::Null => {
            members.insert(last.clone(), Json::Null);
        }
        Spoil::Odd => {
            let odd = if members[last].is_array() {
                json!("odd")
            } else {
                json!(["odd"])
            };
            members.insert(last.clone(), odd);
        }
    }
    whole
}

/// The writes of a plan, in the order of its objects; nothing where an object has none.
fn writes(checked: &Checked, replies: &pure::Replies) -> Vec<Option<Call>> {
    // A reply that leads to a call without a reply is no case of this test.
    let Ok((observed, _)) = pure::observe(checked, replies) else {
        return vec![None; checked.desired.len()];
    };
    let planned = pure::plan(checked, &observed);
    planned
        .into_iter()
        .map(|planned| {
            let message = planned.message.unwrap_or_default();
            assert!(!message.contains("internal check failed"), "{message}");
            let step = planned
                .step
                .filter(|_| planned.action == Disposition::Update);
            step.map(|step| step.writes[0].call.clone())
        })
        .collect()
}

/// The names of the members in which two bodies differ.
fn differing<'a>(one: &'a Json, other: &'a Json, name: &'a str, found: &mut BTreeSet<&'a str>) {
    match (one, other) {
        (Json::Object(a), Json::Object(b)) => {
            for name in a.keys().chain(b.keys()) {
                let (a, b) = (a.get(name), b.get(name));
                differing(
                    a.unwrap_or(&Json::Null),
                    b.unwrap_or(&Json::Null),
                    name,
                    found,
                );
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            for (a, b) in a.iter().zip(b) {
                differing(a, b, name, found);
            }
        }
        _ if one == other => {}
        // A manifest that wants nothing is content with either spelling of it.
        (Json::Null, Json::String(text)) | (Json::String(text), Json::Null) if text.is_empty() => {}
        _ => {
            found.insert(name);
        }
    }
}

/// The fields of which a page shows that null is nothing.
fn nothing_by_page(table: &'static [Field]) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for field in table {
        if let Shape::Keyed(elements) = &field.shape {
            names.extend(nothing_by_page(elements.fields));
        }
        names.extend(field.null.map(|_| field.name));
    }
    names
}

/// Rows of lists and cases of one kind hold the same members: each is spoiled in so many of them, in each way.
const TIMES: usize = 12;

/// A member wherever it stands, without the places in lists, and how it is spoiled.
type Spoiled = (&'static str, Vec<String>, Spoil);

/// Whether a member was spoiled in this way often enough.
fn is_enough(
    counts: &mut BTreeMap<Spoiled, usize>,
    kind: &'static str,
    way: &[String],
    spoil: Spoil,
) -> bool {
    let names = way.iter().filter(|name| name.parse::<usize>().is_err());
    let count = counts
        .entry((kind, names.cloned().collect(), spoil))
        .or_default();
    *count += 1;
    *count > TIMES
}

fn spoil_every_case(vendor: &str) {
    let mut counts = BTreeMap::new();
    let kinds = provider::all_kinds().filter(|kind| kind.vendor().0 == vendor);
    let cases = kinds.flat_map(|kind| {
        let folders = golden::folders(&golden::kind_dir(kind).join("cases"));
        folders.into_iter().map(|case| (kind.table().kind.0, case))
    });
    let (mut same, mut refused) = (0, 0);
    for (kind, case) in cases {
        let read = |name: &str| std::fs::read_to_string(case.join(name)).expect("a file");
        let checked = pure::check(&[("manifest.yaml", &read("manifest.yaml"))]);
        let replies: pure::Replies = serde_json::from_str(&read("replies.json")).expect("JSON");
        let whole = writes(&checked, &replies);
        if whole.iter().all(Option::is_none) {
            continue;
        }
        for (call, reply) in &replies {
            let mut ways = Vec::new();
            members(reply, &mut Vec::new(), &mut ways);
            for (way, spoil) in ways
                .iter()
                .flat_map(|way| [Spoil::LeftOut, Spoil::Null, Spoil::Odd].map(|spoil| (way, spoil)))
            {
                if is_enough(&mut counts, kind, way, spoil) {
                    continue;
                }
                let mut replies = replies.clone();
                replies.insert(call.clone(), spoiled(reply, way, spoil));
                let now = writes(&checked, &replies);
                for ((object, whole), now) in checked.desired.iter().zip(&whole).zip(&now) {
                    let (Some(whole), Some(now)) = (whole, now) else {
                        refused += usize::from(whole.is_some());
                        continue;
                    };
                    let table = provider::find_kind(object.address.kind.0)
                        .expect("a kind")
                        .table();
                    // What shows that the call of a list could lose something sends the elements by another call.
                    let mut calls = table.calls.iter();
                    let by_element = calls.any(|call| call.mode == WriteMode::Element);
                    if by_element && whole.path != now.path {
                        refused += 1;
                        continue;
                    }
                    same += 1;
                    let (a, b) = (whole.body.as_ref(), now.body.as_ref());
                    let mut moved = BTreeSet::new();
                    differing(
                        a.unwrap_or(&Json::Null),
                        b.unwrap_or(&Json::Null),
                        "",
                        &mut moved,
                    );
                    if spoil == Spoil::Null {
                        let known = nothing_by_page(table.desired);
                        moved.retain(|name| !known.contains(name));
                    }
                    assert!(
                        moved.is_empty(),
                        "{}: {call}: {} {spoil:?}: {moved:?} would be written as\n{:#}\nnot\n{:#}",
                        case.display(),
                        way.join("/"),
                        b.unwrap_or(&Json::Null),
                        a.unwrap_or(&Json::Null),
                    );
                }
            }
        }
    }
    assert!(
        same > 20 && refused > 20,
        "{vendor}: {same} as before, {refused} refused"
    );
}

#[test]
fn alinea() {
    spoil_every_case("alinea");
}

#[test]
fn cryptlex() {
    spoil_every_case("cryptlex");
}

#[test]
fn informatica() {
    spoil_every_case("informatica");
}

#[test]
fn lac() {
    spoil_every_case("lac");
}

#[test]
fn licensespring() {
    spoil_every_case("licensespring");
}
