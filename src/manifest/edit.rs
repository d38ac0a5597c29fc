//! Edits a file and leaves everything else in it as it is: the only door to yaml-edit.
//!
//! We do not trust the editor's result. Every edit is made twice: the editor changes the text, and we change the values
//! parsed from the old text. Our own reader then parses the new text, which must have exactly the values that we
//! computed. If they differ, the file stays unchanged and an [`EditError`] says why.
//!
//! For example, to set `spec.desired.seats` of `{spec: {desired: {seats: 5}}}` to 6, the editor returns `{spec:
//! {desired: {seats: 6}}}`; had it returned `{spec: {desired: {seats: 6, seats: 5}}}`, nothing would be written.

mod error;
mod json;
pub use json::json_of;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;
use yaml_edit::{Document, Mapping, Sequence, YamlFile, YamlNode};

pub use self::error::EditError;
use self::error::EditError as Error;
use self::json::Style;
use super::{list, reread, write, yaml};
use crate::model::diagnostic::Source;
use crate::model::json::same_number;
use crate::model::{Diagnostics, Mark, Node, Tree, node::Entry};

/// One step of the path to a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathStep {
    /// The name of a member of a map.
    Member(String),
    /// The index of an item of a list.
    Item(usize),
}

/// The change of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum EditAction {
    /// Gives the member or item this value; a member that does not exist is added.
    Set(Json),
    /// Gives the member another name and leaves its value and its place.
    Rename(String),
    Remove,
    /// Adds an item at the end of the list.
    Push(Json),
}

/// One edit of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub path: Vec<PathStep>,
    pub action: EditAction,
}

/// Parses the documents of a text. `None` if any of it is not valid.
pub fn parse_documents(text: &str) -> Option<Vec<Node>> {
    let source = Arc::new(Source::new("the edited file".into(), text.to_string()));
    let mut findings = Diagnostics::default();
    let documents = yaml::parse(&source, &mut findings);
    (!findings.has_errors()).then_some(documents)
}

/// Splits a text into parts with one document each. The parts in their order, joined, give the text again.
///
/// A line that begins with `---` begins a document wherever it is, even in a block of text, and no anchor reaches
/// beyond it. So each part can be parsed and edited by itself, and an edit in a file of ten thousand documents costs
/// one of them.
pub fn split_documents(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let after_dashes = line.strip_prefix("---");
        let begins = |after: &str| after.trim_start() != after || after.is_empty();
        if at > start && after_dashes.is_some_and(begins) {
            parts.push(&text[start..at]);
            start = at;
        }
        at += line.len();
    }
    parts.push(&text[start..]);
    parts
}

/// A file that is being edited, one document at a time and independently of the others.
pub struct EditedFile {
    source: Arc<Source>,
    /// The parts by the offset at which each began in the text as it was read.
    parts: BTreeMap<usize, String>,
    is_changed: bool,
}

impl EditedFile {
    /// Opens the file that a label names. A file that changed since it was loaded is not edited.
    pub fn open(label: &Arc<Source>) -> Self {
        let source = reread(label).unwrap_or_else(|| Arc::clone(label));
        let mut at = 0;
        let parts = split_documents(&source.text).into_iter().map(|part| {
            at += part.len();
            (at - part.len(), part.to_string())
        });
        Self {
            parts: parts.collect(),
            source,
            is_changed: false,
        }
    }

    /// Returns the file as it was read.
    pub fn source(&self) -> &Source {
        &self.source
    }

    pub fn is_changed(&self) -> bool {
        self.is_changed
    }

    /// Returns the text of the document at a place.
    pub fn document(&self, mark: Mark) -> Result<&str, EditError> {
        if self.source.is_bare() {
            return Err(Error::FileChanged);
        }
        let part = self.parts.range(..=mark.range().start).next_back();
        let (_, part) = part.ok_or(Error::NoDocument)?;
        let is_list = |documents: Vec<Node>| documents.iter().any(list::is_list);
        match parse_documents(part).is_some_and(is_list) {
            true => Err(Error::ListItem),
            false => Ok(part),
        }
    }

    /// Replaces the text of the document at a place.
    pub fn replace_document(&mut self, mark: Mark, text: String) {
        let part = self.parts.range_mut(..=mark.range().start).next_back();
        if let Some((_, part)) = part {
            *part = text;
            self.is_changed = true;
        }
    }

    /// Returns the new text.
    pub fn text(&self) -> String {
        self.parts.values().map(String::as_str).collect()
    }
}

