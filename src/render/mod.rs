//! Renders plans, outcomes and findings in eight formats. Writes to the given writer and decides nothing.
//!
//! Input is a [`view::RunView`]: the plan document of one run, the stage it reached and the directory it started
//! in. [`report`] lists the formats, one file each; [`history`], [`explain`] and [`drift`] render what is not a
//! run.
//!
//! Names and values come from pull requests and vendors and count as hostile. They go out through [`safe`] or
//! through the escape of the format itself (XML, HTML entities, percent-encoding). No file, clock, environment
//! variable or network is read here, and nothing is planned or judged: a risk or an outcome is taken from the
//! document as it is.

pub mod calendar;
pub mod change;
pub mod coming;
pub mod comparison;
pub mod descent;
pub mod diagnostics;
pub mod drift;
mod edition;
mod excerpt;
pub mod explain;
pub mod finding_list;
pub mod github;
mod gitlab;
pub mod group;
pub mod history;
pub mod html;
pub mod json;
mod junit;
mod left;
pub mod markdown;
pub mod mass_change;
mod page;
pub mod patch;
pub mod report;
pub mod safe;
mod sarif;
pub mod schema;
pub mod source_host;
pub mod summary;
pub mod text;
pub mod values;
pub mod view;

use crate::apply::{Outcome, Report};
use crate::plan::document::{self, PlanDocument, Summary};

/// Returns the document of an apply: the plan's document with the outcome of each object.
///
/// `reports` must be in the order of `document.objects`, as an apply returns them. The counts of the summary are
/// made anew from the outcomes: of three objects that ended as converged, converged and failed it says
/// `converged: 2, failed: 1`. Counts that belong to the plan, such as `in_sync` or `requests`, stay.
pub fn with_outcomes(mut document: PlanDocument, reports: &[Report]) -> PlanDocument {
    for (entry, report) in document.objects.iter_mut().zip(reports) {
        entry.outcome = report.outcome;
        if report.message.is_some() {
            entry.message = report.message.clone();
        }
        entry.side_effects = report.side_effects.clone();
        // A look right before the write knows better than a plan's file.
        if !report.planned.changes.is_empty() {
            entry.changes = document::change_entries(&report.planned);
        }
        if !entry.references.is_empty() {
            // Ids that the plan had to wait for.
            entry.identity = report.planned.desired.ids();
        }
    }
    let count = |outcome: Outcome| {
        document
            .objects
            .iter()
            .filter(|entry| entry.outcome == Some(outcome))
            .count()
    };
    let summary = Summary {
        failed: count(Outcome::Failed),
        converged: Some(count(Outcome::Converged)),
        already: Some(count(Outcome::Already)),
        rejected: Some(count(Outcome::Rejected)),
        stale: Some(count(Outcome::Stale)),
        refused: Some(count(Outcome::Refused)),
        skipped: Some(count(Outcome::Skipped)),
        unconverged: Some(count(Outcome::Unconverged)),
        ..document.summary
    };
    document.summary = summary;
    document
}
