//! The summary of an account, in an object beside its log, so that a run need not read the lines of years.
//!
//! It holds the knowledge about every object from the first objects of the log. With `next: 900`, a reader takes its
//! records and goes on with object 900 of the log. `end` is the id of object 899; a log that was restored or begun
//! again has another id there, and the summary is ignored. A summary by another version of this program is ignored,
//! too. So is one of a store with lines that were appended without a lease, since it is unknown which of those it
//! covers. The log stays whole for history and undo.

use serde::{Deserialize, Serialize};

use super::account::AccountStates;
use super::layout::{self, UNLEASED};
use super::log;
use super::objects::BucketError;
use super::segment::FORMAT;
use crate::apply::journal::Record;
use crate::apply::journal::SummaryForm;
use crate::apply::memory::JournalSummary;
use crate::apply::records::Damaged;

/// The first line of a summary object.
#[derive(PartialEq, Serialize, Deserialize)]
struct ObjectSummaryHeader {
    format: u32,
    /// [`JournalSummary::WRITER`] and [`JournalSummary::layout`].
    summary: String,
    layout: String,
    /// The number of the first object of the log that it does not cover.
    next: u64,
    /// The id of the last object that it covers; no other log has the same there.
    end: String,
    lines: u64,
    /// The numbers of the lines that are not whole.
    damaged: Damaged,
}

/// A valid summary.
pub struct ObjectSummary {
    pub next: u64,
    pub lines: u64,
    pub damaged: Damaged,
    pub records: Vec<Record>,
}

/// Returns the summary of an account; `None` if there is no valid one.
pub async fn load_summary(
    accounts: &AccountStates,
    folder: &str,
) -> Result<Option<ObjectSummary>, BucketError> {
    let path = accounts.layout.summary_path(folder);
    let Some(object) = accounts.objects.get(&path).await? else {
        return Ok(None);
    };
    let mut lines = object.body.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let Ok(header) = serde_json::from_slice::<ObjectSummaryHeader>(first) else {
        return Ok(None);
    };
    let is_ours =
        header.summary == JournalSummary::WRITER && header.layout == JournalSummary::layout();
    if !is_ours
        || read_segment_id(accounts, folder, header.next)
            .await?
            .as_ref()
            != Some(&header.end)
    {
        return Ok(None);
    }
    let lines = lines.filter(|line| !line.is_empty());
    let records: Result<Vec<Record>, _> = lines.map(serde_json::from_slice).collect();
    Ok(records.ok().map(|records| ObjectSummary {
        next: header.next,
        lines: header.lines,
        damaged: header.damaged,
        records,
    }))
}

/// Returns the id of the object before the number `next`; `None` if it is missing or damaged.
async fn read_segment_id(
    accounts: &AccountStates,
    folder: &str,
    next: u64,
) -> Result<Option<String>, BucketError> {
    let Some(last) = next.checked_sub(1) else {
        return Ok(None);
    };
    let path = layout::numbered_path(&accounts.layout.log_folder(folder), last);
    let object = accounts.objects.get(&path).await?;
    let part = object
        .map(|object| log::parse_segment(&object.body))
        .transpose()?;
    let header = part.and_then(|part| part.header);
    Ok(header.map(|header| header.part))
}

/// Stores a summary in place of the one before. Of two stored at once one stays; either is right.
pub async fn store_summary(
    accounts: &AccountStates,
    folder: &str,
    summary: &JournalSummary,
) -> Result<(), BucketError> {
    let upto = summary.upto();
    let next = upto.positions.get(folder).copied().unwrap_or_default();
    if upto.positions.contains_key(UNLEASED) {
        return Ok(());
    }
    let Some(end) = read_segment_id(accounts, folder, next).await? else {
        return Ok(());
    };
    let header = ObjectSummaryHeader {
        format: FORMAT,
        summary: JournalSummary::WRITER.into(),
        layout: JournalSummary::layout(),
        next,
        end,
        lines: upto.lines,
        damaged: summary.damaged().clone(),
    };
    let mut body = serde_json::to_vec(&header).map_err(BucketError::permanent)?;
    for record in summary.records(SummaryForm::Packed) {
        body.push(b'\n');
        serde_json::to_writer(&mut body, &record).map_err(BucketError::permanent)?;
    }
    let path = accounts.layout.summary_path(folder);
    match accounts.objects.get(&path).await? {
        None => accounts.objects.create(&path, &body).await?,
        Some(old) => accounts.objects.replace(&path, &body, &old.version).await?,
    };
    Ok(())
}
