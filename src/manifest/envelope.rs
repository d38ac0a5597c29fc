//! What every document has around its spec: whose it is, its name and its labels.

use std::collections::BTreeMap;

use super::members::Reader;
use crate::model::address::name_fault;
use crate::model::draft::KindRow;
use crate::model::{Diagnostic, Node, Tree};

/// The format this version reads.
pub const API_VERSION: &str = "entitle.dev/v1";

/// Whose a document is.
pub enum Envelope {
    Ours,
    /// Ours, and not as this version reads it; that has been reported.
    Wrong,
    /// Another tool's.
    Foreign,
}

/// Whose a document is, by its version and kind.
pub fn of(document: &Node, kinds: &[KindRow], reader: &mut Reader<'_>) -> Envelope {
    let kind_text = document.get("kind").and_then(Node::text);
    match document.get("apiVersion").and_then(Node::text) {
        Some(API_VERSION) => Envelope::Ours,
        Some(version) if version.starts_with("entitle.") => {
            let mark = document
                .get("apiVersion")
                .map_or(document.mark, |node| node.mark);
            let message = format!("unknown version {version:?}");
            let finding = Diagnostic::error("unknown-version", message)
                .hint(format!("this version of entitle reads `{API_VERSION}`"));
            reader.report(finding, mark);
            Envelope::Wrong
        }
        _ if kind_text.is_some_and(|kind| kinds.iter().any(|row| row.kind.0 == kind)) => {
            let finding =
                Diagnostic::error("missing-field", "a document needs the field `apiVersion`")
                    .hint(format!("add `apiVersion: {API_VERSION}`"));
            reader.report(finding, document.mark);
            Envelope::Wrong
        }
        _ => Envelope::Foreign,
    }
}

/// The name and the labels; nothing if there is no usable name.
pub fn metadata(
    document: &Node,
    reader: &mut Reader<'_>,
) -> Option<(String, BTreeMap<String, String>)> {
    let Some(metadata) = document.get("metadata") else {
        reader.missing("a document", "metadata", document.mark);
        return None;
    };
    let entries = reader.members("metadata", metadata, &["name", "labels", "annotations"]);
    let mut labels = BTreeMap::new();
    for entry in entries {
        if entry.key == "labels" || entry.key == "annotations" {
            let texts = text_map(&entry.key, &entry.value, reader);
            if entry.key == "labels" {
                labels = texts;
            }
        }
    }
    let Some(node) = metadata.get("name") else {
        reader.missing("metadata", "name", metadata.mark);
        return None;
    };
    let name = reader.text("metadata.name", node)?;
    if let Some(fault) = name_fault(&name) {
        reader.report(
            Diagnostic::error("bad-name", format!("the name {name:?} {fault}")),
            node.mark,
        );
        return None;
    }
    Some((name, labels))
}

fn text_map(what: &str, node: &Node, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    if node.tree == Tree::Null {
        return texts;
    }
    if !matches!(node.tree, Tree::Map(_)) {
        reader.wrong_type(what, "a map of texts", node);
    }
    for entry in node.entries() {
        match &entry.value.tree {
            Tree::Text(text) => {
                texts.insert(entry.key.clone(), text.clone());
            }
            _ => reader.wrong_type(&format!("{what}.{}", entry.key), "text", &entry.value),
        }
    }
    texts
}
