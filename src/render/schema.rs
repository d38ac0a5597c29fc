//! JSON Schemas: the fixed envelope from types, what stands under `desired` from the field tables.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json, json};

use crate::apply::event::Line;
use crate::manifest::API_VERSION;
use crate::manifest::document::{
    AcceptedDriftSpec, ConnectionSpec, Metadata, NotificationSpec, Policy, ProjectSpec,
};
use crate::manifest::own_kind::OwnKind;
use crate::model::field::Elements;
use crate::model::{Clearing, Field, KindTable, Need, Shape};
use crate::plan::document::PlanDocument;
use crate::plan::drift::document::DriftDocument;
use crate::provider;

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// Every schema with its file name.
pub fn all() -> [(&'static str, Json); 4] {
    [
        ("drift.json", drift()),
        ("events.json", events()),
        ("manifest.json", manifest()),
        ("plan.json", plan()),
    ]
}

/// The schema of `drift --format json`.
pub fn drift() -> Json {
    let generator = SchemaSettings::draft07().into_generator();
    generator.into_root_schema_for::<DriftDocument>().to_value()
}

/// The schema of `plan --format json` and `apply --format json`.
pub fn plan() -> Json {
    let generator = SchemaSettings::draft07().into_generator();
    generator.into_root_schema_for::<PlanDocument>().to_value()
}

/// The schema of one line of `apply --events`.
pub fn events() -> Json {
    let generator = SchemaSettings::draft07().into_generator();
    generator.into_root_schema_for::<Line>().to_value()
}

/// The schema of manifest documents: `kind` chooses the branch.
///
/// `if`/`then` per kind instead of `oneOf`: an editor then completes and explains the fields of the
/// chosen kind and reports one fault, not one per kind.
pub fn manifest() -> Json {
    let mut kinds: Vec<&str> = provider::ALL
        .iter()
        .map(|provider| provider.table().kind.0)
        .collect();
    kinds.extend(OwnKind::ALL.map(OwnKind::name));
    let mut branches: Vec<Json> = provider::ALL
        .iter()
        .map(|p| branch(p.table().kind.0, object(p.table())))
        .collect();
    branches.extend(OwnKind::ALL.map(|kind| branch(kind.name(), spec(kind))));
    json!({
        "$schema": DRAFT,
        "title": "entitle manifest",
        "description": "One licence object, or one account, as entitle keeps it.",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"description": "Version of the manifest format.", "const": API_VERSION},
            "kind": {"description": "What the document is about.", "enum": kinds},
            "metadata": of::<Metadata>(),
            "spec": {"description": "What the object is and how it should be."},
        },
        "additionalProperties": false,
        "allOf": branches,
    })
}

fn spec(kind: OwnKind) -> Json {
    match kind {
        OwnKind::AcceptedDrift => of::<AcceptedDriftSpec>(),
        OwnKind::Connection => of::<ConnectionSpec>(),
        OwnKind::Notification => of::<NotificationSpec>(),
        OwnKind::Project => of::<ProjectSpec>(),
    }
}

fn branch(kind: &str, spec: Json) -> Json {
    json!({
        "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
        "then": {"properties": {"spec": spec}},
    })
}

/// The schema of a type without definitions of its own, so that it can stand inside another.
pub(super) fn of<T: JsonSchema>() -> Json {
    let generator = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = generator
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    if let Json::Object(members) = &mut schema {
        members.remove("$schema");
        members.remove("title");
    }
    without_null_defaults(&mut schema);
    schema
}

