//! Tables to wire: decodes a vendor's object by its field table and spells fields for a write.
//!
//! Vendors that rename members or wrap them do that around these functions; the rules of types, keys
//! and "nothing" are the same for all of them.

use std::fmt::Display;

use serde_json::{Map, Value as Json};

use super::canon::{self, Edge, Scalar};
use crate::model::field::Elements;
use crate::model::{Clearing, Field, Fields, Key, Need, Shape, Value};

/// A reply that is not as documented; the text names the member.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

impl Malformed {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Decodes the members that `table` names. Others are the vendor's own business and are not kept.
pub fn decode(table: &'static [Field], object: &Map<String, Json>) -> Result<Fields, Malformed> {
    decode_at(table, object, &"")
}

fn decode_at(
    table: &'static [Field],
    object: &Map<String, Json>,
    place: &dyn Display,
) -> Result<Fields, Malformed> {
    let mut fields = Fields::with_capacity(object.len().min(table.len()));
    for field in table {
        match object.get(field.name) {
            Some(json) => {
                let value = value(field, json, &format_args!("{place}{}", field.name))?;
                let refused = value == Value::Null
                    && field.need == Need::Required
                    && field.clearing == Clearing::Impossible;
                if refused {
                    return Err(Malformed(format!("`{place}{}` is null", field.name)));
                }
                fields.insert(field.name, value);
            }
            None if field.need == Need::Required => {
                return Err(Malformed(format!("`{place}{}` is missing", field.name)));
            }
            None => {}
        }
    }
    Ok(fields)
}

/// One value of a field; `path` names it in the error.
pub fn value(field: &'static Field, json: &Json, path: &dyn Display) -> Result<Value, Malformed> {
    let misfit = |misfit: canon::Misfit| Malformed(format!("`{path}` {}", misfit.message));
    match (&field.shape, json) {
        (shape, Json::Null) => Ok(canon::nothing(shape, field.clearing)),
        (Shape::Object, Json::Object(_)) => Ok(Value::Json(Box::new(json.clone()))),
        (Shape::Set(inner), Json::Array(items)) => {
            let mut members = std::collections::BTreeSet::new();
            for item in items {
                let member =
                    canon::scalar(inner, Clearing::Impossible, as_scalar(item), Edge::Vendor);
                match member.map_err(misfit)? {
                    Value::Text(text) => members.insert(text),
                    _ => return Err(Malformed(format!("`{path}` has a member that is no text"))),
                };
            }
            Ok(Value::Set(Box::new(members)))
        }
        (Shape::Keyed(elements), Json::Array(items)) => items_value(elements, items, path),
        (Shape::Object | Shape::Set(_) | Shape::Keyed(_), _)
        | (_, Json::Array(_) | Json::Object(_)) => Err(Malformed(format!(
            "`{path}` must be {}, not {}",
            field.shape.name(),
            json_kind(json)
        ))),
        (shape, _) => {
            canon::scalar(shape, field.clearing, as_scalar(json), Edge::Vendor).map_err(misfit)
        }
    }
}

fn items_value(
    elements: &'static Elements,
    items: &[Json],
    path: &dyn Display,
) -> Result<Value, Malformed> {
    let mut found: Vec<(Key, Fields)> = Vec::with_capacity(items.len());
    for item in items {
        found.push(element_at(elements, item, path)?);
    }
    let mut seen = std::collections::BTreeSet::new();
    match found.iter().find(|(key, _)| !seen.insert(key)) {
        Some((key, _)) => Err(Malformed(format!("`{path}` has the element [{key}] twice"))),
        None => Ok(Value::Items(found.into())),
    }
}

/// One element of a keyed list.
pub fn element(elements: &'static Elements, item: &Json) -> Result<(Key, Fields), Malformed> {
    element_at(elements, item, &"")
}

fn element_at(
    elements: &'static Elements,
    item: &Json,
    path: &dyn Display,
) -> Result<(Key, Fields), Malformed> {
    let Json::Object(object) = item else {
        return Err(Malformed(format!(
            "`{path}` has an element that is {}",
            json_kind(item)
        )));
    };
    let mut parts = Vec::new();
    for name in elements.key {
        match object.get(*name) {
            Some(Json::String(text)) => parts.push(text.as_str().into()),
            Some(other) => {
                let kind = json_kind(other);
                return Err(Malformed(format!(
                    "`{path}[].{name}` must be text, not {kind}"
                )));
            }
            None => return Err(Malformed(format!("`{path}[].{name}` is missing"))),
        }
    }
    let key = Key::new(parts, elements.fold);
    let fields = decode_at(elements.fields, object, &format_args!("{path}[{key}]."))?;
    Ok((key, fields))
}

fn as_scalar(json: &Json) -> Scalar<'_> {
    match json {
        Json::Bool(value) => Scalar::Bool(*value),
        Json::Number(number) => number.as_i64().map_or(Scalar::Number, Scalar::Integer),
        Json::String(text) => Scalar::Text(text),
        Json::Null | Json::Array(_) | Json::Object(_) => Scalar::Null,
    }
}

/// What a JSON value is, in words for a message.
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

/// Spells fields for the write call, in the order of the table.
pub fn encode(table: &'static [Field], fields: &Fields) -> Map<String, Json> {
    let mut body = Map::new();
    for field in table {
        if let Some(json) = fields.get(field.name).and_then(|value| spell(field, value)) {
            body.insert(field.name.to_string(), json);
        }
    }
    body
}

/// The wire form of a value, or nothing where "nothing" is said by leaving the member out.
fn spell(field: &Field, value: &Value) -> Option<Json> {
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
                    element.extend(encode(elements.fields, fields));
                    Json::Object(element)
                })
                .collect(),
        ),
        (value, shape) => Some(shape.json(value)),
    }
}
