//! Selects what changes next by date. Pure.

use jiff::Timestamp;

use crate::daemon::status::{ObjectStatus, Status};
use crate::plan::coming::ComingEntry;
use crate::plan::mass_change::{ChangeTally, MassChange};

/// A change that comes, with its object.
pub struct NextChange<'a> {
    pub at: Timestamp,
    pub object: &'a ObjectStatus,
    pub entry: &'a ComingEntry,
}

/// Returns the changes that begin for so many objects at once that the daemon will hold them back.
pub fn list_mass_changes(status: &Status, now: Timestamp) -> Vec<MassChange> {
    let mut tally = ChangeTally::default();
    for object in &status.objects {
        tally.add_object(&object.connection);
    }
    for change in list_next_changes(status, now) {
        let (connection, entry) = (&change.object.connection, change.entry);
        tally.add_change(connection, &entry.from, &entry.at);
    }
    tally.find()
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
