//! Keeps the published status, and logs each change of it once.
//!
//! [`StatusLog`] is the only writer of [`Status`]. A problem is logged when it appears and when it is over, not with
//! every pass that still finds it; in between it is shown in the status.

mod events;
mod source;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::activity::RecentActivity;
use super::connection_problems;
use super::engine::Engine;
use super::mode::RunMode;
use super::object_log::{ObjectNews, log_news};
use super::pass::FinishedPass;
use super::status::{
    AccountKeeper, Brake, ConnectionError, ObjectState, ObjectStatus, PASSES, PassShare,
    PassStatus, Replicas, SourceKind, SourceStatus, Status,
};
use super::tracked_object::Now;
use crate::model::{Address, Outcome};
use crate::plan::Disposition;
use crate::plan::document::ChangeEntry;

/// The status without its objects, which [`Engine`] keeps, and the records that separate news from repetition.
pub struct StatusLog {
    status: Status,
    /// The number of the last pass; the first one is 1.
    passes: u64,
    /// Why the brake holds writes, by connection. The status shows the first of them.
    brakes: BTreeMap<String, String>,
    recent: RecentActivity,
}

impl StatusLog {
    /// Starts with no manifests in force. `place` is the directory or the URL that the status page shows.
    pub fn new(
        mode: RunMode,
        kind: SourceKind,
        location: String,
        sandbox: bool,
        now: Timestamp,
    ) -> Self {
        let status = Status {
            started_at: now,
            mode,
            sandbox,
            source: SourceStatus {
                kind,
                location,
                revision: None,
                commit: None,
                loaded_at: None,
                problem: None,
                unfollowed: None,
                files: 0,
                documents: 0,
            },
            objects: Vec::new(),
            recent: Vec::new(),
            passes: VecDeque::new(),
            connections: BTreeMap::new(),
            brake: Brake::default(),
            replicas: None,
            stopping: false,
        };
        Self {
            status,
            passes: 0,
            brakes: BTreeMap::new(),
            recent: RecentActivity::default(),
        }
    }

    /// Records which replicas are alive, and which of them looks after each connection.
    pub fn set_replicas(&mut self, replicas: Replicas, keepers: BTreeMap<String, AccountKeeper>) {
        self.status.replicas = Some(replicas);
        for (name, keeper) in keepers {
            let known = self.status.connections.entry(name.clone()).or_default();
            if !keeper.is_own {
                // Only the replica that looks after the account knows these.
                (known.locked, known.last_success) = (None, None);
                self.brakes.remove(&name);
            }
            known.keeper = Some(keeper);
        }
        self.update_brake();
    }

    /// Returns the status of this moment, with the objects of `engine`. Objects are shared, not copied.
    pub fn snapshot(&self, engine: &Engine) -> Arc<Status> {
        let mut status = self.status.clone();
        status.objects = engine.object_statuses();
        for (name, connection) in &mut status.connections {
            if !connection.problems.is_empty() {
                let objects = status.objects.iter().map(AsRef::as_ref);
                let affected = connection_problems::count_affected(objects, name);
                connection_problems::update_counts(&mut connection.problems, &affected);
            }
        }
        status.recent = self.recent.newest_first();
        Arc::new(status)
    }

    /// Records that the daemon received the command to stop.
    pub fn set_stopping(&mut self) {
        tracing::info!("stopping: no new pass starts, writes in flight finish");
        self.status.stopping = true;
    }

    /// Forgets the connections for which `is_there` is false, and their brakes, since no pass would
    /// release these any more.
    fn retain_connections(&mut self, is_there: impl Fn(&String) -> bool) {
        self.status.connections.retain(|name, _| is_there(name));
        self.brakes.retain(|name, _| is_there(name));
        self.update_brake();
    }

    /// Shows the brake of the first connection that has one.
    fn update_brake(&mut self) {
        let why = self.brakes.values().next().cloned();
        self.status.brake = Brake {
            engaged: why.is_some(),
            why,
        };
    }

