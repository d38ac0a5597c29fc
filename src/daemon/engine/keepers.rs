//! Accounts that other replicas look after: their objects are shown and not read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Engine, Remembered};
use crate::daemon::status::{Keeper, ObjectState, ObjectStatus};
use crate::daemon::track::{Now, Tracked};
use crate::model::Risk;

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
    /// until now. The objects of those that it looks after from now on are due at once; `remembered` tells what was fought
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
            show(tracked, ObjectState::Unseen, None);
            self.queue
                .wake(address, now.instant, "looked after from now on");
        }
        given_up
    }

    /// Makes the objects that this replica does not look after say so. One that a pass is looking at follows with its end.
    pub fn show_elsewhere(&mut self) {
        if self.elsewhere.is_empty() {
            return;
        }
        for (address, tracked) in &mut self.objects {
            let keeper = self.elsewhere.get(tracked.desired.connection.as_str());
            let Some(keeper) = keeper.filter(|_| !tracked.status.running) else {
                continue;
            };
            self.queue.forget(address);
            show(tracked, ObjectState::Elsewhere, Some(keeper));
        }
    }
}

/// Changes the status only if it says something else: readers compare pointers.
fn show(tracked: &mut Tracked, state: ObjectState, keeper: Option<&Keeper>) {
    let message = keeper.map(Keeper::words);
    let status = &tracked.status;
    if status.running || status.state == state && status.message == message {
        return;
    }
    tracked.braked = false;
    let status: &mut ObjectStatus = Arc::make_mut(&mut tracked.status);
    status.state = state;
    status.message = message;
    // Whoever looks after it knows.
    status.changes = Vec::new();
    status.risk = Risk::Safe;
    status.fight = None;
    status.next_wake = None;
}
