//! The store of one machine: a journal of JSON lines and a lock file for each account.

mod lock;
mod prune;
mod summary;
mod upkeep;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::{Claim, Cursor, Lease, Line, Reading, Store, StoreError, Taken};
use crate::apply::journal::{Journal, Record};
use crate::apply::memory::Summary;
use crate::apply::records;
use crate::files::links::Links;
use crate::model::AccountKey;

/// Between two tries to take a lock.
const RETRY: Duration = Duration::from_millis(50);

/// A journal and a directory of lock files.
pub struct Files {
    journal: PathBuf,
    locks: PathBuf,
    /// `None` for those who only read.
    writing: Option<Journal>,
    links: Links,
}

impl Files {
    /// Opens a store that is only read. A journal that is not there is empty.
    pub fn for_reading(journal: &Path, locks: &Path) -> Self {
        Self {
            journal: journal.to_path_buf(),
            locks: locks.to_path_buf(),
            writing: None,
            links: Links::Followed,
        }
    }

    /// Opens or creates the journal for writing, over links as far as they may be followed.
    pub fn open(journal: &Path, locks: &Path, links: &Links) -> io::Result<Self> {
        Ok(Self {
            writing: Some(Journal::open_through(journal, links)?),
            links: links.clone(),
            ..Self::for_reading(journal, locks)
        })
    }

    fn refused(&self, task: &'static str, error: io::Error) -> StoreError {
        StoreError::Refused {
            task,
            store: self.journal.display().to_string(),
            source: Box::new(error),
        }
    }

    fn refused_locks(&self, error: io::Error) -> StoreError {
        StoreError::Refused {
            task: "use the locks in",
            store: self.locks.display().to_string(),
            source: Box::new(error),
        }
    }

    fn try_take(&self, account: &AccountKey, claim: &Claim) -> Result<Taken, StoreError> {
        let path = lock::path(&self.locks, account);
        let tried = lock::try_lock(path, account, &claim.holder);
        let tried = tried.map_err(|error| self.refused_locks(error))?;
        Ok(match tried {
            Ok(held) => Taken::Held(Box::new(held)),
            Err(lock::Holder(holder)) => Taken::Busy(holder),
        })
    }

    fn read_on(
        &self,
        reading: Reading<'_>,
        cursor: &mut Cursor,
        take: &mut (dyn FnMut(Line) + Send),
    ) -> io::Result<()> {
        let mut journal = records::open(&self.journal)?;
        let length = journal.as_ref().map(|journal| journal.metadata());
        let length = length.transpose()?.map_or(0, |meta| meta.len());
        if length < cursor.at.get("").copied().unwrap_or_default() {
            *cursor = Cursor::default();
            take(Line::Anew);
        }
        if let (Some(journal), Reading::Accounts(_), 0) = (&mut journal, reading, cursor.lines) {
            self.read_summary(journal, cursor, take);
        }
        let mut at = cursor.at.get("").copied().unwrap_or_default();
        let unsummed = cursor.unsummed.entry(String::new()).or_default();
        let lines = &mut cursor.lines;
        let mut take = |record: Option<Record>| {
            *lines += 1;
            *unsummed += 1;
            take(match record {
                Some(record) => Line::Record(Box::new(record)),
                None => Line::Damaged(*lines),
            });
        };
        let read = match journal {
            Some(journal) => records::each_in(journal, &mut at, &mut take),
            None => Ok(()),
        };
        cursor.at.insert(String::new(), at);
        read
    }

    /// Hands over the summary of a journal, if one counts, and puts the cursor behind the lines that it stands for.
    fn read_summary(
        &self,
        journal: &mut File,
        cursor: &mut Cursor,
        take: &mut (dyn FnMut(Line) + Send),
    ) {
        let Some(kept) = summary::Kept::open(&self.journal, journal) else {
            return;
        };
        let covered = kept.covered.clone();
        let read = kept.each(&mut |record| take(Line::Record(Box::new(record))));
        if let Err(error) = read {
            tracing::warn!(journal = self.name(), %error, "its summary cannot be read");
            take(Line::Anew);
            return;
        }
        covered
            .damaged
            .numbers()
            .for_each(|number| take(Line::Damaged(number)));
        cursor.at.insert(String::new(), covered.bytes);
        cursor.lines = covered.lines;
    }
}