/// Makes edits in the only document of a text, and returns the new text. The caller puts removals last in `edits`, and
/// the highest index first, so that every index is still right when its edit is made.
pub fn edit_text(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let mut expected = parse_documents(text).ok_or(Error::InvalidFile)?;
    let [node] = expected.as_mut_slice() else {
        return Err(Error::SeveralDocuments);
    };
    let (file, document) = open_document(text, node.mark)?;
    let style = Style::of(text);
    for edit in edits {
        edit_value(node, &edit.path, &edit.action)?;
        edit_node(&document, edit, style)?;
    }
    let mut edited = file.to_string();
    if style == Style::Json && Style::of(&edited) != style {
        edited = json::to_document(node, text);
    }
    verify_values(&edited, &expected)?;
    // Comments may disappear only together with a value that is removed.
    let removes = edits.iter().any(|edit| edit.action == EditAction::Remove);
    if !removes && !keeps_comments(text, &edited) {
        return Err(Error::LosesComment);
    }
    Ok(edited)
}

/// Reports whether every comment of the first text is in the second.
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

/// Puts the members of a map in the only document into the order `order`. Members that `order` does not name come
/// last and keep their present order. The caller checks that no value changed.
pub fn reorder_members(text: &str, path: &[PathStep], order: &[&str]) -> Result<String, EditError> {
    let documents = parse_documents(text).ok_or(Error::InvalidFile)?;
    let node = documents.first().ok_or(Error::EmptyText)?;
    let (file, document) = open_document(text, node.mark)?;
    let Some(YamlNode::Mapping(map)) = node_at(&document, path)? else {
        return Err(Error::NotMap);
    };
    map.reorder_fields(order.iter().copied());
    Ok(file.to_string())
}

/// Opens a text in the editor, with its document that begins at `place`.
fn open_document(text: &str, mark: Mark) -> Result<(YamlFile, Document), EditError> {
    let parsed = YamlFile::parse(text);
    if parsed.has_errors() {
        return Err(Error::UnreadableToEditor);
    }
    let file = parsed.tree();
    if file.to_string() != text {
        return Err(Error::NotKeptByEditor);
    }
    let document = file.documents().find(|document| {
        let range = document.byte_range();
        (range.start..range.end).contains(&mark.start)
    });
    let document = document.ok_or(Error::NotFoundByEditor)?;
    Ok((file, document))
}

/// Checks that an edited text has the `expected` values.
pub fn verify_values(edited: &str, expected: &[Node]) -> Result<(), EditError> {
    let found = parse_documents(edited).ok_or(Error::InvalidResult)?;
    let is_equal =
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| same_values(a, b));
    if is_equal {
        Ok(())
    } else {
        Err(Error::ChangesMore)
    }
}

/// Reports whether two nodes hold the same values. The order of members and the spelling of numbers do not count.
pub fn same_values(a: &Node, b: &Node) -> bool {
    match (&a.tree, &b.tree) {
        (Tree::List(a), Tree::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_values(a, b))
        }
        (Tree::Map(a), Tree::Map(of)) => {
            let is_in_both = |entry: &Entry| {
                b.get(&entry.key)
                    .is_some_and(|b| same_values(&entry.value, b))
            };
            a.len() == of.len() && a.iter().all(is_in_both)
        }
        (Tree::Number(a), Tree::Number(b)) => same_number(a, b),
        (Tree::Integer(a), Tree::Number(b)) | (Tree::Number(b), Tree::Integer(a)) => {
            same_number(&a.to_string(), b)
        }
        (a, b) => a == b,
    }
}

