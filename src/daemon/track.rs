//! One object over time: what a look came to, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::fight::{self, Fights};
use super::gate::{FailedWrite, WriteHistory};
use super::schedule::Ended;
use super::status::{Fight, ObjectState, ObjectStatus, Suspension, Write};
use super::window;
use crate::model::{Desired, Origin, Outcome, PathPattern, PolicyMode, Risk};
use crate::plan::document::{ObjectEntry, OriginEntry};
use crate::plan::{Disposition, Refusal};
use crate::reconcile::{ObjectOutline, Standing};

/// Until a busy lock is tried again: other runs take seconds.
const LOCKED: Duration = Duration::from_secs(5);

/// One moment by both clocks: one that only runs forward, one that people read.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub instant: Instant,
    pub time: Timestamp,
}

/// What a pass saw of an object.
pub struct Look {
    /// As planned, with the outcome of the write if there was one.
    pub entry: Box<ObjectEntry>,
    pub refusal: Option<Refusal>,
    /// How it stands once a heal has nothing left to do.
    pub standing: Option<Standing>,
    /// Whether its write put back what somebody else had changed.
    pub heals: bool,
}

/// An object of the manifests in force that another replica looks after, or that is to be loaded.
pub struct OutlinedObject {
    pub outline: Arc<ObjectOutline>,
    /// The generation in which it was last tracked; 0 if it never was.
    pub generation: u64,
    pub status: Arc<ObjectStatus>,
}

/// One object of the manifests in force.
pub struct Tracked {
    pub desired: Arc<Desired>,
    /// Grows with every change of what is wanted.
    pub generation: u64,
    /// The generation that was last seen to be in force at the vendor.
    settled: Option<u64>,
    pub failures: u32,
    failed_write: Option<Box<FailedWrite>>,
    fights: Fights<Instant>,
    /// Whether the brake holds it.
    pub braked: bool,
    pub status: Arc<ObjectStatus>,
}

impl Tracked {
    pub fn new(desired: Arc<Desired>, fights: Fights<Instant>) -> Self {
        let status = Arc::new(unseen(&ObjectOutline::from(&*desired)));
        Self {
            desired,
            generation: 1,
            settled: None,
            failures: 0,
            failed_write: None,
            fights,
            braked: false,
            status,
        }
    }

    /// Tracks an object that was known by its outline only; its status goes on.
    pub fn loaded(
        desired: Arc<Desired>,
        fights: Fights<Instant>,
        status: Arc<ObjectStatus>,
    ) -> Self {
        Self {
            status,
            ..Self::new(desired, fights)
        }
    }

    /// Forgets all but the outline and the status.
    pub fn into_outline(self) -> OutlinedObject {
        OutlinedObject {
            outline: Arc::new(ObjectOutline::from(&*self.desired)),
            generation: self.generation,
            status: self.status,
        }
    }

    /// Something else is wanted from now on: what was tried and fought over belongs to the past.
    pub fn want(&mut self, desired: Arc<Desired>) {
        self.desired = desired;
        self.generation += 1;
        self.fights.forget();
        self.start_anew();
    }

    /// The same is wanted, from another place.
    pub fn moved(&mut self, desired: Arc<Desired>) {
        let origin = place_of(&desired.origin);
        if self.status.origin != origin {
            Arc::make_mut(&mut self.status).origin = origin;
        }
        self.desired = desired;
    }

    /// Another replica looked after it until now, and wrote down what was fought over.
    pub fn take_over(&mut self, fights: Fights<Instant>) {
        self.fights = fights;
        self.start_anew();
    }

    /// Forgets failures and writes in vain.
    pub fn start_anew(&mut self) {
        self.failures = 0;
        self.failed_write = None;
    }

    /// Whether it was seen as it is wanted now.
    pub fn is_settled(&self) -> bool {
        self.settled == Some(self.generation)
    }

    /// The object as this pass wants it: without the fields that were given up.
    pub fn wanted(&self) -> Arc<Desired> {
        if !self.fights.is_on() {
            return Arc::clone(&self.desired);
        }
        let mut desired = (*self.desired).clone();
        let given_up = self.fights.given_up();
        let patterns = given_up.filter_map(|path| PathPattern::parse(path).ok());
        desired.policy.given_up.extend(patterns);
        Arc::new(desired)
    }

    pub fn history(&self, now: Now) -> WriteHistory {
        WriteHistory {
            failed: self.failed_write.as_deref().cloned(),
            contested: self.fights.contested(now.instant),
        }
    }

