//! Renders findings for people: code, location, source line with a caret, hint.
//!
//! Input are the findings of a check with their sources in memory, output is text for a terminal. How much of a
//! source line may be shown is decided in `excerpt`, which knows about secrets; the layout is that of
//! `annotate_snippets`. Findings in reports, whose readers have no manifests at hand, are written by
//! [`super::text`] without source lines.

use std::io::{self, Write};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::excerpt::Excerpt;
use super::finding_list::FindingList;
use super::safe::{defuse_commands, make_lines_visible, make_visible};
use crate::model::{Diagnostic, Diagnostics, Severity};

/// Writes every finding, each followed by an empty line, in the order of `findings`.
///
/// `colour` chooses between escape codes and plain text. Returns `Err` only if `out` fails.
pub fn write_findings(out: &mut dyn Write, findings: &Diagnostics, colour: bool) -> io::Result<()> {
    write_each(out, findings.iter(), colour)
}

/// Writes the findings of a list that are shown, and counts the others by folder.
pub fn write_list(out: &mut dyn Write, list: &FindingList<'_>, colour: bool) -> io::Result<()> {
    write_each(out, list.shown.iter().copied(), colour)?;
    for line in list.describe_hidden() {
        writeln!(out, "{}", make_visible(&line))?;
    }
    Ok(())
}

fn write_each<'a>(
    out: &mut dyn Write,
    findings: impl Iterator<Item = &'a Diagnostic>,
    colour: bool,
) -> io::Result<()> {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    for finding in findings {
        // Quoted lines are the manifest's, wherever the layout puts them.
        writeln!(
            out,
            "{}\n",
            defuse_commands(&render_finding(&renderer, finding))
        )?;
    }
    Ok(())
}

/// Renders one finding: title with code, the line it is about, a related line, and the hint.
///
/// The caret lines are left out if the finding has no origin, for example one about a flag. A related line, such
/// as the first of two manifests of one object, carries its own label.
fn render_finding(renderer: &Renderer, finding: &Diagnostic) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = make_lines_visible(&finding.message);
    let mut group = Group::with_title(level.primary_title(message).id(finding.code));
    let mut shown = Vec::new();
    if let Some(origin) = &finding.origin {
        shown.push((origin, AnnotationKind::Primary, ""));
    }
    if let Some((origin, what)) = &finding.related {
        shown.push((origin, AnnotationKind::Context, *what));
    }
    let excerpts: Vec<Excerpt> = shown
        .iter()
        .map(|(origin, kind, label)| Excerpt::new(origin, *kind, label, finding.hidden))
        .collect();
    for excerpt in &excerpts {
        group = group.element(
            Snippet::source(excerpt.line.as_str())
                .line_start(excerpt.number)
                .path(excerpt.path.as_str())
                .annotation(excerpt.kind.span(excerpt.span.clone()).label(excerpt.label)),
        );
    }
    if let Some(hint) = &finding.hint {
        group = group.element(Level::HELP.message(make_lines_visible(hint)));
    }
    renderer.render(&[group])
}
