//! Turns drift into annotations at lines of the manifests, for runners of CI and code scanning.
//!
//! Input is a [`DriftDocument`], output what `render::github` and `render::sarif` write. Changes of yours that wait for an
//! apply and accepted drift are none: an alert for each would hide those that need attention.

use super::{changer_name, format_values, notable_objects, risk_warning};
use crate::model::wording::shorten;
use crate::plan::drift::By;
use crate::plan::drift::document::{DifferenceEntry, DriftDocument, DriftEntry, State};
use crate::render::view::{Annotation, Level, annotate_finding, annotate_problem};

/// Characters of the values of one field.
const LONGEST_VALUE: usize = 140;

/// Returns everything that wants attention, the worst first: findings, what could not be compared, drift.
pub fn annotate_drift(document: &DriftDocument) -> Vec<Annotation<'_>> {
    let findings = document.diagnostics.iter().map(annotate_finding);
    let findings = findings.chain(document.problems.iter().map(annotate_problem));
    let objects = notable_objects(document).into_iter();
    let objects = objects.filter_map(annotate_object);
    let mut points: Vec<Annotation> = findings.chain(objects).collect();
    points.sort_by_key(|point| point.level);
    points
}

/// Returns the annotation of an object that drifted or could not be compared; `None` for all others.
fn annotate_object(object: &DriftEntry) -> Option<Annotation<'_>> {
    let message = || object.message.clone().unwrap_or_default();
    let (level, rule, message) = match object.state {
        State::Missing => (Level::Error, "missing", message()),
        State::Error => (Level::Error, "failed", message()),
        State::Drifted => (Level::Warning, "drift", describe_drift(object)),
        State::Pending | State::Accepted | State::InSync | State::Suspended => return None,
    };
    Some(Annotation {
        level,
        rule,
        address: Some(&object.address),
        message,
        file: Some(&object.origin.file),
        line: object.origin.line,
        column: 1,
    })
}

/// Describes the fields of an object that drifted and are not accepted, for example `they: count 50 → 77; both: …`.
fn describe_drift(object: &DriftEntry) -> String {
    let differences = object.differences.iter();
    let drifted = differences.filter(|one| one.changed_by.is_drift() && one.accepted.is_none());
    let words: Vec<String> = drifted.map(describe_difference).collect();
    words.join("; ")
}

/// Describes one field: who changed it, its values, and what an apply would do.
fn describe_difference(one: &DifferenceEntry) -> String {
    let who = match one.changed_by {
        By::Unknown => "no base",
        by => changer_name(by),
    };
    let values = format_values(one);
    let values = shorten(&values, LONGEST_VALUE);
    let risk = risk_warning(one).map_or(String::new(), |warning| format!(" ({warning})"));
    format!("{who}: {} {values}{risk}", one.path)
}