    /// Records a finished pass: in the engine first, then in the counters, the list of passes and the log.
    ///
    /// `chance` is between 0 and 1 and spreads the next looks, see [`super::schedule`].
    pub fn record_pass(
        &mut self,
        mut done: FinishedPass,
        engine: &mut Engine,
        now: Now,
        chance: f64,
    ) {
        engine.drop_faults_of_calls(&mut done.batch);
        let done = &done;
        let before = object_states(done, engine);
        self.record_activity(done, engine, &before, now.time);
        engine.finish_batch(&done.batch, now, chance);
        let mut pass = PassStatus {
            number: self.passes + 1,
            started_at: done.started_at,
            seconds: done.took.as_secs_f64(),
            reasons: done.reasons.iter().map(|r| (*r).to_string()).collect(),
            objects: done.batch.results.len(),
            in_sync: 0,
            written: 0,
            pending: 0,
            failed: 0,
            connections: BTreeMap::new(),
        };
        let connection = done.batch.connection.clone();
        let mut news = Vec::new();
        for (address, _, result) in &done.batch.results {
            let Some(tracked) = engine.objects.get(address) else {
                continue;
            };
            let written = matches!(
                result.entry.outcome,
                Some(Outcome::Converged | Outcome::Unconverged)
            );
            self.count_object(&connection, &tracked.status, written, now.time, &mut pass);
            if written || is_news(before.get(address), &tracked.status) {
                news.push(ObjectNews {
                    object: Arc::clone(&tracked.status),
                    is_written: written,
                });
            }
        }
        self.record_problems(done, engine, now.time);
        log_news(&news);
        let share = PassShare {
            objects: pass.objects,
            failed: pass.failed,
            written: pass.written,
        };
        pass.connections.insert(connection.clone(), share);
        tracing::debug!(
            connection, number = pass.number, objects = pass.objects, written = pass.written,
            failed = pass.failed, reasons = ?pass.reasons, seconds = pass.seconds, "a pass"
        );
        self.passes = pass.number;
        self.status.passes.push_back(pass);
        while self.status.passes.len() > PASSES {
            self.status.passes.pop_front();
        }
        self.record_requests(done);
        self.record_failure(done, engine, now.time);
        self.record_brake(done);
        // The connection may have left the manifests while the pass was under way.
        let checked = engine.checked.as_ref();
        self.retain_connections(|name| {
            checked.is_some_and(|checked| checked.connections.contains_key(name))
        });
    }

    /// Counts one object of a pass by its new state. `written` is true if a write to it was carried out.
    fn count_object(
        &mut self,
        connection: &str,
        object: &ObjectStatus,
        written: bool,
        now: Timestamp,
        pass: &mut PassStatus,
    ) {
        let counters = self
            .status
            .connections
            .entry(connection.to_string())
            .or_default();
        let name = object.state.name().to_string();
        *counters.results.entry(name).or_default() += 1;
        if written {
            *counters.results.entry("written".into()).or_default() += 1;
            pass.written += 1;
        }
        match object.state {
            ObjectState::InSync => {
                counters.last_success = Some(now);
                pass.in_sync += 1;
            }
            ObjectState::AsApplied
            | ObjectState::NeverApplied
            | ObjectState::Differs
            | ObjectState::Waiting
            | ObjectState::Refused
            | ObjectState::Fought => pass.pending += 1,
            ObjectState::Failed | ObjectState::Missing => pass.failed += 1,
            ObjectState::Unseen | ObjectState::Suspended | ObjectState::Elsewhere => {}
        }
    }

    /// Records that a webhook reported a change at a connection.
    pub fn record_hook(&mut self, connection: &str, now: Timestamp) {
        if let Some(known) = self.status.connections.get_mut(connection) {
            known.last_hook = Some(now);
        }
    }

    /// Records the first failure of a pass as the last one of its connection.
    fn record_failure(&mut self, done: &FinishedPass, engine: &Engine, now: Timestamp) {
        let Some(known) = self.status.connections.get_mut(&done.batch.connection) else {
            return;
        };
        let addresses = done.batch.results.iter().map(|(address, ..)| address);
        let statuses = addresses.filter_map(|address| engine.objects.get(address));
        let failed = statuses
            .map(|tracked| &tracked.status)
            .find(|status| status.state == ObjectState::Failed);
        if let Some(failed) = failed {
            known.last_error = Some(ConnectionError {
                at: now,
                address: failed.address.clone(),
                message: failed.message.clone().unwrap_or_default(),
            });
        }
    }

