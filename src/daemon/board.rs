//! Keeps the status: what changed is told to the log once, and shown until it changes again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::engine::Engine;
use super::mode::RunMode;
use super::pass::Done;
use super::status::{
    Brake, Keeper, ObjectState, ObjectStatus, PASSES, PassShare, PassStatus, Replicas, SourceKind,
    SourceStatus, Status,
};
use super::task::Fetched;
use super::track::Now;
use crate::model::{Address, Outcome};

pub struct Board {
    status: Status,
    passes: u64,
    /// Why the brake holds each connection.
    brakes: BTreeMap<String, String>,
}

impl Board {
    pub fn new(
        mode: RunMode,
        kind: SourceKind,
        place: String,
        sandbox: bool,
        now: Timestamp,
    ) -> Self {
        let status = Status {
            started_at: now,
            mode,
            sandbox,
            source: SourceStatus {
                kind,
                place,
                revision: None,
                loaded_at: None,
                problem: None,
                unfollowed: None,
                files: 0,
                documents: 0,
            },
            objects: Vec::new(),
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
        }
    }

    /// Takes in which replicas are alive, and who of them looks after what, by connection.
    pub fn shared_out(&mut self, replicas: Replicas, keepers: BTreeMap<String, Keeper>) {
        self.status.replicas = Some(replicas);
        for (name, keeper) in keepers {
            let known = self.status.connections.entry(name.clone()).or_default();
            if !keeper.own {
                // Whoever looks after it knows.
                (known.locked, known.last_success) = (None, None);
                self.brakes.remove(&name);
            }
            known.keeper = Some(keeper);
        }
        self.show_brake();
    }

    /// The status of this moment.
    pub fn status(&self, engine: &Engine) -> Arc<Status> {
        let mut status = self.status.clone();
        status.objects = engine.statuses();
        Arc::new(status)
    }

    pub fn stopping(&mut self) {
        tracing::info!("stopping: no new pass starts, writes in flight finish");
        self.status.stopping = true;
    }

    /// Other manifests are in force from now on.
    pub fn in_force(&mut self, fetched: &Fetched, now: Timestamp) {
        let facts = &fetched.checked.source;
        let source = &mut self.status.source;
        source.revision = Some(fetched.revision.clone());
        source.loaded_at = Some(now);
        source.files = facts.files;
        source.documents = facts.documents;
        let connections = fetched.checked.connections.iter();
        for (name, connection) in connections {
            let known = self.status.connections.entry(name.clone()).or_default();
            known.vendor = connection.vendor.to_string();
        }
        self.forget(|name| fetched.checked.connections.contains_key(name));
        let checked = &fetched.checked;
        let objects = checked.desired.len() + checked.outlines.len();
        tracing::info!(
            revision = fetched.revision,
            objects,
            "these manifests are in force"
        );
    }

    /// What is known of a connection goes with it, and so does a brake that nobody could release any more.
    fn forget(&mut self, is_there: impl Fn(&String) -> bool) {
        self.status.connections.retain(|name, _| is_there(name));
        self.brakes.retain(|name, _| is_there(name));
        self.show_brake();
    }

    fn show_brake(&mut self) {
        let why = self.brakes.values().next().cloned();
        self.status.brake = Brake {
            engaged: why.is_some(),
            why,
        };
    }

    pub fn source_is_fine(&mut self) {
        if self.status.source.problem.take().is_some() {
            tracing::info!("the source can be read again");
        }
    }

    /// Takes in why the source is not followed, or that it is.
    pub fn following(&mut self, broken: Option<String>) {
        match &broken {
            Some(why) => tracing::error!(problem = why, "the source is not followed"),
            None => tracing::info!("the source is followed again"),
        }
        self.status.source.unfollowed = broken;
    }

    /// The newest manifests cannot be put in force; those that are stay so.
    pub fn source_is_broken(&mut self, why: String) {
        if self.status.source.problem.as_ref() != Some(&why) {
            match self.status.source.revision {
                Some(_) => tracing::error!(problem = why, "the last good manifests stay in force"),
                None => tracing::error!(problem = why, "no manifests are in force yet"),
            }
        }
        self.status.source.problem = Some(why);
    }

