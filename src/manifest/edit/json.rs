//! JSON inside YAML: texts in double quotes, and documents that readers of JSON take as well.

use std::fmt::Write;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value as Json};

use crate::model::json::json_number;
use crate::model::{Node, Tree};

/// How a document is written. What an edit writes into it is written in the same way.
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

/// Whether a text can stand between single quotes: on one line, and without characters that need an escape.
pub fn is_plain(text: &str) -> bool {
    text.chars().all(is_printing)
}

/// Whether every reader takes a character as it is, inside quotes.
fn is_printing(c: char) -> bool {
    match c {
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        c => matches!(c, ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..),
    }
}

/// A value on one line, as JSON that is YAML to every reader.
pub fn text(value: &Json) -> String {
    escaped(&value.to_string())
}

/// Escapes what JSON lets stand in a text and YAML does not.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        // Line breaks and tabs stand between the tokens of JSON; in its texts they have escapes already.
        if is_printing(c) || matches!(c, '\n' | '\t' | '\r') {
            text.push(c);
        } else {
            // All of these are in the first plane. Writing into a text does not fail.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        }
    }
    text
}

/// A document in the indentation of `before`, which ends as that does.
pub fn pretty(node: &Node, before: &str) -> String {
    let indent = |line: &str| {
        let depth = line.len() - line.trim_start().len();
        line.get(..depth).unwrap_or_default().to_string()
    };
    let mut indents = before.lines().skip(1).map(indent);
    let indent = indents.find(|indent| !indent.is_empty());
    let indent = indent.unwrap_or_else(|| "  ".into());
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    let mut bytes = Vec::new();
    // Neither a tree of JSON nor a list of bytes is a reason to fail.
    let _ = json_of(node).serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
    let mut text = escaped(&String::from_utf8_lossy(&bytes));
    text.push_str(&before[before.trim_end().len()..]);
    text
}

/// A document of JSON as our reader gave it.
fn json_of(node: &Node) -> Json {
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
