//! Renders what happened lately, and the change windows.

use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::time_element;
use crate::apply::memory::ShortChanges;
use crate::daemon::activity::{Activity, ActivityKind};
use crate::daemon::status::Status;
use crate::daemon::window::{RuleStatus, WindowStatus};
use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::render::html::parts::{commit_link, risk_class, risk_word};
use crate::render::source_host::SourceLinks;

/// Entries that are shown at once; the others are one click away.
const FIRST: usize = 10;

/// Renders the last writes, foreign edits and requests, the newest first.
pub fn activity_section(status: &Status, links: &SourceLinks<'_>, now: Timestamp) -> Markup {
    let (first, rest) = status.recent.split_at(status.recent.len().min(FIRST));
    let entries = |entries: &[std::sync::Arc<Activity>]| {
        html! { @for entry in entries { (activity_row(entry, links, now)) } }
    };
    html! {
        section #recent {
            h2 { "Recent activity" }
            @if first.is_empty() { p.empty { "Nothing was written, and nothing was changed past the manifests." } }
            @else { (activity_table(&entries(first))) }
            @if !rest.is_empty() {
                details.more id="older-activity" {
                    summary { (rest.len()) " older" }
                    (activity_table(&entries(rest)))
                }
            }
        }
    }
}

fn activity_table(rows: &Markup) -> Markup {
    html! {
        div.stacked {
            table.activity {
                thead { tr {
                    th scope="col" { "When" } th scope="col" { "Object" } th scope="col" { "What" } th scope="col" { "Who" }
                } }
                tbody { (rows) }
            }
        }
    }
}

fn activity_row(entry: &Activity, links: &SourceLinks<'_>, now: Timestamp) -> Markup {
    let failed = entry
        .outcome
        .is_some_and(|outcome| outcome != crate::model::Outcome::Converged);
    html! {
        tr class=[failed.then_some("failed")] {
            td.when { (time_element(entry.at, now)) }
            td.name {
                @match (&entry.address, &entry.connection) {
                    (Some(address), _) => a href=(format!("/o/{address}")) { (address) },
                    (None, Some(connection)) => (connection),
                    (None, None) => "everything",
                }
            }
            td { (what_happened(entry)) }
            td { (who(entry, links)) }
        }
    }
}

/// Renders what happened, with the first changed fields.
fn what_happened(entry: &Activity) -> Markup {
    let message = entry
        .message
        .as_deref()
        .map(|message| shorten(message, 300));
    html! {
        @match entry.kind {
            ActivityKind::Write => {
                @match entry.outcome {
                    Some(outcome) => { b.outcome { (outcome.name()) } " " }
                    None => {}
                }
                (short_changes(&entry.changes))
                @if let Some(message) = message { span.under { " " (message) } }
            }
            ActivityKind::ForeignEdit => { b.outcome.foreign { "foreign edit" } " " (short_changes(&entry.changes)) }
            ActivityKind::Request => { @if let Some(message) = message { (message) } }
        }
    }
}

/// Renders the first changes on one line.
fn short_changes(changes: &ShortChanges) -> Markup {
    html! {
        @for (number, change) in changes.first.iter().enumerate() {
            @if number > 0 { ", " }
            code { (change.path) } " " (change.before) " → " (change.after)
        }
        @if changes.more > 0 { " and " (pluralize(changes.more, "more field")) }
        @if changes.risk != Risk::Safe { " " span class={ "risk " (risk_class(changes.risk)) } { (risk_word(changes.risk)) } }
    }
}

/// Renders who did it, with commit and run.
fn who(entry: &Activity, links: &SourceLinks<'_>) -> Markup {
    html! {
        @match (&entry.by, entry.kind) {
            (Some(by), _) => (by),
            (None, ActivityKind::ForeignEdit) => "someone at the vendor",
            (None, _) => "unknown",
        }
        @if let Some(commit) = &entry.commit { ", commit " (commit_link(links, commit)) }
    }
}

/// Renders the change windows with their next opening; nothing if there are none.
pub fn window_section(windows: &WindowStatus, now: Timestamp) -> Markup {
    html! {
        @if !windows.rules.is_empty() {
            section #windows {
                h2 { "Change windows" }
                p {
                    @if windows.open { "Writing is open." }
                    @else {
                        "Writing is closed"
                        @match windows.opens_at {
                            Some(at) => { " and opens " (time_element(at, now)) ", at " (at.strftime("%F %H:%M UTC").to_string()) "." }
                            None => { ", and no opening is in sight." }
                        }
                    }
                }
                ul.windows { @for rule in &windows.rules { li { (window_rule(rule, now)) } } }
            }
        }
    }
}

fn window_rule(rule: &RuleStatus, now: Timestamp) -> Markup {
    html! {
        code { (rule.rule) } " "
        @match (rule.active, rule.changes_at) {
            (true, Some(at)) => { "now, ends " (time_element(at, now)) }
            (true, None) => "now",
            (false, Some(at)) => { "begins " (time_element(at, now)) }
            (false, None) => "does not begin within 32 days",
        }
    }
}
