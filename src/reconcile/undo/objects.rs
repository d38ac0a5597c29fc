//! Makes the objects of an undo: those of manifests without their wishes, and those that no manifest names any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::table_of;
use crate::apply::journal::Intent;
use crate::model::diagnostic::Source;
use crate::model::resource::ComingStates;
use crate::model::{
    Address, CreationFields, Desired, Field, Fields, LayerNames, Mark, Need, Origin, OwnPolicy,
    PackedFields, References,
};
use crate::plan::field_json::fields_from_json;
use crate::provider;
use crate::reconcile::{Checked, account_of};

/// The reason why the object of a past write cannot be made without a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoObject {
    #[error("unknown kind {0}")]
    UnknownKind(String),
    /// No connection of today leads to the account of the write.
    #[error("the manifests have no connection to {base_url}, where `{connection}` led then")]
    NoConnection {
        base_url: String,
        connection: String,
    },
}

/// Returns the fields that every write carries, with their live values: the values in today's manifest were no part
/// of the run.
pub(super) fn carried_as_live(table: &'static [Field], live: &Fields) -> Fields {
    let required = table.iter().filter(|field| field.need == Need::InManifest);
    required
        .filter_map(|field| Some((field.name, live.get(field.name)?.clone())))
        .collect()
}

/// Returns the object of a manifest with no wanted fields but those that every write has to carry and no read
/// returns.
pub(super) fn bare_object(manifest: &Desired, intent: &Intent) -> Desired {
    let table = table_of(manifest.address.kind.0);
    let mut fields = fields_from_json(table, &intent.unread);
    for field in table {
        let unread = field.need == Need::InManifest;
        if let Some(value) = manifest.fields.get(field.name).filter(|_| unread) {
            fields.insert(field.name, value);
        }
    }
    Desired {
        fields: PackedFields::new(table, &fields),
        creation: CreationFields::default(),
        coming: ComingStates::default(),
        ..manifest.clone()
    }
}

/// Makes the object of an intent that no manifest names.
///
/// `Err` if this version does not know the kind, or no connection leads to the account of the intent.
pub fn unmanaged_object(
    intent: &Intent,
    checked: &Checked,
    source: &Arc<Source>,
) -> Result<Desired, NoObject> {
    let subject = intent.subject();
    let kind = provider::find_kind(subject.kind);
    let kind = kind.ok_or_else(|| NoObject::UnknownKind(subject.kind.to_string()))?;
    let table = kind.table();
    let leads = |name: &&String| {
        checked
            .connections
            .get(*name)
            .is_some_and(|connection| connection.vendor == table.vendor)
            && subject.vendor_account().may_be(&account_of(checked, name))
    };
    let mut connections = checked.source.connections.keys().filter(leads);
    let connection = connections.next().ok_or_else(|| NoObject::NoConnection {
        base_url: intent.base_url.clone(),
        connection: intent.connection.clone(),
    })?;
    let name = intent.address.split_once('/').map_or("", |(_, name)| name);
    let keyed = intent.identity.get(table.id_member()).is_none();
    let ids = table.naming(keyed);
    Ok(Desired {
        address: Address {
            kind: table.kind,
            name: name.to_string(),
        },
        vendor: table.vendor,
        connection: connection.as_str().into(),
        identity: ids
            .filter_map(|id| Some((id.name, intent.identity.get(id.name)?.clone())))
            .collect(),
        fields: PackedFields::new(
            table.desired,
            &fields_from_json(table.desired, &intent.unread),
        ),
        creation: CreationFields::default(),
        policy: OwnPolicy::default(),
        labels: BTreeMap::new(),
        origin: Origin {
            source: Arc::clone(source),
            mark: Mark::default(),
        },
        references: References::default(),
        layers: LayerNames::default(),
        coming: ComingStates::default(),
    })
}
