//! Fields as the JSON of journals, written and read by the field table.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::field::Elements;
use crate::model::{ElementKey, Field, Fields, Shape, Text, Value};
use crate::provider::codec;

/// Writes managed fields as JSON, which a journal keeps as the base for later.
pub fn fields_to_json(table: &'static [Field], fields: &Fields) -> BTreeMap<String, Json> {
    table
        .iter()
        .filter_map(|field| {
            let value = fields.get(field.name)?;
            Some((field.name.to_string(), field.shape.json(value)))
        })
        .collect()
}

/// Reads fields from the JSON of a journal. Fields that the table no longer knows are left out.
pub fn fields_from_json(table: &'static [Field], kept: &BTreeMap<String, Json>) -> Fields {
    table
        .iter()
        .filter_map(|field| Some((field.name, read_value(field, kept.get(field.name)?)?)))
        .collect()
}

/// Reads the value of one field; `None` if the JSON does not fit it.
pub fn read_value(field: &'static Field, json: &Json) -> Option<Value> {
    match (&field.shape, json) {
        // Elements of a manifest name less than a vendor's do, so they are not decoded as those are.
        (Shape::Keyed(elements), Json::Array(items)) => {
            let items = items.iter().filter_map(|item| read_element(elements, item));
            Some(Value::Items(items.collect()))
        }
        _ => codec::decode_value(field, json, &field.name).ok(),
    }
}

/// Reads one element of a list; `None` without its whole key.
pub fn read_element(elements: &'static Elements, json: &Json) -> Option<(ElementKey, Fields)> {
    let item = json.as_object()?;
    let parts = elements
        .key
        .iter()
        .map(|name| Some(item.get(*name)?.as_str()?.into()))
        .collect::<Option<Vec<Text>>>()?;
    let fields = elements.fields.iter();
    let fields =
        fields.filter_map(|field| Some((field.name, read_value(field, item.get(field.name)?)?)));
    Some((ElementKey::new(parts, elements.fold), fields.collect()))
}
