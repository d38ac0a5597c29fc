//! Reads a journal record by record. It holds one line in memory, however long the file is.
//!
//! In go bytes, out come records in their order, and a count of the damaged lines. The meaning of records, and what
//! follows from damage, is up to the caller.
//!
//! For example a file with a whole line, a line with a wrong checksum and a third line without an end gives one
//! record, then `None` for line 2. The third is left out, and the offset stays before it: another process may still be
//! writing it, and the next read begins there.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::journal::{MAX_LINE, Record, decode};
use crate::files::read;

/// The lines of a journal: a record, or `None` for a line that is not whole. A last line without an end may still
/// be being written and is left out.
struct RecordLines<R> {
    text: R,
    line: Vec<u8>,
    /// Bytes of the lines that were handed out.
    read: u64,
}

impl<R: BufRead> RecordLines<R> {
    fn new(text: R) -> Self {
        Self {
            text,
            line: Vec::new(),
            read: 0,
        }
    }

    /// Returns the next line: `Some(None)` for a damaged one, `None` at the end of the whole lines. Empty lines are
    /// skipped.
    ///
    /// A line beyond [`MAX_LINE`] is skipped in chunks and counts as damaged, so it never is in memory as a whole.
    fn next(&mut self) -> io::Result<Option<Option<Record>>> {
        loop {
            self.line.clear();
            let mut text = (&mut self.text).take(MAX_LINE as u64);
            let mut length = text.read_until(b'\n', &mut self.line)? as u64;
            let record = match self.line.strip_suffix(b"\n") {
                Some([]) => {
                    self.read += length;
                    continue;
                }
                Some(line) => std::str::from_utf8(line).ok().and_then(decode),
                None if self.line.len() < MAX_LINE => return Ok(None),
                None => match self.skip_line()? {
                    Some(rest) => {
                        length += rest;
                        None
                    }
                    None => return Ok(None),
                },
            };
            self.read += length;
            return Ok(Some(record));
        }
    }

    /// Skips to the end of a line. Returns the number of bytes; `None` if the file ends first.
    fn skip_line(&mut self) -> io::Result<Option<u64>> {
        let mut skipped = 0;
        loop {
            let buffer = self.text.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(buffer.len(), |end| end + 1);
            self.text.consume(length);
            skipped += length as u64;
            if end.is_some() {
                return Ok(Some(skipped));
            }
        }
    }
}

/// Opens a journal; `None` if there is none.
pub fn open(path: &Path) -> io::Result<Option<File>> {
    match read::open_regular_file(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Passes the lines of a journal from the offset `at` on to `take`, one at a time, and advances `at`. A damaged line is
/// `None`. A journal that does not exist is empty.
pub fn each(path: &Path, at: &mut u64, take: &mut dyn FnMut(Option<Record>)) -> io::Result<()> {
    match open(path)? {
        Some(file) => each_in(file, at, take),
        None => {
            *at = 0;
            Ok(())
        }
    }
}

/// Does the same with a journal that is open.
pub fn each_in(
    mut file: File,
    at: &mut u64,
    take: &mut dyn FnMut(Option<Record>),
) -> io::Result<()> {
    file.seek(SeekFrom::Start(*at))?;
    let mut lines = RecordLines::new(BufReader::new(file));
    loop {
        let line = lines.next();
        *at += std::mem::take(&mut lines.read);
        match line? {
            Some(record) => take(record),
            None => return Ok(()),
        }
    }
}

/// The records of a journal, one at a time. The iterator ends where the journal does or cannot be read on:
/// [`Records::end`] says which.
pub struct Records {
    lines: Option<RecordLines<Box<dyn BufRead>>>,
    /// The number of the last line that was read, from 1; empty lines do not count.
    number: u64,
    damaged: Damaged,
    error: Option<io::Error>,
}

impl Records {
    /// Opens a file; a journal that does not exist has no records.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        Ok(Self::of(
            file.map(|file| Box::new(BufReader::new(file)) as _),
        ))
    }

    /// Reads the records of a text.
    pub fn new(text: &[u8]) -> Self {
        Self::of(Some(Box::new(io::Cursor::new(text.to_vec()))))
    }

    fn of(text: Option<Box<dyn BufRead>>) -> Self {
        Self {
            lines: text.map(RecordLines::new),
            number: 0,
            damaged: Damaged::default(),
            error: None,
        }
    }

    /// Returns the damaged lines among those read so far; `Err` if reading stopped before the end of the file.
    pub fn end(self) -> io::Result<Damaged> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.damaged),
        }
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let line = self.lines.as_mut()?.next();
            match line {
                Ok(Some(Some(record))) => {
                    self.number += 1;
                    return Some(record);
                }
                Ok(Some(None)) => {
                    self.number += 1;
                    self.damaged.add(self.number);
                }
                ended => {
                    self.error = ended.err();
                    self.lines = None;
                }
            }
        }
    }
}

