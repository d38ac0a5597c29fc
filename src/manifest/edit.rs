//! Changes of an existing file that leave everything else as it is: the only door to yaml-edit.
//!
//! Nothing that comes out of the editor is trusted. The new text is read again by our own reader, and the
//! values of all its documents must be those that the changes, made on the values of the old text, give.
//! Where they are not, the file stays as it is, and the reason is said.

mod json;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use yaml_edit::{Document, Mapping, Sequence, YamlFile, YamlNode};

use self::json::Style;
use super::{again, list, write, yaml};
use crate::model::diagnostic::Source;
use crate::model::json::same_number;
use crate::model::{Diagnostics, Mark, Node, Tree, node::Entry};

/// One part of the way to a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Member(String),
    Item(usize),
}

/// What happens at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// The member or item gets this value; a member that is not there is added.
    Set(Json),
    Remove,
    /// The list gets one more item.
    Push(Json),
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub way: Vec<Place>,
    pub act: Act,
}

/// The documents of a text; nothing if anything in it cannot be read.
pub fn read(text: &str) -> Option<Vec<Node>> {
    let source = Arc::new(Source::new("the edited file".into(), text.to_string()));
    let mut findings = Diagnostics::default();
    let documents = yaml::parse(&source, &mut findings);
    (!findings.has_errors()).then_some(documents)
}

/// The parts of a text that have a document each, in order; together they are the text. A line that begins
/// with `---` begins a document wherever it stands, even in a block of text, and no anchor reaches beyond it:
/// so a part can be read and edited by itself, and a file of ten thousand documents costs no more than they.
pub fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("---");
        if at > start && rest.is_some_and(|rest| rest.trim_start() != rest || rest.is_empty()) {
            parts.push(&text[start..at]);
            start = at;
        }
        at += line.len();
    }
    parts.push(&text[start..]);
    parts
}

/// Why a text stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("the file was changed after it was read")]
    ChangedSince,
    #[error("its document is not found")]
    NoDocument,
    #[error("it is an item of a list: edit it by hand, or give it a document of its own")]
    ListItem,
    #[error("the file cannot be read")]
    Unreadable,
    #[error("the text is not one document")]
    NotOneDocument,
    #[error("the edit would have lost a comment")]
    LosesComment,
    #[error("there is no document")]
    Empty,
    #[error("a part of it is no plain map")]
    NotMap,
    #[error("a part of it is no plain map or list")]
    NotMapOrList,
    #[error("a part of it is an alias, or no plain map or list")]
    AliasOrScalar,
    #[error("the editor cannot read the file")]
    EditorUnreadable,
    #[error("the editor does not keep the file as it is")]
    EditorChanges,
    #[error("the editor does not find the document")]
    EditorNoDocument,
    #[error("the edited file could not be read again")]
    NotReread,
    #[error("the edit would have changed something else as well")]
    ChangesMore,
    #[error("the document is no plain map")]
    DocumentNotMap,
    #[error("a part of it is an alias")]
    Alias,
    #[error("a change of the whole document")]
    WholeDocument,
    #[error("a list is no plain list")]
    NotList,
    #[error("a value has no YAML form")]
    NoForm,
    #[error("a part of it is not there")]
    NotThere,
    #[error("its members could not be moved without changing something")]
    MoveChangesMore,
    #[error("its members could not be moved")]
    NotMoved,
    #[error("it is `mode: observe`, so nothing writes it, and a resume would not know of that")]
    ObserveOnly,
    /// The error of the YAML writer.
    #[error("{0}")]
    Unspelled(String),
}

/// A file that is being changed, one document without a look at the others.
pub struct File {
    source: Arc<Source>,
    /// The parts by where they begin in the text as it was read.
    parts: BTreeMap<usize, String>,
    changed: bool,
}

impl File {
    /// The file that a label stands for. One that is no longer as it was takes no change.
    pub fn of(label: &Arc<Source>) -> Self {
        let source = again(label).unwrap_or_else(|| Arc::clone(label));
        let mut at = 0;
        let parts = parts(&source.text).into_iter().map(|part| {
            at += part.len();
            (at - part.len(), part.to_string())
        });
        Self {
            parts: parts.collect(),
            source,
            changed: false,
        }
    }

    /// The file as it was read.
    pub fn source(&self) -> &Source {
        &self.source
    }

    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Changes the document that has this place: `change` gives its new text, or nothing where it is as it
    /// should be. Tells whether there was something to change.
    pub fn change<E: From<EditError>>(
        &mut self,
        place: Mark,
        change: impl FnOnce(&str) -> Result<Option<String>, E>,
    ) -> Result<bool, E> {
        if self.source.is_bare() {
            return Err(EditError::ChangedSince.into());
        }
        let part = self.parts.range_mut(..=place.range().start).next_back();
        let (_, part) = part.ok_or(EditError::NoDocument)?;
        if read(part).is_some_and(|documents| documents.iter().any(list::is_list)) {
            return Err(EditError::ListItem.into());
        }
        let Some(text) = change(part)? else {
            return Ok(false);
        };
        *part = text;
        self.changed = true;
        Ok(true)
    }

