//! Lays out the values of a change, the same for the terminal, comments and pages.
//!
//! Input is a change of the plan document, output a [`ChangeLayout`] of plain texts. Marks, colours, escapes and widths
//! belong to the formats.

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};
use unicode_width::UnicodeWidthStr;

use super::values::{LONGEST, describe_risk, format_inline, format_lines, members_lacking};
use crate::model::wording::shorten;
use crate::plan::ChangeVerb;
use crate::plan::document::ChangeEntry;

/// The values of a change in the form in which they are best compared.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeLayout {
    /// A value in place of another; both fit on one line.
    Replaced { before: String, after: String },
    /// A value where there was none.
    Added(String),
    /// A value that is removed.
    Removed(String),
    /// The members of a set that are added and removed; those that stay are left out.
    Members {
        added: Vec<String>,
        removed: Vec<String>,
    },
    /// The lines of a text or an object that differ, each with its mark: `-`, `+`, or a space for context.
    Lines(Vec<(char, String)>),
}

impl ChangeLayout {
    /// Lays out a change.
    ///
    /// ```text
    /// 10 to 5                        Replaced 10, 5
    /// ["a", "b"] to ["b", "c"]       Members added "c", removed "a"
    /// {name: "A", count: 5} added    Lines + name: "A", + count: 5
    /// a text of several lines        Lines with two lines of context around each difference
    /// ```
    pub fn of(change: &ChangeEntry) -> Self {
        let (before, after) = (&change.before, &change.after);
        match (change.verb, before, after) {
            (ChangeVerb::Replace, Json::Array(before), Json::Array(after)) => {
                Self::of_members(before, after)
            }
            (ChangeVerb::Add, _, Json::Array(after)) if !after.is_empty() => {
                Self::of_members(&[], after)
            }
            (ChangeVerb::Remove, Json::Array(before), _) if !before.is_empty() => {
                Self::of_members(before, &[])
            }
            (ChangeVerb::Replace, ..) if fits_line(&[before, after]) => Self::Replaced {
                before: format_inline(before),
                after: format_inline(after),
            },
            (ChangeVerb::Add, ..) if fits_line(&[after]) => Self::Added(format_inline(after)),
            (ChangeVerb::Remove, ..) if fits_line(&[before]) => {
                Self::Removed(format_inline(before))
            }
            (ChangeVerb::Add | ChangeVerb::Replace | ChangeVerb::Remove, ..) => {
                Self::Lines(line_diff(before, after))
            }
        }
    }

    /// Lays out a set by its added and removed members, because its order means nothing. Two lists with the same
    /// members, in another order or number, are shown whole.
    pub fn of_members(before: &[Json], after: &[Json]) -> Self {
        let texts = |members: Vec<&Json>| members.into_iter().map(format_inline).collect();
        let added: Vec<String> = texts(members_lacking(after, before));
        let removed: Vec<String> = texts(members_lacking(before, after));
        if added.is_empty() && removed.is_empty() {
            return Self::Replaced {
                before: Json::from(before).to_string(),
                after: Json::from(after).to_string(),
            };
        }
        Self::Members { added, removed }
    }

    /// Formats the layout on one line: `10 → 5`, or `+"c" −"a"` for a set; `None` for one of several lines.
    pub fn on_one_line(&self) -> Option<String> {
        match self {
            Self::Replaced { before, after } => Some(format!("{before} → {after}")),
            Self::Added(value) | Self::Removed(value) => Some(value.clone()),
            Self::Members { added, removed } => {
                let marked = |mark: &'static str, members: &'_ [String]| -> Vec<String> {
                    members.iter().map(|one| format!("{mark}{one}")).collect()
                };
                let parts = [marked("+", added), marked("−", removed)].concat();
                Some(parts.join(" "))
            }
            Self::Lines(_) => None,
        }
    }

    /// Returns the layout as lines with marks, for values that are too long to stand beside the field.
    pub fn into_lines(self) -> Vec<(char, String)> {
        let marked =
            |mark: char, values: Vec<String>| values.into_iter().map(move |one| (mark, one));
        match self {
            Self::Lines(lines) => lines,
            Self::Replaced { before, after } => vec![('-', before), ('+', after)],
            Self::Added(value) => vec![('+', value)],
            Self::Removed(value) => vec![('-', value)],
            Self::Members { added, removed } => {
                marked('-', removed).chain(marked('+', added)).collect()
            }
        }
    }
}

