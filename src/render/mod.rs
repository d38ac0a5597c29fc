//! Plans, outcomes and findings in eight formats. Writes to whatever it is given and decides nothing.
//!
//! `view` is one run with what in it wants attention, `report` the list of formats, each a file. What stands in
//! names and values is hostile until `safe` has seen it, or the format's own escape.

pub mod diagnostics;
pub mod drift;
mod excerpt;
pub mod explain;
pub mod github;
mod gitlab;
pub mod history;
mod html;
pub mod json;
mod junit;
pub mod markdown;
mod page;
pub mod report;
pub mod safe;
mod sarif;
pub mod schema;
pub mod text;
pub mod values;
pub mod view;

use crate::apply::{Outcome, Report};
use crate::plan::document::{self, PlanDocument, Summary};

/// The document of an apply: the plan's, with how each object ended.
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
