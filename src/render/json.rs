//! Writes JSON documents and lines that neither a terminal nor a CI runner takes for commands.
//!
//! Input is anything that serializes, output is JSON of the same value. Only the spelling of strings changes:
//! invisible characters become `\uXXXX`, and one `#` of a `##word[` becomes `\u0023`. What is in a
//! document is decided by its type, not here.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::safe::find_command_word;
use crate::model::unseen::{is_visible, mark_unseen};

/// Writes one document, indented and ended by a newline.
pub fn write_document(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let formatter = Quiet(PrettyFormatter::new());
    document.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// Writes a document on one line, for logs that are read line by line.
pub fn write_line(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let formatter = Quiet(CompactFormatter);
    document.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// Escapes characters in serialized JSON without changing its value.
///
/// Two sorts are escaped: characters that cannot be seen, and the `##word[` that runners find anywhere in a line
/// of a log and take for the beginning of a command. `"##[error]a"` becomes `"#\u0023[error]a"`, and U+E0041
/// becomes the surrogate pair `\udb40\udc41`. Borrows `json` if there is none of either, which is the usual
/// case.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    if find_command_word(json).is_none() && is_visible(json) {
        return Cow::Borrowed(json);
    }
    let mut broken = String::with_capacity(json.len() + 16);
    let mut rest = json;
    while let Some(at) = find_command_word(rest) {
        broken += &rest[..=at];
        broken += "\\u0023";
        rest = &rest[at + 2..];
    }
    broken += rest;
    let mut out = String::with_capacity(broken.len() + 16);
    for (c, unseen) in mark_unseen(&broken) {
        let mut units = [0; 2];
        match unseen {
            true => c
                .encode_utf16(&mut units)
                .iter()
                .for_each(|unit| out += &format!("\\u{unit:04x}")),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A formatter that passes every piece of a string through [`escape_json`] and leaves the layout to `F`.
///
/// The methods below `write_string_fragment` only forward: the trait's defaults write compact JSON, whatever `F`
/// does.
struct Quiet<F>(F);

impl<F: Formatter> Formatter for Quiet<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        out.write_all(escape_json(text).as_bytes())
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
        let value = serde_json::json!({
            "##[error]a": ["x ##[set-output name=b]c ###vso[d]", 1],
            "empty": {},
        });
        let mut out = Vec::new();
        write_document(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("##[") && !text.contains("##vso["), "{text}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
        let value = serde_json::json!("\u{9b}\u{202e}\u{e0041}\u{7f}");
        let mut out = Vec::new();
        write_line(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"\\u009b\\u202e\\udb40\\udc41\\u007f\"\n");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
        let plain = serde_json::json!({"a": [1, {"b": "c"}]});
        let mut out = Vec::new();
        write_document(&mut out, &plain).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            serde_json::to_string_pretty(&plain).unwrap() + "\n"
        );
    }
}
