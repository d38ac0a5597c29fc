//! Carries out one step: records the intent, reads the object again where needed, sends the write, judges the reply,
//! and checks the effect of the write.

use crate::apply::TransportError;
use crate::model::with_causes;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use super::journal::Residual;
use super::outcome::{Outcome, Report};
use super::recorder::Recorder;
use super::reread::Rereads;
use super::settle;
use super::side_effects::side_effects;
use super::spans;
use super::store::{Lease, StoreError};
use super::transport::{Account, Writer};
use crate::model::{Desired, Field, Live, Observed, Reply, Verdict, Verify, WriteChecks};
use crate::plan::document::{self, CallEntry, ObjectEntry};
use crate::plan::guard::{self, Accepted};
use crate::plan::{self, Disposition, Planned, look_alike};
use crate::provider::semantics::{Echo, WriteMode};

/// Writes of one object in one run. A second one is only sent after a look showed that the first had no
/// effect.
const WRITES: usize = 4;

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
            Ok(()) => send_until_settled(context, planned, &before).await,
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
        let kind = context.account.provider.kind_of(&planned.desired);
        let merges = kind.semantics().write == WriteMode::Merge;
        let replaces = !merges || !planned.desired.policy.keep_unlisted.is_empty();
        // Another writer may have changed a value that the write would replace, so the object is read again unless the
        // user takes the risk.
        let trust = context.checks.trust_reads;
        let trusted = !trust.is_zero() && age.as_secs_f64() <= trust.as_secs_f64();
        if trusted || !replaces {
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
    let live = match read_live(context, &planned.desired).await {
        Ok(Some(live)) => live,
        Ok(None) => return ended(Outcome::Stale, Some("it is not there any more".into())),
        Err(error) => return ended(Outcome::Failed, Some(error.to_string())),
    };
    let again = replan(context, &planned, &live);
    if again.changes.is_empty() {
        if again.action == Disposition::None {
            return Err(Box::new(Report::new(again, Some(Outcome::Already), None)));
        }
        // The object can no longer be compared, or its policy suspends it now.
        let why = again.message.unwrap_or("it is suspended by now".into());
        return ended(Outcome::Stale, Some(why));
    }
    if again.fingerprint != entry.fingerprint {
        return ended(Outcome::Stale, Some(describe_moved(entry, &again)));
    }
    let as_shown = match (&again.step, entry.calls.as_slice()) {
        (Some(step), [shown]) => CallEntry::new(&step.call).is_same(shown),
        _ => false,
    };
    if !as_shown {
        let why = "what would be sent now is not what the plan shows: plan again";
        return ended(Outcome::Stale, Some(why.into()));
    }
    Ok((again, live))
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

async fn send_until_settled(context: &StepContext<'_>, planned: Planned, before: &Live) -> Report {
    let Some(step) = planned.step.clone() else {
        return Report::new(planned, None, None);
    };
    let kind = context.account.provider.kind_of(&planned.desired);
    let writer = Writer::new(context.account, context.lease);
    let failed = |why| Report::new(planned.clone(), Some(Outcome::Failed), Some(why));
    let open = |why| Report {
        unclear: true,
        ..failed(why)
    };
    let failed_after = |why, unclear: Option<String>| Report {
        unclear: unclear.is_some(),
        ..failed(with_unclear(why, unclear))
    };
    let mut unclear = None;
    for _ in 0..WRITES {
        let why = match writer.send(&step.call).await {
            Ok(reply) => match kind.judge(&reply) {
                Verdict::Accepted => return verify_write(context, planned, before, &reply).await,
                Verdict::Rejected { words, fields } => {
                    let table = kind.table().desired;
                    let describe = context.describe_rejection;
                    let message = describe(table, &planned.desired, &words, &fields);
                    if unclear.is_some() {
                        return failed_after(message, unclear);
                    }
                    return Report::new(planned, Some(Outcome::Rejected), Some(message));
                }
                Verdict::Later(words) => {
                    let why = format!("the vendor kept us waiting and did nothing: {words}");
                    return failed_after(why, unclear);
                }
                Verdict::Unclear(why) => why,
            },
            Err(lost) if lost.error.may_have_been_sent() => lost.text(),
            Err(lost) => return failed_after(lost.text(), unclear),
        };
        // The write may or may not have been carried out: reading the object shows which.
        match read_live(context, &planned.desired).await {
            Ok(Some(live)) => {
                let again = replan(context, &planned, &live);
                if again.changes.is_empty() {
                    return report_live(context, planned, before, &live);
                }
                if again.fingerprint != planned.fingerprint {
                    return report_overtaken(planned, &why);
                }
            }
            Ok(None) => {
                return open(format!(
                    "{why}; {UNCLEAR}: after it the object was not there"
                ));
            }
            Err(error) => return open(format!("{why}; {UNCLEAR}: {error}")),
        }
        unclear = Some(why);
    }
    let given_up = format!("given up after {WRITES} tries, none of which showed an effect");
    failed_after(given_up, unclear)
}

/// Describes a write that was sent and not answered.
const UNCLEAR: &str = "whether it was carried out is unclear";

/// Adds to the reason of a failure that the outcome of an earlier try is unclear. A read after that try showed the
/// object as it was, but some vendors show old values for a while.
fn with_unclear(why: String, unclear: Option<String>) -> String {
    match unclear {
        Some(earlier) => {
            format!("{why}; before that: {earlier}; {UNCLEAR}, though a look showed no change")
        }
        None => why,
    }
}

/// Reports an object that is neither as before an unclear write nor as planned. The write may have been lost while
/// another writer changed the object, or it arrived and was overwritten. Both look the same, even if a part of the
/// planned values is there now.
fn report_overtaken(planned: Planned, why: &str) -> Report {
    let message = format!("{why}; {UNCLEAR}, and the object changed meanwhile");
    Report {
        unclear: true,
        ..Report::new(planned, Some(Outcome::Failed), Some(message))
    }
}

/// The reason for which an object could not be read for its step.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    /// It could not be read, for the reason in the text.
    #[error("{0}")]
    Unread(String),
    #[error("the vendor's reading came back empty")]
    LeftOut,
}

