//! The status page, rendered completely on the server so that it works without JavaScript.
//!
//! Links and a form with GET do the filtering and paging; `page.js` only fetches the same page again when something
//! changed. Maud escapes everything that comes from manifests and vendors. The only folder that names maud besides
//! `render/html`.

mod history;
mod object;
mod words;

use std::sync::Arc;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::view::{ATTENTION, PageView, Query, RISKS, STATES, StateCounts, wants_attention};
use crate::daemon::status::{ObjectStatus, SourceKind, Status};
use crate::model::wording::pluralize;
use words::{short_revision, state_words, time_element};

/// Renders the whole page.
pub fn status_page(status: &Status, query: &Query, now: Timestamp) -> Markup {
    let view = PageView::new(status, query);
    let attention = view.all.attention();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { @if attention > 0 { "(" (attention) ") " } "entitle watch" }
                link rel="icon" href="/icon.svg";
                link rel="stylesheet" href="/page.css";
                script src="/page.js" defer {}
            }
            body {
                a.skip href="#objects" { "Skip to the objects" }
                header {
                    h1 { a href="/" { "entitle watch" } }
                    p #live role="status" {}
                }
                (filter_form(status, query))
                main #main data-pass=(status.passes.back().map_or(0, |pass| pass.number)) {
                    (source_facts(status, now))
                    (notice_section(status))
                    (state_summary(&view, query))
                    (object_section(&view, query, now))
                    (history::pass_section(status, now))
                }
                footer {
                    p {
                        "Read-only. The same as JSON: " a href="/status" { "/status" }
                        ", for Prometheus: " a href="/metrics" { "/metrics" } "."
                    }
                }
            }
        }
    }
}

/// Renders where the manifests come from and what the daemon may do.
fn source_facts(status: &Status, now: Timestamp) -> Markup {
    let source = &status.source;
    let kind = match source.kind {
        SourceKind::Directory => "directory",
        SourceKind::Git => "git",
    };
    html! {
        dl.facts {
            div { dt { "Mode" } dd { (status.mode.name()) @if status.sandbox { " (simulators)" } } }
            div {
                dt { "Source" }
                dd {
                    (kind) " " code { (source.location) }
                    @if let Some(revision) = &source.revision { " at " code title=(revision) { (short_revision(revision)) } }
                }
            }
            div { dt { "Manifests" } dd {
                (pluralize(source.documents, "document")) " in " (pluralize(source.files, "file"))
                @if let Some(at) = source.loaded_at { ", read " (time_element(at, now)) }
            } }
            @if let Some(replicas) = &status.replicas {
                div { dt { "Replica" } dd {
                    (replicas.name) ", one of " (replicas.live.len()) ", looks after "
                    (count_kept_connections(status)) " of " (pluralize(status.connections.len(), "connection"))
                } }
            }
            div { dt { "Started" } dd { (time_element(status.started_at, now)) } }
        }
    }
}

/// Returns how many connections this replica looks after.
fn count_kept_connections(status: &Status) -> usize {
    let keepers = status
        .connections
        .values()
        .map(|connection| &connection.keeper);
    keepers.flatten().filter(|keeper| keeper.is_own).count()
}

/// Renders what holds the whole daemon back.
fn notice_section(status: &Status) -> Markup {
    let locked = status
        .connections
        .iter()
        .filter_map(|(name, connection)| Some((name, connection.locked.as_ref()?)));
    html! {
        @if status.stopping { p.notice { strong { "Stopping. " } "What is under way is finished; nothing new begins." } }
        @if let Some(problem) = &status.source.problem {
            div.notice.bad {
                p { strong { "The newest manifests are not in force. " } "The last good ones are." }
                pre { (problem) }
            }
        }
        @if let Some(why) = &status.source.unfollowed {
            div.notice.bad {
                p { strong { "The source is not followed. " } "What is saved there is read at the next regular look." }
                pre { (why) }
            }
        }
        @if status.brake.engaged {
            p.notice.bad {
                strong { "The brake is on. " }
                (status.brake.why.as_deref().unwrap_or("A change was too large to be made without a person."))
            }
        }
        @if let Some(problem) = status.replicas.as_ref().and_then(|replicas| replicas.problem.as_ref()) {
            div.notice.bad {
                p { strong { "The store is not there. " } "Accounts are looked after until their claims run out." }
                pre { (problem) }
            }
        }
        @for (name, who) in locked {
            p.notice { strong { "Nothing is written at " (name) ". " } (who) }
        }
    }
}

