//! Renders a run as one page: no other file, no request, readable without its script and on any width.
//!
//! Everything from manifests and vendors is escaped by the `maud` template, and the page's own policy lets a
//! browser run the one script that it was made with and nothing else. Words, order and groups come from
//! [`super::view`] and [`super::group`]; the frame is in `frame`, what other pages use as well in [`parts`]; the style
//! and the script are files beside this one.

pub mod drift;
mod frame;
pub mod parts;

use std::collections::BTreeSet;

use maud::{Markup, html};

use self::frame::{ReportPage, fact_row, finding_list, render_frame};
use self::parts::{command_box, descent_list, line_link, risk_class, risk_word};
use super::change::describe_change;
use super::coming::describe_coming;
use super::group::{ObjectGroup, describe_remark, split_address};
use super::safe::make_visible;
use super::source_host::SourceLinks;
use super::view::{Annotation, RunView, describe_state};
use crate::model::wording::{pluralize, shorten};
use crate::model::{Outcome, Risk};
use crate::plan::Disposition;
use crate::plan::document::{ChangeEntry, ObjectEntry};

/// Entries that are shown unfolded; with more of them all are folded.
const UNFOLDED: usize = 20;

/// Names of objects in sync that are listed; the others are counted.
const NAMES: usize = 2_000;

/// Characters of a change in the heading of its entry.
const LONGEST_HEADING: usize = 90;

/// Renders the page: headline, facts, the command that applies, findings, objects that are not in sync.
///
/// Findings are the annotations without an object; those with one are on the object itself, so none is shown
/// twice.
pub fn render_page(view: &RunView<'_>) -> String {
    let document = view.document;
    let groups = view.groups();
    let points = view.annotations();
    let findings: Vec<&Annotation> = points
        .iter()
        .filter(|point| point.address.is_none())
        .collect();
    let main = html! {
        @for remark in view.remarks().into_iter().chain(view.object_remarks()) { p.remark { (remark) } }
        @if let Some(command) = view.apply { (command_box(command)) }
        (finding_list(&findings, &view.links()))
        @if !groups.is_empty() {
            (filter_form(groups.iter().map(|group| (group.first().vendor.as_str(), split_address(group.first()).0)).collect()))
            div #objects {
                @for group in &groups { (group_entry(group, view, groups.len() <= UNFOLDED)) }
            }
            p #none hidden { "No object matches." }
        }
        (in_sync_list(view))
    };
    let footer = html! {
        @if !document.objects.is_empty() { ", plan " code { (make_visible(&document.digest)) } }
    };
    render_frame(&ReportPage {
        kind: &view.stage.name().to_lowercase(),
        headline: view.headline(),
        counts: view.verdict(),
        facts: html! { @if let Some(run) = &document.source.undo { (fact_row("Takes back", &html! { "run " code { (make_visible(run)) } })) } },
        source: &document.source,
        tool: &document.tool,
        at: &document.created_at,
        links: view.links(),
        main,
        footer,
    })
}

/// Renders the form that filters objects, which are of these vendors and kinds. Hidden until the script runs, since it
/// does nothing without it. Kinds can be chosen where a vendor has several.
fn filter_form(choices: BTreeSet<(&str, &str)>) -> Markup {
    let risks = [
        Risk::Destroy,
        Risk::Strand,
        Risk::Reduce,
        Risk::Create,
        Risk::Safe,
    ];
    let risks = risks.map(|risk| (risk_class(risk), risk_word(risk)));
    let vendors: BTreeSet<&str> = choices.iter().map(|(vendor, _)| *vendor).collect();
    let kinds: BTreeSet<&str> = choices.iter().map(|(_, kind)| *kind).collect();
    let vendors: Vec<(&str, &str)> = vendors.into_iter().map(|name| (name, name)).collect();
    let kinds: Vec<(&str, &str)> = kinds.into_iter().map(|name| (name, name)).collect();
    html! {
        form #filters hidden {
            label { "Search" input #text type="search" autocomplete="off" placeholder="name, field or value"; }
            (select_box("vendor", "Vendor", &vendors))
            @if kinds.len() > vendors.len() { (select_box("kind", "Kind", &kinds)) }
            (select_box("risk", "Risk", &risks))
            button #fold type="button" { "Fold all" }
            output #shown for="text vendor risk" {}
        }
    }
}

/// Renders one choice of the filter.
fn select_box(id: &str, title: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        label {
            (title)
            select id=(id) {
                option value="" { "all" }
                @for (value, word) in options { option value=(make_visible(value)) { (make_visible(word)) } }
            }
        }
    }
}

