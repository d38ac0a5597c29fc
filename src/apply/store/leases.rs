//! The leases of a run, by connection.
//!
//! All are taken before anything is written, in the order of their accounts. Run 1 with `[a, b]` and run 2 with `[b,
//! a]` both ask for `a` first, so neither can hold one lease while it waits for the other's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Lease, LeaseClaim, Store, StoreError, Taken};
use crate::model::{AccountKey, Connection};

/// How much longer a lease lasts than the longest call of its connection: a call that starts late in it still ends
/// within.
const TERM_SLACK: Duration = Duration::from_secs(30);

/// How long a wait for a lease goes unmentioned: shorter waits are of no interest.
const QUIET_WAIT: Duration = Duration::from_millis(400);

/// The connection that stayed locked, and who holds its lease.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection `{connection}` is locked by {holder}")]
pub struct LeaseBusy {
    pub connection: String,
    pub holder: String,
}

/// The leases that a run holds, by the name of their connection. Empty where no other run can write.
#[derive(Clone, Default)]
pub struct Leases(BTreeMap<String, Arc<dyn Lease>>);

impl Leases {
    /// Takes the leases of all `connections`, in the order of their accounts, so that two runs never wait for each
    /// other. Two connections to one account share one lease.
    ///
    /// The inner `Err` names the connection that stayed busy for `patience` and who holds it. `waiting` is called once
    /// for each lease that takes longer than 400 ms.
    pub async fn take_all(
        store: &dyn Store,
        connections: &[&Connection],
        holder: &str,
        patience: Duration,
        waiting: &(dyn Fn(&str) + Sync),
    ) -> Result<Result<Self, LeaseBusy>, StoreError> {
        let deadline = Instant::now() + patience;
        let mut leases = Self::default();
        let mut taken: BTreeMap<AccountKey, Arc<dyn Lease>> = BTreeMap::new();
        let mut connections = connections.to_vec();
        connections.sort_by_key(|connection| connection.account_key());
        for connection in connections {
            let account = connection.account_key();
            let lease = match taken.get(&account) {
                Some(lease) => Arc::clone(lease),
                None => match wait_for_lease(store, connection, holder, deadline, waiting).await? {
                    Ok(lease) => lease,
                    Err(busy) => return Ok(Err(busy)),
                },
            };
            taken.insert(account, Arc::clone(&lease));
            leases.0.insert(connection.name.clone(), lease);
        }
        Ok(Ok(leases))
    }

    /// Returns the lease of the connection with this name; `None` if there is none.
    pub fn for_connection(&self, connection: &str) -> Option<&Arc<dyn Lease>> {
        self.0.get(connection)
    }

    /// Returns the lease on the account with this vendor, base URL and account, in the spelling of a journal; `None` if
    /// the run does not hold it.
    pub fn for_account(
        &self,
        [vendor, base_url, account]: [&String; 3],
    ) -> Option<&Arc<dyn Lease>> {
        let base_url = base_url.trim_end_matches('/');
        self.0.values().find(|lease| {
            let key = lease.account();
            key.vendor.to_string() == *vendor && key.base_url == base_url && key.account == *account
        })
    }

    /// Returns the lease if all connections share one account; `None` if there are several accounts, or no lease.
    pub fn sole_lease(&self) -> Option<&Arc<dyn Lease>> {
        let mut leases = self.0.values();
        let first = leases.next()?;
        leases
            .all(|lease| Arc::ptr_eq(lease, first))
            .then_some(first)
    }
}

