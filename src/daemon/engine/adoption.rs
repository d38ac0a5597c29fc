//! Puts manifests in force: which objects are new, changed or gone, and which connections lead elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{CHANGE_BEGINS, Engine, FightLookup};
use crate::daemon::manifest_equality::{same_connection, same_object};
use crate::daemon::tracked_object::{Now, TrackedObject};
use crate::model::Address;
use crate::model::resource::bring_to;
use crate::reconcile::Checked;

impl Engine {
    /// Puts manifests in force: wakes objects that are new or changed, forgets those that are gone.
    ///
    /// `remembered` returns the fields of a new object that were fought over before this process began. Returns the
    /// connections that changed or are gone: their open accounts must not be used any more.
    pub fn adopt_manifests(
        &mut self,
        mut checked: Checked,
        remembered: &FightLookup<'_>,
        now: Now,
    ) -> Vec<String> {
        let objects = std::mem::take(&mut checked.desired);
        let outlines = std::mem::take(&mut checked.outlines);
        let mut outlined = std::mem::take(&mut self.outlined);
        let moved = self.changed_connections(&checked);
        let mut gone: BTreeSet<Arc<Address>> = self.objects.keys().cloned().collect();
        let mut changed = BTreeSet::new();
        for desired in objects {
            // A change may have begun since they were read.
            let desired = bring_to(desired, now.time);
            if let Some((address, known)) = outlined.remove_entry(&desired.address) {
                let fights = remembered(&checked, &desired);
                self.track_loaded(address, known, desired, fights, now);
                continue;
            }
            let known = gone.take(&desired.address);
            let address = known.unwrap_or_else(|| Arc::new(desired.address.clone()));
            let rerouted = moved.iter().any(|moved| desired.connection == *moved);
            match self.objects.get_mut(&address) {
                Some(tracked) if same_object(&tracked.desired, &desired) && !rerouted => {
                    tracked.set_origin(desired);
                    if let Some(begins) = tracked.next_change(now) {
                        self.queue.wake(&address, begins, CHANGE_BEGINS);
                    }
                    continue;
                }
                // With another identity, vendor or account the address stands for another object, so nothing known of
                // the old one applies.
                Some(tracked) if tracked.desired.identity == desired.identity && !rerouted => {
                    tracked.set_desired(desired);
                }
                _ => {
                    let fights = remembered(&checked, &desired);
                    self.objects
                        .insert(Arc::clone(&address), TrackedObject::new(desired, fights));
                }
            }
            self.queue
                .wake(&address, now.instant, "the manifest changed");
            changed.insert(address);
        }
        self.wake_referring(&changed, now);
        self.adopt_outlines(outlines, outlined, &moved, &mut gone);
        for address in gone {
            self.queue.remove(&address);
            self.objects.remove(&address);
        }
        self.forget_unused_resyncs();
        self.checked = Some(checked);
        moved
    }

    /// Wakes the objects that refer to one whose manifest changed: it may have another id now.
    fn wake_referring(&mut self, changed: &BTreeSet<Arc<Address>>, now: Now) {
        for (address, tracked) in &self.objects {
            let mut references = tracked.desired.references.iter();
            if references.any(|reference| changed.contains(&reference.referent)) {
                self.queue
                    .wake(address, now.instant, "what it refers to changed");
            }
        }
    }

    /// Forgets the resyncs of groups that no object belongs to any more.
    fn forget_unused_resyncs(&mut self) {
        let rhythms: BTreeSet<(&str, Duration)> = self
            .objects
            .values()
            .map(|tracked| {
                (
                    tracked.desired.connection.as_str(),
                    self.resync_interval(tracked),
                )
            })
            .collect();
        let used = |(connection, resync): &(String, Duration)| {
            rhythms.contains(&(connection.as_str(), *resync))
        };
        let mut rounds = std::mem::take(&mut self.resyncs);
        rounds.retain(|group, _| used(group));
        self.resyncs = rounds;
    }

    /// Returns how often an object is read without a trigger.
    pub(super) fn resync_interval(&self, tracked: &TrackedObject) -> Duration {
        tracked.desired.policy.resync.unwrap_or(self.rules.resync)
    }

    /// Returns the connections in force that `checked` no longer has, and those that it leads to another account, or to
    /// the same account with other settings.
    fn changed_connections(&self, checked: &Checked) -> Vec<String> {
        let Some(before) = &self.checked else {
            return Vec::new();
        };
        let same =
            |name: &String| match (before.connections.get(name), checked.connections.get(name)) {
                (Some(one), Some(other)) => same_connection(one, other),
                _ => false,
            };
        before
            .connections
            .keys()
            .filter(|name| !same(name))
            .cloned()
            .collect()
    }
}
