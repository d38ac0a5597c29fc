//! Findings for people: code, place, source line with a caret, hint.

use std::io::{self, Write};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::model::{Diagnostic, Diagnostics, Mark, Origin, Severity};

/// Longest source line that is shown; past it the place alone has to do.
const LONGEST_LINE: usize = 400;

/// Writes every finding and a closing count.
pub fn write(out: &mut dyn Write, findings: &Diagnostics, colour: bool) -> io::Result<()> {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    for finding in findings.iter() {
        writeln!(out, "{}\n", one(&renderer, finding))?;
    }
    Ok(())
}

fn one(renderer: &Renderer, finding: &Diagnostic) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&finding.message).id(finding.code));
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
        group = group.element(Level::HELP.message(hint));
    }
    renderer.render(&[group])
}

/// One line of a source with the columns that a finding is about.
struct Excerpt {
    line: String,
    number: usize,
    path: String,
    span: std::ops::Range<usize>,
    kind: AnnotationKind,
    label: &'static str,
}

impl Excerpt {
    fn new(origin: &Origin, kind: AnnotationKind, label: &'static str, hidden: bool) -> Self {
        let Mark {
            line,
            column,
            start,
            end,
        } = origin.mark;
        let number = line.max(1) as usize;
        let text = origin
            .source
            .text
            .lines()
            .nth(number - 1)
            .unwrap_or_default();
        let shown = shown(text, hidden);
        let begins = text
            .char_indices()
            .nth((column.max(1) - 1) as usize)
            .map_or(text.len(), |(at, _)| at);
        let begins = begins.min(shown.len().saturating_sub(1));
        let ends = (begins + end.saturating_sub(start).max(1)).min(shown.len());
        let boundary = |at: usize| {
            (0..=at)
                .rev()
                .find(|at| shown.is_char_boundary(*at))
                .unwrap_or(0)
        };
        let span = boundary(begins)..boundary(ends).max(boundary(begins));
        Self {
            line: shown,
            number,
            path: origin.source.name.clone(),
            span,
            kind,
            label,
        }
    }
}

/// A source line as far as it may be shown. Whatever stands behind the name of a secret is cut, also in
/// findings about something else on the same line.
fn shown(text: &str, hidden: bool) -> String {
    const NAMES: [&str; 5] = ["password", "secret", "token", "apikey", "session"];
    let lower = text.to_ascii_lowercase();
    let secret = NAMES
        .iter()
        .filter_map(|name| {
            let at = lower.find(name)?;
            let colon = at + lower[at..].find(':')?;
            let value = text[colon + 1..].trim_start();
            (!value.is_empty() && !value.starts_with('{')).then_some(colon + 1)
        })
        .min();
    let first_colon = || text.find(':').map_or(0, |at| at + 1);
    let cut = match (hidden, secret) {
        (_, Some(at)) => Some(at),
        (true, None) => Some(first_colon()),
        (false, None) => text.char_indices().nth(LONGEST_LINE).map(|(at, _)| at),
    };
    cut.map_or_else(|| text.to_string(), |at| format!("{} …", &text[..at]))
}
