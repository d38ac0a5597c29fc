//! JSON output: documents and lines, with nothing in them that a terminal or a runner would obey.

use std::io::{self, Write};

use serde::{Serialize, Serializer as _};
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::safe::{is_visible, unseen};

/// One document, indented, ending in a newline.
pub fn write(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let formatter = Quiet(PrettyFormatter::new());
    document.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// A list whose elements are written as they come.
pub fn write_list(out: &mut dyn Write, elements: impl Iterator<Item: Serialize>) -> io::Result<()> {
    let formatter = Quiet(PrettyFormatter::new());
    Serializer::with_formatter(&mut *out, formatter).collect_seq(elements)?;
    out.write_all(b"\n")
}

/// One line.
pub fn line(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let formatter = Quiet(CompactFormatter);
    document.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// The same values with some characters spelled as escapes: those that cannot be seen, and `##[`, which
/// GitHub's runner finds anywhere in a line of a log and takes for the beginning of a command.
struct Quiet<F>(F);

impl<F: Formatter> Formatter for Quiet<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        if !text.contains("##[") && is_visible(text) {
            return out.write_all(text.as_bytes());
        }
        for c in text.replace("##[", "#\\u0023[").chars() {
            let mut units = [0; 2];
            if unseen(c) {
                for unit in c.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04x}")?;
                }
            } else {
                write!(out, "{c}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_meaning_and_commands_nobody() {
        let value = serde_json::json!({"##[error]a": ["x ##[set-output name=b]c", 1], "empty": {}});
        let mut out = Vec::new();
        write(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("##["), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
        let value = serde_json::json!("\u{9b}\u{202e}\u{e0041}\u{7f}");
        let mut out = Vec::new();
        line(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"\\u009b\\u202e\\udb40\\udc41\\u007f\"\n");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
        let plain = serde_json::json!({"a": [1, {"b": "c"}]});
        let mut out = Vec::new();
        write(&mut out, &plain).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            serde_json::to_string_pretty(&plain).unwrap() + "\n"
        );
    }
}
