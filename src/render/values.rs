//! Formats JSON values and changes for one line of a plan, or for the lines below it.
//!
//! Every format that shows changes to people uses these, so that a change reads the same in the terminal, in a
//! comment and in a test report. Nothing is escaped here: texts are as they came, and each format escapes for
//! itself.

use serde_json::Value as Json;
use unicode_width::UnicodeWidthStr;

use crate::model::Risk;
use crate::model::wording::shorten;
use crate::plan::ChangeVerb;
use crate::plan::document::ChangeEntry;

/// Columns of a value on the line of its field; an old and a new value together may have twice as many.
pub const LONGEST: usize = 48;

/// Formats a value as plans show it: plain texts without quotes, `null` as `none`, all else as JSON.
///
/// `pro` stays `pro`, while the texts `"5"`, `"true"`, `""` and `" a"` keep their quotes, since without them
/// they would read as a number, a boolean, nothing, or a text without the space.
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

/// Formats the values of a change on one line: `10 → 5`, or `+a −b` for a set.
///
/// Returns `None` if the text has a line end or more than twice [`LONGEST`] columns; the caller then shows a
/// diff. A removal is an empty text, because its mark says all. Sets are never too long, since only what differs
/// is shown.
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

/// Formats a set by what comes and goes, because its order means nothing: `[a, b]` to `[b, c]` is `+c −a`.
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
        Risk::Safe => return change.note.clone().unwrap_or_default(),
        Risk::Reduce => "reduces",
        Risk::Strand => "strands",
    };
    match &change.note {
        Some(note) => format!("{word}: {note}"),
        None => word.into(),
    }
}

/// Describes a change in running text: `count 10 → 5 (strands: 5 allowed, 7 in use)`.
///
/// Values that [`format_change`] refuses as too long become `is added` or `is changed`.
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
