//! Writes values of fields straight into a hash, as [`json::Canonical`] writes the JSON that plans show of them.
//!
//! A plan hashes what each of its manifests states, so that no JSON is made of ten thousand orders for it:
//!
//! ```text
//! value     Items: "Base 1.0" {seats: 10, enabled: true}
//! written   [{"enabled":true,"name":"Base","seats":10,"version":"1.0"}]
//! ```

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::model::field::Elements;
use crate::model::{ElementKey, Fields, Shape, Text, Value, json};

/// A value of a field of this shape.
pub struct CanonicalValue<'a>(pub &'a Shape, pub &'a Value);

impl Serialize for CanonicalValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(shape, value) = self;
        match (value, shape) {
            (Value::Null, _) => serializer.serialize_unit(),
            (Value::Bool(value), _) => serializer.serialize_bool(*value),
            (Value::Integer(value), _) => serializer.serialize_i64(*value),
            (Value::Text(text), _) => serializer.serialize_str(text),
            (Value::Json(value), _) => json::Canonical(value).serialize(serializer),
            (Value::Set(members), _) => serializer.collect_seq(members.iter()),
            (Value::Items(items), Shape::Keyed(elements)) => {
                let elements = items.iter().map(|(key, fields)| CanonicalElement {
                    elements,
                    key,
                    fields,
                });
                serializer.collect_seq(elements)
            }
            // No field of another shape has elements.
            (Value::Items(_), _) => serializer.serialize_unit(),
        }
    }
}

/// An element of a keyed list: its key and its fields, in the order of their names.
struct CanonicalElement<'a> {
    elements: &'a Elements,
    key: &'a ElementKey,
    fields: &'a Fields,
}

/// A member of an element.
enum Member<'a> {
    Key(&'a Text),
    Field(CanonicalValue<'a>),
}

impl Serialize for CanonicalElement<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            elements,
            key,
            fields,
        } = self;
        let keys = elements.key.iter().zip(key.shown());
        let keys = keys.map(|(name, text)| (*name, Member::Key(text)));
        let rest = elements.fields.iter().filter_map(|field| {
            let value = fields.get(field.name)?;
            Some((
                field.name,
                Member::Field(CanonicalValue(&field.shape, value)),
            ))
        });
        let mut members: Vec<(&str, Member<'_>)> = keys.chain(rest).collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for (name, member) in members {
            match member {
                Member::Key(text) => map.serialize_entry(name, text.as_str())?,
                Member::Field(value) => map.serialize_entry(name, &value)?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::json::Canonical;
    use crate::plan::fingerprint::json_digest;
    use crate::provider;

    /// Values that a field of this shape can have.
    fn values_of(shape: &Shape) -> Vec<Value> {
        let mut values = vec![Value::Null];
        match shape {
            Shape::Integer { .. } => values.extend([0, -7, 100, i64::MAX].map(Value::Integer)),
            Shape::Boolean => values.extend([true, false].map(Value::Bool)),
            Shape::Object => {
                let free = json!({"b": [1.50, {"z": 1, "a": null}], "a": "x"});
                values.push(Value::Json(Box::new(free)));
            }
            Shape::List(_) => values.push(Value::Json(Box::new(json!([{"b": 1, "a": "x"}])))),
            Shape::Set(_) => values.push(Value::set(["b", "a"])),
            Shape::Keyed(elements) => {
                let element = |name: &str, at: usize| {
                    let parts = elements.key.iter().map(|_| name.into());
                    let mut fields = Fields::new();
                    for field in elements.fields {
                        let mut values = values_of(&field.shape);
                        let last = values.len() - 1;
                        fields.insert(field.name, values.swap_remove(at.min(last)));
                    }
                    (ElementKey::new(parts.collect(), elements.fold), fields)
                };
                let items = vec![
                    element("Base", 1),
                    element("Add on", 2),
                    element("empty", 0),
                ];
                values.push(Value::Items(items.into()));
            }
            Shape::Text { .. }
            | Shape::Choice { .. }
            | Shape::Date
            | Shape::Instant
            | Shape::Guid
            | Shape::Id => values.push(Value::Text("Straße \"5\"\n".into())),
        }
        values
    }

    #[test]
    fn a_value_is_written_as_the_json_that_plans_show_of_it() {
        let fields = provider::all_kinds().flat_map(|kind| kind.table().desired);
        for field in fields {
            for value in values_of(&field.shape) {
                let shown = json_digest(&Canonical(&field.shape.json(&value)));
                let written = json_digest(&CanonicalValue(&field.shape, &value));
                assert_eq!(written, shown, "{}: {value:?}", field.name);
            }
        }
    }
}
