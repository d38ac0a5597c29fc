//! An object of a log: a header, and the lines of one append below it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::apply::journal::{Record, decode};

/// The form of objects that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub format: u32,
    /// The epoch of the lease under which it was put; 0 where there is none.
    pub epoch: u64,
    pub holder: String,
    /// Whoever put it: the same for all objects of one taking of the lease.
    pub writer: String,
    /// This object: no other has the same.
    pub part: String,
    /// When it was put, by the clock of whoever put it: later than all that it put before.
    pub at: Timestamp,
    /// What runs said of themselves as a whole, as lines: copies of what lies with the runs, for whoever reads an
    /// account. A start comes before the first line of its run here, an end behind the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of_runs: Vec<String>,
}

/// What an object of a log says.
#[derive(Debug)]
pub struct Part {
    /// Nothing if the object is damaged.
    pub header: Option<Header>,
    /// The lines as they are, without their ends.
    pub lines: Vec<String>,
}

impl Part {
    /// Reads an object. The error is the format of one that this version does not know.
    pub fn parse(body: &[u8]) -> Result<Self, u32> {
        let text = String::from_utf8_lossy(body);
        let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let format: Option<Format> = serde_json::from_str(first).ok();
        if let Some(Format { format }) = format
            && format > FORMAT
        {
            return Err(format);
        }
        Ok(Self {
            header: serde_json::from_str(first).ok(),
            lines: rest.lines().map(str::to_string).collect(),
        })
    }

    /// Returns the records; `None` for a line that is not whole, the header among them.
    pub fn records(&self) -> impl Iterator<Item = Option<Record>> {
        let damaged = self.header.is_none().then_some(None);
        damaged
            .into_iter()
            .chain(self.lines.iter().map(|line| decode(line)))
    }

    /// Returns what runs said of themselves.
    pub fn of_runs(&self) -> impl Iterator<Item = Record> {
        let of_runs = self.header.iter().flat_map(|header| &header.of_runs);
        of_runs.filter_map(|line| decode(line))
    }
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Returns the body of an object. Lines have their ends.
pub fn body(header: &Header, lines: &[String]) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = serde_json::to_vec(header)?;
    body.push(b'\n');
    for line in lines {
        body.extend_from_slice(line.as_bytes());
    }
    Ok(body)
}
