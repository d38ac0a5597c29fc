//! Looking after a journal and its locks.

use crate::apply::store::Breach;
use std::io;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::{Files, lock, prune};
use crate::apply::store::{Claim, LeaseState, Promise, Store, StoreError, Taken, Upkeep};
use crate::model::{AccountKey, Vendor};

impl Upkeep for Files {
    fn leases(&self) -> BoxFuture<'_, Result<Vec<LeaseState>, StoreError>> {
        async {
            let list = lock::list(&self.locks);
            list.map_err(|error| self.refused_locks(error))
        }
        .boxed()
    }

    /// The system frees a lock when its holder ends, so one that is held has a holder that runs.
    fn unlock<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move {
            let leases = self.leases().await?;
            let Some(lease) = leases.into_iter().find(|lease| lease.account == account) else {
                return Ok(false);
            };
            match lease.holder {
                None => Ok(true),
                Some(holder) => Err(self.refused_locks(io::Error::other(format!(
                    "{holder} has it and runs on this machine: end that process"
                )))),
            }
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Vec<Promise>, StoreError>> {
        async {
            let dir = self.locks.join("check");
            let checked = self.check_in(&dir).await;
            let _ = std::fs::remove_dir_all(&dir);
            checked
        }
        .boxed()
    }

    fn prune(&self, before: Timestamp) -> BoxFuture<'_, Result<u64, StoreError>> {
        async move {
            let pruned = prune::prune(&self.journal, before).await;
            pruned.map_err(|error| self.refused("prune the journal", error))
        }
        .boxed()
    }
}

impl Files {
    /// Tries out a journal and locks of their own, on the same disk.
    async fn check_in(&self, dir: &std::path::Path) -> Result<Vec<Promise>, StoreError> {
        let journal = dir.join("journal.jsonl");
        let probe = Files::open(&journal, dir, &crate::files::links::Links::Followed);
        let probe = probe.map_err(|error| self.refused_locks(error))?;
        let account = AccountKey {
            vendor: Vendor("check"),
            base_url: "https://check.example.com".into(),
            account: "check".into(),
        };
        let claim = Claim {
            holder: "entitle store check".into(),
            term: Duration::from_secs(60),
        };
        let taken = probe.take(&account, &claim).await?;
        let again = probe.take(&account, &claim).await?;
        let one_holder = match (&taken, &again) {
            (Taken::Held(_), Taken::Busy(_)) => Ok(()),
            _ => Err(Breach::new(
                "two had the lease at once: this file system keeps no locks",
            )),
        };
        drop((taken, again));
        let next = probe.take(&account, &claim).await?;
        let grows = match &next {
            Taken::Held(lease) if lease.epoch() == 2 => Ok(()),
            Taken::Held(lease) => Err(Breach::new(format!(
                "the second epoch is {}",
                lease.epoch()
            ))),
            Taken::Busy(_) => Err(Breach::new("a lease that was given back is still held")),
        };
        Ok(vec![
            Promise::new("one of two has a lease", one_holder),
            Promise::new(
                "a lease that is given back can be taken, with a higher epoch",
                grows,
            ),
        ])
    }
}
