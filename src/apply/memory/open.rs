//! Open writes: intents, until their end is known.
//!
//! An intent without an end is a write that may or may not have been carried out. Its end comes at once, in the
//! outcome, or from a later run that looked at the object; both count the same.

use std::collections::BTreeMap;

use super::super::journal::{
    Finding, Intent, JournalEvent, Purpose, Record, Residual, StepEnd, WholeObject,
};
use super::super::outcome::Outcome;
use crate::model::{Field, Fields};
use crate::plan::spot::{Stand, state_of_change};

/// A write without a known end.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    pub run: String,
    pub scope: Option<String>,
    pub at: String,
    pub intent: Intent,
    pub purpose: Purpose,
    /// The person or program that ran it; empty if its start is not in the journal.
    pub by: String,
    pub commit: Option<String>,
    /// Set if the run ended the step without knowing the effect of the write. Otherwise the run was cut off.
    pub unclear: bool,
}

/// The end of a write.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteEnd {
    /// The vendor carried it out. The residual fields have other values than desired; the values of the fields at
    /// `unknown_paths` are unknown.
    CarriedOut {
        residual: Vec<Residual>,
        unknown_paths: Vec<String>,
    },
    /// It was not needed: the object was as desired when its turn came.
    Already,
    NotCarriedOut,
    /// It cannot be known any more: something else changed the same fields.
    Unknown,
}

impl WriteEnd {
    /// Returns the end of a write after which every field is as desired.
    fn converged() -> Self {
        Self::CarriedOut {
            residual: Vec::new(),
            unknown_paths: Vec::new(),
        }
    }
}

impl Finding {
    /// Compares the changes of a write with the live fields: all after it, all before it, or a mixture.
    ///
    /// The calls of a write are sent in their order, so its first calls may have been carried out. With the changes of
    /// three calls after, after and before it is `FirstCalls { calls: 2 }`; with after, before and after, and with a
    /// mixture within one call, it is `Neither`.
    pub fn of(table: &'static [Field], intent: &Intent, live: &Fields) -> Self {
        if let Some(whole) = intent.whole {
            return Self::of_whole(whole, true);
        }
        let calls = 1 + intent.later_calls.len();
        let stands = |call: usize| {
            let changes = intent
                .changes
                .iter()
                .filter(move |change| change.call == call);
            changes.map(|change| state_of_change(table, change, live))
        };
        let is_all = |call, wanted| stands(call).all(|stand| stand == wanted);
        if intent.changes.is_empty() || intent.changes.iter().any(|change| change.call >= calls) {
            return Self::Neither;
        }
        let done = (0..calls)
            .take_while(|call| is_all(*call, Stand::After))
            .count();
        match done {
            all if all == calls => Self::CarriedOut,
            _ if !(done..calls).all(|call| is_all(call, Stand::Before)) => Self::Neither,
            0 => Self::NotCarriedOut,
            calls => Self::FirstCalls { calls },
        }
    }

    /// Returns what the presence of an object says about a write that creates or removes it.
    pub fn of_whole(whole: WholeObject, is_there: bool) -> Self {
        match (whole, is_there) {
            (WholeObject::Created, true) | (WholeObject::Removed, false) => Self::CarriedOut,
            (WholeObject::Created, false) | (WholeObject::Removed, true) => Self::NotCarriedOut,
        }
    }

    /// Returns the end of the write of `intent`.
    pub fn end(self, intent: &Intent) -> WriteEnd {
        match self {
            Self::CarriedOut => WriteEnd::converged(),
            Self::NotCarriedOut => WriteEnd::NotCarriedOut,
            Self::FirstCalls { calls } => WriteEnd::CarriedOut {
                residual: residual_from(intent, calls),
                unknown_paths: Vec::new(),
            },
            Self::Neither => WriteEnd::Unknown,
        }
    }
}

/// The open writes of a journal, by run and address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenWrites {
    writes: BTreeMap<(String, String), OpenIntent>,
    /// The start records of runs that are under way or were cut off.
    runs: BTreeMap<String, Record>,
}

