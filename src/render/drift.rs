//! Renders drift for people: one line per field that differs, who changed it first. At most 80 columns.
//!
//! Input is a [`DriftDocument`], in which every difference has been attributed already. The functions that put
//! sides, verdict and remarks into words serve the Markdown page below too. Who changed a field, and whether it
//! counts as drift, is decided in `plan::drift`.

pub mod annotations;
pub mod markdown;
pub(super) mod summary;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value as Json;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::change::{ChangeLayout, line_diff};
use super::safe::make_visible;
use super::text::{self, CHANGE, DANGER, DIM, WIDTH, paint_text, write_paragraph};
use super::values::format_inline;
use super::view;
use crate::model::wording::shorten;
use crate::model::{Risk, compare_natural};
use crate::plan::drift::By;
use crate::plan::drift::document::{
    AcceptedEntry, DifferenceEntry, DriftDocument, DriftEntry, State,
};
use summary::{verdict_parts, verdict_remarks};

/// Colour of changes in the manifest that wait for an apply.
const YOURS: Style = AnsiColor::Cyan.on_default();

/// Columns before the path: four spaces, who, two spaces.
const INDENT: usize = 10;

/// Longest path that the others are aligned to.
const LONGEST_PATH: usize = 40;

/// The most characters of the reason why a run was stopped.
const LONGEST_REASON: usize = 300;

/// Writes every object on which manifest and live differ, then the verdict.
pub fn write_drift(out: &mut dyn Write, document: &DriftDocument) -> io::Result<()> {
    for object in notable_objects(document) {
        write_object(out, object)?;
    }
    write_verdict(out, document)
}

/// Returns the objects that are neither in sync nor suspended: the worst first, and equally bad ones in the natural
/// order of their addresses.
///
/// Objects that could not be read come first, then drift, your own changes, and accepted drift. Within each of these,
/// objects are ordered by the risk of an apply.
pub(super) fn notable_objects(document: &DriftDocument) -> Vec<&DriftEntry> {
    let rank = |object: &DriftEntry| match object.state {
        State::Missing | State::Error => 0,
        State::Drifted => 1,
        State::Pending => 2,
        State::Accepted => 3,
        State::InSync | State::Suspended => 4,
    };
    let objects = document.objects.iter();
    let mut notable: Vec<&DriftEntry> = objects
        .filter(|object| object.problem.is_none() && rank(object) < 4)
        .collect();
    notable.sort_by(|one, other| {
        let ranks = rank(one).cmp(&rank(other));
        let risks = worst_risk(other).cmp(&worst_risk(one));
        ranks
            .then(risks)
            .then_with(|| compare_natural(&one.address, &other.address))
    });
    notable
}

/// Returns the highest risk that an apply would have for an object, accepted differences aside.
pub(super) fn worst_risk(object: &DriftEntry) -> Risk {
    let differences = object.differences.iter();
    let open = differences.filter(|one| one.accepted.is_none());
    open.map(|one| one.risk).max().unwrap_or_default()
}

/// Writes the findings, then the same as [`write_drift`].
///
/// For reports in files: in a terminal the findings have been written before, with their source lines.
pub fn write_report(out: &mut dyn Write, document: &DriftDocument) -> io::Result<()> {
    text::write_findings(out, &document.all_findings())?;
    write_drift(out, document)
}

/// Writes one object: heading, a line per field, message. Objects in sync and suspended ones are passed over.
fn write_object(out: &mut dyn Write, object: &DriftEntry) -> io::Result<()> {
    let (mark, style) = match object.state {
        State::InSync | State::Suspended => return Ok(()),
        State::Pending => ("~", YOURS),
        State::Drifted => ("!", CHANGE),
        State::Accepted => ("=", DIM),
        // The problem is shown once, with its connection.
        State::Error if object.problem.is_some() => return Ok(()),
        State::Missing | State::Error => ("✗", DANGER),
    };
    text::write_heading(
        out,
        paint_text(style, mark),
        &make_visible(&object.address),
        &text::format_location(&object.origin),
    )?;
    let widths = object
        .differences
        .iter()
        .map(|one| make_visible(&one.path).width());
    let widest = widths.max().unwrap_or(0).min(LONGEST_PATH);
    for difference in &object.differences {
        write_field(out, difference, widest)?;
    }
    if let Some(message) = &object.message {
        write_paragraph(out, 4, message, DIM)?;
    }
    writeln!(out)
}

