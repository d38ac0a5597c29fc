//! Reads `changes`: fields of an object or of an edition that begin on a date.
//!
//! In goes a list, out come [`DatedChange`]s in the order of the file; what is wrong in one by itself is a finding. When a
//! day begins, and whether two begin at once, depends on the zone of the run and is settled in `compose`.

use super::reader::MapReader;
use super::table::{Form, map_table};
use super::text_type::MOMENT;
use super::values::{MemberValue, Values};
use crate::model::dated::DatedChange;
use crate::model::{Mark, Node, Tree};

map_table! {
    pub CHANGE "a change": "Fields that begin on a date. Of several that have begun, the last wins, field by field." {
        from: Form::Text(&MOMENT), required: true, "The day on which it begins, at midnight UTC, or the very moment, for \
            example `2027-07-01` or `2027-07-01T06:00:00+02:00`.";
        desired: Form::Unread, required: true, "The fields from then on, in the vendor's own names. A field left out stays \
            as it is; an element with `absent: true` is taken out of its list.";
    }
    prefix: "changes."
}

/// Reads the member `changes` of an object; `None`, after a finding, if one of them is refused.
pub fn read_changes(node: &Node, reader: &mut MapReader<'_>) -> Option<Vec<DatedChange>> {
    let Tree::List(items) = &node.tree else {
        return reader.wrong_type(&"changes", "a list of changes", node);
    };
    let items = items.iter().map(|item| {
        let values = reader.read(&CHANGE, item)?;
        read_change(values, reader)
    });
    // Each is read, so that one run shows all mistakes.
    items.collect::<Vec<_>>().into_iter().collect()
}

/// Takes `changes` out of the values of an edition, which were read by its table; `None` if one of them was refused.
pub fn take_changes(
    values: &mut Values<'_>,
    reader: &mut MapReader<'_>,
) -> Option<Vec<DatedChange>> {
    let listed = match values.node_of("changes").map(|node| &node.tree) {
        Some(Tree::List(items)) => items.len(),
        Some(_) | None => 0,
    };
    let read: Option<Vec<(MemberValue<'_>, Mark)>> = values.take_optional("changes")?;
    let read = read.unwrap_or_default();
    let is_whole = read.len() == listed;
    let changes = read.into_iter().map(|(value, _)| match value {
        MemberValue::Map(values) => read_change(values, reader),
        _ => None,
    });
    let changes: Vec<_> = changes.collect();
    changes
        .into_iter()
        .collect::<Option<_>>()
        .filter(|_| is_whole)
}

/// Reads one change; `None`, after a finding, if a member is missing or refused.
fn read_change(mut values: Values<'_>, reader: &mut MapReader<'_>) -> Option<DatedChange> {
    let mark = values.node_of("from").map(|node| node.mark);
    let from = values.take("from");
    let desired = match values.node_of("desired")? {
        desired if matches!(desired.tree, Tree::Map(_)) => desired.clone(),
        desired => return reader.wrong_type(&"changes.desired", "a map of fields", desired),
    };
    Some(DatedChange {
        from: from?,
        mark: mark?,
        desired,
    })
}
