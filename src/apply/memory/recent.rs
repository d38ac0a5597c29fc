//! The last writes of a journal, for those who show what happened lately.

use std::collections::VecDeque;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::journal::{JournalEvent, Record};
use super::super::outcome::Outcome;
use super::key::ObjectKey;
use super::open::OpenIntent;
use crate::model::Risk;
use crate::model::wording::shorten;
use crate::plan::document::ChangeEntry;

/// The number of writes that are kept, of all runs together: as many as people look through on one page.
pub const RECENT_WRITES: usize = 50;

/// Changes of one write that are kept, and characters of a value.
const CHANGES: usize = 3;
const VALUE: usize = 80;

/// A write that was sent, as the journal has it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecentWrite {
    /// When it ended.
    pub at: String,
    pub run: String,
    /// The scope of the run.
    pub scope: Option<String>,
    /// The person or program that ran it.
    pub by: String,
    pub commit: Option<String>,
    pub key: ObjectKey,
    pub address: String,
    pub connection: String,
    pub outcome: Outcome,
    pub changes: ShortChanges,
}

/// The first changes of a write, with values cut to one line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShortChanges {
    /// The highest risk among all changes.
    pub risk: Risk,
    pub first: Vec<ShortChange>,
    /// How many changes are left out.
    pub more: usize,
}

/// One changed field, with its values as the beginning of their JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShortChange {
    pub path: String,
    pub before: String,
    pub after: String,
}

impl ShortChanges {
    /// Shortens changes.
    pub fn of(changes: &[ChangeEntry]) -> Self {
        let short = |change: &ChangeEntry| ShortChange {
            path: shorten(&change.path, VALUE).into_owned(),
            before: short_value(&change.before),
            after: short_value(&change.after),
        };
        Self {
            risk: changes
                .iter()
                .map(|change| change.risk)
                .max()
                .unwrap_or_default(),
            first: changes.iter().take(CHANGES).map(short).collect(),
            more: changes.len().saturating_sub(CHANGES),
        }
    }

    /// Returns the changes that led to the values that these changes would put back. Changes of other writers are not
    /// weighed, so the result has no risk.
    pub fn reversed(self) -> Self {
        let turn = |change: ShortChange| ShortChange {
            path: change.path,
            before: change.after,
            after: change.before,
        };
        Self {
            risk: Risk::Safe,
            first: self.first.into_iter().map(turn).collect(),
            more: self.more,
        }
    }
}

fn short_value(value: &Json) -> String {
    shorten(&value.to_string(), VALUE).into_owned()
}

/// The last 50 writes, the newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecentWrites(VecDeque<Arc<RecentWrite>>);

impl RecentWrites {
    /// Adds a write that `record` ends. A write that was not sent is no write.
    pub fn add(&mut self, write: &OpenIntent, record: &Record) {
        let JournalEvent::Outcome(ended) = &record.event else {
            return;
        };
        let outcome = ended.outcome;
        if !is_sent(outcome) {
            return;
        }
        let intent = &write.intent;
        self.0.push_back(Arc::new(RecentWrite {
            at: record.at.clone(),
            run: write.run.clone(),
            scope: write.scope.clone(),
            by: intent
                .approved_by
                .clone()
                .unwrap_or_else(|| write.by.clone()),
            commit: write.commit.clone(),
            key: intent.subject().key(),
            address: intent.address.clone(),
            connection: intent.connection.clone(),
            outcome,
            changes: ShortChanges::of(&intent.changes),
        }));
        if self.0.len() > RECENT_WRITES {
            self.0.pop_front();
        }
    }

    /// Returns the writes, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<RecentWrite>> {
        self.0.iter()
    }
}

/// Reports whether a step that ended so was sent to the vendor.
pub fn is_sent(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Converged | Outcome::Unconverged | Outcome::Rejected | Outcome::Failed => true,
        Outcome::Already | Outcome::Stale | Outcome::Refused | Outcome::Skipped => false,
    }
}