    /// Takes in what a pass saw, and says how it ended.
    pub fn settle(&mut self, look: &Look, run: &str, now: Now) -> Ended {
        self.braked = matches!(look.refusal, Some(Refusal::TooMany { .. }));
        let (state, ended) = match &look.refusal {
            Some(refusal) => self.held(refusal, &look.entry, now),
            None => self.unheld(look, now),
        };
        self.show(look, state, run, now);
        ended
    }

    fn held(&mut self, refusal: &Refusal, entry: &ObjectEntry, now: Now) -> (ObjectState, Ended) {
        match refusal {
            Refusal::ObserveOnly => (ObjectState::Differs, Ended::Settled),
            Refusal::Risk { .. } | Refusal::TooMany { .. } => {
                (ObjectState::Refused, Ended::Settled)
            }
            Refusal::Locked { .. } => (ObjectState::Waiting, Ended::Until(LOCKED)),
            Refusal::WindowClosed { opens } => {
                let wait = window::wait(*opens, now.time);
                (ObjectState::Waiting, Ended::Until(wait))
            }
            Refusal::AlreadyFailed { .. } => {
                // The first look after the write shows what it left; that is what must move.
                if let Some(failed) = &mut self.failed_write {
                    failed.fingerprint.clone_from(&entry.fingerprint);
                }
                (ObjectState::Failed, Ended::Settled)
            }
            Refusal::Fight { fields, .. } => {
                self.fights.give_up(fields, now.instant);
                // The other fields of the object are still ours to heal.
                (ObjectState::Fought, Ended::Until(Duration::ZERO))
            }
        }
    }

    fn unheld(&mut self, look: &Look, now: Now) -> (ObjectState, Ended) {
        let entry = &look.entry;
        if let Some(outcome) = entry.outcome {
            return self.written(outcome, look, now);
        }
        match entry.action {
            Disposition::None => self.matched(look.standing),
            action => self.unmatched(action, now),
        }
    }

    /// Nothing is left to do.
    fn matched(&mut self, standing: Option<Standing>) -> (ObjectState, Ended) {
        match standing {
            Some(Standing::AsApplied) => self.left(ObjectState::AsApplied),
            Some(Standing::NeverApplied) => self.left(ObjectState::NeverApplied),
            Some(Standing::Unsettled) => self.left(ObjectState::Differs),
            Some(Standing::InSync) | None => self.in_sync(),
        }
    }

    fn unmatched(&self, action: Disposition, now: Now) -> (ObjectState, Ended) {
        match action {
            Disposition::None => (ObjectState::InSync, Ended::Settled),
            Disposition::Observe | Disposition::Update => (ObjectState::Differs, Ended::Settled),
            Disposition::Missing => (ObjectState::Missing, Ended::Settled),
            Disposition::Error => (ObjectState::Failed, Ended::Passing),
            Disposition::Suspend => {
                let until = self.desired.policy.until;
                let ended = until.map(|until| Ended::Until(window::wait(Some(until), now.time)));
                (ObjectState::Suspended, ended.unwrap_or(Ended::Settled))
            }
        }
    }

    fn written(&mut self, outcome: Outcome, look: &Look, now: Now) -> (ObjectState, Ended) {
        let entry = &look.entry;
        let why = || entry.message.clone().unwrap_or_default();
        if look.heals && matches!(outcome, Outcome::Converged | Outcome::Unconverged) {
            let paths = entry.changes.iter().map(|change| change.path.as_str());
            self.fights.healed(paths, now.instant);
        }
        match outcome {
            Outcome::Converged | Outcome::Already => self.matched(look.standing),
            Outcome::Refused => (ObjectState::Refused, Ended::Settled),
            Outcome::Rejected => {
                self.failed_write = Some(Box::new(FailedWrite {
                    fingerprint: entry.fingerprint.clone(),
                    why: why(),
                }));
                (ObjectState::Failed, Ended::Settled)
            }
            Outcome::Unconverged => {
                self.failed_write = Some(Box::new(FailedWrite {
                    fingerprint: None,
                    why: why(),
                }));
                (ObjectState::Failed, Ended::Passing)
            }
            Outcome::Stale | Outcome::Failed | Outcome::Skipped => {
                (ObjectState::Failed, Ended::Passing)
            }
        }
    }