/// Renders the counts by state, each a link to those objects.
fn state_summary(view: &PageView<'_>, query: &Query) -> Markup {
    let only = |state: &str| {
        let narrowed = Query {
            state: state.into(),
            ..query.clone()
        };
        format!("/?{}", narrowed.at_page(1))
    };
    let here = |state: &str| (query.state == state).then_some("page");
    html! {
        nav.summary aria-label="Objects by state" {
            a href=(only("")) aria-current=[here("")] { b { (view.all.total()) } " objects" }
            @if view.all.attention() > 0 {
                a.bad href=(only(ATTENTION)) aria-current=[here(ATTENTION)] {
                    b { (view.all.attention()) } " to look at"
                }
            }
            @for (state, number) in view.all.present_states() {
                a href=(only(state.name())) aria-current=[here(state.name())] {
                    span class=(format!("mark {}", state.name())) aria-hidden="true" {}
                    b { (number) } " " (state_words(state))
                }
            }
        }
    }
}

/// Renders the filter.
fn filter_form<'a>(status: &'a Status, query: &Query) -> Markup {
    let mut vendors: Vec<&str> = status
        .connections
        .values()
        .map(|connection| connection.vendor.as_str())
        .collect();
    vendors.sort_unstable();
    vendors.dedup();
    let connections: Vec<&str> = status.connections.keys().map(String::as_str).collect();
    let same = |names: &[&'a str]| names.iter().map(|name| (*name, *name)).collect::<Vec<_>>();
    let states: Vec<(&str, &str)> = [(ATTENTION, "to look at")]
        .into_iter()
        .chain(STATES.map(|state| (state.name(), state_words(state))))
        .collect();
    html! {
        form #filter action="/" method="get" role="search" {
            label.wide {
                span { "Filter" }
                input type="search" name="q" value=(query.text) maxlength="200" autocomplete="off"
                    placeholder="name, id, file, field or message";
            }
            (select_box("vendor", "Vendor", &query.vendor, &same(&vendors)))
            @if connections.len() > vendors.len() {
                (select_box("connection", "Connection", &query.connection, &same(&connections)))
            }
            (select_box("state", "State", &query.state, &states))
            (select_box("risk", "Risk", &query.risk, &same(&RISKS)))
            button type="submit" { "Show" }
        }
    }
}

/// Renders one select field of the filter.
fn select_box(name: &str, title: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        label {
            span { (title) }
            select name=(name) {
                option value="" { "any" }
                @for (value, words) in options {
                    option value=(value) selected[*value == chosen] { (words) }
                }
            }
        }
    }
}

/// Renders the objects of this page in their groups.
fn object_section(view: &PageView<'_>, query: &Query, now: Timestamp) -> Markup {
    html! {
        section #objects aria-label="Objects" tabindex="-1" {
            @if view.rows.is_empty() {
                p.empty {
                    @if query.is_open() { "The manifests in force name no object." }
                    @else { "Nothing matches. " a href="/" { "Show everything" } }
                }
            }
            @for rows in view.rows.chunk_by(|a, b| calm_vendor(a) == calm_vendor(b)) {
                h2 { (calm_vendor(rows[0]).unwrap_or("To look at")) " " small { (group_size(rows, view)) } }
                ul.rows { @for row in rows { li { (object::object_row(row, now)) } } }
            }
            (page_links(view, query))
        }
    }
}

/// Returns the vendor that an object is grouped under; `None` if it needs attention.
fn calm_vendor(object: &ObjectStatus) -> Option<&str> {
    (!wants_attention(object.state)).then_some(object.vendor.as_str())
}

/// Returns how many objects a group has, and how many of them are on this page.
fn group_size(rows: &[&Arc<ObjectStatus>], view: &PageView<'_>) -> String {
    let vendor = rows.first().and_then(|object| calm_vendor(object));
    let (number, what) = match vendor {
        None => (
            view.vendors.values().map(StateCounts::attention).sum(),
            "object",
        ),
        Some(vendor) => {
            let counts = view.vendors.get(vendor);
            let troubled = counts.map_or(0, StateCounts::attention);
            let what = if troubled == 0 { "object" } else { "other" };
            (counts.map_or(0, |c| c.total() - troubled), what)
        }
    };
    let here = if rows.len() < number {
        format!(", {} on this page", rows.len())
    } else {
        String::new()
    };
    format!("{}{here}", pluralize(number, what))
}

/// Renders the links to the pages before and after.
fn page_links(view: &PageView<'_>, query: &Query) -> Markup {
    let to = |page: usize| format!("/?{}", query.at_page(page));
    let last = view.first + view.rows.len().saturating_sub(1);
    html! {
        @if view.pages > 1 {
            nav.pager aria-label="Pages" {
                @if view.page > 1 { a href=(to(view.page - 1)) rel="prev" { "Previous" } }
                @else { span { "Previous" } }
                p { (view.first) " to " (last) " of " (view.found) }
                @if view.page < view.pages { a href=(to(view.page + 1)) rel="next" { "Next" } }
                @else { span { "Next" } }
            }
        }
    }
}
