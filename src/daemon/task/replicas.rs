//! The loop's part in sharing accounts: the loop looks after the accounts that this replica has claimed.

use crate::model::with_causes;
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;

use tokio::time::Instant;

use super::{DaemonTask, InFlight, ReloadedObjects, SETTLE, recall_fights};
use crate::apply::memory::Memory;
use crate::apply::store::Hint;
use crate::daemon::sharing::{ROUND, Sharing, SharingEvent};
use crate::daemon::status::AccountKeeper;
use crate::daemon::trigger::Trigger;
use crate::model::{AccountKey, Desired};
use crate::reconcile::{self, Checked};

impl DaemonTask {
    /// Drops lost claims, releases accounts, starts a round if it is due, and passes the replica of each connection to
    /// the engine. `memory` is the store's memory of accounts that were just taken over.
    pub(super) fn sync_claims(&mut self, memory: Option<&Memory>, flight: &mut InFlight) {
        let now = self.now();
        let busy = match &self.sharing {
            Some(sharing) if sharing.is_releasing() => self.busy_accounts(),
            _ => BTreeSet::new(),
        };
        let (Some(sharing), Some(checked)) = (&mut self.sharing, &self.engine.checked) else {
            return;
        };
        sharing.drop_lost();
        sharing.release_idle(&busy, now.instant);
        sharing.start_round(&self.context, checked, now.instant);
        if !sharing.take_changed() {
            return;
        }
        let connections = checked.connections.iter();
        let keepers: BTreeMap<String, AccountKeeper> = connections
            .map(|(name, connection)| (name.clone(), sharing.keeper_of(&connection.account_key())))
            .collect();
        self.log
            .set_replicas(sharing.replica_status(), keepers.clone());
        let elsewhere = keepers.into_iter().filter(|(_, keeper)| !keeper.is_own);
        let remembered = memory.map(|memory| {
            move |checked: &Checked, object: &Desired| {
                let account = reconcile::account_of(checked, &object.connection);
                recall_fights(memory, object, &account, now)
            }
        });
        let remembered = remembered.as_ref().map(|tell| tell as _);
        for connection in self
            .engine
            .set_foreign(elsewhere.collect(), remembered, now)
        {
            flight.forget_account(&connection);
            flight.refused_since.remove(&connection);
        }
        self.context.log_out_of_unused();
        // The reader forgets the objects that other replicas look after.
        let at = now.instant + SETTLE;
        flight.read_at = Some(flight.read_at.map_or(at, |known| known.min(at)));
    }

    /// Starts to load the objects of claimed accounts, from the files that are in force.
    pub(super) fn start_object_loading(&self, flight: &mut InFlight) {
        let now = Instant::now();
        let is_due = flight.reload_at.is_none_or(|at| at <= now);
        if flight.reloading.is_some() || !is_due {
            return;
        }
        flight.reload_at = None;
        let outlines = self.engine.unloaded_outlines();
        if outlines.is_empty() {
            return;
        }
        let context = Arc::clone(&self.context);
        let checked = self.engine.checked.iter();
        let connections = checked.flat_map(|checked| &checked.connections);
        let claimed = connections.filter(|(name, _)| self.engine.is_own(name));
        let accounts: BTreeSet<AccountKey> = claimed
            .map(|(_, connection)| connection.account_key())
            .collect();
        flight.reloading = Some(Box::pin(async move {
            let reload = move || reconcile::reload_objects(&outlines);
            let objects = tokio::task::spawn_blocking(reload).await;
            let memory = context.catch_up_memory(&Vec::from_iter(accounts)).await;
            (objects.unwrap_or_default(), memory)
        }));
    }

    /// Takes in objects that were loaded. Those whose files have changed since come with the next reading of the
    /// source; until then loading them is tried again from time to time.
    pub(super) fn finish_object_loading(
        &mut self,
        (objects, memory): ReloadedObjects,
        flight: &mut InFlight,
    ) {
        flight.reloading = None;
        let now = self.now();
        let remembered = |checked: &Checked, object: &Desired| {
            let account = reconcile::account_of(checked, &object.connection);
            recall_fights(&memory, object, &account, now)
        };
        self.engine.adopt_loaded(objects, &remembered, now);
        let left = self.engine.unloaded_outlines().len();
        if left > 0 {
            tracing::warn!(
                objects = left,
                "the files of some objects are not as they were put in force"
            );
            flight.reload_at = Some(now.instant + ROUND);
        }
    }

    /// Takes in a finished round, or a hint of another replica.
    pub(super) fn take_sharing_event(&mut self, event: SharingEvent, flight: &mut InFlight) {
        match event {
            SharingEvent::Hint(hint) => self.wake_for_hint(&hint),
            SharingEvent::Round(round) => {
                let memory = round.as_ref().as_ref().ok();
                let memory = memory.and_then(|round| round.memory_of_taken());
                let (busy, now) = (self.busy_accounts(), self.now());
                if let Some(sharing) = &mut self.sharing {
                    sharing.finish_round(*round, &busy, now);
                }
                self.sync_claims(memory.as_deref(), flight);
            }
        }
    }

    /// Wakes the objects that a hint of another replica is about, at connections that this one looks after.
    fn wake_for_hint(&mut self, hint: &Hint) {
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
            let woken = self.engine.wake_for(&trigger, now);
            tracing::debug!(?trigger, woken, "a hint of another replica");
        }
    }

    /// Forwards a hint about an account that another replica looks after.
    pub(super) fn forward_hint(&self, trigger: &Trigger) {
        let (connection, id) = match trigger {
            Trigger::Connection(connection) => (connection, None),
            Trigger::Object { connection, id } => (connection, Some(id.clone())),
            Trigger::Source | Trigger::FollowProblem(_) => return,
        };
        let checked = self.engine.checked.as_ref();
        let known = checked.and_then(|checked| checked.connections.get(connection));
        let Some(known) = known.filter(|_| !self.engine.is_own(connection)) else {
            return;
        };
        let account = known.account_key();
        let (context, hint) = (Arc::clone(&self.context), Hint { account, id });
        // Not bounded here, since deliveries are limited where they arrive.
        tokio::spawn(async move {
            let Some(roster) = context.queue.store().roster() else {
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

    /// Returns when the next round is due; `None` while one is under way, or if nothing is shared out.
    pub(super) fn next_round(&self) -> Option<Instant> {
        let sharing = self.sharing.as_ref();
        sharing
            .filter(|_| self.engine.checked.is_some())?
            .next_round()
    }

    /// Returns the accounts that this replica looks after; `None` if it looks after all accounts.
    pub(super) fn claimed_accounts(&self) -> Option<BTreeSet<AccountKey>> {
        self.sharing.as_ref().map(Sharing::held_accounts)
    }

    /// Returns the accounts that a pass is working at.
    pub(super) fn busy_accounts(&self) -> BTreeSet<AccountKey> {
        let connections = self.engine.checked.iter().flat_map(|c| &c.connections);
        let busy = connections.filter(|(name, _)| self.engine.is_busy(name));
        busy.map(|(_, connection)| connection.account_key())
            .collect()
    }
}

/// Waits for the next event between replicas, or for ever if there is only this one.
pub(super) async fn next_sharing_event(sharing: &mut Option<Sharing>) -> SharingEvent {
    match sharing {
        Some(sharing) => sharing.next_event().await,
        None => pending().await,
    }
}
