//! Values as journals keep them, and read again by the field table.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::field::Elements;
use crate::model::{Field, Fields, Key, Shape, Text, Value};
use crate::provider::codec;

/// Managed fields as JSON, to be kept as a base for later.
pub fn remember(table: &'static [Field], fields: &Fields) -> BTreeMap<String, Json> {
    table
        .iter()
        .filter_map(|field| {
            let value = fields.get(field.name)?;
            Some((field.name.to_string(), field.shape.json(value)))
        })
        .collect()
}

/// A base that was remembered. What the table no longer knows is no base.
pub fn recall(table: &'static [Field], kept: &BTreeMap<String, Json>) -> Fields {
    table
        .iter()
        .filter_map(|field| Some((field.name, value(field, kept.get(field.name)?)?)))
        .collect()
}

/// One value of a field.
pub fn value(field: &'static Field, json: &Json) -> Option<Value> {
    match (&field.shape, json) {
        // Elements of a manifest name less than a vendor's do, so they are not decoded as those are.
        (Shape::Keyed(elements), Json::Array(items)) => {
            let items = items.iter().filter_map(|item| element(elements, item));
            Some(Value::Items(items.collect()))
        }
        _ => codec::value(field, json, &field.name).ok(),
    }
}

/// One element of a list.
pub fn element(elements: &'static Elements, json: &Json) -> Option<(Key, Fields)> {
    let item = json.as_object()?;
    let parts = elements
        .key
        .iter()
        .map(|name| Some(item.get(*name)?.as_str()?.into()))
        .collect::<Option<Vec<Text>>>()?;
    let fields = elements.fields.iter();
    let fields =
        fields.filter_map(|field| Some((field.name, value(field, item.get(field.name)?)?)));
    Some((Key::new(parts, elements.fold), fields.collect()))
}
