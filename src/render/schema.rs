//! Generates JSON Schemas: those of output documents from their Rust types, that of manifests from the field
//! tables.
//!
//! Output is JSON Schema draft 7, which yaml-language-server reads. `entitle schema` writes the files, and the
//! CI compares them with the published ones. Rules that a schema cannot express, such as references between
//! documents, are checked by `validate` only. No field is listed here by hand: names, forms and descriptions
//! come from the tables.

mod layers;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json, json};

use layers::{
    NAMED, OF_ENVIRONMENT, allow_name, allow_names, definition, edition_branch, layer_schema,
    named_value_schemas,
};

use crate::manifest::API_VERSION;
use crate::manifest::compose::ABSENT;
use crate::manifest::envelope::{DOCUMENT, OBJECT, object_members};
use crate::manifest::own_kind::OwnKind;
use crate::manifest::table::{Form, MapTable, Member, Rule, SECRET};
use crate::manifest::text_type::TextType;
use crate::model::field::{Elements, IdentityField};
use crate::model::{Clearing, Field, Kind, KindTable, NaturalKey, Need, Shape};
use crate::provider;
use crate::provider::auth::AuthForm;

/// The URI of the draft that editors read.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// Returns the schema of an output document, from its type.
pub fn document_schema<T: JsonSchema>() -> Json {
    let generator = SchemaSettings::draft07().into_generator();
    generator.into_root_schema_for::<T>().to_value()
}

/// Returns the schema of manifest documents: `kind` chooses the branch.
///
/// `if`/`then` per kind instead of `oneOf`: an editor then completes and explains the fields of the chosen kind
/// and reports one fault, not one per kind. With twelve kinds, one wrong field under `oneOf` is twelve faults.
pub fn manifest_schema() -> Json {
    let vendors = provider::all_kinds().map(|kind| kind.table());
    let own_kinds = OwnKind::ALL.into_iter();
    let kinds = vendors.clone().map(|table| table.kind.0);
    let kinds: Vec<&str> = kinds.chain(own_kinds.clone().map(OwnKind::name)).collect();
    let names: Vec<&str> = vendors.clone().map(|table| table.kind.0).collect();
    let layers = vendors.clone().map(|table| {
        (
            table.kind.0.to_string(),
            layer_schema(desired_schema(table)),
        )
    });
    let mut definitions: Map<String, Json> = layers.collect();
    let [named, of_environment] = named_value_schemas();
    definitions.insert(NAMED.into(), named);
    definitions.insert(OF_ENVIRONMENT.into(), of_environment);
    let vendors = vendors.map(|table| kind_branch(table.kind.0, object_schema(table)));
    let own_kinds = own_kinds.map(|kind| {
        let mut spec = map_schema(kind.table());
        if kind == OwnKind::Edition {
            spec["properties"]["for"]["enum"] = json!(names);
            spec["allOf"] = names.iter().map(|name| edition_branch(name)).collect();
        }
        kind_branch(kind.name(), spec)
    });
    let mut document = map_schema(&DOCUMENT);
    document["$schema"] = json!(DRAFT);
    document["title"] = json!("entitle manifest");
    document["properties"]["apiVersion"]["const"] = json!(API_VERSION);
    document["properties"]["kind"]["enum"] = json!(kinds);
    document["allOf"] = vendors.chain(own_kinds).collect();
    document["definitions"] = Json::Object(definitions);
    document
}

/// Builds the schema of all fields of a kind, those that only its creation takes among them.
fn desired_schema(table: &'static KindTable) -> Json {
    let mut desired = fields_schema(table.desired, &[]);
    for field in table.lifecycle.creation_fields() {
        let mut schema = field_schema(field);
        set_description(&mut schema, &format!("{} {USED_ONCE}", field.about));
        desired["properties"][field.name] = schema;
    }
    desired
}

/// What is to be known of a field that only a creation takes.
pub const USED_ONCE: &str = "Only used at creation: no read shows it, and a change to it has no effect on an object that is there.";

/// Builds the branch of one kind: if `kind` has this name, `spec` has this schema.
fn kind_branch(kind: &str, spec: Json) -> Json {
    json!({
        "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
        "then": {"properties": {"spec": spec}},
    })
}