    /// The new text.
    pub fn text(&self) -> String {
        self.parts.values().map(String::as_str).collect()
    }
}

/// Makes changes in the only document of a text, and gives back the new text. Removals come last and from
/// the end, so that the numbers of items hold for every other change.
pub fn edit(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut expected = read(text).ok_or(EditError::Unreadable)?;
    let [node] = expected.as_mut_slice() else {
        return Err(EditError::NotOneDocument);
    };
    let (file, own) = open(text, node.mark)?;
    let style = Style::of(text);
    for edit in edits {
        change(node, &edit.way, &edit.act)?;
        carry_out(&own, edit, style)?;
    }
    let mut edited = file.to_string();
    if style == Style::Json && Style::of(&edited) != style {
        edited = json::pretty(node, text);
    }
    checked(&edited, &expected)?;
    // What is removed takes its comments along; nothing else may.
    let removes = edits.iter().any(|edit| edit.act == Act::Remove);
    if !removes && !keeps_comments(text, &edited) {
        return Err(EditError::LosesComment);
    }
    Ok(edited)
}

/// Whether every comment of a text is in the other one.
pub fn keeps_comments(before: &str, after: &str) -> bool {
    let comments = |text: &str| {
        let file = YamlFile::parse(text).tree();
        let comments = file.comments();
        let mut all: Vec<String> = comments
            .map(|comment| comment.text().trim_end().to_string())
            .collect();
        all.sort_unstable();
        all
    };
    let mut left = comments(after).into_iter();
    comments(before)
        .into_iter()
        .all(|one| left.any(|other| other == one))
}

/// Puts the members of a map of the only document into a fixed order: those that are not named come last, in
/// the order they have. The caller compares the values.
pub fn reorder(text: &str, way: &[Place], order: &[&str]) -> Result<String, EditError> {
    let documents = read(text).ok_or(EditError::Unreadable)?;
    let node = documents.first().ok_or(EditError::Empty)?;
    let (file, own) = open(text, node.mark)?;
    let Some(YamlNode::Mapping(map)) = at(&own, way)? else {
        return Err(EditError::NotMap);
    };
    map.reorder_fields(order.iter().copied());
    Ok(file.to_string())
}

/// The editor's file, and its document that begins with the node at `place`.
fn open(text: &str, place: Mark) -> Result<(YamlFile, Document), EditError> {
    let parsed = YamlFile::parse(text);
    if parsed.has_errors() {
        return Err(EditError::EditorUnreadable);
    }
    let file = parsed.tree();
    if file.to_string() != text {
        return Err(EditError::EditorChanges);
    }
    let own = file.documents().find(|document| {
        let range = document.byte_range();
        (range.start..range.end).contains(&place.start)
    });
    let own = own.ok_or(EditError::EditorNoDocument)?;
    Ok((file, own))
}

/// Compares the values of an edited text with those it should have.
pub fn checked(edited: &str, expected: &[Node]) -> Result<(), EditError> {
    let found = read(edited).ok_or(EditError::NotReread)?;
    let equal =
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| same(a, b));
    if equal {
        Ok(())
    } else {
        Err(EditError::ChangesMore)
    }
}

/// Whether two nodes hold the same values. Members of a map have no order, and numbers no spelling.
pub fn same(a: &Node, b: &Node) -> bool {
    match (&a.tree, &b.tree) {
        (Tree::List(a), Tree::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Tree::Map(a), Tree::Map(of)) => {
            let found = |entry: &Entry| b.get(&entry.key).is_some_and(|b| same(&entry.value, b));
            a.len() == of.len() && a.iter().all(found)
        }
        (Tree::Number(a), Tree::Number(b)) => same_number(a, b),
        (Tree::Integer(a), Tree::Number(b)) | (Tree::Number(b), Tree::Integer(a)) => {
            same_number(&a.to_string(), b)
        }
        (a, b) => a == b,
    }
}

