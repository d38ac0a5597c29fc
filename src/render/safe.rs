//! Escapes foreign text: manifests, file names, vendors' texts and the environment are shown and never obeyed.
//!
//! Names and values come from pull requests and from vendors. A terminal would obey their escape codes,
//! invisible characters would mislead a reader, and the runner of a CI job would carry out commands that it
//! finds in any line of a log. Everything that a run shows passes [`make_visible`], or the same rules in JSON.
//! Example: the name `a<U+202E>b` is shown as `a\u{202e}b`, and a line `::error::x` as `\::error::x`.

use std::borrow::Cow;

use crate::model::unseen::{is_visible, mark_unseen};

/// Escapes one line so that all of it can be seen and no runner takes it for a command.
///
/// Line ends are escaped too, so the result is one line. Example: `::error::a<newline>b` becomes
/// `\::error::a\nb`.
pub fn make_visible(text: &str) -> Cow<'_, str> {
    match escape_unseen(text) {
        Cow::Borrowed(text) => defuse_commands(text),
        Cow::Owned(text) => Cow::Owned(defuse_commands(&text).into_owned()),
    }
}

/// Escapes line ends, controls and other invisible characters in a part of a line.
///
/// Commands are not defused: whether a part begins a line is known only to the caller.
pub fn escape_unseen(text: &str) -> Cow<'_, str> {
    if is_visible(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for (c, unseen) in mark_unseen(text) {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if unseen => shown.push_str(&escape_char(c)),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Escapes a text of several lines like [`make_visible`], but keeps its line ends.
pub fn make_lines_visible(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(make_visible).collect();
    lines.join("\n")
}

/// Spells a character as in Rust: U+202E becomes `\u{202e}`.
fn escape_char(c: char) -> String {
    format!("\\u{{{:x}}}", u32::from(c))
}

/// Escapes invisible characters in a finished page, which no runner reads.
pub fn escape_page(html: &str) -> String {
    let lines: Vec<_> = html.split('\n').map(escape_unseen).collect();
    lines.join("\n")
}

/// Breaks up whatever a runner would take for a command: GitHub's finds `::` at the beginning of a line, whatever space is
/// before it, and the older `##[` anywhere in it, as those of Azure and TeamCity find `##vso[` and `##teamcity[`.
/// GitLab's sections begin with an escape code, which is none any more.
pub fn defuse_commands(text: &str) -> Cow<'_, str> {
    if !text.contains("##") && !text.lines().any(begins_command) {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive('\n').map(|line| {
        let mut out = String::with_capacity(line.len() + 2);
        let mut rest = line;
        if begins_command(line) {
            let at = line.len() - line.trim_start().len();
            out = format!("{}\\", &line[..at]);
            rest = &line[at..];
        }
        while let Some(at) = find_command_word(rest) {
            out += &rest[..at + 2];
            out.push('\\');
            rest = &rest[at + 2..];
        }
        out + rest
    });
    Cow::Owned(lines.collect())
}

/// Reports whether GitHub's runner would take a line for a command by its beginning.
pub fn begins_command(line: &str) -> bool {
    // With a third colon it is no command: so findings mark a second place.
    let line = line.trim_start();
    line.starts_with("::") && !line.starts_with(":::")
}

/// Finds the offset in bytes of the first `##word[`; the word may be empty. `None` if there is none.
///
/// The search goes on one byte further after each miss, because `###vso[` contains its command at offset 1.
pub fn find_command_word(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find("##").map(|at| from + at) {
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if text[at + 2..].trim_start_matches(word).starts_with('[') {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_and_nothing_commands() {
        for (text, shown) in [
            ("plain ü → x", "plain ü → x"),
            ("a\nb\tc", "a\\nb\\tc"),
            ("\u{1b}[31mred\u{9b}0m", "\\u{1b}[31mred\\u{9b}0m"),
            ("abc\u{202e}cba", "abc\\u{202e}cba"),
            ("lic\u{ad}ense a\u{a0}b", "lic\\u{ad}ense a\\u{a0}b"),
            ("می\u{200c}خواهم a\u{200c}b", "می\u{200c}خواهم a\\u{200c}b"),
            ("::error::x", "\\::error::x"),
            ("  ::set-output name=a::b", "  \\::set-output name=a::b"),
            ("x ##[set-output name=a]b", "x ##\\[set-output name=a]b"),
            (
                "a ##vso[task.x]b ##teamcity[c]",
                "a ##\\vso[task.x]b ##\\teamcity[c]",
            ),
            ("::a ###vso[b", "\\::a ###\\vso[b"),
            ("## a heading [x]", "## a heading [x]"),
            (
                "section_start:1:a\r\u{1b}[0K",
                "section_start:1:a\\r\\u{1b}[0K",
            ),
            ("a::b", "a::b"),
            (" ::: a.yaml:1:2", " ::: a.yaml:1:2"),
        ] {
            assert_eq!(make_visible(text), shown);
        }
        assert_eq!(
            defuse_commands("a\n ::b::\nc ##[d]\n"),
            "a\n \\::b::\nc ##\\[d]\n"
        );
        assert_eq!(make_lines_visible("a\u{1b}\nb"), "a\\u{1b}\nb");
    }
}
