//! Renders the connections: what was called, what is left, who may write, and the last failure.

use jiff::Timestamp;
use maud::{Markup, html};

use super::forms;
use super::frame::{Visitor, time_element};
use super::rows::problem_id;
use crate::daemon::serve::view::connections::{ConnectionView, list_connections, past_error};
use crate::daemon::status::Status;
use crate::model::wording::{pluralize, shorten};

/// Renders a panel for each connection.
pub fn connection_section(status: &Status, visitor: &Visitor, now: Timestamp) -> Markup {
    let views = list_connections(status, now);
    html! {
        section #connections {
            h2 { "Connections" }
            @if views.is_empty() { p.empty { "The manifests in force have none." } }
            ul.panels { @for view in &views { li { (connection_panel(view, visitor, now)) } } }
        }
    }
}

fn connection_panel(view: &ConnectionView<'_>, visitor: &Visitor, now: Timestamp) -> Markup {
    let status = view.status;
    let moment = |at: Option<Timestamp>, never: &str| {
        html! {
            @match at { Some(at) => (time_element(at, now)), None => (never) }
        }
    };
    let errors: u64 = status
        .requests
        .iter()
        .filter(|(code, _)| !code.starts_with('2'))
        .map(|(_, count)| count)
        .sum();
    let attention = view.objects.attention();
    html! {
        h3 {
            a href=(format!("/?connection={}", view.name)) { (view.name) }
            " " small { (status.vendor) ", " (pluralize(view.objects.total(), "object")) }
        }
        @if attention > 0 { p.bad { (attention) " to look at" } }
        dl.facts {
            div { dt { "Calls" } dd { (view.calls) @if errors > 0 { ", " (errors) " without success" } } }
            div { dt { "Rate left" } dd { (view.tightest_rate.as_deref().unwrap_or("no rate is known")) } }
            div { dt { "Lease" } dd { (shorten(&view.lease.describe(), 300)) } }
            div { dt { "Last success" } dd { (moment(status.last_success, "not since the start")) } }
            div { dt { "Last webhook" } dd { (moment(status.last_hook, "none since the start")) } }
            div { dt { "Next look" } dd { (moment(view.next_look, "not planned")) } }
            @for problem in &status.problems {
                div.bad { dt { "Problem" } dd {
                    a href=(format!("#{}", problem_id(view.name))) { (problem.code) } ", since " (time_element(problem.since, now))
                } }
            }
            @if let Some(error) = past_error(status) {
                div.bad { dt { "Last error" } dd {
                    (time_element(error.at, now)) ", " a href=(format!("/o/{}", error.address)) { (error.address) } ": "
                    (shorten(&error.message, 300))
                } }
            }
        }
        (forms::look_form(visitor, "connection", view.name, &format!("Look at {} now", view.name)))
    }
}
