//! Drift for people: one line per field that differs, who changed it first. At most 80 columns.

pub mod markdown;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value as Json;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::safe::make_visible;
use super::text::{self, CHANGE, DANGER, DIM, WIDTH, paint_text, write_paragraph};
use super::values::{format_inline, format_set_change};
use super::view;
use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::plan::drift::By;
use crate::plan::drift::document::{
    AcceptedEntry, BaseEntry, DifferenceEntry, DriftDocument, DriftEntry, State,
};

const YOURS: Style = AnsiColor::Cyan.on_default();

/// Columns before the path: four spaces, who, two spaces.
const INDENT: usize = 10;

/// Longest path that the others are aligned to.
const LONGEST_PATH: usize = 40;

/// Characters of why a run was stopped.
const LONGEST_REASON: usize = 300;

/// Every object on which manifest and live differ, then the verdict.
pub fn write_drift(out: &mut dyn Write, document: &DriftDocument) -> io::Result<()> {
    for object in &document.objects {
        write_object(out, object)?;
    }
    write_verdict(out, document)
}

/// The same with the findings before it: what a report holds that nothing else is read with.
pub fn write_report(out: &mut dyn Write, document: &DriftDocument) -> io::Result<()> {
    text::write_findings(out, &document.diagnostics)?;
    write_drift(out, document)
}

fn write_object(out: &mut dyn Write, object: &DriftEntry) -> io::Result<()> {
    let (mark, style) = match object.state {
        State::InSync | State::Suspended => return Ok(()),
        State::Pending => ("~", YOURS),
        State::Drifted => ("!", CHANGE),
        State::Accepted => ("=", DIM),
        State::Missing | State::Error => ("✗", DANGER),
    };
    text::write_heading(
        out,
        paint_text(style, mark),
        &object.address,
        &object.origin,
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
fn risk_warning(one: &DifferenceEntry) -> Option<String> {
    let risk = match one.risk {
        Risk::Safe => None,
        Risk::Reduce => Some("an apply reduces"),
        Risk::Strand => Some("an apply strands"),
    };
    match (risk, &one.note) {
        (Some(risk), Some(note)) => Some(format!("{risk}: {note}")),
        (Some(risk), None) => Some(risk.to_string()),
        (None, note) => note.clone(),
    }
}

fn describe_acceptance(accepted: &AcceptedEntry) -> String {
    format!("accepted until {}: {}", accepted.until, accepted.reason)
}

fn changer_name(by: By) -> &'static str {
    match by {
        By::You => "you",
        By::They => "they",
        By::Both => "both",
        By::Unknown => "?",
    }
}

/// Writes the values of a field on one line, as its change.
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

/// Words for an element that one side does not have: all of its fields would say no more.
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

fn format_arrow(before: &Option<Json>, after: &Option<Json>) -> String {
    match (before, after) {
        (Some(Json::Array(before)), Some(Json::Array(after))) => format_set_change(before, after),
        _ => format!("{} → {}", format_side(before), format_side(after)),
    }
}

fn format_side(value: &Option<Json>) -> String {
    value.as_ref().map_or("none".into(), format_inline)
}

/// Base, manifest and live. Of sets only the members that not every side has: the others say nothing.
fn format_sides(one: &DifferenceEntry) -> [String; 3] {
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

/// The sides that are worth a line of their own where one line does not hold them.
fn relevant_sides(one: &DifferenceEntry) -> Vec<(&'static str, String)> {
    let [base, manifest, live] = format_sides(one);
    let (base, manifest, live) = (("base", base), ("manifest", manifest), ("live", live));
    match one.changed_by {
        By::You | By::Unknown => vec![manifest, live],
        By::They => vec![base, live],
        By::Both => vec![base, manifest, live],
    }
}

/// The beginning of a text that fits into so many columns.
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

/// The verdict of a run that was not stopped, in parts; failures last.
fn verdict_parts(document: &DriftDocument) -> Vec<String> {
    let summary = &document.summary;
    let findings = document.diagnostics.iter();
    let errors = findings.filter(|one| one.is_error()).count();
    if errors > 0 {
        let errors = pluralize(errors, "error");
        return vec![format!("{errors} in the manifests, nothing was compared")];
    }
    let in_sync = format!("{} in sync", summary.in_sync);
    let mut parts = match (summary.drifted, summary.failed) {
        (0, 0) => vec![format!("none, {in_sync}")],
        // What could not be read may have drifted.
        (0, _) => vec![in_sync],
        (drifted, _) => vec![format!("{} drifted", pluralize(drifted, "object")), in_sync],
    };
    let rest = [
        (summary.pending, "pending"),
        (summary.accepted, "accepted"),
        (summary.suspended, "suspended"),
        (summary.failed, "failed"),
    ];
    let rest = rest.iter().filter(|(number, _)| *number > 0);
    parts.extend(rest.map(|(number, what)| format!("{number} {what}")));
    parts
}

/// Lists sentences below the verdict: who changed how much, and what to do.
fn verdict_remarks(document: &DriftDocument) -> Vec<String> {
    let fields = &document.summary.fields;
    let mut remarks = Vec::new();
    if document.summary.drifted > 0 {
        let by = [
            (fields.they, "by them"),
            (fields.both, "on both sides"),
            (fields.unknown, "without a base"),
        ];
        let by = by.iter().filter(|(number, _)| *number > 0);
        let by: Vec<String> = by
            .map(|(number, who)| format!("{} {who}", pluralize(*number, "field")))
            .collect();
        remarks.push(format!("Changed: {}.", by.join(", ")));
    }
    if fields.you > 0 {
        let verb = if fields.you == 1 { "waits" } else { "wait" };
        let changes = pluralize(fields.you, "change");
        remarks.push(format!(
            "{changes} of yours {verb} for an apply: see `entitle plan`."
        ));
    }
    if fields.unknown > 0 && document.base == BaseEntry::Journal {
        remarks
            .push("Without a base: give the store of your runs (--store), or --base HEAD.".into());
    }
    let by_commit = matches!(document.base, BaseEntry::Commit(_));
    if by_commit && document.summary.drifted > 0 {
        remarks.push("By a commit, what was never applied looks like a change of theirs.".into());
    }
    remarks
}
