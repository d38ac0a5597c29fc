//! Renders one object of the overview: a line, and the most important things about it once it is opened.

use jiff::Timestamp;
use maud::{Markup, html};

use super::forms;
use super::frame::{Visitor, time_element};
use crate::daemon::serve::words::state_words;
use crate::daemon::status::{ObjectStatus, SuspensionStatus};
use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::plan::document::ChangeEntry;
use crate::render::coming::describe_coming;
use crate::render::html::parts::{change_table, risk_class, risk_word};

/// Most changes of one object, so that a page stays readable.
const MOST_CHANGES: usize = 50;

/// Renders the line and the details of one object.
pub fn object_row(object: &ObjectStatus, visitor: &Visitor, now: Timestamp) -> Markup {
    let (kind, name) = object
        .address
        .split_once('/')
        .unwrap_or(("", &object.address));
    html! {
        details.object id=(object.address) {
            summary {
                span class=(format!("mark {}", object.state.name())) aria-hidden="true" {}
                span.name { span.kind { (kind) "/" } wbr; b { (name) } }
                span.state {
                    (state_words(object.state))
                    @if object.running { span.running { " …" } }
                }
                span.pending {
                    @if !object.changes.is_empty() { (pluralize(object.changes.len(), "field")) " " (risk_badge(object.risk)) }
                }
                span.connection { (object.connection) }
                span.when { @if let Some(at) = object.last_pass { (time_element(at, now)) } @else { "never" } }
            }
            div.body {
                p.open { a href=(format!("/o/{}", object.address)) { "All about " (name) } }
                (object_state(object, connection_hint(object), now))
                (pending_changes(object))
                (object_facts(object, now))
                (forms::row_forms(object, visitor))
            }
        }
    }
}

/// Returns the id of the notice about a connection's problem.
pub fn problem_id(connection: &str) -> String {
    format!("problem-{connection}")
}

/// Renders a link to the problem of an object's connection in place of a message that would be the same for all objects
/// of it. `None` if nothing is wrong with the connection.
fn connection_hint(object: &ObjectStatus) -> Option<Markup> {
    object.problem.as_ref()?;
    let to = format!("#{}", problem_id(&object.connection));
    Some(
        html! { a href=(to) { "The connection " (object.connection) } " cannot be read: see above" },
    )
}

/// Renders why an object is in its state: its message, or `instead` of it, a fight, a suspension, failures in a row.
pub fn object_state(object: &ObjectStatus, instead: Option<Markup>, now: Timestamp) -> Markup {
    html! {
        @if let Some(words) = instead { p.message { (words) } }
        @else if let Some(message) = own_message(object) { p.message { (shorten(message, 2_000)) } }
        @if let Some(fight) = &object.fight {
            p.message {
                "Changed back since " (time_element(fight.since, now)) ": "
                @for (number, field) in fight.fields.iter().enumerate() { @if number > 0 { ", " } code { (field) } }
                @if object.message.as_ref() != Some(&fight.message) { ". " (fight.message) }
            }
        }
        @if let Some(suspension) = &object.suspended { (suspension_notice(suspension, now)) }
        @for line in describe_coming(&object.coming) { p.message { "Comes " (shorten(&line, 2_000)) } }
        @if object.failures > 0 {
            p.message {
                (pluralize(object.failures as usize, "failed look")) " in a row"
                @if let Some(at) = object.next_wake { "; the next is " (time_element(at, now)) }
            }
        }
    }
}

fn suspension_notice(suspension: &SuspensionStatus, now: Timestamp) -> Markup {
    html! {
        p.message {
            "Suspended"
            @if let Some(by) = &suspension.by { " by " (by) " on this page, not in git" }
            @if let Some(until) = suspension.until { ", ends " (time_element(until, now)) }
            @if let Some(reason) = &suspension.reason { ": " (reason) }
        }
    }
}

/// Returns the message of an object, unless the reason of its suspension says the same.
fn own_message(object: &ObjectStatus) -> Option<&str> {
    let suspended = object.suspended.as_ref();
    let reason = suspended.and_then(|pause| pause.reason.as_deref());
    let message = object.message.as_deref();
    message.filter(|message| Some(*message) != reason)
}

/// Renders what an apply would still change; nothing if there is nothing.
pub fn pending_changes(object: &ObjectStatus) -> Markup {
    html! {
        @if !object.changes.is_empty() {
            p.title { "Pending" }
            (bounded_changes(&object.changes))
            @if let Some(pending) = &object.pending {
                @for call in &pending.calls { p.under { code { (shorten(call, 400)) } } }
            }
        }
    }
}

/// Renders changes as a table, the first [`MOST_CHANGES`] of them.
pub fn bounded_changes(changes: &[ChangeEntry]) -> Markup {
    let shown = &changes[..changes.len().min(MOST_CHANGES)];
    let more = changes.len() - shown.len();
    html! {
        div.stacked { (change_table(shown)) }
        @if more > 0 { p.under { "and " (pluralize(more, "more field")) } }
    }
}

fn object_facts(object: &ObjectStatus, now: Timestamp) -> Markup {
    html! {
        dl.facts {
            @for (name, id) in object.identity.iter() { div { dt { (name) } dd { code { (id) } } } }
            @if object.labels.iter().next().is_some() {
                div { dt { "Labels" } dd { @for label in object.labels.iter() { code { (label) } " " } } }
            }
            div { dt { "Manifest" } dd { code { (object.origin.file) ":" (object.origin.line) } } }
            div {
                dt { "Last in sync" }
                dd { @if let Some(at) = object.last_in_sync { (time_element(at, now)) } @else { "not since the start" } }
            }
            @if let Some(at) = object.next_wake { div { dt { "Next look" } dd { (time_element(at, now)) } } }
            @if let Some(write) = &object.last_write {
                div { dt { "Last write" } dd { (write.outcome.name()) " " (time_element(write.at, now)) } }
            }
        }
    }
}

/// Renders a risk in the words of the plan; nothing for a safe change.
pub fn risk_badge(risk: Risk) -> Markup {
    html! { @if risk != Risk::Safe { span class={ "risk " (risk_class(risk)) } { (risk_word(risk)) } } }
}
