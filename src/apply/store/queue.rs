//! Records on their way into a store.
//!
//! Steps run side by side, and each waits until its intent is durable before it goes on. Records that come while the store
//! is written to are written together after that. Nothing waits for an outcome: it goes along with the next intent, so a
//! step costs one round trip to the store and not two. A run that is killed before that leaves an open intent, as it does
//! when it is killed before the outcome is known.
//!
//! A store that is away is tried again for as long as a lease lasts: after that somebody else may be at work, and what a
//! run still has to tell is kept for its end.

use crate::model::with_causes;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::{Lease, Store, StoreError};
use crate::apply::journal::{Event, Journal, Record};

/// Between two tries to reach a store.
const RETRY: Duration = Duration::from_millis(500);

/// How long a store is tried that is away, for what no lease limits.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long an outcome waits for an intent to go along with. The next step begins as soon as the last one has ended, so an
/// outcome waits this long only where no step follows it.
const LINGER: Duration = Duration::from_millis(20);

/// A store, and the records that wait for it.
pub struct Queue {
    store: Arc<dyn Store>,
    waiting: Mutex<Waiting>,
    /// Where records go that the store did not take, from where they can be imported later.
    orphans: Option<PathBuf>,
    lost: Mutex<Option<LostRecords>>,
}

/// Records that the store did not take.
#[derive(Clone, Debug)]
pub struct LostRecords {
    /// Why it did not take the first of them.
    pub why: Arc<StoreError>,
    /// The file that has them; `None` if nothing has.
    pub file: Option<PathBuf>,
}

#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    /// Whether a task writes the entries.
    is_served: bool,
    /// Whether a task is about to, once outcomes have waited for long enough.
    lingers: bool,
    /// Those who wait until nothing waits any more.
    flushes: Vec<oneshot::Sender<()>>,
}

struct Entry {
    records: Vec<Record>,
    lease: Option<Arc<dyn Lease>>,
    /// Who waits until the records are durable; `None` if nobody does.
    done: Option<oneshot::Sender<Result<(), Arc<StoreError>>>>,
}

impl Queue {
    pub fn new(store: Arc<dyn Store>) -> Arc<Self> {
        Self::with_orphans(store, None)
    }

