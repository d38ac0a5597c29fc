//! Descriptions of the members of a JSON document, from its schema.

use serde_json::Value as Json;

use super::markdown::{cell, code, head, row};

/// Returns a table of the members that the schema has at `pointer`, for example `/definitions/ObjectEntry/properties`.
pub fn members(schema: &Json, pointer: &str) -> String {
    let members = schema.pointer(pointer).and_then(Json::as_object);
    let members = members.unwrap_or_else(|| panic!("the schema has no {pointer}"));
    let rows = members
        .iter()
        .map(|(name, member)| row(&[code(name), describe(schema, member)]));
    head(&["member", "what it is"]) + &rows.collect::<String>()
}

/// Returns the description of a member, or that of its type, with the values of a closed list.
fn describe(schema: &Json, member: &Json) -> String {
    let named = referenced(schema, member);
    let text = |of: &Json| {
        let text = of["description"].as_str()?;
        let paragraph = text.split("\n\n").next().unwrap_or_default();
        Some(cell(paragraph))
    };
    let about = text(member).or_else(|| named.and_then(text));
    let values = named.map(values).unwrap_or_default();
    let mut about = about.unwrap_or_default();
    if !values.is_empty() {
        about += &format!(" One of {}.", values.join(", "));
    }
    about.trim().to_string()
}

/// Returns the definition that a member names: itself, that of its elements, or that which may be null.
fn referenced<'a>(schema: &'a Json, member: &Json) -> Option<&'a Json> {
    let names = [
        &member["$ref"],
        &member["items"]["$ref"],
        &member["anyOf"][0]["$ref"],
    ];
    let name = names.into_iter().find_map(Json::as_str)?;
    schema.pointer(name.strip_prefix('#')?)
}

/// Returns the values of an enumeration, in its order.
fn values(definition: &Json) -> Vec<String> {
    let list = |value: &Json| value.as_array().cloned().unwrap_or_default();
    let branches = list(&definition["oneOf"]).into_iter();
    let branches = branches.flat_map(|branch| match &branch["const"] {
        Json::Null => list(&branch["enum"]),
        value => vec![value.clone()],
    });
    let all = list(&definition["enum"]).into_iter().chain(branches);
    all.filter_map(|value| value.as_str().map(code)).collect()
}
