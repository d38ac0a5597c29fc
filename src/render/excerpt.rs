//! Source lines under findings, as far as they may be shown.
//!
//! A line is found by its offset, because a file may have millions of them, and cut where a secret may
//! begin: whatever stands behind the name of one is not shown, also under findings about something else. Under
//! a finding that may itself be about a secret only the words of the format are shown, since nobody can
//! tell what a line holds that is not as it should be.

use std::ops::Range;

use annotate_snippets::AnnotationKind;

use super::safe::{escape_unseen, make_visible};
use crate::manifest::envelope::{DOCUMENT, OBJECT};
use crate::manifest::own_kind::OwnKind;
use crate::model::{Origin, secret};

/// Characters of a line that are shown; past it the place alone has to do.
const LONGEST_LINE: usize = 400;

/// One line of a source with the columns that a finding is about.
pub struct Excerpt {
    pub line: String,
    pub number: usize,
    pub path: String,
    pub span: Range<usize>,
    pub kind: AnnotationKind,
    pub label: &'static str,
}

impl Excerpt {
    pub fn new(origin: &Origin, kind: AnnotationKind, label: &'static str, hidden: bool) -> Self {
        let mark = origin.mark;
        let before = (mark.column.max(1) - 1) as usize;
        let shown = cut_line(origin.source.line_at(mark), before, hidden);
        let begins = shown
            .char_indices()
            .nth(before)
            .map_or(shown.len(), |(at, _)| at);
        let begins = begins.min(shown.len().saturating_sub(1));
        let ends = (begins + mark.range().len().max(1)).min(shown.len());
        let boundary = |at: usize| shown.floor_char_boundary(at);
        let (begins, ends) = (boundary(begins), boundary(ends));
        let (before, after) = shown.split_at(begins);
        let (about, after) = after.split_at(ends.saturating_sub(begins));
        let (before, about) = (escape_part(before), escape_part(about));
        Self {
            span: before.len()..before.len() + about.len(),
            line: format!("{before}{about}{}", escape_part(after)),
            number: mark.line.max(1) as usize,
            path: make_visible(&origin.source.name).into_owned(),
            kind,
            label,
        }
    }
}

/// A part of a source line in which everything can be seen; tabs stay, as the layout of the file.
fn escape_part(text: &str) -> String {
    let parts: Vec<_> = text.split('\t').map(escape_unseen).collect();
    parts.join("\t")
}

/// A source line as far as it may be shown, with something at the column `before` for the caret to point to.
fn cut_line(text: &str, before: usize, hidden: bool) -> String {
    let long = text.char_indices().nth(LONGEST_LINE).map(|(at, _)| at);
    let head = &text[..long.unwrap_or(text.len())];
    let cut = if hidden {
        Some(format_words_end(head))
    } else {
        secret::find_secret(head).or(long)
    };
    let hides = cut.is_some_and(|at| at < text.trim_end().len());
    let mut shown = head[..cut.filter(|_| hides).unwrap_or(head.len())].to_string();
    if hides {
        shown.push(' ');
    }
    let columns = shown.chars().count();
    if before < LONGEST_LINE {
        // The caret keeps its column under what is not shown.
        shown.extend(std::iter::repeat_n(' ', before.saturating_sub(columns)));
    }
    if hides {
        shown.push('…');
    } else if before >= columns {
        shown.push(' ');
    }
    shown
}

/// Finds the offset up to which a line consists of words of the format and the signs between them.
fn format_words_end(line: &str) -> usize {
    let mut end = line.len() - line.trim_start().len();
    loop {
        let rest = line[end..].trim_start_matches([' ', '\t', '-', '{', '"', '\'', ',']);
        let name: &str = rest
            .split(|c: char| !c.is_ascii_alphabetic())
            .next()
            .unwrap_or_default();
        let after = rest[name.len()..].trim_start_matches(['"', '\'', ' ']);
        if !is_format_word(name) || !after.starts_with(':') {
            return end;
        }
        end = line.len() - after.len() + 1;
    }
}

/// Reports whether a word is the name of a member in one of the format's own maps, and so no secret.
fn is_format_word(word: &str) -> bool {
    let own = OwnKind::ALL.into_iter().map(OwnKind::table);
    own.chain([&DOCUMENT, &OBJECT])
        .any(|table| table.mentions(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mark;
    use crate::model::diagnostic::Source;
    use std::sync::Arc;

    #[test]
    fn only_words_of_the_format_are_shown_under_a_finding_about_a_secret() {
        for (line, visible) in [
            (
                "    login: {username: admin, password: x}",
                "    login: {username: …",
            ),
            ("    login: {pasword: x, token: y}", "    login: …"),
            ("  auth: {token:x}", "  auth: {token: …"),
            ("      x: y", "       …"),
            ("x", " …"),
            ("", " "),
        ] {
            assert_eq!(cut_line(line, 0, true), visible, "{line}");
        }
        assert_eq!(cut_line("token: x", 12, true), "token:      …");
        assert_eq!(cut_line("a: x", 4, false), "a: x ");
    }

    #[test]
    fn what_nobody_sees_is_spelled_out_and_the_caret_stays_below_its_place() {
        let text = "\ta\u{202e}b: \u{200b}x\u{1b}[2J".to_string();
        let mark = Mark::at(&text, 5);
        let source = Arc::new(Source::new("b\n::error::\u{9b}.yaml".into(), text));
        let excerpt = Excerpt::new(&Origin { source, mark }, AnnotationKind::Primary, "", false);
        assert_eq!(excerpt.line, "\ta\\u{202e}b: \\u{200b}x\\u{1b}[2J");
        assert_eq!(&excerpt.line[excerpt.span], "b");
        assert_eq!(excerpt.path, "b\\n::error::\\u{9b}.yaml");
    }

    #[test]
    fn a_place_past_what_is_shown_keeps_a_caret() {
        let text = "ü".repeat(1_000);
        let mark = Mark::at(&text, 1_798);
        let source = Arc::new(Source::new("x".into(), text));
        let excerpt = Excerpt::new(&Origin { source, mark }, AnnotationKind::Primary, "", false);
        assert!(excerpt.span.end <= excerpt.line.len() && excerpt.span.start < excerpt.span.end);
    }
}
