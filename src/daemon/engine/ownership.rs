//! Connections that other replicas look after: their objects are shown and not read, and only their outlines are
//! kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::{Engine, FightLookup};
use crate::daemon::fight::FieldFights;
use crate::daemon::status::{AccountKeeper, ObjectState, ObjectStatus};
use crate::daemon::tracked_object::{
    Now, OutlinedObject, TrackedObject, origin_entry, unseen_status,
};
use crate::model::{Address, Desired, Risk};
use crate::reconcile::ObjectOutline;

impl Engine {
    /// Reports whether a pass is working at a connection.
    pub fn is_busy(&self, connection: &str) -> bool {
        self.busy.contains(connection)
    }

    /// Reports whether this replica looks after a connection.
    pub fn is_own(&self, connection: &str) -> bool {
        !self.foreign.contains_key(connection)
    }

    /// Replaces the connections that other replicas look after. Returns those that this replica looked after until
    /// now.
    ///
    /// Objects of connections that it looks after from now on are due at once, or once they are loaded
    /// ([`Engine::unloaded_outlines`]). `remembered` looks up the fights of the meantime; `None` if no replica
    /// looked after the objects.
    pub fn set_foreign(
        &mut self,
        foreign: BTreeMap<String, AccountKeeper>,
        remembered: Option<&FightLookup<'_>>,
        now: Now,
    ) -> Vec<String> {
        let before = std::mem::replace(&mut self.foreign, foreign);
        let given_up = self
            .foreign
            .keys()
            .filter(|name| !before.contains_key(*name));
        let given_up = given_up.cloned().collect();
        let Some(checked) = &self.checked else {
            return given_up;
        };
        for (address, tracked) in &mut self.objects {
            let connection: &str = &tracked.desired.connection;
            if !before.contains_key(connection) || self.foreign.contains_key(connection) {
                continue;
            }
            if let Some(remembered) = remembered {
                let fights = remembered(checked, &tracked.desired);
                tracked.take_over(fights);
            }
            tracked.braked = false;
            set_state(&mut tracked.status, ObjectState::Unseen, None);
            self.queue
                .wake(address, now.instant, "looked after from now on");
        }
        given_up
    }

    /// Reduces the objects of other replicas' connections to outlines, and marks them in their status. An object that
    /// a pass is working at follows when the pass ends.
    pub fn mark_foreign_objects(&mut self) {
        self.outline_foreign_objects();
        for object in self.outlined.values_mut() {
            let connection = object.outline.connection.as_str();
            match self.foreign.get(connection) {
                Some(keeper) => set_state(&mut object.status, ObjectState::Elsewhere, Some(keeper)),
                None => set_state(&mut object.status, ObjectState::Unseen, None),
            }
        }
    }

    /// Replaces tracked objects of other replicas' connections by their outlines, which take a fraction of the
    /// memory.
    fn outline_foreign_objects(&mut self) {
        if self.foreign.is_empty() {
            return;
        }
        let is_elsewhere = |tracked: &TrackedObject| {
            let connection = tracked.desired.connection.as_str();
            self.foreign.contains_key(connection) && !tracked.status.running
        };
        let objects = self.objects.iter();
        let elsewhere = objects.filter(|(_, tracked)| is_elsewhere(tracked));
        let elsewhere: Vec<Arc<Address>> = elsewhere.map(|(address, _)| address.clone()).collect();
        for address in elsewhere {
            self.queue.remove(&address);
            if let Some(tracked) = self.objects.remove(&address) {
                self.outlined.insert(address, tracked.into_outline());
            }
        }
    }

