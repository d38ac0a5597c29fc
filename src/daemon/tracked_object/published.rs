//! The status of one object as the daemon publishes it: what a pass found, in the words and members of [`ObjectStatus`].

use jiff::Timestamp;

use super::{Now, ObjectResult, TrackedObject};
use crate::apply::memory::is_sent;
use crate::daemon::actions::{Approval, change_digest};
use crate::daemon::fight;
use crate::daemon::labels::Labels;
use crate::daemon::status::{
    FightStatus, LastWrite, ObjectState, ObjectStatus, PendingWrite, SuspensionStatus,
};
use crate::model::{Desired, Origin, Outcome, PolicyMode, Risk};
use crate::plan::Refusal;
use crate::plan::coming::ComingChanges;
use crate::plan::document::{CallEntry, OriginEntry};
use crate::reconcile::{ObjectOutline, Standing};
use std::sync::Arc;

impl TrackedObject {
    /// Writes state, changes and message into the published status.
    pub(super) fn update_status(
        &mut self,
        result: &ObjectResult,
        state: ObjectState,
        run: &str,
        now: Now,
    ) {
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

    /// Writes what changes later by date into the published status.
    pub(super) fn publish_coming(&mut self) {
        let coming = ComingChanges::of(&self.desired);
        if self.status.coming != coming {
            Arc::make_mut(&mut self.status).coming = coming;
        }
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

const BRAKED: &str = "the brake of its connection is on";
const LOCKED_OUT: &str = "another run holds the lock of its connection";
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
        // What holds a whole connection back is told with the connection.
        Some(Refusal::TooMany { .. }) => Some(BRAKED.into()),
        Some(Refusal::Locked { .. }) => Some(LOCKED_OUT.into()),
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
        coming: object
            .composed
            .as_deref()
            .map(ComingChanges::of)
            .unwrap_or_default(),
    }
}
