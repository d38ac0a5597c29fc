//! Spells canonical fields as the JSON of a write call, by the field table. The way back is `decode`.
//!
//! In: a table and fields. Out: the members of a body, in the order of the table. Vendors that rename members or wrap
//! them do that around these functions; the rules of types, keys and empty values are the same for all of them. No
//! call is built here.

use serde_json::{Map, Value as Json};

pub use super::decode::{decode_element, decode_value};
use crate::model::{Clearing, Field, Fields, Shape, Value};

/// Names the type of a JSON value for a message: `a list`, `text`, `null`.
pub fn json_kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// Spells fields for the write call, in the order of the table. Fields that are not in `fields` are left out.
pub fn encode_fields(table: &'static [Field], fields: &Fields) -> Map<String, Json> {
    let mut body = Map::new();
    for field in table {
        if let Some(json) = fields
            .get(field.name)
            .and_then(|value| spell_value(field, value))
        {
            insert_member(&mut body, field, json);
        }
    }
    body
}

/// Puts the value of a field into a body or a manifest: a member of an object goes into that object.
pub fn insert_member(body: &mut Map<String, Json>, field: &Field, json: Json) {
    let (members, name) = match field.record_member() {
        None => (Some(body), field.name),
        Some((record, name)) => {
            let object = body
                .entry(record)
                .or_insert_with(|| Json::Object(Map::new()));
            (object.as_object_mut(), name)
        }
    };
    if let Some(members) = members {
        members.insert(name.to_string(), json);
    }
}

/// Returns the JSON of a value; `None` where the vendor clears a field by leaving the member out.
///
/// An empty value is spelled as the field's `Clearing` demands: null, `""` or 0.
fn spell_value(field: &Field, value: &Value) -> Option<Json> {
    match (value, &field.shape) {
        (Value::Null, _) => match field.clearing {
            Clearing::Null | Clearing::NullOrEmpty => Some(Json::Null),
            Clearing::Empty => Some(Json::from("")),
            Clearing::Zero => Some(Json::from(0)),
            Clearing::Omit | Clearing::Impossible => None,
        },
        (Value::Items(items), Shape::Keyed(elements)) => Some(
            items
                .iter()
                .map(|(key, fields)| {
                    let keys = elements.key.iter().zip(key.shown());
                    let mut element: Map<String, Json> = keys
                        .map(|(name, text)| (name.to_string(), Json::from(text.as_str())))
                        .collect();
                    element.extend(encode_fields(elements.fields, fields));
                    Json::Object(element)
                })
                .collect(),
        ),
        (value, shape) => Some(shape.json(value)),
    }
}
