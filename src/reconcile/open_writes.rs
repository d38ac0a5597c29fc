//! Looks into writes that were cut off, before anything else is written.
//!
//! Input is the journal's memory with intents that have no outcome; output is, for each, whether it was carried
//! out. The live object is compared with the changes of that very write and not with the manifest, which may
//! have changed since. Example: a run was killed while it set `count` from 10 to 5. If 5 is live, the write was
//! carried out; if 10 is, it was not. The caller records the finding, and every later question to the journal
//! uses it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Accounts, Checked, ReadPass, Settings, account_of, read_side_by_side, undo};
use crate::apply::journal::Finding;
use crate::apply::memory::{Memory, OpenIntent};
use crate::model::{Desired, Observed, PolicyMode};
use crate::provider;

/// Findings about open writes, and the accounts that were opened for them.
pub struct Examined {
    /// Each open write with its finding; writes whose object could not be read are missing.
    pub found: Vec<(OpenIntent, Finding)>,
    /// The accounts that were kept and those that were opened, for the pass that follows.
    pub accounts: Accounts,
}

/// Reads the objects of `checked` that have an open write, and no others.
///
/// With `unmanaged` also objects that no manifest names any more are read. Suspended objects are left alone, and
/// a write whose object cannot be read stays open. Nothing is read, and no account opened, if there is no open
/// write.
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
            let vendor_account = account_of(checked, &object.connection);
            let intents: Vec<OpenIntent> =
                memory.open_of(object, &vendor_account).cloned().collect();
            if !intents.is_empty() && object.policy.mode_at(now) != PolicyMode::Suspend {
                open.insert(object.address.to_string(), intents);
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
    let mut concerned = checked.clone();
    concerned.restrict_to(objects);
    let ReadPass {
        mut accounts, seen, ..
    } = read_side_by_side(&concerned, settings, kept).await;
    let mut found = Vec::new();
    for (object, seen) in seen {
        let Some(kind) = provider::find_kind(object.address.kind.0) else {
            continue;
        };
        let table = kind.table().desired;
        for open in open.remove(&object.address.to_string()).unwrap_or_default() {
            let finding = match (&seen, open.intent.whole) {
                (Observed::Live(live), _) => Finding::of(table, &open.intent, &live.fields),
                (Observed::Missing | Observed::Creatable(_), Some(whole)) => {
                    Finding::of_whole(whole, false)
                }
                (Observed::Missing | Observed::Creatable(_) | Observed::Unread(_), _) => continue,
            };
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
