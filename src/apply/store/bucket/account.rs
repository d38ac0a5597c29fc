//! What an opened store knows of the accounts it was asked about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::layout::{self, Layout};
use super::lease::Seen;
use super::log::Writer;
use super::objects::Patient;
use crate::apply::store::term::Term;
use crate::model::AccountKey;

/// The accounts, the bucket, and where in it they are.
pub struct Accounts {
    pub objects: Patient,
    pub layout: Layout,
    states: Mutex<BTreeMap<AccountKey, Arc<State>>>,
    /// Leases that were dropped and are not given back yet.
    returning: watch::Sender<usize>,
}

/// One account.
pub struct State {
    pub folder: String,
    /// What is known of a lease that somebody else holds.
    seen: Mutex<Option<Seen>>,
    /// Takings of ours of which we do not know whether they became a lease. Nobody holds those.
    strays: Mutex<BTreeSet<String>>,
    /// What we append with while the lease is ours; one append at a time.
    pub held: tokio::sync::Mutex<Option<Held>>,
    /// A lease of ours was given back.
    pub freed: Notify,
}

/// The log of an account whose lease is ours.
pub struct Held {
    pub writer: Writer,
    pub term: Arc<Term>,
}

impl Accounts {
    pub fn new(objects: Patient, layout: Layout) -> Self {
        Self {
            objects,
            layout,
            states: Mutex::default(),
            returning: watch::Sender::new(0),
        }
    }

    pub fn state(&self, key: &AccountKey) -> Arc<State> {
        let mut states = locked(&self.states);
        if let Some(state) = states.get(key) {
            return Arc::clone(state);
        }
        let state = Arc::new(State {
            folder: layout::folder(key),
            seen: Mutex::default(),
            strays: Mutex::default(),
            held: tokio::sync::Mutex::default(),
            freed: Notify::new(),
        });
        states.insert(key.clone(), Arc::clone(&state));
        state
    }

    pub fn states(&self) -> Vec<Arc<State>> {
        locked(&self.states).values().map(Arc::clone).collect()
    }

    /// A lease was dropped.
    pub fn giving_back(&self) {
        self.returning.send_modify(|leases| *leases += 1);
    }

    /// What had to be done about a dropped lease is done.
    pub fn given_back(&self) {
        self.returning.send_modify(|leases| *leases -= 1);
    }

    /// Waits until every lease that was dropped is given back.
    pub async fn all_given_back(&self) {
        let mut returning = self.returning.subscribe();
        // The sender is ours and outlives this.
        let _ = returning.wait_for(|leases| *leases == 0).await;
    }
}

impl State {
    pub fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        locked(&self.seen)
    }

    pub fn strays(&self) -> MutexGuard<'_, BTreeSet<String>> {
        locked(&self.strays)
    }
}

/// Nothing panics while a lock is held.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