/// Builds the schema of `spec` of a vendor's kind: identity, connection, policy, and the desired fields.
///
/// All of the identity and `desired` are required. The members are those of [`object_members`], in its order.
fn object_schema(table: &'static KindTable) -> Json {
    let mut schema = map_schema(&OBJECT);
    let mut properties = Map::new();
    let mut required = Vec::new();
    let key = table.lifecycle.key;
    for name in object_members(table.identity, key) {
        let identity = table.identity.iter().find(|identity| identity.name == name);
        match (identity, key.filter(|key| key.member == name)) {
            (Some(identity), _) => {
                properties.insert(name.into(), identity_schema(identity));
                let is_replaced = key.is_some_and(|key| key.replaces == name);
                required.extend((!is_replaced).then_some(name));
            }
            (None, Some(key)) => drop(properties.insert(name.into(), key_schema(&key))),
            (None, None) if name == "state" && table.lifecycle.remove.is_none() => {}
            (None, None) => drop(properties.insert(name.into(), schema["properties"][name].take())),
        }
    }
    let mut desired = desired_schema(table);
    let demand = take_demand(table, &mut desired);
    allow_names(&mut desired, OF_ENVIRONMENT);
    desired["description"] = properties["desired"]["description"].take();
    properties["changes"]["items"]["properties"]["desired"] = json!({
        "allOf": [definition(table.kind.0)],
        "description": properties["changes"]["items"]["properties"]["desired"]["description"],
    });
    properties.insert("desired".into(), desired);
    // What an edition gives an object need not say, and an object that is to be gone needs nothing.
    let has_edition = json!({"required": ["edition"]});
    let is_absent = json!({"properties": {"state": {"const": "absent"}}, "required": ["state"]});
    schema["if"] = match table.lifecycle.remove {
        None => has_edition,
        Some(_) => json!({"anyOf": [has_edition, is_absent]}),
    };
    schema["else"] = demand;
    if let Some(key) = key {
        schema["oneOf"] = json!([{"required": [key.replaces]}, {"required": [key.member]}]);
    }
    set_description(&mut schema, table.about);
    schema["properties"] = Json::Object(properties);
    schema["required"] = json!(required);
    schema
}

/// Takes what `desired` requires out of its schema, and returns it as a schema of the spec.
///
/// A field that a natural key may state is required of an object that is named by the vendor's id.
fn take_demand(table: &KindTable, desired: &mut Json) -> Json {
    let required = desired.get_mut("required").map(Json::take);
    if let Some(schema) = desired.as_object_mut() {
        schema.remove("required");
    }
    let Some(Json::Array(required)) = required else {
        return json!({"required": ["desired"]});
    };
    let in_key = |name: &Json| {
        let key = table.lifecycle.key;
        name.as_str()
            .is_some_and(|name| key.is_some_and(|key| key.names(name)))
    };
    let (by_id, always): (Vec<Json>, Vec<Json>) = required.into_iter().partition(in_key);
    let mut demand = json!({
        "required": ["desired"],
        "properties": {"desired": {"required": always}},
    });
    if let Some(key) = table.lifecycle.key.filter(|_| !by_id.is_empty()) {
        demand["if"] = json!({"required": [key.replaces]});
        demand["then"] = json!({"properties": {"desired": {"required": by_id}}});
    }
    demand
}

