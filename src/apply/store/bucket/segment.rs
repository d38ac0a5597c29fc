//! An object of a log: a header line, and the lines of one append below it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::apply::journal::{Record, decode};

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The first line of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentHeader {
    pub format: u32,
    /// The epoch of the lease under which it was put; 0 without a lease.
    pub epoch: u64,
    pub holder: String,
    /// The id of the writer: the same for all objects of one taking of the lease.
    pub writer: String,
    /// The unique id of this object.
    pub part: String,
    /// When it was put, by its writer's clock, and later than all that it put before.
    pub at: Timestamp,
    /// Copies of records about runs as a whole, as lines, for readers of one account. A start comes before the first
    /// line of its run here, an end after the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of_runs: Vec<String>,
}

/// A parsed object of a log.
#[derive(Debug)]
pub struct LogSegment {
    /// `None` if the header is damaged.
    pub header: Option<SegmentHeader>,
    /// The lines, without their ends.
    pub lines: Vec<String>,
}

impl LogSegment {
    /// Parses an object. `Err` is the number of a format that this version does not know.
    pub fn parse(body: &[u8]) -> Result<Self, u32> {
        let text = String::from_utf8_lossy(body);
        let (first, lines) = text.split_once('\n').unwrap_or((&text, ""));
        let format: Option<SegmentFormat> = serde_json::from_str(first).ok();
        if let Some(SegmentFormat { format }) = format
            && format > FORMAT
        {
            return Err(format);
        }
        Ok(Self {
            header: serde_json::from_str(first).ok(),
            lines: lines.lines().map(str::to_string).collect(),
        })
    }

    /// Returns the records; `None` for each line that is not whole, the header included.
    pub fn records(&self) -> impl Iterator<Item = Option<Record>> {
        let damaged = self.header.is_none().then_some(None);
        damaged
            .into_iter()
            .chain(self.lines.iter().map(|line| decode(line)))
    }

    /// Returns the copied records about runs as a whole.
    pub fn run_records(&self) -> impl Iterator<Item = Record> {
        let of_runs = self.header.iter().flat_map(|header| &header.of_runs);
        of_runs.filter_map(|line| decode(line))
    }
}

/// The only field that every format has.
#[derive(Deserialize)]
struct SegmentFormat {
    format: u32,
}

/// Encodes an object. Lines have their ends.
pub fn encode_segment(
    header: &SegmentHeader,
    lines: &[String],
) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = serde_json::to_vec(header)?;
    body.push(b'\n');
    for line in lines {
        body.extend_from_slice(line.as_bytes());
    }
    Ok(body)
}