impl OpenWrites {
    /// Adds the next record. Returns the write that it ends; `None` if it ends none.
    pub fn follow(&mut self, record: &Record) -> Option<(OpenIntent, WriteEnd)> {
        match &record.event {
            JournalEvent::Started(_) => {
                self.runs.insert(record.run.clone(), record.clone());
                None
            }
            JournalEvent::Intent(intent) => {
                self.begin(record, intent);
                None
            }
            JournalEvent::Outcome(ended) => {
                let write = (record.run.clone(), ended.address.clone());
                if ended.unclear {
                    if let Some(open) = self.writes.get_mut(&write) {
                        open.unclear = true;
                    }
                    return None;
                }
                let open = self.writes.remove(&write)?;
                let end = write_end(&open.intent, ended.outcome, &ended.residual);
                Some((open, end))
            }
            JournalEvent::Found {
                address,
                of_run,
                finding,
                ..
            } => {
                let open = self.writes.remove(&(of_run.clone(), address.clone()))?;
                // Older versions recorded if the object was as some manifest stated it, which does not show how the
                // write ended.
                let end = finding.map_or(WriteEnd::Unknown, |finding| finding.end(&open.intent));
                Some((open, end))
            }
            JournalEvent::Finished { .. } => {
                let mut writes = self.writes.keys();
                if !writes.any(|(run, _)| *run == record.run) {
                    self.runs.remove(&record.run);
                }
                None
            }
            JournalEvent::Agreed(_)
            | JournalEvent::Left(_)
            | JournalEvent::GaveUp(_)
            | JournalEvent::Known(_) => None,
        }
    }

    /// Returns what a look right before the write made of an intent stands in its place.
    fn begin(&mut self, record: &Record, intent: &Intent) {
        let first = self.runs.get(&record.run).map(|first| &first.event);
        let started = match first {
            Some(JournalEvent::Started(started)) => Some(started),
            _ => None,
        };
        let open = OpenIntent {
            run: record.run.clone(),
            scope: record.scope.clone(),
            at: record.at.clone(),
            intent: intent.clone(),
            purpose: started.map(|started| started.purpose).unwrap_or_default(),
            by: started
                .map(|started| started.by.clone())
                .unwrap_or_default(),
            commit: started.and_then(|started| started.commit.clone()),
            unclear: false,
        };
        let write = (record.run.clone(), intent.address.clone());
        self.writes.insert(write, open);
    }

    /// Returns the open writes.
    pub fn iter(&self) -> impl Iterator<Item = &OpenIntent> {
        self.writes.values()
    }

    /// Reports whether there is no open write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Returns the records from which exactly these open writes follow.
    pub fn lines(&self) -> impl Iterator<Item = Record> {
        let runs = self.runs.values().cloned();
        runs.chain(self.writes.values().flat_map(OpenIntent::lines))
    }
}

impl OpenIntent {
    /// Returns the intent, and an unclear outcome if there was one.
    fn lines(&self) -> impl Iterator<Item = Record> {
        let unclear = StepEnd {
            address: self.intent.address.clone(),
            outcome: Outcome::Failed,
            message: None,
            side_effects: Vec::new(),
            residual: Vec::new(),
            unclear: true,
        };
        let unclear = self.unclear.then(|| JournalEvent::Outcome(unclear));
        let intent = JournalEvent::Intent(Box::new(self.intent.clone()));
        let events = std::iter::once(intent).chain(unclear);
        events.map(|event| Record {
            at: self.at.clone(),
            run: self.run.clone(),
            scope: self.scope.clone(),
            event,
        })
    }
}

/// Returns the fields of the call at `first` and those after it, with the values before the write.
fn residual_from(intent: &Intent, first: usize) -> Vec<Residual> {
    let changes = intent.changes.iter();
    let left = changes.filter(|change| change.call >= first);
    left.map(|change| Residual {
        path: change.path.clone(),
        is: change.before.clone(),
    })
    .collect()
}

