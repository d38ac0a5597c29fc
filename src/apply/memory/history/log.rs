//! Collects one entry for each run, in one reading of a journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{Timestamp, ToSpan};

use super::entry::{RunCounts, RunEnd, RunEntry};
use super::{event_address, is_news, name};
use crate::apply::journal::{Finding, JournalEvent, Record, Started};
use crate::model::{Outcome, Risk};
use crate::plan::document::ChangeEntry;

/// The runs of a journal, as far as it was read. Values of fields are not kept.
#[derive(Default)]
pub struct RunLog {
    ordinals: HashMap<String, usize>,
    runs: Vec<LoggedRun>,
    /// The worst risk of each write that has no clear end yet, by run and address.
    open: BTreeMap<(String, String), Risk>,
}

struct LoggedRun {
    entry: RunEntry,
    /// Set if it did more than find objects in sync, or is a request.
    is_news: bool,
}

impl RunLog {
    /// Takes in the next record. Summaries are passed over: they stand for lines that were pruned.
    pub fn add(&mut self, record: &Record) {
        // Most records of a daemon say that an object was in sync, and make no entry.
        let is_start = matches!(record.event, JournalEvent::Started(_));
        let news = is_news(&record.event);
        if news || is_start {
            let run = self.run(record);
            run.is_news |= news;
        }
        let open = || event_address(&record.event).map(|it| (record.run.clone(), it.to_string()));
        match &record.event {
            JournalEvent::Started(started) => self.start(&record.run, started),
            JournalEvent::Intent(intent) => {
                if let Some(write) = open() {
                    self.open.insert(write, worst_risk(&intent.changes));
                }
            }
            JournalEvent::Outcome(ended) if ended.unclear => {}
            JournalEvent::Outcome(ended) => {
                let risk = open().and_then(|write| self.open.remove(&write));
                let risk = risk.unwrap_or_default();
                self.count(&record.run, |counts| counts.add(ended.outcome, risk));
            }
            JournalEvent::Found {
                address,
                of_run,
                finding,
                ..
            } => {
                self.count(&record.run, |counts| counts.examined += 1);
                self.end_open(of_run, address, *finding);
            }
            JournalEvent::GaveUp(_) => self.count(&record.run, |counts| counts.left += 1),
            JournalEvent::Finished { interrupted } => {
                if let Some(run) = self.find(&record.run) {
                    run.entry.end = match interrupted {
                        true => RunEnd::Interrupted,
                        false => RunEnd::Finished,
                    };
                }
            }
            JournalEvent::Agreed(_) | JournalEvent::Left(_) | JournalEvent::Known(_) => {}
        }
    }

    /// Returns the runs that did something or tried to, the newest first, each with its short name.
    ///
    /// A write without a clear end counts as unclear.
    pub fn end(mut self) -> Vec<RunEntry> {
        for ((run, _), risk) in std::mem::take(&mut self.open) {
            self.count(&run, |counts| counts.add_unclear(risk));
        }
        let runs = self.runs.into_iter().filter(|run| run.is_news);
        let mut runs: Vec<RunEntry> = runs.map(|run| run.entry).collect();
        let names: BTreeSet<&str> = runs.iter().map(|run| run.run.as_str()).collect();
        let shorts: HashMap<String, String> = names
            .iter()
            .zip(name::shorten_names(&names))
            .map(|(run, short)| ((*run).to_string(), short.to_string()))
            .collect();
        let undos = runs.iter().filter(|run| run.summary.written() > 0);
        let undos = undos.filter_map(|run| Some((run.undoes.clone()?, run.run.clone())));
        let undone: HashMap<String, String> = undos.collect();
        for run in &mut runs {
            let undo = undone.get(&run.run).and_then(|undo| shorts.get(undo));
            run.undone_by = undo.cloned();
            run.short = shorts.get(&run.run).cloned().unwrap_or_default();
            let undone = run.undoes.as_ref();
            // A run that was pruned is named in full.
            let undone = undone.map(|undone| shorts.get(undone).unwrap_or(undone));
            run.undoes_short = undone.cloned();
        }
        runs.reverse();
        runs
    }

    /// Ends a write that was open by what a later run found.
    fn end_open(&mut self, run: &str, address: &str, finding: Option<Finding>) {
        let outcome = match finding {
            Some(Finding::CarriedOut) => Outcome::Converged,
            Some(Finding::NotCarriedOut) => Outcome::Failed,
            Some(Finding::FirstCalls { .. }) => Outcome::Unconverged,
            // It stays unclear.
            Some(Finding::Neither) | None => return,
        };
        let write = (run.to_string(), address.to_string());
        if let Some(risk) = self.open.remove(&write) {
            self.count(run, |counts| counts.add(outcome, risk));
        }
    }

    fn start(&mut self, run: &str, started: &Started) {
        let Some(run) = self.find(run) else { return };
        let entry = &mut run.entry;
        entry.by = Some(started.by.clone());
        entry.commit.clone_from(&started.commit);
        entry.purpose = started.request.is_none().then_some(started.purpose);
        entry.request.clone_from(&started.request);
        entry.undoes.clone_from(&started.undoes);
        entry.sandbox = started.sandbox;
    }

    fn count(&mut self, run: &str, count: impl FnOnce(&mut RunCounts)) {
        if let Some(run) = self.find(run) {
            count(&mut run.entry.summary);
        }
    }

    fn find(&mut self, run: &str) -> Option<&mut LoggedRun> {
        let ordinal = self.ordinals.get(run)?;
        self.runs.get_mut(*ordinal)
    }

    /// Returns the run of a record, which is the first one of it if the run is not there yet.
    fn run(&mut self, record: &Record) -> &mut LoggedRun {
        let next = self.runs.len();
        let ordinal = *self.ordinals.entry(record.run.clone()).or_insert(next);
        if ordinal == next {
            self.runs.push(LoggedRun {
                entry: begin_entry(record),
                is_news: false,
            });
        }
        &mut self.runs[ordinal]
    }
}

/// Makes the entry of a run from its first record.
fn begin_entry(record: &Record) -> RunEntry {
    RunEntry {
        run: record.run.clone(),
        short: String::new(),
        started_at: whole_second(&record.at),
        by: None,
        commit: None,
        scope: record.scope.clone(),
        purpose: None,
        request: None,
        undoes: None,
        undoes_short: None,
        undone_by: None,
        sandbox: false,
        end: RunEnd::default(),
        summary: RunCounts::default(),
        objects: None,
    }
}

/// Returns a time of the journal without the fraction of its second; as it is if it cannot be read.
fn whole_second(at: &str) -> String {
    let Ok(time) = at.parse::<Timestamp>() else {
        return at.to_string();
    };
    let fraction = i64::from(time.subsec_nanosecond());
    let whole = time.checked_sub(fraction.nanoseconds());
    whole.unwrap_or(time).to_string()
}

/// Returns the worst risk among changes.
fn worst_risk(changes: &[ChangeEntry]) -> Risk {
    let risks = changes.iter().map(|change| change.risk);
    risks.max().unwrap_or_default()
}
