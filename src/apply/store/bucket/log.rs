//! The fence: a log of objects numbered without a gap, each put only where there was none.
//!
//! A holder puts an object only right behind one whose epoch is no higher than its own. So the epochs of a log only
//! grow, and where a holder has put one object, no earlier holder can put another:
//!
//! ```text
//! number   0   1   2   3   4   5
//! epoch    6   6   6   7   7
//! ```
//!
//! The holder with epoch 7 opened the log by an empty object at 3. The holder with epoch 6 wakes up and puts its lines
//! at 3: refused, since there is an object. It reads epoch 7 there and gives up ([`AppendError::Deposed`]). Had 6 been
//! faster, its lines would be at 3, written while nobody else had the log open, and 7 would have opened at 4.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::layout;
use super::objects::{BucketError, RetryingBucket, SettledPut};
use super::segment::{self, FORMAT, LogSegment, SegmentHeader};
use crate::apply::clock;

/// How many numbers a new holder tries while the old one is still appending.
const OPEN_TRIES: u32 = 1000;

/// Why nothing was appended.
#[derive(Debug)]
pub enum AppendError {
    /// The named holder has opened the log with a higher epoch.
    Deposed(String),
    Bucket(BucketError),
}

impl From<BucketError> for AppendError {
    fn from(error: BucketError) -> Self {
        Self::Bucket(error)
    }
}

/// Appends to the end of a log.
pub struct LogWriter {
    /// The folder of the log.
    log: String,
    /// The number of the next object.
    next: u64,
    /// The epoch of our lease; `None` for a log without a fence.
    epoch: Option<u64>,
    holder: String,
    name: String,
    /// Runs whose start is in this log and whose end is not.
    runs: BTreeSet<String>,
    /// When this writer last put an object.
    at: Timestamp,
}

impl LogWriter {
    /// Creates a writer to a log without a fence, behind number `next`.
    pub fn unfenced(log: String, next: u64) -> Self {
        Self {
            log,
            next,
            epoch: None,
            holder: String::new(),
            name: clock::run_id(),
            runs: BTreeSet::new(),
            at: Timestamp::MIN,
        }
    }

    /// Opens the log of an account for the holder of a lease: from then on no holder with a lower epoch can append.
    ///
    /// `next` must be right behind an object of a lower epoch, or at the beginning.
    pub async fn open(
        objects: &RetryingBucket,
        log: String,
        next: u64,
        epoch: u64,
        holder: &str,
    ) -> Result<Self, AppendError> {
        let mut writer = Self {
            epoch: Some(epoch),
            holder: holder.to_string(),
            ..Self::unfenced(log, next)
        };
        for _ in 0..OPEN_TRIES {
            let body = writer.encode_body(&[], &[])?;
            let path = layout::numbered_path(&writer.log, writer.next);
            match objects.create(&path, &body).await? {
                SettledPut::Done(_) => {
                    writer.next += 1;
                    return Ok(writer);
                }
                SettledPut::Found(object) => writer.step_over(&parse_header(&object.body)?)?,
            }
        }
        let message = "somebody who lost the lease does not stop appending";
        Err(BucketError::transient(message).into())
    }

    /// Returns the epoch of the lease; `None` for a log without a fence.
    pub fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    /// Returns the number of the next object.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Appends lines with their ends, all of them or none. After an error the lines may be in the log; a second call
    /// with the same lines does not append them twice. `started` has the start records of runs, as pairs of run and
    /// line.
    pub async fn append(
        &mut self,
        objects: &RetryingBucket,
        lines: Vec<String>,
        started: Vec<(String, String)>,
    ) -> Result<(), AppendError> {
        let started_runs = &self.runs;
        let new = started
            .into_iter()
            .filter(|(run, _)| !started_runs.contains(run));
        let (runs, copies): (Vec<_>, Vec<_>) = new.unzip();
        if lines.is_empty() {
            return Ok(());
        }
        self.put_segment(objects, lines, copies).await?;
        self.runs.extend(runs);
        Ok(())
    }

    /// Appends a copy of the end record of a run, if this log has its start.
    pub async fn copy_run_end(
        &mut self,
        objects: &RetryingBucket,
        run: &str,
        line: String,
    ) -> Result<(), AppendError> {
        if self.runs.contains(run) {
            self.put_segment(objects, Vec::new(), vec![line]).await?;
            self.runs.remove(run);
        }
        Ok(())
    }

