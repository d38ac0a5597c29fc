//! Places in JSON objects by the paths that plans print: `Features[Licstat 6.0].count`.
//!
//! Works on manifests and on the accounts of simulators alike, since both use the names of the write call.
//! Keys and lists come from the field table; everything else is plain JSON.

use entitle::model::field::{Elements, find_field};
use entitle::model::path::{PathPattern, PatternPart};
use entitle::model::{ElementKey, Field, Shape};
use serde_json::{Map, Value as Json};

pub type Table = &'static [Field];

fn parts(path: &str) -> Vec<PatternPart> {
    PathPattern::parse(path)
        .unwrap_or_else(|why| panic!("{path}: {why}"))
        .parts
}

/// The elements of a keyed list of the table.
pub fn elements(table: Table, list: &str) -> &'static Elements {
    match find_field(table, list).map(|field| &field.shape) {
        Some(Shape::Keyed(elements)) => elements,
        _ => panic!("{list} is no keyed list"),
    }
}

/// The key of an element as manifests and accounts have it.
pub fn key_of(elements: &Elements, element: &Json) -> ElementKey {
    let text = |name: &&str| element[*name].as_str().unwrap_or_default().into();
    ElementKey::new(elements.key.iter().map(text).collect(), elements.fold)
}

/// `list[key]` for an element.
pub fn element_path(table: Table, list: &str, element: &Json) -> String {
    format!("{list}[{}]", key_of(elements(table, list), element))
}

/// The objects that hold the last part of a path, with that part: several if the path has a `[*]`.
fn holders<'a>(table: Table, object: &'a mut Json, parts: &[PatternPart]) -> Vec<&'a mut Json> {
    match parts {
        [] | [_] => vec![object],
        [PatternPart::Field(list), element] if object.get(list).is_some() => {
            let _ = element;
            vec![&mut object[list.as_str()]]
        }
        [PatternPart::Field(list), element, rest @ ..] if object.get(list).is_some() => {
            let elements = elements(table, list);
            let items = object[list.as_str()].as_array_mut();
            items
                .into_iter()
                .flatten()
                .filter(|item| fits(elements, element, item))
                .flat_map(|item| holders(elements.fields, item, rest))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn fits(elements: &Elements, part: &PatternPart, item: &Json) -> bool {
    match part {
        PatternPart::AnyElement => true,
        PatternPart::Element(texts) => {
            ElementKey::new(texts.clone(), elements.fold) == key_of(elements, item)
        }
        PatternPart::Field(_) => false,
    }
}

/// The object that has a member, and the member's name in it: `address.city` is the member `city` of `address`.
fn member<'a, 'n>(holder: &'a mut Json, name: &'n str) -> (&'a mut Json, &'n str) {
    match name.split_once('.') {
        Some((record, name)) if holder.get(record).is_some_and(Json::is_object) => {
            (&mut holder[record], name)
        }
        Some((record, name)) if holder.is_object() => {
            holder[record] = Json::Object(Map::new());
            (&mut holder[record], name)
        }
        _ => (holder, name),
    }
}

/// The value at a path.
pub fn get(table: Table, object: &Json, path: &str) -> Option<Json> {
    let mut copy = object.clone();
    take(table, &mut copy, path)
}

/// Sets the value at a path; the object around it must be there.
#[track_caller]
pub fn set(table: Table, object: &mut Json, path: &str, value: &Json) {
    let parts = parts(path);
    let holders = holders(table, object, &parts);
    assert!(!holders.is_empty(), "{path} has no place");
    for holder in holders {
        match parts.last() {
            Some(PatternPart::Field(name)) => {
                let (holder, name) = member(holder, name);
                holder[name] = value.clone();
            }
            _ => panic!("{path} is no field"),
        }
    }
}

/// Takes what is at a path away; an element leaves its list.
pub fn take(table: Table, object: &mut Json, path: &str) -> Option<Json> {
    let parts = parts(path);
    let mut taken = None;
    for holder in holders(table, object, &parts) {
        if let [.., PatternPart::Field(name)] = parts.as_slice() {
            let (holder, name) = member(holder, name);
            let members = holder.as_object_mut();
            taken = members
                .and_then(|members| members.shift_remove(name))
                .or(taken);
            continue;
        }
        if let ([PatternPart::Field(list), part], Json::Array(items)) = (parts.as_slice(), holder) {
            let elements = elements(table, list);
            let at = items.iter().position(|item| fits(elements, part, item));
            taken = at.map(|at| items.remove(at)).or(taken);
        }
    }
    taken
}

/// The field that a path leads to, without the keys on its way: `Features[].count`.
pub fn field_of(path: &str) -> String {
    let mut text = String::new();
    for part in parts(path) {
        match part {
            PatternPart::Field(name) if text.is_empty() => text = name,
            PatternPart::Field(name) => text = format!("{text}.{name}"),
            PatternPart::Element(_) | PatternPart::AnyElement => text += "[]",
        }
    }
    text
}

/// Every field of a table in the form of [`field_of`], with its row.
pub fn fields(table: Table) -> Vec<(String, &'static Field)> {
    let mut all = Vec::new();
    for field in table {
        if let Shape::Keyed(elements) = &field.shape {
            let inner = elements.fields.iter();
            all.extend(inner.map(|inner| (format!("{}[].{}", field.name, inner.name), inner)));
        } else {
            all.push((field.name.to_string(), field));
        }
    }
    all
}

/// The object with its lists in the order of their keys and its sets sorted: the order of neither is promised.
pub fn in_order(table: Table, object: &Json) -> Json {
    let mut object = object.clone();
    for field in table {
        let Some(Json::Array(items)) = object.get_mut(field.name) else {
            continue;
        };
        match &field.shape {
            Shape::Keyed(elements) => items.sort_by_key(|item| key_of(elements, item)),
            Shape::Set(_) => items.sort_by_key(Json::to_string),
            _ => {}
        }
    }
    object
}

/// The object with only the named members, and of every list only its keys.
pub fn only(table: Table, object: &Json, names: &[&str]) -> Json {
    let mut thin = Map::new();
    for name in names {
        let Some(value) = object.get(name) else {
            continue;
        };
        let value = match (find_field(table, name).map(|field| &field.shape), value) {
            (Some(Shape::Keyed(elements)), Json::Array(items)) => {
                let keys = items.iter().map(|item| {
                    let members = elements.key.iter();
                    Json::Object(members.map(|n| (n.to_string(), item[*n].clone())).collect())
                });
                keys.collect()
            }
            (_, value) => value.clone(),
        };
        thin.insert((*name).to_string(), value);
    }
    Json::Object(thin)
}
