//! Compares what manifests desire in two environments, field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::field_json::fields_to_json;
use crate::model::{Address, Desired, Field};

/// Additive changes raise the minor; readers refuse an unknown major.
pub const FORMAT_VERSION: &str = "1.0";

/// How the manifests of two environments differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "entitle diff")]
pub struct ComparisonDocument {
    /// Major and minor version of this format.
    pub format_version: String,
    /// The names of the two environments.
    pub left: String,
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
    /// The environment that alone has the object; `None` if both have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_in: Option<String>,
    pub fields: Vec<ComparedField>,
}

/// A field that is not the same. A side without it does not manage it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedField {
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
        let of = |side: &Side<'_>| -> BTreeMap<Address, BTreeMap<String, Json>> {
            let objects = side.objects.iter();
            objects
                .map(|object| {
                    (
                        object.address.clone(),
                        leaves(object, table(&object.address)),
                    )
                })
                .collect()
        };
        let (lefts, rights) = (of(left), of(right));
        let addresses: BTreeSet<&Address> = lefts.keys().chain(rights.keys()).collect();
        let none = BTreeMap::new();
        let compared = addresses.iter().map(|address| {
            let (one, other) = (lefts.get(*address), rights.get(*address));
            let only_in = match (one, other) {
                (Some(_), None) => Some(left.name.to_string()),
                (None, Some(_)) => Some(right.name.to_string()),
                _ => None,
            };
            let fields = match only_in {
                Some(_) => Vec::new(),
                None => compare(one.unwrap_or(&none), other.unwrap_or(&none)),
            };
            ComparedObject {
                address: address.to_string(),
                only_in,
                fields,
            }
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

fn compare(left: &BTreeMap<String, Json>, right: &BTreeMap<String, Json>) -> Vec<ComparedField> {
    let fields: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let differ = fields
        .into_iter()
        .filter(|field| left.get(*field) != right.get(*field));
    differ
        .map(|field| ComparedField {
            field: field.clone(),
            left: left.get(field).cloned(),
            right: right.get(field).cloned(),
        })
        .collect()
}

/// Returns the values of an object by their paths.
fn leaves(object: &Desired, table: &'static [Field]) -> BTreeMap<String, Json> {
    let fields = fields_to_json(table, &object.fields.unpack());
    let mut found = BTreeMap::new();
    for (name, value) in fields {
        let field = table.iter().find(|field| field.name == name);
        collect(&name, value, field, &mut found);
    }
    found
}

/// Adds a value, or those of the elements of a keyed list.
fn collect(path: &str, value: Json, field: Option<&Field>, found: &mut BTreeMap<String, Json>) {
    let elements = field.and_then(|field| match &field.shape {
        crate::model::Shape::Keyed(elements) => Some(elements),
        _ => None,
    });
    let (Some(elements), Json::Array(items)) = (elements, &value) else {
        found.insert(path.to_string(), value);
        return;
    };
    for item in items {
        let Json::Object(members) = item else {
            continue;
        };
        let part = |name: &&str| members.get(*name).and_then(Json::as_str);
        let key: Vec<&str> = elements.key.iter().filter_map(part).collect();
        let path = format!("{path}[{}]", key.join(" "));
        let rest: Map<String, Json> = members
            .clone()
            .into_iter()
            .filter(|(name, _)| !elements.key.contains(&name.as_str()))
            .collect();
        found.insert(path, Json::Object(rest));
    }
}
