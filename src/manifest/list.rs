//! Takes lists of manifests apart: `kind: List` with `items`, as `kubectl get -o yaml` prints, and a sequence at the
//! top of a document. Their items are read as documents of their own, each at its own place.

use super::envelope::API_VERSION;
use crate::model::draft::KindRow;
use crate::model::{Mark, Node, Tree};

/// Returns the node with the items of a list; `None` for any other document.
fn items_of(node: &Node) -> Option<&Node> {
    match &node.tree {
        Tree::List(_) => Some(node),
        Tree::Map(_) if node.get("kind").and_then(Node::text) == Some("List") => {
            let items = node.get("items")?;
            matches!(items.tree, Tree::List(_)).then_some(items)
        }
        _ => None,
    }
}

/// Returns the items themselves; none if the node is no list.
fn nodes(list: &Node) -> &[Node] {
    match &list.tree {
        Tree::List(items) => items,
        _ => &[],
    }
}

/// Reports whether a document is a list with something of ours in it.
pub fn is_manifest_list(document: &Node, kinds: &[KindRow]) -> bool {
    let version = document.get("apiVersion").and_then(Node::text);
    items_of(document).is_some_and(|list| {
        version == Some(API_VERSION) || nodes(list).iter().any(|item| is_ours(item, kinds))
    })
}

/// Reports whether an item is one of our documents, or a list of some.
fn is_ours(item: &Node, kinds: &[KindRow]) -> bool {
    let text = |name: &str| item.get(name).and_then(Node::text);
    text("apiVersion").is_some_and(|version| version.starts_with("entitle."))
        || text("kind").is_some_and(|kind| kinds.iter().any(|row| row.kind.0 == kind))
        || is_manifest_list(item, kinds)
}

/// Goes through the documents of a text. The items of a list of manifests come one by one in place of the list, and so
/// do those of a list inside it.
pub struct Documents<'k> {
    kinds: &'k [KindRow],
    /// The documents and items that are left, the next one last.
    left: Vec<Node>,
}

impl<'k> Documents<'k> {
    /// Goes through `documents` in their order. `kinds` decides which lists hold manifests.
    pub fn new(mut documents: Vec<Node>, kinds: &'k [KindRow]) -> Self {
        documents.reverse();
        Self {
            kinds,
            left: documents,
        }
    }

    /// Returns how many documents are left, each list counted as one.
    pub fn remaining(&self) -> usize {
        self.left.len()
    }
}

impl Iterator for Documents<'_> {
    type Item = Node;

    /// Returns the next document that is no list of manifests; its node keeps the place that it has in the file.
    fn next(&mut self) -> Option<Node> {
        loop {
            let mut document = self.left.pop()?;
            if !is_manifest_list(&document, self.kinds) {
                return Some(document);
            }
            let list = match &document.tree {
                Tree::Map(_) => document.get_mut("items").map(Node::take),
                _ => Some(document),
            };
            if let Some(Tree::List(items)) = list.map(|list| list.tree) {
                self.left.extend(items.into_iter().rev());
            }
        }
    }
}

/// Returns the document, or the item of a list, that begins at a place.
pub fn find_at(document: Node, mark: Mark) -> Option<Node> {
    if document.mark == mark && !matches!(document.tree, Tree::List(_)) {
        return Some(document);
    }
    let list = items_of(&document)?.clone();
    let Tree::List(items) = list.tree else {
        return None;
    };
    items.into_iter().find_map(|item| find_at(item, mark))
}

/// Reports whether a document is a list, of manifests or of anything else.
pub fn is_list(document: &Node) -> bool {
    items_of(document).is_some()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::manifest::testing::kinds;
    use crate::manifest::yaml;
    use crate::model::Diagnostics;
    use crate::model::diagnostic::Source;

    fn read(text: &str) -> Vec<Node> {
        let source = Arc::new(Source::new("t.yaml".into(), text.into()));
        yaml::parse(&source, &mut Diagnostics::default())
    }

    fn lines(text: &str) -> Vec<u32> {
        let kinds = kinds();
        let documents = Documents::new(read(text), &kinds);
        documents.map(|document| document.mark.line).collect()
    }

    #[test]
    fn items_of_a_list_of_manifests_are_documents() {
        let of_kind = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: entitle.dev/v1\n  kind: Order\n- kind: Pod\n";
        assert_eq!(lines(of_kind), [4, 6]);
        let sequence = "# ours\n- apiVersion: entitle.dev/v1\n- - kind: Order\n  - a: 1\n";
        assert_eq!(lines(sequence), [2, 3, 4]);
        // Of another version, so that the finding is about the item.
        assert_eq!(lines("- apiVersion: entitle.dev/v2\n"), [1]);
        let empty = "apiVersion: entitle.dev/v1\nkind: List\nitems: []\n";
        assert!(lines(empty).is_empty());
    }

    #[test]
    fn other_lists_are_one_document_of_another_tool() {
        for text in [
            "- hosts: all\n  tasks: []\n- hosts: none\n",
            "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod}]\n",
            "kind: List\nitems: entitle.dev/v1\n",
            "[]\n",
        ] {
            assert_eq!(lines(text), [1], "{text}");
        }
    }

    #[test]
    fn an_item_is_found_by_its_place() {
        let text = "kind: List\nitems:\n- {kind: Order, a: 1}\n- {kind: Order, a: 2}\n";
        let document = read(text).remove(0);
        let mark = nodes(document.get("items").unwrap())[1].mark;
        let found = find_at(document.clone(), mark).unwrap();
        assert_eq!(found.get("a").unwrap().tree, Tree::Integer(2));
        assert!(is_list(&document) && find_at(document, Mark::default()).is_none());
    }
}
