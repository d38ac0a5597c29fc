//! The summary of an account, in an object beside its log, so that a run need not read what was done years ago.
//!
//! It holds what is known of every object after the first objects of the log, and says which those are. The log stays
//! whole: history and undo read it. A summary of another log, or of another version of this program, counts for
//! nothing. Nor does one where lines were written without a lease: nobody can tell which of those it stands for.

use serde::{Deserialize, Serialize};

use super::account::Accounts;
use super::layout::{self, UNLEASED};
use super::log;
use super::objects::Fault;
use super::part::FORMAT;
use crate::apply::journal::Record;
use crate::apply::memory::{Form, Summary};
use crate::apply::records::Damaged;

/// The first line of a summary.
#[derive(PartialEq, Serialize, Deserialize)]
struct Header {
    format: u32,
    /// [`Summary::WRITER`] and [`Summary::layout`].
    summary: String,
    layout: String,
    /// The number of the first object of the log that it does not stand for.
    next: u64,
    /// The last object that it stands for: no other log has the same there.
    end: String,
    lines: u64,
    /// Those of the lines that are not whole.
    damaged: Damaged,
}

/// A summary that counts.
pub struct Kept {
    pub next: u64,
    pub lines: u64,
    pub damaged: Damaged,
    pub records: Vec<Record>,
}

/// Returns the summary of an account, if there is one that counts.
pub async fn load(accounts: &Accounts, folder: &str) -> Result<Option<Kept>, Fault> {
    let path = accounts.layout.summary(folder);
    let Some(object) = accounts.objects.get(&path).await? else {
        return Ok(None);
    };
    let mut lines = object.body.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let Ok(header) = serde_json::from_slice::<Header>(first) else {
        return Ok(None);
    };
    let is_ours = header.summary == Summary::WRITER && header.layout == Summary::layout();
    if !is_ours || end(accounts, folder, header.next).await?.as_ref() != Some(&header.end) {
        return Ok(None);
    }
    let lines = lines.filter(|line| !line.is_empty());
    let records: Result<Vec<Record>, _> = lines.map(serde_json::from_slice).collect();
    Ok(records.ok().map(|records| Kept {
        next: header.next,
        lines: header.lines,
        damaged: header.damaged,
        records,
    }))
}

/// Returns what the object before the number `next` is called; `None` if it is not there or damaged.
async fn end(accounts: &Accounts, folder: &str, next: u64) -> Result<Option<String>, Fault> {
    let Some(last) = next.checked_sub(1) else {
        return Ok(None);
    };
    let path = layout::numbered(&accounts.layout.log(folder), last);
    let object = accounts.objects.get(&path).await?;
    let part = object.map(|object| log::parse(&object.body)).transpose()?;
    let header = part.and_then(|part| part.header);
    Ok(header.map(|header| header.part))
}

/// Keeps a summary in the place of the one before. Of two that are kept at once one stays, and either is right.
pub async fn keep(accounts: &Accounts, folder: &str, summary: &Summary) -> Result<(), Fault> {
    let upto = summary.upto();
    let next = upto.at.get(folder).copied().unwrap_or_default();
    if upto.at.contains_key(UNLEASED) {
        return Ok(());
    }
    let Some(end) = end(accounts, folder, next).await? else {
        return Ok(());
    };
    let header = Header {
        format: FORMAT,
        summary: Summary::WRITER.into(),
        layout: Summary::layout(),
        next,
        end,
        lines: upto.lines,
        damaged: summary.damaged().clone(),
    };
    let mut body = serde_json::to_vec(&header).map_err(Fault::lasting)?;
    for record in summary.records(Form::Packed) {
        body.push(b'\n');
        serde_json::to_writer(&mut body, &record).map_err(Fault::lasting)?;
    }
    let path = accounts.layout.summary(folder);
    match accounts.objects.get(&path).await? {
        None => accounts.objects.create(&path, &body).await?,
        Some(old) => accounts.objects.replace(&path, &body, &old.version).await?,
    };
    Ok(())
}
