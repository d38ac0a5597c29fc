//! Writes JSON inside YAML: texts in double quotes, and documents that readers of JSON take as well.

use std::fmt::Write;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value as Json};

use crate::model::json::json_number;
use crate::model::{Node, Tree};

/// The syntax of a document, which an edit keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Style {
    Yaml,
    /// YAML that readers of JSON take as well.
    Json,
}

impl Style {
    pub fn of(text: &str) -> Self {
        let object = text.trim_start().starts_with('{');
        match object && serde_json::from_str::<IgnoredAny>(text).is_ok() {
            true => Self::Json,
            false => Self::Yaml,
        }
    }
}

/// Reports whether a text can be put between single quotes: on one line, and without characters that need an escape.
pub fn fits_single_quotes(text: &str) -> bool {
    text.chars().all(is_printing)
}

/// Reports whether every reader takes a character in quotes as it is.
fn is_printing(c: char) -> bool {
    match c {
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        c => matches!(c, ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..),
    }
}

/// Returns a value on one line, as JSON that is YAML to every reader.
pub fn to_line(value: &Json) -> String {
    escape_unprintable(&value.to_string())
}

/// Escapes the characters that a text may have in JSON and not in YAML.
fn escape_unprintable(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        // Line breaks and tabs are between the tokens of JSON; in its texts they are escaped already.
        if is_printing(c) || matches!(c, '\n' | '\t' | '\r') {
            text.push(c);
        } else {
            // All of these are in the first plane. Writing into a text does not fail.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        }
    }
    text
}

/// Returns a document as JSON, with the indentation of `before` and the line breaks at its end.
pub fn to_document(node: &Node, before: &str) -> String {
    let indent = |line: &str| {
        let depth = line.len() - line.trim_start().len();
        line.get(..depth).unwrap_or_default().to_string()
    };
    let mut indents = before.lines().skip(1).map(indent);
    let indent = indents.find(|indent| !indent.is_empty());
    let indent = indent.unwrap_or_else(|| "  ".into());
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    let mut bytes = Vec::new();
    // Writing a tree of JSON into a list of bytes does not fail.
    let _ = json_of(node).serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    let mut text = escape_unprintable(&String::from_utf8_lossy(&bytes));
    text.push_str(&before[before.trim_end().len()..]);
    text
}

/// Returns the JSON of a document that our reader gave.
pub fn json_of(node: &Node) -> Json {
    match &node.tree {
        Tree::Null => Json::Null,
        Tree::Bool(value) => Json::from(*value),
        Tree::Integer(value) => Json::from(*value),
        Tree::Number(raw) => json_number(raw).map_or(Json::Null, Json::Number),
        Tree::Text(text) => Json::from(text.as_str()),
        Tree::List(items) => items.iter().map(json_of).collect(),
        Tree::Map(entries) => {
            let members = entries.iter();
            let members = members.map(|entry| (entry.key.clone(), json_of(&entry.value)));
            Json::Object(members.collect::<Map<_, _>>())
        }
    }
}
