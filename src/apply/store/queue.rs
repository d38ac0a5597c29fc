//! Group commit: records on their way into a store.
//!
//! Steps run side by side, and each waits until its intent is durable before it sends. Records that arrive during an
//! append are written together by the next one, one append for each lease. Nothing waits for an outcome: it is written
//! with the next intent, so a step costs one round trip to the store, not two. With appends of 10 ms, `i` for intents
//! and `o` for outcomes, and two steps of account A and one of B:
//!
//! ```text
//!  0 ms   A commits i1: append [i1]
//!  3 ms   i2 of A and i3 of B arrive: they wait
//! 10 ms   i1 is durable and its step sends; append [i2] for A and [i3] for B start side by side
//! 15 ms   step 1 ends: o1 waits
//! 20 ms   i2 and i3 are durable; the next append for A is [o1], or [o1 i4] if a step follows
//! ```
//!
//! An outcome that no intent follows is written after 20 ms. A run that is killed before that leaves an open intent, as
//! if it had been killed before the outcome was known.
//!
//! A store that is unreachable is tried again for as long as the lease lasts. After that another run may be at work, so
//! outcomes that the store did not take go to a file (*orphans*) that can be imported later.

use crate::model::with_causes;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::{Lease, Store, StoreError, lock_unpoisoned};
use crate::apply::journal::{Journal, JournalEvent, Record};

/// The pause between two tries to reach a store.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// How long the queue tries to append records without a lease while the store is unreachable.
const RETRY_LIMIT: Duration = Duration::from_secs(15);

/// How long an outcome waits for an intent to be written with. The next step begins as soon as the last one has ended,
/// so an outcome waits this long only if no step follows it.
const LINGER: Duration = Duration::from_millis(20);

/// A store, and the records that wait to be appended to it.
pub struct RecordQueue {
    store: Arc<dyn Store>,
    backlog: Mutex<WriteBacklog>,
    /// The file for records that the store did not take; `None` if they are dropped.
    orphans: Option<PathBuf>,
    lost: Mutex<Option<LostRecords>>,
}

/// Reports the records that the store did not take.
#[derive(Clone, Debug)]
pub struct LostRecords {
    /// Why the store did not take the first of them.
    pub why: Arc<StoreError>,
    /// The file that they were written to; `None` if they were not kept.
    pub file: Option<PathBuf>,
}

/// Commits that wait for the next append.
#[derive(Default)]
struct WriteBacklog {
    writes: Vec<PendingWrite>,
    /// True if a task is writing them.
    is_draining: bool,
    /// True if a task will write them once outcomes have waited for 20 ms.
    is_lingering: bool,
    /// Callers of [`RecordQueue::flush`], told when the backlog is empty.
    flush_waiters: Vec<oneshot::Sender<()>>,
}

/// One call of [`RecordQueue::commit`] that waits for its answer.
struct PendingWrite {
    records: Vec<Record>,
    lease: Option<Arc<dyn Lease>>,
    /// The caller that waits until the records are durable; `None` for [`RecordQueue::submit`].
    done: Option<oneshot::Sender<Result<(), Arc<StoreError>>>>,
}

impl RecordQueue {
    /// Creates a queue that drops what the store does not take.
    pub fn new(store: Arc<dyn Store>) -> Arc<Self> {
        Self::with_orphans(store, None)
    }

