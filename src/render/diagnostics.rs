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
        .map(|(origin, kind, label)| Excerpt::new(origin, *kind, label))
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
    fn new(origin: &Origin, kind: AnnotationKind, label: &'static str) -> Self {
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
        let begins = text
            .char_indices()
            .nth((column.max(1) - 1) as usize)
            .map_or(text.len(), |(at, _)| at);
        let wanted = end.saturating_sub(start).max(1);
        let ends = (begins + wanted).min(text.len());
        let ends = (begins..=ends)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(begins);
        // An empty mark asks for the place without the text: the line holds a secret.
        let hidden = start == end && start > 0 || text.len() > LONGEST_LINE;
        let (line, span) = if hidden {
            let shown: String = text.chars().take_while(|c| c.is_whitespace()).collect();
            let key = text.trim_start().split(':').next().unwrap_or_default();
            let key: String = key.chars().take(40).collect();
            let line = format!("{shown}{key}: …");
            let at = line.len() - "…".len();
            (line.clone(), at..line.len())
        } else {
            (text.to_string(), begins..ends.max(begins))
        };
        Self {
            line,
            number,
            path: origin.source.name.clone(),
            span,
            kind,
            label,
        }
    }
}
