//! The store of a team in a PostgreSQL database.
//!
//! Four connections, each made when it is first needed: one for leases, so that no renewal queues behind a large append,
//! one for lines, one for the budget of calls, and one that listens for leases that become free. There is no pool. What was committed is there after a
//! crash of the server; a fail-over to a replica that is not synchronous may forget it and give an epoch twice, which
//! nothing here can mend.

mod accounts;
mod address;
mod append;
mod budget;
mod connection;
mod error;
mod lease;
mod prune;
mod read;
mod roster;
mod schema;
mod summary;
mod upkeep;
mod waking;

use crate::model::with_causes;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Claim, Cursor, Lease, Line, Reading, Roster, Store, StoreError, Taken};
use crate::apply::journal::Record;
use crate::apply::memory::Summary;
use crate::apply::store::budget::Budget;
use crate::apply::tls::Tls;
use crate::model::{AccountKey, RateLimit};
use accounts::text;
use address::Address;
use connection::{Connector, Fault, Link};
use error::{Task, Words, refused, store_error};
use waking::Waking;

/// Time for leases to be given back before the program ends.
const CLOSING: Duration = Duration::from_secs(10);

/// A database that a team's runs share.
pub struct Postgres {
    shared: Arc<Shared>,
}

/// What leases and their renewals share with the store.
struct Shared {
    connector: Arc<Connector>,
    leases: Link,
    lines: Link,
    budgets: Link,
    waking: Waking,
    /// Accounts whose last append may or may not have been committed.
    doubts: Mutex<BTreeSet<String>>,
    /// Leases that are being given back.
    returns: Mutex<Vec<JoinHandle<()>>>,
    runtime: Handle,
}

impl Postgres {
    /// Opens the database of this URL, and makes its tables if they are not there.
    ///
    /// Without TLS it is refused, except on this machine or where the URL says `sslmode=disable`.
    pub async fn open(url: &str, tls: &Tls) -> Result<Self, StoreError> {
        let address = Address::parse(url)
            .map_err(|error| refused("the PostgreSQL store".into(), Task::Open, error))?;
        let connector = Arc::new(Connector {
            address,
            tls: tls.clone(),
        });
        prepare(&connector).await?;
        let shared = Shared {
            leases: Link::new(Arc::clone(&connector)),
            lines: Link::new(Arc::clone(&connector)),
            budgets: Link::new(Arc::clone(&connector)),
            waking: Waking::new(Arc::clone(&connector)),
            connector,
            doubts: Mutex::default(),
            returns: Mutex::default(),
            runtime: Handle::current(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

/// Connects once and sees to the tables.
async fn prepare(connector: &Connector) -> Result<(), StoreError> {
    let preparing = async {
        let mut client = connector.connect().await?;
        schema::prepare(&mut client).await
    };
    let prepared = match timeout(PREPARING, preparing).await {
        Ok(prepared) => prepared,
        Err(_) => Err(Words::from(Fault::Lost("it does not answer".into()))),
    };
    prepared.map_err(|words| match words {
        Words::Fault(task, fault) => store_error(&connector.address, task, fault),
        Words::Said(why) => refused(connector.address.name().into(), Task::Open, why),
    })
}

/// Time for the tables to be looked at or made, by whoever else may do it at the same time.
const PREPARING: Duration = Duration::from_secs(30);

/// Nothing panics while the lock is held.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn address(&self) -> &Address {
        &self.connector.address
    }

    fn name(&self) -> &str {
        self.address().name()
    }

    fn words(&self, fault: Fault) -> String {
        with_causes(&store_error(self.address(), Task::TakeLease, fault))
    }

    fn doubts(&self, keys: &[String]) -> bool {
        let doubts = locked(&self.doubts);
        keys.iter().any(|key| doubts.contains(key))
    }

    fn doubt(&self, keys: &[String]) {
        locked(&self.doubts).extend(keys.iter().cloned());
    }

    fn settle(&self, keys: &[String]) {
        locked(&self.doubts).retain(|key| !keys.contains(key));
    }

    /// Lets a lease be given back, and [`Store::close`] wait for it.
    fn in_background(&self, work: BoxFuture<'static, ()>) {
        let mut returns = locked(&self.returns);
        returns.retain(|work| !work.is_finished());
        returns.push(self.runtime.spawn(work));
    }
}

impl Store for Postgres {
    fn name(&self) -> String {
        self.shared.name().to_string()
    }

    fn take<'a>(
        &'a self,
        account: &'a AccountKey,
        claim: &'a Claim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        Box::pin(async move {
            let taken = lease::take(&self.shared, account, claim).await;
            taken.map_err(|fault| store_error(self.shared.address(), Task::TakeLease, fault))
        })
    }

    fn wait<'a>(&'a self, account: &'a AccountKey) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.shared.waking.wait(&text(account)).await })
    }

    fn append<'a>(
        &'a self,
        records: &'a [Record],
        lease: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(append::append(&self.shared, records, lease))
    }

    fn read<'a>(
        &'a self,
        reading: Reading<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(Line) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let read = read::read(&self.shared, reading, cursor, take).await;
            read.map_err(|fault| store_error(self.shared.address(), Task::Read, fault))
        })
    }

    fn summarize<'a>(
        &'a self,
        account: Option<&'a AccountKey>,
        summary: Summary,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(account) = account else {
                return Ok(());
            };
            let kept = summary::replace(&self.shared, account, summary).await;
            kept.map_err(|fault| store_error(self.shared.address(), Task::Summarize, fault))
        })
    }

    fn budget(&self, account: &AccountKey, rates: &[RateLimit]) -> Option<Arc<dyn Budget>> {
        if rates.is_empty() {
            return None;
        }
        Some(Arc::new(budget::Row {
            shared: Arc::clone(&self.shared),
            account: text(account),
            rates: rates.to_vec(),
        }))
    }

    fn roster(&self) -> Option<&dyn Roster> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let returns = std::mem::take(&mut *locked(&self.shared.returns));
            let _ = timeout(CLOSING, join_all(returns)).await;
        })
    }
}
