//! Text that stays text: what manifests and vendors say is shown, and never acts.
//!
//! Names and values come from pull requests and from vendors. A terminal would obey their escape codes, a
//! reader be misled by reordered characters, and the runner of a CI job carry out commands that it finds in
//! any line of a log.

use std::borrow::Cow;

/// One line in which everything can be seen: line ends, controls and reordering marks are spelled out.
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_visible(text) {
        return commands(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if unseen(c) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
    Cow::Owned(commands(&shown).into_owned())
}

/// The same for a text of several lines, which stay lines.
pub fn visible_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(visible).collect();
    lines.join("\n")
}

/// Whether everything in a text can be seen.
pub fn is_visible(text: &str) -> bool {
    // Nearly all texts are printing ASCII, which all their bytes are asked for together.
    let printing = |all, byte| all & matches!(byte, b' '..=b'~');
    text.bytes().fold(true, printing) || !text.chars().any(unseen)
}

/// Controls, and characters that change the order or the look of others without being seen.
pub fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Lines that no runner takes for commands: GitHub's finds `::` at the beginning of a line, whatever space is
/// before it, and the older `##[` anywhere in it.
pub fn commands(text: &str) -> Cow<'_, str> {
    // With a third colon it is no command: so findings mark a second place.
    let leading = |line: &str| {
        let line = line.trim_start();
        line.starts_with("::") && !line.starts_with(":::")
    };
    if !text.contains("##[") && !text.lines().any(leading) {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive('\n').map(|line| {
        let line = line.replace("##[", "##\\[");
        if leading(&line) {
            line.replacen("::", "\\::", 1)
        } else {
            line
        }
    });
    Cow::Owned(lines.collect())
}

/// The beginning of a text, with a sign that it is one.
pub fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
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
            ("::error::x", "\\::error::x"),
            ("  ::set-output name=a::b", "  \\::set-output name=a::b"),
            ("x ##[set-output name=a]b", "x ##\\[set-output name=a]b"),
            ("a::b", "a::b"),
            (" ::: a.yaml:1:2", " ::: a.yaml:1:2"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(commands("a\n ::b::\nc ##[d]\n"), "a\n \\::b::\nc ##\\[d]\n");
        assert_eq!(visible_lines("a\u{1b}\nb"), "a\\u{1b}\nb");
        assert_eq!(cut("üüü", 2), "üü…");
    }
}