/// Returns what the outcome of a write says about its end.
fn write_end(intent: &Intent, outcome: Outcome, residual: &[Residual]) -> WriteEnd {
    match outcome {
        Outcome::Converged => WriteEnd::converged(),
        // Older journals do not say which fields: it may be any that was written.
        Outcome::Unconverged if residual.is_empty() => WriteEnd::CarriedOut {
            residual: Vec::new(),
            unknown_paths: intent
                .changes
                .iter()
                .map(|change| change.path.clone())
                .collect(),
        },
        Outcome::Unconverged => WriteEnd::CarriedOut {
            residual: residual.to_vec(),
            unknown_paths: Vec::new(),
        },
        Outcome::Already => WriteEnd::Already,
        // A later call failed: the fields of the calls that were not carried out are as they were.
        Outcome::Rejected | Outcome::Failed if !residual.is_empty() => WriteEnd::CarriedOut {
            residual: residual.to_vec(),
            unknown_paths: Vec::new(),
        },
        Outcome::Rejected
        | Outcome::Stale
        | Outcome::Refused
        | Outcome::Failed
        | Outcome::Skipped => WriteEnd::NotCarriedOut,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::apply::journal::CallName;
    use crate::apply::memory::testing;
    use crate::model::{Method, Value};
    use crate::plan::document::ChangeEntry;
    use crate::provider::find_kind;

    const SEATS: &str = "activations_allowed";
    const HOSTS: &str = "min_hostids";
    const NOTE: &str = "description";

    /// A write of two calls, the second of which has two fields.
    fn intent() -> Intent {
        let change = |path, before, after, call| ChangeEntry {
            call,
            ..testing::change(path, before, after)
        };
        Intent {
            later_calls: vec![CallName {
                method: Method::Post,
                path: "/later".into(),
            }],
            changes: vec![
                change(SEATS, json!(5), json!(9), 0),
                change(HOSTS, json!(1), json!(2), 1),
                change(NOTE, json!("a"), json!("b"), 1),
            ],
            ..testing::intent("LacLicenseOrder/a")
        }
    }

    fn found(seats: i64, hosts: i64, note: &str) -> Finding {
        let table = find_kind("LacLicenseOrder").unwrap().table().desired;
        let live = Fields::from([
            (SEATS, Value::Integer(seats)),
            (HOSTS, Value::Integer(hosts)),
            (NOTE, Value::Text(note.into())),
        ]);
        Finding::of(table, &intent(), &live)
    }

    #[test]
    fn the_first_calls_of_a_write_may_have_been_carried_out() {
        assert_eq!(found(5, 1, "a"), Finding::NotCarriedOut);
        assert_eq!(found(9, 2, "b"), Finding::CarriedOut);
        assert_eq!(found(9, 1, "a"), Finding::FirstCalls { calls: 1 });
        // The second call without the first, half of a call, and a third value.
        for (seats, hosts, note) in [
            (5, 2, "b"),
            (9, 2, "a"),
            (5, 2, "a"),
            (9, 1, "c"),
            (7, 1, "a"),
        ] {
            assert_eq!(
                found(seats, hosts, note),
                Finding::Neither,
                "{seats} {hosts} {note}"
            );
        }
    }

    #[test]
    fn the_fields_of_calls_that_were_not_carried_out_are_as_before() {
        let residual = |end| match end {
            WriteEnd::CarriedOut { residual, .. } => residual,
            other => panic!("{other:?}"),
        };
        let before = [(HOSTS, json!(1)), (NOTE, json!("a"))].map(|(path, is)| Residual {
            path: path.into(),
            is,
        });
        let cut_off = Finding::FirstCalls { calls: 1 }.end(&intent());
        assert_eq!(residual(cut_off), before);
        // The same, told by the outcome of the run itself.
        for outcome in [Outcome::Rejected, Outcome::Failed] {
            assert_eq!(residual(write_end(&intent(), outcome, &before)), before);
            assert_eq!(write_end(&intent(), outcome, &[]), WriteEnd::NotCarriedOut);
        }
    }

    #[test]
    fn a_creation_and_a_removal_are_judged_by_whether_the_object_is_there() {
        use WholeObject::{Created, Removed};
        assert_eq!(Finding::of_whole(Created, true), Finding::CarriedOut);
        assert_eq!(Finding::of_whole(Created, false), Finding::NotCarriedOut);
        assert_eq!(Finding::of_whole(Removed, true), Finding::NotCarriedOut);
        assert_eq!(Finding::of_whole(Removed, false), Finding::CarriedOut);
    }
}
