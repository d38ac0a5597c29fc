//! Compares what manifests desire in two environments, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::field_json::fields_to_json;
use crate::model::field::Elements;
use crate::model::value::Items;
use crate::model::{Address, Desired, ElementKey, Field, FieldPath, Fields, Shape, Value};

/// Additive changes raise the minor; readers refuse an unknown major.
pub const FORMAT_VERSION: &str = "1.0";

/// How the manifests of two environments differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "entitle diff")]
pub struct ComparisonDocument {
    /// Major and minor version of this format.
    pub format_version: String,
    /// The name of the environment that is compared.
    pub left: String,
    /// The name of the one that it is compared with.
    pub right: String,
    /// Objects that are the same in both.
    pub same: usize,
    /// The others, in the order of their addresses.
    pub objects: Vec<ComparedObject>,
}

/// An object that is not the same in both environments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedObject {
    /// Kind and name.
    pub address: String,
    /// The environment that alone has the object; left out if both have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_in: Option<String>,
    pub fields: Vec<ComparedField>,
}

/// A field that is not the same, or an element of a list that one side alone has. A side without a field does not manage it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedField {
    /// The path of the field, such as `Features[Viewer 2.0].count`.
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Json>,
}

/// The objects of one environment.
pub struct Side<'a> {
    pub name: &'a str,
    pub objects: &'a [Arc<Desired>],
}

impl ComparisonDocument {
    /// Compares the objects of two environments. `table` gives the fields of a kind. Connections and ids are not compared: that
    /// they differ is what environments are for.
    pub fn new(
        left: &Side<'_>,
        right: &Side<'_>,
        table: impl Fn(&Address) -> &'static [Field],
    ) -> Self {
        let by_address = |side: &Side<'_>| -> BTreeMap<Address, Arc<Desired>> {
            let objects = side.objects.iter();
            objects
                .map(|object| (object.address.clone(), Arc::clone(object)))
                .collect()
        };
        let (lefts, rights) = (by_address(left), by_address(right));
        let addresses: BTreeSet<&Address> = lefts.keys().chain(rights.keys()).collect();
        let compared = addresses.iter().map(|address| {
            let mut object = ComparedObject {
                address: address.to_string(),
                only_in: None,
                fields: Vec::new(),
            };
            match (lefts.get(*address), rights.get(*address)) {
                (Some(one), Some(other)) => {
                    let (one, other) = (one.fields.unpack(), other.fields.unpack());
                    let root = FieldPath::default();
                    compare(&root, table(address), &one, &other, &mut object.fields);
                }
                (Some(_), None) => object.only_in = Some(left.name.to_string()),
                (None, _) => object.only_in = Some(right.name.to_string()),
            }
            object
        });
        let objects: Vec<ComparedObject> = compared
            .filter(|object| object.only_in.is_some() || !object.fields.is_empty())
            .collect();
        Self {
            format_version: FORMAT_VERSION.into(),
            left: left.name.to_string(),
            right: right.name.to_string(),
            same: addresses.len() - objects.len(),
            objects,
        }
    }
}

/// Adds the fields below a path that differ. The elements of lists that both sides manage are compared by their keys.
fn compare(
    above: &FieldPath,
    table: &'static [Field],
    left: &Fields,
    right: &Fields,
    found: &mut Vec<ComparedField>,
) {
    for field in table {
        let path = above.field(field.name);
        match (&field.shape, left.get(field.name), right.get(field.name)) {
            (Shape::Keyed(elements), Some(Value::Items(one)), Some(Value::Items(other))) => {
                compare_elements(&path, elements, one, other, found);
            }
            (shape, one, other) if one != other => found.push(ComparedField {
                field: path.to_string(),
                left: one.map(|value| shape.json(value)),
                right: other.map(|value| shape.json(value)),
            }),
            _ => {}
        }
    }
}

fn compare_elements(
    list: &FieldPath,
    elements: &'static Elements,
    left: &Items,
    right: &Items,
    found: &mut Vec<ComparedField>,
) {
    let keys: BTreeSet<&ElementKey> = left
        .iter()
        .chain(right.iter())
        .map(|(key, _)| key)
        .collect();
    let find = |items: &Items, key: &ElementKey| {
        let mut items = items.iter();
        items
            .find(|(known, _)| known == key)
            .map(|(_, fields)| fields.clone())
    };
    for key in keys {
        let path = list.element(key.clone());
        match (find(left, key), find(right, key)) {
            (Some(one), Some(other)) => compare(&path, elements.fields, &one, &other, found),
            (one, other) => {
                let json = |fields: Fields| json!(fields_to_json(elements.fields, &fields));
                found.push(ComparedField {
                    field: path.to_string(),
                    left: one.map(json),
                    right: other.map(json),
                });
            }
        }
    }
}
