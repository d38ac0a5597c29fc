//! Finds objects that lost their manifest: those that the journal knows from files which were read, and that no manifest
//! names any more.
//!
//! For example a run agreed on the row `brooks` of `licences/customers.csv`, and that table was read without it. An object
//! of a file that was not read, or of another environment, may well have a manifest.

use std::collections::BTreeSet;

use super::{Checked, account_of};
use crate::apply::journal::ManagedObject;
use crate::apply::memory::{Memory, ObjectKey, kind_of_address, object_keys};
use crate::files::tree_name::is_below;
use crate::plan::left::LeftEntry;
use crate::provider;

/// The objects of manifests, all of them, and the files that were read.
pub struct ManifestCoverage {
    keys: BTreeSet<ObjectKey>,
    connections: BTreeSet<String>,
    /// The names of files and directories.
    read: Vec<String>,
    environment: Option<String>,
}

/// Objects that lost their manifest, as the journal knows them.
pub type LeftObjects = Vec<(ObjectKey, ManagedObject)>;

impl ManifestCoverage {
    /// Notes the objects of manifests that were not narrowed. `read` are the names of what was read.
    pub fn of(checked: &Checked, read: Vec<String>) -> Self {
        let keys = checked.desired.iter().flat_map(|object| {
            let account = account_of(checked, &object.connection);
            object_keys(object, &account)
        });
        Self {
            keys: keys.collect(),
            connections: checked.connections.keys().cloned().collect(),
            read,
            environment: checked.source.environment.clone(),
        }
    }

    /// Returns the objects that are not among these any more, in the order of their addresses.
    pub fn find_left(&self, memory: &Memory) -> LeftObjects {
        let others = memory.managed_beside(&self.keys);
        let left = others.filter(|(_, object)| {
            self.connections.contains(&object.connection)
                && object.manifest.environment == self.environment
                && is_below(&object.manifest.file, &self.read)
        });
        let mut left: LeftObjects = left.map(|(key, object)| (key, object.clone())).collect();
        left.sort_by(|(_, one), (_, other)| one.address.cmp(&other.address));
        left
    }
}

/// Returns the objects as a plan names them.
pub fn left_entries(left: &LeftObjects) -> Vec<LeftEntry> {
    let entry = |(_, object): &(ObjectKey, ManagedObject)| {
        let kind = provider::find_kind(kind_of_address(&object.address));
        LeftEntry {
            address: object.address.clone(),
            connection: object.connection.clone(),
            identity: object.identity.clone(),
            set: object.manifest.set.clone(),
            file: object.manifest.file.clone(),
            can_be_removed: kind.is_some_and(|kind| kind.table().lifecycle.remove.is_some()),
        }
    };
    left.iter().map(entry).collect()
}