/// Returns the editor's node at a path. `None` if there is none; `Err` if a step leads through an alias or a scalar.
fn node_at(document: &Document, path: &[PathStep]) -> Result<Option<YamlNode>, EditError> {
    let mut node = match document.as_mapping() {
        Some(map) => YamlNode::Mapping(map),
        None => return Err(Error::DocumentNotMap),
    };
    for step in path {
        let next = match (&node, step) {
            (YamlNode::Mapping(map), PathStep::Member(name)) => map.get(name.as_str()),
            (YamlNode::Sequence(list), PathStep::Item(index)) => list.get(*index),
            (YamlNode::Alias(_), _) => return Err(Error::Alias),
            _ => return Err(Error::NotMapOrList),
        };
        match next {
            Some(next) => node = next,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

/// Makes an edit in the editor's document.
fn edit_node(document: &Document, edit: &Edit, style: Style) -> Result<(), EditError> {
    let (last, parents) = edit.path.split_last().ok_or(Error::WholeDocument)?;
    match &edit.action {
        EditAction::Push(value) => match node_at(document, &edit.path)? {
            Some(YamlNode::Sequence(list)) => {
                list.push(yaml_fragment(value, style, None)?);
                Ok(())
            }
            _ => Err(Error::NotList),
        },
        action => match (node_at(document, parents)?, last) {
            (Some(YamlNode::Mapping(map)), PathStep::Member(name)) => {
                edit_map(&map, name, action, style)
            }
            (Some(YamlNode::Sequence(list)), PathStep::Item(index)) => {
                edit_list(&list, *index, action, style)
            }
            _ => Err(Error::AliasOrNotMapOrList),
        },
    }
}

/// Sets, renames or removes a member in the editor's map. A new member goes behind the others.
fn edit_map(map: &Mapping, name: &str, action: &EditAction, style: Style) -> Result<(), EditError> {
    match action {
        EditAction::Set(value) => {
            map.set(name, yaml_fragment(value, style, map.get(name).as_ref())?)
        }
        EditAction::Rename(to) => {
            map.rename_key(name, to.as_str());
        }
        EditAction::Remove => {
            map.remove(name);
        }
        EditAction::Push(_) => {}
    }
    Ok(())
}

/// Sets or removes an item in the editor's list. The caller has checked the index against the values.
fn edit_list(
    list: &Sequence,
    index: usize,
    action: &EditAction,
    style: Style,
) -> Result<(), EditError> {
    match action {
        EditAction::Set(value) => {
            list.set(
                index,
                yaml_fragment(value, style, list.get(index).as_ref())?,
            );
        }
        EditAction::Remove => {
            list.remove(index);
        }
        EditAction::Rename(_) | EditAction::Push(_) => {}
    }
    Ok(())
}

/// Converts a value to the editor's YAML: a text keeps the quotes of the value `before` it, anything else is written
/// as [`crate::manifest::write`] writes it.
fn yaml_fragment(
    value: &Json,
    style: Style,
    before: Option<&YamlNode>,
) -> Result<YamlNode, EditError> {
    const NAME: &str = "value";
    let before = before
        .and_then(YamlNode::as_scalar)
        .map(ToString::to_string);
    let quote = before.and_then(|before| before.trim_start().chars().next());
    let text = match (style, value, quote) {
        (Style::Json, _, _) => format!("{{\"{NAME}\": {}}}", json::to_line(value)),
        (Style::Yaml, Json::String(_), Some('"')) => format!("{NAME}: {}\n", json::to_line(value)),
        (Style::Yaml, Json::String(text), Some('\'')) if json::fits_single_quotes(text) => {
            format!("{NAME}: '{}'\n", text.replace('\'', "''"))
        }
        _ => {
            let document = serde_json::json!({ NAME: value });
            write::yaml(&document)?
        }
    };
    let parsed: Option<Document> = text.parse().ok();
    let node = parsed.and_then(|document| document.get(NAME));
    node.ok_or(Error::NoYamlForm)
}

/// Makes an edit on the parsed values, with which the edited text is then compared. Returns `Err` if a step of the
/// path does not exist.
///
/// For example `Set(6)` at `seats` of `{seats: 5}` gives `{seats: 6}`, and at `term` of the same map it adds the entry
/// `term: 6`. At `a.b` of `{seats: 5}` it fails: parents are not made on the way.
fn edit_value(node: &mut Node, path: &[PathStep], action: &EditAction) -> Result<(), EditError> {
    let Some((first, deeper)) = path.split_first() else {
        return match (action, &mut node.tree) {
            (EditAction::Push(value), Tree::List(items)) => {
                items.push(node_from_json(value));
                Ok(())
            }
            _ => Err(Error::NoValue),
        };
    };
    let is_last = deeper.is_empty() && !matches!(action, EditAction::Push(_));
    match (first, &mut node.tree) {
        (PathStep::Member(name), Tree::Map(entries)) => {
            let index = entries.iter().position(|entry| entry.key == *name);
            match (action, index) {
                (EditAction::Set(value), Some(index)) if is_last => {
                    entries[index].value = node_from_json(value);
                }
                (EditAction::Set(value), None) if is_last => entries.push(Entry {
                    key: name.clone(),
                    key_mark: Mark::default(),
                    value: node_from_json(value),
                }),
                (EditAction::Rename(to), Some(index)) if is_last => {
                    entries[index].key.clone_from(to);
                }
                (EditAction::Remove, Some(index)) if is_last => {
                    entries.remove(index);
                }
                (_, Some(index)) => return edit_value(&mut entries[index].value, deeper, action),
                (_, None) => return Err(Error::NoValue),
            }
            Ok(())
        }
        (PathStep::Item(index), Tree::List(items)) if *index < items.len() => {
            match action {
                EditAction::Set(value) if is_last => items[*index] = node_from_json(value),
                EditAction::Remove if is_last => {
                    items.remove(*index);
                }
                _ => return edit_value(&mut items[*index], deeper, action),
            }
            Ok(())
        }
        _ => Err(Error::NoValue),
    }
}

/// Converts JSON to the node that our reader would return for it, without a place in a file.
fn node_from_json(value: &Json) -> Node {
    let tree = match value {
        Json::Null => Tree::Null,
        Json::Bool(value) => Tree::Bool(*value),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Tree::Number(number.to_string()), Tree::Integer),
        Json::String(text) => Tree::Text(text.clone()),
        Json::Array(items) => Tree::List(items.iter().map(node_from_json).collect()),
        Json::Object(members) => {
            let entries = members.iter().map(|(name, value)| Entry {
                key: name.clone(),
                key_mark: Mark::default(),
                value: node_from_json(value),
            });
            Tree::Map(entries.collect())
        }
    };
    Node {
        tree,
        mark: Mark::default(),
    }
}
