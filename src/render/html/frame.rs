//! The frame of a report page: head, policy, headline, facts, footer.
//!
//! Input is a [`ReportPage`] whose markup is finished, output is the text of one file that loads nothing. What is in a page is
//! decided by its caller.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::parts;
use crate::model::wording::pluralize;
use crate::plan::document::Tool;
use crate::plan::source_facts::SourceFacts;
use crate::render::safe::make_visible;
use crate::render::source_host::SourceLinks;
use crate::render::view::{Annotation, Level};

/// The style sheet, for light and dark.
const STYLE: &str = concat!(include_str!("style.css"), include_str!("parts.css"));
/// The script that filters and folds objects, shows times as the reader has them, and copies commands.
const SCRIPT: &str = include_str!("filter.js");

/// Connections that are listed; the others are counted.
const CONNECTIONS: usize = 8;

/// The parts of a report page.
pub struct ReportPage<'a> {
    /// `plan`, `apply`, `validate` or `drift`.
    pub kind: &'a str,
    /// What a person wants to know first, as a sentence without its full stop.
    pub headline: String,
    /// The counts behind it.
    pub counts: String,
    /// Facts of this kind of page, as rows of a list, before those of every page.
    pub facts: Markup,
    pub source: &'a SourceFacts,
    pub tool: &'a Tool,
    /// When the run read what it shows.
    pub at: &'a str,
    pub links: SourceLinks<'a>,
    /// What is below the facts.
    pub main: Markup,
    /// What is in the footer beside the version of the program.
    pub footer: Markup,
}

/// Renders a page as one file.
pub fn render_frame(page: &ReportPage<'_>) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "entitle " (page.kind) ": " (page.headline) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.kind { "entitle " (page.kind) }
                    h1 { (page.headline) }
                    p.totals { (page.counts) }
                    dl.facts { (page.facts) (source_facts(page)) }
                }
                main { (page.main) }
                footer { p { "entitle " (make_visible(&page.tool.version)) (page.footer) } }
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

/// Renders a row of the list of facts.
pub fn fact_row(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// Renders when, at which commit, from which manifests and at which accounts the run was made.
fn source_facts(page: &ReportPage<'_>) -> Markup {
    let source = page.source;
    let manifests = html! {
        @for (number, path) in source.paths.iter().enumerate() {
            @if number > 0 { ", " } code { (make_visible(path)) }
        }
        @if !source.paths.is_empty() { ": " }
        (pluralize(source.documents.saturating_sub(source.skipped), "document")) " in " (pluralize(source.files, "file"))
    };
    let more = source.connections.len().saturating_sub(CONNECTIONS);
    let connections = html! {
        @for (number, (name, destination)) in source.connections.iter().take(CONNECTIONS).enumerate() {
            @if number > 0 { ", " } (make_visible(name)) " " code { (make_visible(destination.as_str())) }
        }
        @if more > 0 { " and " (more) " more" }
    };
    html! {
        (fact_row("Time", &parts::instant(page.at)))
        @if let Some(commit) = &source.commit { (fact_row("Commit", &parts::commit_link(&page.links, commit))) }
        @if let Some(environment) = &source.environment { (fact_row("Environment", &html! { (make_visible(environment)) })) }
        @if source.files > 0 { (fact_row("Manifests", &manifests)) }
        @if !source.connections.is_empty() {
            (fact_row(if source.connections.len() == 1 { "Connection" } else { "Connections" }, &connections))
        }
    }
}

/// Renders the findings about the manifests, each with its level, rule and location; empty without findings.
pub fn finding_list(findings: &[&Annotation<'_>], links: &SourceLinks<'_>) -> Markup {
    html! {
        @if !findings.is_empty() {
            section {
                h2 { "Findings" }
                ul.findings {
                    @for point in findings {
                        li class=(level_class(point.level)) {
                            span.state { (level_class(point.level)) } " "
                            span.said { (make_visible(&point.message)) } " "
                            code.rule { (make_visible(point.rule)) }
                            @if let Some(file) = point.file { " " span.where { (parts::line_link(links, file, point.line)) } }
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
