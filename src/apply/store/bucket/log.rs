//! A log: objects numbered without a gap, each put where there was none. The number is the fence.
//!
//! An object of an account is put right behind one whose epoch its writer knows to be no higher than its own. So the
//! epochs of a log only grow, and where a holder has put one object, no earlier holder can put another:
//!
//! ```text
//! number   0   1   2   3   4   5
//! epoch    6   6   6   7   7        7 opened the log at 3; 6, which comes back, meets it there and is out
//! ```

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::layout;
use super::objects::{Fault, Patient, Settled};
use super::part::{self, FORMAT, Header, Part};
use crate::apply::clock;

/// Numbers that a new holder tries while the old one is still appending.
const OPENINGS: u32 = 1000;

/// Why nothing was appended.
#[derive(Debug)]
pub enum Refusal {
    /// Another holder has opened the log.
    Deposed(String),
    Fault(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// The end of a log that is appended to.
pub struct Writer {
    /// Where the log is.
    log: String,
    /// The number of the next object.
    next: u64,
    /// The epoch of our lease; `None` where anybody may append.
    epoch: Option<u64>,
    holder: String,
    name: String,
    /// Runs of which this log has the start and not the end.
    runs: BTreeSet<String>,
    /// When we put something last.
    at: Timestamp,
}

impl Writer {
    /// A writer to a log to which anybody may append, behind `next`.
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

    /// Opens the log of an account for the holder of a lease: nobody with a lower epoch appends behind that.
    ///
    /// `next` is behind an object of a lower epoch, or at the beginning.
    pub async fn open(
        objects: &Patient,
        log: String,
        next: u64,
        epoch: u64,
        holder: &str,
    ) -> Result<Self, Refusal> {
        let mut writer = Self {
            epoch: Some(epoch),
            holder: holder.to_string(),
            ..Self::unfenced(log, next)
        };
        for _ in 0..OPENINGS {
            let body = writer.body(&[], &[])?;
            let path = layout::numbered(&writer.log, writer.next);
            match objects.create(&path, &body).await? {
                Settled::Done(_) => {
                    writer.next += 1;
                    return Ok(writer);
                }
                Settled::Found(object) => writer.step_over(&header(&object.body)?)?,
            }
        }
        let words = "somebody who lost the lease does not stop appending";
        Err(Fault::passing(words).into())
    }

    pub fn epoch(&self) -> Option<u64> {
        self.epoch
    }

    pub fn next(&self) -> u64 {
        self.next
    }

    /// Appends lines with their ends, all of them or none. After a fault they may be there; the same lines are not
    /// appended twice. `started` has what runs said of themselves when they started, by run.
    pub async fn append(
        &mut self,
        objects: &Patient,
        lines: Vec<String>,
        started: Vec<(String, String)>,
    ) -> Result<(), Refusal> {
        let known = &self.runs;
        let new = started.into_iter().filter(|(run, _)| !known.contains(run));
        let (runs, copies): (Vec<_>, Vec<_>) = new.unzip();
        if lines.is_empty() {
            return Ok(());
        }
        self.put(objects, lines, copies).await?;
        self.runs.extend(runs);
        Ok(())
    }

    /// Copies how a run ended, if this log has its start.
    pub async fn end_run(
        &mut self,
        objects: &Patient,
        run: &str,
        line: String,
    ) -> Result<(), Refusal> {
        if self.runs.contains(run) {
            self.put(objects, Vec::new(), vec![line]).await?;
            self.runs.remove(run);
        }
        Ok(())
    }

    async fn put(
        &mut self,
        objects: &Patient,
        mut lines: Vec<String>,
        mut copies: Vec<String>,
    ) -> Result<(), Refusal> {
        while !(lines.is_empty() && copies.is_empty()) {
            let body = self.body(&lines, &copies)?;
            let path = layout::numbered(&self.log, self.next);
            match objects.create(&path, &body).await? {
                Settled::Done(_) => {
                    self.next += 1;
                    break;
                }
                Settled::Found(object) => {
                    let part = parse(&object.body)?;
                    let header = part.header.ok_or_else(damaged)?;
                    // An earlier append of ours whose answer was lost: what it says is there.
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

    /// Goes on behind an object that is there already.
    fn step_over(&mut self, found: &Header) -> Result<(), Refusal> {
        if let Some(epoch) = self.epoch
            && found.writer != self.name
            && found.epoch >= epoch
        {
            return Err(Refusal::Deposed(found.holder.clone()));
        }
        self.next += 1;
        Ok(())
    }

    fn body(&mut self, lines: &[String], copies: &[String]) -> Result<Vec<u8>, Fault> {
        let after = self.at.saturating_add(SignedDuration::from_nanos(1));
        self.at = clock::now().max(after.unwrap_or(Timestamp::MAX));
        let header = Header {
            format: FORMAT,
            epoch: self.epoch.unwrap_or_default(),
            holder: self.holder.clone(),
            writer: self.name.clone(),
            part: clock::run_id(),
            at: self.at,
            of_runs: copies.to_vec(),
        };
        part::body(&header, lines).map_err(Fault::lasting)
    }
}

/// Returns the number of the last object of a log that has reached `hint`; `None` if it is empty.
pub async fn last(objects: &Patient, log: &str, hint: u64) -> Result<Option<u64>, Fault> {
    let after = hint.checked_sub(2).map(|two| layout::numbered(log, two));
    let paths = objects.list(log, after.as_deref()).await?;
    Ok(paths.iter().rev().find_map(|path| layout::number(path)))
}

/// Returns the next number of a log that has reached `hint`, and the highest epoch in it.
pub async fn end(objects: &Patient, log: &str, hint: u64) -> Result<(u64, u64), Fault> {
    let Some(number) = last(objects, log, hint).await? else {
        return Ok((hint, 0));
    };
    let object = objects.get(&layout::numbered(log, number)).await?;
    let header = object.map(|object| header(&object.body)).transpose()?;
    Ok((number + 1, header.map_or(0, |header| header.epoch)))
}

pub fn parse(body: &[u8]) -> Result<Part, Fault> {
    Part::parse(body).map_err(unknown)
}

/// The fault of an object in a form that is newer than this version.
pub fn unknown(format: u32) -> Fault {
    Fault::lasting(format!(
        "format {format} is newer than this version of entitle, which knows {FORMAT}; update entitle"
    ))
}

fn header(body: &[u8]) -> Result<Header, Fault> {
    parse(body)?.header.ok_or_else(damaged)
}

fn damaged() -> Fault {
    Fault::lasting("the last object of the log is damaged")
}
