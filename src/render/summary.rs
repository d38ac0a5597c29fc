//! Sums up a run in a sentence: its counts, its risks, and what a person wants to know first.
//!
//! Input is the summary of a document, output text without markup, the same in every format.

use std::fmt::Write;

use crate::model::wording::pluralize;
use crate::model::{Outcome, Risk};
use crate::plan::document::Summary;

/// Counts a plan in words: `2 to update, 5 in sync, 1 failed. 4 requests, about 1.2 s.`
///
/// Zero counts are left out, except for objects in sync, so that the line is never empty.
pub fn summarize_plan(summary: &Summary) -> String {
    let mut parts = Vec::new();
    for (number, word) in [
        (summary.remove, "to remove"),
        (summary.create, "to create"),
        (summary.update, "to update"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    parts.push(format!("{} in sync", summary.in_sync));
    for (number, word) in [
        (summary.observe_only, "observed only"),
        (summary.suspended, "suspended"),
        (summary.failed, "failed"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    let mut words = parts.join(", ") + ".";
    if summary.requests > 0 {
        let requests = pluralize(summary.requests, "request");
        let _ = write!(
            words,
            " {requests}, about {:.1} s.",
            summary.estimated_seconds
        );
    }
    words
}

/// Counts the risky changes of a plan in words, the worst first; `None` if it has none.
///
/// `2 changes strand users, 12 more take something away`, or `1 change takes something away`.
pub fn count_risks(summary: &Summary) -> Option<String> {
    let verb = |number: usize, one: &'static str, many: &'static str| match number {
        1 => one,
        _ => many,
    };
    let (strand, reduce) = (summary.strand, summary.reduce);
    let takes = verb(reduce, "takes", "take");
    let strands = pluralize(strand, "change") + " " + verb(strand, "strands", "strand") + " users";
    match (strand, reduce) {
        (0, 0) => None,
        (0, _) => Some(format!(
            "{} {takes} something away",
            pluralize(reduce, "change")
        )),
        (_, 0) => Some(strands),
        (..) => Some(format!("{strands}, {reduce} more {takes} something away")),
    }
}

/// Returns the counts of risks with the flag that an apply needs for them; `None` if there are none.
///
/// `1 change strands users: without a prompt, apply needs --allow strand.`
pub fn advise_on_risks(summary: &Summary) -> Option<String> {
    let removes = (summary.remove > 0).then(|| {
        let objects = pluralize(summary.remove, "object");
        format!("{objects} removed for good")
    });
    let parts: Vec<String> = removes.into_iter().chain(count_risks(summary)).collect();
    let risk = match (summary.remove, summary.strand, summary.reduce) {
        (0, 0, 0) => return None,
        (0, 0, _) => Risk::Reduce,
        (0, ..) => Risk::Strand,
        _ => Risk::Destroy,
    };
    let counts = parts.join(", ");
    Some(format!(
        "{counts}: without a prompt, apply needs --allow {risk}."
    ))
}

/// Counts an apply in words: `2 converged, 1 failed, 5 in sync.`, or `nothing to do.`
pub fn summarize_apply(summary: &Summary) -> String {
    let counts = [
        (summary.converged, Outcome::Converged),
        (summary.already, Outcome::Already),
        (summary.rejected, Outcome::Rejected),
        (Some(summary.failed), Outcome::Failed),
        (summary.unconverged, Outcome::Unconverged),
        (summary.stale, Outcome::Stale),
        (summary.refused, Outcome::Refused),
        (summary.skipped, Outcome::Skipped),
    ];
    let counts = counts.into_iter().filter_map(|(number, outcome)| {
        let number = number.filter(|number| *number > 0)?;
        Some(format!("{number} {}", outcome.name()))
    });
    let mut parts: Vec<String> = counts.collect();
    if parts.is_empty() {
        parts.push("nothing to do".into());
    }
    if summary.in_sync > 0 {
        parts.push(format!("{} in sync", summary.in_sync));
    }
    parts.join(", ") + "."
}

/// Returns the headline of a plan: what would change, and its risks.
///
/// Objects that could not be planned, and those that are only observed, are in it where nothing would change.
pub fn plan_headline(summary: &Summary) -> String {
    let counts = [
        (summary.writing(), "would change"),
        (summary.failed, "could not be planned"),
        (summary.observe_only, "only observed"),
    ];
    let Some((number, what)) = counts.into_iter().find(|(number, _)| *number > 0) else {
        return "Everything is in sync".into();
    };
    let headline = format!("{} {what}", pluralize(number, "object"));
    match count_risks(summary) {
        Some(risks) => format!("{headline}; {risks}"),
        None => headline,
    }
}

/// Returns the headline of an apply.
pub fn apply_headline(summary: &Summary) -> String {
    let number = |count: Option<usize>| count.unwrap_or_default();
    let done = number(summary.converged);
    let unwritten = [
        summary.rejected,
        summary.stale,
        summary.refused,
        summary.skipped,
        summary.unconverged,
        Some(summary.failed),
    ];
    let failed: usize = unwritten.into_iter().map(number).sum();
    let already = number(summary.already);
    let verb = |count: usize| if count == 1 { "was" } else { "were" };
    match (done, failed) {
        (0, 0) if already > 0 => "Everything was changed already".into(),
        (0, 0) => "Nothing to do".into(),
        (_, 0) => format!("{} {} updated", pluralize(done, "object"), verb(done)),
        (..) => format!(
            "{failed} of {} {} not updated",
            pluralize(done + already + failed, "object"),
            verb(failed)
        ),
    }
}