/// Takes one lease, waiting for it until `deadline`. The inner `Err` says who holds it.
async fn wait_for_lease(
    store: &dyn Store,
    connection: &Connection,
    holder: &str,
    deadline: Instant,
    waiting: &(dyn Fn(&str) + Sync),
) -> Result<Result<Arc<dyn Lease>, LeaseBusy>, StoreError> {
    let start = Instant::now();
    let account = connection.account_key();
    let claim = LeaseClaim {
        holder: holder.to_string(),
        term: connection.timeout + TERM_SLACK,
    };
    let mut is_reported = false;
    loop {
        let by = match store.take_lease(&account, &claim).await? {
            Taken::Held(lease) => return Ok(Ok(Arc::from(lease))),
            Taken::Busy(by) => by,
        };
        let name = &connection.name;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Err(LeaseBusy {
                connection: name.to_string(),
                holder: by,
            }));
        }
        if !is_reported && start.elapsed() >= QUIET_WAIT {
            is_reported = true;
            waiting(&format!(
                "waiting for the connection `{name}`, locked by {by}"
            ));
        }
        let _ = timeout(left, store.wait_for_release(&account)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;
    use crate::apply::journal::Record;
    use crate::apply::store::{Cursor, JournalLine, JournalScope, LeaseLost};
    use crate::provider::testing::connection;

    struct Ours(AccountKey);

    impl Lease for Ours {
        fn account(&self) -> &AccountKey {
            &self.0
        }

        fn epoch(&self) -> u64 {
            1
        }

        fn covers(&self, _: Duration) -> Result<(), LeaseLost> {
            Ok(())
        }
    }

    /// A store whose leases another run has for a while. It counts how often a lease was taken.
    struct BusyFor {
        start: Instant,
        time: Duration,
        taken: AtomicUsize,
    }

    impl BusyFor {
        fn millis(millis: u64) -> Self {
            Self {
                start: Instant::now(),
                time: Duration::from_millis(millis),
                taken: Default::default(),
            }
        }
    }

    impl Store for BusyFor {
        fn name(&self) -> String {
            "busy".into()
        }

        fn take_lease<'a>(
            &'a self,
            account: &'a AccountKey,
            _: &'a LeaseClaim,
        ) -> BoxFuture<'a, Result<Taken, StoreError>> {
            let taken = if self.start.elapsed() < self.time {
                Taken::Busy("them".into())
            } else {
                self.taken.fetch_add(1, Ordering::Relaxed);
                Taken::Held(Box::new(Ours(account.clone())))
            };
            async { Ok(taken) }.boxed()
        }

        fn wait_for_release<'a>(&'a self, _: &'a AccountKey) -> BoxFuture<'a, ()> {
            tokio::time::sleep(Duration::from_millis(50)).boxed()
        }

        fn append<'a>(
            &'a self,
            _: &'a [Record],
            _: Option<&'a dyn Lease>,
        ) -> BoxFuture<'a, Result<(), StoreError>> {
            unreachable!()
        }

        fn read<'a>(
            &'a self,
            _: JournalScope<'a>,
            _: &'a mut Cursor,
            _: &'a mut (dyn FnMut(JournalLine) + Send),
        ) -> BoxFuture<'a, Result<(), StoreError>> {
            unreachable!()
        }

        fn close(&self) -> BoxFuture<'_, ()> {
            unreachable!()
        }
    }

    /// Takes the leases with a second of patience. Returns the leases held, or why none is held, and the messages
    /// meanwhile.
    async fn take(store: &BusyFor, names: &[&str]) -> (Result<Vec<String>, String>, Vec<String>) {
        let connections: Vec<Connection> = names
            .iter()
            .map(|name| Connection {
                name: (*name).into(),
                ..connection()
            })
            .collect();
        let connections: Vec<&Connection> = connections.iter().collect();
        let messages = Mutex::new(Vec::new());
        let waiting = |message: &str| messages.lock().unwrap().push(message.to_string());
        let second = Duration::from_secs(1);
        let taken = Leases::take_all(store, &connections, "me", second, &waiting).await;
        let taken = taken.unwrap().map_err(|busy| busy.to_string());
        let acquired = taken.map(|leases| {
            let acquired = names
                .iter()
                .filter(|name| leases.for_connection(name).is_some());
            acquired.map(|name| (*name).to_string()).collect()
        });
        (acquired, messages.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_lease_is_waited_for_and_a_long_wait_is_told_once() {
        let acquired = Ok(vec!["lac".to_string()]);
        assert_eq!(
            take(&BusyFor::millis(0), &["lac"]).await,
            (acquired.clone(), vec![])
        );
        assert_eq!(
            take(&BusyFor::millis(300), &["lac"]).await,
            (acquired.clone(), vec![])
        );
        let messages = vec!["waiting for the connection `lac`, locked by them".to_string()];
        assert_eq!(
            take(&BusyFor::millis(900), &["lac"]).await,
            (acquired, messages.clone())
        );
        let store = BusyFor::millis(60_000);
        let busy = Err("the connection `lac` is locked by them".to_string());
        assert_eq!(take(&store, &["lac"]).await, (busy, messages));
        assert_eq!(store.start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn two_names_of_one_account_are_one_lease() {
        let store = BusyFor::millis(0);
        let (acquired, _) = take(&store, &["lac", "same"]).await;
        assert_eq!(acquired, Ok(vec!["lac".into(), "same".into()]));
        assert_eq!(store.taken.into_inner(), 1);
    }
}