/// Reads the object of a step; `None` if the vendor has no such object.
async fn read_live(
    context: &StepContext<'_>,
    desired: &Arc<Desired>,
) -> Result<Option<Live>, ReadError> {
    match context.rereads.read(desired).await {
        Some(Observed::Live(live)) => Ok(Some(live)),
        Some(Observed::Missing) => Ok(None),
        Some(Observed::Unread(why)) => Err(ReadError::Unread(why.text)),
        None => Err(ReadError::LeftOut),
    }
}

fn replan(context: &StepContext<'_>, planned: &Planned, live: &Live) -> Planned {
    let observed = Observed::Live(live.clone());
    let kind = context.account.provider.kind_of(&planned.desired);
    plan::plan_object(kind, &planned.desired, &observed, (context.clock)())
}

/// Checks the effect of an accepted write, in its echo or by reading the object.
async fn verify_write(
    context: &StepContext<'_>,
    planned: Planned,
    before: &Live,
    reply: &Reply,
) -> Report {
    let kind = context.account.provider.kind_of(&planned.desired);
    if context.checks.verify == Verify::Echo
        && kind.semantics().echo == Echo::Whole
        && let Ok(mut live) = kind.echo(&planned.desired, before, reply)
    {
        // Names were resolved when the plan was made; the echo has no list to resolve them by.
        live.resolved = before.resolved.clone();
        return report_live(context, planned, before, &live);
    }
    let mut waits = settle::waits(context.checks.settle);
    loop {
        let message = match read_live(context, &planned.desired).await {
            Ok(Some(live)) => {
                let pending = settle::is_pending(&planned, &replan(context, &planned, &live));
                let in_time = |wait: &Duration| Instant::now() + *wait < context.account.deadline();
                match waits.next().filter(|wait| pending && in_time(wait)) {
                    Some(wait) => {
                        sleep(wait).await;
                        continue;
                    }
                    None => return report_live(context, planned, before, &live),
                }
            }
            Ok(None) => "written, but it is not there any more".into(),
            Err(why) => format!("written, but what came of it could not be read: {why}"),
        };
        return Report {
            unclear: true,
            ..Report::new(planned, Some(Outcome::Unconverged), Some(message))
        };
    }
}

fn report_live(context: &StepContext<'_>, planned: Planned, before: &Live, live: &Live) -> Report {
    let kind = context.account.provider.kind_of(&planned.desired);
    let table = kind.table().desired;
    let residual = replan(context, &planned, live);
    let side_effects = side_effects(table, &planned, before, live);
    let mut report = if residual.changes.is_empty() && residual.action == Disposition::None {
        Report::new(planned, Some(Outcome::Converged), None)
    } else {
        let fields: Vec<String> = residual
            .changes
            .iter()
            .map(|change| {
                let shown = change
                    .before
                    .as_ref()
                    .map_or("nothing".into(), ToString::to_string);
                let apart =
                    look_alike::difference_note(change.after.as_ref(), change.before.as_ref());
                format!("{} is {shown}{apart}", change.path)
            })
            .collect();
        let message = match residual.message {
            // The effect of the write cannot be compared.
            Some(why) if fields.is_empty() => format!("written, but {why}"),
            _ => format!("written, but {}", fields.join(", ")),
        };
        let left = residual.changes.iter().map(|change| Residual {
            path: change.path.to_string(),
            is: change.before.clone().unwrap_or_default(),
        });
        Report {
            residual: left.collect(),
            // An object that cannot be compared may have any value.
            unclear: residual.changes.is_empty(),
            ..Report::new(planned, Some(Outcome::Unconverged), Some(message))
        }
    };
    report.side_effects = side_effects;
    report
}

#[cfg(test)]
mod tests;
