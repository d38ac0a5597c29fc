//! The summary of a journal, in a file beside it, so that a run need not read the lines of years.
//!
//! It holds what is known of every object after the first lines of the journal, and says which lines those are. The
//! journal stays whole for history and undo. A summary that is torn, damaged, of another journal or written by another
//! version of this program is ignored, and all lines are read as if there were none.
//!
//! ```text
//! {"summary":"…","layout":"…","bytes":40960,"lines":120,"damaged":[],"end":"<hash of bytes 36864 to 40960>"}
//! one line for each object, in the journal's own notation, without checksum and with packed values
//! {"sum":"<hash of all lines above>"}
//! ```
//!
//! Here a reader takes the records and goes on with the journal at byte 40960, line 121. If the journal was replaced by
//! another one, its 4096 bytes before that offset have another hash. With plain values, ten thousand objects took 200
//! ms to read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::apply::journal::Record;
use crate::apply::journal::SummaryForm;
use crate::apply::memory::JournalSummary;
use crate::apply::records::Damaged;
use crate::files::links::LinkPolicy;
use crate::files::read;
use crate::files::write::Output;

/// Returns the path of the summary of a journal.
pub fn summary_path(journal: &Path) -> PathBuf {
    let mut path = journal.as_os_str().to_owned();
    path.push(".summary");
    path.into()
}

/// The lines at the beginning of a journal that a summary covers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CoveredPrefix {
    pub bytes: u64,
    pub lines: u64,
    /// The numbers of those that are not whole.
    pub damaged: Damaged,
}

/// The first line of a summary file.
#[derive(PartialEq, Serialize, Deserialize)]
struct FileSummaryHeader {
    /// [`JournalSummary::WRITER`] and [`JournalSummary::layout`].
    summary: String,
    layout: String,
    #[serde(flatten)]
    covered: CoveredPrefix,
    /// Hash of the last bytes of the journal that are covered. Each line has the id of its run, so no other journal
    /// ends alike.
    end: String,
}

impl FileSummaryHeader {
    /// Creates the header of a summary of these lines by this version.
    fn new(covered: CoveredPrefix, journal: &mut File) -> io::Result<Self> {
        Ok(Self {
            summary: JournalSummary::WRITER.into(),
            layout: JournalSummary::layout(),
            end: hash_end(journal, covered.bytes)?,
            covered,
        })
    }
}

/// How many bytes before the end of the covered lines identify a journal.
const END_BYTES: u64 = 4096;

/// Returns the hash of up to [`END_BYTES`] before the offset `at`. `Err` if the journal is shorter than `at`.
fn hash_end(journal: &mut File, at: u64) -> io::Result<String> {
    let length = at.min(END_BYTES);
    journal.seek(SeekFrom::Start(at - length))?;
    let mut bytes = Vec::new();
    journal.take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(hex_digest(Sha256::new_with_prefix(bytes))),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Returns a hash as hexadecimal digits.
fn hex_digest(hash: Sha256) -> String {
    hex::encode(hash.finalize())
}

/// Returns the last line of a summary file.
fn checksum_line(hash: Sha256) -> String {
    format!("{{\"sum\":\"{}\"}}\n", hex_digest(hash))
}

/// The length of the last line.
const CHECKSUM_LINE_BYTES: u64 = 75;

/// A summary file that is whole and of this journal.
pub struct FileSummary {
    lines: BufReader<io::Take<File>>,
    pub covered: CoveredPrefix,
}

impl FileSummary {
    /// Opens the summary beside the journal at `path`, which is open as `journal`; `None` if there is no valid one. The
    /// position of `journal` is undefined afterwards.
    pub fn open(path: &Path, journal: &mut File) -> Option<Self> {
        match Self::open_verified(&self::summary_path(path), journal) {
            Ok(summary) => summary,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::debug!(journal = %path.display(), %error, "its summary cannot be read");
                None
            }
        }
    }

    /// Opens a summary file; `None` if its checksum, version or journal does not match.
    fn open_verified(path: &Path, journal: &mut File) -> io::Result<Option<Self>> {
        let mut file = read::open_regular_file(path)?;
        let Some(length) = file.metadata()?.len().checked_sub(CHECKSUM_LINE_BYTES) else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
        io::copy(&mut (&mut file).take(length), &mut HashWriter(&mut hash))?;
        let mut last = String::new();
        file.read_to_string(&mut last)?;
        if last != checksum_line(hash) {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(0))?;
        let mut lines = BufReader::with_capacity(BUFFER_BYTES, file.take(length));
        let mut first = Vec::new();
        lines.read_until(b'\n', &mut first)?;
        let Ok(header) = serde_json::from_slice::<FileSummaryHeader>(&first) else {
            return Ok(None);
        };
        let covered = header.covered.clone();
        let is_ours = header == FileSummaryHeader::new(covered.clone(), journal)?;
        Ok(is_ours.then_some(Self { lines, covered }))
    }

    /// Passes its records to `take`. After an `Err` the records that were passed are invalid.
    pub fn for_each_record(mut self, take: &mut dyn FnMut(Record)) -> io::Result<()> {
        let mut line = Vec::new();
        while self.lines.read_until(b'\n', &mut line)? > 0 {
            take(serde_json::from_slice(&line)?);
            line.clear();
        }
        Ok(())
    }
}

/// The size of read and write buffers.
const BUFFER_BYTES: usize = 64 << 10;

/// Hashes what is written to it.
struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the summary of the first lines of a journal in place of the present one, whole or not at all. Of two written
/// at once the later stays; either is right.
pub fn write_summary(
    journal: &Path,
    summary: &JournalSummary,
    links: &LinkPolicy,
) -> io::Result<()> {
    let upto = summary.upto();
    let covered = CoveredPrefix {
        bytes: upto.positions.get("").copied().unwrap_or_default(),
        lines: upto.lines,
        damaged: summary.damaged().clone(),
    };
    write_records(
        journal,
        covered,
        summary.records(SummaryForm::Packed),
        links,
    )
}

/// Writes a summary file: header, records, checksum.
fn write_records(
    journal: &Path,
    covered: CoveredPrefix,
    records: impl Iterator<Item = Record>,
    links: &LinkPolicy,
) -> io::Result<()> {
    let header = FileSummaryHeader::new(covered, &mut read::open_regular_file(journal)?)?;
    let output = Output::open_beside(&summary_path(journal), journal, links)?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, output);
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
    out.write_all(checksum_line(hash).as_bytes())?;
    out.into_inner()?.commit()
}

#[cfg(test)]
mod tests;
