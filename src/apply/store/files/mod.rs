//! The store of one machine: a journal of JSON lines, and a lock file for each account.
//!
//! What holds: the system frees a lock when its holder dies, so a lease has no term and nothing is renewed. What can go
//! wrong: network file systems may keep no locks (`entitle store check` tries it). If a lock file is deleted, the next
//! run makes it anew, and the holder notices at its next call (`lock`).

mod admin;
mod lock;
mod prune;
mod summary;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Cursor, JournalLine, JournalScope, Lease, LeaseClaim, Store, StoreError, Taken};
use crate::apply::journal::{Journal, Record};
use crate::apply::memory::JournalSummary;
use crate::apply::records;
use crate::files::links::LinkPolicy;
use crate::model::AccountKey;

/// The pause between two tries to take a lock.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A journal and a directory of lock files.
pub struct FileStore {
    journal: PathBuf,
    locks: PathBuf,
    /// `None` if the store is only read.
    writer: Option<Journal>,
    links: LinkPolicy,
}

impl FileStore {
    /// Opens a store for reading only. A journal that does not exist is empty.
    pub fn for_reading(journal: &Path, locks: &Path) -> Self {
        Self {
            journal: journal.to_path_buf(),
            locks: locks.to_path_buf(),
            writer: None,
            links: LinkPolicy::Follow,
        }
    }

    /// Opens or creates the journal for writing, following links as far as `links` allows.
    pub fn open(journal: &Path, locks: &Path, links: &LinkPolicy) -> io::Result<Self> {
        Ok(Self {
            writer: Some(Journal::open_through(journal, links)?),
            links: links.clone(),
            ..Self::for_reading(journal, locks)
        })
    }

    /// Adds the journal's path and the task to an error.
    fn journal_error(&self, task: &'static str, error: io::Error) -> StoreError {
        StoreError::Refused {
            task,
            store: self.journal.display().to_string(),
            source: Box::new(error),
        }
    }

    /// Adds the path of the locks to an error.
    fn lock_error(&self, error: io::Error) -> StoreError {
        StoreError::Refused {
            task: "use the locks in",
            store: self.locks.display().to_string(),
            source: Box::new(error),
        }
    }

    /// Tries once to lock the file of an account.
    fn try_take_lease(
        &self,
        account: &AccountKey,
        claim: &LeaseClaim,
    ) -> Result<Taken, StoreError> {
        let path = lock::lock_path(&self.locks, account);
        let tried = lock::try_lock(path, account, &claim.holder);
        let tried = tried.map_err(|error| self.lock_error(error))?;
        Ok(match tried {
            Ok(lease) => Taken::Held(Box::new(lease)),
            Err(lock::LockHolder(holder)) => Taken::Busy(holder),
        })
    }

    /// Passes the lines behind the cursor to `take`, or [`JournalLine::Reset`] first if the file is shorter than it
    /// was.
    fn read_behind(
        &self,
        reading: JournalScope<'_>,
        cursor: &mut Cursor,
        take: &mut (dyn FnMut(JournalLine) + Send),
    ) -> io::Result<()> {
        let mut journal = records::open(&self.journal)?;
        let length = journal.as_ref().map(|journal| journal.metadata());
        let length = length.transpose()?.map_or(0, |meta| meta.len());
        if length < cursor.positions.get("").copied().unwrap_or_default() {
            *cursor = Cursor::default();
            take(JournalLine::Reset);
        }
        if let (Some(journal), JournalScope::Accounts(_), 0) = (&mut journal, reading, cursor.lines)
        {
            self.read_summary(journal, cursor, take);
        }
        let mut at = cursor.positions.get("").copied().unwrap_or_default();
        let unsummed = cursor.unsummarized.entry(String::new()).or_default();
        let lines = &mut cursor.lines;
        let mut take = |record: Option<Record>| {
            *lines += 1;
            *unsummed += 1;
            take(match record {
                Some(record) => JournalLine::Record(Box::new(record)),
                None => JournalLine::Damaged(*lines),
            });
        };
        let read = match journal {
            Some(journal) => records::each_in(journal, &mut at, &mut take),
            None => Ok(()),
        };
        cursor.positions.insert(String::new(), at);
        read
    }

    /// Passes the summary of the journal to `take`, if there is a valid one, and moves the cursor behind the lines that
    /// it covers. If reading it fails half-way, `take` gets [`JournalLine::Reset`] and the cursor stays.
    fn read_summary(
        &self,
        journal: &mut File,
        cursor: &mut Cursor,
        take: &mut (dyn FnMut(JournalLine) + Send),
    ) {
        let Some(summary) = summary::FileSummary::open(&self.journal, journal) else {
            return;
        };
        let covered = summary.covered.clone();
        let read =
            summary.for_each_record(&mut |record| take(JournalLine::Record(Box::new(record))));
        if let Err(error) = read {
            tracing::warn!(journal = self.name(), %error, "its summary cannot be read");
            take(JournalLine::Reset);
            return;
        }
        covered
            .damaged
            .numbers()
            .for_each(|number| take(JournalLine::Damaged(number)));
        cursor.positions.insert(String::new(), covered.bytes);
        cursor.lines = covered.lines;
    }
}

