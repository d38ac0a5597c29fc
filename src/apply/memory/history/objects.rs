//! Collects what some runs did to each object, in a second reading of a journal.

use std::collections::BTreeMap;

use super::super::runs::Index;
use super::entry::{RunEntry, RunObject};
use crate::apply::journal::{Finding, Intent, JournalEvent, Record, StepEnd};
use crate::model::{Outcome, compare_natural};

/// The objects of the runs that are shown in full, as far as the journal was read.
pub struct RunObjects<'a> {
    index: &'a Index,
    runs: BTreeMap<String, ShownRun>,
}

#[derive(Default)]
struct ShownRun {
    objects: Vec<RunObject>,
    /// Writes without an outcome, in their order.
    open: Vec<Intent>,
}

impl<'a> RunObjects<'a> {
    /// Begins with the runs of these names. `index` must have been made from all records of the journal.
    pub fn new<'b>(index: &'a Index, runs: impl Iterator<Item = &'b str>) -> Self {
        let runs = runs.map(|run| (run.to_string(), ShownRun::default()));
        Self {
            index,
            runs: runs.collect(),
        }
    }

    /// Takes in the next record. Those of other runs are passed over.
    pub fn add(&mut self, record: &Record) {
        let index = self.index;
        let Some(run) = self.runs.get_mut(&record.run) else {
            return;
        };
        match &record.event {
            JournalEvent::Intent(intent) => {
                // A second intent is what a look right before the write made of the first.
                run.open.retain(|open| open.address != intent.address);
                run.open.push((**intent).clone());
            }
            JournalEvent::Outcome(ended) => {
                let mut open = run.open.iter();
                let at = open.position(|open| open.address == ended.address);
                let intent = at.map(|at| run.open.remove(at));
                run.objects.push(end_object(record, ended, intent, index));
            }
            JournalEvent::Found {
                address,
                of_run,
                found,
                ..
            } => run.objects.push(RunObject {
                address: address.clone(),
                written: Some(false),
                message: Some(found.clone()),
                examined_run: Some(of_run.clone()),
                ..RunObject::default()
            }),
            JournalEvent::GaveUp(gave_up) => run.objects.push(RunObject {
                address: gave_up.address.clone(),
                vendor: Some(gave_up.vendor.clone()),
                connection: Some(gave_up.connection.clone()),
                base_url: Some(gave_up.base_url.clone()),
                tenant: gave_up.tenant.clone(),
                identity: Some(gave_up.identity.clone()),
                written: Some(false),
                left: gave_up.fields.clone(),
                ..RunObject::default()
            }),
            JournalEvent::Started(_)
            | JournalEvent::Agreed(_)
            | JournalEvent::Left(_)
            | JournalEvent::Known(_)
            | JournalEvent::Finished { .. } => {}
        }
    }

    /// Puts the objects into the entries of their runs, in the natural order of their addresses. Writes without an outcome were cut off.
    pub fn fill(mut self, entries: &mut [RunEntry]) {
        for entry in entries {
            let Some(run) = self.runs.remove(&entry.run) else {
                continue;
            };
            let open = run.open.into_iter();
            let cut_off = open.map(|intent| describe_cut_off(&entry.run, intent, self.index));
            let mut objects: Vec<RunObject> = run.objects.into_iter().chain(cut_off).collect();
            objects.sort_by(|one, other| compare_natural(&one.address, &other.address));
            entry.objects = Some(objects);
        }
    }
}

/// Describes a step that ended.
fn end_object(
    record: &Record,
    ended: &StepEnd,
    intent: Option<Intent>,
    index: &Index,
) -> RunObject {
    let run = &record.run;
    let mut object = match intent {
        Some(intent) => describe_write(run, intent, index),
        None => RunObject {
            address: ended.address.clone(),
            ..RunObject::default()
        },
    };
    object.outcome = Some(ended.outcome);
    object.message.clone_from(&ended.message);
    object.side_effects.clone_from(&ended.side_effects);
    object.written = match ended.outcome {
        _ if ended.unclear => written_later(run, &ended.address, index),
        Outcome::Converged | Outcome::Unconverged => Some(true),
        Outcome::Already
        | Outcome::Rejected
        | Outcome::Stale
        | Outcome::Refused
        | Outcome::Failed
        | Outcome::Skipped => Some(false),
    };
    if !ended.unclear {
        object.found_later = None;
    }
    if ended.outcome == Outcome::Already {
        // They turned out not to be needed.
        object.changes.clear();
    }
    object
}

/// Describes a write that the run did not see the end of.
fn describe_cut_off(run: &str, intent: Intent, index: &Index) -> RunObject {
    let written = written_later(run, &intent.address, index);
    RunObject {
        written,
        ..describe_write(run, intent, index)
    }
}

/// Describes a write without its end.
fn describe_write(run: &str, intent: Intent, index: &Index) -> RunObject {
    let found = index.found(run, &intent.address);
    let found_later = found.map(|found| found.words.clone());
    let has_namesakes = index.has_accounts(&intent.vendor);
    let lost_lock = index.is_overtaken(run, &intent.address);
    RunObject {
        address: intent.address,
        vendor: Some(intent.vendor),
        connection: Some(intent.connection),
        base_url: Some(intent.base_url),
        tenant: intent.tenant,
        identity: Some(intent.identity),
        changes: intent.changes,
        found_later,
        has_namesakes,
        lost_lock,
        ..RunObject::default()
    }
}

/// Tells if a write was carried out by what a later run found; `None` if none looked, or could not tell.
fn written_later(run: &str, address: &str, index: &Index) -> Option<bool> {
    match index.found(run, address)?.finding? {
        Finding::CarriedOut | Finding::FirstCalls { .. } => Some(true),
        Finding::NotCarriedOut => Some(false),
        Finding::Neither => None,
    }
}
