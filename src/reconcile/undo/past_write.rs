//! Finds the objects of a past run among today's manifests.

use std::collections::HashMap;
use std::sync::Arc;

use crate::apply::journal::Intent;
use crate::apply::memory::runs::PastRun;
use crate::apply::memory::{self, ObjectKey};
use crate::model::Desired;
use crate::reconcile::{Checked, account_of};

/// One write of a run, and its object as it is found today.
pub struct PastWrite {
    pub intent: Intent,
    /// Today's manifest; `None` where none names the object.
    pub manifest: Option<Arc<Desired>>,
    /// Set if the journal proves that the write was carried out. Otherwise it is not taken back.
    pub is_certain: bool,
}

impl PastWrite {
    /// Returns the address that the object has today; that of the write if no manifest names it.
    pub fn address(&self) -> String {
        match &self.manifest {
            Some(manifest) => manifest.address.to_string(),
            None => self.intent.address.clone(),
        }
    }
}

/// Finds the objects of a run among today's manifests, by account and identity.
///
/// Returns one entry per write: first those carried out, then those whose end is open or unknown, which are not
/// certain.
pub fn past_writes(past: &PastRun, checked: &Checked) -> Vec<PastWrite> {
    let certain = past.carried_out.iter().map(|intent| (intent, true));
    let open = past.open.iter().map(|open| &open.intent);
    let unknown = open.chain(&past.unknown).map(|intent| (intent, false));
    let writes = certain.chain(unknown);
    let manifests = objects_by_key(checked);
    let writes = writes.map(|(intent, is_certain)| {
        let subject = intent.subject();
        let manifest = [subject.key(), subject.key_without_tenant()]
            .iter()
            .find_map(|key| manifests.get(key))
            .filter(|object| {
                subject
                    .vendor_account()
                    .may_be(&account_of(checked, &object.connection))
            });
        PastWrite {
            manifest: manifest.map(|object| Arc::clone(object)),
            intent: intent.clone(),
            is_certain,
        }
    });
    writes.collect()
}

/// Returns today's objects by every key under which a journal may know them.
fn objects_by_key(checked: &Checked) -> HashMap<ObjectKey, &Arc<Desired>> {
    let objects = checked.desired.iter();
    let by_key = objects.flat_map(|object| {
        let keys = memory::object_keys(object, &account_of(checked, &object.connection));
        keys.map(|key| (key, object))
    });
    by_key.collect()
}
