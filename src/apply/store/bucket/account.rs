//! What an open store remembers of its accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::layout::{self, BucketLayout};
use super::lease_body::LeaseBody;
use super::log::LogWriter;
use super::objects::{BucketObject, ObjectVersion, RetryingBucket};
use crate::apply::store::lock_unpoisoned;
use crate::apply::store::term::{BootInstant, LeaseTerm};
use crate::model::AccountKey;

/// The accounts seen so far, the bucket, and its layout.
pub struct AccountStates {
    pub objects: RetryingBucket,
    pub layout: BucketLayout,
    states: Mutex<BTreeMap<AccountKey, Arc<AccountState>>>,
    /// How many dropped leases are not given back yet.
    pending_releases: watch::Sender<usize>,
}

/// What is known of one account.
pub struct AccountState {
    pub folder: String,
    /// The lease that another run holds, as last seen.
    observed: Mutex<Option<ObservedLease>>,
    /// Takings of ours that ended without an answer. They may have become leases that no run knows it holds.
    abandoned: Mutex<BTreeSet<String>>,
    /// The log while the lease is ours; the lock allows one append at a time.
    pub leased_log: tokio::sync::Mutex<Option<LeasedLog>>,
    /// Notified when a lease of this process was given back.
    pub released: Notify,
}

/// A version of a lease that another run holds, as a waiter sees it.
pub struct ObservedLease {
    version: ObjectVersion,
    /// The holder's term, counted from when this version was first seen.
    term: LeaseTerm,
    pub length: Duration,
}

/// The log of an account whose lease is ours.
pub struct LeasedLog {
    pub writer: LogWriter,
    pub term: Arc<LeaseTerm>,
}

impl AccountStates {
    /// Creates the states of a store without any account.
    pub fn new(objects: RetryingBucket, layout: BucketLayout) -> Self {
        Self {
            objects,
            layout,
            states: Mutex::default(),
            pending_releases: watch::Sender::new(0),
        }
    }

    /// Returns the state of an account, new at the first call.
    pub fn state(&self, key: &AccountKey) -> Arc<AccountState> {
        let mut states = lock_unpoisoned(&self.states);
        if let Some(state) = states.get(key) {
            return Arc::clone(state);
        }
        let state = Arc::new(AccountState {
            folder: layout::account_folder(key),
            observed: Mutex::default(),
            abandoned: Mutex::default(),
            leased_log: tokio::sync::Mutex::default(),
            released: Notify::new(),
        });
        states.insert(key.clone(), Arc::clone(&state));
        state
    }

    /// Returns the states of all accounts seen so far.
    pub fn states(&self) -> Vec<Arc<AccountState>> {
        lock_unpoisoned(&self.states)
            .values()
            .map(Arc::clone)
            .collect()
    }

    /// Counts a dropped lease.
    pub fn begin_release(&self) {
        self.pending_releases.send_modify(|leases| *leases += 1);
    }

    /// Counts a lease that was given back or left to expire.
    pub fn end_release(&self) {
        self.pending_releases.send_modify(|leases| *leases -= 1);
    }

    /// Waits until every lease that was dropped is given back.
    pub async fn wait_for_releases(&self) {
        let mut returning = self.pending_releases.subscribe();
        // The sender is ours and outlives this.
        let _ = returning.wait_for(|leases| *leases == 0).await;
    }
}

impl AccountState {
    /// Locks the lease that another run holds.
    pub fn observed(&self) -> MutexGuard<'_, Option<ObservedLease>> {
        lock_unpoisoned(&self.observed)
    }

    /// Locks the takings that ended without an answer.
    pub fn abandoned(&self) -> MutexGuard<'_, BTreeSet<String>> {
        lock_unpoisoned(&self.abandoned)
    }

    /// Reports whether a lease was put by a taking of ours whose answer was lost.
    pub fn is_abandoned(&self, body: &LeaseBody) -> bool {
        self.abandoned().contains(&body.taking)
    }

    /// Reports whether the holder has not renewed for a whole term, as seen from here, by a read that began at
    /// `asking`.
    pub fn has_expired(
        &self,
        object: &BucketObject,
        body: &LeaseBody,
        asking: BootInstant,
    ) -> bool {
        let mut observed = self.observed();
        match &*observed {
            Some(observed) if observed.version == object.version => {
                observed.term.remaining(asking).is_none()
            }
            _ => {
                *observed = Some(ObservedLease {
                    version: object.version.clone(),
                    term: LeaseTerm::new(BootInstant::now(), body.term()),
                    length: body.term(),
                });
                false
            }
        }
    }
}