impl Store for FileStore {
    fn name(&self) -> String {
        self.journal.display().to_string()
    }

    fn take_lease<'a>(
        &'a self,
        account: &'a AccountKey,
        claim: &'a LeaseClaim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        async { self.try_take_lease(account, claim) }.boxed()
    }

    fn wait_for_release<'a>(&'a self, _: &'a AccountKey) -> BoxFuture<'a, ()> {
        tokio::time::sleep(POLL_INTERVAL).boxed()
    }

    fn append<'a>(
        &'a self,
        records: &'a [Record],
        lease: Option<&'a dyn Lease>,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            if let Some(lease) = lease {
                lease
                    .covers(Duration::ZERO)
                    .map_err(StoreError::LeaseLost)?;
            }
            let written = match &self.writer {
                Some(journal) => journal.commit(records).await,
                None => Err(io::Error::other("it was opened for reading")),
            };
            written.map_err(|error| self.journal_error("write the journal", error))
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        reading: JournalScope<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(JournalLine) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let read = self.read_behind(reading, cursor, take);
            read.map_err(|error| self.journal_error("read the journal", error))
        }
        .boxed()
    }

    fn summarize<'a>(
        &'a self,
        _: Option<&'a AccountKey>,
        summary: JournalSummary,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let (journal, links) = (self.journal.clone(), self.links.clone());
        // Writing waits for the disk.
        let write = move || summary::write_summary(&journal, &summary, &links);
        async move {
            let written = match &self.writer {
                Some(_) => tokio::task::spawn_blocking(write).await,
                None => Ok(Err(io::Error::other("it was opened for reading"))),
            };
            let written = written.unwrap_or_else(|broken| Err(io::Error::other(broken)));
            written.map_err(|error| self.journal_error("write a summary of the journal", error))
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::memory::testing::{self, record};
    use crate::provider::testing::connection;

    struct Bench {
        files: FileStore,
        _dir: tempfile::TempDir,
    }

    fn bench() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let (journal, locks) = (dir.path().join("journal.jsonl"), dir.path().join("locks"));
        Bench {
            files: FileStore::open(&journal, &locks, &LinkPolicy::Follow).unwrap(),
            _dir: dir,
        }
    }

    async fn read(files: &FileStore, cursor: &mut Cursor) -> Vec<JournalLine> {
        let mut lines = Vec::new();
        let mut take = |line| lines.push(line);
        files
            .read(JournalScope::Everything, cursor, &mut take)
            .await
            .unwrap();
        lines
    }

    fn intent(run: &str) -> Record {
        record(run, testing::write(testing::intent("a")))
    }

    #[tokio::test]
    async fn a_reader_goes_on_where_it_was_and_notices_another_journal() {
        let Bench { files, _dir } = bench();
        let mut cursor = Cursor::default();
        files
            .append(&[intent("1"), intent("2")], None)
            .await
            .unwrap();
        let line = |run: &str| JournalLine::Record(Box::new(intent(run)));
        assert_eq!(read(&files, &mut cursor).await, [line("1"), line("2")]);
        assert_eq!(read(&files, &mut cursor).await, []);
        std::fs::write(&files.journal, "damaged\n").unwrap();
        let anew = read(&files, &mut cursor).await;
        assert_eq!(anew, [JournalLine::Reset, JournalLine::Damaged(1)]);
    }

    #[tokio::test]
    async fn a_record_of_a_lost_lease_is_not_written() {
        let Bench { files, _dir } = bench();
        let account = connection().account_key();
        let claim = LeaseClaim {
            holder: "me".into(),
            term: Duration::from_secs(60),
        };
        let taken = files.take_lease(&account, &claim).await.unwrap();
        let Taken::Held(lease) = taken else {
            panic!("nobody else has it")
        };
        files.append(&[intent("1")], Some(&*lease)).await.unwrap();
        std::fs::remove_file(lock::lock_path(&files.locks, &account)).unwrap();
        let lost = files.append(&[intent("2")], Some(&*lease)).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost(_))));
        assert_eq!(read(&files, &mut Cursor::default()).await.len(), 1);
    }

    #[tokio::test]
    async fn who_only_reads_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal.jsonl");
        let files = FileStore::for_reading(&journal, dir.path());
        assert_eq!(read(&files, &mut Cursor::default()).await, []);
        assert!(files.append(&[intent("1")], None).await.is_err());
        assert!(!journal.exists());
    }
}
