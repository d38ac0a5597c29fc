//! JSON values on one line of a plan.

use serde_json::Value as Json;
use unicode_width::UnicodeWidthStr;

use crate::model::Risk;
use crate::model::wording::shorten;
use crate::plan::ChangeVerb;
use crate::plan::document::ChangeEntry;

/// Longest value that is shown on the line of its field.
pub const LONGEST: usize = 48;

/// A value as plans show it: texts in quotes, lists and objects as JSON.
pub fn format_inline(value: &Json) -> String {
    match value {
        Json::Null => "none".into(),
        Json::String(text) if reads_unquoted(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Reports whether a text reads the same without quotes.
fn reads_unquoted(text: &str) -> bool {
    !text.is_empty()
        && text.trim() == text
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "-_.:/@+ ".contains(c))
        && text.parse::<f64>().is_err()
        && !matches!(text, "true" | "false" | "null" | "none")
}

/// The lines of a value that is too long for one.
pub fn format_lines(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Object(members) if members.values().all(|value| !value.is_object()) => members
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", format_inline(value)))
            .collect(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// The change on one line, if it is short enough; a removal needs no words.
pub fn format_change(change: &ChangeEntry) -> Option<String> {
    let text = match change.verb {
        ChangeVerb::Remove => return Some(String::new()),
        ChangeVerb::Add => format_inline(&change.after),
        ChangeVerb::Replace => match (&change.before, &change.after) {
            (Json::Array(before), Json::Array(after)) => {
                return Some(format_set_change(before, after));
            }
            (before, after) => format!("{} → {}", format_inline(before), format_inline(after)),
        },
    };
    let wrapped = text.contains('\n') || text.width() > 2 * LONGEST;
    (!wrapped).then_some(text)
}

/// A set by what comes and goes: its order means nothing.
pub fn format_set_change(before: &[Json], after: &[Json]) -> String {
    let marked = |mark: &str, members: Vec<&Json>| -> Vec<String> {
        members
            .into_iter()
            .map(|member| format!("{mark}{}", format_inline(member)))
            .collect()
    };
    let mut parts = marked("+", members_lacking(after, before));
    parts.extend(marked("−", members_lacking(before, after)));
    parts.join(" ")
}

/// The members of a set that another lacks.
pub fn members_lacking<'a>(these: &'a [Json], those: &[Json]) -> Vec<&'a Json> {
    these
        .iter()
        .filter(|member| !those.contains(member))
        .collect()
}

/// Describes the risk of a change; its note alone where it has none, and nothing without a note.
pub fn describe_risk(change: &ChangeEntry) -> String {
    let word = match change.risk {
        Risk::Safe => return change.note.clone().unwrap_or_default(),
        Risk::Reduce => "reduces",
        Risk::Strand => "strands",
    };
    match &change.note {
        Some(note) => format!("{word}: {note}"),
        None => word.into(),
    }
}

/// A change in running text: `count 10 → 5 (strands: 5 allowed, 7 in use)`.
pub fn describe_change(change: &ChangeEntry) -> String {
    let value = match change.verb {
        ChangeVerb::Remove => "is removed".into(),
        ChangeVerb::Add => format_change(change).unwrap_or_else(|| "is added".into()),
        ChangeVerb::Replace => format_change(change).unwrap_or_else(|| "is changed".into()),
    };
    let value = shorten(&value, 3 * LONGEST);
    match describe_risk(change).as_str() {
        "" => format!("{} {value}", change.path),
        risk => format!("{} {value} ({risk})", change.path),
    }
}
