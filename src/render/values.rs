//! Formats JSON values and changes for one line of a plan, or for the lines below it.
//!
//! Every format that shows changes to people uses these and [`super::change`], so that a change reads the same in the
//! terminal, in a comment and in a test report. Nothing is escaped here: texts are as they came, and each format
//! escapes for itself.

use serde_json::Value as Json;

use crate::model::{Reference, Risk};
use crate::plan::document::ChangeEntry;

/// Columns of a value on the line of its field; an old and a new value together may have twice as many.
pub const LONGEST: usize = 48;

/// Formats a value as plans show it: texts in quotes, `null` as `none`, an id that is awaited in its words, all else as
/// JSON.
///
/// The quotes show where a text begins and ends, and tell `"5"`, `"true"`, `""` and `"none"` from a number, a boolean,
/// nothing and no value.
pub fn format_inline(value: &Json) -> String {
    match value {
        Json::Null => "none".into(),
        // What stands there is no text of the vendor's.
        Json::String(text) if Reference::is_awaited_text(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Formats a value over several lines, for a diff or a box.
///
/// Texts stay as they are. A flat object has one `name: value` per line, a nested one is indented JSON, `null`
/// is empty.
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

/// Returns the members of `these` that `those` lacks, in the order of `these`.
pub fn members_lacking<'a>(these: &'a [Json], those: &[Json]) -> Vec<&'a Json> {
    these
        .iter()
        .filter(|member| !those.contains(member))
        .collect()
}

/// Describes the risk of a change, for example `strands: 5 allowed, 7 in use`.
///
/// A safe change has its note alone, or an empty text without one.
pub fn describe_risk(change: &ChangeEntry) -> String {
    let word = match change.risk {
        Risk::Safe | Risk::Create => return change.note.clone().unwrap_or_default(),
        Risk::Reduce => "reduces",
        Risk::Strand => "strands",
        Risk::Destroy => "destroys",
    };
    match &change.note {
        Some(note) => format!("{word}: {note}"),
        None => word.into(),
    }
}
