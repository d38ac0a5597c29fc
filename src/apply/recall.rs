//! What a run has to know of earlier ones.

use std::io;
use std::path::Path;

use super::agreement::Agreements;
use super::journal::{self, OpenIntent, Record};
use super::records::{self, Damaged};

/// What is folded from a journal line by line, so that a journal of any length costs what it tells and not what
/// it holds, and that is read on where it was left.
pub trait Fold: Default {
    /// Where the lines begin that were not read yet.
    fn end(&mut self) -> &mut u64;

    /// Takes in the next line; nothing stands for one that is not whole.
    fn line(&mut self, record: Option<Record>);

    /// Reads a journal; one that is not there is empty.
    fn of(path: &Path) -> io::Result<Self> {
        let mut fold = Self::default();
        fold.go_on(path)?;
        Ok(fold)
    }

    /// Reads what was added to the journal since the last time. One that is shorter than it was is another one.
    fn go_on(&mut self, path: &Path) -> io::Result<()> {
        let length = std::fs::metadata(path).map_or(0, |meta| meta.len());
        if length < *self.end() {
            *self = Self::default();
        }
        let mut end = *self.end();
        let read = records::each(path, &mut end, &mut |record| self.line(record));
        *self.end() = end;
        read
    }
}

#[derive(Clone, Debug, Default)]
pub struct Recall {
    /// Writes whose end nobody recorded.
    pub open: Vec<OpenIntent>,
    /// What need not be written down again.
    pub agreements: Agreements,
    /// Lines that are not whole.
    pub damaged: Damaged,
    lines: usize,
    end: u64,
}

impl Fold for Recall {
    fn end(&mut self) -> &mut u64 {
        &mut self.end
    }

    fn line(&mut self, record: Option<Record>) {
        self.lines += 1;
        match record {
            Some(record) => {
                journal::follow(&mut self.open, &record);
                self.agreements.follow(&record);
            }
            None => self.damaged.add(self.lines),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::apply::journal::{Event, Journal};

    #[test]
    fn a_journal_is_read_on_where_it_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        assert_eq!(Recall::of(&path).unwrap().damaged.count(), 0);
        let record = |run: &str| Record {
            at: "2026-11-21T12:00:00Z".into(),
            run: run.into(),
            event: Event::Finished { interrupted: false },
        };
        let journal = Journal::open(&path).unwrap();
        journal.append(&record("1")).unwrap();
        let mut recall = Recall::of(&path).unwrap();
        assert_eq!((recall.lines, recall.damaged.count()), (1, 0));
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap();
        // A line that is not whole, and one whose end is still to come.
        file.write_all(b"{damaged}\n{\"at\":").unwrap();
        recall.go_on(&path).unwrap();
        assert_eq!((recall.lines, recall.damaged.to_string()), (2, "2".into()));
        file.write_all(b"\n").unwrap();
        journal.append(&record("2")).unwrap();
        recall.go_on(&path).unwrap();
        assert_eq!(
            (recall.lines, recall.damaged.to_string()),
            (4, "2, 3".into())
        );
        std::fs::write(&path, "").unwrap();
        recall.go_on(&path).unwrap();
        assert_eq!((recall.lines, recall.damaged.count()), (0, 0));
    }
}