impl Store for Files {
    fn name(&self) -> String {
        self.journal.display().to_string()
    }

    fn take<'a>(
        &'a self,
        account: &'a AccountKey,
        claim: &'a Claim,
    ) -> BoxFuture<'a, Result<Taken, StoreError>> {
        async { self.try_take(account, claim) }.boxed()
    }

    fn wait<'a>(&'a self, _: &'a AccountKey) -> BoxFuture<'a, ()> {
        tokio::time::sleep(RETRY).boxed()
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
            let written = match &self.writing {
                Some(journal) => journal.commit(records).await,
                None => Err(io::Error::other("it was opened for reading")),
            };
            written.map_err(|error| self.refused("write the journal", error))
        }
        .boxed()
    }

    fn read<'a>(
        &'a self,
        reading: Reading<'a>,
        cursor: &'a mut Cursor,
        take: &'a mut (dyn FnMut(Line) + Send),
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let read = self.read_on(reading, cursor, take);
            read.map_err(|error| self.refused("read the journal", error))
        }
        .boxed()
    }

    fn summarize<'a>(
        &'a self,
        _: Option<&'a AccountKey>,
        summary: Summary,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        let (journal, links) = (self.journal.clone(), self.links.clone());
        // It waits for the disk.
        let write = move || summary::write(&journal, &summary, &links);
        async move {
            let written = match &self.writing {
                Some(_) => tokio::task::spawn_blocking(write).await,
                None => Ok(Err(io::Error::other("it was opened for reading"))),
            };
            let written = written.unwrap_or_else(|broken| Err(io::Error::other(broken)));
            written.map_err(|error| self.refused("write a summary of the journal", error))
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
        files: Files,
        _dir: tempfile::TempDir,
    }

    fn bench() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let (journal, locks) = (dir.path().join("journal.jsonl"), dir.path().join("locks"));
        Bench {
            files: Files::open(&journal, &locks, &Links::Followed).unwrap(),
            _dir: dir,
        }
    }

    async fn read(files: &Files, cursor: &mut Cursor) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut take = |line| lines.push(line);
        files
            .read(Reading::Everything, cursor, &mut take)
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
        let line = |run: &str| Line::Record(Box::new(intent(run)));
        assert_eq!(read(&files, &mut cursor).await, [line("1"), line("2")]);
        assert_eq!(read(&files, &mut cursor).await, []);
        std::fs::write(&files.journal, "damaged\n").unwrap();
        let anew = read(&files, &mut cursor).await;
        assert_eq!(anew, [Line::Anew, Line::Damaged(1)]);
    }

    #[tokio::test]
    async fn a_record_of_a_lost_lease_is_not_written() {
        let Bench { files, _dir } = bench();
        let account = connection().account_key();
        let claim = Claim {
            holder: "me".into(),
            term: Duration::from_secs(60),
        };
        let taken = files.take(&account, &claim).await.unwrap();
        let Taken::Held(lease) = taken else {
            panic!("nobody else has it")
        };
        files.append(&[intent("1")], Some(&*lease)).await.unwrap();
        std::fs::remove_file(lock::path(&files.locks, &account)).unwrap();
        let lost = files.append(&[intent("2")], Some(&*lease)).await;
        assert!(matches!(lost, Err(StoreError::LeaseLost(_))));
        assert_eq!(read(&files, &mut Cursor::default()).await.len(), 1);
    }

    #[tokio::test]
    async fn who_only_reads_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal.jsonl");
        let files = Files::for_reading(&journal, dir.path());
        assert_eq!(read(&files, &mut Cursor::default()).await, []);
        assert!(files.append(&[intent("1")], None).await.is_err());
        assert!(!journal.exists());
    }
}
