//! Recent activity: writes of all runs, changes made past the manifests, and requests that people sent from the page.
//!
//! Writes of this process come from its passes, those of other runs from the journal. A write that both sources
//! have is kept once. The author of a change at the vendor is unknown, since no vendor's reading names it.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::memory::{RecentWrite, ShortChanges};
use crate::model::Outcome;

/// Entries that are kept: a page of them.
pub const MOST_ACTIVITIES: usize = 50;

/// The kind of something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// A write of this daemon or of another run.
    Write,
    /// Somebody changed the live object, and no manifest asked for it.
    ForeignEdit,
    /// A person asked for something on the page.
    Request,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Activity {
    #[schemars(with = "String")]
    pub at: Timestamp,
    pub kind: ActivityKind,
    /// Kind and name; null if it is about more than one object.
    pub address: Option<String>,
    pub connection: Option<String>,
    /// The person or program; null for a foreign edit, since vendors do not say who made it.
    pub by: Option<String>,
    /// The commit of the manifests that were written.
    pub commit: Option<String>,
    /// The run in the journal, for `entitle history` and `entitle undo`.
    pub run: Option<String>,
    pub outcome: Option<Outcome>,
    /// What was asked for, or why a write failed.
    pub message: Option<String>,
    pub changes: ShortChanges,
}

impl Activity {
    /// Creates an entry with only its time and kind set.
    pub fn new(at: Timestamp, kind: ActivityKind) -> Self {
        Self {
            at,
            kind,
            address: None,
            connection: None,
            by: None,
            commit: None,
            run: None,
            outcome: None,
            message: None,
            changes: ShortChanges::default(),
        }
    }
}

/// The last [`MOST_ACTIVITIES`] entries, the newest last.
#[derive(Clone, Debug, Default)]
pub struct RecentActivity(VecDeque<Arc<Activity>>);

impl RecentActivity {
    /// Adds an entry at its place in time. A write that is known already, by its run and object, is left out.
    pub fn add(&mut self, entry: Activity) {
        if entry.kind == ActivityKind::Write
            && let (Some(run), Some(address)) = (&entry.run, &entry.address)
            && self.has_write(run, address)
        {
            return;
        }
        let at = self.0.partition_point(|known| known.at <= entry.at);
        if self.0.len() >= MOST_ACTIVITIES && at == 0 {
            return;
        }
        self.0.insert(at, Arc::new(entry));
        if self.0.len() > MOST_ACTIVITIES {
            self.0.pop_front();
        }
    }

    /// Reports whether the write of an object by a run is among the entries.
    pub fn has_write(&self, run: &str, address: &str) -> bool {
        self.0.iter().any(|known| {
            known.kind == ActivityKind::Write
                && known.run.as_deref() == Some(run)
                && known.address.as_deref() == Some(address)
        })
    }

    /// Adds a write of the journal. One with an unreadable time is left out.
    pub fn add_write(&mut self, write: &RecentWrite) {
        let Ok(at) = write.at.parse() else { return };
        self.add(Activity {
            address: Some(write.address.clone()),
            connection: Some(write.connection.clone()),
            by: Some(write.by.clone()),
            commit: write.commit.clone(),
            run: Some(write.run.clone()),
            outcome: Some(write.outcome),
            changes: write.changes.clone(),
            ..Activity::new(at, ActivityKind::Write)
        });
    }

    /// Returns the entries, the newest first.
    pub fn newest_first(&self) -> Vec<Arc<Activity>> {
        self.0.iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(second: i64, run: &str) -> Activity {
        Activity {
            run: Some(run.into()),
            address: Some("Order/a".into()),
            ..Activity::new(Timestamp::from_second(second).unwrap(), ActivityKind::Write)
        }
    }

    fn seconds(recent: &RecentActivity) -> Vec<i64> {
        let all = recent.newest_first();
        all.iter().map(|entry| entry.at.as_second()).collect()
    }

    #[test]
    fn entries_are_in_the_order_of_time_and_bounded() {
        let mut recent = RecentActivity::default();
        for second in [3, 1, 2] {
            recent.add(write(second, &second.to_string()));
        }
        assert_eq!(seconds(&recent), [3, 2, 1]);
        for second in 10..100 {
            recent.add(write(second, &second.to_string()));
        }
        assert_eq!(seconds(&recent).len(), MOST_ACTIVITIES);
        assert_eq!(seconds(&recent)[0], 99);
        // An entry older than all kept ones pushes none of them out.
        recent.add(write(4, "late"));
        assert_eq!(seconds(&recent).last(), Some(&50));
    }

    #[test]
    fn a_write_is_shown_once_and_other_things_as_often_as_they_happen() {
        let mut recent = RecentActivity::default();
        recent.add(write(1, "a"));
        recent.add(write(2, "a"));
        assert_eq!(seconds(&recent), [1]);
        let edit = Activity {
            kind: ActivityKind::ForeignEdit,
            ..write(3, "a")
        };
        recent.add(edit.clone());
        recent.add(edit);
        assert_eq!(seconds(&recent), [3, 3, 1]);
    }
}
