//! The page of one object: its fields as desired and as they are, who set them, what is pending, its history.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value as Json;

use super::forms;
use super::frame::{FramedPage, Visitor, page_frame, time_element};
use super::rows::{bounded_changes, object_state, pending_changes, risk_badge};
use crate::apply::memory::ObjectWrite;
use crate::daemon::actions::ActionError;
use crate::daemon::object_details::ObjectDetails;
use crate::daemon::serve::words::state_words;
use crate::daemon::status::{ObjectState, ObjectStatus};
use crate::model::with_causes;
use crate::model::wording::{pluralize, shorten};
use crate::plan::descent::is_at_or_below;
use crate::plan::document::ChangeEntry;
use crate::render::html::parts::{change_diff, command_box, commit_link, descent_list};
use crate::render::patch::unified_patch;
use crate::render::source_host::SourceLinks;
use crate::render::values;

/// Characters of a value in a cell; a longer one gets a box of lines, and is cut there.
const SHORT: usize = 80;
const LONGEST_VALUE: usize = 4_000;

/// The input from which the page of an object is rendered.
pub struct ObjectPage<'a> {
    pub object: &'a ObjectStatus,
    /// `Err` if this replica does not look after it.
    pub details: Result<&'a ObjectDetails, ActionError>,
    pub links: SourceLinks<'a>,
    /// The number of the last pass.
    pub pass: u64,
    pub now: Timestamp,
}

/// Renders the page of an object.
pub fn object_page(page: &ObjectPage<'_>, visitor: &Visitor) -> String {
    let (object, now) = (page.object, page.now);
    let details = page.details.as_ref().ok();
    let main = html! {
        (heading(object))
        @if let Err(why) = &page.details { p.notice { (why.to_string()) } }
        (object_state(object, None, now))
        (forms::object_forms(object, visitor))
        (pending_changes(object))
        @if let Some(details) = details { (suspension_patch(object, details)) }
        (facts(page))
        @if let Some(details) = details {
            (field_section(object, details, page))
            (history_section(object, details, page))
        }
    };
    let framed = FramedPage {
        title: format!("{}: {}", object.address, state_words(object.state)),
        pass: page.pass,
        events: events_query(&object.address),
        above: html! { nav.trail aria-label="Breadcrumb" { a href="/" { "Overview" } " › " (object.address) } },
        main,
    };
    page_frame(&framed, visitor)
}

/// Returns the filter of events about one object.
fn events_query(address: &str) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.append_pair("q", address);
    out.finish()
}

fn heading(object: &ObjectStatus) -> Markup {
    html! {
        h1 {
            span class=(format!("mark {}", object.state.name())) aria-hidden="true" {}
            (object.address)
        }
        p.verdict {
            b { (state_words(object.state)) }
            @if object.running { " …" }
            @if !object.changes.is_empty() { ", " (pluralize(object.changes.len(), "field")) " pending " (risk_badge(object.risk)) }
        }
    }
}

fn facts(page: &ObjectPage<'_>) -> Markup {
    let (object, now) = (page.object, page.now);
    let details = page.details.as_ref().ok();
    let last_edit = details.and_then(|details| details.last_edit.as_ref());
    let contested = details
        .map(|details| details.contested.as_slice())
        .unwrap_or_default();
    let moment = |at: Option<Timestamp>, never: &str| {
        html! {
            @match at { Some(at) => (time_element(at, now)), None => (never) }
        }
    };
    html! {
        dl.facts {
            div { dt { "Connection" } dd { a href=(format!("/?connection={}", object.connection)) { (object.connection) } " (" (object.vendor) ")" } }
            @for (name, id) in object.identity.iter() { div { dt { (name) } dd { code { (id) } } } }
            @if object.labels.iter().next().is_some() {
                div { dt { "Labels" } dd { @for label in object.labels.iter() { code { (label) } " " } } }
            }
            div { dt { "Manifest" } dd {
                code { (object.origin.file) ":" (object.origin.line) }
                @if let Some((commit, author)) = last_edit {
                    ", last changed by " (author.name) " " (time_element(author.at, now)) ", commit " (commit_link(&page.links, commit))
                }
            } }
            div { dt { "Last look" } dd { (moment(object.last_pass, "never")) } }
            div { dt { "Last in sync" } dd { (moment(object.last_in_sync, "not since the start")) } }
            div { dt { "Next look" } dd { (moment(object.next_wake, "not planned")) } }
            @if !contested.is_empty() {
                div.bad { dt { "Contested" } dd {
                    (contested.join(", ")) ": healed so often that the next foreign change to it is a fight"
                } }
            }
        }
    }
}

/// Renders how a suspension of the page would be said in git; nothing without one.
fn suspension_patch(object: &ObjectStatus, details: &ObjectDetails) -> Markup {
    let suspension = object
        .suspended
        .as_ref()
        .filter(|suspension| suspension.by.is_some());
    let Some((until, reason)) =
        suspension.and_then(|suspension| Some((suspension.until?, suspension.reason.as_ref()?)))
    else {
        return html! {};
    };
    let patch = details.suspension_edit(until, reason);
    let patch = patch.map(|(before, after)| unified_patch(&object.origin.file, &before, &after));
    let quoted = reason.replace('\'', "'\\''");
    let command = format!(
        "entitle suspend {} --reason '{quoted}' --until {until}",
        object.address
    );
    html! {
        section {
            h2 { "To say so in git" }
            p { "This suspension is not in git, and ends with the daemon. To keep it, commit what this command writes" @if patch.is_some() { ", or this patch" } ":" }
            (command_box(&command))
            @if let Some(patch) = patch { pre.patch tabindex="0" { (patch) } }
        }
    }
}

