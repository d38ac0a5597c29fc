//! Carries out one step: records the intent, reads the object again where needed, sends the write, judges the reply,
//! and checks the effect of the write.

use crate::apply::TransportError;
use crate::model::with_causes;
use std::time::Duration;

use jiff::Timestamp;
use tracing::Instrument;

use super::journal::WholeObject;
use super::outcome::{Outcome, Report};
use super::recorder::Recorder;
use super::reread::Rereads;
use super::spans;
use super::store::{Lease, StoreError};
use super::transport::Account;
use crate::model::{Desired, Field, Live, WriteChecks};
use crate::plan::document::{self, CallEntry, ObjectEntry};
use crate::plan::guard::{self, Accepted};
use crate::plan::{Disposition, Planned, look_alike};
use crate::provider::ResourceKind;

/// Everything that carrying out a step needs.
pub struct StepContext<'a> {
    pub account: &'a Account,
    /// Reads objects of the account, together where one call shows many.
    pub rereads: &'a Rereads,
    pub checks: WriteChecks,
    pub recorder: &'a Recorder,
    /// The lease that keeps other writers away; `None` where no other run can write.
    pub lease: Option<&'a dyn Lease>,
    /// Returns the time; an argument, so that tests can set it.
    pub clock: &'a (dyn Fn() -> Timestamp + Sync),
    /// The risks that are accepted without a person; `None` if a person has approved the plan.
    pub accepted: Option<Accepted>,
    pub describe_rejection: DescribeRejection,
}

/// Makes the text of a refused write from its table, the object, the vendor's words as a whole, and its words about
/// single fields. The caller, which knows the manifests, adds their lines.
pub type DescribeRejection = fn(&'static [Field], &Desired, &str, &[(String, String)]) -> String;

/// One object whose turn has come.
pub struct StepWork<'a> {
    pub planned: Planned,
    /// The object as the plan shows it.
    pub entry: &'a ObjectEntry,
    pub basis: Basis<'a>,
}

/// The live values that the plan was made from.
#[derive(Clone, Copy)]
pub enum Basis<'a> {
    /// A read of this run.
    Read { live: &'a Live, at: Timestamp },
    /// A saved plan: only the fingerprint is known, and the object is read before anything is sent.
    Saved,
}

/// Records the intent of a step. `Err` is the report of a step that must not begin: the lease is lost, or the store did
/// not take the intent.
///
/// It is separate from [`execute`], so that intents are written while the calls of earlier steps are on their way.
pub async fn record_intent(
    context: &StepContext<'_>,
    planned: &Planned,
    entry: &ObjectEntry,
) -> Result<(), Box<Report>> {
    let failed = |why| {
        Box::new(Report::new(
            planned.clone(),
            Some(Outcome::Failed),
            Some(why),
        ))
    };
    if let Some(Err(lost)) = context.lease.map(|lease| lease.covers(Duration::ZERO)) {
        return Err(failed(TransportError::LockedOut(lost).to_string()));
    }
    let recorder = context.recorder;
    let written = recorder
        .record_intent(entry, planned, context.account)
        .await;
    written.map_err(|error| failed(describe_unwritten(&error)))
}

/// Carries out the step of one object, whose intent is in the journal, and writes down its outcome.
pub async fn execute(context: &StepContext<'_>, work: StepWork<'_>) -> Report {
    let span = spans::step(&work.entry.address, &work.entry.connection);
    let report = carry_out(context, work).instrument(span.clone()).await;
    spans::ended(&span, &report);
    report
}

async fn carry_out(context: &StepContext<'_>, work: StepWork<'_>) -> Report {
    let entry = work.entry;
    let mut report = match refresh_plan(context, work).await {
        Ok((planned, before)) => match recheck_risks(context, entry, &planned).await {
            Ok(()) => writes::send_writes(context, planned, &before).await,
            Err((outcome, why)) => Report::new(planned, Some(outcome), Some(why)),
        },
        Err(report) => *report,
    };
    let words = report.message.iter_mut().chain(&mut report.side_effects);
    words.for_each(|words| *words = context.account.redact(words));
    context.recorder.record_outcome(&report);
    report
}

/// Describes why a step was not begun: a write that cannot be recorded is not sent.
fn describe_unwritten(error: &StoreError) -> String {
    match error {
        StoreError::LeaseLost(lost) => TransportError::LockedOut(lost.clone()).to_string(),
        StoreError::Unavailable { .. } | StoreError::Refused { .. } => with_causes(error),
    }
}

