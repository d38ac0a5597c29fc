//! JSON values on one line of a plan.

use serde_json::Value as Json;

/// Longest value that is shown on the line of its field.
pub const LONGEST: usize = 48;

/// A value as plans show it: texts in quotes, lists and objects as JSON.
pub fn inline(value: &Json) -> String {
    match value {
        Json::Null => "none".into(),
        Json::String(text) if plain(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a text reads the same without quotes.
fn plain(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.:/@+ ".contains(c))
        && text.parse::<f64>().is_err()
        && !matches!(text, "true" | "false" | "null" | "none")
}

/// The lines of a value that is too long for one.
pub fn lines(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Object(members) if members.values().all(|value| !value.is_object()) => members
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", inline(value)))
            .collect(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}
