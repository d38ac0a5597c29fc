//! Formats manifests: puts the members of the envelope into one order and leaves everything else as it is.
//!
//! In goes the text of a file, out comes a [`Formatted`]; reading and writing files is the caller's.
//!
//! Nothing below `spec.desired`, `spec.policy` or a map of labels is touched: their order is the author's.
//! Documents of other tools, and documents that the editor cannot change without changing a value or a
//! comment, stay as they are.
//!
//! For example `kind`, `spec`, `apiVersion`, `metadata` becomes `apiVersion`, `kind`, `metadata`, `spec`, and each
//! member takes its comments and the lines below it along. Members that no table names keep their order, behind the
//! others.

use super::edit::{self, EditError, PathStep};
use super::envelope::{API_VERSION, DOCUMENT, METADATA, object_members};
use super::own_kind::OwnKind;
use super::reorder::reorder_lines;
use crate::model::draft::KindRow;
use crate::model::{Node, Tree};

/// A formatted text, and the documents in it that were not formatted.
#[derive(Clone, Debug, PartialEq)]
pub struct Formatted {
    pub text: String,
    /// Documents that stay as they are though they have another order, by line, with the reason.
    pub left: Vec<(u32, EditError)>,
}

/// Formats every manifest in a text; `None` if the text is not valid YAML.
///
/// Each document is formatted by itself: one that cannot be formatted stays as it is and is named in `left`, by its
/// line in the whole text, counted from 1.
pub fn format(text: &str, kinds: &[KindRow]) -> Option<Formatted> {
    // The mark that some editors put before everything stays before everything.
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let documents = edit::parse_documents(body)?.len();
    let mut formatted = Formatted {
        text: mark.to_string(),
        left: Vec::new(),
    };
    let (mut lines, mut seen) = (0, 0);
    for part in edit::split_documents(body) {
        let nodes = edit::parse_documents(part).unwrap_or_default();
        seen += nodes.len();
        let done = match nodes.as_slice() {
            [node] => document(part, node, kinds),
            _ => Ok(part.to_string()),
        };
        match done {
            Ok(done) => formatted.text.push_str(&done),
            Err(why) => {
                let line = nodes.first().map_or(1, |node| node.mark.line);
                formatted.left.push((lines + line, why));
                formatted.text.push_str(part);
            }
        }
        lines += u32::try_from(part.matches('\n').count()).unwrap_or(u32::MAX);
    }
    // The parts are read as the whole is, or the whole stays as it is.
    if seen != documents {
        formatted.text = text.to_string();
    }
    Some(formatted)
}

/// Puts each map of one document in order. `Err` says why the document stays as it is.
fn document(part: &str, node: &Node, kinds: &[KindRow]) -> Result<String, EditError> {
    let mut text = part.to_string();
    for (way, order) in maps(node, kinds) {
        // Every change moves what comes after it, so places are looked up again.
        let now = edit::parse_documents(&text).unwrap_or_default();
        if let Some(done) = ordered(&text, &now, &way, &order)? {
            text = done;
        }
    }
    Ok(text)
}

/// Maps that have an order: the path to each from the top of the document, and the names in order.
type Maps = Vec<(Vec<PathStep>, Vec<&'static str>)>;

/// Puts one map in order: by moving lines if that is proved right, otherwise by the editor. `None` if it is in order.
///
/// Moving lines keeps blank lines and comments where their author put them; the editor also moves members that share a
/// line, as in `{kind: A, apiVersion: B}`.
fn ordered(
    text: &str,
    documents: &[Node],
    way: &[PathStep],
    order: &[&str],
) -> Result<Option<String>, EditError> {
    let Some(map) = documents.first().and_then(|node| map_at(node, way)) else {
        return Ok(None);
    };
    if in_order(map, order) {
        return Ok(None);
    }
    let rank = |key: &str| rank(key, order);
    let by_lines = reorder_lines(text, map, &rank, way.is_empty());
    if let Some(edited) = by_lines
        && proved(text, &edited, documents, way, order).is_ok()
    {
        return Ok(Some(edited));
    }
    let edited = edit::reorder_members(text, way, order)?;
    proved(text, &edited, documents, way, order).map(|()| Some(edited))
}

/// Proves an edit: every value is as it was, only places have changed, and the map is in order now.
///
/// `Err` names the first proof that fails. The third one makes formatting idempotent: a second run changes nothing.
fn proved(
    before: &str,
    after: &str,
    documents: &[Node],
    way: &[PathStep],
    order: &[&str],
) -> Result<(), EditError> {
    edit::verify_values(after, documents)?;
    if !moved_only(before, after) {
        return Err(EditError::MoveChangesMore);
    }
    let again = edit::parse_documents(after).unwrap_or_default();
    let map = again.first().and_then(|node| map_at(node, way));
    if map.is_some_and(|map| in_order(map, order)) {
        Ok(())
    } else {
        Err(EditError::NotMoved)
    }
}

/// Reports whether two texts differ by moves alone: the same characters without blanks, the same lines with `#`.
///
/// Both are compared sorted, so `b: 1 # one` below `a: 2` may become the first line. If `# one` lands behind `a: 2`,
/// the characters are still equal, but the line `b: 1 # one` is gone, and the edit is refused.
fn moved_only(before: &str, after: &str) -> bool {
    let characters = |text: &str| {
        let mut all: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
        all.sort_unstable();
        all
    };
    let commented = |text: &str| {
        let lines = text.lines().filter(|line| line.contains('#'));
        let mut all: Vec<String> = lines.map(|line| line.trim_end().to_string()).collect();
        all.sort_unstable();
        all
    };
    characters(before) == characters(after) && commented(before) == commented(after)
}

/// Lists the maps of a document that have an order, from the outside in; none in documents of other tools.
fn maps(node: &Node, kinds: &[KindRow]) -> Maps {
    let text = |name: &str| node.get(name).and_then(Node::text);
    if text("apiVersion") != Some(API_VERSION) {
        return Vec::new();
    }
    let Some(kind) = text("kind") else {
        return Vec::new();
    };
    let row = kinds.iter().find(|row| row.kind.0 == kind);
    let spec = match (row, OwnKind::of(kind)) {
        (Some(row), _) => object_members(row.identity, row.key).collect(),
        (None, Some(body)) => body.table().names().collect(),
        (None, None) => return Vec::new(),
    };
    let member = |name: &str| vec![PathStep::Member(name.to_string())];
    vec![
        (Vec::new(), DOCUMENT.names().collect()),
        (member("metadata"), METADATA.names().collect()),
        (member("spec"), spec),
    ]
}

/// Returns the map at the end of a path; `None` if there is no map, or the path leads through a list.
fn map_at<'a>(document: &'a Node, way: &[PathStep]) -> Option<&'a Node> {
    let mut node = document;
    for position in way {
        node = match position {
            PathStep::Member(name) => node.get(name)?,
            PathStep::Item(_) => return None,
        };
    }
    matches!(node.tree, Tree::Map(_)).then_some(node)
}

