//! One object over time: what each pass found, which state follows, and when to look again.
//!
//! [`TrackedObject::record_result`] is a pure function of the object's history and the result. Its answer is one
//! [`Requeue`] and a changed [`ObjectStatus`]:
//!
//! | result | state | next look |
//! | --- | --- | --- |
//! | no difference | in sync | at the resync |
//! | difference, mode or policy only observes | differs | at the resync |
//! | difference, a window is closed | waiting | when the window opens |
//! | difference, another run has the lease | waiting | after 5 s |
//! | difference, the brake or a guard holds it | refused | at the resync, or once the brake lets go |
//! | difference in a field that was healed too often | fought | at once, without that field |
//! | read or write failed for now | failed | with back-off |
//! | write was refused by the vendor | failed | at the resync; written again once manifest or live object change |

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::actions::{Approval, PageSuspension, change_digest};
use super::fight::{self, FieldFights};
use super::labels::Labels;
use super::schedule::Requeue;
use super::status::{
    FightStatus, LastWrite, ObjectState, ObjectStatus, PendingWrite, SuspensionStatus,
};
use super::window;
use super::write_gate::{FailedWrite, WriteHistory};
use crate::apply::memory::is_sent;
use crate::model::{ConnectionFault, Desired, Origin, Outcome, PathPattern, PolicyMode, Risk};
use crate::plan::document::{CallEntry, ObjectEntry, OriginEntry};
use crate::plan::{Disposition, Refusal};
use crate::reconcile::{ObjectOutline, Standing};

/// How long to wait for a lease that another run holds: other runs take seconds.
const LOCKED: Duration = Duration::from_secs(5);

/// One moment by both clocks: the monotonic one that waits are computed with, and the calendar time that people read.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub instant: Instant,
    pub time: Timestamp,
}

/// What a pass found and did for one object.
pub struct ObjectResult {
    /// The planned entry, with the outcome of the write if one was sent.
    pub entry: Box<ObjectEntry>,
    pub refusal: Option<Refusal>,
    /// How the object relates to its manifest when a heal leaves it as it is; `None` outside `heal` mode.
    pub standing: Option<Standing>,
    /// True if its write put back a change that came from outside the manifests.
    pub heals: bool,
    /// The person who approved exactly this change on the page; `None` if it was not approved.
    pub approved_by: Option<String>,
    /// The problem of its connection by which it could not be read; `None` if there is none.
    pub fault: Option<Box<ConnectionFault>>,
}

/// An object of the manifests in force of which only the outline is kept: another replica looks after it, or it is
/// about to be loaded.
pub struct OutlinedObject {
    pub outline: Arc<ObjectOutline>,
    /// The generation in which it was last tracked; 0 if it never was.
    pub generation: u64,
    pub status: Arc<ObjectStatus>,
}

/// One object of the manifests in force, with its history.
pub struct TrackedObject {
    pub desired: Arc<Desired>,
    /// Grows by one with every change of the manifest. Starts at 1.
    pub generation: u64,
    /// The generation that was last found, or made, to match the live object.
    settled: Option<u64>,
    /// Failed looks in a row.
    pub failures: u32,
    failed_write: Option<Box<FailedWrite>>,
    fights: FieldFights<Instant>,
    /// True if the brake holds its write.
    pub braked: bool,
    /// A suspension by the page.
    pub suspension: Option<Box<PageSuspension>>,
    /// The approval of its held-back change, until it is written or has moved.
    pub approval: Option<Box<Approval>>,
    pub status: Arc<ObjectStatus>,
}

impl TrackedObject {
    /// Starts to track an object before its first look. `fights` are the fights over it that the store remembers.
    pub fn new(desired: Arc<Desired>, fights: FieldFights<Instant>) -> Self {
        let status = Arc::new(unseen_status(&ObjectOutline::from(&*desired)));
        Self {
            desired,
            generation: 1,
            settled: None,
            failures: 0,
            failed_write: None,
            fights,
            braked: false,
            suspension: None,
            approval: None,
            status,
        }
    }

