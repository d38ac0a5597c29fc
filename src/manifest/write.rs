//! Values to YAML: the only door to serde-saphyr's serializer.
//!
//! serde-saphyr writes, because the libyaml family writes `no`, `1_000` and `12:30:45` bare, which other
//! readers take for something else (measured 2026-11-21).

use serde_json::{Value as Json, json};

use super::envelope::API_VERSION;
use crate::model::Kind;

/// What can go wrong in writing a value that is JSON already: nothing that a user could mend.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the value has no YAML form: {0}")]
pub struct Unwritable(String);

/// The first line of a manifest file, by which editors find the schema.
pub fn modeline(schema: &str) -> String {
    format!("# yaml-language-server: $schema={schema}\n")
}

/// The document of an object. `identity` are the members of `spec` that say which one it is.
pub fn object(
    kind: Kind,
    name: &str,
    connection: &str,
    identity: &[(&'static str, Json)],
    desired: Json,
) -> Json {
    let mut spec = serde_json::Map::new();
    spec.insert("connection".into(), Json::from(connection));
    for (name, id) in identity {
        spec.insert((*name).into(), id.clone());
    }
    spec.insert("desired".into(), desired);
    json!({
        "apiVersion": API_VERSION,
        "kind": kind.0,
        "metadata": {"name": name},
        "spec": spec,
    })
}

/// A value as a YAML document: members in their order, texts of several lines as blocks.
pub fn yaml(value: &Json) -> Result<String, Unwritable> {
    let options = serde_saphyr::ser_options! {
        // A folded text shows every change of a word as a change of many lines.
        folded_wrap_chars: usize::MAX,
        // As in the examples: items stand below the name of their list.
        compact_list_indent: false,
    };
    let mut text = serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| Unwritable(error.to_string()))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
