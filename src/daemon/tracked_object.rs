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

mod published;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::actions::{Approval, PageSuspension};
use super::fight::FieldFights;
use super::labels::Labels;
use super::schedule::Requeue;
use super::status::{ObjectState, ObjectStatus};
use super::window;
use super::write_gate::{FailedWrite, WriteHistory};
use crate::model::{ConnectionFault, Desired, Outcome, PathPattern, PolicyMode};
use crate::plan::document::ObjectEntry;
use crate::plan::{Disposition, Refusal};
use crate::reconcile::{ObjectOutline, Standing};

pub use published::{origin_entry, unseen_status};

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
        let mut tracked = Self {
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
        };
        tracked.publish_coming();
        tracked
    }

    /// Tracks an object that was an outline until now. Its status continues.
    pub fn from_outline(
        desired: Arc<Desired>,
        fights: FieldFights<Instant>,
        status: Arc<ObjectStatus>,
    ) -> Self {
        let mut tracked = Self {
            status,
            ..Self::new(desired, fights)
        };
        tracked.publish_coming();
        tracked
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
        self.publish_coming();
    }

    /// Puts the dated changes in force that have begun. Each is a change of the manifest like any other, so what live
    /// has from before it is nobody's foreign edit.
    pub fn begin_changes(&mut self, now: Now) {
        if let Cow::Owned(object) = self.desired.at_time(now.time) {
            self.set_desired(Arc::new(object));
        }
    }

    /// Returns when the next dated change begins; `None` if there is none.
    pub fn next_change(&self, now: Now) -> Option<Instant> {
        let begins = self.desired.coming.next()?;
        now.instant
            .checked_add(window::time_until(Some(begins), now.time))
    }

    /// Replaces the manifest by one that asks for the same in another file or line.
    pub fn set_origin(&mut self, desired: Arc<Desired>) {
        let (origin, labels) = (origin_entry(&desired.origin), Labels::new(&desired.labels));
        if self.status.origin != origin || self.status.labels != labels {
            let status = Arc::make_mut(&mut self.status);
            (status.origin, status.labels) = (origin, labels);
        }
        self.desired = desired;
        self.publish_coming();
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
            // It is woken when the other one is written.
            Refusal::ComesAfter { .. } => (ObjectState::Waiting, Requeue::AtResync),
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
}