    /// Tracks an object that was an outline until now. Its status continues.
    pub fn from_outline(
        desired: Arc<Desired>,
        fights: FieldFights<Instant>,
        status: Arc<ObjectStatus>,
    ) -> Self {
        Self {
            status,
            ..Self::new(desired, fights)
        }
    }

    /// Reduces the object to its outline and status.
    pub fn into_outline(self) -> OutlinedObject {
        OutlinedObject {
            outline: Arc::new(ObjectOutline::from(&*self.desired)),
            generation: self.generation,
            status: self.status,
        }
    }

    /// Replaces the manifest by one that asks for something else. Failures and fights belonged to the old one.
    ///
    /// A suspension by the page stays: it ends only when a person resumes the object, or when its time is over.
    pub fn set_desired(&mut self, desired: Arc<Desired>) {
        self.desired = desired;
        self.approval = None;
        self.generation += 1;
        self.fights.clear();
        self.reset_failures();
    }

    /// Replaces the manifest by one that asks for the same in another file or line.
    pub fn set_origin(&mut self, desired: Arc<Desired>) {
        let (origin, labels) = (origin_entry(&desired.origin), Labels::new(&desired.labels));
        if self.status.origin != origin || self.status.labels != labels {
            let status = Arc::make_mut(&mut self.status);
            (status.origin, status.labels) = (origin, labels);
        }
        self.desired = desired;
    }

    /// Takes the object over from another replica, with the fights that it recorded.
    pub fn take_over(&mut self, fights: FieldFights<Instant>) {
        self.fights = fights;
        self.reset_failures();
    }

    /// Sets how many looks have failed in a row.
    pub fn set_failures(&mut self, failures: u32) {
        self.failures = failures;
        if self.status.failures != failures {
            Arc::make_mut(&mut self.status).failures = failures;
        }
    }

    /// Forgets failures and refused writes.
    pub fn reset_failures(&mut self) {
        self.set_failures(0);
        self.failed_write = None;
    }

    /// Reports whether the live object has matched this very manifest.
    pub fn is_settled(&self) -> bool {
        self.settled == Some(self.generation)
    }

    /// Leaves the object alone until the end of a suspension by the page. An approval ends with it.
    pub fn suspend(&mut self, suspension: PageSuspension) {
        self.suspension = Some(Box::new(suspension));
        self.approval = None;
    }

    /// Ends a suspension by the page.
    pub fn resume(&mut self) {
        self.suspension = None;
    }

    /// Returns what the next pass is to enforce: the manifest without the fields that were given up. If the page
    /// suspends the object, the returned manifest is suspended too.
    pub fn desired_for_pass(&mut self, now: Now) -> Arc<Desired> {
        self.suspension
            .take_if(|suspension| suspension.until <= now.time);
        if !self.fights.has_given_up() && self.suspension.is_none() {
            return Arc::clone(&self.desired);
        }
        let mut desired = (*self.desired).clone();
        if let Some(suspension) = &self.suspension {
            desired.policy.mode = PolicyMode::Suspend;
            desired.policy.until = Some(suspension.until);
            desired.policy.reason = Some(suspension.reason.clone());
        }
        let given_up = self.fights.given_up_fields();
        let patterns = given_up.filter_map(|path| PathPattern::parse(path).ok());
        desired.policy.given_up.extend(patterns);
        Arc::new(desired)
    }

    pub fn history(&self, now: Now) -> WriteHistory {
        WriteHistory {
            failed: self.failed_write.as_deref().cloned(),
            contested: self.fights.contested_fields(now.instant),
        }
    }

