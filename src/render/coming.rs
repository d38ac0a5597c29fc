//! Words for what changes later by date, the same in every format for people.

use super::change::describe_change;
use crate::model::wording::pluralize;
use crate::plan::coming::{ComingChanges, ComingEntry};

/// Returns a line for each of the next moments, and one that counts the rest.
///
/// For example `2027-07-01: activations_allowed 25 → 40` and `2 more changes later`.
pub fn describe_coming(coming: &ComingChanges) -> Vec<String> {
    let more = match coming.more {
        0 => None,
        more => Some(format!("{} later", pluralize(more, "more change"))),
    };
    let next = coming.next.iter().map(describe_entry);
    next.chain(more).collect()
}

/// Says who carries out a change, if it is not `entitle`.
pub fn carrier(at_vendor: bool) -> &'static str {
    if at_vendor {
        ", scheduled at the vendor"
    } else {
        ""
    }
}

/// Returns the line of one moment.
pub fn describe_entry(entry: &ComingEntry) -> String {
    let changes: Vec<String> = entry.changes.iter().map(describe_change).collect();
    format!(
        "{}: {}{}",
        entry.from,
        changes.join("; "),
        carrier(entry.at_vendor)
    )
}
