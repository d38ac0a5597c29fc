//! The overview: the source of the manifests, the reasons that hold the daemon back, objects, and recent activity.

use std::sync::Arc;

use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{FramedPage, Visitor, page_frame, time_element};
use super::{activity, connections, history, rows};
use crate::daemon::serve::view::coming::{list_mass_changes, list_next_changes};
use crate::daemon::serve::view::{
    ATTENTION, PageView, Query, RISKS, STATES, StateCounts, present_kinds, present_labels,
    wants_attention,
};
use crate::daemon::serve::words::{count_words, short_revision, state_words};
use crate::daemon::status::{ConnectionProblem, ObjectState, ObjectStatus, SourceKind, Status};
use crate::daemon::window::WindowStatus;
use crate::model::wording::{pluralize, shorten};
use crate::render::html::parts::commit_link;
use crate::render::mass_change::describe_mass_change;
use crate::render::source_host::SourceLinks;

/// The input from which the overview is rendered.
pub struct Overview<'a> {
    pub status: &'a Status,
    pub windows: &'a WindowStatus,
    pub links: SourceLinks<'a>,
    pub query: &'a Query,
    pub now: Timestamp,
}

/// Renders the overview.
pub fn overview_page(overview: &Overview<'_>, visitor: &Visitor) -> String {
    let Overview {
        status, query, now, ..
    } = *overview;
    let view = PageView::new(status, query);
    let attention = view.all.attention();
    let title = match attention {
        0 => "entitle watch".to_string(),
        number => format!("({number}) entitle watch"),
    };
    let main = html! {
        h1.hidden { "Overview" }
        (source_facts(overview))
        (notice_section(status, now))
        (state_summary(&view, query))
        @if query.is_open() && view.page == 1 {
            @let (attention, calm) = view.rows.split_at(count_attention(&view.rows));
            @if !attention.is_empty() { (object_section(attention, &view, query, visitor, now)) }
            (happenings(overview, visitor))
            (object_section(calm, &view, query, visitor, now))
            (page_links(&view, query))
        } @else {
            (object_section(&view.rows, &view, query, visitor, now))
            (page_links(&view, query))
            (happenings(overview, visitor))
        }
        (history::pass_section(status, now))
    };
    let page = FramedPage {
        title,
        pass: status.passes.back().map_or(0, |pass| pass.number),
        events: query.at_page(1),
        above: filter_form(status, query),
        main,
    };
    page_frame(&page, visitor)
}

/// Returns how many of the rows, which come first, need attention.
fn count_attention(rows: &[&Arc<ObjectStatus>]) -> usize {
    rows.partition_point(|object| wants_attention(object.state))
}

/// Renders the recent activity, the connections and the windows. They stand above the objects in order, of
/// which there may be thousands.
fn happenings(overview: &Overview<'_>, visitor: &Visitor) -> Markup {
    html! {
        (activity::activity_section(overview.status, &overview.links, overview.now))
        (connections::connection_section(overview.status, visitor, overview.now))
        (activity::window_section(overview.windows, overview.now))
    }
}

