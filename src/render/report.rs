//! Lists the formats of a run and dispatches to the file of each.
//!
//! A new format is a variant of [`ReportFormat`], a file beside this one, and an arm in [`write_report`]. Where
//! a report goes, and when colour is stripped, is decided by the caller in `cli`.

use std::io::{self, Write};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use super::drift::annotations::annotate_drift;
use super::html::drift::render_drift_page;
use super::source_host::SourceLinks;
use super::view::{RunView, Stage};
use super::{drift, github, gitlab, html, json, junit, markdown, sarif, text};
use crate::plan::document::{DiagnosticEntry, FORMAT_VERSION};
use crate::plan::drift::document::DriftDocument;
use crate::plan::source_facts::SourceFacts;

/// A format in which a run is rendered; `--format` and `--report` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// For people; not a contract.
    Text,
    /// The plan document itself, with a published schema.
    Json,
    /// A comment on a pull request or merge request.
    Markdown,
    /// Annotations for the runner of GitHub Actions.
    Github,
    /// Counts for GitLab's merge request widget.
    Gitlab,
    /// Results for code scanning.
    Sarif,
    /// Test results.
    Junit,
    /// One page that needs no other file.
    Html,
}

impl ReportFormat {
    /// All formats, in the order in which help and errors list them.
    pub const ALL: [ReportFormat; 8] = [
        ReportFormat::Text,
        ReportFormat::Json,
        ReportFormat::Markdown,
        ReportFormat::Github,
        ReportFormat::Gitlab,
        ReportFormat::Sarif,
        ReportFormat::Junit,
        ReportFormat::Html,
    ];

    /// Returns the name that is typed for the format.
    pub fn name(self) -> &'static str {
        match self {
            ReportFormat::Text => "text",
            ReportFormat::Json => "json",
            ReportFormat::Markdown => "markdown",
            ReportFormat::Github => "github",
            ReportFormat::Gitlab => "gitlab",
            ReportFormat::Sarif => "sarif",
            ReportFormat::Junit => "junit",
            ReportFormat::Html => "html",
        }
    }

    /// Reports whether the format can render a run that ended at `stage`.
    ///
    /// Only GitLab's cannot render a check: its report counts objects, and a check of manifests has none.
    pub fn suits(self, stage: Stage) -> bool {
        self != ReportFormat::Gitlab || stage != Stage::Checked
    }

    /// Returns the formats that can render drift. GitLab's counts objects to be changed, and JUnit's has tests, which
    /// drift does not make.
    pub fn of_drift() -> impl Iterator<Item = Self> {
        let suits = |format: &ReportFormat| match format {
            ReportFormat::Gitlab | ReportFormat::Junit => false,
            ReportFormat::Text
            | ReportFormat::Json
            | ReportFormat::Markdown
            | ReportFormat::Github
            | ReportFormat::Sarif
            | ReportFormat::Html => true,
        };
        Self::ALL.into_iter().filter(suits)
    }
}

impl FromStr for ReportFormat {
    type Err = String;

    /// Parses the name of a format. `Err` is a message with the nearest name, or with all of them.
    fn from_str(text: &str) -> Result<Self, String> {
        let named = ReportFormat::ALL
            .into_iter()
            .find(|format| format.name() == text);
        named.ok_or_else(|| {
            let names: Vec<&str> = ReportFormat::ALL
                .iter()
                .map(|format| format.name())
                .collect();
            let hint = crate::model::diagnostic::find_nearest(text, names.iter().copied());
            match hint {
                Some(name) => format!("there is no format {text:?}; did you mean {name}?"),
                None => format!("there is no format {text:?}; one of {}", names.join(", ")),
            }
        })
    }
}

/// Writes a run in a format. Text may hold escape codes for colour: the caller's writer keeps or strips them.
///
/// JSON differs by stage: a check makes no plan, so it gets a smaller document. Markdown is cut to the size of a
/// comment.
pub fn write_report(
    out: &mut dyn Write,
    format: ReportFormat,
    view: &RunView<'_>,
) -> io::Result<()> {
    match format {
        ReportFormat::Text => text::write_run(out, view),
        ReportFormat::Json => match view.stage {
            Stage::Checked => write_check(out, view),
            Stage::Planned | Stage::Applied => json::write_document(out, view.document),
        },
        ReportFormat::Markdown => {
            out.write_all(markdown::render_comment(view, markdown::COMMENT).as_bytes())
        }
        ReportFormat::Github => github::write_annotations(out, &view.annotations(), view.base),
        ReportFormat::Gitlab => gitlab::write_counts(out, view),
        ReportFormat::Sarif => {
            let kind = view.stage.name().to_lowercase();
            let tool = &view.document.tool;
            sarif::write_sarif(out, &view.annotations(), (&kind, view.base), tool)
        }
        ReportFormat::Junit => junit::write_junit(out, view),
        ReportFormat::Html => out.write_all(html::render_page(view).as_bytes()),
    }
}

/// Writes drift in a format. Only [`ReportFormat::of_drift`] are written; the others leave `out` empty.
pub fn write_drift_report(
    out: &mut dyn Write,
    format: ReportFormat,
    document: &DriftDocument,
    links: &SourceLinks<'_>,
) -> io::Result<()> {
    let points = || annotate_drift(document);
    match format {
        ReportFormat::Text => drift::write_report(out, document),
        ReportFormat::Json => json::write_document(out, document),
        ReportFormat::Markdown => {
            let page = drift::markdown::render_page(document, markdown::COMMENT);
            out.write_all(page.as_bytes())
        }
        ReportFormat::Github => github::write_annotations(out, &points(), links.base),
        ReportFormat::Sarif => {
            sarif::write_sarif(out, &points(), ("drift", links.base), &document.tool)
        }
        ReportFormat::Html => out.write_all(render_drift_page(document, links).as_bytes()),
        ReportFormat::Gitlab | ReportFormat::Junit => Ok(()),
    }
}

/// The JSON of `entitle validate`: whether manifests can be put in force, and everything that was found.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "entitle validate")]
pub struct CheckDocument<'a> {
    /// Major and minor version of this format.
    format_version: &'static str,
    /// False if any finding is an error.
    valid: bool,
    /// What was read.
    source: &'a SourceFacts,
    diagnostics: &'a [DiagnosticEntry],
}

/// Writes the result of a check as JSON.
fn write_check(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let diagnostics = &view.document.diagnostics;
    let document = CheckDocument {
        format_version: FORMAT_VERSION,
        valid: !diagnostics.iter().any(DiagnosticEntry::is_error),
        source: &view.document.source,
        diagnostics,
    };
    json::write_document(out, &document)
}
