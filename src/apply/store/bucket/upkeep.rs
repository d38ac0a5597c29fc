//! What a person does with a store in a bucket.

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::layout::UNLEASED;
use super::lease::{self, Attempt, Body, Manner};
use super::objects::Fault;
use super::{Bucket, READ, check, prune};
use crate::apply::store::{Claim, LeaseState, Promise, Store, StoreError, Upkeep};
use crate::model::AccountKey;
use crate::provider;

/// Leases that are looked at side by side.
const LOOKS: usize = 16;

/// Tries to take a lease away while its holder renews it.
const TRIES: u32 = 5;

/// It is given back at once.
const TERM: Duration = Duration::from_secs(60);

impl Bucket {
    /// Returns what the leases of all accounts say.
    async fn bodies(&self) -> Result<Vec<Body>, Fault> {
        let layout = &self.accounts.layout;
        let folders = self.accounts.objects.folders(&layout.accounts()).await?;
        let mut looks = Vec::new();
        for folder in folders.iter().filter(|folder| *folder != UNLEASED) {
            looks.push(self.body(layout.lease(folder)).boxed());
        }
        let looks = stream::iter(looks).buffered(LOOKS);
        let bodies: Vec<Option<Body>> = looks.try_collect().await?;
        let mut bodies: Vec<Body> = bodies.into_iter().flatten().collect();
        bodies.sort_by_cached_key(Body::name);
        Ok(bodies)
    }

    async fn body(&self, path: String) -> Result<Option<Body>, Fault> {
        let lease = self.accounts.objects.get(&path).await?;
        lease.map(|lease| Body::parse(&lease)).transpose()
    }

    /// Returns the accounts that this version knows the vendor of.
    pub(super) async fn keys(&self) -> Result<Vec<AccountKey>, StoreError> {
        let bodies = self.bodies().await;
        let bodies = bodies.map_err(|fault| self.error(READ, fault))?;
        Ok(bodies.iter().filter_map(Body::key).collect())
    }

    /// Takes a lease from whoever has it. The log is opened with the higher epoch, so nothing of the old one gets in.
    async fn force(&self, key: &AccountKey) -> Result<(), Fault> {
        let claim = Claim {
            holder: "entitle store unlock".into(),
            term: TERM,
        };
        for _ in 0..TRIES {
            let taken = lease::take(&self.accounts, key, &claim, Manner::Forcing).await?;
            if let Attempt::Held(lease) = taken {
                drop(lease);
                self.close().await;
                return Ok(());
            }
        }
        Err(Fault::passing("its holder renews it all the time"))
    }
}

impl Body {
    /// Returns the name of the account.
    fn name(&self) -> String {
        format!("{} {} {}", self.vendor, self.base_url, self.account)
    }

    fn key(&self) -> Option<AccountKey> {
        let mut vendors = provider::ALL.iter().map(|provider| provider.vendor());
        Some(AccountKey {
            vendor: vendors.find(|vendor| vendor.0 == self.vendor)?,
            base_url: self.base_url.clone(),
            account: self.account.clone(),
        })
    }
}

impl Upkeep for Bucket {
    /// Nobody knows when a lease was renewed last, so it lasts for a whole term from now on.
    fn leases(&self) -> BoxFuture<'_, Result<Vec<LeaseState>, StoreError>> {
        async {
            let bodies = self.bodies().await;
            let bodies = bodies.map_err(|fault| self.error(READ, fault))?;
            let states = bodies.into_iter().map(|body| LeaseState {
                account: body.name(),
                epoch: body.epoch,
                left: body.holder.as_ref().map(|_| body.term()),
                holder: body.holder,
            });
            Ok(states.collect())
        }
        .boxed()
    }

    fn unlock<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move {
            let bodies = self.bodies().await;
            let bodies = bodies.map_err(|fault| self.error(READ, fault))?;
            let Some(body) = bodies.into_iter().find(|body| body.name() == account) else {
                return Ok(false);
            };
            let unlocked = match body.key() {
                Some(key) => self.force(&key).await,
                None => Err(Fault::lasting(format!(
                    "this version of entitle knows no vendor {}",
                    body.vendor
                ))),
            };
            unlocked.map_err(|fault| self.error("unlock an account in", fault))?;
            Ok(true)
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Vec<Promise>, StoreError>> {
        check::check(self).boxed()
    }

    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        async move {
            let claim = Claim {
                holder: "entitle store prune".into(),
                term: TERM,
            };
            prune::prune(self, &claim, before).await
        }
        .boxed()
    }
}
