//! Selects what changes next by date. Pure.

use jiff::Timestamp;

use crate::daemon::status::{ObjectStatus, Status};
use crate::plan::coming::ComingEntry;

/// A change that comes, with its object.
pub struct NextChange<'a> {
    pub at: Timestamp,
    pub object: &'a ObjectStatus,
    pub entry: &'a ComingEntry,
}

/// Returns the changes that lie ahead, in the order of time: of each object those that its status has.
pub fn list_next_changes(status: &Status, now: Timestamp) -> Vec<NextChange<'_>> {
    let objects = status.objects.iter();
    let changes = objects.flat_map(|object| {
        let entries = object.coming.next.iter();
        entries.filter_map(move |entry| {
            let at = entry.at.parse().ok().filter(|at| *at > now)?;
            Some(NextChange { at, object, entry })
        })
    });
    let mut changes: Vec<NextChange<'_>> = changes.collect();
    changes.sort_by(|a, b| (a.at, &a.object.address).cmp(&(b.at, &b.object.address)));
    changes
}
