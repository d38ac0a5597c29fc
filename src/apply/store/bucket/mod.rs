//! The store of a team in a bucket: S3, Google Cloud Storage, Azure, and servers that speak the protocol of S3.
//!
//! It needs only conditional puts of a bucket, and builds two things with them: a lease on each account (`lease`), and
//! a log for each account whose numbers fence off a holder that lost the lease (`log`). `layout` names the objects,
//! `segment` is the format of an object of a log, and `read` merges the logs into one journal, starting at a `summary`
//! where there is one. `objects` is the interface to the bucket, and `cloud` is the only file that knows how a bucket
//! is reached. `admin` has the tasks of a person, and `check` proves that a bucket keeps its guarantees.
//!
//! What can go wrong: a bucket that ignores conditions gives no exclusion at all, and such servers exist. Run
//! `entitle store check` before you trust one.

mod account;
mod admin;
mod check;
#[cfg(feature = "bucket")]
mod client;
#[cfg(feature = "bucket")]
mod cloud;
mod layout;
mod lease;
mod lease_body;
mod log;
mod memory;
mod objects;
mod prune;
mod read;
mod roster;
mod segment;
mod summary;

use crate::apply::store::LeaseLost;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{sleep, timeout};

use super::{
    Cursor, JournalLine, JournalScope, Lease, LeaseClaim, Roster, Store, StoreError, Taken,
    lock_unpoisoned,
};
use crate::apply::journal::{JournalEvent, Record, encode};
use crate::apply::memory::JournalSummary;
use crate::model::AccountKey;
use account::AccountStates;
use layout::BucketLayout;
use lease::{LeaseAttempt, TakeMode};
use log::{AppendError, LogWriter};
pub use memory::in_memory;
use objects::RetryingBucket;
pub use objects::{
    BucketError, BucketObject, BucketObjects, ObjectVersion, PutCondition, PutOutcome,
};
use roster::RosterState;

/// A journal with leases below a prefix of a bucket.
pub struct BucketStore {
    name: String,
    accounts: Arc<AccountStates>,
    /// The start records of this process's runs by id, as lines without ends.
    run_starts: Mutex<BTreeMap<String, String>>,
    /// The logs to which this process appends without a lease, by their folder.
    unfenced_logs: tokio::sync::Mutex<BTreeMap<String, LogWriter>>,
    roster_state: tokio::sync::Mutex<RosterState>,
}

