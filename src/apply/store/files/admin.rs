//! Administration of a journal and its locks.

use crate::apply::store::Breach;
use std::io;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::{FileStore, lock, prune};
use crate::apply::store::{
    Guarantee, LeaseClaim, LeaseState, Store, StoreAdmin, StoreError, Taken,
};
use crate::model::{AccountKey, Vendor};

impl StoreAdmin for FileStore {
    fn list_leases(&self) -> BoxFuture<'_, Result<Vec<LeaseState>, StoreError>> {
        async {
            let list = lock::list_leases(&self.locks);
            list.map_err(|error| self.lock_error(error))
        }
        .boxed()
    }

    /// Refuses to unlock: the system frees a lock when its holder ends, so a locked account has a process that runs.
    fn unlock<'a>(&'a self, account: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        async move {
            let leases = self.list_leases().await?;
            let Some(lease) = leases.into_iter().find(|lease| lease.account == account) else {
                return Ok(false);
            };
            match lease.holder {
                None => Ok(true),
                Some(holder) => Err(self.lock_error(io::Error::other(format!(
                    "{holder} has it and runs on this machine: end that process"
                )))),
            }
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<Vec<Guarantee>, StoreError>> {
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
            let pruned = prune::prune_journal(&self.journal, before).await;
            pruned.map_err(|error| self.journal_error("prune the journal", error))
        }
        .boxed()
    }
}

impl FileStore {
    /// Runs the checks with a journal and locks of their own, on the same disk.
    async fn check_in(&self, dir: &std::path::Path) -> Result<Vec<Guarantee>, StoreError> {
        let journal = dir.join("journal.jsonl");
        let probe = FileStore::open(&journal, dir, &crate::files::links::LinkPolicy::Follow);
        let probe = probe.map_err(|error| self.lock_error(error))?;
        let account = AccountKey {
            vendor: Vendor("check"),
            base_url: "https://check.example.com".into(),
            account: "check".into(),
        };
        let claim = LeaseClaim {
            holder: "entitle store check".into(),
            term: Duration::from_secs(60),
        };
        let taken = probe.take_lease(&account, &claim).await?;
        let again = probe.take_lease(&account, &claim).await?;
        let one_holder = match (&taken, &again) {
            (Taken::Held(_), Taken::Busy(_)) => Ok(()),
            _ => Err(Breach::new(
                "two had the lease at once: this file system keeps no locks",
            )),
        };
        drop((taken, again));
        let next = probe.take_lease(&account, &claim).await?;
        let grows = match &next {
            Taken::Held(lease) if lease.epoch() == 2 => Ok(()),
            Taken::Held(lease) => Err(Breach::new(format!(
                "the second epoch is {}",
                lease.epoch()
            ))),
            Taken::Busy(_) => Err(Breach::new("a lease that was given back is still held")),
        };
        Ok(vec![
            Guarantee::new("one of two has a lease", one_holder),
            Guarantee::new(
                "a lease that is given back can be taken, with a higher epoch",
                grows,
            ),
        ])
    }
}