    fn in_sync(&mut self) -> (ObjectState, Ended) {
        self.failed_write = None;
        self.settled = Some(self.generation);
        let state = if self.fights.is_on() {
            ObjectState::Fought
        } else {
            ObjectState::InSync
        };
        (state, Ended::Settled)
    }

    /// A heal has nothing to do, and the manifest wants something else.
    fn left(&mut self, state: ObjectState) -> (ObjectState, Ended) {
        self.failed_write = None;
        let state = if self.fights.is_on() {
            ObjectState::Fought
        } else {
            state
        };
        (state, Ended::Settled)
    }

    /// Makes the status say what the look came to.
    fn show(&mut self, look: &Look, state: ObjectState, run: &str, now: Now) {
        let entry = &look.entry;
        let well = matches!(entry.outcome, Some(Outcome::Converged | Outcome::Already));
        let fight = self.fight(now);
        let suspended = suspension(&self.desired, now.time);
        let status = Arc::make_mut(&mut self.status);
        status.state = state;
        status.running = false;
        status.last_pass = Some(now.time);
        status.changes = if well {
            Vec::new()
        } else {
            entry.changes.clone()
        };
        let risks = status.changes.iter().map(|change| change.risk);
        status.risk = risks.max().unwrap_or(Risk::Safe);
        status.message =
            words(look, state).or_else(|| fight.as_ref().map(|fight| fight.message.clone()));
        if matches!(state, ObjectState::InSync) {
            status.last_in_sync = Some(now.time);
        }
        // What was refused or skipped was never sent.
        if let Some(outcome) = entry.outcome
            && !matches!(outcome, Outcome::Refused | Outcome::Skipped)
        {
            status.last_write = Some(Box::new(Write {
                at: now.time,
                outcome,
                changes: entry.changes.clone(),
                run: run.to_string(),
            }));
        }
        status.suspended = suspended.map(Box::new);
        status.fight = fight.map(Box::new);
    }

    fn fight(&self, now: Now) -> Option<Fight> {
        let since = self.fights.since()?;
        let fields: Vec<String> = self.fights.given_up().map(Into::into).collect();
        let ago = now.instant.saturating_duration_since(since);
        Some(Fight {
            message: fight::refusal(fields.clone()).to_string(),
            since: now.time.checked_sub(ago).unwrap_or(now.time),
            fields,
        })
    }
}

const AS_APPLIED: &str =
    "as it was last applied; what the manifest wants since waits for `entitle apply`";
const UNSETTLED: &str = "nobody knows what the last write made of it, so it is left as it is: `entitle drift` shows where, and an apply settles it";
const NEVER_APPLIED: &str = "differs from its manifest, and no apply of it is known that could be gone back to: apply it once";

/// Why an object is as it is.
fn words(look: &Look, state: ObjectState) -> Option<String> {
    match &look.refusal {
        None => match state {
            ObjectState::AsApplied => Some(AS_APPLIED.into()),
            ObjectState::NeverApplied => Some(NEVER_APPLIED.into()),
            ObjectState::Differs if look.standing == Some(Standing::Unsettled) => {
                Some(UNSETTLED.into())
            }
            _ => look.entry.message.clone(),
        },
        Some(refusal) => Some(refusal.to_string()),
    }
}

/// Returns the place of a manifest as the status shows it.
pub fn place_of(origin: &Origin) -> OriginEntry {
    OriginEntry {
        file: origin.source.name.clone(),
        line: origin.mark.line,
    }
}

fn suspension(desired: &Desired, now: Timestamp) -> Option<Suspension> {
    let policy = &desired.policy;
    (policy.mode_at(now) == PolicyMode::Suspend).then(|| Suspension {
        reason: policy.reason.clone(),
        until: policy.until,
    })
}

/// Returns the status of an object that was never looked at.
pub fn unseen(object: &ObjectOutline) -> ObjectStatus {
    let identity = object.identity.iter();
    ObjectStatus {
        address: object.address.to_string(),
        vendor: object.vendor.to_string(),
        connection: object.connection.to_string(),
        identity: identity
            .map(|(name, id)| ((*name).to_string(), id.clone()))
            .collect(),
        origin: place_of(&object.origin),
        state: ObjectState::Unseen,
        running: false,
        risk: Risk::Safe,
        last_pass: None,
        last_in_sync: None,
        next_wake: None,
        changes: Vec::new(),
        message: None,
        last_write: None,
        suspended: None,
        fight: None,
    }
}