/// A member that may be left out has no default that would be worth writing, and yaml-language-server fails
/// on a null one: it then offers nothing from there on.
fn without_null_defaults(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            members.retain(|name, value| name != "default" || !value.is_null());
            members.values_mut().for_each(without_null_defaults);
        }
        Json::Array(items) => items.iter_mut().for_each(without_null_defaults),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn object(table: &'static KindTable) -> Json {
    let mut properties = Map::new();
    let connection = "Name of the Connection; not needed when there is exactly one of this vendor.";
    properties.insert(
        "connection".into(),
        json!({"description": connection, "type": "string"}),
    );
    let mut required = Vec::new();
    for identity in table.identity {
        let mut schema = value(&identity.shape);
        if matches!(identity.shape, Shape::Integer { .. }) {
            schema = json!({"type": ["integer", "string"], "pattern": "^[0-9]+$"});
        }
        describe(&mut schema, identity.about);
        schema["examples"] = json!([identity.example]);
        properties.insert(identity.name.into(), schema);
        required.push(identity.name);
    }
    required.push("desired");
    properties.insert("policy".into(), of::<Policy>());
    let what = "The fields that are managed, in the vendor's own names. A field left out keeps its live value.";
    let mut desired = fields(table.desired, &[]);
    describe(&mut desired, what);
    properties.insert("desired".into(), desired);
    json!({
        "description": table.about,
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// A map of fields. Keys of elements are required; of fields only those that no read returns.
fn fields(table: &'static [Field], keys: &[(&'static str, &'static str)]) -> Json {
    let mut properties = Map::new();
    for (name, about) in keys {
        properties.insert(
            (*name).into(),
            json!({"description": about, "type": "string", "minLength": 1}),
        );
    }
    for field in table {
        properties.insert(field.name.into(), field_schema(field));
    }
    let in_manifest = table
        .iter()
        .filter(|field| field.need == Need::InManifest)
        .map(|field| field.name);
    let required: Vec<&str> = keys
        .iter()
        .map(|(name, _)| *name)
        .chain(in_manifest)
        .collect();
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn field_schema(field: &'static Field) -> Json {
    let mut schema = value(&field.shape);
    let list = matches!(field.shape, Shape::Set(_) | Shape::Keyed(_));
    if list || field.clearing != Clearing::Impossible {
        allow_null(&mut schema);
    }
    describe(&mut schema, field.about);
    schema
}

fn describe(schema: &mut Json, about: &str) {
    schema["description"] = json!(about);
}

fn allow_null(schema: &mut Json) {
    if let Some(Json::Array(values)) = schema.get_mut("enum") {
        values.push(Json::Null);
    }
    if let Some(kind) = schema.get_mut("type") {
        let mut kinds = match kind.take() {
            Json::Array(kinds) => kinds,
            one => vec![one],
        };
        kinds.push(json!("null"));
        *kind = Json::Array(kinds);
    }
}

fn value(shape: &'static Shape) -> Json {
    match shape {
        Shape::Text { max: None } | Shape::Id => json!({"type": "string"}),
        Shape::Text { max: Some(max) } => json!({"type": "string", "maxLength": max}),
        Shape::Integer {
            min,
            max,
            digits: false,
        } => {
            json!({"type": "integer", "minimum": min, "maximum": max})
        }
        Shape::Integer {
            min,
            max,
            digits: true,
        } => {
            json!({"type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": min, "maximum": max})
        }
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Choice { values, aliases } => {
            let all: Vec<&str> = values
                .iter()
                .copied()
                .chain(aliases.iter().map(|(alias, _)| *alias))
                .collect();
            json!({"type": "string", "enum": all})
        }
        Shape::Date => json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
        Shape::Instant => json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]"}),
        Shape::Guid => json!({"type": "string", "pattern": "^[{]?[0-9a-fA-F-]{32,36}[}]?$"}),
        Shape::Object => json!({"type": "object"}),
        Shape::Set(inner) => json!({"type": "array", "items": value(inner)}),
        Shape::Keyed(elements) => json!({"type": "array", "items": element(elements)}),
    }
}

fn element(elements: &'static Elements) -> Json {
    let keys: Vec<(&str, &str)> = elements
        .key
        .iter()
        .copied()
        .zip(elements.key_about.iter().copied())
        .collect();
    fields(elements.fields, &keys)
}
