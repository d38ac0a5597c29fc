//! Writes the journal: the facts about every run, among them what was about to be done when the program was killed.
//!
//! One JSON line per fact, each ending in a checksum, each on disk before the next thing happens. A write's intent
//! stands before the write, its outcome behind it. After an intent without an outcome it is unknown whether the write
//! was carried out, and the next run says so. Other programs may read the file while it grows (`tail`, `jq`); nothing
//! in it is secret.

use std::borrow::Borrow;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

mod agreed;
mod known_object;
mod line;
mod packed_base;
mod record;

use crate::files::links::LinkPolicy;
use crate::files::write::open_private;
pub use agreed::{Agreed, ManifestPlace};
pub use known_object::{
    BaselineHashes, FieldsHash, FightHistory, KnownObject, ManagedObject, format_hash,
};
pub use line::{MAX_LINE, decode, encode};
pub use packed_base::{BaseJson, PackedBase, SummaryForm};
pub use record::{
    CallName, Finding, GaveUp, Intent, JournalEvent, Left, PersonRequest, Purpose, Record,
    Residual, Started, StepEnd, WholeObject,
};

/// A journal open for writing.
pub struct Journal {
    lines: Arc<Lines>,
}

/// The file, and the records of steps side by side that wait for it.
struct Lines {
    writing: Mutex<Writing>,
    waiting: Mutex<WaitingLines>,
}

/// Lines that wait for the disk, each group with the channel on which its writer waits.
#[derive(Default)]
struct WaitingLines {
    texts: Vec<(String, oneshot::Sender<io::Result<()>>)>,
    /// Set while a task writes the waiting lines. It takes those that come meanwhile along.
    is_served: bool,
}

/// The file as it is written.
struct Writing {
    file: File,
    /// Set if the last line may have no end: the next write begins with a line break then.
    torn: bool,
    /// The number of waits for the disk.
    syncs: usize,
}

impl Journal {
    /// Opens or creates the file. A torn last line is ended, so that the next one stands by itself.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_through(path, &LinkPolicy::Follow)
    }

    /// Does the same, following links only as `links` allows.
    pub fn open_through(path: &Path, links: &LinkPolicy) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        let mut file = open_unmoved(path, || open_private(path, &mut options, links))?;
        let mut torn = false;
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            torn = last != *b"\n";
        }
        let mut writing = Writing {
            file,
            torn,
            syncs: 0,
        };
        if torn {
            writing.write(std::iter::empty())?;
        }
        let lines = Lines {
            writing: Mutex::new(writing),
            waiting: Mutex::default(),
        };
        Ok(Self {
            lines: Arc::new(lines),
        })
    }

    /// Writes lines and returns when they are on disk. No thread of the runtime is blocked.
    ///
    /// Lines that come during a wait for the disk are written together after it. For example, with 5 ms for each wait,
    /// ten steps that end at the same time are on disk after two waits, 10 ms: one for the first, one for the other
    /// nine.
    pub async fn commit(&self, records: &[Record]) -> io::Result<()> {
        let mut text = String::new();
        for record in records {
            text += &encode(record)?;
        }
        let (done, ended) = oneshot::channel();
        let serves = {
            let mut waiting = locked(&self.lines.waiting);
            waiting.texts.push((text, done));
            !std::mem::replace(&mut waiting.is_served, true)
        };
        if serves {
            let lines = Arc::clone(&self.lines);
            tokio::task::spawn_blocking(move || lines.serve());
        }
        let broken = |_| io::Error::other("whoever wrote it broke off");
        ended.await.map_err(broken)?
    }

    /// Writes a line and waits until it is on disk.
    pub fn append(&self, record: &Record) -> io::Result<()> {
        self.append_all(std::slice::from_ref(record))
    }

    /// Writes lines as they come and waits once until all are on disk.
    pub fn append_all(&self, records: impl IntoIterator<Item: Borrow<Record>>) -> io::Result<()> {
        let mut records = records.into_iter().peekable();
        if records.peek().is_none() {
            return Ok(());
        }
        let lines = records.map(|record| encode(record.borrow()));
        self.writing().append(lines)
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        locked(&self.lines.writing)
    }
}

/// Opens a journal and keeps it from being pruned as long as it is open: lines written into a file that was replaced
/// would be lost. On a file system without locks, no prune waits for a lock either.
fn open_unmoved(path: &Path, mut open: impl FnMut() -> io::Result<File>) -> io::Result<File> {
    loop {
        let file = open()?;
        if file.lock_shared().is_err() || is_at(&file, path)? {
            return Ok(file);
        }
    }
}

