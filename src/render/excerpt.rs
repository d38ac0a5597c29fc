//! Cuts source lines under findings to what may be shown.
//!
//! A line is found by its offset, because a file may have millions of lines. It is cut where a secret may begin:
//! text behind the name of a secret is not shown, also under findings about something else. Under a finding that
//! may itself be about a secret only words of the format are shown, since a line that is not as it should be may
//! hold the secret anywhere.

use std::ops::Range;

use annotate_snippets::AnnotationKind;

use super::safe::{escape_unseen, make_visible};
use crate::manifest::envelope::{DOCUMENT, OBJECT};
use crate::manifest::own_kind::OwnKind;
use crate::model::{Origin, secret};

/// Characters of a line that are shown; past it the place alone has to do.
const LONGEST_LINE: usize = 400;

/// One line of a source, ready to be shown, with the part of it that a finding is about.
pub struct Excerpt {
    /// The line after cutting and escaping.
    pub line: String,
    /// Line number, from 1.
    pub number: usize,
    /// Name of the source, escaped.
    pub path: String,
    /// Offsets in bytes of `line` to be marked; never empty, so that a caret is drawn.
    pub span: Range<usize>,
    /// Tells the line of the finding from a related one.
    pub kind: AnnotationKind,
    /// Text beside the caret; empty for the line of the finding itself.
    pub label: &'static str,
}

impl Excerpt {
    /// Cuts and escapes the line at `origin`, and moves the marked columns with it.
    ///
    /// `hidden` says that the finding may be about a secret. Escaping makes text longer, so the line is split
    /// into before, marked and after, and each part is escaped by itself. Example: in `\ta<U+202E>b`, with `b`
    /// marked, the part before becomes `\ta\u{202e}`, which has 10 bytes, and the span is 10..11 instead of
    /// 4..5.
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

/// Cuts a source line to what may be shown, and pads it so that the caret at column `before` has a character
/// above.
///
/// `before` counts characters from 0. The cut is at the first secret, or after [`LONGEST_LINE`] characters; with
/// `hidden` after the last leading word of the format. Examples: `login: {pasword: x}` becomes `login: …` with
/// `hidden`; `token: x` with `before` 12 becomes `token:      …`, so the caret stays in its column.
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

/// Finds the offset in bytes up to which a line consists of words of the format and the signs between them.
///
/// Each round accepts one word with its colon and stops at the first word that is not the format's. In `login:
/// {username: admin` it accepts `login:` and `username:`, and returns 17, the offset behind the second colon.
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
    let own_tables = OwnKind::ALL.into_iter().map(OwnKind::table);
    own_tables
        .chain([&DOCUMENT, &OBJECT])
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
