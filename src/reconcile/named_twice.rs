//! Refuses two manifests that name one object, one by the vendor's id and one by a key, or both by keys.
//!
//! Only a read shows that they meet: `userGroup: {name: Sales}` and `userGroupId: a4f8…` are one group if the group `Sales`
//! has that id. Each would undo what the other writes, so neither is written. Two manifests of one identity are refused
//! before any read; see `routing`.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Address, Desired, Kind, Text};
use crate::plan::{Disposition, Planned};
use crate::provider;

/// An object as the vendor knows it: its kind, its connection, and its ids in the order of the kind's table.
type VendorIdentity = (Kind, Text, Vec<Text>);

/// Makes errors of the plans of manifests that name one object. `found` has the ids that reads have shown for objects that
/// are named by keys.
pub fn refuse_second_names(planned: &mut [Planned], found: &BTreeMap<Address, Text>) {
    if found.is_empty() {
        return;
    }
    let mut by_identity: HashMap<VendorIdentity, Vec<usize>> = HashMap::new();
    for (index, one) in planned.iter().enumerate() {
        if let Some(identity) = identity_of(&one.desired, found.get(&one.desired.address)) {
            by_identity.entry(identity).or_default().push(index);
        }
    }
    for ((kind, _, ids), indices) in by_identity.into_iter().filter(|(_, all)| all.len() > 1) {
        let names = indices
            .iter()
            .map(|index| planned[*index].desired.address.to_string());
        let message = format!(
            "{} are the same {kind}, {}: nothing is sent for them; keep one of them",
            names.collect::<Vec<_>>().join(" and "),
            ids.join("/")
        );
        for index in indices {
            let one = &mut planned[index];
            one.action = Disposition::Error;
            one.step = None;
            one.message = Some(message.clone());
        }
    }
}

/// Returns the vendor's identity of an object; `None` if a key names it and no read has shown the id.
fn identity_of(desired: &Desired, found: Option<&Text>) -> Option<VendorIdentity> {
    let table = provider::find_kind(desired.address.kind.0)?.table();
    let key = table.lifecycle.key?;
    let ids = table.identity.iter().map(|id| match desired.id(id.name) {
        "" if id.name == key.replaces => found.cloned(),
        "" => None,
        text => Some(text.into()),
    });
    let ids = ids.collect::<Option<Vec<Text>>>()?;
    Some((table.kind, desired.connection.clone(), ids))
}
