//! A saved plan made ready: the same manifests, the same connections, and nothing read yet.
//!
//! Every object is read right before its write and compared with the fingerprint that its changes were
//! computed from, so only those that moved are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Accounts, Checked, Pass, Settings, accounts};
use crate::model::Desired;
use crate::plan::document::{ObjectEntry, PlanDocument};
use crate::plan::{Action, Planned};

/// Joins a saved plan with the manifests it was made from, or says why they do not belong together.
pub fn saved(
    document: PlanDocument,
    checked: &Checked,
    settings: &Settings,
) -> Result<Pass, String> {
    if document.source.manifests != checked.source.manifests {
        return Err("the manifests are not those that the plan was made from: plan again".into());
    }
    for (name, place) in &document.source.connections {
        match checked.source.connections.get(name) {
            Some(now) if now == place => {}
            Some(now) => {
                return Err(format!(
                    "the connection `{name}` led to {place} when the plan was made and leads to {now} now"
                ));
            }
            None => return Err(format!("there is no connection `{name}` any more")),
        }
    }
    let by_address: BTreeMap<String, &Arc<Desired>> = checked
        .desired
        .iter()
        .map(|object| (object.address.to_string(), object))
        .collect();
    let planned = document
        .objects
        .iter()
        .map(|entry| {
            let desired = by_address
                .get(&entry.address)
                .ok_or_else(|| format!("the manifests have no {} any more", entry.address))?;
            Ok(waiting(desired, entry))
        })
        .collect::<Result<Vec<Planned>, String>>()?;
    let accounts = accounts(checked, settings, &Accounts::new(), &mut |_, _| {});
    Ok(Pass {
        planned,
        document,
        accounts,
        live: BTreeMap::new(),
        observed_at: (settings.clock)(),
        fresh: false,
    })
}

/// An object of a saved plan before its turn: its changes are computed again when it is read.
fn waiting(desired: &Arc<Desired>, entry: &ObjectEntry) -> Planned {
    let failed = matches!(entry.action, Action::Missing | Action::Error);
    Planned {
        desired: Arc::clone(desired),
        action: entry.action,
        changes: Vec::new(),
        step: None,
        fingerprint: entry.fingerprint.clone(),
        message: entry.message.clone().filter(|_| failed),
        findings: Vec::new(),
    }
}