    /// Takes in the result of a pass. Returns when to look again.
    pub fn record_result(&mut self, result: &ObjectResult, run: &str, now: Now) -> Requeue {
        self.braked = matches!(result.refusal, Some(Refusal::TooMany { .. }));
        let (state, requeue) = match &result.refusal {
            Some(refusal) => self.record_refused(refusal, &result.entry, now),
            None => self.record_unrefused(result, now),
        };
        self.update_status(result, state, run, now);
        requeue
    }

    fn record_refused(
        &mut self,
        refusal: &Refusal,
        entry: &ObjectEntry,
        now: Now,
    ) -> (ObjectState, Requeue) {
        match refusal {
            Refusal::ObserveOnly => (ObjectState::Differs, Requeue::AtResync),
            Refusal::Risk { .. } | Refusal::TooMany { .. } | Refusal::TooManyRequests { .. } => {
                (ObjectState::Refused, Requeue::AtResync)
            }
            Refusal::Locked { .. } => (ObjectState::Waiting, Requeue::After(LOCKED)),
            Refusal::WindowClosed { opens } => {
                let wait = window::time_until(*opens, now.time);
                (ObjectState::Waiting, Requeue::After(wait))
            }
            Refusal::AlreadyFailed { .. } => {
                // The first look after the failed write shows the state in which the write left the object. The
                // write is sent again only once that state changes.
                if let Some(failed) = &mut self.failed_write {
                    failed.fingerprint.clone_from(&entry.fingerprint);
                }
                (ObjectState::Failed, Requeue::AtResync)
            }
            Refusal::Fight { fields, .. } => {
                self.fights.give_up(fields, now.instant);
                // The other fields of the object are still ours to heal.
                (ObjectState::Fought, Requeue::After(Duration::ZERO))
            }
        }
    }

    /// Takes in the result of an object whose write was not refused, or that needed no write.
    fn record_unrefused(&mut self, result: &ObjectResult, now: Now) -> (ObjectState, Requeue) {
        let entry = &result.entry;
        if let Some(outcome) = entry.outcome {
            return self.record_write(outcome, result, now);
        }
        match entry.action {
            Disposition::None => self.record_match(result.standing),
            action => self.unmatched_state(action, now),
        }
    }

    /// Takes in that no difference is left to write.
    fn record_match(&mut self, standing: Option<Standing>) -> (ObjectState, Requeue) {
        match standing {
            Some(Standing::AsApplied) => self.record_left_alone(ObjectState::AsApplied),
            Some(Standing::NeverApplied) => self.record_left_alone(ObjectState::NeverApplied),
            Some(Standing::Unsettled) => self.record_left_alone(ObjectState::Differs),
            Some(Standing::InSync) | None => self.record_in_sync(),
        }
    }

    /// Returns the state of an object that was not written although it does not match.
    fn unmatched_state(&self, action: Disposition, now: Now) -> (ObjectState, Requeue) {
        match action {
            Disposition::None => (ObjectState::InSync, Requeue::AtResync),
            Disposition::Observe
            | Disposition::Update
            | Disposition::Create
            | Disposition::Remove => (ObjectState::Differs, Requeue::AtResync),
            Disposition::Missing => (ObjectState::Missing, Requeue::AtResync),
            Disposition::Error => (ObjectState::Failed, Requeue::WithBackoff),
            Disposition::Suspend => {
                let by_page = self.suspension.as_ref().map(|suspension| suspension.until);
                let until = by_page.or(self.desired.policy.until);
                let requeue =
                    until.map(|until| Requeue::After(window::time_until(Some(until), now.time)));
                (ObjectState::Suspended, requeue.unwrap_or(Requeue::AtResync))
            }
        }
    }