/// Reports whether the members of a map stand in this order.
fn in_order(map: &Node, order: &[&str]) -> bool {
    let ranks = map.entries().iter().map(|entry| rank(&entry.key, order));
    ranks.is_sorted()
}

/// Returns the index of a name in the order; for an unknown name the length, which puts it last.
fn rank(key: &str, order: &[&str]) -> usize {
    let position = order.iter().position(|name| *name == key);
    position.unwrap_or(order.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::kinds;

    fn formatted(text: &str) -> Formatted {
        format(text, &kinds()).expect("readable")
    }

    #[test]
    fn the_envelope_gets_its_order_and_comments_stay_with_their_members() {
        let text = "\
# the head
kind: Order # of kinds
# which object
spec:
  # what is wanted
  desired:
    z: 1
    a: 2 # two
  # the id
  id: x
metadata: {labels: {b: c}, name: n}
apiVersion: entitle.dev/v1
";
        let done = formatted(text);
        assert_eq!(done.left, []);
        let keys: Vec<&str> = done
            .text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .collect();
        assert_eq!(
            keys,
            [
                "apiVersion: entitle.dev/v1",
                "kind: Order # of kinds",
                "metadata: {name: n, labels: {b: c}}",
                "spec:",
                "  id: x",
                "  desired:",
                "    z: 1",
                "    a: 2 # two",
            ],
            "{}",
            done.text
        );
        let before = |comment: &str, line: &str| {
            let together = format!("{comment}\n{line}");
            assert!(
                done.text.contains(&together),
                "{together:?} is not in\n{}",
                done.text
            );
        };
        before("  # the id", "  id: x");
        before("  # what is wanted", "  desired:");
        before("# which object", "spec:");
        assert_eq!(formatted(&done.text), done, "once is enough");
    }

    #[test]
    fn our_own_kinds_get_the_order_of_their_tables() {
        let text = "kind: Notification\napiVersion: entitle.dev/v1\nspec: {events: [drift], slack: {url: {env: U}}}\nmetadata: {name: n}\n";
        let ordered = "apiVersion: entitle.dev/v1\nkind: Notification\nmetadata: {name: n}\nspec: {slack: {url: {env: U}}, events: [drift]}\n";
        assert_eq!(formatted(text).text, ordered);
    }

    #[test]
    fn other_documents_and_what_is_in_order_stay_to_the_byte() {
        for text in [
            "kind: Deployment\napiVersion: apps/v1\n",
            "kind: Order\napiVersion: entitle.dev/v2\n",
            "kind: Other\napiVersion: entitle.dev/v1\n",
            "\u{feff}apiVersion: entitle.dev/v1\r\nkind:   Order\r\nmetadata: {name: x}\r\n",
            "a: [1, 2\n  , 3]   \n\n\n",
            "",
        ] {
            assert_eq!(formatted(text).text, text);
        }
    }

    #[test]
    fn what_cannot_be_moved_is_left_and_said() {
        // The anchor stands in the member that would come second.
        let text = "spec: &s {id: x, desired: {}}\nmetadata: {name: n, annotations: *s}\nkind: Order\napiVersion: entitle.dev/v1\n";
        let done = formatted(text);
        let safe = done.text == text && done.left.len() == 1;
        let moved = done.text != text && done.left.is_empty();
        assert!(safe || moved, "{done:?}");
        assert_eq!(formatted(&done.text).text, done.text);
    }
}