/// Renders one object, or several that change the same: state, name and first change in the heading, then the changes.
///
/// `data-vendor`, `data-kind` and `data-risk` are what the script compares with the form, `data-count` is the number of objects.
fn group_entry(group: &ObjectGroup<'_>, view: &RunView<'_>, open: bool) -> Markup {
    let object = group.first();
    let risk = object.risk();
    html! {
        details open[open] data-vendor=(make_visible(&object.vendor)) data-kind=(make_visible(split_address(object).0)) data-risk=(risk_class(risk)) data-count=(group.objects.len()) {
            summary {
                span class={ "state " (mood_class(object)) } { (describe_state(object)) }
                span.address { (group.title()) }
                @if let Some(change) = first_change(object) { span.gist { (change) } }
                @if risk != Risk::Safe { span class={ "risk " (risk_class(risk)) } { (risk_word(risk)) } }
            }
            (group_body(group, view))
        }
    }
}

/// Describes the first of the riskiest changes in a few words; `None` without changes.
fn first_change(object: &ObjectEntry) -> Option<String> {
    let worst = object.risk();
    let change = object.changes.iter().find(|change| change.risk == worst)?;
    let alone = ChangeEntry {
        risk: Risk::Safe,
        note: None,
        ..change.clone()
    };
    let text = make_visible(&describe_change(&alone)).into_owned();
    let text = shorten(&text, LONGEST_HEADING);
    Some(match object.changes.len() - 1 {
        0 => text.into_owned(),
        others => format!("{text} and {others} more"),
    })
}

/// Renders what is below the heading of an entry.
fn group_body(group: &ObjectGroup<'_>, view: &RunView<'_>) -> Markup {
    let object = group.first();
    let messages = group.messages();
    let links: SourceLinks = view.links();
    html! {
        @if let [message] = &messages[..] { p.said { (make_visible(message)) } }
        @for effect in &object.side_effects { p.said { "Side effect: " (make_visible(effect)) } }
        @if object.calls.len() > 1 { (changes_by_call(object)) }
        @else if !object.changes.is_empty() { (parts::change_table(&object.changes)) }
        (descent_list(group.common_descent(), &links))
        @for line in describe_coming(&object.coming) { p.said { (make_visible(&line)) } }
        @if group.is_many() { (name_list(group, &links, messages.len() > 1)) }
        @else {
            p.call {
                span.where { (line_link(&links, &object.origin.file, object.origin.line)) }
                @if let [call] = &object.calls[..] { " " code { (call.method.as_str()) " " (make_visible(&call.path)) } }
            }
        }
    }
}

/// Renders the changes of an object with several calls: those of each call, then the call.
fn changes_by_call(object: &ObjectEntry) -> Markup {
    let changes_of = |index| -> Vec<ChangeEntry> {
        let changes = object.changes.iter();
        changes
            .filter(|change| change.call == index)
            .cloned()
            .collect()
    };
    html! {
        @for (index, call) in object.calls.iter().enumerate() {
            (parts::change_table(&changes_of(index)))
            p.call { code { (call.method.as_str()) " " (make_visible(&call.path)) } }
        }
    }
}

/// Lists the objects of a group, each with its line, and with its own message where these differ.
///
/// More than [`UNFOLDED`] names are folded below their number.
fn name_list(group: &ObjectGroup<'_>, links: &SourceLinks<'_>, has_messages: bool) -> Markup {
    let list = html! {
        ul.names.remarks[has_messages] {
            @for object in &group.objects {
                li {
                    span.address { (make_visible(split_address(object).1)) } " "
                    span.where { (line_link(links, &object.origin.file, object.origin.line)) }
                    @if has_messages { @if let Some(message) = describe_remark(object) { " " span { (make_visible(&message)) } } }
                }
            }
        }
    };
    match group.objects.len() {
        0..=UNFOLDED => list,
        number => html! { details.more { summary { (pluralize(number, "object")) } (list) } },
    }
}

/// Renders how many objects are in sync, with their names folded below.
fn in_sync_list(view: &RunView<'_>) -> Markup {
    let names = view.in_sync();
    let number = names.len();
    html! {
        @if number > 0 {
            details.quiet {
                summary { (pluralize(number, "object")) " in sync" }
                ul.names { @for name in names.iter().take(NAMES) { li { (make_visible(name)) } } }
                @if number > NAMES { p { "and " (number - NAMES) " more" } }
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
        Disposition::Update | Disposition::Create | Disposition::Remove => "update",
        Disposition::None | Disposition::Observe | Disposition::Suspend => "calm",
    }
}