    /// Records what is wrong with the pass's connection as a whole, and logs it if that is news.
    fn record_problems(&mut self, done: &FinishedPass, engine: &Engine, now: Timestamp) {
        let name = &done.batch.connection;
        let known = self.status.connections.entry(name.clone()).or_default();
        let results = done.batch.results.iter().map(|(.., result)| result);
        let faults = results.clone().filter_map(|result| result.fault.as_deref());
        let had_problems = !known.problems.is_empty();
        let objects = engine
            .objects
            .values()
            .map(|tracked| tracked.status.as_ref());
        let affected = connection_problems::count_affected(objects, name);
        connection_problems::record_problems(&mut known.problems, name, faults, &affected, now);
        let mut actions = results.map(|result| result.entry.action);
        let is_read =
            actions.any(|action| !matches!(action, Disposition::Error | Disposition::Suspend));
        if had_problems && known.problems.is_empty() && is_read {
            tracing::info!(connection = name, "can be read again");
        }
    }

    /// Adds up the replies by HTTP status, and records whether another run holds the lock of the connection.
    fn record_requests(&mut self, done: &FinishedPass) {
        let known = self
            .status
            .connections
            .entry(done.batch.connection.clone())
            .or_default();
        for (status, count) in &done.requests {
            let name = match status {
                0 => "lost".to_string(),
                status => status.to_string(),
            };
            *known.requests.entry(name).or_default() += count;
        }
        if known.locked != done.locked {
            match &done.locked {
                Some(who) => tracing::warn!("{who}"),
                None => {
                    tracing::info!(connection = done.batch.connection, "the lock is free again")
                }
            }
        }
        known.locked.clone_from(&done.locked);
        known.rates.clone_from(&done.rates);
    }

    /// Records whether the brake holds the writes of the pass's connection.
    fn record_brake(&mut self, done: &FinishedPass) {
        let connection = &done.batch.connection;
        match &done.brake {
            Some(why) => {
                if !self.brakes.contains_key(connection) {
                    tracing::error!("{why}");
                }
                self.brakes.insert(connection.clone(), why.clone());
            }
            None => {
                if self.brakes.remove(connection).is_some() {
                    tracing::info!(connection, "the brake is off");
                }
            }
        }
        self.update_brake();
    }
}

/// An object before a pass.
struct ObjectBefore {
    state: ObjectState,
    generation: u64,
    /// True if it had matched its manifest.
    settled: bool,
    /// True if a problem of its connection kept it from being read.
    has_problem: bool,
    changes: Vec<ChangeEntry>,
}

/// Reports whether the state of an object is worth a line of the log after a pass that wrote nothing to it.
///
/// An object that is in sync at its first look is not: with ten thousand of them the log would hold nothing else. Nor is
/// one that a problem of its connection keeps from being read, or does no longer: that has a line of its own.
fn is_news(before: Option<&ObjectBefore>, object: &ObjectStatus) -> bool {
    let calm = |before: &ObjectBefore| before.state == ObjectState::Unseen || before.has_problem;
    let is_well = before.is_none_or(calm) && object.state == ObjectState::InSync;
    let is_new = before.is_none_or(|before| {
        before.state != object.state || before.has_problem != object.problem.is_some()
    });
    is_new && !is_well && object.problem.is_none()
}

/// Returns the state of each object of a pass as it was before the pass.
fn object_states(done: &FinishedPass, engine: &Engine) -> BTreeMap<Address, ObjectBefore> {
    let results = done.batch.results.iter();
    results
        .filter_map(|(address, ..)| {
            let tracked = engine.objects.get(address)?;
            let before = ObjectBefore {
                state: tracked.status.state,
                generation: tracked.generation,
                settled: tracked.is_settled(),
                has_problem: tracked.status.problem.is_some(),
                changes: tracked.status.changes.clone(),
            };
            Some((address.clone(), before))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brake_goes_with_its_connection() {
        let now = Timestamp::UNIX_EPOCH;
        let mut board =
            StatusLog::new(RunMode::Sync, SourceKind::Directory, ".".into(), false, now);
        for name in ["gone", "kept"] {
            board.status.connections.entry(name.into()).or_default();
            board
                .brakes
                .insert(name.into(), format!("{name} has too many"));
        }
        board.update_brake();
        board.retain_connections(|name| name == "kept");
        assert_eq!(board.status.connections.len(), 1);
        assert_eq!(board.status.brake.why.as_deref(), Some("kept has too many"));
        board.retain_connections(|_| false);
        assert!(!board.status.brake.engaged);
    }
}
