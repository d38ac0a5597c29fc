//! What the laws are held against: a store that several processes open.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use entitle::apply::journal::Record;
use entitle::apply::store::{Claim, Cursor, Lease, LeaseLost, Line, Reading, Store, Taken};
use entitle::model::AccountKey;
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};

type Open = dyn Fn() -> BoxFuture<'static, Arc<dyn Store>> + Send + Sync;

/// One place, opened as often as there are processes.
pub struct Bench {
    open: Arc<Open>,
    /// Whatever the place needs to be there.
    _keep: Box<dyn Any + Send + Sync>,
}

impl Bench {
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

    /// Opens it as another process does.
    pub async fn open(&self) -> Arc<dyn Store> {
        (self.open)().await
    }

    /// Opens it as a process that can be stopped.
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

/// A process: a store, and whatever it does in the background.
pub struct Process {
    runtime: Option<Runtime>,
    store: Arc<dyn Store>,
}

impl Process {
    pub async fn take(&self, account: &AccountKey, claim: &Claim) -> Arc<dyn Lease> {
        let (store, account, claim) = (Arc::clone(&self.store), account.clone(), claim.clone());
        let runtime = self.runtime.as_ref().unwrap();
        let taking = runtime.spawn(async move { take(&*store, &account, &claim).await });
        Arc::from(taking.await.unwrap())
    }

    /// Ends it as `kill -9` does: nothing is renewed and nothing given back.
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

/// A claim of `holder` for a minute at a time.
pub fn claim(holder: &str) -> Claim {
    claim_for(holder, Duration::from_secs(60))
}

pub fn claim_for(holder: &str, term: Duration) -> Claim {
    Claim {
        holder: holder.into(),
        term,
    }
}

/// Takes a lease that is free.
pub async fn take(store: &dyn Store, account: &AccountKey, claim: &Claim) -> Box<dyn Lease> {
    match store.take(account, claim).await.unwrap() {
        Taken::Held(lease) => lease,
        Taken::Busy(who) => panic!("{who} has it"),
    }
}

/// Takes a lease as soon as it is free.
pub async fn take_in_time(
    store: &dyn Store,
    account: &AccountKey,
    claim: &Claim,
) -> Box<dyn Lease> {
    let taking = async {
        loop {
            match store.take(account, claim).await.unwrap() {
                Taken::Held(lease) => return lease,
                Taken::Busy(_) => store.wait(account).await,
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

/// The records behind a cursor; every line must be whole.
pub async fn read(store: &dyn Store, reading: Reading<'_>, cursor: &mut Cursor) -> Vec<Record> {
    let mut records = Vec::new();
    let mut take = |line: Line| match line {
        Line::Record(record) => records.push(*record),
        Line::Damaged(number) => panic!("line {number} is damaged"),
        Line::Anew => panic!("it is another journal"),
    };
    store.read(reading, cursor, &mut take).await.unwrap();
    records
}

/// All records there are.
pub async fn read_all(store: &dyn Store) -> Vec<Record> {
    read(store, Reading::Everything, &mut Cursor::default()).await
}

/// A lease as whoever was deposed still believes to have it.
pub struct Deposed {
    pub account: AccountKey,
    pub epoch: u64,
}

impl Lease for Deposed {
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
