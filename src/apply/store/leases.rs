//! The leases of a run, by connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Claim, Lease, Store, StoreError, Taken};
use crate::model::{AccountKey, Connection};

/// How much longer than the longest call a lease lasts: a call that starts late in it still ends within.
const SLACK: Duration = Duration::from_secs(30);

/// Waiting for a lease is mentioned once it takes this long: shorter waits are nobody's concern.
const PATIENCE: Duration = Duration::from_millis(400);

/// The connection that stayed locked, and who holds its lease.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection `{connection}` is locked by {holder}")]
pub struct LeaseBusy {
    pub connection: String,
    pub holder: String,
}

/// The leases that a run holds, by connection. Without any, nobody else can write there.
#[derive(Clone, Default)]
pub struct Leases(BTreeMap<String, Arc<dyn Lease>>);

impl Leases {
    /// Takes the leases of all `connections`, in the order of their accounts, so that two runs never wait for each
    /// other. Two names of one account are one lease, which one run must not take twice.
    ///
    /// The error inside names the connection that stayed locked. `waiting` is told once about each wait.
    pub async fn take(
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
                None => match wait(store, connection, holder, deadline, waiting).await? {
                    Ok(lease) => lease,
                    Err(busy) => return Ok(Err(busy)),
                },
            };
            taken.insert(account, Arc::clone(&lease));
            leases.0.insert(connection.name.clone(), lease);
        }
        Ok(Ok(leases))
    }

    pub fn of(&self, connection: &str) -> Option<&Arc<dyn Lease>> {
        self.0.get(connection)
    }

    /// Returns the lease on an account by its vendor, base URL and account as a journal has them.
    pub fn of_account(&self, [vendor, base_url, account]: [&String; 3]) -> Option<&Arc<dyn Lease>> {
        let base_url = base_url.trim_end_matches('/');
        self.0.values().find(|lease| {
            let own = lease.account();
            own.vendor.to_string() == *vendor && own.base_url == base_url && own.account == *account
        })
    }

    /// Returns the lease if there is one account only.
    pub fn only(&self) -> Option<&Arc<dyn Lease>> {
        let mut leases = self.0.values();
        let first = leases.next()?;
        leases
            .all(|lease| Arc::ptr_eq(lease, first))
            .then_some(first)
    }
}

/// Takes one lease, waiting for it until `deadline`.
async fn wait(
    store: &dyn Store,
    connection: &Connection,
    holder: &str,
    deadline: Instant,
    waiting: &(dyn Fn(&str) + Sync),
) -> Result<Result<Arc<dyn Lease>, LeaseBusy>, StoreError> {
    let start = Instant::now();
    let account = connection.account_key();
    let claim = Claim {
        holder: holder.to_string(),
        term: connection.timeout + SLACK,
    };
    let mut told = false;
    loop {
        let by = match store.take(&account, &claim).await? {
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
        if !told && start.elapsed() >= PATIENCE {
            told = true;
            waiting(&format!(
                "waiting for the connection `{name}`, locked by {by}"
            ));
        }
        let _ = timeout(left, store.wait(&account)).await;
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
    use crate::apply::store::{Cursor, LeaseLost, Line, Reading};
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

    /// A store whose leases somebody else has for a while, and how often one was taken.
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

        fn take<'a>(
            &'a self,
            account: &'a AccountKey,
            _: &'a Claim,
        ) -> BoxFuture<'a, Result<Taken, StoreError>> {
            let taken = if self.start.elapsed() < self.time {
                Taken::Busy("them".into())
            } else {
                self.taken.fetch_add(1, Ordering::Relaxed);
                Taken::Held(Box::new(Ours(account.clone())))
            };
            async { Ok(taken) }.boxed()
        }

        fn wait<'a>(&'a self, _: &'a AccountKey) -> BoxFuture<'a, ()> {
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
            _: Reading<'a>,
            _: &'a mut Cursor,
            _: &'a mut (dyn FnMut(Line) + Send),
        ) -> BoxFuture<'a, Result<(), StoreError>> {
            unreachable!()
        }

        fn close(&self) -> BoxFuture<'_, ()> {
            unreachable!()
        }
    }

    /// Takes the leases with a second of patience: which are held, or why none is, and what was said meanwhile.
    async fn take(store: &BusyFor, names: &[&str]) -> (Result<Vec<String>, String>, Vec<String>) {
        let connections: Vec<Connection> = names
            .iter()
            .map(|name| Connection {
                name: (*name).into(),
                ..connection()
            })
            .collect();
        let connections: Vec<&Connection> = connections.iter().collect();
        let told = Mutex::new(Vec::new());
        let waiting = |words: &str| told.lock().unwrap().push(words.to_string());
        let second = Duration::from_secs(1);
        let taken = Leases::take(store, &connections, "me", second, &waiting).await;
        let taken = taken.unwrap().map_err(|busy| busy.to_string());
        let held = taken.map(|leases| {
            let held = names.iter().filter(|name| leases.of(name).is_some());
            held.map(|name| (*name).to_string()).collect()
        });
        (held, told.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_lease_is_waited_for_and_a_long_wait_is_told_once() {
        let held = Ok(vec!["lac".to_string()]);
        assert_eq!(
            take(&BusyFor::millis(0), &["lac"]).await,
            (held.clone(), vec![])
        );
        assert_eq!(
            take(&BusyFor::millis(300), &["lac"]).await,
            (held.clone(), vec![])
        );
        let told = vec!["waiting for the connection `lac`, locked by them".to_string()];
        assert_eq!(
            take(&BusyFor::millis(900), &["lac"]).await,
            (held, told.clone())
        );
        let store = BusyFor::millis(60_000);
        let busy = Err("the connection `lac` is locked by them".to_string());
        assert_eq!(take(&store, &["lac"]).await, (busy, told));
        assert_eq!(store.start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn two_names_of_one_account_are_one_lease() {
        let store = BusyFor::millis(0);
        let (held, _) = take(&store, &["lac", "same"]).await;
        assert_eq!(held, Ok(vec!["lac".into(), "same".into()]));
        assert_eq!(store.taken.into_inner(), 1);
    }
}
