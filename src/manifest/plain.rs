//! The short way through the parser: YAML in the form in which nearly all manifests are written, several times faster.
//!
//! serde-saphyr spends most of its time on what a manifest hardly ever has: anchors that are recorded for aliases,
//! tags, a budget for both, and numbers in all their spellings. This walks the events of the parser beneath it,
//! granit, which does all the scanning in either case, and builds the same tree. Whatever has a meaning that could be
//! doubted — an anchor, an alias, a tag, a number that is no plain integer, a word that some readers take for a
//! boolean, a key that stands twice — makes it give up, and the general reader of `yaml` reads the same text
//! instead. So it never decides what an odd spelling means and never reports anything; `tests/it/plain.rs` holds
//! it to giving out what the general reader gives out, places included.

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use crate::model::node::Entry;
use crate::model::{Mark, Node, Tree};

/// Nesting that is followed, some way below what the general reader refuses.
const DEEPEST: usize = 24;

/// Bytes of a key, some way below what the general reader refuses.
const LONGEST_KEY: usize = 200;

/// Bytes of one text. What is larger has few documents and many values, and is held to the general reader's
/// budget.
pub const LARGEST: usize = 4 << 20;

/// Maps with more members than this are left to the general reader, which looks for equal keys faster.
const MOST_KEYS: usize = 64;

/// The documents of a text, or nothing if it is not plain. `first` is the place at which the text begins in its file.
pub fn read(text: &str, first: Mark) -> Option<Vec<Node>> {
    // Directives that this parser passes over are errors to libyaml.
    let directed = text.starts_with('%') || text.contains("\n%");
    if text.len() > LARGEST || directed || text.chars().any(odd) {
        return None;
    }
    let parser = Parser::new_from_str(text);
    Reader { parser, first }.documents()
}

/// Characters that mean something to some readers, wherever they stand: in `{a?b: c}` libyaml sees a question
/// mark of its own, and the events do not tell a key behind one from any other.
fn odd(c: char) -> bool {
    c != '\n' && c.is_control() || matches!(c, '?' | '\u{2028}' | '\u{2029}' | '\u{feff}'..)
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    first: Mark,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.parser.next_event()?.ok()
    }

    fn documents(&mut self) -> Option<Vec<Node>> {
        let mut documents = Vec::new();
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(_, None) | Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Some(documents),
                (event @ Event::MappingStart(..), span) => {
                    documents.push(self.node(event, span, 0)?);
                }
                // An empty document, which is skipped, or one that is no manifest.
                _ => return None,
            }
        }
    }

    /// The value that begins with an event. The parser's events may grow; what is not known here is not plain.
    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return None;
        }
        let tree = match event {
            Event::Scalar(text, ScalarStyle::Plain, 0, None) => scalar(&text)?,
            Event::Scalar(text, _, 0, None) => Tree::Text(text.into_owned()),
            Event::SequenceStart(_, 0, None) => Tree::List(self.list(depth + 1)?),
            Event::MappingStart(_, 0, None) => Tree::Map(self.map(depth + 1)?),
            _ => return None,
        };
        let mark = self.mark(span)?;
        Some(Node { tree, mark })
    }

    fn list(&mut self, depth: usize) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Some(items),
                (event, span) => items.push(self.node(event, span, depth)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Option<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (key, span) = match self.next()? {
                (Event::MappingEnd, _) => return Some(entries),
                (Event::Scalar(key, style, 0, None), span) => {
                    let sure = style != ScalarStyle::Plain || is_text(&key);
                    (sure.then_some(key)?, span)
                }
                _ => return None,
            };
            let twice = entries.iter().any(|entry| entry.key == key);
            if twice || key.len() > LONGEST_KEY || entries.len() == MOST_KEYS {
                return None;
            }
            let (event, place) = self.next()?;
            let value = self.node(event, place, depth)?;
            entries.push(Entry {
                key: key.into_owned(),
                key_mark: self.mark(span)?,
                value,
            });
        }
    }

    /// A span of the text as a place of its file.
    fn mark(&self, span: Span) -> Option<Mark> {
        let number = |n: usize| u32::try_from(n).ok();
        let range = span.byte_range()?;
        Some(Mark {
            line: self.first.line - 1 + number(span.start.line())?,
            column: number(span.start.col())? + 1,
            start: self.first.start + number(range.start)?,
            end: self.first.start + number(range.end)?,
        })
    }
}

/// What a plain scalar is, if nobody doubts it.
fn scalar(text: &str) -> Option<Tree> {
    match text {
        "true" => return Some(Tree::Bool(true)),
        "false" => return Some(Tree::Bool(false)),
        "null" => return Some(Tree::Null),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        // Neither empty, nor with a zero ahead, nor near the bounds of 64 bits.
        let whole = matches!(digits.as_bytes(), [b'0'] | [b'1'..=b'9', ..]);
        let number = (whole && digits.len() <= 18 && text != "-0").then(|| text.parse().ok())?;
        return number.map(Tree::Integer);
    }
    (is_text(text) || is_worded(text)).then(|| Tree::Text(text.into()))
}

/// Whether a plain scalar can be nothing but text: it begins with a letter and is no word of YAML's.
fn is_text(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let letter = text.chars().next().is_some_and(char::is_alphabetic);
    letter && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether a plain scalar that begins with a digit can be nothing but text: it has a letter or a dash where
/// no number of any base has one, as days, durations and ids do.
fn is_worded(text: &str) -> bool {
    let bytes = text.as_bytes();
    let dashed = bytes
        .windows(2)
        .any(|pair| pair[0].is_ascii_digit() && pair[1] == b'-');
    let worded = bytes
        .iter()
        .any(|b| matches!(b.to_ascii_lowercase(), b'g'..=b'n' | b'p'..=b'w' | b'y' | b'z'));
    bytes.first().is_some_and(u8::is_ascii_digit) && (dashed || worded)
}