    /// Takes in the outcome of a write.
    fn record_write(
        &mut self,
        outcome: Outcome,
        result: &ObjectResult,
        now: Now,
    ) -> (ObjectState, Requeue) {
        let entry = &result.entry;
        let why = || entry.message.clone().unwrap_or_default();
        if result.heals && matches!(outcome, Outcome::Converged | Outcome::Unconverged) {
            let paths = entry.changes.iter().map(|change| change.path.as_str());
            self.fights.record_heals(paths, now.instant);
        }
        match outcome {
            Outcome::Converged | Outcome::Already => self.record_match(result.standing),
            Outcome::Refused => (ObjectState::Refused, Requeue::AtResync),
            Outcome::Rejected => {
                self.failed_write = Some(Box::new(FailedWrite {
                    fingerprint: entry.fingerprint.clone(),
                    why: why(),
                }));
                (ObjectState::Failed, Requeue::AtResync)
            }
            Outcome::Unconverged => {
                self.failed_write = Some(Box::new(FailedWrite {
                    fingerprint: None,
                    why: why(),
                }));
                (ObjectState::Failed, Requeue::WithBackoff)
            }
            Outcome::Stale | Outcome::Failed | Outcome::Skipped => {
                (ObjectState::Failed, Requeue::WithBackoff)
            }
        }
    }

    /// Takes in that the live object matches the manifest, but for fields that were given up.
    fn record_in_sync(&mut self) -> (ObjectState, Requeue) {
        self.failed_write = None;
        self.settled = Some(self.generation);
        let state = if self.fights.has_given_up() {
            ObjectState::Fought
        } else {
            ObjectState::InSync
        };
        (state, Requeue::AtResync)
    }

    /// Takes in that a heal has nothing to do although the manifest asks for something else.
    fn record_left_alone(&mut self, state: ObjectState) -> (ObjectState, Requeue) {
        self.failed_write = None;
        let state = if self.fights.has_given_up() {
            ObjectState::Fought
        } else {
            state
        };
        (state, Requeue::AtResync)
    }

    /// Writes state, changes and message into the published status.
    fn update_status(&mut self, result: &ObjectResult, state: ObjectState, run: &str, now: Now) {
        let entry = &result.entry;
        let well = matches!(entry.outcome, Some(Outcome::Converged | Outcome::Already));
        let fight = self.fight_status(now);
        let suspended = match &self.suspension {
            Some(suspension) => Some(SuspensionStatus {
                reason: Some(suspension.reason.clone()),
                until: Some(suspension.until),
                by: Some(suspension.by.clone()),
            }),
            None => suspension_status(&self.desired, now.time),
        };
        let pending = self.pending_write(result, state);
        let lapsed = self.take_lapsed_approval(result, pending.as_ref());
        let status = Arc::make_mut(&mut self.status);
        status.pending = pending.map(Box::new);
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
        status.message = state_message(result, state)
            .or_else(|| fight.as_ref().map(|fight| fight.message.clone()));
        if let Some(by) = lapsed {
            let why = status.message.take().unwrap_or_default();
            status.message = Some(format!(
                "{why}; it moved since {by} approved it: look at it again"
            ));
        }
        let fault = result.fault.as_ref();
        status.problem = fault.map(|fault| fault.kind.code().to_string());
        if matches!(state, ObjectState::InSync) {
            status.last_in_sync = Some(now.time);
        }
        // Refused and skipped writes were never sent.
        if let Some(outcome) = entry.outcome
            && !matches!(outcome, Outcome::Refused | Outcome::Skipped)
        {
            status.last_write = Some(Box::new(LastWrite {
                at: now.time,
                outcome,
                changes: entry.changes.clone(),
                run: run.to_string(),
            }));
        }
        status.suspended = suspended.map(Box::new);
        status.fight = fight.map(Box::new);
    }

    /// Returns the write that was planned and not sent; `None` if there is none.
    fn pending_write(&self, result: &ObjectResult, state: ObjectState) -> Option<PendingWrite> {
        let entry = &result.entry;
        if entry.calls.is_empty()
            || entry.outcome.is_some_and(is_sent)
            || state == ObjectState::InSync
        {
            return None;
        }
        let digest = change_digest(entry);
        let call = |call: &CallEntry| format!("{} {}", call.method.as_str(), call.path);
        let approval = self
            .approval
            .as_ref()
            .filter(|approval| approval.digest == digest);
        Some(PendingWrite {
            calls: entry.calls.iter().map(call).collect(),
            needs_approval: state == ObjectState::Refused,
            approved_by: approval.map(|approval| approval.by.clone()),
            digest,
        })
    }

