//! Sends the writes of one step, one after the other, and stops at the first that fails.
//!
//! ```text
//! plan      seats 5 → 9, expires → 2027      two writes: A (seats), B (expires)
//! send A    accepted; its reply or a read shows seats 9, and what is left of the plan is B, as it was shown
//! send B    refused: the object ends as rejected, "A was carried out", and `expires` is left in the residual
//! ```
//!
//! A creation is sent once: after a reply that leaves it unclear the object is searched, and a later run searches again.
//! A second try could make a second object.

use crate::apply::outcome::{Outcome, Report};
use crate::apply::transport::Writer;
use crate::model::{Live, Reply, Verdict, WritePurpose};
use crate::plan::document::CallEntry;
use crate::plan::step::StepWrite;
use crate::plan::{Change, Disposition, Planned};

use super::verify::{
    look_after_write, read_live, read_until_settled, replan_step, report_live, residual_of,
    verify_write,
};
use super::{StepContext, kind_of};

/// Writes of one call in one run. A second one is only sent after a look showed that the first had no
/// effect.
const TRIES: usize = 4;

/// A write that was carried out.
enum Settled {
    /// The vendor accepted it, with this reply.
    Accepted(Reply),
    /// The reply was unclear, and a read shows its effect: the object, or that it is gone.
    Shown(Option<Live>),
}

/// The end of a write that was not carried out, or whose effect is unknown.
struct Failure {
    outcome: Outcome,
    message: String,
    unclear: bool,
}

/// Sends the writes of `planned`, of which `before` is the object as it was read, and reports how the object ended.
pub(super) async fn send_writes(
    context: &StepContext<'_>,
    planned: Planned,
    before: &Live,
) -> Report {
    // What is left of the plan, and the object as the last write left it.
    let (mut rest, mut live) = (planned.clone(), before.clone());
    let mut done: Vec<String> = Vec::new();
    loop {
        let writes = rest.step.as_ref().map_or(&[][..], |step| &step.writes);
        let Some(write) = writes.first() else {
            return Report::new(planned, None, None);
        };
        let is_last = writes.len() == 1;
        let sent = write.call.shown();
        let settled = match settle_write(context, &rest, write).await {
            Ok(settled) => settled,
            Err(failure) => return report_failure(planned, &rest, &done, failure),
        };
        let seen = match settled {
            Settled::Accepted(reply) if is_last => {
                return verify_write(context, planned, &rest, (before, &live), &reply).await;
            }
            Settled::Accepted(reply) => look_after_write(context, &rest, &live, &reply).await,
            Settled::Shown(live) => Ok(live),
        };
        done.push(sent);
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => {
                let failure = Failure {
                    outcome: Outcome::Unconverged,
                    message: why.to_string(),
                    unclear: true,
                };
                return report_failure(planned, &rest, &done, failure);
            }
        };
        let (again, _) = replan_step(context, &planned, seen.as_ref());
        if is_last || !is_rest(&again, &rest) {
            return report_live(context, planned, before, seen.as_ref());
        }
        (rest, live) = (again, seen.unwrap_or_default());
    }
}

/// Sends the first write of `rest` until its effect is known.
async fn settle_write(
    context: &StepContext<'_>,
    rest: &Planned,
    write: &StepWrite,
) -> Result<Settled, Failure> {
    let kind = kind_of(context, rest);
    let writer = Writer::new(context.account, context.lease);
    let failed_after = |why, unclear: Option<String>| Failure {
        outcome: Outcome::Failed,
        unclear: unclear.is_some(),
        message: with_unclear(why, unclear),
    };
    let mut unclear = None;
    for _ in 0..TRIES {
        let why = match writer.send(&write.call).await {
            Ok(reply) => match kind.judge(&reply) {
                Verdict::Accepted => return Ok(Settled::Accepted(reply)),
                Verdict::Rejected { words, fields } => {
                    let table = kind.table().desired;
                    let describe = context.describe_rejection;
                    let message = describe(table, &rest.desired, &words, &fields);
                    let message = match write.purpose {
                        WritePurpose::Schedule => format!("{message}; {WITHOUT_SCHEDULE}"),
                        _ => message,
                    };
                    if unclear.is_some() {
                        return Err(failed_after(message, unclear));
                    }
                    return Err(Failure {
                        outcome: Outcome::Rejected,
                        message,
                        unclear: false,
                    });
                }
                Verdict::Later(words) => {
                    let why = format!("the vendor kept us waiting and did nothing: {words}");
                    return Err(failed_after(why, unclear));
                }
                Verdict::Unclear(why) => why,
            },
            Err(lost) if lost.error.may_have_been_sent() => lost.text(),
            Err(lost) => return Err(failed_after(lost.text(), unclear)),
        };
        if let Some(seen) = find_effect(context, rest, &why).await? {
            return Ok(Settled::Shown(seen));
        }
        if write.purpose == WritePurpose::Create {
            let why =
                format!("{why}; {UNCLEAR}, and it does not show: the next run searches again");
            return Err(Failure {
                outcome: Outcome::Failed,
                message: why,
                unclear: true,
            });
        }
        unclear = Some(why);
    }
    let given_up = format!("given up after {TRIES} tries, none of which showed an effect");
    Err(failed_after(given_up, unclear))
}

