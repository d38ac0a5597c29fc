//! Deletes the oldest lines of a journal and puts a summary of them in their place.
//!
//! A journal of ten lines of 2025 about two objects and five of 2026, pruned before 2026-01-01, becomes two
//! `Known` lines, one for each object, and the five. A write of 2025 without an outcome keeps its intent.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use jiff::Timestamp;

use super::FileStore;
use crate::apply::journal::{JournalEvent, decode, encode};
use crate::apply::journal::{MAX_LINE, SummaryForm};
use crate::apply::memory::JournalSummary;
use crate::files::links::LinkPolicy;
use crate::files::write::Output;

/// The lines at the beginning of a journal that are old enough to delete.
struct OldPrefix {
    bytes: u64,
    /// How many of them are records of runs; the others belong to the summary of an earlier pruning.
    lines: u64,
}

/// Deletes lines written before `before` and returns how many. `Err` if a process has the journal open: it would go on
/// writing into the old file.
pub async fn prune_journal(journal: &Path, before: Timestamp) -> io::Result<u64> {
    let mut file = match OpenOptions::new().read(true).write(true).open(journal) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(error)) => return Err(error),
        Err(TryLockError::WouldBlock) => {
            let message = "a run or a daemon has it open: try again when that has ended";
            return Err(io::Error::other(message));
        }
    }
    let old = find_old_prefix(&file, before)?;
    if old.lines == 0 {
        return Ok(0);
    }
    let summary = summarize_prefix(&mut file, &old).await?;
    // Writes without an outcome keep their lines.
    let open = summary.records(SummaryForm::Plain);
    let open = open.filter(|record| !matches!(record.event, JournalEvent::Known(_)));
    let deleted = old.lines.saturating_sub(open.count() as u64);
    if deleted == 0 {
        return Ok(0);
    }
    let output = Output::open_beside(journal, journal, &LinkPolicy::Follow)?;
    let mut out = BufWriter::new(output);
    for record in summary.records(SummaryForm::Plain) {
        out.write_all(encode(&record)?.as_bytes())?;
    }
    file.seek(SeekFrom::Start(old.bytes))?;
    io::copy(&mut file, &mut out)?;
    out.into_inner()?.commit()?;
    // The separate summary covers lines of the old file; it would be ignored anyway.
    match std::fs::remove_file(super::summary::summary_path(journal)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(deleted),
    }
}

/// Finds the lines at the beginning that were written before a moment. Damaged lines go with their neighbours.
fn find_old_prefix(file: &File, before: Timestamp) -> io::Result<OldPrefix> {
    let mut old = OldPrefix { bytes: 0, lines: 0 };
    let mut text = BufReader::new(file);
    let mut line = Vec::new();
    let (mut bytes, mut lines) = (0, 0);
    loop {
        line.clear();
        let length = (&mut text)
            .take(MAX_LINE as u64)
            .read_until(b'\n', &mut line)?;
        let Some(content) = line.strip_suffix(b"\n") else {
            return Ok(old);
        };
        bytes += length as u64;
        let record = std::str::from_utf8(content).ok().and_then(decode);
        let Some(record) = record else {
            lines += 1;
            continue;
        };
        if matches!(record.event, JournalEvent::Known(_)) {
            old.bytes = bytes;
            continue;
        }
        lines += 1;
        match record.at.parse::<Timestamp>() {
            Ok(at) if at >= before => return Ok(old),
            _ => (old.bytes, old.lines) = (bytes, lines),
        }
    }
}

/// Reads the old lines from a copy and folds them into a summary.
async fn summarize_prefix(file: &mut File, old: &OldPrefix) -> io::Result<JournalSummary> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("journal.jsonl");
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut file.take(old.bytes), &mut File::create(&path)?)?;
    let files = FileStore::for_reading(&path, dir.path());
    let now = crate::apply::clock::now().to_string();
    let summary = JournalSummary::read(&files, &[], &now).await;
    summary.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::journal::{Journal, Record};
    use crate::apply::memory::testing::{self, record};
    use crate::apply::memory::{Detail, Memory};
    use crate::apply::outcome::Outcome;
    use crate::apply::records::Records;

    fn at(day: &str, run: &str, event: JournalEvent) -> Record {
        Record {
            at: format!("2026-11-{day}T12:00:00Z"),
            ..record(run, event)
        }
    }

    fn intent(day: &str, run: &str) -> Record {
        at(
            day,
            run,
            testing::write(testing::intent("LacLicenseOrder/a")),
        )
    }

    fn ended(day: &str, run: &str) -> Record {
        at(
            day,
            run,
            testing::ended("LacLicenseOrder/a", Outcome::Converged),
        )
    }

    async fn memory(journal: &Path) -> Memory {
        let files = FileStore::for_reading(journal, journal);
        Memory::of(&files, &[], Detail::Values).await.unwrap()
    }

    fn known_records(memory: &Memory) -> Vec<Record> {
        memory.summary("now", SummaryForm::Plain).collect()
    }

    fn day(day: &str) -> Timestamp {
        format!("2026-11-{day}T00:00:00Z").parse().unwrap()
    }

    #[tokio::test]
    async fn old_lines_go_and_what_they_came_to_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let all = [
            intent("01", "1"),
            ended("01", "1"),
            intent("02", "2"),
            intent("10", "3"),
            ended("10", "3"),
        ];
        let journal = Journal::open(&path).unwrap();
        journal.append_all(&all).unwrap();
        let before = known_records(&memory(&path).await);
        let open = prune_journal(&path, day("05")).await.unwrap_err();
        assert!(open.to_string().contains("has it open"), "{open}");
        drop(journal);
        assert_eq!(prune_journal(&path, day("01")).await.unwrap(), 0);
        assert_eq!(prune_journal(&path, day("05")).await.unwrap(), 2);
        assert_eq!(known_records(&memory(&path).await), before);
        let left: Vec<Record> = Records::open(&path).unwrap().collect();
        // The write that is still open, and the last run.
        assert!(left.ends_with(&all[2..]), "{left:?}");
        assert!(!left.contains(&all[0]), "{left:?}");
        // Again and again, and on from there.
        Journal::open(&path)
            .unwrap()
            .append(&intent("20", "4"))
            .unwrap();
        assert_eq!(prune_journal(&path, day("15")).await.unwrap(), 2);
        assert_eq!(memory(&path).await.open().count(), 2);
        assert_eq!(prune_journal(&path, day("15")).await.unwrap(), 0);
    }
}
