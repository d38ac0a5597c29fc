//! The last filter before a terminal or a log: only lines of text and our own colours pass.
//!
//! In: bytes that renderers wrote. Out: the same text, with control characters spelled out. Renderers
//! make names visible themselves, since they know where a name ends. This filter catches the names
//! that a renderer forgot: a name from a vendor must not move the cursor, hide text, or issue a command to a CI runner.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::render::safe::{begins_command, make_visible};

/// Bytes of a line that are held until the line ends. A longer line is passed on in pieces.
const LONGEST: usize = 64 << 10;

/// The notation for characters that cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As in messages: `\u{202e}`.
    Text,
    /// As in JSON, where only strings have such characters: `\u202e`.
    Json,
}

/// A writer that passes on whole lines, with everything that is not text spelled out.
pub struct Guard<W: Write> {
    inner: W,
    line: Vec<u8>,
    /// True if the start of the current line was passed on by an earlier write. A runner's command
    /// counts only at the start of a line.
    begun: bool,
}

impl<W: Write> Guard<W> {
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            line: Vec::new(),
            begun: false,
        }
    }

    /// Passes on the held bytes up to the last whole character.
    ///
    /// A character may be cut by the end of a write: of `a\xc3` the `a` is passed on, and `\xc3` waits
    /// for the byte after it. Bytes that can never become a character are replaced by U+FFFD.
    fn pass_on(&mut self) -> io::Result<()> {
        let whole = match std::str::from_utf8(&self.line) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.line.len(),
        };
        let rest = self.line.split_off(whole);
        let bytes = std::mem::replace(&mut self.line, rest);
        let text = String::from_utf8_lossy(&bytes);
        let mut out = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let (words, end) = line.strip_suffix('\n').map_or((line, ""), |it| (it, "\n"));
            out += &make_safe(words, !self.begun);
            out += end;
            self.begun = end.is_empty();
        }
        self.inner.write_all(out.as_bytes())
    }
}

impl<W: Write> Write for Guard<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let ends = bytes.iter().rposition(|byte| *byte == b'\n');
        let head = ends.map_or(0, |at| at + 1);
        self.line.extend_from_slice(&bytes[..head]);
        if head > 0 {
            self.pass_on()?;
        }
        self.line.extend_from_slice(&bytes[head..]);
        if self.line.len() > LONGEST {
            self.pass_on()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass_on()?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for Guard<W> {
    fn drop(&mut self) {
        // A destructor cannot return the error.
        let _ = self.flush();
    }
}

/// Returns a line, without its end, in which only styles and text are left.
///
/// `whole` is true if the text is the beginning of its line. Examples, with `ESC` for the escape
/// character:
///
/// - `ESC[31mred` stays as it is, because the sequence sets a foreground colour.
/// - `ESC[2J`, which would clear the screen, becomes the visible text `\u{1b}[2J`.
/// - `::error::x`, a command to the runner of GitHub Actions, becomes `\::error::x`.
///
/// The command is looked for in the text without styles as well: a pipe receives the line after they
/// were removed, and `ESC[1m::error` would be a command there.
fn make_safe(line: &str, whole: bool) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return match whole {
            true => make_visible(line),
            false => visible_part(line),
        };
    }
    let mut out = String::with_capacity(line.len());
    let mut plain = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('\u{1b}') {
        let (text, tail) = rest.split_at(at);
        plain += text;
        out += &visible_part(text);
        let style = style_length(tail).unwrap_or(0);
        let escape = if style == 0 { 1 } else { style };
        match style {
            0 => out += "\\u{1b}",
            _ => out += &tail[..style],
        }
        rest = &tail[escape..];
    }
    plain += rest;
    out += &visible_part(rest);
    // A pipe gets the line without its styles.
    if whole && begins_command(&plain) {
        out.insert(0, '\\');
    }
    Cow::Owned(out)
}

/// Returns a piece of a line, which need not be its beginning, with control characters visible.
///
/// A piece such as `::b` in the middle of a line is no command and must not get a backslash. A `-` is
/// put before it while it is made visible, and removed again.
fn visible_part(text: &str) -> Cow<'_, str> {
    match begins_command(text) {
        true => Cow::Owned(make_visible(&format!("-{text}"))[1..].to_string()),
        false => make_visible(text),
    }
}

