//! Sums up past runs for `entitle history`: one entry for each run, and on request what it did to every object.
//!
//! Input are the records of a journal in their order, output is a [`HistoryDocument`]. A journal is read once for the
//! entries ([`RunLog`]), which are small, and a second time for the objects of the few runs that are shown in full
//! ([`RunObjects`]). Nothing is worded for people here: that is done in `render::history`.

mod entry;
mod log;
mod name;
mod objects;

pub use entry::{HistoryDocument, RunCounts, RunEnd, RunEntry, RunObject};
pub use log::RunLog;
pub use name::{RunNameError, find_named_run, shorten_names};
pub use objects::RunObjects;

use super::super::journal::{JournalEvent, Record};
use super::runs::Index;

/// Returns all runs of a journal that is in memory, the newest first, with what they did to each object.
pub fn read_runs(records: &[Record]) -> Vec<RunEntry> {
    let (mut log, mut index) = (RunLog::default(), Index::default());
    for record in records {
        log.add(record);
        index.add(record);
    }
    let mut runs = log.end();
    let mut objects = RunObjects::new(&index, runs.iter().map(|run| run.run.as_str()));
    records.iter().for_each(|record| objects.add(record));
    objects.fill(&mut runs);
    runs
}

/// Returns the address of the object that an event or a request is about; `None` for events about the run.
pub fn event_address(event: &JournalEvent) -> Option<&str> {
    match event {
        JournalEvent::Intent(intent) => Some(&intent.address),
        JournalEvent::Outcome(ended) => Some(&ended.address),
        JournalEvent::Found { address, .. } => Some(address),
        JournalEvent::Agreed(agreed) => Some(&agreed.address),
        JournalEvent::Left(left) => Some(&left.address),
        JournalEvent::GaveUp(gave_up) => Some(&gave_up.address),
        JournalEvent::Started(started) => started.request.as_ref()?.address.as_deref(),
        JournalEvent::Known(_) | JournalEvent::Finished { .. } => None,
    }
}

/// Reports whether an event is a reason to show its run: an object that was in sync all along is not, and a request of a
/// person is.
pub fn is_news(event: &JournalEvent) -> bool {
    match event {
        JournalEvent::Intent(_)
        | JournalEvent::Outcome(_)
        | JournalEvent::Found { .. }
        | JournalEvent::GaveUp(_) => true,
        JournalEvent::Started(started) => started.request.is_some(),
        JournalEvent::Agreed(_)
        | JournalEvent::Left(_)
        | JournalEvent::Known(_)
        | JournalEvent::Finished { .. } => false,
    }
}

#[cfg(test)]
mod tests;
