//! Looks into writes that were cut off, before anything else is written.
//!
//! What is read is compared with the changes of that very write, so that it is known whether it was carried out,
//! whatever the manifests want by now. The end counts for everything that asks the journal later.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Accounts, Checked, Settings, account_of, read_side_by_side, undo};
use crate::apply::memory::{Finding, Memory, OpenIntent};
use crate::model::{Desired, Observed, PolicyMode};
use crate::provider;

/// What was found of open writes, and the accounts that were opened for it.
pub struct Examined {
    pub found: Vec<(OpenIntent, Finding)>,
    pub accounts: Accounts,
}

/// Reads the objects of `checked` that have an open write, and no others; with `unmanaged` also those that no manifest
/// names any more. One that cannot be read stays open.
pub async fn examine_open_writes(
    memory: &Memory,
    checked: &Checked,
    unmanaged: bool,
    settings: &Settings,
    kept: &Accounts,
) -> Examined {
    let now = (settings.clock)();
    let mut open: BTreeMap<String, Vec<OpenIntent>> = BTreeMap::new();
    let mut objects: Vec<Arc<Desired>> = Vec::new();
    if memory.has_open() {
        for object in &checked.desired {
            let place = account_of(checked, &object.connection);
            let own: Vec<OpenIntent> = memory.open_of(object, &place).cloned().collect();
            if !own.is_empty() && object.policy.mode_at(now) != PolicyMode::Suspend {
                open.insert(object.address.to_string(), own);
                objects.push(Arc::clone(object));
            }
        }
    }
    if unmanaged {
        let managed = open.values().flatten().cloned().collect::<Vec<_>>();
        let left = memory.open().filter(|write| !managed.contains(write));
        let source = Arc::default();
        for write in left {
            let address = write.intent.address.clone();
            let object = undo::unmanaged_object(&write.intent, checked, &source);
            if let (Ok(object), false) = (object, open.contains_key(&address)) {
                open.insert(address, vec![write.clone()]);
                objects.push(Arc::new(object));
            }
        }
    }
    if objects.is_empty() {
        return Examined {
            found: Vec::new(),
            accounts: kept.clone(),
        };
    }
    let concerned = Checked {
        desired: objects,
        ..checked.clone()
    };
    let (mut accounts, seen) = read_side_by_side(&concerned, settings, kept).await;
    let mut found = Vec::new();
    for (object, seen) in seen {
        let (Observed::Live(live), Some(kind)) = (seen, provider::find_kind(object.address.kind.0))
        else {
            continue;
        };
        let table = kind.table().desired;
        for open in open.remove(&object.address.to_string()).unwrap_or_default() {
            let finding = Finding::of(table, &open.intent, &live.fields);
            found.push((open, finding));
        }
    }
    for (name, account) in kept {
        accounts
            .entry(name.clone())
            .or_insert_with(|| Arc::clone(account));
    }
    Examined { found, accounts }
}
