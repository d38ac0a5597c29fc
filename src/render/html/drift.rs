//! Renders drift as one page, in the frame of the report of a run.
//!
//! Input is a [`DriftDocument`], in which every difference has been attributed already; words and order are those of
//! the terminal, in [`crate::render::drift`].

use maud::{Markup, html};
use serde_json::Value as Json;

use super::frame::{ReportPage, fact_row, finding_list, render_frame};
use super::parts::{change_diff, commit_link, instant, line_link, risk_class};
use crate::apply::memory::kind_of_address;
use crate::model::Risk;
use crate::model::wording::pluralize;
use crate::plan::ChangeVerb;
use crate::plan::document::ChangeEntry;
use crate::plan::drift::By;
use crate::plan::drift::document::{BaseEntry, DifferenceEntry, DriftDocument, DriftEntry, State};
use crate::render::drift::summary::{drift_headline, verdict, verdict_remarks};
use crate::render::drift::{
    changer_name, describe_acceptance, format_sides, notable_objects, risk_warning, worst_risk,
};
use crate::render::safe::make_visible;
use crate::render::source_host::SourceLinks;
use crate::render::view::{Annotation, annotate_finding, annotate_problem};

/// Entries that are shown unfolded; with more of them all are folded.
const UNFOLDED: usize = 20;

/// Renders the page: headline, facts, remarks, findings, and the objects that are not in sync, the worst first.
pub fn render_drift_page(document: &DriftDocument, links: &SourceLinks<'_>) -> String {
    let objects = notable_objects(document);
    let findings = document.diagnostics.iter().map(annotate_finding);
    let problems = document.problems.iter().map(annotate_problem);
    let points: Vec<Annotation> = findings.chain(problems).collect();
    let base = match &document.base {
        BaseEntry::Journal => html! { "the last applies in the journal" },
        BaseEntry::Commit(commit) => html! { "commit " (commit_link(links, commit)) },
    };
    let main = html! {
        @for remark in verdict_remarks(document) { p.note { (remark) } }
        (finding_list(&points.iter().collect::<Vec<_>>(), links))
        @if !objects.is_empty() {
            (filter_form(&objects))
            div #objects { @for object in &objects { (object_entry(object, links, objects.len() <= UNFOLDED)) } }
            p #none hidden { "No object matches." }
        }
        @if document.summary.in_sync > 0 {
            p.quiet { (pluralize(document.summary.in_sync, "object")) " in sync, not listed." }
        }
    };
    render_frame(&ReportPage {
        kind: "drift",
        headline: drift_headline(document),
        counts: verdict(document),
        facts: html! { (fact_row("Compared with", &base)) },
        source: &document.source,
        tool: &document.tool,
        at: &document.created_at,
        links: *links,
        main,
        footer: html! {},
    })
}

/// Renders the form that filters objects.
fn filter_form(objects: &[&DriftEntry]) -> Markup {
    let choices = objects
        .iter()
        .map(|object| (object.vendor.as_str(), kind_of_address(&object.address)));
    super::filter_form(choices.collect())
}

/// Renders one object: its state and fields in the heading, then a row for each field.
fn object_entry(object: &DriftEntry, links: &SourceLinks<'_>, open: bool) -> Markup {
    let (state, mood) = match object.state {
        State::Missing => ("missing", "bad"),
        State::Error => ("failed", "bad"),
        State::Drifted => ("drifted", "update"),
        State::Pending => ("pending", "calm"),
        State::Accepted => ("accepted", "calm"),
        State::InSync => ("in sync", "calm"),
        State::Suspended => ("suspended", "calm"),
    };
    let risk = worst_risk(object);
    let fields: Vec<String> = object
        .differences
        .iter()
        .map(|one| make_visible(&one.path).into_owned())
        .collect();
    html! {
        details open[open] data-vendor=(make_visible(&object.vendor)) data-kind=(make_visible(kind_of_address(&object.address))) data-risk=(risk_class(risk)) data-count="1" {
            summary {
                span class={ "state " (mood) } { (state) }
                span.address { (make_visible(&object.address)) }
                span.gist { (fields.join(", ")) }
                @if let Some(effect) = apply_effect(risk) { span class={ "risk " (risk_class(risk)) } { (effect) } }
            }
            @if let Some(message) = &object.message { p.said { (make_visible(message)) } }
            @if !object.differences.is_empty() { (difference_table(&object.differences)) }
            p.call {
                span.where { (line_link(links, &object.origin.file, object.origin.line)) }
                @if let Some(applied) = &object.applied {
                    " last applied " (instant(&applied.at)) ", run " code { (make_visible(&applied.run)) }
                    @if let Some(commit) = &applied.commit { ", commit " (commit_link(links, commit)) }
                }
            }
        }
    }
}

/// Returns what an apply of the manifest would do; `None` if it takes nothing away.
fn apply_effect(risk: Risk) -> Option<&'static str> {
    match risk {
        Risk::Safe | Risk::Create => None,
        Risk::Reduce => Some("an apply reduces"),
        Risk::Strand => Some("an apply strands"),
        Risk::Destroy => Some("an apply destroys"),
    }
}

/// Renders the fields of an object that differ: who changed each, from what to what, and what an apply would do.
fn difference_table(differences: &[DifferenceEntry]) -> Markup {
    html! {
        table.changes {
            thead {
                tr { th scope="col" { "Field" } th scope="col" { "Changed by" } th scope="col" { "Change" } th scope="col" { "Remark" } }
            }
            tbody { @for one in differences { (difference_row(one)) } }
        }
    }
}

/// Renders one field.
fn difference_row(one: &DifferenceEntry) -> Markup {
    let who = match one.changed_by {
        By::Unknown => "no base",
        by => changer_name(by),
    };
    html! {
        tr {
            th scope="row" { (make_visible(&one.path)) }
            td.who data-label="changed by" { (who) }
            td.diff-cell { (difference_values(one)) }
            td class={ "risk " (risk_class(one.risk)) } {
                @if let Some(warning) = risk_warning(one) { (make_visible(&warning)) }
                @if let Some(accepted) = &one.accepted { " " (make_visible(&describe_acceptance(accepted))) }
            }
        }
    }
}

/// Renders the values of a field: as a diff where one party changed it, and otherwise each side by itself.
fn difference_values(one: &DifferenceEntry) -> Markup {
    let sides = |labels: &[&str]| {
        let values = ["base", "manifest", "live"]
            .into_iter()
            .zip(format_sides(one));
        let shown: Vec<(&str, String)> = values.filter(|(name, _)| labels.contains(name)).collect();
        html! { ul { @for (name, value) in shown { li { span.where { (name) } " " (make_visible(&value)) } } } }
    };
    match one.changed_by {
        By::You => side_diff(&one.live, &one.manifest),
        By::They => side_diff(&one.base, &one.live),
        By::Both => sides(&["base", "manifest", "live"]),
        By::Unknown => sides(&["manifest", "live"]),
    }
}

/// Renders the way from one side to another. A side without the field or element has no value.
fn side_diff(before: &Option<Json>, after: &Option<Json>) -> Markup {
    let verb = match (before, after) {
        (None, _) => ChangeVerb::Add,
        (Some(_), None) => ChangeVerb::Remove,
        (Some(_), Some(_)) => ChangeVerb::Replace,
    };
    change_diff(&ChangeEntry {
        path: String::new(),
        verb,
        before: before.clone().unwrap_or_default(),
        after: after.clone().unwrap_or_default(),
        risk: Risk::Safe,
        note: None,
        call: 0,
    })
}