/// Reports whether an open file is still the one at `path`, by device and inode.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (opened, there) = (file.metadata()?, std::fs::metadata(path)?);
    Ok((opened.dev(), opened.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Nothing panics while the lock is held, and a file does not break with its lock.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lines {
    /// Writes down what waits, group by group, until nothing waits.
    fn serve(&self) {
        loop {
            let group = {
                let mut waiting = locked(&self.waiting);
                if waiting.texts.is_empty() {
                    waiting.is_served = false;
                    return;
                }
                std::mem::take(&mut waiting.texts)
            };
            let (texts, waiting): (Vec<_>, Vec<_>) = group.into_iter().unzip();
            let written = locked(&self.writing).append(texts.into_iter().map(Ok));
            for done in waiting {
                let reported = match &written {
                    Ok(()) => Ok(()),
                    Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
                };
                // The caller may have been dropped while it waited; its record is on disk all the same.
                let _ = done.send(reported);
            }
        }
    }
}

impl Writing {
    /// Writes lines and waits for the disk. After a failure the last line counts as torn.
    fn append(&mut self, texts: impl Iterator<Item = io::Result<String>>) -> io::Result<()> {
        let written = self.write(texts);
        self.torn |= written.is_err();
        written
    }

    /// Writes lines in chunks of 64 KiB and waits once until all are on disk.
    fn write(&mut self, texts: impl Iterator<Item = io::Result<String>>) -> io::Result<()> {
        let mut lines = String::new();
        if self.torn {
            lines.push('\n');
        }
        for text in texts {
            lines += &text?;
            if lines.len() >= CHUNK {
                self.file.write_all(lines.as_bytes())?;
                lines.clear();
            }
        }
        self.file.write_all(lines.as_bytes())?;
        self.torn = false;
        self.syncs += 1;
        self.file.sync_data()
    }
}

/// The bytes that are written at once: ten thousand lines need not be in memory together.
const CHUNK: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::outcome::Outcome;
    use futures::FutureExt;

    use crate::apply::memory::testing::{self, record};
    use crate::apply::records::Records;

    fn intent(address: &str) -> JournalEvent {
        testing::write(testing::intent(address))
    }

    fn ended(address: &str) -> JournalEvent {
        testing::ended(address, Outcome::Converged)
    }

    /// Writes an intent of a run.
    async fn commit(journal: &Journal, run: String) -> io::Result<()> {
        journal.commit(&[record(&run, intent("a"))]).await
    }

    fn read(path: &Path) -> (Vec<String>, String) {
        let mut records = Records::open(path).unwrap();
        let runs = records.by_ref().map(|record| record.run).collect();
        (
            runs,
            records.end().unwrap().describe_cut("j").unwrap_or_default(),
        )
    }

    #[test]
    fn a_torn_line_costs_itself_and_the_next_stands_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/journal.jsonl");
        Journal::open(&path)
            .unwrap()
            .append(&record("1", intent("a")))
            .unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"at\":\"2026").unwrap();
        Journal::open(&path)
            .unwrap()
            .append(&record("2", intent("b")))
            .unwrap();
        let (runs, damaged) = read(&path);
        assert_eq!(runs, ["1", "2"]);
        assert_eq!(damaged, "line 2 of the journal j is damaged");
    }

    #[test]
    fn a_record_that_could_not_be_written_does_not_spoil_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let journal = Journal::open(&path).unwrap();
        journal.append(&record("1", intent("a"))).unwrap();
        // As a disk does that is full in the middle of a line.
        journal.writing().file.write_all(b"{\"at\":").unwrap();
        let too_large = intent(&"a".repeat(MAX_LINE));
        let why = journal.append(&record("1", too_large)).unwrap_err();
        assert_eq!(why.to_string(), "a record is larger than 16 MiB");
        journal.append(&record("1", ended("a"))).unwrap();
        let (runs, damaged) = read(&path);
        assert_eq!(runs, ["1", "1"]);
        assert_eq!(damaged, "line 2 of the journal j is damaged");
    }

    #[tokio::test]
    async fn records_that_come_while_the_disk_is_waited_for_are_written_together() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let journal = Journal::open(&path).unwrap();
        // The disk is busy until all of them wait.
        let disk = journal.writing();
        let commits = (0..20).map(|run| commit(&journal, run.to_string()));
        let mut commits = futures::future::join_all(commits);
        assert!((&mut commits).now_or_never().is_none());
        drop(disk);
        for committed in commits.await {
            committed.unwrap();
        }
        // The first of them may have gone by itself.
        assert!(journal.writing().syncs <= 2);
        let (runs, damaged) = read(&path);
        assert_eq!((runs.len(), damaged.as_str()), (20, ""));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn everybody_whose_record_was_lost_hears_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(&dir.path().join("journal.jsonl")).unwrap();
        journal.writing().file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended =
            futures::future::join(commit(&journal, "1".into()), commit(&journal, "2".into()));
        let (one, other) = ended.await;
        assert!(one.is_err() && other.is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_journal_is_a_regular_file_and_in_ci_no_link_of_the_checkout() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        let links = LinkPolicy::refuse_below(dir.path());
        let error = Journal::open_through(&path, &links).err().unwrap();
        assert!(error.to_string().contains("is a link"), "{error}");
        assert!(!dir.path().join("elsewhere").exists());
        Journal::open(&path).unwrap();
        assert!(dir.path().join("elsewhere").exists());
        assert!(Journal::open(Path::new("/dev/full")).is_err());
    }
}
