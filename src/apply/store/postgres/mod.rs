//! The store of a team in a PostgreSQL database.
//!
//! Four connections, each made when it is first needed: for leases (so that no renewal queues behind a large append),
//! for lines, for the call budget, and for listening to notifications. There is no pool.
//!
//! What holds: a committed record survives a crash of the server, and one statement decides who gets a lease. What can
//! go wrong: a fail-over to an asynchronous standby may lose committed records and give out an epoch twice; nothing
//! here can repair that.

mod account_name;
mod admin;
mod append;
mod budget;
mod connection;
mod database_url;
mod error;
mod lease;
mod listener;
mod prune;
mod read;
mod roster;
mod schema;
mod summary;

use crate::model::with_causes;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{
    Cursor, JournalLine, JournalScope, Lease, LeaseClaim, Roster, Store, StoreError, Taken,
    lock_unpoisoned,
};
use crate::apply::journal::Record;
use crate::apply::memory::JournalSummary;
use crate::apply::store::budget::CallBudget;
use crate::apply::tls::Tls;
use crate::model::{AccountKey, RateLimit};
use account_name::account_name;
use connection::{PostgresConnector, QueryError, ReconnectingClient};
use database_url::DatabaseUrl;
use error::{DatabaseOpenError, StoreTask, refused_error, store_error};
use listener::NotificationListener;

/// How long closing waits for leases to be given back.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// A journal with leases in a database that a team's runs share.
pub struct PostgresStore {
    shared: Arc<PostgresState>,
}

/// What the leases and their renewal tasks share with the store.
struct PostgresState {
    connector: Arc<PostgresConnector>,
    lease_client: ReconnectingClient,
    line_client: ReconnectingClient,
    budget_client: ReconnectingClient,
    listener: NotificationListener,
    /// Accounts whose last append may or may not have been committed: its answer was lost.
    uncertain_accounts: Mutex<BTreeSet<String>>,
    /// Tasks that give leases back.
    releases: Mutex<Vec<JoinHandle<()>>>,
    runtime: Handle,
}

impl PostgresStore {
    /// Opens the database of this URL and creates its tables if they are missing.
    ///
    /// `Err` if the URL would send the password without TLS, except to this machine or with `sslmode=disable`.
    pub async fn open(url: &str, tls: &Tls) -> Result<Self, StoreError> {
        let address = DatabaseUrl::parse(url).map_err(|error| {
            refused_error("the PostgreSQL store".into(), StoreTask::Open, error)
        })?;
        let connector = Arc::new(PostgresConnector {
            address,
            tls: tls.clone(),
        });
        connect_and_migrate(&connector).await?;
        let shared = PostgresState {
            lease_client: ReconnectingClient::new(Arc::clone(&connector)),
            line_client: ReconnectingClient::new(Arc::clone(&connector)),
            budget_client: ReconnectingClient::new(Arc::clone(&connector)),
            listener: NotificationListener::new(Arc::clone(&connector)),
            connector,
            uncertain_accounts: Mutex::default(),
            releases: Mutex::default(),
            runtime: Handle::current(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

/// Connects once and brings the tables up to date.
async fn connect_and_migrate(connector: &PostgresConnector) -> Result<(), StoreError> {
    let preparing = async {
        let mut client = connector.connect().await?;
        schema::ensure_tables(&mut client).await
    };
    let prepared = match timeout(PREPARE_TIMEOUT, preparing).await {
        Ok(prepared) => prepared,
        Err(_) => Err(DatabaseOpenError::from(QueryError::Lost(
            "it does not answer".into(),
        ))),
    };
    prepared.map_err(|error| match error {
        DatabaseOpenError::Query(task, error) => store_error(&connector.address, task, error),
        DatabaseOpenError::Unusable(why) => {
            refused_error(connector.address.name().into(), StoreTask::Open, why)
        }
    })
}

/// How long checking or creating the tables may take; another process may be creating them at the same time.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(30);

impl PostgresState {
    fn address(&self) -> &DatabaseUrl {
        &self.connector.address
    }

    fn name(&self) -> &str {
        self.address().name()
    }

    /// Formats an error of renewing or giving back a lease.
    fn describe_error(&self, error: QueryError) -> String {
        with_causes(&store_error(self.address(), StoreTask::TakeLease, error))
    }

    /// Reports whether the last append of one of these accounts may or may not have been committed.
    fn is_uncertain(&self, keys: &[String]) -> bool {
        let doubts = lock_unpoisoned(&self.uncertain_accounts);
        keys.iter().any(|key| doubts.contains(key))
    }

    /// Notes that the last append of these accounts may or may not have been committed.
    fn mark_uncertain(&self, keys: &[String]) {
        lock_unpoisoned(&self.uncertain_accounts).extend(keys.iter().cloned());
    }

    /// Notes that the last append of these accounts is certain.
    fn clear_uncertain(&self, keys: &[String]) {
        lock_unpoisoned(&self.uncertain_accounts).retain(|key| !keys.contains(key));
    }

    /// Gives a lease back in the background; [`Store::close`] waits for it.
    fn spawn_release(&self, work: BoxFuture<'static, ()>) {
        let mut returns = lock_unpoisoned(&self.releases);
        returns.retain(|work| !work.is_finished());
        returns.push(self.runtime.spawn(work));
    }
}

impl Store for PostgresStore {
    fn name(&self) -> String {
        self.shared.name().to_string()
    }

    fn take_lease<'a>(
        &'a self,
        account: &'a AccountKey,
        claim: &'a LeaseClaim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        Box::pin(async move {
            let taken = lease::take_lease(&self.shared, account, claim).await;
            taken.map_err(|error| store_error(self.shared.address(), StoreTask::TakeLease, error))
        })
    }

    fn wait_for_release<'a>(&'a self, account: &'a AccountKey) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.shared.listener.wait(&account_name(account)).await })
    }

    fn append<'a>(
        &'a self,
        records: &'a [Record],
        lease: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(append::append_records(&self.shared, records, lease))
    }

    fn read<'a>(
        &'a self,
        reading: JournalScope<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(JournalLine) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let read = read::read_journal(&self.shared, reading, cursor, take).await;
            read.map_err(|error| store_error(self.shared.address(), StoreTask::Read, error))
        })
    }

    fn summarize<'a>(
        &'a self,
        account: Option<&'a AccountKey>,
        summary: JournalSummary,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(account) = account else {
                return Ok(());
            };
            let stored = summary::replace_summary(&self.shared, account, summary).await;
            stored.map_err(|error| store_error(self.shared.address(), StoreTask::Summarize, error))
        })
    }

    fn budget(&self, account: &AccountKey, rates: &[RateLimit]) -> Option<Arc<dyn CallBudget>> {
        if rates.is_empty() {
            return None;
        }
        Some(Arc::new(budget::BudgetRow {
            shared: Arc::clone(&self.shared),
            account: account_name(account),
            rates: rates.to_vec(),
        }))
    }

    fn roster(&self) -> Option<&dyn Roster> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let returns = std::mem::take(&mut *lock_unpoisoned(&self.shared.releases));
            let _ = timeout(CLOSE_TIMEOUT, join_all(returns)).await;
        })
    }
}
