//! Plans, outcomes and findings as text and JSON. Writes to whatever it is given and decides nothing.

pub mod diagnostics;
pub mod explain;
pub mod history;
pub mod json;
pub mod schema;
pub mod text;
pub mod values;

use crate::apply::Report;
use crate::plan::document::PlanDocument;

/// The document of an apply: the plan's, with how each object ended.
pub fn with_outcomes(mut document: PlanDocument, reports: &[Report]) -> PlanDocument {
    let mut counts = std::collections::BTreeMap::new();
    for (entry, report) in document.objects.iter_mut().zip(reports) {
        entry.outcome = report.outcome.map(outcome_name);
        if report.message.is_some() {
            entry.message = report.message.clone();
        }
        entry.side_effects = report.side_effects.clone();
        if let Some(outcome) = &entry.outcome {
            *counts.entry(outcome.clone()).or_insert(0) += 1;
        }
    }
    document.summary.outcomes = Some(counts);
    document
}

fn outcome_name(outcome: crate::apply::Outcome) -> String {
    match serde_json::to_value(outcome) {
        Ok(serde_json::Value::String(name)) => name,
        // A unit variant serialises to its name.
        _ => format!("{outcome:?}").to_lowercase(),
    }
}