    /// Takes a pass in: into the engine, the counters and the log.
    pub fn passed(&mut self, done: &Done, engine: &mut Engine, now: Now, chance: f64) {
        let before = states(done, engine);
        engine.finish(&done.seen, now, chance);
        let mut pass = PassStatus {
            number: self.passes + 1,
            started_at: done.started_at,
            seconds: done.took.as_secs_f64(),
            reasons: done.reasons.iter().map(|r| (*r).to_string()).collect(),
            objects: done.seen.looks.len(),
            in_sync: 0,
            written: 0,
            pending: 0,
            failed: 0,
            connections: BTreeMap::new(),
        };
        let connection = done.seen.connection.clone();
        for (address, _, look) in &done.seen.looks {
            let Some(tracked) = engine.objects.get(address) else {
                continue;
            };
            let written = matches!(
                look.entry.outcome,
                Some(Outcome::Converged | Outcome::Unconverged)
            );
            self.count(&connection, &tracked.status, written, now.time, &mut pass);
            let state_before = before.get(address).copied();
            // That all is well from the start needs no line of every object.
            let well = state_before.is_none_or(|state| state == ObjectState::Unseen)
                && tracked.status.state == ObjectState::InSync;
            if written || !well && state_before != Some(tracked.status.state) {
                tell(&tracked.status, written);
            }
        }
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
        self.requests(done);
        self.brake(done);
        // The connection may have left the manifests while the pass was under way.
        let checked = engine.checked.as_ref();
        self.forget(|name| checked.is_some_and(|checked| checked.connections.contains_key(name)));
    }

    fn count(
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

    fn requests(&mut self, done: &Done) {
        let known = self
            .status
            .connections
            .entry(done.seen.connection.clone())
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
                None => tracing::info!(connection = done.seen.connection, "the lock is free again"),
            }
        }
        known.locked.clone_from(&done.locked);
    }

    fn brake(&mut self, done: &Done) {
        let connection = &done.seen.connection;
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
        self.show_brake();
    }
}

fn states(done: &Done, engine: &Engine) -> BTreeMap<Address, ObjectState> {
    let looks = done.seen.looks.iter();
    looks
        .filter_map(|(address, ..)| {
            let tracked = engine.objects.get(address)?;
            Some((address.clone(), tracked.status.state))
        })
        .collect()
}

/// One line for a state that is new.
fn tell(object: &ObjectStatus, written: bool) {
    let address = &object.address;
    let message = object.message.as_deref().unwrap_or_default();
    let state = object.state.name();
    match object.state {
        ObjectState::InSync if written => tracing::info!(address, state, "written"),
        ObjectState::InSync
        | ObjectState::AsApplied
        | ObjectState::NeverApplied
        | ObjectState::Unseen
        | ObjectState::Suspended
        | ObjectState::Elsewhere => {
            tracing::info!(address, state, "{message}");
        }
        ObjectState::Differs | ObjectState::Waiting | ObjectState::Refused => {
            let changes = object.changes.len();
            tracing::warn!(address, state, changes, "{message}");
        }
        ObjectState::Fought | ObjectState::Failed | ObjectState::Missing => {
            tracing::error!(address, state, "{message}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brake_goes_with_its_connection() {
        let now = Timestamp::UNIX_EPOCH;
        let mut board = Board::new(RunMode::Sync, SourceKind::Directory, ".".into(), false, now);
        for name in ["gone", "kept"] {
            board.status.connections.entry(name.into()).or_default();
            board
                .brakes
                .insert(name.into(), format!("{name} has too many"));
        }
        board.show_brake();
        board.forget(|name| name == "kept");
        assert_eq!(board.status.connections.len(), 1);
        assert_eq!(board.status.brake.why.as_deref(), Some("kept has too many"));
        board.forget(|_| false);
        assert!(!board.status.brake.engaged);
    }
}
