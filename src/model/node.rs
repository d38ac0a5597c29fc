//! A parsed document as a tree in which every key and value knows where it stands.

/// A place in a source text. Line and column count characters from 1; the byte range serves carets. Files
/// are far smaller than what 32 bits can count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub line: u32,
    pub column: u32,
    pub start: u32,
    pub end: u32,
}

impl Mark {
    /// The place of a byte offset.
    pub fn at(text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset);
        let head = &text[..offset];
        let line = line_starts(text).take_while(|end| *end <= offset).count() + 1;
        let begins = head.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        Self::new(line, head[begins..].chars().count() + 1, offset)
    }

    /// A place of which only line and column are known, brought inside the text.
    pub fn near(text: &str, line: usize, column: usize) -> Self {
        let begins = match line {
            0 | 1 => 0,
            line => line_starts(text).nth(line - 2).unwrap_or(text.len()),
        };
        let line_text = text[begins..].split(['\n', '\r']).next().unwrap_or("");
        let before = line_text.char_indices().nth(column.max(1) - 1);
        Self::at(text, begins + before.map_or(line_text.len(), |(at, _)| at))
    }

    fn new(line: usize, column: usize, offset: usize) -> Self {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            line: number(line),
            column: number(column),
            start: number(offset),
            end: number(offset),
        }
    }

    /// The bytes of the text that the mark is about.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Lists the offsets at which the second and later lines begin. A lone carriage return ends a line, as in YAML.
fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    text.match_indices(['\n', '\r'])
        .filter(move |(at, end)| *end == "\n" || bytes.get(at + 1) != Some(&b'\n'))
        .map(|(at, _)| at + 1)
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub tree: Tree,
    pub mark: Mark,
}

/// The value of a node. Maps keep the order of the file; their keys are unique.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is not a 64-bit integer, as it was written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One member of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_mark: Mark,
    pub value: Node,
}

impl Node {
    /// The member `key` of a map; `None` for other trees.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The member `key` of a map, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let Tree::Map(entries) = &mut self.tree else {
            return None;
        };
        let entry = entries.iter_mut().find(|entry| entry.key == key)?;
        Some(&mut entry.value)
    }

    /// The node itself; null stays in its place.
    pub fn take(&mut self) -> Node {
        let tree = std::mem::replace(&mut self.tree, Tree::Null);
        Node {
            tree,
            mark: self.mark,
        }
    }

    /// The members of a map; none for other trees.
    pub fn entries(&self) -> &[Entry] {
        match &self.tree {
            Tree::Map(entries) => entries,
            Tree::Null
            | Tree::Bool(_)
            | Tree::Integer(_)
            | Tree::Number(_)
            | Tree::Text(_)
            | Tree::List(_) => &[],
        }
    }

    /// The text of a text node.
    pub fn text(&self) -> Option<&str> {
        if let Tree::Text(text) = &self.tree {
            Some(text)
        } else {
            None
        }
    }

    /// Describes the value for a message: `text "ten"`, `integer 5`, `a list`.
    pub fn describe(&self) -> String {
        match &self.tree {
            Tree::Null => "null".into(),
            Tree::Bool(value) => format!("boolean {value}"),
            Tree::Integer(value) => format!("integer {value}"),
            Tree::Number(raw) => format!("number {raw}"),
            Tree::Text(text) => format!("text {}", shorten(text)),
            Tree::List(_) => "a list".into(),
            Tree::Map(_) => "a map".into(),
        }
    }
}

fn shorten(text: &str) -> String {
    const SHOWN: usize = 40;
    if text.chars().count() <= SHOWN {
        format!("{text:?}")
    } else {
        let head: String = text.chars().take(SHOWN).collect();
        format!("{:?}…", head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_has_a_line_and_a_column() {
        let text = "a: 1\r\nb: ü\rc: 3\n";
        let location = |offset| {
            let mark = Mark::at(text, offset);
            (mark.line, mark.column)
        };
        assert_eq!(location(0), (1, 1));
        assert_eq!(location(4), (1, 5));
        assert_eq!(location(6), (2, 1));
        assert_eq!(location(11), (2, 5));
        assert_eq!(location(12), (3, 1));
        assert_eq!(location(usize::MAX), (4, 1));
        for (line, column, offset) in [(1, 1, 0), (2, 4, 9), (3, 9, 16), (9, 9, 17), (0, 0, 0)] {
            assert_eq!(
                Mark::near(text, line, column).start as usize,
                offset,
                "{line}:{column}"
            );
        }
    }
}