impl BucketStore {
    /// Opens the store at `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`, with the credentials
    /// that `variables` name as the clouds' own tools do. It sends no request yet.
    #[cfg(feature = "bucket")]
    pub fn open(
        url: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, StoreError> {
        let variables = variables.into_iter().collect();
        let (cloud, prefix) = cloud::open_bucket(url, &variables)?;
        Ok(Self::with_objects(Arc::new(cloud), url, &prefix))
    }

    /// Opens a store below a prefix of any bucket.
    pub fn with_objects(objects: Arc<dyn BucketObjects>, name: &str, prefix: &str) -> Self {
        let accounts = AccountStates::new(RetryingBucket::new(objects), BucketLayout::new(prefix));
        Self {
            name: name.to_string(),
            accounts: Arc::new(accounts),
            run_starts: Mutex::default(),
            unfenced_logs: tokio::sync::Mutex::default(),
            roster_state: tokio::sync::Mutex::default(),
        }
    }

    /// Adds the store's name and the task to an error of the bucket.
    fn store_error(&self, task: &'static str, error: BucketError) -> StoreError {
        let (store, source) = (self.name.clone(), error.source);
        match error.is_transient {
            true => StoreError::Unavailable { store, source },
            false => StoreError::Refused {
                task,
                store,
                source,
            },
        }
    }

    /// Returns the start records of the runs of these records, as pairs of run and line.
    fn starts_of(&self, records: &[Record]) -> Vec<(String, String)> {
        let started = lock_unpoisoned(&self.run_starts);
        let mut runs: Vec<_> = records.iter().map(|record| &record.run).collect();
        runs.dedup();
        let known = runs
            .into_iter()
            .filter_map(|run| started.get_key_value(run));
        known
            .map(|(run, line)| (run.clone(), line.clone()))
            .collect()
    }

    fn lines(&self, records: &[Record]) -> Result<Vec<String>, StoreError> {
        let lines: io::Result<_> = records.iter().map(encode).collect();
        lines.map_err(|error| self.store_error(WRITE, BucketError::permanent(error)))
    }

    /// Appends records under a lease. `Err` is [`StoreError::LeaseLost`] if its log is not ours any more.
    async fn append_leased(&self, records: &[Record], lease: &dyn Lease) -> Result<(), StoreError> {
        let (lines, started) = (self.lines(records)?, self.starts_of(records));
        let state = self.accounts.state(lease.account());
        let mut leased = state.leased_log.lock().await;
        let ours = leased.as_mut();
        let Some(leased) = ours.filter(|leased| leased.writer.epoch() == Some(lease.epoch()))
        else {
            let over = LeaseLost::EpochOver(lease.epoch());
            return Err(StoreError::LeaseLost(over));
        };
        let objects = &self.accounts.objects;
        let appended = leased.writer.append(objects, lines, started).await;
        if let Err(AppendError::Deposed(by)) = &appended {
            leased.term.mark_lost(LeaseLost::taken_by(by));
        }
        appended.map_err(|refusal| self.append_error(refusal))
    }

    /// Appends records to a log without a fence.
    async fn append_unfenced(&self, records: &[Record], log: &str) -> Result<(), StoreError> {
        let lines = self.lines(records)?;
        let objects = &self.accounts.objects;
        let mut logs = self.unfenced_logs.lock().await;
        let mut writer = match logs.remove(log) {
            Some(writer) => writer,
            None => {
                let last = log::last_number(objects, log, 0).await;
                let last = last.map_err(|error| self.store_error(READ, error))?;
                LogWriter::unfenced(log.to_string(), last.map_or(0, |last| last + 1))
            }
        };
        let appended = writer.append(objects, lines, Vec::new()).await;
        logs.insert(log.to_string(), writer);
        appended.map_err(|refusal| self.append_error(refusal))
    }

    /// Appends records about a run as a whole.
    async fn append_run(&self, records: &[Record]) -> Result<(), StoreError> {
        let run = &records[0].run;
        let log = self.accounts.layout.run_folder(run);
        self.append_unfenced(records, &log).await?;
        for (record, line) in records.iter().zip(self.lines(records)?) {
            let line = line.trim_end().to_string();
            if matches!(record.event, JournalEvent::Started(_)) {
                lock_unpoisoned(&self.run_starts).insert(run.clone(), line);
            } else {
                lock_unpoisoned(&self.run_starts).remove(run);
                self.unfenced_logs.lock().await.remove(&log);
                self.copy_run_end(run, &line).await;
            }
        }
        Ok(())
    }

    /// Copies the end record of a run to the logs of the accounts that it wrote to and still holds. The record itself
    /// is in the run's own log already.
    async fn copy_run_end(&self, run: &str, line: &str) {
        for state in self.accounts.states() {
            let mut leased = state.leased_log.lock().await;
            let Some(leased) = &mut *leased else { continue };
            let objects = &self.accounts.objects;
            let ended = leased
                .writer
                .copy_run_end(objects, run, line.to_string())
                .await;
            if let Err(refusal) = ended {
                tracing::debug!("the end of run {run} is not copied: {refusal:?}");
            }
        }
    }

    /// Appends records without a lease. Those about runs as a whole go to the logs of the runs; with others among them,
    /// as in an import, all stay together and in order.
    async fn append_unleased(&self, records: &[Record]) -> Result<(), StoreError> {
        if !records.iter().all(is_run_record) {
            let log = self.accounts.layout.log_folder(layout::UNLEASED);
            return self.append_unfenced(records, &log).await;
        }
        for records in records.chunk_by(|one, other| one.run == other.run) {
            self.append_run(records).await?;
        }
        Ok(())
    }

    /// Turns an error of a log into one of the store.
    fn append_error(&self, refusal: AppendError) -> StoreError {
        match refusal {
            AppendError::Deposed(by) => StoreError::LeaseLost(LeaseLost::Taken { holder: by }),
            AppendError::Bucket(error) => self.store_error(WRITE, error),
        }
    }
}

const PRUNE: &str = "delete old lines in";
const READ: &str = "read";
const WRITE: &str = "write to";

/// Reports whether a record is about a run as a whole and not about an object.
fn is_run_record(record: &Record) -> bool {
    matches!(
        record.event,
        JournalEvent::Started(_) | JournalEvent::Finished { .. }
    )
}

/// How often to try a lease that another run holds; one with a short term is tried more often.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long closing waits for leases to be given back.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(15);

impl Store for BucketStore {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn take_lease<'a>(
        &'a self,
        account: &'a AccountKey,
        claim: &'a LeaseClaim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        let taking = lease::take_lease(&self.accounts, account, claim, TakeMode::IfFree);
        taking
            .map(|taken| match taken {
                Ok(LeaseAttempt::Held(lease)) => Ok(Taken::Held(Box::new(lease))),
                Ok(LeaseAttempt::Busy(by)) => Ok(Taken::Busy(by)),
                Err(error) => Err(self.store_error("take a lease in", error)),
            })
            .boxed()
    }

    fn wait_for_release<'a>(&'a self, account: &'a AccountKey) -> BoxFuture<'a, ()> {
        let state = self.accounts.state(account);
        let term = state.observed().as_ref().map(|observed| observed.length);
        let pause = term.map_or(POLL_INTERVAL, |term| POLL_INTERVAL.min(term / 8));
        async move {
            // Cancel-safe: the pause is only time, and a release is seen at the next try.
            tokio::select! {
                () = sleep(pause) => {}
                () = state.released.notified() => {}
            }
        }
        .boxed()
    }

    fn append<'a>(
        &'a self,
        records: &'a [Record],
        lease: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        match lease {
            Some(lease) => self.append_leased(records, lease).boxed(),
            None => self.append_unleased(records).boxed(),
        }
    }

    fn read<'a>(
        &'a self,
        reading: JournalScope<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(JournalLine) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let reading = read::read_journal(&self.accounts, reading, cursor, take);
        reading
            .map(|read| read.map_err(|error| self.store_error(READ, error)))
            .boxed()
    }

    fn summarize<'a>(
        &'a self,
        account: Option<&'a AccountKey>,
        summary: JournalSummary,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let Some(account) = account else {
                return Ok(());
            };
            let folder = layout::account_folder(account);
            let stored = summary::store_summary(&self.accounts, &folder, &summary).await;
            stored.map_err(|error| self.store_error("write a summary in", error))
        }
        .boxed()
    }

    fn roster(&self) -> Option<&dyn Roster> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        timeout(CLOSE_TIMEOUT, self.accounts.wait_for_releases())
            .map(|_| ())
            .boxed()
    }
}

#[cfg(test)]
mod tests;
