//! Lists the values of an object as it was written, each by the path that plans print for it.

use super::written::ResolvedObject;
use crate::manifest::compose::key_of;
use crate::model::field::find_field;
use crate::model::node::Entry;
use crate::model::{Field, Node, Shape, Tree};

/// Lists the values of a whole object by their paths, such as `Features[Viewer 2.0].count`; those of its identity first, then those
/// of `connection`, `labels` and `policy`, and its fields.
pub fn leaves(object: &ResolvedObject) -> Vec<(String, &Node)> {
    let mut found = Vec::new();
    for entry in &object.draft.identity {
        collect_value(&entry.value, member_path("", &entry.key), &[], &mut found);
    }
    let kept = &object.kept;
    let members = [
        ("connection", &kept.connection),
        ("labels", &kept.labels),
        ("policy", &kept.policy),
    ];
    for (name, node) in members {
        if let Some(node) = node {
            collect_value(node, name.to_string(), &[], &mut found);
        }
    }
    let entries = object.draft.desired.entries();
    collect_members(entries, "", object.draft.row.desired, &mut found);
    found
}

fn collect_members<'n>(
    entries: &'n [Entry],
    above: &str,
    fields: &'static [Field],
    found: &mut Vec<(String, &'n Node)>,
) {
    for Entry { key, value, .. } in entries {
        let path = member_path(above, key);
        let field = find_field(fields, key).filter(|field| field.record_member().is_none());
        match (field.map(|field| &field.shape), &value.tree) {
            (Some(Shape::Keyed(elements)), Tree::List(items)) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    let key = key_of(elements, item);
                    let key = key.map_or_else(|| index.to_string(), |key| key.to_string());
                    collect_value(item, format!("{path}[{key}]"), elements.fields, found);
                }
            }
            (Some(Shape::List(members)), _) => collect_value(value, path, members, found),
            _ => collect_value(value, path, &[], found),
        }
    }
}

fn collect_value<'n>(
    node: &'n Node,
    path: String,
    fields: &'static [Field],
    found: &mut Vec<(String, &'n Node)>,
) {
    match &node.tree {
        Tree::Map(entries) if !entries.is_empty() => collect_members(entries, &path, fields, found),
        Tree::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                collect_value(item, format!("{path}[{index}]"), fields, found);
            }
        }
        _ => found.push((path, node)),
    }
}

/// Returns the path of a member. A key that would look like a path, as free objects may have, is quoted.
fn member_path(above: &str, key: &str) -> String {
    let key = match key.contains(['.', '[', ']', '"']) || key.is_empty() {
        true => format!("[{key:?}]"),
        false if above.is_empty() => key.to_string(),
        false => format!(".{key}"),
    };
    format!("{above}{key}")
}
