//! A store under test, which several processes open.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use entitle::apply::journal::Record;
use entitle::apply::store::{
    Cursor, JournalLine, JournalScope, Lease, LeaseClaim, LeaseLost, Store, Taken,
};
use entitle::model::AccountKey;
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};

type Open = dyn Fn() -> BoxFuture<'static, Arc<dyn Store>> + Send + Sync;

/// One store, opened once for each process.
pub struct StoreFixture {
    open: Arc<Open>,
    /// What the store needs to exist, such as a directory or a server.
    _keep: Box<dyn Any + Send + Sync>,
}

impl StoreFixture {
    pub fn new<F>(
        open: impl Fn() -> F + Send + Sync + 'static,
        keep: impl Any + Send + Sync,
    ) -> Self
    where
        F: Future<Output = Arc<dyn Store>> + Send + 'static,
    {
        Self {
            open: Arc::new(move || Box::pin(open())),
            _keep: Box::new(keep),
        }
    }

    /// Opens the store as another process does.
    pub async fn open(&self) -> Arc<dyn Store> {
        (self.open)().await
    }

    /// Opens the store in a runtime that can be stopped like a process.
    pub async fn process(&self) -> Process {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let store = runtime.spawn((self.open)()).await.unwrap();
        Process {
            runtime: Some(runtime),
            store,
        }
    }
}

/// A simulated process: an open store with its background tasks.
pub struct Process {
    runtime: Option<Runtime>,
    store: Arc<dyn Store>,
}

impl Process {
    pub async fn take(&self, account: &AccountKey, claim: &LeaseClaim) -> Arc<dyn Lease> {
        let (store, account, claim) = (Arc::clone(&self.store), account.clone(), claim.clone());
        let runtime = self.runtime.as_ref().unwrap();
        let taking = runtime.spawn(async move { take(&*store, &account, &claim).await });
        Arc::from(taking.await.unwrap())
    }

    /// Stops it like `kill -9`: no lease is renewed or given back.
    pub fn kill(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Creates a claim of `holder` for a minute at a time.
pub fn claim(holder: &str) -> LeaseClaim {
    claim_for(holder, Duration::from_secs(60))
}

pub fn claim_for(holder: &str, term: Duration) -> LeaseClaim {
    LeaseClaim {
        holder: holder.into(),
        term,
    }
}

/// Takes a lease that is free, and panics if it is not.
pub async fn take(store: &dyn Store, account: &AccountKey, claim: &LeaseClaim) -> Box<dyn Lease> {
    match store.take_lease(account, claim).await.unwrap() {
        Taken::Held(lease) => lease,
        Taken::Busy(who) => panic!("{who} has it"),
    }
}

/// Takes a lease as soon as it is free, within 20 s.
pub async fn take_in_time(
    store: &dyn Store,
    account: &AccountKey,
    claim: &LeaseClaim,
) -> Box<dyn Lease> {
    let taking = async {
        loop {
            match store.take_lease(account, claim).await.unwrap() {
                Taken::Held(lease) => return lease,
                Taken::Busy(_) => store.wait_for_release(account).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), taking)
        .await
        .expect("the lease becomes free")
}

/// Gives a lease back and waits for it.
pub async fn give_back(store: &dyn Store, lease: Box<dyn Lease>) {
    drop(lease);
    store.close().await;
}

/// Reads the records behind a cursor; panics on a damaged line or a reset.
pub async fn read(
    store: &dyn Store,
    reading: JournalScope<'_>,
    cursor: &mut Cursor,
) -> Vec<Record> {
    let mut records = Vec::new();
    let mut take = |line: JournalLine| match line {
        JournalLine::Record(record) => records.push(*record),
        JournalLine::Damaged(number) => panic!("line {number} is damaged"),
        JournalLine::Reset => panic!("it is another journal"),
    };
    store.read(reading, cursor, &mut take).await.unwrap();
    records
}

/// Reads all records.
pub async fn read_all(store: &dyn Store) -> Vec<Record> {
    read(store, JournalScope::Everything, &mut Cursor::default()).await
}

/// A lease of a deposed holder that does not know it yet.
pub struct DeposedLease {
    pub account: AccountKey,
    pub epoch: u64,
}

impl Lease for DeposedLease {
    fn account(&self) -> &AccountKey {
        &self.account
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn covers(&self, _call: Duration) -> Result<(), LeaseLost> {
        Ok(())
    }
}
