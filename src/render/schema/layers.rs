//! The schema of fields in layers: in editions, in changes on a date, and where a name stands in place of a value.

use serde_json::{Map, Value as Json, json};

use crate::manifest::compose::ABSENT;

/// The definition of what stands in place of a value in an edition or a change.
pub const NAMED: &str = "named value";

/// The definition of what stands in place of a value everywhere.
pub const OF_ENVIRONMENT: &str = "value of the environment";

/// Builds the schemas of [`NAMED`] and of [`OF_ENVIRONMENT`].
pub fn named_value_schemas() -> [Json; 2] {
    let name = |about: &str| json!({"type": "string", "minLength": 1, "description": about});
    let value = name("A value of the environment, such as `seats.floor`.");
    let named = json!({
        "type": "object",
        "description": "A name in place of a value.",
        "properties": {"param": name("A parameter of the edition."), "value": value},
        "oneOf": [{"required": ["param"]}, {"required": ["value"]}],
        "additionalProperties": false,
    });
    let of_environment = json!({
        "type": "object",
        "description": "A value of the environment in place of one that is written here.",
        "properties": {"value": value},
        "required": ["value"],
        "additionalProperties": false,
    });
    [named, of_environment]
}

/// Returns a reference to a definition of the manifest schema.
pub fn definition(name: &str) -> Json {
    json!({"$ref": format!("#/definitions/{}", name.replace(' ', "%20"))})
}

/// Gives the fields of an edition the types of those of its kind.
pub fn edition_branch(kind: &str) -> Json {
    let fields = json!({"properties": {"desired": definition(kind)}});
    json!({
        "if": {"properties": {"for": {"const": kind}}, "required": ["for"]},
        "then": {"properties": {"desired": definition(kind), "changes": {"items": fields}}},
    })
}

/// Turns the schema of an object's fields into that of fields that are laid over others, in an edition or in a change: each may be left out, an element of
/// a list needs nothing beside its key, and a name may stand for each value.
pub fn layer_schema(mut fields: Json) -> Json {
    loosen(&mut fields);
    allow_names(&mut fields, NAMED);
    fields
}

/// Lets members be left out, in a schema and in those below it.
fn loosen(schema: &mut Json) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    let is_element = members
        .get("properties")
        .is_some_and(|properties| properties.get(ABSENT).is_some());
    if members.contains_key("properties") && !is_element {
        members.remove("required");
    }
    if is_element {
        members.remove("if");
        members.remove("then");
    }
    let properties = members.get_mut("properties").and_then(Json::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        loosen(property);
    }
    if let Some(items) = members.get_mut("items") {
        loosen(items);
    }
}

/// Lets a name stand in place of each value below a schema. `name` is the definition of what may stand there.
pub fn allow_names(schema: &mut Json, name: &str) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    let properties = members.get_mut("properties").and_then(Json::as_object_mut);
    for (member, property) in properties.into_iter().flatten() {
        if member != ABSENT {
            allow_names(property, name);
            allow_name(property, name);
        }
    }
    if let Some(items) = members.get_mut("items") {
        allow_names(items, name);
        if items.get("properties").is_none() {
            allow_name(items, name);
        }
    }
}

/// Lets a name stand in place of a value. Description and examples stay where editors look for them.
pub fn allow_name(schema: &mut Json, name: &str) {
    let mut value = schema.take();
    let mut kept = Map::new();
    for member in ["description", "examples"] {
        let members = value.as_object_mut();
        if let Some(found) = members.and_then(|members| members.remove(member)) {
            kept.insert(member.into(), found);
        }
    }
    *schema = json!({"anyOf": [value, definition(name)]});
    for (member, found) in kept {
        schema[member.as_str()] = found;
    }
}