    /// Puts outlines in force. An object that is tracked and whose manifest is unchanged stays tracked, and is taken
    /// out of `gone`. `before` are the outlines until now; `moved` are the connections that lead to another account
    /// since.
    pub(super) fn adopt_outlines(
        &mut self,
        outlines: Vec<Arc<ObjectOutline>>,
        mut before: BTreeMap<Arc<Address>, OutlinedObject>,
        moved: &[String],
        gone: &mut BTreeSet<Arc<Address>>,
    ) {
        for outline in outlines {
            let is_moved = moved.iter().any(|name| outline.connection == *name);
            let tracked = self.objects.get_key_value(&outline.address);
            if let Some((address, tracked)) = tracked
                && outline.is_of(&tracked.desired)
                && !is_moved
            {
                gone.remove(address);
                continue;
            }
            let tracked = gone
                .get(&outline.address)
                .and_then(|address| self.objects.remove_entry(&Arc::clone(address)));
            let known = tracked.map(|(address, tracked)| (address, tracked.into_outline()));
            let known = known.or_else(|| before.remove_entry(&outline.address));
            let (address, generation, status) = match known {
                Some((address, known)) => {
                    let is_same = known.outline.identity == outline.identity
                        && known.outline.connection == outline.connection
                        && !is_moved;
                    let status = is_same.then_some(known.status);
                    (address, known.generation, status)
                }
                None => (Arc::new(outline.address.clone()), 0, None),
            };
            let mut status = status.unwrap_or_else(|| Arc::new(unseen_status(&outline)));
            let location = origin_entry(&outline.origin);
            if status.origin != location || status.running {
                let status = Arc::make_mut(&mut status);
                (status.origin, status.running) = (location, false);
            }
            let object = OutlinedObject {
                outline,
                generation,
                status,
            };
            self.outlined.insert(address, object);
        }
    }

    /// Returns the outlines of the objects that this replica looks after and has not loaded yet.
    pub fn unloaded_outlines(&self) -> Vec<Arc<ObjectOutline>> {
        let outlines = self.outlined.values().map(|object| &object.outline);
        let claimed = outlines.filter(|outline| self.is_own(&outline.connection));
        claimed.cloned().collect()
    }

    /// Tracks objects that were loaded again, if their outlines are still in force. `remembered` looks up the fights
    /// of the time in which other replicas looked after them.
    pub fn adopt_loaded(
        &mut self,
        objects: Vec<Arc<Desired>>,
        remembered: &FightLookup<'_>,
        now: Now,
    ) {
        let Some(checked) = self.checked.take() else {
            return;
        };
        for desired in objects {
            let known = self.outlined.get(&desired.address);
            if known.is_some_and(|known| known.outline.is_of(&desired))
                && let Some((address, known)) = self.outlined.remove_entry(&desired.address)
            {
                let fights = remembered(&checked, &desired);
                self.track_loaded(address, known, desired, fights, now);
            }
        }
        self.checked = Some(checked);
    }

    /// Tracks an object that was an outline until now. Its generation grows, since a pass may still be working
    /// with the object as it was tracked before.
    pub(super) fn track_loaded(
        &mut self,
        address: Arc<Address>,
        known: OutlinedObject,
        desired: Arc<Desired>,
        fights: FieldFights<Instant>,
        now: Now,
    ) {
        let is_same = known.outline.identity == desired.identity
            && known.outline.connection == desired.connection;
        // A pass may still be looking at what was tracked before.
        let generation = known.generation + 1;
        let mut tracked = match is_same {
            true => TrackedObject::from_outline(Arc::clone(&desired), fights, known.status),
            false => TrackedObject::new(Arc::clone(&desired), fights),
        };
        tracked.generation = generation;
        tracked.set_origin(desired);
        self.objects.insert(Arc::clone(&address), tracked);
        self.queue
            .wake(&address, now.instant, "looked after from now on");
    }

    /// Returns the statuses of all objects in force, in the order of their addresses.
    pub fn object_statuses(&self) -> Vec<Arc<ObjectStatus>> {
        let tracked = self.objects.iter();
        let tracked = tracked.map(|(address, object)| (address, &object.status));
        let outlined = self.outlined.iter();
        let outlined = outlined.map(|(address, object)| (address, &object.status));
        let mut all: Vec<(&Arc<Address>, &Arc<ObjectStatus>)> = tracked.chain(outlined).collect();
        if !self.outlined.is_empty() {
            all.sort_by_key(|(address, _)| *address);
        }
        all.into_iter()
            .map(|(_, status)| Arc::clone(status))
            .collect()
    }
}

/// Sets state and message of an object of which nothing else is known. Replaces the status only if it changed,
/// because readers compare pointers.
fn set_state(status: &mut Arc<ObjectStatus>, state: ObjectState, keeper: Option<&AccountKeeper>) {
    let message = keeper.map(AccountKeeper::describe);
    if status.running || status.state == state && status.message == message {
        return;
    }
    let status: &mut ObjectStatus = Arc::make_mut(status);
    status.state = state;
    status.message = message;
    status.problem = None;
    // Only the replica that looks after it knows these.
    status.changes = Vec::new();
    status.risk = Risk::Safe;
    status.fight = None;
    status.next_wake = None;
}
