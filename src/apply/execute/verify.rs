//! Reads an object around its writes, and compares what came of them with the plan.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{StepContext, kind_of};
use crate::apply::journal::Residual;
use crate::apply::outcome::{Outcome, Report};
use crate::apply::settle;
use crate::apply::side_effects::side_effects;
use crate::model::{Desired, Echo, Live, Observed, Reply, Text, Verify};
use crate::plan::{self, Change, Disposition, Planned, look_alike, schedule};

/// The reason for which an object could not be read for its step.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// It could not be read, for the reason in the text.
    #[error("{0}")]
    Unread(String),
    #[error("the vendor's reading came back empty")]
    LeftOut,
}

/// A write was accepted, and what became of the object is unknown.
#[derive(Debug, thiserror::Error)]
#[error("written, but what came of it could not be read: {0}")]
pub(super) struct UnseenEffect(#[source] ReadError);

/// Reads the object of a step; `None` if the vendor has no such object.
pub(super) async fn read_live(
    context: &StepContext<'_>,
    desired: &Arc<Desired>,
) -> Result<Option<Live>, ReadError> {
    match context.rereads.read(desired).await {
        Some(Observed::Live(live)) => Ok(Some(live)),
        Some(Observed::Missing | Observed::Creatable(_)) => Ok(None),
        Some(Observed::Unread(why)) => Err(ReadError::Unread(why.text)),
        None => Err(ReadError::LeftOut),
    }
}

/// Plans the object of a step again, from what was read just now.
pub(super) fn replan(context: &StepContext<'_>, planned: &Planned, seen: Option<&Live>) -> Planned {
    let observed = seen.cloned().map_or(Observed::Missing, Observed::Live);
    let kind = kind_of(context, planned);
    plan::plan_object(kind, &planned.desired, &observed, (context.clock)())
}

/// Plans the object of a step again without what the step could not do yet. Returns whether there is nothing of that.
pub(super) fn replan_step(
    context: &StepContext<'_>,
    planned: &Planned,
    seen: Option<&Live>,
) -> (Planned, bool) {
    let mut again = replan(context, planned, seen);
    let is_all = schedule::keep_planned(planned, &mut again);
    (again, is_all)
}

/// Returns the object after the first write of `rest` was accepted, from its reply or by reading; `None` if it is not
/// there. `Err` says that it could not be read. `before` is the object before that write.
pub(super) async fn look_after_write(
    context: &StepContext<'_>,
    rest: &Planned,
    before: &Live,
    reply: &Reply,
) -> Result<Option<Live>, UnseenEffect> {
    let kind = kind_of(context, rest);
    let first = rest.step.as_ref().and_then(|step| step.writes.first());
    let echo = first.map(|write| kind.table().call_for(write.purpose).echo);
    if context.checks.verify == Verify::Echo
        && echo == Some(Echo::Whole)
        && let Ok(mut live) = kind.echo(&rest.desired, before, reply)
    {
        // Names were resolved when the plan was made; the echo has no list to resolve them by.
        live.resolved = before.resolved.clone();
        // No reply to a write of the object shows what is scheduled for it.
        live.schedule = before.schedule.clone();
        return Ok(Some(live));
    }
    let read = read_until_settled(context, rest).await;
    read.map_err(UnseenEffect)
}

/// Reads the object until it shows an effect of the first write of `rest`, or the time for that is over. Some vendors
/// show the object as it was for a while: an old value, nothing after a creation, the object after a removal.
pub(super) async fn read_until_settled(
    context: &StepContext<'_>,
    rest: &Planned,
) -> Result<Option<Live>, ReadError> {
    let mut waits = settle::waits(context.checks.settle);
    loop {
        let seen = read_live(context, &rest.desired).await?;
        let pending = match (rest.action, &seen) {
            (Disposition::Create, seen) => seen.is_none(),
            (Disposition::Remove, seen) => seen.is_some(),
            (_, Some(live)) => settle::is_pending(rest, &replan(context, rest, Some(live))),
            (_, None) => false,
        };
        let in_time = |wait: &Duration| Instant::now() + *wait < context.account.deadline();
        match waits.next().filter(|wait| pending && in_time(wait)) {
            Some(wait) => sleep(wait).await,
            None => return Ok(seen),
        }
    }
}

/// Checks the effect of the last write of a step, `rest`, in its reply or by reading the object, and compares it with the whole plan.
pub(super) async fn verify_write(
    context: &StepContext<'_>,
    planned: Planned,
    rest: &Planned,
    objects: (&Live, &Live),
    reply: &Reply,
) -> Report {
    let (before, last) = objects;
    match look_after_write(context, rest, last, reply).await {
        Ok(seen) => report_live(context, planned, before, seen.as_ref()),
        Err(error) => {
            let message = Some(error.to_string());
            Report {
                unclear: true,
                ..Report::new(planned, Some(Outcome::Unconverged), message)
            }
        }
    }
}

/// Reports an object by comparing it with its plan. `before` is the object before the first write, `seen` what is there
/// now.
pub(super) fn report_live(
    context: &StepContext<'_>,
    planned: Planned,
    before: &Live,
    seen: Option<&Live>,
) -> Report {
    let (residual, is_all) = replan_step(context, &planned, seen);
    let id = shown_id(context, &planned, seen);
    let is_update = planned.action == Disposition::Update;
    let side_effects = match seen.filter(|_| is_update) {
        Some(live) => {
            let table = kind_of(context, &planned).table().desired;
            side_effects(table, &planned, before, live)
        }
        // All of a new object is new.
        None => Vec::new(),
    };
    if residual.changes.is_empty() && residual.action == Disposition::None {
        return Report {
            side_effects,
            id,
            ..Report::new(
                planned,
                Some(Outcome::Converged),
                (!is_all).then(|| NEXT.into()),
            )
        };
    }
    let message = match (planned.action, seen) {
        (Disposition::Remove, Some(_)) => "sent, but it is still there".into(),
        (_, None) if is_update => "written, but it is not there any more".into(),
        (_, None) => "created, but it does not show".into(),
        (_, Some(_)) => describe_residual(&residual),
    };
    let is_comparable = is_update && seen.is_some();
    let left = residual.changes.iter().filter(|_| is_comparable);
    Report {
        residual: left.map(residual_of).collect(),
        // An object that cannot be compared may have any value.
        unclear: residual.changes.is_empty() || seen.is_none(),
        side_effects,
        ..Report::new(planned, Some(Outcome::Unconverged), Some(message))
    }
}

/// Says that the vendor's schedule is not complete yet.
const NEXT: &str = "what changes by date can be scheduled at the vendor now: apply again";

/// Returns the id that a read or reply shows of an object which its manifest names by a key.
pub(super) fn shown_id(
    context: &StepContext<'_>,
    planned: &Planned,
    seen: Option<&Live>,
) -> Option<Text> {
    let table = kind_of(context, planned).table();
    planned.desired.found_id(table, seen?)
}

/// Describes the fields that differ from the plan after a write.
fn describe_residual(residual: &Planned) -> String {
    let fields: Vec<String> = residual
        .changes
        .iter()
        .map(|change| {
            let shown = change
                .before
                .as_ref()
                .map_or("nothing".into(), ToString::to_string);
            let apart = look_alike::difference_note(change.after.as_ref(), change.before.as_ref());
            format!("{} is {shown}{apart}", change.path)
        })
        .collect();
    match &residual.message {
        // The effect of the write cannot be compared.
        Some(why) if fields.is_empty() => format!("written, but {why}"),
        _ => format!("written, but {}", fields.join(", ")),
    }
}

/// Returns the field of a change that was not carried out, with the value that it still has.
pub(super) fn residual_of(change: &Change) -> Residual {
    Residual {
        path: change.path.to_string(),
        is: change.before.clone().unwrap_or_default(),
    }
}
