//! The formats a run can be rendered in, each in a file of its own.

use std::io::{self, Write};
use std::str::FromStr;

use serde_json::json;

use super::view::{RunView, Stage};
use super::{github, gitlab, html, json, junit, markdown, sarif, text};
use crate::plan::document::FORMAT_VERSION;

/// A rendering of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    Text,
    Json,
    Markdown,
    Github,
    Gitlab,
    Sarif,
    Junit,
    Html,
}

impl ReportFormat {
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

    /// Reports whether a run has anything to say in this format: GitLab's report counts objects, and a check of
    /// manifests has none.
    pub fn suits(self, stage: Stage) -> bool {
        self != ReportFormat::Gitlab || stage != Stage::Checked
    }
}

impl FromStr for ReportFormat {
    type Err = String;

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

/// Writes a run in a format. Text may hold colour; whoever gave the writer decides what becomes of it.
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
        ReportFormat::Github => github::write_annotations(out, view),
        ReportFormat::Gitlab => gitlab::write_counts(out, view),
        ReportFormat::Sarif => sarif::write_sarif(out, view),
        ReportFormat::Junit => junit::write_junit(out, view),
        ReportFormat::Html => out.write_all(html::render_page(view).as_bytes()),
    }
}

/// Writes the result of a check, which makes no plan.
fn write_check(out: &mut dyn Write, view: &RunView<'_>) -> io::Result<()> {
    let findings = &view.document.diagnostics;
    let valid = !findings.iter().any(|finding| finding.is_error());
    json::write_document(
        out,
        &json!({
            "format_version": FORMAT_VERSION,
            "valid": valid,
            "source": view.document.source,
            "diagnostics": findings,
        }),
    )
}
