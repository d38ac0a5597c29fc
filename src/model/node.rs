//! A parsed document as a tree in which every key and value knows where it stands.

/// A place in a source text. Line and column count characters from 1; the byte range serves carets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub line: u32,
    pub column: u32,
    pub start: usize,
    pub end: usize,
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub tree: Tree,
    pub mark: Mark,
}

/// What a node holds. Maps keep the order of the file; their keys are unique.
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
    /// The member `key` of a map; nothing for other trees.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
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

    /// What the value is, in words for a message: `text "ten"`, `integer 5`, `a list`.
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
