//! A store in a bucket: S3, Google Cloud Storage, Azure, and whatever speaks like S3.
//!
//! It needs nothing of a bucket but conditional puts, with which it makes two things: a lease on each account
//! (`lease`), and a log for each account whose numbers fence off whoever lost the lease (`log`). `layout` says where
//! they lie, `part` what an object of a log looks like, `read` brings the logs back as one journal, from a `summary` on
//! where there is one. `objects` is the
//! seam to the bucket, `cloud` the one file that knows how a bucket is reached; `upkeep` is what a person does with it,
//! and `check` proves that one keeps its promises.
//!
//! A store that ignores conditions gives no exclusion at all, and there are such: check it before it is trusted.

mod account;
mod check;
#[cfg(feature = "bucket")]
mod client;
#[cfg(feature = "bucket")]
mod cloud;
mod layout;
mod lease;
mod log;
mod memory;
mod objects;
mod part;
mod prune;
mod read;
mod roster;
mod summary;
mod upkeep;

use crate::apply::store::LeaseLost;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{sleep, timeout};

use super::{Claim, Cursor, Lease, Line, Reading, Roster, Store, StoreError, Taken};
use crate::apply::journal::{Event, Record, encode};
use crate::apply::memory::Summary;
use crate::model::AccountKey;
use account::{Accounts, locked};
use layout::Layout;
use lease::{Attempt, Manner};
use log::{Refusal, Writer};
pub use memory::in_memory;
use objects::Patient;
pub use objects::{Condition, Fault, Object, Objects, Put, Version};
use roster::Attendance;

/// A store in a bucket.
pub struct Bucket {
    name: String,
    accounts: Arc<Accounts>,
    /// What runs of this process have said of themselves when they started, as lines without ends.
    started: Mutex<BTreeMap<String, String>>,
    /// The logs to which we append without a lease, by where they are.
    open_logs: tokio::sync::Mutex<BTreeMap<String, Writer>>,
    attendance: tokio::sync::Mutex<Attendance>,
}

