//! What happened lately: writes, edits of others, and what people asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::{ObjectBefore, StatusLog};
use crate::apply::memory::{RecentWrite, ShortChanges, is_sent};
use crate::daemon::actions::{LookTarget, PageAction};
use crate::daemon::activity::{Activity, ActivityKind};
use crate::daemon::engine::Engine;
use crate::daemon::pass::FinishedPass;
use crate::model::Address;

impl StatusLog {
    /// Records the writes and the foreign edits of a pass, and the writes of other runs that its journal has.
    pub(super) fn record_activity(
        &mut self,
        done: &FinishedPass,
        engine: &Engine,
        before: &BTreeMap<Address, ObjectBefore>,
        now: Timestamp,
    ) {
        self.record_journal(&done.journaled, engine);
        let connection = &done.batch.connection;
        for (address, generation, result) in &done.batch.results {
            let Some(before) = before.get(address) else {
                continue;
            };
            let entry = &result.entry;
            let about = |kind| Activity {
                address: Some(entry.address.clone()),
                connection: Some(connection.clone()),
                changes: ShortChanges::of(&entry.changes),
                ..Activity::new(now, kind)
            };
            let was_settled = before.settled && before.generation == *generation;
            let is_new = !entry.changes.is_empty() && entry.changes != before.changes;
            if is_new && (was_settled || result.heals) {
                let edit = about(ActivityKind::ForeignEdit);
                self.recent.add(Activity {
                    changes: edit.changes.clone().reversed(),
                    ..edit
                });
            }
            if let Some(outcome) = entry.outcome.filter(|outcome| is_sent(*outcome)) {
                let by = result.approved_by.as_ref().unwrap_or(&done.author);
                self.recent.add(Activity {
                    by: Some(by.clone()),
                    commit: self.status.source.commit.clone(),
                    run: Some(done.batch.run.clone()),
                    outcome: Some(outcome),
                    message: entry.message.clone(),
                    ..about(ActivityKind::Write)
                });
            }
        }
    }

    /// Records writes that the journal has, of objects of the manifests in force.
    pub fn record_journal(&mut self, writes: &[Arc<RecentWrite>], engine: &Engine) {
        for write in writes {
            if !self.recent.has_write(&write.run, &write.address) && engine.is_of_manifests(write) {
                self.recent.add_write(write);
            }
        }
    }

    /// Records that a person asked for something.
    pub fn record_request(
        &mut self,
        request: &PageAction,
        by: &str,
        engine: &Engine,
        now: Timestamp,
    ) {
        let connection = match request {
            PageAction::Look(LookTarget::Connection(name)) => Some(name.clone()),
            _ => request.address().and_then(|address| {
                let tracked = engine.find_object(address).ok()?;
                Some(tracked.desired.connection.to_string())
            }),
        };
        self.recent.add(Activity {
            address: request.address().map(str::to_string),
            connection,
            by: Some(by.to_string()),
            message: Some(request.describe()),
            ..Activity::new(now, ActivityKind::Request)
        });
    }
}