    /// Creates a queue that writes records which the store does not take to the file `orphans`.
    pub fn with_orphans(store: Arc<dyn Store>, orphans: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self {
            store,
            backlog: Mutex::default(),
            orphans,
            lost: Mutex::default(),
        })
    }

    /// Returns the store behind the queue.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Writes records and returns when they are durable. The records are written even if the future is dropped.
    pub async fn commit(
        self: &Arc<Self>,
        records: Vec<Record>,
        lease: Option<&Arc<dyn Lease>>,
    ) -> Result<(), Arc<StoreError>> {
        let (done, ended) = oneshot::channel();
        self.enqueue(records, lease, Some(done));
        self.start_draining();
        ended.await.unwrap_or_else(|_| {
            Err(Arc::new(StoreError::Refused {
                task: "write to",
                store: self.store.name(),
                source: "whoever wrote broke off".into(),
            }))
        })
    }

    /// Queues records to be written with the next commit, or after 20 ms. [`flush`](Self::flush) waits for them,
    /// and [`lost_records`](Self::lost_records) reports whether the store took them.
    pub fn submit(self: &Arc<Self>, records: Vec<Record>, lease: Option<&Arc<dyn Lease>>) {
        self.enqueue(records, lease, None);
        let is_lingering = {
            let mut waiting = lock_unpoisoned(&self.backlog);
            waiting.is_draining || std::mem::replace(&mut waiting.is_lingering, true)
        };
        if !is_lingering {
            let queue = Arc::clone(self);
            tokio::spawn(async move {
                sleep(LINGER).await;
                lock_unpoisoned(&queue.backlog).is_lingering = false;
                queue.start_draining();
            });
        }
    }

    /// Waits until the store has taken or refused all records that were queued before.
    pub async fn flush(self: &Arc<Self>) {
        let (done, flushed) = oneshot::channel();
        lock_unpoisoned(&self.backlog).flush_waiters.push(done);
        self.start_draining();
        // The draining task sends before it ends.
        let _ = flushed.await;
    }

    /// Adds records to the backlog.
    fn enqueue(
        &self,
        records: Vec<Record>,
        lease: Option<&Arc<dyn Lease>>,
        done: Option<oneshot::Sender<Result<(), Arc<StoreError>>>>,
    ) {
        lock_unpoisoned(&self.backlog).writes.push(PendingWrite {
            records,
            lease: lease.cloned(),
            done,
        });
    }

    /// Starts a task that drains the backlog, unless one runs.
    fn start_draining(self: &Arc<Self>) {
        if !std::mem::replace(&mut lock_unpoisoned(&self.backlog).is_draining, true) {
            tokio::spawn(Arc::clone(self).drain_backlog());
        }
    }

    /// Reports the records that the store did not take; `None` if it took all.
    pub fn lost_records(&self) -> Option<LostRecords> {
        lock_unpoisoned(&self.lost).clone()
    }

    /// Appends waiting records until the backlog is empty.
    async fn drain_backlog(self: Arc<Self>) {
        loop {
            let writes = {
                let mut waiting = lock_unpoisoned(&self.backlog);
                if waiting.writes.is_empty() {
                    waiting.is_draining = false;
                    for flushed in waiting.flush_waiters.drain(..) {
                        // The waiting future may have been dropped; its records are written all the same.
                        let _ = flushed.send(());
                    }
                    return;
                }
                std::mem::take(&mut waiting.writes)
            };
            // Accounts are written side by side: one whose lease was lost delays no other.
            join_all(
                group_by_lease(writes)
                    .into_iter()
                    .map(|group| self.write_group(group)),
            )
            .await;
        }
    }

    /// Appends the records of one lease and answers their callers.
    async fn write_group(&self, group: Vec<PendingWrite>) {
        let mut records = Vec::new();
        let mut waiting = Vec::new();
        let lease = group.first().and_then(|entry| entry.lease.clone());
        for entry in group {
            records.extend(entry.records);
            waiting.push(entry.done);
        }
        let written = self.append_with_retry(&records, lease.as_deref()).await;
        let written = written.map_err(Arc::new);
        if let Err(why) = &written {
            self.keep_orphans(&records, why);
            if waiting.iter().any(Option::is_none) {
                tracing::error!("{why}");
            }
        }
        for done in waiting.into_iter().flatten() {
            // The caller may have been dropped while it waited; its records are written all the same.
            let _ = done.send(written.clone());
        }
    }

    /// Writes records that the store did not take to the orphans file, without intents: nothing is sent before its
    /// intent is durable, so these writes were never carried out.
    fn keep_orphans(&self, records: &[Record], why: &Arc<StoreError>) {
        let reported = |record: &&Record| !matches!(record.event, JournalEvent::Intent(_));
        let reported: Vec<&Record> = records.iter().filter(reported).collect();
        let mut lost = lock_unpoisoned(&self.lost);
        let lost = lost.get_or_insert_with(|| LostRecords {
            why: Arc::clone(why),
            file: None,
        });
        let (Some(path), false) = (&self.orphans, reported.is_empty()) else {
            return;
        };
        match Journal::open(path).and_then(|journal| journal.append_all(reported)) {
            Ok(()) => lost.file = Some(path.clone()),
            Err(error) => {
                let path = path.display();
                tracing::error!("cannot write {path}: {error}");
            }
        }
    }

    /// Appends records and tries again as long as the store is only unreachable and the lease lasts.
    async fn append_with_retry(
        &self,
        records: &[Record],
        lease: Option<&dyn Lease>,
    ) -> Result<(), StoreError> {
        let start = Instant::now();
        let lasts = || match lease {
            Some(lease) => lease.covers(RETRY_PAUSE).is_ok(),
            None => start.elapsed() < RETRY_LIMIT,
        };
        loop {
            match self.store.append(records, lease).await {
                Err(error) if error.is_retryable() && lasts() => {
                    let error = with_causes(&error);
                    tracing::warn!(store = self.store.name(), error, "trying again");
                    sleep(RETRY_PAUSE).await;
                }
                written => return written,
            }
        }
    }
}

