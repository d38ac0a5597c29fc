//! The formats a run can be rendered in, each in a file of its own.

use std::io::{self, Write};
use std::str::FromStr;

use serde_json::json;

use super::view::{Stage, View};
use super::{github, gitlab, html, json, junit, markdown, sarif, text};
use crate::plan::document::FORMAT_VERSION;

/// A rendering of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
    Markdown,
    Github,
    Gitlab,
    Sarif,
    Junit,
    Html,
}

impl Format {
    pub const ALL: [Format; 8] = [
        Format::Text,
        Format::Json,
        Format::Markdown,
        Format::Github,
        Format::Gitlab,
        Format::Sarif,
        Format::Junit,
        Format::Html,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Markdown => "markdown",
            Format::Github => "github",
            Format::Gitlab => "gitlab",
            Format::Sarif => "sarif",
            Format::Junit => "junit",
            Format::Html => "html",
        }
    }

    /// Whether a run has anything to say in this format: GitLab's report counts objects, and a check of
    /// manifests has none.
    pub fn suits(self, stage: Stage) -> bool {
        self != Format::Gitlab || stage != Stage::Checked
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Format::ALL.into_iter().find(|format| format.name() == text);
        named.ok_or_else(|| {
            let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
            let hint = crate::model::diagnostic::nearest(text, names.iter().copied());
            match hint {
                Some(name) => format!("there is no format {text:?}; did you mean {name}?"),
                None => format!("there is no format {text:?}; one of {}", names.join(", ")),
            }
        })
    }
}

/// Writes a run in a format. Text may hold colour; whoever gave the writer decides what becomes of it.
pub fn write(out: &mut dyn Write, format: Format, view: &View<'_>) -> io::Result<()> {
    match format {
        Format::Text => text::whole(out, view),
        Format::Json => match view.stage {
            Stage::Checked => checked(out, view),
            Stage::Planned | Stage::Applied => json::write(out, view.document),
        },
        Format::Markdown => out.write_all(markdown::comment(view, markdown::COMMENT).as_bytes()),
        Format::Github => github::annotations(out, view),
        Format::Gitlab => gitlab::write(out, view),
        Format::Sarif => sarif::write(out, view),
        Format::Junit => junit::write(out, view),
        Format::Html => out.write_all(html::page(view).as_bytes()),
    }
}

/// A check of manifests, which makes no plan.
fn checked(out: &mut dyn Write, view: &View<'_>) -> io::Result<()> {
    let findings = &view.document.diagnostics;
    let valid = !findings.iter().any(|finding| finding.is_error());
    json::write(
        out,
        &json!({
            "format_version": FORMAT_VERSION,
            "valid": valid,
            "source": view.document.source,
            "diagnostics": findings,
        }),
    )
}
