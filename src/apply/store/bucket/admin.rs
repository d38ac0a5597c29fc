//! Administration of a store in a bucket.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::layout::UNLEASED;
use super::lease::{self, LeaseAttempt, TakeMode};
use super::lease_body::LeaseBody;
use super::objects::BucketError;
use super::{BucketStore, READ, check, prune};
use crate::apply::store::{Guarantee, LeaseClaim, LeaseState, Store, StoreAdmin, StoreError};
use crate::model::AccountKey;
use crate::provider;

/// How many leases to read at once.
const CONCURRENT_READS: usize = 16;

/// How often to try to take a lease away while its holder renews it.
const FORCE_TRIES: u32 = 5;

/// The term of a lease taken by force; it is given back at once.
const FORCE_TERM: Duration = Duration::from_secs(60);

impl BucketStore {
    /// Reads the leases of all accounts, sorted by account.
    async fn read_leases(&self) -> Result<Vec<LeaseBody>, BucketError> {
        let layout = &self.accounts.layout;
        let folders = self
            .accounts
            .objects
            .folders(&layout.accounts_folder())
            .await?;
        let mut looks = Vec::new();
        for folder in folders.iter().filter(|folder| *folder != UNLEASED) {
            looks.push(self.read_lease(layout.lease_path(folder)).boxed());
        }
        let looks = stream::iter(looks).buffered(CONCURRENT_READS);
        let bodies: Vec<Option<LeaseBody>> = looks.try_collect().await?;
        let mut bodies: Vec<LeaseBody> = bodies.into_iter().flatten().collect();
        bodies.sort_by_cached_key(LeaseBody::account_name);
        Ok(bodies)
    }

    /// Reads a lease; `None` if it does not exist.
    async fn read_lease(&self, path: String) -> Result<Option<LeaseBody>, BucketError> {
        let lease = self.accounts.objects.get(&path).await?;
        lease.map(|lease| LeaseBody::parse(&lease)).transpose()
    }

    /// Returns the accounts with a lease whose vendor this version knows.
    pub(super) async fn known_accounts(&self) -> Result<Vec<AccountKey>, StoreError> {
        let bodies = self.read_leases().await;
        let bodies = bodies.map_err(|error| self.store_error(READ, error))?;
        Ok(bodies.iter().filter_map(LeaseBody::account_key).collect())
    }

    /// Takes a lease from its holder and gives it back. The log is opened with the higher epoch, so the old holder can
    /// append nothing more.
    async fn force_lease(&self, key: &AccountKey) -> Result<(), BucketError> {
        let claim = LeaseClaim {
            holder: "entitle store unlock".into(),
            term: FORCE_TERM,
        };
        for _ in 0..FORCE_TRIES {
            let taken = lease::take_lease(&self.accounts, key, &claim, TakeMode::Force).await?;
            if let LeaseAttempt::Held(lease) = taken {
                drop(lease);
                self.close().await;
                return Ok(());
            }
        }
        Err(BucketError::transient("its holder renews it all the time"))
    }
}

impl LeaseBody {
    /// Returns the name of the account: vendor, base URL and account, separated by spaces.
    fn account_name(&self) -> String {
        format!("{} {} {}", self.vendor, self.base_url, self.account)
    }

    /// Returns the key of the account; `None` if this version does not know its vendor.
    fn account_key(&self) -> Option<AccountKey> {
        let mut vendors = provider::ALL.iter().map(|provider| provider.vendor());
        Some(AccountKey {
            vendor: vendors.find(|vendor| vendor.0 == self.vendor)?,
            base_url: self.base_url.clone(),
            account: self.account.clone(),
        })
    }
}

impl StoreAdmin for BucketStore {
    /// Lists leases with a whole term remaining each: the time of the last renewal is unknown here.
    fn list_leases(&self) -> BoxFuture<'_, Result<Vec<LeaseState>, StoreError>> {
        async {
            let bodies = self.read_leases().await;
            let bodies = bodies.map_err(|error| self.store_error(READ, error))?;
            let states = bodies.into_iter().map(|body| LeaseState {
                account: body.account_name(),
                epoch: body.epoch,
                remaining: body.holder.as_ref().map(|_| body.term()),
                holder: body.holder,
            });
            Ok(states.collect())
        }
        .boxed()
    }

    fn unlock<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move {
            let bodies = self.read_leases().await;
            let bodies = bodies.map_err(|error| self.store_error(READ, error))?;
            let Some(body) = bodies
                .into_iter()
                .find(|body| body.account_name() == account)
            else {
                return Ok(false);
            };
            let unlocked = match body.account_key() {
                Some(key) => self.force_lease(&key).await,
                None => Err(BucketError::permanent(format!(
                    "this version of entitle knows no vendor {}",
                    body.vendor
                ))),
            };
            unlocked.map_err(|error| self.store_error("unlock an account in", error))?;
            Ok(true)
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Vec<Guarantee>, StoreError>> {
        check::check_bucket(self).boxed()
    }

    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        async move {
            let claim = LeaseClaim {
                holder: "entitle store prune".into(),
                term: FORCE_TERM,
            };
            prune::prune_logs(self, &claim, before).await
        }
        .boxed()
    }
}