/// Groups writes by lease, in the order of arrival.
fn group_by_lease(writes: Vec<PendingWrite>) -> Vec<Vec<PendingWrite>> {
    let mut groups: Vec<Vec<PendingWrite>> = Vec::new();
    for write in writes {
        let same = |group: &&mut Vec<PendingWrite>| {
            let other = group.first().and_then(|first| first.lease.as_ref());
            match (other, &write.lease) {
                (None, None) => true,
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                _ => false,
            }
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(write),
            None => groups.push(vec![write]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::memory::testing::{self, record};
    use crate::apply::outcome::Outcome;
    use crate::apply::records::Records;
    use crate::apply::store::LeaseLost;
    use crate::apply::store::testing::ScriptedStore;
    use crate::model::AccountKey;
    use crate::provider::testing::connection;

    /// As any server, the store takes a moment.
    const MOMENT: Duration = Duration::from_millis(1);

    /// A lease that lasts until the clock of the test says otherwise.
    struct Until(AccountKey, Instant);

    impl Lease for Until {
        fn account(&self) -> &AccountKey {
            &self.0
        }

        fn epoch(&self) -> u64 {
            1
        }

        fn covers(&self, call: Duration) -> Result<(), LeaseLost> {
            match Instant::now() + call <= self.1 {
                true => Ok(()),
                false => Err(LeaseLost::Expired),
            }
        }
    }

    fn lease(lasts: Duration) -> Arc<dyn Lease> {
        Arc::new(Until(connection().account_key(), Instant::now() + lasts))
    }

    fn intent(run: &str) -> Vec<Record> {
        vec![record(run, testing::write(testing::intent("a")))]
    }

    fn ended(run: &str) -> Vec<Record> {
        vec![record(run, testing::ended("a", Outcome::Converged))]
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_the_store_is_written_to_goes_together_and_by_lease() {
        let store = ScriptedStore::new(MOMENT, 0);
        let queue = RecordQueue::new(store.clone());
        let (one, other) = (lease(Duration::MAX / 4), lease(Duration::MAX / 4));
        let first = queue.commit(intent("1"), Some(&one));
        let later = async {
            // The first is on its way by now.
            sleep(Duration::from_micros(500)).await;
            let later = [
                queue.commit(intent("2"), Some(&one)),
                queue.commit(intent("3"), Some(&other)),
                queue.commit(intent("4"), Some(&one)),
                queue.commit(intent("5"), None),
            ];
            join_all(later).await
        };
        let (first, later) = futures::join!(first, later);
        assert!(first.is_ok() && later.iter().all(Result::is_ok));
        let mut appended = store.appended_runs();
        appended.sort();
        let expected: [&[&str]; 4] = [&["1"], &["2", "4"], &["3"], &["5"]];
        assert_eq!(appended, expected);
        assert!(queue.lost_records().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_outcome_goes_along_with_the_next_intent() {
        let store = ScriptedStore::new(MOMENT, 0);
        let queue = RecordQueue::new(store.clone());
        let lease = lease(Duration::MAX / 4);
        queue.commit(intent("1"), Some(&lease)).await.unwrap();
        queue.submit(ended("1"), Some(&lease));
        // The next step begins a little later, as it does in a run.
        sleep(LINGER / 2).await;
        queue.commit(intent("2"), Some(&lease)).await.unwrap();
        assert_eq!(store.appended_runs(), [vec!["1"], vec!["1", "2"]]);
        // No step follows, so the outcome is written on its own, without a flush.
        queue.submit(ended("2"), Some(&lease));
        sleep(LINGER * 2).await;
        assert_eq!(store.appended_runs().last(), Some(&vec!["2".to_string()]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_waits_for_every_outcome_and_for_no_delay() {
        let store = ScriptedStore::new(MOMENT, 0);
        let queue = RecordQueue::new(store.clone());
        let (one, other) = (lease(Duration::MAX / 4), lease(Duration::MAX / 4));
        queue.submit(ended("1"), Some(&one));
        queue.submit(ended("2"), Some(&other));
        let start = Instant::now();
        queue.flush().await;
        assert!(start.elapsed() < LINGER, "{:?}", start.elapsed());
        let mut appended = store.appended_runs();
        appended.sort();
        assert_eq!(appended, [["1"], ["2"]]);
        // With nothing to wait for it returns at once.
        queue.flush().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_for_less_than_the_lease_loses_nothing() {
        let store = ScriptedStore::new(MOMENT, 5);
        let queue = RecordQueue::new(store.clone());
        let lease = lease(Duration::from_secs(60));
        queue.commit(intent("1"), Some(&lease)).await.unwrap();
        assert_eq!(store.appended_runs(), [["1"]]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_store_did_not_take_while_the_lease_lasted_is_kept_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("orphans/1.jsonl");
        let store = ScriptedStore::new(MOMENT, usize::MAX);
        let queue = RecordQueue::with_orphans(store.clone(), Some(path.clone()));
        let lease = lease(Duration::from_secs(60));
        let start = Instant::now();
        let lost = queue.commit(ended("1"), Some(&lease)).await.unwrap_err();
        assert_eq!(with_causes(&*lost), "cannot reach the store away: no route");
        let took = start.elapsed();
        assert!(
            took > Duration::from_secs(59) && took < Duration::from_secs(61),
            "{took:?}"
        );
        // The write was not sent, so no outcome is kept for it.
        assert!(queue.commit(intent("2"), Some(&lease)).await.is_err());
        let orphans: Vec<Record> = Records::open(&path).unwrap().collect();
        assert_eq!(orphans, ended("1"));
        // A submitted outcome is kept as well, although no caller waits for it.
        queue.submit(ended("3"), Some(&lease));
        queue.flush().await;
        let orphans: Vec<Record> = Records::open(&path).unwrap().collect();
        assert_eq!(orphans, [ended("1"), ended("3")].concat());
        assert_eq!(queue.lost_records().unwrap().file, Some(path));
    }
}
