//! The loop among replicas: what it looks after follows from its claims.

use crate::model::with_causes;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Flight, Reloaded, SETTLE, Task, fights};
use crate::apply::memory::Memory;
use crate::apply::store::Hint;
use crate::daemon::sharing::{Event, ROUND, Sharing};
use crate::daemon::status::Keeper;
use crate::daemon::trigger::Trigger;
use crate::model::{AccountKey, Desired};
use crate::reconcile::{self, Checked};

impl Task {
    /// Lets go of what was lost or is to be given back, begins a round if it is due, and has the engine follow. `memory`
    /// tells what is known of accounts that were taken over just now.
    pub(super) fn share(&mut self, memory: Option<&Memory>, flight: &mut Flight) {
        let now = self.now();
        let busy = match &self.sharing {
            Some(sharing) if sharing.is_leaving() => self.busy_accounts(),
            _ => BTreeSet::new(),
        };
        let (Some(sharing), Some(checked)) = (&mut self.sharing, &self.engine.checked) else {
            return;
        };
        sharing.drop_lost();
        sharing.give_back(&busy, now.instant);
        sharing.start(&self.shell, checked, now.instant);
        if !sharing.take_changed() {
            return;
        }
        let connections = checked.connections.iter();
        let keepers: BTreeMap<String, Keeper> = connections
            .map(|(name, connection)| (name.clone(), sharing.keeper(&connection.account_key())))
            .collect();
        self.board.shared_out(sharing.replicas(), keepers.clone());
        let elsewhere = keepers.into_iter().filter(|(_, keeper)| !keeper.own);
        let remembered = memory.map(|memory| {
            move |checked: &Checked, object: &Desired| {
                let place = reconcile::place(checked, &object.connection);
                fights(memory, object, &place, now)
            }
        });
        let remembered = remembered.as_ref().map(|tell| tell as _);
        for connection in self.engine.share_out(elsewhere.collect(), remembered, now) {
            flight.forget_account(&connection);
            flight.refused.remove(&connection);
        }
        self.shell.log_out_of_unused();
        // The reader forgets what others look after.
        let at = now.instant + SETTLE;
        flight.read_at = Some(flight.read_at.map_or(at, |known| known.min(at)));
    }

    /// Begins to load the objects of accounts that were claimed, from the files that are in force.
    pub(super) fn start_reloading(&self, flight: &mut Flight) {
        let now = Instant::now();
        let is_due = flight.reload_at.is_none_or(|at| at <= now);
        if self.sharing.is_none() || flight.reloading.is_some() || !is_due {
            return;
        }
        flight.reload_at = None;
        let outlines = self.engine.unloaded();
        if outlines.is_empty() {
            return;
        }
        let shell = Arc::clone(&self.shell);
        let accounts = self.own_accounts().unwrap_or_default();
        flight.reloading = Some(Box::pin(async move {
            let reload = move || reconcile::reload_objects(&outlines);
            let objects = tokio::task::spawn_blocking(reload).await;
            let memory = shell.memory(&Vec::from_iter(accounts)).await;
            (objects.unwrap_or_default(), memory)
        }));
    }

    /// Takes in objects that were loaded again. Those whose files have changed since come with the next reading; until then
    /// they are tried again from time to time.
    pub(super) fn reloaded(&mut self, (objects, memory): Reloaded, flight: &mut Flight) {
        flight.reloading = None;
        let now = self.now();
        let remembered = |checked: &Checked, object: &Desired| {
            let place = reconcile::place(checked, &object.connection);
            fights(&memory, object, &place, now)
        };
        self.engine.load(objects, &remembered, now);
        let left = self.engine.unloaded().len();
        if left > 0 {
            tracing::warn!(
                objects = left,
                "the files of some objects are not as they were put in force"
            );
            flight.reload_at = Some(now.instant + ROUND);
        }
    }

    /// Takes in what other replicas did.
    pub(super) fn shared(&mut self, event: Event, flight: &mut Flight) {
        match event {
            Event::Hint(hint) => self.wake_own(&hint),
            Event::Round(round) => {
                let memory = round.as_ref().as_ref().ok();
                let memory = memory.and_then(|round| round.taken_over());
                let (busy, now) = (self.busy_accounts(), self.now());
                if let Some(sharing) = &mut self.sharing {
                    sharing.take_in(*round, &busy, now);
                }
                self.share(memory.as_deref(), flight);
            }
        }
    }

    /// Wakes what a hint of another replica is about, as far as it is looked after here.
    fn wake_own(&mut self, hint: &Hint) {
        let now = self.now();
        let connections = self.engine.checked.iter().flat_map(|c| &c.connections);
        let names: Vec<String> = connections
            .filter(|(_, connection)| connection.account_key() == hint.account)
            .map(|(name, _)| name.clone())
            .collect();
        for connection in names {
            let trigger = match hint.id.clone() {
                Some(id) => Trigger::Object { connection, id },
                None => Trigger::Connection(connection),
            };
            let woken = self.engine.wake(&trigger, now);
            tracing::debug!(?trigger, woken, "a hint of another replica");
        }
    }

    /// Tells the other replicas of a hint about an account that one of them looks after.
    pub(super) fn pass_on(&self, trigger: &Trigger) {
        let (connection, id) = match trigger {
            Trigger::Connection(connection) => (connection, None),
            Trigger::Object { connection, id } => (connection, Some(id.clone())),
            Trigger::Source | Trigger::Following(_) => return,
        };
        let checked = self.engine.checked.as_ref();
        let known = checked.and_then(|checked| checked.connections.get(connection));
        let Some(known) = known.filter(|_| !self.engine.is_own(connection)) else {
            return;
        };
        let account = known.account_key();
        let (shell, hint) = (Arc::clone(&self.shell), Hint { account, id });
        // Deliveries are limited at the door.
        tokio::spawn(async move {
            let Some(roster) = shell.queue.store().roster() else {
                return;
            };
            if let Err(error) = roster.publish_hint(&hint).await {
                let error = with_causes(&error);
                tracing::warn!(
                    error,
                    "a hint was not passed on: its object is seen at the next regular look"
                );
            }
        });
    }

    /// When the next round is due; `None` while one is under way or there is nothing to share out.
    pub(super) fn next_round(&self) -> Option<Instant> {
        let sharing = self.sharing.as_ref();
        sharing.filter(|_| self.engine.checked.is_some())?.next()
    }

    /// Returns the accounts that this replica looks after; `None` if all.
    pub(super) fn own_accounts(&self) -> Option<BTreeSet<AccountKey>> {
        self.sharing.as_ref().map(Sharing::accounts)
    }

    /// Returns the accounts that a pass is at.
    pub(super) fn busy_accounts(&self) -> BTreeSet<AccountKey> {
        let connections = self.engine.checked.iter().flat_map(|c| &c.connections);
        let busy = connections.filter(|(name, _)| self.engine.is_busy(name));
        busy.map(|(_, connection)| connection.account_key())
            .collect()
    }
}

/// Waits for something to happen between replicas; for ever where there is only one.
pub(super) async fn happens(sharing: &mut Option<Sharing>) -> Event {
    match sharing {
        Some(sharing) => sharing.happens().await,
        None => pending().await,
    }
}
