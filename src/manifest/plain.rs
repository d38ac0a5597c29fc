//! The plain reader: YAML in the form in which nearly all manifests are written, read many times faster.
//!
//! It knows block maps and lists, collections in brackets that end on their line, quoted texts without
//! escapes, and plain scalars whose type nobody doubts. Whatever else there is — anchors, tags, block
//! scalars, texts over several lines, escapes, numbers that are no integers, tabs, a key that stands twice —
//! makes it give up, and the general reader of `yaml` reads the same text instead. So it never decides what
//! an odd spelling means and never reports anything; what it gives out is what the general reader gives out,
//! places included, and `tests/it/plain.rs` holds it to that.

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
    if text.len() > LARGEST || text.chars().any(odd) {
        return None;
    }
    let mut reader = Reader {
        text,
        ascii: text.is_ascii(),
        offset: first.start,
        number: first.line.saturating_sub(1),
        here: Here::End,
        next: 0,
        begins: 0,
        ends: 0,
        at: 0,
    };
    reader.advance();
    reader.documents()
}

/// Characters that mean something to some readers, wherever they stand.
fn odd(c: char) -> bool {
    c != '\n' && c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'..)
}

/// What the current line is.
#[derive(Clone, Copy, PartialEq)]
enum Here {
    Content,
    /// `---`, which begins a document.
    Marker,
    End,
}

/// A position in the lines of a text. Lines without content are skipped.
struct Reader<'t> {
    text: &'t str,
    ascii: bool,
    /// Bytes of the file before the text.
    offset: u32,
    /// The current line's number in the file.
    number: u32,
    here: Here,
    /// Where the line after the current one begins.
    next: usize,
    begins: usize,
    ends: usize,
    /// The position in the current line.
    at: usize,
}

impl<'t> Reader<'t> {
    /// Goes to the first character of the next line with content.
    fn advance(&mut self) {
        let bytes = self.text.as_bytes();
        while self.next < bytes.len() {
            self.begins = self.next;
            let rest = &bytes[self.begins..];
            let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            self.ends = self.begins + length;
            self.next = self.ends + 1;
            self.number += 1;
            let spaces = rest[..length].iter().take_while(|b| **b == b' ').count();
            self.at = self.begins + spaces;
            match bytes[self.at..self.ends] {
                [] | [b'#', ..] => {}
                [b'-', b'-', b'-', ..] if spaces == 0 => {
                    self.here = Here::Marker;
                    self.at += 3;
                    return;
                }
                _ => {
                    self.here = Here::Content;
                    return;
                }
            }
        }
        self.here = Here::End;
    }

    fn documents(&mut self) -> Option<Vec<Node>> {
        let mut documents = Vec::new();
        loop {
            match self.here {
                Here::End => return Some(documents),
                Here::Marker => self.finish_line()?,
                Here::Content => {
                    documents.push(self.block(0, 0)?);
                    // A line that belongs to nothing ends the reading.
                    if self.here == Here::Content {
                        return None;
                    }
                }
            }
        }
    }

    /// Leaves a line on which nothing but a comment may follow.
    fn finish_line(&mut self) -> Option<()> {
        self.line_is_over().then(|| self.advance())
    }

    /// Whether nothing but a comment follows on the line.
    fn line_is_over(&self) -> bool {
        let rest = &self.text[self.at..self.ends];
        let content = rest.trim_start_matches(' ');
        content.is_empty() || content.starts_with('#') && content.len() < rest.len()
    }

    fn skip_spaces(&mut self) {
        let rest = &self.text[self.at..self.ends];
        self.at = self.ends - rest.trim_start_matches(' ').len();
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes()[..self.ends]
            .get(self.at)
            .copied()
            .unwrap_or(b'\n')
    }

    /// Spaces before the current position, counting the dashes of lists as such.
    fn indent(&self) -> usize {
        self.at - self.begins
    }

    fn mark(&self, start: usize, end: usize) -> Mark {
        let before = &self.text[self.begins..start];
        let column = if self.ascii {
            before.len()
        } else {
            before.chars().count()
        };
        // Texts are shorter than `LARGEST`.
        Mark {
            line: self.number,
            column: column as u32 + 1,
            start: self.offset + start as u32,
            end: self.offset + end as u32,
        }
    }