    /// Puts lines and copies as one object, behind all objects that others put meanwhile.
    async fn put_segment(
        &mut self,
        objects: &RetryingBucket,
        mut lines: Vec<String>,
        mut copies: Vec<String>,
    ) -> Result<(), AppendError> {
        while !(lines.is_empty() && copies.is_empty()) {
            let body = self.encode_body(&lines, &copies)?;
            let path = layout::numbered_path(&self.log, self.next);
            match objects.create(&path, &body).await? {
                SettledPut::Done(_) => {
                    self.next += 1;
                    break;
                }
                SettledPut::Found(object) => {
                    let part = parse_segment(&object.body)?;
                    let header = part.header.ok_or_else(damaged_end)?;
                    // This is an earlier append of ours whose answer was lost: its lines are in the log.
                    if header.writer == self.name {
                        lines.retain(|line| !part.lines.iter().any(|one| one == line.trim_end()));
                        copies.retain(|line| !header.of_runs.contains(line));
                    }
                    self.step_over(&header)?;
                }
            }
        }
        Ok(())
    }

    /// Moves the next number behind an object that exists already. `Err` if its epoch deposes us.
    fn step_over(&mut self, found: &SegmentHeader) -> Result<(), AppendError> {
        if let Some(epoch) = self.epoch
            && found.writer != self.name
            && found.epoch >= epoch
        {
            return Err(AppendError::Deposed(found.holder.clone()));
        }
        self.next += 1;
        Ok(())
    }

    /// Encodes an object with these lines and copies of run records, later than the one before.
    fn encode_body(&mut self, lines: &[String], copies: &[String]) -> Result<Vec<u8>, BucketError> {
        let after = self.at.saturating_add(SignedDuration::from_nanos(1));
        self.at = clock::now().max(after.unwrap_or(Timestamp::MAX));
        let header = SegmentHeader {
            format: FORMAT,
            epoch: self.epoch.unwrap_or_default(),
            holder: self.holder.clone(),
            writer: self.name.clone(),
            part: clock::run_id(),
            at: self.at,
            of_runs: copies.to_vec(),
        };
        segment::encode_segment(&header, lines).map_err(BucketError::permanent)
    }
}

/// Returns the number of the last object of a log; `None` if it is empty. `hint` is a number that the log has reached.
pub async fn last_number(
    objects: &RetryingBucket,
    log: &str,
    hint: u64,
) -> Result<Option<u64>, BucketError> {
    let after = hint
        .checked_sub(2)
        .map(|two| layout::numbered_path(log, two));
    let paths = objects.list(log, after.as_deref()).await?;
    Ok(paths
        .iter()
        .rev()
        .find_map(|path| layout::parse_number(path)))
}

/// Returns the next number of a log that has reached `hint`, and the epoch of its last object, the highest in it.
pub async fn find_end(
    objects: &RetryingBucket,
    log: &str,
    hint: u64,
) -> Result<(u64, u64), BucketError> {
    let Some(number) = last_number(objects, log, hint).await? else {
        return Ok((hint, 0));
    };
    let object = objects.get(&layout::numbered_path(log, number)).await?;
    let header = object
        .map(|object| parse_header(&object.body))
        .transpose()?;
    Ok((number + 1, header.map_or(0, |header| header.epoch)))
}

/// Parses an object of a log.
pub fn parse_segment(body: &[u8]) -> Result<LogSegment, BucketError> {
    LogSegment::parse(body).map_err(unknown_format)
}

/// Returns the error for an object in a newer format than this version knows.
pub fn unknown_format(format: u32) -> BucketError {
    BucketError::permanent(format!(
        "format {format} is newer than this version of entitle, which knows {FORMAT}; update entitle"
    ))
}

/// Parses the header of an object; `Err` if it is damaged.
fn parse_header(body: &[u8]) -> Result<SegmentHeader, BucketError> {
    parse_segment(body)?.header.ok_or_else(damaged_end)
}

/// Returns the error for a damaged object at the end of a log: its epoch is unknown.
fn damaged_end() -> BucketError {
    BucketError::permanent("the last object of the log is damaged")
}