/// Reports whether values can stand on one line: no text of several lines, no object with members, and no more
/// columns than twice [`LONGEST`] together.
fn fits_line(values: &[&Json]) -> bool {
    let is_plain = |value: &&&Json| match value {
        Json::String(text) => !text.contains('\n'),
        Json::Object(members) => members.is_empty(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => true,
    };
    let widths = values.iter().map(|value| format_inline(value).width());
    values.iter().all(|value| is_plain(&value)) && widths.sum::<usize>() <= 2 * LONGEST
}

/// Describes a change in running text: `count 10 → 5 (strands: 5 allowed, 7 in use)`.
///
/// Values that need lines of their own become `is added` or `is changed`.
pub fn describe_change(change: &ChangeEntry) -> String {
    let on_one_line = || ChangeLayout::of(change).on_one_line();
    let value = match change.verb {
        ChangeVerb::Remove => "is removed".into(),
        ChangeVerb::Add => on_one_line().unwrap_or_else(|| "is added".into()),
        ChangeVerb::Replace => on_one_line().unwrap_or_else(|| "is changed".into()),
    };
    let value = shorten(&value, 3 * LONGEST);
    match describe_risk(change).as_str() {
        "" => format!("{} {value}", change.path),
        risk => format!("{} {value} ({risk})", change.path),
    }
}

/// Lists the lines of two values that differ, each with its mark: `-`, `+`, or a space for context.
///
/// Two equal lines are kept around each difference. From `a b c d` to `a b c e`, one letter per line, the list
/// is ` b`, ` c`, `-d`, `+e`. After 200 ms the diff is finished roughly, so that a huge value does not stop the
/// run.
pub fn line_diff(before: &Json, after: &Json) -> Vec<(char, String)> {
    let (before, after) = (format_lines(before), format_lines(after));
    let diff = TextDiff::configure()
        .timeout(std::time::Duration::from_millis(200))
        .diff_lines(before.as_str(), after.as_str());
    let mut shown = Vec::new();
    for op in diff.grouped_ops(2).iter().flatten() {
        for line in diff.iter_changes(op) {
            let mark = match line.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            shown.push((mark, line.value().trim_end_matches('\n').to_string()));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Risk;
    use serde_json::json;

    fn layout(verb: ChangeVerb, before: Json, after: Json) -> ChangeLayout {
        ChangeLayout::of(&ChangeEntry {
            path: "x".into(),
            verb,
            before,
            after,
            risk: Risk::Safe,
            note: None,
            call: 0,
        })
    }

    #[test]
    fn a_value_ends_where_its_quotes_end() {
        let replaced = |before, after| {
            let layout = layout(ChangeVerb::Replace, before, after);
            layout.on_one_line().expect("one line")
        };
        assert_eq!(replaced(json!(10), json!(5)), "10 → 5");
        assert_eq!(
            replaced(json!("Order 14"), json!("")),
            "\"Order 14\" → \"\""
        );
        assert_eq!(replaced(json!("none"), Json::Null), "\"none\" → none");
        assert_eq!(replaced(json!(true), json!("true")), "true → \"true\"");
        assert_eq!(replaced(json!("a → b"), json!("c")), "\"a → b\" → \"c\"");
    }

    #[test]
    fn a_set_is_what_comes_and_goes() {
        let set = layout(
            ChangeVerb::Replace,
            json!(["a", "b"]),
            json!(["b", "c d", "e"]),
        );
        assert_eq!(set.on_one_line().as_deref(), Some("+\"c d\" +\"e\" −\"a\""));
        let new = layout(ChangeVerb::Add, Json::Null, json!(["a"]));
        assert_eq!(new.on_one_line().as_deref(), Some("+\"a\""));
        let gone = layout(ChangeVerb::Remove, json!(["a"]), Json::Null);
        assert_eq!(gone.on_one_line().as_deref(), Some("−\"a\""));
        let none = layout(ChangeVerb::Add, Json::Null, json!([]));
        assert_eq!(none.on_one_line().as_deref(), Some("[]"));
        let twice = layout(ChangeVerb::Replace, json!([1, 1]), json!([1]));
        assert_eq!(twice.on_one_line().as_deref(), Some("[1,1] → [1]"));
    }

    #[test]
    fn an_element_that_goes_lists_what_is_lost() {
        let element = json!({"name": "Archive", "count": 3, "note": null});
        let lines = |mark: char| {
            let texts = ["name: \"Archive\"", "count: 3", "note: none"];
            ChangeLayout::Lines(texts.map(|text| (mark, text.to_string())).to_vec())
        };
        assert_eq!(
            layout(ChangeVerb::Remove, element.clone(), Json::Null),
            lines('-')
        );
        assert_eq!(layout(ChangeVerb::Add, Json::Null, element), lines('+'));
        // The value of a field that loses its meaning.
        let date = layout(ChangeVerb::Remove, json!("2027-01-01"), Json::Null);
        assert_eq!(date.on_one_line().as_deref(), Some("\"2027-01-01\""));
    }

    #[test]
    fn a_long_text_is_shown_by_the_lines_that_differ() {
        let text = |last: &str| json!(format!("a\nb\nc\nd\n{last}"));
        let marked = [(' ', "c"), (' ', "d"), ('-', "e"), ('+', "f")];
        let marked = marked.map(|(mark, text)| (mark, text.to_string()));
        assert_eq!(
            layout(ChangeVerb::Replace, text("e"), text("f")),
            ChangeLayout::Lines(marked.to_vec())
        );
        let long = "x".repeat(2 * LONGEST);
        let layout = layout(ChangeVerb::Replace, json!(1), json!(long));
        assert_eq!(layout.on_one_line(), None);
    }
}