fn at(document: &Document, way: &[Place]) -> Result<Option<YamlNode>, EditError> {
    let mut node = match document.as_mapping() {
        Some(map) => YamlNode::Mapping(map),
        None => return Err(EditError::DocumentNotMap),
    };
    for place in way {
        let next = match (&node, place) {
            (YamlNode::Mapping(map), Place::Member(name)) => map.get(name.as_str()),
            (YamlNode::Sequence(list), Place::Item(index)) => list.get(*index),
            (YamlNode::Alias(_), _) => return Err(EditError::Alias),
            _ => return Err(EditError::NotMapOrList),
        };
        match next {
            Some(next) => node = next,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

fn carry_out(document: &Document, edit: &Edit, style: Style) -> Result<(), EditError> {
    let (last, parents) = edit.way.split_last().ok_or(EditError::WholeDocument)?;
    match &edit.act {
        Act::Push(value) => match at(document, &edit.way)? {
            Some(YamlNode::Sequence(list)) => {
                list.push(fragment(value, style, None)?);
                Ok(())
            }
            _ => Err(EditError::NotList),
        },
        act => match (at(document, parents)?, last) {
            (Some(YamlNode::Mapping(map)), Place::Member(name)) => in_map(&map, name, act, style),
            (Some(YamlNode::Sequence(list)), Place::Item(index)) => {
                in_list(&list, *index, act, style)
            }
            _ => Err(EditError::AliasOrScalar),
        },
    }
}

fn in_map(map: &Mapping, name: &str, act: &Act, style: Style) -> Result<(), EditError> {
    match act {
        Act::Set(value) => map.set(name, fragment(value, style, map.get(name).as_ref())?),
        Act::Remove => {
            map.remove(name);
        }
        Act::Push(_) => {}
    }
    Ok(())
}

fn in_list(list: &Sequence, index: usize, act: &Act, style: Style) -> Result<(), EditError> {
    match act {
        Act::Set(value) => {
            list.set(index, fragment(value, style, list.get(index).as_ref())?);
        }
        Act::Remove => {
            list.remove(index);
        }
        Act::Push(_) => {}
    }
    Ok(())
}

/// A value as a piece of YAML: a text in the quotes of what stood there before, anything else in our own spelling.
fn fragment(value: &Json, style: Style, before: Option<&YamlNode>) -> Result<YamlNode, EditError> {
    const NAME: &str = "value";
    let before = before
        .and_then(YamlNode::as_scalar)
        .map(ToString::to_string);
    let quote = before.and_then(|before| before.trim_start().chars().next());
    let text = match (style, value, quote) {
        (Style::Json, _, _) => format!("{{\"{NAME}\": {}}}", json::text(value)),
        (Style::Yaml, Json::String(_), Some('"')) => format!("{NAME}: {}\n", json::text(value)),
        (Style::Yaml, Json::String(text), Some('\'')) if json::is_plain(text) => {
            format!("{NAME}: '{}'\n", text.replace('\'', "''"))
        }
        _ => {
            let document = serde_json::json!({ NAME: value });
            write::yaml(&document).map_err(|error| EditError::Unspelled(error.to_string()))?
        }
    };
    let parsed: Option<Document> = text.parse().ok();
    let node = parsed.and_then(|document| document.get(NAME));
    node.ok_or(EditError::NoForm)
}

/// The same change on values.
fn change(node: &mut Node, way: &[Place], act: &Act) -> Result<(), EditError> {
    let lost = || EditError::NotThere;
    let Some((first, rest)) = way.split_first() else {
        return match (act, &mut node.tree) {
            (Act::Push(value), Tree::List(items)) => {
                items.push(node_of(value));
                Ok(())
            }
            _ => Err(lost()),
        };
    };
    let last = rest.is_empty() && !matches!(act, Act::Push(_));
    match (first, &mut node.tree) {
        (Place::Member(name), Tree::Map(entries)) => {
            let index = entries.iter().position(|entry| entry.key == *name);
            match (act, index) {
                (Act::Set(value), Some(index)) if last => entries[index].value = node_of(value),
                (Act::Set(value), None) if last => entries.push(Entry {
                    key: name.clone(),
                    key_mark: Mark::default(),
                    value: node_of(value),
                }),
                (Act::Remove, Some(index)) if last => {
                    entries.remove(index);
                }
                (_, Some(index)) => return change(&mut entries[index].value, rest, act),
                (_, None) => return Err(lost()),
            }
            Ok(())
        }
        (Place::Item(index), Tree::List(items)) if *index < items.len() => {
            match act {
                Act::Set(value) if last => items[*index] = node_of(value),
                Act::Remove if last => {
                    items.remove(*index);
                }
                _ => return change(&mut items[*index], rest, act),
            }
            Ok(())
        }
        _ => Err(lost()),
    }
}

/// A value as our reader gives it.
fn node_of(value: &Json) -> Node {
    let tree = match value {
        Json::Null => Tree::Null,
        Json::Bool(value) => Tree::Bool(*value),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Tree::Number(number.to_string()), Tree::Integer),
        Json::String(text) => Tree::Text(text.clone()),
        Json::Array(items) => Tree::List(items.iter().map(node_of).collect()),
        Json::Object(members) => {
            let entries = members.iter().map(|(name, value)| Entry {
                key: name.clone(),
                key_mark: Mark::default(),
                value: node_of(value),
            });
            Tree::Map(entries.collect())
        }
    };
    Node {
        tree,
        mark: Mark::default(),
    }
}