/// Writes one field: who changed it, path, values; then the risk of an apply and the acceptance, if any.
///
/// If path and values do not fit into 80 columns, each relevant side gets a line of its own below the path.
/// `widest` is the width of the longest path of the object, to which the others are padded.
fn write_field(out: &mut dyn Write, one: &DifferenceEntry, widest: usize) -> io::Result<()> {
    let (who, style) = match one.changed_by {
        _ if one.accepted.is_some() => (changer_name(one.changed_by), DIM),
        By::You => ("you", YOURS),
        By::They => ("they", CHANGE),
        By::Both => ("both", DANGER),
        By::Unknown => ("?", CHANGE),
    };
    let who = paint_text(style, &format!("{who:<4}"));
    let (path, values) = (make_visible(&one.path), format_values(one));
    let values = make_visible(&values);
    let used = INDENT + path.width().max(widest) + 2;
    if used + values.width() <= WIDTH {
        let pad = widest.saturating_sub(path.width());
        writeln!(out, "    {who}  {path}{:pad$}  {values}", "")?;
    } else {
        writeln!(out, "    {who}  {}", fit_columns(&path, WIDTH - INDENT))?;
        for (label, value) in relevant_sides(one) {
            let line = format!("{label:<10}{}", make_visible(&value));
            writeln!(out, "{:INDENT$}{}", "", fit_columns(&line, WIDTH - INDENT))?;
        }
    }
    let lines = element_lines(one).into_iter();
    let room = WIDTH - INDENT - 2;
    let lines = lines.map(|(mark, line)| (mark, fit_columns(&make_visible(&line), room)));
    text::write_lines(out, INDENT, &lines.collect::<Vec<_>>())?;
    if let Some(note) = risk_warning(one) {
        write_paragraph(out, INDENT, &note, DANGER)?;
    }
    if let Some(accepted) = &one.accepted {
        write_paragraph(out, INDENT, &describe_acceptance(accepted), DIM)?;
    }
    Ok(())
}

/// Warns of the effect that an apply would have on the licensee, or gives the note of the difference; `None` if
/// there is neither.
pub(super) fn risk_warning(one: &DifferenceEntry) -> Option<String> {
    let risk = match one.risk {
        Risk::Safe | Risk::Create => None,
        Risk::Reduce => Some("an apply reduces"),
        Risk::Strand => Some("an apply strands"),
        Risk::Destroy => Some("an apply destroys"),
    };
    match (risk, &one.note) {
        (Some(risk), Some(note)) => Some(format!("{risk}: {note}")),
        (Some(risk), None) => Some(risk.to_string()),
        (None, note) => note.clone(),
    }
}

/// Describes until when and why a difference is accepted.
pub(super) fn describe_acceptance(accepted: &AcceptedEntry) -> String {
    format!("accepted until {}: {}", accepted.until, accepted.reason)
}

/// Returns the word for who changed a field; `?` without a base.
pub(super) fn changer_name(by: By) -> &'static str {
    match by {
        By::You => "you",
        By::They => "they",
        By::Both => "both",
        By::Unknown => "?",
    }
}

/// Formats the values of a field on one line, as the change that was made to it.
///
/// With base 10: a manifest of 5 and live 10 is `10 → 5`; live 7 and a manifest of 10 is `10 → 7`; both changed
/// is `10 → you 5, they 7`. Without a base it is not known who changed what: `manifest 5, live 7`.
fn format_values(one: &DifferenceEntry) -> String {
    if let Some(words) = describe_element(one) {
        return words.into();
    }
    let [base, manifest, live] = format_sides(one);
    match one.changed_by {
        By::You => format_arrow(&one.base, &one.manifest),
        By::They => format_arrow(&one.base, &one.live),
        By::Both => format!("{base} → you {manifest}, they {live}"),
        By::Unknown => format!("manifest {manifest}, live {live}"),
    }
}