/// Returns the length in bytes of the style sequence that a text begins with; `None` for any other
/// sequence.
///
/// Allowed are weight, underline and foreground colours. `ESC[1;31m` has the length 7. `ESC[8m` (hidden)
/// and `ESC[41m` (background) are refused, because both can make text unreadable.
fn style_length(text: &str) -> Option<usize> {
    let body = text.strip_prefix("\u{1b}[")?;
    let end = body.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let harmless = |number: &str| {
        matches!(
            number.parse::<u8>(),
            Ok(0..=4 | 22..=24 | 30..=37 | 39 | 90..=97)
        )
    };
    let ours = body[end..].starts_with('m') && end > 0 && body[..end].split(';').all(harmless);
    ours.then_some("\u{1b}[".len() + end + 1)
}

/// One record of the log, written as one line whatever its texts hold.
///
/// The logger writes a record in pieces; they are collected, and passed on at `flush` or drop.
pub struct LogRecord<W: Write> {
    inner: W,
    spelling: Spelling,
    bytes: Vec<u8>,
}

impl<W: Write> LogRecord<W> {
    pub fn new(inner: W, spelling: Spelling) -> Self {
        Self {
            inner,
            spelling,
            bytes: Vec::new(),
        }
    }
}

impl<W: Write> Write for LogRecord<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.is_empty() {
            return self.inner.flush();
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let mut line = match self.spelling {
            Spelling::Text => make_safe(text, true).into_owned(),
            Spelling::Json => crate::render::json::escape_json(text).into_owned(),
        };
        line.push('\n');
        self.inner.write_all(line.as_bytes())?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for LogRecord<W> {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut guard = Guard::new(&mut out);
        for piece in pieces {
            guard.write_all(piece).expect("memory takes it all");
        }
        drop(guard);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn styles_pass_and_nothing_else_does() {
        for (text, shown) in [
            ("plain\n", "plain\n"),
            (
                "\u{1b}[1m\u{1b}[31mred\u{1b}[0m ü\n",
                "\u{1b}[1m\u{1b}[31mred\u{1b}[0m ü\n",
            ),
            ("\u{1b}[8mhidden\n", "\\u{1b}[8mhidden\n"),
            ("\u{1b}[1;41mx\n", "\\u{1b}[1;41mx\n"),
            (
                "\u{1b}[2J\u{1b}]0;t\u{7}\n",
                "\\u{1b}[2J\\u{1b}]0;t\\u{7}\n",
            ),
            (
                "\u{9b}0m a\u{202e}b\tc\rd\n",
                "\\u{9b}0m a\\u{202e}b\\tc\\rd\n",
            ),
            ("::error::x\n", "\\::error::x\n"),
            (
                "\u{1b}[1m::error\u{1b}[0m::x\n",
                "\\\u{1b}[1m::error\u{1b}[0m::x\n",
            ),
            ("a \u{1b}[1m::b\u{1b}[0m\n", "a \u{1b}[1m::b\u{1b}[0m\n"),
            ("x ##vso[task.a]b\n", "x ##\\vso[task.a]b\n"),
            ("\u{1b}", "\\u{1b}"),
            ("\u{1b}[", "\\u{1b}["),
        ] {
            assert_eq!(written(&[text.as_bytes()]), shown, "{text:?}");
        }
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        let text = "a ü\u{1b}[31m b\u{202e}\n::c::\nd";
        for at in 0..text.len() {
            let (head, tail) = text.as_bytes().split_at(at);
            let shown = "a ü\u{1b}[31m b\\u{202e}\n\\::c::\nd";
            assert_eq!(written(&[head, tail]), shown, "at {at}");
        }
        assert_eq!(written(&[b"a\xffb\n"]), "a\u{fffd}b\n");
        let mut guard = Guard::new(Vec::new());
        write!(guard, "what? ")
            .and_then(|()| guard.flush())
            .expect("memory");
        assert_eq!(guard.inner, b"what? ");
        writeln!(guard, "::x").expect("memory");
        assert_eq!(guard.inner, b"what? ::x\n");
    }

    #[test]
    fn a_record_is_one_line_in_either_form() {
        let written = |text: &str, spelling| {
            let mut out = Vec::new();
            let mut record = LogRecord::new(&mut out, spelling);
            record.write_all(text.as_bytes()).expect("memory");
            drop(record);
            String::from_utf8(out).expect("text")
        };
        let text = written("\u{1b}[32m INFO\u{1b}[0m a\n::b \u{202e}\n", Spelling::Text);
        assert_eq!(text, "\u{1b}[32m INFO\u{1b}[0m a\\n::b \\u{202e}\n");
        let json = written("{\"a\":\"\u{9b}\u{202e} ##vso[x]\"}\n", Spelling::Json);
        assert_eq!(json, "{\"a\":\"\\u009b\\u202e #\\u0023vso[x]\"}\n");
    }
}