impl Bucket {
    /// Opens the store at `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`, with the credentials
    /// that `variables` name as the clouds' own tools do. Nothing is asked of the bucket yet.
    #[cfg(feature = "bucket")]
    pub fn open(
        url: &str,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, StoreError> {
        let variables = variables.into_iter().collect();
        let (cloud, prefix) = cloud::open(url, &variables)?;
        Ok(Self::over(Arc::new(cloud), url, &prefix))
    }

    /// A store below a prefix of any bucket.
    pub fn over(objects: Arc<dyn Objects>, name: &str, prefix: &str) -> Self {
        let accounts = Accounts::new(Patient::new(objects), Layout::new(prefix));
        Self {
            name: name.to_string(),
            accounts: Arc::new(accounts),
            started: Mutex::default(),
            open_logs: tokio::sync::Mutex::default(),
            attendance: tokio::sync::Mutex::default(),
        }
    }

    fn error(&self, task: &'static str, fault: Fault) -> StoreError {
        let (store, source) = (self.name.clone(), fault.source);
        match fault.is_passing {
            true => StoreError::Unavailable { store, source },
            false => StoreError::Refused {
                task,
                store,
                source,
            },
        }
    }

    /// Returns what the runs of these records have said of themselves.
    fn started_by(&self, records: &[Record]) -> Vec<(String, String)> {
        let started = locked(&self.started);
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
        lines.map_err(|error| self.error(WRITE, Fault::lasting(error)))
    }

    async fn append_held(&self, records: &[Record], lease: &dyn Lease) -> Result<(), StoreError> {
        let (lines, started) = (self.lines(records)?, self.started_by(records));
        let state = self.accounts.state(lease.account());
        let mut held = state.held.lock().await;
        let ours = held.as_mut();
        let Some(held) = ours.filter(|held| held.writer.epoch() == Some(lease.epoch())) else {
            let over = LeaseLost::EpochOver(lease.epoch());
            return Err(StoreError::LeaseLost(over));
        };
        let objects = &self.accounts.objects;
        let appended = held.writer.append(objects, lines, started).await;
        if let Err(Refusal::Deposed(by)) = &appended {
            held.term.lose(LeaseLost::taken_by(by));
        }
        appended.map_err(|refusal| self.refused(refusal))
    }

    /// Appends records to a log to which anybody may append.
    async fn append_open(&self, records: &[Record], log: &str) -> Result<(), StoreError> {
        let lines = self.lines(records)?;
        let objects = &self.accounts.objects;
        let mut logs = self.open_logs.lock().await;
        let mut writer = match logs.remove(log) {
            Some(writer) => writer,
            None => {
                let last = log::last(objects, log, 0).await;
                let last = last.map_err(|fault| self.error(READ, fault))?;
                Writer::unfenced(log.to_string(), last.map_or(0, |last| last + 1))
            }
        };
        let appended = writer.append(objects, lines, Vec::new()).await;
        logs.insert(log.to_string(), writer);
        appended.map_err(|refusal| self.refused(refusal))
    }

    /// Appends what is said of a run as a whole.
    async fn append_run(&self, records: &[Record]) -> Result<(), StoreError> {
        let run = &records[0].run;
        let log = self.accounts.layout.run(run);
        self.append_open(records, &log).await?;
        for (record, line) in records.iter().zip(self.lines(records)?) {
            let line = line.trim_end().to_string();
            if matches!(record.event, Event::Started(_)) {
                locked(&self.started).insert(run.clone(), line);
            } else {
                locked(&self.started).remove(run);
                self.open_logs.lock().await.remove(&log);
                self.end_run(run, &line).await;
            }
        }
        Ok(())
    }

    /// Copies how a run ended to the accounts that it wrote to and still holds. The line itself is where it belongs.
    async fn end_run(&self, run: &str, line: &str) {
        for state in self.accounts.states() {
            let mut held = state.held.lock().await;
            let Some(held) = &mut *held else { continue };
            let objects = &self.accounts.objects;
            let ended = held.writer.end_run(objects, run, line.to_string()).await;
            if let Err(refusal) = ended {
                tracing::debug!("the end of run {run} is not copied: {refusal:?}");
            }
        }
    }

    /// Appends records that no lease is needed for. Those of runs as a whole lie with their runs; with others among
    /// them, as in an import, all of them stay together and in order.
    async fn append_free(&self, records: &[Record]) -> Result<(), StoreError> {
        if !records.iter().all(is_of_run) {
            let log = self.accounts.layout.log(layout::UNLEASED);
            return self.append_open(records, &log).await;
        }
        for records in records.chunk_by(|one, other| one.run == other.run) {
            self.append_run(records).await?;
        }
        Ok(())
    }

    fn refused(&self, refusal: Refusal) -> StoreError {
        match refusal {
            Refusal::Deposed(by) => StoreError::LeaseLost(LeaseLost::Taken { holder: by }),
            Refusal::Fault(fault) => self.error(WRITE, fault),
        }
    }
}

const PRUNE: &str = "delete old lines in";
const READ: &str = "read";
const WRITE: &str = "write to";

/// Reports whether a record is about a run as a whole and not about an object.
fn is_of_run(record: &Record) -> bool {
    matches!(record.event, Event::Started(_) | Event::Finished { .. })
}

/// Looks at a lease come this often while somebody else has it, and at a short one more often.
const LOOK: Duration = Duration::from_secs(1);

/// How long a program that ends waits for its leases to be given back.
const CLOSING: Duration = Duration::from_secs(15);

impl Store for Bucket {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn take<'a>(
        &'a self,
        account: &'a AccountKey,
        claim: &'a Claim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        let taking = lease::take(&self.accounts, account, claim, Manner::Waiting);
        taking
            .map(|taken| match taken {
                Ok(Attempt::Held(lease)) => Ok(Taken::Held(Box::new(lease))),
                Ok(Attempt::Busy(by)) => Ok(Taken::Busy(by)),
                Err(fault) => Err(self.error("take a lease in", fault)),
            })
            .boxed()
    }

    fn wait<'a>(&'a self, account: &'a AccountKey) -> BoxFuture<'a, ()> {
        let state = self.accounts.state(account);
        let term = state.seen().as_ref().map(|seen| seen.length);
        let pause = term.map_or(LOOK, |term| LOOK.min(term / 8));
        async move {
            // Neither is lost with the other: a pause is only time, and what was given back is seen at the next look.
            tokio::select! {
                () = sleep(pause) => {}
                () = state.freed.notified() => {}
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
            Some(lease) => self.append_held(records, lease).boxed(),
            None => self.append_free(records).boxed(),
        }
    }

    fn read<'a>(
        &'a self,
        reading: Reading<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(Line) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let reading = read::read(&self.accounts, reading, cursor, take);
        reading
            .map(|read| read.map_err(|fault| self.error(READ, fault)))
            .boxed()
    }

    fn summarize<'a>(
        &'a self,
        account: Option<&'a AccountKey>,
        summary: Summary,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let Some(account) = account else {
                return Ok(());
            };
            let folder = layout::folder(account);
            let kept = summary::keep(&self.accounts, &folder, &summary).await;
            kept.map_err(|fault| self.error("write a summary in", fault))
        }
        .boxed()
    }

    fn roster(&self) -> Option<&dyn Roster> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        timeout(CLOSING, self.accounts.all_given_back())
            .map(|_| ())
            .boxed()
    }
}

#[cfg(test)]
mod tests;
