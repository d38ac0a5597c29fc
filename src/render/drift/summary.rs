//! Sums up drift in sentences: the verdict, what a person wants to know first, and what to do next.
//!
//! Input is a [`DriftDocument`], output text without markup, the same in every format.

use super::LONGEST_REASON;
use crate::model::wording::{pluralize, shorten};
use crate::plan::drift::document::{BaseEntry, DriftDocument};
use crate::render::safe::make_visible;
use crate::render::view;

/// Returns the verdict as one sentence, also of a run that was stopped.
pub fn verdict(document: &DriftDocument) -> String {
    match view::stop_reason(&document.diagnostics) {
        Some(why) => format!("stopped. {}", make_visible(&shorten(why, LONGEST_REASON))),
        None => verdict_parts(document).join(", ") + ".",
    }
}

/// Returns what a person wants to know first, as a sentence without its full stop.
pub fn drift_headline(document: &DriftDocument) -> String {
    let summary = &document.summary;
    let findings = document.diagnostics.iter();
    let errors = findings.filter(|one| one.is_error()).count();
    if view::stop_reason(&document.diagnostics).is_some() {
        return "Nothing was compared".into();
    }
    if errors > 0 {
        return format!("{} in the manifests", pluralize(errors, "error"));
    }
    let by_them = summary.fields.they + summary.fields.both;
    match (summary.drifted, summary.failed) {
        (0, 0) => "No drift".into(),
        (0, failed) => format!("{} could not be compared", pluralize(failed, "object")),
        (drifted, _) if by_them > 0 => format!(
            "{} drifted, {} changed by others",
            pluralize(drifted, "object"),
            pluralize(by_them, "field")
        ),
        (drifted, _) => format!("{} drifted", pluralize(drifted, "object")),
    }
}

/// Returns the parts of the verdict of a run that was not stopped; failures last.
///
/// Examples: `none, 5 in sync`; `2 objects drifted, 3 in sync, 1 failed`. If nothing drifted and an object
/// failed, the word `none` is left out, because what could not be read may have drifted.
pub fn verdict_parts(document: &DriftDocument) -> Vec<String> {
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

/// Returns sentences below the verdict: how many fields were changed by whom, and what to do next.
pub fn verdict_remarks(document: &DriftDocument) -> Vec<String> {
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
