//! Finds the manifest of a live object, whether it names the object by the vendor's ids or by a key.
//!
//! In: the manifests, and objects that a list showed, which it knows by their ids. Out: the manifest of each. For a user
//! group whose manifest says `userGroup: {name: Sales}`, the name is taken from the fields of the listed group.

use std::collections::BTreeMap;

use crate::model::{Desired, Observed};
use crate::provider::ResourceKind;
use crate::provider::listing::{Identity, ListedObject};
use crate::reconcile::Checked;

/// The objects of one kind that manifests describe at a connection.
pub struct ManagedObjects<'a> {
    kind: &'a dyn ResourceKind,
    /// Manifests by the ids or the key that they give.
    by_identity: BTreeMap<&'a Identity, &'a Desired>,
}

impl<'a> ManagedObjects<'a> {
    pub fn of(checked: &'a Checked, connection: &str, kind: &'a dyn ResourceKind) -> Self {
        let table = kind.table();
        let managed = checked
            .desired
            .iter()
            .filter(|desired| desired.connection == connection)
            .filter(|desired| desired.address.kind == table.kind);
        Self {
            kind,
            by_identity: managed
                .map(|desired| (&desired.identity, desired.as_ref()))
                .collect(),
        }
    }

    /// Returns all of them, in the order of their identities.
    pub fn iter(&self) -> impl Iterator<Item = &'a Desired> + use<'_, 'a> {
        self.by_identity.values().copied()
    }

    /// Returns the manifest of an object; `None` if there is none.
    pub fn find(&self, object: &ListedObject) -> Option<&'a Desired> {
        self.find_identity(&object.identity).or_else(|| {
            let mut keyed = self.keyed_identities(object).into_iter();
            keyed.find_map(|identity| self.find_identity(&identity))
        })
    }

    /// Returns the manifest that gives these ids, or this key.
    pub fn find_identity(&self, identity: &Identity) -> Option<&'a Desired> {
        self.by_identity.get(identity).copied()
    }

    /// Returns the identities that manifests have which name the object by a key; empty if the read shows none.
    fn keyed_identities(&self, object: &ListedObject) -> Vec<Identity> {
        let Observed::Live(live) = &object.observed else {
            return Vec::new();
        };
        let table = self.kind.table();
        let keys = self.kind.natural_keys(live).into_iter();
        let identities = keys.map(|key| {
            let members = table.naming(true).map(|member| {
                let mut known = object.identity.iter().chain(&key);
                known.find(|(name, _)| *name == member.name).cloned()
            });
            members.collect::<Option<Identity>>()
        });
        identities.flatten().collect()
    }
}