/// Reads the object after a write with an unclear reply. Returns what is there if the write was carried out, and `None`
/// if the object is as before it. `Err` if it is neither, or cannot be read.
///
/// A created object may show late, so it is searched as long as an accepted write would be.
async fn find_effect(
    context: &StepContext<'_>,
    rest: &Planned,
    why: &str,
) -> Result<Option<Option<Live>>, Failure> {
    let open = |message| Failure {
        outcome: Outcome::Failed,
        message,
        unclear: true,
    };
    let read = match rest.action {
        Disposition::Create => read_until_settled(context, rest).await,
        _ => read_live(context, &rest.desired).await,
    };
    let seen = match read {
        Ok(seen) => seen,
        Err(error) => return Err(open(format!("{why}; {UNCLEAR}: {error}"))),
    };
    let (again, _) = replan_step(context, rest, seen.as_ref());
    let is_carried_out = match (rest.action, &seen) {
        (Disposition::Create, seen) => seen.is_some(),
        (Disposition::Remove, seen) => seen.is_none(),
        (_, None) => {
            return Err(open(format!(
                "{why}; {UNCLEAR}: after it the object was not there"
            )));
        }
        (_, Some(_)) => again.changes.is_empty() || is_rest(&again, rest),
    };
    if is_carried_out {
        return Ok(Some(seen));
    }
    if again.fingerprint != rest.fingerprint {
        // The write may have been lost while another writer changed the object, or it arrived and was overwritten.
        // Both look the same, even if a part of the planned values is there now.
        return Err(open(format!(
            "{why}; {UNCLEAR}, and the object changed meanwhile"
        )));
    }
    Ok(None)
}

/// Reports whether `again` is what is left of `rest` after its first write: the later writes as they were shown, from the
/// values that they were planned from. A new object may have some of the later values already.
fn is_rest(again: &Planned, rest: &Planned) -> bool {
    let writes = |planned: &Planned| planned.step.as_ref().map(|step| step.writes.clone());
    let (Some(left), Some(all)) = (writes(again), writes(rest)) else {
        return false;
    };
    let Some((first, later)) = all.split_first() else {
        return false;
    };
    let changes = rest.changes.iter().enumerate();
    let mut changes = changes
        .filter(|(index, _)| !first.changes.contains(index))
        .map(|(_, change)| change);
    if first.purpose == WritePurpose::Create {
        let is_shown = |change: &Change| {
            changes.any(|shown| (&shown.path, &shown.after) == (&change.path, &change.after))
        };
        return again.action.writes() && again.changes.iter().all(is_shown);
    }
    let call = |write: &StepWrite| CallEntry::new(&write.call);
    let values = |change: &Change| {
        (
            change.path.clone(),
            change.before.clone(),
            change.after.clone(),
        )
    };
    again.action.writes()
        && left.len() == later.len()
        && left
            .iter()
            .zip(later)
            .all(|(left, shown)| call(left).is_same(&call(shown)))
        && again.changes.iter().map(values).eq(changes.map(values))
}

/// Reports an object whose step ended early. After a write that was carried out, the fields of the others are the
/// residual.
fn report_failure(planned: Planned, rest: &Planned, done: &[String], failure: Failure) -> Report {
    let message = match done {
        [] => failure.message,
        done => format!(
            "{}; carried out before: {}",
            failure.message,
            done.join(", ")
        ),
    };
    let left = rest.changes.iter().filter(|_| !done.is_empty());
    Report {
        residual: left.map(residual_of).collect(),
        unclear: failure.unclear,
        ..Report::new(planned, Some(failure.outcome), Some(message))
    }
}

/// Names the way out for who may not schedule at the vendor.
const WITHOUT_SCHEDULE: &str =
    "without `policy.schedule: vendor`, entitle carries out dated changes itself at their moment";

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
