//! Puts the steps of a plan in order where one object needs another: a dependent is created after its referent, and
//! removed before it.
//!
//! In: planned objects, whose references were looked up. Out: the same, each with the objects that its step comes after.
//! Objects without such a bond stay independent, so their steps go side by side. There is no circle: references have
//! none, and a creation and a removal are never bound to each other.
//!
//! ```text
//! LacCustomer/rivers              create
//! LacLicenseOrder/desk            create, customer_id awaited        after LacCustomer/rivers
//! CryptlexOrganization/old        remove                             after CryptlexUserGroup/sales
//! CryptlexUserGroup/sales         remove, organizationId found
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::{Disposition, Planned};
use crate::model::{Address, Reference, ReferenceState};
use crate::provider::encode_segment;

/// Sets what each step comes after. A dependent whose referent this plan does not create after all becomes an error, and
/// so does everything that depends on it.
pub fn order_steps(planned: &mut [Planned]) {
    if planned.iter().all(|one| one.desired.references.is_empty()) {
        return;
    }
    let after: Vec<Vec<Address>> = {
        let removed = removed_dependents(planned);
        planned
            .iter()
            .map(|one| match one.action {
                Disposition::Remove => {
                    let dependents = removed.get(&one.desired.address);
                    dependents.into_iter().flatten().cloned().collect()
                }
                _ => awaited_referents(one),
            })
            .collect()
    };
    for (one, after) in planned.iter_mut().zip(after) {
        one.after = after;
    }
    refuse_without_referent(planned);
    for one in planned.iter_mut().filter(|one| !one.after.is_empty()) {
        show_awaited(one);
    }
}

/// Shows an id that is awaited as `{Kind/name}` in the paths of calls, where the text of fields would be encoded.
pub fn show_awaited(planned: &mut Planned) {
    let awaited: BTreeSet<&Address> = planned
        .desired
        .references
        .awaited()
        .map(|reference| &reference.referent)
        .collect();
    let writes = planned.step.iter_mut().flat_map(|step| &mut step.writes);
    for write in writes {
        for referent in &awaited {
            let text = encode_segment(&Reference::awaited_text(referent));
            let shown = format!("{{{referent}}}");
            write.call.path = write.call.path.replace(&text, &shown);
        }
    }
}

/// Returns the objects that are to be created before an object can be written.
fn awaited_referents(planned: &Planned) -> Vec<Address> {
    if !planned.action.writes() && planned.action != Disposition::Observe {
        return Vec::new();
    }
    let awaited = planned.desired.references.awaited();
    let awaited: BTreeSet<&Address> = awaited.map(|reference| &reference.referent).collect();
    awaited.into_iter().cloned().collect()
}

/// Returns, for each object to which removed ones refer, those removed ones.
fn removed_dependents(planned: &[Planned]) -> BTreeMap<Address, Vec<Address>> {
    let mut dependents: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
    let removed = planned.iter();
    for one in removed.filter(|one| one.action == Disposition::Remove) {
        let found = one.desired.references.iter();
        for reference in found.filter(|reference| reference.state == ReferenceState::Found) {
            let of_referent = dependents.entry(reference.referent.clone()).or_default();
            of_referent.push(one.desired.address.clone());
        }
    }
    dependents
}

/// Makes errors of the objects that wait for one which is not created by this plan, over as many steps as it takes.
fn refuse_without_referent(planned: &mut [Planned]) {
    loop {
        let created: BTreeSet<Address> = planned
            .iter()
            .filter(|one| one.action == Disposition::Create)
            .map(|one| one.desired.address.clone())
            .collect();
        let mut is_settled = true;
        for one in planned.iter_mut() {
            let is_removed = one.action == Disposition::Remove;
            let lacking = one.after.iter().find(|address| !created.contains(*address));
            let Some(lacking) = lacking.filter(|_| !is_removed) else {
                continue;
            };
            let message = format!(
                "it needs the id of {lacking}, which is not there and cannot be created: see there"
            );
            one.message = Some(message);
            one.action = Disposition::Error;
            (one.step, one.after) = (None, Vec::new());
            is_settled = false;
        }
        if is_settled {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