/// Builds the schema of a natural key, which may stand in place of the vendor's ids.
fn key_schema(key: &NaturalKey) -> Json {
    let fields = key.fields.iter();
    let properties: Map<String, Json> = fields
        .map(|field| (field.name.to_string(), identity_schema(field)))
        .collect();
    let required: Vec<&str> = key.fields.iter().map(|field| field.name).collect();
    json!({
        "type": "object",
        "description": key.about,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Builds the schema of an identity member. A number may be written as a text of digits too.
fn identity_schema(identity: &'static IdentityField) -> Json {
    let mut schema = shape_schema(&identity.shape);
    if matches!(identity.shape, Shape::Integer { .. }) {
        schema = json!({"type": ["integer", "string"], "pattern": "^[0-9]+$"});
    }
    let mut schema = match identity.refers_to {
        Some(kind) => or_reference(schema, kind),
        None => schema,
    };
    set_description(&mut schema, identity.about);
    schema["examples"] = json!([identity.example]);
    allow_name(&mut schema, OF_ENVIRONMENT);
    schema
}

/// Lets a reference to an object of a kind stand in place of an id.
fn or_reference(id: Json, kind: Kind) -> Json {
    let reference = json!({
        "type": "object",
        "description": format!("Reference to a {kind} of the manifests, in place of its id."),
        "properties": {"ref": {
            "type": "string",
            "description": format!("{kind}/name"),
            "pattern": format!("^{kind}/[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"),
        }},
        "required": ["ref"],
        "additionalProperties": false,
    });
    json!({"anyOf": [id, reference]})
}

/// Builds the schema of one of the format's own maps, with its rule about members that exclude or need each
/// other.
fn map_schema(table: &MapTable) -> Json {
    let named = |member: &Member| (member.name.to_string(), member_schema(member));
    let properties: Map<String, Json> = table.written().map(named).collect();
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !table.about.is_empty() {
        set_description(&mut schema, table.about);
    }
    let required: Vec<&str> = table
        .written()
        .filter(|member| member.required)
        .map(|member| member.name)
        .collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    match table.rule {
        Rule::None => {}
        // By names: with `maxProperties` yaml-language-server takes the member that is being typed for the
        // one, and offers nothing.
        Rule::ExactlyOne { names, .. } => {
            let one = |name: &&str| json!({"required": [name]});
            schema["oneOf"] = names.iter().map(one).collect();
        }
        Rule::Together([a, b], _) => schema["dependencies"] = json!({a: [b], b: [a]}),
    }
    schema
}

/// Builds the schema of a member: its form, description and default.
fn member_schema(member: &Member) -> Json {
    let mut schema = form_schema(&member.form);
    set_description(&mut schema, &describe_member(member));
    if let Some(value) = member.default {
        let is_text = !matches!(member.form, Form::Boolean);
        schema["default"] = if is_text {
            json!(value)
        } else {
            json!(value == "true")
        };
    }
    schema
}

/// Describes a member; where not all vendors take it, with the vendors that do, for example `The user (alinea,
/// lac).`
pub fn describe_member(member: &Member) -> String {
    if !member.by_vendor {
        return member.about.to_string();
    }
    let takes = |form: &AuthForm| {
        form.name == member.name
            || form
                .members
                .iter()
                .any(|group| group.contains(&member.name))
    };
    let vendors = provider::ALL
        .iter()
        .filter(|provider| provider.auth().forms.iter().any(takes));
    let names: Vec<&str> = vendors.map(|provider| provider.vendor().0).collect();
    format!(
        "{} ({}).",
        member.about.trim_end_matches('.'),
        names.join(", ")
    )
}

/// Builds the schema of a form. Members that are refused or not read accept anything here.
fn form_schema(form: &Form) -> Json {
    match form {
        Form::Text(text_type) => text_schema(text_type),
        Form::Boolean => json!({"type": "boolean"}),
        Form::Count(max) => json!({"type": "integer", "minimum": 1, "maximum": max}),
        Form::Integer => json!({"type": "integer"}),
        Form::CountOrShare => {
            let share = json!({"type": "string", "pattern": "^(100|[0-9]{1,2})%$"});
            json!({"anyOf": [{"type": "integer", "minimum": 0}, share]})
        }
        Form::Choice(_, values) => json!({"type": "string", "enum": values}),
        Form::Vendor => json!({"type": "string", "enum": vendor_names()}),
        Form::Secret => map_schema(&SECRET),
        Form::TextOrSecret(text_type) => {
            json!({"anyOf": [text_schema(text_type), map_schema(&SECRET)]})
        }
        Form::List(items) => json!({"type": "array", "items": form_schema(items)}),
        Form::ListOf(_, items) => {
            json!({"type": "array", "items": form_schema(items), "minItems": 1})
        }
        Form::OneOrListOf(noun, items) => {
            json!({"anyOf": [form_schema(items), form_schema(&Form::ListOf(noun, items))]})
        }
        Form::TextMap => {
            json!({"type": ["object", "null"], "additionalProperties": {"type": "string"}})
        }
        Form::Map(table) => map_schema(table),
        Form::Named(table) => json!({"type": "object", "additionalProperties": map_schema(table)}),
        Form::Unread | Form::Refused(_) => json!({}),
    }
}

/// Returns the names of all vendors, in the order of the registry.
pub(super) fn vendor_names() -> Vec<&'static str> {
    let vendors = provider::ALL.iter().map(|provider| provider.vendor());
    vendors.map(|vendor| vendor.0).collect()
}

/// Builds the schema of a text; without keywords of its own it must not be empty.
fn text_schema(text_type: &TextType) -> Json {
    let mut schema = json!({"type": "string"});
    if text_type.keywords.is_empty() {
        schema["minLength"] = json!(1);
    }
    for (keyword, value) in text_type.keywords {
        schema[*keyword] = json!(value);
    }
    schema
}

/// Builds the schema of a map of fields.
///
/// Keys of list elements are required. Of the fields only those are that no read returns: all others may be left
/// out, and then are not managed.
fn fields_schema(table: &'static [Field], keys: &[(&'static str, &'static str)]) -> Json {
    let mut properties = Map::new();
    for (name, about) in keys {
        properties.insert(
            (*name).into(),
            json!({"description": about, "type": "string", "minLength": 1}),
        );
    }
    for field in table {
        match field.record_member() {
            None => {
                properties.insert(field.name.into(), field_schema(field));
            }
            Some((record, name)) => {
                let object = properties.entry(record).or_insert_with(|| {
                    json!({"type": ["object", "null"], "properties": {}, "additionalProperties": false})
                });
                object["properties"][name] = field_schema(field);
            }
        }
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

/// Builds the schema of a field. `null` is allowed where the field can be cleared, and for every list.
fn field_schema(field: &'static Field) -> Json {
    let mut schema = shape_schema(&field.shape);
    match (field.refers_to, schema.get_mut("items")) {
        (Some(kind), Some(items)) => *items = or_reference(items.take(), kind),
        (Some(kind), None) => schema = or_reference(schema, kind),
        (None, _) => {}
    }
    let list = matches!(field.shape, Shape::Set(_) | Shape::Keyed(_));
    if list || field.clearing != Clearing::Impossible {
        allow_null(&mut schema);
    }
    set_description(&mut schema, field.about);
    schema
}

fn set_description(schema: &mut Json, about: &str) {
    schema["description"] = json!(about);
}

/// Adds `null` to the types of a schema, and to its values if they are listed.
///
/// `{"type": "string", "enum": ["a"]}` becomes `{"type": ["string", "null"], "enum": ["a", null]}`: draft 7
/// wants both.
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

/// Builds the schema of the values of a shape, with aliases among the choices.
fn shape_schema(shape: &'static Shape) -> Json {
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
        Shape::Set(inner) => json!({"type": "array", "items": shape_schema(inner)}),
        Shape::Keyed(elements) => json!({"type": "array", "items": element_schema(elements)}),
        Shape::List(members) => {
            let mut items = fields_schema(members, &[]);
            let required = members.iter().filter(|field| field.need == Need::Required);
            let required: Vec<&str> = required.map(|field| field.name).collect();
            if !required.is_empty() {
                items["required"] = json!(required);
            }
            json!({"type": "array", "items": items})
        }
    }
}

/// Builds the schema of the elements of a keyed list: the parts of the key, then the fields. One that is taken out of an
/// edition needs no fields.
fn element_schema(elements: &'static Elements) -> Json {
    let keys: Vec<(&str, &str)> = elements
        .key
        .iter()
        .copied()
        .zip(elements.key_about.iter().copied())
        .collect();
    let mut schema = fields_schema(elements.fields, &keys);
    let (all, keys) = (schema["required"].take(), json!(elements.key));
    schema["properties"][ABSENT] = json!({
        "const": true,
        "description": "Takes the element out of the edition that the object has.",
    });
    schema["required"] = keys.clone();
    if all != keys {
        schema["if"] = json!({"not": {"required": [ABSENT]}});
        schema["then"] = json!({"required": all});
    }
    schema
}