/// Renders the source of the manifests and the mode of the daemon.
fn source_facts(overview: &Overview<'_>) -> Markup {
    let (status, now) = (overview.status, overview.now);
    let source = &status.source;
    let kind = match source.kind {
        SourceKind::Directory => "directory",
        SourceKind::Git => "git",
    };
    let commit = source
        .commit
        .as_ref()
        .filter(|commit| source.revision.as_ref() != Some(commit));
    html! {
        dl.facts {
            div { dt { "Mode" } dd { (status.mode.name()) @if status.sandbox { " (simulators)" } } }
            div {
                dt { "Source" }
                dd {
                    (kind) " " code { (source.location) }
                    @if let Some(revision) = &source.revision {
                        " at "
                        @if source.commit.as_ref() == Some(revision) { (commit_link(&overview.links, revision)) }
                        @else { code title=(revision) { (short_revision(revision)) } }
                    }
                    @if let Some(commit) = commit { ", commit " (commit_link(&overview.links, commit)) }
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
            @if let Some(next) = list_next_changes(status, now).first() {
                div { dt { "Next change" } dd {
                    (time_element(next.at, now)) ": " (next.object.address)
                } }
            }
            @for mass in list_mass_changes(status, now) {
                div { dt { "Mass change" } dd { (describe_mass_change(&mass)) } }
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

/// Renders the reasons that hold the whole daemon back.
fn notice_section(status: &Status, now: Timestamp) -> Markup {
    let locked = status
        .connections
        .iter()
        .filter_map(|(name, connection)| Some((name, connection.locked.as_ref()?)));
    html! {
        @if status.stopping { p.notice { strong { "Stopping. " } "What is under way is finished; nothing new begins." } }
        @if let Some(problem) = &status.source.problem {
            div.notice.bad {
                p { strong { "The newest manifests are not in force. " } "The last good ones are." }
                pre tabindex="0" { (problem) }
            }
        }
        @if let Some(why) = &status.source.unfollowed {
            div.notice.bad {
                p { strong { "The source is not followed. " } "What is saved there is read at the next regular look." }
                pre tabindex="0" { (why) }
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
                pre tabindex="0" { (problem) }
            }
        }
        @for (name, connection) in &status.connections {
            @for problem in &connection.problems { (connection_notice(name, problem, now)) }
        }
        @for (name, holder) in locked {
            p.notice { strong { "Nothing is written at " (name) ". " } (holder) }
        }
    }
}

/// Renders a problem of a whole connection. The panel of the connection and the rows of its objects lead here.
fn connection_notice(name: &str, problem: &ConnectionProblem, now: Timestamp) -> Markup {
    let objects = format!("/?connection={name}&state={}", ObjectState::Failed.name());
    html! {
        div.notice.bad id=(rows::problem_id(name)) {
            p {
                strong { (name) " cannot be read. " }
                (shorten(&problem.message, 2_000)) " (" a href=(objects) { (pluralize(problem.objects, "object")) } ", "
                "since " (time_element(problem.since, now))
                @if let Some(line) = problem.location() { ", " code { (line) } }
                ")"
            }
            @if let Some(hint) = &problem.hint { p { (hint) } }
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
                    b { (number) } " " (count_words(state, number))
                }
            }
        }
    }
}

/// Renders the filter. A choice of one is left out, unless it is in force.
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
    let (kinds, labels) = (present_kinds(status), present_labels(status));
    html! {
        form #filter action="/" method="get" role="search" {
            label.wide {
                span { "Filter" }
                input type="search" name="q" value=(query.text) maxlength="200" autocomplete="off"
                    placeholder="name, id, label, file, field or message";
            }
            (select_box("vendor", "Vendor", &query.vendor, &same(&vendors)))
            @if !kinds.is_empty() || !query.kind.is_empty() {
                (select_box("kind", "Kind", &query.kind, &same(&kinds)))
            }
            (select_box("connection", "Connection", &query.connection, &same(&connections)))
            (select_box("state", "State", &query.state, &states))
            (select_box("risk", "Risk", &query.risk, &same(&RISKS)))
            @if !labels.is_empty() || !query.label.is_empty() {
                (select_box("label", "Label", &query.label, &same(&labels)))
            }
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

/// Renders objects of this page in their groups.
fn object_section(
    rows: &[&Arc<ObjectStatus>],
    view: &PageView<'_>,
    query: &Query,
    visitor: &Visitor,
    now: Timestamp,
) -> Markup {
    html! {
        section.objects {
            @if view.rows.is_empty() {
                p.empty {
                    @if query.is_open() { "The manifests in force name no object." }
                    @else { "Nothing matches. " a href="/" { "Show everything" } }
                }
            }
            @for group in rows.chunk_by(|a, b| calm_vendor(a) == calm_vendor(b)) {
                h2 { (calm_vendor(group[0]).unwrap_or("To look at")) " " small { (group_size(group, view)) } }
                ul.rows { @for row in group { li { (rows::object_row(row, visitor, now)) } } }
            }
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