/// Returns the plan and the live values that the write starts from. `Err` is a report that ends the step without a
/// write.
async fn refresh_plan(
    context: &StepContext<'_>,
    work: StepWork<'_>,
) -> Result<(Planned, Live), Box<Report>> {
    let StepWork {
        planned,
        entry,
        basis,
    } = work;
    if let Basis::Read { live, at } = basis {
        let age = (context.clock)().duration_since(at);
        // A merge sends what the manifest manages, unless it keeps unlisted members of a list: those go
        // out as they were read.
        let replaces =
            replaces(context, &planned) || !planned.desired.policy.keep_unlisted.is_empty();
        // Another writer may have changed a value that the write would replace, so the object is read again unless the
        // user takes the risk.
        let trust = context.checks.trust_reads;
        let trusted = !trust.is_zero() && age.as_secs_f64() <= trust.as_secs_f64();
        let whole = WholeObject::of(planned.action).is_some();
        if !whole && (trusted || !replaces) {
            return Ok((planned, live.clone()));
        }
    }
    let ended = |outcome, message: Option<String>| {
        Err(Box::new(Report::new(
            planned.clone(),
            Some(outcome),
            message,
        )))
    };
    let live = match verify::read_live(context, &planned.desired).await {
        Ok(live) => live,
        Err(error) => return ended(Outcome::Failed, Some(error.to_string())),
    };
    let again = verify::replan(context, &planned, live.as_ref());
    match (planned.action, &live) {
        (Disposition::Create, Some(_)) if !again.changes.is_empty() => {
            let why = "it is there by now, and not as desired: plan again";
            return ended(Outcome::Stale, Some(why.into()));
        }
        (Disposition::Create, _) | (_, Some(_)) => {}
        (Disposition::Remove, None) => {}
        (_, None) => return ended(Outcome::Stale, Some("it is not there any more".into())),
    }
    if again.changes.is_empty() {
        if again.action == Disposition::None {
            let id = verify::shown_id(context, &again, live.as_ref());
            return Err(Box::new(Report {
                id,
                ..Report::new(again, Some(Outcome::Already), None)
            }));
        }
        // The object can no longer be compared, or its policy suspends it now.
        let why = again.message.unwrap_or("it is suspended by now".into());
        return ended(Outcome::Stale, Some(why));
    }
    if again.fingerprint != entry.fingerprint {
        return ended(Outcome::Stale, Some(describe_moved(entry, &again)));
    }
    let writes = again.step.as_ref().map_or(&[][..], |step| &step.writes);
    let as_shown = writes.len() == entry.calls.len()
        && (writes.iter().zip(&entry.calls))
            .all(|(write, shown)| CallEntry::new(&write.call).is_same(shown));
    if writes.is_empty() || !as_shown {
        let why = "what would be sent now is not what the plan shows: plan again";
        return ended(Outcome::Stale, Some(why.into()));
    }
    Ok((again, live.unwrap_or_default()))
}

/// Reports whether a write of the step replaces more than the changes ask for.
fn replaces(context: &StepContext<'_>, planned: &Planned) -> bool {
    let table = kind_of(context, planned).table();
    let writes = planned.step.as_ref().map_or(&[][..], |step| &step.writes);
    writes.iter().any(|write| {
        let mode = table.call_for(write.purpose).mode;
        mode.replaces() || write.carries_along(&planned.changes)
    })
}

fn kind_of(context: &StepContext<'_>, planned: &Planned) -> &'static dyn ResourceKind {
    context.account.provider.kind_of(&planned.desired)
}

/// Takes the changes of now in place of those that a plan's file or an older look states: the guard weighs their
/// risks, and the journal keeps them, since an undo goes by it.
async fn recheck_risks(
    context: &StepContext<'_>,
    entry: &ObjectEntry,
    planned: &Planned,
) -> Result<(), (Outcome, String)> {
    let changes = document::change_entries(planned);
    if changes == entry.changes {
        return Ok(());
    }
    let entry = ObjectEntry {
        changes,
        ..entry.clone()
    };
    let allow = planned.desired.policy.allow;
    let accepted = context.accepted;
    match accepted.map(|accepted| guard::check_risk(&entry, allow, accepted)) {
        Some(Err(refusal)) => Err((Outcome::Refused, refusal.to_string())),
        Some(Ok(())) | None => {
            let recorder = context.recorder;
            let written = recorder
                .record_intent(&entry, planned, context.account)
                .await;
            written.map_err(|error| (Outcome::Failed, describe_unwritten(&error)))
        }
    }
}

/// Describes the planned fields that moved since the plan was made.
fn describe_moved(entry: &ObjectEntry, again: &Planned) -> String {
    let now: Vec<String> = entry
        .changes
        .iter()
        .filter_map(|planned| {
            let is = again
                .changes
                .iter()
                .find(|change| change.path.to_string() == planned.path);
            let is = is.map(|change| change.before.clone().unwrap_or_default());
            let is = is.unwrap_or_else(|| planned.after.clone());
            (is != planned.before).then(|| {
                let apart = look_alike::difference_note(Some(&planned.before), Some(&is));
                format!("{} was {}, is {is}{apart}", planned.path, planned.before)
            })
        })
        .collect();
    if now.is_empty() {
        "a field beside the planned ones changed at the vendor after the plan was made".into()
    } else {
        format!(
            "it changed at the vendor after the plan was made: {}",
            now.join(", ")
        )
    }
}

mod verify;
mod writes;

#[cfg(test)]
mod several_calls_tests;
#[cfg(test)]
mod tests;
