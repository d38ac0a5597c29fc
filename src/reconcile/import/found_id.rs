//! Puts the vendor's id into a manifest that names its object by a key: the id takes the place of the key.
//!
//! In: the document, and the object as it was read by the key. Out: edits, of which the removals come last.
//!
//! ```text
//! before    spec: {organizationId: o, userGroup: {name: Sales}, policy: {create: true}, desired: {…}}
//! after     spec: {organizationId: o, userGroupId: g1, desired: {…}}
//! ```
//!
//! An object with an id is there already, so the permission to create it goes. A member of the key that is a field which
//! the manifest must state, such as the `customer_id` of a LAC order, moves to `desired`.

use serde_json::Value as Json;

use super::spell_id;
use crate::manifest::edit::{Edit, EditAction, PathStep};
use crate::model::field::find_field;
use crate::model::{Desired, KindTable, Live, Need, Node};

/// The id that takes the place of a key in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundId {
    /// The member of `spec` that names the object from now on, and the id.
    pub name: &'static str,
    pub id: String,
    /// The member that named it before.
    pub key: &'static str,
}

impl FoundId {
    /// Returns the id that a read found for a manifest with a key; `None` if the manifest has the id.
    pub fn of(table: &KindTable, desired: &Desired, live: &Live) -> Option<Self> {
        let key = table.lifecycle.key.filter(|_| desired.is_keyed(table))?;
        Some(Self {
            name: key.replaces,
            id: live.text(key.replaces)?.to_string(),
            key: key.member,
        })
    }

    /// Returns the edits that put it into the document of the object.
    pub fn edits(&self, table: &KindTable, desired: &Desired, document: &Node) -> Vec<Edit> {
        let path = |names: &[&str]| {
            let steps = names.iter();
            let steps = steps.map(|name| PathStep::Member((*name).to_string()));
            steps.collect::<Vec<_>>()
        };
        let set = |names: &[&str], value: Json| Edit {
            path: path(names),
            action: EditAction::Set(value),
        };
        let shape = table.identity.iter().find(|id| id.name == self.name);
        let id = shape.map_or(Json::from(&*self.id), |id| spell_id(&id.shape, &self.id));
        let mut edits = vec![
            Edit {
                path: path(&["spec", self.key]),
                action: EditAction::Rename(self.name.to_string()),
            },
            set(&["spec", self.name], id),
        ];
        for member in table.lifecycle.key.map_or(&[][..], |key| key.fields) {
            let field = find_field(table.desired, member.name);
            let is_needed = field.is_some_and(|field| field.need == Need::InManifest);
            if is_needed && !desired.fields.contains_key(member.name) {
                let value = spell_id(&member.shape, desired.id(member.name));
                edits.push(set(&["spec", "desired", member.name], value));
            }
        }
        let policy = document.get("spec").and_then(|spec| spec.get("policy"));
        let policy = policy.filter(|policy| policy.get("create").is_some());
        if let Some(policy) = policy {
            let all = path(&["spec", "policy", "create"]);
            let is_alone = policy.entries().len() == 1;
            edits.push(Edit {
                path: all[..if is_alone { 2 } else { 3 }].to_vec(),
                action: EditAction::Remove,
            });
        }
        edits
    }
}