    /// The same with a file for the records that the store does not take.
    pub fn with_orphans(store: Arc<dyn Store>, orphans: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self {
            store,
            waiting: Mutex::default(),
            orphans,
            lost: Mutex::default(),
        })
    }

    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Writes records and returns when they are durable. Dropping it does not take them back.
    pub async fn commit(
        self: &Arc<Self>,
        records: Vec<Record>,
        lease: Option<&Arc<dyn Lease>>,
    ) -> Result<(), Arc<StoreError>> {
        let (done, ended) = oneshot::channel();
        self.enqueue(records, lease, Some(done));
        self.start_serving();
        ended.await.unwrap_or_else(|_| {
            Err(Arc::new(StoreError::Refused {
                task: "write to",
                store: self.store.name(),
                source: "whoever wrote broke off".into(),
            }))
        })
    }

    /// Has records written with the next that are committed, or soon after. [`flush`](Self::flush) waits for them, and
    /// [`lost`](Self::lost) tells whether the store took them.
    pub fn submit(self: &Arc<Self>, records: Vec<Record>, lease: Option<&Arc<dyn Lease>>) {
        self.enqueue(records, lease, None);
        let lingers = {
            let mut waiting = locked(&self.waiting);
            waiting.is_served || std::mem::replace(&mut waiting.lingers, true)
        };
        if !lingers {
            let queue = Arc::clone(self);
            tokio::spawn(async move {
                sleep(LINGER).await;
                locked(&queue.waiting).lingers = false;
                queue.start_serving();
            });
        }
    }

    /// Waits until the store has taken, or refused, all records that were handed over before.
    pub async fn flush(self: &Arc<Self>) {
        let (done, flushed) = oneshot::channel();
        locked(&self.waiting).flushes.push(done);
        self.start_serving();
        // The task that serves does not end before it has sent.
        let _ = flushed.await;
    }

    fn enqueue(
        &self,
        records: Vec<Record>,
        lease: Option<&Arc<dyn Lease>>,
        done: Option<oneshot::Sender<Result<(), Arc<StoreError>>>>,
    ) {
        locked(&self.waiting).entries.push(Entry {
            records,
            lease: lease.cloned(),
            done,
        });
    }

    fn start_serving(self: &Arc<Self>) {
        if !std::mem::replace(&mut locked(&self.waiting).is_served, true) {
            tokio::spawn(Arc::clone(self).serve());
        }
    }

    /// Tells of records that the store did not take; `None` if it took all.
    pub fn lost(&self) -> Option<LostRecords> {
        locked(&self.lost).clone()
    }

    /// Writes down what waits, until nothing waits.
    async fn serve(self: Arc<Self>) {
        loop {
            let entries = {
                let mut waiting = locked(&self.waiting);
                if waiting.entries.is_empty() {
                    waiting.is_served = false;
                    for flushed in waiting.flushes.drain(..) {
                        // Whoever waited may have been dropped.
                        let _ = flushed.send(());
                    }
                    return;
                }
                std::mem::take(&mut waiting.entries)
            };
            // Accounts are written side by side: one that was lost holds up no other.
            join_all(by_lease(entries).into_iter().map(|group| self.write(group))).await;
        }
    }

    async fn write(&self, group: Vec<Entry>) {
        let mut records = Vec::new();
        let mut waiting = Vec::new();
        let lease = group.first().and_then(|entry| entry.lease.clone());
        for entry in group {
            records.extend(entry.records);
            waiting.push(entry.done);
        }
        let written = self.append(&records, lease.as_deref()).await;
        let written = written.map_err(Arc::new);
        if let Err(why) = &written {
            self.lose(&records, why);
            if waiting.iter().any(Option::is_none) {
                tracing::error!("{why}");
            }
        }
        for done in waiting.into_iter().flatten() {
            // Whoever waited may have been dropped; its records are written all the same.
            let _ = done.send(written.clone());
        }
    }

    /// Keeps records that the store did not take. An intent among them was not carried out: nothing is sent before its
    /// intent is durable.
    fn lose(&self, records: &[Record], why: &Arc<StoreError>) {
        let told = |record: &&Record| !matches!(record.event, Event::Intent(_));
        let told: Vec<&Record> = records.iter().filter(told).collect();
        let mut lost = locked(&self.lost);
        let lost = lost.get_or_insert_with(|| LostRecords {
            why: Arc::clone(why),
            file: None,
        });
        let (Some(path), false) = (&self.orphans, told.is_empty()) else {
            return;
        };
        match Journal::open(path).and_then(|journal| journal.append_all(told)) {
            Ok(()) => lost.file = Some(path.clone()),
            Err(error) => {
                let path = path.display();
                tracing::error!("cannot write {path}: {error}");
            }
        }
    }

    /// Appends, and tries again as long as the store is only away.
    async fn append(
        &self,
        records: &[Record],
        lease: Option<&dyn Lease>,
    ) -> Result<(), StoreError> {
        let start = Instant::now();
        let lasts = || match lease {
            Some(lease) => lease.covers(RETRY).is_ok(),
            None => start.elapsed() < PATIENCE,
        };
        loop {
            match self.store.append(records, lease).await {
                Err(error) if error.is_retryable() && lasts() => {
                    let error = with_causes(&error);
                    tracing::warn!(store = self.store.name(), error, "trying again");
                    sleep(RETRY).await;
                }
                written => return written,
            }
        }
    }
}

