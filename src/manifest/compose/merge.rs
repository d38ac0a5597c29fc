//! Lays the fields of one layer over those of another.

use crate::model::field::{Elements, find_field};
use crate::model::node::Entry;
use crate::model::{Diagnostic, ElementKey, Field, Mark, Node, Shape, Tree};

/// The member of an element that takes out the one below it.
pub const ABSENT: &str = "absent";

/// The code of the finding that an element takes nothing out.
pub const NOTHING_TO_TAKE_OUT: &str = "nothing-to-take-out";

/// What laying trees over each other has shown, with marks of the trace.
#[derive(Default)]
pub struct Found {
    pub findings: Vec<(Diagnostic, Mark)>,
    /// The places of elements that took one out.
    pub taken_out: Vec<Mark>,
}

/// Lays `over` over `base`. A field of `over` replaces the one below it; the elements of keyed lists are merged by their
/// keys, and objects of which the table knows the members by those.
///
/// For example `Features: [{name: Viewer, count: 2}, {name: Reports, absent: true}]` over a list with `Viewer` and
/// `Reports` leaves `Viewer`, with a count of 2 and its other members from below.
pub fn lay_over(
    base: &mut Vec<Entry>,
    over: Vec<Entry>,
    fields: &'static [Field],
    found: &mut Found,
) {
    for entry in over {
        let field = find_field(fields, &entry.key).filter(|field| field.record_member().is_none());
        let below = base.iter_mut().find(|below| below.key == entry.key);
        match (field.map(|field| &field.shape), entry.value.tree, below) {
            (Some(Shape::Keyed(elements)), Tree::List(items), below) => {
                let value = Node {
                    tree: Tree::List(Vec::new()),
                    mark: entry.value.mark,
                };
                let list = match below {
                    Some(below) => &mut below.value,
                    None => &mut push(base, entry.key, entry.key_mark, value).value,
                };
                lay_elements_over(list, items, elements, found);
            }
            // An object whose members are fields of their own: `address.city`.
            (None, Tree::Map(inside), Some(below)) if matches!(below.value.tree, Tree::Map(_)) => {
                if let Tree::Map(entries) = &mut below.value.tree {
                    lay_over(entries, inside, &[], found);
                }
            }
            (_, tree, Some(below)) => {
                let mark = entry.value.mark;
                (below.key_mark, below.value) = (entry.key_mark, Node { tree, mark });
            }
            (_, tree, None) => {
                let mark = entry.value.mark;
                push(base, entry.key, entry.key_mark, Node { tree, mark });
            }
        }
    }
}

fn push(entries: &mut Vec<Entry>, key: String, key_mark: Mark, value: Node) -> &mut Entry {
    entries.push(Entry {
        key,
        key_mark,
        value,
    });
    let last = entries.len() - 1;
    &mut entries[last]
}

/// Lays elements over a list; over anything else, such as null, as over an empty one.
fn lay_elements_over(
    list: &mut Node,
    items: Vec<Node>,
    elements: &'static Elements,
    found: &mut Found,
) {
    if !matches!(list.tree, Tree::List(_)) {
        list.tree = Tree::List(Vec::new());
    }
    let Tree::List(below) = &mut list.tree else {
        return;
    };
    for mut item in items {
        let is_absent = match read_absent(&mut item) {
            Ok(is_absent) => is_absent,
            Err(finding) => {
                found.findings.push(*finding);
                continue;
            }
        };
        let key = key_of(elements, &item);
        let index = key.as_ref().and_then(|key| {
            below
                .iter()
                .position(|one| key_of(elements, one).as_ref() == Some(key))
        });
        match (index, item.tree) {
            (Some(index), _) if is_absent => {
                found.taken_out.push(item.mark);
                below.remove(index);
            }
            (None, _) if is_absent => {
                let finding =
                    Diagnostic::warning(NOTHING_TO_TAKE_OUT, "there is no such element below")
                        .hint("leave it out of the list");
                found.findings.push((finding, item.mark));
            }
            (Some(index), Tree::Map(entries)) => {
                if let Tree::Map(base) = &mut below[index].tree {
                    lay_over(base, entries, elements.fields, found);
                }
            }
            (_, tree) => below.push(Node { tree, ..item }),
        }
    }
}

/// Takes `absent: true` out of an element and reports whether it was there. `Err` for another value.
fn read_absent(item: &mut Node) -> Result<bool, Box<(Diagnostic, Mark)>> {
    let Tree::Map(entries) = &mut item.tree else {
        return Ok(false);
    };
    let Some(index) = entries.iter().position(|entry| entry.key == ABSENT) else {
        return Ok(false);
    };
    let entry = entries.remove(index);
    if entry.value.tree == Tree::Bool(true) {
        return Ok(true);
    }
    let message = format!("`absent` must be true, not {}", entry.value.describe());
    let finding = Diagnostic::error("wrong-type", message)
        .hint("leave the member out of an element that stays");
    Err(Box::new((finding, entry.value.mark)))
}

/// Returns the key of an element; `None` if a part of it is missing or no text, which the audit reports.
pub fn key_of(elements: &Elements, item: &Node) -> Option<ElementKey> {
    let parts = elements.key.iter();
    let parts = parts.map(|name| Some(item.get(name)?.text()?.into()));
    Some(ElementKey::new(
        parts.collect::<Option<_>>()?,
        elements.fold,
    ))
}
