//! Writes that were begun, until it is known how they ended.
//!
//! An intent without an end is a write of which nobody knows whether it was carried out. Its end may come at once,
//! in the outcome, or from a later run that looked into it; both count the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::journal::{Ended, Event, Intent, Purpose, Record, Residual};
use super::super::outcome::Outcome;
use crate::model::{Field, Fields};
use crate::plan::spot::{Stand, stand};

/// A write whose end is not known yet.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    pub run: String,
    pub scope: Option<String>,
    pub at: String,
    pub intent: Intent,
    pub purpose: Purpose,
    pub commit: Option<String>,
    /// Whether the run ended the step and could not tell what came of the write. Otherwise it was cut off.
    pub unclear: bool,
}

/// How a write ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// The vendor took it. The residual fields became something else than was wanted; of those at `untold` nobody
    /// said what they became.
    CarriedOut {
        residual: Vec<Residual>,
        untold: Vec<String>,
    },
    /// It was not needed: the object was as wanted when its turn came.
    Already,
    NotCarriedOut,
    /// It cannot be told any more: something else changed the same fields.
    Unknown,
}

impl End {
    /// The vendor took it, and everything became as wanted.
    fn converged() -> Self {
        Self::CarriedOut {
            residual: Vec::new(),
            untold: Vec::new(),
        }
    }
}

/// What a look at the object made of a write whose end nobody had recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    CarriedOut,
    NotCarriedOut,
    /// The object is neither as before the write nor as after it.
    Neither,
}

impl Finding {
    /// Judges a write by its own changes, field by field.
    pub fn of(table: &'static [Field], intent: &Intent, live: &Fields) -> Self {
        let mut stands = intent
            .changes
            .iter()
            .map(|change| stand(table, change, live));
        let Some(first) = stands.next() else {
            return Self::Neither;
        };
        match (first, stands.all(|other| other == first)) {
            (Stand::After, true) => Self::CarriedOut,
            (Stand::Before, true) => Self::NotCarriedOut,
            _ => Self::Neither,
        }
    }

    pub fn end(self) -> End {
        match self {
            Self::CarriedOut => End::converged(),
            Self::NotCarriedOut => End::NotCarriedOut,
            Self::Neither => End::Unknown,
        }
    }

    /// The words for people and for the journal.
    pub fn words(self) -> &'static str {
        match self {
            Self::CarriedOut => "carried out",
            Self::NotCarriedOut => "not carried out",
            Self::Neither => "neither as before the write nor as after it",
        }
    }
}

/// The open writes of a journal, by run and address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Open {
    writes: BTreeMap<(String, String), OpenIntent>,
    /// The first lines of the runs that are under way or broke off.
    runs: BTreeMap<String, Record>,
}

impl Open {
    /// Takes in the next record; the write that it ends comes back.
    pub fn follow(&mut self, record: &Record) -> Option<(OpenIntent, End)> {
        match &record.event {
            Event::Started(_) => {
                self.runs.insert(record.run.clone(), record.clone());
                None
            }
            Event::Intent(intent) => {
                self.begin(record, intent);
                None
            }
            Event::Outcome(ended) => {
                let write = (record.run.clone(), ended.address.clone());
                if ended.unclear {
                    if let Some(open) = self.writes.get_mut(&write) {
                        open.unclear = true;
                    }
                    return None;
                }
                let open = self.writes.remove(&write)?;
                let end = end_of(&open.intent, ended.outcome, &ended.residual);
                Some((open, end))
            }
            Event::Found {
                address,
                of_run,
                finding,
                ..
            } => {
                let open = self.writes.remove(&(of_run.clone(), address.clone()))?;
                // Older versions said whether the object was as some manifest wanted it, which tells nothing here.
                Some((open, finding.map_or(End::Unknown, Finding::end)))
            }
            Event::Finished { .. } => {
                let mut writes = self.writes.keys();
                if !writes.any(|(run, _)| *run == record.run) {
                    self.runs.remove(&record.run);
                }
                None
            }
            Event::Agreed(_) | Event::GaveUp(_) | Event::Known(_) => None,
        }
    }

    /// Returns what a look right before the write made of an intent stands in its place.
    fn begin(&mut self, record: &Record, intent: &Intent) {
        let first = self.runs.get(&record.run).map(|first| &first.event);
        let started = match first {
            Some(Event::Started(started)) => Some(started),
            _ => None,
        };
        let open = OpenIntent {
            run: record.run.clone(),
            scope: record.scope.clone(),
            at: record.at.clone(),
            intent: intent.clone(),
            purpose: started.map(|started| started.purpose).unwrap_or_default(),
            commit: started.and_then(|started| started.commit.clone()),
            unclear: false,
        };
        let write = (record.run.clone(), intent.address.clone());
        self.writes.insert(write, open);
    }

    pub fn iter(&self) -> impl Iterator<Item = &OpenIntent> {
        self.writes.values()
    }

    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The lines that make just these writes open.
    pub fn lines(&self) -> impl Iterator<Item = Record> {
        let runs = self.runs.values().cloned();
        runs.chain(self.writes.values().flat_map(OpenIntent::lines))
    }
}

impl OpenIntent {
    /// The intent, and what says that nobody saw its end.
    fn lines(&self) -> impl Iterator<Item = Record> {
        let unclear = Ended {
            address: self.intent.address.clone(),
            outcome: Outcome::Failed,
            message: None,
            side_effects: Vec::new(),
            residual: Vec::new(),
            unclear: true,
        };
        let unclear = self.unclear.then(|| Event::Outcome(unclear));
        let intent = Event::Intent(Box::new(self.intent.clone()));
        let events = std::iter::once(intent).chain(unclear);
        events.map(|event| Record {
            at: self.at.clone(),
            run: self.run.clone(),
            scope: self.scope.clone(),
            event,
        })
    }
}

fn end_of(intent: &Intent, outcome: Outcome, residual: &[Residual]) -> End {
    match outcome {
        Outcome::Converged => End::converged(),
        // Older journals do not say which fields: it may be any that was written.
        Outcome::Unconverged if residual.is_empty() => End::CarriedOut {
            residual: Vec::new(),
            untold: intent
                .changes
                .iter()
                .map(|change| change.path.clone())
                .collect(),
        },
        Outcome::Unconverged => End::CarriedOut {
            residual: residual.to_vec(),
            untold: Vec::new(),
        },
        Outcome::Already => End::Already,
        Outcome::Rejected
        | Outcome::Stale
        | Outcome::Refused
        | Outcome::Failed
        | Outcome::Skipped => End::NotCarriedOut,
    }
}
