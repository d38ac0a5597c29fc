//! Parses the plain YAML in which nearly all manifests are written, several times faster than the general reader.
//!
//! serde-saphyr spends most of its time on features that a manifest hardly ever uses: anchors that are recorded for
//! aliases, tags, a budget for both, and numbers in all their spellings. This reader walks the events of the parser
//! beneath it, granit, which scans the text in either case, and builds the same tree. It gives up at everything with a
//! meaning that readers disagree on: an anchor, an alias, a tag, a number that is no plain integer, a word that some
//! take for a boolean, a key that occurs twice. The general reader of `yaml` then parses the same text.
//!
//! So this one never decides what an unusual spelling means, and never reports anything. For example it parses
//! `seats: 5` and gives up at `seats: 05`. `tests/it/plain.rs` compares its trees, places included, with those of the
//! general reader.

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use crate::model::node::Entry;
use crate::model::{Mark, Node, Tree};

/// Deepest nesting, some way below the limit of the general reader.
const MAX_DEPTH: usize = 24;

/// Longest key in bytes, some way below the limit of the general reader.
const MAX_KEY_BYTES: usize = 200;

/// Largest text in bytes. A larger one has few documents and many values, and has to keep to the budget of the general
/// reader.
pub const MAX_BYTES: usize = 4 << 20;

/// Most members of a map. Equal keys among more of them are found faster by the general reader.
const MAX_KEYS: usize = 64;

/// Returns the documents of a text; `None` if it is not plain. `start` is the place at which the text begins in its
/// file.
pub fn parse(text: &str, start: Mark) -> Option<Vec<Node>> {
    // Directives that this parser ignores are errors to libyaml.
    let has_directive = text.starts_with('%') || text.contains("\n%");
    if text.len() > MAX_BYTES || has_directive || text.chars().any(is_ambiguous) {
        return None;
    }
    let parser = Parser::new_from_str(text);
    EventReader { parser, start }.read_documents()
}

/// Reports whether a character means something to some readers wherever it is. In `{a?b: c}` libyaml takes the question
/// mark for a sign, and the events do not tell a key behind one from any other.
fn is_ambiguous(c: char) -> bool {
    c != '\n' && c.is_control() || matches!(c, '?' | '\u{2028}' | '\u{2029}' | '\u{feff}'..)
}

struct EventReader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    start: Mark,
}

impl<'t> EventReader<'t> {
    fn next_event(&mut self) -> Option<(Event<'t>, Span)> {
        self.parser.next_event()?.ok()
    }

    fn read_documents(&mut self) -> Option<Vec<Node>> {
        let mut documents = Vec::new();
        loop {
            match self.next_event()? {
                (Event::StreamStart | Event::DocumentStart(_, None) | Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Some(documents),
                (event @ Event::MappingStart(..), span) => {
                    documents.push(self.read_node(event, span, 0)?);
                }
                // An empty document, which is skipped, or one that is no manifest.
                _ => return None,
            }
        }
    }

    /// Reads the value that begins with an event. An event that this version does not know is not plain.
    fn read_node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let tree = match event {
            Event::Scalar(text, ScalarStyle::Plain, 0, None) => parse_scalar(&text)?,
            Event::Scalar(text, _, 0, None) => Tree::Text(text.into_owned()),
            Event::SequenceStart(_, 0, None) => Tree::List(self.read_list(depth + 1)?),
            Event::MappingStart(_, 0, None) => Tree::Map(self.read_map(depth + 1)?),
            _ => return None,
        };
        let mark = self.file_mark(span)?;
        Some(Node { tree, mark })
    }

    fn read_list(&mut self, depth: usize) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        loop {
            match self.next_event()? {
                (Event::SequenceEnd, _) => return Some(items),
                (event, span) => items.push(self.read_node(event, span, depth)?),
            }
        }
    }

    fn read_map(&mut self, depth: usize) -> Option<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (key, span) = match self.next_event()? {
                (Event::MappingEnd, _) => return Some(entries),
                (Event::Scalar(key, style, 0, None), span) => {
                    let is_certain = style != ScalarStyle::Plain || is_certain_text(&key);
                    (is_certain.then_some(key)?, span)
                }
                _ => return None,
            };
            let is_duplicate = entries.iter().any(|entry| entry.key == key);
            if is_duplicate || key.len() > MAX_KEY_BYTES || entries.len() == MAX_KEYS {
                return None;
            }
            let (event, mark) = self.next_event()?;
            let value = self.read_node(event, mark, depth)?;
            entries.push(Entry {
                key: key.into_owned(),
                key_mark: self.file_mark(span)?,
                value,
            });
        }
    }

    /// Returns the place in the file for a span of the text.
    fn file_mark(&self, span: Span) -> Option<Mark> {
        let number = |n: usize| u32::try_from(n).ok();
        let range = span.byte_range()?;
        Some(Mark {
            line: self.start.line - 1 + number(span.start.line())?,
            column: number(span.start.col())? + 1,
            start: self.start.start + number(range.start)?,
            end: self.start.start + number(range.end)?,
        })
    }
}

/// Returns the value of an unquoted scalar on which all readers agree; `None` for any other.
fn parse_scalar(text: &str) -> Option<Tree> {
    match text {
        "true" => return Some(Tree::Bool(true)),
        "false" => return Some(Tree::Bool(false)),
        "null" => return Some(Tree::Null),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        // Neither empty, nor with a leading zero, nor near the bounds of 64 bits.
        let is_plain = matches!(digits.as_bytes(), [b'0'] | [b'1'..=b'9', ..]);
        let number = (is_plain && digits.len() <= 18 && text != "-0").then(|| text.parse().ok())?;
        return number.map(Tree::Integer);
    }
    (is_certain_text(text) || has_word_after_digit(text)).then(|| Tree::Text(text.into()))
}

/// Reports whether an unquoted scalar is text to every reader: it begins with a letter and is no word of YAML's.
fn is_certain_text(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let has_letter_first = text.chars().next().is_some_and(char::is_alphabetic);
    has_letter_first && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Reports whether an unquoted scalar that begins with a digit is text to every reader: it has a letter or a dash
/// where no number of any base has one, as in `2027-12-31`, `30m` and `5d0e3c52-8a44`.
fn has_word_after_digit(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_dash = bytes
        .windows(2)
        .any(|pair| pair[0].is_ascii_digit() && pair[1] == b'-');
    let has_word = bytes
        .iter()
        .any(|b| matches!(b.to_ascii_lowercase(), b'g'..=b'n' | b'p'..=b'w' | b'y' | b'z'));
    bytes.first().is_some_and(u8::is_ascii_digit) && (has_dash || has_word)
}