/// Returns words for a list element that one side does not have, since listing all of its fields would show no
/// more.
///
/// `None` if both sides have it, if neither has, or if the difference is no whole element.
fn describe_element(one: &DifferenceEntry) -> Option<&'static str> {
    let whole = |side: &Option<Json>| matches!(side, None | Some(Json::Object(_)));
    if !(whole(&one.base) && whole(&one.manifest) && whole(&one.live)) {
        return None;
    }
    let words = match (one.changed_by, one.manifest.is_some(), one.live.is_some()) {
        (_, true, true) | (_, false, false) => return None,
        (By::You, true, false) | (By::They, false, true) => "added",
        (By::You, false, true) | (By::They, true, false) => "removed",
        (By::Both, true, false) => "you changed it, they removed it",
        (By::Both, false, true) => "you removed it, they changed it",
        (By::Unknown, true, false) => "only in the manifest",
        (By::Unknown, false, true) => "only live",
    };
    Some(words)
}

/// Lists the members of a whole element that one party added or removed; empty for all other differences.
fn element_lines(one: &DifferenceEntry) -> Vec<(char, String)> {
    if describe_element(one).is_none() {
        return Vec::new();
    }
    let (before, after) = match one.changed_by {
        By::You => (&one.live, &one.manifest),
        By::They => (&one.base, &one.live),
        By::Both | By::Unknown => return Vec::new(),
    };
    let value = |side: &Option<Json>| side.clone().unwrap_or_default();
    line_diff(&value(before), &value(after))
}

/// Formats a change: `+c −a` for sets, `10 → 5` for all else.
fn format_arrow(before: &Option<Json>, after: &Option<Json>) -> String {
    match (before, after) {
        (Some(Json::Array(before)), Some(Json::Array(after))) => {
            let layout = ChangeLayout::of_members(before, after);
            layout.on_one_line().unwrap_or_default()
        }
        _ => format!("{} → {}", format_side(before), format_side(after)),
    }
}

/// Formats one side; `none` where it has no value.
fn format_side(value: &Option<Json>) -> String {
    value.as_ref().map_or("none".into(), format_inline)
}

/// Formats base, manifest and live, in this order.
///
/// For sets, only members that are not on every side are shown. With base `[a, b]`, manifest `[a, b, c]` and
/// live `[a]` the sides are `b`, `b c` and `none`, because `a` is common to all.
pub(super) fn format_sides(one: &DifferenceEntry) -> [String; 3] {
    let sides = [&one.base, &one.manifest, &one.live];
    let sets: Option<Vec<&Vec<Json>>> = sides
        .iter()
        .copied()
        .flatten()
        .map(Json::as_array)
        .collect();
    let common = |member: &Json| {
        let mut sets = sets.iter().flatten();
        sets.all(|set| set.contains(member))
    };
    sides.map(|side| match side {
        Some(Json::Array(members)) if sets.is_some() => {
            let apart = members.iter().filter(|member| !common(member));
            let apart: Vec<String> = apart.map(format_inline).collect();
            if apart.is_empty() {
                "none".into()
            } else {
                apart.join(" ")
            }
        }
        side => format_side(side),
    })
}

/// Returns the sides that get a line each, with their labels, when one line cannot hold them all.
///
/// If only one party changed the field, two of the sides are equal, and one of these is left out.
fn relevant_sides(one: &DifferenceEntry) -> Vec<(&'static str, String)> {
    let [base, manifest, live] = format_sides(one);
    let (base, manifest, live) = (("base", base), ("manifest", manifest), ("live", live));
    match one.changed_by {
        By::You | By::Unknown => vec![manifest, live],
        By::They => vec![base, live],
        By::Both => vec![base, manifest, live],
    }
}

/// Returns the beginning of a text that fits into `columns` columns, with `…` if any of it is cut off.
///
/// Wide characters count two: in 5 columns `日本語` becomes `日本…`.
fn fit_columns(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_string();
    }
    let mut used = 0;
    let head = text.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used < columns
    });
    head.collect::<String>() + "…"
}

/// Writes the verdict, with failures marked, and the remarks below it.
fn write_verdict(out: &mut dyn Write, document: &DriftDocument) -> io::Result<()> {
    let title = paint_text(text::BOLD, "Drift:");
    if let Some(why) = view::stop_reason(&document.diagnostics) {
        let why = shorten(why, LONGEST_REASON);
        return writeln!(out, "{title} stopped. {}", make_visible(&why));
    }
    let mut parts = verdict_parts(document);
    if let (Some(last), true) = (parts.last_mut(), document.summary.failed > 0) {
        *last = paint_text(DANGER, last);
    }
    writeln!(out, "{title} {}.", parts.join(", "))?;
    verdict_remarks(document)
        .iter()
        .try_for_each(|remark| writeln!(out, "{remark}"))
}
