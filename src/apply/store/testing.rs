//! A store for tests of the code in front of a store: each append takes a while, the first ones fail, and the rest keep
//! their records.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::sleep;

use super::{Cursor, JournalLine, JournalScope, Lease, LeaseClaim, Store, StoreError, Taken};
use crate::apply::journal::Record;
use crate::model::AccountKey;

/// A store that can only be appended to.
pub struct ScriptedStore {
    latency: Duration,
    fails: usize,
    tries: AtomicUsize,
    /// The records of each append that came through, in order.
    appended: Mutex<Vec<Vec<Record>>>,
}

impl ScriptedStore {
    /// Returns a store whose appends take `latency`. The first `fails` appends find the store unreachable.
    pub fn new(latency: Duration, fails: usize) -> Arc<Self> {
        Arc::new(Self {
            latency,
            fails,
            tries: AtomicUsize::new(0),
            appended: Mutex::default(),
        })
    }

    /// Returns the records of each append, in order.
    pub fn appended(&self) -> Vec<Vec<Record>> {
        self.appended.lock().expect("no test panicked").clone()
    }

    /// Returns the runs that the records of each append are of, in order.
    pub fn appended_runs(&self) -> Vec<Vec<String>> {
        let groups = self.appended().into_iter();
        let runs = groups.map(|group| group.into_iter().map(|record| record.run).collect());
        runs.collect()
    }
}

impl Store for ScriptedStore {
    fn name(&self) -> String {
        "away".into()
    }

    fn take_lease<'a>(
        &'a self,
        _: &'a AccountKey,
        _: &'a LeaseClaim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        unreachable!("it has no leases")
    }

    fn wait_for_release<'a>(&'a self, _: &'a AccountKey) -> BoxFuture<'a, ()> {
        unreachable!("it has no leases")
    }

    fn append<'a>(
        &'a self,
        records: &'a [Record],
        _: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async {
            sleep(self.latency).await;
            if self.tries.fetch_add(1, Ordering::Relaxed) < self.fails {
                return Err(StoreError::Unavailable {
                    store: self.name(),
                    source: "no route".into(),
                });
            }
            let mut appended = self.appended.lock().expect("no test panicked");
            appended.push(records.to_vec());
            Ok(())
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        _: JournalScope<'a>,
        _: &'a mut Cursor,
        _: &'a mut (dyn FnMut(JournalLine) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        unreachable!("it is only appended to")
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        unreachable!("it stays open")
    }
}
