//! Finds the manifest of a live object, whether it names the object by the vendor's ids or by a key.
//!
//! In: the manifests, and objects that a list showed, which it knows by their ids. Out: the manifest of each. For a user
//! group whose manifest says `userGroup: {name: Sales}`, the name is taken from the fields of the listed group.

use std::collections::BTreeMap;

use crate::model::{Desired, KindTable, Live, Observed, Text, Value};
use crate::provider::ResourceKind;
use crate::provider::listing::{Identity, ListedObject};
use crate::reconcile::Checked;

/// The objects of one kind that manifests describe at a connection.
pub struct ManagedObjects<'a> {
    table: &'static KindTable,
    /// Manifests by the ids or the key that they give.
    by_identity: BTreeMap<&'a Identity, &'a Desired>,
}

impl<'a> ManagedObjects<'a> {
    pub fn of(checked: &'a Checked, connection: &str, kind: &dyn ResourceKind) -> Self {
        let table = kind.table();
        let managed = checked
            .desired
            .iter()
            .filter(|desired| desired.connection == connection)
            .filter(|desired| desired.address.kind == table.kind);
        Self {
            table,
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
        self.find_identity(&object.identity)
            .or_else(|| self.find_identity(&key_identity(self.table, object)?))
    }

    /// Returns the manifest that gives these ids, or this key.
    pub fn find_identity(&self, identity: &Identity) -> Option<&'a Desired> {
        self.by_identity.get(identity).copied()
    }
}

/// Returns the identity that a manifest has which names the object by its key. `None` if the kind has no key, or the read
/// does not show it.
fn key_identity(table: &KindTable, object: &ListedObject) -> Option<Identity> {
    let Observed::Live(live) = &object.observed else {
        return None;
    };
    table.lifecycle.key?;
    let members = table.naming(true).map(|member| {
        let mut ids = object.identity.iter();
        let id = ids.find(|(name, _)| *name == member.name);
        let id = id.map(|(_, id)| id.clone());
        Some((member.name, id.or_else(|| text_of(live, member.name))?))
    });
    members.collect()
}

/// Returns a member of a key: a field that is a text, or a fact.
fn text_of(live: &Live, name: &str) -> Option<Text> {
    match live.fields.get(name) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => live.text(name).map(Text::from),
    }
}
