//! The summary of a journal, in a file beside it, so that a run need not read what was done years ago.
//!
//! It holds what is known of every object after the first lines of the journal, and says which those are. The journal
//! stays whole: history and undo read it. A summary that is torn, damaged, of another journal or of another version of
//! this program counts for nothing, and all lines are read as if there were none.
//!
//! A line says what the summary covers, the lines of the journal's own notation follow without their checksums and with
//! packed values, and the last line has one checksum of all. With plain values ten thousand objects took 200 ms to read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::apply::journal::Record;
use crate::apply::memory::{Form, Summary};
use crate::apply::records::Damaged;
use crate::files::links::Links;
use crate::files::read;
use crate::files::write::Output;

/// Where the summary of a journal is.
pub fn path(journal: &Path) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(".summary");
    path.into()
}

/// The first lines of a journal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Covered {
    pub bytes: u64,
    pub lines: u64,
    /// Those of them that are not whole.
    pub damaged: Damaged,
}

/// The first line of a summary.
#[derive(PartialEq, Serialize, Deserialize)]
struct Header {
    /// [`Summary::WRITER`] and [`Summary::layout`].
    summary: String,
    layout: String,
    #[serde(flatten)]
    covered: Covered,
    /// Checksum of the last of the journal that is covered. Each line has the id of its run, so no other one ends alike.
    end: String,
}

impl Header {
    fn new(covered: Covered, journal: &mut File) -> io::Result<Self> {
        Ok(Self {
            summary: Summary::WRITER.into(),
            layout: Summary::layout(),
            end: end_of(journal, covered.bytes)?,
            covered,
        })
    }
}

/// Bytes by which one journal is told from another.
const END: u64 = 4096;

/// The checksum of what comes before the offset `at`.
fn end_of(journal: &mut File, at: u64) -> io::Result<String> {
    let length = at.min(END);
    journal.seek(SeekFrom::Start(at - length))?;
    let mut bytes = Vec::new();
    journal.take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(sum(Sha256::new_with_prefix(bytes))),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn sum(hash: Sha256) -> String {
    hex::encode(hash.finalize())
}

/// The last line.
fn seal(hash: Sha256) -> String {
    format!("{{\"sum\":\"{}\"}}\n", sum(hash))
}

/// Bytes of the last line.
const SEAL: u64 = 75;

/// A summary that is whole and of this journal.
pub struct Kept {
    lines: BufReader<io::Take<File>>,
    pub covered: Covered,
}

impl Kept {
    /// Opens the summary beside the journal at `path`, which is open as `journal`; nothing if none counts. Where
    /// `journal` stands after that is anywhere.
    pub fn open(path: &Path, journal: &mut File) -> Option<Self> {
        match Self::checked(&self::path(path), journal) {
            Ok(summary) => summary,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::debug!(journal = %path.display(), %error, "its summary cannot be read");
                None
            }
        }
    }

    fn checked(path: &Path, journal: &mut File) -> io::Result<Option<Self>> {
        let mut file = read::open(path)?;
        let Some(length) = file.metadata()?.len().checked_sub(SEAL) else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
        io::copy(&mut (&mut file).take(length), &mut Hashing(&mut hash))?;
        let mut last = String::new();
        file.read_to_string(&mut last)?;
        if last != seal(hash) {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(0))?;
        let mut lines = BufReader::with_capacity(BUFFER, file.take(length));
        let mut first = Vec::new();
        lines.read_until(b'\n', &mut first)?;
        let Ok(header) = serde_json::from_slice::<Header>(&first) else {
            return Ok(None);
        };
        let covered = header.covered.clone();
        let own = header == Header::new(covered.clone(), journal)?;
        Ok(own.then_some(Self { lines, covered }))
    }

    /// Hands over its records. After an error it counts for nothing, what was handed over included.
    pub fn each(mut self, take: &mut dyn FnMut(Record)) -> io::Result<()> {
        let mut line = Vec::new();
        while self.lines.read_until(b'\n', &mut line)? > 0 {
            take(serde_json::from_slice(&line)?);
            line.clear();
        }
        Ok(())
    }
}

const BUFFER: usize = 64 << 10;

struct Hashing<'a>(&'a mut Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the summary of the first lines of a journal in the place of the one that is there, whole or not at all. Of
/// two that are written at once the later one stays, and either is right.
pub fn write(journal: &Path, summary: &Summary, links: &Links) -> io::Result<()> {
    let upto = summary.upto();
    let covered = Covered {
        bytes: upto.at.get("").copied().unwrap_or_default(),
        lines: upto.lines,
        damaged: summary.damaged().clone(),
    };
    write_records(journal, covered, summary.records(Form::Packed), links)
}

fn write_records(
    journal: &Path,
    covered: Covered,
    records: impl Iterator<Item = Record>,
    links: &Links,
) -> io::Result<()> {
    let header = Header::new(covered, &mut read::open(journal)?)?;
    let output = Output::open_beside(&path(journal), journal, links)?;
    let mut out = BufWriter::with_capacity(BUFFER, output);
    let mut hash = Sha256::new();
    let mut line = serde_json::to_vec(&header)?;
    let mut put = |line: &mut Vec<u8>| {
        line.push(b'\n');
        hash.update(&line);
        out.write_all(line)
    };
    put(&mut line)?;
    for record in records {
        line.clear();
        serde_json::to_writer(&mut line, &record)?;
        put(&mut line)?;
    }
    out.write_all(seal(hash).as_bytes())?;
    out.into_inner()?.commit()
}

#[cfg(test)]
mod tests;