/// Reports whether what is live is known of an object in this state.
fn is_live_known(object: &ObjectStatus) -> bool {
    match object.state {
        ObjectState::Unseen
        | ObjectState::Failed
        | ObjectState::Missing
        | ObjectState::Suspended
        | ObjectState::Elsewhere => !object.changes.is_empty(),
        // The last applied values are compared there, and not those of the manifest of now.
        ObjectState::AsApplied | ObjectState::NeverApplied => false,
        ObjectState::InSync
        | ObjectState::Differs
        | ObjectState::Waiting
        | ObjectState::Refused
        | ObjectState::Fought => true,
    }
}

/// Renders the managed fields: desired, live, and who set them last.
fn field_section(object: &ObjectStatus, details: &ObjectDetails, page: &ObjectPage<'_>) -> Markup {
    let fields = details.desired_fields();
    html! {
        section #fields {
            h2 { "Managed fields" }
            div.stacked {
                table.fields {
                    thead { tr {
                        th scope="col" { "Field" } th scope="col" { "Desired" } th scope="col" { "Live" } th scope="col" { "Last set by" }
                    } }
                    tbody {
                        @for (name, desired) in &fields {
                            tr {
                                th scope="row" { (name) }
                                td data-title="Desired" { (value_cell(desired)) }
                                td data-title="Live" { (live_cell(object, name)) }
                                td data-title="Set by" {
                                    (set_by(details.last_write_of(name), details, page))
                                    (descent_list(details.descent_of(name), &page.links))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Renders the live value of a field, as far as it is known.
fn live_cell(object: &ObjectStatus, field: &str) -> Markup {
    let changes: Vec<&ChangeEntry> = object
        .changes
        .iter()
        .filter(|change| is_at_or_below(&change.path, field))
        .collect();
    html! {
        @match (changes.as_slice(), is_live_known(object)) {
            ([], true) => span.calm { "as desired" },
            ([], false) => span.calm { "not known" },
            ([change], _) if change.path == field => (value_cell(&change.before)),
            (changes, _) => {
                ul.plain {
                    @for change in changes {
                        li.diff-cell { code { (shorten(&change.path, SHORT)) } " " (change_diff(change)) }
                    }
                }
            }
        }
    }
}

/// Renders who set a field last, as the journal has it.
fn set_by(write: Option<&ObjectWrite>, details: &ObjectDetails, page: &ObjectPage<'_>) -> Markup {
    html! {
        @match write {
            Some(write) => (author_line(write, details, page)),
            None => span.calm { "–" },
        }
    }
}

/// Renders who wrote, when, and who made the commit.
fn author_line(write: &ObjectWrite, details: &ObjectDetails, page: &ObjectPage<'_>) -> Markup {
    let author = write
        .commit
        .as_ref()
        .and_then(|commit| details.authors.get(commit));
    html! {
        @if let Some(author) = author { (author.name) ", applied by " }
        (write.by)
        @if let Some(by) = &write.approved_by { ", approved by " (by) }
        @if let Ok(at) = write.at.parse::<Timestamp>() { ", " (time_element(at, page.now)) }
        @if let Some(commit) = &write.commit { ", commit " (commit_link(&page.links, commit)) }
    }
}

/// Renders a value in its cell, or in a box if it is long.
fn value_cell(value: &Json) -> Markup {
    let text = values::format_inline(value);
    html! {
        @if !value.is_object() && text.chars().count() <= SHORT { code { (text) } }
        @else { pre tabindex="0" { (shorten(&values::format_lines(value), LONGEST_VALUE)) } }
    }
}

/// Renders the last writes of the object, each with the command that takes it back.
fn history_section(
    object: &ObjectStatus,
    details: &ObjectDetails,
    page: &ObjectPage<'_>,
) -> Markup {
    html! {
        section #history {
            h2 { "History" }
            @match &details.history {
                Err(why) => p.notice.bad { "The journal cannot be read: " (with_causes(why)) },
                Ok(writes) if writes.is_empty() => p.empty { "The journal has no write of it." },
                Ok(writes) => {
                    @for (number, write) in writes.iter().enumerate() { (history_entry(number, write, object, details, page)) }
                }
            }
            (command_box(&format!("entitle history --object '{}'", object.address)))
        }
    }
}

fn history_entry(
    number: usize,
    write: &ObjectWrite,
    object: &ObjectStatus,
    details: &ObjectDetails,
    page: &ObjectPage<'_>,
) -> Markup {
    let outcome = write.outcome.map_or("unknown", |outcome| outcome.name());
    html! {
        details.write id=(format!("run-{}-{number}", write.run)) {
            summary {
                b.outcome { (outcome) } " " (pluralize(write.changes.len(), "field")) ", " (author_line(write, details, page))
            }
            @if let Some(message) = &write.message { p.message { (shorten(message, 2_000)) } }
            (bounded_changes(&write.changes))
            @if write.outcome.is_some_and(|outcome| outcome == crate::model::Outcome::Converged) {
                p.under { "To take it back:" }
                (command_box(&format!("entitle undo {} --target '{}'", write.run, object.address)))
            }
        }
    }
}