/// Puts together what goes under one lease, in the order in which it came.
fn by_lease(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut groups: Vec<Vec<Entry>> = Vec::new();
    for entry in entries {
        let same = |group: &&mut Vec<Entry>| {
            let other = group.first().and_then(|first| first.lease.as_ref());
            match (other, &entry.lease) {
                (None, None) => true,
                (Some(one), Some(other)) => Arc::ptr_eq(one, other),
                _ => false,
            }
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

/// Nothing panics while the lock is held.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;
    use crate::apply::memory::testing::{self, record};
    use crate::apply::outcome::Outcome;
    use crate::apply::records::Records;
    use crate::apply::store::LeaseLost;
    use crate::apply::store::{Claim, Cursor, Line, Reading, Taken};
    use crate::model::AccountKey;
    use crate::provider::testing::connection;

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

    /// A store that is away for so many appends, and the records of each append that came through.
    #[derive(Default)]
    struct Away {
        tries: AtomicUsize,
        fails: usize,
        appended: Mutex<Vec<Vec<String>>>,
    }

    impl Store for Away {
        fn name(&self) -> String {
            "away".into()
        }

        fn take<'a>(
            &'a self,
            _: &'a AccountKey,
            _: &'a Claim,
        ) -> BoxFuture<'a, Result<Taken, StoreError>> {
            unreachable!()
        }

        fn wait<'a>(&'a self, _: &'a AccountKey) -> BoxFuture<'a, ()> {
            unreachable!()
        }

        fn append<'a>(
            &'a self,
            records: &'a [Record],
            _: Option<&'a dyn Lease>,
        ) -> BoxFuture<'a, Result<(), StoreError>> {
            async {
                // As any server, it takes a moment.
                sleep(Duration::from_millis(1)).await;
                if self.tries.fetch_add(1, Ordering::Relaxed) < self.fails {
                    return Err(StoreError::Unavailable {
                        store: self.name(),
                        source: "no route".into(),
                    });
                }
                let runs = records.iter().map(|record| record.run.clone());
                locked(&self.appended).push(runs.collect());
                Ok(())
            }
            .boxed()
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

    fn intent(run: &str) -> Vec<Record> {
        vec![record(run, testing::write(testing::intent("a")))]
    }

    fn ended(run: &str) -> Vec<Record> {
        vec![record(run, testing::ended("a", Outcome::Converged))]
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_the_store_is_written_to_goes_together_and_by_lease() {
        let store = Arc::new(Away::default());
        let queue = Queue::new(store.clone());
        let (one, other) = (lease(Duration::MAX / 4), lease(Duration::MAX / 4));
        let first = queue.commit(intent("1"), Some(&one));
        let rest = async {
            // The first is on its way by now.
            sleep(Duration::from_micros(500)).await;
            let rest = [
                queue.commit(intent("2"), Some(&one)),
                queue.commit(intent("3"), Some(&other)),
                queue.commit(intent("4"), Some(&one)),
                queue.commit(intent("5"), None),
            ];
            join_all(rest).await
        };
        let (first, rest) = futures::join!(first, rest);
        assert!(first.is_ok() && rest.iter().all(Result::is_ok));
        let mut appended = locked(&store.appended).clone();
        appended.sort();
        let expected: [&[&str]; 4] = [&["1"], &["2", "4"], &["3"], &["5"]];
        assert_eq!(appended, expected);
        assert!(queue.lost().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_outcome_goes_along_with_the_next_intent() {
        let store = Arc::new(Away::default());
        let queue = Queue::new(store.clone());
        let lease = lease(Duration::MAX / 4);
        queue.commit(intent("1"), Some(&lease)).await.unwrap();
        queue.submit(ended("1"), Some(&lease));
        // The next step begins a little later, as it does in a run.
        sleep(LINGER / 2).await;
        queue.commit(intent("2"), Some(&lease)).await.unwrap();
        assert_eq!(*locked(&store.appended), [vec!["1"], vec!["1", "2"]]);
        // After the last step it goes alone, and nobody has to ask for it.
        queue.submit(ended("2"), Some(&lease));
        sleep(LINGER * 2).await;
        assert_eq!(locked(&store.appended).last(), Some(&vec!["2".to_string()]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_waits_for_every_outcome_and_for_no_delay() {
        let store = Arc::new(Away::default());
        let queue = Queue::new(store.clone());
        let (one, other) = (lease(Duration::MAX / 4), lease(Duration::MAX / 4));
        queue.submit(ended("1"), Some(&one));
        queue.submit(ended("2"), Some(&other));
        let start = Instant::now();
        queue.flush().await;
        assert!(start.elapsed() < LINGER, "{:?}", start.elapsed());
        let mut appended = locked(&store.appended).clone();
        appended.sort();
        assert_eq!(appended, [["1"], ["2"]]);
        // With nothing to wait for it returns at once.
        queue.flush().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_away_for_less_than_the_lease_loses_nothing() {
        let store = Arc::new(Away {
            fails: 5,
            ..Away::default()
        });
        let queue = Queue::new(store.clone());
        let lease = lease(Duration::from_secs(60));
        queue.commit(intent("1"), Some(&lease)).await.unwrap();
        assert_eq!(*locked(&store.appended), [["1"]]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_store_did_not_take_while_the_lease_lasted_is_kept_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("orphans/1.jsonl");
        let store = Arc::new(Away {
            fails: usize::MAX,
            ..Away::default()
        });
        let queue = Queue::with_orphans(store.clone(), Some(path.clone()));
        let lease = lease(Duration::from_secs(60));
        let start = Instant::now();
        let lost = queue.commit(ended("1"), Some(&lease)).await.unwrap_err();
        assert_eq!(with_causes(&*lost), "cannot reach the store away: no route");
        let took = start.elapsed();
        assert!(
            took > Duration::from_secs(59) && took < Duration::from_secs(61),
            "{took:?}"
        );
        // It was not sent, so there is nothing to tell of it.
        assert!(queue.commit(intent("2"), Some(&lease)).await.is_err());
        let kept: Vec<Record> = Records::open(&path).unwrap().collect();
        assert_eq!(kept, ended("1"));
        // Nor does one that nobody waits for get lost without a trace.
        queue.submit(ended("3"), Some(&lease));
        queue.flush().await;
        let kept: Vec<Record> = Records::open(&path).unwrap().collect();
        assert_eq!(kept, [ended("1"), ended("3")].concat());
        assert_eq!(queue.lost().unwrap().file, Some(path));
    }
}
