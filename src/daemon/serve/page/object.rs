//! Renders one object: a line, and everything known about it once it is opened.

use jiff::Timestamp;
use maud::{Markup, html};

use super::words::{state_words, time_element};
use crate::daemon::status::ObjectStatus;
use crate::model::Risk;
use crate::model::wording::{pluralize, shorten};
use crate::plan::ChangeVerb;
use crate::plan::document::ChangeEntry;
use crate::render::values;

/// Most changes of one object, and most characters of a value, so that a page stays readable.
const MOST_CHANGES: usize = 50;
const LONGEST_VALUE: usize = 240;

/// Renders the line and the details of one object.
pub fn object_row(object: &ObjectStatus, now: Timestamp) -> Markup {
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
            div.body { (object_details(object, now)) }
        }
    }
}

/// Renders everything known about an object.
fn object_details(object: &ObjectStatus, now: Timestamp) -> Markup {
    html! {
        @if let Some(message) = own_message(object) { p.message { (shorten(message, 2_000)) } }
        @if let Some(fight) = &object.fight {
            p.message {
                "Changed back since " (time_element(fight.since, now)) ": "
                @for (at, field) in fight.fields.iter().enumerate() { @if at > 0 { ", " } code { (field) } }
                ". " (fight.message)
            }
        }
        @if let Some(pause) = &object.suspended {
            p.message {
                "Suspended"
                @if let Some(until) = pause.until { ", ends " (time_element(until, now)) }
                @if let Some(reason) = &pause.reason { ": " (reason) }
            }
        }
        @if !object.changes.is_empty() { (change_table("Pending", ["Live", "Wanted"], &object.changes)) }
        @if let Some(write) = &object.last_write {
            (change_table("Last write", ["Before", "After"], &write.changes))
            p.under {
                (write.outcome.name()) " " (time_element(write.at, now)) ", run " code { (write.run) }
            }
        }
        (object_facts(object, now))
    }
}

/// Returns the message of an object, unless the reason of its suspension says the same.
fn own_message(object: &ObjectStatus) -> Option<&str> {
    let suspended = object.suspended.as_ref();
    let reason = suspended.and_then(|pause| pause.reason.as_deref());
    let message = object.message.as_deref();
    message.filter(|message| Some(*message) != reason)
}

fn object_facts(object: &ObjectStatus, now: Timestamp) -> Markup {
    html! {
        dl.facts {
            @for (name, id) in object.identity.iter() { div { dt { (name) } dd { code { (id) } } } }
            div { dt { "Manifest" } dd { code { (object.origin.file) ":" (object.origin.line) } } }
            div {
                dt { "Last in sync" }
                dd { @if let Some(at) = object.last_in_sync { (time_element(at, now)) } @else { "not since the start" } }
            }
            @if let Some(at) = object.next_wake { div { dt { "Next look" } dd { (time_element(at, now)) } } }
            div { dt { "History" } dd { code { "entitle history --object '" (object.address) "'" } } }
        }
    }
}

/// Renders changes as a table. `before` and `after` are the titles of the value columns.
fn change_table(title: &str, [before, after]: [&str; 2], all: &[ChangeEntry]) -> Markup {
    html! {
        div.scroll {
            table {
                caption { (title) }
                thead { tr { th scope="col" { "Field" } th scope="col" { (before) } th scope="col" { (after) } th scope="col" { "Risk" } } }
                tbody {
                    @for change in all.iter().take(MOST_CHANGES) {
                        tr {
                            th scope="row" { code { (verb_sign(change.verb)) " " (shorten(&change.path, LONGEST_VALUE)) } }
                            td { code { (inline_value(&change.before)) } }
                            td { code { (inline_value(&change.after)) } }
                            td { (risk_badge(change.risk)) @if let Some(note) = &change.note { " " (note) } }
                        }
                    }
                }
            }
        }
        @if all.len() > MOST_CHANGES { p.under { "and " (pluralize(all.len() - MOST_CHANGES, "more field")) } }
    }
}

fn inline_value(value: &serde_json::Value) -> String {
    shorten(&values::format_inline(value), LONGEST_VALUE).into_owned()
}

fn verb_sign(verb: ChangeVerb) -> &'static str {
    match verb {
        ChangeVerb::Add => "+",
        ChangeVerb::Replace => "~",
        ChangeVerb::Remove => "-",
    }
}

/// Renders a risk in the words of the plan; nothing for a safe change.
fn risk_badge(risk: Risk) -> Markup {
    match risk {
        Risk::Safe => html! {},
        Risk::Reduce => html! { span.risk { "reduces" } },
        Risk::Strand => html! { span.risk.strand { "strands" } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::serve::samples;

    #[test]
    fn a_reason_is_told_once_and_a_past_write_in_its_own_words() {
        let status = samples::sample_status(200);
        let suspended = status.objects.iter().find(|o| o.suspended.is_some());
        let mut object = (**suspended.expect("a suspended one")).clone();
        let pause = object.suspended.clone().expect("suspended");
        let reason = pause.reason.expect("a reason");
        object.message = Some(reason.clone());
        let shown = object_details(&object, samples::sample_now()).into_string();
        assert_eq!(shown.matches(&reason).count(), 1, "{shown}");
        let written = status.objects.iter().find(|o| o.last_write.is_some());
        let shown =
            object_details(written.expect("a written one"), samples::sample_now()).into_string();
        let table = shown.split("Last write").nth(1).expect("the write");
        assert!(
            table.contains("Before") && !table.contains("Wanted"),
            "{table}"
        );
    }
}