    /// Forgets an approval that was carried out, or whose change is not pending any more. Returns who gave it if another
    /// change is held back instead.
    fn take_lapsed_approval(
        &mut self,
        result: &ObjectResult,
        pending: Option<&PendingWrite>,
    ) -> Option<String> {
        let was_sent = result.entry.outcome.is_some_and(is_sent);
        let is_pending = |approval: &mut Box<Approval>| {
            pending.is_some_and(|pending| pending.digest == approval.digest)
        };
        let lapsed = self
            .approval
            .take_if(|approval| was_sent || !is_pending(approval))?;
        pending
            .filter(|pending| pending.needs_approval && !was_sent)
            .map(|_| lapsed.by)
    }

    /// Returns the fight over the object for the status; `None` if no field was given up.
    fn fight_status(&self, now: Now) -> Option<FightStatus> {
        let since = self.fights.given_up_since()?;
        let fields: Vec<String> = self.fights.given_up_fields().map(Into::into).collect();
        let ago = now.instant.saturating_duration_since(since);
        Some(FightStatus {
            message: fight::fight_refusal(fields.clone()).to_string(),
            since: now.time.checked_sub(ago).unwrap_or(now.time),
            fields,
        })
    }
}

const AS_APPLIED: &str =
    "as it was last applied; what the manifest wants since waits for `entitle apply`";
const UNSETTLED: &str = "it is unknown what the last write made of it, so it is left as it is: `entitle drift` shows where, and an apply settles it";
const NEVER_APPLIED: &str = "differs from its manifest, and no apply of it is known that could be gone back to: apply it once";

/// Returns why the object is in its state.
fn state_message(result: &ObjectResult, state: ObjectState) -> Option<String> {
    match &result.refusal {
        None => match state {
            ObjectState::AsApplied => Some(AS_APPLIED.into()),
            ObjectState::NeverApplied => Some(NEVER_APPLIED.into()),
            ObjectState::Differs if result.standing == Some(Standing::Unsettled) => {
                Some(UNSETTLED.into())
            }
            _ => result.entry.message.clone(),
        },
        Some(refusal) => Some(refusal.to_string()),
    }
}

/// Returns the file and line of a manifest as the status shows them.
pub fn origin_entry(origin: &Origin) -> OriginEntry {
    OriginEntry {
        file: origin.source.name.clone(),
        line: origin.mark.line,
    }
}

/// Returns why and until when a manifest suspends its object; `None` if it does not.
fn suspension_status(desired: &Desired, now: Timestamp) -> Option<SuspensionStatus> {
    let policy = &desired.policy;
    (policy.mode_at(now) == PolicyMode::Suspend).then(|| SuspensionStatus {
        reason: policy.reason.clone(),
        until: policy.until,
        by: None,
    })
}

/// Returns the status of an object before its first look.
pub fn unseen_status(object: &ObjectOutline) -> ObjectStatus {
    let identity = object.identity.iter();
    ObjectStatus {
        address: object.address.to_string(),
        vendor: object.vendor.to_string(),
        connection: object.connection.to_string(),
        identity: identity
            .map(|(name, id)| ((*name).to_string(), id.clone()))
            .collect(),
        labels: Labels::new(&object.labels),
        origin: origin_entry(&object.origin),
        state: ObjectState::Unseen,
        running: false,
        risk: Risk::Safe,
        last_pass: None,
        last_in_sync: None,
        next_wake: None,
        changes: Vec::new(),
        pending: None,
        failures: 0,
        message: None,
        problem: None,
        last_write: None,
        suspended: None,
        fight: None,
    }
}