    /// A collection whose lines begin in column `indent`, the current position.
    fn block(&mut self, indent: usize, depth: usize) -> Option<Node> {
        if self.here != Here::Content || self.indent() != indent || depth > DEEPEST {
            return None;
        }
        if self.is_dash() {
            self.list(indent, depth)
        } else {
            self.map(indent, depth)
        }
    }

    fn is_dash(&self) -> bool {
        matches!(
            self.text.as_bytes()[self.at..self.ends],
            [b'-'] | [b'-', b' ', ..]
        )
    }

    fn map(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let mark = self.mark(self.at, self.at);
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (key, key_mark) = self.key()?;
            if entries.len() == MOST_KEYS || entries.iter().any(|entry| entry.key == key) {
                return None;
            }
            let value = self.value(indent, depth)?;
            entries.push(Entry {
                key: key.into(),
                key_mark,
                value,
            });
            if !self.goes_on(indent)? {
                let tree = Tree::Map(entries);
                return Some(Node { tree, mark });
            }
        }
    }

    /// Whether the current line belongs to the collection at `indent`. A line further in belongs to nothing.
    fn goes_on(&self, indent: usize) -> Option<bool> {
        if self.here != Here::Content || self.indent() < indent {
            return Some(false);
        }
        (self.indent() == indent).then_some(true)
    }

    /// A key with its colon.
    fn key(&mut self) -> Option<(&'t str, Mark)> {
        let start = self.at;
        let (key, end) = match self.peek() {
            b'"' | b'\'' => self.quoted()?,
            _ => {
                let (key, end) = self.plain(b":")?;
                (is_text(key).then_some(key)?, end)
            }
        };
        let follows = &self.text.as_bytes()[end..self.ends];
        if key.len() > LONGEST_KEY || !matches!(follows, [b':'] | [b':', b' ', ..]) {
            return None;
        }
        self.at = end + 1;
        Some((key, self.mark(start, end)))
    }

    /// What stands behind a key, on its line or below it.
    fn value(&mut self, indent: usize, depth: usize) -> Option<Node> {
        if !self.line_is_over() {
            self.skip_spaces();
            let value = self.inline(&[], depth)?;
            self.finish_line()?;
            return Some(value);
        }
        self.advance();
        let below = self.indent();
        match self.here {
            Here::Content if below > indent => self.block(below, depth + 1),
            Here::Content if below == indent && self.is_dash() => {
                let mut list = self.list(indent, depth + 1)?;
                // The general reader has no token for the beginning of such a list: it is where the first
                // item is.
                let first = match &list.tree {
                    Tree::List(items) => items.first()?.mark,
                    _ => return None,
                };
                list.mark = Mark {
                    end: first.start,
                    ..first
                };
                Some(list)
            }
            // Nothing: rare, and not worth a rule for its place.
            Here::Content | Here::Marker | Here::End => None,
        }
    }

    fn list(&mut self, indent: usize, depth: usize) -> Option<Node> {
        let mark = self.mark(self.at, self.at);
        let mut items = Vec::new();
        loop {
            if !self.is_dash() {
                // A list may stand in the column of its key, whose map then goes on.
                break;
            }
            self.at += 1;
            items.push(self.item(indent, depth)?);
            if !self.goes_on(indent)? {
                break;
            }
        }
        let tree = Tree::List(items);
        Some(Node { tree, mark })
    }

    /// What stands behind a dash.
    fn item(&mut self, indent: usize, depth: usize) -> Option<Node> {
        if self.line_is_over() {
            self.advance();
            let below = self.indent();
            return (below > indent).then(|| self.block(below, depth + 1))?;
        }
        self.skip_spaces();
        let start = self.at;
        if self.is_dash() || self.key().is_some() {
            self.at = start;
            return self.block(self.indent(), depth + 1);
        }
        self.at = start;
        let value = self.inline(&[], depth)?;
        self.finish_line()?;
        Some(value)
    }

    /// A value that ends on its line. In brackets, `ends` are the characters at which a plain scalar ends.
    fn inline(&mut self, ends: &[u8], depth: usize) -> Option<Node> {
        let start = self.at;
        let tree = match self.peek() {
            b'{' => return self.flow_map(depth + 1),
            b'[' => return self.flow_list(depth + 1),
            b'"' | b'\'' => {
                let (text, end) = self.quoted()?;
                self.at = end;
                Tree::Text(text.into())
            }
            _ => {
                let (text, end) = self.plain(ends)?;
                self.at = end;
                scalar(text)?
            }
        };
        let mark = self.mark(start, self.at);
        Some(Node { tree, mark })
    }

    fn flow_map(&mut self, depth: usize) -> Option<Node> {
        let mark = self.mark(self.at, self.at + 1);
        let mut entries: Vec<Entry> = Vec::new();
        self.at += 1;
        self.skip_spaces();
        while depth <= DEEPEST && self.peek() != b'}' {
            let start = self.at;
            let (key, end) = match self.peek() {
                b'"' | b'\'' => self.quoted()?,
                _ => {
                    let (key, end) = self.plain(b":,[]{}")?;
                    (is_text(key).then_some(key)?, end)
                }
            };
            let key_mark = self.mark(start, end);
            let twice = entries.iter().any(|entry| entry.key == key);
            let colon = matches!(self.text.as_bytes()[end..self.ends], [b':', b' ', ..]);
            if twice || !colon || key.len() > LONGEST_KEY || entries.len() == MOST_KEYS {
                return None;
            }
            self.at = end + 1;
            self.skip_spaces();
            let value = self.inline(b":,[]{}", depth)?;
            entries.push(Entry {
                key: key.into(),
                key_mark,
                value,
            });
            self.after_flow_item(b'}')?;
        }
        self.at += 1;
        let tree = Tree::Map(entries);
        (depth <= DEEPEST).then_some(Node { tree, mark })
    }

    fn flow_list(&mut self, depth: usize) -> Option<Node> {
        let mark = self.mark(self.at, self.at + 1);
        let mut items = Vec::new();
        self.at += 1;
        self.skip_spaces();
        while depth <= DEEPEST && self.peek() != b']' {
            items.push(self.inline(b":,[]{}", depth)?);
            self.after_flow_item(b']')?;
        }
        self.at += 1;
        let tree = Tree::List(items);
        (depth <= DEEPEST).then_some(Node { tree, mark })
    }

    /// A comma with another item behind it, or the closing bracket, which stays.
    fn after_flow_item(&mut self, closing: u8) -> Option<()> {
        self.skip_spaces();
        if self.peek() == b',' {
            self.at += 1;
            self.skip_spaces();
            (self.peek() != closing).then_some(())
        } else {
            (self.peek() == closing).then_some(())
        }
    }

    /// A quoted text without escapes, and where it ends.
    fn quoted(&self) -> Option<(&'t str, usize)> {
        let quote = self.peek();
        let inside = &self.text[self.at + 1..self.ends];
        let length = inside.bytes().position(|b| b == quote || b == b'\\')?;
        let end = self.at + 1 + length;
        let doubled = self.text.as_bytes()[..self.ends].get(end + 1) == Some(&quote);
        // A backslash means nothing between single quotes, but not every reader of the line knows that.
        let plain = self.text.as_bytes()[end] == quote && !doubled;
        plain.then(|| (&inside[..length], end + 1))
    }

    /// A plain scalar and where it ends: at the end of the line, before a comment, or at one of `ends`. A colon
    /// that is none of them must be inside a word.
    fn plain(&self, ends: &[u8]) -> Option<(&'t str, usize)> {
        let bytes = &self.text.as_bytes()[self.at..self.ends];
        let mut length = bytes.len();
        for (i, byte) in bytes.iter().enumerate() {
            let spaced = bytes.get(i + 1).is_none_or(|next| *next == b' ');
            let stops = match byte {
                b':' if spaced => ends.contains(&b':').then_some(true)?,
                b':' => (ends.len() < 2).then_some(false)?,
                b'#' => i == 0 || bytes[i - 1] == b' ',
                byte => ends.contains(byte),
            };
            if stops {
                length = i;
                break;
            }
        }
        let text = self.text[self.at..self.at + length].trim_end_matches(' ');
        Some((text, self.at + text.len()))
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
