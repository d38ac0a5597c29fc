//! Renders a run as one page: no other file, no request, readable without its script and on any width.
//!
//! Everything from manifests and vendors is escaped by the `maud` template, and the page's own policy lets a
//! browser run the one script that it was made with and nothing else. Words and order come from [`super::view`];
//! the style and the script that filters are files beside this one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::safe::{make_lines_visible, make_visible};
use super::text::format_location;
use super::values::{format_inline, format_lines};
use super::view::{Annotation, Level, RunView, describe_state};
use crate::model::wording::pluralize;
use crate::model::{Outcome, Risk};
use crate::plan::document::{ChangeEntry, ObjectEntry};
use crate::plan::{ChangeVerb, Disposition};

/// The style sheet, for light and dark.
const STYLE: &str = include_str!("style.css");
/// The script that filters and folds objects.
const SCRIPT: &str = include_str!("filter.js");

/// Characters of a value that stands in its cell; longer ones, and objects, get a box of lines.
const SHORT: usize = 120;

/// Renders the page: verdict, counts of risks, findings, objects that are not in sync, footer.
///
/// Findings are the annotations without an object; those with one are on the object itself, so none is shown
/// twice.
pub fn render_page(view: &RunView<'_>) -> String {
    let document = view.document;
    let stage = view.stage.name();
    let notable = view.notable_objects();
    let points = view.annotations();
    let findings: Vec<&Annotation> = points
        .iter()
        .filter(|point| point.address.is_none())
        .collect();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "entitle " (stage.to_lowercase()) ": " (view.verdict()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.kind { "entitle " (stage.to_lowercase()) }
                    h1 { (view.verdict()) }
                    @for remark in view.remarks() { p.remark { (remark) } }
                    (risk_counts(view))
                }
                main {
                    @if !findings.is_empty() { (finding_list(&findings)) }
                    @if !notable.is_empty() {
                        (filter_form(&notable))
                        div #objects { @for object in &notable { (object_entry(object)) } }
                        p #none hidden { "No object matches." }
                    }
                    @if document.summary.in_sync > 0 {
                        p.quiet { (pluralize(document.summary.in_sync, "object")) " in sync, not listed." }
                    }
                }
                footer {
                    p {
                        "entitle " (make_visible(&document.tool.version)) ", " (make_visible(&document.created_at))
                        @if !document.objects.is_empty() { ", plan " code { (make_visible(&document.digest)) } }
                        @if let Some(commit) = &document.source.commit { ", commit " code { (make_visible(commit)) } }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string() + "\n"
}

/// Returns the Content-Security-Policy: only the style and the script of this page run, known by their hashes.
///
/// A `<script>` that got through every escape would still not run, because its hash is another.
fn content_policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// Renders how many changes strand and reduce; empty without such changes.
fn risk_counts(view: &RunView<'_>) -> Markup {
    let summary = &view.document.summary;
    let all = [
        ("taking away what is in use", summary.strand, "strand"),
        ("taking something away", summary.reduce, "reduce"),
    ];
    html! {
        @if !view.document.objects.is_empty() {
            ul.counts {
                @for (word, number, class) in all {
                    @if number > 0 { li class=(class) { strong { (pluralize(number, "change")) } " " (word) } }
                }
            }
        }
    }
}

/// Renders the findings about the manifests, each with its level, rule and location.
fn finding_list(findings: &[&Annotation<'_>]) -> Markup {
    html! {
        section {
            h2 { "Findings" }
            ul.findings {
                @for point in findings {
                    li class=(level_class(point.level)) {
                        span.state { (level_class(point.level)) } " "
                        span.said { (make_visible(&point.message)) } " "
                        code.rule { (make_visible(point.rule)) }
                        @if let Some(file) = point.file {
                            " " span.where { (make_visible(file)) ":" (point.line) ":" (point.column) }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the CSS class of a level, which is also the word shown.
fn level_class(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    }
}

/// Renders the form that filters objects. Hidden until the script runs, since it does nothing without it.
fn filter_form(notable: &[&ObjectEntry]) -> Markup {
    let mut vendors: Vec<&str> = notable
        .iter()
        .map(|object| object.vendor.as_str())
        .collect();
    vendors.sort_unstable();
    vendors.dedup();
    html! {
        form #filters hidden {
            label { "Search" input #text type="search" autocomplete="off" placeholder="name, field or value"; }
            label {
                "Vendor"
                select #vendor {
                    option value="" { "all" }
                    @for vendor in vendors { option value=(make_visible(vendor)) { (make_visible(vendor)) } }
                }
            }
            label {
                "Risk"
                select #risk {
                    option value="" { "all" }
                    @for risk in [Risk::Strand, Risk::Reduce, Risk::Safe] {
                        option value=(class_of(risk)) { (word_of(risk)) }
                    }
                }
            }
            button #fold type="button" { "Fold all" }
            output #shown for="text vendor risk" {}
        }
    }
}

/// Returns the CSS class of a risk; the script filters by it.
fn class_of(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Reduce => "reduce",
        Risk::Strand => "strand",
    }
}

/// Returns the word for a risk.
fn word_of(risk: Risk) -> &'static str {
    match risk {
        Risk::Safe => "safe",
        Risk::Reduce => "reduces",
        Risk::Strand => "strands",
    }
}

/// Renders one object, open: state, address, risk and location in its heading, then changes and calls.
///
/// `data-vendor` and `data-risk` are what the script compares with the form.
fn object_entry(object: &ObjectEntry) -> Markup {
    let risk = object.risk();
    let risky = risk != Risk::Safe;
    html! {
        details open data-vendor=(make_visible(&object.vendor)) data-risk=(class_of(risk)) {
            summary {
                span class={ "state " (mood_class(object)) } { (describe_state(object)) }
                span.address { (make_visible(&object.address)) }
                @if risky { span class={ "risk " (class_of(risk)) } { (word_of(risk)) } }
                span.where { (format_location(&object.origin)) }
            }
            @if let Some(message) = &object.message { p.said { (make_visible(message)) } }
            @for effect in &object.side_effects { p.said { "Side effect: " (make_visible(effect)) } }
            @if !object.changes.is_empty() { (change_table(&object.changes)) }
            @for call in &object.calls {
                p.call { code { (call.method.as_str()) " " (make_visible(&call.path)) } }
            }
        }
    }
}

/// Returns the CSS class for how much an object should worry the reader. An outcome counts more than the plan.
fn mood_class(object: &ObjectEntry) -> &'static str {
    match object.outcome {
        Some(Outcome::Converged | Outcome::Already) => return "calm",
        Some(Outcome::Refused | Outcome::Skipped) => return "warning",
        Some(Outcome::Rejected | Outcome::Stale | Outcome::Failed | Outcome::Unconverged) => {
            return "bad";
        }
        None => {}
    }
    match object.action {
        Disposition::Missing | Disposition::Error => "bad",
        Disposition::Update => "update",
        Disposition::None | Disposition::Observe | Disposition::Suspend => "calm",
    }
}

/// Renders the changes of an object. An added field has no value before, and a removed one the word `removed`
/// after.
fn change_table(changes: &[ChangeEntry]) -> Markup {
    html! {
        table {
            thead { tr { th scope="col" { "field" } th scope="col" { "before" } th scope="col" { "after" } th scope="col" { "risk" } } }
            tbody {
                @for change in changes {
                    tr {
                        th scope="row" { (make_visible(&change.path)) }
                        td.before { @if change.verb != ChangeVerb::Add { (value_cell(&change.before)) } }
                        td.after { @if change.verb != ChangeVerb::Remove { (value_cell(&change.after)) } @else { "removed" } }
                        td class={ "risk " (class_of(change.risk)) } {
                            (word_of(change.risk))
                            @if let Some(note) = &change.note { ": " (make_visible(note)) }
                        }
                    }
                }
            }
        }
    }
}

/// Renders a value in its cell, or in a box that scrolls if it is an object or longer than [`SHORT`].
fn value_cell(value: &serde_json::Value) -> Markup {
    let text = format_inline(value);
    html! {
        @if !value.is_object() && text.chars().count() <= SHORT { (make_visible(&text)) }
        @else { pre tabindex="0" { (make_lines_visible(&format_lines(value))) } }
    }
}