/// The damaged lines of a journal: their count, and the numbers of the first five.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damaged {
    first: Vec<u64>,
    count: usize,
}

impl Damaged {
    /// The most line numbers that are kept and shown: more would not help to find the damage.
    const SHOWN: usize = 5;

    /// Counts a damaged line, by its number from 1.
    pub fn add(&mut self, line: u64) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(line);
        }
    }

    /// Returns the number of damaged lines.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns one number for each damaged line. Beyond the fifth the fifth is repeated, so that counts stay right
    /// when two reports are added.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        let last = self.first.last().copied().unwrap_or_default();
        let first = self.first.iter().copied();
        first.chain(std::iter::repeat(last)).take(self.count)
    }

    /// Returns the message about the damaged lines of a journal; `None` if there are none.
    pub fn describe_cut(&self, journal: &str) -> Option<String> {
        let (noun, verb) = match self.count {
            0 => return None,
            1 => ("line", "is"),
            _ => ("lines", "are"),
        };
        Some(format!(
            "{noun} {self} of the journal {journal} {verb} damaged"
        ))
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.first.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join(", "))?;
        match self.count - self.first.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_told_and_not_kept() {
        let mut text = vec![b'x'; 3 * MAX_LINE];
        text.push(b'\n');
        text.extend_from_slice(b"damaged\n\nnot ended");
        let end = text.len() - b"not ended".len();
        let mut lines = RecordLines::new(text.as_slice());
        assert_eq!(lines.next().unwrap(), Some(None));
        assert!(lines.line.capacity() <= 2 * MAX_LINE);
        assert_eq!(lines.next().unwrap(), Some(None));
        assert_eq!(lines.next().unwrap(), None);
        // Reading goes on behind the last line that has an end.
        assert_eq!(lines.read, end as u64);
        let mut endless = RecordLines::new(&text[..2 * MAX_LINE]);
        assert_eq!(endless.next().unwrap(), None);
        assert_eq!(endless.read, 0);
    }

    #[test]
    fn damaged_lines_are_counted_and_the_first_are_named() {
        let text = "odd\n".repeat(1000);
        let mut records = Records::new(text.as_bytes());
        assert_eq!(records.next(), None);
        let damaged = records.end().unwrap();
        assert_eq!(damaged.first.len(), Damaged::SHOWN);
        assert_eq!(
            damaged.describe_cut("j").unwrap(),
            "lines 1, 2, 3, 4, 5 and 995 more of the journal j are damaged"
        );
        assert_eq!(Damaged::default().describe_cut("j"), None);
    }

    #[test]
    fn what_is_no_regular_file_is_no_journal() {
        let dir = tempfile::tempdir().unwrap();
        assert!(
            Records::open(&dir.path().join("absent"))
                .unwrap()
                .next()
                .is_none()
        );
        assert!(Records::open(dir.path()).is_err());
    }
}
