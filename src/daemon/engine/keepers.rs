//! Accounts that other replicas look after: their objects are shown and not read, and only their outlines are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::{Engine, Remembered};
use crate::daemon::fight::Fights;
use crate::daemon::status::{Keeper, ObjectState, ObjectStatus};
use crate::daemon::track::{Now, OutlinedObject, Tracked, place_of, unseen};
use crate::model::{Address, Desired, Risk};
use crate::reconcile::ObjectOutline;

impl Engine {
    /// Reports whether a pass is under way at a connection.
    pub fn is_busy(&self, connection: &str) -> bool {
        self.busy.contains(connection)
    }

    /// Reports whether this replica looks after a connection.
    pub fn is_own(&self, connection: &str) -> bool {
        !self.elsewhere.contains_key(connection)
    }

    /// Takes in which connections this replica does not look after, and who does. Returns those that it looked after
    /// until now. The objects of those that it looks after from now on are due at once, or once they are loaded
    /// ([`Engine::unloaded`]); `remembered` tells what was fought
    /// over while somebody else had them, and is `None` where nobody had.
    pub fn share_out(
        &mut self,
        elsewhere: BTreeMap<String, Keeper>,
        remembered: Option<&Remembered<'_>>,
        now: Now,
    ) -> Vec<String> {
        let before = std::mem::replace(&mut self.elsewhere, elsewhere);
        let given_up = self
            .elsewhere
            .keys()
            .filter(|name| !before.contains_key(*name));
        let given_up = given_up.cloned().collect();
        let Some(checked) = &self.checked else {
            return given_up;
        };
        for (address, tracked) in &mut self.objects {
            let connection: &str = &tracked.desired.connection;
            if !before.contains_key(connection) || self.elsewhere.contains_key(connection) {
                continue;
            }
            if let Some(remembered) = remembered {
                let fights = remembered(checked, &tracked.desired);
                tracked.take_over(fights);
            }
            tracked.braked = false;
            show(&mut tracked.status, ObjectState::Unseen, None);
            self.queue
                .wake(address, now.instant, "looked after from now on");
        }
        given_up
    }

    /// Forgets what is desired of the objects that this replica does not look after, and makes them say who does. One that a
    /// pass is looking at follows with its end.
    pub fn show_elsewhere(&mut self) {
        self.forget_elsewhere();
        for object in self.outlined.values_mut() {
            let connection = object.outline.connection.as_str();
            match self.elsewhere.get(connection) {
                Some(keeper) => show(&mut object.status, ObjectState::Elsewhere, Some(keeper)),
                None => show(&mut object.status, ObjectState::Unseen, None),
            }
        }
    }

    fn forget_elsewhere(&mut self) {
        if self.elsewhere.is_empty() {
            return;
        }
        let is_elsewhere = |tracked: &Tracked| {
            let connection = tracked.desired.connection.as_str();
            self.elsewhere.contains_key(connection) && !tracked.status.running
        };
        let objects = self.objects.iter();
        let elsewhere = objects.filter(|(_, tracked)| is_elsewhere(tracked));
        let elsewhere: Vec<Arc<Address>> = elsewhere.map(|(address, _)| address.clone()).collect();
        for address in elsewhere {
            self.queue.forget(&address);
            if let Some(tracked) = self.objects.remove(&address) {
                self.outlined.insert(address, tracked.into_outline());
            }
        }
    }

    /// Puts outlines in force. An object that is tracked and whose manifest is as it was stays tracked, which takes it out of
    /// `gone`. `before` are the outlines until now, and `moved` the connections that lead elsewhere since.
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
            let mut status = status.unwrap_or_else(|| Arc::new(unseen(&outline)));
            let place = place_of(&outline.origin);
            if status.origin != place || status.running {
                let status = Arc::make_mut(&mut status);
                (status.origin, status.running) = (place, false);
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
    pub fn unloaded(&self) -> Vec<Arc<ObjectOutline>> {
        let outlines = self.outlined.values().map(|object| &object.outline);
        let own = outlines.filter(|outline| self.is_own(&outline.connection));
        own.cloned().collect()
    }

    /// Takes in objects that were loaded again, as far as their outlines are in force. `remembered` tells what was fought
    /// over while others looked after them.
    pub fn load(&mut self, objects: Vec<Arc<Desired>>, remembered: &Remembered<'_>, now: Now) {
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

    /// Tracks an object that was an outline until now.
    pub(super) fn track_loaded(
        &mut self,
        address: Arc<Address>,
        known: OutlinedObject,
        desired: Arc<Desired>,
        fights: Fights<Instant>,
        now: Now,
    ) {
        let is_same = known.outline.identity == desired.identity
            && known.outline.connection == desired.connection;
        // A pass may still be looking at what was tracked before.
        let generation = known.generation + 1;
        let mut tracked = match is_same {
            true => Tracked::loaded(Arc::clone(&desired), fights, known.status),
            false => Tracked::new(Arc::clone(&desired), fights),
        };
        tracked.generation = generation;
        tracked.moved(desired);
        self.objects.insert(Arc::clone(&address), tracked);
        self.queue
            .wake(&address, now.instant, "looked after from now on");
    }

    /// Returns the statuses of all objects in force, in the order of their addresses.
    pub fn statuses(&self) -> Vec<Arc<ObjectStatus>> {
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

/// Changes the status only if it says something else: readers compare pointers.
fn show(status: &mut Arc<ObjectStatus>, state: ObjectState, keeper: Option<&Keeper>) {
    let message = keeper.map(Keeper::words);
    if status.running || status.state == state && status.message == message {
        return;
    }
    let status: &mut ObjectStatus = Arc::make_mut(status);
    status.state = state;
    status.message = message;
    // Whoever looks after it knows.
    status.changes = Vec::new();
    status.risk = Risk::Safe;
    status.fight = None;
    status.next_wake = None;
}
